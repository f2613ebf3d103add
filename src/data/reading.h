/*
 * reading.h - how files may be read: how long the library of their format may take, and where their
 * data may lie.
 *
 * It is of a thread, as a locale is (uselocale(3)): the call that has the options sets it, the threads
 * that work for it take it over, and what is far below asks for it.
 */
#ifndef QN_DATA_READING_H
#define QN_DATA_READING_H

#include <stdbool.h>

struct qn_answers;
struct qn_extract;
struct qn_forkserver;
struct qn_frame;

struct qn_reading {
	struct qn_answers
		*answers; /* borrows: what is known of files (answers.h); NULL: nothing is kept */
	struct qn_forkserver *forkserver; /* borrows: what forks the processes in which the library
					     works (base/forkserver.h); NULL: this process does */
	unsigned metadata_seconds;	  /* for the metadata of a file; 0: as its size suggests */
	unsigned chunk_seconds;		  /* for a chunk; 0: as its size suggests */
	bool allow_external;		  /* raw files may be anywhere */
	bool as_stored;			  /* extents are those of what is stored (--raw) */
	const struct qn_frame *frame;	  /* borrows: a grid in memory (frame.h); NULL: none */
	struct qn_extract
		*extract; /* borrows: what is asked of files is noted there, or answered from it
					 (extract/extract.h); NULL: neither */
};

/* That of the calling thread. */
const struct qn_reading *qn_reading(void);

/* Sets it; returns what it was before, to be set again. */
struct qn_reading qn_reading_set(struct qn_reading a);

#endif
