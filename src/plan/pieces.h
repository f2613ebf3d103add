/*
 * pieces.h - which items are whose while a plan is made: consecutive items at one seat, or of one
 * rank. A piece may begin and end inside of lumps, and have many of them.
 */
#ifndef QN_PLAN_PIECES_H
#define QN_PLAN_PIECES_H

#include "plan/plan.h"

struct qn_piece {
	uint64_t first, n;
	uint32_t lump; /* that the first item is in */
	uint32_t at;   /* seat or rank */
};

struct qn_pieces {
	uint64_t n, room;
	struct qn_piece *piece; /* owned */
	bool failed;		/* there was no memory for one */
};

void qn_pieces_fini(struct qn_pieces *p);

/* Adds a piece, to the last where it goes on. */
void qn_pieces_add(struct qn_pieces *p, uint64_t first, uint64_t n, uint32_t lump, uint32_t at);

/* The pieces by `at`, and ascending; (*begin)[k] (owned by the caller, nplaces + 1) tells where those
   of k begin. */
enum quern_status qn_pieces_sort(struct qn_pieces *p, uint32_t nplaces, uint64_t **begin,
				 struct quern_message *err);

/* What of a piece is in one lump. */
struct qn_bite {
	const struct qn_lump *lump;
	uint64_t first;
	uint32_t n, number; /* number: of the lump */
};

/* Takes the next bite off a piece; false when nothing is left. */
static inline bool qn_piece_bite(const struct qn_work *w, struct qn_piece *rest, struct qn_bite *b)
{
	const struct qn_lump *l;
	uint64_t left;

	if (!rest->n)
		return false;
	l = &w->lump[rest->lump];
	left = l->first + l->n - rest->first;
	*b = (struct qn_bite){ l, rest->first, (uint32_t)(rest->n < left ? rest->n : left),
			       rest->lump };
	rest->first += b->n;
	rest->n -= b->n;
	rest->lump += b->n == left;
	return true;
}

/* Of `sum`, which all items of the lump have together, those of a bite, so that all bites together
   have all of it. */
static inline uint64_t qn_bite_of(const struct qn_bite *b, uint64_t sum)
{
	const uint64_t each = sum / b->lump->n, rest = sum % b->lump->n;
	const uint64_t from = b->first - b->lump->first;

	if (b->n == b->lump->n)
		return sum;
	return each * b->n + rest * (from + b->n) / b->lump->n - rest * from / b->lump->n;
}

/* Bytes of one of its items. */
static inline double qn_lump_stored(const struct qn_lump *l)
{
	return (double)l->stored / l->n;
}

static inline double qn_lump_decoded(const struct qn_lump *l)
{
	return (double)l->decoded / l->n;
}

/* The lump that an item is in. *hint: one near it, as this left it. */
const struct qn_lump *qn_work_find(const struct qn_work *w, uint64_t item, uint32_t *hint);

#endif
