/*
 * mailbox.h - messages between hosts, from the first rank of one to that of another, while all of them
 * do other things. No function waits for another host: who uses it comes by every now and then.
 *
 *	note	small and of one size for all; comes in when it is asked for (qn_mailbox_note)
 *	answer	up to QN_MAILBOX_ROOM bytes, to a host that expects it
 *
 * At the end hosts gather: each says that it is here, up a tree, when all below it are; from the top it is
 * said down that all are. Not by MPI_Ibarrier: when that fails nobody can tell whether it counts for the
 * others, who would wait for ever, or be one ahead. After any failure a host abandons the rest, whatever
 * else still works: it says so to all others, with the one call that needs nothing else, and nobody waits
 * for anything any more.
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
/* After qn_mailbox_gathered, or when a host has abandoned the others and this one knows. What is then on
   its way is taken for a short time; what is not done by then keeps its memory. */
void qn_mailbox_free(struct qn_mailbox *p);

/* Sends a copy of a note. */
enum quern_status qn_mailbox_send(struct qn_mailbox *p, int host, const void *note, size_t nbytes,
				  struct quern_message *err);
/* Sends an answer, which is copied. nbytes <= QN_MAILBOX_ROOM */
enum quern_status qn_mailbox_answer(struct qn_mailbox *p, int host, const void *answer,
				    size_t nbytes, struct quern_message *err);

/* A note that has come, of nbytes: *host is who sent it, or -1, there is none. */
enum quern_status qn_mailbox_note(struct qn_mailbox *p, void *note, size_t nbytes, int *host,
				  struct quern_message *err);

/* Makes room for an answer of that host, before it is asked for. One at a time. */
enum quern_status qn_mailbox_expect(struct qn_mailbox *p, int host, struct quern_message *err);
/* Has it come? Then *answer is it, until the next one is expected; else NULL. */
enum quern_status qn_mailbox_answered(struct qn_mailbox *p, const void **answer, size_t *nbytes,
				      struct quern_message *err);

/* Hears what others say of the end. To be called on until qn_mailbox_gathered, before it. */
enum quern_status qn_mailbox_listen(struct qn_mailbox *p, struct quern_message *err);
/* This host has come to the end; once for each qn_mailbox_gathered that is true. */
void qn_mailbox_arrive(struct qn_mailbox *p);
/* Have all hosts, each after all had been delivered that it had sent? */
enum quern_status qn_mailbox_gathered(struct qn_mailbox *p, bool *all, struct quern_message *err);

/* After a failure of any of the above: tells all others that this host takes no part any more. */
void qn_mailbox_abandon(struct qn_mailbox *p);
/* Has a host, this or another, abandoned the others? Then nothing more comes of it, for any of them. */
bool qn_mailbox_is_abandoned(const struct qn_mailbox *p);

#endif
