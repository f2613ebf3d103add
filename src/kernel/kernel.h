/*
 * kernel.h - the table of kernels, and what the engine derives from a kernel's segments.
 */
#ifndef QN_KERNEL_KERNEL_H
#define QN_KERNEL_KERNEL_H

#include "base/error.h"

/* Ends with NULL. Defined in kernels/. */
extern const struct quern_kernel *const qn_kernels[];

const struct quern_kernel *qn_kernel_find(const char *name);

/* The name of the kernel that a word stands for: itself, or that whose result has it (mean, max, std).
   NULL: there is none. */
const char *qn_kernel_meant(const char *word);

/* There is no kernel of this name: which was meant perhaps. Returns QUERN_ERR_USAGE. */
enum quern_status qn_kernel_unknown(const char *name, struct quern_message *err);

/* The names of the kernels for which something holds, with commas between them. */
typedef bool qn_kernel_holds(const struct quern_kernel *k, enum quern_role role);
void qn_kernels_list(qn_kernel_holds *holds, enum quern_role role, char *out, size_t nbytes);

/* Does it take text, which is of any role; take a role? */
bool qn_kernel_takes_text(const struct quern_kernel *k, enum quern_role role);
bool qn_kernel_takes(const struct quern_kernel *k, enum quern_role role);

/* The layout of a state, from the segments of the current pass. */
struct qn_layout_of_state {
	int nsegments;
	size_t nwords;
	struct quern_segment segment[QUERN_MAX_SEGMENTS];
};

/* Fills *l; checks the kernel's segments (counts, even pairs, no overflow). */
enum quern_status qn_state_layout(const struct quern_kernel *k, const void *self,
				  struct qn_layout_of_state *l, struct quern_message *err);

/* The state of no elements. */
void qn_state_identity(const struct qn_layout_of_state *l, int64_t *state);

/* into = into + from, both normalized where there are lists. Associative and commutative to the
   bit. */
void qn_state_merge(const struct qn_layout_of_state *l, int64_t *into, const int64_t *from);

/* Is it in normal form: does each LEAST segment descend to the best entry, and does normalize() change
   nothing? Where there is no memory to see, it is. */
bool qn_state_is_valid(const struct quern_kernel *k, const void *self,
		       const struct qn_layout_of_state *l, const int64_t *state, const char **why);

/* state = state + state; without LEAST segments. */
void qn_state_double(const struct qn_layout_of_state *l, int64_t *state);
/* Whether states of this layout may be doubled, and the kernel says that they then stand for data that
   comes twice. */
bool qn_state_repeats(const struct quern_kernel *k, const struct qn_layout_of_state *l);

#endif
