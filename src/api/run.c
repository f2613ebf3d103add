#include "api/run.h"
#include "api/options.h"
#include "api/settings.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "api/call.h"
#include "base/fp.h"
#include "base/log.h"
#include "base/mem.h"
#include "cluster/comm_mpi.h"
#include "cluster/share.h"
#include "data/reading.h"
#include "kernel/collect.h"
#include "run/emit.h"
#include "run/kept.h"
#include "run/synthetic.h"

const char *quern_version(void)
{
	return QUERN_VERSION;
}

static void choose_kernel(quern_run *run, const char *name)
{
	const struct quern_option *tables[3] = { qn_run_options, NULL, qn_plan_options };

	qn_choice_find(name, &run->choice, &run->err);
	run->engine.kernel = run->choice.kernel;
	if (run->engine.kernel)
		tables[1] = run->engine.kernel->options;
	qn_options_init(&run->options, tables, 3, &run->err);
}

quern_run *quern_run_new(MPI_Comm comm, const char *kernel)
{
	QN_OWN_FP;
	quern_run *run = qn_calloc(1, sizeof(*run));

	if (!run)
		return NULL;
	run->parent = comm;
	choose_kernel(run, kernel);
	return run;
}

void quern_run_free(quern_run *run)
{
	QN_OWN_FP;

	if (!run)
		return;
	qn_result_fini(&run->result);
	qn_run_fini(&run->engine);
	qn_access_fini(&run->where.access);
	qn_subject_fini(&run->subject);
	qn_team_fini(&run->team);
	qn_choice_fini(&run->choice);
	qn_named_fini(&run->named);
	qn_options_fini(&run->options);
	qn_names_fini(&run->files);
	free(run);
}

enum quern_status quern_run_set(quern_run *run, const char *name, const char *value)
{
	QN_OWN_FP;

	if (run->err.status)
		return run->err.status;
	return qn_options_set(&run->options, name, value, &run->err);
}

enum quern_status quern_run_set_from_environment(quern_run *run)
{
	QN_OWN_FP;

	if (run->err.status)
		return run->err.status;
	return qn_options_from_environment(&run->options, &run->err);
}

enum quern_status quern_run_add_file(quern_run *run, const char *file)
{
	QN_OWN_FP;

	if (run->err.status)
		return run->err.status;
	return qn_names_add(&run->files, file, &run->err);
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

/* Everything before the work. */
static enum quern_status prepare(quern_run *run, bool with_work, double *clock)
{
	struct qn_run *engine = &run->engine;
	struct qn_team_settings team;
	enum quern_status st;

	run->started = true;
	st = qn_call_begin(run->parent, run->engine.kernel ? run->engine.kernel->name : "run",
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
	/* The environment and the command line of rank 0 decide. */
	st = qn_share_options(run->comm, run->err.status, &run->options, &run->err);
	if (!st)
		qn_reading_set(qn_settings_reading(&run->options));
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
	if (!st)
		st = qn_comm_agree(run->comm, qn_calibrate(run), &run->err);
	if (!st)
		st = qn_team_form(&run->team, &team, &run->err);
	if (!st)
		qn_site_rates(&run->team.site, &engine->costs.rates);
	engine->seconds[QN_STARTUP] = lap(run, "startup", clock);
	if (!st)
		st = qn_subject_find(&run->subject, &run->team, &run->files, &run->err);
	if (!st)
		st = qn_run_open(engine, &run->team, &run->subject, &run->err);
	if (!st)
		st = qn_comm_agree(run->comm, qn_calibrate_check(run), &run->err);
	engine->seconds[QN_METADATA] = lap(run, "metadata", clock);
	if (!st)
		st = qn_run_plan(engine, &run->team, &run->where, with_work, &run->err);
	engine->seconds[QN_PLAN] = lap(run, "plan", clock);
	return st;
}

static enum quern_status emit(quern_run *run)
{
	return run->rank || qn_kept_any(&run->engine)
		       ? QUERN_OK
		       : qn_run_emit(&run->engine, &run->result, &run->err);
}

/* Rows of the result, as they come. */
static enum quern_status collect(void *ctx, uint64_t row, const struct quern_result *rows,
				 struct quern_message *err)
{
	quern_run *run = ctx;
	enum quern_status st = QUERN_OK;

	if (!run->result.naxes)
		st = qn_run_emit_axes(&run->engine, &run->result, err);
	if (!st && !qn_collect_rows(&run->result, row, rows))
		st = qn_error_nomem(err, 0, "the result");
	return st;
}

/* What takes all ranks to free goes while all are here: quern_run_free is then of one rank alone. */
static void let_go(quern_run *run)
{
	qn_balance_fini(&run->engine.balance);
	qn_leases_fini(&run->engine.leases);
	qn_queues_fini(&run->engine.queues);
	qn_comm_free(run->comm);
	run->comm = run->team.comm = NULL;
}

static void log_end(const quern_run *run, enum quern_status st)
{
	const char *warning;

	for (size_t i = 0; qn_log_has(QN_LOG_WARN) && (warning = quern_run_warning(run, i)); i++)
		qn_log(QN_LOG_WARN, "%s", warning);
	qn_call_end(run->comm, st, &run->err);
}

enum quern_status quern_run_execute(quern_run *run)
{
	QN_OWN_FP;
	const struct qn_reading before = *qn_reading();
	double start = qn_comm_wtime(), clock = start;
	enum quern_status st;

