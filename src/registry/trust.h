/*
 * trust.h - which files may become code of this process: those that only this user and root can change.
 */
#ifndef QN_REGISTRY_TRUST_H
#define QN_REGISTRY_TRUST_H

#include <sys/stat.h>

#include "base/error.h"

/* Opens a regular file, the user's own or root's, that nobody else may write, in directories of which the same holds
   (in sticky ones, as /tmp, others may have files of their own). *st: what fstat says. *fd: owned, and
   what was checked, whatever the name leads to later; -1 on failure: QUERN_ERR_DENIED or _USAGE. */
enum quern_status qn_trust_open(const char *file, int *fd, struct stat *st,
				struct quern_message *err);

/* Is a directory the user's own, and nobody else may look into it? QUERN_ERR_DENIED with advice. */
enum quern_status qn_trust_private(const char *folder, struct quern_message *err);

#endif
