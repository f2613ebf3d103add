#include "kernel/result.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "fields/fields.h"
#include "base/text.h"

/* A new field of the type, zeroed; NULL (and r->nomem) when there is no memory. */
static struct qn_field *add(struct quern_result *r, const char *name, enum qn_field_type type)
{
	struct qn_field *f;

	if (!qn_grow(&r->field, &r->capacity, r->nfields + 1, sizeof(*f))) {
		r->nomem = true;
		return NULL;
	}
	f = &r->field[r->nfields++];
	memset(f, 0, sizeof(*f));
	memcpy(f->name, name, strnlen(name, sizeof(f->name) - 1)); /* a million rows have theirs */
	f->type = type;
	return f;
}

void quern_result_int(struct quern_result *r, const char *name, int64_t v)
{
	struct qn_field *f = add(r, name, QN_FIELD_INT);

	if (f)
		f->v.i = v;
}

void quern_result_uint(struct quern_result *r, const char *name, uint64_t v)
{
	struct qn_field *f = add(r, name, QN_FIELD_UINT);

	if (f)
		f->v.u = v;
}

void quern_result_real(struct quern_result *r, const char *name, double v)
{
	struct qn_field *f = add(r, name, QN_FIELD_REAL);

	if (f)
		f->v.r = v;
}

void quern_result_null(struct quern_result *r, const char *name)
{
	add(r, name, QN_FIELD_NULL);
}

void quern_result_decimal(struct quern_result *r, const char *name, const char *digits)
{
	struct qn_field *f = add(r, name, QN_FIELD_DECIMAL);

	if (f && !(f->v.digits = qn_strdup(digits)))
		r->nomem = true;
}

/* Copies n * max(ncols, 1) values of 8 bytes into a new array field. */
static void add_array(struct quern_result *r, const char *name, enum qn_field_type type, size_t n,
		      size_t ncols, const void *values)
{
	struct qn_field *f = add(r, name, type);
	size_t nvalues;

	if (!f)
		return;
	f->array = true;
	f->n = n;
	f->ncols = ncols;
	nvalues = qn_field_nvalues(f);
	f->v.ints = qn_calloc(nvalues, sizeof(int64_t));
	if (!f->v.ints)
		r->nomem = true;
	else if (nvalues)
		memcpy(f->v.ints, values, nvalues * sizeof(int64_t));
}

void quern_result_ints(struct quern_result *r, const char *name, size_t n, size_t ncols,
		       const int64_t *v)
{
	add_array(r, name, QN_FIELD_INT, n, ncols, v);
}

void quern_result_uints(struct quern_result *r, const char *name, size_t n, size_t ncols,
			const uint64_t *v)
{
	add_array(r, name, QN_FIELD_UINT, n, ncols, v);
}

void quern_result_reals(struct quern_result *r, const char *name, size_t n, size_t ncols,
			const double *v)
{
	add_array(r, name, QN_FIELD_REAL, n, ncols, v);
}

/* Without the zeros that pad it. Owned; NULL when there is no memory. */
static char *make_text(const unsigned char *p, size_t nbytes)
{
	while (nbytes > 0 && p[nbytes - 1] == 0)
		nbytes--;
	return qn_text_utf8(p, nbytes);
}

void quern_result_text(struct quern_result *r, const char *name, const void *bytes, size_t nbytes)
{
	struct qn_field *f = add(r, name, QN_FIELD_TEXT);

	if (f && !(f->v.text = make_text(bytes, nbytes)))
		r->nomem = true;
}

void quern_result_texts(struct quern_result *r, const char *name, size_t n, const void *bytes,
			size_t nbytes)
{
	struct qn_field *f = add(r, name, QN_FIELD_TEXT);

	if (!f)
		return;
	f->array = true;
	f->n = n;
	f->v.texts = qn_calloc(n, sizeof(char *));
	r->nomem = r->nomem || !f->v.texts;
	for (size_t i = 0; f->v.texts && i < n; i++) {
		f->v.texts[i] = make_text((const unsigned char *)bytes + i * nbytes, nbytes);
		r->nomem = r->nomem || !f->v.texts[i];
	}
}

