/*
 * values.c - reads a dataset chunk by chunk, and puts each run of elements where it belongs.
 */
#include "describe/values.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/mem.h"
#include "base/system.h"
#include "describe/describe.h"
#include "describe/values_noted.h"
#include "extract/extract.h"

void qn_values_fini(struct qn_values *v)
{
	free(v->integers);
	free(v->reals);
	free(v->texts);
	free(v->missing);
	memset(v, 0, sizeof(*v));
}

enum quern_status qn_values_room(const struct qn_dataset *d, const struct qn_view *view, uint64_t n,
				 struct qn_values *out, struct quern_message *err)
{
	memset(out, 0, sizeof(*out));
	out->n = n;
	out->is_unsigned = view->dtype == QUERN_U64;
	if (view->dtype == QUERN_TEXT)
		out->texts = qn_calloc(n, out->text_nbytes = d->type.size);
	else if (view->dtype == QUERN_F32 || view->dtype == QUERN_F64)
		out->reals = qn_calloc(n, sizeof(*out->reals));
	else
		out->integers = qn_calloc(n, sizeof(*out->integers));
	if (!out->texts && !out->reals && !out->integers)
		return qn_error_nomem(
			err, n * (out->text_nbytes ? out->text_nbytes : sizeof(double)), d->path);
	return QUERN_OK;
}

/* --- runs of elements --- */

struct sink {
	const struct qn_dataset *d;
	struct qn_values *v;
	uint64_t stride[QUERN_MAX_DIMS]; /* of the elements in v */
	bool is_one;			 /* `only` is wanted, alone */
	uint64_t only;
	bool nomem;
};

/* Values need not be aligned. */
#define CONVERT(type, to)                                                                        \
	for (size_t i = 0; i < n; i++) {                                                         \
		type one;                                                                        \
                                                                                                 \
		memcpy(&one, (const char *)var->values + (from + i) * sizeof(one), sizeof(one)); \
		(to)[at + i] = one;                                                              \
	}                                                                                        \
	break

static void convert(const struct quern_var *var, size_t from, size_t n, struct qn_values *v,
		    uint64_t at)
{
	switch (var->dtype) {
	case QUERN_I8:
		CONVERT(int8_t, v->integers);
	case QUERN_U8:
		CONVERT(uint8_t, v->integers);
	case QUERN_I16:
		CONVERT(int16_t, v->integers);
	case QUERN_U16:
		CONVERT(uint16_t, v->integers);
	case QUERN_I32:
		CONVERT(int32_t, v->integers);
	case QUERN_U32:
		CONVERT(uint32_t, v->integers);
	case QUERN_I64:
	case QUERN_U64:
		CONVERT(int64_t, v->integers);
	case QUERN_F32:
		CONVERT(float, v->reals);
	case QUERN_F64:
		CONVERT(double, v->reals);
	default:
		memcpy(v->texts + at * v->text_nbytes,
		       (const char *)var->values + from * var->text_nbytes, n * var->text_nbytes);
	}
}

static void note_missing(struct sink *s, const struct quern_var *var, size_t from, size_t n,
			 uint64_t at)
{
	struct qn_values *v = s->v;

	if (!v->missing)
		v->missing = qn_calloc(v->n, 1);
	s->nomem |= !v->missing;
	for (size_t i = from; v->missing && i < from + n; i++)
		v->missing[at + i - from] = !(var->valid[i / 64] >> (i % 64) & 1);
}

static void take_run(struct sink *s, const struct quern_var *var, size_t from, size_t n,
		     uint64_t at)
{
	if (s->is_one) {
		if (s->only - at >= n)
			return;
		from += (size_t)(s->only - at);
		n = 1;
		at = 0;
	}
	convert(var, from, n, s->v, at);
	if (var->valid && var->nmissing)
		note_missing(s, var, from, n, at);
}

/* Each row of the box goes to a place of its own. */
static void take_values(void *ctx, const struct quern_tile *tile)
{
	struct sink *s = ctx;
	const struct quern_box *box = tile->box;
	const uint64_t row = box->count[box->ndim - 1];

	for (size_t i = 0, n; i < tile->nelems; i += n) {
		uint64_t rest = tile->first + i, at = 0;

		n = (size_t)qn_min_u64(row - rest % row, tile->nelems - i);
		for (int d = box->ndim - 1; d >= 0; rest /= box->count[d--])
			at += (box->start[d] + rest % box->count[d]) * s->stride[d];
		take_run(s, tile->var, i, n, at);
	}
}

/* --- chunks --- */

/* The chunk of a number, from the sorted list from *next on. */
static struct qn_chunk chunk_of(const struct qn_dataset *d, uint64_t number, uint64_t *next)
{
	struct qn_chunk none = { .number = number, .addr = QN_ADDR_NONE };

	if (*next < d->nchunks && d->chunks[*next].number == number)
		return d->chunks[(*next)++];
	return none;
}

static void box_of(const struct qn_dataset *d, const uint64_t *grid, uint64_t number,
		   struct quern_box *box)
{
	box->ndim = d->ndim;
	for (int k = d->ndim - 1; k >= 0; number /= grid[k--]) {
		box->start[k] = number % grid[k] * d->chunk[k];
		box->count[k] = qn_min_u64(d->chunk[k], d->shape[k] - box->start[k]);
		box->step[k] = 1;
	}
}

