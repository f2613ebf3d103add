/*
 * column_sums.h - sums of a vector of rows, on their way through a pass; column_parts.h explains what is added. Only
 * MULTI_ISA sources include this.
 *
 * n, the number of parts, is a constant wherever these are used, and loops over it are written out: compilers keep arrays
 * in memory that a loop goes through.
 */
#ifndef QN_COLUMNS_COLUMN_SUMS_H
#define QN_COLUMNS_COLUMN_SUMS_H

#include "columns/column_parts.h"
#include "exact/bits.h"
#include "exact/cut.h"

struct qn_column_vsums {
	qn_vq part[QN_COLUMN_PARTS];
};

/* Adds x, rounded, to part j, and returns what is left of it. */
QN_INLINE qn_vd qn_vsums_put_part(struct qn_column_vsums *s, const struct qn_column_sum *to,
				  qn_vd x, int j, qn_vq *range)
{
	const qn_vd start = qn_vd_set(to->magic[j]);
	const qn_vd sum = x + start;

	/* With the bits of the start, which are taken off at the end: until then it may wrap. */
	s->part[j] = (qn_vq)((qn_vuq)s->part[j] + (qn_vuq)sum);
	if (range)
		*range |= (qn_vq)sum ^ (qn_vq)start;
	return x - (sum - start);
}

/* Adds x to the lowest n parts; range: gets bits from the exponent up where it was too large, NULL if it is known to be
   small enough. */
QN_INLINE qn_vd qn_vsums_put(struct qn_column_vsums *s, const struct qn_column_sum *to, qn_vd x,
			     int n, qn_vq *range)
{
	if (n > 2)
		x = qn_vsums_put_part(s, to, x, 2, range);
	if (n > 1)
		x = qn_vsums_put_part(s, to, x, 1, n == 2 ? range : NULL);
	if (n > 0)
		x = qn_vsums_put_part(s, to, x, 0, n == 1 ? range : NULL);
	return x;
}

/* Did all fit? rest: what was left of elements; the sign of zero does not count. */
QN_INLINE bool qn_vsums_fit(qn_vq rest, qn_vq range)
{
	return !qn_vq_any((rest & INT64_MAX) | (qn_vq)((qn_vuq)range >> 52));
}

QN_INLINE void qn_vsums_take_part(struct qn_column_vsums *s, const struct qn_column_sum *from,
				  size_t row, int j)
{
	memcpy(&s->part[j], from->part[j] + row, sizeof(qn_vq));
}

QN_INLINE void qn_vsums_take(struct qn_column_vsums *s, const struct qn_column_sum *from,
			     size_t row, int n)
{
	if (n > 0)
		qn_vsums_take_part(s, from, row, 0);
	if (n > 1)
		qn_vsums_take_part(s, from, row, 1);
	if (n > 2)
		qn_vsums_take_part(s, from, row, 2);
}

/* Stores part j less the bits of `times` of its constants. */
QN_INLINE void qn_vsums_give_part(const struct qn_column_vsums *s, const struct qn_column_sum *to,
				  size_t row, int j, uint64_t times)
{
	const qn_vuq start = (qn_vuq){ 0 } + times * qn_bits64(to->magic[j]);
	const qn_vuq part = (qn_vuq)s->part[j] - start;

	memcpy(to->part[j] + row, &part, sizeof(part));
}

/* The highest part got `once` numbers, the others `times`. */
QN_INLINE void qn_vsums_give(const struct qn_column_vsums *s, const struct qn_column_sum *to,
			     size_t row, int n, uint64_t once, uint64_t times)
{
	if (n > 0)
		qn_vsums_give_part(s, to, row, 0, n == 1 ? once : times);
	if (n > 1)
		qn_vsums_give_part(s, to, row, 1, n == 2 ? once : times);
	if (n > 2)
		qn_vsums_give_part(s, to, row, 2, once);
}

#endif
