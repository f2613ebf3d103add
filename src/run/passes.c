/*
 * passes.c - the work phase: passes over the data, each merged by MPI collectives, until the kernel
 * needs no more.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "base/cpu.h"
#include "base/file.h"
#include "base/least.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/process.h"
#include "base/tally.h"
#include "find/warnings.h"
#include "select/select.h"
#include "run/failover.h"
#include "journal/keeping.h"
#include "run/kept.h"
#include "run/memory.h"
#include "run/owners.h"
#include "run/pass_key.h"
#include "run/rolled.h"
#include "run/run.h"
#include "run/shown.h"

#define GATHERED_NWORDS (UINT64_C(1) << 19) /* of cells that come to rank 0 at once */

static enum quern_status new_cells(struct qn_run *run, const struct qn_rows *rows, bool is_shared,
				   struct quern_message *err)
{
	run->cells = (struct qn_cells){ .kernel = run->kernel,
					.self = run->self,
					.layout = &run->layout,
					.rows = rows,
					.most_spilled = qn_kept_most_spilled(run, rows->nrows) };
	if (!qn_cells_init(&run->cells, is_shared))
		return qn_error_nomem(err, qn_kept_nbytes(run, rows->nrows),
				      "the cells of the result");
	qn_cells_clear(&run->cells);
	return QUERN_OK;
}

static enum quern_status new_state(struct qn_run *run, struct quern_message *err)
{
	enum quern_status st = qn_state_layout(run->kernel, run->self, &run->layout, err);
	const struct qn_rows *rows = qn_kept_rows(run);

	qn_cells_fini(&run->cells);
	return st ? st : new_cells(run, rows, qn_kept_are_shared(run, rows->nrows), err);
}

/* The cells of places to those of the rows of the result. */
static enum quern_status regroup(struct qn_run *run, struct quern_message *err)
{
	const double start = qn_comm_wtime();
	struct qn_cells places = run->cells;
	const uint64_t spilled = qn_cells_nbytes_spilled(&places);
	enum quern_status st = new_cells(run, &run->window, false, err);

	/* Those of places are there meanwhile. */
	if (run->cells.most_spilled)
		run->cells.most_spilled -= qn_min_u64(spilled, run->cells.most_spilled - 1);
	qn_cells_normalize(&places);
	if (!st && !qn_places_regroup(&run->places, &places, &run->cells) &&
	    !atomic_load(&run->cells.is_over))
		st = qn_error_nomem(err, 0, "the cells of the result");
	qn_cells_fini(&places);
	qn_log(qn_comm_rank(run->team->comm) ? QN_LOG_DEBUG : QN_LOG_INFO,
	       "cells of %" PRIu64 " places added to %" PRIu64 ": %.6f s", run->places.rows.nrows,
	       run->window.nrows, qn_comm_wtime() - start);
	return st;
}

static enum quern_status reduce_row(struct qn_run *run, struct quern_message *err)
{
	int64_t *words = qn_cells_state(&run->cells, 0);
	enum quern_status st = QUERN_OK;

	for (int s = 0; !st && s < run->layout.nsegments; s++) {
		const struct quern_segment *seg = &run->layout.segment[s];

		if (seg->op == QUERN_LEAST || seg->op == QUERN_TALLY)
			st = qn_comm_reduce_entries(
				run->team->comm, words, seg->nwords, seg->width,
				seg->op == QUERN_LEAST ? qn_least_merge : qn_tally_merge, err);
		else
			st = qn_comm_reduce(run->team->comm, words, seg->nwords, seg->op, err);
		words += seg->nwords;
	}
	return st;
}

/* Merges the states of all ranks on rank 0; nothing is in them where values of keys are collected. */
static enum quern_status reduce(struct qn_run *run, struct quern_message *err)
{
	enum quern_status st = QUERN_OK;

	qn_cells_normalize(&run->cells);
	if (qn_comm_size(run->team->comm) > 1 && !run->collects)
		st = reduce_row(run, err);
	qn_cells_normalize(&run->cells);
	return st;
}

/* --- passes over a few rows at once, which rank 0 reviews before the next --- */

