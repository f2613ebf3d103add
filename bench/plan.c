/*
 * plan.c - how long the planner takes, and how near it comes to the bound, on large made-up clusters.
 *
 *	plan [--items N] [--hosts N] [--nodes N] [--replicas N] [PATTERN...]
 *
 * One rank a NUMA node. The plan is checked before its time is told: every item is placed once, and
 * where a home of it can be read. The bound is the work divided evenly; no plan is faster.
 *
 *	shards	runs of 1000 items lie on the disks of neighbouring hosts
 *	nodes	as these, but in the memory of a random node of each
 *	random	each item lies in memory of random nodes of random hosts
 *	skewed	as random, but one host in ten holds three times as much
 *	shared	no item has a home
 *
 * Before that: how long it takes to weigh the items, which are the chunks of one dataset.
 */
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>

#include "base/mem.h"
#include "plan/weigh.h"
#include "plan/plan.h"

#define SHARD_NITEMS 1000
#define ITEM_NBYTES  (4 << 20) /* decoded */

struct setup {
	uint64_t nitems, nhosts, nnodes, nreplicas;
	struct qn_work work;
	struct qn_homes homes;
	struct qn_place *place;
};

static uint64_t mix(uint64_t x)
{
	x += UINT64_C(0x9e3779b97f4a7c15);
	x = (x ^ x >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
	x = (x ^ x >> 27) * UINT64_C(0x94d049bb133111eb);
	return x ^ x >> 31;
}

static struct qn_home in_memory(const struct setup *s, uint64_t host, uint64_t draw)
{
	return (struct qn_home){ (uint32_t)(host % s->nhosts), (uint16_t)(draw % s->nnodes),
				 QN_HOME_MEMORY };
}

/* Replica k of a set: homes by pattern. */
static struct qn_home shards(const struct setup *s, uint64_t set, uint64_t k)
{
	return (struct qn_home){ (uint32_t)((set + k) % s->nhosts), QN_ANY_NODE, QN_HOME_DISK };
}

static struct qn_home nodes(const struct setup *s, uint64_t set, uint64_t k)
{
	return in_memory(s, set + k, mix(set * 8 + k));
}

static struct qn_home at_random(const struct setup *s, uint64_t set, uint64_t k)
{
	uint64_t draw = mix(set * 8 + k);

	return in_memory(s, draw >> 32, draw);
}

static struct qn_home skewed(const struct setup *s, uint64_t set, uint64_t k)
{
	uint64_t draw = mix(set * 8 + k), host = draw >> 32;

	/* Two of twelve draws go to the first tenth. */
	if (draw / 64 % 12 < 2)
		host = host % s->nhosts / 10;
	return in_memory(s, host, draw);
}

static const struct pattern {
	const char *name;
	uint64_t set_nitems; /* 0: no homes */
	bool shared;
	struct qn_home (*home)(const struct setup *s, uint64_t set, uint64_t k);
} patterns[] = {
	{ "shards", SHARD_NITEMS, false, shards },
	{ "nodes", SHARD_NITEMS, false, nodes },
	{ "random", 1, false, at_random },
	{ "skewed", 1, true, skewed },
	{ "shared", 0, true, NULL },
};

static void *need(size_t n, size_t size)
{
	void *p = qn_calloc(n, size);

	if (!p) {
		fputs("plan: out of memory\n", stderr);
		exit(1);
	}
	return p;
}

static void make_cluster(struct setup *s)
{
	s->place = need(s->nhosts * s->nnodes, sizeof(*s->place));
	for (uint64_t r = 0; r < s->nhosts * s->nnodes; r++)
		s->place[r] = (struct qn_place){ .host = (uint32_t)(r / s->nnodes),
						 .node = (uint32_t)(r % s->nnodes),
						 .nthreads = 8 };
}

static void make_homes(struct setup *s, const struct pattern *p)
{
	struct qn_homes *h = &s->homes;

	if (!p->set_nitems)
		return;
	h->nsets = (uint32_t)qn_ceil_div(s->nitems, p->set_nitems);
	h->first = need((size_t)h->nsets + 1, sizeof(*h->first));
	h->home = need(h->nsets * s->nreplicas, sizeof(*h->home));
	h->shared = need(h->nsets, sizeof(*h->shared));
	for (uint64_t k = 0; k < h->nsets; k++) {
		h->first[k + 1] = h->first[k] + s->nreplicas;
		h->shared[k] = p->shared;
		for (uint64_t i = 0; i < s->nreplicas; i++)
			h->home[h->first[k] + i] = p->home(s, k, i);
	}
}

static uint64_t stored_of(uint64_t item)
{
	return (1 << 20) + mix(item) % (2 << 20);
}

static uint32_t set_of(const struct pattern *p, uint64_t item)
{
	return p->set_nitems ? (uint32_t)(item / p->set_nitems) : QN_NO_HOMES;
}

/* Lumps as a run makes them. */
static void make_work(struct setup *s, const struct pattern *p)
{
	uint64_t per = qn_ceil_div(s->nitems, qn_plan_most_lumps(s->nhosts * s->nnodes));
	uint64_t most = qn_ceil_div(s->nitems, per) + s->homes.nsets;
	struct qn_lump *l;

	s->work = (struct qn_work){ .nitems = s->nitems,
				    .homes = &s->homes,
				    .lump = need(qn_min_u64(most, s->nitems), sizeof(*l)) };
	l = s->work.lump - 1;
	for (uint64_t i = 0; i < s->nitems; i++) {
		uint32_t set = set_of(p, i);

		if (!i || l->n == per || l->set != set)
			*++l = (struct qn_lump){ .first = i, .set = set };
		l->n++;
		l->stored += stored_of(i);
		l->decoded += ITEM_NBYTES;
	}
	s->work.nlumps = (uint64_t)(l + 1 - s->work.lump);
}

static bool is_at_home(const struct setup *s, const struct pattern *p, uint64_t item, int rank)
{
	uint32_t set = set_of(p, item);

	if (set == QN_NO_HOMES || s->homes.shared[set])
		return true;
	for (uint64_t i = s->homes.first[set]; i < s->homes.first[set + 1]; i++)
		if (s->homes.home[i].host == s->place[rank].host)
			return true;
	return false;
}

static bool is_right(const struct setup *s, const struct pattern *p, const struct qn_plan *plan)
{
	uint8_t *seen = need(s->nitems, 1);
	uint64_t n = 0;
	bool right = true;

	for (int r = 0; r < plan->nranks; r++)
		for (uint64_t k = plan->at[r]; k < plan->at[r + 1]; k++)
			for (uint64_t j = 0; j < plan->range[k].n; j++, n++) {
				uint64_t i = plan->range[k].first + j;

				right = right && i < s->nitems && !seen[i]++ &&
					is_at_home(s, p, i, r);
			}
	free(seen);
	return right && n == s->nitems;
}

/* Seconds of this process's one thread: other programs on the machine do not count. */
static double now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
	return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

/* Seconds of all threads when everything is read from the nearest kind of home. */
static double bound(const struct setup *s, const struct pattern *p)
{
	const struct qn_rates *r = &qn_rates_default;
	enum qn_tier tier = !p->home ? QN_SHARED : p->home == shards ? QN_DISK : QN_MEMORY;
	double sum = 0, limit, stored = 0;

	for (uint64_t i = 0; i < s->work.nlumps; i++) {
		const struct qn_lump *l = &s->work.lump[i];

		stored += (double)l->stored;
		sum += (double)l->stored * r->read[tier] + (double)l->decoded * r->compute +
		       l->n * r->item;
	}
	sum /= (double)(s->nhosts * s->nnodes * 8);
	limit = tier == QN_SHARED ? stored / r->shared
		: tier == QN_DISK ? stored / (r->disk * (double)s->nhosts)
				  : 0;
	return limit > sum ? limit : sum;
}

static int measure(struct setup *s, const struct pattern *p)
{
	struct qn_cluster cluster = { (int)(s->nhosts * s->nnodes), s->place };
	struct quern_message err = { .status = QUERN_OK };
	struct qn_plan plan;
	struct rusage usage;
	double start;

	make_homes(s, p);
	make_work(s, p);
	start = now();
	if (qn_plan_make(&cluster, &s->work, &qn_rates_default, &plan, NULL, &err)) {
		fprintf(stderr, "plan: %s\n", err.text);
		return 1;
	}
	start = now() - start;
	getrusage(RUSAGE_SELF, &usage);
	if (!is_right(s, p, &plan)) {
		fprintf(stderr, "plan: %s: the plan is wrong\n", p->name);
		return 1;
	}
	printf("%-8s %8.2f s %9.3f GiB %12llu ranges %9.3f s %8.3f of the bound, by %s\n", p->name,
	       start, (double)usage.ru_maxrss / (1 << 20), (unsigned long long)plan.at[plan.nranks],
	       plan.finish, plan.finish / bound(s, p), plan.limit);
	qn_plan_fini(&plan);
	qn_homes_fini(&s->homes);
	free(s->work.lump);
	return 0;
}

/* --- weighing --- */

static uint32_t find_set(const void *ctx, uint32_t member, uint64_t addr, uint64_t *hint,
			 uint64_t *until)
{
	const struct setup *s = ctx;
	const uint64_t shard = SHARD_NITEMS * (uint64_t)ITEM_NBYTES;

	(void)hint;
	*until = (addr / shard + 1) * shard;
	return member + (uint32_t)(addr / shard % s->nhosts);
}

/* A dataset of as many chunks, one dimension of them. */
static bool make_mosaic(const struct setup *s, struct qn_mosaic *m)
{
	struct quern_message err = { .status = QUERN_OK };
	struct qn_dataset d = { .ndim = 1,
				.layout = QN_CHUNKED,
				.native = true,
				.type = { .class = QN_FLOAT, .size = 4 },
				.chunk = { 1 << 20 },
				.shape = { s->nitems << 20 },
				.file = strdup("data.h5"),
				.path = strdup("/x"),
				.nchunks = s->nitems,
				.chunks = need(s->nitems, sizeof(*d.chunks)) };
	const uint64_t origin[QUERN_MAX_DIMS] = { 0 };
	bool placed;

	for (uint64_t i = 0; i < s->nitems; i++)
		d.chunks[i] =
			(struct qn_chunk){ i, 4096 + i * ITEM_NBYTES, (uint32_t)stored_of(i), 0 };
	qn_mosaic_init(m, 1);
	placed = !qn_mosaic_place(m, &d, origin, &err);
	qn_dataset_fini(&d);
	return placed;
}

static int measure_weighing(const struct setup *s)
{
	struct quern_message err = { .status = QUERN_OK };
	struct quern_box all = { .ndim = 1, .count = { s->nitems << 20 }, .step = { 1 } };
	struct qn_mosaic m;
	struct qn_items items;
	struct qn_lumps lumps;
	double start;

	if (!make_mosaic(s, &m) || qn_items_init(&items, &m, &all, NULL, &err))
		return 1;
	start = now();
	if (qn_lumps_make(&items, NULL, 4, qn_plan_most_lumps(s->nhosts * s->nnodes), find_set, s,
			  &lumps, &err))
		return 1;
	printf("%-8s %8.3f s, %.1f ns an item: %llu lumps\n", "weighing", now() - start,
	       1e9 * (now() - start) / (double)s->nitems, (unsigned long long)lumps.work.nlumps);
	qn_lumps_fini(&lumps);
	qn_items_fini(&items);
	qn_mosaic_fini(&m);
	return 0;
}

static bool is_wanted(const char *name, char **wanted)
{
	bool all = !*wanted;

	for (; *wanted; wanted++)
		all = all || !strcmp(name, *wanted);
	return all;
}

int main(int argc, char **argv)
{
	static const struct option options[] = { { "items", required_argument, NULL, 'i' },
						 { "hosts", required_argument, NULL, 'h' },
						 { "nodes", required_argument, NULL, 'n' },
						 { "replicas", required_argument, NULL, 'r' },
						 { NULL, 0, NULL, 0 } };
	struct setup s = { .nitems = 10000000, .nhosts = 10000, .nnodes = 8, .nreplicas = 2 };
	uint64_t *const values[] = { &s.nitems, &s.nhosts, &s.nnodes, &s.nreplicas };
	static const char letters[] = "ihnr";
	bool ok = true;

	for (int c; (c = getopt_long(argc, argv, "i:h:n:r:", options, NULL)) != -1;) {
		const char *at = strchr(letters, c);

		ok = ok && at && (*values[at - letters] = strtoull(optarg, NULL, 10)) > 0;
	}
	if (!ok || s.nhosts * s.nnodes > 1000000 || s.nreplicas > 8) {
		fputs("usage: plan [--items N] [--hosts N] [--nodes N] [--replicas N] "
		      "[PATTERN...]\n",
		      stderr);
		return 2;
	}
	make_cluster(&s);
	printf("%llu items, %llu hosts x %llu nodes, %llu replicas\n", (unsigned long long)s.nitems,
	       (unsigned long long)s.nhosts, (unsigned long long)s.nnodes,
	       (unsigned long long)s.nreplicas);
	if (is_wanted("weighing", argv + optind) && measure_weighing(&s))
		return 1;
	for (size_t i = 0; i < sizeof(patterns) / sizeof(*patterns); i++)
		if (is_wanted(patterns[i].name, argv + optind) && measure(&s, &patterns[i]))
			return 1;
	return 0;
}
