#include "run/memory.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/mem.h"
#include "base/process.h"
#include "cluster/room.h"
#include "find/axes.h"
#include "run/emit.h"
#include "run/kept.h"
#include "run/owners.h"
#include "rolling/windows.h"

/* Of a process with its libraries before it has any work, and with MPI as well: what is resident, measured with HDF5
   1.10 and Open MPI 4.1. */
#define PROCESS_NBYTES (UINT64_C(16) << 20)
#define MPI_NBYTES     (UINT64_C(9) << 20)
/* Of the library that writes; and of each variable of a result, whose block is in memory as it is filled and as
   the library keeps it. */
#define WRITER_NBYTES (UINT64_C(4) << 20)
#define BLOCK_NBYTES  (UINT64_C(1) << 20)
#define NBLOCKS	      2
/* Of a block that is compressed, whichever: shuffled and compressed, and what the compressor has. */
#define PACKED_NBYTES (5 * BLOCK_NBYTES / 2)
/* A share of the plan that is larger than was thought by no more than this part of the limit is let pass. */
#define PART_OF_LIMIT 32
#define LEAST_NROWS   QN_COLUMN_BLOCK /* of a sweep */
#define NSAMPLES      64	      /* items that are looked at */
/* Of large states of rows, where a sweep of so much reads nothing twice: memory that has not been used before costs
   more than another sweep, and a sweep has that of the one before. */
#define SWEEP_NBYTES (UINT64_C(256) << 20)
/* Of a value on rank 0 that is kept: with what says which are there, or in a document and its text. */
#define VALUE_NBYTES (sizeof(int64_t) + 1)
#define TEXT_NBYTES  160
#define DATE_NBYTES  48

/* Rank 0: the longest chunk as it is stored, and how many there are. */
static void look_at_chunks(const struct qn_run *run, uint64_t *longest, uint64_t *n)
{
	for (uint32_t m = 0; m < run->subject->mosaic.nmembers; m++)
		for (uint64_t i = 0; i < run->subject->mosaic.member[m].nchunks; i++, ++*n)
			*longest = qn_max_u64(*longest,
					      run->subject->mosaic.member[m].chunks[i].nbytes);
}

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

/* What a rank holds at most. */
enum part { PROCESS, INDEX, OPERANDS, KEYS, TABLE, SHARE, MERGING, RESULT, NPARTS };
static const char *const part_names[NPARTS] = {
	"process",	     "chunks", "operands", "keys", "cells", "share of the plan",
	"rows on their way", "result",
};

/* What each thread has, a state of its own among it where states are small, and one for what is tried; and the rest,
   with the table that all is merged into. */
struct account {
	uint64_t a_thread, rest;
	uint64_t part[NPARTS]; /* of the rest */
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

/* Adds up, and multiplies, to what is larger than memory can be. */
static uint64_t product(uint64_t a, uint64_t b)
{
	uint64_t n;

	return qn_mul(a, b, &n) ? qn_min_u64(n, UINT64_MAX / 8) : UINT64_MAX / 8;
}

/* A coordinate, of which the result has another copy. */
static uint64_t axis_nbytes(const struct qn_axis_values *v)
{
	return 2 *
	       (product(v->n, (v->bounds ? 3 : 1) * sizeof(int64_t)) + v->dates.n * DATE_NBYTES);
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
	const uint64_t all = product(run->rows.nrows, nvalues * sizeof(int64_t));

	return WRITER_NBYTES + qn_min_u64(3 * all, PACKED_NBYTES) +
	       NBLOCKS * qn_min_u64(all, nfields * BLOCK_NBYTES);
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
					   : product(run->rows.nrows, nvalues * each));
}

static uint64_t process_nbytes(const struct qn_run *run)
{
	return PROCESS_NBYTES + (qn_comm_size(run->team->comm) > 1 ? MPI_NBYTES : 0);
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

/* With a table of so many rows. What is larger than memory can be stays so when more is added. */
static void take_account(const struct qn_run *run, uint64_t stored, uint64_t nrows,
			 struct account *a)
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
	a->part[PROCESS] = process_nbytes(run);
	a->part[INDEX] = index_nbytes(run);
	a->part[OPERANDS] = qn_formula_nbytes(&run->formula);
	a->part[KEYS] = keys_nbytes(run);
	a->part[TABLE] = nstate;
	a->part[SHARE] = share_nbytes(run);
	a->part[MERGING] = qn_kept_any(run)			? qn_owners_nbytes(run, nrows)
			   : qn_comm_rank(run->team->comm) == 0 ? 2 * nstate
								: 0;
	a->part[RESULT] = result_nbytes(run);
	a->rest = 0;
	for (int i = 0; i < NPARTS; i++)
		a->rest += a->part[i];
}

