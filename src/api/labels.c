/*
 * labels.c - what a result says of itself in a file: where it came from and how it was computed. The
 * same labels are global attributes of HDF5 and netCDF files and the commented head of CSV.
 */
#include "api/labels.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/mem.h"
#include "base/text.h"
#include "find/meaning.h"
#include "run/names.h"

#define MOST_NAMES 100 /* of files; more are the words that they were given by */

/* --- words of a command line --- */

static bool is_of_kernel(const quern_run *run, const struct quern_option *row)
{
	const struct quern_option *o = run->engine.kernel->options;

	for (; o && o->name; o++)
		if (o == row)
			return true;
	return false;
}

static void put_options(FILE *f, const quern_run *run, bool of_kernel)
{
	for (int i = 0; i < run->options.n; i++) {
		const struct qn_option_value *v = &run->options.value[i];

		if (!v->text || (v->row->fallback && !strcmp(v->text, v->row->fallback)) ||
		    (of_kernel && !is_of_kernel(run, v->row)))
			continue;
		if (v->row->type == QUERN_OPT_FLAG && !strcmp(v->text, "0"))
			continue;
		fprintf(f, " --%s", v->row->name);
		if (v->row->type == QUERN_OPT_FLAG)
			continue;
		fputc(' ', f);
		qn_text_print_word(f, v->text);
	}
}

char *qn_labels_options(const quern_run *run, bool of_kernel)
{
	char *text = NULL;
	size_t n;
	FILE *f = qn_open_memstream(&text, &n);

	if (f)
		put_options(f, run, of_kernel);
	if (!f || fclose(f)) {
		free(text);
		return NULL;
	}
	if (*text)
		memmove(text, text + 1, strlen(text));
	return text;
}

/* --- the labels --- */

/* A label whose text is being written. */
struct writing {
	struct qn_labels *labels;
	char *text;
	size_t n;
	FILE *f;
	bool failed;
};

static FILE *begin(struct writing *w)
{
	w->text = NULL;
	w->f = w->failed ? NULL : qn_open_memstream(&w->text, &w->n);
	w->failed = !w->f;
	return w->f;
}

static void end(struct writing *w, const char *name)
{
	if ((w->f && fclose(w->f)) || w->labels->n == QN_MOST_LABELS)
		w->failed = true;
	if (w->failed)
		free(w->text);
	else
		w->labels->label[w->labels->n++] =
			(struct qn_global){ .name = name, .text = w->text };
}

static void put(struct writing *w, const char *name, const char *text)
{
	if (begin(w))
		fputs(text, w->f);
	end(w, name);
}

static void put_number(struct writing *w, const char *name, uint64_t n)
{
	if (begin(w))
		fprintf(w->f, "%" PRIu64, n);
	end(w, name);
	if (!w->failed)
		w->labels->label[w->labels->n - 1].is_number = true;
}

static void put_history(struct writing *w, const quern_run *run, const char *output)
{
	const time_t now = time(NULL);
	struct tm t;
	char text[32];

	gmtime_r(&now, &t);
	strftime(text, sizeof(text), "%Y-%m-%dT%H:%M:%SZ", &t);
	if (begin(w)) {
		fprintf(w->f, "%s: quern run %s", text, run->engine.kernel->name);
		put_options(w->f, run, false);
		fputs(" --output ", w->f);
		qn_text_print_word(w->f, output);
		for (size_t i = 0; i < run->files.n && i < MOST_NAMES; i++) {
			fputc(' ', w->f);
			qn_text_print_word(w->f, run->files.name[i]);
		}
		if (run->files.n > MOST_NAMES)
			fprintf(w->f, " ... (%zu files)", run->files.n);
		fprintf(w->f, " (quern %s)", QUERN_VERSION);
	}
	end(w, "history");
}

static void put_source(struct writing *w, const struct qn_names *files)
{
	if (begin(w)) {
		fputs(files->name[0], w->f);
		if (files->n > 1)
			fprintf(w->f, " to %s (%zu files)", files->name[files->n - 1], files->n);
	}
	end(w, "source");
}

/* A name a line: all, or where they are many the first words that they were given by. */
static void put_files(struct writing *w, const quern_run *run)
{
	const struct qn_names *all = &run->subject.files;
	const struct qn_names *files = all->n <= MOST_NAMES ? all : &run->files;

	if (begin(w)) {
		for (size_t i = 0; i < files->n && i < MOST_NAMES; i++)
			fprintf(w->f, "%s%s", i ? "\n" : "", files->name[i]);
		if (files->n > MOST_NAMES)
			fprintf(w->f, "\n... to %s", files->name[files->n - 1]);
	}
	end(w, "files");
	if (begin(w))
		fprintf(w->f, "%zu", all->n);
	end(w, "number_of_files");
}

