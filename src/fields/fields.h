/*
 * fields.h - what the fields of results are: for files that describe themselves.
 */
#ifndef QN_FIELDS_FIELDS_H
#define QN_FIELDS_FIELDS_H

#include <stdbool.h>

#include "base/error.h"

enum qn_field_units {
	QN_UNITS_ONE,	     /* a count, an index, a ratio: "1" */
	QN_UNITS_VALUE,	     /* those of the values */
	QN_UNITS_DIFFERENCE, /* those of the values; of times without their reference */
	QN_UNITS_SQUARE,     /* those, squared */
	QN_UNITS_PRODUCT,    /* those, by those of the other values */
	QN_UNITS_RATIO,	     /* those, for each unit of the other values */
	QN_UNITS_WITH,	     /* those of the other values */
	QN_UNITS_INVERSE,    /* one for each unit of the values, as a difference; */
	QN_UNITS_INVERSES,   /* and of the other values */
	QN_UNITS_SUM,	     /* as a difference; of weighted values not known */
	QN_UNITS_UNKNOWN,
};

struct qn_field_doc {
	const char *name;
	const char *doc;
	enum qn_field_units units;
	bool integer;	    /* whatever the type of the values is */
	const char *dim[2]; /* names of the dimensions of an array */
};

/* Has it the indexes of elements, in its last dimension? What its coordinates are called after: "argmin", "values". */
bool qn_field_is_of_indexes(const char *name);
const char *qn_field_beside(const char *name);

/* The row of a field, or NULL. */
const struct qn_field_doc *qn_field_doc(const char *name);

/* What a field is where elements have weights; NULL: these do not matter. */
const char *qn_field_weighted(const char *name);

/* What it is. weights: how elements were weighted, or NULL. */
const char *qn_field_words(const struct qn_field_doc *f, const char *weights);

/* Its units, where the values have `units` and the other ones `with` ("" or NULL: they have none); owned, "" for
   none. NULL: there is no memory. */
char *qn_field_units(const struct qn_field_doc *f, const char *units, const char *with,
		     const char *weights);

/* What a cell has of its values, in the word of CF: "mean", "standard_deviation". */
struct qn_field_method {
	const char *name, *word;
	bool in_steps; /* the minimum of minima is the minimum of all */
};

/* The row of a field; NULL: CF has no word for it. */
const struct qn_field_method *qn_field_method(const char *name);

/* Is it the same in all rows of a result: quantiles that are asked for, edges of bins? */
bool qn_field_is_shared(const char *name);

/* Is it of two values of each element? */
bool qn_field_is_of_pairs(const char *name);

/* Is it one of the values, or are they: of their type then? */
bool qn_field_is_value(const char *name);

#endif
