#include "api/journal.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "api/datasets.h"
#include "base/mem.h"
#include "base/system.h"
#include "formula/stored.h"
#include "journal/journal.h"

/* What results do not depend on; every other option is a part of what the journal is of. */
static const char *const free_options[] = {
	"journal",	 "journal-every", "partial", "force",  "on-bad-chunk", "metadata-timeout",
	"chunk-timeout", "threads",	  "bind",    "memory", "site",	       "allow-external",
};

static bool is_free(const char *name)
{
	for (size_t i = 0; i < sizeof(free_options) / sizeof(*free_options); i++)
		if (!strcmp(free_options[i], name))
			return true;
	return false;
}

/* Values are of users and of files: no line has an end but its own. */
static void put_text(FILE *f, const char *text)
{
	for (; *text; text++)
		fputc(*text == '\n' ? ' ' : *text, f);
}

static void put_options(FILE *f, const struct quern_options *o)
{
	for (int i = 0; i < o->n; i++) {
		const struct qn_option_value *v = &o->value[i];

		if (!v->text || is_free(v->row->name))
			continue;
		fprintf(f, "--%s ", v->row->name);
		put_text(f, v->text);
		fputc('\n', f);
	}
}

static void put_kernels(FILE *f, const quern_run *run)
{
	char digits[QN_SUM_DIGITS + 1];

	fprintf(f, "kernel %s\n", run->engine.kernel->name);
	for (size_t i = 0; i < run->registry.n; i++) {
		qn_sum_write(&run->registry.user[i].sum, digits);
		fprintf(f, "kernel-bytes %s\n", digits);
	}
}

static void put_file(FILE *f, const char *file, uint64_t nbytes, int64_t mtime_ns)
{
	fputs("file ", f);
	put_text(f, file);
	fprintf(f, ", %" PRIu64 " bytes, changed at %" PRId64 ".%09d\n", nbytes,
		mtime_ns / 1000000000, (int)(mtime_ns % 1000000000));
}

/* A dataset, and the files of all of its members. */
static void put_subject(FILE *f, const struct qn_subject *s)
{
	const struct qn_dataset *d = &s->dataset;
	const struct qn_mosaic *m = &s->mosaic;

	fputs("dataset ", f);
	put_text(f, d->path);
	fprintf(f, ", %s", d->type.name);
	for (int i = 0; i < d->ndim; i++)
		fprintf(f, " %" PRIu64, d->shape[i]);
	fputc('\n', f);
	for (uint32_t i = 0; i < m->nmembers; i++)
		if (!i || strcmp(m->member[i].file, m->member[i - 1].file))
			put_file(f, m->member[i].file, m->member[i].file_nbytes,
				 m->member[i].file_mtime_ns);
}

static void put_operands(FILE *f, const struct qn_formula *formula)
{
	for (int i = 0; i < formula->n; i++)
		if (formula->operand[i].stored)
			put_subject(f, &formula->operand[i].stored->subject);
}

/* Files of labels and the like, which are read whole. */
static void put_named(FILE *f, const struct qn_named_list *l)
{
	struct stat st;

	for (int i = 0; i < l->n; i++)
		if (l->named[i].file && !qn_sys_stat(l->named[i].file, &st))
			put_file(f, l->named[i].file, (uint64_t)st.st_size,
				 (int64_t)st.st_mtim.tv_sec * 1000000000 + st.st_mtim.tv_nsec);
}

static void put_engine(FILE *f, const struct qn_run *engine)
{
	put_subject(f, engine->subject);
	put_operands(f, &engine->formula);
	for (int i = 0; i < engine->computed.n; i++)
		put_operands(f, &engine->computed.given[i].formula);
}

/* Rank 0: what results depend on; owned. NULL: no memory. */
static char *describe(const quern_run *run)
{
	const quern_run *s;
	char *text = NULL;
	size_t nbytes;
	FILE *f = qn_open_memstream(&text, &nbytes);

	if (!f)
		return NULL;
	fprintf(f, "quern-journal 1\nversion %s\n", QUERN_VERSION);
	put_kernels(f, run);
	put_options(f, &run->options);
	put_named(f, &run->named);
	for (size_t i = 0; (s = qn_run_single(run, i)); i++)
		put_engine(f, &s->engine);
	if (!fclose(f))
		return text;
	free(text);
	return NULL;
}

/* In memory there is nothing to take up again. */
static enum quern_status refuse(quern_run *run)
{
	return qn_error_set(&run->err, QUERN_ERR_USAGE,
			    "--journal is for runs over files: what a simulation has had in memory "
			    "is gone when it starts again");
}

enum quern_status qn_api_journal_open(quern_run *run)
{
	const char *folder = quern_option_string(&run->options, "journal");
	enum quern_status st;

	if (!folder)
		return QUERN_OK;
	if (run->absorbed.fill)
		return refuse(run);
	st = qn_journal_open(run->comm, folder, run->rank ? NULL : describe(run), &run->journal,
			     &run->err);
	run->engine.journal = run->journal;
	for (size_t i = 0; i < run->nsingles; i++) {
		run->single[i]->engine.journal = run->journal;
		run->single[i]->engine.dataset_number = i;
	}
	return st;
}

void qn_api_journal_explain(quern_run *run, enum quern_status st)
{
	if (st != QUERN_ERR_INTERRUPTED || !run->journal)
		return;
	run->err = (struct quern_message){ .status = QUERN_OK };
	qn_error_set(&run->err, st,
		     "interrupted: what was found so far is in %s, and the same command resumes",
		     quern_option_string(&run->options, "journal"));
}

void qn_api_journal_close(quern_run *run)
{
	qn_journal_close(run->journal, run->done && !run->err.status);
	run->journal = NULL;
}
