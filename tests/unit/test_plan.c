/*
 * test_plan.c - the planner: against exact solutions of small instances, and against bounds on
 * clusters made of synthetic hwloc topologies.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "plan/plan.h"
#include "random.h"
#include "cluster/topo.h"

#define MAX_RANKS 256
#define NEAR	  1.05 /* of the best that there is */

static const struct qn_rates plain = { .read = { 1e-6, 1.2e-6, 2e-6, 2.1e-6, 4e-6 },
				       .compute = 1e-6 };

/* A cluster of equal hosts, with as many ranks on each, one host after the other. */
struct cluster {
	int nhosts, nnodes;
	struct qn_cluster c;
	struct qn_place place[MAX_RANKS];
};

static void make_cluster(struct cluster *c, int nhosts, const char *host, int ranks_per_host)
{
	struct quern_message err = { .status = QUERN_OK };
	struct qn_cpus all[MAX_RANKS], slice;
	struct qn_topo *t;
	bool oversubscribed;

	assert_int_equal(qn_topo_new(host, &t, &err), QUERN_OK);
	for (int r = 0; r < ranks_per_host; r++)
		qn_topo_permitted(t, &all[r]);
	c->nhosts = nhosts;
	c->nnodes = qn_topo_nnodes(t);
	c->c = (struct qn_cluster){ nhosts * ranks_per_host, c->place };
	assert_in_range(c->c.nranks, 1, MAX_RANKS);
	for (int i = 0; i < c->c.nranks; i++) {
		struct qn_place *p = &c->place[i];

		p->nthreads = (uint32_t)qn_topo_slice(t, all, ranks_per_host, i % ranks_per_host,
						      &slice, &oversubscribed);
		p->node = (uint32_t)qn_topo_node_of(t, &slice);
		p->host = (uint32_t)(i / ranks_per_host);
	}
	qn_topo_free(t);
}

static double nthreads_of(const struct cluster *c)
{
	double n = 0;

	for (int r = 0; r < c->c.nranks; r++)
		n += c->place[r].nthreads;
	return n;
}

/* Items and their homes; room for nsets sets of up to 3 homes. */
struct work {
	struct qn_work w;
	uint64_t *stored, *decoded;
	uint32_t *set;
	struct qn_homes homes;
	bool homeless; /* w.homes is to be NULL */
};

/* n items of `least` .. least + spread - 1 bytes, which decode to as many, without homes. */
static void make_work(struct work *k, uint64_t n, uint64_t least, uint64_t spread, uint32_t nsets,
		      uint64_t *seed)
{
	memset(k, 0, sizeof(*k));
	k->stored = calloc(n + 1, sizeof(*k->stored));
	k->decoded = calloc(n + 1, sizeof(*k->decoded));
	k->set = calloc(n + 1, sizeof(*k->set));
	k->homes.nsets = nsets;
	k->homes.first = calloc(nsets + 1, sizeof(*k->homes.first));
	k->homes.home = calloc(3 * nsets + 1, sizeof(*k->homes.home));
	k->homes.shared = calloc(nsets + 1, 1);
	for (uint64_t i = 0; i < n; i++) {
		k->stored[i] = least + (spread > 1 ? random_below(seed, spread) : 0);
		k->decoded[i] = k->stored[i];
		k->set[i] = nsets ? (uint32_t)random_below(seed, nsets) : QN_NO_HOMES;
	}
	k->w = (struct qn_work){ .nitems = n, .lump = calloc(n + 1, sizeof(*k->w.lump)) };
}

/* The lumps: of up to `per` items that follow each other and have the same homes. */
static void make_lumps(struct work *k, uint32_t per)
{
	struct qn_lump *l = k->w.lump - 1;

	for (uint64_t i = 0; i < k->w.nitems; i++) {
		uint32_t set = k->homeless ? QN_NO_HOMES : k->set[i];

		if (!i || l->n == per || l->set != set)
			*++l = (struct qn_lump){ .first = i, .set = set };
		l->n++;
		l->stored += k->stored[i];
		l->decoded += k->decoded[i];
	}
	k->w.nlumps = (uint64_t)(l + 1 - k->w.lump);
	k->w.homes = k->homeless ? NULL : &k->homes;
}

