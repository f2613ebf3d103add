/*
 * registry.h - the kernels that a run may name: those of the table (kernel/kernel.h), and those of users, which are
 * registered by the program, or loaded by a path or from a directory of QUERN_KERNEL_PATH.
 */
#ifndef QN_REGISTRY_REGISTRY_H
#define QN_REGISTRY_REGISTRY_H

#include "cluster/comm.h"
#include "registry/library.h"
#include "registry/shield.h"

struct qn_user_kernel {
	struct qn_shield *shield; /* owned: of the kernel */
	char *word; /* owned: by which it was asked for; NULL: the program has registered it */
	struct qn_sum sum; /* of the bytes that were loaded */
	struct qn_library library;
};

/* Kernels of users, in the order in which they came. A zeroed one has none. */
struct qn_registry {
	size_t n, room;
	struct qn_user_kernel *user; /* owned */
};

/* No kernel of it is in use any more. */
void qn_registry_fini(struct qn_registry *r);

/* Adds a kernel of the program, which keeps it. QUERN_ERR_USAGE: it lacks something, or its name is taken. */
enum quern_status qn_registry_add(struct qn_registry *r, const struct quern_kernel *k,
				  struct quern_message *err);

/* Adds those of another one that the program has registered. */
enum quern_status qn_registry_add_all(struct qn_registry *r, const struct qn_registry *from,
				      struct quern_message *err);

/* Is a word a file and no name: has it a slash, or does it end in .so or .c? */
bool qn_registry_is_file(const char *word);

/*
 * The kernel that a word stands for: of the table, of this registry, a file (qn_registry_is_file), or
 * NAME.so or NAME.c in a directory of QUERN_KERNEL_PATH; a file is loaded, and compiled before. QUERN_ERR_USAGE: there is
 * none. Not collective.
 */
enum quern_status qn_registry_find(struct qn_registry *r, const char *word,
				   const struct quern_kernel **out, struct quern_message *err);

/* Of a kernel that was found, that which the user has written; NULL: it is of the table. */
const struct quern_kernel *qn_registry_real(const struct qn_registry *r,
					    const struct quern_kernel *k);

/* st: of finding kernels on this rank so far. Have all ranks found the same bytes? Collective. */
enum quern_status qn_registry_agree(const struct qn_registry *r, struct qn_comm *c,
				    enum quern_status st, struct quern_message *err);

#endif