/* So many at least are of a sweep, where the result has them. Which groups it has must be seen in one. */
static uint64_t least_rows(const struct qn_run *run)
{
	if (run->rows.nkept)
		return run->rows.nrows;
	return run->rolling.n ? qn_rolling_least_rows(&run->rolling, run->rows.nrows, LEAST_NROWS)
			      : qn_min_u64(run->rows.nrows, LEAST_NROWS);
}

static uint64_t mib(uint64_t nbytes)
{
	return (nbytes >> 20) + 1;
}

static uint64_t find_limit(const struct qn_run *run, char *why, size_t n)
{
	return qn_room_limit(&run->subject->settings.memory, qn_comm_host_size(run->team->comm), n,
			     why);
}

/* Sums of a few values that differ more than usual must have room beside a table. */
static uint64_t spare_nbytes(const struct qn_run *run, const struct account *a)
{
	return qn_kept_any(run) ? a->part[TABLE] / 4 + BLOCK_NBYTES : 0;
}

/* With the account of one thread and of the least rows of a sweep: as much memory does. */
static enum quern_status refuse(const struct qn_run *run, const struct account *a, uint64_t limit,
				const char *why, struct quern_message *err)
{
	const int rank = qn_comm_rank(run->team->comm);
	const uint64_t needs = mib(a->rest + a->a_thread + spare_nbytes(run, a));
	char parts[64] = "", raise[64] = "";

	if (limit <= PROCESS_NBYTES)
		return qn_error_set(
			err, QUERN_ERR_RUN,
			"rank %d needs about %" PRIu64 " MiB, %" PRIu64
			" of them for the process before it reads anything, more than %s: %s",
			rank, needs, PROCESS_NBYTES >> 20, why,
			why[0] == '-' ? "raise it to as much at least"
				      : "start fewer ranks on a host, or where there is more");
	snprintf(raise, sizeof(raise), why[0] == '-' ? "raise it to %" PRIu64 "M at least, " : "",
		 needs);
	if (run->rows.nrows > least_rows(run))
		snprintf(parts, sizeof(parts), ", even of %" PRIu64 " at a time", least_rows(run));
	if (qn_kept_any(run) && a->rest - a->part[PROCESS] > a->a_thread)
		return qn_error_set(err, QUERN_ERR_RUN,
				    "rank %d needs about %" PRIu64 " MiB for the %" PRIu64
				    " cells of the result%s, more than %s: %sreduce over more "
				    "dimensions, select less with -s, or ask for fewer --fields",
				    rank, needs, run->rows.nrows, parts, why, raise);
	return qn_error_set(
		err, QUERN_ERR_RUN,
		"rank %d needs about %" PRIu64 " MiB with one thread, "
		"%" PRIu64 " of them for what it computes with at once (chunks are decoded "
		"whole), more than %s: %s%smake the chunks smaller with h5repack",
		rank, needs, mib(a->a_thread), why, raise,
		raise[0] ? "or " : "start fewer ranks on a host, or where there is more, or ");
}

/* --- sweeps --- */

static bool fits(const struct qn_run *run, uint64_t stored, uint64_t limit, uint64_t nthreads,
		 uint64_t nrows)
{
	struct account a;

	take_account(run, stored, nrows, &a);
	return limit > a.rest && (limit - a.rest) / nthreads >= a.a_thread;
}

/* As many rows as there is memory for with so many threads, of sweeps that are alike; 0: too few. */
static uint64_t most_rows(const struct qn_run *run, uint64_t stored, uint64_t limit,
			  uint64_t nthreads)
{
	uint64_t low = least_rows(run), high = run->rows.nrows;

	if (fits(run, stored, limit, nthreads, high))
		return high;
	if (low == high || !fits(run, stored, limit, nthreads, low))
		return 0;
	while (high - low > 1) {
		const uint64_t at = low + (high - low) / 2;

		*(fits(run, stored, limit, nthreads, at) ? &low : &high) = at;
	}
	return run->rolling.n ? qn_rolling_even_rows(&run->rolling, run->rows.nrows, low)
			      : qn_ceil_div(run->rows.nrows, qn_ceil_div(run->rows.nrows, low));
}

