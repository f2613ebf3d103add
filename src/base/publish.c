#include "base/publish.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/file.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/system.h"

#define MARK	      ".quern-" /* which no user puts into a name */
#define SUFFIX	      ".partial"
#define NRANDOM	      12 /* characters of 5 bits */
#define NTRIES	      16 /* a name of 60 random bits is taken once, or somebody is at work */
#define MOST_LINKS    40 /* as the kernel has it */
#define MOST_UNDERWAY 8	 /* that a signal takes along; a run has one */
#define STALE_SECONDS 3600

/* --- names --- */

/* Length of what `file` has before the name itself, with the slash. */
static size_t folder_length(const char *file)
{
	const char *slash = strrchr(file, '/');

	return slash ? (size_t)(slash - file) + 1 : 0;
}

static char *folder_of(const char *file)
{
	const size_t length = folder_length(file);

	return length ? qn_strndup(file, length) : qn_strdup(".");
}

static size_t most_of_name(void)
{
	return NAME_MAX - strlen(MARK) - NRANDOM - strlen(SUFFIX);
}

/* "NAME.quern-" with the folder: what all temporary names of a file have in common. Owned. */
static char *common_of(const char *file)
{
	const size_t folder = folder_length(file);
	const size_t most = most_of_name();
	const size_t length = strlen(file + folder);
	char *out;

	return qn_asprintf(&out, "%.*s" MARK, (int)(folder + (length < most ? length : most)),
			   file) < 0
		       ? NULL
		       : out;
}

static const char digits[] = "0123456789abcdefghijklmnopqrstuv";

static char *random_partial(const char *file)
{
	unsigned char bits[NRANDOM];
	char text[NRANDOM + 1], *common, *out = NULL;

	if (getrandom(bits, sizeof(bits), 0) != (ssize_t)sizeof(bits))
		return NULL;
	for (size_t i = 0; i < NRANDOM; i++)
		text[i] = digits[bits[i] % 32];
	text[NRANDOM] = '\0';
	common = common_of(file);
	if (common && qn_asprintf(&out, "%s%s" SUFFIX, common, text) < 0)
		out = NULL;
	free(common);
	return out;
}

/* In a directory where everybody may make files, such as /tmp, links of others are not followed, as Linux
   has it for files that are opened by such a name (fs.protected_symlinks). */
static bool is_strangers(const char *link)
{
	char *folder = folder_of(link);
	struct stat of, in;
	bool is = !folder || qn_sys_lstat(link, &of) || qn_sys_stat(folder, &in) ||
		  ((in.st_mode & S_ISVTX) && (in.st_mode & S_IWOTH) && of.st_uid != geteuid() &&
		   of.st_uid != in.st_uid);

	free(folder);
	return is;
}

/* Of a link, where it leads; owned. NULL with errno EINVAL: it is no link; EACCES: it is a stranger's. */
static char *read_link(const char *file)
{
	char target[PATH_MAX], *out;
	const ssize_t n = qn_sys_readlink(file, target, sizeof(target) - 1);

	if (n < 0)
		return NULL;
	if (is_strangers(file)) {
		errno = EACCES;
		return NULL;
	}
	target[n] = '\0';
	if (qn_asprintf(&out, "%.*s%s", target[0] == '/' ? 0 : (int)folder_length(file), file,
			target) < 0)
		return NULL;
	return out;
}

/* Where a name leads, whether or not there is a file; owned. NULL: errno says why. */
static char *follow(const char *name)
{
	char *file = qn_strdup(name);

	for (int i = 0; file && i < MOST_LINKS; i++) {
		char *next = read_link(file);

		const int why = errno;

		/* What else is wrong with the name, opening it tells. */
		if (!next && why != ENOMEM && why != EACCES)
			return file;
		free(file);
		file = next;
		errno = why;
	}
	if (file)
		errno = ELOOP;
	free(file);
	return NULL;
}

/* --- before the work --- */

static enum quern_status refuse(const char *option, const char *name, const char *why, int number,
				struct quern_message *err)
{
	const enum quern_status st = qn_error_status_of(number);