static void free_work(struct work *k)
{
	free(k->stored);
	free(k->decoded);
	free(k->set);
	free(k->w.lump);
	qn_homes_fini(&k->homes);
}

/* The homes of the next set. */
static void add_set(struct work *k, uint32_t set, bool shared, int n, ...)
{
	va_list list;

	va_start(list, n);
	k->homes.shared[set] = shared;
	for (int i = 0; i < n; i++)
		k->homes.home[k->homes.first[set] + (uint64_t)i] = va_arg(list, struct qn_home);
	k->homes.first[set + 1] = k->homes.first[set] + (uint64_t)n;
	va_end(list);
}

static struct qn_home memory(uint64_t host, uint64_t node)
{
	return (struct qn_home){ (uint32_t)host, (uint16_t)node, QN_HOME_MEMORY };
}

static struct qn_home disk(uint64_t host)
{
	return (struct qn_home){ (uint32_t)host, QN_ANY_NODE, QN_HOME_DISK };
}

/* --- the contract, worked out anew --- */

/* Seconds for an item on a rank, and its tier; -1: cannot be read there. In the shapes here, each
   home's node has a rank or is of an unknown host. */
static double seconds_of(const struct cluster *c, const struct work *k,
			 const struct qn_rates *rates, uint64_t i, int r, int *tier)
{
	uint32_t set = k->set[i];
	bool shared = set == QN_NO_HOMES || k->homes.shared[set];
	int best = -1;

	for (uint64_t h = set == QN_NO_HOMES ? 0 : k->homes.first[set];
	     set != QN_NO_HOMES && h < k->homes.first[set + 1]; h++) {
		const struct qn_home *home = &k->homes.home[h];
		int t = home->tier == QN_HOME_MEMORY ? QN_MEMORY : QN_DISK;

		if (home->host != c->place[r].host)
			continue;
		t += home->node != QN_ANY_NODE && home->node != c->place[r].node;
		if (best < 0 || rates->read[t] < rates->read[best])
			best = t;
	}
	if (shared && (best < 0 || rates->read[QN_SHARED] < rates->read[best]))
		best = QN_SHARED;
	*tier = best;
	return best < 0 ? -1
			: (double)k->stored[i] * rates->read[best] +
				  (double)k->decoded[i] * rates->compute + rates->item;
}

/* Loads of all that is limited: the largest is the finish. */
struct loads {
	double rank[MAX_RANKS], disk[MAX_RANKS], link[MAX_RANKS], shared, longest;
};

static double finish_of(const struct cluster *c, const struct qn_rates *rates,
			const struct loads *l)
{
	double most = l->longest;

	for (int r = 0; r < c->c.nranks; r++)
		most = l->rank[r] / c->place[r].nthreads > most ? l->rank[r] / c->place[r].nthreads
								: most;
	for (int h = 0; h < c->nhosts; h++) {
		if (rates->disk > 0 && l->disk[h] / rates->disk > most)
			most = l->disk[h] / rates->disk;
		if (rates->shared_host > 0 && l->link[h] / rates->shared_host > most)
			most = l->link[h] / rates->shared_host;
	}
	return rates->shared > 0 && l->shared / rates->shared > most ? l->shared / rates->shared
								     : most;
}

static void add_load(const struct cluster *c, const struct work *k, uint64_t i, int r, int tier,
		     double seconds, struct loads *l)
{
	double stored = (double)k->stored[i];
	uint32_t host = c->place[r].host;

	l->rank[r] += seconds;
	l->longest = seconds > l->longest ? seconds : l->longest;
	if (tier == QN_DISK || tier == QN_DISK_NEAR)
		l->disk[host] += stored;
	if (tier == QN_SHARED) {
		l->link[host] += stored;
		l->shared += stored;
	}
}

/* What holds for every plan: each item is placed once, where it can be read; ranges ascend and do
   not touch; sums and the finish are right. */
