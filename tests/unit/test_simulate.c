/*
 * test_simulate.c - simulated runs whose length can be worked out by hand.
 */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "plan/simulate.h"

#define MAX_RANKS 16
#define NITEMS	  4000
#define NBYTES	  1000

/* A millisecond an item from memory. */
static const struct qn_rates rates = { .read = { 5e-7, 6e-7, 8e-7, 8e-7, 1e-6 }, .compute = 5e-7 };

struct fixture {
	struct qn_place place[MAX_RANKS];
	struct qn_cluster cluster;
	struct qn_work work;
	struct qn_lump lump[NITEMS];
	struct qn_home home[MAX_RANKS];
	uint64_t first[MAX_RANKS + 1];
	uint8_t shared[MAX_RANKS];
	struct qn_homes homes;
	struct qn_costs costs;
};

/* nhosts hosts with two nodes and a rank on each; items in equal parts in their memory. */
static void begin(struct fixture *f, int nhosts, uint32_t nthreads)
{
	int n = 2 * nhosts;

	memset(f, 0, sizeof(*f));
	f->cluster = (struct qn_cluster){ n, f->place };
	for (uint32_t r = 0; r < (uint32_t)n; r++) {
		f->place[r] = (struct qn_place){ r / 2, r % 2, nthreads };
		f->home[r] = (struct qn_home){ r / 2, (uint16_t)(r % 2), QN_HOME_MEMORY };
		f->first[r + 1] = r + 1;
	}
	f->homes = (struct qn_homes){ (uint32_t)n, f->first, f->home, f->shared };
	for (uint32_t i = 0; i < NITEMS; i++)
		f->lump[i] = (struct qn_lump){ i, NBYTES, NBYTES, 1, i * (uint32_t)n / NITEMS };
	f->work = (struct qn_work){ NITEMS, NITEMS, f->lump, &f->homes };
	f->costs = (struct qn_costs){ .rates = rates, .network = 1e9, .npasses = 1 };
}

static struct qn_forecast simulate(const struct fixture *f, const double *slow)
{
	struct quern_message err = { .status = QUERN_OK };
	struct qn_forecast seen, again;
	struct qn_plan plan;

	assert_int_equal(qn_plan_make(&f->cluster, &f->work, &rates, &plan, NULL, &err), 0);
	assert_int_equal(qn_simulate(&f->cluster, &f->work, &plan, &f->costs, slow, &seen, &err),
			 0);
	assert_int_equal(qn_simulate(&f->cluster, &f->work, &plan, &f->costs, slow, &again, &err),
			 0);
	assert_memory_equal(&seen, &again, sizeof(seen));
	qn_plan_fini(&plan);
	return seen;
}

static void assert_near(double a, double b, double within)
{
	if (fabs(a - b) > within * b)
		fail_msg("%g is not %g", a, b);
}

static void test_even_work(void **state)
{
	(void)state;
	for (int nhosts = 1; nhosts <= 8; nhosts *= 2)
		for (uint32_t nthreads = 1; nthreads <= 4; nthreads *= 2) {
			struct fixture f;
			struct qn_forecast seen;

			begin(&f, nhosts, nthreads);
			seen = simulate(&f, NULL);
			assert_near(seen.busy, NITEMS * 1e-3, 1e-6);
			assert_near(seen.work, NITEMS * 1e-3 / (2 * nhosts * (double)nthreads),
				    0.02);
		}
}

/* A slow host is not helped by others, which have no copies, but on a host the threads end together. */
static void test_slow_host(void **state)
{
	const double slow[] = { 1, 4, 1, 1 };
	struct fixture f;

	(void)state;
	begin(&f, 4, 2);
	assert_near(simulate(&f, slow).work, 4 * NITEMS * 1e-3 / 16, 0.02);
}

/* Copies of everything on the first n hosts, and items planned for all of them. */
static void copy_to(struct fixture *f, uint32_t n, bool shared)
{
	for (uint32_t h = 0; h < n; h++)
		f->home[h] = (struct qn_home){ h, QN_ANY_NODE, QN_HOME_DISK };
	f->first[1] = n;
	f->shared[0] = shared;
	f->homes.nsets = 1;
	for (uint32_t i = 0; i < NITEMS; i++)
		f->lump[i].set = 0;
}

