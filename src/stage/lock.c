/*
 * lock.c - one staging at a time: the folder of shards is locked on every host. The lock is of the
 * process that leads the host, and goes with it.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "stage/stage_impl.h"

#include "base/file.h"
#include "base/mem.h"
#include "base/rights.h"
#include "base/system.h"

static enum quern_status cannot(const char *what, const char *how, struct quern_message *err)
{
	const int why = errno;

	return qn_error_set(err, qn_error_status_of(why), "%s: %s: %s", what, how, strerror(why));
}

/* Shards are put only where nobody else can put or change anything. */
static enum quern_status check_own(int fd, const char *folder, struct quern_message *err)
{
	struct stat s;

	if (qn_sys_fstat(fd, &s))
		return cannot(folder, "cannot be looked at", err);
	if (s.st_uid != geteuid()) {
		char owner[QN_OWNER_NBYTES];

		return qn_error_set(err, QUERN_ERR_DENIED,
				    "%s: it is another user's: choose another directory, or have "
				    "%s remove it",
				    folder, qn_rights_owner(s.st_uid, owner));
	}
	if (s.st_mode & (S_IWGRP | S_IWOTH))
		return qn_error_set(err, QUERN_ERR_USAGE,
				    "%s: other users may write to it: look at what is in it, then "
				    "`chmod go-w %s`, or remove it",
				    folder, folder);
	return QUERN_OK;
}

static enum quern_status check_no_link(const char *folder, struct quern_message *err)
{
	struct stat s;

	if (qn_sys_lstat(folder, &s) || !S_ISLNK(s.st_mode))
		return QUERN_OK;
	return qn_error_set(
		err, QUERN_ERR_USAGE,
		"%s: it is a symbolic link, and shards are not put elsewhere or removed "
		"there; remove it by hand",
		folder);
}

/* Locks what is open. *is_gone: it has the name no more; who held the lock before may have removed it. */
static enum quern_status lock_opened(int fd, const char *folder, bool *is_gone,
				     struct quern_message *err)
{
	struct stat a, b;

	*is_gone = false;
	errno = qn_file_lock(fd, LOCK_EX);
	if (errno == EWOULDBLOCK)
		return qn_error_set(err, QUERN_ERR_RUN, "%s: another quern stage is at work in it",
				    folder);
	if (errno)
		return cannot(folder, "cannot be locked", err);
	if (qn_sys_fstat(fd, &a))
		return cannot(folder, "cannot be looked at", err);
	if (!qn_sys_lstat(folder, &b))
		*is_gone = a.st_dev != b.st_dev || a.st_ino != b.st_ino;
	else if (errno == ENOENT)
		*is_gone = true;
	else
		return cannot(folder, "cannot be looked at", err);
	return QUERN_OK;
}

static enum quern_status lock_folder(const char *folder, const struct qn_rights *rights, int *fd,
				     struct quern_message *err)
{
	enum quern_status st = QUERN_OK;
	bool is_gone;

	while (!st) {
		if (rights && (errno = qn_rights_mkdir(folder, *rights)))
			return cannot(folder, "cannot be made", err);
		if (check_no_link(folder, err))
			return err->status;
		*fd = qn_sys_open(folder, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC, 0);
		/* What else may be there is told of by who looks at it. */
		if (*fd < 0 && (errno == ENOENT || errno == ENOTDIR) &&
		    (!rights || errno == ENOTDIR))
			return QUERN_OK;
		if (*fd < 0 && errno != ENOENT)
			return cannot(folder, "cannot be opened", err);
		if (*fd < 0)
			continue;
		st = lock_opened(*fd, folder, &is_gone, err);
		if (!st && !is_gone)
			return rights ? check_own(*fd, folder, err) : QUERN_OK;
		qn_sys_close(*fd);
		*fd = -1;
	}
	return st;
}

enum quern_status qn_stage_lock(struct qn_comm *c, const char *catalog,
				const struct qn_rights *rights, int *fd, struct quern_message *err)
{
	const bool leads = qn_comm_rank(c) == 0;
	char *folder = qn_catalog_folder(catalog);
	enum quern_status st = folder ? QUERN_OK : qn_error_nomem(err, strlen(catalog), "a name");

	*fd = -1;
	/* Rank 0 first: of two that begin at once, one goes on. */
	if (!st && leads)
		st = lock_folder(folder, rights, fd, err);
	st = qn_comm_agree(c, st, err);
	if (!st && !leads && qn_comm_host_rank(c) == 0)
		st = lock_folder(folder, rights, fd, err);
	free(folder);
	return qn_comm_agree(c, st, err);
}

enum quern_status qn_stage_enter(struct qn_comm *c, const struct qn_catalog *catalog,
				 const char *option, int *fd, struct quern_message *err)
{
	enum quern_status st = qn_stage_check_directory(c, catalog->file, option, err);

	*fd = -1;
	if (!st)
		st = qn_stage_make_directory(c, catalog, option, err);
	return st ? st : qn_stage_lock(c, catalog->file, &catalog->rights, fd, err);
}

void qn_stage_unlock(const char *catalog, int *fd)
{
	char *folder = *fd >= 0 ? qn_catalog_folder(catalog) : NULL;

	if (folder)
		qn_sys_rmdir(folder); /* an empty one is nobody's */
	free(folder);
	if (*fd >= 0)
		qn_sys_close(*fd);
	*fd = -1;
}
