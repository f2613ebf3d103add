/*
 * merge.h - the inside of a merge: parts (partial/partial.h) as one run, whose cells are those of the parts.
 *
 *	merge.c	the run, and its options
 *	unite.c	what all parts are of together: files, selection, what is known of them; or why they are not
 *	agree.c	what has to be the same in all of them
 *	add.c	the cells of a part to those of the run
 *
 * Of each part a run is opened on its own files, for which its extract stands: it says which rows the part has, and
 * where they are. The run over all parts is opened alike on all files.
 */
#ifndef QN_MERGE_MERGE_H
#define QN_MERGE_MERGE_H

#include "api/run.h"
#include "partial/partial.h"

struct qn_merge_part {
	struct qn_partial partial;
	quern_run *run; /* owned: on its files */
	size_t *file;	/* owned: the numbers of its files among all */
	uint64_t *
		begin; /* owned: where each begins in the whole, along the dimension that files are joined along */
};

struct qn_merge {
	quern_session *session; /* borrows */
	quern_session *alone;	/* owned: of this rank, of the runs of the parts */
	size_t n;
	struct qn_merge_part *part; /* owned */
	struct qn_partial whole;    /* files, selection, and extract of all */
};

/* A run of the options of a part. NULL: no memory. What is wrong is told by the run. */
quern_run *qn_merge_new_run(const struct qn_partial *p, quern_session *session);

/* Do parts belong together? QUERN_ERR_USAGE, QUERN_ERR_DATA: no, and the message names the difference. along: the dimension
   that files are joined along; NULL: as the parts say. Not collective, like the next two. */
enum quern_status qn_merge_agree(struct qn_merge *m, const char *along, struct quern_message *err);

/* Finds what they are of together. */
enum quern_status qn_merge_unite(struct qn_merge *m, struct quern_message *err);

/* Adds the cells of a part to those of a run over all. */
enum quern_status qn_merge_add(const struct qn_merge_part *p, struct qn_run *all,
			       struct quern_message *err);

#endif
