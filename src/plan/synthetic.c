#include "plan/synthetic.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "plan/seating.h"
#include "cluster/topo.h"

#define MOST_HOSTS 100000
#define MOST_NODES 1024
#define MOST_RANKS 4000000

/* --- clusters --- */

/* What a host may be said to have, and of each how many at most. */
static const struct {
	const char *name;
	unsigned long most;
} levels[] = {
	{ "package", 64 }, { "pack", 64 },	{ "socket", 64 },     { "die", 64 },
	{ "group", 1024 }, { "numa", 1024 },	{ "numanode", 1024 }, { "node", 1024 },
	{ "l3", 1024 },	   { "l3cache", 1024 }, { "l2", 4096 },	      { "l2cache", 4096 },
	{ "l1", 4096 },	   { "l1d", 4096 },	{ "l1cache", 4096 },  { "core", 4096 },
	{ "pu", 64 },
};

#define MOST_PUS 65536 /* of a host */

/* "NAME:N" with N from 1 to `most` and nothing behind it. */
static bool is_count(const char *word, size_t n, const char *name, unsigned long most,
		     unsigned long *count)
{
	const size_t length = strlen(name);
	char *end;

	if (n < length + 2 || strncasecmp(word, name, length) || word[length] != ':' ||
	    strspn(word + length + 1, "0123456789") != n - length - 1)
		return false;
	*count = strtoul(word + length + 1, &end, 10);
	return n - length <= 8 && *count >= 1 && *count <= most;
}

static bool is_level(const char *word, size_t n, unsigned long *count)
{
	for (size_t i = 0; i < sizeof(levels) / sizeof(*levels); i++)
		if (is_count(word, n, levels[i].name, levels[i].most, count))
			return true;
	return false;
}

static enum quern_status refuse(const char *text, const char *word, size_t n,
				struct quern_message *err)
{
	return qn_error_set(
		err, QUERN_ERR_USAGE,
		"--cluster '%s': '%.*s' is not expected: it takes "
		"'host:N' (1 to %d hosts), then what each host has, from the outside in, as "
		"'host:8 numa:2 core:16': package, numa, l3, l2, l1, core or pu, each with a "
		"number from 1",
		text, (int)n, word, MOST_HOSTS);
}

/* Takes "host:N " off the front of *rest, and looks at what follows. */
static enum quern_status parse_hosts(const char *text, const char **rest, uint32_t *nhosts,
				     struct quern_message *err)
{
	const char *word = text + strspn(text, " ");
	unsigned long n = 1, product = 1;
	size_t length = strcspn(word, " ");

	*nhosts = 1;
	if (is_count(word, length, "host", MOST_HOSTS, &n)) {
		*nhosts = (uint32_t)n;
		word += length;
		word += strspn(word, " ");
	}
	*rest = word;
	if (!*word)
		return qn_error_set(err, QUERN_ERR_USAGE,
				    "--cluster '%s': add what each host has: "
				    "'host:%" PRIu32 " core:16'",
				    text, *nhosts);
	for (; *word; word += strspn(word, " ")) {
		length = strcspn(word, " ");
		if (!is_level(word, length, &n))
			return refuse(text, word, length, err);
		product *= n;
		if (product > MOST_PUS)
			return qn_error_set(err, QUERN_ERR_USAGE,
					    "--cluster '%s': a host has more than "
					    "%d hardware threads",
					    text, MOST_PUS);
		word += length;
	}
	return QUERN_OK;
}

static enum quern_status count_threads(struct qn_synthetic *c, const struct qn_topo *t,
				       struct quern_message *err)
{
	struct qn_cpus *all, slice;
	bool oversubscribed;

	all = qn_calloc(c->nnodes, sizeof(*all));
	c->nthreads = qn_calloc(c->nnodes, sizeof(*c->nthreads));
	if (!all || !c->nthreads) {
		free(all);
		return qn_error_nomem(err, c->nnodes * sizeof(*all), "the cluster");
	}
	for (uint32_t k = 0; k < c->nnodes; k++)
		qn_topo_permitted(t, &all[k]);
	for (uint32_t k = 0; k < c->nnodes; k++)
		c->nthreads[k] = (uint32_t)qn_topo_slice(t, all, (int)c->nnodes, (int)k, &slice,
							 &oversubscribed);
	free(all);
	return QUERN_OK;
}

