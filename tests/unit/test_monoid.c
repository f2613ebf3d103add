/*
 * test_monoid.c - holds every kernel to what the engine relies on: a state is a function of the set
 * of items alone. For each kernel, type and kind of data, the same items are absorbed in many
 * partitions, orders and merge trees; the words of the normalized states must be equal, on the
 * process that advanced the passes and on one that only received what it shares.
 */
#include "kernel_case.h"
#include "kernel/several.h"

#define NVARIANTS   6
#define MAX_NSTATES 7

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

/* Merges states two by two, at random, until one is left in state[0]. */
static void merge_tree(const struct quern_kernel *k, const void *self,
		       const struct qn_layout_of_state *l, int64_t **state, size_t nstates,
		       uint64_t *seed)
{
	for (; nstates > 1; nstates--) {
		size_t i = random_below(seed, nstates), last = nstates - 1;
		int64_t *moved = state[i];

		state[i] = state[last];
		state[last] = moved;
		i = random_below(seed, last);
		qn_state_merge(l, state[i], state[last]);
		normalize(k, self, state[i]);
	}
}

/* The pieces dealt to several states, merged; the result must equal `expect`. */
static void check_variant(const struct quern_kernel *k, const void *self,
			  const struct qn_layout_of_state *l, const struct pieces *ps,
			  const int64_t *expect, uint64_t *seed)
{
	const size_t nbytes = l->nwords * sizeof(int64_t);
	const size_t nstates = 1 + random_below(seed, MAX_NSTATES);
	int64_t *state[MAX_NSTATES];

	for (size_t i = 0; i < nstates; i++) {
		state[i] = guarded_alloc(nbytes);
		qn_state_identity(l, state[i]);
	}
	for (size_t i = 0; i < ps->n; i++)
		absorb_piece(k, self, state[random_below(seed, nstates)], ps->piece[i]);
	for (size_t i = 0; i < nstates; i++)
		normalize(k, self, state[i]);
	merge_tree(k, self, l, state, nstates, seed);
	settle_lists(l, state[0]);
	assert_memory_equal(state[0], expect, nbytes);
	for (size_t i = 0; i < nstates; i++)
		guarded_free(state[i], nbytes);
}

static void check_identity(const struct quern_kernel *k, const void *self,
			   const struct qn_layout_of_state *l, const int64_t *expect)
{
	const size_t nbytes = l->nwords * sizeof(int64_t);
	int64_t *a = guarded_alloc(nbytes), *b = guarded_alloc(nbytes);

	qn_state_identity(l, a);
	qn_state_identity(l, b);
	normalize(k, self, a);
	normalize(k, self, b);
	settle_lists(l, a);
	settle_lists(l, b);
	assert_memory_equal(a, b, nbytes);
	qn_state_merge(l, a, expect);
	normalize(k, self, a);
	settle_lists(l, a);
	assert_memory_equal(a, expect, nbytes);
	memcpy(a, expect, nbytes);
	qn_state_merge(l, a, b);
	normalize(k, self, a);
	settle_lists(l, a);
	assert_memory_equal(a, expect, nbytes);
	guarded_free(a, nbytes);
	guarded_free(b, nbytes);
}

/* A state merged with itself, as is done for tiles that are alike, is the doubled one. */
static void check_double(const struct quern_kernel *k, const void *self,
			 const struct qn_layout_of_state *l, const int64_t *expect)
{
	size_t nbytes = l->nwords * sizeof(*expect);
	int64_t *merged = guarded_alloc(nbytes), *doubled = guarded_alloc(nbytes);

	for (int i = 0; i < l->nsegments; i++)
		if (l->segment[i].op == QUERN_LEAST || l->segment[i].op == QUERN_LIST ||
		    l->segment[i].op == QUERN_TALLY)
			goto done;
	memcpy(merged, expect, nbytes);
	memcpy(doubled, expect, nbytes);
	qn_state_merge(l, merged, expect);
	qn_state_double(l, doubled);
	if (k->normalize) {
		k->normalize(self, merged);
		k->normalize(self, doubled);
	}
	assert_memory_equal(merged, doubled, nbytes);
done:
	guarded_free(merged, nbytes);
	guarded_free(doubled, nbytes);
}

/* Variants of one pass; fixed: the items, which a kernel that demands whole dimensions may
   rely on. */
static void check_pass(const struct quern_kernel *k, const void *self, const struct dataset *d,
		       const struct quern_box *selection, struct pieces *fixed,
		       const struct qn_layout_of_state *l, const int64_t *expect, uint64_t *seed)
{
	bool whole[QUERN_MAX_DIMS + 1];

	demand_of(k, self, whole);
	check_identity(k, self, l, expect);
	check_double(k, self, l, expect);
	for (int v = 0; v < NVARIANTS; v++) {
		struct pieces ps = { 0 };

		if (!whole[QUERN_MAX_DIMS])
			split_box(&ps, d, selection, whole, v, seed);
		shuffle_pieces(whole[QUERN_MAX_DIMS] ? fixed : &ps, seed);
		check_variant(k, self, l, whole[QUERN_MAX_DIMS] ? fixed : &ps, expect, seed);
		pieces_fini(&ps);
	}
}

