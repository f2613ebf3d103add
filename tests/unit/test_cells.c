/*
 * test_cells.c - holds the cells of every kernel to the states of their elements: whatever rows there are, in
 * which panels, order and tables the elements come, by how many threads, and what is merged or sent: a
 * row has, word for word, the state of a kernel that has absorbed the elements of this row alone.
 */
#include "kernel_case.h"

#include <pthread.h>

#include "kernel/cells.h"
#include "registry/choice.h"
#include "rows_case.h"

#define MOST_NBYTES (4u << 20) /* of the states of all rows */
#define NVARIANTS   4
#define MOST_TABLES 3
#define NTHREADS    3

/* A kernel over a dataset, with rows. */
struct cells_case {
	const struct quern_kernel *k;
	const struct qn_sample *d;
	void *self;
	struct qn_layout_of_state layout;
	struct rows_case rows;
	int64_t *expect; /* owned: the states of all rows */
};

static void *new_scratch(const struct cells_case *c, size_t *nbytes)
{
	void *scratch;

	*nbytes = qn_cells_scratch_nbytes(c->k, c->self, &c->layout);
	scratch = guarded_alloc(*nbytes);
	memset(scratch, 0xff, *nbytes);
	return scratch;
}

/* --- what is expected --- */

/* Each element is a piece of its own. */
static void expect_states(struct cells_case *c, uint64_t *seed)
{
	const struct quern_box *all = &c->rows.rows.selection;
	const size_t nwords = c->layout.nwords, nrows = (size_t)c->rows.rows.nrows;
	size_t nbytes;
	void *scratch = new_scratch(c, &nbytes);

	c->expect = qn_calloc(nrows * nwords, sizeof(*c->expect));
	assert_non_null(c->expect);
	for (size_t r = 0; r < nrows; r++)
		qn_state_identity(&c->layout, c->expect + r * nwords);
	for (size_t i = 0; i < qn_tiling_nelems(all); i++) {
		const int64_t row = expected_row(&c->rows, all, i);
		struct qn_tiling ps = { .roles = case_roles };

		if (row < 0)
			continue;
		qn_tiling_add(&ps, c->d, all, i, 1, seed);
		c->k->absorb(c->self, c->expect + (size_t)row * nwords, scratch,
			     &ps.piece[0]->tile);
		qn_tiling_fini(&ps);
	}
	for (size_t r = 0; r < nrows; r++)
		normalize(c->k, c->self, c->expect + r * nwords);
	guarded_free(scratch, nbytes);
}

/* --- tables --- */

static void init_table(const struct cells_case *c, struct qn_cells *t, bool is_shared)
{
	*t = (struct qn_cells){
		.kernel = c->k, .self = c->self, .layout = &c->layout, .rows = &c->rows.rows
	};
	assert_true(qn_cells_init(t, is_shared));
	qn_cells_clear(t);
}

/* A thread of those that share a table: every so manieth piece. */
struct worker {
	const struct cells_case *c;
	struct qn_cells *table;
	const struct qn_tiling *ps;
	size_t first, step;
	pthread_t thread;
};

static void *work(void *arg)
{
	const struct worker *w = arg;
	size_t nbytes;
	void *scratch = new_scratch(w->c, &nbytes);

	for (size_t i = w->first; i < w->ps->n; i += w->step) {
		const struct quern_tile *tile = &w->ps->piece[i]->tile;
		int32_t *given[MOST_KEYS];

		make_given(&w->c->rows, tile->box, tile->nelems, given);
		qn_cells_absorb(w->table, scratch, tile, (const int32_t *const *)given);
		free_given(&w->c->rows, given);
	}
	guarded_free(scratch, nbytes);
	return NULL;
}

static void absorb_shared(const struct cells_case *c, struct qn_cells *table,
			  const struct qn_tiling *ps)
{
	struct worker w[NTHREADS];

	for (size_t i = 0; i < NTHREADS; i++) {
		w[i] = (struct worker){
			.c = c, .table = table, .ps = ps, .first = i, .step = NTHREADS
		};
		assert_int_equal(pthread_create(&w[i].thread, NULL, work, &w[i]), 0);
	}
	for (size_t i = 0; i < NTHREADS; i++)
		pthread_join(w[i].thread, NULL);
}

/* The exact sums go through bytes, as between ranks, in parts of so many rows. */
static void send(const struct cells_case *c, struct qn_cells *t, uint64_t nrows_at_once)
{
	for (int s = 0; s < c->layout.nsegments; s++) {
		const struct quern_segment *seg = &c->layout.segment[s];
		struct qn_column *there;

		if (!t->exact[s])
			continue;
		there = seg->nfactors ? qn_column_new_products(seg->nfactors, t->rows->nrows)
				      : qn_column_new(seg->dtype, seg->power, t->rows->nrows);
		assert_non_null(there);
		for (uint64_t row = 0, n; row < t->rows->nrows; row += n) {
			uint64_t nbytes;
			void *bytes;

			n = qn_min_u64(nrows_at_once, t->rows->nrows - row);
			bytes = qn_alloc_aligned(
				(size_t)qn_column_pack_nbytes(t->exact[s], row, n));
			assert_non_null(bytes);
			nbytes = qn_column_pack(t->exact[s], row, n, bytes);
			assert_true(nbytes > 0);
			assert_true(qn_column_unpack(there, row, n, bytes, nbytes));
			free(bytes);
		}
		qn_column_free(t->exact[s]);
		t->exact[s] = there;
	}
}

