/*
 * faults.c - a library to be preloaded, which fails calls of the system on files. The shell functions
 * of tests/lib.sh (faults_*) set it up; by hand:
 *
 *	LD_PRELOAD=faults.so FAULTS=write:3:ENOSPC FAULTS_PATH='*.h5*' FAULTS_LOG=log COMMAND
 *
 *	FAULTS=KIND:N:WHAT[:TIMES]	at the Nth call (from 1), and the following ones if TIMES says so
 *					(0: all). Without FAULTS calls are counted only.
 *	FAULTS_PATH=PATTERN		of files that match (fnmatch; / is nothing special); default: *.
 *					Calls that take a name are matched by that, others by the full path.
 *	FAULTS_LOG=FILE			gets a line "KIND PATH" for each call that matches, "KIND PATH WHAT"
 *					for one that failed: a script counts them, and loops over N.
 *
 * KIND: one of the table below, `change` for all that change something, `any` for all. WHAT: the name
 * of an errno; `short`: a read or a write does half of what it should; `kill`: the process is killed
 * instead, as if the power had failed. A rename matches by either name. The processes that COMMAND
 * forks count together, but for those that may not write at all. A close that fails closes the file,
 * as on Linux.
 *
 * Not seen: what the C library does within itself, that is, reads and writes of FILE; fopen and
 * fclose are.
 */
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <fnmatch.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

enum kind { READ, OPEN, WRITE, CREATE, SYNC, TRUNCATE, RESERVE, CLOSE, RENAME, LINK, UNLINK, MKDIR,
	    RMDIR, META, NKINDS };

static const struct {
	const char *name;
	bool changes;
} kinds[NKINDS] = {
	[READ] = { "read", false },	    /* read, pread */
	[OPEN] = { "open", false },	    /* for reading */
	[WRITE] = { "write", true },	    /* write, pwrite, copy_file_range, sendfile */
	[CREATE] = { "create", true },	    /* open for writing */
	[SYNC] = { "sync", true },	    /* fsync, fdatasync */
	[TRUNCATE] = { "truncate", true },  /* truncate, ftruncate */
	[RESERVE] = { "reserve", true },    /* posix_fallocate, fallocate */
	[CLOSE] = { "close", true },	    /* of whatever it was opened for */
	[RENAME] = { "rename", true },
	[LINK] = { "link", true },	    /* link, symlink */
	[UNLINK] = { "unlink", true },
	[MKDIR] = { "mkdir", true },
	[RMDIR] = { "rmdir", true },
	[META] = { "meta", true },	    /* fchmod, chmod, fchown, futimens, utimensat */
};

static const struct {
	const char *name;
	int number;
} errors[] = {
	{ "EACCES", EACCES }, { "EBADF", EBADF },   { "EDQUOT", EDQUOT }, { "EEXIST", EEXIST },
	{ "EFBIG", EFBIG },   { "EINTR", EINTR },   { "EINVAL", EINVAL }, { "EIO", EIO },
	{ "EMFILE", EMFILE }, { "EMLINK", EMLINK }, { "ENFILE", ENFILE }, { "ENOENT", ENOENT },
	{ "ENOMEM", ENOMEM }, { "ENOSPC", ENOSPC }, { "ENOSYS", ENOSYS }, { "ENOTSUP", ENOTSUP },
	{ "EPERM", EPERM },   { "EROFS", EROFS },   { "ESTALE", ESTALE }, { "EXDEV", EXDEV },
};

enum action { PASS, FAIL, SHORT, KILL };

/* What the environment says; made before main. */
static struct {
	bool on;
	bool counted[NKINDS];	/* may fail */
	long at, times;
	enum action action;
	int number;		/* errno */
	const char *pattern, *log, *what;
	atomic_long *count;	/* in memory that forked processes share */
} plan;

static void die(const char *text)
{
	fprintf(stderr, "faults: FAULTS=%s: %s\n", getenv("FAULTS"), text);
	_exit(125);
}

static void choose_kinds(const char *name)
{
	bool known = false;

	for (int k = 0; k < NKINDS; k++) {
		plan.counted[k] = !strcmp(name, kinds[k].name) || !strcmp(name, "any") ||
				  (!strcmp(name, "change") && kinds[k].changes);
		known = known || plan.counted[k];
	}
	if (!known)
		die("no such kind of call");
}

static void choose_action(const char *what)
{
	plan.action = !strcmp(what, "short") ? SHORT : !strcmp(what, "kill") ? KILL : PASS;
	for (size_t i = 0; i < sizeof(errors) / sizeof(*errors); i++)
		if (!strcmp(what, errors[i].name)) {
			plan.action = FAIL;
			plan.number = errors[i].number;
		}
	if (plan.action == PASS)
		die("no such errno");
}

