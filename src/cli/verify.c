/*
 * verify.c - quern verify: what is damaged, and what it was held against.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "api/options.h"
#include "base/mem.h"
#include "cli/cli.h"
#include "quern.h"

static const struct quern_option verify_table[] = {
	{ "quiet", 'q', QUERN_OPT_FLAG, NULL, NULL, 0, 0,
	  "print only what is damaged or could not be verified" },
	{ "progress", 0, QUERN_OPT_CHOICE, "auto|always|never", "auto", 0, 0,
	  "a progress bar on standard error; auto: when that is a terminal" },
	{ NULL, 0, QUERN_OPT_FLAG, NULL, NULL, 0, 0, NULL },
};

void qn_cli_verify_tables(const struct quern_option *table[QN_MAX_OPTION_TABLES])
{
	table[0] = qn_verify_options;
	table[1] = verify_table;
	table[2] = qn_cli_document_options;
}

/* What the chunks of a dataset could be held against. */
static void print_checks(const json_t *d)
{
	long long nchecksummed = qn_cli_int(d, "checksummed"), nsummed = qn_cli_int(d, "summed");
	long long nunchecked = qn_cli_int(d, "unchecked");

	if (*qn_cli_text(d, "note"))
		printf("%s; ", qn_cli_text(d, "note"));
	if (!qn_cli_int(d, "chunks")) {
		printf("nothing stored");
	} else if (nsummed) {
		printf("sums%s", nchecksummed ? ", checksums" : "");
	} else if (nchecksummed) {
		printf("checksums");
		if (nunchecked)
			printf(", but %lld chunks have none", nunchecked);
	} else {
		printf("no checksum: %s", *qn_cli_text(d, "note") ? "not checked" : "decoded only");
	}
	if (json_is_true(json_object_get(d, "library")))
		printf(", by the HDF5 library");
	if (qn_cli_int(d, "sources_missing"))
		printf(", %lld of its sources missing", qn_cli_int(d, "sources_missing"));
}

static void print_dataset(const json_t *d, int width)
{
	char stored[32], decoded[32];

	qn_cli_bytes(json_number_value(json_object_get(d, "bytes_stored")), stored, sizeof(stored));
	qn_cli_bytes(json_number_value(json_object_get(d, "bytes_decoded")), decoded,
		     sizeof(decoded));
	fputs("  ", stdout);
	qn_cli_print_cell(stdout, qn_cli_text(d, "dataset"), width);
	printf(" %9lld %11s %11s %8lld  ", qn_cli_int(d, "chunks"), stored, decoded,
	       qn_cli_int(d, "damaged"));
	print_checks(d);
	putchar('\n');
}

/* What the library says is the same of each chunk that it cannot decode. */
static void print_damages(const json_t *damages)
{
	for (size_t i = 0, n; i < json_array_size(damages); i += n) {
		const char *text = qn_cli_text(json_array_get(damages, i), "message");

		for (n = 1; i + n < json_array_size(damages); n++)
			if (strcmp(text, qn_cli_text(json_array_get(damages, i + n), "message")))
				break;
		printf("  damage: %s", text);
		if (n > 1)
			printf(" (%zu chunks)", n);
		putchar('\n');
	}
}

static void print_unverified(const json_t *unverified)
{
	const json_t *u;
	size_t i;

	json_array_foreach(unverified, i, u)
		printf("  not verified: %s\n", qn_cli_text(u, "message"));
}

static void print_troubles(const json_t *file)
{
	print_damages(json_object_get(file, "damages"));
	print_unverified(json_object_get(file, "unverified"));
}

/* Only what is not whole. */
static void print_quietly(const json_t *doc)
{
	const json_t *file;
	size_t i;

	json_array_foreach(json_object_get(doc, "files"), i, file)
	{
		if (!json_array_size(json_object_get(file, "damages")) &&
		    !json_array_size(json_object_get(file, "unverified")))
			continue;
		printf("%s\n", qn_cli_text(file, "file"));
		print_troubles(file);
	}
}

static void print_file(const json_t *file)
{
	const json_t *datasets = json_object_get(file, "datasets"), *d;
	int width = 8;
	size_t i;

	json_array_foreach(datasets, i, d) if (qn_cli_width(qn_cli_text(d, "dataset")) > width)
		width = qn_cli_width(qn_cli_text(d, "dataset"));
	printf("%s\n", qn_cli_text(file, "file"));
	if (json_array_size(datasets))
		printf("  %-*s %9s %11s %11s %8s  %s\n", width, "dataset", "chunks", "stored",
		       "decoded", "damaged", "held against");
	json_array_foreach(datasets, i, d) print_dataset(d, width);
	print_troubles(file);
}

static void print_summary(const json_t *doc)
{
	const json_t *s = json_object_get(doc, "summary");
	char stored[32], decoded[32];

	qn_cli_bytes(json_number_value(json_object_get(s, "bytes_stored")), stored, sizeof(stored));
	qn_cli_bytes(json_number_value(json_object_get(s, "bytes_decoded")), decoded,
		     sizeof(decoded));
	putchar('\n');
	qn_cli_print_count(stdout, s, "files", "file", ", ");
	qn_cli_print_count(stdout, s, "datasets", "dataset", ", ");
	qn_cli_print_count(stdout, s, "chunks", "chunk", "; ");
	printf("%s stored, %s decoded\n", stored, decoded);
	qn_cli_print_count(stdout, s, "damages", "damage", ", ");
	if (qn_cli_int(s, "unverified"))
		printf("%lld could not be verified, ", qn_cli_int(s, "unverified"));
	qn_cli_print_count(stdout, s, "chunks_damaged", "chunk", " damaged; ");
	qn_cli_print_count(stdout, s, "chunks_unchecked", "chunk",
			   " could not be held against a checksum or a sum\n");
	if (*qn_cli_text(doc, "sums_written"))
		printf("sums kept in %s\n", qn_cli_text(doc, "sums_written"));
}

