/*
 * result.c - reading results, and the kernels' messages.
 */
#include <errno.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "api/run.h"
#include "base/fp.h"

/* Is an integer a double too? Above 2^53 some are. */
static bool is_exact(int64_t i)
{
	return (double)i < 0x1p63 && (int64_t)(double)i == i;
}

bool quern_result_get_int(const struct quern_result *r, const char *name, int64_t *v)
{
	QN_OWN_FP;
	const struct qn_field *f = qn_result_find(r, name);
	char *end;
	long long n;

	if (!f || f->array)
		return false;
	if (f->type == QN_FIELD_INT) {
		*v = f->v.i;
		return true;
	}
	if (f->type == QN_FIELD_UINT && f->v.u <= INT64_MAX) {
		*v = (int64_t)f->v.u;
		return true;
	}
	if (f->type != QN_FIELD_DECIMAL)
		return false;
	errno = 0;
	n = strtoll(f->v.digits, &end, 10);
	if (errno || *end || end == f->v.digits)
		return false;
	*v = n;
	return true;
}

bool quern_result_get_real(const struct quern_result *r, const char *name, double *v)
{
	QN_OWN_FP;
	const struct qn_field *f = qn_result_find(r, name);
	int64_t i;

	if (f && !f->array && f->type == QN_FIELD_REAL) {
		*v = f->v.r;
		return true;
	}
	if (!quern_result_get_int(r, name, &i) || !is_exact(i))
		return false;
	*v = (double)i;
	return true;
}

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
