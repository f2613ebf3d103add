/*
 * tiling.h - the tiles of a sample, cut at random as the engine may cut them, each with memory of its own.
 */
#ifndef QN_PROOF_TILING_H
#define QN_PROOF_TILING_H

#include "proof/sample.h"

/* A tile, the values at an odd address. */
struct qn_cut_tile {
	struct quern_box box;
	struct quern_tile tile;
	struct quern_var var[QUERN_NROLES];
	unsigned char *values; /* owned */
	unsigned char *with;   /* owned */
	float *weight;	       /* owned */
	uint64_t *valid;       /* owned */
};

/* Zeroed, but for roles: there are none yet. */
struct qn_tiling {
	unsigned roles; /* a set: what tiles have besides values */
	bool nomem;	/* a piece was lost: they must not be used */
	size_t n, capacity;
	struct qn_cut_tile **piece; /* owned, each */
};

void qn_tiling_fini(struct qn_tiling *ps);

/* Adds elements first ... first + nelems - 1 of a box. */
void qn_tiling_add(struct qn_tiling *ps, const struct qn_sample *s, const struct quern_box *box,
		   uint64_t first, size_t nelems, uint64_t *seed);

/* Cuts a box into tiles of random lengths; whole: into one. */
void qn_tiling_cut(struct qn_tiling *ps, const struct qn_sample *s, const struct quern_box *box,
		   bool whole, uint64_t *seed);

/* Cuts a box in two along a dimension that may be cut, `depth` times, then into tiles. whole: dimensions that may not
   be; whole[QUERN_MAX_DIMS]: a tile is a whole box. */
void qn_tiling_split(struct qn_tiling *ps, const struct qn_sample *s, const struct quern_box *box,
		     const bool *whole, int depth, uint64_t *seed);

/* Another order. */
void qn_tiling_shuffle(struct qn_tiling *ps, uint64_t *seed);

/* Elements of a box. */
size_t qn_tiling_nelems(const struct quern_box *box);

#endif
