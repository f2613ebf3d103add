#include "api/run.h"
#include "api/datasets.h"
#include "api/journal.h"
#include "api/operation.h"
#include "api/options.h"
#include "api/session.h"
#include "api/settings.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/fp.h"
#include "base/log.h"
#include "base/mem.h"
#include "cluster/comm_mpi.h"
#include "cluster/share.h"
#include "data/reading.h"
#include "kernel/collect.h"
#include "lookup/lookup.h"
#include "partial/job.h"
#include "results/results.h"
#include "run/emit.h"
#include "run/kept.h"
#include "schedule/schedule.h"
#include "plan/synthetic.h"

const char *quern_version(void)
{
	return QUERN_VERSION;
}

static bool has_row(const struct quern_option *table, const char *name)
{
	while (table->name && strcmp(table->name, name))
		table++;
	return table->name;
}

/* An option of a kernel of a user could not be told from one of runs. */
static void check_options(const struct quern_kernel *k, struct quern_message *err)
{
	for (const struct quern_option *row = k->options; row && row->name; row++)
		if (has_row(qn_run_options, row->name) || has_row(qn_plan_options, row->name))
			qn_error_set(
				err, QUERN_ERR_USAGE,
				"kernel %s: --%s is an option of runs: give its own another name",
				k->name, row->name);
}

static void choose_kernel(quern_run *run, const char *name)
{
	const struct quern_option *tables[3] = { qn_run_options, NULL, qn_plan_options };

	if (!name)
		qn_error_set(&run->err, QUERN_ERR_USAGE,
			     "a run has the name of a kernel, not NULL");
	if (name && (!run->session ||
		     !qn_registry_add_all(&run->registry, &run->session->registry, &run->err)))
		qn_choice_find(name, &run->registry, &run->choice, &run->err);
	run->engine.kernel = run->choice.kernel;
	if (run->engine.kernel)
		tables[1] = run->engine.kernel->options;
	if (run->engine.kernel)
		check_options(run->engine.kernel, &run->err);
	qn_options_init(&run->options, tables, 3, &run->err);
}

quern_run *quern_run_new(quern_session *session, const char *kernel)
{
	QN_OWN_FP;
	quern_run *run = qn_calloc(1, sizeof(*run));

	if (!run)
		return NULL;
	run->session = session;
	run->team.interrupted = &run->is_interrupted;
	choose_kernel(run, kernel);
	return run;
}

void quern_run_free(quern_run *run)
{
	QN_OWN_FP;

	if (!run)
		return;
	qn_api_journal_close(run);
	qn_partial_job_free(run->partial);
	if (run->free_absorbed)
		run->free_absorbed(run->absorbed.ctx);
	qn_datasets_fini(run);
	if (run->sink)
		run->sink->discard(run);
	free(run->output);
	free(run->streamed);
	free(run->document);
	qn_result_fini(&run->result);
	qn_run_fini(&run->engine);
	qn_access_fini(&run->where.access);
	qn_subject_fini(&run->subject);
	qn_team_fini(&run->team);
	qn_choice_fini(&run->choice);
	qn_registry_fini(&run->registry);
	qn_named_fini(&run->named);
	qn_options_fini(&run->options);
	qn_names_fini(&run->files);
	free(run);
}

/* Options that say what becomes of a result; the last two are of a merge alone. */
static bool is_of_output(const quern_run *run, const char *name)
{
	return !strcmp(name, "force") ||
	       (run->assemble && (!strcmp(name, "partial") || !strcmp(name, "along")));
}

/* Its cells are there, of these options. */
static enum quern_status check_settled(quern_run *run, const char *what)
{
	if (run->err.status || !run->is_settled || is_of_output(run, what))
		return run->err.status;
	if (run->assemble)
		return qn_error_set(
			&run->err, QUERN_ERR_USAGE,
			"%s: a merge has the options of its parts, but for force, partial "
			"and along",
			what);
	return qn_error_set(&run->err, QUERN_ERR_USAGE,
			    "%s: what was absorbed in memory is reduced already: this is told the "
			    "reduction, before its first step",
			    what);
}

enum quern_status quern_run_set(quern_run *run, const char *name, const char *value)
{
	QN_OWN_FP;

