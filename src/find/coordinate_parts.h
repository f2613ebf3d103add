/*
 * coordinate_parts.h - what coordinate.c is made of: values of axes, and the axes of joined files.
 */
#ifndef QN_FIND_COORDINATE_PARTS_H
#define QN_FIND_COORDINATE_PARTS_H

#include "describe/values.h"
#include "find/coordinate.h"

/* --- coordinate_values.c --- */

/* Has an axis integers for values of the type, and not reals? */
bool qn_axis_is_integer(enum quern_dtype t);

/* Room for a->n values. */
enum quern_status qn_axis_make_values(struct qn_axis *a, const struct qn_view *view,
				      struct quern_message *err);

/* Some values, which may be taken, from index `at` of the axis on; and those of a dataset. */
void qn_axis_put_values(struct qn_values *v, struct qn_axis *a, uint64_t at);
enum quern_status qn_axis_read_values(const struct qn_dataset *d, const struct qn_view *view,
				      struct qn_axis *a, uint64_t at, struct quern_message *err);

/* --- coordinate_joined.c --- */

/* An axis for n values of several files: times become instants, as each file may have units of its own. */
enum quern_status qn_joined_axis_make(const struct qn_dataset *first, const struct qn_view *view,
				      uint64_t n, struct qn_axis *a, struct quern_message *err);

/* The values of all files, in their order. */
enum quern_status qn_joined_axis_read(const struct qn_names *files, const struct qn_dataset *first,
				      const struct qn_view *view, struct qn_axis *a,
				      struct quern_message *err);

/* Takes the values that others have read, or wants them. */
enum quern_status qn_joined_axis_take(struct qn_joined *j, const struct qn_dataset *c,
				      struct qn_axis *a, struct quern_message *err);

#endif
