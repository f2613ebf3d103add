/*
 * csv.c - results as comma-separated values, behind a head that says what they are: a line a value, or of a
 * result with axes a line a cell.
 */
#include "csv/csv.h"

#include <ctype.h>
#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/real.h"
#include "base/text.h"
#include "fields/fields.h"
#include "quern.h"

static void print_real(FILE *f, double x)
{
	char text[QN_REAL_NBYTES];

	qn_real_print(x, text);
	fputs(isnan(x) ? "nan" : text, f);
}

/* In quotes, which are doubled inside, and plain: a table is looked at as well. */
static void print_text(FILE *f, const char *text)
{
	const char *end = text + strlen(text);
	char one[QN_PLAIN_NBYTES];

	fputc('"', f);
	while (text < end) {
		qn_text_next(&text, end, one);
		fputs(*one == '"' ? "\"\"" : one, f);
	}
	fputc('"', f);
}

static void print_scalar(FILE *f, const struct qn_field *x)
{
	if (x->dates) {
		fputs(x->dates[0], f);
		return;
	}
	switch (x->type) {
	case QN_FIELD_NULL:
		break;
	case QN_FIELD_INT:
		fprintf(f, "%" PRId64, x->v.i);
		break;
	case QN_FIELD_UINT:
		fprintf(f, "%" PRIu64, x->v.u);
		break;
	case QN_FIELD_REAL:
		print_real(f, x->v.r);
		break;
	case QN_FIELD_DECIMAL:
		fputs(x->v.digits, f);
		break;
	case QN_FIELD_TEXT:
		print_text(f, x->v.text);
		break;
	}
}

static void print_value(FILE *f, const struct qn_field *x, size_t i)
{
	if (x->dates)
		fputs(x->dates[i], f);
	else if (x->type == QN_FIELD_DECIMAL)
		fputs(x->v.texts[i], f);
	else if (x->type == QN_FIELD_INT)
		fprintf(f, "%" PRId64, x->v.ints[i]);
	else if (x->type == QN_FIELD_TEXT)
		print_text(f, x->v.texts[i]);
	else if (x->type == QN_FIELD_UINT)
		fprintf(f, "%" PRIu64, x->v.uints[i]);
	else
		print_real(f, x->v.reals[i]);
}

/* A line a label; those that have several lines are one all the same. */
static void print_head(FILE *f, const struct qn_labels *labels)
{
	for (size_t i = 0; i < labels->n; i++) {
		fprintf(f, "# %s: ", labels->label[i].name);
		qn_text_print(f, labels->label[i].text);
		fputc('\n', f);
	}
}

/* What indexes are in coordinates. */
static void print_beside(FILE *f, const struct qn_field *x)
{
	char name[QN_FIELD_NAME_NBYTES];

	fputs("# ", f);
	qn_text_print(f, qn_field_name(x, name));
	fputs(": coordinates along ", f);
	qn_text_print(f, x->along->name);
	if (x->along->units && !x->dates) {
		fputs(", in ", f);
		qn_text_print(f, x->along->units);
	}
	fputc('\n', f);
}

/* The units of the fields, and what they are. */
static void print_fields(FILE *f, const struct qn_labels *labels, const struct quern_result *r)
{
	for (size_t i = 0; i < r->nfields; i++) {
		const struct qn_field_doc *doc = r->field[i].along ? NULL
								   : qn_field_doc(r->field[i].name);
		char *units = doc ? qn_field_units(doc, labels->units, labels->with_units,
						   labels->weights)
				  : NULL;

		if (r->field[i].along)
			print_beside(f, &r->field[i]);
		if (doc)
			fprintf(f, "# %s: %s", doc->name, qn_field_words(doc, labels->weights));
		if (units && units[0] && strcmp(units, "1") && r->field[i].type != QN_FIELD_TEXT) {
			fputs(", in ", f);
			qn_text_print(f, units);
		}
		if (doc)
			fputc('\n', f);
		free(units);
	}
}

/* --- a line a value --- */

/* As it is where that cannot be misread: words, numbers, dates. */
static void print_word(FILE *f, const char *text)
{
	const char *c = text;

	while (isalnum((unsigned char)*c) || (*c && strchr("_.:+-", *c)))
		c++;
	if (*c || !*text)
		print_text(f, text);
	else
		fputs(text, f);
}

/* What a line begins with, where there are several datasets. */
static void print_dataset(FILE *f, const struct qn_output *o)
{
	if (!o->dataset)
		return;
	print_word(f, o->dataset);
	fputc(',', f);
}

/* Its field and its place in it. */
static void print_values(FILE *f, const struct qn_output *o)
{
	const struct quern_result *r = o->result;

	for (size_t i = 0; i < r->nfields; i++) {
		const struct qn_field *x = &r->field[i];
		char name[QN_FIELD_NAME_NBYTES];

		if (!x->array) {
			print_dataset(f, o);
			print_word(f, qn_field_name(x, name));
			fputs(",,,", f);
			print_scalar(f, x);
			fputc('\n', f);
			continue;
		}
		for (size_t k = 0; k < qn_field_nvalues(x); k++) {
			print_dataset(f, o);
			print_word(f, qn_field_name(x, name));
			if (x->ncols)
				fprintf(f, ",%zu,%zu,", k / x->ncols, k % x->ncols);
			else
				fprintf(f, ",%zu,,", k);
			if (qn_field_has(x, k))
				print_value(f, x, k);
			fputc('\n', f);
		}
	}
}