	if (check_settled(run, name))
		return run->err.status;
	if (run->err.status)
		return run->err.status;
	return qn_options_set(&run->options, name, value, &run->err);
}

enum quern_status quern_run_set_from_environment(quern_run *run)
{
	QN_OWN_FP;

	if (check_settled(run, "options of the environment"))
		return run->err.status;
	return qn_options_from_environment(&run->options, &run->err);
}

enum quern_status quern_run_add_file(quern_run *run, const char *file)
{
	QN_OWN_FP;

	if (check_settled(run, file))
		return run->err.status;
	return qn_names_add(&run->files, file, &run->err);
}

const char *quern_run_value(const quern_run *run, const char *name)
{
	return qn_options_row(&run->options, name) ? quern_option_string(&run->options, name)
						   : NULL;
}

const struct quern_option *quern_run_option(const quern_run *run, const struct quern_option *row)
{
	for (int i = 0; i < run->options.n; i++) {
		if (!row)
			return run->options.value[i].row;
		if (run->options.value[i].row == row)
			row = NULL;
	}
	return NULL;
}

void quern_run_progress(quern_run *run, quern_progress_fn *progress, void *ctx)
{
	run->team.progress = progress;
	run->team.progress_ctx = ctx;
}

void quern_run_most_cells(quern_run *run, uint64_t most)
{
	run->most_cells = most;
}

void quern_run_interrupt(quern_run *run)
{
	atomic_store(&run->is_interrupted, true);
}

const char *quern_run_message(const quern_run *run)
{
	return run->err.status ? run->err.text : "";
}

/* What this phase took. */
static double lap(const quern_run *run, const char *phase, double *clock)
{
	double now = qn_comm_wtime(), seconds = now - *clock;

	qn_log(run->rank ? QN_LOG_DEBUG : QN_LOG_INFO, "%s: %.6f s", phase, seconds);
	*clock = now;
	return seconds;
}

/* A second call is refused, and leaves what the first one found. */
static enum quern_status refuse_again(quern_run *run)
{
	return qn_error_set(&run->err, QUERN_ERR_USAGE,
			    "a run can be executed only once: make "
			    "another with quern_run_new");
}

static void set_reading(const quern_run *run)
{
	struct qn_reading reading = qn_settings_reading(&run->options, run->session);

	reading.frame = run->frame;
	reading.extract = run->extract;
	qn_reading_set(reading);
}

/* Where the run is to make a part. */
static enum quern_status begin_part(quern_run *run)
{
	const char *name = quern_option_string(&run->options, "partial");
	const char *bad = quern_option_string(&run->options, "on-bad-chunk");
	enum quern_status st;

	if (!name)
		return QUERN_OK;
	if (run->absorbed.fill && !run->parts)
		return qn_error_set(&run->err, QUERN_ERR_USAGE,
				    "--partial is for runs over files, and merges of their parts");
	st = qn_partial_job_new(&run->partial, run->comm, name, bad && !strcmp(bad, "skip"),
				&run->err);
	if (!st && !run->extract)
		run->extract = qn_partial_job_notes(run->partial);
	return st;
}

static enum quern_status refuse_part(quern_run *run)
{
	return qn_error_set(
		&run->err, QUERN_ERR_USAGE,
		"--partial: -d names %zu datasets, and a part is of one: make a part of "
		"each",
		run->nsingles);
}

/* The ranks, and the settings that rank 0 has: those of its environment and its command line decide. */
static enum quern_status start(quern_run *run, bool with_work, double *clock)
{
	struct qn_run *engine = &run->engine;
	struct qn_team_settings team;
	enum quern_status st;

