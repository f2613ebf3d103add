/*
 * write.c - results as files, put in their place by base/publish.h, so that a file is there whole or not at all.
 * Text is made in memory: it is of few cells.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "api/result_file.h"
#include "api/run.h"
#include "base/file.h"
#include "base/fp.h"
#include "base/mem.h"
#include "base/publish.h"
#include "base/system.h"
#include "csv/csv.h"
#include "data/storage.h"
#include "json/json.h"

/* A file, in memory. */
struct document {
	void *bytes; /* owned */
	size_t nbytes;
};

static enum quern_status make_json(quern_run *run, const char *file, struct document *out)
{
	(void)file;
	out->bytes = quern_run_document(run, false);
	if (!out->bytes)
		return qn_error_nomem(&run->err, 0, "the document");
	out->nbytes = strlen(out->bytes);
	return QUERN_OK;
}

static enum quern_status make_csv(quern_run *run, const char *file, struct document *out)
{
	struct qn_outputs o;
	char *text = NULL;
	FILE *f = qn_open_memstream(&text, &out->nbytes);
	bool ok = !qn_outputs_make(run, file, &o) && f;

	ok = ok && qn_csv_print(f, o.of, o.n) && !ferror(f);
	qn_outputs_fini(&o);
	if (f && fclose(f))
		ok = false;
	out->bytes = text;
	return ok ? QUERN_OK : qn_error_nomem(&run->err, 0, "the table");
}

typedef enum quern_status make(quern_run *run, const char *file, struct document *out);

static enum quern_status write_document(quern_run *run, const char *file, make *make_it)
{
	struct document doc = { .bytes = NULL };
	enum quern_status st = make_it(run, file, &doc);

	if (!st)
		st = qn_publish_write(file, QN_FOLLOW_LINK, QN_RIGHTS_ALL, doc.bytes, doc.nbytes,
				      QN_PUBLISH_NOW, &run->err);
	free(doc.bytes);
	return st;
}

static enum quern_status write_json(quern_run *run, const char *file)
{
	return write_document(run, file, make_json);
}

static enum quern_status write_csv(quern_run *run, const char *file)
{
	return write_document(run, file, make_csv);
}

/* --- what is there --- */

static bool is_csv(const char *file)
{
	return qn_file_begins(file, QN_CSV_HEAD) || qn_file_begins(file, QN_CSV_COLUMNS);
}

static bool is_hdf5(const char *file)
{
	return qn_formats[0]->is_result(file);
}

static const struct writer {
	const char *suffix;
	enum quern_status (*write)(quern_run *run, const char *file);
	bool (*is_result)(const char *file); /* may be replaced */
} writers[] = {
	{ ".json", write_json, qn_json_is_document },
	{ ".csv", write_csv, is_csv },
	{ ".h5", qn_result_file_finish, is_hdf5 },
	{ ".nc", qn_result_file_finish, is_hdf5 },
};

static const struct writer *find_writer(const char *file)
{
	const char *dot = strrchr(file, '.');

	for (size_t i = 0; dot && i < sizeof(writers) / sizeof(*writers); i++)
		if (!strcmp(dot, writers[i].suffix))
			return &writers[i];
	return NULL;
}

static enum quern_status refuse(quern_run *run, const char *file, const char *why)
{
	return qn_error_set(&run->err, QUERN_ERR_USAGE, "--output %s: %s", file, why);
}

/* Is one of the files to be read the very one that `there` is of? */
static bool is_input(const quern_run *run, const struct stat *there)
{
	struct quern_message err = { .status = QUERN_OK };
	struct qn_names files = { .n = 0 };
	bool is = false;

	/* What cannot be found is the run's to report. */
	for (size_t i = 0; i < run->files.n; i++)
		qn_names_expand(&files, run->files.name[i], &err);
	for (size_t i = 0; !is && i < files.n; i++) {
		struct stat st;

		is = qn_sys_stat(files.name[i], &st) == 0 && st.st_dev == there->st_dev &&
		     st.st_ino == there->st_ino;
	}
	qn_names_fini(&files);
	return is;
}

/* What is there may be replaced when it is a result, not when it is somebody's data: the shell makes
   `-o *.nc` of a forgotten name, and the first file of the data then stands behind -o. */
static enum quern_status check_replaced(quern_run *run, const struct writer *w, const char *file)
{
	struct stat there;

	if (qn_sys_stat(file, &there))
		return QUERN_OK;
	if (is_input(run, &there))
		return refuse(run, file, "is a file to be read too; choose another name");
	if (there.st_size && !quern_option_flag(&run->options, "force") && !w->is_result(file))
		return refuse(run, file,
			      "is there and is no result of quern, so it is not "
			      "replaced; choose another name, or give --force");
	return QUERN_OK;
}

/* Files are those of rank 0: others need not have its directories. */
static bool is_elsewhere(const quern_run *run)
{
	return run->session && run->session->comm && qn_comm_rank(run->session->comm);
}

static enum quern_status check_file(quern_run *run, const char *file)
{
	const struct writer *w = find_writer(file);
	enum quern_status st;

	if (!w)
		return refuse(run, file, "the name must end in .json, .csv, .h5 or .nc");
	if (run->operation && w->write != write_json)
		return refuse(run, file, "there is a document only: the name must end in .json");
	st = qn_publish_check("--output", file, &run->err);
	if (!st)
		st = check_replaced(run, w, file);
	if (st || w->write != qn_result_file_finish || run->started)
		return st;
	free(run->output);
	run->output = qn_strdup(file);
	return run->output ? QUERN_OK : qn_error_nomem(&run->err, strlen(file), "--output");
}

enum quern_status quern_run_check_output(quern_run *run, const char *file)
{
	QN_OWN_FP;

	return is_elsewhere(run) ? QUERN_OK : check_file(run, file);
}

enum quern_status quern_run_output(quern_run *run, const char *file)
{
	QN_OWN_FP;
	const bool elsewhere = is_elsewhere(run);
	enum quern_status st = elsewhere ? QUERN_OK : check_file(run, file);

	if (elsewhere || st || run->started || find_writer(file)->write != qn_result_file_finish)
		return st;
	free(run->streamed);
	run->sink = &qn_result_file_sink;
	run->streamed = qn_strdup(file);
	return run->streamed ? QUERN_OK : qn_error_nomem(&run->err, strlen(file), "--output");
}

enum quern_status quern_run_write(quern_run *run, const char *file)
{
	QN_OWN_FP;
	enum quern_status st = check_file(run, file);

	if (st)
		return st;
	if (!(run->operation ? run->document != NULL : run->done) || run->rank)
		return qn_error_set(&run->err, QUERN_ERR_USAGE, "%s: there is no result to write",
				    file);
	if (run->streamed && (!run->result_file.is_open || strcmp(run->streamed, file)))
		return qn_error_set(&run->err, QUERN_ERR_USAGE,
				    "%s: the rows of the result are in %s, and nowhere else", file,
				    run->streamed);
	return find_writer(file)->write(run, file);
}
