/*
 * names.h - what the parts of a result are called: dimensions, and the variables that files have for fields.
 */
#ifndef QN_RUN_NAMES_H
#define QN_RUN_NAMES_H

#include "run/run.h"

/* What the result is of: the last part of the path of the dataset, the member that was chosen, or what a user
   calls it. Borrowed. */
const char *qn_run_quantity(const struct qn_run *run);

/* "time: ? within years time: ? over years lat: lon: ?": the dimensions that are reduced, in the order of the file,
   with QN_METHOD in the place of ?. in_steps false: "time: lat: lon: ?". "": none is. Owned; NULL: there is
   no memory. */
char *qn_run_methods(const struct qn_run *run, bool in_steps);

/* Can all that the groups are called stand beside each other? The kernel is open, and run->reduced is known.
   QUERN_ERR_USAGE says how to call them otherwise. Not collective. */
enum quern_status qn_names_check(const struct qn_run *run, struct quern_message *err);

#endif
