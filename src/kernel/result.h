/*
 * result.h - what a kernel emitted: named fields in order.
 */
#ifndef QN_KERNEL_RESULT_H
#define QN_KERNEL_RESULT_H

#include "base/error.h"

enum qn_field_type {
	QN_FIELD_NULL,
	QN_FIELD_INT,
	QN_FIELD_UINT,
	QN_FIELD_REAL,
	QN_FIELD_DECIMAL,
	QN_FIELD_TEXT
};

struct qn_field {
	char name[32];
	enum qn_field_type type;
	bool array;
	size_t n, ncols; /* array: shape [n] when ncols is 0, else [n, ncols] */
	union {
		int64_t i;
		uint64_t u;
		double r;
		char *digits;	 /* owned */
		int64_t *ints;	 /* owned */
		uint64_t *uints; /* owned */
		double *reals;	 /* owned */
		char *text;	 /* owned, UTF-8 */
		char **texts;	 /* owned, and each of them */
	} v;
};

struct quern_result {
	size_t nfields, capacity;
	struct qn_field *field; /* owned */
	bool nomem;		/* a field was lost: the result must not be used */
};

/* Frees the fields and zeroes the result; a zeroed result is empty and valid. */
void qn_result_fini(struct quern_result *r);

/* The field of a name, or NULL. */
const struct qn_field *qn_result_find(const struct quern_result *r, const char *name);

/* Number of values of an array field. */
size_t qn_field_nvalues(const struct qn_field *f);

#endif
