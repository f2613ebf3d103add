#include "resolve/catalog.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "base/mem.h"
#include "base/system.h"
#include "describe/describe.h"

#define PATH_NBYTES 64

/* --- the tables --- */

static enum quern_status refuse(const char *file, const char *why, struct quern_message *err)
{
	return qn_error_set(err, QUERN_ERR_DATA, "%s: this catalog is damaged: %s", file, why);
}

static enum quern_status read_bytes(const char *file, int fd, uint64_t addr, void *out,
				    uint64_t nbytes, struct quern_message *err)
{
	ssize_t n = qn_sys_read_data(fd, out, nbytes, addr);

	if (n < 0)
		return qn_error_set(err, QUERN_ERR_DATA, "%s: cannot be read: %s", file,
				    strerror(errno));
	return (uint64_t)n == nbytes ? QUERN_OK : refuse(file, "it was cut short", err);
}

/* A table lies in one piece. */
static enum quern_status load_table(const char *file, const struct qn_format *format, int fd,
				    int table, struct qn_tables *t, uint64_t *addr,
				    struct quern_message *err)
{
	char path[PATH_NBYTES];
	struct qn_dataset d;
	enum quern_status st;

	snprintf(path, sizeof(path), QN_CATALOG_GROUP "/%s", qn_table_name[table]);
	st = format->describe(file, path, NULL, true, &d, err);
	if (st)
		return st;
	st = qn_dataset_check(&d, err);
	if (!st && (d.layout != QN_CONTIGUOUS || d.type.class != QN_UINT ||
		    d.type.size != qn_table_size[table] || d.nfilters ||
		    (qn_dataset_nbytes(&d) && !d.nchunks)))
		st = refuse(file, "a table in it is none", err);
	if (!st) {
		t->nbytes[table] = qn_dataset_nbytes(&d);
		*addr = d.nchunks ? d.chunks[0].addr : 0;
		t->data[table] = qn_calloc(t->nbytes[table], 1);
		if (!t->data[table])
			st = qn_error_nomem(err, t->nbytes[table], "a catalog");
	}
	if (!st)
		st = read_bytes(file, fd, *addr, t->data[table], t->nbytes[table], err);
	qn_dataset_fini(&d);
	return st;
}

static enum quern_status load(const char *file, const struct qn_format *format,
			      struct qn_catalog *c, struct quern_message *err)
{
	struct stat s;
	const int fd = qn_file_open(file, &s);
	struct qn_tables t = { .data = { NULL } };
	uint64_t addr[QN_NTABLES] = { 0 };
	enum quern_status st = QUERN_OK;

	if (fd < 0)
		st = qn_error_set(err, qn_file_status(errno), "%s: cannot be opened: %s", file,
				  qn_file_why(errno));
	for (int i = 0; !st && i < QN_NTABLES; i++)
		st = load_table(file, format, fd, i, &t, &addr[i], err);
	if (!st)
		st = qn_catalog_parse(file, &t, c, err);
	if (!st) {
		memcpy(c->at, addr, sizeof(addr));
		c->rights = qn_rights_of(file, &s);
		c->file_nbytes = (uint64_t)s.st_size;
		c->file_mtime_ns = (int64_t)s.st_mtim.tv_sec * 1000000000 + s.st_mtim.tv_nsec;
		c->file = qn_strdup(file);
		if (!c->file) {
			st = qn_error_nomem(err, strlen(file), "a catalog");
			qn_catalog_fini(c);
		}
	}
	qn_tables_fini(&t);
	if (fd >= 0)
		qn_sys_close(fd);
	return st;
}

enum quern_status qn_catalog_load(const char *file, struct qn_catalog *c, bool *is,
				  struct quern_message *err)
{
	const struct qn_format *format = NULL;
	enum quern_status st = qn_source_format(file, &format, err);

	*is = false;
	if (!st)
		st = qn_source_has(format, file, QN_CATALOG_GROUP "/head", is, err);
	if (!st && *is)
		st = load(file, format, c, err);
	*is = *is && !st;
	return st;
}

/* --- shards as members --- */

struct staged {
	const struct qn_dataset *d;
	const uint64_t *origin;
	const struct qn_catalog *c;
	struct qn_dataset shell;
	uint32_t number; /* of the dataset in the catalog */
	uint32_t ledger;
	struct qn_mosaic *m;
};

/* What the catalog says of it is of the dataset as it was staged. */
static bool same_shape(const struct qn_dataset *a, const struct qn_dataset *b)
{
	if (a->ndim != b->ndim || a->type.size != b->type.size ||
	    a->type.big_endian != b->type.big_endian)
		return false;
	for (int i = 0; i < a->ndim; i++)
		if (a->shape[i] != b->shape[i])
			return false;
	return true;
}

