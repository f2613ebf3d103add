/*
 * piece.h - the operands of a formula for some elements of a box, side by side.
 */
#ifndef QN_FORMULA_PIECE_H
#define QN_FORMULA_PIECE_H

#include "formula/formula.h"
#include "formula/picked.h"

/* Elements of a piece, and its room for an operand. */
#define QN_PIECE	       QUERN_TILE_NELEMS
#define QN_PIECE_NWORDS	       (QN_PIECE / 64)
#define QN_PIECE_COLUMN_NBYTES (QN_PIECE * sizeof(double) + QN_PIECE_NWORDS * sizeof(uint64_t))

/* An operand in the box of the item at hand: the place in its values of index 0, and from index to index. */
struct qn_spot {
	const char *values; /* NULL: the places are the values */
	const uint64_t *valid;
	uint64_t at, stride[QUERN_MAX_DIMS];
	uint64_t span; /* elements of the box that lie as in the box itself, again and again */
};

/* A piece of a tile: elements `first` to first + n - 1 of its box, number `at` and on of the tile. */
struct qn_formula_piece {
	const struct qn_formula *f;
	const struct qn_spot *spot;
	const struct qn_picked *picked;
	const struct quern_tile *in;
	uint64_t first, at;
	size_t n;
	struct quern_var column[QN_PROGRAM_MOST_OPERANDS];
};

/* Of all operands; the data has one always. */
static inline size_t qn_piece_columns_nbytes(const struct qn_formula *f)
{
	return (size_t)(f->n ? f->n : 1) * QN_PIECE_COLUMN_NBYTES;
}

/* Bit i of a bitmap. */
static inline bool qn_piece_bit(const uint64_t *bits, uint64_t i)
{
	return bits[i / 64] >> i % 64 & 1;
}

/* An operand in memory, which is there for the whole dataset. */
void qn_spot_whole(const struct qn_operand *o, const struct quern_box *box, struct qn_spot *out);
/* Sets the span. */
void qn_spot_measure(struct qn_spot *s, const struct quern_box *box);

/* Has column `number` of a piece, with room of QN_PIECE_COLUMN_NBYTES bytes for it. */
void qn_piece_take(struct qn_formula_piece *p, int number, uint8_t *room);

#endif
