/*
 * source.c - finds the dataset of a key where the files are. The rank that describes the first file finds and
 * describes it; all ranks see then which of its dimensions are which, and each reads it in the files that it
 * has; rank 0 puts the values together.
 */
#include "keys/source.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/text.h"
#include "cluster/room.h"
#include "cluster/share.h"
#include "find/coordinate.h"
#include "describe/describe.h"
#include "find/files.h"
#include "keys/ends.h"
#include "keys/flags.h"
#include "keys/match.h"
#include "keys/nearby.h"
#include "find/stack.h"
#include "keys/together.h"

/* What is at work. */
struct search {
	const struct qn_subject *subject;
	const struct qn_team *team;
	const struct qn_key_spec *spec;
	const char *by;
	uint32_t reader;	   /* the rank that describes */
	bool stacks;		   /* each of the stacked files has one of its own: */
	struct qn_dataset of_file; /* as it is there; of out->like, but for what is added to that */
	struct qn_dataset mine;	   /* of the reader: owned, with chunks */
	struct qn_key_source *out;
	struct qn_value_block block; /* of this rank */
	enum quern_status status;    /* of reading */
	struct quern_message *err;
};

static uint32_t rank_of(const struct search *s)
{
	return (uint32_t)qn_comm_rank(s->team->comm);
}

#define WRONG(s, ...) qn_key_wrong((s)->err, (s)->by, (s)->spec->at, __VA_ARGS__)

static bool is_joined_subject(const struct search *s)
{
	return s->subject->files.n > 1 && !s->spec->file;
}

/* Are the files on top of each other, and is it looked for in them? */
static bool is_stacked(const struct search *s)
{
	return s->subject->dataset.stacked && !s->spec->file;
}

static enum quern_status no_dataset(const struct search *s)
{
	const char *name = s->spec->source, *file = s->subject->dataset.file;
	const char *path = s->subject->dataset.path;
	const bool makes_groups = !s->spec->is_operand && s->spec->form == QN_FORM_VALUES;
	struct qn_nearby near;
	enum quern_status st;

	qn_nearby_find(&s->subject->dataset, name, makes_groups, &near);
	if (!*near.text && makes_groups && is_joined_subject(s) && !is_stacked(s))
		snprintf(near.text, sizeof(near.text),
			 "; --stack %.32s puts the files on top of each other along a new one",
			 name);
	if (!s->spec->is_operand)
		return WRONG(s, "%s has no dataset '%s' in the group of %s or above it%s", file,
			     name, path, near.text);
	st = qn_error_because(s->err, QUERN_ERR_USAGE, QN_NO_DATASET,
			      "%s has no dataset '%s' in the group of %s or above it%s", file, name,
			      path, near.text);
	memcpy(s->err->near, near.name, sizeof(s->err->near));
	return st;
}

/* --- who describes --- */

/* The lowest rank that can open the other file; 0: none can, and says why. Collective. */
static enum quern_status find_reader(struct search *s)
{
	const int nranks = qn_comm_size(s->team->comm);
	const uint8_t sees = s->spec->file && qn_files_sees(s->spec->file);
	uint8_t *all = qn_calloc((size_t)nranks, 1);
	enum quern_status st = all ? QUERN_OK : qn_error_nomem(s->err, (size_t)nranks, "ranks");

	if (!s->spec->file) {
		free(all);
		s->reader = s->subject->describer[s->subject->first];
		return qn_comm_agree(s->team->comm, st, s->err);
	}
	st = qn_comm_agree(s->team->comm, st, s->err);
	if (!st)
		st = qn_comm_gather(s->team->comm, &sees, 1, rank_of(s) ? NULL : all, s->err);
	for (int r = nranks - 1; !st && !rank_of(s) && r >= 0; r--)
		if (all[r])
			s->reader = (uint32_t)r;
	free(all);
	return st ? st : qn_comm_bcast(s->team->comm, &s->reader, sizeof(s->reader), s->err);
}