	run->started = true;
	st = qn_session_begin(run->session, engine->kernel ? engine->kernel->name : "run",
			      &run->comm, &run->err);
	if (st)
		return st;
	run->rank = qn_comm_rank(run->comm);
	run->nranks = qn_comm_size(run->comm);
	run->nhosts = qn_comm_nhosts(run->comm);
	run->team.comm = run->comm;
	run->where.looks_closely = !with_work;
	if (run->rank != 0)
		run->team.progress = NULL;
	st = qn_registry_agree(&run->registry, run->comm, run->err.status, &run->err);
	if (!st && run->agree)
		st = run->agree(run->absorbed.ctx, run->comm, &run->err);
	if (!st && run->assemble)
		st = run->assemble(run->absorbed.ctx, run);
	if (!st)
		st = qn_share_options(run->comm, st, &run->options, &run->err);
	if (!st)
		st = begin_part(run);
	if (!st)
		set_reading(run);
	team = qn_settings_team(&run->options);
	if (!st)
		st = qn_comm_agree(run->comm,
				   qn_settings_named(&run->options, &run->named, &run->err),
				   &run->err);
	run->subject.settings = qn_settings_subject(&run->options, &run->named);
	if (!with_work) { /* no result, which would have coordinates */
		run->subject.settings.over = NULL;
		run->subject.settings.grouped = false;
	}
	engine->settings = qn_settings_run(&run->options, &run->named);
	engine->settings.most_cells = run->most_cells;
	engine->settings.most_steps = run->most_steps;
	engine->settings.is_step = run->is_step || run->partial;
	engine->settings.is_part = run->is_part || run->partial;
	if (engine->kernel && engine->kernel->against)
		engine->settings.against =
			quern_option_string(&run->options, engine->kernel->against);
	if (!st)
		st = qn_comm_agree(run->comm, qn_calibrate(run), &run->err);
	if (!st)
		st = qn_team_join(&run->session->standing, &team, &run->team, &run->err);
	if (!st)
		qn_site_rates(&run->team.site, &engine->costs.rates);
	engine->seconds[QN_STARTUP] = lap(run, "startup", clock);
	if (!st)
		st = qn_datasets_find(run, &run->err);
	engine->seconds[QN_METADATA] = lap(run, "datasets", clock);
	return st;
}

/* What is computed on. */
static enum quern_status find(quern_run *run, double *clock)
{
	struct qn_run *engine = &run->engine;
	enum quern_status st = qn_subject_find(&run->subject, &run->team, &run->files, &run->err);

	if (!st)
		st = qn_run_open(engine, &run->team, &run->subject, &run->err);
	if (!st)
		st = qn_comm_agree(run->comm, qn_calibrate_check(run), &run->err);
	engine->seconds[QN_METADATA] += lap(run, "metadata", clock);
	return st;
}

static enum quern_status plan(quern_run *run, bool with_work, double *clock)
{
	enum quern_status st =
		qn_run_plan(&run->engine, &run->team, &run->where, with_work, &run->err);

	run->engine.seconds[QN_PLAN] = lap(run, "plan", clock);
	return st;
}

/* Rows go to a file as they come where all datasets have them. Rank 0. */
static void settle_streaming(quern_run *run)
{
	const quern_run *s;

	for (size_t i = 0; run->streamed && (s = qn_run_single(run, i)); i++)
		if (!qn_kept_any(&s->engine)) {
			free(run->streamed);
			run->streamed = NULL;
		}
}

static enum quern_status emit(quern_run *run, quern_run *of)
{
	if (run->rank)
		return QUERN_OK;
	if (of->streamed)
		return of->sink->end_rows(of, &run->err);
	return qn_kept_any(&run->engine) ? QUERN_OK
					 : qn_run_emit(&run->engine, &run->result, &run->err);
}

/* What kernels of users have done elsewhere than in tasks is known by then. */
static enum quern_status emit_checked(quern_run *run, quern_run *of)
{
	const struct qn_run *engine = &run->engine;
	const char *dataset = qn_dataset_name(&run->subject.dataset);
	enum quern_status st = qn_shield_check(engine->kernel, engine->self, dataset, &run->err);

	if (!st)
		st = emit(run, of);
	return st ? st : qn_shield_check(engine->kernel, engine->self, dataset, &run->err);
}

/* Of several datasets this is one. */
struct part {
	quern_run *run, *of;
};

/* Rows of the result, as they come. */
static enum quern_status collect(void *ctx, uint64_t row, struct quern_result *rows,
				 struct quern_message *err)
{
	const struct part *part = ctx;
	quern_run *run = part->run;
	enum quern_status st = QUERN_OK;

