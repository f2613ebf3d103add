/*
 * grants.h - the files that a child may open beside the one that it was asked about: those that this
 * one names, as the child has found out (files.h). What it says need not be so: each is looked at
 * before it is granted.
 */
#ifndef QN_IO_HDF5_CHILD_GRANTS_H
#define QN_IO_HDF5_CHILD_GRANTS_H

#include "io/sandbox/child.h"

/* Answers that are asked for, of files that lead to others, one to the next. */
#define QN_GRANTS_MOST_ROUNDS 100

struct qn_grants {
	const char *file;	  /* borrows: that is asked about */
	const char *dataset;	  /* borrows: whose elements are read, with plugins; NULL: none */
	bool raw;		  /* they may be in raw files */
	struct quern_message why; /* why one of the last answer was not granted */
	struct qn_names names;	  /* that may be opened */
};

/* What a child may open from the beginning: `file`, and what the system's libraries look for; with a dataset,
   plugins and all libraries, unless the child is not forked here, and adds them itself. The lock of the HDF5 library is not held. */
enum quern_status qn_grants_init(struct qn_grants *g, const char *file, const char *dataset,
				 bool raw, struct quern_message *err);
/* Adds where the HDF5 library looks for plugins, and what these need. The lock is not held. */
enum quern_status qn_grants_add_plugins(struct qn_names *names, struct quern_message *err);
void qn_grants_fini(struct qn_grants *g);

/*
 * After an answer of a child: grants what it was refused, if that is another HDF5 file, a member of the
 * family of the file, or, where they may be opened, a library or a raw file (data/external.h). *more: there
 * was some, and the answer counts for nothing. QUERN_ERR_RUN: the system had no descriptor for a file, so
 * neither does it.
 */
enum quern_status qn_grants_look(struct qn_grants *g, struct qn_child *c, bool *more,
				 struct quern_message *err);

/* Records that after all rounds there was still another file. Returns QUERN_ERR_DATA. */
enum quern_status qn_grants_no_end(const struct qn_grants *g, struct quern_message *err);

#endif