	return qn_error_set(err, st == QUERN_ERR_DENIED ? st : QUERN_ERR_USAGE, "%s %s: %s: %s",
			    option, name, why, strerror(number));
}

/* A file that nobody may write is protected from root, too. */
static enum quern_status check_there(const char *option, const char *name, const struct stat *there,
				     const char *file, struct quern_message *err)
{
	if (!S_ISREG(there->st_mode))
		return qn_error_set(err, QUERN_ERR_USAGE, "%s %s: is %s, not a file", option, name,
				    S_ISDIR(there->st_mode) ? "a directory"
							    : "a device, a pipe or a socket");
	if (!(there->st_mode & 0222) || qn_sys_faccessat(AT_FDCWD, file, W_OK, AT_EACCESS))
		return qn_error_set(err, QUERN_ERR_DENIED,
				    "%s %s: is read-only; choose another "
				    "name, or make it writable first",
				    option, name);
	return QUERN_OK;
}

static enum quern_status check_folder(const char *option, const char *name, const char *file,
				      struct quern_message *err)
{
	char *folder = folder_of(file);
	enum quern_status st = QUERN_OK;

	if (!folder)
		st = qn_error_nomem(err, strlen(file), "a name");
	else if (qn_sys_faccessat(AT_FDCWD, folder, W_OK | X_OK, AT_EACCESS))
		st = refuse(option, name, "its directory cannot be written", errno, err);
	free(folder);
	return st;
}

enum quern_status qn_publish_check(const char *option, const char *name, struct quern_message *err)
{
	char *file = follow(name);
	enum quern_status st;
	struct stat there;

	if (!file)
		return refuse(option, name, "cannot be written", errno, err);
	st = check_folder(option, name, file, err);
	if (!st && !qn_sys_lstat(file, &there))
		st = check_there(option, name, &there, file, err);
	else if (!st && errno != ENOENT)
		st = refuse(option, name, "cannot be written", errno, err);
	free(file);
	return st;
}

/* --- what was left --- */

static bool is_partial(const char *name, const char *common)
{
	const size_t n = strlen(common);

	return !strncmp(name, common, n) && strspn(name + n, digits) == NRANDOM &&
	       !strcmp(name + n + NRANDOM, SUFFIX);
}

static void remove_any(int folder, const char *partial)
{
	qn_sys_unlinkat(folder, partial, 0);
}

/* It is locked while it is removed, so that nobody begins to write it. */
static void remove_stale(int folder, const char *partial)
{
	const int fd =
		qn_sys_openat(folder, partial, O_RDWR | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC, 0);
	struct stat st;

	if (fd < 0)
		return;
	if (!qn_sys_fstat(fd, &st) && S_ISREG(st.st_mode) && st.st_uid == geteuid() &&
	    !(st.st_mode & 077) && time(NULL) - st.st_mtim.tv_sec > STALE_SECONDS &&
	    !qn_sys_flock(fd, LOCK_EX | LOCK_NB))
		qn_sys_unlinkat(folder, partial, 0);
	qn_sys_close(fd);
}

/* Gives the temporary files of `file` to one of these. Those of a name that is cut off are not known from
   those of others. */
static void sweep(const char *file, void (*remove_it)(int folder, const char *partial))
{
	const size_t length = folder_length(file);
	char *common = common_of(file), *folder = folder_of(file);
	DIR *d = common && folder && strlen(file + length) <= most_of_name()
			 ? qn_sys_opendir(folder)
			 : NULL;
	struct dirent *e;

	while (d && (e = qn_sys_readdir(d)))
		if (is_partial(e->d_name, common + length))
			remove_it(dirfd(d), e->d_name);
	if (d)
		qn_sys_closedir(d);
	free(folder);
	free(common);
}

void qn_publish_sweep(const char *file)
{
	sweep(file, remove_any);
}

/* --- what a signal takes along --- */

