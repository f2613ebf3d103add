/*
 * document.c - the JSON document of a run.
 */
#include <stdlib.h>
#include <string.h>

#include "api/datasets.h"
#include "api/run.h"
#include "base/fp.h"
#include "base/mem.h"
#include "find/meaning.h"
#include "json/json.h"
#include "json/result.h"

#define MOST_SKIPPED 16	    /* by name */
#define MOST_CELLS   100000 /* of a document with details, which is for those, to have the result */

/* Those of a union; null: it is none. */
static json_t *pieces_to_json(const struct qn_pick *pick)
{
	json_t *a = pick->nstretches ? json_array() : json_null();

	for (size_t i = 0; pick->nstretches && i < pick->npieces; i++) {
		const struct qn_piece *p = &pick->piece[i];

		qn_json_append(&a, json_pack("{s:o, s:o, s:o}", "start", qn_json_uint(p->start),
					     "count", qn_json_uint(p->count), "step",
					     qn_json_uint(p->step)));
	}
	return a;
}

/* A slice and the values of its coordinate at its ends. */
static json_t *meaning_to_json(const struct qn_subject *s, const struct qn_meaning *m)
{
	const struct qn_ends *e = &m->ends;

	return json_pack("{s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o}", "slice",
			 qn_json_text(m->slice), "start", qn_json_uint(m->start), "count",
			 qn_json_uint(m->count), "step",
			 m->step ? qn_json_uint(m->step) : json_null(), "pieces",
			 pieces_to_json(&s->picks.dim[m->dim]), "first",
			 qn_json_text(m->has_ends ? e->text[0] : NULL), "last",
			 qn_json_text(m->has_ends ? e->text[1] : NULL), "units",
			 qn_json_text(m->has_ends ? e->units : NULL));
}

static json_t *meanings_to_json(const struct qn_subject *s)
{
	json_t *a = s->nmeanings ? json_array() : json_null();

	for (size_t i = 0; i < s->nmeanings; i++)
		qn_json_append(&a, meaning_to_json(s, &s->meaning[i]));
	return a;
}

/* null where a dimension has no name. */
static json_t *dims_to_json(const struct qn_dataset *d)
{
	json_t *a = json_array();

	for (int i = 0; i < d->ndim && !d->scalar; i++)
		qn_json_append(&a, qn_json_text(d->dim_name[i]));
	return a;
}

/* The dimension along which files are joined: its name, or its number where it has none. */
static json_t *along_to_json(const struct qn_subject *s)
{
	if (s->files.n < 2 || s->dataset.stacked)
		return json_null();
	return s->dataset.dim_name[s->along] ? qn_json_text(s->dataset.dim_name[s->along])
					     : json_integer(s->along);
}

static json_t *option_to_json(const struct quern_options *o, const struct quern_option *row)
{
	if (row->type == QUERN_OPT_FLAG)
		return json_boolean(quern_option_flag(o, row->name));
	if (row->type == QUERN_OPT_INT && quern_option_string(o, row->name))
		return json_integer(quern_option_int(o, row->name));
	return qn_json_text(quern_option_string(o, row->name));
}

/* Those of the kernel; what is neither a number nor a flag as a user writes it. */
static json_t *options_to_json(const quern_run *run)
{
	const struct quern_option *row = run->engine.kernel->options;
	json_t *o = json_object();

	for (; row && row->name; row++)
		qn_json_set(&o, row->name, option_to_json(&run->options, row));
	return o;
}

