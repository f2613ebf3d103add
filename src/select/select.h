/*
 * select.h - the part of a dataset that a run looks at.
 */
#ifndef QN_SELECT_SELECT_H
#define QN_SELECT_SELECT_H

#include "select/axis.h"
#include "select/picks.h"
#include "data/dataset.h"

/* Where coordinates come from, when a selection has values. */
struct qn_coordinates {
	/* The checked axis of dimension `dim` of d, borrowed until the next call; an error says why
	   there is none. */
	enum quern_status (*axis)(void *ctx, const struct qn_dataset *d, int dim,
				  const struct qn_axis **axis, struct quern_message *err);
	/* "lat runs from -90 to 90 degrees_north", or "" where that is not known. NULL: it never
	   is. */
	void (*extent)(void *ctx, const struct qn_dataset *d, int dim, size_t nbytes, char *out);
	/* What a name is that is no dimension of d: ", but ...", or "". */
	void (*about)(void *ctx, const struct qn_dataset *d, const char *name, size_t nbytes,
		      char *out);
	void *ctx;
};

/*
 * Parses a selection of a dataset: slices by name ("time=0:100,lat=10:20:2") or by position
 * ("0:100,:,5"). A slice is START:STOP:STEP, half open, each part optional, negative numbers
 * counting from the end, or a single index.
 *
 * START and STOP, or the single one, may be values of the dimension's coordinate instead: numbers
 * with a decimal point or an exponent ("lat=-30.0:30.0"), or dates ("time=2001-01:2001-12-31",
 * where beside a date four digits are a year). Both ends belong to such a range, and STEP counts elements
 * of it. Values rise from START to STOP; on an axis that falls they may fall as well.
 *
 * Several such pieces with + between them are their union ("time=0:10+20:30", "level=0+3+7"), and so is a
 * range of longitudes that goes on at the other end of the axis: the box has all of it, and picks say which
 * of its indexes are meant. A piece in which nothing lies is left out, and said.
 *
 * text NULL or "": everything. coordinates NULL: values are refused; picks NULL: unions are; what was in them
 * is freed, and the caller frees them with qn_picks_fini, whatever is returned. QUERN_ERR_USAGE says which
 * slice or piece is wrong and what the dimension is.
 */
enum quern_status qn_select(const struct qn_dataset *d, const char *text,
			    const struct qn_coordinates *coordinates, struct quern_box *box,
			    struct qn_picks *picks, struct quern_message *err);

/* "lat=10:20": the slice of a dimension in a selection that has been parsed; false: it has none. */
bool qn_select_slice(const struct qn_dataset *d, const char *text, int dim, size_t nbytes,
		     char *out);

/* The dimension of a name, or of a number written out; -1 when there is none. */
int qn_dimension_find(const struct qn_dataset *d, const char *name);

/* The name of a dimension that may have been meant; NULL: none. */
const char *qn_dimension_nearest(const struct qn_dataset *d, const char *name);

/* QUERN_ERR_USAGE: an option names a dimension that is not there. */
enum quern_status qn_dimension_refuse(const struct qn_dataset *d, const char *option,
				      const char *name, struct quern_message *err);

/* A selection: of all dimensions of the shape, each a range of them with a step. Nothing may be selected. */
bool qn_selection_is_valid(const struct quern_box *box, const uint64_t *shape, int ndim,
			   const char **why);

/* "0:10,5:20:3", as a selection is written, and "10,20"; cut where there is no room. */
void qn_box_format(const struct quern_box *box, size_t nbytes, char *out);
void qn_shape_format(const uint64_t *shape, int ndim, size_t nbytes, char *out);

/* Elements of a box. */
uint64_t qn_box_nelems(const struct quern_box *box);

#endif
