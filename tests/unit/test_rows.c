/*
 * test_rows.c - the rows of the elements of a box: what is visited as runs is compared with the row of each
 * element by its definition, for random shapes, selections, boxes, kept dimensions and keys.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/mem.h"
#include "rows_case.h"

#define NCASES 3000
#define UNSEEN INT64_MIN

/* Rows, a box, and what the visitor has seen of it. */
struct world {
	struct rows_case c;
	struct quern_box box;
	uint64_t nelems; /* of the box */
	int64_t *seen;	 /* owned: the row of each element of the box */
	uint64_t nruns[QN_RUN_INDEXED + 1], most_steps;
	uint64_t ends_at_block; /* runs that a block of rows ended */
	uint64_t nfar;		/* runs of steps that are not next to each other */
	uint64_t left;		/* runs until the visitor says no; 0: never */
};

static uint64_t count_box(const struct quern_box *b)
{
	uint64_t n = 1;

	for (int d = 0; d < b->ndim; d++)
		n *= b->count[d];
	return n;
}

/* --- a random world --- */

/* Mostly short; one dimension may be longer than a block of rows. */
static void make_selection(struct quern_box *s, uint64_t *seed)
{
	const int ndim = (int)random_below(seed, 5);
	const int longest = random_below(seed, 8) ? -1 : (int)random_below(seed, 4);

	*s = (struct quern_box){ .ndim = ndim };
	for (int d = 0; d < ndim; d++) {
		s->start[d] = random_below(seed, 5);
		s->step[d] = 1 + random_below(seed, 3);
		s->count[d] = 1 + random_below(seed, 6);
		if (d == longest)
			s->count[d] = QN_RUN_NELEMS / 2 + random_below(seed, 3 * QN_RUN_NELEMS / 2);
	}
}

/* Some of the selection: a stretch of each dimension, of which now and then every other index. */
static void make_box(const struct quern_box *s, struct quern_box *b, uint64_t *seed)
{
	*b = (struct quern_box){ .ndim = s->ndim };
	for (int d = 0; d < s->ndim; d++) {
		const uint64_t step = random_below(seed, 8) ? 1 : 2;
		const bool whole = random_below(seed, 2);
		const uint64_t first = whole ? 0 : random_below(seed, s->count[d]);
		const uint64_t most = (s->count[d] - first + step - 1) / step;

		b->start[d] = s->start[d] + first * s->step[d];
		b->step[d] = s->step[d] * step;
		b->count[d] = whole ? most : 1 + random_below(seed, most);
	}
}

static void make_world(struct world *w, uint64_t *seed)
{
	memset(w, 0, sizeof(*w));
	make_selection(&w->c.rows.selection, seed);
	make_rows(&w->c, seed);
	make_box(&w->c.rows.selection, &w->box, seed);
	w->nelems = count_box(&w->box);
	w->seen = qn_calloc((size_t)w->nelems, sizeof(*w->seen));
	assert_non_null(w->seen);
	for (uint64_t i = 0; i < w->nelems; i++)
		w->seen[i] = UNSEEN;
}

static void free_world(struct world *w)
{
	free_rows(&w->c);
	free(w->seen);
}

/* --- what is visited --- */

static void see(struct world *w, uint64_t element, int64_t row)
{
	assert_true(element < w->nelems);
	assert_true(w->seen[element] == UNSEEN);
	w->seen[element] = row;
}

/* The steps of a run go over its dimensions, the others stay. */
static void check_steps(const struct world *w, const struct qn_row_run *run)
{
	uint64_t nsteps = 1;

	assert_true(run->step_dim <= run->step_end && run->step_end <= w->box.ndim);
	for (int d = run->step_dim; d < run->step_end; d++)
		nsteps *= w->box.count[d];
	assert_int_equal(run->nsteps, run->kind == QN_RUN_CONSECUTIVE ? nsteps : 1);
}

static bool visit(void *ctx, const struct qn_row_run *run)
{
	struct world *w = ctx;

	assert_in_range(run->nelems, 1, QN_RUN_NELEMS);
	check_steps(w, run);
	for (uint64_t s = 0; s < run->nsteps; s++)
		for (size_t i = 0; i < run->nelems; i++)
			see(w, run->first + s * run->stride + i,
			    run->kind == QN_RUN_INDEXED	      ? run->rows[i]
			    : run->kind == QN_RUN_CONSECUTIVE ? (int64_t)(run->row + i)
							      : (int64_t)run->row);
	if (run->kind == QN_RUN_CONSECUTIVE) {
		assert_int_equal(run->row / QN_RUN_NELEMS,
				 (run->row + run->nelems - 1) / QN_RUN_NELEMS);
		w->ends_at_block += (run->row + run->nelems) % QN_RUN_NELEMS == 0;
		w->nfar += run->nsteps > 1 && run->step_end < w->box.ndim - 1;
	}
	w->nruns[run->kind]++;
	w->most_steps = qn_max_u64(w->most_steps, run->nsteps);
	return !w->left || --w->left;
}

static bool visit_all(struct world *w)
{
	int32_t *given[MOST_KEYS];
	bool all;

	make_given(&w->c, &w->box, w->nelems, given);
	all = qn_rows_visit(&w->c.rows, &w->box, (const int32_t *const *)given, visit, w);
	free_given(&w->c, given);
	return all;
}