	if (run->started)
		return refuse_again(run);
	st = prepare(run, true, &clock);
	run->engine.taker = (struct qn_taker){ collect, run };
	if (!st)
		st = qn_run_work(&run->engine, &run->err);
	lap(run, "work and reduction", &clock);
	if (!st)
		st = qn_comm_agree(run->comm, emit(run), &run->err);
	run->engine.seconds[QN_OUTPUT] = lap(run, "output", &clock);
	run->seconds_total = clock - start;
	run->done = !st;
	log_end(run, st);
	let_go(run);
	qn_reading_set(before);
	return st;
}

enum quern_status quern_run_plan(quern_run *run)
{
	QN_OWN_FP;
	const struct qn_reading before = *qn_reading();
	double clock = qn_comm_wtime();
	enum quern_status st;

	if (run->started)
		return refuse_again(run);
	st = prepare(run, false, &clock);
	run->planned = !st;
	log_end(run, st);
	let_go(run);
	qn_reading_set(before);
	return st;
}

const struct quern_result *quern_run_result(const quern_run *run)
{
	return run->done && run->rank == 0 ? &run->result : NULL;
}

uint64_t quern_run_nmissing_sources(const quern_run *run)
{
	return quern_run_result(run) ? run->subject.mosaic.missing.n : 0;
}

bool quern_run_missing_source(const quern_run *run, size_t i, char *text, size_t nbytes)
{
	const struct qn_missing *m = &run->subject.mosaic.missing;
	const bool is = quern_run_result(run) && i < m->nnamed;

	if (is)
		snprintf(text, nbytes, "%s%s%s", m->named[i].file,
			 m->named[i].path[0] ? ", dataset " : "", m->named[i].path);
	return is;
}

const char *quern_run_warning(const quern_run *run, size_t i)
{
	const struct qn_names *first = &run->subject.warnings, *more = &run->engine.warnings;

	if (run->err.status || i >= first->n + more->n)
		return NULL;
	return i < first->n ? first->name[i] : more->name[i - first->n];
}

bool qn_run_skip(const quern_run *run, size_t i, struct qn_dataset *d, uint64_t *coord)
{
	const struct qn_report *reports = run->engine.reports;
	uint64_t grid[QUERN_MAX_DIMS], number;

	for (int r = 0; reports && r < run->nranks; r++) {
		const struct qn_skips *s = &reports[r].skips;

		if (i >= s->n) {
			i -= s->n;
			continue;
		}
		qn_mosaic_member(&run->subject.mosaic, s->skip[i].member, d);
		qn_dataset_grid(d, grid);
		number = s->skip[i].number;
		for (int k = d->ndim - 1; k >= 0; k--) {
			coord[k] = number % grid[k];
			number /= grid[k];
		}
		return true;
	}
	return false;
}

bool quern_run_skipped(const quern_run *run, size_t i, char *text, size_t nbytes)
{
	uint64_t coord[QUERN_MAX_DIMS];
	struct qn_dataset d;
	char at[256] = "";

	if (!qn_run_skip(run, i, &d, coord))
		return false;
	for (int k = 0; k < d.ndim; k++)
		snprintf(at + strlen(at), sizeof(at) - strlen(at), "%s%llu", k ? ", " : "",
			 (unsigned long long)coord[k]);
	snprintf(text, nbytes, "%s: dataset %s, chunk (%s)", d.file, d.path, at);
	return true;
}

uint64_t quern_run_nskipped(const quern_run *run)
{
	uint64_t n = 0;

	for (int r = 0; quern_run_result(run) && r < run->nranks; r++)
		n += run->engine.reports[r].nskipped;
	return n;
}

uint64_t quern_run_nfailed_over(const quern_run *run)
{
	uint64_t n = 0;

	for (int r = 0; quern_run_result(run) && r < run->nranks; r++)
		n += run->engine.reports[r].nfailed_over;
	return n;
}

const char *quern_run_failure(const quern_run *run)
{
	for (int r = 0; quern_run_result(run) && r < run->nranks; r++)
		if (run->engine.reports[r].failure[0])
			return run->engine.reports[r].failure;
	return NULL;
}

uint64_t quern_run_nmissing_copies(const quern_run *run)
{
	return quern_run_result(run) ? run->engine.ncopies_missing : 0;
}
