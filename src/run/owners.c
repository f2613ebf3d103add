#include "run/owners.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "run/emit.h"
#include "run/shown.h"

#define BLOCK_NROWS  (UINT64_C(1) << 14) /* at most */
#define BLOCK_NBYTES (UINT64_C(4) << 20) /* of states, where a row does not have more */
#define STEP_NROWS   (UINT64_C(1) << 18) /* of all ranks: small blocks where there are many */
#define MOST_PIECES  64

static uint64_t row_nbytes(const struct qn_run *run)
{
	const uint64_t nwords = run->kernel->most_words ? run->kernel->most_words(run->self) : 0;

	return qn_max_u64(qn_max_u64(run->layout.nwords, nwords), 1) * sizeof(int64_t);
}

static uint64_t block_nrows(const struct qn_run *run)
{
	const uint64_t share = STEP_NROWS / (uint64_t)qn_comm_size(run->team->comm);
	const uint64_t n = qn_min_u64(qn_max_u64(share, 64), BLOCK_NROWS);

	return qn_max_u64(qn_min_u64(n, BLOCK_NBYTES / row_nbytes(run)), 1);
}

uint64_t qn_owners_nbytes(const struct qn_run *run, uint64_t nrows)
{
	const uint64_t nranks = (uint64_t)qn_comm_size(run->team->comm);
	const uint64_t n = qn_min_u64(block_nrows(run), nrows);
	const uint64_t emitted = n * qn_run_row_nvalues(run) * sizeof(int64_t);
	const uint64_t sent = nranks > 1 ? 2 * nranks * n * row_nbytes(run) : 0;

	/* As fields and as bytes; on rank 0 those of all, while those before them are taken. */
	return sent + 3 * emitted * (qn_comm_rank(run->team->comm) ? 1 : 1 + nranks);
}

/* --- a step --- */

/* What rank 0 takes, while the next step is made. */
struct taking {
	const struct qn_run *run;
	pthread_t thread;
	bool is_running;
	void *bytes; /* owned: packed rows */
	size_t nbytes;
	uint64_t row;
	enum quern_status st;
	struct quern_message err;
};

/* Rows of the table from `first` on: those of rank r begin at first + r * each. */
struct step {
	struct qn_run *run;
	int nranks, rank;
	uint64_t first, each;
	struct taking taking;
};

static uint64_t begin_of(const struct step *s, int rank)
{
	return qn_min_u64(s->first + (uint64_t)rank * s->each, s->run->cells.rows->nrows);
}

static uint64_t nrows_of(const struct step *s, int rank)
{
	return begin_of(s, rank + 1) - begin_of(s, rank);
}

/* --- merging --- */

/* All blocks but its own, as bytes: owned. */
static enum quern_status pack_blocks(const struct step *s, char **blocks, uint64_t *nbytes_to,
				     struct quern_message *err)
{
	const struct qn_cells *c = &s->run->cells;
	uint64_t most = 1;
	char *at;
	bool ok = true;

	for (int r = 0; r < s->nranks; r++)
		most += r == s->rank ? 0 : qn_cells_pack_nbytes(c, begin_of(s, r), nrows_of(s, r));
	*blocks = at = qn_alloc_aligned((size_t)most);
	for (int r = 0; at && ok && r < s->nranks; r++) {
		nbytes_to[r] = 0;
		if (r == s->rank || !nrows_of(s, r))
			continue;
		nbytes_to[r] = qn_cells_pack(c, begin_of(s, r), nrows_of(s, r), at);
		ok = nbytes_to[r] > 0;
		at += nbytes_to[r];
	}
	return at && ok ? QUERN_OK : qn_error_nomem(err, (size_t)most, "cells");
}

/* What all have sent to this rank. */
static enum quern_status unpack_blocks(const struct step *s, const char *all,
				       const uint64_t *nbytes_from, struct quern_message *err)
{
	struct qn_cells *c = &s->run->cells;
	bool ok = true;

	for (int r = 0; ok && r < s->nranks; r++) {
		ok = r == s->rank || !nrows_of(s, s->rank) || atomic_load(&c->is_over) ||
		     qn_cells_unpack(c, begin_of(s, s->rank), nrows_of(s, s->rank), all,
				     nbytes_from[r]);
		ok = ok || atomic_load(&c->is_over);
		all += nbytes_from[r];
	}
	return ok ? QUERN_OK : qn_error_nomem(err, 0, "cells");
}