/* Cells of some rows of all ranks to rank 0. */
static enum quern_status gather_some(struct qn_run *run, uint64_t row, uint64_t n, void *mine,
				     uint64_t *nbytes_of, struct quern_message *err)
{
	struct qn_comm *c = run->team->comm;
	const bool leads = qn_comm_rank(c) == 0;
	const size_t nbytes = leads ? 0 : (size_t)qn_cells_pack(&run->cells, row, n, mine);
	void *all = NULL;
	enum quern_status st = qn_comm_gather_blocks(c, mine, nbytes, &all, nbytes_of, err);
	const char *at = all;

	for (int r = 0; !st && leads && r < qn_comm_size(c); r++) {
		if (r && !qn_cells_unpack(&run->cells, row, n, at, nbytes_of[r]))
			st = qn_error_nomem(err, 0, "cells");
		at += nbytes_of[r];
	}
	free(all);
	return qn_comm_agree(c, st, err);
}

/* All cells to rank 0; the others have none then. */
static enum quern_status gather_rows(struct qn_run *run, struct quern_message *err)
{
	struct qn_comm *c = run->team->comm;
	const uint64_t nrows = run->cells.rows->nrows;
	const uint64_t most = qn_max_u64(GATHERED_NWORDS / run->layout.nwords, 1);
	uint64_t *nbytes_of = qn_calloc((size_t)qn_comm_size(c), sizeof(*nbytes_of));
	void *mine = qn_alloc_aligned(
		(size_t)qn_cells_pack_nbytes(&run->cells, 0, qn_min_u64(most, nrows)));
	enum quern_status st = mine && nbytes_of ? QUERN_OK : qn_error_nomem(err, 0, "cells");

	qn_cells_normalize(&run->cells);
	st = qn_comm_agree(c, st, err);
	for (uint64_t row = 0; !st && row < nrows; row += most)
		st = gather_some(run, row, qn_min_u64(most, nrows - row), mine, nbytes_of, err);
	if (!st && qn_comm_rank(c))
		qn_cells_clear(&run->cells);
	free(nbytes_of);
	free(mine);
	return st;
}

/* Rank 0. */
static void review(struct qn_run *run)
{
	for (uint64_t row = 0; run->kernel->review && row < run->cells.rows->nrows; row++)
		run->kernel->review(run->self, row, qn_cells_state(&run->cells, row));
}

/* Rank 0 asks the kernel for another pass; all ranks get its new parameters, also of the last pass where they emit
   rows. */
static enum quern_status advance(struct qn_run *run, bool *again, struct quern_message *err)
{
	uint8_t more = 0;
	enum quern_status st;
	void *shared;
	size_t nbytes;

	*again = false;
	if (!run->kernel->advance)
		return QUERN_OK;
	if (qn_comm_rank(run->team->comm) == 0) {
		review(run);
		more = run->kernel->advance(run->self, qn_cells_state(&run->cells, 0));
	}
	st = qn_comm_bcast(run->team->comm, &more, sizeof(more), err);
	if (st || (!more && !qn_kept_any(run)))
		return st;
	shared = run->kernel->shared(run->self, &nbytes);
	*again = more;
	st = qn_comm_bcast(run->team->comm, shared, nbytes, err);
	if (st || !run->kernel->adopt)
		return st;
	return qn_comm_agree(run->team->comm, run->kernel->adopt(run->self, err), err);
}

/* By the workers of all ranks. */
static enum quern_status work(struct qn_run *run, struct quern_message *err)
{
	enum quern_status st;

	qn_queues_reset(&run->queues);
	QN_ASSERT_VALID(queue, &run->queues.queue[run->queues.mine]);
	if (qn_balance_is_one(&run->balance)) {
		qn_leases_reset(&run->leases);
		qn_balance_begin(&run->balance);
	}
	qn_comm_host_barrier(run->team->comm); /* nobody steals before all queues are full */
	st = qn_workers_run(run, run->npasses, err);
	st = qn_comm_agree(run->team->comm, st, err);
	return st ? st : qn_failover(run, err);
}

static void stop(void *queues)
{
	qn_queues_stop(queues);
}

/* The same with a journal. */
static enum quern_status work_kept(struct qn_run *run, struct quern_message *err)
{
	struct qn_keeping keeping = { .cells = &run->cells,
				      .seconds = (double)run->settings.journal_seconds,
				      .stop = stop,
				      .queues = &run->queues };
	struct qn_sum key;
	enum quern_status st = qn_run_pass_key(run, &key) ? QUERN_OK
							  : qn_error_nomem(err, 0, "a journal");