json_t *qn_document_input(const quern_run *run)
{
	const struct qn_dataset *d = &run->subject.dataset;
	static const char *const text[] = { "stack",   "over", "expr",	  "with",   "where",
					    "weights", "by",   "rolling", "fields", "nan" };
	const struct quern_options *options = &run->options;
	json_t *files = json_array(), *o;

	for (size_t i = 0; i < run->subject.files.n; i++)
		qn_json_append(&files, qn_json_text(run->subject.files.name[i]));
	o = json_pack("{s:o, s:o, s:o, s:s, s:o, s:o, s:o, s:o, s:o, s:o}", "files", files,
		      "dataset", qn_json_text(qn_dataset_name(d)), "column",
		      qn_json_text(d->column), "dtype", d->type.name, "shape",
		      qn_json_uints(d->shape, d->scalar ? 0 : d->ndim), "dimensions",
		      dims_to_json(d), "units", qn_json_text(qn_run_units(run)), "along",
		      along_to_json(&run->subject), "select",
		      qn_json_text(quern_option_string(options, "select")), "selected",
		      meanings_to_json(&run->subject));
	for (size_t i = 0; o && i < sizeof(text) / sizeof(*text); i++)
		qn_json_set(&o, text[i], qn_json_text(quern_option_string(options, text[i])));
	if (o) {
		qn_json_set(&o, "keepdims", json_boolean(quern_option_flag(options, "keepdims")));
		qn_json_set(&o, "pairs", json_boolean(quern_option_flag(options, "pairs")));
		qn_json_set(&o, "raw", json_boolean(quern_option_flag(options, "raw")));
		qn_json_set(&o, "on_bad_chunk",
			    qn_json_text(quern_option_string(options, "on-bad-chunk")));
		qn_json_set(&o, "options", options_to_json(run));
	}
	return o;
}

/* Of several datasets: what was there before them, and all of them. */
static double seconds_of(const quern_run *run, int phase)
{
	double sum = run->nsingles ? run->engine.seconds[phase] : 0;
	const quern_run *s;

	for (size_t i = 0; (s = qn_run_single(run, i)); i++)
		sum += s->engine.seconds[phase];
	return sum;
}

static json_t *seconds_to_json(const quern_run *run)
{
	static const char *const names[QN_NPHASES] = { "startup", "metadata", "plan",
						       "work",	  "reduce",   "output" };
	json_t *o = json_object();

	qn_json_set(&o, "total", json_real(run->seconds_total));
	for (int p = 0; p < QN_NPHASES; p++)
		qn_json_set(&o, names[p], json_real(seconds_of(run, p)));
	return o;
}

/* Null where there is one node and nothing to know. */
static json_t *near_to_json(const struct qn_numa_watch_sums *n)
{
	if (!n->known_nbytes && !n->npages)
		return json_null();
	return json_pack("{s:I, s:I, s:I, s:I}", "bytes_known", (json_int_t)n->known_nbytes,
			 "bytes_local", (json_int_t)n->local_nbytes, "buffer_pages",
			 (json_int_t)n->npages, "buffer_pages_local", (json_int_t)n->nlocal);
}

static json_t *report_to_json(const struct qn_report *r, int rank)
{
	return json_pack("{s:i, s:s, s:i, s:i, s:s, s:i, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, "
			 "s:I, s:I, s:I, s:f, s:o}",
			 "rank", rank, "host", r->host, "numa_node", (int)r->node, "threads",
			 (int)r->nthreads, "cpus", r->cpus, "pinned_threads", (int)r->nbound,
			 "chunks", (json_int_t)r->nchunks, "chunks_stolen", (json_int_t)r->nstolen,
			 "chunks_leased", (json_int_t)r->nleased, "chunks_library",
			 (json_int_t)r->nlibrary, "bytes_stored", (json_int_t)r->stored_nbytes,
			 "bytes_decoded", (json_int_t)r->decoded_nbytes, "bytes_memory",
			 (json_int_t)(r->local_nbytes - r->disk_nbytes), "bytes_disk",
			 (json_int_t)r->disk_nbytes, "bytes_remote", (json_int_t)r->remote_nbytes,
			 "memory_bytes", (json_int_t)r->memory_nbytes, "peak_rss_bytes",
			 (json_int_t)r->peak_rss_nbytes, "busy_seconds", r->busy_seconds, "numa",
			 near_to_json(&r->near));
}

/* As many as are worth a document. */
static json_t *skipped_to_json(const quern_run *run)
{
	uint64_t coord[QUERN_MAX_DIMS];
	json_t *list = json_array();
	const char *operand;
	struct qn_dataset d;

	for (size_t i = 0; i < MOST_SKIPPED && qn_run_skip(run, i, &d, coord, &operand); i++)
		qn_json_append(&list,
			       json_pack("{s:o, s:o, s:o, s:o}", "file", qn_json_text(d.file),
					 "dataset", qn_json_text(d.path), "chunk",
					 qn_json_uints(coord, d.ndim), "operand",
					 operand ? qn_json_text(operand) : json_null()));
	return list;
}

