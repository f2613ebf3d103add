/*
 * publish.h - the atomic publisher: a file is there whole or not at all. It is written under a temporary
 * name in its directory, synced, closed and renamed, and the directory is synced. The temporary name
 * cannot be guessed, and is never one that was there: "NAME.quern-RANDOM.partial", of which NAME is cut where
 * the whole would be too long for the file system. Whatever fails, the temporary file is removed, and
 * the message has the words of errno and the user's name of the file.
 *
 * Errors: QUERN_ERR_DENIED where permission is missing, else QUERN_ERR_RUN. Nothing is collective.
 */
#ifndef QN_BASE_PUBLISH_H
#define QN_BASE_PUBLISH_H

#include <stdint.h>
#include <sys/types.h>

#include "base/error.h"
#include "base/rights.h"

#define QN_PUBLISH_NOW INT64_MIN /* for time_ns: the time at which it was written */

/* A file on its way. qn_publish_open fills it in, qn_publish_commit or qn_publish_discard empties it. */
struct qn_publishing {
	char *name;		 /* owned; as it was given, for messages */
	char *file, *partial;	 /* owned; where it will be, and the temporary name */
	int fd;			 /* of partial, for reading and writing; -1: none */
	struct qn_rights rights; /* that it gets in the end */
	bool is_underway;	 /* a handler of signals knows of partial */
	bool only_new; /* set after qn_publish_open: it takes the place of nothing. Not of what another
			  process puts there before qn_publish_commit either, which fails then. */
};

#define QN_PUBLISHING_NONE ((struct qn_publishing){ .fd = -1 })

/* What becomes of a symbolic link in the place: users link to where they want their files to be, but
   what is for quern alone is never written elsewhere. The temporary file of a user's one is locked (flock)
   while it is written; that of quern's own, which the HDF5 library may have to open, is not. */
enum qn_links { QN_REPLACE_LINK, QN_FOLLOW_LINK };

/* Creates the temporary file, which nobody else may read. With QN_FOLLOW_LINK the temporary files that killed
   processes left of the same name are removed first: those of this user that nobody has locked and that
   have not been written to for an hour (locks of other hosts are not seen everywhere); for quern's own
   see qn_publish_sweep. In its place the file has no rights beyond these; if it replaces a file none that
   this one has not, and otherwise none that the umask takes. On failure *out is QN_PUBLISHING_NONE. */
enum quern_status qn_publish_open(const char *name, enum qn_links links, struct qn_rights rights,
				  struct qn_publishing *out, struct quern_message *err);

/* Appends bytes. */
enum quern_status qn_publish_put(const struct qn_publishing *p, const void *bytes, size_t nbytes,
				 struct quern_message *err);

/* Sets the file's rights, and its times to time_ns, syncs, closes and renames it, and syncs the directory. On
   failure it is discarded, unless only the directory could not be synced: then it is in its place, whole. */
enum quern_status qn_publish_commit(struct qn_publishing *p, int64_t time_ns,
				    struct quern_message *err);

/* Closes and removes the temporary file. Does nothing to QN_PUBLISHING_NONE. */
void qn_publish_discard(struct qn_publishing *p);

/* Of a handler of a signal that ends the process: removes the temporary files of users that it is writing. */
void qn_publish_forsake(void);

/* Open, put, commit. */
enum quern_status qn_publish_write(const char *name, enum qn_links links, struct qn_rights rights,
				   const void *bytes, size_t nbytes, int64_t time_ns,
				   struct quern_message *err);

/* Before the work: may a file be written where that name leads, and can it? QUERN_ERR_DENIED where permission
   is missing, of the directory or of what is there; QUERN_ERR_USAGE when there is no directory, or what
   is there is no regular file. option: of the command, for the message. */
enum quern_status qn_publish_check(const char *option, const char *name, struct quern_message *err);

/* Removes the temporary files that killed processes left of `file`, unless their names are cut: those could be
   of another file. The caller knows that nobody is writing it. */
void qn_publish_sweep(const char *file);

/* Makes the entries of the directory of `file` durable: 0 or errno. */
int qn_publish_sync_folder(const char *file);

#endif
