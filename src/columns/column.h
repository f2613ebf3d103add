/*
 * column.h - exact sums of a power of the elements for many rows at once: a time mean of a map has
 * a row for each of its points.
 *
 * A row takes 8 to 24 bytes, where an accumulator (acc.h) takes up to a thousand. Rows are cut into
 * blocks, and a block has a unit:
 *
 *	sum of row r = 2^unit * (part[0][r] + part[1][r] 2^48 + part[2][r] 2^96) + wide sum of r
 *
 *	block 0            block 1                  block 2 (nothing was added yet)
 *	unit -24           unit -40                 -
 *	part[0]: int64[n]  part[0]: int64[n]
 *	                   part[1]: int64[n]
 *	                   wide: few rows
 *
 * The unit, and into how many parts an element is split, are chosen by the first elements of a
 * block and changed when others come. An element that would need more than three parts is added to
 * an accumulator that its row then has beside them. What a sum is does not depend on any of that:
 * qn_column_get gives the same limbs for the same elements, in any order and whatever was merged.
 *
 * Calls for rows of different blocks may run in several threads at once. Those that add take memory
 * when it is needed; they return false when there is none. The blocks of the rows are spoilt then:
 * everything that concerns them is false from there on, so that no wrong sum gets out.
 */
#ifndef QN_EXACT_COLUMN_H
#define QN_EXACT_COLUMN_H

#include "exact/acc.h"

/* Rows of a block. */
#define QN_COLUMN_BLOCK 4096

struct qn_column;

/* Elements: that of step s and place i is values[s * stride + i]. */
struct qn_column_tile {
	enum quern_dtype dtype;
	const void *values; /* of any alignment */
	size_t n, nsteps;
	size_t stride; /* elements from a step to the next */
	const uint64_t
		*valid; /* bit of an element: as its value, after `bit`; NULL: all are valid */
	uint64_t bit;	/* in valid and special, of values[0] */
	/* Valid elements that are infinite or NaN are left out. */
	uint64_t *special; /* gets their bits set, others stay; NULL: nobody asks which they are */
	size_t nspecial;   /* gets how many they are */
};

/* 1 <= power <= 4. NULL: no memory, or more rows than can be. Third and fourth powers are kept in
   accumulators. */
struct qn_column *qn_column_new(enum quern_dtype t, int power, uint64_t nrows);
/* Of sums that products of so many doubles, as many as a power may have, are added to: its elements are float64 of
   power 1, limbs have the form of that power of float64. */
struct qn_column *qn_column_new_products(int nfactors, uint64_t nrows);
void qn_column_free(struct qn_column *c);
/* Makes all sums those of no elements, as they are in a new column. */
void qn_column_clear(struct qn_column *c);

/* Bytes of a column to which all rows were added, when the elements are as usual: within some 27
   powers of two. UINT64_MAX: more than there can be. */
uint64_t qn_column_nbytes(enum quern_dtype t, int power, uint64_t nrows);
/* The same of products, which have the bits of several doubles. */
uint64_t qn_column_products_nbytes(uint64_t nrows);
/* Bytes that it has now, and those among them that the estimate does not have: the latter may be asked for
   while others add. */
uint64_t qn_column_nbytes_now(const struct qn_column *c);
uint64_t qn_column_nbytes_spilled(const struct qn_column *c);

/*
 * Adds the elements of a tile: place i to row first_row + i. x and square are columns of powers 1
 * and 2 of the type and of as many rows; one of them may be NULL. A column of another power may
 * take the place of x.
 */
bool qn_column_add_rows(struct qn_column *x, struct qn_column *square, uint64_t first_row,
			struct qn_column_tile *t);

/* The same with place i to row first_row + row[i], in each step. */
bool qn_column_add_at(struct qn_column *x, struct qn_column *square, uint64_t first_row,
		      const uint32_t *row, struct qn_column_tile *t);

