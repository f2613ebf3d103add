#include "tests/testing/plan.h"

#include <errno.h>
#include <fcntl.h>
#include <fnmatch.h>
#include <limits.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#include "tests/testing/durable.h"

#define LOG_NBYTES    (4 << 20)
#define LINE_NBYTES   512
#define MOST_DELAY_NS 1000000000
#define LOST_POWER    99 /* the exit code */

static const struct {
	const char *name;
	bool changes, is_file;
} kinds[TEST_NKINDS] = {
	[TEST_LOOK] = { "look", false, true }, /* stat, access, readlink, realpath ... */
	[TEST_LIST] = { "list", false, true }, /* opendir, glob */
	[TEST_OPEN] = { "open", false, true }, /* for reading */
	[TEST_READ] = { "read", false, true }, /* read, pread */
	[TEST_MAP] = { "map", false, true },
	[TEST_CREATE] = { "create", true, true }, /* open for writing */
	[TEST_WRITE] = { "write", true, true },
	[TEST_SYNC] = { "sync", true, true },
	[TEST_TRUNCATE] = { "truncate", true, true },
	[TEST_RESERVE] = { "reserve", true, true },
	[TEST_CLOSE] = { "close", true, true }, /* of whatever it was opened for */
	[TEST_RENAME] = { "rename", true, true },
	[TEST_UNLINK] = { "unlink", true, true },
	[TEST_MKDIR] = { "mkdir", true, true },
	[TEST_RMDIR] = { "rmdir", true, true },
	[TEST_LOCK] = { "lock", false, true },
	[TEST_META] = { "meta", true, true }, /* fchmod, fchown, futimens */
	[TEST_MEMORY] = { "memory", false, false },
	[TEST_MPI] = { "mpi", false, false },
	[TEST_AGREE] = { "agree", false, false },
	[TEST_END] = { "end", false, false },
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

enum what { NOTHING, FAIL, SHORT, WAIT, STOP, KILL, LOSE, TEAR };

static const char *const whats[] = {
	[SHORT] = "short", [WAIT] = "wait", [STOP] = "stop",
	[KILL] = "kill",   [LOSE] = "lose", [TEAR] = "tear",
};

/* Of this process and those that it forks. */
struct shared {
	atomic_long n; /* calls that may fail */
	atomic_long log_nbytes;
};

/* What the environment says; made before main. */
static struct {
	bool on;
	bool counted[TEST_NKINDS];
	long at, times;
	enum what what;
	int number; /* errno */
	const char *pattern, *name;
	pid_t process;
	struct shared *shared;
	char *log; /* LOG_NBYTES; NULL: none */
} plan;

/* --- the environment --- */

static const char *const variables[] = {
	"QUERN_TEST_FAULTS",	  "QUERN_TEST_FAULTS_PATH", "QUERN_TEST_FAULTS_LOG",
	"QUERN_TEST_FAULTS_RANK", "QUERN_TEST_READ_DELAY",  "QUERN_TEST_HOSTS",
};

#define NVARIABLES (sizeof(variables) / sizeof(*variables))

static char *taken[NVARIABLES];

static void take_variables(void)
{
	for (size_t i = 0; i < NVARIABLES; i++) {
		const char *value = getenv(variables[i]);

		taken[i] = value ? strdup(value) : NULL;
		unsetenv(variables[i]);
	}
}

/* Unit tests set them later. */
const char *test_variable(const char *name)
{
	const char *now = getenv(name);

	for (size_t i = 0; !now && i < NVARIABLES; i++)
		if (!strcmp(name, variables[i]))
			return taken[i];
	return now;
}

const char *test_rank(void)
{
	static const char *const names[] = { "OMPI_COMM_WORLD_RANK", "PMIX_RANK", "PMI_RANK" };

	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++)
		if (getenv(names[i]))
			return getenv(names[i]);
	return "0";
}

static bool is_name(const char *text, size_t n, const char *name)
{
	return name && strlen(name) == n && !memcmp(text, name, n);
}

uint64_t test_delay(const char *setting, const char *host, const char *rank)
{
	for (const char *s = setting; *s; s += *s == ',') {
		size_t n = strcspn(s, ":,");
		bool meant = is_name(s, n, "*") || is_name(s, n, host) || is_name(s, n, rank);
		unsigned long long ns;

		s += n;
		if (*s != ':')
			continue;
		ns = strtoull(s + 1, NULL, 10);
		if (meant)
			return ns < MOST_DELAY_NS ? ns : MOST_DELAY_NS;
		s += strcspn(s, ",");
	}
	return 0;
}

/* --- the plan --- */

static void die(const char *text)
{
	fprintf(stderr, "QUERN_TEST_FAULTS=%s: %s\n", test_variable("QUERN_TEST_FAULTS"), text);
	_exit(125);
}

static void choose_kinds(const char *name)
{
	bool known = false;

	for (int k = 0; k < TEST_NKINDS; k++) {
		plan.counted[k] = !strcmp(name, kinds[k].name) ||
				  (!strcmp(name, "file") && kinds[k].is_file) ||
				  (!strcmp(name, "change") && kinds[k].changes);
		known = known || plan.counted[k];
	}
	if (!known)
		die("no such kind of call");
}

static void choose_what(const char *name)
{
	for (size_t i = 0; i < sizeof(errors) / sizeof(*errors); i++)
		if (!strcmp(name, errors[i].name)) {
			plan.what = FAIL;
			plan.number = errors[i].number;
		}
	for (size_t i = 0; i < sizeof(whats) / sizeof(*whats); i++)
		if (whats[i] && !strcmp(name, whats[i]))
			plan.what = (enum what)i;
	if (!plan.what)
		die("no such errno");
}

