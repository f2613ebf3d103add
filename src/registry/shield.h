/*
 * shield.h - a kernel of a user as the engine calls it: what it does to the process is noticed, and is an error of the
 * run that names it with the tile it had.
 */
#ifndef QN_REGISTRY_SHIELD_H
#define QN_REGISTRY_SHIELD_H

#include "base/error.h"

/* The kernel that stands for another one. Its address stays, and begins it. */
struct qn_shield {
	struct quern_kernel kernel;
	const struct quern_kernel *real; /* keeps */
};

void qn_shield_make(struct qn_shield *s, const struct quern_kernel *real);

/* What an open kernel, or one of several, has done so far: QUERN_OK, or an error: it crashed, or left the floating-point
   environment changed. From then on it is not called any more. dataset: that of the tiles, for the message. From any
   thread. */
enum quern_status qn_shield_check(const struct quern_kernel *k, const void *self,
				  const char *dataset, struct quern_message *err);

#endif
