/*
 * test_items.c - items of mosaics, against brute force over every element of the whole.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/mem.h"
#include "select/select.h"
#include "plan/items.h"
#include "random.h"

#define NCASES	   3000
#define MAX_NDIM   3
#define MAX_SHAPE  14
#define MAX_NELEMS (MAX_SHAPE * MAX_SHAPE * MAX_SHAPE)
#define MAX_CUTS   4

/* Where an element of the whole is: member and element number there. */
struct place {
	uint32_t member;
	uint64_t element;
};

/* How a dimension of the whole is divided: runs, or every n-th index. */
struct division {
	bool interleaved;
	uint64_t n, start[MAX_CUTS], count[MAX_CUTS];
};

struct fixture {
	uint64_t shape[MAX_NDIM];
	int ndim;
	struct qn_mosaic m;
	struct place place[MAX_NELEMS];
	struct quern_box selection;
	struct qn_items it;
	struct qn_slot slot;
	unsigned char seen[MAX_NELEMS];
};

static void *xcalloc(size_t n, size_t size)
{
	void *p = qn_calloc(n, size);

	assert_non_null(p);
	return p;
}

static void divide(uint64_t *r, uint64_t length, struct division *d)
{
	uint64_t at = 0;

	memset(d, 0, sizeof(*d));
	d->interleaved = length >= 2 && random_below(r, 4) == 0;
	d->n = 1 + random_below(r, qn_min_u64(MAX_CUTS, length));
	for (uint64_t i = 0; i < d->n; i++) {
		uint64_t left = length - at, rest = d->n - i - 1;

		d->start[i] = d->interleaved ? i : at;
		d->count[i] = d->interleaved ? qn_ceil_div(length - i, d->n)
			      : rest	     ? 1 + random_below(r, left - rest)
					     : left;
		at += d->count[i];
	}
}

static void coordinates(const struct quern_box *b, uint64_t n, uint64_t *at)
{
	for (int d = b->ndim - 1; d >= 0; d--) {
		at[d] = b->start[d] + n % b->count[d] * b->step[d];
		n /= b->count[d];
	}
}

static uint64_t ravel(int ndim, const uint64_t *at, const uint64_t *shape)
{
	uint64_t n = 0;

	for (int d = 0; d < ndim; d++)
		n = n * shape[d] + at[d];
	return n;
}

/* A box of a member that goes with `to`: dimensions of one index come and go. */
static void make_source(uint64_t *r, const struct quern_box *to, struct quern_box *from,
			struct qn_dataset *d)
{
	static const struct qn_type type = { .class = QN_INT, .size = 4, .name = "<i4" };

	*d = (struct qn_dataset){ .type = type, .layout = QN_CHUNKED, .native = true };
	d->file = "f";
	d->path = "/d";
	from->ndim = 0;
	for (int i = 0; i < to->ndim || from->ndim == 0; i++) {
		uint64_t count = i < to->ndim ? to->count[i] : 1;

		if (i < to->ndim && count == 1 && random_below(r, 2))
			continue;
		from->count[from->ndim] = count;
		from->start[from->ndim] = random_below(r, 4);
		from->step[from->ndim++] = 1 + random_below(r, 3);
		if (i < to->ndim && random_below(r, 8) == 0) {
			from->count[from->ndim] = 1;
			from->start[from->ndim] = random_below(r, 4);
			from->step[from->ndim++] = 1;
		}
	}
	d->ndim = from->ndim;
	for (int i = 0; i < d->ndim; i++) {
		d->shape[i] = from->start[i] + (from->count[i] - 1) * from->step[i] + 1 +
			      random_below(r, 3);
		d->chunk[i] = 1 + random_below(r, d->shape[i] + 2);
	}
}

