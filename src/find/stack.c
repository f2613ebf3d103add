#include "find/stack.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/text.h"
#include "describe/describe.h"
#include "describe/pieces.h"
#include "describe/same.h"
#include "find/coordinate.h"
#include "find/selection.h"

/* --- the new dimension --- */

/* As expressions have names: it can be asked for in them, and is no number. */
static bool is_name(const char *name)
{
	bool is = isalpha((unsigned char)*name) || *name == '_';

	for (; is && *name; name++)
		is = isalnum((unsigned char)*name) || *name == '_';
	return is;
}

enum quern_status qn_stack_check(const struct qn_subject *subject, struct quern_message *err)
{
	const struct qn_dataset *d = &subject->dataset;
	const char *name = subject->settings.stack;

	if (subject->settings.along)
		return qn_error_set(err, QUERN_ERR_USAGE,
				    "--stack and --along: files are either on top of each other, "
				    "along a new dimension, or joined along one that they have");
	if (!is_name(name))
		return qn_error_set(err, QUERN_ERR_USAGE,
				    "--stack: '%s' cannot be the name of a dimension: letters, "
				    "digits and _ can, and a letter is first",
				    name);
	if (qn_dimension_find(d, name) >= 0 || !strcmp(qn_text_last(d->path), name))
		return qn_error_set(
			err, QUERN_ERR_USAGE,
			"--stack: '%s' is %s %s in %s: the new dimension needs another "
			"name",
			name, qn_dimension_find(d, name) >= 0 ? "a dimension of" : "the name of",
			d->path, d->file);
	if (d->is_null)
		return qn_error_set(
			err, QUERN_ERR_DATA,
			"%s: dataset %s has a null dataspace: there is nothing to stack", d->file,
			d->path);
	if (!d->scalar && d->ndim == QUERN_MAX_DIMS)
		return qn_error_set(err, QUERN_ERR_USAGE,
				    "--stack: %s has %d dimensions: there is no room for one more",
				    d->path, d->ndim);
	return QUERN_OK;
}

/* One place more in front. */
#define SHIFT(d, array) \
	memmove((d)->array + 1, (d)->array, (size_t)((d)->ndim - 1) * sizeof((d)->array[0]))

enum quern_status qn_stack_raise(struct qn_dataset *d, const char *name, uint64_t n,
				 struct quern_message *err)
{
	char *copy = qn_strdup(name);

	if (!copy)
		return qn_error_nomem(err, strlen(name), "the name of a dimension");
	if (!d->scalar) {
		d->ndim++;
		SHIFT(d, shape);
		SHIFT(d, beyond);
		SHIFT(d, chunk);
		SHIFT(d, dim_name);
		SHIFT(d, dim_scale);
	}
	d->scalar = false;
	d->stacked = true;
	d->shape[0] = n;
	d->beyond[0] = 0;
	d->chunk[0] = 1;
	d->dim_name[0] = copy;
	d->dim_scale[0] = NULL;
	return QUERN_OK;
}

/* --- coordinates --- */

/* Those of the first file, and how others compare. */
struct stack {
	const struct qn_subject *subject;
	struct qn_dataset like;	 /* owned: path NULL, there is none */
	struct qn_values values; /* owned */
	enum quern_status status;
	struct quern_message *err;
};

/* Values of it are compared; a coordinate of several dimensions, or of records, is none here. */
static bool is_coordinate(const struct qn_dataset *d, uint64_t length)
{
	return d->ndim == 1 && !d->scalar && !d->is_null && !d->dim_only &&
	       d->type.class != QN_OTHER && qn_dataset_length(d, 0) == length &&
	       length <= QN_MAX_COORDINATES;
}

static enum quern_status read_all(const struct qn_dataset *d, struct qn_values *out,
				  struct quern_message *err)
{
	struct qn_view view;
	enum quern_status st = qn_view_init(d, false, &view, err);

