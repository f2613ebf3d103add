/*
 * child.c - a process for work on an untrusted file: its start, its limits, its words, its end.
 */
#include "io/sandbox/child.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/log.h"
#include "base/mem.h"
#include "base/system.h"

/* A sanitizer must be able to tell what it found. */
#ifdef __has_feature
#define HAS_FEATURE(name) __has_feature(name)
#else
#define HAS_FEATURE(name) 0
#endif
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__) || \
	HAS_FEATURE(address_sanitizer) || HAS_FEATURE(thread_sanitizer)
#define IS_SANITIZED true
#else
#define IS_SANITIZED false
#endif

#define LEAST_FILES	  16   /* that a process must be allowed to have open */
#define NFILES		  4096 /* that a child may have open: sources of a virtual dataset, plugins */
#define MOST_STARTS	  4    /* of a program that ends */
#define CHILD_FD	  3
#define EXIT_UNCONFINED	  2
#define LAST_PLAIN_SIGNAL 31

/* --- becoming the child --- */

/* What the C library calls the numbers of limits: an enumeration, for GNU. */
#ifdef __GLIBC__
typedef __rlimit_resource_t limit_number;
#else
typedef int limit_number;
#endif

static void limit(limit_number resource, uint64_t value)
{
	struct rlimit r;

	if (getrlimit(resource, &r) != 0 || (r.rlim_max != RLIM_INFINITY && r.rlim_max < value))
		return;
	r.rlim_cur = r.rlim_max = value;
	setrlimit(resource, &r);
}

/* Bytes this process has mapped; 0: not known. */
static uint64_t mapped_nbytes(void)
{
	char text[64];
	int fd = open("/proc/self/statm", O_RDONLY | O_CLOEXEC);
	ssize_t n = fd < 0 ? 0 : read(fd, text, sizeof(text) - 1);

	if (fd >= 0)
		close(fd);
	text[n > 0 ? n : 0] = '\0';
	return strtoull(text, NULL, 10) * (uint64_t)sysconf(_SC_PAGESIZE);
}

static bool tells_of_crash(int sig)
{
	return sig == SIGSEGV || sig == SIGBUS || sig == SIGFPE || sig == SIGILL || sig == SIGABRT;
}

/* The handlers are the program's, MPI's for one. What ends or stops the program is for the parent
   to obey: the child goes when the parent does. */
static void reset_signals(void)
{
	static const int left_to_parent[] = { SIGINT, SIGQUIT, SIGHUP, SIGTERM, SIGTSTP };
	sigset_t none;

	for (int sig = 1; sig <= LAST_PLAIN_SIGNAL; sig++)
		if (!IS_SANITIZED || !tells_of_crash(sig))
			signal(sig, SIG_DFL);
	for (size_t i = 0; i < sizeof(left_to_parent) / sizeof(left_to_parent[0]); i++)
		signal(left_to_parent[i], SIG_IGN);
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
}

static void close_from(int first)
{
	struct rlimit r;

#ifdef SYS_close_range
	if (syscall(SYS_close_range, (unsigned)first, ~0U, 0U) == 0)
		return;
#endif
	if (getrlimit(RLIMIT_NOFILE, &r) != 0 || r.rlim_cur > 65536)
		r.rlim_cur = 65536;
	for (int fd = first; fd < (int)r.rlim_cur; fd++)
		close(fd);
}

void qn_child_leave_program(void)
{
	reset_signals();
	signal(SIGPIPE, SIG_IGN);
	close_from(QN_FORKSERVER_FD + 1);
}

/* Keeps fd, as CHILD_FD, and nothing else: closed first, files make room where few may be open. What
   glibc prints of a damaged heap is not for users. */
static bool keep_only(int fd)
{
	int null;

	if (fd != CHILD_FD && dup2(fd, CHILD_FD) < 0)
		return false;
	close_from(CHILD_FD + 1);
	null = open("/dev/null", O_RDWR);
	if (null < 0)
		return false;
	for (int i = 0; i < (IS_SANITIZED ? 2 : 3); i++)
		if (null != i && dup2(null, i) < 0)
			return false;
	if (null > CHILD_FD)
		close(null);
	return true;
}

void qn_child_renew(unsigned cpu_seconds)
{
	struct rusage used;
	struct rlimit r;
	rlim_t until;

	if (getrusage(RUSAGE_SELF, &used) != 0 || getrlimit(RLIMIT_CPU, &r) != 0)
		return;
	until = (rlim_t)(used.ru_utime.tv_sec + used.ru_stime.tv_sec) + cpu_seconds + 1;
	r.rlim_cur = r.rlim_max < until ? r.rlim_max : until;
	setrlimit(RLIMIT_CPU, &r);
}