enum quern_status qn_synthetic_init(struct qn_synthetic *c, const char *text,
				    struct quern_message *err)
{
	char host[512];
	const char *rest = text;
	struct quern_message why = { .status = QUERN_OK };
	struct qn_topo *t = NULL;
	enum quern_status st;

	memset(c, 0, sizeof(*c));
	st = parse_hosts(text, &rest, &c->nhosts, err);
	if (st)
		return st;
	/* hwloc wants the last level to be hardware threads. */
	if ((size_t)snprintf(host, sizeof(host), "%s%s", rest,
			     strcasestr(rest, "pu:") ? "" : " pu:1") >= sizeof(host) ||
	    qn_topo_new(host, &t, &why))
		return qn_error_set(
			err, QUERN_ERR_USAGE,
			"--cluster '%s': hwloc knows no such machine: "
			"each kind once, from the outside in, and pu last, as 'package:2 "
			"numa:2 core:8 pu:2'",
			text);
	c->nnodes = (uint32_t)qn_topo_nnodes(t);
	if (c->nnodes > MOST_NODES || (uint64_t)c->nhosts * c->nnodes > MOST_RANKS)
		st = qn_error_set(err, QUERN_ERR_USAGE,
				  "--cluster '%s': more than %d NUMA nodes in "
				  "all, or %d on a host",
				  text, MOST_RANKS, MOST_NODES);
	else
		st = count_threads(c, t, err);
	qn_topo_free(t);
	if (st)
		qn_synthetic_fini(c);
	return st;
}

void qn_synthetic_fini(struct qn_synthetic *c)
{
	free(c->nthreads);
	memset(c, 0, sizeof(*c));
}

struct qn_place *qn_synthetic_places(const struct qn_synthetic *c, uint32_t nhosts)
{
	struct qn_place *p = qn_calloc((size_t)nhosts * c->nnodes, sizeof(*p));

	for (uint32_t r = 0; p && r < nhosts * c->nnodes; r++)
		p[r] = (struct qn_place){ .host = r / c->nnodes,
					  .node = r % c->nnodes,
					  .nthreads = c->nthreads[r % c->nnodes] };
	return p;
}

/* --- homes --- */

/* A way to lie: where copy k of part `part` is. */
struct way {
	const char *name;
	bool by_node, shared;
	bool first_only; /* there is one part */
};

static const struct way ways[] = {
	{ "spread", false, false, false },
	{ "memory", true, false, false },
	{ "first", false, true, true },
};

static struct qn_home home_of(const struct way *w, uint32_t nhosts, uint32_t nnodes, uint32_t part,
			      uint32_t k)
{
	uint32_t host = w->by_node ? part / nnodes : part;

	return (struct qn_home){ (host + k) % nhosts,
				 (uint16_t)(w->by_node ? part % nnodes : QN_ANY_NODE),
				 w->by_node ? QN_HOME_MEMORY : QN_HOME_DISK };
}

static enum quern_status make_parts(const struct way *w, uint32_t nreplicas, uint32_t nhosts,
				    uint32_t nnodes, struct qn_homes *h, struct quern_message *err)
{
	uint32_t nparts = w->first_only ? 1 : w->by_node ? nhosts * nnodes : nhosts;
	uint32_t ncopies = w->first_only ? 1 : nreplicas < nhosts ? nreplicas : nhosts;

	h->nsets = nparts;
	h->first = qn_calloc((size_t)nparts + 1, sizeof(*h->first));
	h->home = qn_calloc((size_t)nparts * ncopies, sizeof(*h->home));
	h->shared = qn_calloc(nparts, sizeof(*h->shared));
	if (!h->first || !h->home || !h->shared)
		return qn_error_nomem(err, (size_t)nparts * ncopies * sizeof(*h->home), "homes");
	for (uint32_t part = 0; part < nparts; part++) {
		for (uint32_t k = 0; k < ncopies; k++)
			h->home[part * (uint64_t)ncopies + k] = home_of(w, nhosts, nnodes, part, k);
		h->first[part + 1] = (part + UINT64_C(1)) * ncopies;
		h->shared[part] = w->shared;
	}
	return QUERN_OK;
}

