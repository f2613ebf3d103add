/*
 * stage_impl.h - what the parts of staging share. Included in this folder only.
 *
 *	stage.c		a file from its description to its catalog
 *	cut.c	what is staged, and the shards
 *	hosts.c	the hosts, and what is there already
 *	directory.c	the directory to stage to
 *	lock.c	one staging at a time
 *	shard.c	one copy: making it, looking at it
 *	sums.c	what was made before an interruption
 *	move.c	copies from host to host
 *	keep.c	a catalog that is there: finding it, verifying, removing
 *	progress.c	how far it is
 *	repair.c	repairing and spreading anew
 */
#ifndef QN_STAGE_STAGE_IMPL_H
#define QN_STAGE_STAGE_IMPL_H

#include "stage/stage.h"

#define QN_PLAN_NBYTES (1u << 24) /* of the text of a plan */

/* The hosts, on all ranks. */
struct qn_hosts {
	int n, mine;		      /* numbers as of qn_comm_host */
	char (*name)[QN_HOST_NBYTES]; /* owned */
	int *first;		      /* owned, n + 1: where the ranks of each begin in */
	int *rank;		      /* owned: by host, and there by rank of the host */
};

enum quern_status qn_hosts_init(struct qn_comm *c, struct qn_hosts *h, struct quern_message *err);
void qn_hosts_fini(struct qn_hosts *h);
/* The rank that works on the k-th copy of a host. */
int qn_hosts_worker(const struct qn_hosts *h, int host, uint64_t k);
/* The host of a name, or -1. */
int qn_hosts_find(const struct qn_hosts *h, const char *name);

/* A block that rank 0 has, on all ranks: owned. st: rank 0's so far. Collective. */
enum quern_status qn_stage_share(struct qn_comm *c, enum quern_status st, void *data,
				 size_t *nbytes, struct quern_message *err);
/* Rank 0's catalog on all ranks. Collective. */
enum quern_status qn_stage_share_catalog(struct qn_comm *c, enum quern_status st,
					 struct qn_catalog *catalog, struct quern_message *err);

/* The datasets that are staged, on all ranks, with their chunks. */
struct qn_stage_source {
	uint32_t n;
	struct qn_dataset *dataset; /* owned */
};

void qn_stage_source_fini(struct qn_stage_source *s);
/* Rank 0: what is to be staged of a file, and its shards without homes or entries. */
enum quern_status qn_stage_cut(const struct qn_stager *s, const char *file, int nhosts,
			       struct qn_stage_source *subject, struct qn_catalog *catalog,
			       struct quern_message *err);
/* Rank 0: homes for all shards; the numbers of hosts become those of the catalog. */
void qn_stage_give_homes(struct qn_catalog *catalog, const struct qn_hosts *hosts);
enum quern_status qn_stage_share_subject(struct qn_comm *c, struct qn_stage_source *s,
					 struct quern_message *err);

/* What a host has, before anything is written. */
enum qn_state { QN_ABSENT, QN_SAME, QN_FOREIGN };
struct qn_host_view {
	uint32_t source; /* enum qn_state: the file to be staged */
	uint32_t catalog, plan;
	uint32_t is_alien; /* the folder has no plan of quern's */
	int32_t why_not;   /* the catalog or the plan cannot be looked at: errno */
	uint64_t nbad;	   /* the catalog is QN_SAME: copies of this host that are not as listed */
	int64_t time_ns;   /* of the plan, or of the catalog without one */
	uint64_t free_nbytes;
};

/* The text of a plan but its last line, which is the time. Owned. */
char *qn_stage_plan_text(const struct qn_catalog *c);
/* host: the name of this one. Changes nothing. */
void qn_stage_look(const struct qn_catalog *c, const char *plan, const char *host,
		   struct qn_host_view *out);
char *qn_stage_plan_file(const char *catalog);

/* May the directory of a catalog be used, or made, on all hosts? Changes nothing. option: before its name
   in messages. Collective. */
enum quern_status qn_stage_check_directory(struct qn_comm *c, const char *catalog,
					   const char *option, struct quern_message *err);
/* Makes it where it is not there, and finds out whether each host has its own. Collective. */
enum quern_status qn_stage_make_directory(struct qn_comm *c, const struct qn_catalog *catalog,
					  const char *option, struct quern_message *err);

/* Has the directory of a catalog on all hosts, each its own, and the folder of shards locked in it.
   option: for messages. *fd: for qn_stage_unlock, whatever comes of it. Collective. */
