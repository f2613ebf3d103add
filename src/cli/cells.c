/*
 * cells.c - results of many cells as a table: a line a cell, with its coordinates and its fields, or, where
 * they are many, the smallest and the largest value of each field.
 */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "cli/cli.h"
#include "fields/fields.h"
#include "json/json.h"

#define MOST_LINES  60 /* of cells */
#define MOST_VALUES 4  /* of a cell, in one column */
#define MOST_DIMS   32
#define TEXT_NBYTES 128
#define PAIRS	    "group" /* the dimension of combinations */

/* A column: what each cell has. */
struct column {
	const char *name;
	char *made; /* owned: the name, where it is no other's */
	bool is_place, is_coordinate;
	const json_t **cell; /* owned; each is borrowed */
	size_t n, room;
	int width;
};

struct table {
	const json_t *dims, *shape;
	json_t *coords;
	size_t ncells, ncolumns;
	struct column *column; /* owned */
};

/* --- what is in a cell --- */

/* Of a cell with more values than a few: how many. */
static void format_array(const json_t *v, char out[TEXT_NBYTES])
{
	const size_t n = json_array_size(v);
	size_t used = 0;

	if (n > MOST_VALUES || json_is_array(json_array_get(v, 0))) {
		snprintf(out, TEXT_NBYTES, "(%zu values)", n);
		return;
	}
	out[0] = '\0';
	for (size_t i = 0; i < n; i++) {
		char one[TEXT_NBYTES / MOST_VALUES];

		qn_cli_number(json_array_get(v, i), one, sizeof(one));
		used += (size_t)snprintf(out + used, TEXT_NBYTES - used, "%s%s", i ? " " : "", one);
	}
}

static void format(const struct column *c, size_t i, char out[TEXT_NBYTES])
{
	const json_t *v = c->cell[i];

	if (json_is_array(v))
		format_array(v, out);
	else if (c->is_place || c->is_coordinate)
		qn_cli_place(v, out, TEXT_NBYTES);
	else
		qn_cli_number(v, out, TEXT_NBYTES);
}

static void add_cell(struct column *c, const json_t *v)
{
	if (c->n < c->room)
		c->cell[c->n++] = v;
}

/* The values of a field, in the order of the cells. */
static void add_nested(struct column *c, const json_t *v, size_t ndims)
{
	const json_t *one;
	size_t i;

	if (!ndims) {
		add_cell(c, v);
		return;
	}
	json_array_foreach(v, i, one) add_nested(c, one, ndims - 1);
}

/* --- columns --- */

static struct column *add_column(struct table *t, const char *name)
{
	struct column *c = &t->column[t->ncolumns];

	*c = (struct column){ .name = name, .room = t->ncells };
	c->cell = qn_calloc(t->ncells, sizeof(*c->cell));
	if (!c->cell)
		return NULL;
	t->ncolumns++;
	return c;
}

static uint64_t length_of(const struct table *t, size_t dim)
{
	return (uint64_t)json_integer_value(json_array_get(t->shape, dim));
}

static bool is_dimension(const struct table *t, const char *name)
{
	size_t i;
	const json_t *dim;

	json_array_foreach(t->dims, i, dim) if (!strcmp(json_string_value(dim), name)) return true;
	return false;
}

/* A coordinate of a dimension; where there is none, the index: they are added to `numbers`. */
static bool add_places(struct table *t, size_t dim, const char *name, json_t **numbers)
{
	const json_t *values = json_object_get(t->coords, name);
	struct column *c = add_column(t, name);
	const size_t before = json_array_size(*numbers);
	uint64_t stride = 1;

	if (!c)
		return false;
	c->is_place = true;
	for (size_t d = dim + 1; d < json_array_size(t->dims); d++)
		stride *= length_of(t, d);
	for (uint64_t i = 0; i < t->ncells; i++) {
		const uint64_t at = i / stride % length_of(t, dim);

		if (!json_is_array(values) && i < length_of(t, dim))
			qn_json_append(numbers, json_integer((json_int_t)i));
		add_cell(c, json_is_array(values) ? json_array_get(values, at) : NULL);
	}
	for (uint64_t i = 0; !json_is_array(values) && i < t->ncells; i++)
		c->cell[i] = json_array_get(*numbers, before + i / stride % length_of(t, dim));
	return *numbers != NULL;
}

/* That of its name, or of combinations of groups what each key has for them. */
static bool add_coordinates(struct table *t, size_t dim, json_t **numbers)
{
	const char *name = json_string_value(json_array_get(t->dims, dim)), *key;
	bool is_pairs = false, ok = true;
	json_t *values;

	json_object_foreach(t->coords, key, values)
		is_pairs |= !strcmp(name, PAIRS) && !is_dimension(t, key);
	if (!is_pairs)
		return add_places(t, dim, name, numbers);
	json_object_foreach(t->coords, key, values) if (ok && !is_dimension(t, key))
		ok = add_places(t, dim, key, numbers);
	return ok;
}

/* Has each cell one? */
static bool is_field(const char *name)
{
	return strcmp(name, "dims") && strcmp(name, "shape") && strcmp(name, "coords") &&
	       !qn_field_is_shared(name);
}

static void print_shared(json_t *result)
{
	char text[TEXT_NBYTES];
	const char *name;
	json_t *v;

	json_object_foreach(result, name, v) if (qn_field_is_shared(name) && json_is_array(v))
	{
		format_array(v, text);
		printf("  %-12s %s\n", name, text);
	}
}

