/*
 * team.h - who computes: the ranks, where each of them runs and with what threads, and what the site
 * says of their hosts.
 */
#ifndef QN_CLUSTER_TEAM_H
#define QN_CLUSTER_TEAM_H

#include <stdatomic.h>

#include "base/names.h"
#include "cluster/comm.h"
#include "cluster/place.h"
#include "cluster/site.h"
#include "cluster/topo.h"

/* Called on rank 0 a few times a second while there is work. False: it is to end. */
typedef bool qn_progress_fn(void *ctx, int pass, uint64_t done, uint64_t total);

/* What a user may say of it. The same on all ranks. */
struct qn_team_settings {
	int64_t nthreads;  /* of each rank; 0: its share of the permitted cores */
	enum qn_bind bind; /* unless the host is oversubscribed */
	const char *site;  /* borrows: a file (site.h), or NULL */
};

struct qn_standing;

struct qn_team {
	struct qn_standing *standing; /* whose all that is owned is but places; NULL: its own */
	struct qn_comm *comm;	      /* borrows */
	qn_progress_fn *progress;     /* NULL: none */
	void *progress_ctx;
	const atomic_bool
		*interrupted; /* of this rank, by whoever wants no more of it; NULL: nobody can */

	struct qn_topo *topo; /* owned: of this host */
	struct qn_cpus slice; /* the cores of this rank */
	bool oversubscribed;
	enum qn_bind bind;
	struct qn_place place;	 /* of this rank */
	struct qn_place *places; /* rank 0: owned, of all ranks */
	char host[64], cpus[64]; /* the name of this one; the slice, as a list */
	struct qn_names hosts;	 /* rank 0: their names, by number */
	struct qn_site site;
};

/* Finds out all but what is borrowed: comm, progress and interrupted are given, the rest of *t is zeroed. Every rank
   returns the same status. The caller frees with qn_team_fini, whatever is returned. Collective. */
enum quern_status qn_team_form(struct qn_team *t, const struct qn_team_settings *s,
			       struct quern_message *err);
/* Tells rank 0 the places anew, after threads of ranks have changed. Collective. */
enum quern_status qn_team_update(struct qn_team *t, struct quern_message *err);
void qn_team_fini(struct qn_team *t);

/*
 * A team that stays formed for one run after the other. *now: that of the last settings, NULL before the first;
 * it is formed anew where these are others. *t, given as for qn_team_form, shares it, and may outlive *now; places
 * are its own, for a run may come to fewer threads. Every rank returns the same status. The caller frees with
 * qn_team_fini, whatever is returned. Collective.
 */
enum quern_status qn_team_join(struct qn_standing **now, const struct qn_team_settings *s,
			       struct qn_team *t, struct quern_message *err);
/* Not collective. Teams that share it may be freed after it, by any thread. */
void qn_standing_release(struct qn_standing *s);

#endif
