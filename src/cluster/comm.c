#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/environment.h"
#include "base/least.h"
#include "base/log.h"
#include "base/mem.h"
#include "cluster/comm_mpi.h"

/* MPI counts are int: larger transfers go in pieces of this many bytes. */
#define PIECE_NBYTES ((size_t)1 << 30)
#define CACHE_LINE   64
#define BLOCK_TAG    1
#define PAIR_TAG     2

struct qn_comm {
	MPI_Comm all, host; /* MPI_COMM_NULL in a singleton */
	MPI_Comm leaders;   /* first ranks of hosts; MPI_COMM_NULL: one host, or another rank */
	int rank, size;
	int host_rank, host_size;
	int host_number, nhosts;
	uint64_t crossed_nbytes; /* of messages between hosts, as this rank counts them */
	MPI_Datatype pair;	 /* two int64: key and index */
	MPI_Op minloc, maxloc;
	MPI_Errhandler of_caller; /* of the parent */
};

struct qn_shared {
	MPI_Win win; /* MPI_WIN_NULL: memory of this process */
	int nranks;
	void **base; /* of each host rank */
};

/* clang-format off */
int qn_comm_rank(const struct qn_comm *c) { return c->rank; }
int qn_comm_size(const struct qn_comm *c) { return c->size; }
int qn_comm_host_rank(const struct qn_comm *c) { return c->host_rank; }
int qn_comm_host_size(const struct qn_comm *c) { return c->host_size; }
int qn_comm_host(const struct qn_comm *c) { return c->host_number; }
int qn_comm_nhosts(const struct qn_comm *c) { return c->nhosts; }
/* clang-format on */

uint64_t qn_comm_crossed(const struct qn_comm *c)
{
	return c->crossed_nbytes;
}

void qn_comm_count_anew(struct qn_comm *c)
{
	c->crossed_nbytes = 0;
}

static bool alone(const struct qn_comm *c)
{
	return c->all == MPI_COMM_NULL;
}

void qn_comm_count(struct qn_comm *c, uint64_t nbytes)
{
	c->crossed_nbytes += nbytes;
}

/* Between this rank and rank 0. */
static void count_own(struct qn_comm *c, uint64_t nbytes)
{
	if (c->host_number != 0)
		c->crossed_nbytes += nbytes;
}

/* Between rank 0 and all: once for each host, as the best of trees would do it. */
static void count_all(struct qn_comm *c, uint64_t nbytes)
{
	if (c->host_rank == 0)
		count_own(c, nbytes);
}

