/*
 * variable.h - the values of a field of a result of many cells, on their way into a variable.
 *
 * Rows come in order, and go into the file by blocks, which are its chunks where it is large: of a variable no
 * more than a block is in memory. What of the variable depends on rows that are still to come (its type, when
 * integers turn out not to fit, what stands for no value, how long lists are) is as the rows so far have it;
 * when a later one has it otherwise, the variable is made anew from what is in the file.
 * The variable is nowhere in the file until its maker links it.
 *
 * Between qn_h5_enter and qn_h5_leave.
 */
#ifndef QN_IO_HDF5_WRITE_VARIABLE_H
#define QN_IO_HDF5_WRITE_VARIABLE_H

#include "data/storage.h"
#include "io/hdf5_write/netcdf.h"

#define QN_VARIABLE_NDIMS (QUERN_MAX_DIMS + 2)

/* A value of 8 bytes, as results have them. */
union qn_cell {
	int64_t i;
	uint64_t u;
	double r;
};

/* How values of a type are stored. */
struct qn_form {
	hid_t file, memory;
	union qn_cell fill;
	bool has_fill;	 /* there are such that are none */
	bool lacks_fill; /* and each value that could stand for none is one */
};

struct qn_variable {
	/* Given: borrowed, what the result is, without values; of its field what is known so far. */
	const struct qn_nc *nc;
	const struct qn_labels *labels;
	const struct quern_result *result;
	struct qn_field *field;

	struct qn_form form;
	int ndims;
	hsize_t shape[QN_VARIABLE_NDIMS], block[QN_VARIABLE_NDIMS];
	hid_t id, space;		  /* negative: not made yet */
	union qn_cell *room;		  /* owned: a block, */
	uint64_t filled;		  /* of which there are so many values, */
	uint64_t nroom;			  /* of so many that it has, */
	hsize_t start[QN_VARIABLE_NDIMS]; /* and where it begins */
	uint64_t nrows;			  /* that were put */
	bool has_null,
		has_mark; /* among them; a value that stands for none in the type of the data */
	/* Among them: bit k: the k-th of the values that could stand for none, of integers of the type, and of reals. */
	uint64_t marks[2];
};

/* More rows. False: it cannot be written, or rows are not what those before are. */
bool qn_variable_put(struct qn_variable *v, const struct qn_field *f, uint64_t nrows);

/* After the last of them: makes it, if no row had a value. */
bool qn_variable_end(struct qn_variable *v);

void qn_variable_fini(struct qn_variable *v);

/* Of a field without rows, as 8 bytes: what is to stand for no value, which no value is. False: none of them is taken for
   that where nothing says so. */
bool qn_variable_needs_fill(const struct qn_field *f, union qn_cell *fill);

#endif