/* Adds what one did; which host it is on, and with how many threads, is that of the last. */
static void add_report(struct qn_report *sum, const struct qn_report *x)
{
	memcpy(sum->host, x->host, sizeof(sum->host));
	memcpy(sum->cpus, x->cpus, sizeof(sum->cpus));
	sum->node = x->node;
	sum->nthreads = x->nthreads;
	sum->nbound = x->nbound;
	sum->nchunks += x->nchunks;
	sum->nstolen += x->nstolen;
	sum->nleased += x->nleased;
	sum->nskipped += x->nskipped;
	sum->nkept += x->nkept;
	sum->nfailed_over += x->nfailed_over;
	sum->nlibrary += x->nlibrary;
	sum->nrepeated += x->nrepeated;
	sum->npruned += x->npruned;
	sum->repeated_nbytes += x->repeated_nbytes;
	sum->stored_nbytes += x->stored_nbytes;
	sum->decoded_nbytes += x->decoded_nbytes;
	sum->local_nbytes += x->local_nbytes;
	sum->remote_nbytes += x->remote_nbytes;
	sum->disk_nbytes += x->disk_nbytes;
	sum->busy_seconds += x->busy_seconds;
	if (x->crossed_nbytes > sum->crossed_nbytes) /* the rank counts on */
		sum->crossed_nbytes = x->crossed_nbytes;
	if (x->memory_nbytes > sum->memory_nbytes)
		sum->memory_nbytes = x->memory_nbytes;
	if (x->peak_rss_nbytes > sum->peak_rss_nbytes)
		sum->peak_rss_nbytes = x->peak_rss_nbytes;
	qn_numa_watch_add(&sum->near, &x->near);
}

/* A rank's, of all datasets. */
static struct qn_report report_of(const quern_run *run, int rank)
{
	struct qn_report sum = { .nthreads = 0 };
	const quern_run *s;

	for (size_t i = 0; (s = qn_run_single(run, i)); i++)
		add_report(&sum, &s->engine.reports[rank]);
	return sum;
}

/* Of all ranks, each of which is added to the list. */
static struct qn_report sum_reports(const quern_run *run, json_t **ranks)
{
	struct qn_report sum = { .nthreads = 0 };
	uint64_t crossed_nbytes = 0;
	uint32_t nthreads = 0;

	for (int r = 0; r < run->nranks; r++) {
		const struct qn_report x = report_of(run, r);

		add_report(&sum, &x);
		nthreads += x.nthreads;
		crossed_nbytes += x.crossed_nbytes;
		qn_json_append(ranks, report_to_json(&x, r));
	}
	sum.nthreads = nthreads;
	sum.crossed_nbytes = crossed_nbytes;
	return sum;
}

static int count_passes(const quern_run *run)
{
	const quern_run *s;
	int n = 0;

	for (size_t i = 0; (s = qn_run_single(run, i)); i++)
		n += s->engine.npasses;
	return n;
}

static uint64_t count_sweeps(const quern_run *run, uint64_t *again)
{
	const quern_run *s;
	uint64_t n = 0;

	*again = 0;
	for (size_t i = 0; (s = qn_run_single(run, i)); i++) {
		n += qn_max_u64(s->engine.nsweeps, 1);
		*again += s->engine.nagain;
	}
	return n;
}

/* Why the first of them that is not read by address is not. */
static const char *library_reason(const quern_run *run)
{
	const char *why = NULL;
	const quern_run *s;

	for (size_t i = 0; !why && (s = qn_run_single(run, i)); i++)
		why = qn_mosaic_not_native(&s->subject.mosaic);
	return why;
}

static json_t *missing_to_json(const quern_run *run)
{
	struct qn_missing all = { .n = 0 };
	const quern_run *s;
	json_t *list;

	for (size_t i = 0; (s = qn_run_single(run, i)); i++)
		qn_missing_unite(&all, &s->subject.mosaic.missing, NULL);
	list = qn_json_missing(&all);
	qn_missing_fini(&all);
	return list;
}

