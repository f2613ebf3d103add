#include "data/catalog.h"

#include <endian.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "base/mem.h"

#define MAGIC	    UINT64_C(0x71756572636174ff)
#define VERSION	    1
#define MOST_HOSTS  (UINT64_C(1) << 20)
#define NAME_NBYTES 4096

enum {
	HEAD_WORDS = 16,
	SUM_AT = 10,
	SHARD_WORDS = 10 + QN_MOST_REPLICAS + QUERN_MAX_DIMS,
	ENTRY_WORDS = QN_ENTRY_NBYTES / 8
};

const char *const qn_table_name[QN_NTABLES] = { "head", "hosts", "names", "shards", "chunks" };
const uint32_t qn_table_size[QN_NTABLES] = { 8, 1, 1, 8, 8 };
const uint32_t qn_table_width[QN_NTABLES] = { 1, QN_HOST_NBYTES, 1, SHARD_WORDS, ENTRY_WORDS };

void qn_catalog_fini(struct qn_catalog *c)
{
	for (uint32_t i = 0; c->path && i < c->ndatasets; i++)
		free(c->path[i]);
	free(c->path);
	free(c->file);
	free(c->source);
	free(c->host);
	free(c->shard);
	free(c->entry);
	memset(c, 0, sizeof(*c));
}

void qn_tables_fini(struct qn_tables *t)
{
	for (int i = 0; i < QN_NTABLES; i++)
		free(t->data[i]);
	memset(t, 0, sizeof(*t));
}

/* --- names of files --- */

char *qn_catalog_folder(const char *catalog)
{
	char *out;

	return qn_asprintf(&out, "%s.shards", catalog) < 0 ? NULL : out;
}

char *qn_catalog_shard_file(const char *catalog, uint32_t dataset, uint32_t number)
{
	char *out;

	return qn_asprintf(&out, "%s.shards/d%" PRIu32 ".s%04" PRIu32 ".h5", catalog, dataset,
			   number) < 0
		       ? NULL
		       : out;
}

char *qn_catalog_shard_name(const char *catalog, uint32_t dataset, uint32_t number)
{
	const char *slash = strrchr(catalog, '/');

	return qn_catalog_shard_file(slash ? slash + 1 : catalog, dataset, number);
}

uint32_t qn_catalog_number(const struct qn_catalog *c, uint32_t shard)
{
	uint32_t low = 0, high = shard;

	while (low < high) {
		const uint32_t mid = low + (high - low) / 2;

		if (c->shard[mid].dataset < c->shard[shard].dataset)
			low = mid + 1;
		else
			high = mid;
	}
	return shard - low;
}

char *qn_catalog_file_of(const struct qn_catalog *c, uint32_t shard)
{
	return qn_catalog_shard_file(c->file, c->shard[shard].dataset, qn_catalog_number(c, shard));
}

uint32_t qn_catalog_host(struct qn_catalog *c, const char *name)
{
	uint32_t free_one = UINT32_MAX;

	for (uint32_t i = 0; i < c->nhosts; i++) {
		if (!strncmp(c->host[i], name, QN_HOST_NBYTES))
			return i;
		if (!c->host[i][0] && free_one == UINT32_MAX)
			free_one = i;
	}
	if (free_one != UINT32_MAX) {
		memset(c->host[free_one], 0, QN_HOST_NBYTES);
		memcpy(c->host[free_one], name, strnlen(name, QN_HOST_NBYTES - 1));
	}
	return free_one;
}

/* --- to tables --- */

static uint64_t *put(uint64_t *w, uint64_t v)
{
	*w = htole64(v);
	return w + 1;
}

/* The halves of a sum, as numbers. */
static uint64_t *put_sum(uint64_t *w, const struct qn_sum *s)
{
	for (int i = 0; i < 2; i++) {
		uint64_t half;

		memcpy(&half, s->byte + 8 * i, sizeof(half));
		w = put(w, be64toh(half));
	}
	return w;
}

static void pack_head(const struct qn_catalog *c, uint64_t *w)
{
	const uint64_t head[] = { MAGIC,
				  VERSION,
				  c->nhosts,
				  c->ndatasets,
				  c->nshards,
				  c->nentries,
				  c->nreplicas,
				  (uint64_t)c->time_ns,
				  c->source_nbytes,
				  (uint64_t)c->source_mtime_ns };

	for (size_t i = 0; i < sizeof(head) / sizeof(*head); i++)
		w = put(w, head[i]);
}

