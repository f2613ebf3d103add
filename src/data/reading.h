/*
 * reading.h - how files may be read: how long the library of their format may take, and where their
 * data may lie.
 *
 * It is of a thread, as a locale is (uselocale(3)): the call that has the options sets it, the threads
 * that work for it take it over, and what is far below asks for it.
 */
#ifndef QN_DATA_READING_H
#define QN_DATA_READING_H

#include "base/options.h"

struct qn_reading {
	unsigned metadata_seconds;	/* for the metadata of a file; 0: as its size suggests */
	unsigned chunk_seconds;		/* for a chunk; 0: as its size suggests */
	bool allow_external;		/* raw files may be anywhere */
	bool as_stored;			/* extents are those of what is stored (--raw) */
};

/* Rows of the options, for the tables of the commands that read files. */
#define QN_MOST_SECONDS 1000000
/* clang-format off */
#define QN_METADATA_ROW \
	{ "metadata-timeout", 0, QUERN_OPT_INT, "SECONDS", NULL, 1, QN_MOST_SECONDS, \
	  "how long the HDF5 library may take for the metadata of a file (default: 60, for large " \
	  "files more)" }
#define QN_CHUNK_ROW \
	{ "chunk-timeout", 0, QUERN_OPT_INT, "SECONDS", NULL, 1, QN_MOST_SECONDS, \
	  "how long the HDF5 library may take for a chunk, where quern leaves reading to it (default: " \
	  "60, for large chunks more)" }
#define QN_EXTERNAL_ROW \
	{ "allow-external", 0, QUERN_OPT_FLAG, NULL, NULL, 0, 0, \
	  "read raw files that hold the elements of a dataset wherever they are, not only beside its own " \
	  "file or below" }
/* clang-format on */

/* That of the calling thread. */
const struct qn_reading *qn_reading(void);

/* Sets it; returns what it was before, to be set again. */
struct qn_reading qn_reading_set(struct qn_reading a);

#endif
