/*
 * lookup.h - the coordinates of elements that a result names by their indexes: of extremes, of the largest values.
 *
 * Of a whole result they are looked up when it is found, a value for each index; of many cells all values of the
 * coordinates of the reduced dimensions are read before. What cannot be found is none.
 */
#ifndef QN_LOOKUP_LOOKUP_H
#define QN_LOOKUP_LOOKUP_H

#include "kernel/result.h"
#include "run/run.h"

/* Of a run that has rows: gives the result, of rank 0, its `along`, for all indexes of the dimensions that are reduced.
   Collective. */
enum quern_status qn_lookup_before(struct qn_run *run, struct quern_result *result,
				   struct quern_message *err);

/* Of a run whose result is there, or in a file: of one that has no rows looks up what its indexes need; then puts fields
   of coordinates behind those of indexes, with dates. Collective. */
enum quern_status qn_lookup_after(struct qn_run *run, struct quern_result *result,
				  struct quern_message *err);

/* Puts behind each field of indexes the coordinates of these: fields of their own. rows: the result, or some of its
   rows. False: no memory. */
bool qn_lookup_put_beside(const struct quern_result *result, struct quern_result *rows);

/* Has fields of times say which they are. False: no memory. */
bool qn_lookup_put_dates(struct quern_result *rows);

#endif