	st = qn_comm_agree(run->team->comm, st, err);
	if (st)
		return st;
	st = qn_keeping_begin(&keeping, run->journal, &key, run->items.nitems, err);
	run->keeping = &keeping;
	if (!st)
		st = work(run, err);
	st = qn_keeping_end(&keeping, st, &run->report.nheld, &run->report.nbeyond, err);
	run->keeping = NULL;
	return st;
}

/* What all ranks find, each in its cells. */
static enum quern_status absorb_all(struct qn_run *run, struct quern_message *err)
{
	enum quern_status st = qn_comm_agree(run->team->comm, new_state(run, err), err);

	if (!st)
		st = run->journal && !run->collects ? work_kept(run, err) : work(run, err);
	if (st || run->cells.rows != &run->places.rows)
		return st;
	return qn_comm_agree(run->team->comm, regroup(run, err), err);
}

static void log_pass(const struct qn_run *run, enum quern_status st, double work, double reduced)
{
	qn_log(qn_comm_rank(run->team->comm) ? QN_LOG_DEBUG : QN_LOG_INFO,
	       "pass %d: status %d, %.6f s of work, then %.6f s to reduce; here %" PRIu64
	       " chunks, %" PRIu64 " stolen, %" PRIu64 " leased, %" PRIu64 " skipped",
	       run->npasses, (int)st, work, reduced, run->report.nchunks, run->report.nstolen,
	       run->report.nleased, run->report.nskipped);
}

/* Which rows the result has is known when all is done. */
static enum quern_status emit_shown(struct qn_run *run, uint64_t *nrows, struct quern_message *err)
{
	struct qn_shown shown = { .n = 0 };
	enum quern_status st = QUERN_OK;

	if (!qn_shown_find(run, &shown))
		st = qn_error_nomem(err, 0, "groups");
	if (!st)
		st = qn_kept_check_number(run, shown.n * shown.nkept, err);
	st = qn_comm_agree(run->team->comm, st, err);
	run->shown = &shown;
	if (!st && run->rolling.n)
		st = qn_rolled_make(run, err);
	if (!st && run->rolling.n)
		st = qn_rolled_warn(run, err);
	if (run->rolling.n)
		st = qn_comm_agree(run->team->comm, st, err);
	if (!st)
		st = qn_owners_emit(run, nrows, err);
	run->shown = NULL;
	qn_shown_fini(&shown);
	return st;
}

/* Rank 0 has the cells, of which rows from `first` on are new. */
static enum quern_status take_states(struct qn_run *run, uint64_t first, struct quern_message *err)
{
	int64_t counted[2] = { (int64_t)run->report.nheld, (int64_t)run->report.nbeyond };
	enum quern_status st = qn_comm_reduce(run->team->comm, counted, 2, QUERN_SUM, err);

	if (!st && qn_comm_rank(run->team->comm) == 0)
		st = run->states.take(run->states.ctx, run, first, counted, err);
	return qn_comm_agree(run->team->comm, st, err);
}

/* What was not in a sweep before: with windows sweeps have rows in common. */
static enum quern_status take_rows(struct qn_run *run, uint64_t *nrows, struct quern_message *err)
{
	enum quern_status st = gather_rows(run, err);

	if (!st)
		st = take_states(run, qn_max_u64(run->swept, run->window.first), err);
	*nrows = st ? 0 : run->emitted.nrows;
	return st;
}

static enum quern_status emit_rows(struct qn_run *run, uint64_t *nrows, struct quern_message *err)
{
	bool is_over = false;
	enum quern_status st = qn_owners_are_over(run, &is_over, err);

	*nrows = 0;
	if (st || is_over)
		return st;
	qn_cells_normalize(&run->cells);
	st = qn_seen_share(run, err);
	if (!st && run->states.take)
		return take_rows(run, nrows, err);
	return st ? st : emit_shown(run, nrows, err);
}

static bool reviews(const struct qn_run *run)
{
	return run->kernel->is_reviewed && run->kernel->is_reviewed(run->self);
}