void *qn_result_add_rows(struct quern_result *r, const char *name, enum qn_field_type type)
{
	struct qn_field *f = add(r, name, type);

	if (!f)
		return NULL;
	f->per_row = true;
	f->v.ints = qn_calloc((size_t)r->nrows, sizeof(*f->v.ints));
	r->nomem = r->nomem || !f->v.ints;
	return f->v.ints;
}

void qn_result_lack_row(struct quern_result *r, uint64_t i)
{
	struct qn_field *f = &r->field[r->nfields - 1];

	if (!f->null)
		f->null = qn_calloc((size_t)qn_ceil_div(r->nrows, 64), sizeof(*f->null));
	if (f->null)
		f->null[i / 64] |= UINT64_C(1) << i % 64;
	else
		r->nomem = true;
}

void quern_result_lost(struct quern_result *r)
{
	r->nomem = true;
}

static void free_texts(char **texts, uint64_t n)
{
	for (uint64_t i = 0; texts && i < n; i++)
		free(texts[i]);
	free(texts);
}

/* Texts that it has; digits of rows are texts. */
static uint64_t count_texts(const struct quern_result *r, const struct qn_field *f)
{
	if (f->type == QN_FIELD_TEXT && (f->array || f->per_row))
		return (f->per_row ? r->nrows : 1) * qn_field_nvalues(f);
	return f->type == QN_FIELD_DECIMAL && f->per_row ? r->nrows : 0;
}

static void free_field(const struct quern_result *r, struct qn_field *f)
{
	const uint64_t ntexts = count_texts(r, f);

	if (ntexts)
		free_texts(f->v.texts, ntexts);
	else if (f->array || f->per_row)
		free(f->v.ints);
	else if (f->type == QN_FIELD_DECIMAL || f->type == QN_FIELD_TEXT)
		free(f->v.digits);
	free(f->null);
	free(f->dates);
}

static void free_axis(struct qn_result_axis *a)
{
	const struct quern_result none = { .nfields = 0 };

	free(a->name);
	free(a->units);
	free(a->calendar);
	free(a->bounds_name);
	free_texts(a->texts, a->n);
	free_field(&none, &a->coordinate);
	free_field(&none, &a->bounds);
	qn_names_fini(&a->attributes);
	for (size_t k = 0; k < a->nkeys; k++)
		free_axis(&a->key[k]);
	free(a->key);
	free(a->at);
}

void qn_result_fini(struct quern_result *r)
{
	for (size_t i = 0; i < r->nfields; i++)
		free_field(r, &r->field[i]);
	for (size_t i = 0; i < r->naxes; i++)
		free_axis(&r->axis[i]);
	for (size_t i = 0; i < r->nothers; i++)
		free_axis(&r->other[i]);
	for (size_t i = 0; i < r->nalong; i++)
		free_axis(&r->along[i]);
	for (size_t i = 0; i < r->nlabels; i++) {
		free(r->label[i].name);
		free(r->label[i].units);
	}
	free(r->label);
	free(r->along);
	free(r->field);
	free(r->axis);
	free(r->other);
	memset(r, 0, sizeof(*r));
}

void qn_result_clear(struct quern_result *r)
{
	for (size_t i = 0; i < r->nfields; i++)
		free_field(r, &r->field[i]);
	r->nfields = 0;
}

void qn_result_blank(struct quern_result *r)
{
	for (size_t i = 0; i < r->nfields; i++) {
		struct qn_field *f = &r->field[i], none = { .type = QN_FIELD_NULL };

		if (qn_field_is_shared(f->name))
			continue;
		memcpy(none.name, f->name, sizeof(none.name));
		free_field(r, f);
		*f = none;
	}
}

