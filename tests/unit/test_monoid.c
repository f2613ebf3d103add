/*
 * test_monoid.c - holds every kernel to what the engine relies on (proof/proof.h), as `quern kernels --check` does with
 * kernels of users: on all types and kinds of data, with settings, weights, text, and several kernels as one.
 */
#include "kernel_case.h"
#include "proof/proof.h"
#include "registry/choice.h"

/* Settings besides the defaults to try. */
static const struct {
	const char *kernel;
	const char *settings[3];
} more_settings[] = {
	{ "moments", { "order=4" } },
	{ "histogram", { "bins=3", "range=-5,25" } },
	{ "histogram", { "bins=1000" } },
	{ "topk", { "k=1" } },
	{ "histogram", { "bins=20", "log=1" } },
	{ "histogram", { "edges=-inf,-1,0,2,30", "density=1" } },
	{ "histogram2d", { "bins=3,200", "log=y" } },
	{ "histogram2d", { "range=0,9,-5,40", "density=1" } },
	{ "topk", { "k=300", "smallest=1" } },
	{ "topk", { "k=5000" } },
	{ "covariance", { "samples=1" } },
	{ "covariance", { "samples=2" } },
	{ "quantiles", { "q=0,0.01,0.5,1" } },
	{ "distinct", { "limit=1" } },
	{ "distinct", { "limit=300" } },
	{ "mode", { "limit=20" } },
	{ "quantiles", { "approx=0.2" } },
	{ "quantiles", { "approx=0.3", "q=0,1" } },
};

static unsigned more_roles; /* of kernels that are tried from here on */

/* The i-th kind of data. */
static void check_one(const struct quern_kernel *k, const char *const *settings, enum quern_dtype t,
		      size_t text_nbytes, int i)
{
	const struct qn_trial trial = {
		.kernel = k,
		.settings = settings,
		.dtype = t,
		.text_nbytes = text_nbytes,
		.mood = (enum qn_mood)(i / 3),
		.nmissing_in = i % 3 ? 30 : 0,
		.nan_missing = i % 3 != 2,
		.has_steps = i % 2,
		.roles = more_roles,
		.seed = random_seed(88172645463325252u + (uint64_t)i),
	};
	struct quern_message err = { .status = QUERN_OK };
	struct qn_doing doing = { .slot = NULL };
	bool is_broken;

	if (qn_proof_try(&trial, &doing, &is_broken, &err))
		fail_msg("%s: %s", k->name, err.text);
	assert_false(is_broken);
}

/* A kernel with certain settings on all types and kinds of data. */
static void check_settings(const struct quern_kernel *k, const char *const *settings)
{
	for (int t = 0; t < QUERN_NDTYPES; t++)
		for (int i = 0; i < 3 * QN_NMOODS; i++)
			if (random_is_tried((uint64_t)(t + i)))
				check_one(k, settings, (enum quern_dtype)t, 0, i);
}

static void test_kernels(void **state)
{
	(void)state;
	for (size_t i = 0; qn_kernels[i]; i++) {
		print_message("%s\n", qn_kernels[i]->name);
		check_settings(qn_kernels[i], NULL);
	}
}

/* Those of powers, of pairs, and of bins. */
static void test_weights(void **state)
{
	static const char *const names[] = { "mean", "moments", "regress", "histogram",
					     "histogram2d" };

	(void)state;
	more_roles = QUERN_ROLE(QUERN_WEIGHT);
	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++)
		check_settings(qn_kernel_find(names[i]), NULL);
	more_roles = 0;
}

/* Several kernels as one: of one pass and of more, with a shared state and with their own. */
static void test_several(void **state)
{
	static const char *const lists[] = { "mean,minmax,std,count", "moments,histogram,rms",
					     "topk,range,histogram,max", "corr,count,regress",
					     "mode,histogram,distinct" };
	struct qn_registry registry = { .n = 0 };
	struct qn_choice c;

	(void)state;
	for (size_t i = 0; i < sizeof(lists) / sizeof(*lists); i++) {
		print_message("%s\n", lists[i]);
		assert_int_equal(qn_choice_find(lists[i], &registry, &c, NULL), QUERN_OK);
		check_settings(c.kernel, NULL);
		qn_choice_fini(&c);
	}
}

static void test_more_settings(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(more_settings) / sizeof(more_settings[0]); i++) {
		const struct quern_kernel *k = qn_kernel_find(more_settings[i].kernel);

		assert_non_null(k);
		print_message("%s %s\n", k->name, more_settings[i].settings[0]);
		check_settings(k, more_settings[i].settings);
	}
}

/* A kernel that takes text on texts. */
static void check_texts(const struct quern_kernel *k, const char *const *settings)
{
	static const size_t sizes[] = { 1, 8, 21 };

	for (size_t s = 0; s < sizeof(sizes) / sizeof(*sizes); s++)
		for (int mood = 0; mood < QN_NMOODS; mood++)
			check_one(k, settings, QUERN_TEXT, sizes[s], 3 * mood + (mood > 0));
}

static void test_texts(void **state)
{
	static const char *const few[] = { "k=3", NULL }, *const low[] = { "k=500", "smallest=1",
									   NULL };

	(void)state;
	for (size_t i = 0; qn_kernels[i]; i++)
		if (qn_kernels[i]->takes_text)
			check_texts(qn_kernels[i], NULL);
	check_texts(qn_kernel_find("topk"), few);
	check_texts(qn_kernel_find("topk"), low);
}

/* Without anything absorbed a kernel has a result too. */
static void test_nothing(void **state)
{
	static const uint64_t shape[] = { 12, 1 };
	struct quern_result result;
	struct qn_sample d;

	(void)state;
	dataset_init(&d, QUERN_F32, 2, shape);
	memset(d.valid, false, d.nelems);
	for (size_t i = 0; qn_kernels[i]; i++) {
		run_kernel(qn_kernels[i], &d, NULL, &result);
		assert_true(result.nfields > 0);
		qn_result_fini(&result);
	}
	qn_sample_fini(&d);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_kernels),	      cmocka_unit_test(test_several),
		cmocka_unit_test(test_more_settings), cmocka_unit_test(test_texts),
		cmocka_unit_test(test_nothing),	      cmocka_unit_test(test_weights),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