static void print_tables(const json_t *doc)
{
	const json_t *file;
	size_t i;

	json_array_foreach(json_object_get(doc, "files"), i, file) print_file(file);
	print_summary(doc);
}

static void warn_of_sources(const json_t *file)
{
	const json_t *d;
	size_t i;

	json_array_foreach(json_object_get(file, "datasets"), i, d)
	{
		char *missing = qn_cli_missing(d);

		if (missing)
			qn_cli_warn("%s: dataset %s: %s", qn_cli_text(file, "file"),
				    qn_cli_text(d, "dataset"), missing);
		if (*qn_cli_text(d, "sources_error"))
			qn_cli_warn("%s: dataset %s: its sources cannot all be read: %s",
				    qn_cli_text(file, "file"), qn_cli_text(d, "dataset"),
				    qn_cli_text(d, "sources_error"));
		free(missing);
	}
}

#define MOST_NAMES 10

static void warn_of_sums(const json_t *doc)
{
	const json_t *names = json_object_get(doc, "sums_not_given");
	const size_t n = json_array_size(names);

	for (size_t i = 0; i < n && i < MOST_NAMES; i++)
		qn_cli_warn("%s: %s has sums of it, and it was not given: it was not verified",
			    json_string_value(json_array_get(names, i)), qn_cli_text(doc, "sums"));
	if (n > MOST_NAMES)
		qn_cli_warn("%s has sums of %zu more files that were not given",
			    qn_cli_text(doc, "sums"), n - MOST_NAMES);
}

/* What a user would think to be verified, and is not. */
static void warn_of_rest(const json_t *doc)
{
	const json_t *file;
	size_t i;

	json_array_foreach(json_object_get(doc, "files"), i, file)
	{
		if (json_is_true(json_object_get(file, "catalog")))
			qn_cli_warn(
				"%s is a catalog: its elements are in shards, which were not read; "
				"`quern stage --verify FILE` checks them",
				qn_cli_text(file, "file"));
		if (json_is_true(json_object_get(file, "growing")))
			qn_cli_warn(
				"%s: a writer is adding to it, or was when it crashed: what was there "
				"when each dataset was looked at is verified, what comes later is not",
				qn_cli_text(file, "file"));
		warn_of_sources(file);
	}
	warn_of_sums(doc);
}

/* found: what the verification ended with. Without an error the sums are written. */
static int no_document(const struct quern_options *o, int found)
{
	const char *sums = found ? NULL : quern_option_string(o, "write-sums");
	char text[2048];

	snprintf(text, sizeof(text), "%s%scannot read the document: out of memory",
		 sums ? sums : "", sums ? " is written, but " : "");
	return qn_cli_fail(QUERN_ERR_RUN, text);
}

/* Takes text. */
static int publish(const struct quern_options *o, char *text, int found)
{
	char *copy = qn_strdup(text);
	json_t *doc = qn_cli_load(text);
	int code;

	if (doc && copy) {
		warn_of_rest(doc);
		if (qn_cli_wants_tables(o) && quern_option_flag(o, "quiet"))
			print_quietly(doc);
		else if (qn_cli_wants_tables(o))
			print_tables(doc);
		code = qn_cli_put_document(o, copy);
	} else {
		code = no_document(o, found);
	}
	json_decref(doc);
	free(copy);
	return code;
}

static int verify(const struct quern_options *o, const char *const *files, size_t nfiles)
{
	struct qn_progress progress = { .what = "file" };
	struct qn_cli_operation op;
	int code = qn_cli_operation_init(&op, quern_verify_new, o, files, nfiles), published;
	char *text;

	if (code) {
		qn_cli_operation_fini(&op);
		return code;
	}
	qn_cli_watch("what was found so far is lost");
	qn_cli_warn_of_mixing(o);
	qn_cli_progress_begin(&progress, 0);
	if (qn_cli_wants_progress(o))
		quern_run_progress(op.run, qn_cli_progress, &progress);
	code = (int)quern_run_execute(op.run);
	qn_cli_unwatch();
	qn_cli_progress_end(&progress);
	text = quern_run_document(op.run, false);
	if (!text && !code && !qn_cli_rank()) {
		qn_cli_operation_fini(&op);
		return no_document(o, code);
	}
	/* Before the document: what is said after it may get into it (cli/terminal.c). */
	if (code)
		qn_cli_fail((enum quern_status)code, quern_run_message(op.run));
	if (text && (published = publish(o, text, code)))
		code = published;
	qn_cli_operation_fini(&op);
	return code;
}

int qn_cli_verify(int argc, char **argv)
{
	struct quern_options o;
	int first = qn_cli_options(qn_cli_command("verify"), argc, argv, &o), code, failed;

	/* 0: go on; otherwise 1 and the exit code. A rank that has none takes the others'. */
	code = first < 0 ? -first : 0;
	if (first == argc)
		code = 1 + qn_cli_fail(QUERN_ERR_USAGE, "no file given: quern verify FILE...");
	if (!code && (failed = qn_cli_check_document(&o)))
		code = 1 + failed;
	code = qn_cli_agree(code);
	if (!code)
		code = 1 + verify(&o, (const char *const *)argv + first, (size_t)(argc - first));
	if (first >= 0)
		qn_options_fini(&o);
	return code - 1;
}
