/*
 * test_plan.c - the planner, on clusters made of synthetic hwloc topologies.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "plan/plan.h"
#include "random.h"
#include "topo/topo.h"

#define SLACK	  0.02	/* what the contract allows beyond a fair share, for homes */
#define MAX_RANKS 256

/* A cluster of equal hosts, with as many ranks on each, one host after the other. */
struct cluster {
	int nhosts, nranks, nnodes;
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
	c->nranks = nhosts * ranks_per_host;
	c->nnodes = qn_topo_nnodes(t);
	assert_in_range(c->nranks, 1, MAX_RANKS);
	for (int i = 0; i < c->nranks; i++) {
		struct qn_place *p = &c->place[i];

		p->nthreads = (uint32_t)qn_topo_slice(t, all, ranks_per_host, i % ranks_per_host,
						      &slice, &oversubscribed);
		p->node = (uint32_t)qn_topo_node_of(t, &slice);
		p->host = (uint32_t)(i / ranks_per_host);
	}
	qn_topo_free(t);
}

struct work {
	uint64_t n, *weight, total, largest;
	uint32_t *home;
};

/* n items of weight least .. least + spread - 1, without homes. */
static struct work make_work(uint64_t n, uint64_t least, uint64_t spread, uint64_t *seed)
{
	struct work w = { .n = n, .weight = calloc(n + 1, sizeof(*w.weight)),
			  .home = calloc(n + 1, sizeof(*w.home)) };

	for (uint64_t i = 0; i < n; i++) {
		w.weight[i] = least + (spread > 1 ? random_below(seed, spread) : 0);
		w.total += w.weight[i];
		w.largest = w.weight[i] > w.largest ? w.weight[i] : w.largest;
		w.home[i] = QN_NO_HOME;
	}
	return w;
}

static void free_work(struct work *w)
{
	free(w->weight);
	free(w->home);
}

static double nthreads_of(const struct cluster *c)
{
	double n = 0;

	for (int r = 0; r < c->nranks; r++)
		n += c->place[r].nthreads;
	return n;
}

/* What holds for every plan: each item placed, sums right, nobody far above the fair share. */
static void check_plan(const struct cluster *c, const struct work *w, const struct qn_plan *p,
		       double slack)
{
	uint64_t count[MAX_RANKS] = { 0 }, nbytes[MAX_RANKS] = { 0 }, homed = 0, local = 0;

	assert_int_equal(p->nranks, c->nranks);
	assert_int_equal(p->nitems, w->n);
	for (uint64_t i = 0; i < w->n; i++) {
		const struct qn_place *at;

		assert_in_range(p->rank[i], 0, c->nranks - 1);
		at = &c->place[p->rank[i]];
		count[p->rank[i]]++;
		nbytes[p->rank[i]] += w->weight[i];
		homed += w->home[i] != QN_NO_HOME ? w->weight[i] : 0;
		local += w->home[i] == qn_home(at->host, at->node) ? w->weight[i] : 0;
	}
	assert_int_equal(p->homed_nbytes, homed);
	assert_int_equal(p->local_nbytes, local);
	for (int r = 0; r < c->nranks; r++) {
		double fair = (double)w->total * c->place[r].nthreads / nthreads_of(c);

		assert_int_equal(p->count[r], count[r]);
		assert_int_equal(p->nbytes[r], nbytes[r]);
		assert_true((double)nbytes[r] <= fair * (1 + slack) + (double)w->largest * 1.0001);
	}
}

/* Plans twice, checks both and that they are the same; the plan is the caller's. */
static struct qn_plan plan(const struct cluster *c, const struct work *w, double slack)
{
	struct quern_message err = { .status = QUERN_OK };
	struct qn_plan p, again;

	assert_int_equal(qn_plan_make(c->place, c->nranks, w->weight, w->home, w->n, &p, &err), 0);
	assert_int_equal(qn_plan_make(c->place, c->nranks, w->weight, w->home, w->n, &again, &err),
			 0);
	check_plan(c, w, &p, slack);
	assert_memory_equal(p.rank, again.rank, w->n * sizeof(*p.rank));
	qn_plan_fini(&again);
	return p;
}

