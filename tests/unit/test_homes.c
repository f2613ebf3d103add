/*
 * test_homes.c - stays, of what hosts have found: against a model that knows every address.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "locate/homes.h"
#include "random.h"

#define NHOSTS	 5
#define NMEMBERS 7
#define LENGTH	 64 /* addresses of a member */

/* Sets of access: 0 none but shared; 1 disks of hosts 1 and 3; 2 host 0 has it, others read it. */
static uint64_t first[] = { 0, 0, 2, 3 };
static struct qn_home homes[] = { { 1, QN_ANY_NODE, QN_HOME_DISK },
				  { 3, QN_ANY_NODE, QN_HOME_DISK },
				  { 0, QN_ANY_NODE, QN_HOME_MEMORY } };
static uint8_t shared[] = { 1, 0, 1 };
static uint32_t sets[NMEMBERS] = { 0, 1, 2, 1, 0, 2, 1 };
static const struct qn_access access = { { 3, first, homes, shared }, sets };

/* What the model knows of a host at an address: tier QN_HOME_SHARED is no home. */
struct known {
	struct qn_home at[LENGTH][NHOSTS];
	bool is[LENGTH][NHOSTS];
};

static void begin(struct known *k, uint32_t member)
{
	memset(k, 0, sizeof(*k));
	for (int a = 0; a < LENGTH; a++)
		for (uint64_t i = first[sets[member]]; i < first[sets[member] + 1]; i++) {
			k->at[a][homes[i].host] = homes[i];
			k->is[a][homes[i].host] = true;
		}
}

static void learn(struct known *k, uint32_t member, const struct qn_probed *f)
{
	for (uint64_t a = f->addr; a < LENGTH; a++) {
		k->is[a][f->host] = f->tier != QN_HOME_SHARED || !shared[sets[member]];
		k->at[a][f->host] = (struct qn_home){ f->host, f->node, f->tier };
	}
}

static void check(const struct known *k, uint32_t member, const struct qn_whereabouts *w)
{
	uint64_t hint = 0;

	for (uint64_t a = 0; a < LENGTH; a++) {
		uint32_t set = qn_whereabouts_set(w, member, a, &hint), n = 0;
		const struct qn_home *h = w->homes.home + w->homes.first[set];

		assert_in_range(set, 0, w->homes.nsets - 1);
		assert_int_equal(w->homes.shared[set], shared[sets[member]]);
		for (uint32_t host = 0; host < NHOSTS; host++)
			if (k->is[a][host]) {
				assert_memory_equal(&h[n], &k->at[a][host], sizeof(*h));
				n++;
			}
		assert_int_equal(w->homes.first[set + 1] - w->homes.first[set], n);
	}
	assert_int_equal(w->extent[w->first[member]].addr, 0);
}

static void test_model(void **state)
{
	static struct known known[NMEMBERS];
	struct quern_message err = { .status = QUERN_OK };
	uint64_t seed = random_seed(7);

	(void)state;
	for (int round = 0; round < 300; round++) {
		struct qn_probed found[NMEMBERS * NHOSTS * 4];
		struct qn_whereabouts w;
		size_t n = 0;

		for (uint32_t m = 0; m < NMEMBERS; m++) {
			begin(&known[m], m);
			for (uint32_t h = 0; h < NHOSTS; h++) {
				uint64_t at = 0;

				for (uint64_t i = random_below(&seed, 4); i && at < LENGTH; i--) {
					struct qn_probed f = { at, m, h,
							       (uint16_t)(random_below(&seed, 2)),
							       (uint16_t)(random_below(&seed, 3)) };

					learn(&known[m], m, &f);
					found[n++] = f;
					at += 1 + random_below(&seed, 30);
				}
			}
		}
		/* In any order. */
		for (size_t i = n; i > 1; i--) {
			size_t k = random_below(&seed, i);
			struct qn_probed f = found[i - 1];

			found[i - 1] = found[k];
			found[k] = f;
		}
		assert_int_equal(qn_whereabouts_make(&access, NMEMBERS, NHOSTS, found, n, &w, &err),
				 QUERN_OK);
		for (uint32_t m = 0; m < NMEMBERS; m++)
			check(&known[m], m, &w);
		qn_whereabouts_fini(&w);
	}
}

