/*
 * choice.h - the kernel of a run, or several in one, by the words of the user.
 */
#ifndef QN_REGISTRY_CHOICE_H
#define QN_REGISTRY_CHOICE_H

#include "registry/registry.h"

struct qn_several;

/* What runs: a kernel, or several as one, which is called as the user lists them. */
struct qn_choice {
	const struct quern_kernel *kernel; /* NULL: none */
	struct qn_several
		*several; /* owned: what there is of it; NULL: it is one of the registry */
};

/* text: names and files (registry.h) with commas between them; what is loaded is added to r, which outlives *c.
   QUERN_ERR_USAGE: a kernel that is not there, or twice, or that has to run alone. The caller frees with
   qn_choice_fini, whatever is returned. */
enum quern_status qn_choice_find(const char *text, struct qn_registry *r, struct qn_choice *c,
				 struct quern_message *err);
void qn_choice_fini(struct qn_choice *c);

#endif