static const struct shape {
	int nhosts;
	const char *host;
	int ranks_per_host;
} shapes[] = {
	{ 1, "core:1 pu:1", 1 },
	{ 1, "numa:2 core:4 pu:2", 1 },
	{ 1, "numa:2 core:4 pu:2", 2 },
	{ 1, "pack:2 numa:4 core:4 pu:1", 8 },
	{ 1, "numa:4 core:6 pu:2", 5 },		/* 4 or 5 threads a rank */
	{ 3, "numa:2 core:3 pu:1", 4 },		/* 1 or 2 threads a rank */
	{ 4, "pack:2 numa:2 core:8 pu:2", 4 },
	{ 8, "numa:8 core:2 pu:1", 16 },
	{ 2, "core:2 pu:1", 7 },		/* oversubscribed */
};

#define NSHAPES (sizeof(shapes) / sizeof(*shapes))

static void make_shape(struct cluster *c, size_t i)
{
	make_cluster(c, shapes[i].nhosts, shapes[i].host, shapes[i].ranks_per_host);
}

static void test_no_homes_give_contiguous_runs(void **state)
{
	uint64_t seed = 3;

	(void)state;
	for (size_t s = 0; s < NSHAPES; s++)
		for (int pattern = 0; pattern < 4; pattern++) {
			struct cluster c;
			struct work w = make_work(1 + random_below(&seed, 3000), 1,
						  pattern == 0 ? 1 : 1000, &seed);
			struct qn_plan p, same;

			make_shape(&c, s);
			p = plan(&c, &w, 0);
			for (uint64_t i = 1; i < w.n; i++)
				assert_true(p.rank[i] >= p.rank[i - 1]);
			/* No table of homes is the same as one without entries. */
			qn_plan_make(c.place, c.nranks, w.weight, NULL, w.n, &same, NULL);
			assert_memory_equal(same.rank, p.rank, w.n * sizeof(*p.rank));
			qn_plan_fini(&same);
			qn_plan_fini(&p);
			free_work(&w);
		}
}

/* Many equal items: the contiguous runs differ by one item at most. */
static void test_equal_items_are_balanced(void **state)
{
	(void)state;
	for (size_t s = 0; s < NSHAPES; s++) {
		struct cluster c;
		uint64_t seed = 1;
		struct work w = make_work(10007, 1 << 20, 1, &seed);
		struct qn_plan p;

		make_shape(&c, s);
		p = plan(&c, &w, 0);
		for (int r = 0; r < c.nranks; r++) {
			double fair = (double)w.n * c.place[r].nthreads / nthreads_of(&c);

			assert_true((double)p.count[r] > fair - 1 && (double)p.count[r] < fair + 1);
		}
		assert_true(qn_plan_imbalance(&p, c.place) < 1.02);
		qn_plan_fini(&p);
		free_work(&w);
	}
}

static void draw_homes(const struct cluster *c, struct work *w, int pattern, uint64_t *seed)
{
	uint32_t home = QN_NO_HOME;

	for (uint64_t i = 0; i < w->n; i++) {
		/* Runs of neighbours with a home, now and then of none, or of an unknown host. */
		if (!random_below(seed, pattern == 0 ? 1 : 20)) {
			uint64_t host = random_below(seed, (uint64_t)c->nhosts + 1);
			uint64_t node = random_below(seed, (uint64_t)c->nnodes);

			home = random_below(seed, 5) ? qn_home((uint32_t)host, (uint32_t)node)
						     : QN_NO_HOME;
		}
		w->home[i] = pattern == 2 ? qn_home(0, 0) : home;
	}
}

static void test_any_homes_keep_the_bounds(void **state)
{
	uint64_t seed = 5;

	(void)state;
	for (int round = 0; round < 20; round++)
		for (size_t s = 0; s < NSHAPES; s++) {
			struct cluster c;
			struct work w = make_work(random_below(&seed, 2000), 1,
						  1 + random_below(&seed, 2000), &seed);
			struct qn_plan p;

			make_shape(&c, s);
			draw_homes(&c, &w, round % 3, &seed);
			p = plan(&c, &w, SLACK);
			qn_plan_fini(&p);
			free_work(&w);
		}
}