static enum quern_status feed_all(struct qn_feed *feed, struct sink *s, struct quern_message *err)
{
	uint64_t grid[QUERN_MAX_DIMS], next = 0;
	const uint64_t n = qn_dataset_grid(s->d, grid);
	enum quern_status st = QUERN_OK;

	for (uint64_t c = 0; !st && c < n; c++) {
		struct qn_chunk chunk = chunk_of(s->d, c, &next);
		struct qn_item item = { .nchunks = 1, .chunks = &chunk };

		box_of(s->d, grid, c, &item.box);
		if (s->is_one && s->only - item.box.start[0] >= item.box.count[0])
			continue;
		st = qn_feed_item(feed, &item, take_values, s, err);
		if (!st && s->nomem)
			st = qn_error_nomem(err, s->v->n, s->d->path);
	}
	return st;
}

/* --- what is beyond --- */

/* Marks the elements whose index along a dimension is beyond what is stored. */
static enum quern_status note_beyond(const struct qn_dataset *d, const uint64_t *stride, int dim,
				     struct qn_values *v, struct quern_message *err)
{
	const uint64_t length = qn_dataset_length(d, dim);

	if (!d->beyond[dim])
		return QUERN_OK;
	if (!v->missing)
		v->missing = qn_calloc(v->n, 1);
	if (!v->missing)
		return qn_error_nomem(err, v->n, d->path);
	for (uint64_t i = 0; i < v->n; i++)
		if (i / stride[dim] % length >= d->shape[dim])
			v->missing[i] = 1;
	return QUERN_OK;
}

static enum quern_status open_file(const struct qn_dataset *d, int *fd, struct quern_message *err)
{
	*fd = -1;
	if (!d->native)
		return QUERN_OK;
	*fd = qn_file_open(d->file, NULL);
	if (*fd < 0)
		return qn_error_set(err, qn_file_status(errno), "%s: %s", d->file,
				    qn_file_why(errno));
	return qn_source_check(*fd, d, "0", err);
}

/* The strides of the elements, and how many there are. */
static enum quern_status measure(const struct qn_dataset *d, const struct qn_view *view,
				 uint64_t *stride, uint64_t *n, struct quern_message *err)
{
	const uint64_t size = view->dtype == QUERN_TEXT ? d->type.size : 1;
	bool fits = true;

	*n = 1;
	for (int k = d->ndim - 1; fits && k >= 0; k--) {
		stride[k] = *n;
		fits = qn_mul(*n, qn_dataset_length(d, k), n);
	}
	if (fits && *n <= QN_MOST_VALUES / size)
		return QUERN_OK;
	return qn_error_set(
		err, QUERN_ERR_DATA,
		"%s: dataset %s of %s%llu elements of %llu bytes is too large to be read "
		"whole: no more than %llu elements or bytes of text are",
		d->file, d->path, fits ? "" : "more than ", (unsigned long long)*n,
		(unsigned long long)d->type.size, (unsigned long long)QN_MOST_VALUES);
}

/* Those that the sink wants, of which there is room. */
static enum quern_status read_wanted(const struct qn_view *view, struct sink *s,
				     struct quern_message *err)
{
	struct qn_feed *feed = NULL;
	int fd = -1;
	enum quern_status st = open_file(s->d, &fd, err);

	if (!st)
		st = qn_feed_new(s->d, view, false, fd, &feed, err);
	if (!st)
		st = feed_all(feed, s, err);
	qn_feed_free(feed);
	if (fd >= 0)
		qn_sys_close(fd);
	return st;
}

enum quern_status qn_values_read_one(const struct qn_dataset *d, const struct qn_view *view,
				     uint64_t at, struct qn_values *out, struct quern_message *err)
{
	struct sink s = { .d = d, .v = out, .is_one = true, .only = at };
	enum quern_status st = qn_values_room(d, view, 1, out, err);

	s.stride[0] = 1;
	if (!st && qn_extract_standing())
		return qn_values_tell(d, view, &at, out, err);
	if (!st && at < d->shape[0]) {
		st = read_wanted(view, &s, err);
		return st ? st : qn_values_note(d, view, &at, out, err);
	}
	if (!st && !(out->missing = qn_calloc(1, 1)))
		st = qn_error_nomem(err, 1, d->path);
	if (out->missing)
		out->missing[0] = 1;
	return st;
}

enum quern_status qn_values_read(const struct qn_dataset *d, const struct qn_view *view,
				 struct qn_values *out, struct quern_message *err)
{
	struct sink s = { .d = d, .v = out };
	uint64_t n;
	enum quern_status st = measure(d, view, s.stride, &n, err);

	memset(out, 0, sizeof(*out));
	if (!st)
		st = qn_values_room(d, view, n, out, err);
	if (!st && qn_extract_standing())
		return qn_values_tell(d, view, NULL, out, err);
	if (!st)
		st = read_wanted(view, &s, err);
	for (int k = 0; !st && k < d->ndim; k++)
		st = note_beyond(d, s.stride, k, out, err);
	return st ? st : qn_values_note(d, view, NULL, out, err);
}
