/*
 * child.h - work on an untrusted file in a process of its own.
 *
 * A library that crashes, hangs or asks for all memory over a damaged file takes only the child with
 * it. The child has limits of memory, processor time and wall time, leaves no core file, cannot
 * write to any file, and where the kernel has seccomp (io/sandbox/calls.c) can call nothing of the
 * system but what reading takes, and where it has Landlock can open no file but those it was given
 * (io/sandbox/files.c). Everything it says must be checked like a file.
 *
 * It is forked, without exec. A program that is started anew would have to be found first, by a
 * library that is linked into programs of others, and loading HDF5 and MPI takes 20 ms where a fork
 * takes one. What is said against a fork does not hold here:
 *
 *	Locks of other threads stay locked in the child. It calls malloc, which glibc keeps usable
 *	after a fork, and the library, whose lock the caller holds while it forks.
 *	MPI must not be called in it, and is not: the library is initialised before, in the parent.
 *	Pages that a network card has pinned: drivers keep them out of the child or copy them.
 *	Files that the program has open are closed in it, its handlers of signals and of exit do not
 *	run, and it ends when the thread that started it does.
 *
 * One thing the program must see to: that no other thread is inside the HDF5 library.
 */
#ifndef QN_IO_SANDBOX_CHILD_H
#define QN_IO_SANDBOX_CHILD_H

#include "base/error.h"
#include "base/forkserver.h"
#include "base/process.h"
#include "io/sandbox/files.h"

struct qn_child_limits {
	uint64_t memory_nbytes;	      /* more than the parent has mapped */
	unsigned cpu_seconds;	      /* from its start, or the last qn_child_renew */
	unsigned wall_seconds;	      /* for an answer, from its start or the last qn_child_ask */
	const char *option;	      /* that sets them, for messages: "--metadata-timeout" */
	const struct qn_names *files; /* borrowed while it starts: that it may open; NULL: any */
};

/* Of the child that was asked last: whether another one may do what it did not. */
enum qn_child_end {
	QN_CHILD_OWN,	 /* it has answered, or what it was asked is to blame */
	QN_CHILD_KILLED, /* by another process or the system */
	QN_CHILD_LATE,	 /* it has been waited for in vain */
};

/* All that a child has said, to be heard again. */
struct qn_said {
	char *bytes; /* owned */
	size_t n, room;
	size_t most;  /* bytes; beyond them, or without memory, it is lost */
	bool is_lost; /* or it is not to be heard again, as it depends on more than was asked */
};
void qn_said_fini(struct qn_said *s);

struct qn_child {
	struct qn_said *said;	   /* borrows: what it says is noted; NULL: it is not */
	const char *again;	   /* borrows: there is no process, this is heard again, */
	size_t again_nbytes;	   /* of which so much is left */
	struct qn_process process; /* none: it has ended, and all that is asked of it fails */
	int fd;
	char *subject; /* owned */
	struct qn_child_limits limits;
	int64_t deadline_ns;
	enum qn_child_end end;
	struct qn_refused *refused; /* owned */
	size_t nlooked_at;	    /* bytes of names there that have been looked at */
};

/*
 * What the child does: answers on fd with qn_child_tell and then returns, which ends it; ctx is the
 * child's copy. It may not end otherwise, but may crash.
 */
typedef void qn_child_work(void *ctx, int fd);

/* Starts a child. subject is for messages: "FILE: its metadata". On success the caller ends it with
   qn_child_end. */
enum quern_status qn_child_start(struct qn_child *c, const char *subject,
				 const struct qn_child_limits *limits, qn_child_work *work,
				 void *ctx, struct quern_message *err);

/* What a program that forks for this one is told (io/sandbox/serve.h). */
struct qn_child_order {
	struct qn_forkserver *to;
	const void *words; /* borrows, like the rest: what to do, which the child reads first */
	size_t nbytes;
	int shared; /* a descriptor of memory (memory.h) for the child; -1: none */
};

/* The same as qn_child_start, by another program: nothing of the memory of this process is in the child, and the
   directory in which names of files begin is that of this process now. */
enum quern_status qn_child_order(struct qn_child *c, const char *subject,
				 const struct qn_child_limits *limits,
				 const struct qn_child_order *o, struct quern_message *err);

/* In a program that forks for another: it has no part in what that one is told by signals, or has open. */
void qn_child_leave_program(void);

/* In a child that has just been forked: it is confined, works and ends. fd: its end of the socket. */
_Noreturn void qn_child_be(int fd, pid_t parent, const struct qn_child_limits *limits,
			   struct qn_refused *refused, qn_child_work *work, void *ctx);

/* One that has no process: what another has said is heard again. bytes are borrowed. Ended as others. False: no memory. */
bool qn_child_again(struct qn_child *c, const char *subject, const void *bytes, size_t nbytes);

/* It has its whole time for an answer again. */
void qn_child_wait_anew(struct qn_child *c);

/* Is there one, which can be asked? */
bool qn_child_is_there(const struct qn_child *c);

/* Reads exactly nbytes of its answer. When it has died or is late it is ended, and c->end says which:
   QUERN_ERR_DATA when what it reads is to blame, QUERN_ERR_RUN when that may be whole. */
enum quern_status qn_child_get(struct qn_child *c, void *out, size_t nbytes,
			       struct quern_message *err);

/* Reads what qn_child_tell_verdict sent: its error becomes ours. */
enum quern_status qn_child_get_verdict(struct qn_child *c, struct quern_message *err);

/* Records that its answer makes no sense: `why`. Returns QUERN_ERR_DATA. */
enum quern_status qn_child_refuse(const struct qn_child *c, const char *why,
				  struct quern_message *err);

/* Sends a question; its time starts anew. */
enum quern_status qn_child_ask(struct qn_child *c, const void *question, size_t nbytes,
			       struct quern_message *err);

/* Reads what qn_child_tell_block sent: the error of its verdict, or *block, owned by the caller, of *nbytes. More than
   `most` are refused. what: "a list of datasets". */
enum quern_status qn_child_get_block(struct qn_child *c, uint64_t most, const char *what,
				     void **block, size_t *nbytes, struct quern_message *err);

/* Ends it, whatever it does. A child of zeros is left alone. */
void qn_child_end(struct qn_child *c);

/* In the child. tell and hear: false when the parent has gone or wants no more. */
bool qn_child_tell(int fd, const void *data, size_t nbytes);
bool qn_child_tell_verdict(int fd, enum quern_status status, const struct quern_message *err);
/* The verdict and, where it is QUERN_OK, a block of bytes. */
void qn_child_tell_block(int fd, enum quern_status status, const struct quern_message *err,
			 const void *block, size_t nbytes);
bool qn_child_hear(int fd, void *question, size_t nbytes);

/* In the child: allows so many seconds of the processor from now on. */
void qn_child_renew(unsigned cpu_seconds);

/* In the child: only what reading needs can be called from now on. Without effect where the kernel
   does not have it. */
void qn_child_filter_calls(void);

#endif