static void check_plan(const struct cluster *c, const struct work *k, const struct qn_rates *rates,
		       const struct qn_plan *p)
{
	uint8_t *seen = calloc(k->w.nitems + 1, 1);
	static const struct loads none;
	struct loads l = none;
	uint64_t stored = 0, total = 0, all = 0;
	double finish;

	for (int r = 0; r < c->c.nranks; r++) {
		uint64_t next = 0, nitems = 0;

		for (uint64_t g = p->at[r]; g < p->at[r + 1]; g++) {
			const struct qn_series *range = &p->range[g];

			assert_true(range->n > 0 && (g == p->at[r] || range->first > next));
			next = range->first + range->n;
			nitems += range->n;
			for (uint64_t i = range->first; i < next; i++) {
				int tier;
				double seconds = seconds_of(c, k, rates, i, r, &tier);

				assert_true(i < k->w.nitems && !seen[i]++ && seconds >= 0);
				add_load(c, k, i, r, tier, seconds, &l);
				total += k->stored[i];
			}
		}
		assert_int_equal(p->rank[r].nitems, nitems);
		stored += p->rank[r].stored;
		all += nitems;
	}
	assert_int_equal(all, k->w.nitems);
	assert_int_equal(stored, total);
	for (int t = 0; t < QN_NTIERS; t++)
		total -= p->tier[t];
	assert_int_equal(total, 0);
	assert_int_equal(p->tier[QN_SHARED],
			 p->why[QN_WHY_FULL] + p->why[QN_WHY_NO_HOME] + p->why[QN_WHY_NO_RANK]);
	finish = finish_of(c, rates, &l);
	assert_true(p->finish >= finish * (1 - 1e-9) && p->finish <= finish * (1 + 1e-9));
	free(seen);
}

/* Plans twice, checks both and that they are the same; the plan is the caller's. */
static struct qn_plan plan_lumps(const struct cluster *c, struct work *k,
				 const struct qn_rates *rates, uint32_t per)
{
	struct quern_message err = { .status = QUERN_OK };
	struct qn_plan p, again;

	make_lumps(k, per);
	assert_int_equal(qn_plan_make(&c->c, &k->w, rates, &p, NULL, &err), 0);
	assert_int_equal(qn_plan_make(&c->c, &k->w, rates, &again, NULL, &err), 0);
	check_plan(c, k, rates, &p);
	assert_memory_equal(p.at, again.at, ((size_t)p.nranks + 1) * sizeof(*p.at));
	assert_memory_equal(p.range, again.range, p.at[p.nranks] * sizeof(*p.range));
	qn_plan_fini(&again);
	return p;
}

static struct qn_plan plan(const struct cluster *c, struct work *k, const struct qn_rates *rates)
{
	return plan_lumps(c, k, rates, 1);
}

/* --- exact solutions --- */

struct exact {
	const struct cluster *c;
	const struct work *k;
	const struct qn_rates *rates;
	uint64_t order[16];
	double rest[17]; /* least seconds of the items from a position on */
	double best;
};

/* All ways to place the items from position n on, but for those that cannot be better. */
static void branch(struct exact *e, uint64_t n, const struct loads *so_far)
{
	double sum = e->rest[n], finish = finish_of(e->c, e->rates, so_far);

	for (int r = 0; r < e->c->c.nranks; r++)
		sum += so_far->rank[r];
	if (finish >= e->best || sum / nthreads_of(e->c) >= e->best)
		return;
	if (n == e->k->w.nitems) {
		e->best = finish;
		return;
	}
	for (int r = 0; r < e->c->c.nranks; r++) {
		struct loads l = *so_far;
		int tier;
		double s = seconds_of(e->c, e->k, e->rates, e->order[n], r, &tier);

		if (s < 0)
			continue;
		add_load(e->c, e->k, e->order[n], r, tier, s, &l);
		branch(e, n + 1, &l);
	}
}

static double exact_finish(const struct cluster *c, const struct work *k,
			   const struct qn_rates *rates, double start)
{
	struct exact e = { .c = c, .k = k, .rates = rates, .best = start * 1.000001 };
	static const struct loads none;

	for (uint64_t i = 0; i < k->w.nitems; i++) {
		uint64_t at = i;

		for (; at > 0 && k->stored[e.order[at - 1]] < k->stored[i]; at--)
			e.order[at] = e.order[at - 1];
		e.order[at] = i;
	}
	for (uint64_t n = k->w.nitems; n-- > 0;) {
		double least = -1;

		for (int r = 0; r < c->c.nranks; r++) {
			int tier;
			double s = seconds_of(c, k, rates, e.order[n], r, &tier);

			if (s >= 0 && (least < 0 || s < least))
				least = s;
		}
		e.rest[n] = e.rest[n + 1] + least;
	}
	branch(&e, 0, &none);
	return e.best;
}

