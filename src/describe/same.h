/*
 * same.h - whether two coordinates have the same values, by what they mean: times of different units as times,
 * numbers but for the rounding of the type that they are stored in.
 */
#ifndef QN_DESCRIBE_SAME_H
#define QN_DESCRIBE_SAME_H

#include "describe/values.h"
#include "select/epoch.h"

/* Coordinates agree that differ by no more than this many units in the last place of the narrower type. */
#define QN_COORDINATE_ULPS 4

/* Two coordinates. All is borrowed. */
struct qn_same {
	const struct qn_dataset *like[2];
	const struct qn_values *values[2];
	bool are_times; /* of different units: these are theirs */
	struct qn_epoch epoch[2];
};

enum qn_comparable {
	QN_COMPARABLE,
	QN_NOT_COMPARABLE,   /* numbers of the one, names of the other */
	QN_CALENDARS_DIFFER, /* times of two calendars */
};

/* Both are given; finds out how they are compared. */
enum qn_comparable qn_same_init(struct qn_same *s);

/* Index i, which both have. Missing ones are the same. */
bool qn_same_at(const struct qn_same *s, uint64_t i);

/* Value i of one of them, with its unit. */
void qn_same_print(const struct qn_same *s, int which, uint64_t i, size_t nbytes, char *out);

#endif