	return st ? st : qn_values_read(d, &view, out, err);
}

/* On the rank that describes the first file. */
static enum quern_status find_first(struct stack *s, int dim)
{
	const struct qn_dataset *d = &s->subject->dataset;
	char *path = NULL;
	enum quern_status st = qn_coordinate_of(d, dim, &path, s->err);

	if (!st && path)
		st = qn_source_describe(d->file, path, NULL, true, &s->like, s->err);
	free(path);
	if (!st && s->like.path && !is_coordinate(&s->like, qn_dataset_length(d, dim)))
		qn_dataset_fini(&s->like);
	return st || !s->like.path ? st : read_all(&s->like, &s->values, s->err);
}

/* The length of the description, it, and a piece: in b->bytes, which is owned. */
static enum quern_status pack(const struct stack *s, struct qn_value_block *b)
{
	size_t nbytes = 0;
	void *flat = qn_dataset_pack(&s->like, &nbytes);
	const uint64_t n = nbytes;

	b->nbytes = sizeof(n) + nbytes;
	b->bytes = flat ? qn_malloc(b->nbytes) : NULL;
	if (b->bytes) {
		memcpy(b->bytes, &n, sizeof(n));
		memcpy(b->bytes + sizeof(n), flat, nbytes);
	}
	free(flat);
	if (!b->bytes)
		return qn_error_nomem(s->err, b->nbytes, "a coordinate");
	return qn_value_piece_add(b, &s->like, &s->values, s->values.n, s->err);
}

static enum quern_status damaged(struct quern_message *err)
{
	return qn_error_set(err, QUERN_ERR_RUN, "the coordinates of the first file are damaged");
}

static enum quern_status unpack(struct stack *s, const char *at, size_t nbytes)
{
	const char *end = at + nbytes;
	struct qn_value_piece piece;
	uint64_t n = 0;
	enum quern_status st;

	if (nbytes >= sizeof(n))
		memcpy(&n, at, sizeof(n));
	if (nbytes < sizeof(n) || n > nbytes - sizeof(n))
		return damaged(s->err);
	at += sizeof(n);
	st = qn_dataset_unpack(at, n, &s->like, s->err);
	at += n;
	st = st ? st : qn_value_piece_take(&at, end, &piece, &s->values, s->err);
	return !st && s->values.n != qn_dataset_length(&s->like, 0) ? damaged(s->err) : st;
}

static void drop(struct stack *s)
{
	qn_dataset_fini(&s->like);
	qn_values_fini(&s->values);
}

/* The coordinate of a dimension in the first file, on all ranks. Collective. */
static enum quern_status share_first(const struct qn_team *team, struct stack *s, uint32_t reader,
				     int dim)
{
	const bool reads = (uint32_t)qn_comm_rank(team->comm) == reader;
	void *round = NULL;
	struct qn_value_block mine = { .bytes = NULL };
	size_t nbytes = 0;
	enum quern_status st = reads ? find_first(s, dim) : QUERN_OK;

	if (!st && s->like.path)
		st = pack(s, &mine);
	drop(s);
	st = qn_comm_agree(team->comm, st, s->err);
	if (st)
		free(mine.bytes);
	else
		st = qn_pass_round(team, reader, mine.bytes, mine.nbytes, &round, &nbytes, s->err);
	if (!st && nbytes)
		st = unpack(s, round, nbytes);
	free(round);
	return qn_comm_agree(team->comm, st, s->err);
}

/* Numbers of other units, that are no times, are not the same whatever they are. */
static bool are_units_alike(const struct qn_same *same)
{
	return same->are_times || qn_axis_same_units(same->like[0]->units, same->like[1]->units);
}

static enum quern_status differ(const struct qn_dataset *a, const struct qn_dataset *b,
				const char *what, struct quern_message *err)
{
	return qn_error_set(err, QUERN_ERR_DATA,
			    "--stack: %s of %s is not that of %s: %s; files on top of each other "
			    "have the same coordinates (those that follow each other are joined "
			    "with --along)",
			    a->path, b->file, a->file, what);
}

