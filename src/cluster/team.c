#include "cluster/team.h"

#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/log.h"
#include "base/mem.h"

/* This rank's slice of its host's cores, threads and binding. Collective. */
static enum quern_status take_slice(struct qn_team *t, const struct qn_team_settings *s,
				    struct quern_message *err)
{
	int nranks = qn_comm_host_size(t->comm), ncores;
	struct qn_cpus permitted, *all = qn_calloc((size_t)nranks, sizeof(*all));
	enum quern_status st = QUERN_OK;
	bool oversubscribed = false;

	if (!all)
		st = qn_error_nomem(err, (size_t)nranks * sizeof(*all), "the host's cores");
	st = qn_comm_agree(t->comm, st, err);
	if (!st) {
		qn_topo_permitted(t->topo, &permitted);
		st = qn_comm_host_allgather(t->comm, &permitted, sizeof(permitted), all, err);
	}
	if (!st) {
		ncores = qn_topo_slice(t->topo, all, nranks, qn_comm_host_rank(t->comm), &t->slice,
				       &oversubscribed);
		t->place.nthreads = (uint32_t)(s->nthreads ? s->nthreads : ncores);
		t->oversubscribed = oversubscribed || (int)t->place.nthreads > ncores;
		t->bind = t->oversubscribed ? QN_BIND_NONE : s->bind;
		t->place.host = (uint32_t)qn_comm_host(t->comm);
		t->place.node = (uint32_t)qn_topo_node_of(t->topo, &t->slice);
	}
	free(all);
	return st;
}

static void name_host(struct qn_team *t)
{
	if (gethostname(t->host, sizeof(t->host) - 1))
		snprintf(t->host, sizeof(t->host), "host%u", t->place.host);
	qn_cpus_format(&t->slice, t->cpus, sizeof(t->cpus));
}

/* Names of the hosts, from the first rank of each: rank 0's. Collective. */
static enum quern_status gather_hosts(struct qn_team *t, struct quern_message *err)
{
	bool leads = qn_comm_host_rank(t->comm) == 0;
	uint64_t *sizes = qn_calloc((size_t)qn_comm_size(t->comm), sizeof(*sizes)), sum = 0;
	void *all = NULL;
	enum quern_status st = sizes ? QUERN_OK : qn_error_nomem(err, 0, "sizes");

	st = qn_comm_agree(t->comm, st, err);
	if (!st)
		st = qn_comm_gather_blocks(t->comm, t->host, leads ? strlen(t->host) + 1 : 0, &all,
					   sizes, err);
	for (int r = 0; all && r < qn_comm_size(t->comm); r++)
		sum += sizes[r];
	if (!st && all)
		st = qn_names_unpack(&t->hosts, all, sum, err);
	free(all);
	free(sizes);
	return st;
}

enum quern_status qn_team_update(struct qn_team *t, struct quern_message *err)
{
	return qn_comm_gather(t->comm, &t->place, sizeof(t->place), t->places, err);
}

static enum quern_status gather_places(struct qn_team *t, struct quern_message *err)
{
	size_t nranks = (size_t)qn_comm_size(t->comm);
	enum quern_status st = QUERN_OK;

	if (qn_comm_rank(t->comm) == 0) {
		t->places = qn_calloc(nranks, sizeof(*t->places));
		if (!t->places)
			st = qn_error_nomem(err, nranks * sizeof(*t->places), "cards");
	}
	st = qn_comm_agree(t->comm, st, err);
	return st ? st : qn_team_update(t, err);
}

static void log_place(const struct qn_team *t)
{
	static const char *const bound_to[] = {
		[QN_BIND_NONE] = "nothing", [QN_BIND_CORE] = "cores", [QN_BIND_NUMA] = "NUMA nodes"
	};
	char topology[128];

	if (!qn_log_has(QN_LOG_INFO))
		return;
	qn_topo_describe(t->topo, topology, sizeof(topology));
	qn_log(QN_LOG_INFO, "%s; host number %u, NUMA node %u, cores %s, %u threads bound to %s%s",
	       topology, t->place.host, t->place.node, t->cpus, t->place.nthreads,
	       bound_to[t->bind], t->oversubscribed ? ": there are fewer cores than threads" : "");
}