static bool confine(const struct qn_child_limits *limits, struct qn_refused *refused)
{
	uint64_t mapped = mapped_nbytes();

	if (mapped > 0)
		limit(RLIMIT_AS, mapped + limits->memory_nbytes);
	limit(RLIMIT_NOFILE, NFILES);
	limit(RLIMIT_FSIZE, 0);
	limit(RLIMIT_CORE, 0);
	qn_child_renew(limits->cpu_seconds);
	/* A limit of core files does not hold where a program takes them. */
	if (!IS_SANITIZED)
		prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
	/* A sanitizer reads the program for what it says. */
	if (limits->files && !IS_SANITIZED && !qn_child_allow_files(limits->files) &&
	    qn_child_landlock() > 0)
		return false;
	qn_child_note_refusals(refused);
	qn_child_filter_calls();
	return true;
}

_Noreturn void qn_child_be(int fd, pid_t parent, const struct qn_child_limits *limits,
			   struct qn_refused *refused, qn_child_work *work, void *ctx)
{
	prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
	if (getppid() != parent)
		_exit(1);
	reset_signals();
	if (!keep_only(fd))
		_exit(1);
	if (!confine(limits, refused))
		_exit(EXIT_UNCONFINED);
	work(ctx, CHILD_FD);
	_exit(0);
}

/* --- the parent --- */

static int64_t now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

void qn_child_wait_anew(struct qn_child *c)
{
	c->deadline_ns = now_ns() + (int64_t)c->limits.wall_seconds * 1000000000;
}

/* Something to read, or the end of it; false when it is too late. */
static bool wait_for(const struct qn_child *c)
{
	struct pollfd p = { .fd = c->fd, .events = POLLIN };
	int n;

	do {
		int64_t left_ns = c->deadline_ns - now_ns();

		n = poll(&p, 1, left_ns > 0 ? (int)(left_ns / 1000000 + 1) : 0);
		if (n == 0 && left_ns <= 0)
			return false;
	} while (n == 0 || (n < 0 && (errno == EINTR || errno == EAGAIN)));
	return true;
}

/* With fewer the library takes files that it cannot open for damaged, or for missing. */
static enum quern_status check_files(const char *subject, struct quern_message *err)
{
	struct rlimit r;

	if (getrlimit(RLIMIT_NOFILE, &r) != 0 || r.rlim_cur >= LEAST_FILES)
		return QUERN_OK;
	return qn_error_set(
		err, QUERN_ERR_RUN,
		"%s cannot be read: this process may have only %llu file descriptors, and "
		"quern needs %d at least: raise the limit (ulimit -n)",
		subject, (unsigned long long)r.rlim_cur, LEAST_FILES);
}

static enum quern_status no_child(const char *subject, int why, struct quern_message *err)
{
	return qn_error_set(
		err, QUERN_ERR_RUN, "%s cannot be read: no process can be started for it: %s%s",
		subject, strerror(why),
		why == EMFILE ? ": raise the limit (ulimit -n), or use fewer --threads" : "");
}

/* What there is of a child before it is there. *theirs: its end of the socket, owned by the caller. */
static enum quern_status prepare(struct qn_child *c, const char *subject,
				 const struct qn_child_limits *limits, struct qn_refused *refused,
				 int *theirs, struct quern_message *err)
{
	const int why = errno;
	int fd[2];

	*c = (struct qn_child){ .process = QN_PROCESS_NONE, .fd = -1, .refused = refused };
	if (check_files(subject, err) != QUERN_OK)
		return QUERN_ERR_RUN;
	if (!refused && why != ENOMEM)
		return no_child(subject, why, err);
	c->subject = qn_strdup(subject);
	if (!c->subject || !refused)
		return qn_error_nomem(err, strlen(subject), "a process");
	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fd) != 0)
		return no_child(subject, errno, err);
	c->fd = fd[0];
	*theirs = fd[1];
	c->limits = *limits;
	c->limits.files = NULL;
	return QUERN_OK;
}

static void begin(struct qn_child *c, pid_t pid)
{
	c->process = qn_process_of(pid);
	qn_log(QN_LOG_DEBUG,
	       "%s: process %ld reads it, for %u s of processor time and %u s at most", c->subject,
	       (long)pid, c->limits.cpu_seconds, c->limits.wall_seconds);
	qn_child_wait_anew(c);
}

