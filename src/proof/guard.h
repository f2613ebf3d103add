/*
 * guard.h - memory between pages that must not be touched: what reads or writes past its end crashes there.
 */
#ifndef QN_PROOF_GUARD_H
#define QN_PROOF_GUARD_H

#include <stdbool.h>
#include <stddef.h>

/* Bytes of marks around what is placed, at most. */
#define QN_GUARDED_MARKS 320

struct qn_guarded {
	unsigned char *map; /* owned; NULL: none */
	size_t nbytes;	    /* between the pages that guard it */
	size_t page;
};

/* False: no memory. */
bool qn_guarded_init(struct qn_guarded *g, size_t nbytes);
void qn_guarded_fini(struct qn_guarded *g);

/* The last n bytes before the page at the end, from a multiple of `align` on: what is left between is filled with marks.
   n is at most what it was made for. */
void *qn_guarded_place(struct qn_guarded *g, size_t n, size_t align);
/* Are the marks around the n bytes at p as they were? */
bool qn_guarded_is_whole(const struct qn_guarded *g, const void *p, size_t n);

/* Is an address in the pages behind it, or before it? */
bool qn_guarded_guards(const struct qn_guarded *g, const void *address);

#endif
