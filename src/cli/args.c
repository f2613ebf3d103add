#include <getopt.h>
#include <stdlib.h>
#include <string.h>

#include "cli/cli.h"

#include "base/mem.h"

void qn_args_add(struct qn_args *a, const struct quern_option *row)
{
	for (int i = 0; i < a->nrows; i++)
		if (!strcmp(a->row[i]->name, row->name))
			return;
	if (a->nrows < QN_MAX_ROWS)
		a->row[a->nrows++] = row;
}

void qn_args_add_table(struct qn_args *a, const struct quern_option *table)
{
	for (; table && table->name; table++)
		qn_args_add(a, table);
}

/* getopt's own tables, from the rows, and how it begins anew. Long options return 256 + row. */
static void to_getopt(const struct qn_args *a, bool stops, struct option *longs, char *shorts)
{
	int i;

	opterr = 0;
	optind = 0;
	if (stops)
		*shorts++ = '+'; /* at the first operand */
	*shorts++ = ':';	 /* report missing values apart from unknown options */
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

/* What stands after all of an option of a list, with commas between. */
static enum quern_status add_to_list(char **list, const char *text, struct quern_message *err)
{
	char *longer = NULL;

	if (!text || (*list && !strcmp(*list, text)))
		return QUERN_OK;
	if (qn_asprintf(&longer, "%s%s%s", *list ? *list : "", *list ? "," : "", text) < 0)
		return qn_error_nomem(err, strlen(text), "a list");
	free(*list);
	*list = longer;
	return QUERN_OK;
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
			used += (size_t)snprintf(list + used, nbytes - used, "%s--%s",
						 n ? ", " : "", a->row[i]->name);
		n++;
	}
	return n;
}

/* "-threads" for --threads: the word in which getopt found an unknown letter, or NULL. */
static const char *word_of_letter(int argc, char **argv)
{
	for (int i = optind - 1; i <= optind; i++)
		if (i > 0 && i < argc && argv[i][0] == '-' && argv[i][1] && argv[i][1] != '-' &&
		    argv[i][2] && strchr(argv[i] + 1, optopt))
			return argv[i] + 1;
	return NULL;
}

static enum quern_status unknown_letter(const struct qn_args *a, int argc, char **argv,
					struct quern_message *err)
{
	const char *word = word_of_letter(argc, argv);
	const char *near = word ? qn_nearest(word, row_name, a) : NULL;

	return qn_error_set(err, QUERN_ERR_USAGE, "unknown option -%c%s%s%s; see --help", optopt,
			    near ? "; did you mean --" : "", near ? near : "", near ? "?" : "");
}

static bool row_named(const struct qn_args *a, const char *name)
{
	for (int i = 0; i < a->nrows; i++)
		if (!strcmp(a->row[i]->name, name))
			return true;
	return false;
}

static enum quern_status unknown_word(const struct qn_args *a, const char *word,
				      struct quern_message *err)
{
	char name[64] = "", list[256];
	const char *near, *now = NULL;

	snprintf(name, sizeof(name), "%.*s", (int)strcspn(word + 2, "="), word + 2);
	if (*name && beginning(a, name, sizeof(list), list) > 1)
		return qn_error_set(err, QUERN_ERR_USAGE, "option --%s is ambiguous: %s", name,
				    list);
	if (qn_option_renamed(name, &now) && row_named(a, now))
		return qn_error_set(err, QUERN_ERR_USAGE, "--%s of %s is now called --%s", name,
				    qn_option_renamed(name, &now), now);
	if (qn_cli_whose(name, list, sizeof(list)))
		return qn_error_set(err, QUERN_ERR_USAGE,
				    "--%s is an option of %s, not of this; see "
				    "--help",
				    name, list);
	near = qn_nearest(name, row_name, a);
	return qn_error_set(err, QUERN_ERR_USAGE, "unknown option --%s%s%s%s; see --help", name,
			    near ? "; did you mean --" : "", near ? near : "", near ? "?" : "");
}

static enum quern_status unknown(const struct qn_args *a, int argc, char **argv,
				 struct quern_message *err)
{
	if (optopt >= 256)
		return qn_error_set(err, QUERN_ERR_USAGE, "--%s takes no value",
				    a->row[row_of(a, optopt)]->name);
	if (optopt && optopt != 'h')
		return unknown_letter(a, argc, argv, err);
	return unknown_word(a, argv[optind - 1], err);
}

/* An empty word comes of a variable of a script that has no value. */
static enum quern_status check_operands(int n, char **word, struct quern_message *err)
{
	for (int i = 0; i < n; i++)
		if (!*word[i])
			return qn_error_set(err, QUERN_ERR_USAGE,
					    "word %d of the %d that are no options is "
					    "empty: a name belongs there",
					    i + 1, n);
	return QUERN_OK;
}

static enum quern_status take(struct qn_args *a, int row, const char **given, char **list,
			      const char *text, struct quern_message *err)
{
	const bool is_list = a->row[row]->type == QUERN_OPT_LIST;
	enum quern_status st = is_list ? add_to_list(list, text, err)
				       : check_once(a->row[row]->name, *given, text, err);

	*given = text;
	return st ? st : a->set(a->ctx, a->row[row]->name, is_list && text ? *list : text, err);
}

