#include <getopt.h>
#include <stdlib.h>
#include <string.h>

#include "cli/cli.h"

#define HELP_COLUMN 28
#define HELP_WIDTH 96

void qn_args_add(struct qn_args *a, const struct quern_option *row)
{
	if (a->nrows < QN_MAX_ROWS)
		a->row[a->nrows++] = row;
}

void qn_args_add_table(struct qn_args *a, const struct quern_option *table)
{
	for (; table && table->name; table++)
		qn_args_add(a, table);
}

/* getopt's own tables, from the rows. Long options return 256 + row. */
static void to_getopt(const struct qn_args *a, struct option *longs, char *shorts)
{
	int i;

	*shorts++ = ':';	/* report missing values apart from unknown options */
	for (i = 0; i < a->nrows; i++) {
		const struct quern_option *row = a->row[i];
		int has_arg = row->type == QUERN_OPT_FLAG ? no_argument : required_argument;

		longs[i] = (struct option){ row->name, has_arg, NULL, 256 + i };
		if (row->letter) {
			*shorts++ = row->letter;
			if (has_arg)
				*shorts++ = ':';
		}
	}
	longs[i++] = (struct option){ "help", no_argument, NULL, 'h' };
	longs[i] = (struct option){ NULL, 0, NULL, 0 };
	*shorts++ = 'h';
	*shorts = 0;
}

/* The row of what getopt returns: an index, or -1. */
static int row_of(const struct qn_args *a, int c)
{
	if (c >= 256)
		return c - 256;
	for (int i = 0; i < a->nrows; i++)
		if (a->row[i]->letter == c)
			return i;
	return -1;
}

/* The last of two values would count, and the first be dropped without a word. */
static enum quern_status check_once(const char *name, const char *before, const char *now,
				    struct quern_message *err)
{
	if (!before || !now || !strcmp(before, now))
		return QUERN_OK;
	return qn_error_set(err, QUERN_ERR_USAGE, "--%s is given twice; %s: '%s', '%s'", name,
			    strcmp(name, "select") ? "which of the two is meant"
						   : "put both into one, separated by commas",
			    before, now);
}

static const char *row_name(const void *ctx, int i)
{
	const struct qn_args *a = ctx;

	return i < a->nrows ? a->row[i]->name : NULL;
}

/* "--bind, --bins": the options that begin like this; how many there are. */
static int beginning(const struct qn_args *a, const char *name, size_t nbytes, char *list)
{
	size_t used = 0;
	int n = 0;

	list[0] = 0;
	for (int i = 0; i < a->nrows; i++) {
		if (strncmp(a->row[i]->name, name, strlen(name)))
			continue;
		if (used < nbytes)
			used += (size_t)snprintf(list + used, nbytes - used, "%s--%s", n ? ", " : "",
						 a->row[i]->name);
		n++;
	}
	return n;
}

static enum quern_status unknown(const struct qn_args *a, const char *word,
				 struct quern_message *err)
{
	char name[64] = "", list[256];
	const char *near;

	if (optopt >= 256)
		return qn_error_set(err, QUERN_ERR_USAGE, "--%s takes no value",
				    a->row[row_of(a, optopt)]->name);
	if (optopt && optopt != 'h')
		return qn_error_set(err, QUERN_ERR_USAGE, "unknown option -%c; see --help", optopt);
	snprintf(name, sizeof(name), "%.*s", (int)strcspn(word + 2, "="), word + 2);
	if (*name && beginning(a, name, sizeof(list), list) > 1)
		return qn_error_set(err, QUERN_ERR_USAGE, "option --%s is ambiguous: %s", name, list);
	near = qn_nearest(name, row_name, a);
	return qn_error_set(err, QUERN_ERR_USAGE, "unknown option --%s%s%s%s; see --help", name,
			    near ? "; did you mean --" : "", near ? near : "", near ? "?" : "");
}

enum quern_status qn_args_parse(struct qn_args *a, int argc, char **argv, int first,
				int *operands, bool *help, struct quern_message *err)
{
	struct option longs[QN_MAX_ROWS + 2];
	char shorts[2 * QN_MAX_ROWS + 4];
	const char *given[QN_MAX_ROWS] = { NULL };
	enum quern_status st = QUERN_OK;
	int c;

	to_getopt(a, longs, shorts);
	*help = false;
	opterr = 0;
	optind = first;
	while (!st && (c = getopt_long(argc, argv, shorts, longs, NULL)) != -1) {
		const char *text = c == ':' ? NULL : optarg;
		int row;

		if (c == 'h') {
			*help = true;
			return QUERN_OK;
		}
		if (c == '?')
			return unknown(a, argv[optind - 1], err);
		row = row_of(a, c == ':' ? optopt : c);
		st = check_once(a->row[row]->name, given[row], text, err);
		given[row] = text;
		if (!st)
			st = a->set(a->ctx, a->row[row]->name, text, err);
	}
	*operands = optind;
	return st;
}