/* --- the reader: which dataset --- */

static const char *dimension_name(const struct qn_dataset *d, int dim)
{
	return d->dim_name[dim] ? d->dim_name[dim] : "";
}

/* The dimension of the subject that has a name; -1: none has. */
static int find_dimension(const struct qn_dataset *d, const char *name)
{
	for (int k = 0; k < d->ndim; k++)
		if (!strcmp(dimension_name(d, k), name))
			return k;
	return -1;
}

/* The path of the source: owned. */
static enum quern_status find_path(const struct search *s, char **path)
{
	const struct qn_dataset *d = &s->subject->dataset;
	const char *name = s->spec->source;
	const int dim = find_dimension(d, name);
	enum quern_status st = QUERN_OK;

	*path = NULL;
	if (s->spec->file || *name == '/') {
		if (qn_asprintf(path, "%s%s", *name == '/' ? "" : "/", name) < 0)
			*path = NULL;
	} else if (dim >= 0 && d->dim_scale[dim]) {
		*path = qn_strdup(d->dim_scale[dim]);
	} else {
		st = qn_coordinate_path(d, name, path, s->err);
		if (!st && !*path && dim >= 0)
			return WRONG(s, "dimension %s of %s has no coordinate variable", name,
				     d->path);
		if (!st && !*path)
			return no_dataset(s);
	}
	return st || *path ? st : qn_error_nomem(s->err, strlen(name), "the name of a dataset");
}

/* Can the dataset be a key? NULL, or why not. */
static const char *refuse(const struct search *s, const struct qn_dataset *d)
{
	if (d->dim_only)
		return "is a dimension without a coordinate variable: it has a length, and no values";
	if (d->is_null)
		return "has no elements";
	if (d->scalar && !s->spec->is_operand && !is_stacked(s))
		return "has no dimensions, so it makes no groups";
	if (is_joined_subject(s) && s->subject->dataset.asked)
		return "is joined from files that external links lead to, where keys are not looked for";
	return NULL;
}

/* On the reader. */
static enum quern_status describe(struct search *s)
{
	const char *file = s->spec->file ? s->spec->file : s->subject->dataset.file, *why;
	struct qn_view view;
	char *path = NULL;
	enum quern_status st = find_path(s, &path);

	if (!st)
		st = qn_source_describe(file, path, NULL, true, &s->mine, s->err);
	free(path);
	if (!st)
		st = qn_view_init(&s->mine, s->spec->raw, &view, s->err);
	why = st ? NULL : refuse(s, &s->mine);
	return why ? WRONG(s, "%s: %s %s", file, s->mine.path, why) : st;
}

static enum quern_status unpack_dataset(const void *packed, size_t nbytes, void *thing,
					struct quern_message *err)
{
	return qn_dataset_unpack(packed, nbytes, thing, err);
}

/* Blocks of all ranks, one after the other, on rank 0. Takes mine. st: of this rank so far. Collective. */
static enum quern_status gather(const struct search *s, enum quern_status st, void *mine,
				size_t nbytes, void **all, uint64_t **nbytes_of)
{
	const size_t nranks = (size_t)qn_comm_size(s->team->comm);

	*all = NULL;
	*nbytes_of = qn_calloc(nranks, sizeof(**nbytes_of));
	if (!st && !*nbytes_of)
		st = qn_error_nomem(s->err, nranks * sizeof(**nbytes_of), "sizes");
	st = qn_comm_agree(s->team->comm, st, s->err);
	if (!st)
		st = qn_comm_gather_blocks(s->team->comm, mine, nbytes, all, *nbytes_of, s->err);
	free(mine);
	return st;
}

/* The description that the reader has made, on all ranks. Collective. */
static enum quern_status share_description(struct search *s)
{
	const bool reads = rank_of(s) == s->reader;
	size_t nbytes = 0;
	void *all, *packed;
	uint64_t *nbytes_of;
	enum quern_status st = reads ? describe(s) : QUERN_OK;