/* Is a word an option: -d, --dataset, --dataset=t? What begins with one - is that only as a single letter: it may be
   a negative number, or an expression. */
static bool is_option(const struct qn_args *a, const char *word)
{
	if (word[0] != '-' || !word[1])
		return false;
	if (word[1] == '-')
		return true;
	return !word[2] && (word[1] == 'h' || row_of(a, word[1]) >= 0);
}

/* An option in the place of the value of another one, which getopt takes as it is. argv as getopt has it. */
static enum quern_status check_separate(const struct qn_args *a, int c, char **argv,
					struct quern_message *err)
{
	const int row = c == ':' || c == '?' || c == 'h' ? -1 : row_of(a, c);

	if (row < 0 || !optarg || optarg != argv[optind - 1] || !is_option(a, optarg))
		return QUERN_OK;
	return qn_error_set(
		err, QUERN_ERR_USAGE,
		"--%s has no value: %s after it is an option; if that is the value, write "
		"--%s=%s",
		a->row[row]->name, optarg, a->row[row]->name, optarg);
}

/* The whole name of an option of other kernels or commands, which getopt took for the beginning of this one's. NULL:
   it is no such word. argv as getopt has it. */
static const char *word_of_another(const struct qn_args *a, int c, char **argv)
{
	const char *word = argv[optind - (optarg == argv[optind - 1] ? 2 : 1)];
	char name[64], list[256];

	if (c < 256 || strncmp(word, "--", 2))
		return NULL;
	snprintf(name, sizeof(name), "%.*s", (int)strcspn(word + 2, "="), word + 2);
	return !row_named(a, name) && qn_cli_whose(name, list, sizeof(list)) ? word : NULL;
}

/* getopt begins behind the word at 0: that before the first which is parsed. */
enum quern_status qn_args_parse(struct qn_args *a, int argc, char **argv, int first, int *operands,
				bool *help, struct quern_message *err)
{
	struct option longs[QN_MAX_ROWS + 2];
	char shorts[2 * QN_MAX_ROWS + 5];
	const char *given[QN_MAX_ROWS] = { NULL };
	char *list[QN_MAX_ROWS] = { NULL };
	const int before = first - 1;
	enum quern_status st = QUERN_OK;
	int c;

	to_getopt(a, false, longs, shorts);
	*help = false;
	while (!st && (c = getopt_long(argc - before, argv + before, shorts, longs, NULL)) != -1) {
		const char *text = c == ':' ? NULL : optarg, *word;
		int row;

		*help = c == 'h';
		if (*help)
			break;
		word = word_of_another(a, c, argv + before);
		if (word)
			st = unknown_word(a, word, err);
		else if (c == '?')
			st = unknown(a, argc - before, argv + before, err);
		else
			st = check_separate(a, c, argv + before, err);
		if (st)
			break;
		row = row_of(a, c == ':' ? optopt : c);
		st = take(a, row, &given[row], &list[row], text, err);
	}
	for (int i = 0; i < QN_MAX_ROWS; i++)
		free(list[i]);
	*operands = optind + before;
	return st || *help ? st : check_operands(argc - *operands, argv + *operands, err);
}

enum quern_status qn_args_find(struct qn_args *a, int argc, char **argv, int *operand, bool *help,
			       struct quern_message *err)
{
	struct option longs[QN_MAX_ROWS + 2];
	char shorts[2 * QN_MAX_ROWS + 5];
	int c;

	to_getopt(a, true, longs, shorts);
	*help = false;
	while ((c = getopt_long(argc, argv, shorts, longs, NULL)) != -1) {
		if (c == '?')
			return unknown(a, argc, argv, err);
		if (check_separate(a, c, argv, err))
			return QUERN_ERR_USAGE;
		*help = *help || c == 'h';
	}
	*operand = optind;
	return QUERN_OK;
}

static enum quern_status set_option(void *ctx, const char *name, const char *text,
				    struct quern_message *err)
{
	return qn_options_set(ctx, name, text, err);
}

int qn_cli_options(const struct qn_command *command, int argc, char **argv, struct quern_options *o)
{
	const struct quern_option *table[QN_MAX_OPTION_TABLES] = { NULL };
	struct qn_args a = { .set = set_option, .ctx = o };
	struct quern_message err = { .status = QUERN_OK };
	bool help = false;
	int operands = 0;
	enum quern_status st;

	command->tables(table);
	st = qn_options_init(o, table, QN_MAX_OPTION_TABLES, &err);
	for (int i = 0; i < QN_MAX_OPTION_TABLES; i++)
		qn_args_add_table(&a, table[i]);
	if (!st)
		st = qn_options_from_environment(o, &err);
	if (!st)
		st = qn_args_parse(&a, argc, argv, 1, &operands, &help, &err);
	if (!st && !help)
		return operands;
	qn_options_fini(o);
	return -1 - (st ? qn_cli_fail(st, err.text) : qn_cli_print_screen(command, NULL));
}
