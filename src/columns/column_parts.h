/*
 * column_parts.h - what column.c is made of: blocks of rows, and the passes that add to them.
 *
 * A pass adds an element x of a block with the unit 2^u by adding 1.5 * 2^(52 + u) to it: if
 * |x| < 2^(51 + u), the sum is within [2^52, 2^53] * 2^u, where doubles are the multiples of 2^u,
 * and its bits, less those of the constant, are x in units, rounded. The rest of x, which is exact,
 * shows whether x was a multiple of the unit; the exponent of the sum, whether it was small enough.
 *
 * With several parts this is done for each, from the highest with the unit u + 48 j, with what is
 * left of x: at most half of a unit of the part above, 2^47 units of its own.
 */
#ifndef QN_EXACT_COLUMN_PARTS_H
#define QN_EXACT_COLUMN_PARTS_H

#include <stdatomic.h>

#include "base/isa.h"
#include "columns/column.h"
#include "exact/power.h"

#define QN_COLUMN_PARTS 3
/* Bits from a part to the next, and bits of the magnitude of an element in its highest part. */
#define QN_COLUMN_STEP 48
#define QN_COLUMN_TOP  51
/* Steps that a pass adds at a time, more of them where rows are few, and the rows that it takes or refuses as a
   whole. */
#define QN_COLUMN_NSTEPS      32
#define QN_COLUMN_MOST_NSTEPS 256
#define QN_COLUMN_STRIP	      32
/* Squares of float64 are split without error only above; see lanes.h of products. */
#define QN_COLUMN_LEAST_SQUARE (-960)

/* Accumulators of the rows of a block that have one. */
struct qn_column_wide {
	uint16_t *slot; /* of each row: 1 + its place in limb, or 0; NULL: no row has one */
	int64_t *limb;
	size_t n, room;
};

struct qn_column_block {
	size_t nrows;
	int64_t *part[QN_COLUMN_PARTS];
	uint64_t bound[QN_COLUMN_PARTS]; /* no |part[j][r]| is more */
	double magic[QN_COLUMN_PARTS];	 /* what splits elements */
	int nparts;			 /* parts that there are */
	int nhot;			 /* parts into which elements are split; 0: no unit yet */
	int unit;			 /* exponent */
	int top;			 /* elements are expected below 2^top */
	int nmisfits;
	bool spoilt;
	struct qn_column_wide wide;
};

struct qn_column {
	struct qn_power one; /* form[power - 1] only */
	enum quern_dtype dtype;
	int power;
	enum qn_cpu level;
	bool is_float;
	int nusual; /* parts */
	_Atomic uint64_t
		*spilled; /* bytes beyond these, of all blocks: of this column, whose blocks may
				      be those of several threads */
	_Atomic uint64_t spilled_nbytes;
	int least_unit; /* the smallest exponent that a unit may have */
	struct qn_acc_form form;
	uint64_t nrows, nblocks;
	struct qn_column_block block[];
};

/* Bytes of an element. */
size_t qn_column_elem_size(enum quern_dtype t);

/* Spoils the blocks of n rows, to which not all was added that should have been. */
void qn_column_spoil(struct qn_column *c, uint64_t first_row, uint64_t n);

/* --- parts of what is added (column_split.c) --- */

/* An element: +-m * 2^unit; x for floating-point types. */
struct qn_column_element {
	double x;
	uint64_t m;
	int unit;
	bool negative;
};

struct qn_column_element qn_column_decode(enum quern_dtype t, const char *value);

/* The parts of the power of an element that is not zero; false if it does not fit. */
bool qn_column_split(const struct qn_column *c, const struct qn_column_block *b,
		     const struct qn_column_element *e, int64_t part[QN_COLUMN_PARTS]);

/* The parts of canonical limbs in units of 2^unit; false: they are no multiple of it, or too many. */
bool qn_column_split_limbs(const struct qn_acc_form *f, const int64_t *limb, int unit, int nparts,
			   int64_t part[QN_COLUMN_PARTS]);
/* Exponent of the lowest bit that is set; of zero, that beyond the last limb. */
int qn_column_lowest_bit(const struct qn_acc_form *f, const int64_t *limb);
/* A t with |value| <= 2^t, seldom more than 32 above the least. */
int qn_column_highest_bit(const struct qn_acc_form *f, const int64_t *limb);

/* --- blocks (column_block.c); false: no memory, or the block was spoilt before --- */

/* Of so many elements of a new block, chooses the unit and the parts. */
bool qn_column_block_start(const struct qn_column *c, struct qn_column_block *b, const char *values,
			   size_t n);