/* Passes until the rows are known. */
static enum quern_status absorb_rows(struct qn_run *run, struct quern_message *err)
{
	bool again = false;
	enum quern_status st = QUERN_OK;

	do {
		if (again)
			st = absorb_all(run, err);
		if (!st && reviews(run))
			st = gather_rows(run, err);
		if (!st && reviews(run))
			st = advance(run, &again, err);
		run->npasses += again;
	} while (!st && again);
	return st;
}

/* All of it, to one row on rank 0; or a sweep, of which *nrows rows get their fields. */
static enum quern_status one_pass(struct qn_run *run, uint64_t *nrows, struct quern_message *err)
{
	double start = qn_comm_wtime(), reduced;
	enum quern_status st = absorb_all(run, err);

	if (!st && nrows)
		st = absorb_rows(run, err);
	reduced = qn_comm_wtime();
	run->seconds[QN_WORK] += reduced - start;
	if (!st)
		st = nrows ? emit_rows(run, nrows, err) : reduce(run, err);
	run->seconds[QN_REDUCE] += qn_comm_wtime() - reduced;
	log_pass(run, st, reduced - start, qn_comm_wtime() - reduced);
	run->npasses++;
	return st;
}

static enum quern_status gather_reports(struct qn_run *run, struct quern_message *err)
{
	size_t nranks = (size_t)qn_comm_size(run->team->comm);
	enum quern_status st = QUERN_OK;

	run->report.peak_rss_nbytes = qn_process_peak();
	run->report.crossed_nbytes = qn_comm_crossed(run->team->comm);
	if (qn_comm_rank(run->team->comm) == 0) {
		run->reports = qn_calloc(nranks, sizeof(*run->reports));
		if (!run->reports)
			st = qn_error_nomem(err, nranks * sizeof(*run->reports), "reports");
	}
	st = qn_comm_agree(run->team->comm, st, err);
	return st ? st
		  : qn_comm_gather(run->team->comm, &run->report, sizeof(run->report), run->reports,
				   err);
}

/* What is read ahead and not wanted is not counted; what came from shared storage is none of it. */
static void count_fetched(struct qn_report *r, uint64_t before)
{
	uint64_t fetched = qn_file_fetched() - before;

	r->disk_nbytes = qn_min_u64(fetched > r->remote_nbytes ? fetched - r->remote_nbytes : 0,
				    r->local_nbytes);
}

/* Of one host nothing is leased. */
static enum quern_status prepare_leases(struct qn_run *run, struct quern_message *err)
{
	struct qn_comm *c = run->team->comm;
	enum quern_status st;

	if (qn_comm_nhosts(c) == 1)
		return QUERN_OK;
	st = qn_comm_agree(c,
			   qn_item_weigher_init(&run->weigher, &run->subject->mosaic, &run->items,
						run->subject->dataset.type.size, err),
			   err);
	if (!st)
		st = qn_leases_new(c, &run->weigher.weigher, &run->leases, err);
	return st ? st
		  : qn_balance_init(&run->balance, c, &run->where->access, &run->weigher.weigher,
				    &run->costs.rates, &run->queues, &run->leases, err);
}

/* Rank 0. */
static enum quern_status warn_of_beyond(struct qn_run *run, struct quern_message *err)
{
	uint64_t n = 0;
	char text[256];

	for (int r = 0; run->reports && r < qn_comm_size(run->team->comm); r++)
		n += run->reports[r].nbeyond;
	if (!n)
		return QUERN_OK;
	snprintf(text, sizeof(text),
		 "of %" PRIu64 " elements an expression has integers that 64 bits do not hold: "
		 "they are missing",
		 n);
	return qn_names_add(&run->warnings, text, err);
}

/* Rank 0. What is empty throughout was hardly meant, and a mistyped unit looks so. */
static enum quern_status warn_of_none(struct qn_run *run, struct quern_message *err)
{
	const uint64_t n = qn_picks_nelems(&run->subject->picks, &run->subject->selection);

	for (int r = 0; run->reports && r < qn_comm_size(run->team->comm); r++)
		if (run->reports[r].nheld)
			return QUERN_OK;
	if (!run->formula.where || !run->reports || !n)
		return QUERN_OK;
	return qn_warnings_add(&run->warnings, err,
			       "--where: %s holds for none of the %" PRIu64
			       " elements that are selected",
			       qn_program_text(run->formula.where), n);
}

