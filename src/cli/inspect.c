/*
 * inspect.c - the datasets of a file as a person reads them.
 */
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli/cli.h"

#include "base/mem.h"

#define INDENT 12 /* where what is said of a dataset begins */

static bool is_number(const json_t *o, const char *name)
{
	return json_is_number(json_object_get(o, name));
}

/* --- a line: what it is about, and a text that is wrapped --- */

static void print_line(const char *about, const char *text)
{
	printf("  %-*s", INDENT - 2, about);
	qn_cli_wrap(stdout, text, INDENT, INDENT, qn_cli_columns(STDOUT_FILENO));
	putchar('\n');
}

/* A text that grows; begun with 0, ended by print_words. */
struct words {
	char *text;
	size_t n;
	FILE *out;
};

static void add(struct words *w, const char *format, ...) __attribute__((format(printf, 2, 3)));

static void add(struct words *w, const char *format, ...)
{
	va_list ap;

	if (!w->out && !(w->out = qn_open_memstream(&w->text, &w->n)))
		return;
	va_start(ap, format);
	vfprintf(w->out, format, ap);
	va_end(ap);
}

static void print_words(const char *about, struct words *w)
{
	if (!w->out || fclose(w->out))
		return;
	print_line(about, w->text);
	free(w->text);
}

/* --- what is said --- */

static void print_dims(const json_t *dims)
{
	const json_t *name;
	bool named = false;
	size_t i;

	json_array_foreach(dims, i, name) named = named || json_is_string(name);
	if (!named)
		return;
	fputs("  (", stdout);
	json_array_foreach(dims, i, name)
		printf("%s%s", i ? ", " : "", json_is_string(name) ? json_string_value(name) : "?");
	putchar(')');
}

/* tail: what comes after it. */
static void print_head(const json_t *d, const char *tail)
{
	char shape[256];

	qn_cli_shape(json_object_get(d, "shape"), shape, sizeof(shape));
	printf("%s%s%s  %s  %s", qn_cli_text(d, "dataset"),
	       *qn_cli_text(d, "column") ? " column " : "", qn_cli_text(d, "column"),
	       qn_cli_text(d, "dtype"), shape);
	print_dims(json_object_get(d, "dims"));
	if (*qn_cli_text(d, "units"))
		printf("  [%s]", qn_cli_text(d, "units"));
	printf("%s\n", tail);
}

static void print_linked(const json_t *l)
{
	struct words w = { .n = 0 };

	add(&w, "%s of %s, by an external link", qn_cli_text(l, "dataset"), qn_cli_text(l, "file"));
	print_words("is", &w);
}

/* How much of the stored bytes is in the page cache. */
static void add_resident(struct words *w, const json_t *d)
{
	double part = qn_cli_real(d, "bytes_resident") / qn_cli_real(d, "bytes_stored");

	if (!is_number(d, "bytes_resident"))
		return;
	if (part >= 0.9995)
		add(w, ", all in the page cache");
	else if (part > 0)
		add(w, ", %.3g%% in the page cache", 100 * part);
	else
		add(w, ", none in the page cache");
	if (json_is_true(json_object_get(d, "resident_sampled")))
		add(w, " (sampled)");
}

static bool is_elsewhere(const json_t *d)
{
	const char *layout = qn_cli_text(d, "layout");

	return !strcmp(layout, "virtual") || !strcmp(layout, "external");
}

static void print_stored(const json_t *d)
{
	struct words w = { .out = NULL };
	char stored[32], logical[32];

	qn_cli_bytes(qn_cli_real(d, "bytes_stored"), stored, sizeof(stored));
	qn_cli_bytes(qn_cli_real(d, "bytes_logical"), logical, sizeof(logical));
	add(&w, "%s, ", qn_cli_text(d, "layout"));
	if (qn_cli_real(d, "bytes_stored") == qn_cli_real(d, "bytes_logical"))
		add(&w, "%s", logical);
	else if (qn_cli_real(d, "bytes_stored") > 0)
		add(&w, "%s of data in %s (ratio %.2f)", logical, stored, qn_cli_real(d, "ratio"));
	else
		add(&w, "%s of data, %s", logical,
		    is_elsewhere(d) ? "in other files" : "nothing stored");
	add_resident(&w, d);
	print_words("stored", &w);
}

static long long integer_of(const json_t *o, const char *name)
{
	return json_integer_value(json_object_get(o, name));
}

static void print_chunks(const json_t *d)
{
	struct words w = { .out = NULL };
	long long n = integer_of(d, "chunks"), stored = integer_of(d, "chunks_allocated");
	char shape[256], nbytes[32];

	if (!json_is_array(json_object_get(d, "chunk_shape")))
		return;
	qn_cli_shape(json_object_get(d, "chunk_shape"), shape, sizeof(shape));
	qn_cli_bytes(qn_cli_real(d, "chunk_bytes"), nbytes, sizeof(nbytes));
	add(&w, "%lld of %s, %s each", n, shape, nbytes);
	if (stored && stored != n)
		add(&w, "; %lld of them stored", stored);
	if (*qn_cli_text(d, "index"))
		add(&w, "; index: %s", qn_cli_text(d, "index"));
	print_words("chunks", &w);
}

#define FILTER_DEFLATE 1

static void print_filters(const json_t *filters)
{
	struct words w = { .out = NULL };
	const json_t *f;
	size_t i;

	if (!json_array_size(filters))
		return;
	json_array_foreach(filters, i, f)
	{
		long long id = integer_of(f, "id");

		add(&w, "%s", i ? " + " : "");
		if (*qn_cli_text(f, "name"))
			add(&w, "%s", qn_cli_text(f, "name"));
		else
			add(&w, "filter %lld", id);
		if (id == FILTER_DEFLATE)
			add(&w, " %lld",
			    json_integer_value(
				    json_array_get(json_object_get(f, "parameters"), 0)));
	}
	print_words("filters", &w);
}