	if (part->of->streamed && !qn_lookup_put_beside(&run->result, rows))
		return qn_error_nomem(err, 0, "coordinates");
	if (part->of->streamed)
		return part->of->sink->put(part->of, run, rows, err);
	if (!run->result.naxes)
		st = qn_run_emit_axes(&run->engine, &run->result, err);
	if (!st && !qn_collect_rows(&run->result, row, rows))
		st = qn_error_nomem(err, 0, "the result");
	return st;
}

/* What takes all ranks to free goes while all are here: quern_run_free is then of one rank alone. */
static void let_go_of_work(struct qn_run *engine)
{
	qn_balance_fini(&engine->balance);
	qn_leases_fini(&engine->leases);
	qn_queues_fini(&engine->queues);
}

static void let_go(quern_run *run)
{
	let_go_of_work(&run->engine);
	for (size_t i = 0; i < run->nsingles; i++) {
		let_go_of_work(&run->single[i]->engine);
		run->single[i]->comm = run->single[i]->team.comm = NULL;
	}
	run->comm = run->team.comm = NULL;
}

static void log_end(const quern_run *run, enum quern_status st)
{
	const char *warning;

	for (size_t i = 0; qn_log_has(QN_LOG_WARN) && (warning = quern_run_warning(run, i)); i++)
		qn_log(QN_LOG_WARN, "%s", warning);
	qn_session_end(run->comm, st, &run->err);
}

/* What there is in the result, for the caller. */
static enum quern_status label(quern_run *run)
{
	const struct qn_formula *formula = &run->engine.formula;

	if (run->rank ||
	    qn_results_label(&run->result, qn_run_units(run), qn_formula_units(formula, QUERN_WITH),
			     qn_run_weights(run)))
		return QUERN_OK;
	return qn_error_nomem(&run->err, 0, "the fields of the result");
}

/* By a pass over the data, or of what was absorbed before. */
static enum quern_status find_cells(quern_run *run, double *clock)
{
	enum quern_status st = run->absorbed.fill ? QUERN_OK : plan(run, true, clock);

	if (!st && !run->partial)
		st = qn_lookup_before(&run->engine, &run->result, &run->err);
	if (!st)
		st = run->absorbed.fill ? qn_run_settle(&run->engine, &run->absorbed, &run->err)
					: qn_run_work(&run->engine, &run->err);
	return st;
}

/* All of the work on one dataset, which is found: one of the datasets of a run. */
static enum quern_status work(quern_run *run, quern_run *of, double *clock)
{
	struct part part = { run, of };
	enum quern_status st;

	run->engine.settings.streams = of->streamed != NULL;
	run->engine.taker = (struct qn_taker){ collect, &part };
	st = find_cells(run, clock);
	lap(run, "work and reduction", clock);
	if (!st && !run->partial)
		st = qn_comm_agree(run->comm, emit_checked(run, of), &run->err);
	if (!st && !run->partial)
		st = qn_lookup_after(&run->engine, &run->result, &run->err);
	if (!st)
		st = qn_comm_agree(run->comm, label(run), &run->err);
	run->engine.seconds[QN_OUTPUT] = lap(run, "output", clock);
	run->done = !st;
	return st;
}

/* Several datasets, one after the other: all are found before the first is worked on. What one leaves is its
   result, and its reports. */
static enum quern_status work_on_each(quern_run *run, double *clock)
{
	enum quern_status st = run->partial ? refuse_part(run) : QUERN_OK;

	for (size_t i = 0; !st && i < run->nsingles; i++)
		st = qn_datasets_fail(run, run->single[i], find(run->single[i], clock));
	if (!st && run->output && !run->rank)
		st = qn_datasets_check_file(run, run->output, &run->err);
	st = qn_comm_agree(run->comm, st, &run->err);
	if (!st)
		st = qn_api_journal_open(run);
	settle_streaming(run);
	for (size_t i = 0; !st && i < run->nsingles; i++) {
		quern_run *s = run->single[i];

		st = qn_datasets_fail(run, s, work(s, run, clock));
		let_go_of_work(&s->engine);
		qn_cells_fini(&s->engine.cells);
	}
	if (!st && !run->rank)
		st = qn_datasets_warn(run, &run->err);
	return qn_comm_agree(run->comm, st, &run->err);
}

static enum quern_status work_on_it(quern_run *run, double *clock)
{
	enum quern_status st = qn_api_journal_open(run);