/* Names of users' temporary files that this process is writing: of its handlers, which have no other way to them. */
static _Atomic(const char *) underway[MOST_UNDERWAY];

static bool exchange(const char *from, const char *to)
{
	for (int i = 0; i < MOST_UNDERWAY; i++) {
		const char *expected = from;

		if (atomic_compare_exchange_strong(&underway[i], &expected, to))
			return true;
	}
	return false;
}

void qn_publish_forsake(void)
{
	for (int i = 0; i < MOST_UNDERWAY; i++) {
		const char *partial = atomic_exchange(&underway[i], NULL);

		if (partial)
			qn_sys_unlink(partial);
	}
}

/* --- writing --- */

static enum quern_status failed(const char *name, const char *how, int why,
				struct quern_message *err)
{
	return qn_error_set(err, qn_error_status_of(why), "%s: %s: %s", name, how, strerror(why));
}

static enum quern_status not_written(const char *name, int why, struct quern_message *err)
{
	return failed(name, "cannot be written", why, err);
}

/* 0 or errno; EEXIST: who removes what was left had it first. */
static int lock_it(int fd)
{
	const int why = qn_file_lock(fd, LOCK_EX);
	struct stat st;

	if (why)
		return why == EWOULDBLOCK ? EEXIST : why;
	if (qn_sys_fstat(fd, &st))
		return errno;
	return st.st_nlink > 0 ? 0 : EEXIST;
}

/* Tries names until one was not there. locked: by this process, until it is closed. */
static int create(struct qn_publishing *p, bool locked)
{
	int why = EEXIST;

	for (int i = 0; why == EEXIST && i < NTRIES; i++) {
		free(p->partial);
		p->partial = random_partial(p->file);
		if (!p->partial)
			return errno ? errno : ENOMEM;
		p->fd = qn_sys_open(p->partial, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC,
				    0600);
		why = p->fd < 0 ? errno : locked ? lock_it(p->fd) : 0;
		if (why && p->fd >= 0) {
			qn_sys_close(p->fd);
			qn_sys_unlink(p->partial);
			p->fd = -1;
		}
	}
	return why;
}

/* A file that only some may read stays so when it is replaced. */
static struct qn_rights rights_of(const char *file, struct qn_rights rights)
{
	struct stat there;

	if (qn_sys_lstat(file, &there) || !S_ISREG(there.st_mode))
		return qn_rights_masked(rights);
	return qn_rights_meet(rights, qn_rights_of(file, &there));
}

static void forget(struct qn_publishing *p)
{
	/* A handler that has taken the name away may still be using it. */
	if (p->is_underway && !exchange(p->partial, NULL))
		p->partial = NULL;
	free(p->file);
	free(p->partial);
	free(p->name);
	*p = QN_PUBLISHING_NONE;
}

enum quern_status qn_publish_open(const char *name, enum qn_links links, struct qn_rights rights,
				  struct qn_publishing *out, struct quern_message *err)
{
	int why = 0;

	*out = QN_PUBLISHING_NONE;
	out->name = qn_strdup(name);
	out->file = links == QN_FOLLOW_LINK ? follow(name) : qn_strdup(name);
	if (!out->file || !out->name)
		why = errno;
	if (!why && links == QN_FOLLOW_LINK)
		sweep(out->file, remove_stale);
	if (!why)
		why = create(out, links == QN_FOLLOW_LINK);
	if (!why) {
		if (links == QN_FOLLOW_LINK)
			out->is_underway = exchange(NULL, out->partial);
		out->rights = rights_of(out->file, rights);
		return QUERN_OK;
	}
	qn_publish_discard(out);
	return not_written(name, why, err);
}

enum quern_status qn_publish_put(const struct qn_publishing *p, const void *bytes, size_t nbytes,
				 struct quern_message *err)
{
	const char *at = bytes;

	while (nbytes) {
		ssize_t n = qn_sys_write(p->fd, at, nbytes);

		if (n < 0 && errno == EINTR)
			continue;
		/* None of several bytes, without an error: there is no room. */
		if (n <= 0)
			return not_written(p->name, n ? errno : ENOSPC, err);
		at += n;
		nbytes -= (size_t)n;
	}
	return QUERN_OK;
}

