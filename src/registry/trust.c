#include "registry/trust.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "base/rights.h"
#include "base/system.h"

static bool is_ours(uid_t owner)
{
	return owner == geteuid() || owner == 0;
}

static enum quern_status refuse_owner(const char *file, const char *what, const char *path,
				      uid_t owner, struct quern_message *err)
{
	char name[QN_OWNER_NBYTES];

	return qn_error_set(
		err, QUERN_ERR_DENIED,
		"%s is not loaded: %s%s%s belongs to %s, and a kernel, which has all rights of "
		"yours, must be yours or root's: copy it",
		file, what, *path ? " " : "", path, qn_rights_owner(owner, name));
}

static enum quern_status refuse_mode(const char *file, const char *what, const char *path,
				     mode_t mode, struct quern_message *err)
{
	return qn_error_set(
		err, QUERN_ERR_DENIED,
		"%s is not loaded: others may write to %s%s%s (mode %04o), and so make it "
		"do as they like with your rights: chmod go-w %s",
		file, what, *path ? " " : "", path, (unsigned)(mode & 07777), *path ? path : file);
}

/* Many systems give each user a group of their own, and files that it may write to: that is nobody else. With an access
   control list the bits of the group are of whoever is in it. */
static bool others_write(const char *path, const struct stat *s)
{
	if (s->st_mode & S_IWOTH)
		return true;
	return (s->st_mode & S_IWGRP) &&
	       (qn_sys_getxattr(path, "system.posix_acl_access", NULL, 0) > 0 ||
		!qn_rights_is_private(s->st_gid));
}

/* In a sticky directory nobody replaces what is another's. */
static enum quern_status check_folder(const char *file, const char *folder,
				      struct quern_message *err)
{
	struct stat s;

	if (qn_sys_stat(folder, &s))
		return qn_error_set(err, qn_error_status_of(errno),
				    "%s is not loaded: its directory %s: %s", file, folder,
				    qn_file_why(errno));
	if (!is_ours(s.st_uid))
		return refuse_owner(file, "its directory", folder, s.st_uid, err);
	if (!(s.st_mode & S_ISVTX) && others_write(folder, &s))
		return refuse_mode(file, "its directory", folder, s.st_mode, err);
	return QUERN_OK;
}

/* All directories above what is open. */
static enum quern_status check_folders(const char *file, int fd, struct quern_message *err)
{
	char link[64], path[PATH_MAX];
	enum quern_status st = QUERN_OK;
	ssize_t n;

	snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
	n = qn_sys_readlink(link, path, sizeof(path) - 1);
	if (n <= 0 || path[0] != '/')
		return qn_error_set(err, QUERN_ERR_RUN,
				    "%s is not loaded: /proc does not tell where it is", file);
	path[n] = '\0';
	for (char *slash; !st && (slash = strrchr(path, '/')) && slash > path;) {
		*slash = '\0';
		st = check_folder(file, path, err);
	}
	return st ? st : check_folder(file, "/", err);
}

static enum quern_status check(const char *file, int fd, const struct stat *s,
			       struct quern_message *err)
{
	char link[64];

	if (!is_ours(s->st_uid))
		return refuse_owner(file, "it", "", s->st_uid, err);
	snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
	if (others_write(link, s))
		return refuse_mode(file, "it", "", s->st_mode, err);
	return check_folders(file, fd, err);
}

enum quern_status qn_trust_open(const char *file, int *fd, struct stat *st,
				struct quern_message *err)
{
	enum quern_status status;

	*fd = qn_file_open(file, st);
	if (*fd < 0)
		return qn_error_set(err, errno == EACCES ? QUERN_ERR_DENIED : QUERN_ERR_USAGE,
				    "the kernel %s cannot be opened: %s", file, qn_file_why(errno));
	status = check(file, *fd, st, err);
	if (status) {
		qn_sys_close(*fd);
		*fd = -1;
	}
	return status;
}

enum quern_status qn_trust_private(const char *folder, struct quern_message *err)
{
	struct stat s;

	if (qn_sys_lstat(folder, &s))
		return qn_error_set(err, qn_error_status_of(errno), "%s: %s", folder,
				    qn_file_why(errno));
	if (!S_ISDIR(s.st_mode) || s.st_uid != geteuid() || (s.st_mode & 077))
		return qn_error_set(
			err, QUERN_ERR_DENIED,
			"%s, where compiled kernels are kept, must be a directory of your own that "
			"nobody else may look into: chmod 700 %s, or remove it",
			folder, folder);
	return QUERN_OK;
}