/* --- sweeps: passes over the data for some of the rows each --- */

#define LEAST_NROWS QN_COLUMN_BLOCK /* that are tried */

static enum quern_status refuse_window(const struct qn_run *run, struct quern_message *err)
{
	return qn_error_set(err, QUERN_ERR_RUN,
			    "kernel %s needs all cells at once, which take %" PRIu64
			    " MiB: raise --memory, or start fewer ranks on a host",
			    run->kernel->name, qn_kept_nbytes(run, run->rows.nrows) >> 20);
}

static enum quern_status refuse_spilled(const struct qn_run *run, struct quern_message *err)
{
	return qn_error_set(
		err, QUERN_ERR_RUN,
		"exact sums of values that differ so much in magnitude take more memory "
		"than there is, %" PRIu64 " MiB beside what was planned for them, even of %" PRIu64
		" cells at a time: raise --memory, or start fewer ranks on a host",
		qn_kept_most_spilled(run, run->window.nrows) >> 20, run->window.nrows);
}

/* What the sweeps so far have counted, of which the last one has had rows; or it is done again: then what was
   found in it was not, but it was read. */
static void keep_counts(struct qn_run *run, bool again)
{
	const struct qn_report before = run->counted;

	run->counted = run->report;
	run->nagain += again;
	if (!again)
		return;
	run->counted.nbeyond = before.nbeyond;
	run->counted.nskipped = before.nskipped;
	run->counted.skips = before.skips;
}

/* The rows of the next sweep, which emits those from `row` on. */
static void find_window(struct qn_run *run, uint64_t row)
{
	const uint64_t n = run->rows.nrows;
	struct qn_rolling_sweep s = { .first = row, .nrows = qn_min_u64(run->most_rows, n - row) };

	s.nemitted = s.nrows;
	if (run->rolling.n)
		s = qn_rolling_sweep(&run->rolling, n, run->most_rows, row);
	run->window.first = s.first;
	run->window.nrows = s.nrows;
	run->window.is_window = s.nrows < n;
	run->emitted = run->window;
	run->emitted.first = row;
	run->emitted.nrows = s.nemitted;
	run->emitted.nkept = 0;
}

/* Of a table; fewer are not tried. */
static uint64_t least_rows(const struct qn_run *run)
{
	if (!run->rolling.n)
		return LEAST_NROWS;
	return qn_rolling_least_rows(&run->rolling, run->rows.nrows, LEAST_NROWS);
}

/* At the ends of the result the tables of windows are smaller than they may be. */
static uint64_t most_now(const struct qn_run *run)
{
	return run->rolling.n ? run->most_rows : run->window.nrows;
}

/* The rows from `row` on, as many as a table may have; *n: how many are done. Where a table became too large, the
   next one is smaller. */
static enum quern_status sweep(struct qn_run *run, uint64_t row, uint64_t *n,
			       struct quern_message *err)
{
	enum quern_status st;

	find_window(run, row);
	st = run->window.is_window && reviews(run) ? refuse_window(run, err)
						   : one_pass(run, n, err);
	run->nsweeps++;
	if (!st)
		keep_counts(run, !*n && run->emitted.nrows);
	if (st || *n == run->emitted.nrows)
		return st;
	/* Which groups are there is noted of all rows at once. */
	if (run->rows.nkept ? *n || !run->places.are_used
			    : !run->places.are_used && most_now(run) <= least_rows(run))
		return refuse_spilled(run, err);
	run->most_rows = run->places.are_used ? run->rows.nrows
					      : qn_max_u64(most_now(run) / 2, least_rows(run));
	run->places.are_used = false;
	return QUERN_OK;
}

static enum quern_status sweep_all(struct qn_run *run, struct quern_message *err)
{
	enum quern_status st = QUERN_OK;
	uint64_t row = 0, n = 0;

	run->nsweeps = run->nagain = run->swept = 0;
	do {
		st = sweep(run, row, &n, err);
		if (!st && n)
			run->swept = run->window.first + run->window.nrows;
		row += n;
	} while (!st && row < run->rows.nrows);
	return st;
}

