#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "base/mem.h"
#include "base/place.h"
#include "exec/stage_impl.h"

#define PIECE_NBYTES (UINT64_C(8) << 20)

/* Both sides know how many bytes there are, and go through all of them whatever fails: what was not
   read arrives as zeros, and has another sum. */
static enum quern_status send_file(struct qn_stager *s, const char *file, uint64_t nbytes, int to,
				   uint8_t *buffer, struct quern_message *err)
{
	int fd = qn_file_open_own(file, NULL);
	struct qn_file f = qn_file_on(fd);
	enum quern_status st = QUERN_OK;

	for (uint64_t at = 0; !st && at < nbytes; at += PIECE_NBYTES) {
		const size_t n = (size_t)qn_min_u64(PIECE_NBYTES, nbytes - at);

		memset(buffer, 0, n);
		if (fd >= 0)
			(void)!qn_file_read(&f, buffer, n, at);
		st = qn_comm_send(s->comm, to, buffer, n, err);
	}
	if (fd >= 0)
		close(fd);
	return st;
}

static enum quern_status receive_file(struct qn_stager *s, const char *file, uint64_t nbytes,
				      const struct qn_sum *sum, int64_t time_ns, int from,
				      uint8_t *buffer, struct quern_message *err)
{
	struct qn_summer *summer = qn_summer_new();
	struct qn_sum is;
	struct qn_placing p = QN_PLACING_NONE;
	enum quern_status st = summer ? qn_place_open(file, QN_REPLACE_LINK, 0666, &p, err)
				      : qn_error_nomem(err, 0, "a sum");
	enum quern_status failed = QUERN_OK;

	if (summer)
		qn_summer_reset(summer);
	for (uint64_t at = 0; !failed && at < nbytes; at += PIECE_NBYTES) {
		const size_t n = (size_t)qn_min_u64(PIECE_NBYTES, nbytes - at);

		failed = qn_comm_recv(s->comm, from, buffer, n, err);
		if (st || failed)
			continue;
		qn_summer_add(summer, buffer, n);
		st = qn_place_put(&p, buffer, n, err);
		qn_stage_progress(s, n);
	}
	if (summer && !st && !failed) {
		qn_summer_get(summer, &is);
		if (!qn_sum_equal(&is, sum))
			st = qn_error_set(err, QUERN_ERR_DATA,
					  "%s: what another host has sent for it is "
					  "damaged",
					  file);
	}
	st = failed ? failed : st;
	if (st)
		qn_place_discard(&p);
	else
		st = qn_place_finish(&p, time_ns, err);
	qn_summer_free(summer);
	return st;
}

static enum quern_status move_one(struct qn_stager *s, const struct qn_catalog *c,
				  const struct qn_transfer *t, uint8_t *buffer,
				  struct quern_message *err)
{
	const struct qn_shard *x = &c->shard[t->shard];
	const int rank = qn_comm_rank(s->comm);
	char *file;
	enum quern_status st;

	if (rank != t->from && rank != t->to)
		return QUERN_OK;
	file = qn_catalog_file_of(c, t->shard);
	if (!file)
		return qn_error_nomem(err, 0, "a name");
	st = rank == t->from
		     ? send_file(s, file, x->nbytes, t->to, buffer, err)
		     : receive_file(s, file, x->nbytes, &x->sum, c->time_ns, t->from, buffer, err);
	if (!st && rank == t->to && s->notes_sums)
		st = qn_stage_sums_add(c, t->shard, x->nbytes, &x->sum, err);
	free(file);
	return st;
}

/* All go through them in the same order, so no two wait for each other. What fails is one copy's: the
   others are gone on with. */
enum quern_status qn_stage_move(struct qn_stager *s, const struct qn_catalog *c,
				const struct qn_transfer *t, size_t n, struct quern_message *err)
{
	uint8_t *buffer = malloc(n ? PIECE_NBYTES : 1);
	enum quern_status st = buffer ? QUERN_OK : qn_error_nomem(err, PIECE_NBYTES, "copies"),
			  worst;

	st = worst = qn_comm_agree(s->comm, st, err);
	for (size_t i = 0; !st && i < n; i++) {
		enum quern_status one = move_one(s, c, &t[i], buffer, err);

		worst = worst ? worst : one;
	}
	free(buffer);
	return st ? st : qn_comm_agree(s->comm, worst, err);
}