void qn_result_drop_repeated(struct quern_result *r, size_t first)
{
	size_t n = first;

	for (size_t i = first, k; i < r->nfields; i++) {
		for (k = 0; k < first && strcmp(r->field[k].name, r->field[i].name); k++)
			;
		if (k < first)
			free_field(r, &r->field[i]);
		else
			r->field[n++] = r->field[i];
	}
	r->nfields = n;
}

const char *qn_field_name(const struct qn_field *f, char room[QN_FIELD_NAME_NBYTES])
{
	if (!f->along)
		return f->name;
	snprintf(room, QN_FIELD_NAME_NBYTES, "%s_%s", f->name, f->along->name);
	return room;
}

const struct qn_field *qn_result_find(const struct quern_result *r, const char *name)
{
	char room[QN_FIELD_NAME_NBYTES];

	for (size_t i = 0; r && i < r->nfields; i++)
		if (!strcmp(qn_field_name(&r->field[i], room), name))
			return &r->field[i];
	return NULL;
}

bool qn_result_pick(struct quern_result *r, const struct qn_names *names)
{
	for (size_t i = 0; i < names->n; i++) {
		struct qn_field first;
		size_t k = i;

		while (k < r->nfields && strcmp(r->field[k].name, names->name[i]))
			k++;
		if (k == r->nfields)
			return false;
		first = r->field[i];
		r->field[i] = r->field[k];
		r->field[k] = first;
	}
	while (r->nfields > names->n)
		free_field(r, &r->field[--r->nfields]);
	return true;
}

size_t qn_field_nvalues(const struct qn_field *f)
{
	return f->array ? f->n * (f->ncols ? f->ncols : 1) : 1;
}

bool qn_field_has(const struct qn_field *f, uint64_t i)
{
	return f->type != QN_FIELD_NULL && !(f->null && f->null[i / 64] >> i % 64 & 1);
}

static bool is_of_quantiles(const struct quern_result *r, const struct qn_field *f)
{
	return !strcmp(f->name, "values") && qn_result_find(r, "q");
}

/* Fields that are something else beside another, or with columns. */
static const struct other {
	const char *beside;
	struct qn_field_doc doc;
} others[] = {
	/* clang-format off */
	{ "q", { "values", "quantiles, by linear interpolation", QN_UNITS_VALUE, false, { "q" } } },
	{ NULL, { "counts", "number of pairs in each bin", QN_UNITS_ONE, true, { "x_bin", "y_bin" } } },
	{ NULL, { "weights", "sum of the weights of the pairs in each bin, correctly rounded", QN_UNITS_UNKNOWN,
		  false, { "x_bin", "y_bin" } } },
	{ NULL, { "density", "share of the pairs in each bin, for each unit of area", QN_UNITS_INVERSES, false,
		  { "x_bin", "y_bin" } } },
	/* clang-format on */
};

const struct qn_field_doc *qn_field_doc_in(const struct quern_result *r, const struct qn_field *f)
{
	for (size_t i = 0; i < sizeof(others) / sizeof(*others); i++) {
		const struct other *o = &others[i];

		if (!f->along && !strcmp(o->doc.name, f->name) &&
		    (o->beside ? qn_result_find(r, o->beside) != NULL : f->ncols > 0))
			return &o->doc;
	}
	/* Coordinates of the values of topk are in their places. */
	return f->along && !f->array ? NULL : qn_field_doc(f->name);
}

/* Values are in their places, or those of quantiles. */
const char *qn_field_dimension(const struct quern_result *r, const struct qn_field *f, int k)
{
	const struct qn_field_doc *doc = qn_field_doc_in(r, f);

	return doc ? doc->dim[k] : NULL;
}

bool qn_field_is_coordinate(const struct quern_result *r, const struct qn_field *f)
{
	const char *name = qn_field_dimension(r, f, 0);

	return f->array && !f->ncols && name && !strcmp(name, f->name);
}

bool qn_field_is_element(const struct quern_result *r, const struct qn_field *f)
{
	return !f->along && qn_field_is_value(f->name) && !is_of_quantiles(r, f);
}