/* Equal homes are one set. */
static void test_few_sets(void **state)
{
	enum { N = 10000 };
	struct quern_message err = { .status = QUERN_OK };
	struct qn_probed *found = calloc(N, sizeof(*found));
	struct qn_whereabouts w;

	(void)state;
	assert_non_null(found);
	for (uint64_t i = 0; i < N; i++)
		found[i] = (struct qn_probed){ i, 0, (uint32_t)(i % 3), QN_ANY_NODE,
					       i % 2 ? QN_HOME_MEMORY : QN_HOME_SHARED };
	assert_int_equal(qn_whereabouts_make(&access, NMEMBERS, NHOSTS, found, N, &w, &err),
			 QUERN_OK);
	assert_in_range(w.homes.nsets, 4, 3 + 8);
	qn_whereabouts_fini(&w);
	free(found);
}

/* Where every address has other homes, there are so many sets and no more. */
static void test_many_sets(void **state)
{
	enum { N = 60000 };
	struct quern_message err = { .status = QUERN_OK };
	struct qn_probed *found = calloc(N, sizeof(*found));
	struct qn_whereabouts w;
	uint64_t hint = 0;

	(void)state;
	assert_non_null(found);
	for (uint64_t i = 0; i < N; i++)
		found[i] = (struct qn_probed){ i, 0, 2, (uint16_t)i, QN_HOME_MEMORY };
	assert_int_equal(qn_whereabouts_make(&access, NMEMBERS, NHOSTS, found, N, &w, &err),
			 QUERN_OK);
	assert_in_range(w.homes.nsets, 10000, 20000);
	assert_int_equal(qn_whereabouts_set(&w, 0, N - 1, &hint), sets[0]);
	assert_int_not_equal(qn_whereabouts_set(&w, 0, 5, &hint), sets[0]);
	qn_whereabouts_fini(&w);
	free(found);
}

/* One host: what it finds is all that is known. */
static void test_one_host(void **state)
{
	const struct qn_access none = { .set = NULL };
	struct quern_message err = { .status = QUERN_OK };
	struct qn_probed found[] = { { 0, 1, 0, 1, QN_HOME_MEMORY },
				     { 9, 1, 0, 0, QN_HOME_DISK },
				     { 0, 2, 0, QN_ANY_NODE, QN_HOME_SHARED } };
	struct qn_whereabouts w;
	uint64_t hint = 0;
	uint32_t set;

	(void)state;
	assert_int_equal(qn_whereabouts_make(&none, 3, 1, found, 3, &w, &err), QUERN_OK);
	assert_int_equal(qn_whereabouts_set(&w, 0, 5, &hint), QN_NO_HOMES);
	set = qn_whereabouts_set(&w, 1, 8, &hint);
	assert_int_equal(w.homes.home[w.homes.first[set]].node, 1);
	set = qn_whereabouts_set(&w, 1, 9, &hint);
	assert_int_equal(w.homes.home[w.homes.first[set]].tier, QN_HOME_DISK);
	set = qn_whereabouts_set(&w, 2, 9, &hint);
	assert_int_equal(w.homes.first[set + 1], w.homes.first[set]);
	qn_whereabouts_fini(&w);
}

/* What is not stored may be taken by all that can open the file. */
static void test_nothing_stored(void **state)
{
	struct quern_message err = { .status = QUERN_OK };
	struct qn_whereabouts w;
	uint64_t hint = 0;

	(void)state;
	assert_int_equal(qn_whereabouts_make(&access, NMEMBERS, NHOSTS, NULL, 0, &w, &err),
			 QUERN_OK);
	assert_int_equal(qn_whereabouts_set(&w, 0, QN_ADDR_NONE, &hint), QN_NO_HOMES);
	assert_int_equal(qn_whereabouts_set(&w, 1, QN_ADDR_NONE, &hint), 1);
	assert_int_equal(qn_whereabouts_set(&w, 2, QN_ADDR_NONE, &hint), QN_NO_HOMES);
	qn_whereabouts_fini(&w);
}

static void test_impossible(void **state)
{
	const struct qn_probed bad[] = { { 0, NMEMBERS, 0, 0, QN_HOME_DISK },
					 { 0, 0, NHOSTS, 0, QN_HOME_DISK },
					 { 0, 0, 0, 0, QN_HOME_SHARED + 1 } };

	(void)state;
	for (size_t i = 0; i < 3; i++) {
		struct quern_message err = { .status = QUERN_OK };
		struct qn_probed f = bad[i];
		struct qn_whereabouts w;

		assert_int_equal(qn_whereabouts_make(&access, NMEMBERS, NHOSTS, &f, 1, &w, &err),
				 QUERN_ERR_RUN);
		qn_whereabouts_fini(&w);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_model),	       cmocka_unit_test(test_few_sets),
		cmocka_unit_test(test_many_sets),      cmocka_unit_test(test_one_host),
		cmocka_unit_test(test_nothing_stored), cmocka_unit_test(test_impossible),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