/* How many sweeps of tables of so many rows need an item, as some of them have it. */
static double count_needs(const struct qn_run *run, uint64_t nrows)
{
	const uint64_t reach = run->rolling.n ? qn_rolling_reach(&run->rolling) : 0;
	const uint64_t each = qn_kept_emitted(run, nrows);
	const uint64_t n = run->items.nitems, nsamples = qn_min_u64(n, NSAMPLES);
	struct qn_slot slot = { .is_set = false };
	uint64_t nsweeps = 0;

	for (uint64_t i = 0; i < nsamples; i++) {
		struct quern_box from, box;
		uint64_t first, last;

		qn_items_seek(&run->items, n / nsamples * i, &slot);
		qn_slot_box(&slot, &from, &box);
		if (qn_rows_span(&run->rows, &box, &first, &last))
			nsweeps += qn_min_u64(last + reach, run->rows.nrows - 1) / each -
				   (first - qn_min_u64(first, reach)) / each + 1;
	}
	return nsamples ? (double)nsweeps / (double)nsamples : 1;
}

/* Fewer threads leave more room for rows: the way in which least is read a thread. 0: there is none. */
static uint64_t choose_threads(struct qn_run *run, uint64_t stored, uint64_t limit, uint64_t most)
{
	uint64_t best = 0;
	double least = 0;

	for (uint64_t n = most; n > 0; n--) {
		const uint64_t nrows = most_rows(run, stored, limit, n);
		double cost;

		if (!nrows && run->rows.nrows)
			continue;
		cost = nrows < run->rows.nrows ? count_needs(run, nrows) : 1;
		if (best && cost / (double)n >= least)
			continue;
		best = n;
		least = cost / (double)n;
		run->most_rows = nrows;
		if (nrows == run->rows.nrows)
			break;
	}
	return best;
}

/* Rows of whole chunks along the outermost kept dimension, of at least SWEEP_NBYTES; all, where they are not so. */
static uint64_t rows_of_chunks(const struct qn_run *run)
{
	const struct qn_dataset *d = &run->subject->dataset;
	const uint64_t each = qn_max_u64(qn_kept_nbytes(run, 1), 1), all = run->rows.nrows;
	uint64_t unit;
	int k = 0;

	while (k < d->ndim && run->reduced[k])
		k++;
	if (k == d->ndim || run->keys.n || run->rolling.n || run->rows.nkept)
		return all;
	unit = d->chunk[k] * (all / run->rows.selection.count[k]);
	return qn_min_u64(unit * qn_max_u64(SWEEP_NBYTES / each / qn_max_u64(unit, 1), 1), all);
}

/* Smaller sweeps than there is memory for. */
static void narrow_sweeps(struct qn_run *run)
{
	const bool reviews = run->kernel->is_reviewed && run->kernel->is_reviewed(run->self);
	const uint64_t nrows = run->kernel->has_row_states && !reviews ? rows_of_chunks(run)
								       : run->most_rows;

	if (nrows < run->most_rows && count_needs(run, nrows) <= 1)
		run->most_rows = nrows;
}

/* As many threads as there is memory for. */
static uint64_t count_threads(struct qn_run *run, uint64_t stored, uint64_t limit, uint64_t most)
{
	struct account a;

	take_account(run, stored, run->most_rows, &a);
	return qn_min_u64(most, limit > a.rest ? (limit - a.rest) / a.a_thread : 0);
}

static uint64_t find_threads(struct qn_run *run, uint64_t stored, uint64_t limit, uint64_t most)
{
	uint64_t n = qn_kept_any(run) ? choose_threads(run, stored, limit, most)
				      : count_threads(run, stored, limit, most);

	if (run->places.are_used && (n < most || run->most_rows < run->rows.nrows)) {
		run->places.are_used = false;
		n = choose_threads(run, stored, limit, most);
	}
	return n;
}

