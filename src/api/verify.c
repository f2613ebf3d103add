/*
 * verify.c - quern_verify_new: the document of what was found.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "api/operation.h"
#include "api/options.h"
#include "api/settings.h"
#include "base/names.h"
#include "json/json.h"
#include "verify/verify.h"
#include "quern.h"

/* --- the document --- */

static json_t *addr_to_json(uint64_t addr)
{
	return addr == QN_ADDR_NONE ? json_null() : qn_json_uint(addr);
}

static json_t *damage_to_json(const struct qn_damage *d)
{
	return json_pack("{s:o, s:o, s:o, s:o, s:o}", "dataset", qn_json_text(d->dataset), "chunk",
			 d->has_chunk ? qn_json_uints(d->coord, d->ndim) : json_null(), "offset",
			 addr_to_json(d->addr), "bytes",
			 d->addr == QN_ADDR_NONE ? json_null() : json_integer(d->nbytes), "message",
			 qn_json_text(d->text));
}

static json_t *unverified_to_json(const struct qn_unverified *u)
{
	return json_pack("{s:o, s:s, s:o}", "dataset", qn_json_text(u->dataset), "reason",
			 qn_unverified_word(u), "message", qn_json_text(u->text));
}

static json_t *dataset_to_json(const struct qn_verified *d)
{
	return json_pack(
		"{s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:b, s:o, s:o, s:o, s:o}", "dataset",
		qn_json_text(d->path), "chunks", qn_json_uint(d->nchunks), "bytes_stored",
		qn_json_uint(d->stored_nbytes), "bytes_decoded", qn_json_uint(d->decoded_nbytes),
		"damaged", qn_json_uint(d->ndamaged), "checksummed", qn_json_uint(d->nchecksummed),
		"summed", qn_json_uint(d->nsummed), "unchecked", qn_json_uint(d->nunchecked),
		"library", (int)d->by_library, "note", qn_json_text(d->note), "sources_missing",
		d->sources_why ? json_null() : qn_json_uint(d->missing.n), "missing_sources",
		qn_json_missing(&d->missing), "sources_error", qn_json_text(d->sources_why));
}

static json_t *file_to_json(const struct qn_verified_file *f)
{
	json_t *datasets = json_array(), *damages = json_array(), *unverified = json_array();

	for (size_t i = 0; i < f->ndatasets; i++)
		qn_json_append(&datasets, dataset_to_json(&f->dataset[i]));
	for (size_t i = 0; i < f->ndamages; i++)
		qn_json_append(&damages, damage_to_json(&f->damage[i]));
	for (size_t i = 0; i < f->nunverified; i++)
		qn_json_append(&unverified, unverified_to_json(&f->unverified[i]));
	return json_pack("{s:o, s:o, s:b, s:b, s:o, s:o, s:o}", "file", qn_json_text(f->name),
			 "bytes", qn_json_uint(f->nbytes), "catalog", (int)f->is_catalog, "growing",
			 (int)f->is_growing, "datasets", datasets, "damages", damages, "unverified",
			 unverified);
}

struct totals {
	uint64_t ndamaged_files, ndatasets, ndamages, nunverified, nundecoded;
	struct qn_verified sum;
};

static void add_up(const struct qn_verify *v, struct totals *t)
{
	memset(t, 0, sizeof(*t));
	for (size_t i = 0; i < v->nfiles; i++) {
		const struct qn_verified_file *f = &v->file[i];

		t->ndamaged_files += f->ndamages > 0;
		t->ndamages += f->ndamages;
		t->nunverified += f->nunverified;
		t->ndatasets += f->ndatasets;
		for (size_t k = 0; k < f->ndatasets; k++) {
			const struct qn_verified *d = &f->dataset[k];

			t->sum.nchunks += d->nchunks;
			t->sum.stored_nbytes += d->stored_nbytes;
			t->sum.decoded_nbytes += d->decoded_nbytes;
			t->sum.ndamaged += d->ndamaged;
			t->sum.nchecksummed += d->nchecksummed;
			t->sum.nsummed += d->nsummed;
			t->sum.nunchecked += d->nunchecked;
			t->nundecoded += d->note[0] != '\0';
		}
	}
}

static json_t *summary_to_json(const struct qn_verify *v, const struct totals *t)
{
	return json_pack(
		"{s:I, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o}", "files",
		(json_int_t)v->nfiles, "files_damaged", qn_json_uint(t->ndamaged_files), "damages",
		qn_json_uint(t->ndamages), "unverified", qn_json_uint(t->nunverified), "datasets",
		qn_json_uint(t->ndatasets), "datasets_not_decoded", qn_json_uint(t->nundecoded),
		"chunks", qn_json_uint(t->sum.nchunks), "bytes_stored",
		qn_json_uint(t->sum.stored_nbytes), "bytes_decoded",
		qn_json_uint(t->sum.decoded_nbytes), "chunks_damaged",
		qn_json_uint(t->sum.ndamaged), "chunks_checksummed",
		qn_json_uint(t->sum.nchecksummed), "chunks_summed", qn_json_uint(t->sum.nsummed),
		"chunks_unchecked", qn_json_uint(t->sum.nunchecked));
}

