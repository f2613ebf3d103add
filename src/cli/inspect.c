/*
 * inspect.c - the datasets of a file as a person reads them.
 */
#include <stdarg.h>
#include <string.h>

#include "cli/cli.h"

#define WIDTH  96
#define INDENT 12 /* where what is said of a dataset begins */

static const char *text_of(const json_t *o, const char *name)
{
	const char *s = json_string_value(json_object_get(o, name));

	return s ? s : "";
}

static bool is_number(const json_t *o, const char *name)
{
	return json_is_number(json_object_get(o, name));
}

/* --- a line: what it is about, and a text that is wrapped --- */

static void print_line(const char *about, const char *text)
{
	int column = printf("  %-*s", INDENT - 2, about);

	while (*text) {
		int n = (int)strcspn(text, " ");

		if (column > INDENT)
			column = column + 1 + n > WIDTH ? printf("\n%*s", INDENT, "") - 1
							: column + printf(" ");
		column += printf("%.*s", n, text);
		text += n + (text[n] == ' ');
	}
	putchar('\n');
}

/* A text that grows, as far as there is room. */
struct words {
	char text[1024];
	size_t n;
};

static void add(struct words *w, const char *format, ...) __attribute__((format(printf, 2, 3)));

static void add(struct words *w, const char *format, ...)
{
	va_list ap;
	int n;

	va_start(ap, format);
	n = vsnprintf(w->text + w->n, sizeof(w->text) - w->n, format, ap);
	va_end(ap);
	if (n > 0)
		w->n += (size_t)n;
	if (w->n >= sizeof(w->text))
		w->n = sizeof(w->text) - 1;
}

/* --- what is said --- */

static void print_head(const json_t *d)
{
	const json_t *dims = json_object_get(d, "dims"), *name;
	struct words w = { .n = 0 };
	char shape[256];
	bool named = false;
	size_t i;

	qn_cli_shape(json_object_get(d, "shape"), shape, sizeof(shape));
	add(&w, "%s  %s", text_of(d, "dtype"), shape);
	json_array_foreach(dims, i, name) named = named || json_is_string(name);
	if (named) {
		add(&w, "  (");
		json_array_foreach(dims, i, name)
			add(&w, "%s%s", i ? ", " : "",
			    json_is_string(name) ? json_string_value(name) : "?");
		add(&w, ")");
	}
	if (*text_of(d, "units"))
		add(&w, "  [%s]", text_of(d, "units"));
	printf("%s%s%s  %s\n", text_of(d, "dataset"), *text_of(d, "column") ? " column " : "",
	       text_of(d, "column"), w.text);
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
	const char *layout = text_of(d, "layout");

	return !strcmp(layout, "virtual") || !strcmp(layout, "external");
}

static void print_stored(const json_t *d)
{
	struct words w = { .n = 0 };
	char stored[32], logical[32];

	qn_cli_bytes(qn_cli_real(d, "bytes_stored"), stored, sizeof(stored));
	qn_cli_bytes(qn_cli_real(d, "bytes_logical"), logical, sizeof(logical));
	add(&w, "%s, ", text_of(d, "layout"));
	if (qn_cli_real(d, "bytes_stored") == qn_cli_real(d, "bytes_logical"))
		add(&w, "%s", logical);
	else if (qn_cli_real(d, "bytes_stored") > 0)
		add(&w, "%s of data in %s (ratio %.2f)", logical, stored, qn_cli_real(d, "ratio"));
	else
		add(&w, "%s of data, %s", logical, is_elsewhere(d) ? "in other files" : "nothing stored");
	add_resident(&w, d);
	print_line("stored", w.text);
}

static long long integer_of(const json_t *o, const char *name)
{
	return json_integer_value(json_object_get(o, name));
}

static void print_chunks(const json_t *d)
{
	struct words w = { .n = 0 };
	long long n = integer_of(d, "chunks"), stored = integer_of(d, "chunks_allocated");
	char shape[256], nbytes[32];

	if (!json_is_array(json_object_get(d, "chunk_shape")))
		return;
	qn_cli_shape(json_object_get(d, "chunk_shape"), shape, sizeof(shape));
	qn_cli_bytes(qn_cli_real(d, "chunk_bytes"), nbytes, sizeof(nbytes));
	add(&w, "%lld of %s, %s each", n, shape, nbytes);
	if (stored && stored != n)
		add(&w, "; %lld of them stored", stored);
	if (*text_of(d, "index"))
		add(&w, "; index: %s", text_of(d, "index"));
	print_line("chunks", w.text);
}

#define FILTER_DEFLATE 1

static void print_filters(const json_t *filters)
{
	struct words w = { .n = 0 };
	const json_t *f;
	size_t i;

	if (!json_array_size(filters))
		return;
	json_array_foreach(filters, i, f)
	{
		long long id = integer_of(f, "id");

		add(&w, "%s", i ? " + " : "");
		if (*text_of(f, "name"))
			add(&w, "%s", text_of(f, "name"));
		else
			add(&w, "filter %lld", id);
		if (id == FILTER_DEFLATE)
			add(&w, " %lld",
			    json_integer_value(
				    json_array_get(json_object_get(f, "parameters"), 0)));
	}
	print_line("filters", w.text);
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
	json_array_foreach(members, i, m)
		if ((int)strlen(text_of(m, "name")) > width)
			width = (int)strlen(text_of(m, "name"));
	json_array_foreach(members, i, m) {
		printf("%*s%-*s  %s at %lld", INDENT, "", width < 40 ? width : 40,
		       text_of(m, "name"), text_of(m, "dtype"), integer_of(m, "offset"));
		if (json_array_size(json_object_get(m, "shape"))) {
			qn_cli_shape(json_object_get(m, "shape"), shape, sizeof(shape));
			printf(", %s", shape);
		}
		putchar('\n');
	}
}

static void print_selection(const json_t *s)
{
	struct words w = { .n = 0 };
	char shape[256], nbytes[32];

	if (!json_is_object(s))
		return;
	qn_cli_shape(json_object_get(s, "shape"), shape, sizeof(shape));
	qn_cli_bytes(qn_cli_real(s, "bytes_logical"), nbytes, sizeof(nbytes));
	add(&w, "%s: %s, %s", text_of(s, "select"), shape, nbytes);
	if (is_number(s, "chunks"))
		add(&w, ", in %lld chunks", integer_of(s, "chunks"));
	if (is_number(s, "part_of_chunks"))
		add(&w, ", of which it takes %.3g%%", 100 * qn_cli_real(s, "part_of_chunks"));
	print_line("selection", w.text);
}

static void print_dataset(const json_t *d)
{
	const json_t *warning;
	size_t i;

	if (*text_of(d, "error")) {
		printf("%s\n", text_of(d, "dataset"));
		print_line("error", text_of(d, "error"));
		return;
	}
	print_head(d);
	print_stored(d);
	print_chunks(d);
	print_filters(json_object_get(d, "filters"));
	print_members(d);
	print_selection(json_object_get(d, "selection"));
	json_array_foreach(json_object_get(d, "warnings"), i, warning)
		print_line("warning", text_of(warning, "text"));
}

void qn_cli_print_inspect(const json_t *doc)
{
	const json_t *d;
	size_t i;

	json_array_foreach(json_object_get(doc, "datasets"), i, d) print_dataset(d);
	if (!i)
		printf("no datasets\n");
}
