/*
 * resolve_impl.h - what the parts of resolving share. Included by resolve*.c only.
 *
 *	resolve.c		which way a dataset goes; joining what came of it to the whole
 *	resolve_virtual.c	a virtual dataset: its sources, and what they leave uncovered
 *	resolve_sources.c	the datasets that it is mapped to, each described once
 *	resolve_raw.c		raw data in external files
 */
#ifndef QN_EXEC_RESOLVE_IMPL_H
#define QN_EXEC_RESOLVE_IMPL_H

#include "data/mosaic.h"
#include "data/storage.h"

/* Virtual datasets of virtual datasets: deeper, they go round in a circle. */
#define QN_MOST_NESTED 8
/* Virtual datasets among the sources, in all: each takes processes of its own to describe. */
#define QN_MOST_VIRTUAL 10000u
/* Parts that a dataset may have; with more it is left to the library. */
#define QN_MOST_PARTS 1000000u

/* Of a dataset and all that it is made of. Sources that are virtual have sources: without a limit on
   their sum a few small files could ask for any amount of work. */
struct qn_effort {
	uint64_t nsources, nvirtual; /* described */
};

struct qn_resolving {
	const struct qn_dataset *whole;		/* borrows */
	const struct qn_dataset *outermost;	/* borrows: whose attributes count */
	const struct qn_resolving *outer;	/* borrows: of which it is a source; or NULL */
	int depth;
	int nprocesses;
	struct qn_effort *effort;	/* borrows */
	struct qn_mosaic own;		/* what comes of it, at 0 */
	char why[96];			/* not "": why it is left to the library */
	struct quern_message *err;
};

/* Each fills r->own, or r->why. */
enum quern_status qn_resolve_virtual(struct qn_resolving *r, const struct qn_sources *list);
enum quern_status qn_resolve_raw(struct qn_resolving *r, const struct qn_sources *list);

/* Resolves r->whole, which is of one of these kinds. */
enum quern_status qn_resolve_into(struct qn_resolving *r);

/* The first reason stays. */
void qn_resolve_leave(struct qn_resolving *r, const char *why);

/* A member that has the shape of the whole and no chunks: fill value, or zeros. */
enum quern_status qn_resolve_add_empty(struct qn_resolving *r, bool zeros, uint32_t *member);

/* A source, once described. */
struct qn_known {
	bool missing;
	bool nested;			/* it is a mosaic, whose members begin at `member` of ours */
	uint32_t member;
	int ndim;
	uint64_t shape[QUERN_MAX_DIMS];
	struct qn_mosaic mosaic;	/* owned, if nested */
};

/* Of each entry of the list, which of the known sources it is. */
struct qn_knowns {
	uint64_t n;
	struct qn_known *known;		/* owned */
	uint64_t *of;			/* owned */
};

enum quern_status qn_knowns_init(struct qn_resolving *r, const struct qn_sources *list,
				 struct qn_knowns *k);
void qn_knowns_fini(struct qn_knowns *k);

#endif
