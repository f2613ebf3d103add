/*
 * system.c - base/system.c for tests: each call first asks the plan (plan.h).
 */
#include "base/system.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/xattr.h>
#include <time.h>

#include "tests/testing/durable.h"
#include "tests/testing/plan.h"

#define LEAST_SLEEP_NS 500000 /* shorter ones are collected: waking up takes some 50 us */

static bool fails(enum test_kind kind, const char *path)
{
	return test_decide(kind, path, NULL) == TEST_FAIL;
}

static bool fails_fd(enum test_kind kind, int fd)
{
	return test_decide_fd(kind, fd) == TEST_FAIL;
}

/* A call with a name, with a descriptor, and one that returns the error. */
#define BY_PATH(kind, type, name, params, args, failed)        \
	type qn_sys_##name params                              \
	{                                                      \
		return fails(kind, path) ? failed : name args; \
	}

#define BY_FD(kind, name, params, args)                     \
	int qn_sys_##name params                            \
	{                                                   \
		return fails_fd(kind, fd) ? -1 : name args; \
	}

#define RETURNS_ERROR(kind, name, params, args)                \
	int qn_sys_##name params                               \
	{                                                      \
		return fails_fd(kind, fd) ? errno : name args; \
	}

/* --- opening --- */

static bool is_there(const char *path)
{
	struct stat st;

	return !lstat(path, &st);
}

int qn_sys_open(const char *path, int flags, mode_t mode)
{
	const bool writes = (flags & O_ACCMODE) != O_RDONLY;
	int fd;
	bool was_there;

	if (fails(writes ? TEST_CREATE : TEST_OPEN, path))
		return -1;
	was_there = !writes || !test_loses() || is_there(path);
	fd = open(path, flags, mode);
	if (fd >= 0 && !was_there)
		test_durable_made(path);
	return fd;
}

BY_PATH(TEST_OPEN, int, openat, (int folder, const char *path, int flags, mode_t mode),
	(folder, path, flags, mode), -1)

/* Closed all the same. */
int qn_sys_close(int fd)
{
	const bool failed = fails_fd(TEST_CLOSE, fd);
	const int why = errno, rc = close(fd);

	if (failed)
		errno = why;
	return failed ? -1 : rc;
}

FILE *qn_sys_fopen(const char *path, const char *mode)
{
	return fails(*mode == 'r' ? TEST_OPEN : TEST_CREATE, path) ? NULL : fopen(path, mode);
}

/* --- what is there --- */

BY_PATH(TEST_LOOK, int, stat, (const char *path, struct stat *out), (path, out), -1)
BY_PATH(TEST_LOOK, int, lstat, (const char *path, struct stat *out), (path, out), -1)
BY_FD(TEST_LOOK, fstat, (int fd, struct stat *out), (fd, out))
BY_FD(TEST_LOOK, fstatfs, (int fd, struct statfs *out), (fd, out))
BY_PATH(TEST_LOOK, int, statvfs, (const char *path, struct statvfs *out), (path, out), -1)
BY_PATH(TEST_LOOK, int, access, (const char *path, int mode), (path, mode), -1)
BY_PATH(TEST_LOOK, int, faccessat, (int folder, const char *path, int mode, int flags),
	(folder, path, mode, flags), -1)
BY_PATH(TEST_LOOK, ssize_t, getxattr,
	(const char *path, const char *name, void *out, size_t nbytes), (path, name, out, nbytes),
	-1)
BY_PATH(TEST_LOOK, ssize_t, readlink, (const char *path, char *out, size_t nbytes),
	(path, out, nbytes), -1)
BY_PATH(TEST_LOOK, char *, realpath, (const char *path, char *out), (path, out), NULL)
BY_PATH(TEST_LIST, int, glob,
	(const char *path, int flags, int (*failed)(const char *, int), glob_t *out),
	(path, flags, failed, out), GLOB_ABORTED)
BY_PATH(TEST_LIST, DIR *, opendir, (const char *path), (path), NULL)

struct dirent *qn_sys_readdir(DIR *d)
{
	return fails_fd(TEST_LIST, dirfd(d)) ? NULL : readdir(d);
}

int qn_sys_closedir(DIR *d)
{
	return closedir(d);
}

/* --- bytes --- */

/* Of a call with a number of bytes: how many it is given; -1: it fails. */
static ssize_t shorten(enum test_kind kind, int fd, size_t n)
{
	switch (test_decide_fd(kind, fd)) {
	case TEST_FAIL:
		return -1;
	case TEST_SHORT:
		return (ssize_t)(n > 1 ? n / 2 : n);
	default:
		break;
	}
	if (kind == TEST_WRITE && test_loses())
		test_durable_touch(fd);
	return (ssize_t)n;
}

#define TRANSFER(kind, name, params, args)                \
	ssize_t qn_sys_##name params                      \
	{                                                 \
		const ssize_t few = shorten(kind, fd, n); \
                                                          \
		return few < 0 ? -1 : name args;          \
	}

TRANSFER(TEST_READ, read, (int fd, void *to, size_t n), (fd, to, (size_t)few))
TRANSFER(TEST_READ, pread, (int fd, void *to, size_t n, off_t at), (fd, to, (size_t)few, at))
TRANSFER(TEST_WRITE, write, (int fd, const void *from, size_t n), (fd, from, (size_t)few))
TRANSFER(TEST_WRITE, pwrite, (int fd, const void *from, size_t n, off_t at),
	 (fd, from, (size_t)few, at))