/* --- a line a cell --- */

/* Columns of a field: one, or one for each of its values, with their indexes behind the name. */
static void print_columns(FILE *f, const struct qn_field *x)
{
	char room[QN_FIELD_NAME_NBYTES], text[QN_FIELD_NAME_NBYTES + 64];
	const char *name = qn_field_name(x, room);

	for (size_t k = 0; x->per_row && k < qn_field_nvalues(x); k++) {
		if (x->array && x->ncols)
			snprintf(text, sizeof(text), "%s_%zu_%zu", name, k / x->ncols,
				 k % x->ncols);
		else if (x->array)
			snprintf(text, sizeof(text), "%s_%zu", name, k);
		else
			snprintf(text, sizeof(text), "%s", name);
		fputc(',', f);
		print_word(f, text);
	}
}

/* The keys of combinations each have a column. */
static size_t count_places(const struct qn_result_axis *a)
{
	return a->nkeys ? a->nkeys : 1;
}

static const struct qn_result_axis *place(const struct qn_result_axis *a, size_t k)
{
	return a->nkeys ? &a->key[k] : a;
}

/* The coordinate of index i, of a bin where it begins; the index where there is none. */
static void print_place(FILE *f, const struct qn_result_axis *a, uint64_t i)
{
	if (a->texts)
		print_word(f, a->texts[i]);
	else if (a->is_bins)
		print_value(f, &a->bounds, 2 * i);
	else if (a->coordinate.type != QN_FIELD_NULL)
		print_value(f, &a->coordinate, i);
	else
		fprintf(f, "%" PRIu64, i);
}

static void print_cell(FILE *f, const struct quern_result *r, uint64_t row)
{
	uint64_t stride = r->nrows;

	for (size_t i = 0; i < r->naxes; i++) {
		stride /= r->axis[i].n;
		for (size_t k = 0; k < count_places(&r->axis[i]); k++) {
			fputs(i || k ? "," : "", f);
			print_place(f, place(&r->axis[i], k), row / stride % r->axis[i].n);
		}
	}
	for (size_t i = 0; i < r->nfields; i++) {
		const struct qn_field *x = &r->field[i];
		const size_t n = qn_field_nvalues(x);

		for (size_t k = 0; x->per_row && k < n; k++) {
			fputc(',', f);
			if (qn_field_has(x, row * n + k))
				print_value(f, x, row * n + k);
		}
	}
	fputc('\n', f);
}

/* A comment for each field that is the same in all rows. */
static void print_shared(FILE *f, const struct quern_result *r)
{
	for (size_t i = 0; i < r->nfields; i++) {
		const struct qn_field *x = &r->field[i];

		if (x->per_row || x->type == QN_FIELD_NULL)
			continue;
		fprintf(f, "# %s:", x->name);
		for (size_t k = 0; k < qn_field_nvalues(x); k++) {
			fputc(' ', f);
			print_value(f, x, k);
		}
		fputc('\n', f);
	}
}

static void print_names(FILE *f, const struct quern_result *r)
{
	for (size_t i = 0; i < r->naxes; i++)
		for (size_t k = 0; k < count_places(&r->axis[i]); k++) {
			fputs(i || k ? "," : "", f);
			print_word(f, place(&r->axis[i], k)->name);
		}
	for (size_t i = 0; i < r->nfields; i++)
		print_columns(f, &r->field[i]);
}

/* The names of the columns. Owned; NULL: there is no memory. */
static char *name_columns(const struct qn_output *o)
{
	char *text = NULL;
	size_t n;
	FILE *f = qn_open_memstream(&text, &n);

	if (!f)
		return NULL;
	if (o->result->naxes)
		print_shared(f, o->result);
	fputs(o->dataset ? "dataset," : "", f);
	if (o->result->naxes)
		print_names(f, o->result);
	else
		fputs(QN_CSV_COLUMNS, f);
	fputc('\n', f);
	if (!fclose(f))
		return text;
	free(text);
	return NULL;
}

static bool print_lines(FILE *f, const struct qn_output *o, char **columns)
{
	char *mine = name_columns(o);

	if (!mine)
		return false;
	if (!*columns || strcmp(*columns, mine))
		fprintf(f, "%s%s", *columns ? "\n" : "", mine);
	free(*columns);
	*columns = mine;
	for (uint64_t row = 0; o->result->naxes && row < o->result->nrows; row++) {
		print_dataset(f, o);
		print_cell(f, o->result, row);
	}
	if (!o->result->naxes)
		print_values(f, o);
	return true;
}

bool qn_csv_print(FILE *f, const struct qn_output *outputs, size_t n)
{
	char *columns = NULL;
	bool ok = true;

	fputs(QN_CSV_HEAD QUERN_VERSION "\n", f);
	for (size_t i = 0; i < n; i++) {
		print_head(f, &outputs[i].labels);
		print_fields(f, &outputs[i].labels, outputs[i].result);
	}
	for (size_t i = 0; ok && i < n; i++)
		ok = print_lines(f, &outputs[i], &columns);
	free(columns);
	return ok;
}
