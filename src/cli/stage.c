/*
 * stage.c - quern stage and quern unstage: shards and hosts as a table.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "api/options.h"
#include "base/mem.h"
#include "base/text.h"
#include "cli/cli.h"
#include "json/json.h"
#include "quern.h"

static const struct quern_option own_table[] = {
	{ "progress", 0, QUERN_OPT_CHOICE, "auto|always|never", "auto", 0, 0,
	  "a progress bar on standard error; auto: when that is a terminal" },
	{ NULL, 0, QUERN_OPT_FLAG, NULL, NULL, 0, 0, NULL },
};

void qn_cli_stage_tables(const struct quern_option *table[QN_MAX_OPTION_TABLES])
{
	table[0] = qn_stage_options;
	table[1] = own_table;
	table[2] = qn_cli_document_options;
}

void qn_cli_unstage_tables(const struct quern_option *table[QN_MAX_OPTION_TABLES])
{
	table[0] = own_table;
	table[1] = qn_cli_document_options;
}

static const char *base_name(const char *file)
{
	const char *slash = strrchr(file, '/');

	return slash ? slash + 1 : file;
}

static void print_shard(const json_t *staged, size_t number, const json_t *shard)
{
	const json_t *copy;
	char nbytes[32];
	size_t i;

	qn_cli_bytes((double)qn_cli_int(shard, "bytes"), nbytes, sizeof(nbytes));
	fputs("  ", stdout);
	qn_cli_print_cell(stdout, base_name(qn_cli_text(shard, "file")), 14);
	putchar(' ');
	qn_cli_print_cell(stdout, qn_cli_text(shard, "dataset"), 16);
	printf(" %lld: %lld:%-12lld %11s ", qn_cli_int(shard, "dimension"),
	       qn_cli_int(shard, "start"), qn_cli_int(shard, "start") + qn_cli_int(shard, "count"),
	       nbytes);
	json_array_foreach(json_object_get(staged, "copies"), i,
			   copy) if ((size_t)qn_cli_int(copy, "shard") == number)
		printf(" %s %s", qn_cli_text(copy, "host"), qn_cli_text(copy, "state"));
	putchar('\n');
}

static bool has_host(const json_t *copies, size_t before, const char *host)
{
	for (size_t i = 0; i < before; i++)
		if (!strcmp(qn_cli_text(json_array_get(copies, i), "host"), host))
			return true;
	return false;
}

static void print_hosts(const json_t *copies)
{
	const json_t *copy, *other;
	size_t i, k;

	printf("\n  %-24s %7s %11s\n", "host", "copies", "bytes");
	json_array_foreach(copies, i, copy)
	{
		long long n = 0, nbytes = 0;
		char text[32];

		if (has_host(copies, i, qn_cli_text(copy, "host")))
			continue;
		json_array_foreach(copies, k, other) if (!strcmp(qn_cli_text(copy, "host"),
								 qn_cli_text(other, "host")))
		{
			n++;
			nbytes += qn_cli_int(other, "bytes");
		}
		qn_cli_bytes((double)nbytes, text, sizeof(text));
		fputs("  ", stdout);
		qn_cli_print_cell(stdout, qn_cli_text(copy, "host"), 24);
		printf(" %7lld %11s\n", n, text);
	}
}

static void print_staged(const json_t *staged)
{
	const json_t *shard, *n;
	const char *name, *between = "";
	size_t i;

	printf("%s\n", qn_cli_text(staged, "catalog"));
	if (json_array_size(json_object_get(staged, "shards")))
		printf("  %-14s %-16s %-15s %12s  %s\n", "shard", "dataset", "indexes", "bytes",
		       "hosts");
	json_array_foreach(json_object_get(staged, "shards"), i, shard)
		print_shard(staged, i, shard);
	print_hosts(json_object_get(staged, "copies"));
	printf("\n  copies: ");
	json_object_foreach((json_t *)json_object_get(staged, "totals"), name,
			    n) if (json_integer_value(n))
	{
		printf("%s%lld %s", between, (long long)json_integer_value(n), name);
		between = ", ";
	}
	fputs(*between ? "" : "none", stdout);
	if (json_is_true(json_object_get(staged, "was_there"))) {
		fputs("; nothing was to be done: sizes and times are right; `quern stage --verify ",
		      stdout);
		qn_text_print_word(stdout, qn_cli_text(staged, "catalog"));
		printf("` compares the sums");
	}
	putchar('\n');
}

/* Copies on hosts that are not here: after `unstage` they stay. */
static void warn_unseen(const char *text)
{
	json_t *doc = qn_json_load(text, NULL), *hosts = json_object();
	const json_t *staged, *copy;
	bool ok = doc && hosts;
	size_t i, k, n = 0;

	json_array_foreach(json_object_get(doc, "staged"), i, staged)
	{
		json_array_foreach(json_object_get(staged, "copies"), k, copy)
		{
			if (strcmp(qn_cli_text(copy, "state"), "unseen"))
				continue;
			ok = ok && qn_json_set(&hosts, qn_cli_text(copy, "host"), json_true());
			n++;
		}
	}
	if (!ok)
		qn_cli_warn("out of memory: whether copies are on hosts that are not here, and "
			    "stay there, is not known");
	else if (n)
		qn_cli_warn("%zu copies are on %zu hosts that are not here, and stay there", n,
			    json_object_size(hosts));
	json_decref(hosts);
	json_decref(doc);
}

