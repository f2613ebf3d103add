#include "kernel/collect.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "fields/fields.h"

/* A field of one row, as it is to be kept. */
struct value {
	enum qn_field_type type;
	size_t n, ncols; /* as of the field, without the indexes that are left out */
	bool is_indexes; /* its last dimension is that of the dataset */
	const struct qn_field *f;
};

static size_t count_values(const struct value *v)
{
	return v->f->array ? v->n * (v->ncols ? v->ncols : 1) : 1;
}

static bool parse_digits(const char *digits, int64_t *v)
{
	char *end;

	errno = 0;
	*v = strtoll(digits, &end, 10);
	return !errno && !*end && end != digits;
}

static struct value describe(const struct qn_field *f, const int *kept, size_t nkept)
{
	struct value v = { .type = f->type, .n = f->n, .ncols = f->ncols, .f = f };
	int64_t i;

	v.is_indexes = kept && f->array && qn_field_is_of_indexes(f->name);
	if (v.is_indexes)
		*(f->ncols ? &v.ncols : &v.n) = nkept;
	if (f->type == QN_FIELD_DECIMAL && parse_digits(f->v.digits, &i))
		v.type = QN_FIELD_INT;
	return v;
}

/* Says of n values from number `first` on that they are not there. */
static bool set_nulls(const struct quern_result *all, struct qn_field *to, uint64_t first,
		      uint64_t n)
{
	if (!to->null)
		to->null = qn_calloc((size_t)qn_ceil_div(all->nrows * qn_field_nvalues(to), 64),
				     sizeof(*to->null));
	for (uint64_t i = first; to->null && i < first + n; i++)
		to->null[i / 64] |= UINT64_C(1) << i % 64;
	return to->null != NULL;
}

/* What is put is there, whatever was said before. */
static void clear_nulls(struct qn_field *to, uint64_t first, uint64_t n)
{
	for (uint64_t i = first; to->null && i < first + n; i++)
		to->null[i / 64] &= ~(UINT64_C(1) << i % 64);
}

/* Rows that are longer than those before: these move to where they now belong. */
static bool widen(const struct quern_result *all, struct qn_field *to, const struct value *v)
{
	struct qn_field wide = *to;
	const size_t before = qn_field_nvalues(to);
	bool ok = true;
	uint64_t n;

	wide.type = v->type;
	wide.array = v->f->array;
	wide.n = v->n;
	wide.ncols = v->ncols;
	wide.null = NULL;
	if (!qn_mul(all->nrows, qn_field_nvalues(&wide), &n) || n > PTRDIFF_MAX / sizeof(int64_t))
		return false;
	wide.v.ints = qn_calloc((size_t)n, sizeof(*wide.v.ints));
	ok = wide.v.ints != NULL;
	for (uint64_t r = 0; ok && r < all->nrows; r++) {
		const uint64_t at = r * qn_field_nvalues(&wide);

		for (size_t i = 0; ok && i < qn_field_nvalues(&wide); i++)
			if (i < before && qn_field_has(to, r * before + i))
				wide.v.ints[at + i] = to->v.ints[r * before + i];
			else if (to->type != QN_FIELD_NULL || to->null)
				ok = set_nulls(all, &wide, at + i, 1);
	}
	if (!ok) {
		free(wide.v.ints);
		free(wide.null);
		return false;
	}
	free(to->type == QN_FIELD_NULL ? NULL : to->v.ints);
	free(to->null);
	*to = wide;
	return true;
}

/* Integers so far; one that comes is larger than they can be. */
static bool turn_to_digits(const struct quern_result *all, struct qn_field *to)
{
	char **texts = qn_calloc((size_t)all->nrows, sizeof(*texts));
	bool ok = texts != NULL;

	for (uint64_t r = 0; ok && r < all->nrows; r++)
		ok = qn_asprintf(&texts[r], "%" PRId64, to->v.ints[r]) >= 0;
	if (!ok) {
		for (uint64_t r = 0; texts && r < all->nrows; r++)
			free(texts[r]);
		free(texts);
		return false;
	}
	free(to->v.ints);
	to->v.texts = texts;
	to->type = QN_FIELD_DECIMAL;
	return true;
}