static void put_selected(struct writing *w, const struct qn_subject *s)
{
	if (!s->nmeanings)
		return;
	if (begin(w))
		for (size_t i = 0; i < s->nmeanings; i++) {
			const struct qn_meaning *m = &s->meaning[i];

			fprintf(w->f, "%s%s: %" PRIu64 " from index %" PRIu64, i ? "; " : "",
				m->slice, m->count, m->start);
			if (!m->step)
				fprintf(w->f, " to %" PRIu64, m->end - 1);
			if (m->step > 1)
				fprintf(w->f, ", every %" PRIu64, m->step);
			if (m->has_ends)
				fprintf(w->f, ", %s to %s%s%s", m->ends.text[0], m->ends.text[1],
					m->ends.units[0] ? " " : "", m->ends.units);
		}
	end(w, "selected");
}

static void put_shape(struct writing *w, const struct qn_dataset *d)
{
	if (d->scalar)
		return;
	if (begin(w))
		for (int i = 0; i < d->ndim; i++)
			fprintf(w->f, "%s%s%s%" PRIu64, i ? ", " : "",
				d->dim_name[i] ? d->dim_name[i] : "", d->dim_name[i] ? " " : "",
				d->shape[i]);
	end(w, "shape");
}

enum quern_status qn_labels_make(quern_run *run, const char *output, struct qn_labels *out)
{
	const struct qn_dataset *d = &run->subject.dataset;
	const struct qn_formula *formula = &run->engine.formula;
	const char *select = quern_option_string(&run->options, "select");
	const char *over = quern_option_string(&run->options, "over");
	const bool raw = quern_option_flag(&run->options, "raw");
	char *options = qn_labels_options(run, true);
	static const struct qn_names nothing;
	struct writing w = { .labels = out, .failed = !options };

	*out = (struct qn_labels){ .n = 0 };
	out->units = qn_run_units(run);
	out->calendar = d->calendar;
	out->weights = qn_run_weights(run);
	out->with = formula->made[QUERN_WITH] ? qn_program_text(formula->made[QUERN_WITH]) : NULL;
	out->with_units = qn_formula_units(formula, QUERN_WITH);
	out->name = run->name ? run->name : qn_run_quantity(&run->engine);
	/* Names of a quantity are not those of what an expression makes of it. */
	out->attributes = formula->made[QUERN_VALUE] ? &nothing : &run->subject.attributes;
	out->in_steps = qn_run_methods(&run->engine, true);
	out->at_once = qn_run_methods(&run->engine, false);
	w.failed = w.failed || !out->in_steps || !out->at_once;
	out->dtype = qn_formula_dtype(formula, run->subject.views[0].dtype);
	put(&w, "quern", QUERN_VERSION);
	put(&w, "kernel", run->engine.kernel->name);
	put_source(&w, &run->subject.files);
	put(&w, "dataset", qn_dataset_name(d));
	put(&w, "units", out->units);
	put(&w, "dtype", d->type.name);
	put_shape(&w, d);
	if (d->column[0])
		put(&w, "column", d->column);
	if (select)
		put(&w, "select", select);
	put_selected(&w, &run->subject);
	if (over)
		put(&w, "over", over);
	if (run->engine.settings.keepdims)
		put(&w, "keepdims", "reduced dimensions are of length 1");
	if (formula->made[QUERN_VALUE])
		put(&w, "expr", qn_program_text(formula->made[QUERN_VALUE]));
	if (out->with)
		put(&w, "with", out->with);
	if (formula->where)
		put(&w, "where", qn_program_text(formula->where));
	if (quern_option_string(&run->options, "weights"))
		put(&w, "weights", out->weights);
	if (quern_option_string(&run->options, "by"))
		put(&w, "by", quern_option_string(&run->options, "by"));
	if (quern_option_string(&run->options, "rolling"))
		put(&w, "rolling", quern_option_string(&run->options, "rolling"));
	if (quern_option_flag(&run->options, "pairs"))
		put(&w, "pairs", "the combinations of groups that occur");
	if (quern_option_string(&run->options, "fields"))
		put(&w, "fields", quern_option_string(&run->options, "fields"));
	if (options && options[0])
		put(&w, "options", options);
	if (raw)
		put(&w, "raw", "stored values as they are, without CF decoding");
	put(&w, "nan", quern_option_string(&run->options, "nan"));
	put_number(&w, "quern_chunks_skipped", quern_run_nskipped(run));
	put_number(&w, "quern_sources_missing", quern_run_nmissing_sources(run));
	put_files(&w, run);
	put_history(&w, run, output);
	free(options);
	if (!w.failed)
		return QUERN_OK;
	qn_labels_fini(out);
	return qn_error_nomem(&run->err, 0, "what a result says of itself");
}

void qn_labels_fini(struct qn_labels *l)
{
	for (size_t i = 0; i < l->n; i++)
		free(l->label[i].text);
	free(l->in_steps);
	free(l->at_once);
	l->in_steps = l->at_once = NULL;
	l->n = 0;
}