/* As many bytes on each node as its cores ask for: all stay at home, however they are mixed. */
static void test_even_homes_are_honoured(void **state)
{
	const struct shape on[] = { { 1, "numa:2 core:4 pu:2", 2 }, { 2, "numa:8 core:4 pu:1", 8 },
				    { 4, "pack:2 numa:2 core:8 pu:2", 16 },
				    { 3, "numa:4 core:2 pu:1", 8 } };

	(void)state;
	for (size_t s = 0; s < sizeof(on) / sizeof(*on); s++)
		for (int mixed = 0; mixed < 2; mixed++) {
			struct cluster c;
			uint64_t seed = 9, nhomes;
			struct work w = make_work(6400, 1000, 1, &seed);
			struct qn_plan p;

			make_cluster(&c, on[s].nhosts, on[s].host, on[s].ranks_per_host);
			nhomes = (uint64_t)(c.nhosts * c.nnodes);
			for (uint64_t i = 0; i < w.n; i++) {
				uint32_t k = (uint32_t)(mixed ? i % nhomes : i * nhomes / w.n);

				w.home[i] = qn_home(k / (uint32_t)c.nnodes, k % (uint32_t)c.nnodes);
			}
			p = plan(&c, &w, SLACK);
			assert_int_equal(p.local_nbytes, w.total);
			/* Honouring them must not cost balance inside a home either. */
			assert_true(qn_plan_imbalance(&p, c.place) < 1.015);
			qn_plan_fini(&p);
			free_work(&w);
		}
}

/* One node holds three times its share: it keeps its share and the slack, the rest spreads, on the
   same host first, and nobody is late. */
static void test_overfull_home_spills(void **state)
{
	struct cluster c;
	uint64_t seed = 2, at_host = 0;
	struct work w = make_work(8000, 500, 1000, &seed);
	struct qn_plan p;
	double fair;

	(void)state;
	make_cluster(&c, 2, "numa:4 core:4 pu:1", 4);
	fair = (double)w.total / c.nranks;
	for (uint64_t i = 0; i < w.n; i++)
		w.home[i] = i < 3000 ? qn_home(0, 1) : qn_home((uint32_t)(i % 2), 2);
	p = plan(&c, &w, SLACK);
	assert_true((double)p.nbytes[1] > fair);
	for (uint64_t i = 0; i < 3000; i++)
		at_host += p.rank[i] < 4;
	assert_int_equal(at_host, 3000);
	assert_true(qn_plan_imbalance(&p, c.place) < 1 + SLACK + 0.005);
	qn_plan_fini(&p);
	free_work(&w);
}

/* Overfull homes together take more than the average: what is left is shared by all the others. */
static void test_rest_is_level(void **state)
{
	struct cluster c;
	uint64_t seed = 4, least = UINT64_MAX, most = 0;
	struct work w = make_work(16000, 1000, 1, &seed);
	struct qn_plan p;

	(void)state;
	make_cluster(&c, 1, "numa:8 core:4 pu:1", 8);
	for (uint64_t i = 0; i < w.n; i++)
		w.home[i] = i < 9000 ? qn_home(0, (uint32_t)(i % 4)) : QN_NO_HOME;
	p = plan(&c, &w, SLACK);
	for (int r = 4; r < 8; r++) {
		least = p.count[r] < least ? p.count[r] : least;
		most = p.count[r] > most ? p.count[r] : most;
	}
	assert_in_range(most - least, 0, 1);
	qn_plan_fini(&p);
	free_work(&w);
}

/* Two ranks on eight nodes: each has four of them, though its place names the first only. */
static void test_ranks_of_several_nodes(void **state)
{
	struct cluster c;
	uint64_t seed = 6;
	struct work w = make_work(800, 10, 1, &seed);
	struct qn_plan p;

	(void)state;
	make_cluster(&c, 1, "numa:8 core:4 pu:1", 2);
	assert_int_equal(c.place[1].node, 4);
	for (uint64_t i = 0; i < w.n; i++)
		w.home[i] = qn_home(0, (uint32_t)(i * 7 % 8));
	p = plan(&c, &w, SLACK);
	for (uint64_t i = 0; i < w.n; i++)
		assert_int_equal(p.rank[i], i * 7 % 8 / 4);
	qn_plan_fini(&p);
	free_work(&w);
}

static void test_homes_without_a_rank(void **state)
{
	struct cluster c;
	uint64_t seed = 8;
	struct work w = make_work(1000, 1, 10, &seed);
	struct qn_plan p;

	(void)state;
	make_cluster(&c, 3, "numa:2 core:2 pu:1", 2);
	for (uint64_t i = 0; i < w.n; i++)
		w.home[i] = qn_home(77, 1);
	p = plan(&c, &w, 0);
	assert_int_equal(p.local_nbytes, 0);
	assert_int_equal(p.homed_nbytes, w.total);
	for (uint64_t i = 1; i < w.n; i++)
		assert_true(p.rank[i] >= p.rank[i - 1]);
	qn_plan_fini(&p);
	free_work(&w);
}