/* Random homes on hosts of the cluster, now and then shared, or also on a host without ranks. */
static void draw_homes(const struct cluster *c, struct work *k, bool always_shared, uint64_t *seed)
{
	for (uint32_t s = 0; s < k->homes.nsets; s++) {
		struct qn_home h[3];
		bool shared = always_shared || random_below(seed, 3) == 0;
		int n = (int)random_below(seed, 3) + (shared ? 0 : 1);

		for (int i = 0; i < n; i++) {
			uint64_t host = random_below(seed, (uint64_t)c->nhosts);

			if (i && random_below(seed, 6) == 0)
				host = 77;
			h[i] = random_below(seed, 3)
				       ? memory(host, random_below(seed, (uint64_t)c->nnodes))
				       : disk(host);
		}
		add_set(k, s, shared, n, h[0], h[1], h[2]);
	}
}

static const struct small {
	int nhosts;
	const char *host;
	int ranks_per_host;
	uint64_t most_items;
} smalls[] = {
	{ 1, "numa:2 core:1 pu:1", 2, 12 }, { 2, "numa:1 core:1 pu:1", 1, 12 },
	{ 2, "numa:2 core:1 pu:1", 2, 11 }, { 3, "numa:1 core:2 pu:1", 1, 10 },
	{ 2, "numa:2 core:2 pu:1", 4, 9 },  { 4, "numa:2 core:1 pu:1", 2, 8 },
	{ 1, "numa:1 core:4 pu:1", 4, 11 }, { 3, "numa:2 core:3 pu:1", 2, 9 },
};

#define NSMALLS (sizeof(smalls) / sizeof(*smalls))

static const struct qn_rates limited = { .read = { 1e-6, 1.2e-6, 2e-6, 2.1e-6, 4e-6 },
					 .compute = 1e-6,
					 .disk = 4e5,
					 .shared_host = 3e5,
					 .shared = 5e5 };

static void test_near_the_exact_solution(void **state)
{
	uint64_t seed = random_seed(17);

	(void)state;
	for (int round = 0; round < 30; round++)
		for (size_t s = 0; s < NSMALLS; s++) {
			const struct qn_rates *rates = round % 3 == 2 ? &limited : &plain;
			uint64_t n = 1 + random_below(&seed, smalls[s].most_items);
			struct cluster c;
			struct work k;
			struct qn_plan p;
			double best;

			make_cluster(&c, smalls[s].nhosts, smalls[s].host,
				     smalls[s].ranks_per_host);
			make_work(&k, n, 50, 1 + random_below(&seed, 1000),
				  1 + (uint32_t)random_below(&seed, n), &seed);
			draw_homes(&c, &k, round % 2, &seed);
			p = plan(&c, &k, rates);
			best = exact_finish(&c, &k, rates, p.finish);
			assert_true(p.finish <= NEAR * best);
			qn_plan_fini(&p);
			free_work(&k);
		}
}

/* --- larger ones --- */

static const struct shape {
	int nhosts;
	const char *host;
	int ranks_per_host;
} shapes[] = {
	{ 1, "core:1 pu:1", 1 },
	{ 1, "numa:2 core:4 pu:2", 2 },
	{ 1, "pack:2 numa:4 core:4 pu:1", 8 },
	{ 1, "numa:4 core:6 pu:2", 5 }, /* 4 or 5 threads a rank */
	{ 3, "numa:2 core:3 pu:1", 4 }, /* 1 or 2 threads a rank */
	{ 4, "pack:2 numa:2 core:8 pu:2", 4 },
	{ 8, "numa:8 core:2 pu:1", 16 },
	{ 2, "core:2 pu:1", 7 }, /* oversubscribed */
};

#define NSHAPES (sizeof(shapes) / sizeof(*shapes))

static void make_shape(struct cluster *c, size_t i)
{
	make_cluster(c, shapes[i].nhosts, shapes[i].host, shapes[i].ranks_per_host);
}