/* Others that have copies help a slow host, so that all end together; who cannot read them does not. */
static void test_leases(void **state)
{
	static const double slow[] = { 1, 4, 1, 1 };
	struct qn_forecast seen;
	struct fixture f;

	(void)state;
	begin(&f, 4, 2);
	copy_to(&f, 4, false);
	seen = simulate(&f, slow);
	assert_true(seen.ntasks_leased > NITEMS / 8);
	assert_near(seen.work, NITEMS * 1.3e-3 / (3 * 4 + 1), 0.1);
	begin(&f, 4, 2);
	copy_to(&f, 2, false);
	seen = simulate(&f, slow);
	assert_true(seen.ntasks_leased > NITEMS / 8);
	assert_near(seen.work, NITEMS * 1.3e-3 / (4 + 1), 0.05);
	/* Without a slow one there is nothing to be had. */
	begin(&f, 4, 2);
	copy_to(&f, 4, false);
	seen = simulate(&f, NULL);
	assert_true(seen.ntasks_leased < NITEMS / 50);
	assert_near(seen.work, NITEMS * 1.3e-3 / 16, 0.05);
}

/* Shared storage is worth the way when the host that has the data is slow enough. */
static void test_leases_from_afar(void **state)
{
	static const double slow[] = { 20, 1 };
	struct qn_forecast seen, alone;
	struct fixture f;

	(void)state;
	begin(&f, 2, 2);
	copy_to(&f, 1, false);
	alone = simulate(&f, slow);
	assert_int_equal(alone.ntasks_leased, 0);
	begin(&f, 2, 2);
	copy_to(&f, 1, true);
	seen = simulate(&f, slow);
	assert_true(seen.ntasks_leased > 0);
	assert_true(seen.work < alone.work / 4);
}

/* The plan does not know that the first items take longer; stealing on the host makes up for it,
   but for what memory of another node costs more. */
static void test_stealing(void **state)
{
	struct fixture f;
	struct qn_forecast seen;
	struct qn_plan plan;
	struct quern_message err = { .status = QUERN_OK };

	(void)state;
	begin(&f, 1, 2);
	assert_int_equal(qn_plan_make(&f.cluster, &f.work, &rates, &plan, NULL, &err), 0);
	for (uint32_t i = 0; i < NITEMS / 2; i++)
		f.lump[i].stored = f.lump[i].decoded = 3 * NBYTES;
	assert_int_equal(qn_simulate(&f.cluster, &f.work, &plan, &f.costs, NULL, &seen, &err), 0);
	assert_true(seen.ntasks_stolen > NITEMS / 10);
	assert_near(seen.work, seen.busy / 4, 0.02);
	assert_true(seen.work < 0.75 * 3 * NITEMS / 2 * 1e-3 / 2);
	qn_plan_fini(&plan);
}

/* Limits decide: the disk of a host, its link, shared storage. */
static void test_servers(void **state)
{
	struct fixture f;

	(void)state;
	begin(&f, 2, 4);
	for (int r = 0; r < 4; r++)
		f.home[r].tier = QN_HOME_DISK;
	f.costs.rates.disk = 1e6;
	assert_near(simulate(&f, NULL).work, NITEMS * NBYTES / 2e6, 0.02);
	begin(&f, 2, 4);
	for (uint32_t i = 0; i < NITEMS; i++)
		f.lump[i].set = QN_NO_HOMES;
	f.costs.rates.shared_host = 1e6;
	assert_near(simulate(&f, NULL).work, NITEMS * NBYTES / 2e6, 0.02);
	f.costs.rates.shared = 1e6;
	assert_near(simulate(&f, NULL).work, NITEMS * NBYTES / 1e6, 0.02);
}

