/*
 * coordinate.h - the coordinate variables of a dataset, read where the files are known: for
 * selections by value.
 *
 * The coordinate of a dimension is its dimension scale, or the dataset of the dimension's name and
 * one dimension in the group of the dataset or one above it. It is read whole, through the same
 * description, checks and feed as any data.
 */
#ifndef QN_FIND_COORDINATE_H
#define QN_FIND_COORDINATE_H

#include "base/names.h"
#include "select/select.h"

/* More values than this are not read. */
#define QN_MAX_COORDINATES UINT64_C(100000000)

/* The files that are joined along a dimension. Where this host has not all of them, the coordinate of
   that dimension is not read here but wanted: its values are to be filled in,
   and then the selection is to be made once more. */
struct qn_joined {
	const struct qn_names *files; /* borrows */
	int along;
	bool complete;		  /* this host has all of them */
	struct qn_dataset wanted; /* owned: the coordinate in the first file; path NULL: none */
	uint64_t n, missing;
	int64_t *values; /* owned; or the bits of doubles */
};
void qn_joined_fini(struct qn_joined *j);

/* The dataset of a name in the group of d or the nearest one above it: *path, owned, NULL when there is none.
   Not collective. */
enum quern_status qn_coordinate_path(const struct qn_dataset *d, const char *name, char **path,
				     struct quern_message *err);

/* The coordinate of a dimension: its scale, or the dataset of its name. *path as above. Not collective. */
enum quern_status qn_coordinate_of(const struct qn_dataset *d, int dim, char **path,
				   struct quern_message *err);

/* The box and the picks of a selection, as of qn_select, with coordinates read as it needs them. d: with the extent
   of its dimensions (qn_dataset_visible). joined: the files of which d is made; NULL: there is only d->file. When it fails
   with joined->wanted set, that is no error, and err says nothing. Not collective. */
enum quern_status qn_coordinate_select(const struct qn_dataset *d, struct qn_joined *joined,
				       const char *text, struct quern_box *box,
				       struct qn_picks *picks, struct quern_message *err);

/* The coordinate of a dimension of d, if there is one: coordinate->path is NULL where there is none. Its
   values are in any order; axis->missing tells of one that is none. Otherwise like qn_coordinate_select.
   Freed by the caller (qn_dataset_fini, qn_axis_fini), whatever is returned. Not collective. */
enum quern_status qn_coordinate_find(const struct qn_dataset *d, struct qn_joined *joined, int dim,
				     struct qn_dataset *coordinate, struct qn_axis *axis,
				     struct quern_message *err);

/* The bounds of a coordinate in one file, by the name that its attribute has: two of each value, one after
   the other, in *bounds; none where they are not as they should be. Freed by the caller (qn_axis_fini),
   whatever is returned. Not collective. */
enum quern_status qn_coordinate_bounds(const struct qn_dataset *coordinate, const char *name,
				       struct qn_axis *bounds, struct quern_message *err);

/* Two values of a coordinate, as texts, and what they are values of. Plain memory. */
struct qn_ends {
	char text[2][QN_AXIS_TEXT_NBYTES];
	char units[64];		   /* "": none, or dates */
	char file[256], path[256]; /* of the coordinate, cut off where it is longer */
	qn_faults fault;	   /* of its attributes in the first file */
};
#define QN_LAST_VALUE UINT64_MAX /* of a file */

/* Values at[0] and at[1] of the coordinate of a dimension of d, each in a file of its own. False:
   there is no coordinate, it has no such value, or cannot be read here. Not collective. */
bool qn_coordinate_ends(const struct qn_dataset *d, int dim, const char *const file[2],
			const uint64_t at[2], struct qn_ends *out);

/* Values of the coordinate `like` in n files that this host has, in one piece that is owned by the
   caller: of each file a struct qn_length, and the values; times as instants (axis.h), in the calendar
   of `like`. Not collective. */
struct qn_length {
	uint64_t n, missing; /* values; the first that is missing, or n */
};
enum quern_status qn_coordinate_read(const struct qn_dataset *like, const char *const *files,
				     size_t n, void **out, size_t *nbytes,
				     struct quern_message *err);

#endif
