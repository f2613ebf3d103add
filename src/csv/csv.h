/*
 * csv.h - results as comma-separated values.
 */
#ifndef QN_CSV_CSV_H
#define QN_CSV_CSV_H

#include <stdio.h>

#include "data/storage.h"
#include "kernel/result.h"

/* What such a file begins with; or what those without a head did. */
#define QN_CSV_HEAD    "# quern "
#define QN_CSV_COLUMNS "field,row,column,value"

/* The results of n datasets: of several a column `dataset` comes first, and a line of names stands where they change. False: no
   memory. */
bool qn_csv_print(FILE *f, const struct qn_output *outputs, size_t n);

#endif