static void add_part(uint64_t *r, struct fixture *f, const struct quern_box *to)
{
	struct quern_message err = { .status = QUERN_OK };
	struct qn_dataset d;
	struct quern_box from = { .ndim = 0 };
	uint64_t at[QUERN_MAX_DIMS];
	uint32_t member;
	bool fits;

	make_source(r, to, &from, &d);
	assert_int_equal(qn_mosaic_add(&f->m, &d, &member, &err), QUERN_OK);
	assert_int_equal(qn_mosaic_put(&f->m, member, &from, to, &fits, &err), QUERN_OK);
	assert_true(fits);
	for (uint64_t i = 0; i < qn_box_nelems(to); i++) {
		struct place *p;

		coordinates(to, i, at);
		p = &f->place[ravel(f->ndim, at, f->shape)];
		coordinates(&from, i, at);
		p->member = member;
		p->element = ravel(d.ndim, at, d.shape);
	}
}

static void make_mosaic(uint64_t *r, struct fixture *f)
{
	struct division division[MAX_NDIM];
	uint64_t n = 1;

	f->ndim = 1 + (int)random_below(r, MAX_NDIM);
	for (int d = 0; d < f->ndim; d++) {
		f->shape[d] = 1 + random_below(r, MAX_SHAPE);
		divide(r, f->shape[d], &division[d]);
		n *= division[d].n;
	}
	qn_mosaic_init(&f->m, f->ndim);
	for (uint64_t i = 0; i < n; i++) {
		struct quern_box to = { .ndim = f->ndim };
		uint64_t rest = i;

		for (int d = 0; d < f->ndim; d++) {
			uint64_t k = rest % division[d].n;

			rest /= division[d].n;
			to.start[d] = division[d].start[k];
			to.count[d] = division[d].count[k];
			to.step[d] = division[d].interleaved ? division[d].n : 1;
		}
		add_part(r, f, &to);
	}
}

static void make_selection(uint64_t *r, struct fixture *f)
{
	f->selection = (struct quern_box){ .ndim = f->ndim };
	for (int d = 0; d < f->ndim; d++) {
		uint64_t start = random_below(r, f->shape[d]), step = 1 + random_below(r, 5);
		uint64_t most = (f->shape[d] - 1 - start) / step + 1;

		f->selection.start[d] = start;
		f->selection.step[d] = step;
		f->selection.count[d] = random_below(r, 20) ? 1 + random_below(r, most) : 0;
	}
}

/* Is the element in a chunk of the item? */
static bool is_in_chunks(const struct qn_dataset *d, uint64_t element, const uint64_t *chunks,
			 uint64_t nchunks)
{
	uint64_t grid[QUERN_MAX_DIMS], at[QUERN_MAX_DIMS], number;

	qn_dataset_grid(d, grid);
	for (int i = d->ndim - 1; i >= 0; i--) {
		at[i] = element % d->shape[i] / d->chunk[i];
		element /= d->shape[i];
	}
	number = ravel(d->ndim, at, grid);
	for (uint64_t i = 0; i < nchunks; i++)
		if (chunks[i] == number)
			return true;
	return false;
}

static void check_item(struct fixture *f, uint64_t item)
{
	struct quern_box from, to;
	struct qn_dataset member;
	uint64_t nchunks, *chunks, at[QUERN_MAX_DIMS];

	qn_items_seek(&f->it, item, &f->slot);
	qn_slot_box(&f->slot, &from, &to);
	qn_mosaic_member(&f->m, f->slot.part.member, &member);
	nchunks = qn_cut_nchunks(&f->slot.cut, f->slot.item);
	assert_in_range(nchunks, 1, f->it.max_chunks);
	assert_in_range(qn_box_nelems(&to), 1, f->it.max_nelems);
	assert_int_equal(qn_box_nelems(&to), qn_box_nelems(&from));
	chunks = xcalloc(nchunks, sizeof(*chunks));
	qn_cut_chunks(&f->slot.cut, f->slot.item, chunks);
	for (uint64_t i = 0; i < qn_box_nelems(&to); i++) {
		uint64_t whole, element;

		coordinates(&to, i, at);
		for (int d = 0; d < f->ndim; d++)
			assert_true(at[d] < f->shape[d]);
		whole = ravel(f->ndim, at, f->shape);
		coordinates(&from, i, at);
		element = ravel(member.ndim, at, member.shape);
		assert_int_equal(f->place[whole].member, f->slot.part.member);
		assert_int_equal(f->place[whole].element, element);
		assert_int_equal(f->seen[whole]++, 0);
		assert_true(is_in_chunks(&member, element, chunks, nchunks));
	}
	free(chunks);
}