static void pack_shard(const struct qn_shard *s, uint64_t *w)
{
	const uint64_t head[] = { s->dataset, (uint64_t)s->dim, s->start, s->count, s->nbytes };
	const uint64_t rest[] = { s->first, s->nchunks, s->nhomes };

	for (size_t i = 0; i < sizeof(head) / sizeof(*head); i++)
		w = put(w, head[i]);
	w = put_sum(w, &s->sum);
	for (size_t i = 0; i < sizeof(rest) / sizeof(*rest); i++)
		w = put(w, rest[i]);
	for (int i = 0; i < QN_MOST_REPLICAS; i++)
		w = put(w, s->home[i]);
	for (int i = 0; i < QUERN_MAX_DIMS; i++)
		w = put(w, s->chunk[i]);
}

static void pack_entry(const struct qn_entry *e, uint64_t *w)
{
	w = put(w, e->chunk.number);
	w = put(w, e->chunk.addr);
	w = put(w, e->chunk.nbytes);
	w = put(w, e->chunk.filter_mask);
	put_sum(w, &e->sum);
}

static void pack_names(const struct qn_catalog *c, char *to)
{
	to = stpcpy(to, c->source) + 1;
	for (uint32_t i = 0; i < c->ndatasets; i++)
		to = stpcpy(to, c->path[i]) + 1;
}

/* Of all tables, with the place of the sum itself zeroed. */
static bool sum_tables(const struct qn_tables *t, struct qn_sum *out)
{
	struct qn_summer *s = qn_summer_new();
	uint64_t head[HEAD_WORDS];

	if (!s)
		return false;
	qn_summer_reset(s);
	memcpy(head, t->data[QN_TABLE_HEAD], sizeof(head));
	head[SUM_AT] = head[SUM_AT + 1] = 0;
	qn_summer_add(s, head, sizeof(head));
	for (int i = QN_TABLE_HOSTS; i < QN_NTABLES; i++)
		qn_summer_add(s, t->data[i], t->nbytes[i]);
	qn_summer_get(s, out);
	qn_summer_free(s);
	return true;
}

static bool allocate(struct qn_tables *t)
{
	for (int i = 0; i < QN_NTABLES; i++) {
		t->data[i] = qn_calloc(t->nbytes[i], 1);
		if (!t->data[i])
			return false;
	}
	return true;
}

enum quern_status qn_catalog_pack(const struct qn_catalog *c, struct qn_tables *t,
				  struct quern_message *err)
{
	struct qn_sum sum;
	uint64_t *shards, *entries;

	*t = (struct qn_tables){ .nbytes = { HEAD_WORDS * 8, (uint64_t)c->nhosts * QN_HOST_NBYTES,
					     strlen(c->source) + 1,
					     (uint64_t)c->nshards * SHARD_WORDS * 8,
					     c->nentries * QN_ENTRY_NBYTES } };
	for (uint32_t i = 0; i < c->ndatasets; i++)
		t->nbytes[QN_TABLE_NAMES] += strlen(c->path[i]) + 1;
	if (!allocate(t))
		goto nomem;
	pack_head(c, t->data[QN_TABLE_HEAD]);
	memcpy(t->data[QN_TABLE_HOSTS], c->host, t->nbytes[QN_TABLE_HOSTS]);
	pack_names(c, t->data[QN_TABLE_NAMES]);
	shards = t->data[QN_TABLE_SHARDS];
	for (uint32_t i = 0; i < c->nshards; i++)
		pack_shard(&c->shard[i], shards + (size_t)i * SHARD_WORDS);
	entries = t->data[QN_TABLE_CHUNKS];
	for (uint64_t i = 0; i < c->nentries; i++)
		pack_entry(&c->entry[i], entries + i * ENTRY_WORDS);
	if (!sum_tables(t, &sum))
		goto nomem;
	put_sum((uint64_t *)t->data[QN_TABLE_HEAD] + SUM_AT, &sum);
	return QUERN_OK;
nomem:
	qn_tables_fini(t);
	return qn_error_nomem(err, c->nentries * QN_ENTRY_NBYTES, "a catalog");
}

/* --- from tables --- */

static enum quern_status refuse(const char *file, const char *why, struct quern_message *err)
{
	return qn_error_set(err, QUERN_ERR_DATA,
			    "%s: this catalog is damaged: %s; copy it again from "
			    "another host of the staging, or stage anew",
			    file, why);
}

static uint64_t word(const uint64_t *w, size_t i)
{
	return le64toh(w[i]);
}

static void get_sum(const uint64_t *w, struct qn_sum *out)
{
	for (size_t i = 0; i < 2; i++) {
		const uint64_t half = htobe64(word(w, i));

		memcpy(out->byte + 8 * i, &half, sizeof(half));
	}
}