/* 0 or errno. A file system that cannot sync is no reason to fail. */
static int sync_all(int fd)
{
	while (qn_sys_fsync(fd))
		if (errno != EINTR)
			return errno == EINVAL || errno == ENOSYS || errno == ENOTSUP ? 0 : errno;
	return 0;
}

/* On network file systems this is where a full disk shows. Interrupted, it is closed all the same. */
static int close_it(struct qn_publishing *p)
{
	const int fd = p->fd;

	p->fd = -1;
	return qn_sys_close(fd) && errno != EINTR ? errno : 0;
}

int qn_publish_sync_folder(const char *file)
{
	char *folder = folder_of(file);
	int fd = folder ? qn_sys_open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC, 0) : -1;
	/* One that may be written and not read cannot be synced. */
	int why = fd >= 0 ? sync_all(fd) : !folder ? ENOMEM : errno == EACCES ? 0 : errno;

	if (fd >= 0 && qn_sys_close(fd) && !why)
		why = errno;
	free(folder);
	return why;
}

void qn_publish_discard(struct qn_publishing *p)
{
	if (p->fd >= 0) {
		qn_sys_close(p->fd);
		qn_sys_unlink(p->partial);
	}
	forget(p);
}

static int set_time(int fd, int64_t time_ns)
{
	const struct timespec t = { .tv_sec = time_ns / 1000000000,
				    .tv_nsec = time_ns % 1000000000 };
	const struct timespec both[2] = { t, t };

	return time_ns != QN_PUBLISH_NOW && qn_sys_futimens(fd, both) ? errno : 0;
}

/* 0 or errno. */
static int put_in_place(const struct qn_publishing *p)
{
	if (p->only_new) {
		if (!qn_sys_rename_new(p->partial, p->file))
			return 0;
		/* Some file systems can only replace. */
		if (errno != EINVAL && errno != ENOSYS)
			return errno;
		if (!qn_sys_access(p->file, F_OK))
			return EEXIST;
	}
	return qn_sys_rename(p->partial, p->file) ? errno : 0;
}

static enum quern_status not_put(const struct qn_publishing *p, int why, struct quern_message *err)
{
	if (why == EEXIST && p->only_new)
		return qn_error_set(err, QUERN_ERR_RUN,
				    "%s: another process has written it meanwhile, and it is not "
				    "replaced; choose another name",
				    p->name);
	return failed(p->name, "cannot be put in its place", why, err);
}

enum quern_status qn_publish_commit(struct qn_publishing *p, int64_t time_ns,
				    struct quern_message *err)
{
	enum quern_status st = QUERN_OK;
	int why = qn_rights_grant(p->fd, p->rights);

	if (!why)
		why = set_time(p->fd, time_ns);
	if (!why)
		why = sync_all(p->fd);
	if (why)
		st = not_written(p->name, why, err);
	why = close_it(p);
	if (!st && why)
		st = not_written(p->name, why, err);
	if (!st && (why = put_in_place(p)))
		st = not_put(p, why, err);
	if (st)
		qn_sys_unlink(p->partial);
	else if ((why = qn_publish_sync_folder(p->file)))
		st = failed(p->name, "is written, but its directory cannot be synced", why, err);
	if (!st)
		qn_log(QN_LOG_INFO, "%s: is written, synced and in its place", p->file);
	forget(p);
	return st;
}

enum quern_status qn_publish_write(const char *name, enum qn_links links, struct qn_rights rights,
				   const void *bytes, size_t nbytes, int64_t time_ns,
				   struct quern_message *err)
{
	struct qn_publishing p;
	enum quern_status st = qn_publish_open(name, links, rights, &p, err);

	if (st)
		return st;
	st = qn_publish_put(&p, bytes, nbytes, err);
	if (!st)
		return qn_publish_commit(&p, time_ns, err);
	qn_publish_discard(&p);
	return st;
}