/* One range a rank, in the order of the ranks; and hardly later than an even division. */
static void test_no_homes_give_one_range(void **state)
{
	uint64_t seed = random_seed(3);

	(void)state;
	for (size_t s = 0; s < NSHAPES; s++)
		for (int pattern = 0; pattern < 4; pattern++) {
			struct cluster c;
			struct work k;
			struct qn_plan p;
			uint64_t next = 0;

			make_shape(&c, s);
			make_work(&k, 20000 + random_below(&seed, 3000), 100, pattern ? 100 : 1, 0,
				  &seed);
			if (pattern == 2)
				k.homeless = true;
			p = plan(&c, &k, &plain);
			for (int r = 0; r < p.nranks; r++) {
				assert_int_equal(p.at[r + 1] - p.at[r], 1);
				assert_int_equal(p.range[p.at[r]].first, next);
				next += p.range[p.at[r]].n;
			}
			assert_true(p.imbalance < 1.02);
			assert_int_equal(p.why[QN_WHY_NO_HOME], p.tier[QN_SHARED]);
			qn_plan_fini(&p);
			free_work(&k);
		}
}

/* Few equal items: nobody gets two more than another, and the order stays. */
static void test_few_equal_items(void **state)
{
	uint64_t seed = random_seed(1);

	(void)state;
	for (size_t s = 0; s < NSHAPES; s++)
		for (uint64_t n = 1; n < 120; n += 7) {
			struct cluster c;
			struct work k;
			struct qn_plan p;
			double fair;

			make_shape(&c, s);
			make_work(&k, n, 1 << 20, 1, 0, &seed);
			p = plan(&c, &k, &plain);
			fair = (double)n / nthreads_of(&c);
			for (int r = 0; r < p.nranks; r++)
				assert_true((double)p.rank[r].nitems <=
					    fair * c.place[r].nthreads + 1.5);
			qn_plan_fini(&p);
			free_work(&k);
		}
}

/* As many bytes on each node as its cores ask for: all stay at home, however they are mixed. */
static void test_even_homes_are_honoured(void **state)
{
	static const struct shape on[] = { { 1, "numa:2 core:4 pu:2", 2 },
					   { 2, "numa:8 core:4 pu:1", 8 },
					   { 4, "pack:2 numa:2 core:8 pu:2", 16 },
					   { 3, "numa:4 core:2 pu:1", 8 } };
	uint64_t seed = random_seed(9);

	(void)state;
	for (size_t s = 0; s < sizeof(on) / sizeof(*on); s++)
		for (int mixed = 0; mixed < 2; mixed++) {
			struct cluster c;
			struct work k;
			struct qn_plan p;
			uint32_t nhomes;

			make_cluster(&c, on[s].nhosts, on[s].host, on[s].ranks_per_host);
			nhomes = (uint32_t)(c.nhosts * c.nnodes);
			make_work(&k, 6400, 1000, 1, nhomes, &seed);
			for (uint32_t h = 0; h < nhomes; h++)
				add_set(&k, h, true, 1,
					memory(h / (uint32_t)c.nnodes, h % (uint32_t)c.nnodes));
			for (uint64_t i = 0; i < k.w.nitems; i++)
				k.set[i] = (uint32_t)(mixed ? i % nhomes : i * nhomes / k.w.nitems);
			p = plan(&c, &k, &plain);
			assert_int_equal(p.tier[QN_MEMORY], 6400 * 1000);
			assert_true(p.imbalance < 1.02);
			qn_plan_fini(&p);
			free_work(&k);
		}
}

/* One node holds far more than its share: its host helps first, and nobody is late. */
static void test_overfull_home_spills(void **state)
{
	struct cluster c;
	struct work k;
	struct qn_plan p;
	uint64_t seed = random_seed(2);

	(void)state;
	make_cluster(&c, 2, "numa:4 core:4 pu:1", 4);
	make_work(&k, 8000, 500, 100, 3, &seed);
	add_set(&k, 0, true, 1, memory(0, 1));
	add_set(&k, 1, true, 1, memory(0, 2));
	add_set(&k, 2, true, 1, memory(1, 2));
	for (uint64_t i = 0; i < 8000; i++)
		k.set[i] = i < 4000 ? 0 : 1 + i % 2;
	p = plan(&c, &k, &plain);
	assert_true(p.imbalance < 1.05);
	assert_true(p.tier[QN_MEMORY] > p.tier[QN_MEMORY_NEAR]);
	assert_true(p.tier[QN_MEMORY_NEAR] > p.tier[QN_SHARED]);
	assert_int_equal(p.why[QN_WHY_FULL], p.tier[QN_SHARED]);
	qn_plan_fini(&p);
	free_work(&k);
}