static bool put_text(char **to, const char *text)
{
	free(*to);
	*to = qn_strdup(text);
	return *to != NULL;
}

/* Integers of any size. */
static bool put_decimal(struct quern_result *all, struct qn_field *to, uint64_t row,
			const struct value *v)
{
	int64_t i;

	if (v->type == QN_FIELD_DECIMAL && to->type == QN_FIELD_INT && !turn_to_digits(all, to))
		return false;
	if (to->type == QN_FIELD_DECIMAL)
		return put_text(&to->v.texts[row], v->f->v.digits);
	parse_digits(v->f->v.digits, &i);
	to->v.ints[row] = i;
	return true;
}

/* Values of 8 bytes; of indexes the last dimension is thinned out. */
static void put_values(struct qn_field *to, uint64_t row, const struct value *v, const int *kept)
{
	const struct qn_field *f = v->f;
	const int64_t *from = f->array ? f->v.ints : &f->v.i;
	const size_t n = count_values(v), last = v->ncols ? v->ncols : v->n;
	const size_t width = f->ncols ? f->ncols : f->n;
	int64_t *out = to->v.ints + row * qn_field_nvalues(to);

	if (!v->is_indexes) {
		memcpy(out, from, n * sizeof(*out));
		return;
	}
	for (size_t i = 0; i < n; i++)
		out[i] = from[i / last * width + (size_t)kept[i % last]];
}

static bool put_texts(struct qn_field *to, uint64_t row, const struct qn_field *f)
{
	const uint64_t at = row * qn_field_nvalues(to);
	bool ok = true;

	for (size_t i = 0; ok && i < qn_field_nvalues(f); i++)
		ok = put_text(&to->v.texts[at + i], f->array ? f->v.texts[i] : f->v.text);
	return ok;
}

bool qn_collect_shared(struct qn_field *to, const struct qn_field *f)
{
	if (to->type != QN_FIELD_NULL || f->type == QN_FIELD_NULL)
		return true;
	to->v.ints = qn_calloc(qn_field_nvalues(f), sizeof(*to->v.ints));
	if (!to->v.ints)
		return false;
	memcpy(to->v.ints, f->v.ints, qn_field_nvalues(f) * sizeof(*to->v.ints));
	to->type = f->type;
	to->array = true;
	to->n = f->n;
	to->ncols = f->ncols;
	return true;
}

static bool put(struct quern_result *all, struct qn_field *to, uint64_t row,
		const struct qn_field *f, const int *kept, size_t nkept)
{
	const struct value v = describe(f, kept, nkept);

	if (strcmp(to->name, f->name))
		return false;
	if (!to->per_row)
		return qn_collect_shared(to, f);
	if (v.type == QN_FIELD_NULL)
		return set_nulls(all, to, row * qn_field_nvalues(to), qn_field_nvalues(to));
	if ((to->type == QN_FIELD_NULL || v.n > to->n) && !widen(all, to, &v))
		return false;
	clear_nulls(to, row * qn_field_nvalues(to), count_values(&v));
	if (f->type == QN_FIELD_DECIMAL)
		return put_decimal(all, to, row, &v);
	if (v.type != to->type || v.ncols != to->ncols)
		return false;
	if (v.n < to->n && !set_nulls(all, to, row * qn_field_nvalues(to) + count_values(&v),
				      qn_field_nvalues(to) - count_values(&v)))
		return false;
	if (v.type == QN_FIELD_TEXT)
		return put_texts(to, row, f);
	put_values(to, row, &v, kept);
	return true;
}

bool qn_collect_fields(struct quern_result *all, const struct quern_result *one)
{
	if (!qn_grow(&all->field, &all->capacity, one->nfields, sizeof(*all->field)))
		return false;
	for (; all->nfields < one->nfields; all->nfields++) {
		struct qn_field *f = &all->field[all->nfields];

		memset(f, 0, sizeof(*f));
		memcpy(f->name, one->field[all->nfields].name, sizeof(f->name));
		f->along = one->field[all->nfields].along;
		f->per_row = !qn_field_is_shared(f->name);
	}
	return true;
}