/* Groups are there that an element has. */
static void compare_seen(const struct cells_case *c, const struct qn_cells *t)
{
	const struct qn_rows *r = &c->rows.rows;
	qn_seen *expect = qn_seen_new(r);

	assert_non_null(expect);
	assert_int_equal(t->seen != NULL, r->nkept > 0);
	for (size_t i = 0; t->seen && i < qn_tiling_nelems(&r->selection); i++) {
		const int64_t row = expected_row(&c->rows, &r->selection, i);

		if (row >= 0)
			expect[(uint64_t)row / r->nkept / 64] |= UINT64_C(1)
								 << (uint64_t)row / r->nkept % 64;
	}
	for (uint64_t i = 0; i < qn_seen_nwords(r); i++)
		assert_true(expect[i] == t->seen[i]);
	free(expect);
}

static void compare(const struct cells_case *c, const struct qn_cells *t)
{
	const size_t nwords = c->layout.nwords;
	const size_t nbytes = nwords * sizeof(int64_t);
	int64_t *buffer = guarded_alloc(nbytes), *expect = guarded_alloc(nbytes);

	for (uint64_t r = 0; r < t->rows->nrows; r++) {
		const int64_t *state = qn_cells_get(t, r, buffer);

		assert_non_null(state);
		memmove(buffer, state, nbytes);
		memcpy(expect, c->expect + r * nwords, nbytes);
		settle_lists(&c->layout, buffer);
		settle_lists(&c->layout, expect);
		assert_memory_equal(buffer, expect, nbytes);
	}
	guarded_free(expect, nbytes);
	guarded_free(buffer, nbytes);
}

/* Panels of the selection, dealt to tables, which become one. */
static void check_variant(const struct cells_case *c, int variant, uint64_t *seed)
{
	const bool whole[QUERN_MAX_DIMS + 1] = { [QUERN_MAX_DIMS] = true };
	const size_t ntables = variant ? 1 + random_below(seed, MOST_TABLES) : 1;
	struct qn_cells table[MOST_TABLES];
	struct qn_tiling ps[MOST_TABLES] = { { 0 } };
	struct qn_tiling all = { .roles = case_roles };

	qn_tiling_split(&all, c->d, &c->rows.rows.selection, whole, variant, seed);
	qn_tiling_shuffle(&all, seed);
	for (size_t t = 0; t < ntables; t++)
		ps[t].piece = qn_calloc(all.n, sizeof(*ps[t].piece));
	for (size_t i = 0; i < all.n; i++) {
		struct qn_tiling *to = &ps[random_below(seed, ntables)];

		to->piece[to->n++] = all.piece[i];
	}
	for (size_t t = 0; t < ntables; t++) {
		const bool is_shared = variant % 2;

		init_table(c, &table[t], is_shared);
		if (is_shared)
			absorb_shared(c, &table[t], &ps[t]);
		else
			work(&(struct worker){ c, &table[t], &ps[t], 0, 1, 0 });
		assert_false(table[t].lacks_memory);
		qn_cells_normalize(&table[t]);
		if (random_below(seed, 2))
			send(c, &table[t], 1 + random_below(seed, 5000));
		free(ps[t].piece);
	}
	for (size_t t = 1; t < ntables; t++) {
		assert_true(qn_cells_merge(&table[0], &table[t]));
		/* Nothing is left of what was cleared. */
		qn_cells_clear(&table[t]);
		assert_true(qn_cells_merge(&table[0], &table[t]));
		qn_cells_normalize(&table[0]);
		qn_cells_fini(&table[t]);
	}
	compare(c, &table[0]);
	compare_seen(c, &table[0]);
	qn_cells_fini(&table[0]);
	qn_tiling_fini(&all);
}

/* --- cases --- */

/* Passes that see all of the selection as one row, whatever rows there are. */
static void pool(struct cells_case *c, const struct quern_box *selection, uint64_t *seed)
{
	const bool whole[QUERN_MAX_DIMS + 1] = { false };
	struct qn_tiling ps = { .roles = case_roles };
	bool more = true;

	qn_tiling_split(&ps, c->d, selection, whole, 1, seed);
	while (more && c->k->is_pooled && c->k->is_pooled(c->self)) {
		int64_t *state = run_pass(c->k, c->self, &ps, &c->layout);

		more = advance(c->k, c->self, state);
		if (more)
			adopt(c->k, c->self);
		guarded_free(state, c->layout.nwords * sizeof(*state));
	}
	qn_tiling_fini(&ps);
	assert_int_equal(qn_state_layout(c->k, c->self, &c->layout, NULL), QUERN_OK);
}