enum quern_status qn_stage_enter(struct qn_comm *c, const struct qn_catalog *catalog,
				 const char *option, int *fd, struct quern_message *err);
/* Locks the folder of shards, which is made with these rights; NULL: none need be there. Collective. */
enum quern_status qn_stage_lock(struct qn_comm *c, const char *catalog,
				const struct qn_rights *rights, int *fd, struct quern_message *err);
/* Not collective. */
void qn_stage_unlock(const char *catalog, int *fd);
char *qn_stage_directory(const char *catalog); /* owned */

/* A shard as it was made; nbytes 0: it was not. */
struct qn_made {
	uint64_t nbytes;
	struct qn_sum sum;
};

char *qn_stage_sums_file(const char *catalog); /* owned */
/* Notes that a shard is in its place. Not collective. */
enum quern_status qn_stage_sums_add(const struct qn_catalog *c, uint32_t shard, uint64_t nbytes,
				    const struct qn_sum *sum, struct quern_message *err);
/* What was noted on this host, by shard: owned, NULL without memory. */
struct qn_made *qn_stage_sums_load(const struct qn_catalog *c);

/* A copy of a shard as it was found: what the catalog will have of it. */
struct qn_found_copy {
	uint32_t shard;
	struct qn_shard what;	/* nbytes, sum, nchunks, chunk */
	struct qn_entry *entry; /* owned */
};

/* Not collective: */
enum quern_status qn_shard_make(struct qn_stager *s, const struct qn_dataset *d,
				const struct qn_catalog *c, uint32_t shard,
				struct qn_found_copy *out, struct quern_message *err);
/* Reads a copy that is there. path: of the dataset. */
enum quern_status qn_shard_read(const char *file, const char *path, struct qn_found_copy *out,
				struct quern_message *err);
/* Whether a file has the size and the time of a shard; nbytes 0: any size. QN_ABSENT: errno says why. */
enum qn_state qn_shard_is(const char *file, uint64_t nbytes, int64_t time_ns);
/* Compares a copy with the catalog. */
void qn_shard_check(struct qn_stager *s, const struct qn_catalog *c, uint32_t shard,
		    struct qn_copy *out);
/* The sum and size of a file. */
enum quern_status qn_shard_sum(struct qn_stager *s, const char *file, struct qn_sum *sum,
			       uint64_t *nbytes, struct quern_message *err);

/* A copy that goes from a rank to another. */
struct qn_transfer {
	uint32_t shard;
	int32_t from, to;
};

/* Carries out all transfers, which are the same on all ranks, of shards whose size and sum the catalog
   has; the hosts that are to have them have the folder. Collective. */
enum quern_status qn_stage_move(struct qn_stager *s, const struct qn_catalog *c,
				const struct qn_transfer *t, size_t n, struct quern_message *err);

/* Puts a file, which rank 0 has in memory, in its place on every host, with the folder of shards.
   Collective. */
enum quern_status qn_stage_put_catalog(struct qn_comm *c, const struct qn_catalog *catalog,
				       void **image, size_t *nbytes, int64_t time_ns,
				       struct quern_message *err);
/* Makes the folder of shards. Not collective. */
enum quern_status qn_stage_make_folder(const struct qn_catalog *c, struct quern_message *err);

/* The copies of all ranks on rank 0, added to `out`. Collective. */
enum quern_status qn_stage_gather(struct qn_comm *c, const struct qn_copy *mine, uint64_t n,
				  struct qn_staged *out, struct quern_message *err);
/* The newest catalog of that name that a host has, on all ranks; the reason QN_NO_FILE of an error: no host
   has anything of that name. *image (NULL: not wanted) is the file
   on rank 0, owned. Collective. */
enum quern_status qn_stage_find(struct qn_comm *c, const char *file, struct qn_catalog *catalog,
				void **image, size_t *nbytes, struct quern_message *err);
/* Looks at the copies on all hosts: those that are listed, and those that are there. *copy: on all
   ranks, owned. Collective. */
enum quern_status qn_stage_survey(struct qn_stager *s, const struct qn_hosts *hosts,
				  const struct qn_catalog *c, struct qn_copy **copy, uint64_t *n,
				  struct quern_message *err);

/* So many bytes are done. Tells of it a few times a second, and at the end. */
void qn_stage_progress(struct qn_stager *s, uint64_t more_nbytes);
int64_t qn_stage_now_ns(void);

#endif