/* Two replicas of everything, one on a host that has all of it: each host does half. */
static void test_replicas_share_the_work(void **state)
{
	struct cluster c;
	struct work k;
	struct qn_plan p;
	uint64_t seed = random_seed(6);

	(void)state;
	make_cluster(&c, 4, "numa:1 core:2 pu:1", 1);
	make_work(&k, 3000, 900, 200, 3, &seed);
	for (uint32_t s = 0; s < 3; s++)
		add_set(&k, s, false, 2, disk(0), disk(s + 1));
	p = plan(&c, &k, &plain);
	assert_true(p.imbalance < 1.03);
	assert_int_equal(p.tier[QN_DISK], p.homed);
	qn_plan_fini(&p);
	free_work(&k);
}

/* What a chain of replicas can carry along: host h has shards h and h + 1, the first shards are
   much larger than the last. */
static void test_chain_of_replicas(void **state)
{
	struct cluster c;
	struct work k;
	struct qn_plan p;
	uint64_t seed = random_seed(8);

	(void)state;
	make_cluster(&c, 24, "numa:1 core:1 pu:1", 1);
	make_work(&k, 24 * 400, 1000, 1, 24, &seed);
	for (uint32_t s = 0; s < 24; s++)
		add_set(&k, s, false, 2, disk(s), disk((s + 1) % 24));
	for (uint64_t i = 0; i < k.w.nitems; i++)
		k.set[i] = (uint32_t)(i / 400);
	for (uint64_t i = 0; i < 2400; i++)
		k.stored[i] = k.decoded[i] = 1400;
	p = plan(&c, &k, &plain);
	/* 24 hosts, and the six with the large shards have one helper only on each side. */
	assert_true(p.imbalance < 1.25);
	qn_plan_fini(&p);
	free_work(&k);
}

static void test_homes_without_a_rank(void **state)
{
	struct quern_message err = { .status = QUERN_OK };
	struct cluster c;
	struct work k;
	struct qn_plan p;
	uint64_t seed = random_seed(8), which = 0;

	(void)state;
	make_cluster(&c, 3, "numa:2 core:2 pu:1", 2);
	make_work(&k, 1000, 10, 10, 2, &seed);
	add_set(&k, 0, true, 1, memory(77, 1));
	add_set(&k, 1, false, 1, disk(78));
	memset(k.set, 0, 1000 * sizeof(*k.set));
	p = plan(&c, &k, &plain);
	assert_int_equal(p.why[QN_WHY_NO_RANK], p.homed);
	qn_plan_fini(&p);
	k.set[444] = 1;
	make_lumps(&k, 1);
	assert_int_equal(qn_plan_make(&c.c, &k.w, &plain, &p, &which, &err), QUERN_ERR_DATA);
	assert_int_equal(which, 444);
	assert_non_null(strstr(err.text, "444"));
	qn_plan_fini(&p);
	free_work(&k);
}

/* A disk that is slower than its cores: the other replica and the other hosts relieve it. */
static void test_limits_are_kept(void **state)
{
	const struct qn_rates rates = { .read = { 1e-6, 1e-6, 1e-6, 1e-6, 1e-6 },
					.compute = 1e-6,
					.disk = 1e6,
					.shared = 2e6 };
	struct cluster c;
	struct work k;
	struct qn_plan p;
	uint64_t seed = random_seed(5);

	(void)state;
	make_cluster(&c, 4, "numa:2 core:8 pu:1", 2);
	make_work(&k, 8000, 1000, 1, 2, &seed);
	add_set(&k, 0, true, 1, disk(0));
	add_set(&k, 1, true, 1, disk(1));
	p = plan(&c, &k, &rates);
	/* Two disks and shared storage together: 4e6 bytes a second for 8e6 bytes. */
	assert_true(p.finish > 1.99 && p.finish < 2.2);
	qn_plan_fini(&p);
	free_work(&k);
}

static void test_nothing_to_do(void **state)
{
	struct cluster c;
	struct work k;
	struct qn_plan p;
	uint64_t seed = random_seed(1);

	(void)state;
	make_cluster(&c, 2, "numa:2 core:2 pu:1", 3);
	make_work(&k, 0, 1, 1, 0, &seed);
	p = plan(&c, &k, &plain);
	assert_true(p.imbalance == 1 && p.finish == 0);
	qn_plan_fini(&p);
	qn_plan_fini(&p);
	free_work(&k);
}