enum quern_status qn_team_form(struct qn_team *t, const struct qn_team_settings *s,
			       struct quern_message *err)
{
	enum quern_status st = qn_topo_new(NULL, &t->topo, err);

	st = qn_comm_agree(t->comm, st, err);
	if (!st)
		st = take_slice(t, s, err);
	if (st)
		return st;
	name_host(t);
	log_place(t);
	st = gather_places(t, err);
	if (!st)
		st = qn_comm_agree(t->comm, gather_hosts(t, err), err);
	return st ? st : qn_site_load(t->comm, s->site, &t->site, err);
}

static void dissolve(struct qn_team *t)
{
	qn_site_fini(&t->site);
	qn_names_fini(&t->hosts);
	qn_topo_free(t->topo);
	free(t->places);
}

void qn_team_fini(struct qn_team *t)
{
	if (!t->standing) {
		dissolve(t);
	} else {
		free(t->places);
		qn_standing_release(t->standing);
	}
	t->standing = NULL;
	t->topo = NULL;
	t->places = NULL;
}

/* --- a team for many runs --- */

struct qn_standing {
	atomic_int nholders;
	struct qn_team team;
	struct qn_team_settings settings;
	char *site; /* owned: of settings */
};

void qn_standing_release(struct qn_standing *s)
{
	if (!s || atomic_fetch_sub(&s->nholders, 1) > 1)
		return;
	dissolve(&s->team);
	free(s->site);
	free(s);
}

static bool is_for(const struct qn_standing *s, const struct qn_team_settings *want)
{
	const char *a = s->settings.site ? s->settings.site : "", *b = want->site ? want->site : "";

	return s->settings.nthreads == want->nthreads && s->settings.bind == want->bind &&
	       !strcmp(a, b);
}

/* Settings that borrow nothing. */
static enum quern_status keep_settings(struct qn_standing *s, const struct qn_team_settings *of,
				       struct quern_message *err)
{
	s->settings = *of;
	if (of->site)
		s->settings.site = s->site = qn_strdup(of->site);
	return of->site && !s->site ? qn_error_nomem(err, strlen(of->site), "a team") : QUERN_OK;
}

static enum quern_status form_standing(const struct qn_team_settings *s, struct qn_comm *c,
				       struct qn_standing **out, struct quern_message *err)
{
	struct qn_standing *made = qn_calloc(1, sizeof(*made));
	enum quern_status st = made ? keep_settings(made, s, err)
				    : qn_error_nomem(err, sizeof(*made), "a team");

	if (made) {
		atomic_init(&made->nholders, 1);
		made->team.comm = c;
	}
	st = qn_comm_agree(c, st, err);
	if (!st)
		st = qn_team_form(&made->team, s, err);
	if (st) {
		qn_standing_release(made);
		return st;
	}
	qn_standing_release(*out);
	*out = made;
	return QUERN_OK;
}

/* What a run may change is its own: the places, and what it tells of itself. */
static enum quern_status share(struct qn_standing *s, struct qn_team *t, struct quern_message *err)
{
	const size_t nbytes = (size_t)qn_comm_size(t->comm) * sizeof(*t->places);
	const struct qn_team given = *t;

	*t = s->team;
	t->standing = s;
	t->comm = given.comm;
	t->progress = given.progress;
	t->progress_ctx = given.progress_ctx;
	t->interrupted = given.interrupted;
	atomic_fetch_add(&s->nholders, 1);
	if (!t->places)
		return QUERN_OK;
	t->places = qn_malloc(nbytes);
	if (!t->places)
		return qn_error_nomem(err, nbytes, "cards");
	memcpy(t->places, s->team.places, nbytes);
	return QUERN_OK;
}

enum quern_status qn_team_join(struct qn_standing **now, const struct qn_team_settings *s,
			       struct qn_team *t, struct quern_message *err)
{
	enum quern_status st = QUERN_OK;

	if (!*now || !is_for(*now, s))
		st = form_standing(s, t->comm, now, err);
	return st ? st : qn_comm_agree(t->comm, share(*now, t, err), err);
}