	packed = reads && !st ? qn_dataset_pack(&s->mine, &nbytes) : NULL;
	if (reads && !st && !packed)
		st = qn_error_nomem(s->err, sizeof(s->mine), "a description");
	st = gather(s, st, packed, nbytes, &all, &nbytes_of);
	if (!st && !rank_of(s))
		st = qn_dataset_unpack(all, nbytes_of[s->reader], &s->out->like, s->err);
	nbytes = !st && !rank_of(s) ? nbytes_of[s->reader] : 0;
	free(nbytes_of);
	return qn_share(s->team->comm, st, all, nbytes, unpack_dataset, &s->out->like,
			"a description", s->err);
}

/* --- which dimensions --- */

/* Is each dimension of the data one of the other dataset too? */
static bool has_all(const struct qn_dataset *like, const struct qn_dataset *d)
{
	for (int j = 0; j < d->ndim; j++) {
		bool has = false;

		for (int k = 0; d->dim_name[j] && k < like->ndim; k++)
			has = has ||
			      (like->dim_name[k] && !strcmp(like->dim_name[k], d->dim_name[j]));
		if (!has)
			return false;
	}
	return d->ndim > 0;
}

static enum quern_status no_dimension(const struct search *s, int k)
{
	const struct qn_dataset *d = &s->subject->dataset, *like = &s->out->like;
	char names[512] = "", advice[1200] = "";

	for (int j = 0; j < d->ndim && strlen(names) < sizeof(names) - 1; j++)
		snprintf(names + strlen(names), sizeof(names) - strlen(names), "%s%s",
			 j ? ", " : "", d->dim_name[j] ? d->dim_name[j] : "one without a name");
	if (!like->dim_name[k])
		return WRONG(
			s,
			"%s: dimension %d of %s has no name, so it is not known which one of %s "
			"(%s) it is",
			like->file, k, like->path, d->path, names);
	if (has_all(like, d))
		snprintf(advice, sizeof(advice),
			 "; %.512s has all of these: take it with -d, and %.512s by its name in "
			 "--expr",
			 like->path, d->path);
	else if (s->spec->is_operand)
		snprintf(advice, sizeof(advice),
			 "; what is computed on, -d, must be a dataset with all of the dimensions");
	return WRONG(s, "%s: dimension %s of %s is none of %s, or more than one: these are %s%s",
		     like->file, like->dim_name[k], like->path, d->path, names, advice);
}

static enum quern_status take_dimension(const struct search *s, int k)
{
	const struct qn_dataset *d = &s->subject->dataset, *like = &s->out->like;
	struct qn_key_source *out = s->out;
	const int dim = like->scalar ? -1 : qn_key_dimension(d, like, k);

	if (like->scalar) {
		out->dim[k] = -1;
		out->length[k] = 1;
		return QUERN_OK;
	}
	if (dim < 0 || (is_stacked(s) && dim == 0)) /* which no file has */
		return no_dimension(s, k);
	for (int j = 0; j < k; j++)
		if (out->dim[j] == dim)
			return WRONG(s, "%s: %s has the dimension %s twice", like->file, like->path,
				     like->dim_name[k]);
	out->dim[k] = dim;
	out->length[k] = qn_dataset_length(d, dim);
	if (is_joined_subject(s) && !is_stacked(s) && dim == s->subject->along) {
		out->joined = k;
		return QUERN_OK;
	}
	if (qn_dataset_length(like, k) == out->length[k])
		return QUERN_OK;
	return qn_error_set(s->err, QUERN_ERR_DATA,
			    "%s: %s: %s in %s has %llu elements along %s, and %s has %llu",
			    s->spec->option, s->spec->text, like->path, like->file,
			    (unsigned long long)qn_dataset_length(like, k),
			    d->dim_name[dim] ? d->dim_name[dim] : "a dimension", d->path,
			    (unsigned long long)out->length[k]);
}

/* --- stacked files --- */

