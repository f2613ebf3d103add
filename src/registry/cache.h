/*
 * cache.h - the directory of compiled kernels, and directories in it to work in.
 */
#ifndef QN_REGISTRY_CACHE_H
#define QN_REGISTRY_CACHE_H

#include "base/error.h"

/* The user's directory of compiled kernels, which is made where it is not there. *folder: owned. */
enum quern_status qn_cache_find(char **folder, struct quern_message *err);

/* Makes a directory for this call alone. *work: owned. */
enum quern_status qn_cache_work(const char *folder, char **work, struct quern_message *err);
/* Removes it with the files in it; frees the name. NULL: nothing. */
void qn_cache_leave(char *work);

/* "FOLDER/NAME", owned; NULL: no memory, which err says. */
char *qn_cache_join(const char *folder, const char *name, struct quern_message *err);

#endif
