/*
 * rolling.h - windows along a dimension of the result: what --rolling DIM=N[,weights=triangle|EXPR] asks for.
 *
 * The states of N cells that follow each other along it, with that of the result in the middle, are merged, and one
 * result is emitted of them: a mean is that of all of their elements. Rows of a window are `stride` apart:
 *
 *	row = (outer * length + place) * stride + inner
 *
 * With weights each element of the cell at `offset` from the middle, -half to half, weighs so much, besides what
 * --weights gives it. They are whole numbers, so that exact sums stay sums of the same form.
 */
#ifndef QN_ROLLING_ROLLING_H
#define QN_ROLLING_ROLLING_H

#include "base/error.h"
#include "data/dataset.h"
#include "keys/keys.h"
#include "kernel/rows.h"

struct qn_rolling {
	uint64_t n, half; /* cells of a window, odd; 0: there are no windows */
	char *name;	  /* owned: of the dimension */
	bool is_triangle;
	int64_t *weight; /* owned: of the n cells of a window; NULL: all are alike */
	/* Which it is: a key, or a dimension that is kept; the other one is negative. */
	int key, dim;
	bool wraps; /* the last group is followed by the first */
	uint64_t length, stride;
};

/* QUERN_ERR_USAGE: the text is wrong. Freed with qn_rolling_fini, whatever is returned. Not collective. */
enum quern_status qn_rolling_parse(const char *text, struct qn_rolling *out,
				   struct quern_message *err);
void qn_rolling_fini(struct qn_rolling *r);

/* The dimensions that a result has. Borrows. */
struct qn_rolling_result {
	const struct qn_dataset *dataset;
	const bool *reduced;
	const struct qn_keys *keys;
	const struct qn_rows *
		rows; /* with terms of the kept dimensions from the last to the first, then of keys likewise */
	bool pairs, is_known; /* the groups of all keys are */
};

/* Finds the dimension. QUERN_ERR_USAGE: it is none of the result, or too short. Not collective. */
enum quern_status qn_rolling_find(struct qn_rolling *r, const struct qn_rolling_result *of,
				  struct quern_message *err);

/* Are all cells of the window there whose middle is at this place, of n? */
static inline bool qn_rolling_is_whole(const struct qn_rolling *r, uint64_t n, uint64_t place)
{
	return n >= r->n && (r->wraps || (place >= r->half && place + r->half < n));
}

/*
 * Sweeps (sweeps.c). A table has the rows that windows reach beyond those that are emitted of it: `half` indexes on
 * either side, or, of windows that wrap, all of the dimension.
 */
/* The rows that a table must have at least, of nrows; most: more than that is no use. */
uint64_t qn_rolling_least_rows(const struct qn_rolling *r, uint64_t nrows, uint64_t most);
/* Of at most `rows` rows, as many as make sweeps alike. */
uint64_t qn_rolling_even_rows(const struct qn_rolling *r, uint64_t nrows, uint64_t rows);
/* Rows that the table of a sweep has before the first that is emitted of it, and behind the last. */
uint64_t qn_rolling_reach(const struct qn_rolling *r);
/* Of a table of so many rows, those that are emitted of it. */
uint64_t qn_rolling_emitted(const struct qn_rolling *r, uint64_t nrows, uint64_t rows);

struct qn_rolling_sweep {
	uint64_t first, nrows; /* of the table, */
	uint64_t nemitted;     /* and that are emitted from `row` on */
};
/* The sweep that emits the rows from `row` on. */
struct qn_rolling_sweep qn_rolling_sweep(const struct qn_rolling *r, uint64_t nrows, uint64_t rows,
					 uint64_t row);

#endif
