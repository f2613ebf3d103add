/*
 * pass_key.h - which pass over the data it is, for those who keep what it finds.
 */
#ifndef QN_RUN_PASS_KEY_H
#define QN_RUN_PASS_KEY_H

#include "data/sum.h"
#include "run/run.h"

/* The sum of all that says which cells the pass at hand has, and how items are numbered: with equal ones of the same data
   cells can be added. False: no memory. */
bool qn_run_pass_key(const struct qn_run *run, struct qn_sum *key);

#endif