/* Copies what rank 0 shares to the other process's kernel. */
static void share(const struct quern_kernel *k, void *from, void *to)
{
	size_t nbytes, nbytes_there;
	void *data = k->shared(from, &nbytes), *there = k->shared(to, &nbytes_there);

	assert_int_equal(nbytes, nbytes_there);
	memcpy(there, data, nbytes);
	adopt(k, from);
	adopt(k, to);
}

static void check_kernel(const struct quern_kernel *k, const char *const *settings,
			 const struct dataset *d, const struct quern_box *selection, uint64_t *seed)
{
	struct quern_message message;
	struct qn_layout_of_state l;
	struct quern_result result = { 0 };
	bool whole[QUERN_MAX_DIMS + 1], more;
	struct pieces ps = { 0 };
	void *self = NULL, *other = NULL;

	if (open_kernel(k, d, selection, settings, &self, &message) ||
	    open_kernel(k, d, selection, settings, &other, &message))
		fail_msg("%s: %s", k->name, message.text);
	demand_of(k, self, whole);
	split_box(&ps, d, selection, whole, 3, seed);
	do {
		int64_t *state = run_pass(k, self, &ps, &l);

		settle_lists(&l, state);
		check_pass(k, other, d, selection, &ps, &l, state, seed);
		more = advance(k, self, state);
		if (more)
			share(k, self, other);
		else
			k->emit(self, state, &result);
		guarded_free(state, l.nwords * sizeof(*state));
	} while (more);
	assert_false(result.nomem);
	qn_result_fini(&result);
	pieces_fini(&ps);
	k->close(self);
	k->close(other);
}

/* Of one that goes along one dimension no other has several elements. */
static const uint64_t *shape_for(const struct quern_kernel *k)
{
	static const uint64_t large[] = { 5, 29, 61 }, small[] = { 40, 3, 5 },
			      line[] = { 8845, 1, 1 };

	if (k->follows)
		return line;
	return k->demand ? small : large;
}

/* A kernel with certain settings on all types and kinds of data. */
static void check_settings(const struct quern_kernel *k, const char *const *settings)
{
	uint64_t seed = random_seed(88172645463325252u);
	struct dataset d;

	for (int t = 0; t < QUERN_NDTYPES; t++) {
		for (int i = 0; i < 3 * NMOODS; i++) {
			struct quern_box box;

			dataset_init(&d, (enum quern_dtype)t, 3, shape_for(k));
			dataset_fill(&d, (enum mood)(i / 3), i % 3 ? 30 : 0, &seed);
			d.nan_missing = i % 3 != 2;
			box = whole_box(&d);
			if (i % 2) { /* every other one, from the second on */
				box.start[0] = 1;
				box.step[0] = 2;
				box.count[0] = d.shape[0] / 2;
			}
			check_kernel(k, settings, &d, &box, &seed);
			dataset_fini(&d);
		}
	}
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
	case_more_roles = QUERN_ROLE(QUERN_WEIGHT);
	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++)
		check_settings(qn_kernel_find(names[i]), NULL);
	case_more_roles = 0;
}

/* Several kernels as one: of one pass and of more, with a shared state and with their own. */
static void test_several(void **state)
{
	static const char *const lists[] = { "mean,minmax,std,count", "moments,histogram,rms",
					     "topk,range,histogram,max", "corr,count,regress",
					     "mode,histogram,distinct" };
	struct qn_choice c;

	(void)state;
	for (size_t i = 0; i < sizeof(lists) / sizeof(*lists); i++) {
		print_message("%s\n", lists[i]);
		assert_int_equal(qn_choice_find(lists[i], &c, NULL), QUERN_OK);
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

static const size_t text_sizes[] = { 1, 8, 21 };

/* A kernel that takes text on texts. */
static void check_texts(const struct quern_kernel *k, const char *const *settings)
{
	static const uint64_t shape[] = { 5, 29, 61 };
	uint64_t seed = random_seed(88172645463325252u);

	for (size_t s = 0; s < sizeof(text_sizes) / sizeof(text_sizes[0]); s++)
		for (int mood = 0; mood < NMOODS; mood++) {
			struct quern_box box;
			struct dataset d;

			dataset_init_sized(&d, QUERN_TEXT, text_sizes[s], 3, shape);
			dataset_fill(&d, (enum mood)mood, mood ? 30 : 0, &seed);
			box = whole_box(&d);
			check_kernel(k, settings, &d, &box, &seed);
			dataset_fini(&d);
		}
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
	struct dataset d;

	(void)state;
	dataset_init(&d, QUERN_F32, 2, shape);
	memset(d.valid, false, d.nelems);
	for (size_t i = 0; qn_kernels[i]; i++) {
		run_kernel(qn_kernels[i], &d, NULL, &result);
		assert_true(result.nfields > 0);
		qn_result_fini(&result);
	}
	dataset_fini(&d);
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
