/*
 * resolve_impl.h - what the parts of resolving share. Included by resolve*.c only.
 *
 *	resolve.c		which way a dataset goes; joining what came of it to the whole
 *	resolve_virtual.c	a virtual dataset: its sources, and what they leave uncovered
 *	resolve_sources.c	the datasets that it is mapped to, each described once
 *	resolve_raw.c		raw data in external files
 */
#ifndef QN_RESOLVE_IMPL_H
#define QN_RESOLVE_IMPL_H

#include "data/mosaic.h"
#include "data/storage.h"

/* Virtual datasets of virtual datasets: deeper, they go round in a circle. */
#define QN_MOST_NESTED 8
/* Virtual datasets among the sources, in all: each takes processes of its own to describe. */
#define QN_MOST_VIRTUAL 10000u
/* Parts that a dataset may have; with more it is left to the library. */
#define QN_MOST_PARTS 1000000u

/* What a virtual dataset among the sources came to. It may be a source of many others, and these of more:
   resolved each time, a few levels of a few mappings would be millions. */
struct qn_memo {
	char *file, *path; /* owned */
	int ndim;
	uint64_t shape[QUERN_MAX_DIMS];
	int height;		 /* levels of virtual datasets, with this one */
	char why[96];		 /* as in qn_resolving */
	struct qn_mosaic mosaic; /* owned */
};

/* Of a dataset and all that it is made of. Sources that are virtual have sources: without a limit on
   their sum a few small files could ask for any amount of work. */
struct qn_effort {
	uint64_t nsources, nvirtual; /* described */
	void *memos;		     /* owned: a tree of tsearch(3), by file and path */
};

void qn_effort_fini(struct qn_effort *e);

struct qn_resolving {
	const struct qn_dataset *whole;	    /* borrows */
	const struct qn_dataset *outermost; /* borrows: whose attributes count */
	const struct qn_resolving *outer;   /* borrows: of which it is a source; or NULL */
	int depth, height;		    /* levels of virtual datasets around it, and in it */
	int nprocesses;
	struct qn_effort *effort; /* borrows */
	struct qn_mosaic own;	  /* what comes of it, at 0 */
	char why[96];		  /* not "": why it is left to the library */
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
struct qn_resolved {
	bool missing;
	const struct qn_mosaic *nested; /* borrows: NULL, or the mosaic that it is, */
	uint32_t *member_of;		/* owned: and which of our members its are, or QN_NOT_YET */
	uint32_t member;		/* else: this one */
	int ndim;
	uint64_t shape[QUERN_MAX_DIMS];
};

#define QN_NOT_YET UINT32_MAX

/* Of each entry of the list, which of the known sources it is. */
struct qn_knowns {
	uint64_t n;
	struct qn_resolved *known; /* owned */
	uint64_t *of;		   /* owned */
};

enum quern_status qn_knowns_init(struct qn_resolving *r, const struct qn_sources *list,
				 struct qn_knowns *k);
void qn_knowns_fini(struct qn_knowns *k);

/* Our member for one of a nested source, which becomes ours when a part of it is wanted. */
enum quern_status qn_known_member(struct qn_resolving *r, const struct qn_resolved *known,
				  uint32_t theirs, uint32_t *member);

#endif
