/*
 * test_cut.c - the cut of a selection into items, against brute force over every element.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/mem.h"
#include "plan/cut.h"
#include "random.h"

#define NCASES	   6000
#define MAX_NDIM   4
#define MAX_NELEMS 5000
#define NOBODY	   UINT64_MAX

struct fixture {
	struct qn_dataset d;
	struct quern_box selection;
	struct quern_demand demand;
	bool has_demand;
	struct qn_cut it;
};

static uint64_t volume(const struct quern_box *b)
{
	uint64_t n = 1;

	for (int d = 0; d < b->ndim; d++)
		n *= b->count[d];
	return n;
}

/* Coordinates of element number n of a box, in C order. */
static void coordinates(const struct quern_box *b, uint64_t n, uint64_t *at)
{
	for (int d = b->ndim - 1; d >= 0; d--) {
		at[d] = b->start[d] + n % b->count[d] * b->step[d];
		n /= b->count[d];
	}
}

static uint64_t element_number(const struct fixture *f, const uint64_t *at)
{
	uint64_t n = 0;

	for (int d = 0; d < f->d.ndim; d++)
		n = n * f->d.shape[d] + at[d];
	return n;
}

static uint64_t chunk_number(const struct fixture *f, const uint64_t *at)
{
	uint64_t n = 0;

	for (int d = 0; d < f->d.ndim; d++)
		n = n * qn_ceil_div(f->d.shape[d], f->d.chunk[d]) + at[d] / f->d.chunk[d];
	return n;
}

static void draw_selection(struct fixture *f, int d, uint64_t *seed)
{
	uint64_t length = f->d.shape[d], chunk = f->d.chunk[d];
	/* Steps of one, below, at and above the chunk. */
	uint64_t steps[] = { 1, 1 + random_below(seed, chunk), chunk, chunk + 1,
			     chunk + 1 + random_below(seed, 2 * chunk) };
	uint64_t step = steps[random_below(seed, 5)], start = random_below(seed, length + 1);
	uint64_t stop = start + random_below(seed, length - start + 1);

	if (!random_below(seed, 3)) {
		start = 0;
		stop = length;
	}
	f->selection.start[d] = start;
	f->selection.step[d] = step;
	f->selection.count[d] = qn_ceil_div(stop - start, step);
}

static void draw_fixture(struct fixture *f, uint64_t *seed)
{
	uint64_t room = MAX_NELEMS;

	memset(f, 0, sizeof(*f));
	f->d.ndim = 1 + (int)random_below(seed, MAX_NDIM);
	f->d.type.size = 4;
	f->selection.ndim = f->d.ndim;
	f->has_demand = random_below(seed, 3) != 0;
	for (int d = 0; d < f->d.ndim; d++) {
		uint64_t most = f->d.ndim == 1 ? 1000 : f->d.ndim == 2 ? 60 : 14;

		f->d.shape[d] = 1 + random_below(seed, qn_min_u64(most, room));
		room /= f->d.shape[d];
		/* Now and then a chunk is larger than the dataset. */
		f->d.chunk[d] = 1 + random_below(seed, f->d.shape[d] + 2);
		draw_selection(f, d, seed);
		f->demand.whole[d] = !random_below(seed, 4);
	}
	f->demand.min_nelems = random_below(seed, 2) ? random_below(seed, 2 * MAX_NELEMS) : 0;
	qn_cut_init(&f->it, &f->d, &f->selection, f->has_demand ? &f->demand : NULL);
}

/* Who owns each element and each chunk, by brute force. */
struct owners {
	uint64_t *of_element, *of_chunk; /* item, or NOBODY */
	uint64_t nelems, nchunks;
	struct qn_cut_walk walk; /* through all items */
};

static uint64_t *nobody(uint64_t n)
{
	uint64_t *v = malloc((n + 1) * sizeof(*v));

	for (uint64_t i = 0; i < n; i++)
		v[i] = NOBODY;
	return v;
}

static void check_walk(const struct qn_cut_walk *w, uint64_t item, uint64_t number,
		       uint64_t nchunks, uint64_t nelems)
{
	assert_int_equal(w->item, item);
	assert_int_equal(w->number, number);
	assert_int_equal(w->nchunks, nchunks);
	assert_int_equal(w->nelems, nelems);
}