static void test_costs_beside_the_work(void **state)
{
	struct fixture f;
	struct qn_forecast seen;

	(void)state;
	begin(&f, 8, 1);
	f.costs.startup = 3;
	f.costs.metadata = 2;
	f.costs.plan_item = 1e-3;
	f.costs.message = 0.25;
	f.costs.latency = 0.5;
	f.costs.output = 7;
	f.costs.npasses = 2;
	seen = simulate(&f, NULL);
	assert_near(seen.startup, 3 + 4 * 0.5, 1e-9); /* 16 ranks: a tree of depth 4 */
	assert_near(seen.metadata, 2 + 4 * 0.5, 1e-9);
	assert_near(seen.plan, NITEMS * 1e-3, 1e-9);
	assert_near(seen.scatter, 4 * 0.5 + 7 * 0.25, 1e-3); /* 8 hosts */
	assert_near(seen.work, 2 * NITEMS * 1e-3 / 16, 0.03);
	assert_near(seen.reduce, 2 * 4 * 0.5, 1e-3);
	assert_near(seen.total,
		    seen.startup + seen.metadata + seen.plan + seen.scatter + seen.work +
			    seen.reduce + 7,
		    1e-9);
}

/* 10,000 hosts of 8 NUMA nodes with 4 cores each, 10 million chunks, and 100 GB on the disks of each
   host: planning and scattering take less than 1% of the run. */
static void test_ten_thousand_hosts(void **state)
{
	enum { NHOSTS = 10000, NNODES = 8, PER_HOST = 1000, PER_LUMP = 20 };
	enum { NRANKS = NHOSTS * NNODES, NLUMPS = NHOSTS * PER_HOST / PER_LUMP };
	const uint64_t chunk = UINT64_C(100000000);
	struct quern_message err = { .status = QUERN_OK };
	struct qn_place *place = calloc(NRANKS, sizeof(*place));
	struct qn_home *home = calloc(NHOSTS, sizeof(*home));
	uint64_t *first = calloc(NHOSTS + 1, sizeof(*first));
	uint8_t *shared = calloc(NHOSTS, 1);
	struct qn_homes homes = { NHOSTS, first, home, shared };
	struct qn_lump *lump = calloc(NLUMPS, sizeof(*lump));
	struct qn_work work = { (uint64_t)NHOSTS * PER_HOST, NLUMPS, lump, &homes };
	struct qn_cluster cluster = { NRANKS, place };
	struct qn_forecast f;
	struct qn_plan plan;

	(void)state;
	for (uint32_t r = 0; r < NRANKS; r++)
		place[r] = (struct qn_place){ r / NNODES, r % NNODES, 4 };
	for (uint32_t h = 0; h < NHOSTS; h++) {
		home[h] = (struct qn_home){ h, QN_ANY_NODE, QN_HOME_DISK };
		first[h + 1] = h + 1;
	}
	for (uint32_t i = 0; i < NLUMPS; i++)
		lump[i] = (struct qn_lump){ (uint64_t)i * PER_LUMP, PER_LUMP * chunk,
					    2 * PER_LUMP * chunk, PER_LUMP,
					    i / (PER_HOST / PER_LUMP) };
	assert_int_equal(qn_plan_make(&cluster, &work, &qn_rates_default, &plan, NULL, &err), 0);
	assert_int_equal(qn_simulate(&cluster, &work, &plan, &qn_costs_default, NULL, &f, &err), 0);
	print_message(
		"10,000 hosts: plan %.3f s, scatter %.3f s, work %.1f s, total %.1f s: plan and "
		"scatter %.2f%%\n",
		f.plan, f.scatter, f.work, f.total, 100 * (f.plan + f.scatter) / f.total);
	assert_int_equal(plan.tier[QN_DISK], work.nitems * chunk);
	assert_near(f.work, PER_HOST * (double)chunk / qn_rates_default.disk, 0.05);
	assert_true(f.plan + f.scatter < 0.01 * f.total);
	qn_plan_fini(&plan);
	free(lump);
	free(shared);
	free(first);
	free(home);
	free(place);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_even_work),
		cmocka_unit_test(test_slow_host),
		cmocka_unit_test(test_leases),
		cmocka_unit_test(test_leases_from_afar),
		cmocka_unit_test(test_stealing),
		cmocka_unit_test(test_servers),
		cmocka_unit_test(test_costs_beside_the_work),
		cmocka_unit_test(test_ten_thousand_hosts),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