/* Files of the sums that were not among those given, and not looked at: one of them may be lost. */
static json_t *not_given_to_json(const struct qn_verify *v)
{
	json_t *a = v->settings.sums ? json_array() : json_null();

	for (size_t i = 0; i < v->expected.n; i++)
		if (!v->given[i])
			qn_json_append(&a, qn_json_text(v->expected.file[i].name));
	return a;
}

static json_t *document(const struct qn_verify *v, int nranks, const struct totals *t)
{
	const char *to = v->settings.write_sums;
	json_t *files = json_array();

	for (size_t i = 0; i < v->nfiles; i++)
		qn_json_append(&files, file_to_json(&v->file[i]));
	return json_pack("{s:s, s:o, s:o, s:o, s:o, s:o, s:{s:i, s:i, s:f}}", "quern",
			 QUERN_VERSION, "files", files, "summary", summary_to_json(v, t), "sums",
			 qn_json_text(v->settings.sums), "sums_not_given", not_given_to_json(v),
			 "sums_written", qn_json_text(qn_verify_can_sum(v) ? to : NULL), "run",
			 "ranks", nranks, "threads", (int)v->team.place.nthreads, "seconds",
			 v->seconds);
}

/* The same where nothing is damaged: what the status is of. */
static void sum_up_unverified(const struct qn_verify *v, const struct totals *t,
			      struct quern_message *err)
{
	const struct qn_verified_file *f = v->file;
	char more[64] = "";

	while (!f->nunverified)
		f++;
	if (t->nunverified > 1)
		snprintf(more, sizeof(more), " (and %llu more that could not be verified)",
			 (unsigned long long)t->nunverified - 1);
	qn_error_set(err, qn_verify_status(v), "%s%s", f->unverified[0].text, more);
}

/* All of it in a sentence: the first damage, and how many there are. */
static void sum_up(const struct qn_verify *v, const struct totals *t, struct quern_message *err)
{
	const struct qn_verified_file *f = v->file;
	char more[64] = "";

	if (!t->ndamages) {
		sum_up_unverified(v, t, err);
		return;
	}
	while (!f->ndamages)
		f++;
	if (t->ndamages > 1)
		snprintf(more, sizeof(more), " (and %llu more)",
			 (unsigned long long)t->ndamages - 1);
	if (t->ndamaged_files > 1)
		qn_error_set(err, QUERN_ERR_DATA, "%llu of %zu files are damaged: %s%s",
			     (unsigned long long)t->ndamaged_files, v->nfiles, f->damage[0].text,
			     more);
	else
		qn_error_set(err, QUERN_ERR_DATA, "%s%s", f->damage[0].text, more);
}

static enum quern_status conclude(const struct qn_verify *v, int nranks, char **json,
				  struct quern_message *err)
{
	struct totals t;

	add_up(v, &t);
	*json = qn_json_dump(document(v, nranks, &t));
	if (!*json && v->settings.write_sums && qn_verify_can_sum(v))
		return qn_error_set(err, QUERN_ERR_RUN,
				    "%s is written, but for the document there "
				    "is no memory",
				    v->settings.write_sums);
	if (!*json)
		return qn_error_nomem(err, 0, "the document");
	if (t.ndamages || t.nunverified)
		sum_up(v, &t, err);
	return err->status;
}

static enum quern_status work(quern_run *run, char **json)
{
	struct qn_verify v = { .progress = run->team.progress,
			       .progress_ctx = run->team.progress_ctx,
			       .team = { .comm = run->comm } };
	const struct qn_team_settings team = qn_settings_team(&run->options);
	struct qn_names files = { .n = 0 };
	enum quern_status st = qn_words_share(run->comm, &run->files, &files, &run->err);

	v.settings = qn_settings_verify(&run->options);
	if (!st)
		st = qn_team_join(&run->session->standing, &team, &v.team, &run->err);
	if (!st)
		st = qn_verify(&v, (const char *const *)files.name, files.n, &run->err);
	if (!st && run->rank == 0)
		st = conclude(&v, qn_comm_size(run->comm), json, &run->err);
	qn_verify_fini(&v);
	qn_names_fini(&files);
	return st;
}

quern_run *quern_verify_new(quern_session *session)
{
	static const struct qn_operation verify = { "verify", qn_verify_options, work };

	return qn_operation_new(session, &verify);
}
