/*
 * axes_parts.h - what axes.c is made of: the values of the selected indexes of a coordinate, one value for a dimension
 * that is reduced, and coordinates that are no dimensions.
 */
#ifndef QN_FIND_AXES_PARTS_H
#define QN_FIND_AXES_PARTS_H

#include <stdio.h>

#include "find/axes.h"

/* Values are the bits of doubles, or integers. */
int64_t qn_axis_bits(double x);
double qn_axis_real(bool is_real, int64_t value);

/* What is selected of a dimension; only_ends: the first and the last of that. */
struct qn_picked_axis {
	const struct qn_subject *s;
	int dim;
	bool only_ends;
};

/* The i-th selected index of a dimension, of the dataset, and how many there are. */
uint64_t qn_picked_index(const struct qn_subject *s, int dim, uint64_t i);
uint64_t qn_picked_count(const struct qn_subject *s, int dim);
/* The i-th of those that are wanted. */
uint64_t qn_picked_at(const struct qn_picked_axis *p, uint64_t i);

/* Above 0: the second value is larger; below: smaller. */
int qn_axis_direction(const struct qn_axis *a, uint64_t from, uint64_t to);

/* --- axes_take.c --- */

/* The values of a coordinate that are wanted. */
enum quern_status qn_axis_take(const struct qn_dataset *c, const struct qn_axis *a,
			       const struct qn_picked_axis *p, struct qn_axis_values *v,
			       struct quern_message *err);

/* The attributes of a dataset that a result keeps; *text, owned, is that of the attribute `one`, if it is there. */
enum quern_status qn_axis_attributes(const char *file, const char *path, struct qn_names *out,
				     const char *one, char **text, struct quern_message *err);

/* --- axes_reduced.c --- */

/* Bounds of the values that there are; left out where they are not as they should be. */
enum quern_status qn_axis_bounds(const struct qn_dataset *c, const struct qn_picked_axis *p,
				 const char *name, struct qn_axis_values *v,
				 struct quern_message *err);

/* One value and its bounds for all selected ones of a reduced dimension, of which v has the first and the last; or none. */
enum quern_status qn_axis_condense(const struct qn_subject *s, int dim, const struct qn_axis *a,
				   struct qn_axis_values *v, struct quern_message *err);

/* --- axes_named.c --- */

/* A coordinate that is not as it should be is none; that memory or a disk fails ends the run. */
enum quern_status qn_axis_pass_failure(const struct quern_message *why, struct quern_message *err);

/* Packs the coordinates of these names, with blanks between them, which is changed. */
enum quern_status qn_axes_put_named(const struct qn_subject *s, const bool *reduced, char *names,
				    FILE *f, bool *nomem, struct quern_message *err);

#endif
