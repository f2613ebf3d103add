#include "cluster/mailbox.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "cluster/comm_mpi.h"

enum { TAG_NOTE = 2, TAG_ANSWER };

/* A message on its way. */
struct sent {
	MPI_Request request;
	void *data; /* owned */
};

struct qn_mailbox {
	struct qn_comm *comm; /* keeps */
	MPI_Comm hosts;	      /* borrows */
	struct sent *sent;    /* owned */
	size_t nsent, room;
	MPI_Request expected, arrival;
	char *answer; /* owned: QN_MAILBOX_ROOM bytes */
};

enum quern_status qn_mailbox_new(struct qn_comm *c, struct qn_mailbox **out,
				 struct quern_message *err)
{
	MPI_Comm hosts = qn_comm_leaders(c);
	struct qn_mailbox *p = NULL;
	enum quern_status st = QUERN_OK;

	*out = NULL;
	if (hosts != MPI_COMM_NULL) {
		p = qn_calloc(1, sizeof(*p));
		if (p)
			p->answer = qn_calloc(QN_MAILBOX_ROOM, 1);
		if (!p || !p->answer)
			st = qn_error_nomem(err, QN_MAILBOX_ROOM, "messages between hosts");
		else
			*p = (struct qn_mailbox){ .comm = c, .hosts = hosts, .answer = p->answer };
	}
	if (p)
		p->expected = p->arrival = MPI_REQUEST_NULL;
	st = qn_comm_agree(c, st, err);
	if (st)
		qn_mailbox_free(p);
	else
		*out = p;
	return st;
}

void qn_mailbox_free(struct qn_mailbox *p)
{
	if (!p)
		return;
	qn_mailbox_expect_none(p);
	free(p->answer);
	free(p->sent);
	free(p);
}

static enum quern_status check(int rc, const char *what, struct quern_message *err)
{
	if (rc == MPI_SUCCESS)
		return QUERN_OK;
	return qn_error_set(err, QUERN_ERR_RUN, "MPI failed in %s between hosts", what);
}

/* Forgets what has been delivered. */
static int sweep(struct qn_mailbox *p)
{
	int rc = 0;

	for (size_t i = 0; !rc && i < p->nsent;) {
		int done = 0;

		rc = MPI_Test(&p->sent[i].request, &done, MPI_STATUS_IGNORE);
		if (!rc && done) {
			free(p->sent[i].data);
			p->sent[i] = p->sent[--p->nsent];
		} else {
			i++;
		}
	}
	return rc;
}

static enum quern_status send(struct qn_mailbox *p, int host, int tag, const void *data,
			      size_t nbytes, struct quern_message *err)
{
	enum quern_status st = check(sweep(p), "a message", err);
	struct sent s = { .data = NULL };

	if (st)
		return st;
	if (!qn_grow(&p->sent, &p->room, p->nsent + 1, sizeof(*p->sent)))
		return qn_error_nomem(err, p->nsent * sizeof(*p->sent), "messages");
	s.data = qn_calloc(nbytes, 1);
	if (!s.data)
		return qn_error_nomem(err, nbytes, "a message");
	memcpy(s.data, data, nbytes);
	qn_comm_count(p->comm, nbytes);
	st = check(MPI_Isend(s.data, (int)nbytes, MPI_BYTE, host, tag, p->hosts, &s.request),
		   "a message", err);
	if (st)
		free(s.data);
	else
		p->sent[p->nsent++] = s;
	return st;
}

enum quern_status qn_mailbox_send(struct qn_mailbox *p, int host, const void *note, size_t nbytes,
				  struct quern_message *err)
{
	return send(p, host, TAG_NOTE, note, nbytes, err);
}

enum quern_status qn_mailbox_answer(struct qn_mailbox *p, int host, const void *answer,
				    size_t nbytes, struct quern_message *err)
{
	return send(p, host, TAG_ANSWER, answer, nbytes, err);
}

/* The receive is posted (qn_mailbox_expect), so that a blocking send does not wait. */
void qn_mailbox_answer_now(struct qn_mailbox *p, int host, const void *answer, size_t nbytes)
{
	qn_comm_count(p->comm, nbytes);
	MPI_Send(answer, (int)nbytes, MPI_BYTE, host, TAG_ANSWER, p->hosts);
}

enum quern_status qn_mailbox_note(struct qn_mailbox *p, void *note, size_t nbytes, int *host,
				  struct quern_message *err)
{
	MPI_Status status;
	int there = 0, n = 0, rc = MPI_Iprobe(MPI_ANY_SOURCE, TAG_NOTE, p->hosts, &there, &status);

	*host = -1;
	if (rc || !there)
		return check(rc, "a message", err);
	*host = status.MPI_SOURCE;
	rc = MPI_Recv(note, (int)nbytes, MPI_BYTE, *host, TAG_NOTE, p->hosts, &status);
	if (!rc)
		rc = MPI_Get_count(&status, MPI_BYTE, &n);
	if (!rc && (size_t)n != nbytes)
		return qn_error_set(err, QUERN_ERR_RUN, "host number %d sends a note of %d bytes",
				    *host, n);
	return check(rc, "a message", err);
}

enum quern_status qn_mailbox_expect(struct qn_mailbox *p, int host, struct quern_message *err)
{
	return check(MPI_Irecv(p->answer, (int)QN_MAILBOX_ROOM, MPI_BYTE, host, TAG_ANSWER,
			       p->hosts, &p->expected),
		     "an answer", err);
}

void qn_mailbox_expect_none(struct qn_mailbox *p)
{
	if (p->expected == MPI_REQUEST_NULL)
		return;
	MPI_Cancel(&p->expected);
	MPI_Wait(&p->expected, MPI_STATUS_IGNORE);
}

enum quern_status qn_mailbox_answered(struct qn_mailbox *p, const void **answer, size_t *nbytes,
				      struct quern_message *err)
{
	MPI_Status status;
	int done = 0, n = 0, rc;

	*answer = NULL;
	if (p->expected == MPI_REQUEST_NULL)
		return QUERN_OK;
	rc = MPI_Test(&p->expected, &done, &status);
	if (!rc && done)
		rc = MPI_Get_count(&status, MPI_BYTE, &n);
	if (!rc && done) {
		*answer = p->answer;
		*nbytes = (size_t)n;
	}
	return check(rc, "an answer", err);
}

enum quern_status qn_mailbox_arrive(struct qn_mailbox *p, struct quern_message *err)
{
	return check(MPI_Ibarrier(p->hosts, &p->arrival), "a barrier", err);
}

enum quern_status qn_mailbox_gathered(struct qn_mailbox *p, bool *all, struct quern_message *err)
{
	int done = 0, rc = sweep(p);

	*all = false;
	if (!rc && p->arrival != MPI_REQUEST_NULL) {
		rc = MPI_Test(&p->arrival, &done, MPI_STATUS_IGNORE);
		if (!rc && done)
			p->arrival = MPI_REQUEST_NULL;
	} else {
		done = !rc;
	}
	*all = !rc && done && !p->nsent;
	return check(rc, "a barrier", err);
}