static void test_nothing_to_do(void **state)
{
	struct cluster c;
	struct work w = { .n = 0 };
	struct qn_plan p;

	(void)state;
	make_cluster(&c, 2, "numa:2 core:2 pu:1", 3);
	assert_int_equal(qn_plan_make(c.place, c.nranks, NULL, NULL, 0, &p, NULL), QUERN_OK);
	check_plan(&c, &w, &p, 0);
	assert_true(qn_plan_imbalance(&p, c.place) == 1);
	qn_plan_fini(&p);
	qn_plan_fini(&p);
}

/* More ranks than items: at most one each, and none is lost. */
static void test_more_ranks_than_items(void **state)
{
	struct cluster c;
	uint64_t seed = 1;

	(void)state;
	make_cluster(&c, 8, "numa:8 core:2 pu:1", 16);
	for (uint64_t n = 1; n < 128; n += 9) {
		struct work w = make_work(n, 1 << 20, 1, &seed);
		struct qn_plan p = plan(&c, &w, 0);

		for (int r = 0; r < c.nranks; r++)
			assert_in_range(p.count[r], 0, 1);
		qn_plan_fini(&p);
		free_work(&w);
	}
}

/* One giant among crumbs does not take others with it. */
static void test_giant_item(void **state)
{
	struct cluster c;
	uint64_t seed = 1;
	struct work w = make_work(4001, 1, 1, &seed);
	struct qn_plan p;

	(void)state;
	make_cluster(&c, 1, "numa:2 core:2 pu:1", 4);
	w.total += 1999;
	w.weight[2000] = w.largest = 2000;
	p = plan(&c, &w, 0);
	for (int r = 0; r < c.nranks; r++)
		assert_true(p.nbytes[r] <= 2500);
	qn_plan_fini(&p);
	free_work(&w);
}

/* Threads decide, not ranks: one rank with 12 threads beside four with one. */
static void test_different_threads(void **state)
{
	struct cluster c = { .nhosts = 1, .nranks = 5, .nnodes = 1 };
	uint64_t seed = 1;
	struct work w = make_work(16000, 100, 1, &seed);

	(void)state;
	for (int homed = 0; homed < 2; homed++) {
		struct qn_plan p;

		for (int r = 0; r < c.nranks; r++)
			c.place[r] = (struct qn_place){ .nthreads = r == 2 ? 12 : 1 };
		for (uint64_t i = 0; homed && i < w.n; i++)
			w.home[i] = qn_home(0, 0);
		p = plan(&c, &w, SLACK);
		for (int r = 0; r < c.nranks; r++)
			assert_in_range(p.count[r], r == 2 ? 11999 : 999, r == 2 ? 12001 : 1001);
		qn_plan_fini(&p);
	}
	free_work(&w);
}

/* A million items with homes that change all the time, on many ranks, in well under a second. */
static void test_large_plan(void **state)
{
	struct cluster c;
	uint64_t seed = 12;
	struct work w = make_work(1000000, 1 << 10, 1 << 20, &seed);
	struct qn_plan p;

	(void)state;
	make_cluster(&c, 16, "numa:8 core:8 pu:1", 16);
	for (uint64_t i = 0; i < w.n; i++)
		w.home[i] = qn_home((uint32_t)(i % 16), (uint32_t)random_below(&seed, 8));
	p = plan(&c, &w, SLACK);
	assert_true((double)p.local_nbytes > 0.99 * (double)w.total);
	qn_plan_fini(&p);
	free_work(&w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_no_homes_give_contiguous_runs),
		cmocka_unit_test(test_equal_items_are_balanced),
		cmocka_unit_test(test_any_homes_keep_the_bounds),
		cmocka_unit_test(test_even_homes_are_honoured),
		cmocka_unit_test(test_overfull_home_spills),
		cmocka_unit_test(test_rest_is_level),
		cmocka_unit_test(test_ranks_of_several_nodes),
		cmocka_unit_test(test_homes_without_a_rank),
		cmocka_unit_test(test_nothing_to_do),
		cmocka_unit_test(test_more_ranks_than_items),
		cmocka_unit_test(test_giant_item),
		cmocka_unit_test(test_different_threads),
		cmocka_unit_test(test_large_plan),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
