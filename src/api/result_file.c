#include "api/result_file.h"

#include <stdlib.h>
#include <string.h>

#include "api/datasets.h"
#include "api/labels.h"
#include "api/run.h"
#include "base/mem.h"
#include "run/emit.h"

void qn_outputs_fini(struct qn_outputs *o)
{
	for (size_t i = 0; i < o->n; i++)
		qn_labels_fini(&o->of[i].labels);
	free(o->of);
}

enum quern_status qn_outputs_make(quern_run *run, const char *file, struct qn_outputs *o)
{
	const size_t n = run->nsingles ? run->nsingles : 1;
	enum quern_status st = QUERN_OK;

	*o = (struct qn_outputs){ .of = qn_calloc(n, sizeof(*o->of)) };
	if (!o->of)
		return qn_error_nomem(&run->err, n * sizeof(*o->of), "results");
	for (; !st && o->n < n; o->n += !st) {
		quern_run *s = run->nsingles ? run->single[o->n] : run;
		struct qn_output *out = &o->of[o->n];

		st = qn_labels_make(s, file, &out->labels);
		if (st && s != run)
			qn_error_pass(&run->err, st, &s->err);
		out->dataset = s->name;
		out->result = &s->result;
	}
	return st;
}

/* --- integers of any size, which are doubles in such files --- */

static bool has_text(const struct qn_names *l, const char *text)
{
	for (size_t i = 0; i < l->n; i++)
		if (!strcmp(l->name[i], text))
			return true;
	return false;
}

static enum quern_status note_field(struct qn_names *to, const char *file, const char *dataset,
				    const struct qn_field *f, struct quern_message *err)
{
	enum quern_status st = QUERN_OK;
	char *text;

	if (qn_asprintf(
		    &text,
		    "%s: field %s%s%s has integers beyond 64 bits and is stored as float64: the "
		    "nearest numbers; --json and .csv have all digits",
		    file, f->name, dataset ? " of " : "", dataset ? dataset : "") < 0)
		return qn_error_nomem(err, 0, "a warning");
	if (!has_text(to, text))
		st = qn_names_add(to, text, err);
	free(text);
	return st;
}

static enum quern_status note_rounded(struct qn_names *to, const char *file, const char *dataset,
				      const struct quern_result *r, struct quern_message *err)
{
	enum quern_status st = QUERN_OK;

	for (size_t i = 0; !st && i < r->nfields; i++)
		if (r->field[i].per_row && r->field[i].type == QN_FIELD_DECIMAL)
			st = note_field(to, file, dataset, &r->field[i], err);
	return st;
}

static enum quern_status note_empty(struct qn_names *to, const char *file, const char *dataset,
				    const struct quern_result *r, struct quern_message *err)
{
	enum quern_status st = QUERN_OK;
	char *text;

	for (size_t i = 0; !st && i < r->naxes; i++) {
		if (r->axis[i].n)
			continue;
		if (qn_asprintf(
			    &text,
			    "%s: dimension %s%s%s is of length 0, which xarray, ncdump and ncks "
			    "read, and CDO and ncra do not",
			    file, r->axis[i].name, dataset ? " of " : "",
			    dataset ? dataset : "") < 0)
			return qn_error_nomem(err, 0, "a warning");
		st = qn_names_add(to, text, err);
		free(text);
	}
	return st;
}

/* --- the file --- */

static enum quern_status open_file(struct qn_result_file *f, const char *file,
				   struct quern_message *err)
{
	enum quern_status st =
		qn_publish_open(file, QN_FOLLOW_LINK, QN_RIGHTS_ALL, &f->publishing, err);

	if (st)
		return st;
	f->is_open = true;
	return qn_formats[0]->begin(f->publishing.fd, file, &f->writing, err);
}

static void discard(quern_run *run)
{
	struct qn_result_file *f = &run->result_file;

	if (!f->is_open)
		return;
	qn_formats[0]->end(f->writing, NULL, 0, NULL);
	f->writing = NULL;
	qn_publish_discard(&f->publishing);
	qn_labels_fini(&f->output.labels);
	qn_names_fini(&f->notes);
	f->is_open = false;
}

static enum quern_status begin_rows(quern_run *run, quern_run *s, struct quern_message *err)
{
	struct qn_result_file *f = &run->result_file;
	struct qn_output *o = &f->output;
	enum quern_status st = qn_run_emit_axes(&s->engine, &s->result, err);

	if (!st && !f->is_open)
		st = open_file(f, run->streamed, err);
	o->dataset = s->name;
	o->result = &s->result;
	if (!st && (st = qn_labels_make(s, run->streamed, &o->labels)))
		return qn_error_pass(err, st, &s->err);
	if (!st)
		st = note_empty(&f->notes, run->streamed, s->name, &s->result, err);
	return st ? st : qn_formats[0]->put(f->writing, o, err);
}

static enum quern_status put_rows(quern_run *run, quern_run *s, const struct quern_result *rows,
				  struct quern_message *err)
{
	enum quern_status st = s->result.naxes ? QUERN_OK : begin_rows(run, s, err);

	if (!st)
		st = qn_formats[0]->put_rows(run->result_file.writing, rows, err);
	return st ? st : note_rounded(&run->result_file.notes, run->streamed, s->name, rows, err);
}

static enum quern_status end_rows(quern_run *run, struct quern_message *err)
{
	struct qn_result_file *f = &run->result_file;
	enum quern_status st = qn_formats[0]->end_rows(f->writing, err);

	qn_labels_fini(&f->output.labels);
	return st;
}

const struct qn_row_sink qn_result_file_sink = { put_rows, end_rows, discard };

static enum quern_status put_result(struct qn_result_file *f, const struct qn_output *o,
				    struct quern_message *err)
{
	enum quern_status st = qn_formats[0]->put(f->writing, o, err);

	if (st || !o->result->naxes)
		return st;
	st = note_empty(&f->notes, f->publishing.name, o->dataset, o->result, err);
	if (!st)
		st = qn_formats[0]->put_rows(f->writing, o->result, err);
	if (!st)
		st = qn_formats[0]->end_rows(f->writing, err);
	return st ? st : note_rounded(&f->notes, f->publishing.name, o->dataset, o->result, err);
}

static enum quern_status put_results(quern_run *run, const struct qn_outputs *o, const char *file)
{
	struct qn_result_file *f = &run->result_file;
	enum quern_status st = open_file(f, file, &run->err);

	for (size_t i = 0; !st && i < o->n; i++)
		st = put_result(f, &o->of[i], &run->err);
	return st;
}

static enum quern_status commit(quern_run *run, const struct qn_outputs *o)
{
	struct qn_result_file *f = &run->result_file;
	enum quern_status st = qn_formats[0]->end(f->writing, o->of, o->n, &run->err);

	f->writing = NULL;
	if (!st)
		st = qn_publish_commit(&f->publishing, QN_PUBLISH_NOW, &run->err);
	for (size_t i = 0; !st && i < f->notes.n; i++)
		st = qn_names_add(&run->engine.warnings, f->notes.name[i], &run->err);
	return st;
}

enum quern_status qn_result_file_finish(quern_run *run, const char *file)
{
	struct qn_outputs o = { .n = 0 };
	enum quern_status st = qn_datasets_check_file(run, file, &run->err);

	if (!st)
		st = qn_outputs_make(run, file, &o);
	if (!st && !run->streamed)
		st = put_results(run, &o, file);
	if (!st)
		st = commit(run, &o);
	qn_outputs_fini(&o);
	discard(run);
	return st;
}