static void check_item(const struct fixture *f, uint64_t item, struct owners *o)
{
	uint64_t nchunks = qn_cut_nchunks(&f->it, item), *chunks, at[QUERN_MAX_DIMS];
	struct qn_cut_walk alone = { .is_set = false };
	struct quern_box box;

	assert_in_range(nchunks, 1, qn_cut_max_chunks(&f->it));
	chunks = malloc(nchunks * sizeof(*chunks));
	qn_cut_chunks(&f->it, item, chunks);
	for (uint64_t k = 0; k < nchunks; k++) {
		assert_true(chunks[k] < o->nchunks);
		assert_true(k == 0 || chunks[k] > chunks[k - 1]);
		assert_int_equal(o->of_chunk[chunks[k]], NOBODY);
		o->of_chunk[chunks[k]] = item;
	}
	if (qn_cut_max_chunks(&f->it) == 1)
		assert_int_equal(qn_cut_item_of_chunk(&f->it, chunks[0]), item);
	qn_cut_box(&f->it, item, &box);
	assert_int_equal(box.ndim, f->d.ndim);
	assert_in_range(volume(&box), 1, qn_cut_max_nelems(&f->it));
	qn_cut_walk(&f->it, item, &o->walk);
	check_walk(&o->walk, item, chunks[0], nchunks, volume(&box));
	qn_cut_walk(&f->it, item, &alone);
	check_walk(&alone, item, chunks[0], nchunks, volume(&box));
	for (uint64_t n = 0; n < volume(&box); n++) {
		uint64_t e;

		coordinates(&box, n, at);
		for (int d = 0; d < box.ndim; d++)
			assert_true(at[d] < f->d.shape[d]);
		e = element_number(f, at);
		assert_int_equal(o->of_element[e], NOBODY);
		o->of_element[e] = item;
		assert_int_equal(o->of_chunk[chunk_number(f, at)], item);
	}
	free(chunks);
}

/* Exactly the selected elements are owned, and exactly the chunks that have one of them. */
static void check_cover(const struct fixture *f, struct owners *o)
{
	uint64_t at[QUERN_MAX_DIMS], nselected = volume(&f->selection), nowned = 0;

	for (uint64_t n = 0; n < nselected; n++) {
		coordinates(&f->selection, n, at);
		assert_int_not_equal(o->of_element[element_number(f, at)], NOBODY);
		o->of_chunk[chunk_number(f, at)] = NOBODY;
	}
	for (uint64_t e = 0; e < o->nelems; e++)
		nowned += o->of_element[e] != NOBODY;
	assert_int_equal(nowned, nselected);
	for (uint64_t c = 0; c < o->nchunks; c++)
		assert_int_equal(o->of_chunk[c], NOBODY);
}

static void test_every_element_is_in_one_item(void **state)
{
	uint64_t seed = random_seed(7);

	(void)state;
	for (int i = 0; i < NCASES; i++) {
		struct fixture f;
		struct owners o = { .nelems = 0 };
		uint64_t grid[QUERN_MAX_DIMS];

		draw_fixture(&f, &seed);
		o.nelems = qn_dataset_nelems(&f.d);
		o.nchunks = qn_dataset_grid(&f.d, grid);
		o.of_element = nobody(o.nelems);
		o.of_chunk = nobody(o.nchunks);
		assert_true((volume(&f.selection) == 0) == (f.it.nitems == 0));
		for (uint64_t item = 0; item < f.it.nitems; item++)
			check_item(&f, item, &o);
		check_cover(&f, &o);
		free(o.of_element);
		free(o.of_chunk);
	}
}

/* Elementwise: an item is a chunk. With a demand: whole dimensions are never cut. */
static void test_cut_follows_the_demand(void **state)
{
	uint64_t seed = random_seed(11);

	(void)state;
	for (int i = 0; i < NCASES; i++) {
		struct fixture f;

		draw_fixture(&f, &seed);
		for (uint64_t item = 0; item < f.it.nitems; item++) {
			struct quern_box box;

			if (!f.has_demand) {
				assert_int_equal(qn_cut_nchunks(&f.it, item), 1);
				continue;
			}
			qn_cut_box(&f.it, item, &box);
			for (int d = 0; d < f.d.ndim; d++)
				if (f.demand.whole[d])
					assert_int_equal(box.count[d], f.selection.count[d]);
		}
	}
}