static void check_everything_seen(const struct fixture *f)
{
	uint64_t at[QUERN_MAX_DIMS], n = qn_box_nelems(&f->selection), nseen = 0;

	for (uint64_t i = 0; i < MAX_NELEMS; i++)
		nseen += f->seen[i];
	assert_int_equal(nseen, n);
	for (uint64_t i = 0; i < n; i++) {
		coordinates(&f->selection, i, at);
		assert_int_equal(f->seen[ravel(f->ndim, at, f->shape)], 1);
	}
}

/* Every selected element is in one item, which finds it where the mosaic has it; in any order. */
static void test_every_element_is_found_once(void **state)
{
	struct fixture *f = xcalloc(1, sizeof(*f));
	uint64_t r = 8;
	struct quern_message err = { .status = QUERN_OK };

	(void)state;
	for (int i = 0; i < NCASES; i++) {
		memset(f, 0, sizeof(*f));
		make_mosaic(&r, f);
		make_selection(&r, f);
		assert_int_equal(qn_items_init(&f->it, &f->m, &f->selection, NULL, &err), QUERN_OK);
		for (uint64_t k = 0; k < f->it.nitems; k++)
			check_item(f, i % 2 ? k : f->it.nitems - 1 - k);
		check_everything_seen(f);
		qn_items_fini(&f->it);
		qn_mosaic_fini(&f->m);
	}
	free(f);
}

/* The flat form is the same mosaic, without chunks; a piece of it is refused. */
static void test_flat_form(void **state)
{
	struct fixture *f = xcalloc(1, sizeof(*f));
	uint64_t r = 9;
	struct quern_message err = { .status = QUERN_OK };

	(void)state;
	for (int i = 0; i < 200; i++) {
		struct qn_mosaic copy;
		size_t nbytes, again;
		void *flat, *flat2;

		make_mosaic(&r, f);
		flat = qn_mosaic_pack(&f->m, false, &nbytes);
		assert_non_null(flat);
		assert_int_equal(qn_mosaic_unpack(flat, nbytes, &copy, &err), QUERN_OK);
		flat2 = qn_mosaic_pack(&copy, false, &again);
		assert_int_equal(nbytes, again);
		assert_memory_equal(flat, flat2, nbytes);
		qn_mosaic_fini(&copy);
		assert_int_not_equal(qn_mosaic_unpack(flat, random_below(&r, nbytes), &copy, &err),
				     QUERN_OK);
		free(flat);
		free(flat2);
		qn_mosaic_fini(&f->m);
	}
	free(f);
}

/* A step beyond the end of a part that has steps itself: one element, wherever it leads to. */
static void test_enormous_steps(void **state)
{
	struct quern_message err = { .status = QUERN_OK };
	struct qn_dataset d = { .ndim = 1,
				.shape = { 20 },
				.chunk = { 6 },
				.file = "f",
				.path = "/d",
				.type = { .class = QN_INT, .size = 4 } };
	struct quern_box from = { 1, { 3 }, { 4 }, { 4 } }, to = { 1, { 0 }, { 4 }, { 1 } };
	struct quern_box selection = { 1, { 2 }, { 1 }, { UINT64_C(1) << 62 } }, box, whole;
	struct qn_slot slot = { .is_set = false };
	struct qn_mosaic m;
	struct qn_items it;
	uint32_t member;
	bool fits;

	(void)state;
	qn_mosaic_init(&m, 1);
	assert_int_equal(qn_mosaic_add(&m, &d, &member, &err), QUERN_OK);
	assert_int_equal(qn_mosaic_put(&m, member, &from, &to, &fits, &err), QUERN_OK);
	assert_true(fits);
	assert_int_equal(qn_items_init(&it, &m, &selection, NULL, &err), QUERN_OK);
	assert_int_equal(it.nitems, 1);
	qn_items_seek(&it, 0, &slot);
	qn_slot_box(&slot, &box, &whole);
	assert_int_equal(box.count[0], 1);
	assert_int_equal(box.start[0], 11);
	assert_int_equal(whole.start[0], 2);
	qn_items_fini(&it);
	qn_mosaic_fini(&m);
}

