/*
 * mailbox.h - messages between hosts, from the first rank of one to that of another, while all of them
 * do other things. No function waits for another host: who uses it comes by every now and then.
 *
 *	note	small and of one size for all; comes in when it is asked for (qn_mailbox_note)
 *	answer	up to QN_MAILBOX_ROOM bytes, to a host that expects it
 *
 * Two-sided on purpose: passive one-sided operations between hosts wait until the target enters MPI
 * anyhow, and what Open MPI 4.1 makes of them can crash the target. Not collective unless it says
 * so; only the thread that made the communicator may call them.
 */
#ifndef QN_CLUSTER_MAILBOX_H
#define QN_CLUSTER_MAILBOX_H

#include "cluster/comm.h"

#define QN_MAILBOX_ROOM ((size_t)2 << 20)

struct qn_mailbox;

/* *out is NULL where there is one host, and on ranks that are not the first of theirs. Collective
   on the communicator. */
enum quern_status qn_mailbox_new(struct qn_comm *c, struct qn_mailbox **out,
				 struct quern_message *err);
/* After qn_mailbox_gathered, or when MPI is of no more use: then what is on its way keeps its memory. */
void qn_mailbox_free(struct qn_mailbox *p);

/* Sends a copy of a note. */
enum quern_status qn_mailbox_send(struct qn_mailbox *p, int host, const void *note, size_t nbytes,
				  struct quern_message *err);
/* Sends an answer, which is copied. nbytes <= QN_MAILBOX_ROOM */
enum quern_status qn_mailbox_answer(struct qn_mailbox *p, int host, const void *answer,
				    size_t nbytes, struct quern_message *err);

/* The same without memory, for a small one that nothing may keep from being sent. */
void qn_mailbox_answer_now(struct qn_mailbox *p, int host, const void *answer, size_t nbytes);

/* A note that has come, of nbytes: *host is who sent it, or -1, there is none. On failure too, when
   it is known who has sent what cannot be read. */
enum quern_status qn_mailbox_note(struct qn_mailbox *p, void *note, size_t nbytes, int *host,
				  struct quern_message *err);

/* Makes room for an answer of that host, before it is asked for. One at a time. */
enum quern_status qn_mailbox_expect(struct qn_mailbox *p, int host, struct quern_message *err);
/* It will not be asked for after all. */
void qn_mailbox_expect_none(struct qn_mailbox *p);
/* Has it come? Then *answer is it, until the next one is expected; else NULL. */
enum quern_status qn_mailbox_answered(struct qn_mailbox *p, const void **answer, size_t *nbytes,
				      struct quern_message *err);

/* Says that this host has come to the end; once for each qn_mailbox_gathered that is true. */
enum quern_status qn_mailbox_arrive(struct qn_mailbox *p, struct quern_message *err);
/* Have all hosts, and has all been delivered that this one has sent? */
enum quern_status qn_mailbox_gathered(struct qn_mailbox *p, bool *all, struct quern_message *err);

#endif
