/*
 * named.h - the text of -d taken apart: datasets with a result, and those that only have a name in
 * expressions and keys.
 *
 *	t2m, /obs/sst			a dataset with a result
 *	NAME=PATH, NAME=PATH@FILE	an operand: of the files that are computed on, or of another one
 *
 * Elements are separated by commas. A FILE, one, stands in quotes where it has commas in it.
 */
#ifndef QN_KEYS_NAMED_H
#define QN_KEYS_NAMED_H

#include "base/error.h"

struct qn_named {
	char *name,
		*path; /* owned; path as it is written: in the group of the dataset or above, or /A/PATH */
	char *file; /* owned; NULL: in the files that are computed on */
};

struct qn_named_list {
	char *results; /* owned: the elements without a name, as they are written; NULL: none */
	int n;
	struct qn_named *named; /* owned; names differ */
};

/* QUERN_ERR_USAGE says what is wrong. The caller frees with qn_named_fini, whatever is returned. Not
   collective. */
enum quern_status qn_named_parse(const char *text, struct qn_named_list *out,
				 struct quern_message *err);
void qn_named_fini(struct qn_named_list *l);

/* The one of a name; NULL: there is none. */
const struct qn_named *qn_named_find(const struct qn_named_list *l, const char *name);

/* The first one that is in the files that are computed on: it is the data, where there are no results. NULL: there
   is none. */
const struct qn_named *qn_named_first(const struct qn_named_list *l);

/* The length of NAME in "NAME=...", 0: the text does not begin like this. "==" is no such sign. */
size_t qn_named_length(const char *text);

#endif
