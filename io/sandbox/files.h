/*
 * files.h - the files that a child may open: those that its parent gives it, and no others, where
 * the kernel has Landlock. Names of further ones are in a file, so the child learns them only as it reads:
 * what it was refused it writes into memory that it shares with the parent, which looks at each, and has
 * another child do it again with those that it grants (grants.h). A library that is refused a file may take
 * it for one that is not there, and go on without it: the answer of a child that was refused a file that it
 * can be granted counts for nothing.
 */
#ifndef QN_IO_SANDBOX_FILES_H
#define QN_IO_SANDBOX_FILES_H

#include <limits.h>

#include "base/names.h"

struct qn_refused;

/* Memory for what a child is refused; NULL: there is none. fd: NULL, or *fd becomes its descriptor, owned by the
   caller, by which another process has it too: qn_refused_of. */
struct qn_refused *qn_refused_new(int *fd);
struct qn_refused *qn_refused_of(int fd);
void qn_refused_free(struct qn_refused *r);

/* Copies the first name at or after *at, which is moved behind it, so that the child can change it no more;
   false: there is no other one, or what is there is none. */
bool qn_refused_next(const struct qn_refused *r, size_t *at, char name[PATH_MAX]);
/* The system had no file descriptor for one: EMFILE or ENFILE; or 0. */
int qn_refused_lack(const struct qn_refused *r);

/* In the child, once and before the filter of calls: only these can be opened from now on, files for
   reading, and below directories all. false: the kernel does not have it, or something else has failed, and nothing has changed. */
bool qn_child_allow_files(const struct qn_names *files);

/* In the child: what it is refused goes there. Handles the signal that the filter sends for each open(2). */
void qn_child_note_refusals(struct qn_refused *r);
/* In the child: how often it has been refused a file. */
size_t qn_child_nrefused(void);

/* The version of Landlock of this kernel; 0: none. */
int qn_child_landlock(void);

/* The sixth argument of the calls that the filter lets through. */
#define QN_OPEN_COOKIE 0x71756572u

#endif
