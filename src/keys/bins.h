/*
 * bins.h - the bin of a value: closed on the left, the last one on both sides. Pure.
 */
#ifndef QN_KEYS_BINS_H
#define QN_KEYS_BINS_H

#include <stdbool.h>
#include <stdint.h>

/* n >= 2 edges, rising. False: the value is in none. Integers are compared as they are, which a conversion to
   double would not do. */
bool qn_bin_of_real(const double *edges, uint64_t n, double x, int64_t *bin);
bool qn_bin_of_integer(const double *edges, uint64_t n, int64_t v, int64_t *bin);

#endif