/* Of coordinates beside indexes, "argmin_coords", a column for each dimension that has some: argmin_lat. */
static bool add_beside(struct table *t, const char *of, json_t *coords)
{
	const int length = (int)(strlen(of) - strlen("_coords"));
	const char *dim;
	json_t *v;

	json_object_foreach(coords, dim, v)
	{
		struct column *c = json_is_array(v) ? add_column(t, of) : NULL;

		if (!json_is_array(v))
			continue;
		if (!c || qn_asprintf(&c->made, "%.*s_%s", length, of, dim) < 0)
			return false;
		c->name = c->made;
		c->is_coordinate = true;
		add_nested(c, v, json_array_size(t->dims));
	}
	return true;
}

static bool add_fields(struct table *t, json_t *result)
{
	const char *name;
	json_t *v;

	json_object_foreach(result, name, v)
	{
		if (json_is_object(v) && is_field(name)) {
			if (!add_beside(t, name, v))
				return false;
			continue;
		}
		struct column *c = is_field(name) ? add_column(t, name) : NULL;

		if (c)
			add_nested(c, v, json_array_size(t->dims));
		else if (is_field(name))
			return false;
	}
	return true;
}

/* --- a line a cell --- */

static void measure(struct column *c)
{
	char text[TEXT_NBYTES];

	c->width = (int)strlen(c->name);
	for (size_t i = 0; i < c->n; i++) {
		format(c, i, text);
		if ((int)strlen(text) > c->width)
			c->width = (int)strlen(text);
	}
}

static void print_lines(struct table *t)
{
	char text[TEXT_NBYTES];

	for (size_t k = 0; k < t->ncolumns; k++)
		measure(&t->column[k]);
	putchar('\n');
	for (size_t k = 0; k < t->ncolumns; k++)
		printf("  %*s", t->column[k].width, t->column[k].name);
	putchar('\n');
	for (size_t i = 0; i < t->ncells; i++) {
		for (size_t k = 0; k < t->ncolumns; k++) {
			format(&t->column[k], i, text);
			printf("  %*s", t->column[k].width, text);
		}
		putchar('\n');
	}
}

/* --- the ends of fields --- */

static void print_ends(const struct column *c)
{
	const json_t *least = NULL, *most = NULL;
	size_t nnone = 0;
	char text[2][TEXT_NBYTES];

	for (size_t i = 0; i < c->n; i++) {
		const json_t *v = c->cell[i];

		nnone += json_is_null(v);
		if (json_is_number(v) &&
		    (!least || json_number_value(v) < json_number_value(least)))
			least = v;
		if (json_is_number(v) && (!most || json_number_value(v) > json_number_value(most)))
			most = v;
	}
	printf("  %-12s ", c->name);
	qn_cli_number(least, text[0], TEXT_NBYTES);
	qn_cli_number(most, text[1], TEXT_NBYTES);
	if (least)
		printf("%s to %s", text[0], text[1]);
	else
		printf("%s", c->n && json_is_array(c->cell[0]) ? "several values a cell" : "-");
	if (nnone)
		printf(", none in %zu cell%s", nnone, nnone == 1 ? "" : "s");
	putchar('\n');
}

static void print_summary(const struct table *t)
{
	printf("\n  smallest and largest value of all cells:\n");
	for (size_t k = 0; k < t->ncolumns; k++)
		if (!t->column[k].is_place)
			print_ends(&t->column[k]);
	printf("  -o FILE.nc, -o FILE.csv or --json have all cells\n");
}

/* --- all of it --- */

/* "12 cells: lat 3, lon 4". */
static void print_head(const struct table *t)
{
	printf("  %-12s %zu: ", "cells", t->ncells);
	for (size_t d = 0; d < json_array_size(t->dims); d++)
		printf("%s%s %" PRIu64, d ? ", " : "",
		       json_string_value(json_array_get(t->dims, d)), length_of(t, d));
	putchar('\n');
}

/* At most. */
static size_t count_columns(const struct table *t, json_t *result)
{
	size_t n = json_array_size(t->dims) + json_object_size(t->coords);
	const char *name;
	json_t *v;

	json_object_foreach(result, name, v) n += json_is_object(v) ? json_object_size(v) : 1;
	return n;
}

static bool make_columns(struct table *t, json_t *result, json_t **numbers)
{
	bool ok;

	t->column = qn_calloc(count_columns(t, result), sizeof(*t->column));
	ok = t->column && json_array_size(t->dims) <= MOST_DIMS;
	for (size_t d = 0; ok && d < json_array_size(t->dims); d++)
		ok = add_coordinates(t, d, numbers);
	return ok && add_fields(t, result);
}

void qn_cli_print_cells(const json_t *doc)
{
	json_t *result = json_object_get(doc, "result"), *numbers = json_array();
	struct table t = { .dims = json_object_get(result, "dims"),
			   .shape = json_object_get(result, "shape"),
			   .coords = json_object_get(result, "coords"),
			   .ncells = 1 };

	for (size_t d = 0; d < json_array_size(t.dims); d++)
		t.ncells *= length_of(&t, d);
	print_head(&t);
	print_shared(result);
	if (!make_columns(&t, result, &numbers))
		qn_cli_warn("there is no memory for a table");
	else if (t.ncells <= MOST_LINES)
		print_lines(&t);
	else
		print_summary(&t);
	for (size_t k = 0; k < t.ncolumns; k++) {
		free(t.column[k].cell);
		free(t.column[k].made);
	}
	free(t.column);
	json_decref(numbers);
}