bool qn_entry_read(const void *row, struct qn_entry *out)
{
	uint64_t w[ENTRY_WORDS];

	memcpy(w, row, sizeof(w));
	if (word(w, 2) > UINT32_MAX || word(w, 3) > UINT32_MAX)
		return false;
	out->chunk = (struct qn_chunk){ .number = word(w, 0),
					.addr = word(w, 1),
					.nbytes = (uint32_t)word(w, 2),
					.filter_mask = (uint32_t)word(w, 3) };
	get_sum(w + 4, &out->sum);
	return true;
}

static const char *parse_head(const struct qn_tables *t, struct qn_catalog *c)
{
	const uint64_t *w = t->data[QN_TABLE_HEAD];

	if (t->nbytes[QN_TABLE_HEAD] != HEAD_WORDS * 8 || word(w, 0) != MAGIC)
		return "its head is none";
	if (word(w, 1) != VERSION)
		return "it was written by another version of quern";
	if (word(w, 2) > MOST_HOSTS || word(w, 3) > QN_MOST_SHARDS || word(w, 4) > QN_MOST_SHARDS ||
	    word(w, 5) > t->nbytes[QN_TABLE_CHUNKS] || !word(w, 6) || word(w, 6) > QN_MOST_REPLICAS)
		return "its head has impossible numbers";
	c->nhosts = (uint32_t)word(w, 2);
	c->ndatasets = (uint32_t)word(w, 3);
	c->nshards = (uint32_t)word(w, 4);
	c->nentries = word(w, 5);
	c->nreplicas = (uint32_t)word(w, 6);
	c->time_ns = (int64_t)word(w, 7);
	c->source_nbytes = word(w, 8);
	c->source_mtime_ns = (int64_t)word(w, 9);
	if (t->nbytes[QN_TABLE_HOSTS] != (uint64_t)c->nhosts * QN_HOST_NBYTES ||
	    t->nbytes[QN_TABLE_SHARDS] != (uint64_t)c->nshards * SHARD_WORDS * 8 ||
	    t->nbytes[QN_TABLE_CHUNKS] != c->nentries * QN_ENTRY_NBYTES)
		return "its tables are not as long as they should be";
	return NULL;
}

/* Takes a name from *at, which ends before `end`. */
static char *take_name(const char **at, const char *end, bool *nomem)
{
	const size_t room = (size_t)(end - *at);
	const size_t n = strnlen(*at, room < NAME_NBYTES ? room : NAME_NBYTES);
	char *out;

	if (n == room || n == NAME_NBYTES || n == 0)
		return NULL;
	out = qn_strdup(*at);
	*nomem = !out;
	*at += n + 1;
	return out;
}

static const char *parse_names(const struct qn_tables *t, struct qn_catalog *c, bool *nomem)
{
	const char *at = t->data[QN_TABLE_NAMES], *end = at + t->nbytes[QN_TABLE_NAMES];

	c->source = take_name(&at, end, nomem);
	c->path = qn_calloc(c->ndatasets, sizeof(*c->path));
	*nomem = *nomem || !c->path;
	for (uint32_t i = 0; !*nomem && c->source && i < c->ndatasets; i++) {
		c->path[i] = take_name(&at, end, nomem);
		if (!c->path[i] || c->path[i][0] != '/')
			return "its names are none";
	}
	return !*nomem && (!c->source || at != end) ? "its names are none" : NULL;
}

static const char *parse_hosts(const struct qn_tables *t, struct qn_catalog *c, bool *nomem)
{
	c->host = qn_calloc(c->nhosts, QN_HOST_NBYTES);
	*nomem = !c->host;
	if (*nomem)
		return NULL;
	memcpy(c->host, t->data[QN_TABLE_HOSTS], t->nbytes[QN_TABLE_HOSTS]);
	for (uint32_t i = 0; i < c->nhosts; i++)
		for (int k = 0; k < QN_HOST_NBYTES; k++)
			if ((c->host[i][k] && (c->host[i][k] <= ' ' || c->host[i][k] > '~')) ||
			    (k == QN_HOST_NBYTES - 1 && c->host[i][k]))
				return "its names of hosts are none";
	return NULL;
}

