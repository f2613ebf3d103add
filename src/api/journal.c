#include "api/journal.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "api/datasets.h"
#include "base/mem.h"
#include "base/system.h"
#include "journal/journal.h"
#include "run/depends.h"

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

static void put_options(FILE *f, const struct quern_options *o)
{
	for (int i = 0; i < o->n; i++) {
		const struct qn_option_value *v = &o->value[i];

		if (!v->text || is_free(v->row->name))
			continue;
		fprintf(f, "--%s ", v->row->name);
		qn_depends_put_text(f, v->text);
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

/* Files of labels and the like, which are read whole. */
static void put_named(FILE *f, const struct qn_named_list *l)
{
	struct stat st;

	for (int i = 0; i < l->n; i++)
		if (l->named[i].file && !qn_sys_stat(l->named[i].file, &st))
			qn_depends_put_file(f, l->named[i].file, (uint64_t)st.st_size,
					    (int64_t)st.st_mtim.tv_sec * 1000000000 +
						    st.st_mtim.tv_nsec);
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
		qn_depends_put(f, &s->engine);
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
