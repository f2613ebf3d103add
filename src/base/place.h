/*
 * place.h - files that are there whole or not at all: they are written beside their place, as
 * FILE.partial, synced, and renamed.
 */
#ifndef QN_BASE_PLACE_H
#define QN_BASE_PLACE_H

#include <stdint.h>

#include "base/error.h"

/* "FILE.partial": owned, NULL without memory. */
char *qn_place_partial(const char *file);

/* Opens FILE.partial anew for reading and writing. QUERN_ERR_RUN when it cannot be had. */
enum quern_status qn_place_open(const char *file, int *fd, struct quern_message *err);

/* Has FILE.partial, which is open, say that it was changed at time_ns, synced, and put in its place
   durably. Closes fd whatever comes of it; on failure FILE.partial is gone. */
enum quern_status qn_place_finish(const char *file, int fd, int64_t time_ns,
				  struct quern_message *err);

/* Closes fd (-1: none is open) and removes FILE.partial. */
void qn_place_discard(const char *file, int fd);

/* The three of them. */
enum quern_status qn_place_write(const char *file, const void *bytes, size_t nbytes,
				 int64_t time_ns, struct quern_message *err);

/* Writes all bytes, at the place where the file is. */
enum quern_status qn_place_put(const char *file, int fd, const void *bytes, size_t nbytes,
			       struct quern_message *err);

/* Makes a directory's entries durable: that of `file`. */
void qn_place_sync_folder(const char *file);

#endif