/* Of operands: that are kept by each of so many threads. */
static void limit_chunks(struct qn_run *run, uint64_t nbytes, uint64_t nthreads)
{
	qn_formula_limit(&run->formula, nbytes / qn_max_u64(nthreads, 1));
	qn_computed_limit(&run->computed, nbytes / qn_max_u64(nthreads, 1));
}

/* Chunks that are kept are for speed only. */
static enum quern_status fit(struct qn_run *run, uint64_t stored, struct quern_message *err)
{
	char why[160];
	const uint64_t limit = find_limit(run, why, sizeof(why)), most = run->nthreads;
	struct account a;
	uint64_t n;

	limit_chunks(run, limit / 8, most);
	n = find_threads(run, stored, limit, most);
	if (!n) {
		limit_chunks(run, 0, most);
		n = find_threads(run, stored, limit, most);
	}
	if (!n) {
		run->nthreads = 1;
		take_account(run, stored, least_rows(run), &a);
		return refuse(run, &a, limit, why, err);
	}
	run->nthreads = (uint32_t)n;
	if (qn_kept_any(run))
		narrow_sweeps(run);
	return QUERN_OK;
}

/* A sweep has the same rows on all ranks: as many as all have room for. *differ: some have room for places, which none
   has from now on. */
static enum quern_status agree_on_rows(struct qn_run *run, const struct qn_team *team, bool *differ,
				       struct quern_message *err)
{
	const bool are_used = run->places.are_used;
	int64_t mine[3] = { (int64_t)run->most_rows, are_used, -(int64_t)are_used };
	enum quern_status st = qn_comm_reduce(team->comm, mine, 3, QUERN_MIN, err);

	if (!st)
		st = qn_comm_bcast(team->comm, mine, sizeof(mine), err);
	*differ = !st && mine[1] != -mine[2];
	run->most_rows = (uint64_t)mine[0];
	run->places.are_used = mine[1];
	run->places.are_there = run->places.are_there && !*differ;
	return st;
}

/* On all ranks. Collective. */
static enum quern_status fit_all(struct qn_run *run, struct qn_team *team, uint64_t stored,
				 struct quern_message *err)
{
	bool again;
	enum quern_status st;

	qn_kept_use_places(run);
	do {
		again = false;
		st = qn_comm_agree(team->comm, fit(run, stored, err), err);
		team->place.nthreads = run->report.nthreads = run->nthreads;
		if (!st && qn_kept_any(run))
			st = agree_on_rows(run, team, &again, err);
	} while (!st && again);
	return st;
}

/* --- */

static enum quern_status warn_of_threads(struct qn_run *run, const struct qn_place *before,
					 uint64_t stored, struct quern_message *err)
{
	char text[512], why[160], others[40] = "";
	struct account a;
	int n = 0, first = -1;

	for (int r = 0; r < qn_comm_size(run->team->comm); r++)
		if (run->team->places[r].nthreads < before[r].nthreads) {
			first = first < 0 ? r : first;
			n++;
		}
	if (!n)
		return QUERN_OK;
	take_account(run, stored, run->most_rows, &a);
	find_limit(run, why, sizeof(why));
	if (n > 1)
		snprintf(others, sizeof(others), " (and others, %d in all)", n);
	snprintf(text, sizeof(text),
		 "rank %d works with %u of %u threads%s: each holds about %" PRIu64
		 " MiB, as chunks are decoded whole, and more would not fit into %s",
		 first, run->team->places[first].nthreads, before[first].nthreads, others,
		 mib(a.a_thread), why);
	return qn_names_add(&run->warnings, text, err);
}

/* Fewer threads where chunks are too large for all of them at once, before the plan counts on these. */
enum quern_status qn_memory_settle(struct qn_run *run, struct qn_team *team, uint64_t *longest,
				   struct quern_message *err)
{
	const bool leads = qn_comm_rank(team->comm) == 0;
	const size_t nranks = (size_t)qn_comm_size(team->comm);
	uint64_t seen[2] = { 1, 0 };
	struct qn_place *before = NULL;
	enum quern_status st;

