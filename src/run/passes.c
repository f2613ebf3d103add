/*
 * passes.c - the work phase: passes over the data, each merged by MPI collectives, until the kernel
 * needs no more.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

#include "base/check.h"
#include "base/cpu.h"
#include "base/file.h"
#include "base/log.h"
#include "base/mem.h"
#include "run/failover.h"
#include "run/kept.h"
#include "run/run.h"
#include "run/shown.h"

#define BUFFER_NWORDS (UINT64_C(1) << 17) /* of cells that are merged at once */

static enum quern_status new_state(struct qn_run *run, struct quern_message *err)
{
	enum quern_status st = qn_state_layout(run->kernel, run->self, &run->layout, err);

	qn_cells_fini(&run->cells);
	if (st)
		return st;
	run->cells = (struct qn_cells){ .kernel = run->kernel,
					.self = run->self,
					.layout = &run->layout,
					.rows = qn_kept_rows(run) };
	if (!qn_cells_init(&run->cells, qn_kept_are_shared(run)))
		return qn_error_nomem(err, qn_kept_nbytes(run), "the cells of the result");
	qn_cells_clear(&run->cells);
	return QUERN_OK;
}

/* The words of a segment in some rows: side by side in a buffer, or back where they belong. */
static void move_words(struct qn_cells *c, size_t offset, size_t nwords, uint64_t row,
		       uint64_t nrows, int64_t *buffer, bool back)
{
	for (uint64_t r = 0; r < nrows; r++) {
		int64_t *words = qn_cells_state(c, row + r) + offset;

		if (back)
			memcpy(words, buffer + r * nwords, nwords * sizeof(*words));
		else
			memcpy(buffer + r * nwords, words, nwords * sizeof(*words));
	}
}

/* A column of words that all ranks have. */
static enum quern_status reduce_plain(struct qn_run *run, const struct quern_segment *seg,
				      size_t word, int64_t *buffer, struct quern_message *err)
{
	const size_t width = seg->op == QUERN_MINLOC || seg->op == QUERN_MAXLOC ? 2 : 1;
	const uint64_t nrows = run->cells.rows->nrows, most = BUFFER_NWORDS / width;
	enum quern_status st = QUERN_OK;

	for (size_t k = 0; k < seg->nwords; k += width)
		for (uint64_t row = 0, n; !st && row < nrows; row += n) {
			int64_t *column = qn_cells_column(&run->cells, word + k) + row;

			n = qn_min_u64(most, nrows - row);
			for (uint64_t i = 0; i < n * width; i++)
				buffer[i] = column[i % width * nrows + i / width];
			st = qn_comm_reduce(run->team->comm, buffer, (size_t)n * width, seg->op,
					    err);
			for (uint64_t i = 0; !st && i < n * width; i++)
				column[i % width * nrows + i / width] = buffer[i];
		}
	return st;
}

/* Rank 0: what the others have packed, one block after the other. */
static bool unpack_all(struct qn_run *run, struct qn_column *c, uint64_t row, uint64_t n,
		       const uint8_t *all, const uint64_t *nbytes_of)
{
	bool ok = true;

	for (int r = 0; ok && r < qn_comm_size(run->team->comm); r++) {
		ok = r == 0 || qn_column_unpack(c, row, n, all, nbytes_of[r]);
		all += nbytes_of[r];
	}
	return ok;
}

/* Exact sums of some rows: those of all ranks to rank 0. */
static enum quern_status gather_exact(struct qn_run *run, struct qn_column *c, uint64_t row,
				      uint64_t n, struct quern_message *err)
{
	const bool leads = qn_comm_rank(run->team->comm) == 0;
	uint64_t most = leads ? 0 : qn_column_pack_nbytes(c, row, n), nbytes = 0;
	uint64_t *nbytes_of = qn_calloc((size_t)qn_comm_size(run->team->comm), sizeof(*nbytes_of));
	void *mine = qn_alloc_aligned((size_t)qn_max_u64(most, 1)), *all = NULL;
	bool ok = mine && nbytes_of;
	enum quern_status st;

	if (ok && !leads)
		ok = (nbytes = qn_column_pack(c, row, n, mine)) > 0;
	st = qn_comm_agree(run->team->comm,
			   ok ? QUERN_OK : qn_error_nomem(err, (size_t)most, "cells"), err);
	if (!st)
		st = qn_comm_gather_blocks(run->team->comm, mine, (size_t)nbytes, &all, nbytes_of,
					   err);
	if (!st && leads && !unpack_all(run, c, row, n, all, nbytes_of))
		st = qn_error_nomem(err, 0, "cells");
	free(mine);
	free(all);
	free(nbytes_of);
	return qn_comm_agree(run->team->comm, st, err);
}