/* Prints text from column HELP_COLUMN, wrapped. */
static void print_wrapped(FILE *out, const char *text)
{
	int column = HELP_COLUMN;

	while (*text) {
		int n = (int)strcspn(text, " ");

		if (column + 1 + n > HELP_WIDTH && column > HELP_COLUMN)
			column = fprintf(out, "\n%*s", HELP_COLUMN, "") - 1;
		else if (column > HELP_COLUMN)
			column += fprintf(out, " ");
		column += fprintf(out, "%.*s", n, text);
		text += n + (text[n] == ' ');
	}
}

void qn_cli_print_row(FILE *out, const char *left, const char *text)
{
	if (strlen(left) < HELP_COLUMN)
		fprintf(out, "%-*s", HELP_COLUMN, left);
	else
		fprintf(out, "%s\n%*s", left, HELP_COLUMN, "");
	print_wrapped(out, text);
	fputc('\n', out);
}

void qn_args_help(const struct qn_args *a, FILE *out)
{
	for (int i = 0; i < a->nrows; i++) {
		const struct quern_option *row = a->row[i];
		char left[80], doc[512], variable[64];
		int n;

		qn_option_variable(row, variable, sizeof(variable));
		n = row->letter ? snprintf(left, sizeof(left), "  -%c, --%s", row->letter, row->name)
				: snprintf(left, sizeof(left), "      --%s", row->name);
		if (row->arg)
			snprintf(left + n, sizeof(left) - (size_t)n, " %s", row->arg);
		snprintf(doc, sizeof(doc), "%s%s%s%s [%s]", row->doc,
			 row->fallback ? " (default: " : "", row->fallback ? row->fallback : "",
			 row->fallback ? ")" : "", variable);
		qn_cli_print_row(out, left, doc);
	}
	qn_cli_print_row(out, "  -h, --help", "this text");
}

void qn_cli_usage(const char *name, FILE *out)
{
	const struct qn_command *c = qn_cli_command(name);

	fprintf(out, "usage: quern %s\n\n%s\n\n", c->usage, c->doc);
}

static enum quern_status set_option(void *ctx, const char *name, const char *text,
				    struct quern_message *err)
{
	return qn_options_set(ctx, name, text, err);
}

int qn_cli_options(const struct qn_command *command, const struct quern_option *table, int argc,
		   char **argv, struct quern_options *o)
{
	struct qn_args a = { .set = set_option, .ctx = o };
	struct quern_message err = { .status = QUERN_OK };
	bool help = false;
	int operands = 0;
	enum quern_status st = qn_options_init(o, &table, 1, &err);

	qn_args_add_table(&a, table);
	if (!st)
		st = qn_options_from_environment(o, &err);
	if (!st)
		st = qn_args_parse(&a, argc, argv, 1, &operands, &help, &err);
	if (st) {
		qn_options_fini(o);
		return -1 - qn_cli_fail(st, err.text);
	}
	if (help) {
		if (!qn_cli_rank()) {
			qn_cli_usage(command->name, stdout);
			qn_args_help(&a, stdout);
		}
		qn_options_fini(o);
		return -1 - qn_cli_finish();
	}
	return operands;
}

char **qn_cli_settings(const struct quern_options *o, const struct quern_option *rows)
{
	size_t n = 0;
	char **settings;

	while (rows[n].name)
		n++;
	settings = calloc(n + 1, sizeof(*settings));
	n = 0;
	for (; settings && rows->name; rows++) {
		const char *value = quern_option_string(o, rows->name);

		if (value && asprintf(&settings[n++], "%s=%s", rows->name, value) < 0) {
			settings[n - 1] = NULL;
			qn_cli_settings_free(settings);
			return NULL;
		}
	}
	return settings;
}

void qn_cli_settings_free(char **settings)
{
	for (char **s = settings; s && *s; s++)
		free(*s);
	free(settings);
}
