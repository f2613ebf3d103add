#include "formula/operand.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "data/frame.h"
#include "data/reading.h"
#include "find/files.h"
#include "keys/agree.h"
#include "keys/source.h"
#include "select/epoch.h"

/* Of the values that rank 0 has read: their type, and where they are on all ranks. */
struct reading {
	const struct qn_team *team;
	const struct qn_key_spec *spec;
	const struct qn_key_source *source;
	struct qn_operand *out;
	uint64_t n;
};

/* It fits. */
static void store_integer(void *at, size_t size, int64_t v)
{
	const int8_t v1 = (int8_t)v;
	const int16_t v2 = (int16_t)v;
	const int32_t v4 = (int32_t)v;
	const void *const from[] = { [1] = &v1, [2] = &v2, [4] = &v4, [8] = &v };

	memcpy(at, from[size], size);
}

static void store(void *values, enum quern_dtype t, uint64_t i, const struct qn_values *from)
{
	const double real = from->reals ? from->reals[i] : 0;
	const int64_t integer = from->integers ? from->integers[i] : 0;
	const float single = (float)real;
	const size_t size = qn_view_size(t);
	char *at = (char *)values + i * size;

	if (t == QUERN_F64)
		memcpy(at, &real, sizeof(real));
	else if (t == QUERN_F32)
		memcpy(at, &single, sizeof(single));
	else
		store_integer(at, size, integer);
}

/* Rank 0. */
static void take_values(struct reading *r, uint8_t *missing)
{
	const struct qn_values *v = &r->source->values;

	for (uint64_t i = 0; i < r->n; i++) {
		store(r->out->values, r->out->dtype, i, v);
		missing[i] = v->missing && v->missing[i];
	}
}

static void mark(struct qn_operand *o, const uint8_t *missing, uint64_t n)
{
	for (uint64_t i = 0; i < n; i++)
		if (!missing[i])
			o->valid[i / 64] |= UINT64_C(1) << i % 64;
	if (memchr(missing, 1, (size_t)n))
		return;
	free(o->valid);
	o->valid = NULL;
}

/* To all ranks. Collective. */
static enum quern_status share_values(struct reading *r, struct quern_message *err)
{
	const bool leads = qn_comm_rank(r->team->comm) == 0;
	const size_t size = qn_view_size(r->out->dtype);
	uint8_t *missing = qn_calloc(r->n, 1);
	enum quern_status st = QUERN_OK;

	r->out->values = qn_calloc(r->n, size);
	r->out->valid = qn_calloc(qn_ceil_div(r->n, 64), sizeof(*r->out->valid));
	if (!missing || !r->out->values || !r->out->valid)
		st = qn_error_nomem(err, (size_t)r->n * size, "a dataset beside the data");
	st = qn_comm_agree(r->team->comm, st, err);
	if (!st && leads)
		take_values(r, missing);
	if (!st)
		st = qn_comm_bcast(r->team->comm, r->out->values, (size_t)r->n * size, err);
	if (!st)
		st = qn_comm_bcast(r->team->comm, missing, (size_t)r->n, err);
	if (!st)
		mark(r->out, missing, r->n);
	free(missing);
	return st;
}

/* The values lie in C order of the dataset's own dimensions. */
static bool set_strides(struct reading *r)
{
	const struct qn_key_source *s = r->source;
	bool ok = true;

	r->n = 1;
	for (int k = s->like.ndim - 1; ok && k >= 0; k--) {
		if (s->dim[k] >= 0)
			r->out->stride[s->dim[k]] = r->n;
		ok = qn_mul(r->n, s->length[k], &r->n);
	}
	return ok && r->n <= QN_MOST_COORDINATE;
}

/* Rank 0: the type of the first file, or a wider one where the values of other files need it. */
static enum quern_dtype choose_type(const struct reading *r)
{
	const struct qn_values *v = &r->source->values;
	enum quern_dtype t = r->out->dtype;

	if (v->reals && t != QUERN_F32)
		return QUERN_F64;
	for (uint64_t i = 0; i < r->n; i++) {
		if (v->missing && v->missing[i])
			continue;
		if (v->reals && !isnan(v->reals[i]) && (double)(float)v->reals[i] != v->reals[i])
			return QUERN_F64;
		if (!v->reals && !qn_dtype_holds(t, v->integers[i]))
			return QUERN_I64;
	}
	return t;
}