static void parse(const char *text)
{
	static char kind[16], what[16];

	plan.times = 1;
	if (sscanf(text, "%15[^:]:%ld:%15[^:]:%ld", kind, &plan.at, what, &plan.times) < 3)
		die("is not KIND:N:WHAT[:TIMES]");
	choose_kinds(kind);
	choose_what(what);
	plan.name = what;
}

static void *share(size_t nbytes, int fd)
{
	void *p = mmap(NULL, nbytes, PROT_READ | PROT_WRITE,
		       fd < 0 ? MAP_SHARED | MAP_ANONYMOUS : MAP_SHARED, fd, 0);

	return p == MAP_FAILED ? NULL : p;
}

static void open_log(const char *file)
{
	const int fd = open(file, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);

	if (fd < 0 || ftruncate(fd, LOG_NBYTES))
		die("no log");
	plan.log = share(LOG_NBYTES, fd);
	close(fd);
}

__attribute__((constructor)) static void begin(void)
{
	const char *text, *log, *rank, *pattern;

	take_variables();
	text = test_variable("QUERN_TEST_FAULTS");
	log = test_variable("QUERN_TEST_FAULTS_LOG");
	rank = test_variable("QUERN_TEST_FAULTS_RANK");
	pattern = test_variable("QUERN_TEST_FAULTS_PATH");
	if ((!text && !log) || (rank && strcmp(rank, test_rank()) != 0))
		return;
	plan.process = getpid();
	plan.pattern = pattern ? pattern : "*";
	if (text)
		parse(text);
	if (log)
		open_log(log);
	plan.shared = share(sizeof(*plan.shared), -1);
	plan.on = plan.shared;
	if (test_loses())
		test_durable_begin(log);
}

__attribute__((destructor)) static void end(void)
{
	if (plan.on && getpid() == plan.process)
		test_decide(TEST_END, "", NULL);
}

void test_fail_at(enum test_kind kind, long n)
{
	memset(plan.counted, 0, sizeof(plan.counted));
	plan.counted[kind] = true;
	plan.at = n ? n : LONG_MAX;
	plan.times = 1;
	plan.what = FAIL;
	plan.number = ENOMEM;
	plan.pattern = "*";
	plan.process = getpid();
	if (!plan.shared)
		plan.shared = share(sizeof(*plan.shared), -1);
	plan.on = plan.shared;
	if (plan.on)
		atomic_store(&plan.shared->n, 0);
}

void test_fail_from(enum test_kind kind, long n)
{
	test_fail_at(kind, n);
	plan.times = 0;
}

void test_leave_out_at(long n)
{
	test_fail_at(TEST_MPI, n);
	plan.what = SHORT;
}

long test_count(void)
{
	return plan.on ? atomic_load(&plan.shared->n) : 0;
}

bool test_loses(void)
{
	return plan.on && (plan.what == LOSE || plan.what == TEAR) && getpid() == plan.process;
}

/* --- the calls --- */

static void note(enum test_kind kind, const char *path, const char *what)
{
	char line[LINE_NBYTES];
	const int n = snprintf(line, sizeof(line), "%s %.400s%s%s\n", kinds[kind].name, path,
			       what ? " " : "", what ? what : "");
	const long at = atomic_fetch_add(&plan.shared->log_nbytes, n);

	if (at + n <= LOG_NBYTES)
		memcpy(plan.log + at, line, (size_t)n);
}

static bool is_meant(enum test_kind kind, const char *path)
{
	return path && (!kinds[kind].is_file || !fnmatch(plan.pattern, path, 0));
}

static enum test_action carry_out(enum what what)
{
	switch (what) {
	case FAIL:
		errno = plan.number;
		return TEST_FAIL;
	case SHORT:
		return TEST_SHORT;
	case WAIT:
		nanosleep(&(struct timespec){ .tv_nsec = 500000000 }, NULL);
		break;
	case STOP:
		kill(getpid(), SIGSTOP);
		break;
	case LOSE:
		if (test_loses())
			test_durable_lose();
		_exit(LOST_POWER);
	case TEAR:
		if (test_loses())
			test_durable_tear((uint64_t)plan.times);
		_exit(LOST_POWER);
	case KILL:
		kill(getpid(), SIGKILL);
		break;
	case NOTHING:
		break;
	}
	return TEST_OTHER;
}

enum test_action test_decide(enum test_kind kind, const char *path, const char *other)
{
	const int before = errno;
	enum test_action action = TEST_PASS;
	long n;
	bool hit;

	if (!plan.on || !(is_meant(kind, path) || is_meant(kind, other)))
		return TEST_PASS;
	n = plan.counted[kind] ? atomic_fetch_add(&plan.shared->n, 1) + 1 : 0;
	hit = n && n >= plan.at && (!plan.times || n < plan.at + plan.times);
	if (plan.log)
		note(kind, is_meant(kind, path) ? path : other, hit ? plan.name : NULL);
	errno = before;
	if (hit)
		action = carry_out(plan.what);
	if (action != TEST_FAIL)
		errno = before;
	return action;
}

/* What cannot write a file is confined, and more system calls than it needs would be taken for an attack. */
static bool is_confined(void)
{
	struct rlimit r;

	return getpid() != plan.process && !getrlimit(RLIMIT_FSIZE, &r) && !r.rlim_cur;
}

enum test_action test_decide_fd(enum test_kind kind, int fd)
{
	const int before = errno;
	char link[32], path[4096];
	ssize_t n;

	if (!plan.on || fd < 0)
		return TEST_PASS;
	if (is_confined())
		return test_decide(kind, "confined", NULL);
	snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
	n = readlink(link, path, sizeof(path) - 1);
	errno = before;
	if (n < 0)
		return TEST_PASS;
	path[n] = '\0';
	return test_decide(kind, path, NULL);
}
