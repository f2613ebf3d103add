#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/publish.h"
#include "base/system.h"
#include "stage/stage_impl.h"

#define PIECE_NBYTES (UINT64_C(8) << 20)

/*
 * A copy on its way, between two ranks that know how many bytes it has:
 *
 *	to	is it ready? else why not, and that is all
 *	from	is it ready? else why not, and that is all
 *	from	all bytes, whatever fails: what cannot be read goes as zeros
 *	from	what came of reading them
 *
 * So neither waits for the other, and both know why it failed.
 */
struct move {
	struct qn_comm *comm;
	int peer;
	enum quern_status st;	   /* of this side, or of the other */
	struct quern_message *err; /* about it */
};

static void tell(struct move *m)
{
	struct quern_message mine = { .status = QUERN_OK };

	if (m->st)
		mine = *m->err;
	mine.status = m->st;
	qn_comm_send(m->comm, m->peer, &mine, sizeof(mine), &mine);
	if (!m->st && mine.status)
		m->st = qn_error_pass(m->err, mine.status, &mine);
}

static void hear(struct move *m)
{
	struct quern_message theirs = { .status = QUERN_OK };

	qn_comm_recv(m->comm, m->peer, &theirs, sizeof(theirs), &theirs);
	theirs.text[sizeof(theirs.text) - 1] = 0;
	if (!m->st && theirs.status)
		m->st = qn_error_pass(m->err, theirs.status, &theirs);
}

/* The same path is there on many hosts. */
static void cannot_read(struct move *m, const char *file, const char *why)
{
	char host[64] = "";

	gethostname(host, sizeof(host) - 1);
	m->st = qn_error_set(m->err, QUERN_ERR_DATA,
			     "%s: host %s, which is to send it to another, "
			     "cannot read it: %s",
			     file, host, why);
}

/* A message that cannot be sent is an error of this side, of which the other knows without words. */
static void send_piece(struct move *m, int fd, const char *file, uint8_t *buffer, size_t n,
		       uint64_t at)
{
	struct quern_message why = { .status = QUERN_OK };
	ssize_t got = m->st ? 0 : qn_sys_read_data(fd, buffer, n, at);

	if (!m->st && got != (ssize_t)n)
		cannot_read(m, file, got < 0 ? strerror(errno) : "it ends too early");
	if (m->st)
		memset(buffer, 0, n);
	if (qn_comm_send(m->comm, m->peer, buffer, n, &why) && !m->st)
		m->st = qn_error_pass(m->err, why.status, &why);
}

static void send_file(struct move *m, const char *file, uint64_t nbytes, uint8_t *buffer)
{
	const int fd = m->st ? -1 : qn_file_open_own(file, NULL);
	struct quern_message why = { .status = QUERN_OK };
	struct move theirs = { m->comm, m->peer, QUERN_OK, &why };

	if (!m->st && fd < 0)
		cannot_read(m, file, qn_file_why(errno));
	hear(&theirs);
	if (theirs.st) {
		m->st = m->st ? m->st : qn_error_pass(m->err, theirs.st, &why);
		goto out;
	}
	tell(m);
	if (m->st)
		goto out;
	for (uint64_t at = 0; at < nbytes; at += PIECE_NBYTES)
		send_piece(m, fd, file, buffer, (size_t)qn_min_u64(PIECE_NBYTES, nbytes - at), at);
	tell(m);
out:
	if (fd >= 0)
		qn_sys_close(fd);
}

static void receive_pieces(struct move *m, struct qn_stager *s, struct qn_summer *summer,
			   const struct qn_publishing *p, uint64_t nbytes, uint8_t *buffer)
{
	struct quern_message why = { .status = QUERN_OK };
	enum quern_status st = QUERN_OK;

	for (uint64_t at = 0; at < nbytes; at += PIECE_NBYTES) {
		const size_t n = (size_t)qn_min_u64(PIECE_NBYTES, nbytes - at);
		enum quern_status now = qn_comm_recv(m->comm, m->peer, buffer, n, &why);

		st = st ? st : now;
		if (st)
			continue;
		qn_summer_add(summer, buffer, n);
		st = qn_publish_put(p, buffer, n, &why);
		qn_stage_progress(s, n);
	}
	/* Why it could not be read is more than that what came is wrong. */
	hear(m);
	if (!m->st && st)
		m->st = qn_error_pass(m->err, st, &why);
}

static void receive_file(struct move *m, struct qn_stager *s, const char *file,
			 const struct qn_shard *x, const struct qn_catalog *c, uint8_t *buffer)
{
	struct qn_summer *summer = qn_summer_new();
	struct qn_publishing p = QN_PUBLISHING_NONE;
	struct qn_sum is;

	if (!m->st && !summer)
		m->st = qn_error_nomem(m->err, 0, "a sum");
	if (!m->st)
		m->st = qn_publish_open(file, QN_REPLACE_LINK, c->rights, &p, m->err);
	tell(m);
	if (m->st)
		goto out;
	hear(m);
	if (m->st)
		goto out;
	qn_summer_reset(summer);
	receive_pieces(m, s, summer, &p, x->nbytes, buffer);
	qn_summer_get(summer, &is);
	if (!m->st && !qn_sum_equal(&is, &x->sum))
		m->st = qn_error_set(m->err, QUERN_ERR_DATA,
				     "%s: what another host has sent for it "
				     "is damaged",
				     file);
out:
	if (!m->st)
		m->st = qn_publish_commit(&p, c->time_ns, m->err);
	qn_publish_discard(&p);
	qn_summer_free(summer);
}

static enum quern_status move_one(struct qn_stager *s, const struct qn_catalog *c,
				  const struct qn_transfer *t, uint8_t *buffer,
				  struct quern_message *err)
{
	const struct qn_shard *x = &c->shard[t->shard];
	const int rank = qn_comm_rank(s->comm);
	struct move m = { .comm = s->comm, .peer = rank == t->from ? t->to : t->from, .err = err };
	char *file;

	if (rank != t->from && rank != t->to)
		return QUERN_OK;
	file = qn_catalog_file_of(c, t->shard);
	if (!file)
		m.st = qn_error_nomem(err, 0, "a name");
	if (rank == t->from)
		send_file(&m, file, x->nbytes, buffer);
	else
		receive_file(&m, s, file, x, c, buffer);
	if (!m.st && rank == t->to && s->notes_sums)
		m.st = qn_stage_sums_add(c, t->shard, x->nbytes, &x->sum, err);
	qn_log(QN_LOG_INFO, "shard %u: %s rank %d, status %d", t->shard,
	       rank == t->from ? "sent to" : "came from", m.peer, (int)m.st);
	free(file);
	return m.st;
}

/* All go through them in the same order, so no two wait for each other. What fails is one copy's: the
   others are gone on with. */
enum quern_status qn_stage_move(struct qn_stager *s, const struct qn_catalog *c,
				const struct qn_transfer *t, size_t n, struct quern_message *err)
{
	uint8_t *buffer = qn_malloc(n ? PIECE_NBYTES : 1);
	enum quern_status st = buffer ? QUERN_OK : qn_error_nomem(err, PIECE_NBYTES, "copies"),
			  worst;

	st = worst = qn_comm_agree(s->comm, st, err);
	for (size_t i = 0; !st && i < n; i++) {
		struct quern_message more = { .status = QUERN_OK };
		enum quern_status one = move_one(s, c, &t[i], buffer, worst ? &more : err);

		worst = worst ? worst : one;
	}
	free(buffer);
	return st ? st : qn_comm_agree(s->comm, worst, err);
}
