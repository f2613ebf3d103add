#include "base/forkserver.h"

#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "base/file.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/process.h"
#include "base/system.h"

#define PATIENCE_MS 60000 /* until the greeting: the program may be on a busy file system */
#define LAST_MS	    1000
#define ADVICE                                                                                    \
	"install quern whole, or name the program of this version by its path (QUERN_READER, or " \
	"quern_session_set)"

struct greeting {
	char magic[16], version[48];
};

static const struct greeting expected = { "quern-reader 1", QN_VERSION };

struct qn_forkserver {
	char *program;	      /* owned; NULL: the installed one */
	pthread_mutex_t lock; /* of what follows */
	struct qn_process process;
	int fd; /* -1: it does not run */
	uid_t user;
	gid_t group;
};

struct qn_forkserver *qn_forkserver_new(const char *program)
{
	struct qn_forkserver *s = qn_calloc(1, sizeof(*s));

	if (!s)
		return NULL;
	*s = (struct qn_forkserver){ .process = QN_PROCESS_NONE, .fd = -1 };
	s->program = program ? qn_strdup(program) : NULL;
	if (program && !s->program) {
		free(s);
		return NULL;
	}
	pthread_mutex_init(&s->lock, NULL);
	return s;
}

static void stop(struct qn_forkserver *s)
{
	int status;

	if (s->fd < 0)
		return;
	qn_sys_close(s->fd);
	s->fd = -1;
	if (!qn_process_reap(&s->process, LAST_MS, &status))
		qn_process_end(&s->process);
}

void qn_forkserver_free(struct qn_forkserver *s)
{
	if (!s)
		return;
	stop(s);
	pthread_mutex_destroy(&s->lock);
	free(s->program);
	free(s);
}

/* --- where it is --- */

/* Beside the library when that was installed, and where it was built; QN_READER is where it is installed. */
static const char *const beside[] = { "quern/quern-reader", "quern-reader" };

/* The file that this code is in, the library or a program; false: it is not known. Of a process with more rights than
   who has started it, that one may have a say in it. */
static bool find_own_file(char out[PATH_MAX])
{
	Dl_info info;
	ssize_t n;

	if (getauxval(AT_SECURE))
		return false;
	if (dladdr(&expected, &info) && info.dli_fname && info.dli_fname[0] == '/' &&
	    strlen(info.dli_fname) < PATH_MAX) {
		strcpy(out, info.dli_fname);
	} else {
		n = qn_sys_readlink("/proc/self/exe", out, PATH_MAX - 1);
		out[n > 0 ? n : 0] = '\0';
	}
	return out[0] == '/';
}

static bool is_there(const char *path)
{
	return qn_sys_access(path, X_OK) == 0;
}

/* Is there one that nobody but this user, root and the owner of what this code is in has put there? */
static bool is_own(const char *path, uid_t owner)
{
	struct stat st;

	return is_there(path) && qn_sys_stat(path, &st) == 0 && !(st.st_mode & S_IWOTH) &&
	       (st.st_uid == owner || st.st_uid == geteuid() || st.st_uid == 0);
}

static bool find_beside(char path[PATH_MAX])
{
	char own[PATH_MAX];
	struct stat st;

	if (!find_own_file(own) || qn_sys_stat(own, &st) != 0)
		return false;
	*strrchr(own, '/') = '\0';
	for (size_t i = 0; i < sizeof(beside) / sizeof(beside[0]); i++)
		if (snprintf(path, PATH_MAX, "%s/%s", own, beside[i]) < PATH_MAX &&
		    is_own(path, st.st_uid))
			return true;
	return false;
}

static enum quern_status find(const struct qn_forkserver *s, char path[PATH_MAX],
			      struct quern_message *err)
{
	const char *given = s->program ? s->program : QN_READER;

	if (!s->program && find_beside(path))
		return QUERN_OK;
	if (snprintf(path, PATH_MAX, "%s", given) < PATH_MAX && is_there(path))
		return QUERN_OK;
	return qn_error_set(err, QUERN_ERR_RUN,
			    "the program that reads metadata, %s, cannot be run: %s: " ADVICE,
			    given, qn_file_why(errno));
}

/* --- its start --- */