static enum quern_status merge(const struct step *s, struct quern_message *err)
{
	struct qn_comm *comm = s->run->team->comm;
	uint64_t *nbytes = qn_calloc(2 * (size_t)s->nranks, sizeof(*nbytes));
	enum quern_status st = nbytes ? QUERN_OK : qn_error_nomem(err, 0, "cells");
	char *blocks = NULL;
	void *all = NULL;

	if (!st)
		st = pack_blocks(s, &blocks, nbytes, err);
	st = qn_comm_agree(comm, st, err);
	if (!st)
		st = qn_comm_exchange(comm, blocks, nbytes, &all, nbytes + s->nranks, err);
	free(blocks);
	if (!st)
		st = qn_comm_agree(comm, unpack_blocks(s, all, nbytes + s->nranks, err), err);
	free(all);
	free(nbytes);
	return st;
}

/* --- emitting --- */

/* A part of a block: that of one thread. */
struct piece {
	const struct qn_run *run;
	pthread_t thread;
	bool is_running;
	uint64_t row, nrows;
	char *bytes; /* owned: packed rows; NULL: no memory */
	size_t nbytes;
};

static void *emit_piece(void *arg)
{
	struct quern_result rows = { .nfields = 0 };
	struct piece *p = arg;

	if (qn_run_emit_rows(p->run, p->row, p->nrows, &rows))
		p->bytes = qn_result_pack(&rows, &p->nbytes);
	qn_result_fini(&rows);
	return NULL;
}

/* On as many threads as there are, this one among them. */
static void emit_pieces(struct piece *p, size_t n)
{
	for (size_t i = 1; i < n; i++)
		p[i].is_running = !pthread_create(&p[i].thread, NULL, emit_piece, &p[i]);
	for (size_t i = 0; i < n; i++)
		if (!p[i].is_running)
			emit_piece(&p[i]);
	for (size_t i = 1; i < n; i++)
		if (p[i].is_running)
			pthread_join(p[i].thread, NULL);
}

/* The pieces of this rank's block, one after the other. NULL: no memory. */
static char *join_pieces(const struct piece *p, size_t n, size_t *nbytes)
{
	bool ok = true;
	char *all, *at;

	*nbytes = 0;
	for (size_t i = 0; i < n; i++) {
		ok = ok && p[i].bytes;
		*nbytes += p[i].nbytes;
	}
	all = at = ok ? qn_malloc(*nbytes + 1) : NULL;
	for (size_t i = 0; all && i < n; i++) {
		memcpy(at, p[i].bytes, p[i].nbytes);
		at += p[i].nbytes;
	}
	return all;
}

/* The fields of this rank's block, as bytes: owned. A result without rows has its fields from rank 0. */
static enum quern_status emit_block(const struct step *s, char **bytes, size_t *nbytes,
				    struct quern_message *err)
{
	const uint64_t first = s->run->cells.rows->first;
	const uint64_t begin = qn_shown_before(s->run->shown, first + begin_of(s, s->rank));
	const uint64_t n = qn_shown_before(s->run->shown, first + begin_of(s, s->rank + 1)) - begin;
	const bool is_empty = s->run->shown->n * s->run->shown->nkept == 0 && !s->first && !s->rank;
	const size_t most = qn_min_u64(s->run->nthreads, MOST_PIECES);
	const size_t npieces = is_empty ? 1 : (size_t)qn_min_u64(most, n);
	struct piece piece[MOST_PIECES] = { { .run = NULL } };

	for (size_t i = 0; i < npieces; i++) {
		piece[i].run = s->run;
		piece[i].row = begin + n * i / npieces;
		piece[i].nrows = begin + n * (i + 1) / npieces - piece[i].row;
	}
	if (npieces)
		emit_pieces(piece, npieces);
	*bytes = join_pieces(piece, npieces, nbytes);
	for (size_t i = 0; i < npieces; i++)
		free(piece[i].bytes);
	return *bytes ? QUERN_OK : qn_error_nomem(err, 0, "the result");
}

/* --- taking: rank 0 --- */