/* An item touches the edge of the selection or of a cut dimension's last group, or is large. */
static bool is_at_edge(const struct fixture *f, uint64_t item)
{
	for (int d = f->d.ndim - 1; d >= 0; d--) {
		uint64_t c = item % f->it.grid[d];

		item /= f->it.grid[d];
		if (f->it.grid[d] > 1 && (c == 0 || c == f->it.grid[d] - 1))
			return true;
	}
	return false;
}

static void test_cut_have_min_nelems(void **state)
{
	uint64_t seed = random_seed(13), nchecked = 0;

	(void)state;
	for (int i = 0; i < NCASES; i++) {
		struct fixture f;

		draw_fixture(&f, &seed);
		f.demand.min_nelems = 1 + random_below(&seed, 200);
		qn_cut_init(&f.it, &f.d, &f.selection, &f.demand);
		for (uint64_t item = 0; item < f.it.nitems; item++) {
			struct quern_box box;

			if (is_at_edge(&f, item))
				continue;
			qn_cut_box(&f.it, item, &box);
			assert_true(volume(&box) >=
				    qn_min_u64(f.demand.min_nelems, volume(&f.selection)));
			nchecked++;
		}
	}
	assert_true(nchecked > 1000);
}

static void test_large_grid_is_arithmetic(void **state)
{
	struct qn_dataset d = { .ndim = 3,
				.shape = { UINT64_C(1) << 20, 1 << 15, 1 << 15 },
				.chunk = { 1, 1 << 10, 1 << 10 },
				.type = { .size = 1 } };
	struct quern_box all = { .ndim = 3,
				 .count = { UINT64_C(1) << 20, 1 << 15, 1 << 15 },
				 .step = { 1, 1, 1 } };
	struct quern_demand demand = { .whole = { false, true, true }, .min_nelems = UINT64_MAX };
	struct quern_box box;
	struct qn_cut it;
	uint64_t number;

	(void)state;
	qn_cut_init(&it, &d, &all, NULL);
	assert_int_equal(it.nitems, UINT64_C(1) << 30);
	qn_cut_chunks(&it, it.nitems - 1, &number);
	assert_int_equal(number, it.nitems - 1);
	qn_cut_box(&it, it.nitems - 1, &box);
	assert_int_equal(box.start[0], (1 << 20) - 1);
	assert_int_equal(box.start[2], (1 << 15) - (1 << 10));
	/* More than there is: one item of everything. */
	qn_cut_init(&it, &d, &all, &demand);
	assert_int_equal(it.nitems, 1);
	assert_int_equal(qn_cut_max_nelems(&it), UINT64_C(1) << 50);
	assert_int_equal(qn_cut_nchunks(&it, 0), UINT64_C(1) << 30);
}

static void test_scalar_and_most_dimensions(void **state)
{
	struct qn_dataset d = { .ndim = QUERN_MAX_DIMS, .type = { .size = 8 } };
	struct quern_box all = { .ndim = QUERN_MAX_DIMS }, box;
	struct qn_cut it;
	uint64_t number = 1;

	(void)state;
	for (int i = 0; i < QUERN_MAX_DIMS; i++)
		d.shape[i] = d.chunk[i] = all.count[i] = all.step[i] = 1;
	qn_cut_init(&it, &d, &all, NULL);
	assert_int_equal(it.nitems, 1);
	qn_cut_chunks(&it, 0, &number);
	assert_int_equal(number, 0);
	qn_cut_box(&it, 0, &box);
	assert_int_equal(volume(&box), 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_every_element_is_in_one_item),
		cmocka_unit_test(test_cut_follows_the_demand),
		cmocka_unit_test(test_cut_have_min_nelems),
		cmocka_unit_test(test_large_grid_is_arithmetic),
		cmocka_unit_test(test_scalar_and_most_dimensions),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