static int set_signals(posix_spawnattr_t *attributes)
{
	sigset_t none, usual;
	int why;

	sigemptyset(&none);
	sigfillset(&usual);
	why = posix_spawnattr_setsigmask(attributes, &none);
	if (!why)
		why = posix_spawnattr_setsigdefault(attributes, &usual);
	return why ? why
		   : posix_spawnattr_setflags(attributes,
					      POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
}

/* It says nothing to users, and keeps no pipe of theirs open. */
static int set_files(posix_spawn_file_actions_t *actions, int socket)
{
	int why = posix_spawn_file_actions_adddup2(actions, socket, QN_FORKSERVER_FD);

	for (int fd = STDIN_FILENO; !why && fd <= STDERR_FILENO; fd++)
		why = posix_spawn_file_actions_addopen(actions, fd, "/dev/null", O_RDWR, 0);
	return why;
}

/* 0 or an error. posix_spawn takes no lock that another thread may hold. */
static int spawn(const char *path, int socket, pid_t *pid)
{
	char *const words[] = { (char *)(uintptr_t)path, NULL };
	posix_spawn_file_actions_t actions;
	posix_spawnattr_t attributes;
	int why = posix_spawnattr_init(&attributes);

	if (why)
		return why;
	why = posix_spawn_file_actions_init(&actions);
	if (why)
		goto destroy_attributes;
	why = set_signals(&attributes);
	if (!why)
		why = set_files(&actions, socket);
	if (!why)
		why = posix_spawn(pid, path, &actions, &attributes, words, environ);
	posix_spawn_file_actions_destroy(&actions);
destroy_attributes:
	posix_spawnattr_destroy(&attributes);
	return why;
}

/* false: it has ended, or says nothing. */
static bool hear(int fd, struct greeting *g)
{
	struct pollfd p = { .fd = fd, .events = POLLIN };
	int n;

	do
		n = poll(&p, 1, PATIENCE_MS);
	while (n < 0 && errno == EINTR);
	return n > 0 && recv(fd, g, sizeof(*g), MSG_DONTWAIT) > 0;
}

static enum quern_status check_greeting(int fd, const char *path, struct quern_message *err)
{
	struct greeting g = { "", "" };

	if (!hear(fd, &g))
		return qn_error_set(
			err, QUERN_ERR_RUN,
			"%s, the program that reads metadata, does not start: run it by "
			"hand, and it says why",
			path);
	if (!memcmp(&g, &expected, sizeof(g)))
		return QUERN_OK;
	g.version[sizeof(g.version) - 1] = '\0';
	return qn_error_set(err, QUERN_ERR_RUN,
			    "%s, the program that reads metadata, is of quern %s, and this library "
			    "is %s: " ADVICE,
			    path, g.version, expected.version);
}

static enum quern_status start(struct qn_forkserver *s, struct quern_message *err)
{
	char path[PATH_MAX];
	int pair[2], why;
	pid_t pid;
	enum quern_status status = find(s, path, err);

	if (status != QUERN_OK)
		return status;
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) != 0)
		return qn_error_set(err, QUERN_ERR_RUN, "%s cannot be started: %s", path,
				    qn_file_why(errno));
	why = spawn(path, pair[1], &pid);
	qn_sys_close(pair[1]);
	if (why) {
		qn_sys_close(pair[0]);
		return qn_error_set(err, QUERN_ERR_RUN, "%s cannot be started: %s", path,
				    qn_file_why(why));
	}
	s->process = qn_process_of(pid);
	s->fd = pair[0];
	s->user = geteuid();
	s->group = getegid();
	status = check_greeting(s->fd, path, err);
	if (status != QUERN_OK) {
		qn_process_end(&s->process);
		stop(s);
	}
	qn_log(QN_LOG_DEBUG, "%s: process %ld reads metadata", path, (long)pid);
	return status;
}

/* --- orders --- */

static bool send_once(int socket, const int *fds, size_t nfds)
{
	union {
		struct cmsghdr head;
		char room[CMSG_SPACE(QN_FORKSERVER_MOST * sizeof(int))];
	} control = { .room = "" };
	char byte = 0;
	struct iovec data = { &byte, 1 };
	struct msghdr m = { .msg_iov = &data,
			    .msg_iovlen = 1,
			    .msg_control = &control,
			    .msg_controllen = CMSG_SPACE(nfds * sizeof(int)) };
	struct cmsghdr *head = CMSG_FIRSTHDR(&m);
	ssize_t n;

	head->cmsg_level = SOL_SOCKET;
	head->cmsg_type = SCM_RIGHTS;
	head->cmsg_len = CMSG_LEN(nfds * sizeof(int));
	memcpy(CMSG_DATA(head), fds, nfds * sizeof(int));
	do
		n = sendmsg(socket, &m, MSG_NOSIGNAL);
	while (n < 0 && errno == EINTR);
	return n == 1;
}

/* One that has ended meanwhile is started again, once. */
static enum quern_status send_order(struct qn_forkserver *s, const int *fds, size_t nfds,
				    struct quern_message *err)
{
	enum quern_status status = QUERN_OK;

	if (s->fd >= 0 && (s->user != geteuid() || s->group != getegid()))
		stop(s);
	if (s->fd >= 0 && send_once(s->fd, fds, nfds))
		return QUERN_OK;
	stop(s);
	status = start(s, err);
	if (status == QUERN_OK && !send_once(s->fd, fds, nfds))
		status = qn_error_set(err, QUERN_ERR_RUN,
				      "the program that reads metadata cannot be asked: %s",
				      qn_file_why(errno));
	return status;
}

enum quern_status qn_forkserver_send(struct qn_forkserver *s, const int *fds, size_t nfds,
				     struct quern_message *err)
{
	enum quern_status status;

	pthread_mutex_lock(&s->lock);
	status = send_order(s, fds, nfds, err);
	pthread_mutex_unlock(&s->lock);
	return status;
}

/* --- in the program --- */

bool qn_forkserver_greet(void)
{
	return send(QN_FORKSERVER_FD, &expected, sizeof(expected), MSG_NOSIGNAL) ==
	       sizeof(expected);
}

size_t qn_forkserver_receive(int fds[QN_FORKSERVER_MOST])
{
	union {
		struct cmsghdr head;
		char room[CMSG_SPACE(QN_FORKSERVER_MOST * sizeof(int))];
	} control;
	char byte;
	struct iovec data = { &byte, 1 };
	struct msghdr m = { .msg_iov = &data,
			    .msg_iovlen = 1,
			    .msg_control = &control,
			    .msg_controllen = sizeof(control) };
	struct cmsghdr *head;
	size_t nbytes;
	ssize_t n;

	do
		n = recvmsg(QN_FORKSERVER_FD, &m, MSG_CMSG_CLOEXEC);
	while (n < 0 && errno == EINTR);
	head = n > 0 ? CMSG_FIRSTHDR(&m) : NULL;
	if (!head || head->cmsg_type != SCM_RIGHTS)
		return 0;
	nbytes = head->cmsg_len - CMSG_LEN(0);
	memcpy(fds, CMSG_DATA(head), nbytes);
	return nbytes / sizeof(int);
}