	settle_streaming(run);
	if (!st && run->partial)
		st = qn_partial_job_begin(run->partial, &run->engine, &run->registry, &run->options,
					  run->parts, &run->err);
	if (!st)
		st = work(run, run, clock);
	return run->partial ? qn_partial_job_end(run->partial, run->comm, st, &run->err) : st;
}

enum quern_status quern_run_execute(quern_run *run)
{
	QN_OWN_FP;
	const struct qn_reading before = *qn_reading();
	double begin = qn_comm_wtime(), clock = begin;
	enum quern_status st;

	if (run->started)
		return refuse_again(run);
	if (run->operation)
		return qn_operation_execute(run);
	st = start(run, true, &clock);
	if (!st && run->nsingles)
		st = work_on_each(run, &clock);
	else if (!st && !(st = find(run, &clock)))
		st = work_on_it(run, &clock);
	run->seconds_total = clock - begin;
	run->done = !st;
	qn_api_journal_explain(run, st);
	log_end(run, st);
	let_go(run);
	qn_reading_set(before);
	return st;
}

enum quern_status qn_run_prepare(quern_run *run)
{
	const struct qn_reading before = *qn_reading();
	double clock = qn_comm_wtime();
	enum quern_status st = start(run, true, &clock);

	if (!st)
		st = find(run, &clock);
	qn_reading_set(before);
	return st;
}

static enum quern_status plan_one(quern_run *run, double *clock)
{
	enum quern_status st;

	if (run->nsingles)
		return qn_error_set(&run->err, QUERN_ERR_USAGE,
				    "-d names %zu datasets, and a plan is of one: name one of them",
				    run->nsingles);
	st = find(run, clock);
	/* Memory is that of a run that writes a file of its rows. */
	run->engine.settings.streams = true;
	return st ? st : plan(run, false, clock);
}

enum quern_status quern_run_plan(quern_run *run)
{
	QN_OWN_FP;
	const struct qn_reading before = *qn_reading();
	double clock = qn_comm_wtime();
	enum quern_status st;

	if (run->started)
		return refuse_again(run);
	if (run->operation)
		return qn_error_set(&run->err, QUERN_ERR_USAGE,
				    "only the run of a kernel has a plan");
	st = start(run, false, &clock);
	if (!st)
		st = plan_one(run, &clock);
	run->planned = !st;
	log_end(run, st);
	let_go(run);
	qn_reading_set(before);
	return st;
}

/* Rank 0. */
static bool has_result(const quern_run *run)
{
	return run->done && run->rank == 0 && !run->nsingles && !run->operation;
}

const struct quern_result *quern_run_result(const quern_run *run)
{
	return has_result(run) && !run->engine.settings.streams && !run->partial ? &run->result
										 : NULL;
}

size_t quern_run_ndatasets(const quern_run *run)
{
	return run->nsingles ? run->nsingles : !run->operation && (run->done || run->planned);
}

const char *quern_run_dataset(const quern_run *run, size_t i)
{
	const quern_run *s = i < quern_run_ndatasets(run) && (run->done || run->planned)
				     ? qn_run_single(run, i)
				     : NULL;

	if (!s)
		return NULL;
	return s->name ? s->name : qn_dataset_name(&s->subject.dataset);
}

const struct quern_result *quern_run_result_of(const quern_run *run, size_t i)
{
	return qn_run_single(run, i) ? quern_run_result(qn_run_single(run, i)) : NULL;
}

/* Of one dataset. */
static uint64_t count_missing(const quern_run *s)
{
	return has_result(s) ? s->subject.mosaic.missing.n : 0;
}

static uint64_t count_skipped(const quern_run *s)
{
	uint64_t n = 0;

	for (int r = 0; has_result(s) && r < s->nranks; r++)
		n += s->engine.reports[r].nskipped;
	return n;
}

static uint64_t count_resumed(const quern_run *s)
{
	uint64_t n = 0;

	for (int r = 0; has_result(s) && r < s->nranks; r++)
		n += s->engine.reports[r].nkept;
	return n;
}

static uint64_t count_failed_over(const quern_run *s)
{
	uint64_t n = 0;

	for (int r = 0; has_result(s) && r < s->nranks; r++)
		n += s->engine.reports[r].nfailed_over;
	return n;
}