/* Files of which nothing, or nothing good, came. */
static void print_errors(const json_t *errors)
{
	const json_t *e;
	size_t i;

	if (json_array_size(errors))
		printf("failed\n");
	json_array_foreach(errors, i, e) printf("  %s\n", qn_cli_text(e, "message"));
}

/* Takes text. */
static int print_tables(char *text)
{
	json_t *doc = qn_cli_load(text);
	const json_t *staged;
	size_t i;

	if (!doc)
		return qn_cli_fail(QUERN_ERR_RUN, "cannot read the document: out of memory");
	json_array_foreach(json_object_get(doc, "staged"), i, staged) print_staged(staged);
	if (json_array_size(json_object_get(doc, "errors")) > 1)
		print_errors(json_object_get(doc, "errors"));
	json_decref(doc);
	return QUERN_OK;
}

/* Prints what came of it; takes text. */
static int conclude(const struct quern_options *o, int status, char *text, const char *why)
{
	/* Before the document: what is said after it may get into it (cli/terminal.c). */
	const int code = status ? qn_cli_fail((enum quern_status)status, why) : QUERN_OK;
	int failed = QUERN_OK;

	if (text && !qn_cli_wants_tables(o)) {
		failed = qn_cli_put_document(o, text);
		free(text);
	} else if (text) {
		failed = print_tables(text) ? QUERN_ERR_RUN : qn_cli_finish();
	}
	return failed ? failed : code;
}

/* After a staging: the catalog to run on; owned. NULL: there is none to tell of. */
static char *next_command(const struct quern_options *o, const char *text)
{
	json_t *doc = NULL, *first;
	char *out = NULL;

	if (quern_option_flag(o, "dry-run") || quern_option_flag(o, "verify") ||
	    quern_option_flag(o, "repair"))
		return NULL;
	doc = qn_json_load(text, NULL);
	first = json_array_get(json_object_get(doc, "staged"), 0);
	if (first)
		out = qn_strdup(qn_cli_text(first, "catalog"));
	json_decref(doc);
	return out;
}

static const char interrupted[] = "the same command goes on where it was; "
				  "`quern unstage DIR/NAME` removes what there is";