/* Shards come by dataset and start, and each begins where the one before it ends. */
static bool follows(const struct qn_catalog *c, uint32_t i)
{
	const struct qn_shard *s = &c->shard[i], *before = i ? s - 1 : NULL;

	if (before && before->dataset == s->dataset)
		return s->dim == before->dim && s->start == before->start + before->count &&
		       s->first == before->first + before->nchunks;
	return s->start == 0 && s->dataset == (before ? before->dataset + 1 : 0) &&
	       s->first == (before ? before->first + before->nchunks : 0);
}

static bool parse_shard(const uint64_t *w, struct qn_catalog *c, uint32_t i)
{
	struct qn_shard *s = &c->shard[i];
	uint64_t end;

	if (word(w, 0) >= c->ndatasets || word(w, 1) >= QUERN_MAX_DIMS || !word(w, 3) ||
	    !qn_add(word(w, 2), word(w, 3), &end) || word(w, 4) > INT64_MAX ||
	    !qn_add(word(w, 7), word(w, 8), &end) || end > c->nentries ||
	    word(w, 9) > QN_MOST_REPLICAS)
		return false;
	*s = (struct qn_shard){ .dataset = (uint32_t)word(w, 0),
				.dim = (int)word(w, 1),
				.start = word(w, 2),
				.count = word(w, 3),
				.nbytes = word(w, 4),
				.first = word(w, 7),
				.nchunks = word(w, 8),
				.nhomes = (uint32_t)word(w, 9) };
	get_sum(w + 5, &s->sum);
	for (uint32_t k = 0; k < s->nhomes; k++) {
		if (word(w, 10 + k) >= c->nhosts)
			return false;
		s->home[k] = (uint32_t)word(w, 10 + k);
	}
	for (int k = 0; k < QUERN_MAX_DIMS; k++)
		s->chunk[k] = word(w, 10 + QN_MOST_REPLICAS + (size_t)k);
	return follows(c, i);
}

static const char *parse_shards(const struct qn_tables *t, struct qn_catalog *c, bool *nomem)
{
	const uint64_t *w = t->data[QN_TABLE_SHARDS];

	c->shard = qn_calloc(c->nshards, sizeof(*c->shard));
	*nomem = !c->shard;
	for (uint32_t i = 0; c->shard && i < c->nshards; i++)
		if (!parse_shard(w + (size_t)i * SHARD_WORDS, c, i))
			return "a shard in it is impossible";
	if (c->shard &&
	    (!c->nshards || c->shard[c->nshards - 1].dataset + 1 != c->ndatasets ||
	     c->shard[c->nshards - 1].first + c->shard[c->nshards - 1].nchunks != c->nentries))
		return "its shards are not all there";
	return NULL;
}

static const char *parse_entries(const struct qn_tables *t, struct qn_catalog *c, bool *nomem)
{
	const char *row = t->data[QN_TABLE_CHUNKS];

	c->entry = qn_calloc(c->nentries, sizeof(*c->entry));
	*nomem = !c->entry;
	for (uint64_t i = 0; c->entry && i < c->nentries; i++)
		if (!qn_entry_read(row + i * QN_ENTRY_NBYTES, &c->entry[i]))
			return "a chunk in it is impossible";
	return NULL;
}

static const char *check_sum(const struct qn_tables *t, bool *nomem)
{
	struct qn_sum is, should;

	*nomem = !sum_tables(t, &is);
	get_sum((const uint64_t *)t->data[QN_TABLE_HEAD] + SUM_AT, &should);
	return !*nomem && !qn_sum_equal(&is, &should) ? "its tables are not what they were" : NULL;
}

enum quern_status qn_catalog_parse(const char *file, const struct qn_tables *t,
				   struct qn_catalog *c, struct quern_message *err)
{
	static const char *(*const part[])(const struct qn_tables *, struct qn_catalog *,
					   bool *) = {
		parse_names,
		parse_hosts,
		parse_shards,
		parse_entries,
	};
	enum quern_status st = qn_sum_check(err);
	const char *why;
	bool nomem = false;

	if (st)
		return st;
	memset(c, 0, sizeof(*c));
	why = parse_head(t, c);
	if (!why)
		why = check_sum(t, &nomem);
	for (size_t i = 0; !why && !nomem && i < sizeof(part) / sizeof(*part); i++)
		why = part[i](t, c, &nomem);
	if (!why && !nomem) {
		QN_ASSERT_VALID(catalog, c);
		return QUERN_OK;
	}
	qn_catalog_fini(c);
	return nomem ? qn_error_nomem(err, t->nbytes[QN_TABLE_CHUNKS], "a catalog")
		     : refuse(file, why, err);
}

