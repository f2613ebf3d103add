/*
 * pick.h - the fields of a result that a user asks for (--fields).
 */
#ifndef QN_KERNEL_PICK_H
#define QN_KERNEL_PICK_H

#include "base/names.h"
#include "quern_kernel.h"

/* text: names of fields with commas between them, which are added to *names. QUERN_ERR_USAGE: there is no such
   field, or it is there twice. */
enum quern_status qn_pick_find(const struct quern_kernel *k, const void *self, const char *text,
			       struct qn_names *names, struct quern_message *err);

#endif
