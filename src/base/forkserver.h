/*
 * forkserver.h - a program that forks processes in place of this one, whose threads may be anywhere: in a library, for
 * one, whose locks a fork would copy as they are. It has one thread, is started once, when it is first needed, and what
 * it forks are children of this process, which waits for them and kills them as if they were its own forks.
 *
 * An order is a message of descriptors over a socket, the end of which is the end of the program: it goes when this
 * process does. Its first message is a greeting, so that orders are for a program of this very version.
 */
#ifndef QN_BASE_FORKSERVER_H
#define QN_BASE_FORKSERVER_H

#include "base/error.h"

struct qn_forkserver;

#define QN_FORKSERVER_FD   3 /* of the socket, in the program */
#define QN_FORKSERVER_MOST 4 /* descriptors of an order */

/* program: its path; NULL: the one that is installed with the library. NULL: no memory. Nothing is started yet. */
struct qn_forkserver *qn_forkserver_new(const char *program);
/* Ends it. A NULL is left alone. */
void qn_forkserver_free(struct qn_forkserver *s);

/* Sends an order, from any thread; the descriptors are borrowed. Starts the program where there is none (any more), or
   where this process has become another user. QUERN_ERR_RUN: there is none, it cannot be started, or is of another
   version. */
enum quern_status qn_forkserver_send(struct qn_forkserver *s, const int *fds, size_t nfds,
				     struct quern_message *err);

/* In the program: the greeting, and the next order, whose descriptors are owned by the caller. false, 0: there is
   nobody (any more). */
bool qn_forkserver_greet(void);
size_t qn_forkserver_receive(int fds[QN_FORKSERVER_MOST]);

#endif