/* Elements x of many rows, float32 or float64, as of struct qn_column_tile, and weights w, finite and not negative. */
struct qn_column_products {
	enum quern_dtype x_dtype, w_dtype;
	const void *x, *w; /* of any alignment */
	size_t n, nsteps;
	size_t stride, w_stride; /* from a step to the next */
	bool w_is_one;		 /* its first weight is that of all elements of a step */
};

/*
 * Adds products w x to rows first_row + i of a column of products, and weights to one of weights (NULL: not), of one
 * block, from place `first` on. Returns the place where it stopped: of the elements of that and the next
 * QN_PRODUCTS_STRIP - 1 places nothing was added, because they are to be added otherwise, or there are fewer; as t->n,
 * all were. At most QN_PRODUCTS_NSTEPS steps. (products.c)
 */
#define QN_PRODUCTS_STRIP  16
#define QN_PRODUCTS_NSTEPS 256
size_t qn_column_add_products(struct qn_column *products, struct qn_column *weights,
			      uint64_t first_row, const struct qn_column_products *t, size_t first);

/* Adds canonical limbs of the column's form to each of n rows of one block. (products.c) */
bool qn_column_add_alike(struct qn_column *c, uint64_t first_row, size_t n, const int64_t *limb);

/* Adds canonical limbs of the form of the type and the power to a row. */
bool qn_column_add_limbs(struct qn_column *c, uint64_t row, const int64_t *limb);

/* Adds the sums of `from`, a column of the same type, power and number of rows. */
bool qn_column_merge(struct qn_column *into, const struct qn_column *from);

/* Adds rows of `from`, a column of the same type and power, from row `first` on: row first + i to row[i], negative: to
   none. */
bool qn_column_scatter(struct qn_column *c, const struct qn_column *from, uint64_t first, size_t n,
		       const int64_t *row);

/* The sum of a row, as canonical limbs. False: it is spoilt. */
bool qn_column_get(const struct qn_column *c, uint64_t row, int64_t *limb);

/*
 * The sums of n rows, of one block, over by[i] each, 0 < by[i] < 2^53 (where it is not, the quotient is anything; NULL:
 * 1), rounded once: quotient[i]. Those that this way does not tell, because they are too long or too near to the
 * middle of two doubles, have their bits set in `left`, which has room for n bits. False: it tells none. (quotients.c)
 */
bool qn_column_divide(const struct qn_column *c, uint64_t row, size_t n, const int64_t *by,
		      double *quotient, uint64_t *left);

/* The same of the sums of a row in two columns, one over the other; left is, too, where the lower one is 0. */
bool qn_column_ratios(const struct qn_column *upper, const struct qn_column *lower, uint64_t row,
		      size_t n, double *quotient, uint64_t *left);

/* The variances of n rows, over count[i] - 1, or their roots, of sums and sums of squares: as qn_column_divide. Left
   are, too, rows of fewer than two elements and those whose elements are alike. */
bool qn_column_deviations(const struct qn_column *sum, const struct qn_column *square, uint64_t row,
			  size_t n, const int64_t *count, bool is_root, double *out,
			  uint64_t *left);

/* The sums of n rows, of one block, of integers. False: not all of them are integers of 64 bits. (quotients.c) */
bool qn_column_integers(const struct qn_column *c, uint64_t row, size_t n, int64_t *sum);

/*
 * Rows as bytes, for other ranks of the same endianness. Packing says how many bytes at most are
 * needed, and returns how many it wrote, 0 if a row is spoilt.
 */
uint64_t qn_column_pack_nbytes(const struct qn_column *c, uint64_t first_row, uint64_t n);
uint64_t qn_column_pack(const struct qn_column *c, uint64_t first_row, uint64_t n, void *out);
/* Adds what was packed, which begins at a multiple of 8 bytes, of as many rows of a column of the same
   type and power. Also false, with nothing added or spoilt, when it is no such thing. */
bool qn_column_unpack(struct qn_column *c, uint64_t first_row, uint64_t n, const void *bytes,
		      uint64_t nbytes);

#endif
