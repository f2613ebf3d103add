#include "base/process.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/system.h"

#define NAP_MS	   1
#define LAST_WORDS 2000 /* ms that a killed process may take to go */

/* Linux has these numbers on all processors; headers of older C libraries lack the names. */
#if defined(__linux__) && !defined(SYS_pidfd_open)
#define SYS_pidfd_send_signal 424
#define SYS_pidfd_open	      434
#endif

static int open_process(pid_t pid)
{
#ifdef SYS_pidfd_open
	return (int)syscall(SYS_pidfd_open, pid, 0);
#else
	(void)pid;
	return -1;
#endif
}

struct qn_process qn_process_of(pid_t pid)
{
	return pid > 0 ? (struct qn_process){ pid, open_process(pid) } : QN_PROCESS_NONE;
}

bool qn_process_signal(const struct qn_process *p, int sig)
{
	if (p->pid <= 0)
		return false;
#ifdef SYS_pidfd_send_signal
	if (p->fd >= 0)
		return syscall(SYS_pidfd_send_signal, p->fd, sig, NULL, 0) == 0;
#endif
	return kill(p->pid, sig) == 0;
}

static void forget(struct qn_process *p)
{
	if (p->fd >= 0)
		qn_sys_close(p->fd);
	*p = QN_PROCESS_NONE;
}

static bool has_ended(struct qn_process *p, int *status)
{
	pid_t got;

	do {
		got = waitpid(p->pid, status, WNOHANG);
	} while (got < 0 && errno == EINTR);
	if (got == 0)
		return false;
	if (got != p->pid)
		*status = QN_STATUS_UNKNOWN;
	forget(p);
	return true;
}

static void nap(const struct qn_process *p, int ms)
{
	struct pollfd end = { .fd = p->fd, .events = POLLIN };

	if (p->fd < 0 || poll(&end, 1, ms) < 0)
		nanosleep(&(struct timespec){ .tv_nsec = NAP_MS * 1000000 }, NULL);
}

static int64_t now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

bool qn_process_reap(struct qn_process *p, int patience_ms, int *status)
{
	const int64_t until = now_ms() + patience_ms;
	int64_t left;

	*status = QN_STATUS_UNKNOWN;
	if (p->pid <= 0)
		return true;
	while (!has_ended(p, status)) {
		left = until - now_ms();
		if (left <= 0)
			return false;
		nap(p, (int)left);
	}
	return true;
}

void qn_process_end(struct qn_process *p)
{
	int status;

	if (qn_process_reap(p, 0, &status))
		return;
	qn_process_signal(p, SIGKILL);
	if (!qn_process_reap(p, LAST_WORDS, &status))
		forget(p);
}

/* Bytes that the system tells of this process under a name; 0: none. */
static uint64_t read_status(const char *name)
{
	FILE *f = qn_sys_fopen("/proc/self/status", "re"); /* of the system, not a user's */
	const size_t n = strlen(name);
	unsigned long long kib = 0;
	char line[128];

	while (f && fgets(line, sizeof(line), f))
		if (!strncmp(line, name, n) && sscanf(line + n, ": %llu kB", &kib) == 1)
			break;
	if (f)
		fclose(f);
	return (uint64_t)kib * 1024;
}

uint64_t qn_process_resident(void)
{
	return read_status("VmRSS");
}

/* What getrusage tells counts what the process was before exec, a copy of its parent. */
uint64_t qn_process_peak(void)
{
	const uint64_t peak = read_status("VmHWM");
	struct rusage usage;

	return peak || getrusage(RUSAGE_SELF, &usage) ? peak : (uint64_t)usage.ru_maxrss * 1024;
}

bool qn_process_can_read(const void *address)
{
	char byte;
	const struct iovec to = { &byte, 1 }, from = { (void *)(uintptr_t)address, 1 };

	return process_vm_readv(getpid(), &to, 1, &from, 1, 0) == 1 || errno != EFAULT;
}
