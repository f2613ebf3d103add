/*
 * result.h - what a kernel emitted: named fields in order.
 */
#ifndef QN_KERNEL_RESULT_H
#define QN_KERNEL_RESULT_H

#include "base/names.h"

#define QN_DATE_NBYTES 48

enum qn_field_type {
	QN_FIELD_NULL,
	QN_FIELD_INT,
	QN_FIELD_UINT,
	QN_FIELD_REAL,
	QN_FIELD_DECIMAL,
	QN_FIELD_TEXT
};

struct qn_result_axis;

struct qn_field {
	char name[32];
	enum qn_field_type type;
	bool array;
	size_t n, ncols; /* array: shape [n] when ncols is 0, else [n, ncols] */
	/* Has each row of the result one: then the values of all rows lie one after the other in an array,
	   whether that of a row is an array or not, and digits are texts. */
	bool per_row;
	uint64_t *
		null; /* owned; of all values in their order: bit i % 64 of word i / 64 is set where there
			   is none. NULL: all are there */
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
	/* Borrows: it has the coordinates along that (struct quern_result) of what its name stands for; NULL: it
	   is a field of a kernel. */
	const struct qn_result_axis *along;
	/* Owned: such values as dates; NULL: they are none. */
	char (*dates)[QN_DATE_NBYTES];
};

/* A dimension of a result of many rows. */
struct qn_result_axis {
	char *name; /* owned */
	uint64_t n;
	int dim;		    /* that was kept of the dataset; -1: groups */
	struct qn_field coordinate; /* owned array of n; QN_FIELD_NULL: there is none */
	char **texts; /* owned, and each of them: the coordinate as dates; NULL: it is none */
	char *units, *calendar; /* owned; NULL: there are none */
	/* For files: the type of the coordinate as it is decoded; its bounds, n pairs or none, and what they are
	   called (owned; NULL: nothing); the other attributes that are texts, name and text by turns. */
	enum quern_dtype dtype;
	struct qn_field bounds;
	bool is_bins; /* people call them by their lower bounds */
	char *bounds_name;
	struct qn_names attributes;
	/* Owned: along combinations of groups, what each key has for them: all of length n. The axis has no coordinate
	   of its own then. */
	size_t nkeys;
	struct qn_result_axis *key;
	/* Of a coordinate that is no dimension: on these axes of the result, ndims of them. n is the product of
	   their lengths. */
	int ndims;
	int on[QUERN_MAX_DIMS];
	/* Of one along groups: in files it is the coordinate of the dimension that they are, and what they are
	   called is another on it. */
	bool leads;
	bool is_climatology; /* the bounds are from the first to the last of times that come round again */
	bool is_hidden; /* of a scalar: neither a place nor a level, which CDO has no use for */
	bool has_fill;	/* reals: QN_FILL_REAL stands for none */
	/* Owned: rising indexes of the dataset that it is the coordinate of; NULL: all. */
	uint64_t *at;
};

/* What netCDF has for no value (netcdf.h of the library). */
#define QN_FILL_REAL 9.9692099683868690e+36

/* Always: without axes no field is per row; with axes nrows is the product of their lengths. */
struct quern_result {
	size_t nfields, capacity;
	struct qn_field *field; /* owned */
	size_t naxes;
	struct qn_result_axis *axis; /* owned; in the order of the rows, C order */
	uint64_t nrows;
	/* Owned: coordinates that are no dimensions. Of what is reduced one value, with bounds from the first to the
	   last; others as the file has them. */
	size_t nothers;
	struct qn_result_axis *other;
	/* Owned: of the dimensions that fields of indexes have, in their order, coordinates of these (lookup/lookup.h). */
	size_t nalong;
	struct qn_result_axis *along;
	/* Owned: what fields are called and their units, for callers (results/results.h). */
	size_t nlabels;
	struct qn_result_label {
		char *name, *units;
	} * label;
	bool nomem; /* a field was lost: the result must not be used */
};

/* Frees the fields and zeroes the result; a zeroed result is empty and valid. */
void qn_result_fini(struct quern_result *r);

/* Frees the fields of one without axes, and keeps the room for as many. */
void qn_result_clear(struct quern_result *r);

/* Of rows that follow each other, r->nrows of them, without axes: a field of type INT, UINT or REAL that each of them
   has. Returns its values, zeros, which are the field's and are to be filled; NULL, and r->nomem: no memory. */
void *qn_result_add_rows(struct quern_result *r, const char *name, enum qn_field_type type);
/* Row i has no value of the field that was added last. */
void qn_result_lack_row(struct quern_result *r, uint64_t i);

/* Has no field of it a value, but those that all rows share. Without axes. */
void qn_result_blank(struct quern_result *r);

/* Leaves the fields of these names, in this order. False: one is not there. Of a result that has no rows
   yet, or all of them. */
bool qn_result_pick(struct quern_result *r, const struct qn_names *names);

/* Drops the fields from number `first` on of which one of the same name is before them. Without axes. */
void qn_result_drop_repeated(struct quern_result *r, size_t first);

/*
 * The fields of rows that follow each other (of r->nrows, or the same in all; no axes) as bytes, for another rank, and back.
 * Bytes of the packed form are behind one of 8 bytes that tells how many there are: several may follow
 * each other. (result_pack.c)
 */
/* Owned; NULL: no memory. */
void *qn_result_pack(const struct quern_result *rows, size_t *nbytes);
/* *rows: empty; freed with qn_result_fini whatever is returned. Returns how many bytes it took; 0: no memory,
   or it is no such thing. */
size_t qn_result_unpack(const void *bytes, size_t nbytes, struct quern_result *rows);

/* What a field is called: "argmin_lat". */
#define QN_FIELD_NAME_NBYTES 320
const char *qn_field_name(const struct qn_field *f, char room[QN_FIELD_NAME_NBYTES]);

/* The field of a name, or NULL. */
const struct qn_field *qn_result_find(const struct quern_result *r, const char *name);

/* What a field of a result is, or NULL: `values` may be those of quantiles. */
const struct qn_field_doc *qn_field_doc_in(const struct quern_result *r, const struct qn_field *f);

/* What dimension k of the array of a field is called in files; NULL: nothing. */
const char *qn_field_dimension(const struct quern_result *r, const struct qn_field *f, int k);

/* Is it the coordinate of the dimension of its array, which is called as it is? */
bool qn_field_is_coordinate(const struct quern_result *r, const struct qn_field *f);

/* Is a field one of the elements, or are they: of their type then? Quantiles lie between them. */
bool qn_field_is_element(const struct quern_result *r, const struct qn_field *f);

/* Number of values of a field: of one that is per row, of each row. */
size_t qn_field_nvalues(const struct qn_field *f);

/* Is value i of a field there? Of one that is per row they are numbered through all rows. */
bool qn_field_has(const struct qn_field *f, uint64_t i);

#endif
