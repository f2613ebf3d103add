/*
 * files.c - Landlock, by its three calls: headers of older C libraries do not have them.
 */
#include "io/sandbox/files.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <ucontext.h>
#include <unistd.h>

#include "io/sandbox/memory.h"

#define NAMES_NBYTES (1u << 20)

struct qn_refused {
	_Atomic size_t n;      /* bytes of names */
	_Atomic size_t nnames; /* also of those for which there was no room */
	_Atomic int lack;
	char names[NAMES_NBYTES]; /* each with its '\0' */
};

struct qn_refused *qn_refused_new(int *fd)
{
	return qn_memory_new(sizeof(struct qn_refused), fd);
}

struct qn_refused *qn_refused_of(int fd)
{
	return qn_memory_of(fd, sizeof(struct qn_refused));
}

void qn_refused_free(struct qn_refused *r)
{
	qn_memory_free(r, sizeof(*r));
}

/* The child may write there what it likes, and when. */
bool qn_refused_next(const struct qn_refused *r, size_t *at, char name[PATH_MAX])
{
	size_t n = r ? atomic_load(&r->n) : 0, most;

	if (n > sizeof(r->names))
		n = sizeof(r->names);
	if (*at >= n)
		return false;
	most = n - *at < PATH_MAX ? n - *at : PATH_MAX;
	memcpy(name, r->names + *at, most);
	n = strnlen(name, most);
	*at += n + 1;
	return n < most;
}

int qn_refused_lack(const struct qn_refused *r)
{
	return r ? atomic_load(&r->lack) : 0;
}

/* --- in the child --- */

static struct qn_refused *noted; /* of this process, which is a child */

size_t qn_child_nrefused(void)
{
	return noted ? atomic_load(&noted->nnames) + (atomic_load(&noted->lack) != 0) : 0;
}

static void note(const char *path, int why)
{
	const size_t length = strlen(path) + 1;
	size_t at;

	if (why == EMFILE || why == ENFILE)
		atomic_store(&noted->lack, why);
	if (why != EACCES)
		return;
	atomic_fetch_add(&noted->nnames, 1);
	at = atomic_load(&noted->n);
	if (at + length > sizeof(noted->names))
		return;
	memcpy(noted->names + at, path, length);
	atomic_store(&noted->n, at + length);
}

#if defined(__linux__) && (defined(__x86_64__) || (defined(__aarch64__) && defined(__LP64__)))

#if defined(__x86_64__)
#define ARGUMENT(u, i)                               \
	((u)->uc_mcontext.gregs[(i) == 0   ? REG_RDI \
				: (i) == 1 ? REG_RSI \
				: (i) == 2 ? REG_RDX \
					   : REG_R10])
#define RESULT(u) ((u)->uc_mcontext.gregs[REG_RAX])
#else
#define ARGUMENT(u, i) ((u)->uc_mcontext.regs[i])
#define RESULT(u)      ((u)->uc_mcontext.regs[0])
#endif

/* Does what open(2) or openat(2) was to do. Only calls that a signal handler may make. */
static void do_open(int sig, siginfo_t *info, void *context)
{
	ucontext_t *u = context;
	const int before = errno;
	int first = 1, directory = AT_FDCWD;
	const char *path;
	long fd;

	(void)sig;
#ifdef SYS_open
	if (info->si_syscall == SYS_open)
		first = 0;
#endif
	if (first)
		directory = (int)ARGUMENT(u, 0);
	path = (const char *)(uintptr_t)(first ? ARGUMENT(u, 1) : ARGUMENT(u, 0));
	fd = syscall(SYS_openat, directory, path, (int)(first ? ARGUMENT(u, 2) : ARGUMENT(u, 1)), 0,
		     0, QN_OPEN_COOKIE);
	if (fd < 0 && noted && errno != EFAULT && (directory == AT_FDCWD || *path == '/'))
		note(path, errno);
	RESULT(u) = fd < 0 ? (__typeof__(RESULT(u)))-errno : (__typeof__(RESULT(u)))fd;
	errno = before;
}

void qn_child_note_refusals(struct qn_refused *r)
{
	struct sigaction action = { .sa_flags = SA_SIGINFO | SA_NODEFER };

	noted = r;
	action.sa_sigaction = do_open;
	sigemptyset(&action.sa_mask);
	sigaction(SIGSYS, &action, NULL);
}

/* --- Landlock: linux/landlock.h --- */

#define SYS_CREATE_RULESET 444
#define SYS_ADD_RULE	   445
#define SYS_RESTRICT_SELF  446

#define CREATE_VERSION 1u
#define RULE_PATH      1
#define FS_READ_FILE   (UINT64_C(1) << 2)
#define FS_READ_DIR    (UINT64_C(1) << 3)

struct ruleset {
	uint64_t fs, net, scoped;
};

struct path_rule {
	uint64_t allowed;
	int32_t fd;
} __attribute__((packed));

int qn_child_landlock(void)
{
	long abi = syscall(SYS_CREATE_RULESET, NULL, 0, CREATE_VERSION);

	return abi < 0 ? 0 : (int)abi;
}

/* All that a version can forbid, and its size of the structure. */
static size_t forbid_all(int abi, struct ruleset *r)
{
	static const int nrights[] = { 0, 13, 14, 15, 15, 16 };
	const int last = sizeof(nrights) / sizeof(nrights[0]) - 1;

	*r = (struct ruleset){ .fs = (UINT64_C(1) << nrights[abi < last ? abi : last]) - 1 };
	if (abi >= 4)
		r->net = 3; /* bind, connect */
	if (abi >= 6)
		r->scoped = 3; /* abstract sockets, signals */
	return abi >= 6 ? sizeof(*r) : abi >= 4 ? 16 : 8;
}

static void allow(int ruleset, const char *path)
{
	struct path_rule rule = { .allowed = FS_READ_FILE, .fd = open(path, O_PATH | O_CLOEXEC) };
	struct stat st;

	if (rule.fd < 0)
		return;
	if (fstat(rule.fd, &st) == 0 && S_ISDIR(st.st_mode))
		rule.allowed |= FS_READ_DIR;
	syscall(SYS_ADD_RULE, ruleset, RULE_PATH, &rule, 0);
	close(rule.fd);
}

/* A file whose rule cannot be made is refused, and then asked for as others are. */
bool qn_child_allow_files(const struct qn_names *files)
{
	struct ruleset r;
	const int abi = qn_child_landlock();
	const size_t nbytes = forbid_all(abi, &r);
	int fd = abi > 0 ? (int)syscall(SYS_CREATE_RULESET, &r, nbytes, 0) : -1;
	bool ok = fd >= 0;

	for (size_t i = 0; ok && i < files->n; i++)
		allow(fd, files->name[i]);
	ok = ok && prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 &&
	     syscall(SYS_RESTRICT_SELF, fd, 0) == 0;
	if (fd >= 0)
		close(fd);
	return ok;
}

#else

void qn_child_note_refusals(struct qn_refused *r)
{
	noted = r;
}

int qn_child_landlock(void)
{
	return 0;
}

bool qn_child_allow_files(const struct qn_names *files)
{
	(void)files;
	return false;
}

#endif
