/*
 * comm.h - the ranks of a run: a private communicator, its hosts, and the few collectives that the
 * engine uses. Without MPI (a singleton) the same functions do nothing or copy, so callers have one
 * path.
 *
 * Every function here is collective on the communicator unless it says otherwise, and only the
 * thread that made the communicator may call it. Those that return a status return the same on all
 * ranks, with the same message, whatever failed and wherever: so a chain of them needs no qn_comm_agree
 * between, and only what a rank does for itself does, before the next collective. When MPI does not
 * carry the verdict either, nothing can be agreed on: the error handler of the parent is called, and if
 * that comes back this rank alone returns a failure.
 */
#ifndef QN_CLUSTER_COMM_H
#define QN_CLUSTER_COMM_H

#include "base/error.h"

struct qn_comm;

int qn_comm_rank(const struct qn_comm *c); /* not collective, like all of these */
int qn_comm_size(const struct qn_comm *c);
int qn_comm_host_rank(const struct qn_comm *c); /* among the ranks of this host */
int qn_comm_host_size(const struct qn_comm *c);
int qn_comm_host(const struct qn_comm *c); /* hosts are numbered by their lowest rank */
int qn_comm_nhosts(const struct qn_comm *c);
/* Bytes of messages between this rank's host and others so far; summed over the ranks, what this
   program had the network carry. What MPI adds for itself is not in it. */
uint64_t qn_comm_crossed(const struct qn_comm *c);
void qn_comm_count_anew(struct qn_comm *c); /* from 0 */
double qn_comm_wtime(void);		    /* seconds, monotonic */

/* Collective; after MPI_Finalize, when there is nothing left of MPI to free, not. */
void qn_comm_free(struct qn_comm *c);

/* Rank 0's bytes to all. nbytes is the same everywhere and may exceed 2 GiB. */
enum quern_status qn_comm_bcast(struct qn_comm *c, void *data, size_t nbytes,
				struct quern_message *err);

/* Rank 0's owned block of any size to all. data: the address of a pointer to it, which on the others is set
   to owned memory, and *nbytes with it. */
enum quern_status qn_comm_bcast_block(struct qn_comm *c, void *data, size_t *nbytes,
				      struct quern_message *err);

/* A card of nbytes from each rank, in rank order, to `all` on rank 0 (NULL elsewhere). */
enum quern_status qn_comm_gather(struct qn_comm *c, const void *card, size_t nbytes, void *all,
				 struct quern_message *err);

/* A block of any size from each rank: on rank 0 *all is owned memory with the blocks in rank
   order and nbytes_of[r] (room for each rank) tells their sizes. Elsewhere both are left alone. */
enum quern_status qn_comm_gather_blocks(struct qn_comm *c, const void *block, size_t nbytes,
					void **all, uint64_t *nbytes_of, struct quern_message *err);

/* A block of any size from each rank to each: `blocks` has them in rank order, nbytes_to[r] that for rank r. *all is
   owned memory with those for this rank, of nbytes_from[r] (room for each rank) bytes. Of a rank all
   blocks together are below 2 GiB. */
enum quern_status qn_comm_exchange(struct qn_comm *c, const void *blocks, const uint64_t *nbytes_to,
				   void **all, uint64_t *nbytes_from, struct quern_message *err);

/* A card from each rank, to every rank of its host. */
enum quern_status qn_comm_host_allgather(struct qn_comm *c, const void *card, size_t nbytes,
					 void *all, struct quern_message *err);

/* A card of nbytes to each rank; `all` (rank 0) holds them in rank order. */
enum quern_status qn_comm_scatter(struct qn_comm *c, const void *all, size_t nbytes, void *card,
				  struct quern_message *err);

/*
 * A block of any size from rank 0 to the lowest rank of every other host. On rank 0: rank[h] is that
 * rank, nbytes_of[h] the size for host h, and fill writes the block of a host, while the one before
 * it is on its way: block holds two buffers that are large enough (the second matters from three
 * hosts on). On the ranks that get one, mine has room for nmine bytes, which is known beforehand; on
 * all others nmine is 0.
 */
typedef void qn_comm_fill(void *ctx, int host, void *block);
enum quern_status qn_comm_scatter_blocks(struct qn_comm *c, qn_comm_fill *fill, void *ctx,
					 const int *rank, const uint64_t *nbytes_of,
					 void *const block[2], void *mine, uint64_t nmine,
					 struct quern_message *err);

/* count[r] records of `size` bytes to rank r; `all` (rank 0) holds them in rank order; `mine` has
   room for this rank's. count matters on rank 0 only; nmine is this rank's, known beforehand. */
enum quern_status qn_comm_scatterv(struct qn_comm *c, const void *all, const uint64_t *count,
				   size_t size, void *mine, uint64_t nmine,
				   struct quern_message *err);

/* Records of `size` bytes from every rank to rank 0, in rank order. *n: how many this rank has; on
   rank 0 then how many all have, in *all, which is owned memory (elsewhere NULL and 0). */
enum quern_status qn_comm_gatherv(struct qn_comm *c, const void *mine, uint64_t *n, size_t size,
				  void **all, struct quern_message *err);

/* A rank's bytes to another: one calls send, the other recv with as many. Not collective, and what one
   returns the other need not: both have gone through all bytes. */
enum quern_status qn_comm_send(struct qn_comm *c, int to, const void *data, size_t nbytes,
			       struct quern_message *err);
enum quern_status qn_comm_recv(struct qn_comm *c, int from, void *data, size_t nbytes,
			       struct quern_message *err);

/* MPI_Reduce to rank 0, in place there, with the operation of a state's segment. */
enum quern_status qn_comm_reduce(struct qn_comm *c, int64_t *words, size_t nwords, enum quern_op op,
				 struct quern_message *err);

/* The same for a segment of entries, on all ranks in order: merge is qn_least_merge (base/least.h) or qn_tally_merge
   (base/tally.h). */
typedef void qn_entries_merge(int64_t *into, const int64_t *from, size_t nwords, size_t width);
enum quern_status qn_comm_reduce_entries(struct qn_comm *c, int64_t *words, size_t nwords,
					 size_t width, qn_entries_merge *merge,
					 struct quern_message *err);

/* All ranks wait for the ranks of their host. Collective on the host. */
void qn_comm_host_barrier(struct qn_comm *c);

/*
 * The verdict: every rank brings its status and message; if any failed, all return the status of
 * the lowest failing rank, with its message.
 */
enum quern_status qn_comm_agree(struct qn_comm *c, enum quern_status mine,
				struct quern_message *err);

/*
 * Memory shared by the ranks of a host: each brings nbytes (zeroed, aligned to 64 bytes), all can
 * reach all. Plain memory with C11 atomics: a target need not be in MPI.
 */
struct qn_shared;
enum quern_status qn_shared_new(struct qn_comm *c, size_t nbytes, struct qn_shared **out,
				struct quern_message *err);
void *qn_shared_of(const struct qn_shared *s, int host_rank); /* not collective */
void qn_shared_free(struct qn_shared *s);

/* "Open MPI 4.1.4", owned by the library; works before MPI_Init. Not collective. */
void qn_comm_library(char *out, size_t nbytes);

#endif