/* What of the digits of n rows is half a step or more goes to the part above. */
static inline void qn_column_carry(int64_t *lo, int64_t *hi, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		const int64_t more = (lo[i] + (INT64_C(1) << (QN_COLUMN_STEP - 1))) >>
				     QN_COLUMN_STEP;

		lo[i] -= more * (INT64_C(1) << QN_COLUMN_STEP);
		hi[i] += more;
	}
}

/* Makes room for nsteps elements in the hot parts of each row. */
bool qn_column_block_reserve(const struct qn_column *c, struct qn_column_block *b, size_t nsteps);
/* Makes room for n times `more`, at most 2^52 each, in the hot parts of each row; n is at most 256. */
bool qn_column_block_raise(const struct qn_column *c, struct qn_column_block *b,
			   const uint64_t *more, size_t n);
/* Adds a sum, of which each part is less than half of what a part holds, to a row. */
bool qn_column_block_add_row(const struct qn_column *c, struct qn_column_block *b, size_t row,
			     const int64_t *sum);
/* Adds the power of a finite element. */
bool qn_column_block_add(const struct qn_column *c, struct qn_column_block *b, size_t row,
			 const char *value);
/* Adds a canonical accumulator of any form whose base is no less than that of the column's. */
bool qn_column_block_add_limbs(const struct qn_column *c, struct qn_column_block *b, size_t row,
			       const struct qn_acc_form *f, const int64_t *limb);
/* Adds n rows from another block's, whose parts begin at part[j]. */
bool qn_column_block_add_parts(const struct qn_column *c, struct qn_column_block *b, size_t row,
			       const struct qn_column_block *from, const int64_t *const *part,
			       size_t n);
/* Limbs of the accumulator of a row, or NULL. */
const int64_t *qn_column_block_wide(const struct qn_column *c, const struct qn_column_block *b,
				    size_t row);
void qn_column_block_get(const struct qn_column *c, const struct qn_column_block *b, size_t row,
			 int64_t *limb);
/* The largest magnitude of n words. */
uint64_t qn_column_largest(const int64_t *word, size_t n);

/* --- passes (column_simd.c) --- */

/* A sum that a pass adds to. */
struct qn_column_sum {
	int nparts; /* 0: none */
	int64_t *part[QN_COLUMN_PARTS];
	double magic[QN_COLUMN_PARTS];
};

struct qn_column_pass {
	enum quern_dtype dtype;
	const char *values;
	size_t n, nsteps, stride;
	struct qn_column_sum sum[2]; /* of x, of x^2 */
	/* As of a tile: those that are not valid count as zero. */
	const uint64_t *valid;
	uint64_t bit;
	/* Of float32: bits of magnitudes that fit, whatever the digits: zero, and from `least` to
	   below `most`. */
	uint32_t least, most;
};

/* Adds the elements of the rows from `first` on; returns the row where it stopped: n, or that of a
   strip of QN_COLUMN_STRIP rows (or as many as there are) of which nothing was added, because one
   of its elements did not fit. With p->valid it stops where there are fewer rows than a strip has, too. */
QN_ISA_DECLARE(size_t, qn_column_pass, (const struct qn_column_pass *p, size_t first));

/* Copies n elements of which `valid` has the bits from `bit` on, with zero for those that are not
   valid, infinite or NaN; sets the bits of the last two in special, if not NULL, and adds their
   number to *nspecial. False: it was all zeros. */
QN_ISA_DECLARE(bool, qn_column_blank,
	       (enum quern_dtype t, const char *values, size_t n, const uint64_t *valid, size_t bit,
		char *out, uint64_t *special, size_t *nspecial));

/* --- elements of one row (column_fold.c) --- */

/* Elements that are folded at a time. */
#define QN_COLUMN_FOLD 1024

typedef size_t qn_column_pass_fn(const struct qn_column_pass *p, size_t first);
typedef bool qn_column_blank_fn(enum quern_dtype t, const char *values, size_t n,
				const uint64_t *valid, size_t bit, char *out, uint64_t *special,
				size_t *nspecial);

/* Those of an instruction set. (column_add.c) */
qn_column_pass_fn *qn_column_pass_of(enum qn_cpu level);
qn_column_blank_fn *qn_column_blank_of(enum qn_cpu level);
/* Narrows the magnitudes of a pass to those that fit a block of a column of that power, whatever their digits. */
void qn_column_bound_pass(struct qn_column_pass *p, const struct qn_column_block *b, int power);

/* Adds the steps of a tile of one place, side by side, to a row of columns of powers 1 and 2, one of which may be NULL.
   False: no memory. */
bool qn_column_fold(struct qn_column *const column[2], uint64_t row, struct qn_column_tile *t);

#endif