static int stage(const struct quern_options *o, const char *const *files, size_t nfiles)
{
	struct qn_progress progress = { .what = "file" };
	struct qn_cli_operation op;
	int exit_code = qn_cli_operation_init(&op, quern_stage_new, o, files, nfiles);
	char *text, *next = NULL;
	const char *why;

	if (exit_code) {
		qn_cli_operation_fini(&op);
		return exit_code;
	}
	if (!quern_option_flag(o, "dry-run") && !quern_option_flag(o, "verify"))
		qn_cli_watch(interrupted);
	qn_cli_warn_of_mixing(o);
	qn_cli_progress_begin(&progress, 0);
	if (qn_cli_wants_progress(o))
		quern_run_progress(op.run, qn_cli_progress, &progress);
	exit_code = (int)quern_run_execute(op.run);
	qn_cli_unwatch();
	qn_cli_progress_end(&progress);
	text = qn_cli_take_document(op.run, &exit_code, &why);
	if (!exit_code && qn_cli_wants_tables(o) && text)
		next = next_command(o, text);
	exit_code = conclude(o, exit_code, text, why);
	qn_cli_operation_fini(&op);
	if (!exit_code && next) {
		fputs("\nnext: quern run KERNEL -d DATASET ", stdout);
		qn_cli_print_text(stdout, next);
		putchar('\n');
	}
	free(next);
	return exit_code;
}

static const struct quern_option dry_run[] = {
	{ "dry-run", 0, QUERN_OPT_FLAG, NULL, NULL, 0, 0, "of quern stage" },
	{ NULL, 0, QUERN_OPT_FLAG, NULL, NULL, 0, 0, NULL },
};

/* Who has said for all commands that nothing is to be done does not expect one to remove files. */
static enum quern_status check_dry_run(struct quern_message *err)
{
	const struct quern_option *table = dry_run;
	struct quern_options o;
	enum quern_status st = qn_options_init(&o, &table, 1, err);

	if (!st)
		st = qn_options_from_environment(&o, err);
	if (!st && quern_option_flag(&o, "dry-run"))
		st = qn_error_set(
			err, QUERN_ERR_USAGE,
			"environment variable QUERN_DRY_RUN is set, and quern unstage has no "
			"dry run: nothing was removed; unset it to remove");
	qn_options_fini(&o);
	return st;
}

static int unstage(const struct quern_options *o, const char *const *files, size_t nfiles)
{
	struct quern_message dry = { .status = QUERN_OK };
	enum quern_status st = check_dry_run(&dry);
	int code = qn_cli_agree(st ? qn_cli_fail(st, dry.text) : QUERN_OK);
	struct qn_cli_operation op = { .run = NULL };
	const char *why;
	char *text;

	if (!code)
		code = qn_cli_operation_init(&op, quern_unstage_new, o, files, nfiles);
	if (!code) {
		code = (int)quern_run_execute(op.run);
		text = qn_cli_take_document(op.run, &code, &why);
		if (text)
			warn_unseen(text);
		code = conclude(o, code, text, why);
	}
	qn_cli_operation_fini(&op);
	return code;
}

static int command(const char *name, const char *missing, int argc, char **argv,
		   int (*work)(const struct quern_options *, const char *const *, size_t))
{
	struct quern_options o;
	const int first = qn_cli_options(qn_cli_command(name), argc, argv, &o);
	/* 0: go on; otherwise 1 and the exit code. A rank that has none takes the others'. */
	int code = first < 0 ? -first : 0, failed;

	if (first == argc)
		code = 1 + qn_cli_fail(QUERN_ERR_USAGE, missing);
	if (!code && (failed = qn_cli_check_document(&o)))
		code = 1 + failed;
	code = qn_cli_agree(code);
	if (!code)
		code = 1 + work(&o, (const char *const *)argv + first, (size_t)(argc - first));
	if (first >= 0)
		qn_options_fini(&o);
	return code - 1;
}

int qn_cli_stage(int argc, char **argv)
{
	return command("stage", "no file given: quern stage --to DIR FILE...", argc, argv, stage);
}

int qn_cli_unstage(int argc, char **argv)
{
	return command("unstage", "no catalog given: quern unstage CATALOG...", argc, argv,
		       unstage);
}