static bool is_valid_shard(const struct qn_catalog *c, uint32_t i, const char **why)
{
	const struct qn_shard *s = &c->shard[i], *before = i ? s - 1 : NULL;
	const bool goes_on = before && before->dataset == s->dataset;

	QN_HOLDS(s->dataset < c->ndatasets && s->dim >= 0 && s->dim < QUERN_MAX_DIMS && s->count,
		 "a shard is of a dataset, and has indexes of it");
	QN_HOLDS(s->dataset == (goes_on	 ? before->dataset
				: before ? before->dataset + 1
					 : 0) &&
			 s->start == (goes_on ? before->start + before->count : 0),
		 "shards are by dataset and start, without gaps");
	QN_HOLDS(s->nhomes <= QN_MOST_REPLICAS, "a shard has up to QN_MOST_REPLICAS homes");
	for (uint32_t k = 0; k < s->nhomes; k++)
		QN_HOLDS(s->home[k] < c->nhosts, "homes are hosts");
	if (!c->nentries)
		return true;
	QN_HOLDS(s->first == (before ? before->first + before->nchunks : 0) &&
			 s->nchunks <= c->nentries - s->first,
		 "entries are shard by shard");
	return true;
}

bool qn_catalog_is_valid(const struct qn_catalog *c, const char **why)
{
	QN_HOLDS(c->source && (!c->ndatasets || c->path),
		 "a catalog has a source and names of datasets");
	QN_HOLDS(!c->nhosts || c->host, "hosts that are counted are there");
	for (uint32_t i = 0; i < c->nshards; i++)
		if (!is_valid_shard(c, i, why))
			return false;
	return true;
}

/* --- for other ranks --- */

/* In front of the flat form: what the tables do not have; then the file's name, then the tables. */
struct flat_head {
	uint64_t file_nbytes, name_nbytes, nbytes[QN_NTABLES], at[QN_NTABLES];
	int64_t file_mtime_ns;
	struct qn_rights rights;
};

void *qn_catalog_flatten(const struct qn_catalog *c, size_t *nbytes, struct quern_message *err)
{
	struct flat_head h = { .file_nbytes = c->file_nbytes,
			       .name_nbytes = strlen(c->file) + 1,
			       .file_mtime_ns = c->file_mtime_ns,
			       .rights = c->rights };
	struct qn_tables t;
	char *out, *at;

	QN_ASSERT_VALID(catalog, c);
	if (qn_catalog_pack(c, &t, err))
		return NULL;
	memcpy(h.at, c->at, sizeof(h.at));
	*nbytes = sizeof(h) + h.name_nbytes;
	for (int i = 0; i < QN_NTABLES; i++)
		*nbytes += h.nbytes[i] = t.nbytes[i];
	at = out = qn_malloc(*nbytes);
	if (out) {
		at = mempcpy(mempcpy(at, &h, sizeof(h)), c->file, h.name_nbytes);
		for (int i = 0; i < QN_NTABLES; i++)
			at = mempcpy(at, t.data[i], t.nbytes[i]);
	} else {
		qn_error_nomem(err, *nbytes, "a catalog");
	}
	qn_tables_fini(&t);
	return out;
}

enum quern_status qn_catalog_unflatten(const void *flat, size_t nbytes, struct qn_catalog *c,
				       struct quern_message *err)
{
	const char *at = flat, *file;
	struct flat_head h;
	struct qn_tables t = { .data = { NULL } };
	size_t sum = sizeof(h);
	enum quern_status st = QUERN_OK;

	memcpy(&h, at, sizeof(h));
	sum += h.name_nbytes;
	file = at + sizeof(h);
	at = file + h.name_nbytes;
	for (int i = 0; i < QN_NTABLES; i++)
		sum += t.nbytes[i] = h.nbytes[i];
	if (sum != nbytes)
		return qn_error_set(err, QUERN_ERR_RUN, "a catalog was cut short on its way");
	/* The words of tables want to be aligned. */
	if (!allocate(&t))
		st = qn_error_nomem(err, nbytes, "a catalog");
	for (int i = 0; !st && i < QN_NTABLES; i++) {
		memcpy(t.data[i], at, t.nbytes[i]);
		at += t.nbytes[i];
	}
	if (!st)
		st = qn_catalog_parse(file, &t, c, err);
	qn_tables_fini(&t);
	if (st)
		return st;
	c->file = qn_strdup(file);
	c->file_nbytes = h.file_nbytes;
	c->file_mtime_ns = h.file_mtime_ns;
	c->rights = h.rights;
	memcpy(c->at, h.at, sizeof(c->at));
	return c->file ? QUERN_OK : qn_error_nomem(err, h.name_nbytes, "a catalog");
}
