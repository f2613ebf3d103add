/*
 * process.h - a process that this one has started. It is never 0 or less, which kill(2) and waitpid(2)
 * take for a group or for all, and it is collected once. Where the kernel has file descriptors for
 * processes a signal cannot reach another one that has got its number.
 */
#ifndef QN_BASE_PROCESS_H
#define QN_BASE_PROCESS_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

struct qn_process {
	pid_t pid; /* 0: none */
	int fd;	   /* owned; -1: the kernel has none */
};

#define QN_PROCESS_NONE ((struct qn_process){ 0, -1 })
/* What is known of one that somebody else has collected, or the system because SIGCHLD is ignored. */
#define QN_STATUS_UNKNOWN (-1)

/* What fork has returned to the parent; none for 0 and less. */
struct qn_process qn_process_of(pid_t pid);

/* Sends a signal; false: there is no such process. */
bool qn_process_signal(const struct qn_process *p, int sig);

/* Waits up to patience_ms for its end. True: it has ended, or there was none; *status is waitpid's or
   QN_STATUS_UNKNOWN, and *p is none from now on. */
bool qn_process_reap(struct qn_process *p, int patience_ms, int *status);

/* Kills it and reaps it. One that the kernel does not let go, because it waits for storage, is left to
   whoever collects the children of this process. */
void qn_process_end(struct qn_process *p);

/* Of this one: the most bytes that were resident at once so far. */
uint64_t qn_process_peak(void);
uint64_t qn_process_resident(void); /* now; 0: not known */

/* Is there a byte at an address that this one can read? Where that cannot be told, there is. */
bool qn_process_can_read(const void *address);

#endif
