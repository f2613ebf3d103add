/*
 * library.h - a shared object that has a kernel.
 */
#ifndef QN_REGISTRY_LIBRARY_H
#define QN_REGISTRY_LIBRARY_H

#include "base/error.h"
#include "data/sum.h"

struct qn_library {
	int fd;	      /* owned; what was checked, and what is loaded; -1: none */
	void *handle; /* owned */
};

#define QN_LIBRARY_NONE ((struct qn_library){ .fd = -1 })

/*
 * Loads the kernel of a shared object, which is called `name` in messages, which only the user and root can change (trust.h). *kernel lives as long as *out;
 * *sum is that of the bytes. The initialisers of the object run; what they change of the floating-point environment of
 * this thread is undone. QUERN_ERR_USAGE: it is no shared object, or has no kernel that this quern can run.
 */
enum quern_status qn_library_open(const char *file, const char *name, struct qn_library *out,
				  const struct quern_kernel **kernel, struct qn_sum *sum,
				  struct quern_message *err);
void qn_library_close(struct qn_library *l);

/* Has a kernel all that the engine calls, and nothing that only kernels of its own may have? file: for messages. */
enum quern_status qn_library_check(const struct quern_kernel *k, const char *file,
				   struct quern_message *err);

#endif
