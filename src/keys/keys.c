/*
 * keys.c - keys from their text to all ranks: rank 0 groups what the ranks read (source.h), and the others get
 * the keys packed.
 */
#include "keys/keys.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/text.h"
#include "data/frame.h"
#include "data/reading.h"
#include "cluster/share.h"
#include "find/warnings.h"
#include "keys/agree.h"
#include "keys/group.h"
#include "keys/parse.h"
#include "keys/source.h"

/* --- from rank 0 to all --- */

/* What a key owns, and how many bytes there are of it. */
struct array {
	void **bytes;
	size_t nbytes;
};
#define NARRAYS 11

static size_t text_nbytes(const char *text)
{
	return text ? strlen(text) + 1 : 0;
}

/* The sizes of texts are known where they are. */
static void list_arrays(struct qn_key *k, struct array out[NARRAYS])
{
	const size_t n = k->ngroups;
	const struct array all[NARRAYS] = {
		{ (void **)&k->name, text_nbytes(k->name) },
		{ (void **)&k->text, text_nbytes(k->text) },
		{ (void **)&k->path, text_nbytes(k->path) },
		{ (void **)&k->group, (size_t)k->nindexes * sizeof(*k->group) },
		{ (void **)&k->integers, n * sizeof(*k->integers) },
		{ (void **)&k->reals, n * sizeof(*k->reals) },
		{ (void **)&k->texts, n * k->text_nbytes },
		{ (void **)&k->edges, (n + 1) * sizeof(*k->edges) },
		{ (void **)&k->starts, n * sizeof(*k->starts) },
		{ (void **)&k->ends, n * sizeof(*k->ends) },
		{ (void **)&k->middles, n * sizeof(*k->middles) },
	};

	memcpy(out, all, sizeof(all));
}

/* The key, then the sizes of its arrays (SIZE_MAX: none), then the arrays. NULL: there is no memory. */
static void *pack_key(struct qn_key *k, size_t *nbytes)
{
	struct array array[NARRAYS];
	size_t size[NARRAYS], n = sizeof(*k) + sizeof(size);
	char *out, *at;

	list_arrays(k, array);
	for (int i = 0; i < NARRAYS; i++) {
		size[i] = *array[i].bytes ? array[i].nbytes : SIZE_MAX;
		n += *array[i].bytes ? array[i].nbytes : 0;
	}
	out = qn_malloc(n);
	if (!out)
		return NULL;
	memcpy(out, k, sizeof(*k));
	memcpy(out + sizeof(*k), size, sizeof(size));
	at = out + sizeof(*k) + sizeof(size);
	for (int i = 0; i < NARRAYS; i++)
		if (*array[i].bytes) {
			memcpy(at, *array[i].bytes, array[i].nbytes);
			at += array[i].nbytes;
		}
	*nbytes = n;
	return out;
}

static enum quern_status unpack_key(const void *packed, size_t nbytes, void *thing,
				    struct quern_message *err)
{
	const char *at = packed;
	struct qn_key *k = thing;
	struct array array[NARRAYS];
	size_t size[NARRAYS], left = nbytes - sizeof(*k) - sizeof(size);

	if (nbytes < sizeof(*k) + sizeof(size))
		return qn_error_set(err, QUERN_ERR_RUN, "a key is cut short");
	memcpy(k, at, sizeof(*k));
	memcpy(size, at + sizeof(*k), sizeof(size));
	at += sizeof(*k) + sizeof(size);
	k->name = k->text = k->path = NULL;
	list_arrays(k, array);
	for (int i = 0; i < NARRAYS; i++)
		*array[i].bytes = NULL;
	for (int i = 0; i < NARRAYS; i++) {
		if (size[i] == SIZE_MAX)
			continue;
		if (size[i] > left || (i > 2 && size[i] != array[i].nbytes))
			return qn_error_set(err, QUERN_ERR_RUN, "a key is cut short");
		*array[i].bytes = qn_malloc(size[i] + 1);
		if (!*array[i].bytes)
			return qn_error_nomem(err, size[i], "a key");
		memcpy(*array[i].bytes, at, size[i]);
		at += size[i];
		left -= size[i];
	}
	return QUERN_OK;
}

/* --- one key --- */

#define QN_MOST_AHEAD \
	(UINT64_C(1) << 22) /* elements of a dataset as large as the data that is held for a key */

