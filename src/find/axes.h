/*
 * axes.h - the coordinates of the dimensions of a result, as the files have them: values of the selected
 * indexes, their bounds, and what their attributes say.
 *
 * A rank that has the files reads them, and rank 0, which writes results, gets them. A coordinate that
 * cannot be read is none, and the user is told why.
 */
#ifndef QN_FIND_AXES_H
#define QN_FIND_AXES_H

#include "base/names.h"
#include "find/files.h"
#include "select/axis.h"

/* The coordinate of a dimension, for the n indexes that are selected. */
struct qn_axis_values {
	uint64_t n;		/* 0: there is none */
	enum quern_dtype dtype; /* of the values as they are decoded */
	bool is_real;		/* the values are the bits of doubles; else they are integers */
	/* Of a dimension that is reduced there is one value, in the middle of all, and bounds from the first
	   to the last. */
	int64_t *values; /* owned */
	int64_t *bounds; /* owned: n x 2; NULL: there are none */
	bool are_bounds_real;
	char *units, *calendar, *bounds_name; /* owned, "" where there are none */
	struct qn_names attributes;	      /* texts of others, name and text by turns */
	struct qn_names dates;		      /* of times: n of them, or none */
	/* Of a coordinate that is no dimension (the attribute `coordinates`): what it is called, owned, and the
	   dimensions of the dataset that it is on, all of them kept; none of a scalar. */
	char *name;
	int ndims;
	int dim[QUERN_MAX_DIMS];
	bool has_missing; /* these are NaN */
	bool has_gaps;	  /* while it is read: between bounds that are next to each other */
	/* Of a joined dimension: the first selected index of the whole whose value does not go on as those before it do,
	   and the one before it; 0: there is none. */
	uint64_t breaks_at, breaks_from;
	char before[QN_AXIS_TEXT_NBYTES], after[QN_AXIS_TEXT_NBYTES];
};

/* Fills subject->axes, subject->others and subject->attributes, on rank 0; and warns there. Without --over and --by
   there are none. Collective. */
enum quern_status qn_axes_find(const struct qn_team *team, struct qn_subject *subject,
			       const struct qn_files *m, struct quern_message *err);

/* For n values of a coordinate, and what it says of them. */
enum quern_status qn_axis_make_room(struct qn_axis_values *v, uint64_t n,
				    const struct qn_dataset *c, struct quern_message *err);

void qn_axis_values_fini(struct qn_axis_values *v);

#endif
