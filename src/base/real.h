/*
 * real.h - floating point as text: the shortest that reads back the same.
 */
#ifndef QN_BASE_REAL_H
#define QN_BASE_REAL_H

#define QN_REAL_NBYTES 32

/* "0.1", "-2", "1e+20", "nan", "-inf". */
void qn_real_print(double x, char out[QN_REAL_NBYTES]);

#endif
