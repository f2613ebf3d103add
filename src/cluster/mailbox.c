#include "cluster/mailbox.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "cluster/comm_mpi.h"

#define FANOUT	      8 /* of the tree of hosts: their notes come in steps, and each level is one */
#define DRAIN_SECONDS 20e-3 /* for what is under way after a failure */

enum { TAG_NOTE = 2, TAG_ANSWER, TAG_END };

/* What TAG_END carries. */
enum word { HERE, ALL_HERE, ABANDONED };

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
	MPI_Request expected;
	char *answer; /* owned: QN_MAILBOX_ROOM bytes */

	int host, nhosts;
	int nhere;	   /* of the hosts right below, with all below them */
	bool is_here;	   /* this host, */
	bool has_said;	   /* which has told the one above */
	bool all_here;	   /* and qn_mailbox_gathered has not told it yet */
	bool is_abandoned; /* by a host */
};

static struct qn_mailbox *new_mailbox(struct qn_comm *c, MPI_Comm hosts)
{
	struct qn_mailbox *p = qn_calloc(1, sizeof(*p));

	if (!p)
		return NULL;
	*p = (struct qn_mailbox){ .comm = c,
				  .hosts = hosts,
				  .expected = MPI_REQUEST_NULL,
				  .answer = qn_calloc(QN_MAILBOX_ROOM, 1),
				  .host = qn_comm_host(c),
				  .nhosts = qn_comm_nhosts(c) };
	if (p->answer)
		return p;
	free(p);
	return NULL;
}

enum quern_status qn_mailbox_new(struct qn_comm *c, struct qn_mailbox **out,
				 struct quern_message *err)
{
	MPI_Comm hosts = qn_comm_leaders(c);
	struct qn_mailbox *p = hosts == MPI_COMM_NULL ? NULL : new_mailbox(c, hosts);
	enum quern_status st = QUERN_OK;

	*out = NULL;
	if (hosts != MPI_COMM_NULL && !p)
		st = qn_error_nomem(err, QN_MAILBOX_ROOM, "messages between hosts");
	st = qn_comm_agree(c, st, err);
	if (st)
		qn_mailbox_free(p);
	else
		*out = p;
	return st;
}

static enum quern_status check(int rc, const char *what, struct quern_message *err)
{
	if (rc == MPI_SUCCESS)
		return QUERN_OK;
	return qn_error_set(err, QUERN_ERR_RUN, "MPI failed in %s between hosts", what);
}

/* Forgets what has been delivered, as the request says, whatever the call does. */
static int sweep(struct qn_mailbox *p)
{
	int rc = 0;

	for (size_t i = 0; i < p->nsent;) {
		int done = 0, now = MPI_Test(&p->sent[i].request, &done, MPI_STATUS_IGNORE);

		rc = rc ? rc : now;
		if (p->sent[i].request == MPI_REQUEST_NULL) {
			free(p->sent[i].data);
			p->sent[i] = p->sent[--p->nsent];
		} else {
			i++;
		}
	}
	return rc;
}

/* Takes the next of what nobody expects. */
static void take_any(struct qn_mailbox *p)
{
	MPI_Status status;
	int there = 0;

	if (p->expected != MPI_REQUEST_NULL)
		MPI_Test(&p->expected, &there, MPI_STATUS_IGNORE);
	if (p->expected != MPI_REQUEST_NULL)
		return;
	if (!MPI_Iprobe(MPI_ANY_SOURCE, MPI_ANY_TAG, p->hosts, &there, &status) && there)
		MPI_Irecv(p->answer, (int)QN_MAILBOX_ROOM, MPI_BYTE, status.MPI_SOURCE,
			  status.MPI_TAG, p->hosts, &p->expected);
}

/* Who has sent an answer that is large waits for it to be taken, and what nobody has taken might be given
   to the next communicator that MPI gives the same number. Nobody waits here, for others may be at
   something else. */
static void drain(struct qn_mailbox *p)
{
	const double end = qn_comm_wtime() + DRAIN_SECONDS;

	if (p->expected != MPI_REQUEST_NULL)
		MPI_Cancel(&p->expected);
	do {
		sweep(p);
		take_any(p);
	} while (p->is_abandoned && qn_comm_wtime() < end);
}

