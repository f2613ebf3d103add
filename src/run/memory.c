#include "run/memory.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/process.h"
#include "cluster/room.h"
#include "find/warnings.h"
#include "rolling/windows.h"
#include "run/account.h"
#include "run/kept.h"

/* So often chunks may be read without a word. */
#define MANY_READS 8
/* A share of the plan that is larger than was thought by no more than this part of the limit is let pass. */
#define PART_OF_LIMIT 32
#define LEAST_NROWS   QN_COLUMN_BLOCK /* of a sweep */
#define NSAMPLES      64	      /* items that are looked at */
/* Of large states of rows, where a sweep of so much reads nothing twice: memory that has not been used before costs
   more than another sweep, and a sweep has that of the one before. */
#define SWEEP_NBYTES (UINT64_C(256) << 20)
/* Rank 0: the longest chunk as it is stored, and how many there are. */
static void look_at_chunks(const struct qn_run *run, uint64_t *longest, uint64_t *n)
{
	for (uint32_t m = 0; m < run->subject->mosaic.nmembers; m++)
		for (uint64_t i = 0; i < run->subject->mosaic.member[m].nchunks; i++, ++*n)
			*longest = qn_max_u64(*longest,
					      run->subject->mosaic.member[m].chunks[i].nbytes);
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
static uint64_t spare_nbytes(const struct qn_run *run, const struct qn_account *a)
{
	return qn_kept_any(run) ? a->part[QN_OF_TABLE] / 4 + QN_BLOCK_NBYTES : 0;
}

/* With the account of one thread and of the least rows of a sweep: as much memory does. */
static enum quern_status refuse(const struct qn_run *run, const struct qn_account *a,
				uint64_t limit, const char *why, struct quern_message *err)
{
	const int rank = qn_comm_rank(run->team->comm);
	const uint64_t needs = mib(a->rest + a->a_thread + spare_nbytes(run, a));
	char parts[64] = "", raise[64] = "";

	if (limit <= QN_PROCESS_NBYTES)
		return qn_error_set(
			err, QUERN_ERR_RUN,
			"rank %d needs about %" PRIu64 " MiB, %" PRIu64
			" of them for the process before it reads anything, more than %s: %s",
			rank, needs, QN_PROCESS_NBYTES >> 20, why,
			why[0] == '-' ? "raise it to as much at least"
				      : "start fewer ranks on a host, or where there is more");
	snprintf(raise, sizeof(raise), why[0] == '-' ? "raise it to %" PRIu64 "M at least, " : "",
		 needs);
	if (run->rows.nrows > least_rows(run))
		snprintf(parts, sizeof(parts), ", even of %" PRIu64 " at a time", least_rows(run));
	if (qn_kept_any(run) && a->rest - a->part[QN_OF_PROCESS] > a->a_thread)
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
	struct qn_account a;

	qn_account_take(run, stored, nrows, &a);
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
	struct qn_account a;

	qn_account_take(run, stored, run->most_rows, &a);
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
	struct qn_account a;
	uint64_t n;

	limit_chunks(run, limit / 8, most);
	n = find_threads(run, stored, limit, most);
	if (!n) {
		limit_chunks(run, 0, most);
		n = find_threads(run, stored, limit, most);
	}
	if (!n) {
		run->nthreads = 1;
		qn_account_take(run, stored, least_rows(run), &a);
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
	struct qn_account a;
	int n = 0, first = -1;

	for (int r = 0; r < qn_comm_size(run->team->comm); r++)
		if (run->team->places[r].nthreads < before[r].nthreads) {
			first = first < 0 ? r : first;
			n++;
		}
	if (!n)
		return QUERN_OK;
	qn_account_take(run, stored, run->most_rows, &a);
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

/* Rows that do not fit make the run read its data again and again. */
static enum quern_status warn_of_sweeps(struct qn_run *run, uint64_t stored,
					struct quern_message *err)
{
	const uint64_t n = run->most_rows, all = run->rows.nrows;
	const double nreads = qn_kept_any(run) && n < all ? count_needs(run, n) : 1;
	struct qn_account a;
	char why[160];

	if (nreads <= MANY_READS)
		return QUERN_OK;
	find_limit(run, why, sizeof(why));
	qn_account_take(run, stored, all, &a);
	return qn_warnings_add(&run->warnings, err,
			       "each chunk is read and decoded about %.0f times, as only %" PRIu64
			       " of the %" PRIu64 " cells of the result fit into %s at a time: "
			       "all of them need about %" PRIu64 " MiB",
			       nreads, n, all, why,
			       mib(a.rest + a.a_thread * run->nthreads + spare_nbytes(run, &a)));
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
	if (!st && leads)
		st = warn_of_sweeps(run, run->longest, err);
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
		nrows = qn_account_product(nrows, qn_max_u64(run->keys.key[i].ngroups, 1));
	for (int i = 0; i < run->computed.n; i++) {
		if (run->computed.given[i].kind != QN_COMPUTED_VALUES)
			continue;
		nbytes += qn_values_most_nbytes(n, run->nthreads);
		nrows = qn_account_product(nrows, n);
		nkeys++;
	}
	return nkeys ? qn_min_u64(nbytes + qn_kept_nbytes(run, nrows), UINT64_MAX / 8) : 0;
}

enum quern_status qn_memory_check(struct qn_run *run, uint64_t longest, struct quern_message *err)
{
	char why[160];
	const uint64_t limit = find_limit(run, why, sizeof(why));
	const uint64_t asked = run->subject->settings.memory.nbytes, nthreads = run->nthreads;
	struct qn_account a;
	uint64_t nbytes;

	qn_account_take(run, longest, run->most_rows, &a);
	nbytes = a.rest + a.a_thread * nthreads;
	/* Coordinates, labels and small operands have been read whole by now. */
	run->memory_nbytes = run->report.memory_nbytes = qn_max_u64(nbytes, qn_process_peak());
	qn_account_log(&a, nthreads);
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