/* Coordinates of the dimensions are the same in all files; anything else a file may have of its own. */
static bool is_of_each_file(const struct search *s)
{
	const struct qn_dataset *d = &s->subject->dataset, *like = &s->out->like;
	const int dim = s->out->dim[0];

	if (!is_stacked(s))
		return false;
	if (like->ndim != 1 || dim < 0)
		return true;
	return strcmp(d->dim_scale[dim] ? d->dim_scale[dim] : dimension_name(d, dim),
		      d->dim_scale[dim] ? like->path : qn_text_last(like->path)) != 0;
}

/* What is of one file becomes what all of them have. */
static enum quern_status raise_source(struct search *s)
{
	struct qn_key_source *out = s->out;
	const struct qn_dataset *d = &s->subject->dataset;
	const int was = out->like.ndim;
	const bool scalar = out->like.scalar;
	enum quern_status st = qn_stack_raise(&out->like, d->dim_name[0], d->shape[0], s->err);

	if (st)
		return st;
	for (int k = scalar ? 0 : was; k > 0; k--) {
		out->dim[k] = out->dim[k - 1];
		out->length[k] = out->length[k - 1];
	}
	out->dim[0] = out->joined = 0;
	out->length[0] = d->shape[0];
	return QUERN_OK;
}

/* The dimension along which files are stacked stands for their numbers. */
static bool is_number_of_file(const struct search *s)
{
	return is_stacked(s) && !strcmp(s->spec->source, dimension_name(&s->subject->dataset, 0));
}

/* A description of what no file has. */
static enum quern_status describe_numbers(const struct qn_dataset *d, struct qn_dataset *out,
					  struct quern_message *err)
{
	const uint64_t n = d->shape[0];

	*out = (struct qn_dataset){
		.file = qn_strdup(d->file),
		.path = qn_strdup(d->dim_name[0]),
		.type = { .class = QN_INT, .size = sizeof(int64_t), .name = "<i8" },
		.ndim = 1,
		.shape = { n },
		.chunk = { n },
		.dim_name = { qn_strdup(d->dim_name[0]) },
	};
	return out->file && out->path && out->dim_name[0]
		       ? QUERN_OK
		       : qn_error_nomem(err, 0, "the name of a dimension");
}

/* On all ranks. */
static enum quern_status number_files(struct search *s)
{
	struct qn_key_source *out = s->out;
	const struct qn_dataset *d = &s->subject->dataset;
	const uint64_t n = d->shape[0];
	enum quern_status st = describe_numbers(d, &out->like, s->err);

	out->length[0] = n;
	out->values.integers = qn_calloc(n, sizeof(*out->values.integers));
	if (!st && !out->values.integers)
		st = qn_error_nomem(s->err, n * sizeof(*out->values.integers), "numbers of files");
	for (out->values.n = 0; !st && out->values.n < n; out->values.n++)
		out->values.integers[out->values.n] = (int64_t)out->values.n;
	return qn_comm_agree(s->team->comm, st, s->err);
}

/* --- reading --- */

/* The rank's block gets what one file has. */
static enum quern_status read_one(struct search *s, const struct qn_dataset *d)
{
	const int joined = s->out->joined;
	struct qn_values v = { .n = 0 };
	struct qn_view view;
	enum quern_status st = qn_view_init(d, s->spec->raw, &view, s->err);

	if (!st)
		st = qn_values_read(d, &view, &v, s->err);
	if (!st)
		st = qn_value_piece_add(&s->block, d, &v,
					joined < 0 || s->stacks ? 1 : qn_dataset_length(d, joined),
					s->err);
	qn_values_fini(&v);
	return st;
}

/* But for the joined dimension a file has what the first one has. */
static bool is_alike(const struct search *s, const struct qn_dataset *d)
{
	const struct qn_dataset *like = &s->of_file;

	if (d->ndim != like->ndim || d->scalar != like->scalar || d->dim_only)
		return false;
	for (int k = 0; k < d->ndim; k++)
		if ((s->stacks || k != s->out->joined) &&
		    qn_dataset_length(d, k) != qn_dataset_length(like, k))
			return false;
	return true;
}

