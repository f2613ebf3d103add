/*
 * rights.h - who may read what is made of a file: those who may read the file, and nobody else.
 */
#ifndef QN_BASE_RIGHTS_H
#define QN_BASE_RIGHTS_H

#include <stdbool.h>
#include <sys/stat.h>
#include <sys/types.h>

struct qn_rights {
	mode_t mode; /* of a file: no bit beyond 0666 */
	gid_t group; /* whom the bits for the group are meant for; QN_NO_GROUP: whoever it is */
};

#define QN_NO_GROUP   ((gid_t)-1)
#define QN_RIGHTS_ALL ((struct qn_rights){ .mode = 0666, .group = QN_NO_GROUP })

/* Of what is made of a file, or takes its place. Of one with an access control list, whose entries are
   not copied, the group has nothing. */
struct qn_rights qn_rights_of(const char *file, const struct stat *st);
/* Of what is made of two files. */
struct qn_rights qn_rights_meet(struct qn_rights a, struct qn_rights b);
/* Without what the umask takes. */
struct qn_rights qn_rights_masked(struct qn_rights r);

/* Gives an open file of one's own these rights; where the group cannot be had its members get what
   others get. 0 or errno. */
int qn_rights_grant(int fd, struct qn_rights r);
/* Makes a directory for files of these rights: who may read them may list it, and only its owner may
   write to it. Leaves one alone that is there. 0 or errno. */
int qn_rights_mkdir(const char *folder, struct qn_rights r);

/* Is a group the private one of the user of this process: their primary one, of the same name, with no member but
   them? */
bool qn_rights_is_private(gid_t group);

#define QN_OWNER_NBYTES 96
/* "user NAME", or "user 1234" where the system has no name for it, into out, which it returns. */
const char *qn_rights_owner(uid_t user, char out[QN_OWNER_NBYTES]);

#endif