/* Collective. */
static enum quern_status agree_on_type(struct reading *r, struct quern_message *err)
{
	uint32_t t = qn_comm_rank(r->team->comm) ? 0 : (uint32_t)choose_type(r);
	enum quern_status st = qn_comm_bcast(r->team->comm, &t, sizeof(t), err);

	r->out->dtype = (enum quern_dtype)t;
	return st;
}

static enum quern_status take_words(struct reading *r, struct quern_message *err)
{
	const struct qn_dataset *like = &r->source->like;

	/* Units are of what is unpacked. */
	const bool packed = r->spec->raw && like->cf.has_scale;

	r->out->units = qn_strdup(packed ? "" : like->units);
	r->out->calendar = qn_strdup(packed ? "" : like->calendar);
	return r->out->units && r->out->calendar
		       ? QUERN_OK
		       : qn_error_nomem(err, sizeof(like->units), "a dataset beside the data");
}

/* Is it on all dimensions of the subject that have more than one index? */
static bool is_on_all(const struct qn_subject *subject, const struct qn_key_source *source)
{
	uint64_t n = 1, all = 1;

	for (int k = 0; k < source->like.ndim; k++)
		n += source->length[k] > 1;
	for (int d = 0; d < subject->dataset.ndim; d++)
		all += qn_dataset_length(&subject->dataset, d) > 1;
	return n == all;
}

/* Times of joined files are brought to the units of the first when they are read whole. */
static bool leaves(const struct qn_subject *subject, const struct qn_key_source *source)
{
	const struct qn_dataset *like = &source->like;
	struct quern_message ignored = { .status = QUERN_OK };
	struct qn_view view;
	uint64_t n = 1, most = QN_MOST_BESIDE_FEWER;
	bool fits = true;

	for (int k = 0; k < like->ndim; k++)
		fits = fits && qn_mul(n, source->length[k], &n);
	if (like->scalar || qn_view_init(like, subject->settings.raw, &view, &ignored) ||
	    view.dtype == QUERN_TEXT)
		return false;
	if (qn_epoch_is_meant(like->units))
		most = QN_MOST_COORDINATE;
	else if (view.dtype == QUERN_U64)
		most = 0; /* what is read whole is signed */
	else if (is_on_all(subject, source))
		most = like->ndim > 1 ? 0 : QN_MOST_BESIDE;
	return !fits || n > most;
}

/* Where not all ranks can open the file: what is joined lies beside the data, wherever that is. */
static bool leaves_joined(const struct qn_subject *subject, const struct qn_key_source *source)
{
	return source->joined >= 0 && leaves(subject, source);
}

static enum quern_status check(struct reading *r, struct quern_message *err)
{
	const struct qn_dataset *like = &r->source->like;

	if (r->out->dtype == QUERN_TEXT)
		return qn_error_set(err, QUERN_ERR_USAGE,
				    "%s in %s is text, which expressions do not take: --by groups "
				    "by the texts of a dataset",
				    like->path, like->file);
	/* Others are not read whole. */
	if (!r->source->is_left && !set_strides(r))
		return qn_error_set(err, QUERN_ERR_USAGE, "%s in %s has too many elements%s",
				    like->path, like->file,
				    r->spec->leaves == leaves_joined
					    ? " to be sent to all ranks, and not all of them can "
					      "open the file: put it where every host sees it "
					      "under this path"
					    : "");
	return take_words(r, err);
}

/* Collective. */
static enum quern_status find_stored(const struct qn_subject *subject, const struct qn_team *team,
				     const struct qn_key_spec *spec,
				     const struct qn_key_source *source, struct qn_operand *out,
				     struct quern_message *err)
{
	struct qn_names words = { .n = 0 };
	enum quern_status st;

	out->stored = qn_calloc(1, sizeof(*out->stored));
	st = out->stored ? QUERN_OK : qn_error_nomem(err, sizeof(*out->stored), "an operand");
	if (!st && spec->file)
		st = qn_names_add(&words, spec->file, err);
	st = qn_comm_agree(team->comm, st, err);
	if (!st)
		st = qn_stored_find(subject, team, source, spec->file ? &words : NULL, out->stored,
				    err);
	qn_names_fini(&words);
	return st;
}

/* Collective. */
static enum quern_status find(const struct qn_subject *subject, const struct qn_team *team,
			      const struct qn_key_spec *spec, struct qn_operand *out,
			      struct quern_message *err)
{
	struct qn_key_source source = { .joined = -1 };
	struct reading r = { .team = team, .spec = spec, .source = &source, .out = out };
	struct qn_view view;
	int nagreed = 0;
	enum quern_status st = qn_key_source_find(subject, team, spec, NULL, &source, err);

