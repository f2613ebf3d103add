/*
 * globals.h - the variables of a shared object, made read-only for a while.
 */
#ifndef QN_PROOF_GLOBALS_H
#define QN_PROOF_GLOBALS_H

#include <stdbool.h>
#include <stddef.h>

#define QN_MOST_RANGES 8

struct qn_globals {
	int n;
	struct {
		void *begin; /* of a page */
		size_t nbytes;
	} range[QN_MOST_RANGES];
};

/* Those of the object that an address is in; none for the program itself and for what has no object. */
void qn_globals_find(const void *address, struct qn_globals *out);

/* May they be written to? False: the system does not do that. */
bool qn_globals_set(const struct qn_globals *g, bool writable);

bool qn_globals_have(const struct qn_globals *g, const void *address);

#endif