double qn_comm_wtime(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static enum quern_status check(int rc, const char *what, struct quern_message *err)
{
	char text[MPI_MAX_ERROR_STRING];
	int length;

	if (rc == MPI_SUCCESS)
		return QUERN_OK;
	if (MPI_Error_string(rc, text, &length))
		snprintf(text, sizeof(text), "error %d", rc);
	return qn_error_set(err, QUERN_ERR_RUN, "MPI failed in %s: %s", what, text);
}

/* What several ranks do together is gone through to its end whatever fails: others wait for it. */
static void keep_first(int *rc, int now)
{
	*rc = *rc ? *rc : now;
}

/* A rank on which this fails cannot know what the others do next, nor tell them anything. Who made the parent
   has said what is to become of a program whose MPI fails: by default it ends, on all ranks. */
static enum quern_status give_up(MPI_Comm all, const struct qn_comm *c, int rc,
				 struct quern_message *err)
{
	if (c->of_caller != MPI_ERRHANDLER_NULL)
		MPI_Comm_set_errhandler(all, c->of_caller);
	MPI_Comm_call_errhandler(all, rc);
	return check(rc, "what ranks agree by", err);
}

/* One verdict: that of the first rank that has failed. all: what the ranks of c have in common. */
static enum quern_status agree_on(MPI_Comm all, const struct qn_comm *c, enum quern_status mine,
				  struct quern_message *err)
{
	int vote = mine ? c->rank : c->size, failed;
	struct quern_message worst;
	int rc;

	if (all == MPI_COMM_NULL)
		return mine;
	rc = MPI_Allreduce(&vote, &failed, 1, MPI_INT, MPI_MIN, all);
	if (rc)
		return give_up(all, c, rc, err);
	if (failed == c->size)
		return QUERN_OK;
	memset(&worst, 0, sizeof(worst));
	if (c->rank == failed) {
		if (err)
			worst = *err;
		worst.status = mine;
	}
	rc = MPI_Bcast(&worst, (int)sizeof(worst), MPI_BYTE, failed, all);
	if (rc)
		return check(rc, "what ranks agree by", err);
	if (err)
		*err = worst;
	return worst.status;
}

/* The verdict on what all ranks have done with MPI, on all of them: a rank of which it failed would
   otherwise go another way than those that go on to the next collective. */
static enum quern_status conclude(struct qn_comm *c, int rc, const char *what,
				  struct quern_message *err)
{
	return qn_comm_agree(c, check(rc, what, err), err);
}

/* Lexicographic on (key, index): better key first, then the smaller index. */
static void better_of_pairs(const int64_t *in, int64_t *inout, int npairs, int sign)
{
	for (int i = 0; i < npairs; i++, in += 2, inout += 2) {
		bool better = sign > 0 ? in[0] > inout[0] : in[0] < inout[0];

		if (better || (in[0] == inout[0] && (uint64_t)in[1] < (uint64_t)inout[1])) {
			inout[0] = in[0];
			inout[1] = in[1];
		}
	}
}

static void minloc_op(void *in, void *inout, int *n, MPI_Datatype *type)
{
	(void)type;
	better_of_pairs(in, inout, *n, -1);
}

static void maxloc_op(void *in, void *inout, int *n, MPI_Datatype *type)
{
	(void)type;
	better_of_pairs(in, inout, *n, 1);
}

/* Hosts are numbered in the order of their lowest rank. */
static int number_hosts(struct qn_comm *c)
{
	int lowest = c->rank, leader = c->host_rank == 0, before = 0;
	int rc = MPI_Bcast(&lowest, 1, MPI_INT, 0, c->host);

	keep_first(&rc, MPI_Exscan(&leader, &before, 1, MPI_INT, MPI_SUM, c->all));
	c->host_number = c->rank == 0 ? 0 : before;
	keep_first(&rc, MPI_Bcast(&c->host_number, 1, MPI_INT, 0, c->host));
	keep_first(&rc, MPI_Allreduce(&leader, &c->nhosts, 1, MPI_INT, MPI_SUM, c->all));
	return rc;
}

static int find_host(struct qn_comm *c)
{
	return qn_comm_split_host(c->all, &c->host);
}

/* Who speaks for its host, in the order of the hosts' numbers, which is that of ranks. */
static int find_leaders(struct qn_comm *c)
{
	int rc;

	if (c->nhosts == 1)
		return MPI_SUCCESS;
	rc = MPI_Comm_split(c->all, c->host_rank ? MPI_UNDEFINED : 0, c->rank, &c->leaders);
	if (!rc && c->leaders != MPI_COMM_NULL)
		MPI_Comm_set_errhandler(c->leaders, MPI_ERRORS_RETURN);
	return rc;
}

static int find_host_rank(struct qn_comm *c)
{
	int rc = MPI_Comm_set_errhandler(c->host, MPI_ERRORS_RETURN);

	if (!rc)
		rc = MPI_Comm_rank(c->host, &c->host_rank);
	return rc ? rc : MPI_Comm_size(c->host, &c->host_size);
}

static int make_ops(struct qn_comm *c)
{
	int rc = MPI_Type_contiguous(2, MPI_INT64_T, &c->pair);

	if (!rc)
		rc = MPI_Type_commit(&c->pair);
	if (!rc)
		rc = MPI_Op_create(minloc_op, 1, &c->minloc);
	return rc ? rc : MPI_Op_create(maxloc_op, 1, &c->maxloc);
}

/* The rest, when there is a communicator on which ranks can agree. */
static enum quern_status set_up(struct qn_comm *c, struct quern_message *err)
{
	static int (*const step[])(struct qn_comm * c) = {
		find_host, find_host_rank, number_hosts, find_leaders, make_ops,
	};
	enum quern_status st = QUERN_OK;

	for (size_t i = 0; !st && i < sizeof(step) / sizeof(*step); i++)
		st = conclude(c, step[i](c), "setting up the communicator", err);
	return st;
}

/* May this thread call MPI at all? What is wrong with it is so on all ranks, or these could not agree on it. */
static enum quern_status check_mpi(struct quern_message *err)
{
	int begun = 0, ended = 0, level = 0, is_main = 0;

	MPI_Initialized(&begun);
	MPI_Finalized(&ended);
	if (!begun || ended)
		return qn_error_set(err, QUERN_ERR_USAGE,
				    "a communicator, but MPI is %s: %s, or give MPI_COMM_NULL for "
				    "this process alone",
				    ended ? "at its end" : "not begun",
				    ended ? "work before MPI_Finalize"
					  : "call MPI_Init_thread first");
	MPI_Query_thread(&level);
	MPI_Is_thread_main(&is_main);
	if (level == MPI_THREAD_SINGLE)
		return qn_error_set(
			err, QUERN_ERR_USAGE,
			"MPI was begun for programs of one thread, and quern works with "
			"several: call MPI_Init_thread with MPI_THREAD_FUNNELED instead of "
			"MPI_Init");
	if (level == MPI_THREAD_FUNNELED && !is_main)
		return qn_error_set(
			err, QUERN_ERR_USAGE,
			"MPI was begun for calls of its main thread, and this is another: "
			"call MPI_Init_thread with MPI_THREAD_SERIALIZED, or with "
			"MPI_THREAD_MULTIPLE where several call at once");
	return QUERN_OK;
}

/* A communicator of its own, on which the ranks agree from then on; first they agree on `st`, and that all have
   it. Its ranks are those of its parent. */
static enum quern_status duplicate(struct qn_comm *c, MPI_Comm parent, enum quern_status st,
				   struct quern_message *err)
{
	int rc = MPI_Comm_dup(parent, &c->all);

	keep_first(&rc, MPI_Comm_rank(parent, &c->rank));
	keep_first(&rc, MPI_Comm_size(parent, &c->size));
	keep_first(&rc, MPI_Comm_get_errhandler(parent, &c->of_caller));
	if (!st)
		st = check(rc, "duplicating the communicator", err);
	/* Where one rank has none of its own, those that have cannot agree with it there. */
	st = agree_on(parent, c, st, err);
	if (st)
		return st;
	rc = MPI_Comm_set_errhandler(c->all, MPI_ERRORS_RETURN);
	return conclude(c, rc, "setting up the communicator", err);
}

static void release(struct qn_comm *c)
{
	if (c->of_caller != MPI_ERRHANDLER_NULL)
		MPI_Errhandler_free(&c->of_caller);
	if (c->maxloc != MPI_OP_NULL)
		MPI_Op_free(&c->maxloc);
	if (c->minloc != MPI_OP_NULL)
		MPI_Op_free(&c->minloc);
	if (c->pair != MPI_DATATYPE_NULL)
		MPI_Type_free(&c->pair);
	if (c->leaders != MPI_COMM_NULL)
		MPI_Comm_free(&c->leaders);
	if (c->host != MPI_COMM_NULL)
		MPI_Comm_free(&c->host);
	if (c->all != MPI_COMM_NULL)
		MPI_Comm_free(&c->all);
}

static void name_log(const struct qn_comm *c)
{
	char host[256];

	if (gethostname(host, sizeof(host)))
		snprintf(host, sizeof(host), "host%d", c->host_number);
	host[sizeof(host) - 1] = '\0';
	qn_log_name(host, c->rank);
}

enum quern_status qn_comm_new(MPI_Comm parent, struct qn_comm **out, struct quern_message *err)
{
	struct qn_comm made = { .all = MPI_COMM_NULL,
				.host = MPI_COMM_NULL,
				.leaders = MPI_COMM_NULL,
				.size = 1,
				.host_size = 1,
				.nhosts = 1,
				.pair = MPI_DATATYPE_NULL,
				.minloc = MPI_OP_NULL,
				.maxloc = MPI_OP_NULL,
				.of_caller = MPI_ERRHANDLER_NULL };
	struct qn_comm *c = qn_calloc(1, sizeof(*c));
	enum quern_status st = c ? qn_environment_begin(err)
				 : qn_error_nomem(err, sizeof(*c), "a communicator");

	if (parent != MPI_COMM_NULL) {
		const enum quern_status refused = check_mpi(err);

		/* Who has no memory for it, or is told what there is not, must not leave the others in
		   MPI_Comm_dup. */
		if (refused)
			st = st ? st : refused;
		else
			st = duplicate(&made, parent, st, err);
		if (!st)
			st = set_up(&made, err);
	}
	if (st) {
		release(&made);
		free(c);
		return st;
	}
	*c = made;
	*out = c;
	name_log(c);
	return QUERN_OK;
}

MPI_Comm qn_comm_leaders(const struct qn_comm *c)
{
	return c->leaders;
}

void qn_comm_free(struct qn_comm *c)
{
	int finalized = 0;

	if (c && !alone(c))
		MPI_Finalized(&finalized);
	if (c && !finalized)
		release(c);
	free(c);
}

static int bcast_pieces(struct qn_comm *c, void *data, size_t nbytes)
{
	int rc = 0;

	count_all(c, nbytes);
	for (size_t at = 0; !alone(c) && at < nbytes; at += PIECE_NBYTES)
		keep_first(&rc,
			   MPI_Bcast((char *)data + at, (int)qn_min_u64(nbytes - at, PIECE_NBYTES),
				     MPI_BYTE, 0, c->all));
	return rc;
}

enum quern_status qn_comm_bcast(struct qn_comm *c, void *data, size_t nbytes,
				struct quern_message *err)
{
	return conclude(c, bcast_pieces(c, data, nbytes), "a broadcast", err);
}

enum quern_status qn_comm_bcast_block(struct qn_comm *c, void *data, size_t *nbytes,
				      struct quern_message *err)
{
	uint64_t n = *nbytes;
	enum quern_status st = check(bcast_pieces(c, &n, sizeof(n)), "a broadcast", err);
	void *block;

	memcpy(&block, data, sizeof(block));
	if (!st && c->rank != 0) {
		*nbytes = n;
		block = qn_calloc(n, 1);
		if (!block)
			st = qn_error_nomem(err, n, "a broadcast");
		memcpy(data, &block, sizeof(block));
	}
	/* Who has no memory for the block must not leave the others in the broadcast. */
	st = qn_comm_agree(c, st, err);
	return st ? st : qn_comm_bcast(c, block, n, err);
}

enum quern_status qn_comm_gather(struct qn_comm *c, const void *card, size_t nbytes, void *all,
				 struct quern_message *err)
{
	if (alone(c)) {
		memcpy(all, card, nbytes);
		return QUERN_OK;
	}
	count_own(c, nbytes);
	return conclude(
		c, MPI_Gather(card, (int)nbytes, MPI_BYTE, all, (int)nbytes, MPI_BYTE, 0, c->all),
		"a gather", err);
}

/* Sends a block to rank 0 in pieces; there, takes it. */
static int move_block(struct qn_comm *c, int from, void *data, uint64_t nbytes)
{
	int rc = 0;

	for (uint64_t at = 0; at < nbytes; at += PIECE_NBYTES) {
		int n = (int)qn_min_u64(nbytes - at, PIECE_NBYTES);

		keep_first(&rc,
			   c->rank ? MPI_Send((char *)data + at, n, MPI_BYTE, 0, BLOCK_TAG, c->all)
				   : MPI_Recv((char *)data + at, n, MPI_BYTE, from, BLOCK_TAG,
					      c->all, MPI_STATUS_IGNORE));
	}
	return rc;
}

static int take_blocks(struct qn_comm *c, const void *block, char *all, const uint64_t *nbytes_of)
{
	int rc = 0;

	if (nbytes_of[0])
		memcpy(all, block, nbytes_of[0]);
	for (int r = 1; r < c->size; r++) {
		all += nbytes_of[r - 1];
		keep_first(&rc, move_block(c, r, all, nbytes_of[r]));
	}
	return rc;
}

enum quern_status qn_comm_gather_blocks(struct qn_comm *c, const void *block, size_t nbytes,
					void **all, uint64_t *nbytes_of, struct quern_message *err)
{
	uint64_t mine = nbytes, sum = 0;
	enum quern_status st = qn_comm_gather(c, &mine, sizeof(mine), nbytes_of, err);
	char *room = NULL;
	int rc;

	if (!st && c->rank == 0) {
		for (int r = 0; r < c->size; r++)
			sum += nbytes_of[r];
		room = qn_calloc(sum, 1);
		if (!room)
			st = qn_error_nomem(err, sum, "what all ranks have found");
	}
	st = qn_comm_agree(c, st, err);
	if (st)
		goto out;
	count_own(c, mine);
	rc = c->rank ? move_block(c, c->rank, (void *)block, mine)
		     : take_blocks(c, block, room, nbytes_of);
	st = conclude(c, rc, "a gather", err);
	if (!st && c->rank == 0) {
		*all = room;
		room = NULL;
	}
out:
	free(room);
	return st;
}

/* Sizes of blocks as MPI wants them, and where each begins. False: they are too large. */
static bool place_blocks(const struct qn_comm *c, const uint64_t *nbytes, int *n, int *at)
{
	uint64_t sum = 0;

	for (int r = 0; r < c->size; r++) {
		if (nbytes[r] > INT32_MAX - sum)
			return false;
		n[r] = (int)nbytes[r];
		at[r] = (int)sum;
		sum += nbytes[r];
	}
	return true;
}

static enum quern_status room_for_blocks(const struct qn_comm *c, const uint64_t *nbytes_to,
					 const uint64_t *nbytes_from, int *places, char **room,
					 struct quern_message *err)
{
	const size_t n = (size_t)c->size;
	uint64_t sum = 0;

	if (!place_blocks(c, nbytes_to, places, places + n) ||
	    !place_blocks(c, nbytes_from, places + 2 * n, places + 3 * n))
		return qn_error_set(err, QUERN_ERR_RUN,
				    "more than 2 GiB for one exchange of ranks");
	for (int r = 0; r < c->size; r++)
		sum += nbytes_from[r];
	*room = qn_alloc_aligned((size_t)qn_max_u64(sum, 1));
	return *room ? QUERN_OK : qn_error_nomem(err, sum, "what ranks exchange");
}

/* What goes to ranks of other hosts. */
static int count_exchanged(struct qn_comm *c, const uint64_t *nbytes_to)
{
	MPI_Group host = MPI_GROUP_NULL, all = MPI_GROUP_NULL;
	uint64_t far = 0;
	int rc = 0;

	if (c->nhosts == 1)
		return 0;
	for (int r = 0; r < c->size; r++)
		far += nbytes_to[r];
	rc = MPI_Comm_group(c->host, &host);
	keep_first(&rc, MPI_Comm_group(c->all, &all));
	for (int r = 0, rank; !rc && r < c->host_size; r++) {
		rc = MPI_Group_translate_ranks(host, 1, &r, all, &rank);
		far -= rc ? 0 : nbytes_to[rank];
	}
	if (host != MPI_GROUP_NULL)
		MPI_Group_free(&host);
	if (all != MPI_GROUP_NULL)
		MPI_Group_free(&all);
	qn_comm_count(c, far);
	return rc;
}

enum quern_status qn_comm_exchange(struct qn_comm *c, const void *blocks, const uint64_t *nbytes_to,
				   void **all, uint64_t *nbytes_from, struct quern_message *err)
{
	const size_t n = (size_t)c->size;
	int *places = qn_calloc(4 * n, sizeof(*places)); /* sizes, places; of what comes, too */
	char *room = NULL;
	int rc;
	enum quern_status st = places ? QUERN_OK : qn_error_nomem(err, 0, "what ranks exchange");

	*all = NULL;
	memcpy(nbytes_from, nbytes_to, n * sizeof(*nbytes_to));
	st = qn_comm_agree(c, st, err);
	if (!st && !alone(c))
		st = conclude(c,
			      MPI_Alltoall(nbytes_to, 1, MPI_UINT64_T, nbytes_from, 1, MPI_UINT64_T,
					   c->all),
			      "an exchange", err);
	if (!st)
		st = qn_comm_agree(
			c, room_for_blocks(c, nbytes_to, nbytes_from, places, &room, err), err);
	if (!st && alone(c)) {
		memcpy(room, blocks, (size_t)nbytes_to[0]);
	} else if (!st) {
		rc = count_exchanged(c, nbytes_to);
		keep_first(&rc, MPI_Alltoallv(blocks, places, places + n, MPI_BYTE, room,
					      places + 2 * n, places + 3 * n, MPI_BYTE, c->all));
		st = conclude(c, rc, "an exchange", err);
	}
	if (st)
		free(room);
	else
		*all = room;
	free(places);
	return st;
}

enum quern_status qn_comm_host_allgather(struct qn_comm *c, const void *card, size_t nbytes,
					 void *all, struct quern_message *err)
{
	if (alone(c)) {
		memcpy(all, card, nbytes);
		return QUERN_OK;
	}
	return conclude(
		c, MPI_Allgather(card, (int)nbytes, MPI_BYTE, all, (int)nbytes, MPI_BYTE, c->host),
		"an allgather", err);
}

static int make_record(size_t size, MPI_Datatype *record)
{
	int rc = MPI_Type_contiguous((int)size, MPI_BYTE, record);

	return rc ? rc : MPI_Type_commit(record);
}

/* Counts and displacements in records, as MPI wants them. */
static bool scatter_counts(const struct qn_comm *c, const uint64_t *count, int *n, int *at)
{
	uint64_t sum = 0;

	for (int r = 0; r < c->size; r++) {
		n[r] = (int)count[r];
		at[r] = (int)sum;
		sum += count[r];
		if (sum > INT32_MAX)
			return false;
	}
	return true;
}

enum quern_status qn_comm_scatterv(struct qn_comm *c, const void *all, const uint64_t *count,
				   size_t size, void *mine, uint64_t nmine,
				   struct quern_message *err)
{
	MPI_Datatype record = MPI_DATATYPE_NULL;
	int *n = NULL;
	enum quern_status st = QUERN_OK;

	if (alone(c)) {
		if (nmine)
			memcpy(mine, all, nmine * size);
		return QUERN_OK;
	}
	st = check(make_record(size, &record), "a scatter", err);
	if (!st && c->rank == 0) {
		n = qn_calloc(2 * (size_t)c->size, sizeof(*n));
		if (!n)
			st = qn_error_nomem(err, 2 * (size_t)c->size * sizeof(*n), "a scatter");
		else if (!scatter_counts(c, count, n, n + c->size))
			st = qn_error_set(err, QUERN_ERR_RUN,
					  "more than 2^31 records in one "
					  "scatter: select less of the dataset");
	}
	st = qn_comm_agree(c, st, err);
	count_own(c, nmine * size);
	if (!st)
		st = conclude(c,
			      MPI_Scatterv(all, n, n ? n + c->size : NULL, record, mine, (int)nmine,
					   record, 0, c->all),
			      "a scatter", err);
	if (record != MPI_DATATYPE_NULL)
		MPI_Type_free(&record);
	free(n);
	return st;
}

enum quern_status qn_comm_scatter(struct qn_comm *c, const void *all, size_t nbytes, void *card,
				  struct quern_message *err)
{
	if (alone(c)) {
		memcpy(card, all, nbytes);
		return QUERN_OK;
	}
	count_own(c, nbytes);
	return conclude(
		c, MPI_Scatter(all, (int)nbytes, MPI_BYTE, card, (int)nbytes, MPI_BYTE, 0, c->all),
		"a scatter", err);
}

/* Sends a block in pieces, and does not wait for the last of them. */
static int post_block(struct qn_comm *c, const char *data, uint64_t nbytes, int to,
		      MPI_Request *request)
{
	int rc = 0;

	for (; nbytes > PIECE_NBYTES; nbytes -= PIECE_NBYTES, data += PIECE_NBYTES)
		keep_first(&rc, MPI_Send(data, (int)PIECE_NBYTES, MPI_BYTE, to, BLOCK_TAG, c->all));
	keep_first(&rc, MPI_Isend(data, (int)nbytes, MPI_BYTE, to, BLOCK_TAG, c->all, request));
	return rc;
}

static int post_blocks(struct qn_comm *c, qn_comm_fill *fill, void *ctx, const int *rank,
		       const uint64_t *nbytes_of, void *const block[2])
{
	MPI_Request request[2] = { MPI_REQUEST_NULL, MPI_REQUEST_NULL };
	MPI_Status ignored[2]; /* the compiler warns of MPICH's MPI_STATUSES_IGNORE */
	int rc = 0;

	for (int h = 1; h < c->nhosts; h++) {
		int k = (h - 1) % 2;

		if (!nbytes_of[h])
			continue;
		keep_first(&rc, MPI_Wait(&request[k], MPI_STATUS_IGNORE));
		fill(ctx, h, block[k]);
		keep_first(&rc, post_block(c, block[k], nbytes_of[h], rank[h], &request[k]));
	}
	keep_first(&rc, MPI_Waitall(2, request, ignored));
	return rc;
}

static int take_block(struct qn_comm *c, char *data, uint64_t nbytes)
{
	int rc = 0;

	for (uint64_t at = 0; at < nbytes; at += PIECE_NBYTES)
		keep_first(&rc, MPI_Recv(data + at, (int)qn_min_u64(nbytes - at, PIECE_NBYTES),
					 MPI_BYTE, 0, BLOCK_TAG, c->all, MPI_STATUS_IGNORE));
	return rc;
}

enum quern_status qn_comm_scatter_blocks(struct qn_comm *c, qn_comm_fill *fill, void *ctx,
					 const int *rank, const uint64_t *nbytes_of,
					 void *const block[2], void *mine, uint64_t nmine,
					 struct quern_message *err)
{
	int rc;

	if (alone(c))
		return QUERN_OK;
	count_own(c, c->rank ? nmine : 0);
	rc = c->rank ? take_block(c, mine, nmine)
		     : post_blocks(c, fill, ctx, rank, nbytes_of, block);
	return conclude(c, rc, "a scatter", err);
}

static enum quern_status gather_alone(const void *mine, uint64_t n, size_t size, void **all,
				      struct quern_message *err)
{
	*all = qn_calloc(n, size);
	if (!*all)
		return qn_error_nomem(err, n * size, "a gather");
	if (n)
		memcpy(*all, mine, n * size);
	return QUERN_OK;
}

/* Rank 0: memory for what all bring, whose numbers it has; counts and displacements for MPI. */
static enum quern_status make_room(const struct qn_comm *c, const uint64_t *counts, size_t size,
				   int *n, uint64_t *sum, void **all, struct quern_message *err)
{
	*sum = 0;
	for (int r = 0; r < c->size; r++)
		*sum += counts[r];
	if (!scatter_counts(c, counts, n, n + c->size))
		return qn_error_set(err, QUERN_ERR_RUN, "more than 2^31 records in one gather");
	*all = qn_calloc(*sum, size);
	return *all ? QUERN_OK : qn_error_nomem(err, *sum * size, "a gather");
}

enum quern_status qn_comm_gatherv(struct qn_comm *c, const void *mine, uint64_t *n, size_t size,
				  void **all, struct quern_message *err)
{
	MPI_Datatype record = MPI_DATATYPE_NULL;
	uint64_t *counts = NULL, nmine = *n;
	int *places = NULL;
	enum quern_status st;

	*all = NULL;
	if (alone(c))
		return gather_alone(mine, nmine, size, all, err);
	*n = 0;
	st = check(make_record(size, &record), "a gather", err);
	if (!st && c->rank == 0) {
		counts = qn_calloc((size_t)c->size, sizeof(*counts));
		places = qn_calloc(2 * (size_t)c->size, sizeof(*places));
		if (!counts || !places)
			st = qn_error_nomem(err, (size_t)c->size * sizeof(*counts), "a gather");
	}
	st = qn_comm_agree(c, st, err);
	if (!st)
		st = qn_comm_gather(c, &nmine, sizeof(nmine), counts, err);
	if (!st && c->rank == 0)
		st = make_room(c, counts, size, places, n, all, err);
	st = qn_comm_agree(c, st, err);
	count_own(c, nmine * size);
	if (!st)
		st = conclude(c,
			      MPI_Gatherv(mine, (int)nmine, record, *all, places,
					  places ? places + c->size : NULL, record, 0, c->all),
			      "a gather", err);
	if (record != MPI_DATATYPE_NULL)
		MPI_Type_free(&record);
	free(counts);
	free(places);
	return st;
}

enum quern_status qn_comm_send(struct qn_comm *c, int to, const void *data, size_t nbytes,
			       struct quern_message *err)
{
	int rc = 0;

	qn_comm_count(c, c->nhosts > 1 ? nbytes : 0);
	for (size_t at = 0; at < nbytes; at += PIECE_NBYTES)
		keep_first(&rc, MPI_Send((const char *)data + at,
					 (int)qn_min_u64(nbytes - at, PIECE_NBYTES), MPI_BYTE, to,
					 PAIR_TAG, c->all));
	return check(rc, "a message", err);
}

enum quern_status qn_comm_recv(struct qn_comm *c, int from, void *data, size_t nbytes,
			       struct quern_message *err)
{
	int rc = 0;

	for (size_t at = 0; at < nbytes; at += PIECE_NBYTES)
		keep_first(&rc,
			   MPI_Recv((char *)data + at, (int)qn_min_u64(nbytes - at, PIECE_NBYTES),
				    MPI_BYTE, from, PAIR_TAG, c->all, MPI_STATUS_IGNORE));
	return check(rc, "a message", err);
}

static int reduce_piece(struct qn_comm *c, int64_t *words, int n, MPI_Datatype type, MPI_Op op)
{
	if (c->rank == 0)
		return MPI_Reduce(MPI_IN_PLACE, words, n, type, op, 0, c->all);
	return MPI_Reduce(words, NULL, n, type, op, 0, c->all);
}

enum quern_status qn_comm_reduce(struct qn_comm *c, int64_t *words, size_t nwords, enum quern_op op,
				 struct quern_message *err)
{
	bool pairs = op == QUERN_MINLOC || op == QUERN_MAXLOC;
	size_t step = PIECE_NBYTES / sizeof(*words);
	int rc = 0;

	count_all(c, nwords * sizeof(*words));
	for (size_t at = 0; !alone(c) && at < nwords; at += step) {
		int n = (int)qn_min_u64(nwords - at, step);
		MPI_Op ops[] = { [QUERN_SUM] = MPI_SUM,	     [QUERN_EXACT] = MPI_SUM,
				 [QUERN_MIN] = MPI_MIN,	     [QUERN_MAX] = MPI_MAX,
				 [QUERN_MINLOC] = c->minloc, [QUERN_MAXLOC] = c->maxloc };

		keep_first(&rc, reduce_piece(c, words + at, pairs ? n / 2 : n,
					     pairs ? c->pair : MPI_INT64_T, ops[op]));
	}
	return conclude(c, rc, "a reduction", err);
}

/* Any number of words from or to a rank, in messages that an int can count. */
static int move_words(struct qn_comm *c, int64_t *words, size_t nwords, int rank, bool send)
{
	const size_t step = PIECE_NBYTES / sizeof(*words);
	int rc = 0;

	for (size_t at = 0; at < nwords; at += step) {
		const int n = (int)qn_min_u64(nwords - at, step);

		keep_first(&rc, send ? MPI_Send(words + at, n, MPI_INT64_T, rank, 0, c->all)
				     : MPI_Recv(words + at, n, MPI_INT64_T, rank, 0, c->all,
						MPI_STATUS_IGNORE));
	}
	return rc;
}

/*
 * A binomial tree: in round k the ranks that are odd multiples of 2^k hand what they have to the rank
 * 2^k below and are done. An MPI_Op is not told how long an entry is, and sees lists in pieces.
 */
static int reduce_lists(struct qn_comm *c, int64_t *words, int64_t *other, size_t nwords,
			size_t width, qn_entries_merge *merge)
{
	int rc = 0;

	for (int bit = 1; bit < c->size; bit *= 2) {
		if (c->rank & bit) {
			keep_first(&rc, move_words(c, words, nwords, c->rank - bit, true));
			break;
		}
		if (c->rank + bit >= c->size)
			continue;
		keep_first(&rc, move_words(c, other, nwords, c->rank + bit, false));
		if (!rc)
			merge(words, other, nwords, width);
	}
	return rc;
}

enum quern_status qn_comm_reduce_entries(struct qn_comm *c, int64_t *words, size_t nwords,
					 size_t width, qn_entries_merge *merge,
					 struct quern_message *err)
{
	enum quern_status st = QUERN_OK;
	int64_t *other;

	if (alone(c))
		return QUERN_OK;
	other = qn_alloc_aligned(nwords * sizeof(*other));
	if (!other)
		st = qn_error_nomem(err, nwords * sizeof(*other), "another rank's list");
	st = qn_comm_agree(c, st, err);
	count_all(c, nwords * sizeof(*words));
	if (!st)
		st = conclude(c, reduce_lists(c, words, other, nwords, width, merge), "a reduction",
			      err);
	free(other);
	return st;
}

void qn_comm_host_barrier(struct qn_comm *c)
{
	if (!alone(c))
		MPI_Barrier(c->host);
}

enum quern_status qn_comm_agree(struct qn_comm *c, enum quern_status mine,
				struct quern_message *err)
{
	return agree_on(c->all, c, mine, err);
}

static enum quern_status share_alone(struct qn_shared *s, size_t nbytes, struct quern_message *err)
{
	s->base[0] = qn_alloc_aligned(nbytes);
	if (!s->base[0])
		return qn_error_nomem(err, nbytes, "the queue of work");
	memset(s->base[0], 0, nbytes);
	return QUERN_OK;
}

static enum quern_status share_host(struct qn_shared *s, struct qn_comm *c, size_t nbytes,
				    struct quern_message *err)
{
	/* One more line, because the window aligns the segments less than we want. */
	MPI_Aint room = (MPI_Aint)(qn_ceil_div(nbytes, CACHE_LINE) + 1) * CACHE_LINE;
	void *mine;
	int rc = MPI_Win_allocate_shared(room, 1, MPI_INFO_NULL, c->host, &mine, &s->win);
	enum quern_status st = conclude(c, rc, "allocating shared memory", err);

	/* Freeing one would wait for those who have none: it is left to MPI. */
	if (st) {
		s->win = MPI_WIN_NULL;
		return st;
	}
	for (int r = 0; r < s->nranks; r++) {
		MPI_Aint size;
		int unit;

		keep_first(&rc, MPI_Win_shared_query(s->win, r, &size, &unit, &s->base[r]));
		s->base[r] = (char *)s->base[r] + (-(uintptr_t)s->base[r] & (CACHE_LINE - 1));
	}
	if (!rc)
		memset(s->base[c->host_rank], 0, nbytes);
	keep_first(&rc, MPI_Barrier(c->host));
	return conclude(c, rc, "allocating shared memory", err);
}

enum quern_status qn_shared_new(struct qn_comm *c, size_t nbytes, struct qn_shared **out,
				struct quern_message *err)
{
	struct qn_shared *s = qn_calloc(1, sizeof(*s));
	enum quern_status st = QUERN_OK;

	if (s)
		s->base = qn_calloc((size_t)c->host_size, sizeof(*s->base));
	if (!s || !s->base)
		st = qn_error_nomem(err, sizeof(*s), "shared memory");
	/* Who has no memory must not leave the others in the window's allocation. */
	st = qn_comm_agree(c, st, err);
	if (st) {
		if (s)
			free(s->base);
		free(s);
		return st;
	}
	s->win = MPI_WIN_NULL;
	s->nranks = c->host_size;
	st = alone(c) ? share_alone(s, nbytes, err) : share_host(s, c, nbytes, err);
	if (st)
		qn_shared_free(s);
	else
		*out = s;
	return st;
}

void *qn_shared_of(const struct qn_shared *s, int host_rank)
{
	return s->base[host_rank];
}

void qn_shared_free(struct qn_shared *s)
{
	if (!s)
		return;
	if (s->win != MPI_WIN_NULL)
		MPI_Win_free(&s->win);
	else
		free(s->base[0]);
	free(s->base);
	free(s);
}

void qn_comm_library(char *out, size_t nbytes)
{
	char text[MPI_MAX_LIBRARY_VERSION_STRING];
	int length;

	if (MPI_Get_library_version(text, &length))
		snprintf(text, sizeof(text), "MPI");
	text[strcspn(text, ",\n")] = 0;
	snprintf(out, nbytes, "%s", text);
}
