/*
 * stage.h - spreading the datasets of a file over the disks of the hosts, with replicas, and what
 * comes after: verifying, repairing, removing.
 *
 * Every host has DIR/NAME, the catalog, and in DIR/NAME.shards its shards (data/catalog.h). Copies of
 * a shard have the same name, bytes and time of change on all hosts. All is written beside its place,
 * synced and renamed, the catalog last. While it is under way, DIR/NAME.shards/plan says what is being
 * staged; the same command then takes what is there and goes on.
 */
#ifndef QN_STAGE_STAGE_H
#define QN_STAGE_STAGE_H

#include "cluster/comm.h"
#include "data/catalog.h"
#include "cluster/team.h"

/* What became of a copy of a shard. */
enum qn_fate {
	QN_PLANNED,
	QN_MADE,
	QN_KEPT,
	QN_SENT,
	QN_WHOLE,
	QN_DAMAGED,
	QN_MISSING,
	QN_CHANGED,
	QN_REMOVED,
	QN_LEFT,
	QN_COPY_UNSEEN,
	QN_LOST,
	QN_UNREADABLE,
	QN_NFATES
};
const char *qn_fate_name(enum qn_fate fate);

struct qn_copy {
	uint32_t shard, fate;
	char host[QN_HOST_NBYTES];
	uint64_t nbytes;
	uint64_t nbad;	       /* QN_DAMAGED: chunks, the first of which is at this address; */
	uint64_t number, addr; /* 0: it is not in a chunk */
	int32_t why;	       /* QN_LEFT, QN_UNREADABLE: errno, or 0: it is another file */
};

/* One file or catalog, as rank 0 has it in the end. */
struct qn_staged {
	struct qn_catalog catalog;
	bool was_there; /* nothing was to be done */
	bool is_source; /* after a repair: the staged file is there, be it changed */
	size_t ncopies;
	struct qn_copy *copy; /* owned */
};

/* What a user asks for, on all ranks. Texts are borrowed, and NULL where nothing is said. */
struct qn_stage_settings {
	const char *dataset; /* names; NULL: all that are large */
	const char *to;	     /* a directory on each host */
	const char *cut;     /* the dimension along which shards are cut */
	int64_t nreplicas;   /* of each shard */
	uint64_t nshards;    /* of a dataset, for each host */
	bool is_dry;	     /* nothing is written */
};

struct qn_stager {
	struct qn_comm *comm; /* borrows */
	struct qn_stage_settings settings;
	qn_progress_fn *progress; /* rank 0: NULL or told of its own share */
	void *progress_ctx;
	bool is_cancelled; /* by it, on rank 0: shards that are being made are given up */
	int number;	   /* of the file, for progress */
	uint64_t done_nbytes, total_nbytes;
	double told;	 /* when progress was told last: qn_comm_wtime */
	bool notes_sums; /* of shards when they are made, for who goes on */
	uint64_t *
		planned_nbytes; /* rank 0: by host, of files before this one whose staging is dry */
};

/* Each fills *out on rank 0, freed by the caller with qn_staged_fini whatever is returned. Collective;
   every rank returns the same status. */

/* Are the settings what a staging can go by, whatever the file? On all ranks the same; not collective. */
enum quern_status qn_stage_check(const struct qn_stager *s, struct quern_message *err);
/* Stages a file. QUERN_ERR_USAGE: something else is where it should go. */
enum quern_status qn_stage_file(struct qn_stager *s, const char *file, struct qn_staged *out,
				struct quern_message *err);
/* Compares all copies with their sums. Damage is told by the copies and is no failure. */
enum quern_status qn_stage_verify(struct qn_stager *s, const char *catalog, struct qn_staged *out,
				  struct quern_message *err);
/* Makes what is missing or damaged anew, and spreads copies over the hosts that there are. */
enum quern_status qn_stage_repair(struct qn_stager *s, const char *catalog, struct qn_staged *out,
				  struct quern_message *err);
/* Removes what a catalog lists, and what was staged of it when it is not there yet. */
enum quern_status qn_stage_remove(struct qn_stager *s, const char *catalog, struct qn_staged *out,
				  struct quern_message *err);
void qn_staged_fini(struct qn_staged *s);

/* QUERN_ERR_INTERRUPTED where the progress has cancelled it. Not collective. */
enum quern_status qn_stage_check_cancelled(const struct qn_stager *s, struct quern_message *err);

#endif