static int64_t now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

static uint64_t delay_here(void)
{
	const char *setting = test_variable("QUERN_TEST_READ_DELAY");
	char host[64] = "";

	if (!setting)
		return 0;
	gethostname(host, sizeof(host) - 1);
	return test_delay(setting, host, test_rank());
}

/* Makes a read of nbytes that began at start_ns last as long as it is to. What a sleep takes longer
   is counted towards the next of the thread. */
static void slow_down(uint64_t delay_ns, size_t nbytes, int64_t start_ns)
{
	static _Thread_local int64_t owed_ns;
	int64_t now = now_ns();

	owed_ns += (int64_t)(nbytes * delay_ns >> 10) - (now - start_ns);
	if (owed_ns >= LEAST_SLEEP_NS) {
		struct timespec t = { .tv_sec = owed_ns / 1000000000,
				      .tv_nsec = owed_ns % 1000000000 };

		nanosleep(&t, NULL);
		owed_ns -= now_ns() - now;
	}
	/* A pause between reads is no credit. */
	if (owed_ns < -LEAST_SLEEP_NS)
		owed_ns = -LEAST_SLEEP_NS;
}

ssize_t qn_sys_read_data(int fd, void *out, size_t nbytes, uint64_t offset)
{
	const uint64_t delay_ns = delay_here();
	const int64_t start_ns = delay_ns ? now_ns() : 0;
	size_t done = 0;

	while (done < nbytes) {
		ssize_t n =
			qn_sys_pread(fd, (char *)out + done, nbytes - done, (off_t)(offset + done));

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -1;
		if (n == 0)
			break;
		done += (size_t)n;
	}
	if (delay_ns)
		slow_down(delay_ns, done, start_ns);
	return (ssize_t)done;
}

void *qn_sys_mmap(void *at, size_t nbytes, int protection, int flags, int fd, off_t offset)
{
	return fails_fd(TEST_MAP, fd) ? MAP_FAILED
				      : mmap(at, nbytes, protection, flags, fd, offset);
}

int qn_sys_munmap(void *at, size_t nbytes)
{
	return munmap(at, nbytes);
}

RETURNS_ERROR(TEST_LOOK, posix_fadvise, (int fd, off_t offset, off_t nbytes, int advice),
	      (fd, offset, nbytes, advice))

/* --- changes --- */

int qn_sys_fsync(int fd)
{
	int rc;

	if (fails_fd(TEST_SYNC, fd))
		return -1;
	rc = fsync(fd);
	if (!rc && test_loses())
		test_durable_synced(fd);
	return rc;
}

int qn_sys_ftruncate(int fd, off_t nbytes)
{
	if (fails_fd(TEST_TRUNCATE, fd))
		return -1;
	if (test_loses())
		test_durable_touch(fd);
	return ftruncate(fd, nbytes);
}

int qn_sys_posix_fallocate(int fd, off_t offset, off_t nbytes)
{
	if (fails_fd(TEST_RESERVE, fd))
		return errno;
	if (test_loses())
		test_durable_touch(fd);
	return posix_fallocate(fd, offset, nbytes);
}

static int put(const char *from, const char *to, unsigned flags)
{
	int rc;

	if (test_decide(TEST_RENAME, from, to) == TEST_FAIL)
		return -1;
	if (test_loses())
		test_durable_keep(to);
	rc = renameat2(AT_FDCWD, from, AT_FDCWD, to, flags);
	if (!rc && test_loses())
		test_durable_renamed(from, to);
	return rc;
}

int qn_sys_rename(const char *from, const char *to)
{
	return put(from, to, 0);
}

int qn_sys_rename_new(const char *from, const char *to)
{
	return put(from, to, RENAME_NOREPLACE);
}

int qn_sys_unlink(const char *path)
{
	int rc;

	if (fails(TEST_UNLINK, path))
		return -1;
	if (test_loses())
		test_durable_keep(path);
	rc = unlink(path);
	if (!rc && test_loses())
		test_durable_removed(path);
	return rc;
}

/* Of what is swept, which need not be kept. */
int qn_sys_unlinkat(int folder, const char *path, int flags)
{
	return fails(TEST_UNLINK, path) ? -1 : unlinkat(folder, path, flags);
}

int qn_sys_mkdir(const char *path, mode_t mode)
{
	int rc;

	if (fails(TEST_MKDIR, path))
		return -1;
	rc = mkdir(path, mode);
	if (!rc && test_loses())
		test_durable_made(path);
	return rc;
}

int qn_sys_rmdir(const char *path)
{
	int rc;

	if (fails(TEST_RMDIR, path))
		return -1;
	rc = rmdir(path);
	if (!rc && test_loses())
		test_durable_emptied(path);
	return rc;
}

BY_FD(TEST_LOCK, flock, (int fd, int operation), (fd, operation))
BY_FD(TEST_META, fchmod, (int fd, mode_t mode), (fd, mode))
BY_FD(TEST_META, fchown, (int fd, uid_t user, gid_t group), (fd, user, group))
BY_FD(TEST_META, futimens, (int fd, const struct timespec times[2]), (fd, times))
