#include "cluster/team.h"

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

void qn_team_fini(struct qn_team *t)
{
	qn_site_fini(&t->site);
	qn_names_fini(&t->hosts);
	qn_topo_free(t->topo);
	free(t->places);
	t->topo = NULL;
	t->places = NULL;
}
