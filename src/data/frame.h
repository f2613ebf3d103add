/*
 * frame.h - a grid in memory, described as a file is: its dimensions, coordinates and variables. The values of
 * coordinates are there; those of variables are not, as a simulation holds them and comes by with them step by step.
 *
 * It is a format, of the one file QN_FRAME_NAME, for calls whose qn_reading() has a frame. So whatever asks a file for
 * coordinates, units and names asks a frame by the same functions.
 */
#ifndef QN_DATA_FRAME_H
#define QN_DATA_FRAME_H

#include "data/storage.h"

#define QN_FRAME_NAME "memory"

struct qn_frame_variable {
	char *name; /* owned */
	enum quern_dtype dtype;
	int ndim, dim[QUERN_MAX_DIMS]; /* dimensions of the frame, rising */
	char *units, *calendar;	       /* owned; NULL: none */
	/* Owned: of all of them, in C order; NULL: they are not kept, or are frame->steps. */
	void *values;
	bool is_step; /* the coordinate of the steps */
};

/* The same on all ranks. */
struct qn_frame {
	int ndim;
	char *dim_name[QUERN_MAX_DIMS]; /* owned */
	uint64_t shape[QUERN_MAX_DIMS];
	bool has_steps;	     /* dimension 0 is that of steps, of which there are shape[0] so far, */
	const double *steps; /* borrows: and these are their values */
	size_t n;
	struct qn_frame_variable *variable; /* owned */
};

void qn_frame_fini(struct qn_frame *f);

/* Adds a variable, which is copied but for `values`, that are taken. False: no memory. */
bool qn_frame_add(struct qn_frame *f, const struct qn_frame_variable *v);

/* The variable of a name, or NULL. */
const struct qn_frame_variable *qn_frame_find(const struct qn_frame *f, const char *name);

/* The dimension of a name; -1: there is none. */
int qn_frame_dimension(const struct qn_frame *f, const char *name);

/* The variable that a path leads to whose values are not kept; NULL: none does. */
const struct qn_frame_variable *qn_frame_held(const struct qn_frame *f, const char *path);

/* The format of a file: that of frames, if it is the one of this call; else NULL. */
const struct qn_format *qn_frame_format(const char *file);

#endif
