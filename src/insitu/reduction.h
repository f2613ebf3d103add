/*
 * reduction.h - the inside of quern_reduction, shared by the files of this folder.
 *
 *	reduction.c	what it is told; the run over what it has absorbed
 *	absorb.c	a step: arrays in memory to cells
 *	alike.c		is it the same on all ranks?
 *	apart.c		do boxes overlap?
 *	blocks.c	an array, as boxes whose values lie side by side
 *	tables.c	the cells, until all steps are there
 *
 * Until the first step there is nothing but words. Then a run is opened, of this rank alone and on one step: its
 * formula, its keys and its kernel are what steps go through, to the cells of `tables`. A result is that of another
 * run, of all ranks and on all steps, whose cells are those of the tables in the place of a pass over data.
 */
#ifndef QN_INSITU_REDUCTION_H
#define QN_INSITU_REDUCTION_H

#include "api/run.h"
#include "data/frame.h"
#include "insitu/blocks.h"
#include "insitu/tables.h"
#include "run/absorb.h"

#define QN_NO_MASK SIZE_MAX

/* An array of each box. */
struct qn_held {
	size_t variable; /* of the frame */
	int64_t *stride; /* owned: bytes, of each box the dimensions but that of steps */
};

struct quern_reduction {
	quern_session *session; /* borrows */
	char *kernel;		/* owned */
	struct quern_message err;
	struct qn_names option, value; /* as they were set; no value: a flag */
	struct qn_frame frame;	       /* of all steps so far */
	uint64_t most_steps;
	double *steps; /* owned: their values */
	size_t room;
	size_t nboxes;
	bool are_apart; /* that boxes do not overlap, those of all ranks, has been seen */
	struct quern_box
		*box; /* owned: of the dimensions of the frame, with one index along steps */
	size_t nheld;
	struct qn_held *held; /* owned */
	size_t lead;	      /* of these: what is reduced, */
	size_t mask;	      /* and of which zeros say what of it is missing; or QN_NO_MASK */

	/* From the first step on. */
	struct qn_frame now; /* of one step: borrows from the other */
	double step;	     /* its value */
	quern_session
		*alone; /* owned: of this rank alone, of runs that tell what becomes of steps: */
	quern_run *run; /* owned: of one step */
	struct qn_step_tables tables;
	struct qn_absorber absorber;
	char *room_of_block, *room_of_mask; /* owned, like the next */
	uint64_t *valid;
	uint64_t most;		  /* elements of a block */
	uint64_t nchunks, nbytes; /* absorbed so far */
};

/* A run of it, with its options, of a session and on a frame. NULL: no memory. */
quern_run *qn_reduction_new_run(quern_reduction *r, quern_session *session,
				const struct qn_frame *frame);

/* Do the boxes of all ranks, and of each, keep apart? QUERN_ERR_USAGE on rank 0: two that do not. Collective. */
enum quern_status qn_reduction_compare_boxes(const quern_reduction *r, struct qn_comm *c,
					     struct quern_message *err);

/* Before anything is computed of it: were all ranks told the same, and have they absorbed the same steps? QUERN_ERR_USAGE
   on all of them: what is not. Collective. */
enum quern_status qn_reduction_agree(void *reduction, struct qn_comm *c, struct quern_message *err);

#endif