static void *take(void *arg)
{
	struct taking *t = arg;
	const struct qn_taker *taker = &t->run->taker;
	size_t n;

	for (size_t at = 0; !t->st && at < t->nbytes; at += n) {
		struct quern_result rows = { .nfields = 0 };

		n = qn_result_unpack((char *)t->bytes + at, t->nbytes - at, &rows);
		t->st = n ? taker->take(taker->ctx, t->row, &rows, &t->err)
			  : qn_error_nomem(&t->err, 0, "the result");
		t->row += rows.nrows;
		qn_result_fini(&rows);
	}
	free(t->bytes);
	t->bytes = NULL;
	return NULL;
}

static enum quern_status finish_taking(struct taking *t, struct quern_message *err)
{
	if (t->is_running)
		pthread_join(t->thread, NULL);
	t->is_running = false;
	return t->st ? qn_error_pass(err, t->st, &t->err) : QUERN_OK;
}

/* Takes bytes. */
static void begin_taking(struct taking *t, void *bytes, size_t nbytes)
{
	t->bytes = bytes;
	t->nbytes = nbytes;
	t->is_running = !pthread_create(&t->thread, NULL, take, t);
	if (!t->is_running)
		take(t);
}

/* Has rank 0 take the blocks of all. */
static enum quern_status hand_over(struct step *s, char *bytes, size_t nbytes,
				   struct quern_message *err)
{
	struct qn_comm *comm = s->run->team->comm;
	uint64_t *nbytes_of = qn_calloc((size_t)s->nranks, sizeof(*nbytes_of)), sum = 0;
	enum quern_status st = nbytes_of ? QUERN_OK : qn_error_nomem(err, 0, "the result"), before;
	void *all = NULL;

	st = qn_comm_agree(comm, st, err);
	if (!st)
		st = qn_comm_gather_blocks(comm, bytes, nbytes, &all, nbytes_of, err);
	for (int r = 0; !st && s->rank == 0 && r < s->nranks; r++)
		sum += nbytes_of[r];
	before = finish_taking(&s->taking, st ? NULL : err);
	st = st ? st : before;
	if (!st && s->rank == 0)
		begin_taking(&s->taking, all, (size_t)sum);
	else
		free(all);
	free(nbytes_of);
	return qn_comm_agree(comm, st, err);
}

/* *is_over: the table of a rank has become too large; nothing was taken then. */
static enum quern_status one_step(struct step *s, bool *is_over, struct quern_message *err)
{
	enum quern_status st = s->nranks > 1 ? merge(s, err) : QUERN_OK;
	char *bytes = NULL;
	size_t nbytes = 0;

	if (!st)
		st = qn_owners_are_over(s->run, is_over, err);
	if (st || *is_over)
		return st;
	st = qn_comm_agree(s->run->team->comm, emit_block(s, &bytes, &nbytes, err), err);
	if (!st)
		st = hand_over(s, bytes, nbytes, err);
	free(bytes);
	return st;
}

enum quern_status qn_owners_are_over(struct qn_run *run, bool *is_over, struct quern_message *err)
{
	int64_t over = atomic_load(&run->cells.is_over);
	enum quern_status st = qn_comm_reduce(run->team->comm, &over, 1, QUERN_MAX, err);

	if (!st)
		st = qn_comm_bcast(run->team->comm, &over, sizeof(over), err);
	*is_over = !st && over;
	return st;
}

enum quern_status qn_owners_emit(struct qn_run *run, uint64_t *nrows, struct quern_message *err)
{
	struct step s = { .run = run,
			  .nranks = qn_comm_size(run->team->comm),
			  .rank = qn_comm_rank(run->team->comm),
			  .each = block_nrows(run),
			  .taking = { .run = run } };
	const uint64_t all = run->cells.rows->nrows;
	enum quern_status st = QUERN_OK, taken;
	bool is_over = false;

	s.taking.row = qn_shown_before(run->shown, run->cells.rows->first);
	do {
		st = one_step(&s, &is_over, err);
		s.first = begin_of(&s, st || is_over ? 0 : s.nranks);
	} while (!st && !is_over && s.first < all);
	*nrows = s.first;
	taken = finish_taking(&s.taking, st ? NULL : err);
	return qn_comm_agree(run->team->comm, st ? st : taken, err);
}
