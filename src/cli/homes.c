/*
 * homes.c - where the bytes of datasets are, as a person reads it.
 */
#include <stdlib.h>
#include <string.h>

#include "cli/cli.h"

static const char *tier_words(const char *name)
{
	return !strcmp(name, "disk")	 ? "local disk"
	       : !strcmp(name, "shared") ? "shared storage"
					 : name;
}

static void print_row(int width, const char *host, const char *node, const char *tier,
		      double nbytes, double of)
{
	char text[32];

	qn_cli_bytes(nbytes, text, sizeof(text));
	fputs("  ", stdout);
	qn_cli_print_cell(stdout, host, width);
	printf("  %4s  %-14s  %12s  %5.1f%%\n", node, tier_words(tier), text,
	       of > 0 ? 100 * nbytes / of : 0);
}

static int host_width(const json_t *homes)
{
	const json_t *h;
	size_t i;
	int width = qn_cli_width("any host");

	json_array_foreach(homes, i, h) if (qn_cli_width(qn_cli_text(h, "host")) > width)
		width = qn_cli_width(qn_cli_text(h, "host"));
	return width < 60 ? width : 60;
}

static void print_dataset(const json_t *d)
{
	const json_t *homes = json_object_get(d, "homes"), *h;
	double stored = qn_cli_real(d, "bytes_stored"),
	       shared = qn_cli_real(d, "bytes_without_home");
	char text[32];
	int width = host_width(homes);
	size_t i;

	if (*qn_cli_text(d, "error")) {
		printf("%s\n  error     %s\n", qn_cli_text(d, "dataset"), qn_cli_text(d, "error"));
		return;
	}
	qn_cli_bytes(stored, text, sizeof(text));
	printf("%s  %s\n", qn_cli_text(d, "dataset"), text);
	if (json_array_size(homes) || shared > 0)
		printf("  %-*s  node  tier                   bytes\n", width, "host");
	json_array_foreach(homes, i, h)
	{
		const json_t *node = json_object_get(h, "numa_node");

		snprintf(text, sizeof(text), "%lld", (long long)json_integer_value(node));
		print_row(width, qn_cli_text(h, "host"), json_is_integer(node) ? text : "-",
			  qn_cli_text(h, "tier"), qn_cli_real(h, "bytes"), stored);
	}
	if (shared > 0)
		print_row(width, "any host", "-", "shared", shared, stored);
}

static void print(const json_t *datasets)
{
	const json_t *d;
	size_t i;

	json_array_foreach(datasets, i, d) print_dataset(d);
	if (!i)
		printf("no datasets\n");
}

/* The document, as it is or as tables. Takes text. */
static int show(char *text, bool json)
{
	json_t *doc, *datasets;
	struct qn_row_errors e = { .n = 0 };
	int code;

	if (json)
		fputs(text, stdout);
	doc = qn_cli_load(text);
	if (!doc)
		return qn_cli_fail(QUERN_ERR_RUN, "cannot read the document: out of memory");
	datasets = json_object_get(doc, "datasets");
	if (!json)
		print(datasets);
	qn_cli_add_errors(&e, datasets);
	code = qn_cli_tell_errors(
		&e, json_string_value(json_array_get(json_object_get(doc, "files"), 0)));
	json_decref(doc);
	return code;
}

int qn_cli_homes(const struct quern_options *o, const char *const *words, size_t nwords)
{
	struct qn_cli_operation op;
	int code = qn_cli_operation_init(&op, quern_homes_new, o, words, nwords);
	const char *why;
	char *text;

	if (!code) {
		code = (int)quern_run_execute(op.run);
		text = qn_cli_take_document(op.run, &code, &why);
		if (code)
			qn_cli_fail((enum quern_status)code, why);
		else if (text)
			code = show(text, quern_option_flag(o, "json"));
	}
	qn_cli_operation_fini(&op);
	return code ? code : qn_cli_finish();
}