/* With rows that is the last one. */
static bool has_rows(const struct qn_run *run)
{
	return qn_kept_any(run) && qn_kept_rows(run) != &run->all;
}

/* The keys whose groups are not known before get them from a pass over all. */
static enum quern_status collect(struct qn_run *run, struct quern_message *err)
{
	enum quern_status st;

	run->collects = true;
	run->computed.room = &run->room;
	for (int i = 0; i < QN_MOST_KEYS; i++)
		run->found[i].room = &run->room;
	st = one_pass(run, NULL, err);
	run->collects = false;
	if (!st)
		st = qn_computed_settle(&run->computed, run->team, &run->keys, run->found, err);
	for (int i = 0; i < QN_MOST_KEYS; i++)
		qn_value_set_fini(&run->found[i]);
	if (!st)
		st = qn_comm_agree(run->team->comm, qn_run_reopen(run, err), err);
	return st ? st : qn_memory_settle_rows(run, err);
}

/* Rank 0 has the state of a run without rows, after its last pass. */
static enum quern_status take_state(struct qn_run *run, struct quern_message *err)
{
	if (!run->states.take)
		return QUERN_OK;
	if (run->npasses < 2)
		return take_states(run, 0, err);
	return qn_error_set(
		err, QUERN_ERR_USAGE,
		"kernel %s looked at the data several times: a part has the state of one "
		"pass alone: run it over all files at once",
		run->kernel->name);
}

enum quern_status qn_run_work(struct qn_run *run, struct quern_message *err)
{
	const uint64_t fetched = qn_file_fetched();
	bool again = true;
	enum quern_status st = prepare_leases(run, err);

	if (qn_comm_rank(run->team->comm) == 0)
		qn_failover_count_missing(run);
	qn_cpu_reset_fp();
	if (!st && qn_computed_collects(&run->computed))
		st = collect(run, err);
	while (!st && again && !has_rows(run)) {
		st = one_pass(run, NULL, err);
		if (!st)
			st = advance(run, &again, err);
	}
	if (!st && again)
		st = sweep_all(run, err);
	else if (!st)
		st = take_state(run, err);
	count_fetched(&run->report, fetched);
	if (!st)
		st = gather_reports(run, err);
	if (!st && (qn_formula_is_any(&run->formula) || run->computed.n))
		st = qn_comm_agree(run->team->comm, warn_of_beyond(run, err), err);
	if (!st && run->formula.where)
		st = qn_comm_agree(run->team->comm, warn_of_none(run, err), err);
	return st;
}

/* --- data that was absorbed before --- */

/* The rows of what `fill` has found, or the one of all. */
static enum quern_status settle(struct qn_run *run, struct quern_message *err)
{
	const double start = qn_comm_wtime();
	uint64_t n = 0;
	enum quern_status st = qn_kept_any(run) ? emit_rows(run, &n, err) : reduce(run, err);
	bool again = false;

	if (!st && n != run->emitted.nrows * qn_kept_any(run))
		st = refuse_spilled(run, err);
	if (!st && !qn_kept_any(run))
		st = advance(run, &again, err);
	if (!st && again)
		st = qn_error_set(err, QUERN_ERR_USAGE,
				  "kernel %s wants to look at the data again, which in memory is "
				  "gone: run it over a file",
				  run->kernel->name);
	run->npasses = 1;
	if (!st && !qn_kept_any(run))
		st = take_state(run, err);
	run->seconds[QN_REDUCE] += qn_comm_wtime() - start;
	return st;
}

enum quern_status qn_run_settle(struct qn_run *run, const struct qn_absorbed *absorbed,
				struct quern_message *err)
{
	enum quern_status st = qn_comm_agree(run->team->comm, absorbed->check(run, err), err);

	qn_cpu_reset_fp();
	find_window(run, 0);
	if (!st)
		st = qn_comm_agree(run->team->comm, new_state(run, err), err);
	if (!st)
		st = qn_comm_agree(run->team->comm, absorbed->fill(absorbed->ctx, run, err), err);
	if (!st)
		st = settle(run, err);
	if (!st)
		st = gather_reports(run, err);
	if (!st)
		st = qn_comm_agree(run->team->comm, warn_of_beyond(run, err), err);
	return st ? st : qn_comm_agree(run->team->comm, warn_of_none(run, err), err);
}