/* Lumps made from others, of items that are in parts of as many bytes. */
struct relump {
	uint32_t nparts;     /* 0: there are no homes */
	double total, sum;   /* bytes of all items, and of those before the one at hand */
	uint64_t per;	     /* most items of a lump */
	struct qn_lump *out; /* owned */
	uint64_t nitems, n, room;
};

/* A byte for each item, so that those that are not stored go somewhere too. */
static double weight_of(const struct qn_lump *l)
{
	return (double)l->stored / l->n + 1;
}

/* The part of the item at hand, and how many of n such items are in it. */
static uint32_t find_part(const struct relump *r, double weight, uint64_t *n)
{
	double middle = r->sum + weight / 2, ends;
	uint64_t part;

	if (!r->nparts)
		return QN_NO_HOMES;
	part = qn_min_u64((uint64_t)(middle / r->total * r->nparts), r->nparts - 1);
	ends = r->total * (double)(part + 1) / r->nparts;
	if (part + 1 < r->nparts && (ends - middle) / weight < (double)*n)
		*n = qn_max_u64((uint64_t)ceil((ends - middle) / weight), 1);
	return (uint32_t)part;
}

static struct qn_lump *new_lump(struct relump *r, uint32_t set)
{
	if (!qn_grow(&r->out, &r->room, r->n + 1, sizeof(*r->out)))
		return NULL;
	r->out[r->n] = (struct qn_lump){ .first = r->nitems, .set = set };
	return &r->out[r->n++];
}

/* Adds a bite of a lump; to the last lump when they go together. */
static bool add_bite(struct relump *r, const struct qn_bite *b, uint32_t set)
{
	struct qn_lump *last = r->n ? &r->out[r->n - 1] : NULL;

	if (!last || last->set != set || (uint64_t)last->n + b->n > r->per)
		last = new_lump(r, set);
	if (!last)
		return false;
	last->n += b->n;
	last->stored += qn_bite_of(b, b->lump->stored);
	last->decoded += qn_bite_of(b, b->lump->decoded);
	r->nitems += b->n;
	return true;
}

static bool divide_lump(struct relump *r, const struct qn_lump *l)
{
	double weight = weight_of(l);

	for (uint32_t done = 0; done < l->n;) {
		uint64_t n = qn_min_u64(l->n - done, r->per);
		uint32_t set = find_part(r, weight, &n);
		struct qn_bite b = { .lump = l, .first = l->first + done, .n = (uint32_t)n };

		if (!add_bite(r, &b, set))
			return false;
		r->sum += weight * (double)n;
		done += (uint32_t)n;
	}
	return true;
}

static enum quern_status divide(struct relump *r, const struct qn_work *from, uint64_t times,
				struct quern_message *err)
{
	for (uint64_t i = 0; i < from->nlumps; i++)
		r->total += weight_of(&from->lump[i]) * from->lump[i].n * (double)times;
	for (uint64_t t = 0; t < times; t++)
		for (uint64_t i = 0; i < from->nlumps; i++)
			if (!divide_lump(r, &from->lump[i]))
				return qn_error_nomem(err, 2 * r->room * sizeof(*r->out),
						      "imagined items");
	return QUERN_OK;
}

enum quern_status qn_synthetic_work(const struct qn_work *from, uint64_t times, const char *how,
				    uint32_t nreplicas, uint32_t nhosts, uint32_t nnodes,
				    uint64_t most_lumps, struct qn_work *work,
				    struct qn_homes *homes, struct quern_message *err)
{
	struct relump r = { .per = qn_ceil_div(from->nitems * times, most_lumps) };
	enum quern_status st = QUERN_OK;

	r.per = qn_min_u64(qn_max_u64(r.per, 1), UINT32_MAX);
	memset(homes, 0, sizeof(*homes));
	for (size_t i = 0; !st && i < sizeof(ways) / sizeof(*ways); i++)
		if (!strcmp(how, ways[i].name)) {
			st = make_parts(&ways[i], nreplicas, nhosts, nnodes, homes, err);
			r.nparts = homes->nsets;
		}
	if (!st)
		st = divide(&r, from, times, err);
	if (st) {
		free(r.out);
		qn_homes_fini(homes);
		return st;
	}
	*work = (struct qn_work){
		.nitems = r.nitems, .nlumps = r.n, .lump = r.out, .homes = r.nparts ? homes : NULL
	};
	return QUERN_OK;
}
