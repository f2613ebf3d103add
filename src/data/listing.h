/*
 * listing.h - what a file has: its datasets, the links in it, and what of it cannot be read. A format
 * reads it from the file; it is hostile until qn_listing_unpack has checked it.
 */
#ifndef QN_DATA_LISTING_H
#define QN_DATA_LISTING_H

#include "base/error.h"

/* What is at the end of a path or a link. DAMAGED_OBJECT: one that cannot be read. OTHER_FILE: something
   in another file, if that is there. */
enum qn_object {
	QN_NOTHING,
	QN_GROUP,
	QN_DATASET,
	QN_DATATYPE,
	QN_DAMAGED_OBJECT,
	QN_OTHER_FILE,
	QN_NOBJECTS
};
extern const char *const qn_object_names[QN_NOBJECTS];

/* HARD: another name of an object that is listed, or of a group whose contents are. */
enum qn_link_kind { QN_HARD_LINK, QN_SOFT_LINK, QN_EXTERNAL_LINK, QN_OTHER_LINK, QN_NLINK_KINDS };

struct qn_link {
	enum qn_link_kind kind;
	enum qn_object leads_to;
	char *path;   /* owned, absolute */
	char *file;   /* owned: of an external link, as it is written; "" of others */
	char *target; /* owned: a soft or external link's as it is written; the listed name */
};

/* What cannot be read: an object, or a group whose links cannot all be read. */
struct qn_flaw {
	char *path, *why; /* owned */
};

/* What a dataset is for, by the conventions of netCDF and CF. DIMENSION: of netCDF, without a
   variable. */
enum qn_role { QN_VARIABLE, QN_COORDINATE, QN_BOUNDS, QN_GRID_MAPPING, QN_DIMENSION, QN_NROLES };
extern const char *const qn_role_names[QN_NROLES];

struct qn_about {
	enum qn_role role;
	int ndim;
	uint64_t shape[QUERN_MAX_DIMS];
	char dtype[24];
};

/* Datasets that are looked at for their roles; where there are more, none is. */
#define QN_MOST_ABOUT 4096u

struct qn_listing {
	size_t n;
	char **path;		/* owned, absolute, sorted: each dataset under one name */
	struct qn_about *about; /* owned: of each; NULL: not looked at */
	size_t nlinks;
	struct qn_link *link; /* owned, sorted by path */
	size_t nflaws;	      /* 0: the list is whole */
	struct qn_flaw *flaw; /* owned, sorted by path */
};

void qn_listing_fini(struct qn_listing *l);

/* Add a copy of what they are given; false without memory. */
bool qn_listing_add(struct qn_listing *l, const char *path);
bool qn_listing_add_link(struct qn_listing *l, const struct qn_link *new);
bool qn_listing_add_flaw(struct qn_listing *l, const char *path, const char *why);

void qn_listing_sort(struct qn_listing *l);

/* Is it one of the datasets? */
bool qn_listing_has(const struct qn_listing *l, const char *path);

/* Is a path that one, or below it? */
bool qn_path_is_below(const char *path, const char *group);

/* What a path leads to, through links of all kinds. */
struct qn_target {
	enum qn_object is; /* not OTHER_FILE */
	char *file, *path; /* owned: where it is, by hard links alone */
	char *why;	   /* owned: of nothing, which link leads nowhere, as a sentence */
};

void qn_target_fini(struct qn_target *t);

/* Flat form, for a pipe. pack returns owned memory, or NULL. unpack checks it; false: `why` says what
   is impossible, or is NULL for want of memory. */
void *qn_listing_pack(const struct qn_listing *l, size_t *nbytes);
bool qn_listing_unpack(const void *data, size_t nbytes, struct qn_listing *out, const char **why);

#endif