	if (leads)
		look_at_chunks(run, &seen[0], &seen[1]);
	st = qn_comm_bcast(team->comm, seen, sizeof(seen), err);
	*longest = run->longest = seen[0];
	run->nchunks = seen[1];
	if (!st) {
		before = leads ? qn_calloc(nranks, sizeof(*before)) : NULL;
		if (leads && !before)
			st = qn_error_nomem(err, 0, "cards");
		if (before)
			memcpy(before, team->places, nranks * sizeof(*before));
		st = qn_comm_agree(team->comm, st, err);
	}
	if (!st)
		st = fit_all(run, team, run->longest, err);
	if (!st)
		st = qn_team_update(team, err);
	if (!st && before)
		st = warn_of_threads(run, before, run->longest, err);
	free(before);
	return qn_comm_agree(team->comm, st, err);
}

/* Of keys that collect values, and of cells for all of these. */
static uint64_t most_of_values(const struct qn_run *run)
{
	const uint64_t nelems = qn_picks_nelems(&run->subject->picks, &run->subject->selection);
	const uint64_t n = qn_min_u64(nelems, QN_MOST_VALUES_OF_KEY);
	uint64_t nrows = qn_max_u64(run->rows.nkept, 1), nbytes = 0;
	int nkeys = 0;

	for (int i = 0; i < run->keys.n; i++)
		nrows = product(nrows, qn_max_u64(run->keys.key[i].ngroups, 1));
	for (int i = 0; i < run->computed.n; i++) {
		if (run->computed.given[i].kind != QN_COMPUTED_VALUES)
			continue;
		nbytes += qn_values_most_nbytes(n, run->nthreads);
		nrows = product(nrows, n);
		nkeys++;
	}
	return nkeys ? qn_min_u64(nbytes + qn_kept_nbytes(run, nrows), UINT64_MAX / 8) : 0;
}

static void log_account(const struct account *a, uint64_t nthreads)
{
	char text[512] = "";

	for (int i = 0; i < NPARTS; i++)
		if (a->part[i])
			snprintf(text + strlen(text), sizeof(text) - strlen(text), "%s %.1f MiB, ",
				 part_names[i], (double)a->part[i] / 0x1p20);
	qn_log(QN_LOG_INFO, "memory: %s%" PRIu64 " threads %.1f MiB each", text, nthreads,
	       (double)a->a_thread / 0x1p20);
}

enum quern_status qn_memory_check(struct qn_run *run, uint64_t longest, struct quern_message *err)
{
	char why[160];
	const uint64_t limit = find_limit(run, why, sizeof(why));
	const uint64_t asked = run->subject->settings.memory.nbytes, nthreads = run->nthreads;
	struct account a;
	uint64_t nbytes;

	take_account(run, longest, run->most_rows, &a);
	nbytes = a.rest + a.a_thread * nthreads;
	/* Coordinates, labels and small operands have been read whole by now. */
	run->memory_nbytes = run->report.memory_nbytes = qn_max_u64(nbytes, qn_process_peak());
	log_account(&a, nthreads);
	run->room.most = limit > nbytes ? limit - nbytes : 0;
	run->room.beside = nbytes;
	run->room.enough = nbytes + most_of_values(run);
	memcpy(run->room.why, why, sizeof(run->room.why));
	/* What is left is for sums that become larger than they usually are. */
	run->cells_nbytes = qn_kept_added_nbytes(run, run->most_rows) *
				    qn_kept_ntables(run, run->most_rows) +
			    (limit > nbytes ? limit - nbytes : 0);
	if (!asked || nbytes <= asked + asked / PART_OF_LIMIT)
		return QUERN_OK;
	return qn_error_set(err, QUERN_ERR_RUN,
			    "rank %d needs about %" PRIu64 " MiB (%u threads), "
			    "more than --memory %s: use fewer threads a rank, or raise it",
			    qn_comm_rank(run->team->comm), mib(nbytes), run->nthreads,
			    run->subject->settings.memory.text);
}

enum quern_status qn_memory_settle_rows(struct qn_run *run, struct quern_message *err)
{
	bool differ; /* not: places are used on all ranks by now, or on none */
	enum quern_status st = qn_state_layout(run->kernel, run->self, &run->layout, err);

	if (!st)
		st = fit(run, run->longest, err);
	st = qn_comm_agree(run->team->comm, st, err);
	if (!st)
		st = agree_on_rows(run, run->team, &differ, err);
	if (!st)
		st = qn_memory_check(run, run->longest, err);
	return qn_comm_agree(run->team->comm, st, err);
}
