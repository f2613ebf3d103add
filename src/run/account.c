#include "run/account.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/log.h"
#include "base/mem.h"
#include "find/axes.h"
#include "rolling/windows.h"
#include "run/emit.h"
#include "run/kept.h"
#include "run/owners.h"

/* Of a process with MPI: what is resident more, measured with Open MPI 4.1. */
#define MPI_NBYTES (UINT64_C(9) << 20)
/* Of the library that writes; and of each variable of a result, whose block is in memory as it is filled and as
   the library keeps it. */
#define WRITER_NBYTES (UINT64_C(4) << 20)
#define NBLOCKS	      2
/* Of a block that is compressed, whichever: shuffled and compressed, and what the compressor has. */
#define PACKED_NBYTES (5 * QN_BLOCK_NBYTES / 2)
/* Of a value on rank 0 that is kept: with what says which are there, or in a document and its text. */
#define VALUE_NBYTES (sizeof(int64_t) + 1)
#define TEXT_NBYTES  160
#define DATE_NBYTES  48

/* Bytes of the feed of a worker, whatever member it turns to. */
static uint64_t most_fed(const struct qn_run *run, uint64_t stored)
{
	uint64_t most = 0;

	for (uint32_t i = 0; i < run->subject->mosaic.nforms; i++)
		most = qn_max_u64(most, qn_feed_nbytes(&run->subject->mosaic.form[i],
						       &run->subject->views[i], run->whole,
						       run->subject->mosaic.nledgers > 0, stored,
						       run->items.max_nelems));
	return most;
}

static const char *const part_names[QN_NPARTS_OF_MEMORY] = {
	"process",	     "chunks", "operands", "keys", "cells", "share of the plan",
	"rows on their way", "result",
};

/* Groups and what they are called. */
static uint64_t keys_nbytes(const struct qn_run *run)
{
	const bool leads = qn_comm_rank(run->team->comm) == 0;
	uint64_t nbytes = 0;

	for (int i = 0; i < run->keys.n; i++) {
		const struct qn_key *k = &run->keys.key[i];
		const uint64_t text = qn_key_is_text(k) ? 48 + k->text_nbytes : 0;

		nbytes += k->nindexes * sizeof(*k->group) +
			  k->ngroups * (sizeof(int64_t) + k->text_nbytes);
		nbytes += leads ? k->ngroups * (sizeof(int64_t) + text) : 0;
	}
	for (int d = 0; d < run->rows.selection.ndim; d++)
		nbytes += run->number[d] ? run->rows.selection.count[d] * sizeof(*run->number[d])
					 : 0;
	return nbytes + qn_computed_nbytes(&run->computed);
}

uint64_t qn_account_product(uint64_t a, uint64_t b)
{
	uint64_t n;

	return qn_mul(a, b, &n) ? qn_min_u64(n, UINT64_MAX / 8) : UINT64_MAX / 8;
}

/* A coordinate, of which the result has another copy. */
static uint64_t axis_nbytes(const struct qn_axis_values *v)
{
	return 2 * (qn_account_product(v->n, (v->bounds ? 3 : 1) * sizeof(int64_t)) +
		    v->dates.n * DATE_NBYTES);
}

/* Rank 0: coordinates of dimensions, and others. */
static uint64_t axes_nbytes(const struct qn_run *run)
{
	const struct qn_subject *s = run->subject;
	uint64_t n = 0;

	for (int d = 0; s->axes && d < s->dataset.ndim; d++)
		n += axis_nbytes(&s->axes[d]);
	for (size_t i = 0; i < s->nothers; i++)
		n += axis_nbytes(&s->other[i]);
	return n;
}

/* Rank 0: of all chunks, once more while ranks are given their share. */
static uint64_t index_nbytes(const struct qn_run *run)
{
	uint64_t n = 0;

	for (uint32_t m = 0; m < run->subject->mosaic.nmembers; m++)
		n += run->subject->mosaic.member[m].nchunks;
	return qn_comm_rank(run->team->comm) ? 0 : 2 * n * sizeof(struct qn_chunk);
}

/* What goes into a file as it comes: of each field a few blocks. */
static uint64_t streamed_nbytes(const struct qn_run *run, uint64_t nvalues)
{
	const uint64_t nfields = qn_run_nfields(run);
	const uint64_t all = qn_account_product(run->rows.nrows, nvalues * sizeof(int64_t));

	return WRITER_NBYTES + qn_min_u64(3 * all, PACKED_NBYTES) +
	       NBLOCKS * qn_min_u64(all, nfields * QN_BLOCK_NBYTES);
}