/* One line a member: its name, type, offset in the record, and shape if it is an array. */
static void print_members(const json_t *d)
{
	const json_t *members = json_object_get(d, "members"), *m;
	char shape[256];
	int width = 0;
	size_t i;

	if (!json_array_size(members))
		return;
	printf("  members   in records of %lld bytes (choose one with --column):\n",
	       integer_of(d, "record_bytes"));
	json_array_foreach(members, i, m) if (qn_cli_width(qn_cli_text(m, "name")) > width)
		width = qn_cli_width(qn_cli_text(m, "name"));
	json_array_foreach(members, i, m)
	{
		printf("%*s", INDENT, "");
		qn_cli_print_cell(stdout, qn_cli_text(m, "name"), width < 40 ? width : 40);
		printf("  %s at %lld", qn_cli_text(m, "dtype"), integer_of(m, "offset"));
		if (json_array_size(json_object_get(m, "shape"))) {
			qn_cli_shape(json_object_get(m, "shape"), shape, sizeof(shape));
			printf(", %s", shape);
		}
		putchar('\n');
	}
}

static void print_selection(const json_t *s)
{
	struct words w = { .out = NULL };
	char shape[256], nbytes[32];

	if (!json_is_object(s))
		return;
	qn_cli_shape(json_object_get(s, "shape"), shape, sizeof(shape));
	qn_cli_bytes(qn_cli_real(s, "bytes_logical"), nbytes, sizeof(nbytes));
	add(&w, "%s: %s, %s", qn_cli_text(s, "select"), shape, nbytes);
	if (is_number(s, "chunks"))
		add(&w, ", in %lld chunks", integer_of(s, "chunks"));
	if (is_number(s, "part_of_chunks"))
		add(&w, ", of which it takes %.3g%%", 100 * qn_cli_real(s, "part_of_chunks"));
	print_words("selection", &w);
}

static void print_missing(const json_t *d)
{
	char *text = qn_cli_missing(d);

	if (text)
		print_line("missing", text);
	free(text);
}

/* "/lat  <f4  181  (lat)  [degrees_north]": coordinates, and what belongs to them. */
static void print_coordinate(const json_t *d)
{
	const char *role = qn_cli_text(d, "role");

	printf("  ");
	print_head(d, !strcmp(role, "dimension")      ? "  a dimension without a variable"
		      : !strcmp(role, "bounds")	      ? "  bounds"
		      : !strcmp(role, "grid_mapping") ? "  grid mapping"
						      : "");
}

static void print_link(const json_t *l)
{
	struct words w = { .n = 0 };
	const char *kind = qn_cli_text(l, "kind");

	/* A dataset in another file has been shown. */
	if (json_is_object(json_object_get(l, "found")) &&
	    !strcmp(qn_cli_text(l, "leads_to"), "dataset"))
		return;

	add(&w, "%s", !strcmp(kind, "hard") ? "another name of " : kind);
	if (strcmp(kind, "hard"))
		add(&w, " link to ");
	add(&w, "%s", qn_cli_text(l, "target"));
	if (*qn_cli_text(l, "file"))
		add(&w, " of %s", qn_cli_text(l, "file"));
	if (*qn_cli_text(l, "error"))
		add(&w, ": %s", qn_cli_text(l, "error"));
	else if (!strcmp(qn_cli_text(l, "leads_to"), "group"))
		add(&w, ", a group (-d %s shows it)", qn_cli_text(l, "link"));
	printf("%s\n", qn_cli_text(l, "link"));
	print_words("link", &w);
}

static bool is_variable(const json_t *d)
{
	const char *role = qn_cli_text(d, "role");

	return !*role || !strcmp(role, "variable");
}

static void print_dataset(const json_t *d)
{
	const json_t *warning;
	size_t i;

	if (*qn_cli_text(d, "error")) {
		printf("%s\n", qn_cli_text(d, "dataset"));
		print_line("error", qn_cli_text(d, "error"));
		return;
	}
	print_head(d, "");
	if (json_is_object(json_object_get(d, "linked")))
		print_linked(json_object_get(d, "linked"));
	print_stored(d);
	print_chunks(d);
	print_filters(json_object_get(d, "filters"));
	print_members(d);
	print_selection(json_object_get(d, "selection"));
	print_missing(d);
	json_array_foreach(json_object_get(d, "warnings"), i, warning)
		print_line("warning", qn_cli_text(warning, "text"));
}

void qn_cli_print_inspect(const json_t *doc)
{
	const json_t *d;
	size_t i;

	const json_t *datasets = json_object_get(doc, "datasets");
	const json_t *links = json_object_get(doc, "links");
	const json_t *damaged = json_object_get(doc, "damaged");
	size_t nvariables = 0;

	json_array_foreach(datasets, i, d) nvariables += is_variable(d);
	json_array_foreach(datasets, i, d) if (!nvariables || is_variable(d)) print_dataset(d);
	if (nvariables && nvariables < json_array_size(datasets))
		printf("coordinates\n");
	json_array_foreach(datasets, i, d) if (nvariables && !is_variable(d)) print_coordinate(d);
	json_array_foreach(links, i, d) print_link(d);
	json_array_foreach(damaged, i, d)
	{
		printf("%s\n", qn_cli_text(d, "path"));
		print_line("damaged", qn_cli_text(d, "error"));
	}
	if (!json_array_size(datasets) && !json_array_size(links) && !json_array_size(damaged))
		printf("no datasets\n");
}