static enum quern_status warn(const struct qn_key_spec *spec, const struct qn_key_source *source,
			      int nagreed, struct qn_keys *out, struct quern_message *err)
{
	const bool is_first_only = source->is_of_first && source->like.ndim > 1;

	if (is_first_only)
		return qn_warnings_add(
			&out->warnings, err,
			"--by: %s: %s is taken from %s; what the other files have for it "
			"is not looked at",
			spec->text, source->like.path, source->like.file);
	if (spec->file && !nagreed)
		return qn_warnings_add(&out->warnings, err,
				       "--by: %s: %s of %s is matched by its indexes: there are no "
				       "coordinates to compare with those of the data",
				       spec->text, source->like.path, source->like.file);
	if (!source->at_ends || spec->form == QN_FORM_BINS)
		return QUERN_OK;
	return qn_warnings_add(
		&out->warnings, err,
		"--by: %s: the values of %s in %s are the ends of their bounds: groups go by "
		"the values, so that what ends at midnight is of the next day",
		spec->text, source->like.path, source->like.file);
}

enum quern_status qn_key_share(const struct qn_team *team, enum quern_status st, struct qn_key *key,
			       struct quern_message *err)
{
	const bool leads = qn_comm_rank(team->comm) == 0;
	void *packed = NULL;
	size_t nbytes = 0;

	if (!st && leads)
		packed = pack_key(key, &nbytes);
	return qn_share(team->comm, st, packed, nbytes, unpack_key, key, "a key", err);
}

/* Numbers for each element of the data: so many are not held, but computed with as the data comes; with those that
   are computed with. */
static bool is_large(const struct qn_subject *subject, const struct qn_key_source *source)
{
	const struct qn_dataset *like = &source->like, *d = &subject->dataset;
	uint64_t n = 1, all = 1;

	for (int k = 0; k < like->ndim; k++)
		n *= source->length[k];
	for (int k = 0; k < d->ndim; k++)
		all *= qn_dataset_length(d, k);
	return n == all && n > QN_MOST_AHEAD && !qn_epoch_is_meant(like->units) &&
	       (like->type.class == QN_INT || like->type.class == QN_FLOAT ||
		(like->type.class == QN_UINT && like->type.size < sizeof(uint64_t)));
}

/* *left: it is to be computed, and is not there. Collective. */
static enum quern_status find_key(const struct qn_subject *subject, const struct qn_team *team,
				  const struct qn_key_spec *spec, const char *by,
				  struct qn_keys *out, struct qn_key *key, bool *left,
				  struct quern_message *err)
{
	const bool leads = qn_comm_rank(team->comm) == 0;
	struct qn_key_source source;
	int nagreed = 0;
	enum quern_status st = qn_key_source_find(subject, team, spec, by, &source, err);

	*left = !st && source.is_left;
	if (*left) {
		qn_key_source_fini(&source);
		return st;
	}
	if (!st && spec->file)
		st = qn_coordinates_agree(subject, team, spec, &source, &nagreed, err);
	if (!st && leads)
		st = qn_key_group(spec, by, &source, subject, key, err);
	if (!st && leads)
		st = warn(spec, &source, nagreed, out, err);
	qn_key_source_fini(&source);
	return qn_key_share(team, st, key, err);
}

/* Is it made of the data itself, or of what comes with it? */
static bool is_of_data(const struct qn_subject *subject, const struct qn_key_spec *spec)
{
	const char *path = subject->dataset.path;
	const struct qn_frame *frame = qn_reading()->frame;

	return spec->source && !spec->file && spec->form != QN_FORM_PART &&
	       subject->views[0].dtype != QUERN_TEXT &&
	       (!strcmp(spec->source, path) || !strcmp(spec->source, qn_text_last(path)) ||
		(frame && qn_frame_held(frame, spec->source)));
}

/* A name as an expression. */
static enum quern_status take_data(struct qn_key_spec *spec, const char *name,
				   struct quern_message *err)
{
	if (qn_asprintf(&spec->expr, "`%s`", name) < 0)
		spec->expr = NULL;
	return spec->expr ? QUERN_OK : qn_error_nomem(err, strlen(name), "a key");
}

/* The dataset that -d gives the name of a source. *name: owned, as it was. */
static enum quern_status take_named(const struct qn_named *named, struct qn_key_spec *spec,
				    char **name, struct quern_message *err)
{
	*name = spec->source;
	spec->source = qn_strdup(named->path);
	if (named->file)
		spec->file = qn_strdup(named->file);
	return spec->source && (spec->file || !named->file)
		       ? QUERN_OK
		       : qn_error_nomem(err, strlen(named->path), "a key");
}

/* What is known of it without its expression. */
static enum quern_status name_computed(const struct qn_key_spec *spec, struct qn_key *key,
				       struct quern_message *err)
{
	key->is_computed = true;
	key->name = qn_strdup(spec->name);
	key->text = qn_strdup(spec->text);
	key->path = qn_strdup("");
	return key->name && key->text && key->path
		       ? QUERN_OK
		       : qn_error_nomem(err, strlen(spec->text), "a key");
}