/* A dimension that is demanded whole may not be divided; the others may. */
static void test_whole_dimensions(void **state)
{
	struct quern_message err = { .status = QUERN_OK };
	struct qn_dataset d = { .ndim = 2,
				.shape = { 4, 6 },
				.chunk = { 2, 3 },
				.file = "f",
				.path = "/d",
				.type = { .class = QN_INT, .size = 4 } };
	struct quern_box from = { 2, { 0, 0 }, { 4, 6 }, { 1, 1 } }, to = from, all = from;
	struct qn_items it;

	(void)state;
	for (int across = 0; across < 2; across++) {
		struct quern_demand demand = { .whole = { false, true }, .min_nelems = 1 };
		struct qn_mosaic m;
		uint32_t member;
		bool fits;

		qn_mosaic_init(&m, 2);
		all.count[0] = across ? 4 : 8;
		all.count[1] = across ? 12 : 6;
		for (uint64_t i = 0; i < 2; i++) {
			to.start[0] = across ? 0 : 4 * i;
			to.start[1] = across ? 6 * i : 0;
			qn_mosaic_add(&m, &d, &member, &err);
			qn_mosaic_put(&m, member, &from, &to, &fits, &err);
			assert_true(fits);
		}
		if (across) {
			assert_int_equal(qn_items_init(&it, &m, &all, &demand, &err),
					 QUERN_ERR_DATA);
			err.status = QUERN_OK;
		} else {
			assert_int_equal(qn_items_init(&it, &m, &all, &demand, &err), QUERN_OK);
			assert_int_equal(it.nitems, 4);
			assert_int_equal(it.max_nelems, 12);
		}
		qn_items_fini(&it);
		qn_mosaic_fini(&m);
	}
}

static void test_boxes_that_do_not_fit(void **state)
{
	struct quern_message err = { .status = QUERN_OK };
	struct qn_dataset d = { .ndim = 2,
				.shape = { 4, 6 },
				.chunk = { 2, 3 },
				.file = "f",
				.path = "/d",
				.type = { .class = QN_INT, .size = 4 } };
	static const struct quern_box from[] = {
		{ 2, { 0, 0 }, { 4, 5 }, { 1, 1 } },		  /* another count */
		{ 2, { 0, 1 }, { 4, 6 }, { 1, 1 } },		  /* beyond the end */
		{ 2, { 0, 0 }, { 4, 6 }, { 1, 2 } },		  /* beyond the end */
		{ 1, { 0 }, { 4 }, { 1 } },			  /* another rank */
		{ 2, { 0, UINT64_MAX }, { 4, 6 }, { 1, 1 } },	  /* overflow */
		{ 2, { 0, 0 }, { 4, 6 }, { 1, UINT64_MAX / 2 } }, /* overflow */
		{ 2, { 0, 0 }, { 0, 0 }, { 1, 1 } },		  /* nothing */
	};
	struct quern_box to = { 2, { 0, 0 }, { 4, 6 }, { 1, 1 } };
	struct qn_mosaic m;
	uint32_t member;
	bool fits;

	(void)state;
	qn_mosaic_init(&m, 2);
	qn_mosaic_add(&m, &d, &member, &err);
	for (size_t i = 0; i < sizeof(from) / sizeof(*from); i++) {
		assert_int_equal(qn_mosaic_put(&m, member, &from[i], &to, &fits, &err), QUERN_OK);
		assert_false(fits);
	}
	assert_int_equal(m.nparts, 0);
	qn_mosaic_fini(&m);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_every_element_is_found_once),
		cmocka_unit_test(test_flat_form),
		cmocka_unit_test(test_enormous_steps),
		cmocka_unit_test(test_whole_dimensions),
		cmocka_unit_test(test_boxes_that_do_not_fit),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
