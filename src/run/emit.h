/*
 * emit.h - from the states of a finished run to its result.
 */
#ifndef QN_RUN_EMIT_H
#define QN_RUN_EMIT_H

#include "kernel/result.h"
#include "run/run.h"

/* The result of a finished run, of which there is one row of all; *result is empty. Rank 0. Freed with
   qn_result_fini, whatever is returned. */
enum quern_status qn_run_emit(const struct qn_run *run, struct quern_result *result,
			      struct quern_message *err);

/* The axes of a result that has them, and what is known of it beside its fields, which come to run->taker;
   as above. */
enum quern_status qn_run_emit_axes(const struct qn_run *run, struct quern_result *result,
				   struct quern_message *err);

/* The fields of n rows of the result from `row` on, which the table has, merged and normalized; *rows is empty. Freed with qn_result_fini,
   whatever is returned. False: no memory. In several threads at once. */
bool qn_run_emit_rows(const struct qn_run *run, uint64_t row, uint64_t n,
		      struct quern_result *rows);

/* Have fields of indexes one along a dimension, within the dataset? Along those that are reduced, and along that of
   windows, which the row does not tell. */
bool qn_run_is_indexed(const struct qn_run *run, int dim);

/* The number of fields of the result. */
uint64_t qn_run_nfields(const struct qn_run *run);

/* The number of values of 8 bytes that a row has, about. */
uint64_t qn_run_row_nvalues(const struct qn_run *run);

#endif