static uint64_t result_nbytes(const struct qn_run *run)
{
	const uint64_t each = run->settings.most_cells ? TEXT_NBYTES : VALUE_NBYTES;
	uint64_t nvalues;

	if (!qn_kept_any(run) || qn_comm_rank(run->team->comm))
		return 0;
	nvalues = qn_run_row_nvalues(run);
	return axes_nbytes(run) + (run->settings.streams
					   ? streamed_nbytes(run, nvalues)
					   : qn_account_product(run->rows.nrows, nvalues * each));
}

static uint64_t process_nbytes(const struct qn_run *run)
{
	return QN_PROCESS_NBYTES + (qn_comm_size(run->team->comm) > 1 ? MPI_NBYTES : 0);
}

/* Of a run with a journal: which items are done here, and which were before. */
static uint64_t kept_nbytes(const struct qn_run *run)
{
	return run->journal ? 2 * qn_ceil_div(run->items.nitems, 8) : 0;
}

/* Before the plan is made, twice as much as if all had the same. */
static uint64_t share_nbytes(const struct qn_run *run)
{
	const uint64_t nranks = (uint64_t)qn_comm_size(run->team->comm);
	const uint64_t n = run->share.nitems ? run->share.nchunks
			   : nranks > 1	     ? qn_ceil_div(2 * run->nchunks, nranks)
					     : run->nchunks;

	return run->share.nstretches * sizeof(struct qn_stretch) + n * sizeof(struct qn_chunk);
}

void qn_account_take(const struct qn_run *run, uint64_t stored, uint64_t nrows,
		     struct qn_account *a)
{
	const bool tries = run->kernel->repeats || run->settings.skips;
	const uint64_t nadded = qn_kept_added_nbytes(run, nrows);
	const uint64_t nstate = (run->rolling.n ? 2 : 1) * qn_kept_nbytes(run, nrows) +
				(run->places.are_used ? nadded : 0);
	const uint64_t nown = qn_kept_are_shared(run, nrows) ? 0
			      : tries && !qn_kept_any(run)   ? 2 * nadded
							     : nadded;

	a->a_thread = qn_min_u64(most_fed(run, stored), UINT64_MAX / 4) + nown +
		      qn_cells_scratch_nbytes(run->kernel, run->self, &run->layout) +
		      qn_formula_worker_nbytes(&run->formula, qn_kept_tile_nelems(run),
					       run->items.max_nelems) +
		      qn_computed_worker_nbytes(&run->computed, qn_kept_tile_nelems(run),
						run->items.max_nelems) +
		      (run->rolling.n ? qn_windows_nbytes(&run->rolling, &run->layout) : 0);
	a->part[QN_OF_PROCESS] = process_nbytes(run);
	a->part[QN_OF_INDEX] = index_nbytes(run);
	a->part[QN_OF_OPERANDS] = qn_formula_nbytes(&run->formula);
	a->part[QN_OF_KEYS] = keys_nbytes(run);
	a->part[QN_OF_TABLE] = nstate;
	a->part[QN_OF_SHARE] = share_nbytes(run) + kept_nbytes(run);
	a->part[QN_OF_MERGING] = qn_kept_any(run)		      ? qn_owners_nbytes(run, nrows)
				 : qn_comm_rank(run->team->comm) == 0 ? 2 * nstate
								      : 0;
	a->part[QN_OF_RESULT] = result_nbytes(run);
	a->rest = 0;
	for (int i = 0; i < QN_NPARTS_OF_MEMORY; i++)
		a->rest += a->part[i];
}

void qn_account_log(const struct qn_account *a, uint64_t nthreads)
{
	char text[512] = "";

	for (int i = 0; i < QN_NPARTS_OF_MEMORY; i++)
		if (a->part[i])
			snprintf(text + strlen(text), sizeof(text) - strlen(text), "%s %.1f MiB, ",
				 part_names[i], (double)a->part[i] / 0x1p20);
	qn_log(QN_LOG_INFO, "memory: %s%" PRIu64 " threads %.1f MiB each", text, nthreads,
	       (double)a->a_thread / 0x1p20);
}