static bool take_file(void *ctx, const char *file, struct qn_dataset *d,
		      const struct quern_message *why)
{
	struct search *s = ctx;

	const struct qn_values none = { .n = 0 };

	if (why->status)
		s->status = qn_error_pass(s->err, why->status, why);
	else if (d->is_null)
		s->status = qn_value_piece_add(&s->block, d, &none, 0, s->err);
	else if (!is_alike(s, d))
		s->status = qn_error_set(
			s->err, QUERN_ERR_DATA, "%s: %s: %s has other dimensions in %s than in %s",
			s->spec->option, s->spec->text, d->path, file, s->out->like.file);
	else
		s->status = read_one(s, d);
	return !s->status;
}

/* The files of which this rank is the describer, in their order: *list is owned. */
static enum quern_status my_files(const struct search *s, const char ***list, size_t *n)
{
	const struct qn_names *files = &s->subject->files;

	*n = 0;
	*list = qn_calloc(files->n, sizeof(**list));
	if (!*list)
		return qn_error_nomem(s->err, files->n * sizeof(**list), "the names of files");
	for (size_t i = s->subject->first; i < files->n; i++)
		if (s->subject->describer[i] == rank_of(s))
			(*list)[(*n)++] = files->name[i];
	return QUERN_OK;
}

/* What this rank can read of it. */
static enum quern_status read_mine(struct search *s)
{
	const struct qn_format *format = NULL;
	const char **list = NULL;
	size_t n = 0;
	enum quern_status st;

	if (s->out->joined < 0)
		return rank_of(s) == s->reader ? read_one(s, &s->mine) : QUERN_OK;
	st = my_files(s, &list, &n);
	if (!st && n)
		st = qn_source_format(list[0], &format, s->err);
	if (!st && n) {
		format->describe_like(&s->of_file, list, NULL, n, (int)s->team->place.nthreads,
				      take_file, s);
		st = s->status;
	}
	free(list);
	return st;
}

/* --- together, on rank 0 --- */

/* The pieces in the order of the files: those of a rank follow each other in its block. */
static enum quern_status take_pieces(const struct search *s, const char *all,
				     const uint64_t *nbytes_of, size_t n,
				     struct qn_value_piece *piece, struct qn_values *v)
{
	const size_t nranks = (size_t)qn_comm_size(s->team->comm), first = s->subject->first;
	const char **at = qn_calloc(nranks + 1, sizeof(*at)), *end;
	enum quern_status st = QUERN_OK;

	if (!at)
		return qn_error_nomem(s->err, nranks * sizeof(*at), "places");
	at[0] = all;
	for (size_t r = 0; r + 1 < nranks; r++)
		at[r + 1] = at[r] + nbytes_of[r];
	for (size_t i = 0; !st && i < n; i++) {
		const uint32_t r = s->out->joined < 0 ? s->reader
						      : s->subject->describer[first + i];

		end = all;
		for (size_t k = 0; k <= r; k++)
			end += nbytes_of[k];
		st = qn_value_piece_take(&at[r], end, &piece[i], &v[i], s->err);
	}
	free(at);
	return st;
}

static enum quern_status put_together(const struct search *s, const char *all,
				      const uint64_t *nbytes_of)
{
	struct qn_key_source *out = s->out;
	const size_t n = out->joined < 0 ? 1 : s->subject->files.n - s->subject->first;
	struct qn_value_piece *piece = qn_calloc(n, sizeof(*piece));
	struct qn_values *v = qn_calloc(n, sizeof(*v));
	char label[256];
	enum quern_status st = piece && v ? QUERN_OK
					  : qn_error_nomem(s->err, n * sizeof(*v), "a key");

	snprintf(label, sizeof(label), "%s: %s", s->spec->option, s->spec->text);
	if (!st)
		st = take_pieces(s, all, nbytes_of, n, piece, v);
	if (!st)
		st = qn_key_join(&out->like, label, out->joined, out->length, piece, v, n,
				 &out->values, s->err);
	for (size_t i = 0; v && i < n; i++)
		qn_values_fini(&v[i]);
	free(piece);
	free(v);
	return st;
}

