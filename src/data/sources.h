/*
 * sources.h - where the elements of a dataset are that do not lie in its file: which elements of
 * which dataset or raw file stand where in the whole. A format reads it from the file; it is hostile
 * until qn_sources_unpack has checked it.
 */
#ifndef QN_DATA_SOURCES_H
#define QN_DATA_SOURCES_H

#include "data/dataset.h"

#define QN_UNLIMITED	UINT64_MAX
#define QN_MOST_SOURCES 1000000u

/* Indexes of a dimension: start + i * stride + j, i < count, j < block <= stride. One of count and
   block may be QN_UNLIMITED: as many as there are. */
struct qn_span {
	uint64_t start, stride, count, block;
};

struct qn_origin {
	char *file;		 /* owned; of what is missing: as it is written */
	char *path;		 /* owned: the dataset; "": raw bytes */
	bool is_missing;	 /* there is no such file */
	uint64_t offset, nbytes; /* of the raw bytes */
	int ndim;	    /* of the dataset as it was when it was mapped; 0: all of it, or raw */
	struct qn_span *to; /* owned: by dimension of the whole, none for raw bytes; */
	struct qn_span *from; /* and behind it, by dimension of the source */
};

/* In the order in which they were mapped: where two are mapped to one place, the last is meant. */
struct qn_sources {
	int ndim; /* of the whole */
	uint64_t n, room;
	struct qn_origin *origin; /* owned */
	/* Not "": why they cannot be told in this form, and are for the library. */
	char why_not_native[96];
};

void qn_sources_fini(struct qn_sources *s);

/* Adds one, and copies what it is given; false without memory. */
bool qn_sources_add(struct qn_sources *s, const struct qn_origin *new);

/* Flat form, for a pipe. pack returns owned memory, or NULL. unpack checks spans and names, and that
   a part of the whole is inside of `shape`. False: `why` says what is impossible; or no memory. */
void *qn_sources_pack(const struct qn_sources *s, size_t *nbytes);
bool qn_sources_unpack(const void *data, size_t nbytes, const struct qn_dataset *whole,
		       struct qn_sources *out, const char **why);

#endif