static json_t *run_to_json(const quern_run *run, bool details)
{
	json_t *o, *ranks = json_array();
	const struct qn_report sum = sum_reports(run, &ranks);
	uint64_t again;

	o = json_pack(
		"{s:i, s:i, s:i, s:i, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, "
		"s:o, s:o}",
		"hosts", run->nhosts, "ranks", run->nranks, "threads", (int)sum.nthreads, "passes",
		count_passes(run), "chunks", (json_int_t)sum.nchunks, "chunks_stolen",
		(json_int_t)sum.nstolen, "chunks_leased", (json_int_t)sum.nleased, "chunks_skipped",
		(json_int_t)sum.nskipped, "chunks_library", (json_int_t)sum.nlibrary,
		"bytes_stored", (json_int_t)sum.stored_nbytes, "bytes_decoded",
		(json_int_t)sum.decoded_nbytes, "bytes_local", (json_int_t)sum.local_nbytes,
		"bytes_memory", (json_int_t)(sum.local_nbytes - sum.disk_nbytes), "bytes_disk",
		(json_int_t)sum.disk_nbytes, "bytes_remote", (json_int_t)sum.remote_nbytes, "numa",
		near_to_json(&sum.near), "seconds", seconds_to_json(run));
	qn_json_set(&o, "sweeps", qn_json_uint(count_sweeps(run, &again)));
	qn_json_set(&o, "sweeps_again", qn_json_uint(again));
	qn_json_set(&o, "bytes_network", qn_json_uint(sum.crossed_nbytes));
	qn_json_set(&o, "chunks_pruned", qn_json_uint(sum.npruned));
	qn_json_set(&o, "chunks_resumed", qn_json_uint(sum.nkept));
	qn_json_set(&o, "chunks_repeated", qn_json_uint(sum.nrepeated));
	qn_json_set(&o, "bytes_repeated", qn_json_uint(sum.repeated_nbytes));
	qn_json_set(&o, "sources_missing",
		    json_integer((json_int_t)quern_run_nmissing_sources(run)));
	qn_json_set(&o, "missing_sources", missing_to_json(run));
	qn_json_set(&o, "chunks_failed_over", qn_json_uint(sum.nfailed_over));
	qn_json_set(&o, "copies_missing", qn_json_uint(quern_run_nmissing_copies(run)));
	qn_json_set(&o, "skipped", skipped_to_json(run));
	if (details) {
		qn_json_set(&o, "per_rank", json_incref(ranks));
		qn_json_set(&o, "library_reason", qn_json_text(library_reason(run)));
	}
	json_decref(ranks);
	return o;
}

/* Of several datasets an object by their names, else of the one as it is. */
static json_t *by_dataset(const quern_run *run, json_t *(*make)(const quern_run *s))
{
	const quern_run *s;
	json_t *o;

	if (!run->nsingles)
		return make(run);
	o = json_object();
	for (size_t i = 0; (s = qn_run_single(run, i)); i++)
		qn_json_set(&o, s->name, make(s));
	return o;
}

/* Rows that went to a file are not there. */
static json_t *result_of(const quern_run *s)
{
	return s->engine.settings.streams ? json_null() : qn_json_result(&s->result);
}

/* For who is to learn of the run: results of very many cells are left out. */
static json_t *few_cells_of(const quern_run *s)
{
	return s->result.nrows > MOST_CELLS ? json_null() : result_of(s);
}

/* Their names in order, by which input and result have them; of one dataset null. */
static json_t *names_to_json(const quern_run *run)
{
	json_t *list = run->nsingles ? json_array() : json_null();

	for (size_t i = 0; i < run->nsingles; i++)
		qn_json_append(&list, qn_json_text(run->single[i]->name));
	return list;
}

char *quern_run_document(quern_run *run, bool details)
{
	QN_OWN_FP;

	if (run->document)
		return qn_strdup(run->document);
	if (!run->done || run->rank || run->operation)
		return NULL;
	return qn_json_dump(json_pack("{s:s, s:s, s:o, s:o, s:o, s:o}", "quern", QUERN_VERSION,
				      "kernel", run->engine.kernel->name, "datasets",
				      names_to_json(run), "input",
				      by_dataset(run, qn_document_input), "result",
				      by_dataset(run, details ? few_cells_of : result_of), "run",
				      run_to_json(run, details)));
}