static enum quern_status reduce_exact(struct qn_run *run, struct qn_column *c,
				      struct quern_message *err)
{
	const uint64_t nrows = run->cells.rows->nrows;
	enum quern_status st = QUERN_OK;

	for (uint64_t row = 0, n; !st && row < nrows; row += n) {
		n = qn_min_u64(BUFFER_NWORDS / 4, nrows - row);
		st = gather_exact(run, c, row, n, err);
	}
	return st;
}

/* One segment of all rows: a collective for as many rows as the buffer has room for. */
static enum quern_status reduce_segment(struct qn_run *run, const struct quern_segment *seg,
					size_t offset, int64_t *buffer, struct quern_message *err)
{
	const uint64_t most = qn_max_u64(1, BUFFER_NWORDS / qn_max_u64(seg->nwords, 1));
	const bool leads = qn_comm_rank(run->team->comm) == 0;
	struct qn_cells *c = &run->cells;
	enum quern_status st = QUERN_OK;

	for (uint64_t row = 0, n; !st && row < c->rows->nrows; row += n) {
		n = seg->op == QUERN_LEAST ? 1 : qn_min_u64(most, c->rows->nrows - row);
		move_words(c, offset, seg->nwords, row, n, buffer, false);
		st = seg->op == QUERN_LEAST ? qn_comm_reduce_least(run->team->comm, buffer,
								   seg->nwords, seg->width, err)
					    : qn_comm_reduce(run->team->comm, buffer,
							     (size_t)n * seg->nwords, seg->op, err);
		if (!st && leads)
			move_words(c, offset, seg->nwords, row, n, buffer, true);
	}
	return st;
}

/* Of a single row the words are side by side as they are. */
static enum quern_status reduce_row(struct qn_run *run, struct quern_message *err)
{
	int64_t *words = qn_cells_state(&run->cells, 0);
	enum quern_status st = QUERN_OK;

	for (int s = 0; !st && s < run->layout.nsegments; s++) {
		const struct quern_segment *seg = &run->layout.segment[s];

		st = seg->op == QUERN_LEAST
			     ? qn_comm_reduce_least(run->team->comm, words, seg->nwords, seg->width,
						    err)
			     : qn_comm_reduce(run->team->comm, words, seg->nwords, seg->op, err);
		words += seg->nwords;
	}
	return st;
}

static enum quern_status reduce_rows(struct qn_run *run, struct quern_message *err)
{
	const size_t nwords = (size_t)qn_max_u64(BUFFER_NWORDS, run->layout.nwords);
	int64_t *buffer = qn_alloc_aligned(nwords * sizeof(*buffer));
	enum quern_status st = buffer ? QUERN_OK
				      : qn_error_nomem(err, nwords * sizeof(*buffer), "cells");
	size_t offset = 0;

	st = qn_comm_agree(run->team->comm, st, err);
	for (int s = 0; !st && s < run->layout.nsegments; s++) {
		const struct quern_segment *seg = &run->layout.segment[s];

		if (!run->cells.has_columns)
			st = reduce_segment(run, seg, offset, buffer, err);
		else if (seg->op == QUERN_EXACT)
			st = reduce_exact(run, run->cells.exact[s], err);
		else
			st = reduce_plain(run, seg, offset, buffer, err);
		offset += seg->nwords;
	}
	free(buffer);
	return st;
}

/* Merges the states of all ranks on rank 0. */
static enum quern_status reduce(struct qn_run *run, struct quern_message *err)
{
	enum quern_status st = QUERN_OK;