/* The description of a shard, borrowing all that it points to but its file and chunks. */
static enum quern_status describe_shard(const struct staged *s, uint32_t shard,
					struct qn_dataset *out, struct quern_message *err)
{
	const struct qn_shard *x = &s->c->shard[shard];
	const struct qn_dataset *d = s->d;
	const int outer = qn_dataset_outer_ndim(&s->shell);

	*out = s->shell;
	qn_dataset_disown(out);
	out->file = qn_catalog_file_of(s->c, shard);
	out->path = d->path;
	out->chunks = qn_calloc(x->nchunks, sizeof(*out->chunks));
	if (!out->file || !out->chunks)
		return qn_error_nomem(err, x->nchunks * sizeof(*out->chunks), "a shard");
	out->shape[x->dim] = x->count;
	for (int i = 0; i < outer; i++)
		out->chunk[i] = x->chunk[i];
	out->type = d->type; /* attributes may have made it unsigned */
	qn_dataset_copy_attributes(d, out);
	out->user_block = 0;
	out->file_nbytes = x->nbytes;
	out->file_mtime_ns = s->c->time_ns;
	out->nchunks = x->nchunks;
	for (uint64_t i = 0; i < x->nchunks; i++)
		out->chunks[i] = s->c->entry[x->first + i].chunk;
	return qn_dataset_check(out, err);
}

static enum quern_status add_shard(struct staged *s, uint32_t shard, struct quern_message *err)
{
	const struct qn_shard *x = &s->c->shard[shard];
	struct quern_box from = { .ndim = s->d->ndim }, to;
	uint32_t member = 0;
	struct qn_dataset d;
	bool fits = true;
	enum quern_status st = describe_shard(s, shard, &d, err);

	for (int i = 0; !st && i < d.ndim; i++) {
		from.count[i] = d.shape[i];
		from.step[i] = 1;
	}
	to = from;
	for (int i = 0; !st && i < d.ndim; i++)
		to.start[i] = s->origin[i] + (i == x->dim ? x->start : 0);
	if (!st)
		st = qn_mosaic_add(s->m, &d, &member, err);
	if (!st) {
		s->m->member[member].ledger = s->ledger;
		s->m->member[member].first_row = x->first;
		s->m->member[member].nrows = x->nchunks;
		s->m->member[member].nhomes = x->nhomes;
		st = qn_mosaic_put(s->m, member, &from, &to, &fits, err);
	}
	free(d.file);
	free(d.chunks);
	return st || fits ? st : refuse(s->c->file, "a shard does not fit into its dataset", err);
}

/* Shards follow each other: that they begin and end with the dataset remains to be seen. */
static enum quern_status add_shards(struct staged *s, struct quern_message *err)
{
	const struct qn_ledger ledger = { .file = s->c->file,
					  .file_nbytes = s->c->file_nbytes,
					  .file_mtime_ns = s->c->file_mtime_ns,
					  .addr = s->c->at[QN_TABLE_CHUNKS],
					  .nrows = s->c->nentries };
	enum quern_status st = qn_mosaic_add_ledger(s->m, &ledger, &s->ledger, err);
	uint64_t end = 0, length = 0;

	for (uint32_t i = 0; !st && i < s->c->nshards; i++) {
		const struct qn_shard *x = &s->c->shard[i];

		if (x->dataset != s->number)
			continue;
		if (x->dim >= qn_dataset_outer_ndim(&s->shell))
			return refuse(s->c->file, "it is cut along a dimension that is not there",
				      err);
		end = x->start + x->count;
		length = s->d->shape[x->dim];
		if (end > length)
			break;
		st = add_shard(s, i, err);
	}
	return st || end == length ? st : refuse(s->c->file, "its shards are not its dataset", err);
}

enum quern_status qn_resolve_catalog(const struct qn_dataset *d, const uint64_t *origin,
				     struct qn_mosaic *m, bool *is, struct quern_message *err)
{
	const struct qn_format *format = NULL;
	char path[PATH_NBYTES];
	struct qn_catalog c;
	struct staged s = { .d = d, .origin = origin, .c = &c, .m = m };
	enum quern_status st = qn_catalog_load(d->file, &c, is, err);

	if (st || !*is)
		return st;
	while (s.number < c.ndatasets && strcmp(c.path[s.number], d->path))
		s.number++;
	*is = s.number < c.ndatasets;
	if (!*is)
		goto out;
	snprintf(path, sizeof(path), QN_CATALOG_GROUP "/shell%u", (unsigned)s.number);
	st = qn_source_format(d->file, &format, err);
	if (!st)
		st = format->describe(d->file, path, qn_dataset_column(d), false, &s.shell, err);
	if (st)
		goto out;
	st = qn_dataset_check(&s.shell, err);
	if (!st && !same_shape(d, &s.shell))
		st = refuse(d->file, "a dataset is not what was staged", err);
	if (!st)
		st = add_shards(&s, err);
	qn_dataset_fini(&s.shell);
out:
	qn_catalog_fini(&c);
	return st;
}