/* --- all of it --- */

/* Of values that are read whole: as they come, as they are sent, and as they are put together. */
#define NCOPIES 3

/* Is there memory for all of them, on rank 0? */
static enum quern_status check_room(const struct search *s)
{
	const struct qn_dataset *like = &s->out->like;
	uint64_t n = NCOPIES *
		     qn_max_u64(like->type.class == QN_TEXT ? like->type.size : 0, sizeof(int64_t));
	bool fits = true;
	char why[320];

	for (int k = 0; k < like->ndim; k++)
		fits = fits && qn_mul(n, s->out->length[k], &n);
	if (rank_of(s) ||
	    qn_room_has(&s->subject->settings.memory, qn_comm_host_size(s->team->comm),
			fits ? n : UINT64_MAX / 2, sizeof(why), why))
		return QUERN_OK;
	return qn_error_set(s->err, QUERN_ERR_RUN, "%s: %s in %s is read whole, which %s",
			    s->spec->option, like->path, like->file, why);
}

/* Collective. */
static enum quern_status read_values(struct search *s)
{
	uint8_t at_ends = 0, *all_ends = qn_calloc((size_t)qn_comm_size(s->team->comm), 1);
	void *all;
	uint64_t *nbytes_of;
	enum quern_status st = all_ends ? check_room(s) : qn_error_nomem(s->err, 0, "ranks");

	st = qn_comm_agree(s->team->comm, st, s->err);
	if (!st)
		st = read_mine(s);
	if (!st && rank_of(s) == s->reader)
		at_ends = qn_key_is_at_ends(&s->mine);
	st = gather(s, st, s->block.bytes, s->block.nbytes, &all, &nbytes_of);
	if (!st)
		st = qn_comm_gather(s->team->comm, &at_ends, 1, rank_of(s) ? NULL : all_ends,
				    s->err);
	if (!st && !rank_of(s)) {
		s->out->at_ends = all_ends[s->reader];
		st = put_together(s, all, nbytes_of);
	}
	free(nbytes_of);
	free(all_ends);
	free(all);
	return qn_comm_agree(s->team->comm, st, s->err);
}

enum quern_status qn_key_source_find(const struct qn_subject *subject, const struct qn_team *team,
				     const struct qn_key_spec *spec, const char *by,
				     struct qn_key_source *out, struct quern_message *err)
{
	struct search s = {
		.subject = subject, .team = team, .spec = spec, .by = by, .out = out, .err = err
	};
	enum quern_status st;

	memset(out, 0, sizeof(*out));
	out->joined = -1;
	if (is_number_of_file(&s))
		return number_files(&s);
	st = find_reader(&s);
	if (!st)
		st = share_description(&s);
	for (int k = 0; !st && k < out->like.ndim; k++)
		st = take_dimension(&s, k);
	st = qn_comm_agree(team->comm, st, err);
	s.of_file = out->like;
	s.stacks = !st && is_of_each_file(&s);
	if (s.stacks)
		st = qn_comm_agree(team->comm, raise_source(&s), err);
	out->is_left = !st && spec->leaves && spec->leaves(subject, out);
	if (!st && !out->is_left)
		st = read_values(&s);
	if (!st && !out->is_left && !spec->is_operand && spec->form == QN_FORM_VALUES)
		st = qn_key_flags_find(team, s.reader, &s.mine, &out->flags, err);
	out->is_of_first = is_joined_subject(&s) && !is_stacked(&s) && out->joined < 0;
	qn_dataset_fini(&s.mine);
	return st;
}

void qn_key_source_fini(struct qn_key_source *s)
{
	qn_dataset_fini(&s->like);
	qn_values_fini(&s->values);
	qn_names_fini(&s->flags);
}