/* Collective. */
static enum quern_status find_any(const struct qn_subject *subject, const struct qn_team *team,
				  struct qn_key_spec *spec, const char *name, struct qn_keys *out,
				  int i, struct quern_message *err)
{
	enum quern_status st = QUERN_OK;
	bool left = true;

	if (spec->form != QN_FORM_PART && (name || !spec->file))
		spec->leaves = is_large;
	if (!spec->expr && !is_of_data(subject, spec))
		st = find_key(subject, team, spec, out->by, out, &out->key[i], &left, err);
	if (st || !left)
		return st;
	if (!spec->expr)
		st = take_data(spec, name ? name : spec->source, err);
	if (!st)
		st = name_computed(spec, &out->key[i], err);
	return qn_comm_agree(team->comm, st, err);
}

/* Collective. */
static enum quern_status find_spec(const struct qn_subject *subject, const struct qn_team *team,
				   const struct qn_named_list *list, bool *used,
				   struct qn_keys *out, int i, struct quern_message *err)
{
	struct qn_key_spec *spec = &out->specs.spec[i];
	const bool may_be = list && spec->source && !spec->file;
	const struct qn_named *named = may_be ? qn_named_find(list, spec->source) : NULL;
	char *name = NULL;
	enum quern_status st = QUERN_OK;

	if (named) {
		used[named - list->named] = true;
		st = qn_comm_agree(team->comm, take_named(named, spec, &name, err), err);
	}
	if (!st)
		st = find_any(subject, team, spec, name, out, i, err);
	free(name);
	return st;
}

/* The text of rank 0 on all ranks: owned. Collective. */
static enum quern_status share_text(const struct qn_team *team, const char *by, char **out,
				    struct quern_message *err)
{
	const bool leads = qn_comm_rank(team->comm) == 0;
	size_t nbytes = leads ? strlen(by) + 1 : 0;
	enum quern_status st;

	*out = leads ? qn_strdup(by) : NULL;
	st = qn_comm_agree(team->comm,
			   leads && !*out ? qn_error_nomem(err, nbytes, "--by") : QUERN_OK, err);
	return st ? st : qn_comm_bcast_block(team->comm, out, &nbytes, err);
}

enum quern_status qn_keys_find(const struct qn_subject *subject, const struct qn_team *team,
			       const char *by, const struct qn_named_list *named, bool *used,
			       struct qn_keys *out, struct quern_message *err)
{
	struct qn_key_specs *specs = &out->specs;
	enum quern_status st;

	memset(out, 0, sizeof(*out));
	st = share_text(team, by, &out->by, err);
	if (!st)
		st = qn_key_specs_parse(out->by, QN_MOST_KEYS, specs, err);
	if (!st) {
		out->key = qn_calloc((size_t)specs->n, sizeof(*out->key));
		st = out->key ? QUERN_OK
			      : qn_error_nomem(err, (size_t)specs->n * sizeof(*out->key), "keys");
	}
	st = qn_comm_agree(team->comm, st, err);
	for (int i = 0; !st && i < specs->n; i++) {
		out->n = i + 1;
		st = find_spec(subject, team, named, used, out, i, err);
	}
	return st;
}

void qn_keys_fini(struct qn_keys *k)
{
	for (int i = 0; i < k->n; i++)
		qn_key_fini(&k->key[i]);
	free(k->key);
	free(k->by);
	qn_key_specs_fini(&k->specs);
	qn_names_fini(&k->warnings);
	memset(k, 0, sizeof(*k));
}

/* --- texts --- */

bool qn_key_is_text(const struct qn_key *k)
{
	if (k->kind == QN_KEY_PARTS)
		return k->part.kind == QN_PART_SEASON || qn_part_is_time(k->part.kind);
	return k->texts || k->is_time;
}

void qn_key_format(const struct qn_key *k, uint32_t group, char out[QN_KEY_TEXT_NBYTES])
{
	struct qn_instant t;

	*out = '\0';
	if (k->kind == QN_KEY_PARTS)
		qn_part_format(&k->part, k->integers[group], out);
	else if (k->texts)
		snprintf(out, QN_KEY_TEXT_NBYTES, "%.*s", (int)k->text_nbytes,
			 k->texts + group * k->text_nbytes);
	else if (k->is_time && (k->integers ? qn_epoch_at_int(&k->epoch, k->integers[group], &t)
					    : qn_epoch_at_real(&k->epoch, k->reals[group], &t)))
		qn_instant_format_whole(k->epoch.calendar, &t, QN_KEY_TEXT_NBYTES, out);
	else if (k->integers)
		snprintf(out, QN_KEY_TEXT_NBYTES, "%lld", (long long)k->integers[group]);
	else
		snprintf(out, QN_KEY_TEXT_NBYTES, "%.17g",
			 k->kind == QN_KEY_BINS ? k->edges[group] : k->reals[group]);
}