/* One giant among crumbs does not take others with it. */
static void test_giant_item(void **state)
{
	struct cluster c;
	struct work k;
	struct qn_plan p;
	uint64_t seed = random_seed(1);

	(void)state;
	make_cluster(&c, 2, "numa:2 core:2 pu:1", 4);
	make_work(&k, 40001, 1, 1, 0, &seed);
	k.stored[20000] = k.decoded[20000] = 6000;
	p = plan(&c, &k, &plain);
	assert_true(p.finish < 1.02 * 6000 * (plain.read[QN_SHARED] + plain.compute));
	qn_plan_fini(&p);
	free_work(&k);
}

/* Random homes on random shapes: never later than a bound by much. Here every item can be read by
   all, and what is read from elsewhere costs at most twice. */
static void test_any_homes_keep_the_bound(void **state)
{
	static const struct qn_rates mild = { .read = { 1e-6, 1.1e-6, 1.2e-6, 1.3e-6, 1.5e-6 },
					      .compute = 2e-6 };
	uint64_t seed = 5; /* a heuristic keeps to a bound on what has been tried, and no other */

	(void)state;
	for (int round = 0; round < 6; round++)
		for (size_t s = 0; s < NSHAPES; s++) {
			struct cluster c;
			struct work k;
			struct qn_plan p;
			double away = 0, fair;

			make_shape(&c, s);
			make_work(&k, 15000, 100, 1 + random_below(&seed, 900),
				  1 + (uint32_t)random_below(&seed, 300), &seed);
			draw_homes(&c, &k, true, &seed);
			p = plan(&c, &k, &mild);
			for (uint64_t i = 0; i < k.w.nitems; i++)
				away += (double)k.stored[i] * 3.5e-6;
			fair = away / nthreads_of(&c);
			assert_true(p.finish <= fair * 1.02);
			assert_true(p.imbalance < 1.05);
			qn_plan_fini(&p);
			free_work(&k);
		}
}

/* Lumps are parted where that is needed: whatever their size, the plan is as good, and the same items
   are read from the same kinds of homes. */
static void test_lumps_are_parted(void **state)
{
	static const uint32_t per[] = { 7, 100, 1000000 };
	uint64_t seed = random_seed(21);

	(void)state;
	for (size_t s = 0; s < NSHAPES; s++)
		for (size_t i = 0; i < sizeof(per) / sizeof(*per); i++) {
			struct cluster c;
			struct work k;
			struct qn_plan p, each;
			uint32_t nsets = 1 + (uint32_t)random_below(&seed, 20);

			make_shape(&c, s);
			make_work(&k, 9000, 1000, 1, nsets, &seed);
			draw_homes(&c, &k, true, &seed);
			for (uint64_t n = 0; n < k.w.nitems; n++)
				k.set[n] = (uint32_t)(n * nsets / k.w.nitems);
			each = plan(&c, &k, &plain);
			p = plan_lumps(&c, &k, &plain, per[i]);
			assert_true(k.w.nlumps < k.w.nitems);
			if (p.finish > NEAR * each.finish)
				fail_msg("shape %zu, lumps of %u: %g, not %g", s, per[i], p.finish,
					 each.finish);
			assert_int_equal(p.homed, each.homed);
			qn_plan_fini(&p);
			qn_plan_fini(&each);
			free_work(&k);
		}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_near_the_exact_solution),
		cmocka_unit_test(test_no_homes_give_one_range),
		cmocka_unit_test(test_few_equal_items),
		cmocka_unit_test(test_even_homes_are_honoured),
		cmocka_unit_test(test_overfull_home_spills),
		cmocka_unit_test(test_replicas_share_the_work),
		cmocka_unit_test(test_chain_of_replicas),
		cmocka_unit_test(test_homes_without_a_rank),
		cmocka_unit_test(test_limits_are_kept),
		cmocka_unit_test(test_nothing_to_do),
		cmocka_unit_test(test_giant_item),
		cmocka_unit_test(test_any_homes_keep_the_bound),
		cmocka_unit_test(test_lumps_are_parted),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