	qn_cells_normalize(&run->cells);
	if (qn_comm_size(run->team->comm) > 1)
		st = run->cells.rows->nrows > 1 ? reduce_rows(run, err) : reduce_row(run, err);
	if (!st && qn_comm_size(run->team->comm) > 1)
		st = qn_seen_reduce(run, err);
	qn_cells_normalize(&run->cells);
	return st;
}

/* Rank 0 asks the kernel for another pass; all ranks get its new parameters. */
static enum quern_status advance(struct qn_run *run, bool *again, struct quern_message *err)
{
	uint8_t more = 0;
	enum quern_status st;
	void *shared;
	size_t nbytes;

	*again = false;
	if (!run->kernel->advance)
		return QUERN_OK;
	if (qn_comm_rank(run->team->comm) == 0)
		more = run->kernel->advance(run->self, qn_cells_state(&run->cells, 0));
	st = qn_comm_bcast(run->team->comm, &more, sizeof(more), err);
	if (st || !more)
		return st;
	shared = run->kernel->shared(run->self, &nbytes);
	*again = true;
	st = qn_comm_bcast(run->team->comm, shared, nbytes, err);
	if (st || !run->kernel->adopt)
		return st;
	return qn_comm_agree(run->team->comm, run->kernel->adopt(run->self, err), err);
}

static enum quern_status one_pass(struct qn_run *run, struct quern_message *err)
{
	double start = qn_comm_wtime(), reduced;
	enum quern_status st = qn_comm_agree(run->team->comm, new_state(run, err), err);

	if (st)
		return st;
	qn_queues_reset(&run->queues);
	QN_ASSERT_VALID(queue, &run->queues.queue[run->queues.mine]);
	if (qn_balance_is_one(&run->balance)) {
		qn_leases_reset(&run->leases);
		qn_balance_begin(&run->balance);
	}
	qn_comm_host_barrier(run->team->comm); /* nobody steals before all queues are full */
	st = qn_workers_run(run, run->npasses, err);
	st = qn_comm_agree(run->team->comm, st, err);
	if (!st)
		st = qn_failover(run, err);
	reduced = qn_comm_wtime();
	run->seconds[QN_WORK] += reduced - start;
	if (!st)
		st = reduce(run, err);
	run->seconds[QN_REDUCE] += qn_comm_wtime() - reduced;
	qn_log(qn_comm_rank(run->team->comm) ? QN_LOG_DEBUG : QN_LOG_INFO,
	       "pass %d: status %d, %.6f s of work, then %.6f s to reduce; here %" PRIu64
	       " chunks, %" PRIu64 " stolen, %" PRIu64 " leased, %" PRIu64 " skipped",
	       run->npasses, (int)st, reduced - start, qn_comm_wtime() - reduced,
	       run->report.nchunks, run->report.nstolen, run->report.nleased, run->report.nskipped);
	run->npasses++;
	return st;
}

static enum quern_status gather_reports(struct qn_run *run, struct quern_message *err)
{
	size_t nranks = (size_t)qn_comm_size(run->team->comm);
	enum quern_status st = QUERN_OK;
	struct rusage usage;

	getrusage(RUSAGE_SELF, &usage);
	run->report.peak_rss_nbytes = (uint64_t)usage.ru_maxrss * 1024;
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

enum quern_status qn_run_work(struct qn_run *run, struct quern_message *err)
{
	const uint64_t fetched = qn_file_fetched();
	bool again = true;
	enum quern_status st = prepare_leases(run, err);

	if (qn_comm_rank(run->team->comm) == 0)
		qn_failover_count_missing(run);
	qn_cpu_reset_fp();
	while (!st && again) {
		st = one_pass(run, err);
		if (!st)
			st = advance(run, &again, err);
	}
	count_fetched(&run->report, fetched);
	if (!st)
		st = gather_reports(run, err);
	if (!st && qn_formula_is_any(&run->formula))
		st = qn_comm_agree(run->team->comm, warn_of_beyond(run, err), err);
	return st;
}
