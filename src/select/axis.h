/*
 * axis.h - the coordinate of a dimension: its values in order, and where a value is among them.
 *
 * Values may rise or fall, and may repeat. Ends of ranges are compared with a tolerance, because
 * 30.1 as a user writes it, as float32 has it and as 0.1 times 301 are three numbers: 4 units in
 * the last place of the coordinate's type at its largest value, or a thousandth of the step of a
 * packed one, but never more than a quarter of the smallest distance of two values. Integers and
 * times of integers are compared exactly; other times are rounded to a millisecond.
 */
#ifndef QN_SELECT_AXIS_H
#define QN_SELECT_AXIS_H

#include "base/error.h"
#include "data/dataset.h"
#include "select/epoch.h"

/* One of integers and reals holds the n values. */
struct qn_axis {
	uint64_t n;
	int64_t *integers; /* owned, or NULL */
	double *reals;	   /* owned, or NULL */
	uint64_t missing;  /* index of a value that counts as missing; n: none */
	int digits;	   /* that tell two values apart when they are printed */
	double tolerance;
	bool falls;
	bool is_longitude; /* in degrees: a turn of 360 leads to the same place */
	char name[64], units[64];
	struct qn_epoch epoch;
	const char *no_epoch; /* why the values are no times; NULL: they are */
	/* The values are instants: microseconds, since the day 0 of the calendar. A number of a user
	   is meant in the units of the file, which `meant` has. */
	bool instants;
	struct qn_epoch meant;
};

/* A value as a user wrote it: one end of a range, or both. */
struct qn_bound {
	enum { QN_BOUND_NONE, QN_BOUND_INDEX, QN_BOUND_REAL, QN_BOUND_DATE } kind;
	int64_t index;
	double real;
	struct qn_moment moment;
};

/* Sets all but the values from the description of the coordinate, which has d->shape[0] of them. */
void qn_axis_init(struct qn_axis *a, const struct qn_dataset *d);
void qn_axis_fini(struct qn_axis *a);

/* Of times: has an axis hold instants, which times of other units can be put beside. To be called
   before there are values. */
void qn_axis_hold_instants(struct qn_axis *a);

/* From the times of one axis to instants in the calendar of another one, which holds instants. A value
   that is no time, or too far away, is noted in from->missing. False: the calendars have other days. */
bool qn_axis_to_instants(struct qn_axis *from, const struct qn_axis *to, int64_t *out);

/* Do units that are no times mean the same, although they may be spelled differently? */
bool qn_axis_same_units(const char *a, const char *b);

/* To be called when the values are there. False, with why (nbytes): they are in no order, or some
   are missing (NaN among reals) or infinite. d: as of qn_axis_init. */
bool qn_axis_check(struct qn_axis *a, const struct qn_dataset *d, size_t nbytes, char *why);

/* Elements next to each other. */
struct qn_interval {
	uint64_t first, n;
};

/*
 * The values from `from` to `to`, both ends included; QN_BOUND_NONE: no end on that side. With
 * single, `from` alone: the value itself, or all of a year, month or day. Longitudes are turned by
 * 360 degrees until they are on the axis, and run eastward from `from` to `to`.
 *
 * Returns how many intervals of n > 0 they are: 2, in the order of the range, where a range of
 * longitudes goes on at the other end of the axis. 0, with why: nothing is there, or the ends are not in
 * order; -1: a date is none, or the values are no times.
 */
int qn_axis_find(const struct qn_axis *a, const struct qn_bound *from, const struct qn_bound *to,
		 bool single, struct qn_interval out[2], size_t nbytes, char *why);

/* Value i: "350", "2001-12-31T06:00". */
#define QN_AXIS_TEXT_NBYTES 80
void qn_axis_format(const struct qn_axis *a, uint64_t i, char out[QN_AXIS_TEXT_NBYTES]);

/* "lat runs from -90 to 90 degrees_north"; dates: times as such. */
void qn_axis_say_extent(const struct qn_axis *a, bool dates, size_t nbytes, char *out);

#endif
