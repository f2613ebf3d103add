/*
 * serve.h - the inside of a program that forks children for another process (base/forkserver.h), of which they
 * are children: the program has no part in them.
 */
#ifndef QN_IO_SANDBOX_SERVE_H
#define QN_IO_SANDBOX_SERVE_H

#include <stdbool.h>
#include <sys/types.h>

struct qn_refused;

/* What a child has from the process that wants it. */
struct qn_served {
	int fd;			    /* its end of the socket, from which it reads what to do, */
	int shared;		    /* memory (memory.h); -1: none */
	pid_t parent;		    /* and who that process is */
	struct qn_refused *refused; /* for qn_child_be */
};

/* In each child: ends it. */
typedef void qn_serve_child(const struct qn_served *s);

/* Forks children, as long as they are asked for. false: nobody is there who could ask. */
bool qn_serve(qn_serve_child *be);

#endif