bool qn_collect_row(struct quern_result *all, uint64_t row, const struct quern_result *one,
		    const int *kept, size_t nkept)
{
	bool ok = !one->nomem && (all->nfields || qn_collect_fields(all, one)) &&
		  all->nfields == one->nfields;

	for (size_t i = 0; ok && i < one->nfields; i++)
		ok = put(all, &all->field[i], row, &one->field[i], kept, nkept);
	return ok;
}

/* --- several rows --- */

/* Are values of both 8 bytes that mean the same? */
static bool is_alike(const struct qn_field *to, const struct qn_field *f)
{
	return to->type == f->type && f->type != QN_FIELD_NULL && f->type != QN_FIELD_TEXT &&
	       f->type != QN_FIELD_DECIMAL && to->array == f->array && to->n == f->n &&
	       to->ncols == f->ncols;
}

/* Rows from number `row` of f on, n of them. */
static bool copy_rows(const struct quern_result *all, struct qn_field *to, uint64_t first,
		      const struct qn_field *f, uint64_t row, uint64_t n)
{
	const size_t nvalues = qn_field_nvalues(f);
	bool ok = true;

	first *= nvalues;
	row *= nvalues;
	n *= nvalues;
	memcpy(to->v.ints + first, f->v.ints + row, (size_t)n * sizeof(*f->v.ints));
	clear_nulls(to, first, n);
	for (uint64_t i = 0; ok && f->null && i < n; i++)
		ok = qn_field_has(f, row + i) || set_nulls(all, to, first + i, 1);
	return ok;
}

/* How many values from the first on a row has; those behind them are lacking. */
static size_t count_there(const struct qn_field *f, uint64_t row)
{
	const size_t nvalues = qn_field_nvalues(f);
	size_t n = 0;

	while (n < nvalues && qn_field_has(f, row * nvalues + n))
		n++;
	return n;
}

/* A row of several by itself: borrows. digits: room for an integer. */
static void view_row(const struct qn_field *f, uint64_t row, bool as_digits, char digits[32],
		     struct qn_field *out)
{
	const size_t nvalues = qn_field_nvalues(f), n = count_there(f, row);

	*out = *f;
	out->per_row = false;
	out->null = NULL;
	if (!n && nvalues) {
		out->type = QN_FIELD_NULL;
	} else if (f->array) {
		out->n = f->ncols ? n / f->ncols : n;
		out->v.ints = f->v.ints + row * nvalues;
	} else if (f->type == QN_FIELD_INT && as_digits) {
		snprintf(digits, 32, "%" PRId64, f->v.ints[row]);
		out->type = QN_FIELD_DECIMAL;
		out->v.digits = digits;
	} else if (f->type == QN_FIELD_DECIMAL || f->type == QN_FIELD_TEXT) {
		out->v.text = f->v.texts[row]; /* or digits */
	} else {
		out->v.i = f->v.ints[row];
	}
}

static bool put_rows(struct quern_result *all, struct qn_field *to, uint64_t first,
		     const struct qn_field *f, uint64_t n)
{
	struct qn_field one;
	char digits[32];
	bool ok = true;

	if (!to->per_row)
		return qn_collect_shared(to, f);
	for (uint64_t row = 0; ok && row < n; row++) {
		if (is_alike(to, f))
			return copy_rows(all, to, first + row, f, row, n - row);
		view_row(f, row, to->type == QN_FIELD_DECIMAL, digits, &one);
		ok = put(all, to, first + row, &one, NULL, 0);
	}
	return ok;
}

bool qn_collect_rows(struct quern_result *all, uint64_t row, const struct quern_result *rows)
{
	bool ok = !rows->nomem && (all->nfields || qn_collect_fields(all, rows)) &&
		  all->nfields == rows->nfields;

	for (size_t i = 0; ok && i < rows->nfields; i++)
		ok = put_rows(all, &all->field[i], row, &rows->field[i], rows->nrows);
	return ok;
}
