/*
 * calls.h - the slots of a kernel, called so that what they do to memory and to the floating-point environment is seen.
 */
#ifndef QN_PROOF_CALLS_H
#define QN_PROOF_CALLS_H

#include "kernel/kernel.h"
#include "proof/tiling.h"
#include "proof/proof.h"

/* A kernel on trial. */
struct qn_calls {
	const struct qn_trial *trial;
	struct qn_doing *doing;
	unsigned roles;
	void *self; /* the kernel's */
	struct qn_layout_of_state layout;
	size_t scratch_nbytes;
	unsigned char garbage; /* that scratch is full of */
	unsigned long fp;      /* what qn_fp_mode said before the slot was called */
	bool is_broken;	       /* err says how */
	struct quern_message *err;
};

/* Records what is broken, once; returns QUERN_ERR_DATA. */
enum quern_status qn_calls_break(struct qn_calls *c, const char *what);

/* Around every call of a slot. */
void qn_calls_enter(struct qn_calls *c, const char *slot);
void qn_calls_leave(struct qn_calls *c);

/* Opens the kernel on a box of a sample. */
enum quern_status qn_calls_open(struct qn_calls *c, const struct qn_sample *s,
				const struct quern_box *box);
void qn_calls_close(struct qn_calls *c);

/* The state of the current pass: its layout, and room for it, for scratch and for tiles. */
enum quern_status qn_calls_begin_pass(struct qn_calls *c, size_t most_nelems);

/* Adds a piece to a state. */
enum quern_status qn_calls_absorb(struct qn_calls *c, int64_t *state, const struct qn_cut_tile *p);
void qn_calls_normalize(struct qn_calls *c, int64_t *state);

#endif