void qn_mailbox_free(struct qn_mailbox *p)
{
	if (!p)
		return;
	drain(p);
	if (p->expected == MPI_REQUEST_NULL)
		free(p->answer);
	free(p->sent);
	free(p);
}

static enum quern_status send(struct qn_mailbox *p, int host, int tag, const void *data,
			      size_t nbytes, struct quern_message *err)
{
	enum quern_status st = check(sweep(p), "a message", err);
	struct sent s = { .request = MPI_REQUEST_NULL };

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
	/* It may be on its way although the call has failed. */
	if (s.request == MPI_REQUEST_NULL)
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

/* --- the end --- */

static int above(const struct qn_mailbox *p)
{
	return (p->host - 1) / FANOUT;
}

static int first_below(const struct qn_mailbox *p)
{
	return p->host * FANOUT + 1;
}

static int nbelow(const struct qn_mailbox *p)
{
	const int n = p->nhosts - first_below(p);

	return n < 0 ? 0 : n < FANOUT ? n : FANOUT;
}

static enum quern_status say(struct qn_mailbox *p, int host, enum word word,
			     struct quern_message *err)
{
	const uint32_t text = word;

	return send(p, host, TAG_END, &text, sizeof(text), err);
}

/* All hosts are here: the next time begins before those below can come to it. */
static enum quern_status pass_on(struct qn_mailbox *p, struct quern_message *err)
{
	enum quern_status st = QUERN_OK;

	p->nhere = 0;
	p->is_here = p->has_said = false;
	p->all_here = true;
	for (int i = 0; !st && i < nbelow(p); i++)
		st = say(p, first_below(p) + i, ALL_HERE, err);
	return st;
}

static enum quern_status hear(struct qn_mailbox *p, int from, uint32_t word,
			      struct quern_message *err)
{
	const bool is_below = from >= first_below(p) && from < first_below(p) + nbelow(p);

	if (word == ABANDONED) {
		p->is_abandoned = true;
		return QUERN_OK;
	}
	if (word == HERE && is_below && p->nhere < nbelow(p)) {
		p->nhere++;
		return QUERN_OK;
	}
	if (word == ALL_HERE && p->host && from == above(p) && p->has_said)
		return pass_on(p, err);
	return qn_error_set(err, QUERN_ERR_RUN,
			    "host number %d ends what has not ended: are all ranks the same "
			    "version of quern?",
			    from);
}

enum quern_status qn_mailbox_listen(struct qn_mailbox *p, struct quern_message *err)
{
	enum quern_status st = QUERN_OK;
	MPI_Status status;
	uint32_t word;
	int there = 1, rc = 0;

	while (!st && there) {
		there = 0;
		rc = MPI_Iprobe(MPI_ANY_SOURCE, TAG_END, p->hosts, &there, &status);
		if (!rc && there)
			rc = MPI_Recv(&word, (int)sizeof(word), MPI_BYTE, status.MPI_SOURCE,
				      TAG_END, p->hosts, &status);
		st = check(rc, "the end", err);
		if (!st && there)
			st = hear(p, status.MPI_SOURCE, word, err);
	}
	return st;
}

void qn_mailbox_arrive(struct qn_mailbox *p)
{
	p->is_here = true;
}

enum quern_status qn_mailbox_gathered(struct qn_mailbox *p, bool *all, struct quern_message *err)
{
	enum quern_status st = check(sweep(p), "the end", err);

	if (!st && p->is_here && !p->has_said && !p->nsent && p->nhere == nbelow(p)) {
		p->has_said = true;
		st = p->host ? say(p, above(p), HERE, err) : pass_on(p, err);
	}
	*all = !st && p->all_here;
	if (*all)
		p->all_here = false;
	return st;
}

void qn_mailbox_abandon(struct qn_mailbox *p)
{
	const uint32_t text = ABANDONED;

	p->is_abandoned = true;
	for (int i = 1; i < p->nhosts; i++) {
		qn_comm_count(p->comm, sizeof(text));
		MPI_Send(&text, (int)sizeof(text), MPI_BYTE, (p->host + i) % p->nhosts, TAG_END,
			 p->hosts);
	}
}

bool qn_mailbox_is_abandoned(const struct qn_mailbox *p)
{
	return p->is_abandoned;
}