static enum quern_status differ_at(const struct qn_same *same, uint64_t i,
				   struct quern_message *err)
{
	char what[400], value[2][160];

	qn_same_print(same, 0, i, sizeof(value[0]), value[0]);
	qn_same_print(same, 1, i, sizeof(value[1]), value[1]);
	snprintf(what, sizeof(what), "at index %llu it is %s, and %s there", (unsigned long long)i,
		 value[1], value[0]);
	return differ(same->like[0], same->like[1], what, err);
}

static enum quern_status compare(const struct stack *s, const struct qn_dataset *d,
				 const struct qn_values *values)
{
	struct qn_same same = { .like = { &s->like, d }, .values = { &s->values, values } };
	const enum qn_comparable how = qn_same_init(&same);

	if (how == QN_NOT_COMPARABLE)
		return differ(&s->like, d, "one has numbers, and the other texts", s->err);
	if (how == QN_CALENDARS_DIFFER)
		return differ(&s->like, d, "they go by different calendars", s->err);
	if (!are_units_alike(&same))
		return differ(&s->like, d, "they are in different units", s->err);
	for (uint64_t i = 0; i < values->n; i++)
		if (!qn_same_at(&same, i))
			return differ_at(&same, i, s->err);
	return QUERN_OK;
}

static bool take_file(void *ctx, const char *file, struct qn_dataset *d,
		      const struct quern_message *why)
{
	struct stack *s = ctx;
	struct qn_values values = { .n = 0 };

	(void)file;
	if (why->status)
		s->status = qn_error_pass(s->err, why->status, why);
	else if (!is_coordinate(d, s->values.n))
		s->status = differ(&s->like, d, "it has another shape or type", s->err);
	else
		s->status = read_all(d, &values, s->err);
	if (!s->status)
		s->status = compare(s, d, &values);
	qn_values_fini(&values);
	return !s->status;
}

/* Those of the files that this rank describes. */
static enum quern_status compare_mine(const struct qn_team *team, struct stack *s,
				      const struct qn_files *m)
{
	const struct qn_names *files = &s->subject->files;
	const char **list = qn_calloc(files->n, sizeof(*list));
	const struct qn_format *format = NULL;
	size_t n = 0;
	enum quern_status st = QUERN_OK;

	if (!list)
		return qn_error_nomem(s->err, files->n * sizeof(*list), "the names of files");
	for (size_t i = 1; i < files->n; i++)
		if (m->describer[i] == (uint32_t)qn_comm_rank(team->comm))
			list[n++] = files->name[i];
	if (n)
		st = qn_source_format(list[0], &format, s->err);
	if (!st && n) {
		format->describe_like(&s->like, list, NULL, n, (int)team->place.nthreads, take_file,
				      s);
		st = s->status;
	}
	free(list);
	return st;
}

enum quern_status qn_stack_agree(const struct qn_team *team, struct qn_subject *subject,
				 const struct qn_files *m, struct quern_message *err)
{
	const struct qn_dataset *d = &subject->dataset;
	struct stack s = { .subject = subject, .err = err };
	enum quern_status st = QUERN_OK;

	if (d->asked && qn_comm_rank(team->comm) == 0)
		st = qn_warnings_add(&subject->warnings, err,
				     "--stack: external links lead to %s: whether the files have "
				     "the same coordinates is not known",
				     d->asked);
	st = qn_comm_agree(team->comm, st, err);
	for (int k = 0; !st && !d->asked && !d->scalar && k < d->ndim; k++) {
		st = share_first(team, &s, m->describer[0], k);
		if (!st && s.like.path)
			st = qn_comm_agree(team->comm, compare_mine(team, &s, m), err);
		drop(&s);
	}
	return st;
}