__attribute__((constructor)) static void begin(void)
{
	static char kind[16], what[16];
	const char *text = getenv("FAULTS"), *pattern = getenv("FAULTS_PATH");

	plan.pattern = pattern ? pattern : "*";
	plan.log = getenv("FAULTS_LOG");
	plan.times = 1;
	plan.what = what;
	if (text) {
		if (sscanf(text, "%15[^:]:%ld:%15[^:]:%ld", kind, &plan.at, what, &plan.times) < 3)
			die("is not KIND:N:WHAT[:TIMES]");
		choose_kinds(kind);
		choose_action(what);
	}
	plan.count = mmap(NULL, sizeof *plan.count, PROT_READ | PROT_WRITE,
			  MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	plan.on = plan.count != MAP_FAILED;
}

/* By system calls, which this library does not see. */
static void note(enum kind kind, const char *path, const char *what)
{
	char line[4400];
	int n = snprintf(line, sizeof line, "%s %s%s%s\n", kinds[kind].name, path, what ? " " : "",
			 what ? what : "");
	long fd = syscall(SYS_openat, AT_FDCWD, plan.log,
			  O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0666);

	if (fd < 0)
		return;
	(void)!syscall(SYS_write, fd, line, n < (int)sizeof line ? n : (int)sizeof line);
	syscall(SYS_close, fd);
}

static bool is_meant(const char *path)
{
	return path && !fnmatch(plan.pattern, path, 0) &&
	       !(plan.log && !strcmp(path, plan.log));
}

/* Not where files are read in confinement: what cannot write has no log. */
static bool may_write(void)
{
	struct rlimit r;

	return getrlimit(RLIMIT_FSIZE, &r) || r.rlim_cur > 0;
}

/* Is a call on such a file to fail? errno is kept, unless it is. */
static enum action decide(enum kind kind, const char *path, const char *other)
{
	const int before = errno;
	long n;
	bool hit;

	if (!plan.on || !(is_meant(path) || is_meant(other)) || !may_write())
		return PASS;
	n = plan.counted[kind] ? atomic_fetch_add(plan.count, 1) + 1 : 0;
	hit = n && n >= plan.at && (!plan.times || n < plan.at + plan.times);
	if (plan.log)
		note(kind, is_meant(path) ? path : other, hit ? plan.what : NULL);
	if (hit && plan.action == KILL)
		kill(getpid(), SIGKILL);
	errno = hit && plan.action == FAIL ? plan.number : before;
	return hit ? plan.action : PASS;
}

static enum action decide_fd(enum kind kind, int fd)
{
	const int before = errno;
	char link[32], path[4096];
	ssize_t n;

	if (!plan.on || fd < 0)
		return PASS;
	snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
	n = readlink(link, path, sizeof path - 1);
	errno = before;
	if (n < 0)
		return PASS;
	path[n] = '\0';
	return decide(kind, path, NULL);
}

static bool fails(enum kind kind, const char *path)
{
	return decide(kind, path, NULL) == FAIL;
}

static bool fails_fd(enum kind kind, int fd)
{
	return decide_fd(kind, fd) == FAIL;
}

/* --- the calls --- */

#define REAL(name)                                                 \
	static __typeof__(&name) real;                             \
	if (!real)                                                 \
		real = (__typeof__(&name))dlsym(RTLD_NEXT, #name)

#define FAIL_OR(failed, call)                                      \
	do {                                                       \
		if (failed)                                        \
			return -1;                                 \
		return call;                                       \
	} while (0)

/* Of a call with a number of bytes: how many it is given; -1: it fails. */
static ssize_t shorten(enum kind kind, int fd, size_t n)
{
	switch (decide_fd(kind, fd)) {
	case FAIL:
		return -1;
	case SHORT:
		return (ssize_t)(n > 1 ? n / 2 : n);
	default:
		return (ssize_t)n;
	}
}

#define TRANSFER(kind, name, params, fd, n, call)                  \
	ssize_t name params                                        \
	{                                                          \
		const ssize_t few = shorten(kind, fd, n);          \
		REAL(name);                                        \
		return few < 0 ? -1 : real call;                   \
	}

TRANSFER(READ, read, (int fd, void *to, size_t n), fd, n, (fd, to, (size_t)few))
TRANSFER(READ, pread, (int fd, void *to, size_t n, off_t at), fd, n, (fd, to, (size_t)few, at))
TRANSFER(READ, pread64, (int fd, void *to, size_t n, off64_t at), fd, n, (fd, to, (size_t)few, at))
TRANSFER(WRITE, write, (int fd, const void *b, size_t n), fd, n, (fd, b, (size_t)few))
TRANSFER(WRITE, pwrite, (int fd, const void *b, size_t n, off_t at), fd, n,
	 (fd, b, (size_t)few, at))
TRANSFER(WRITE, pwrite64, (int fd, const void *b, size_t n, off64_t at), fd, n,
	 (fd, b, (size_t)few, at))
TRANSFER(WRITE, copy_file_range, (int in, off64_t *from, int out, off64_t *to, size_t n,
				  unsigned flags), out, n, (in, from, out, to, (size_t)few, flags))

ssize_t writev(int fd, const struct iovec *v, int n)
{
	REAL(writev);
	FAIL_OR(fails_fd(WRITE, fd), real(fd, v, n));
}

/* The mode is an argument only if a file may be made. */
#define OPENED(name, params, path, call_made, call_plain)          \
	int name params                                            \
	{                                                          \
		const bool writes = (flags & O_ACCMODE) != O_RDONLY;       \
		const bool makes = flags & (O_CREAT | (O_TMPFILE & ~O_DIRECTORY)); \
		mode_t mode = 0;                                   \
		va_list ap;                                        \
                                                                   \
		REAL(name);                                        \
		if (makes) {                                       \
			va_start(ap, flags);                       \
			mode = va_arg(ap, mode_t);                 \
			va_end(ap);                                \
		}                                                  \
		if (fails(writes ? CREATE : OPEN, path))           \
			return -1;                                 \
		return makes ? real call_made : real call_plain;   \
	}

OPENED(open, (const char *path, int flags, ...), path, (path, flags, mode), (path, flags))
OPENED(open64, (const char *path, int flags, ...), path, (path, flags, mode), (path, flags))
OPENED(openat, (int at, const char *path, int flags, ...), path, (at, path, flags, mode),
       (at, path, flags))
OPENED(openat64, (int at, const char *path, int flags, ...), path, (at, path, flags, mode),
       (at, path, flags))

#define FOPENED(name)                                              \
	FILE *name(const char *path, const char *mode)             \
	{                                                          \
		REAL(name);                                        \
		return fails(strpbrk(mode, "wa+") ? CREATE : OPEN, path) ? NULL : real(path, mode); \
	}

FOPENED(fopen)
FOPENED(fopen64)

int fclose(FILE *f)
{
	int rc;
	const int fd = fileno(f);
	const bool failed = fails_fd(CLOSE, fd);
	const int why = errno;

	REAL(fclose);
	rc = real(f);
	if (failed)
		errno = why;
	return failed ? EOF : rc;
}

int close(int fd)
{
	const bool failed = fails_fd(CLOSE, fd);
	const int why = errno;
	int rc;

	REAL(close);
	rc = real(fd);
	if (failed)
		errno = why;
	return failed ? -1 : rc;
}

#define CALL_FD(kind, name, params, fd, call)                      \
	int name params                                            \
	{                                                          \
		REAL(name);                                        \
		FAIL_OR(fails_fd(kind, fd), real call);            \
	}

#define CALL_PATH(kind, name, params, path, call)                  \
	int name params                                            \
	{                                                          \
		REAL(name);                                        \
		FAIL_OR(fails(kind, path), real call);             \
	}

#define CALL_TWO(kind, name, params, from, to, call)               \
	int name params                                            \
	{                                                          \
		REAL(name);                                        \
		FAIL_OR(decide(kind, from, to) == FAIL, real call); \
	}

CALL_FD(SYNC, fsync, (int fd), fd, (fd))
CALL_FD(SYNC, fdatasync, (int fd), fd, (fd))
CALL_FD(TRUNCATE, ftruncate, (int fd, off_t n), fd, (fd, n))
CALL_FD(TRUNCATE, ftruncate64, (int fd, off64_t n), fd, (fd, n))
CALL_PATH(TRUNCATE, truncate, (const char *path, off_t n), path, (path, n))
CALL_FD(RESERVE, fallocate, (int fd, int mode, off_t at, off_t n), fd, (fd, mode, at, n))
CALL_FD(META, fchmod, (int fd, mode_t mode), fd, (fd, mode))
CALL_FD(META, fchown, (int fd, uid_t user, gid_t group), fd, (fd, user, group))
CALL_FD(META, futimens, (int fd, const struct timespec t[2]), fd, (fd, t))
CALL_PATH(META, chmod, (const char *path, mode_t mode), path, (path, mode))
CALL_PATH(META, utimensat, (int at, const char *path, const struct timespec t[2], int flags), path,
	  (at, path, t, flags))
CALL_PATH(UNLINK, unlink, (const char *path), path, (path))
CALL_PATH(UNLINK, unlinkat, (int at, const char *path, int flags), path, (at, path, flags))
CALL_PATH(MKDIR, mkdir, (const char *path, mode_t mode), path, (path, mode))
CALL_PATH(RMDIR, rmdir, (const char *path), path, (path))
CALL_TWO(RENAME, rename, (const char *from, const char *to), from, to, (from, to))
CALL_TWO(RENAME, renameat, (int in, const char *from, int at, const char *to), from, to,
	 (in, from, at, to))
CALL_TWO(LINK, link, (const char *from, const char *to), from, to, (from, to))
CALL_TWO(LINK, symlink, (const char *from, const char *to), from, to, (from, to))

/* Returns the number, not -1. */
int posix_fallocate(int fd, off_t at, off_t n)
{
	REAL(posix_fallocate);
	return fails_fd(RESERVE, fd) ? errno : real(fd, at, n);
}

int posix_fallocate64(int fd, off64_t at, off64_t n)
{
	REAL(posix_fallocate64);
	return fails_fd(RESERVE, fd) ? errno : real(fd, at, n);
}
