/*
 * launch.h - the command that is supervised: which launcher, which hosts, how many ranks, and the same command
 * on fewer hosts. Nothing is started here.
 */
#ifndef QN_SUPERVISE_LAUNCH_H
#define QN_SUPERVISE_LAUNCH_H

#include "base/error.h"
#include "base/names.h"
#include "supervise/roster.h"

enum qn_launcher { QN_NO_LAUNCHER, QN_MPIRUN, QN_SRUN };

/* What the environment says of a job of Slurm; NULL: it does not. */
struct qn_allocation {
	const char *nodes, *tasks, *nranks;
};

struct qn_launch {
	enum qn_launcher launcher;
	int argc;
	char *const *argv;	 /* borrowed */
	int at, program;	 /* the words of the launcher and of quern; `run` is behind it */
	int nranks;		 /* 0: not said */
	struct qn_roster hosts;	 /* none: this one alone */
	bool is_allocated;	 /* the hosts are those of a job of Slurm */
	const char *host_option; /* by which hosts are named to the launcher */
	const char *agent;	 /* by which the command has hosts reached; NULL: it does not say */
	const char
		*journal; /* to be told to the run, which does not say it itself; NULL: it does */
};

/*
 * Reads the words of a command, which it keeps. journal: of the environment, or NULL. QUERN_ERR_USAGE: it is no
 * `quern run` with a journal, or cannot be had on fewer hosts. Freed with qn_launch_fini whatever is returned.
 */
enum quern_status qn_launch_init(struct qn_launch *l, int argc, char *const *argv,
				 const struct qn_allocation *slurm, const char *journal,
				 struct quern_message *err);
void qn_launch_fini(struct qn_launch *l);

/* The words of the command for the hosts that are `kept`, one a host; on all it is as it was. */
enum quern_status qn_launch_words(const struct qn_launch *l, const bool *kept,
				  struct qn_names *words, struct quern_message *err);

#endif
