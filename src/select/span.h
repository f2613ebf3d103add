/*
 * span.h - the pairing of two selections along one dimension: element k of the one is element k of
 * the other. Both are blocks at equal distances; they are cut so that each piece has one step on
 * either side.
 */
#ifndef QN_SELECT_SPAN_H
#define QN_SELECT_SPAN_H

#include "data/sources.h"

/* How many indexes of a span are below `size`; those of a limited one all are, for the caller to
   check. */
uint64_t qn_span_clip(const struct qn_span *s, uint64_t size);

/* The number of indexes of a limited span. */
uint64_t qn_span_count(const struct qn_span *s);

/* The k-th index. */
uint64_t qn_span_at(const struct qn_span *s, uint64_t k);

/* Equal steps on both sides. */
struct qn_span_piece {
	uint64_t to, from; /* first indexes */
	uint64_t to_step, from_step, count;
};

/* How the first n indexes of both are cut. */
struct qn_span_pieces {
	const struct qn_span *to, *from; /* keeps */
	uint64_t n;
	uint64_t npieces;
	uint64_t period; /* 0: cut at the ends of blocks; otherwise a piece a residue */
};

void qn_pieces_init(struct qn_span_pieces *p, const struct qn_span *to, const struct qn_span *from,
		    uint64_t n);

/* The piece at which `at`, 0 for the first, stands; moves it to the next. False: there is none. */
bool qn_pieces_next(const struct qn_span_pieces *p, uint64_t *at, struct qn_span_piece *out);

#endif