enum quern_status qn_child_start(struct qn_child *c, const char *subject,
				 const struct qn_child_limits *limits, qn_child_work *work,
				 void *ctx, struct quern_message *err)
{
	const pid_t parent = getpid();
	int theirs = -1;
	enum quern_status status = prepare(c, subject, limits, qn_refused_new(NULL), &theirs, err);
	pid_t pid;

	if (status == QUERN_OK) {
		pid = fork();
		if (pid == 0)
			qn_child_be(theirs, parent, limits, c->refused, work, ctx);
		if (pid > 0)
			begin(c, pid);
		else
			status = no_child(subject, errno, err);
		close(theirs);
	}
	if (status != QUERN_OK)
		qn_child_end(c);
	return status;
}

/* The number of the process, which it says itself, or why there is none: -errno; 0: nobody says anything. */
static int hear_start(struct qn_child *c)
{
	int said = 0;
	ssize_t n;

	qn_child_wait_anew(c);
	do
		n = wait_for(c) ? recv(c->fd, &said, sizeof(said), MSG_DONTWAIT) : 0;
	while (n < 0 && (errno == EINTR || errno == EAGAIN));
	return n == sizeof(said) ? said : 0;
}

/* Where names of files begin. One that this process may not enter has none that it could open. */
static int open_folder(void)
{
	const int here = qn_sys_open(".", O_PATH | O_DIRECTORY | O_CLOEXEC, 0);

	return here >= 0 ? here : qn_sys_open("/", O_PATH | O_DIRECTORY | O_CLOEXEC, 0);
}

static enum quern_status order(struct qn_child *c, const struct qn_child_order *o, int refused,
			       int theirs, struct quern_message *err)
{
	const int here = open_folder();
	const int fds[] = { theirs, refused, here, o->shared };
	enum quern_status status =
		here < 0 ? no_child(c->subject, errno, err)
			 : qn_forkserver_send(o->to, fds, o->shared < 0 ? 3 : 4, err);

	if (here >= 0)
		close(here);
	return status;
}

static enum quern_status order_once(struct qn_child *c, const char *subject,
				    const struct qn_child_limits *limits,
				    const struct qn_child_order *o, bool *gone,
				    struct quern_message *err)
{
	int theirs = -1, shared = -1, pid;
	struct qn_refused *refused = qn_refused_new(&shared);
	enum quern_status status = prepare(c, subject, limits, refused, &theirs, err);

	*gone = false;
	if (status == QUERN_OK)
		status = order(c, o, shared, theirs, err);
	if (theirs >= 0)
		close(theirs);
	if (shared >= 0)
		close(shared);
	if (status != QUERN_OK)
		return status;
	pid = hear_start(c);
	*gone = pid == 0;
	if (pid < 0)
		return no_child(subject, -pid, err);
	if (pid == 0)
		return qn_error_set(err, QUERN_ERR_RUN,
				    "%s cannot be read: the program that reads metadata has ended",
				    subject);
	begin(c, pid);
	return qn_child_ask(c, o->words, o->nbytes, err);
}

enum quern_status qn_child_order(struct qn_child *c, const char *subject,
				 const struct qn_child_limits *limits,
				 const struct qn_child_order *o, struct quern_message *err)
{
	struct quern_message why = { .status = QUERN_OK };
	bool gone;
	enum quern_status status = order_once(c, subject, limits, o, &gone, &why);

	/* One that is on its way out may take an order yet. */
	for (int i = 0; gone && i < MOST_STARTS; i++) {
		qn_child_end(c);
		why = (struct quern_message){ .status = QUERN_OK };
		status = order_once(c, subject, limits, o, &gone, &why);
	}
	if (status == QUERN_OK)
		return QUERN_OK;
	qn_child_end(c);
	return qn_error_pass(err, status, &why);
}

bool qn_child_is_there(const struct qn_child *c)
{
	return c->process.pid > 0;
}

static enum quern_status late(struct qn_child *c, struct quern_message *err)
{
	qn_log(QN_LOG_WARN, "%s: process %ld does not answer: it is ended", c->subject,
	       (long)c->process.pid);
	qn_process_end(&c->process);
	c->end = QN_CHILD_LATE;
	return qn_error_set(
		err, QUERN_ERR_RUN,
		"%s: the HDF5 library did not come back within %u s: its storage is slow "
		"or does not answer, or the machine is busy; try again, or give it longer "
		"with %s SECONDS",
		c->subject, c->limits.wall_seconds, c->limits.option);
}