	if (!st && spec->file)
		st = qn_coordinates_agree(subject, team, spec, &source, &nagreed, err);
	out->is_unplaced = !st && spec->file && !nagreed && source.like.ndim > 0;
	if (!st)
		st = qn_comm_agree(team->comm, qn_view_init(&source.like, spec->raw, &view, err),
				   err);
	if (!st) {
		out->kind = QN_OPERAND_BESIDE;
		out->dtype = view.dtype;
		st = qn_comm_agree(team->comm, check(&r, err), err);
	}
	out->nvalues = r.n;
	out->is_of_first = source.is_of_first && source.like.ndim > 1;
	if (!st && source.is_left) {
		st = find_stored(subject, team, spec, &source, out, err);
	} else if (!st) {
		st = agree_on_type(&r, err);
		st = st ? st : share_values(&r, err);
	}
	qn_key_source_fini(&source);
	return st;
}

/* Can every rank that reads the data open the file of an operand that is not joined? Collective. */
static enum quern_status find_seen(const struct qn_subject *subject, const struct qn_team *team,
				   const char *file, int64_t *all, struct quern_message *err)
{
	const struct qn_dataset *d = &subject->dataset;
	const bool is_data = !file && subject->files.n == 1 && d->layout != QN_VIRTUAL &&
			     d->layout != QN_EXTERNAL;
	enum quern_status st;

	*all = is_data || qn_files_sees(file ? file : d->file);
	st = qn_comm_reduce(team->comm, all, 1, QUERN_MIN, err);
	return st ? st : qn_comm_bcast(team->comm, all, sizeof(*all), err);
}

/* A variable whose values are given part by part. Until then its strides are those of all of it. */
static enum quern_status find_held(const struct qn_subject *subject,
				   const struct qn_frame_variable *v, struct qn_operand *out,
				   struct quern_message *err)
{
	uint64_t n = 1;

	out->held = v;
	out->dtype = v->dtype;
	for (int d = subject->dataset.ndim - 1; d >= 0; d--) {
		out->stride[d] = n;
		n *= qn_max_u64(subject->dataset.shape[d], 1);
	}
	out->units = qn_strdup(v->units ? v->units : "");
	out->calendar = qn_strdup(v->calendar ? v->calendar : "");
	return out->units && out->calendar
		       ? QUERN_OK
		       : qn_error_nomem(err, sizeof(*out), "a variable beside the data");
}

enum quern_status qn_operand_find(const struct qn_subject *subject, const struct qn_team *team,
				  const struct qn_named *named, struct qn_operand *out,
				  struct quern_message *err)
{
	const struct qn_frame *frame = qn_reading()->frame;
	const struct qn_frame_variable *held =
		frame && !(named && named->file)
			? qn_frame_held(frame, named ? named->path : out->name)
			: NULL;
	const bool needs_all = out->kind == QN_OPERAND_COSINE;
	char *path = qn_strdup(named ? named->path : out->name);
	char *file = named && named->file ? qn_strdup(named->file) : NULL;
	struct qn_key_spec spec = { .name = out->name,
				    .text = out->name,
				    .source = path,
				    .file = file,
				    .option = out->option,
				    .raw = subject->settings.raw,
				    .is_operand = true };
	int64_t seen = 1;
	enum quern_status st = QUERN_OK;

	if (held && !needs_all) {
		free(path);
		free(file);
		return qn_comm_agree(team->comm, find_held(subject, held, out, err), err);
	}
	if (!path || (named && named->file && !file))
		st = qn_error_nomem(err, strlen(out->name), "a name");
	st = qn_comm_agree(team->comm, st, err);
	if (!st && !needs_all)
		st = find_seen(subject, team, file, &seen, err);
	spec.leaves = needs_all ? NULL : seen ? leaves : leaves_joined;
	if (!st)
		st = find(subject, team, &spec, out, err);
	free(path);
	free(file);
	return st;
}

void qn_operand_fini(struct qn_operand *o)
{
	free(o->name);
	free(o->why);
	free(o->units);
	free(o->calendar);
	if (o->stored)
		qn_stored_fini(o->stored);
	free(o->stored);
	if (!o->held)
		free(o->values);
	free(o->valid);
	memset(o, 0, sizeof(*o));
}