static uint64_t count_missing_copies(const quern_run *s)
{
	return has_result(s) ? s->engine.ncopies_missing : 0;
}

static uint64_t add_up(const quern_run *run, uint64_t (*count)(const quern_run *s))
{
	const quern_run *s;
	uint64_t n = 0;

	for (size_t i = 0; (s = qn_run_single(run, i)); i++)
		n += count(s);
	return n;
}

uint64_t quern_run_nmissing_sources(const quern_run *run)
{
	return add_up(run, count_missing);
}

bool quern_run_missing_source(const quern_run *run, size_t i, char *text, size_t nbytes)
{
	const quern_run *s;

	for (size_t k = 0; (s = qn_run_single(run, k)); k++) {
		const struct qn_missing *m = &s->subject.mosaic.missing;
		const size_t n = has_result(s) ? m->nnamed : 0;

		if (i < n) {
			snprintf(text, nbytes, "%s%s%s", m->named[i].file,
				 m->named[i].path[0] ? ", dataset " : "", m->named[i].path);
			return true;
		}
		i -= n;
	}
	return false;
}

const char *quern_run_warning(const quern_run *run, size_t i)
{
	const struct qn_names *first = &run->subject.warnings, *more = &run->engine.warnings;

	if (run->err.status || i >= first->n + more->n)
		return NULL;
	return i < first->n ? first->name[i] : more->name[i - first->n];
}

/* *i: counted down by those that it has. */
static bool find_skip(const quern_run *s, size_t *i, struct qn_dataset *d, uint64_t *coord,
		      const char **operand)
{
	const struct qn_report *reports = s->engine.reports;
	uint64_t grid[QUERN_MAX_DIMS], number;

	for (int r = 0; reports && r < s->nranks; r++) {
		const struct qn_skips *skips = &reports[r].skips;

		if (*i >= skips->n) {
			*i -= skips->n;
			continue;
		}
		qn_mosaic_member(&s->subject.mosaic, skips->skip[*i].member, d);
		qn_dataset_grid(d, grid);
		number = skips->skip[*i].number;
		*operand = skips->skip[*i].operand
				   ? qn_run_operand(&s->engine, skips->skip[*i].operand)
				   : NULL;
		for (int k = d->ndim - 1; k >= 0; k--) {
			coord[k] = number % grid[k];
			number /= grid[k];
		}
		return true;
	}
	return false;
}

bool qn_run_skip(const quern_run *run, size_t i, struct qn_dataset *d, uint64_t *coord,
		 const char **operand)
{
	const quern_run *s;

	for (size_t k = 0; (s = qn_run_single(run, k)); k++)
		if (find_skip(s, &i, d, coord, operand))
			return true;
	return false;
}

bool quern_run_skipped(const quern_run *run, size_t i, char *text, size_t nbytes)
{
	uint64_t coord[QUERN_MAX_DIMS];
	struct qn_dataset d;
	const char *operand;
	char at[256] = "";

	if (!qn_run_skip(run, i, &d, coord, &operand))
		return false;
	for (int k = 0; k < d.ndim; k++)
		snprintf(at + strlen(at), sizeof(at) - strlen(at), "%s%llu", k ? ", " : "",
			 (unsigned long long)coord[k]);
	snprintf(text, nbytes, "%s: dataset %s, chunk (%s)%s%s", d.file, d.path, at,
		 operand ? ", where it needs " : "", operand ? operand : "");
	return true;
}

uint64_t quern_run_nresumed(const quern_run *run)
{
	return add_up(run, count_resumed);
}

uint64_t quern_run_nskipped(const quern_run *run)
{
	return add_up(run, count_skipped);
}

uint64_t quern_run_nfailed_over(const quern_run *run)
{
	return add_up(run, count_failed_over);
}

const char *quern_run_failure(const quern_run *run)
{
	const quern_run *s;

	for (size_t i = 0; (s = qn_run_single(run, i)); i++)
		for (int r = 0; has_result(s) && r < s->nranks; r++)
			if (s->engine.reports[r].failure[0])
				return s->engine.reports[r].failure;
	return NULL;
}

uint64_t quern_run_nmissing_copies(const quern_run *run)
{
	return add_up(run, count_missing_copies);
}