static enum quern_status killed(struct qn_child *c, struct quern_message *err)
{
	c->end = QN_CHILD_KILLED;
	qn_log(QN_LOG_WARN, "%s: the process that was reading it has been killed", c->subject);
	return qn_error_set(
		err, QUERN_ERR_RUN,
		"%s: the process that was reading it has been killed, for want of memory "
		"perhaps: look at the system's log, then try again",
		c->subject);
}

static enum quern_status unconfined(const struct qn_child *c, struct quern_message *err)
{
	return qn_error_set(
		err, QUERN_ERR_RUN,
		"%s cannot be read: the process for it cannot be kept from other files, although "
		"this kernel has Landlock: too many sandboxes are around it, or memory is short",
		c->subject);
}

static enum quern_status busy(const struct qn_child *c, struct quern_message *err)
{
	return qn_error_set(
		err, QUERN_ERR_DATA,
		"%s: the HDF5 library was still busy after %u s of processor time: it is "
		"damaged, or very large; if you know it to be whole, give it longer with "
		"%s SECONDS",
		c->subject, c->limits.cpu_seconds, c->limits.option);
}

/* The child closed the socket before its answer was complete: reaps it and records how it ended. Where that
   is not known it may have been killed. */
static enum quern_status child_died(struct qn_child *c, struct quern_message *err)
{
	char how[96];
	int status;
	const bool has_ended = qn_process_reap(&c->process, 1000, &status);

	qn_process_end(&c->process);
	if (!has_ended)
		snprintf(how, sizeof(how), "gave up");
	else if (status == QN_STATUS_UNKNOWN)
		return killed(c, err);
	else if (WIFEXITED(status) && WEXITSTATUS(status) == EXIT_UNCONFINED)
		return unconfined(c, err);
	else if (!WIFSIGNALED(status))
		snprintf(how, sizeof(how), "gave up (exit code %d)", WEXITSTATUS(status));
	else if (WTERMSIG(status) == SIGKILL)
		return killed(c, err);
	else if (WTERMSIG(status) == SIGXCPU)
		return busy(c, err);
	else
		snprintf(how, sizeof(how), "crashed (signal %d)", WTERMSIG(status));
	qn_log(QN_LOG_WARN, "%s: the process that was reading it %s", c->subject, how);
	return qn_error_set(err, QUERN_ERR_DATA,
			    "%s is damaged: the HDF5 library %s while reading it; copy the file "
			    "again from where it came from",
			    c->subject, how);
}

static enum quern_status has_gone(const struct qn_child *c, struct quern_message *err)
{
	return qn_error_set(err, QUERN_ERR_RUN, "%s: the process that was reading it has ended",
			    c->subject ? c->subject : "a file");
}

void qn_said_fini(struct qn_said *s)
{
	free(s->bytes);
	*s = (struct qn_said){ .n = 0 };
}

static void note_said(struct qn_said *s, const void *bytes, size_t nbytes)
{
	if (!s || s->is_lost)
		return;
	s->is_lost = nbytes > s->most - s->n || !qn_grow(&s->bytes, &s->room, s->n + nbytes, 1);
	if (s->is_lost)
		return;
	memcpy(s->bytes + s->n, bytes, nbytes);
	s->n += nbytes;
}

bool qn_child_again(struct qn_child *c, const char *subject, const void *bytes, size_t nbytes)
{
	*c = (struct qn_child){ .process = QN_PROCESS_NONE,
				.fd = -1,
				.subject = qn_strdup(subject),
				.again = bytes,
				.again_nbytes = nbytes };
	return c->subject != NULL;
}

static enum quern_status get_again(struct qn_child *c, void *out, size_t nbytes,
				   struct quern_message *err)
{
	if (nbytes > c->again_nbytes)
		return qn_child_refuse(c, "an answer without its end", err);
	memcpy(out, c->again, nbytes);
	c->again += nbytes;
	c->again_nbytes -= nbytes;
	return QUERN_OK;
}

enum quern_status qn_child_get(struct qn_child *c, void *out, size_t nbytes,
			       struct quern_message *err)
{
	size_t done = 0;

