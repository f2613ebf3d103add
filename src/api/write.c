/*
 * write.c - results as files: written beside their place, synced, and renamed, so that a file is
 * there whole or not at all.
 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <libgen.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "api/run.h"
#include "base/real.h"
#include "base/text.h"
#include "data/storage.h"

static enum quern_status io_error(quern_run *run, const char *file, const char *what)
{
	return qn_error_set(&run->err, QUERN_ERR_RUN, "%s: cannot %s: %s", file, what,
			    strerror(errno));
}

static enum quern_status write_json(quern_run *run, const char *file)
{
	char *text = quern_run_document(run, false);
	FILE *f;
	bool ok;

	if (!text)
		return qn_error_nomem(&run->err, 0, "the document");
	f = fopen(file, "w");
	ok = f && fputs(text, f) >= 0;
	free(text);
	if (f && fclose(f))
		ok = false;
	return ok ? QUERN_OK : io_error(run, file, "write");
}

static void print_real(FILE *f, double x)
{
	char text[QN_REAL_NBYTES];

	qn_real_print(x, text);
	fputs(isnan(x) ? "nan" : text, f);
}

/* In quotes, which are doubled inside, and plain: a table is looked at as well. */
static void print_text(FILE *f, const char *text)
{
	const char *end = text + strlen(text);
	char one[QN_PLAIN_NBYTES];

	fputc('"', f);
	while (text < end) {
		qn_text_next(&text, end, one);
		fputs(*one == '"' ? "\"\"" : one, f);
	}
	fputc('"', f);
}

static void print_scalar(FILE *f, const struct qn_field *x)
{
	switch (x->type) {
	case QN_FIELD_NULL:
		break;
	case QN_FIELD_INT:
		fprintf(f, "%" PRId64, x->v.i);
		break;
	case QN_FIELD_UINT:
		fprintf(f, "%" PRIu64, x->v.u);
		break;
	case QN_FIELD_REAL:
		print_real(f, x->v.r);
		break;
	case QN_FIELD_DECIMAL:
		fputs(x->v.digits, f);
		break;
	case QN_FIELD_TEXT:
		print_text(f, x->v.text);
		break;
	}
}

static void print_value(FILE *f, const struct qn_field *x, size_t i)
{
	if (x->type == QN_FIELD_INT)
		fprintf(f, "%" PRId64, x->v.ints[i]);
	else if (x->type == QN_FIELD_TEXT)
		print_text(f, x->v.texts[i]);
	else if (x->type == QN_FIELD_UINT)
		fprintf(f, "%" PRIu64, x->v.uints[i]);
	else
		print_real(f, x->v.reals[i]);
}

/* Long form: a line a value, its field and its place in it. */
static void print_csv(FILE *f, const struct quern_result *r)
{
	fputs("field,row,column,value\n", f);
	for (size_t i = 0; i < r->nfields; i++) {
		const struct qn_field *x = &r->field[i];

		if (!x->array) {
			fprintf(f, "%s,,,", x->name);
			print_scalar(f, x);
			fputc('\n', f);
			continue;
		}
		for (size_t k = 0; k < qn_field_nvalues(x); k++) {
			if (x->ncols)
				fprintf(f, "%s,%zu,%zu,", x->name, k / x->ncols, k % x->ncols);
			else
				fprintf(f, "%s,%zu,,", x->name, k);
			print_value(f, x, k);
			fputc('\n', f);
		}
	}
}

static enum quern_status write_csv(quern_run *run, const char *file)
{
	FILE *f = fopen(file, "w");
	bool ok;

	if (!f)
		return io_error(run, file, "write");
	print_csv(f, &run->result);
	ok = !ferror(f);
	if (fclose(f))
		ok = false;
	return ok ? QUERN_OK : io_error(run, file, "write");
}

static enum quern_status write_hdf5(quern_run *run, const char *file)
{
	const struct qn_dataset *d = &run->job.dataset;
	const struct qn_names *files = &run->job.files;
	char source[4096];
	struct qn_labels labels = { run->job.kernel->name, source, d->path, d->units };

	if (files->n > 1)
		snprintf(source, sizeof(source), "%s to %s (%zu files)", files->name[0],
			 files->name[files->n - 1], files->n);
	else
		snprintf(source, sizeof(source), "%s", d->file);
	return qn_formats[0]->write(file, &labels, &run->result, &run->err);
}

static const struct writer {
	const char *suffix;
	enum quern_status (*write)(quern_run *run, const char *file);
} writers[] = {
	{ ".json", write_json },
	{ ".csv", write_csv },
	{ ".h5", write_hdf5 },
	{ ".nc", write_hdf5 },
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

		is = stat(files.name[i], &st) == 0 && st.st_dev == there->st_dev &&
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

	if (stat(file, &there))
		return QUERN_OK;
	if (S_ISDIR(there.st_mode))
		return refuse(run, file, "is a directory");
	if (is_input(run, &there))
		return refuse(run, file, "is a file to be read too; choose another name");
	if (w->write == write_hdf5 && there.st_size && !qn_formats[0]->is_result(file))
		return refuse(run, file, "is there and is no result of quern, so it is not "
			      "replaced; choose another name, or remove it first");
	return QUERN_OK;
}

enum quern_status quern_run_check_output(quern_run *run, const char *file)
{
	const struct writer *w = find_writer(file);
	char *copy;
	bool writable;

	if (!w)
		return refuse(run, file, "the name must end in .json, .csv, .h5 or .nc");
	copy = strdup(file);
	if (!copy)
		return qn_error_nomem(&run->err, strlen(file), "a name");
	writable = !access(dirname(copy), W_OK);
	free(copy);
	if (!writable)
		return qn_error_set(&run->err, QUERN_ERR_USAGE, "--output %s: its directory cannot "
				    "be written: %s", file, strerror(errno));
	return check_replaced(run, w, file);
}

static enum quern_status sync_and_rename(quern_run *run, const char *temporary, const char *file)
{
	int fd = open(temporary, O_RDONLY | O_CLOEXEC), rc;

	if (fd < 0)
		return io_error(run, temporary, "open");
	rc = fsync(fd);
	close(fd);
	if (rc)
		return io_error(run, temporary, "sync");
	if (rename(temporary, file))
		return io_error(run, file, "rename to");
	return QUERN_OK;
}

enum quern_status quern_run_write(quern_run *run, const char *file)
{
	enum quern_status st = quern_run_check_output(run, file);
	char *temporary;

	if (st)
		return st;
	if (!quern_run_result(run))
		return qn_error_set(&run->err, QUERN_ERR_USAGE, "%s: there is no result to write",
				    file);
	if (asprintf(&temporary, "%s.%ld.tmp", file, (long)getpid()) < 0)
		return qn_error_nomem(&run->err, strlen(file), "a name");
	st = find_writer(file)->write(run, temporary);
	if (!st)
		st = sync_and_rename(run, temporary, file);
	if (st)
		unlink(temporary);
	free(temporary);
	return st;
}
