#include "io/sandbox/serve.h"

#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/forkserver.h"
#include "io/sandbox/child.h"

/* As fork, but a child of the parent. The C library does not know of it, and need not: there is one thread. */
static pid_t fork_sibling(void)
{
	return (pid_t)syscall(SYS_clone, (unsigned long)(CLONE_PARENT | SIGCHLD), 0, 0, 0, 0);
}

static void be_child(const int *fds, size_t nfds, pid_t parent, qn_serve_child *be)
{
	const struct qn_served s = { .fd = fds[0],
				     .shared = nfds > 3 ? fds[3] : -1,
				     .parent = parent,
				     .refused = qn_refused_of(fds[1]) };
	const int self = getpid();

	if (s.refused && fchdir(fds[2]) == 0 && qn_child_tell(s.fd, &self, sizeof(self)))
		be(&s);
	_exit(1);
}

static void serve(const int *fds, size_t nfds, pid_t parent, qn_serve_child *be)
{
	const pid_t pid = nfds < 3 ? -1 : fork_sibling();
	const int why = -errno;

	if (pid == 0)
		be_child(fds, nfds, parent, be);
	if (pid < 0 && nfds > 0)
		qn_child_tell(fds[0], &why, sizeof(why));
	for (size_t i = 0; i < nfds; i++)
		close(fds[i]);
}

bool qn_serve(qn_serve_child *be)
{
	const pid_t parent = getppid();
	int fds[QN_FORKSERVER_MOST];
	size_t nfds;

	qn_child_leave_program();
	if (!qn_forkserver_greet())
		return false;
	while ((nfds = qn_forkserver_receive(fds)) > 0)
		serve(fds, nfds, parent, be);
	return true;
}