	if (c->again)
		return get_again(c, out, nbytes, err);
	if (!qn_child_is_there(c))
		return has_gone(c, err);
	while (done < nbytes) {
		ssize_t n = recv(c->fd, (char *)out + done, nbytes - done, MSG_DONTWAIT);

		if (n > 0)
			done += (size_t)n;
		else if (n < 0 && (errno == EAGAIN || errno == EINTR)) {
			if (!wait_for(c))
				return late(c, err);
		} else
			return child_died(c, err);
	}
	note_said(c->said, out, nbytes);
	return QUERN_OK;
}

enum quern_status qn_child_refuse(const struct qn_child *c, const char *why,
				  struct quern_message *err)
{
	return qn_error_set(err, QUERN_ERR_DATA,
			    "%s is damaged: what the HDF5 library made of it makes no sense: %s; "
			    "copy the file again from where it came from",
			    c->subject, why);
}

static bool is_status(int status)
{
	return status >= QUERN_OK && status <= QUERN_ERR_DENIED;
}

enum quern_status qn_child_get_verdict(struct qn_child *c, struct quern_message *err)
{
	struct quern_message m;
	enum quern_status status = qn_child_get(c, &m, sizeof(m), err);

	if (status != QUERN_OK)
		return status;
	m.text[sizeof(m.text) - 1] = '\0';
	if (!is_status((int)m.status) || (unsigned)m.reason >= QN_NREASONS)
		return qn_child_refuse(c, "its verdict is unknown", err);
	if (m.status == QUERN_OK)
		return QUERN_OK;
	return qn_error_pass(err, m.status, &m);
}

enum quern_status qn_child_get_block(struct qn_child *c, uint64_t most, const char *what,
				     void **block, size_t *nbytes, struct quern_message *err)
{
	uint64_t n = 0;
	enum quern_status status = qn_child_get_verdict(c, err);
	char why[128];

	*block = NULL;
	if (status == QUERN_OK)
		status = qn_child_get(c, &n, sizeof(n), err);
	if (status != QUERN_OK)
		return status;
	snprintf(why, sizeof(why), "%s without end", what);
	if (n > most)
		return qn_child_refuse(c, why, err);
	*block = qn_malloc((size_t)n + 1);
	if (!*block)
		return qn_error_nomem(err, (size_t)n, what);
	*nbytes = (size_t)n;
	status = qn_child_get(c, *block, *nbytes, err);
	if (status == QUERN_OK)
		return QUERN_OK;
	free(*block);
	*block = NULL;
	return status;
}

enum quern_status qn_child_ask(struct qn_child *c, const void *question, size_t nbytes,
			       struct quern_message *err)
{
	size_t done = 0;

	if (!qn_child_is_there(c))
		return has_gone(c, err);
	qn_child_wait_anew(c);
	while (done < nbytes) {
		ssize_t n = send(c->fd, (const char *)question + done, nbytes - done, MSG_NOSIGNAL);

		if (n >= 0)
			done += (size_t)n;
		else if (errno != EINTR)
			return child_died(c, err);
	}
	return QUERN_OK;
}

void qn_child_end(struct qn_child *c)
{
	if (c->subject && c->fd >= 0)
		close(c->fd);
	qn_process_end(&c->process);
	free(c->subject);
	qn_refused_free(c->refused);
	*c = (struct qn_child){ .process = QN_PROCESS_NONE };
}

/* --- the child's words --- */

bool qn_child_tell(int fd, const void *data, size_t nbytes)
{
	size_t done = 0;

	while (done < nbytes) {
		ssize_t n = write(fd, (const char *)data + done, nbytes - done);

		if (n >= 0)
			done += (size_t)n;
		else if (errno != EINTR)
			return false;
	}
	return true;
}

bool qn_child_tell_verdict(int fd, enum quern_status status, const struct quern_message *err)
{
	struct quern_message m = *err;

	m.status = status;
	return qn_child_tell(fd, &m, sizeof(m));
}

void qn_child_tell_block(int fd, enum quern_status status, const struct quern_message *err,
			 const void *block, size_t nbytes)
{
	const uint64_t n = nbytes;

	if (qn_child_tell_verdict(fd, status, err) && status == QUERN_OK &&
	    qn_child_tell(fd, &n, sizeof(n)))
		qn_child_tell(fd, block, nbytes);
}

bool qn_child_hear(int fd, void *question, size_t nbytes)
{
	size_t done = 0;

	while (done < nbytes) {
		ssize_t n = read(fd, (char *)question + done, nbytes - done);

		if (n > 0)
			done += (size_t)n;
		else if (n == 0 || errno != EINTR)
			return false;
	}
	return true;
}
