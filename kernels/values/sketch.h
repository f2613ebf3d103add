/*
 * sketch.h - how many different values there are, about, in little memory: HyperLogLog.
 *
 * Each of 2^bits registers, words of a MAX segment, has the longest run of zeros that the hashes of its values begin
 * with, and one. A register that has none is INT64_MIN. Values that come again, in any order, change nothing.
 *
 * Source: O. Ertl, New cardinality estimation algorithms for HyperLogLog sketches (2017), algorithms 5 and 6: without
 * tables, and without a bias of small numbers. Only sums, products, quotients and roots of doubles are taken, so that the
 * estimate has the same bits on every machine.
 */
#ifndef QN_KERNELS_VALUES_SKETCH_H
#define QN_KERNELS_VALUES_SKETCH_H

#include <stdint.h>

#define QN_SKETCH_LEAST_BITS 4
#define QN_SKETCH_MOST_BITS  14 /* 128 KiB */

/* hash: of a value, all bits of which matter. */
void qn_sketch_add(int64_t *reg, unsigned bits, uint64_t hash);

double qn_sketch_count(const int64_t *reg, unsigned bits);

/* The standard error of a count, as a part of it. */
double qn_sketch_error(unsigned bits);

#endif