/* Those of no row may be left out. */
static void check_seen(const struct world *w)
{
	for (uint64_t i = 0; i < w->nelems; i++) {
		const int64_t row = expected_row(&w->c, &w->box, i);

		assert_true(w->seen[i] == row || (row == NO_ROW && w->seen[i] == UNSEEN));
		assert_true(row < (int64_t)w->c.rows.nrows);
	}
}

/* --- tests --- */

static void test_random(void **state)
{
	uint64_t seed = random_seed(2718281828459045235u), nruns[QN_RUN_INDEXED + 1] = { 0 };
	uint64_t most_steps = 0, ends = 0, nfar = 0;
	struct world w;

	(void)state;
	for (int i = 0; i < NCASES; i++) {
		make_world(&w, &seed);
		assert_true(visit_all(&w));
		check_seen(&w);
		for (int k = 0; k <= QN_RUN_INDEXED; k++)
			nruns[k] += w.nruns[k];
		most_steps = qn_max_u64(most_steps, w.most_steps);
		ends += w.ends_at_block;
		nfar += w.nfar;
		free_world(&w);
	}
	for (int k = 0; k <= QN_RUN_INDEXED; k++)
		assert_true(nruns[k] > 0);
	assert_true(most_steps > 1 && ends > 0 && nfar > 0);
}

/* A table of some of the rows, which has these and no others. */
static void test_window(void **state)
{
	uint64_t seed = random_seed(577215664901532860u), nin = 0, nout = 0;
	struct world w;

	(void)state;
	for (int i = 0; i < NCASES; i++) {
		uint64_t least, most, nall;
		bool any;

		make_world(&w, &seed);
		nall = w.c.rows.nrows;
		any = qn_rows_span(&w.c.rows, &w.box, &least, &most);
		w.c.rows.is_window = true;
		w.c.rows.first = random_below(&seed, nall);
		w.c.rows.nrows = 1 + random_below(&seed, nall - w.c.rows.first);
		assert_true(visit_all(&w));
		for (uint64_t k = 0; k < w.nelems; k++) {
			const int64_t row = expected_row(&w.c, &w.box, k);
			const int64_t at = row - (int64_t)w.c.rows.first;
			const bool in = at >= 0 && at < (int64_t)w.c.rows.nrows;

			assert_true(w.seen[k] == (in ? at : NO_ROW) ||
				    (!in && w.seen[k] == UNSEEN));
			assert_true(row < 0 ||
				    (any && (uint64_t)row >= least && (uint64_t)row <= most));
			*(in ? &nin : &nout) += 1;
		}
		free_world(&w);
	}
	assert_true(nin > 0 && nout > 0);
}

/* It ends where the visitor wants it to. */
static void test_stop(void **state)
{
	uint64_t seed = random_seed(314159265358979323u);
	struct world w;

	(void)state;
	for (int i = 0; i < NCASES / 10; i++) {
		uint64_t nruns = 0;

		make_world(&w, &seed);
		w.left = 1 + random_below(&seed, 3);
		if (!visit_all(&w))
			assert_int_equal(w.left, 0);
		for (int k = 0; k <= QN_RUN_INDEXED; k++)
			nruns += w.nruns[k];
		assert_true(nruns <= 3);
		free_world(&w);
	}
}

/* The map of a selection of 7 times, 30 latitudes and 500 longitudes over time: what is visited of a box. */
static void visit_map(struct world *w, uint64_t first_lat, uint64_t nlats, uint64_t nlons)
{
	*w = (struct world){ .c.rows = { .selection = { .ndim = 3,
							.count = { 7, 30, 500 },
							.step = { 1, 1, 1 } },
					 .nrows = 1 } };

	for (int d = 2; d > 0; d--)
		add_term(&w->c, (struct qn_row_term){ .ndims = 1, .dim = { d } },
			 w->c.rows.selection.count[d]);
	w->box = w->c.rows.selection;
	w->box.start[1] = first_lat;
	w->box.count[1] = nlats;
	w->box.count[2] = nlons;
	w->nelems = count_box(&w->box);
	w->seen = qn_calloc((size_t)w->nelems, sizeof(*w->seen));
	assert_non_null(w->seen);
	for (uint64_t i = 0; i < w->nelems; i++)
		w->seen[i] = UNSEEN;
	assert_true(visit_all(w));
	check_seen(w);
}

/* All times of a block of the map are one run. */
static void test_map(void **state)
{
	struct world w;

	(void)state;
	visit_map(&w, 3, 20, 500);
	assert_int_equal(w.nruns[QN_RUN_CONSECUTIVE], 3); /* rows 1500 to 11500: at 4096, 8192 */
	assert_int_equal(w.most_steps, 7);
	free_world(&w);
}

/* And of a chunk that has a part of each latitude all times of a latitude. */
static void test_columns(void **state)
{
	struct world w;

	(void)state;
	visit_map(&w, 0, 8, 16);
	assert_int_equal(w.nruns[QN_RUN_CONSECUTIVE], 8);
	assert_int_equal(w.nfar, 8);
	assert_int_equal(w.most_steps, 7);
	free_world(&w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_random),	cmocka_unit_test(test_window),
		cmocka_unit_test(test_stop),	cmocka_unit_test(test_map),
		cmocka_unit_test(test_columns),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
