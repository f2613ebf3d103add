/*
 * describe.c - what the variables of a result are, in the words of CF: units, cell_methods, coordinates.
 */
#include "io/hdf5_write/describe.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "fields/fields.h"

static bool put_joined(hid_t id, const char *name, const char *a, const char *between,
		       const char *b)
{
	char *text = NULL;
	bool ok = qn_asprintf(&text, "%s%s%s", a, between, b) >= 0 &&
		  qn_nc_put_text(id, name, text);

	free(text);
	return ok;
}

bool qn_h5_put_comment(hid_t id, const struct qn_labels *l, const struct qn_field_doc *doc)
{
	const bool has_with = l->with && qn_field_is_of_pairs(doc->name);
	const bool has_weights = l->weights && qn_field_weighted(doc->name);
	char *text = NULL;
	bool ok;

	if (!has_with && !has_weights)
		return true;
	ok = qn_asprintf(&text, "%s%s%s%s%s", has_with ? "with: " : "", has_with ? l->with : "",
			 has_with && has_weights ? "; " : "", has_weights ? "weights: " : "",
			 has_weights ? l->weights : "") >= 0 &&
	     qn_nc_put_text(id, "comment", text);
	free(text);
	return ok;
}

/* The methods of the cells, with the word for each. Owned; NULL: there is no memory. */
static char *fill_in(const char *methods, const char *word)
{
	char *text = NULL;
	size_t n;
	FILE *f = qn_open_memstream(&text, &n);

	for (; f && *methods; methods++)
		if (*methods == QN_METHOD)
			fputs(word, f);
		else
			fputc(*methods, f);
	if (f && !fclose(f))
		return text;
	free(text);
	return NULL;
}

/* Has the data been made of the same in the same way before? The mean over time of means over time. */
static bool ends_with(const char *before, const char *now)
{
	const size_t n = strlen(before), m = strlen(now);

	return m <= n && !strcmp(before + n - m, now) && (m == n || before[n - m - 1] == ' ');
}

/* What the cells were made of: "area: mean lat: lon: maximum". */
static bool put_method(hid_t id, const struct qn_labels *l, const struct qn_field_method *m)
{
	const char *before = qn_names_text(l->attributes, "cell_methods");
	const char *name = qn_names_text(l->attributes, "standard_name");
	char *now = fill_in(m->in_steps ? l->in_steps : l->at_once, m->word), *text = NULL;
	bool ok = now != NULL;

	if (ok && before && *now && !(m->in_steps && ends_with(before, now)))
		ok = qn_asprintf(&text, "%s %s", before, now) >= 0;
	else if (ok)
		ok = (text = qn_strdup(before ? before : now)) != NULL;
	if (ok && *text)
		ok = qn_nc_put_text(id, "cell_methods", text);
	if (ok && name)
		ok = qn_nc_put_text(id, "standard_name", name);
	free(now);
	free(text);
	return ok;
}

/* What CF has no method for. */
static bool put_quantiles(hid_t id, const struct qn_labels *l)
{
	char *now = fill_in(l->at_once, "quantile");
	const bool ok = now && put_joined(id, "comment", "cells are made by ", "", now);

	free(now);
	return ok;
}

static bool put_units(hid_t id, const struct qn_labels *l, const struct qn_field_doc *doc)
{
	char *units = qn_field_units(doc, l->units, l->with_units, l->weights);
	bool ok = units && (!*units || qn_nc_put_text(id, "units", units));

	if (ok && *l->calendar && strstr(units, " since "))
		ok = qn_nc_put_text(id, "calendar", l->calendar);
	free(units);
	return ok;
}

bool qn_h5_describe_coordinate(hid_t id, const struct qn_field *f)
{
	return qn_nc_put_text(id, "long_name", qn_field_doc(f->name)->doc) &&
	       qn_nc_put_text(id, "units", "1");
}

size_t qn_h5_count_fields(const struct quern_result *r)
{
	size_t n = 0;

	for (size_t i = 0; i < r->nfields; i++)
		n += r->field[i].along == NULL;
	return n;
}

/* What is at the indexes of a field. */
static const char *place_words(const char *field)
{
	static const struct {
		const char *field, *words;
	} places[] = { { "argmin", " of the smallest value" },
		       { "argmax", " of the largest value" },
		       { "longest_start", " where the longest spell begins" } };

	for (size_t i = 0; i < sizeof(places) / sizeof(*places); i++)
		if (!strcmp(places[i].field, field))
			return places[i].words;
	return " of the values";
}

bool qn_h5_describe_beside(hid_t id, const struct qn_field *f)
{
	const struct qn_result_axis *a = f->along;

	return put_joined(id, "long_name", a->name, place_words(f->name), "") &&
	       (!a->units || qn_nc_put_text(id, "units", a->units)) &&
	       (!a->calendar || qn_nc_put_text(id, "calendar", a->calendar));
}

bool qn_h5_describe_field(hid_t id, const struct qn_nc *w, const struct qn_labels *l,
			  const struct quern_result *r, const struct qn_field *f)
{
	const struct qn_field_doc *doc = qn_field_doc_in(r, f);
	const char *name = qn_names_text(l->attributes, "long_name");
	const struct qn_field_method *method = qn_field_method(f->name);
	bool ok = true;

	if (f->along)
		return qn_h5_describe_beside(id, f) &&
		       (!w->coordinates || qn_nc_put_text(id, "coordinates", w->coordinates));
	if (doc)
		ok = put_joined(id, "long_name", name ? name : l->name, ": ",
				qn_field_words(doc, l->weights));
	if (ok && doc)
		ok = qn_h5_put_comment(id, l, doc);
	if (ok && doc && !strcmp(f->name, "values") && doc != qn_field_doc(f->name))
		ok = put_quantiles(id, l);
	if (ok && doc && f->type != QN_FIELD_TEXT)
		ok = put_units(id, l, doc);
	if (ok && method)
		ok = put_method(id, l, method);
	return ok && (!w->coordinates || qn_nc_put_text(id, "coordinates", w->coordinates));
}
