/*
 * quantiles.h - what the ways of finding quantiles share.
 *
 * Of n values the quantile q is at (n - 1) q among them in rising order, in double as numpy's default has it;
 * between two of them it is a + w (b - a), rounded once. What is looked for are therefore values by their ranks.
 * A state begins alike whichever way they are found:
 *
 *	| count | missing | NaN | what the way has |
 *
 *	counted    of a few rows: in passes, which count values in ever smaller bins (counted.c)
 *	listed     of many rows: all values are kept (listed.c)
 *	sampled    with --approx, where neither is done in one pass: some are kept (sampled.c)
 */
#ifndef QN_KERNELS_QUANTILES_QUANTILES_H
#define QN_KERNELS_QUANTILES_QUANTILES_H

#include "kernel/cells.h"
#include "quern_kernel.h"

#define QN_MOST_QUANTILES 64

enum { QN_QUANTILES_COUNT, QN_QUANTILES_MISSING, QN_QUANTILES_NANS, QN_QUANTILES_REST };

struct qn_quantile_way;

struct qn_quantiles {
	const struct qn_quantile_way *way;
	enum quern_dtype dtype;
	bool nan_missing, is_approximate;
	size_t n; /* of quantiles */
	double q[QN_MOST_QUANTILES];
	uint64_t nrows, most_in_row;
	/* counted: words of counters of a row, slots of a row, and what is sent from rank 0 after each pass (owned). */
	uint64_t most_words;
	size_t most;
	size_t course_nbytes;
	struct qn_quantile_course *course;
	/* sampled: entries, and words of one. */
	size_t nsampled, width;
	int ndim;
	uint64_t shape[QUERN_MAX_DIMS]; /* of the dataset */
};

/* Slots of the kernels, of which each way has its own; those of reviews and passes are of `counted` alone. */
struct qn_quantile_way {
	bool (*open)(struct qn_quantiles *q); /* false: no memory */
	int (*layout)(const struct qn_quantiles *q, struct quern_segment *segments);
	size_t (*most_words)(const struct qn_quantiles *q); /* 0: as many as in the first pass */
	void (*absorb)(const struct qn_quantiles *q, int64_t *state, void *scratch,
		       const struct quern_tile *tile);
	bool (*absorb_rows)(const struct qn_quantiles *q, struct qn_cells *cells, void *scratch,
			    const struct quern_tile *tile, const struct qn_row_run *run);
	void (*normalize)(const struct qn_quantiles *q, int64_t *state); /* NULL: nothing to do */
	/* The values at the quantiles of a state that has some, none of which is NaN. False: no memory. */
	bool (*find)(const struct qn_quantiles *q, const int64_t *state, double *values);
};

extern const struct qn_quantile_way qn_quantiles_counted, qn_quantiles_listed, qn_quantiles_sampled;

/* Values that are no NaN and not missing. */
static inline uint64_t qn_quantiles_nvalues(const int64_t *state)
{
	return (uint64_t)(state[QN_QUANTILES_COUNT] - state[QN_QUANTILES_NANS]);
}

/* --- values.c --- */

/* The ranks of quantile q of n values, n > 0, and the weight of the second: 0 if there is but the first. */
double qn_quantile_ranks(double q, uint64_t n, uint64_t at[2]);

/* Bytes of scratch, of all ways; the first of them. */
#define QN_QUANTILES_SCRATCH_NBYTES (QUERN_TILE_NELEMS * (sizeof(uint64_t) + sizeof(double)))
size_t qn_quantiles_scratch_nbytes(void);

/* Takes the keys of values of a row; row: of the whole result. */
typedef void qn_quantile_take(const struct qn_quantiles *q, int64_t *state, uint64_t row,
			      const uint64_t *keys, size_t n);

/* Counts the elements of a tile, or of a run of it, and gives the keys of their values to be taken. */
void qn_quantiles_absorb(const struct qn_quantiles *q, int64_t *state, void *scratch,
			 const struct quern_tile *tile, qn_quantile_take *take);
bool qn_quantiles_absorb_rows(const struct qn_quantiles *q, struct qn_cells *cells, void *scratch,
			      const struct quern_tile *tile, const struct qn_row_run *run,
			      qn_quantile_take *take);

/* --- counted.c --- */

/* Words of counters that a row may have, where there are so many rows. */
uint64_t qn_quantiles_count_words(uint64_t nrows);
void qn_quantiles_review(void *self, uint64_t row, const int64_t *state);
bool qn_quantiles_advance(void *self, const int64_t *state);

/* --- listed.c --- */

/* The quantile x of the n keys, n > 0, of a list in order. */
double qn_quantile_in_list(const struct qn_quantiles *q, const int64_t *list, uint64_t n, double x);

/* --- sampled.c --- */

/* Entries that a sample needs for its rank error to be at most this, and words of such a sample. */
uint64_t qn_quantiles_sample_size(double rank_error);
uint64_t qn_quantiles_sample_nwords(enum quern_dtype t, uint64_t n);

/* How far off the ranks of what is found may be, as a part of the number of values, and how sure that is. */
double qn_quantiles_rank_error(const struct qn_quantiles *q, const int64_t *state);
#define QN_QUANTILES_CONFIDENCE 0.999999

#endif
