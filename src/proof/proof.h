/*
 * proof.h - holds a kernel to what the engine relies on: a state is a function of the set of elements alone. The same
 * elements are absorbed in other tiles, orders, partitions, merge trees and threads, from memory between guard pages,
 * with garbage for scratch; the words of the normalized states must be equal.
 */
#ifndef QN_PROOF_PROOF_H
#define QN_PROOF_PROOF_H

#include "base/error.h"
#include "proof/globals.h"
#include "proof/guard.h"
#include "proof/sample.h"

/* What a kernel is tried on. */
struct qn_trial {
	const struct quern_kernel *kernel;
	const char *const *settings; /* "name=value", NULL after the last; NULL: none */
	enum quern_dtype dtype;
	size_t text_nbytes; /* of QUERN_TEXT */
	enum qn_mood mood;
	unsigned nmissing_in; /* one in so many elements is missing, and as many are NaN; 0: none */
	bool nan_missing;
	bool has_steps; /* of every other element */
	unsigned roles; /* besides those that the kernel needs */
	bool is_guarded; /* the kernel is of a shared object of its own, whose variables it must not write to in absorb() */
	uint64_t seed; /* not 0 */
};

/* What a kernel is doing, for a handler of the signal that ends it. Zeroed at first. */
struct qn_doing {
	const struct qn_trial *trial; /* NULL: none yet */
	const char *volatile slot;    /* NULL: none of the kernel's */
	struct qn_guarded values, with, weight, valid, scratch, state;
	struct qn_globals globals; /* of the kernel, while it must not write to them */
};

/*
 * Tries it. *is_broken: the kernel is, and err says how, with what it was tried on. Otherwise QUERN_OK, or a failure:
 * that of open() with its message, of a kernel that takes no such data, or no memory. Not collective.
 */
enum quern_status qn_proof_try(const struct qn_trial *t, struct qn_doing *doing, bool *is_broken,
			       struct quern_message *err);

/* "type f4, smooth values, 1 in 30 missing, seed 12": what a kernel was tried on. */
#define QN_TRIAL_NBYTES 160
const char *qn_trial_describe(const struct qn_trial *t, char out[QN_TRIAL_NBYTES]);

#endif
