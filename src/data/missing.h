/*
 * missing.h - sources of a dataset that are not there: how many are mapped, and the first of them by name.
 */
#ifndef QN_DATA_MISSING_H
#define QN_DATA_MISSING_H

#include "base/error.h"

#define QN_MOST_ABSENT 16 /* by name */

struct qn_absent {
	char *file, *path; /* owned: as they are written in the dataset; path "": a raw file */
};

struct qn_missing {
	uint64_t n; /* mappings: several may be of one source */
	size_t nnamed;
	struct qn_absent *named; /* owned: of different names */
};

void qn_missing_fini(struct qn_missing *m);

/* Counts a mapping, and copies the name of its source. */
enum quern_status qn_missing_add(struct qn_missing *m, const char *file, const char *path,
				 struct quern_message *err);
/* Counts all that another one has. */
enum quern_status qn_missing_unite(struct qn_missing *m, const struct qn_missing *more,
				   struct quern_message *err);

#endif
