/*
 * values.c - the values of results: the scalars of one row, and those of all rows in C order.
 */
#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/fp.h"
#include "base/mem.h"
#include "base/real.h"
#include "base/text.h"
#include "results/results.h"

/* --- one value --- */

/* As the field has it. */
struct value {
	enum qn_field_type type; /* QN_FIELD_NULL: there is none */
	union {
		int64_t i;
		uint64_t u;
		double r;
		const char *text; /* borrowed: digits too */
	} v;
};

static struct value value_of(const struct qn_field *f, uint64_t i)
{
	struct value x = { .type = qn_field_has(f, i) ? f->type : QN_FIELD_NULL };
	const bool is_one = !f->array && !f->per_row;

	if (x.type == QN_FIELD_INT)
		x.v.i = is_one ? f->v.i : f->v.ints[i];
	else if (x.type == QN_FIELD_UINT)
		x.v.u = is_one ? f->v.u : f->v.uints[i];
	else if (x.type == QN_FIELD_REAL)
		x.v.r = is_one ? f->v.r : f->v.reals[i];
	else if (x.type != QN_FIELD_NULL)
		x.v.text = is_one ? f->v.text : f->v.texts[i];
	return x;
}

/* Is an integer a double too? Above 2^53 some are. */
static bool is_exact(int64_t i)
{
	return (double)i < 0x1p63 && (int64_t)(double)i == i;
}

static bool digits_to_int(const char *digits, int64_t *v)
{
	char *end;
	long long n;

	errno = 0;
	n = strtoll(digits, &end, 10);
	if (errno || *end || end == digits)
		return false;
	*v = n;
	return true;
}

static bool digits_to_uint(const char *digits, uint64_t *v)
{
	char *end;
	unsigned long long n;

	errno = 0;
	n = strtoull(digits, &end, 10);
	if (*digits == '-' || errno || *end || end == digits)
		return false;
	*v = n;
	return true;
}

/* Each false: it cannot be had as this type without loss. */

static bool to_int(const struct value *x, void *out)
{
	int64_t *v = out;

	if (x->type == QN_FIELD_DECIMAL)
		return digits_to_int(x->v.text, v);
	if (x->type != QN_FIELD_INT && (x->type != QN_FIELD_UINT || x->v.u > INT64_MAX))
		return false;
	*v = x->type == QN_FIELD_UINT ? (int64_t)x->v.u : x->v.i;
	return true;
}

static bool to_uint(const struct value *x, void *out)
{
	uint64_t *v = out;

	if (x->type == QN_FIELD_DECIMAL)
		return digits_to_uint(x->v.text, v);
	if (x->type != QN_FIELD_UINT && (x->type != QN_FIELD_INT || x->v.i < 0))
		return false;
	*v = x->type == QN_FIELD_INT ? (uint64_t)x->v.i : x->v.u;
	return true;
}

static bool to_real(const struct value *x, void *out)
{
	double *v = out;
	int64_t i;

	if (x->type == QN_FIELD_REAL) {
		*v = x->v.r;
		return true;
	}
	if (!to_int(x, &i) || !is_exact(i))
		return false;
	*v = (double)i;
	return true;
}

static void to_text(const struct value *x, char *text, size_t nbytes)
{
	char real[QN_REAL_NBYTES];

	switch (x->type) {
	case QN_FIELD_NULL:
		snprintf(text, nbytes, "%s", "");
		break;
	case QN_FIELD_INT:
		snprintf(text, nbytes, "%" PRId64, x->v.i);
		break;
	case QN_FIELD_UINT:
		snprintf(text, nbytes, "%" PRIu64, x->v.u);
		break;
	case QN_FIELD_REAL:
		qn_real_print(x->v.r, real);
		snprintf(text, nbytes, "%s", real);
		break;
	default:
		qn_text_put(text, nbytes, x->v.text);
	}
}

/* --- scalars --- */

static bool get(const struct quern_result *r, const char *name,
		bool (*to)(const struct value *x, void *out), void *out)
{
	const struct qn_field *f = qn_result_find(r, name);
	struct value x;

	if (!f || f->array || f->per_row)
		return false;
	x = value_of(f, 0);
	return x.type != QN_FIELD_NULL && to(&x, out);
}

bool quern_result_get_int(const struct quern_result *r, const char *name, int64_t *v)
{
	QN_OWN_FP;

	return get(r, name, to_int, v);
}

bool quern_result_get_uint(const struct quern_result *r, const char *name, uint64_t *v)
{
	QN_OWN_FP;

	return get(r, name, to_uint, v);
}

bool quern_result_get_real(const struct quern_result *r, const char *name, double *v)
{
	QN_OWN_FP;

	return get(r, name, to_real, v);
}

/* --- arrays, borrowed --- */

static const struct qn_field *find_array(const struct quern_result *r, const char *name,
					 enum qn_field_type type)
{
	const struct qn_field *f = qn_result_find(r, name);

	return f && f->array && f->type == type ? f : NULL;
}

