/*
 * cosine.h - cosines of latitudes, the same on every machine.
 */
#ifndef QN_WEIGHTED_COSINE_H
#define QN_WEIGHTED_COSINE_H

#include <stdbool.h>
#include <stddef.h>

/* A quarter of a turn, and somewhat more for what was rounded, which counts as a quarter. */
#define QN_MOST_DEGREES 90.0001

/* Replaces n latitudes, in degrees or in radians, by their cosines: the double nearest to that of the double that
   the angle is in radians, degrees * (pi / 180) in double; 0 where that is negative. NaN stays. Returns the first
   that is beyond the poles, or n. */
size_t qn_cosines(double *x, size_t n, bool degrees);

#endif
