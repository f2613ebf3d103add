/*
 * netcdf.h - what netCDF-4 calls dimensions, variables and attributes, as HDF5 that its readers open.
 *
 * Between qn_h5_enter and qn_h5_leave.
 *
 * Source for the names and attributes of dimension scales: HDF5 Dimension Scale Specification, and
 * the NetCDF-4 format specification, which calls dimensions without a variable by that NAME.
 */
#ifndef QN_IO_HDF5_WRITE_NETCDF_H
#define QN_IO_HDF5_WRITE_NETCDF_H

#include <hdf5.h>
#include <stdbool.h>
#include <stddef.h>

#include "data/dataset.h"
#include "io/hdf5_write/sink.h"
#include "kernel/result.h"

#define QN_NC_MAX_DIMS 64
#define QN_NC_NAME     256
#define QN_NC_NBINS    3 /* dimensions of bins that a result may have */

struct qn_nc_dim {
	char name[QN_NC_NAME];
	char words[QN_NC_NAME]; /* the variable of its words; "": it has none */
	size_t length;
	hid_t id;
	bool is_axis; /* no array shares it */
	/* Borrowed: the axis that it was made for, NULL: none; the times of its groups, which are its coordinate
	   then: the axis is that of the name of `groups`. */
	const struct qn_result_axis *axis, *times;
	char groups[QN_NC_NAME];
	double *edges; /* owned: of bins; NULL: it is none of them */
};

struct qn_nc {
	struct qn_h5_sink *sink;
	hid_t file;
	int ndims;
	struct qn_nc_dim dim[QN_NC_MAX_DIMS];
	/* Of the result at hand: which of the dimensions its axes are; owned: names of coordinates that are no
	   dimensions; NULL: there are none. */
	int of_axis[QUERN_MAX_DIMS];
	const char *of; /* the dataset, borrowed */
	char bins
		[QN_NC_NBINS]
		[QN_NC_NAME]; /* what its dimensions of bins are called (bins.h); "": it has none */
	char *coordinates;
	/* Such coordinates of all results, as they were written first: borrowed. */
	int nothers;
	const struct qn_result_axis *other[QN_NC_MAX_DIMS];
};

/* Are they the same as coordinates? */
bool qn_nc_same_axis(const struct qn_result_axis *a, const struct qn_result_axis *b);

/* A new file in fd, which is borrowed until qn_nc_fini. False: it cannot be made. */
bool qn_nc_init(struct qn_nc *w, int fd);
/* Writes what is left. *why: errno of the first write that failed, or 0. False: the library has failed. */
bool qn_nc_fini(struct qn_nc *w, int *why);

bool qn_nc_put_value(hid_t where, const char *name, hid_t type, const void *value);
/* Names and units of other files may be any bytes. */
bool qn_nc_put_text(hid_t where, const char *name, const char *text);

/* A variable; without a name (NULL) one that is nowhere in the file yet. plist: for the creation of datasets, which is changed, or negative. Negative on failure. */
hid_t qn_nc_create(const struct qn_nc *w, const char *name, hid_t type, hid_t space, hid_t plist);

/* A text as a name that nothing in the file has: as netCDF takes it, and with a number where it is taken. */
void qn_nc_new_name(const struct qn_nc *w, const char *text, char name[QN_NC_NAME]);

/* Has the file a dataset of that name? */
bool qn_nc_has(const struct qn_nc *w, const char *name);

/* A dimension of an axis, without a variable. */
bool qn_nc_add_axis(struct qn_nc *w, const char *name, size_t length);

/* A dimension of arrays, without a variable, its scale borrowed; one that there is already serves. Where there
   is no name, or something else has it, it is named by its length, as in n50 with the letter n. */
hid_t qn_nc_dimension(struct qn_nc *w, const char *name, char letter, size_t length);

/* Is there such a dimension, which serves? */
bool qn_nc_has_dimension(const struct qn_nc *w, const char *name, size_t length);

/* Makes a new variable of one dimension the scale of the dimension of its name, an axis of the result or another.
   Takes id, if it succeeds. */
bool qn_nc_make_scale(struct qn_nc *w, const char *name, size_t length, bool is_axis, hid_t id);

/* The attribute by which a variable names the scales of its dimensions. */
bool qn_nc_attach(hid_t variable, int ndims, const hid_t *scale);

/* In memory: of text that of int64. Not to be closed. */
hid_t qn_nc_type(enum quern_dtype t);

/* Texts, in UTF-8 of variable length; to be closed. */
hid_t qn_nc_text_type(void);

#endif
