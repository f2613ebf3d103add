#include "base/rights.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <pwd.h>
#include <stdio.h>
#include <string.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "base/system.h"

/* Members of a group that it is not for have no more than others. */
static mode_t without_group(mode_t mode)
{
	return mode & ~(mode_t)(S_IRWXG & ~((mode & S_IRWXO) << 3));
}

struct qn_rights qn_rights_of(const char *file, const struct stat *st)
{
	/* Who makes it can read it. */
	struct qn_rights r = { .mode = (st->st_mode & 0666) | S_IRUSR, .group = st->st_gid };

	/* The bits of the group are the mask of the list then. */
	if (qn_sys_getxattr(file, "system.posix_acl_access", NULL, 0) > 0)
		r.mode &= ~(mode_t)S_IRWXG;
	return r;
}

struct qn_rights qn_rights_meet(struct qn_rights a, struct qn_rights b)
{
	struct qn_rights out = { .mode = a.mode & b.mode, .group = a.group };

	if (a.group == QN_NO_GROUP)
		out.group = b.group;
	else if (b.group != QN_NO_GROUP && a.group != b.group)
		out.mode = without_group(out.mode);
	return out;
}

/* Asking the system call sets it, for all threads. */
static mode_t current_umask(void)
{
	FILE *f = qn_sys_fopen("/proc/self/status", "re"); /* of the system, not a user's */
	char line[128];
	unsigned mask;
	int n = 0;

	while (f && n != 1 && fgets(line, sizeof(line), f))
		n = sscanf(line, "Umask: %o", &mask);
	if (f)
		fclose(f);
	if (n != 1) {
		mask = umask(077); /* not more than is wanted, meanwhile */
		umask(mask);
	}
	return mask;
}

struct qn_rights qn_rights_masked(struct qn_rights r)
{
	r.mode &= ~current_umask();
	return r;
}

/* Some file systems have other modes than one asks for: one that is not wider will do. */
static int set_mode(int fd, mode_t mode)
{
	struct stat st;
	int why;

	if (!qn_sys_fchmod(fd, mode))
		return 0;
	why = errno;
	if ((why == EPERM || why == ENOTSUP) && !qn_sys_fstat(fd, &st) &&
	    !(st.st_mode & 0666 & ~mode))
		return 0;
	return why;
}

int qn_rights_grant(int fd, struct qn_rights r)
{
	struct stat st;

	if (qn_sys_fstat(fd, &st))
		return errno;
	if (r.group != QN_NO_GROUP && st.st_gid != r.group && qn_sys_fchown(fd, (uid_t)-1, r.group))
		r.mode = without_group(r.mode);
	return set_mode(fd, r.mode);
}

static mode_t folder_mode(mode_t mode)
{
	return (mode & 0444) | (mode & 0444) >> 2 | S_IRWXU;
}

int qn_rights_mkdir(const char *folder, struct qn_rights r)
{
	int fd, why = 0;

	if (qn_sys_mkdir(folder, S_IRWXU))
		return errno == EEXIST ? 0 : errno;
	fd = qn_sys_open(folder, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC, 0);
	if (fd < 0)
		return errno;
	r = qn_rights_masked(r);
	r.mode = folder_mode(r.mode);
	why = qn_rights_grant(fd, r);
	qn_sys_close(fd);
	return why;
}

static bool has_others(const struct group *g, const char *user)
{
	for (char **member = g->gr_mem; *member; member++)
		if (strcmp(*member, user))
			return true;
	return false;
}

bool qn_rights_is_private(gid_t group)
{
	char of_user[4096], of_group[4096];
	struct passwd p, *user = NULL;
	struct group g, *found = NULL;

	if (getpwuid_r(geteuid(), &p, of_user, sizeof(of_user), &user) || !user ||
	    p.pw_gid != group)
		return false;
	if (getgrgid_r(group, &g, of_group, sizeof(of_group), &found) || !found)
		return false;
	return !strcmp(g.gr_name, p.pw_name) && !has_others(&g, p.pw_name);
}

const char *qn_rights_owner(uid_t user, char out[QN_OWNER_NBYTES])
{
	char room[4096];
	struct passwd p, *found = NULL;

	if (!getpwuid_r(user, &p, room, sizeof(room), &found) && found)
		snprintf(out, QN_OWNER_NBYTES, "user %.80s", p.pw_name);
	else
		snprintf(out, QN_OWNER_NBYTES, "user %lu", (unsigned long)user);
	return out;
}
