/*
 * describe.c - what the variables of a result are, in the words of CF: units, cell_methods, coordinates.
 */
#include "io/hdf5_write/describe.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "kernel/fields.h"

static const char *find_text(const struct qn_names *attributes, const char *name)
{
	for (size_t i = 0; attributes && i + 1 < attributes->n; i += 2)
		if (!strcmp(attributes->name[i], name))
			return attributes->name[i + 1];
	return NULL;
}

static bool put_joined(hid_t id, const char *name, const char *a, const char *between,
		       const char *b)
{
	char *text = NULL;
	bool ok = qn_asprintf(&text, "%s%s%s", a, between, b) >= 0 &&
		  qn_nc_put_text(id, name, text);

	free(text);
	return ok;
}

/* What the cells were made of: "area: mean lat: lon: maximum". */
static bool put_method(hid_t id, const struct qn_labels *l, const char *method)
{
	const char *before = find_text(l->attributes, "cell_methods");
	const char *name = find_text(l->attributes, "standard_name");
	char *text = NULL;
	bool ok = qn_asprintf(&text, "%s%s%s%s%s", before ? before : "",
			      before && *l->reduced ? " " : "", l->reduced, *l->reduced ? " " : "",
			      *l->reduced ? method : "") >= 0;

	if (ok && *text)
		ok = qn_nc_put_text(id, "cell_methods", text);
	if (ok && name)
		ok = qn_nc_put_text(id, "standard_name", name);
	free(text);
	return ok;
}

static bool put_units(hid_t id, const struct qn_labels *l, const struct qn_field_doc *doc)
{
	char *units = qn_field_units(doc, l->units);
	bool ok = units && (!*units || qn_nc_put_text(id, "units", units));

	if (ok && *l->calendar && strstr(units, " since "))
		ok = qn_nc_put_text(id, "calendar", l->calendar);
	free(units);
	return ok;
}

/* The names of the coordinates that are no dimensions any more. */
static bool put_coordinates(hid_t id, const struct qn_nc *w, const struct quern_result *r)
{
	char *text = NULL;
	size_t n;
	FILE *f = qn_open_memstream(&text, &n);
	bool ok;

	for (size_t i = 0; f && i < r->naxes; i++)
		for (size_t k = 0; k < r->axis[i].nkeys; k++)
			fprintf(f, "%s%s", ftell(f) ? " " : "", r->axis[i].key[k].name);
	for (size_t i = 0; f && i < r->nreduced; i++)
		if (H5Lexists(w->file, r->reduced[i].name, H5P_DEFAULT) > 0)
			fprintf(f, "%s%s", ftell(f) ? " " : "", r->reduced[i].name);
	ok = f && !fclose(f);
	if (ok && *text)
		ok = qn_nc_put_text(id, "coordinates", text);
	free(text);
	return ok;
}

bool qn_h5_describe_field(hid_t id, const struct qn_nc *w, const struct qn_labels *l,
			  const struct quern_result *r, const struct qn_field *f)
{
	const struct qn_field_doc *doc = qn_field_doc(f->name);
	const char *name = find_text(l->attributes, "long_name");
	const char *method = qn_field_method(f->name);
	bool ok = true;

	if (doc)
		ok = put_joined(id, "long_name", name ? name : l->name, ": ", doc->doc);
	if (ok && doc && f->type != QN_FIELD_TEXT)
		ok = put_units(id, l, doc);
	if (ok && method)
		ok = put_method(id, l, method);
	return ok && put_coordinates(id, w, r);
}
