/*
 * bins.h - bins of numbers: of equal width, of equal ratio, or between edges that are given; which of them a value
 * is in; and the range of values that are to be counted.
 *
 * Bins are those of numpy.histogram: half open, except the last, which holds its upper edge too. Edges of equal
 * width are those of numpy.linspace in double precision, edges of equal ratio the doubles nearest to
 * lo (hi / lo)^(i / n). Bins are decided by comparing values with edges, exactly, for 64-bit integers too;
 * arithmetic and a table only guess which edges to look at.
 *
 * Slot 0 is what lies below the bins, slot 1 the first of them, slot nbins + 1 what lies above.
 */
#ifndef QN_KERNELS_BINS_BINS_H
#define QN_KERNELS_BINS_BINS_H

#include "kernel/convert_simd.h"
#include "histogram_simd.h"

/* Values at a time: their doubles and slots stay in the cache of level 1. */
#define QN_BINS_BLOCK 256
#define QN_MOST_BINS  1048576 /* 8 MiB of counts */

/* Of keys that order doubles, cells of equal width from the first edge to the last: the slots of the least key of
   each, and of the next one. */
#define QN_BINS_NCELLS 4096

/* Where bins are: what rank 0 sends after a pass that finds it. */
struct qn_bin_edges {
	int64_t is_set;
	double per_width; /* bins per unit: 1 / width */
	int64_t guess_is_near; /* a guess by per_width is wrong only in doubt, by one slot; else there are cells */
	int64_t first_key;
	int64_t cell_shift; /* a cell has that power of two of keys */
	uint32_t cell[QN_BINS_NCELLS + 1];
	/* Slot s holds the values x with from[s] <= x < from[s + 1]. from[0] is -inf; from[nbins + 1] the first
	   double after the last edge; from[nbins + 2] is NaN, with which no comparison holds. The edges
	   themselves, nbins + 1, come behind. */
	double from[];
};

typedef bool qn_bins_guess_fn(const struct qn_histogram_scale *, const double *, size_t,
			      uint32_t *);

struct qn_bins {
	enum quern_dtype dtype; /* of values */
	bool is_log;		/* bins are of equal ratio */
	size_t nbins;
	qn_convert_fn *convert;
	qn_bins_guess_fn *guess;
	struct qn_bin_edges *at; /* borrows */
	double *edges;		 /* those at the end of it */
};

/* Bytes of the edges of so many bins. */
size_t qn_bins_nbytes(size_t nbins);

/* at: zeroed. */
void qn_bins_init(struct qn_bins *b, enum quern_dtype dtype, size_t nbins, bool is_log,
		  struct qn_bin_edges *at);

/* Finite numbers, lo <= hi, of bins of equal ratio above 0. Where both are one number, bins go further on both
   sides: by half a unit, or by a factor of two. */
void qn_bins_set_range(struct qn_bins *b, double lo, double hi);

/* nbins + 1 rising numbers, of which the first and the last may be infinite. */
void qn_bins_set_edges(struct qn_bins *b, const double *edges);

/* The slots of n values, at most QN_BINS_BLOCK, at any address, none of them NaN. */
void qn_bins_find(const struct qn_bins *b, const void *values, size_t n, uint32_t *slot);

/* --- the range of values (extent.c) --- */

/* Two words of a state: the keys of the least and the greatest value, of MIN and MAX segments. Takes the valid
   ones among nelems; those that are infinite or NaN, or of bins of equal ratio not above 0, are left out. packed:
   scratch for as many values. */
void qn_bins_extend(const struct qn_bins *b, const struct quern_var *v, size_t nelems, void *packed,
		    int64_t *least, int64_t *greatest);

/* Sets the range that was found: from 0 to 1, or of equal ratio from 1 to 10, where there is no value. Of 64-bit
   integers ends are rounded outwards. */
void qn_bins_set_found(struct qn_bins *b, int64_t least, int64_t greatest);

#endif