/* Rows whose states are not too many. */
static void choose_rows(struct cells_case *c, const struct quern_box *selection, uint64_t *seed)
{
	const uint64_t most = MOST_NBYTES / (c->layout.nwords * sizeof(int64_t));

	do {
		free_rows(&c->rows);
		memset(&c->rows, 0, sizeof(c->rows));
		c->rows.rows.selection = *selection;
		make_rows(&c->rows, seed);
	} while (c->rows.rows.nrows > qn_max_u64(most, 1));
}

/* On the rows that were chosen. */
static void reopen(struct cells_case *c, const char *const *settings,
		   const struct quern_box *selection, uint64_t *seed)
{
	struct quern_message message;

	c->k->close(c->self);
	case_nrows = c->rows.rows.nrows;
	assert_int_equal(open_kernel(c->k, c->d, selection, settings, &c->self, &message),
			 QUERN_OK);
	case_nrows = 1;
	pool(c, selection, seed);
}

static void check_case(const struct quern_kernel *k, const char *const *settings,
		       const struct qn_sample *d, const struct quern_box *selection, uint64_t *seed)
{
	struct cells_case c = { .k = k, .d = d };
	struct quern_message message;

	if (open_kernel(k, d, selection, settings, &c.self, &message))
		fail_msg("%s: %s", k->name, message.text);
	pool(&c, selection, seed);
	choose_rows(&c, selection, seed);
	reopen(&c, settings, selection, seed);
	expect_states(&c, seed);
	for (int v = 0; v < NVARIANTS; v++)
		check_variant(&c, v, seed);
	free(c.expect);
	free_rows(&c.rows);
	k->close(c.self);
}

/* Among elements that are alike some that are in no compact form: huge, tiny, infinite, NaN. */
static void spice(struct qn_sample *d, unsigned one_in, uint64_t *seed)
{
	static const double odd[] = { 1e300,	 -1e-300, 3e38, 1e-44,	  5e-324, INFINITY,
				      -INFINITY, NAN,	  -0.0, 0x1p-149, 65504,  -1e15 };

	for (size_t i = 0; one_in && qn_dtype_is_float(d->dtype) && i < d->nelems; i++)
		if (!random_below(seed, one_in))
			qn_number_store(d->dtype, qn_sample_at(d, i),
					odd[random_below(seed, sizeof(odd) / sizeof(*odd))]);
}

/* A kernel with certain settings on all types and kinds of data. */
static void check_settings(const struct quern_kernel *k, const char *const *settings)
{
	static const uint64_t shapes[][3] = {
		{ 5, 13, 61 }, { 2, 3, 700 }, { 2, 1, 6000 }, { 1, 1, 4500 } /* one that follows */
	};
	static const unsigned spices[] = { 0, 20, 1500 };
	uint64_t seed = random_seed(88172645463325252u);

	for (int t = 0; t < QUERN_NDTYPES; t++)
		for (int i = 0; i < 3 * QN_NMOODS; i++) {
			const size_t shape = k->follows ? 3 : i % 8 == 7 ? 2 : (size_t)i % 2;
			struct quern_box box;
			struct qn_sample d;

			if (!random_is_tried((uint64_t)(t + i)))
				continue;
			dataset_init(&d, (enum quern_dtype)t, 3, shapes[shape]);
			qn_sample_fill(&d, (enum qn_mood)(i / 3), i % 3 ? 30 : 0, &seed);
			spice(&d, spices[i % 3], &seed);
			d.nan_missing = i % 3 != 2;
			box = qn_sample_box(&d);
			if (i % 4 == 1) {
				box.start[2] = 1;
				box.step[2] = 2;
				box.count[2] = d.shape[2] / 2;
			}
			check_case(k, settings, &d, &box, &seed);
			qn_sample_fini(&d);
		}
}

static void test_several(void **state)
{
	static const char *const lists[] = { "mean,minmax,count,std,max", "moments,histogram" };
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

static void test_kernels(void **state)
{
	(void)state;
	for (size_t i = 0; qn_kernels[i]; i++) {
		if (qn_kernels[i]->demand)
			continue;
		print_message("%s\n", qn_kernels[i]->name);
		check_settings(qn_kernels[i], NULL);
	}
}

static void test_settings(void **state)
{
	static const char *const order[] = { "order=4", NULL };
	static const char *const bins[] = { "bins=3", "range=-5,25", NULL };
	static const char *const few[] = { "k=3", "smallest=1", NULL };

	(void)state;
	check_settings(qn_kernel_find("moments"), order);
	check_settings(qn_kernel_find("histogram"), bins);
	check_settings(qn_kernel_find("topk"), few);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_kernels),
		cmocka_unit_test(test_several),
		cmocka_unit_test(test_settings),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