bool quern_result_get_ints(const struct quern_result *r, const char *name, const int64_t **v,
			   size_t *n)
{
	QN_OWN_FP;
	const struct qn_field *f = find_array(r, name, QN_FIELD_INT);

	if (!f)
		return false;
	*v = f->v.ints;
	*n = qn_field_nvalues(f);
	return true;
}

bool quern_result_get_reals(const struct quern_result *r, const char *name, const double **v,
			    size_t *n)
{
	QN_OWN_FP;
	const struct qn_field *f = find_array(r, name, QN_FIELD_REAL);

	if (!f)
		return false;
	*v = f->v.reals;
	*n = qn_field_nvalues(f);
	return true;
}

/* --- arrays, copied --- */

/* A type that values are read as. */
struct reading {
	size_t nbytes;
	bool (*to)(const struct value *x, void *out);
	const void *
		none; /* what stands for no value; NULL: zero, and only where the caller asks which are none */
};

/* n values from `first` on. */
static bool read(const struct qn_field *f, uint64_t nvalues, const struct reading *as,
		 uint64_t first, uint64_t n, void *out, bool *is_none)
{
	char *to = out;

	if (!f || first > nvalues || n > nvalues - first)
		return false;
	for (uint64_t i = 0; i < n; i++, to += as->nbytes) {
		const struct value x = value_of(f, first + i);
		const bool none = x.type == QN_FIELD_NULL;

		if (none ? !is_none && !as->none : !as->to(&x, to))
			return false;
		if (none && as->none)
			memcpy(to, as->none, as->nbytes);
		else if (none)
			memset(to, 0, as->nbytes);
		if (is_none)
			is_none[i] = none;
	}
	return true;
}

static const double nan_of_none = NAN;
static const struct reading as_int = { sizeof(int64_t), to_int, NULL };
static const struct reading as_uint = { sizeof(uint64_t), to_uint, NULL };
static const struct reading as_real = { sizeof(double), to_real, &nan_of_none };

static bool read_field(const struct quern_result *r, const char *name, const struct reading *as,
		       uint64_t first, uint64_t n, void *out, bool *is_none)
{
	const struct qn_field *f = qn_result_find(r, name);

	return read(f, f ? qn_results_nvalues(r, f) : 0, as, first, n, out, is_none);
}

bool quern_result_read_int64(const struct quern_result *r, const char *name, uint64_t first,
			     uint64_t n, int64_t *v, bool *is_none)
{
	QN_OWN_FP;

	return read_field(r, name, &as_int, first, n, v, is_none);
}

bool quern_result_read_uint64(const struct quern_result *r, const char *name, uint64_t first,
			      uint64_t n, uint64_t *v, bool *is_none)
{
	QN_OWN_FP;

	return read_field(r, name, &as_uint, first, n, v, is_none);
}

bool quern_result_read_double(const struct quern_result *r, const char *name, uint64_t first,
			      uint64_t n, double *v, bool *is_none)
{
	QN_OWN_FP;

	return read_field(r, name, &as_real, first, n, v, is_none);
}

bool quern_result_read_text(const struct quern_result *r, const char *name, uint64_t i, char *text,
			    size_t nbytes)
{
	QN_OWN_FP;
	const struct qn_field *f = qn_result_find(r, name);
	struct value x;

	if (!f || i >= qn_results_nvalues(r, f))
		return false;
	x = value_of(f, i);
	if (x.type == QN_FIELD_NULL)
		return false;
	if (f->dates)
		x = (struct value){ .type = QN_FIELD_TEXT, .v.text = f->dates[i] };
	to_text(&x, text, nbytes);
	return true;
}

/* --- coordinates --- */

bool quern_result_coordinates(const struct quern_result *r, size_t axis, double *v)
{
	QN_OWN_FP;
	const struct qn_field *f = qn_results_coordinates(r, axis);

	return f && f->type != QN_FIELD_NULL &&
	       read(f, r->axis[axis].n, &as_real, 0, r->axis[axis].n, v, NULL);
}

bool quern_result_coordinates_int64(const struct quern_result *r, size_t axis, int64_t *v)
{
	QN_OWN_FP;
	const struct qn_field *f = qn_results_coordinates(r, axis);

	return f && f->type != QN_FIELD_NULL &&
	       read(f, r->axis[axis].n, &as_int, 0, r->axis[axis].n, v, NULL);
}

bool quern_result_coordinate_text(const struct quern_result *r, size_t axis, uint64_t i, char *text,
				  size_t nbytes)
{
	QN_OWN_FP;
	const struct qn_field *f = qn_results_coordinates(r, axis);
	struct value x = { .type = QN_FIELD_TEXT };

	if (!f || i >= r->axis[axis].n)
		return false;
	if (r->axis[axis].texts)
		x.v.text = r->axis[axis].texts[i];
	else if (f->type != QN_FIELD_NULL)
		x = value_of(f, i);
	else
		return false;
	to_text(&x, text, nbytes);
	return x.type != QN_FIELD_NULL;
}
