#include "kernel/seen.h"

#include "base/mem.h"

uint64_t qn_seen_nwords(const struct qn_rows *rows)
{
	return qn_ceil_div(rows->nkept ? rows->nrows / rows->nkept : 0, 64);
}

qn_seen *qn_seen_new(const struct qn_rows *rows)
{
	const uint64_t n = qn_seen_nwords(rows) + 1;

	return n > SIZE_MAX ? NULL : qn_calloc((size_t)n, sizeof(qn_seen));
}

static bool has(const qn_seen *seen, uint64_t group)
{
	return atomic_load_explicit(&seen[group / 64], memory_order_relaxed) >> group % 64 & 1;
}

static void set(qn_seen *seen, uint64_t group)
{
	if (!has(seen, group))
		atomic_fetch_or_explicit(&seen[group / 64], UINT64_C(1) << group % 64,
					 memory_order_relaxed);
}

static bool is_there(const uint64_t *there, uint64_t i)
{
	return !there || (there[i / 64] >> i % 64 & 1);
}

/* Is any of n elements from number `first` on there? */
static bool are_any_there(const uint64_t *there, uint64_t first, uint64_t n)
{
	for (uint64_t i = first; i < first + n;) {
		const unsigned shift = i % 64;
		const uint64_t left = first + n - i, word = there[i / 64] >> shift;

		if (left < 64 ? word & ((UINT64_C(1) << left) - 1) : word)
			return true;
		i += 64 - shift;
	}
	return false;
}

/* All elements of the run are of one group. */
static void note_one(qn_seen *seen, uint64_t group, const struct quern_tile *tile,
		     const struct qn_row_run *run)
{
	bool any = !tile->there;

	for (uint64_t s = 0; !any && s < run->nsteps && !has(seen, group); s++)
		any = are_any_there(tile->there, run->first + s * run->stride, run->nelems);
	if (any)
		set(seen, group);
}

/* Rows side by side, of several groups. */
static void note_each(qn_seen *seen, const struct qn_rows *rows, const struct quern_tile *tile,
		      const struct qn_row_run *run)
{
	for (uint64_t s = 0; s < run->nsteps; s++)
		for (size_t i = 0; i < run->nelems; i++) {
			const uint64_t group = (run->row + i) / rows->nkept;

			if (!has(seen, group) &&
			    is_there(tile->there, run->first + s * run->stride + i))
				set(seen, group);
		}
}

static bool is_of_one_group(const struct qn_rows *rows, const struct qn_row_run *run)
{
	return run->kind == QN_RUN_ONE ||
	       run->row / rows->nkept == (run->row + run->nelems - 1) / rows->nkept;
}

void qn_seen_note(qn_seen *seen, const struct qn_rows *rows, const struct quern_tile *tile,
		  const struct qn_row_run *run)
{
	int64_t last = -1;

	if (run->kind != QN_RUN_INDEXED && is_of_one_group(rows, run)) {
		note_one(seen, run->row / rows->nkept, tile, run);
		return;
	}
	if (run->kind != QN_RUN_INDEXED) {
		note_each(seen, rows, tile, run);
		return;
	}
	for (size_t i = 0; i < run->nelems; i++) {
		const int64_t row = run->rows[i];

		if (row < 0 || row == last || !is_there(tile->there, run->first + i))
			continue;
		last = row;
		set(seen, (uint64_t)row / rows->nkept);
	}
}

void qn_seen_scatter(qn_seen *seen, const struct qn_rows *rows, const qn_seen *places,
		     uint64_t first, const int64_t *row, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (row[i] >= 0 && (!places || has(places, first + i)))
			set(seen, (uint64_t)row[i] / rows->nkept);
}

void qn_seen_merge(qn_seen *into, const qn_seen *from, uint64_t nwords)
{
	for (uint64_t i = 0; i < nwords; i++)
		into[i] |= from[i];
}
