/*
 * binned.h - what kernels that count values in bins share: their options, tiles, and results.
 */
#ifndef QN_KERNELS_BINS_BINNED_H
#define QN_KERNELS_BINS_BINNED_H

#include "bins.h"
#include "counts.h"

/* --- options --- */

/* The edges that an option has, owned, and how many bins they make, or the number that is there already. *edges:
   NULL, if there are none. beside: options that make no sense with them, ending with NULL. */
enum quern_status qn_bins_read_edges(const struct quern_input *in, const char *option,
				     const char *const *beside, double **edges, size_t *nbins);

/* Two finite numbers that rise, or are the same; of bins of equal ratio above 0. */
enum quern_status qn_bins_check_range(const struct quern_input *in, const char *option,
				      const double range[2], bool is_log);

/* --- tiles --- */

/* Bytes of a tile's values. */
#define QN_PACKED_NBYTES (QUERN_TILE_NELEMS * sizeof(double))

/* Of roles that are asked for, side by side: n of each. */
struct qn_packed {
	const void *of[QUERN_NROLES];
	size_t n;
};

/* Leaves what is valid, and of no value NaN. roles: a set, in which QUERN_VALUE is. What is packed is borrowed from the tile, or
   from scratch, which has room for each. */
void qn_bins_pack(const struct quern_tile *tile, unsigned roles, void *scratch,
		  struct qn_packed *packed);

/* --- results --- */

#define QN_MOST_BINNED_DIMS 2

/* Counted slots of a box of bins, in C order, with those outside. */
struct qn_binned {
	const struct qn_slots *slots;
	const int64_t *words;
	int ndims;
	const struct qn_bins *bins[QN_MOST_BINNED_DIMS];
};

/* Values that are in a bin. */
uint64_t qn_binned_total(const struct qn_binned *b);

/* The fields counts, weights where there are some, and density. */
void qn_binned_emit(const struct qn_binned *b, bool has_density, struct quern_result *r);

#endif
