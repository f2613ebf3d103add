/*
 * axes_pack.c - what goes is flat: a struct head, the values, the bounds and the texts.
 */
#include "find/axes_pack.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

struct head {
	uint64_t n, dtype, is_real, has_bounds, are_bounds_real, has_missing, breaks_at,
		breaks_from;
	uint64_t nbytes; /* of the texts */
	int64_t ndims, dim[QUERN_MAX_DIMS];
	char before[QN_AXIS_TEXT_NBYTES], after[QN_AXIS_TEXT_NBYTES];
};

/* Names of all texts, and why there is no coordinate. */
static void *pack_texts(const struct qn_axis_values *v, const char *why, size_t *nbytes)
{
	struct qn_names texts = { .n = 0 };
	const char *const own[] = { why, v->units ? v->units : "", v->calendar ? v->calendar : "",
				    v->bounds_name ? v->bounds_name : "", v->name ? v->name : "" };
	bool ok = true;
	void *flat;

	for (size_t i = 0; ok && i < sizeof(own) / sizeof(*own); i++)
		ok = !qn_names_add(&texts, own[i], NULL);
	for (size_t i = 0; ok && i < v->attributes.n; i++)
		ok = !qn_names_add(&texts, v->attributes.name[i], NULL);
	flat = ok ? qn_names_pack(&texts, nbytes) : NULL;
	qn_names_fini(&texts);
	return flat;
}

void qn_axis_pack(FILE *f, const struct qn_axis_values *v, const char *why, bool *nomem)
{
	struct head h = { .n = v->n,
			  .dtype = v->dtype,
			  .is_real = v->is_real,
			  .has_bounds = v->bounds != NULL,
			  .are_bounds_real = v->are_bounds_real,
			  .has_missing = v->has_missing,
			  .breaks_at = v->breaks_at,
			  .breaks_from = v->breaks_from,
			  .ndims = v->ndims };
	size_t nbytes = 0;
	void *texts = pack_texts(v, why, &nbytes);

	memcpy(h.before, v->before, sizeof(h.before));
	memcpy(h.after, v->after, sizeof(h.after));
	for (int k = 0; k < v->ndims; k++)
		h.dim[k] = v->dim[k];
	*nomem |= !texts;
	h.nbytes = nbytes;
	fwrite(&h, sizeof(h), 1, f);
	if (v->n)
		fwrite(v->values, sizeof(*v->values), v->n, f);
	if (v->n && v->bounds)
		fwrite(v->bounds, 2 * sizeof(*v->bounds), v->n, f);
	if (texts)
		fwrite(texts, 1, nbytes, f);
	free(texts);
}

/* A part of what came; NULL: it is cut short. */
static const void *take(const char **at, const char *end, uint64_t n, uint64_t size)
{
	const char *part = *at;
	uint64_t nbytes;

	if (!qn_mul(n, size, &nbytes) || nbytes > (uint64_t)(end - part))
		return NULL;
	*at += nbytes;
	return part;
}

static int64_t *copy(const void *from, uint64_t n)
{
	int64_t *to = qn_calloc(n, sizeof(*to));

	if (to && n)
		memcpy(to, from, n * sizeof(*to));
	return to;
}

static enum quern_status cut_short(struct quern_message *err)
{
	return qn_error_set(err, QUERN_ERR_RUN, "the coordinates of a result are damaged");
}

static enum quern_status take_texts(const void *flat, size_t nbytes, struct qn_axis_values *v,
				    char **why, struct quern_message *err)
{
	struct qn_names texts = { .n = 0 };
	enum quern_status st = qn_names_unpack(&texts, flat, nbytes, err);
	char **const own[] = { why, &v->units, &v->calendar, &v->bounds_name, &v->name };
	const size_t nown = sizeof(own) / sizeof(*own);

	if (!st && (texts.n < nown || (texts.n - nown) % 2))
		st = cut_short(err);
	for (size_t i = 0; !st && i < nown; i++) {
		*own[i] = texts.name[i];
		texts.name[i] = NULL;
	}
	for (size_t i = nown; !st && i < texts.n; i++)
		st = qn_names_add(&v->attributes, texts.name[i], err);
	qn_names_fini(&texts);
	return st;
}

enum quern_status qn_axis_unpack(const char **at, const char *end, struct qn_axis_values *v,
				 char **why, struct quern_message *err)
{
	const void *head = take(at, end, 1, sizeof(struct head)), *values, *bounds, *texts;
	struct head h;

	if (!head)
		return cut_short(err);
	memcpy(&h, head, sizeof(h));
	values = take(at, end, h.n, sizeof(*v->values));
	bounds = values && h.has_bounds ? take(at, end, h.n, 2 * sizeof(*v->bounds)) : values;
	texts = bounds ? take(at, end, h.nbytes, 1) : NULL;
	if (!texts || h.dtype >= QUERN_NDTYPES || h.n > UINT64_MAX / 32 || h.ndims < 0 ||
	    h.ndims > QUERN_MAX_DIMS)
		return cut_short(err);
	v->n = h.n;
	v->dtype = (enum quern_dtype)h.dtype;
	v->is_real = h.is_real;
	v->are_bounds_real = h.are_bounds_real;
	v->has_missing = h.has_missing;
	v->breaks_at = h.breaks_at;
	v->breaks_from = h.breaks_from;
	memcpy(v->before, h.before, sizeof(v->before));
	memcpy(v->after, h.after, sizeof(v->after));
	v->ndims = (int)h.ndims;
	for (int k = 0; k < v->ndims; k++)
		v->dim[k] = (int)h.dim[k];
	v->values = copy(values, h.n);
	v->bounds = h.has_bounds ? copy(bounds, 2 * h.n) : NULL;
	if (!v->values || (h.has_bounds && !v->bounds))
		return qn_error_nomem(err, h.n * sizeof(*v->values), "a coordinate");
	return take_texts(texts, h.nbytes, v, why, err);
}
