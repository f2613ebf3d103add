#include "kernel/collect.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "kernel/fields.h"

/* A field of one row, as it is to be kept. */
struct value {
	enum qn_field_type type;
	size_t n, ncols; /* as of the field, without the indexes that are left out */
	bool is_indexes; /* its last dimension is that of the dataset */
	const struct qn_field *f;
};

static bool is_of_dimensions(const struct qn_field *f)
{
	const struct qn_field_doc *doc = qn_field_doc(f->name);
	const char *last = doc ? doc->dim[f->ncols ? 1 : 0] : NULL;

	return f->array && last && !strcmp(last, "dimension");
}

static bool parse_digits(const char *digits, int64_t *v)
{
	char *end;

	errno = 0;
	*v = strtoll(digits, &end, 10);
	return !errno && !*end && end != digits;
}

static struct value describe(const struct qn_field *f, size_t nkept)
{
	struct value v = { .type = f->type, .n = f->n, .ncols = f->ncols, .f = f };
	int64_t i;

	v.is_indexes = is_of_dimensions(f);
	if (v.is_indexes)
		*(f->ncols ? &v.ncols : &v.n) = nkept;
	if (f->type == QN_FIELD_DECIMAL && parse_digits(f->v.digits, &i))
		v.type = QN_FIELD_INT;
	return v;
}

static bool set_null(struct quern_result *all, struct qn_field *to, uint64_t row)
{
	if (!to->null)
		to->null = qn_calloc((size_t)qn_ceil_div(all->nrows, 64), sizeof(*to->null));
	if (to->null)
		to->null[row / 64] |= UINT64_C(1) << row % 64;
	return to->null != NULL;
}

/* Room for all rows, once it is known what they have. Those before, if any, have no value. */
static bool adopt(struct quern_result *all, struct qn_field *to, const struct value *v)
{
	uint64_t n;

	to->type = v->type;
	to->array = v->f->array;
	to->n = v->n;
	to->ncols = v->ncols;
	if (!qn_mul(all->nrows, qn_field_nvalues(to), &n) || n > PTRDIFF_MAX / sizeof(int64_t))
		return false;
	to->v.ints = qn_calloc((size_t)n, sizeof(*to->v.ints));
	return to->v.ints != NULL;
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
	const size_t n = qn_field_nvalues(to), last = v->ncols ? v->ncols : v->n;
	const size_t width = f->ncols ? f->ncols : f->n;
	int64_t *out = to->v.ints + row * n;

	if (!v->is_indexes) {
		memcpy(out, from, n * sizeof(*out));
		return;
	}
	for (size_t i = 0; i < n; i++)
		out[i] = from[i / last * width + (size_t)kept[i % last]];
}

static bool put_texts(struct qn_field *to, uint64_t row, const struct qn_field *f)
{
	const size_t n = qn_field_nvalues(to);
	bool ok = true;

	for (size_t i = 0; ok && i < n; i++)
		ok = put_text(&to->v.texts[row * n + i], f->array ? f->v.texts[i] : f->v.text);
	return ok;
}

static bool put(struct quern_result *all, struct qn_field *to, uint64_t row,
		const struct qn_field *f, const int *kept, size_t nkept)
{
	const struct value v = describe(f, nkept);

	if (strcmp(to->name, f->name))
		return false;
	if (v.type == QN_FIELD_NULL)
		return set_null(all, to, row);
	if (to->type == QN_FIELD_NULL && !adopt(all, to, &v))
		return false;
	if (f->type == QN_FIELD_DECIMAL)
		return put_decimal(all, to, row, &v);
	if (v.type != to->type || v.n != to->n || v.ncols != to->ncols)
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
		f->per_row = true;
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
