/*
 * test_valid.c - invariants: of each structure one that is whole, and then one for each way in which it is
 * broken, of which is_valid must tell what should hold.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "data/catalog.h"
#include "data/mosaic.h"
#include "select/select.h"
#include "kernel/kernel.h"
#include "plan/items.h"
#include "plan/plan.h"
#include "crew/lease.h"
#include "crew/queue.h"
#include "schedule/scatter.h"

#define IS_VALID(name, ...)                                                \
	do {                                                               \
		const char *flaw = NULL;                                   \
		if (!qn_##name##_is_valid(__VA_ARGS__, &flaw))             \
			fail_msg("a whole " #name " is broken: %s", flaw); \
	} while (0)

/* That what is broken by a change is told in these words; then changes it back. */
#define BREAKS(words, lvalue, value, name, ...)                           \
	do {                                                              \
		const char *why = "";                                     \
		__typeof__(lvalue) before = (lvalue);                     \
		(lvalue) = (value);                                       \
		assert_false(qn_##name##_is_valid(__VA_ARGS__, &why));    \
		if (!strstr(why, words) || !strstr(why, "src/"))          \
			fail_msg(#lvalue ": '%s', not '%s'", why, words); \
		(lvalue) = before;                                        \
		IS_VALID(name, __VA_ARGS__);                              \
	} while (0)

/* 4 x 6 elements in chunks of 2 x 3, all of them stored. */
static void make_dataset(struct qn_dataset *d)
{
	*d = (struct qn_dataset){ .file = strdup("f.h5"),
				  .path = strdup("/x"),
				  .type = { .class = QN_FLOAT, .size = 4, .name = "<f4" },
				  .ndim = 2,
				  .shape = { 4, 6 },
				  .chunk = { 2, 3 },
				  .layout = QN_CHUNKED,
				  .native = true,
				  .file_nbytes = 1000,
				  .nchunks = 4 };
	d->chunks = calloc(4, sizeof(*d->chunks));
	for (uint32_t i = 0; i < 4; i++)
		d->chunks[i] = (struct qn_chunk){ .number = i, .addr = 100 * i, .nbytes = 24 };
}

static void make_mosaic(struct qn_mosaic *m)
{
	const uint64_t origin[2][2] = { { 0, 0 }, { 4, 0 } };
	struct quern_message err = { .status = QUERN_OK };
	struct qn_dataset d;

	qn_mosaic_init(m, 2);
	for (int i = 0; i < 2; i++) {
		make_dataset(&d);
		assert_int_equal(qn_mosaic_place(m, &d, origin[i], &err), QUERN_OK);
		qn_dataset_fini(&d);
	}
}

static void datasets(void **state)
{
	struct qn_dataset d;

	(void)state;
	make_dataset(&d);
	IS_VALID(dataset, &d);
	BREAKS("a file and a path", d.path, NULL, dataset, &d);
	BREAKS("its type", d.type.size, 3, dataset, &d);
	BREAKS("its shape", d.chunk[1], 0, dataset, &d);
	BREAKS("its filters", d.nfilters, QN_MAX_FILTERS + 1, dataset, &d);
	BREAKS("its chunks", d.chunks[1].number, 0, dataset, &d);
	BREAKS("its chunks", d.chunks[3].number, 4, dataset, &d);
	BREAKS("its chunks", d.chunks[3].addr, 999, dataset, &d);
	qn_dataset_fini(&d);
}

static void selections(void **state)
{
	const uint64_t shape[2] = { 10, 20 };
	struct quern_box b = { .ndim = 2, .start = { 1, 2 }, .count = { 3, 4 }, .step = { 4, 1 } };

	(void)state;
	IS_VALID(selection, &b, shape, 2);
	BREAKS("the dimensions", b.ndim, 1, selection, &b, shape, 2);
	BREAKS("the step", b.step[1], 0, selection, &b, shape, 2);
	BREAKS("inside its dataset", b.start[0], 2, selection, &b, shape, 2);
	BREAKS("inside its dataset", b.step[1], UINT64_MAX, selection, &b, shape, 2);
}

static void mosaics(void **state)
{
	struct qn_mosaic m;

	(void)state;
	make_mosaic(&m);
	IS_VALID(mosaic, &m);
	BREAKS("up to QUERN_MAX_DIMS", m.ndim, QUERN_MAX_DIMS + 1, mosaic, &m);
	BREAKS("the form of a member", m.member[1].form, 1, mosaic, &m);
	BREAKS("a file, a path", m.member[1].file, NULL, mosaic, &m);
	BREAKS("the ledger of a member", m.member[0].ledger, 0, mosaic, &m);
	BREAKS("chunks ascend", m.member[1].chunks[2].number, 3, mosaic, &m);
	BREAKS("follow those of the one before", m.row_at[1], 3, mosaic, &m);
	BREAKS("the member of a part", m.words[m.row_at[1]], 2, mosaic, &m);
	BREAKS("has its dimensions", m.words[1], 3, mosaic, &m);
	BREAKS("the same counts", m.words[2 + 1], 3, mosaic, &m);
	BREAKS("inside its member", m.member[0].shape[0], 3, mosaic, &m);
	BREAKS("all words", m.nparts, 1, mosaic, &m);
	qn_mosaic_fini(&m);
}

static void items(void **state)
{
	const struct quern_box all = { .ndim = 2, .count = { 8, 6 }, .step = { 1, 1 } };
	struct quern_message err = { .status = QUERN_OK };
	struct qn_mosaic m;
	struct qn_items it;

	(void)state;
	make_mosaic(&m);
	assert_int_equal(qn_items_init(&it, &m, &all, NULL, &err), QUERN_OK);
	assert_int_equal(it.nitems, 8);
	IS_VALID(items, &it);
	BREAKS("parts of the mosaic", it.ntouched, 3, items, &it);
	BREAKS("ascend and are parts", it.part[1], 0, items, &it);
	BREAKS("ascend from 0", it.first[0], 1, items, &it);
	BREAKS("ascend from 0", it.first[1], 0, items, &it);
	BREAKS("a touched part has an item", it.first[1], 8, items, &it);
	BREAKS("each item has a chunk", it.nchunks, 7, items, &it);
	qn_items_fini(&it);
	qn_mosaic_fini(&m);
}

static void plans(void **state)
{
	uint64_t at[3] = { 0, 2, 3 };
	struct qn_series range[3] = { { 0, 2 }, { 5, 3 }, { 2, 3 } };
	struct qn_portion rank[2] = { { .nitems = 5 }, { .nitems = 3 } };
	struct qn_plan p = { .nranks = 2, .nitems = 8, .at = at, .range = range, .rank = rank };

	(void)state;
	IS_VALID(plan, &p);
	BREAKS("has ranks", p.nranks, 0, plan, &p);
	BREAKS("follow each other", at[1], 4, plan, &p);
	BREAKS("without meeting", range[1].first, 1, plan, &p);
	BREAKS("ranges are of items", range[1].first, 6, plan, &p);
	BREAKS("counts the items", rank[1].nitems, 2, plan, &p);
	BREAKS("each item is given once", range[2].first, 3, plan, &p);
	BREAKS("all items are given", p.nitems, 9, plan, &p);
}

/* Three tasks of a chunk each, and two that go on evenly. */
struct segment {
	struct qn_queue_header header;
	struct qn_stretch stretch[2];
	struct qn_chunk chunk[5];
	struct qn_queue queue;
};

static void make_segment(struct segment *s)
{
	memset(s, 0, sizeof(*s));
	s->header.nitems = 5;
	s->header.nstretches = 2;
	s->header.nchunks = 5;
	atomic_store(&s->header.range, (uint64_t)5 << 32 | 1);
	s->stretch[0] = (struct qn_stretch){ .task = 0, .chunk = 0, .each = 1 };
	s->stretch[1] = (struct qn_stretch){ .task = 3, .chunk = 3, .each = QN_EVEN };
	s->queue = (struct qn_queue){ &s->header, s->stretch, s->chunk };
}

static void queues(void **state)
{
	struct segment s;

	(void)state;
	make_segment(&s);
	IS_VALID(queue, &s.queue);
	BREAKS("the tail", s.header.range, (uint64_t)6 << 32, queue, &s.queue);
	BREAKS("without weight", s.header.ncounted, 6, queue, &s.queue);
	BREAKS("begins with task 0", s.stretch[0].task, 1, queue, &s.queue);
	BREAKS("stretches ascend", s.stretch[1].task, 5, queue, &s.queue);
	BREAKS("in the segment", s.stretch[1].chunk, 4, queue, &s.queue);
	BREAKS("in the segment", s.stretch[0].each, 2, queue, &s.queue);
}

static void leases(void **state)
{
	static struct qn_lease_board board;
	struct qn_leases l = { .board = &board, .room_stretches = 2, .room_chunks = 5 };
	struct segment s[QN_NLEASES];

	(void)state;
	for (int i = 0; i < QN_NLEASES; i++) {
		make_segment(&s[i]);
		l.lease[i] = s[i].queue;
		atomic_store(&board.nleft[i], 5);
	}
	IS_VALID(leases, &l);
	BREAKS("what is left", board.nleft[1], 6, leases, &l);
	BREAKS("within its room", l.room_stretches, 1, leases, &l);
	BREAKS("within its room", l.room_chunks, 4, leases, &l);
	BREAKS("stretches ascend", s[1].stretch[1].task, 0, leases, &l);
}

static void shares(void **state)
{
	struct qn_subject subject = { .along = 0 };
	struct qn_run run = { .subject = &subject };
	struct qn_share share[2] = { { .nitems = 5, .nstretches = 2, .nchunks = 3 },
				     { .nitems = 1, .nstretches = 1, .nchunks = 2 } };
	uint64_t stretch_at[3] = { 0, 2, 3 }, slice_at[3] = { 0, 1, 2 };
	struct qn_stretch stretch[3] = { { .task = 0 }, { .task = 2 }, { .task = 0 } };
	struct qn_slice slice[2] = { { 1, 3, 0 }, { 0, 2, QN_OWN_CHUNKS } };
	struct qn_shares s = { .run = &run,
			       .nranks = 2,
			       .share = share,
			       .stretch_at = stretch_at,
			       .slice_at = slice_at,
			       .stretch = stretch,
			       .slice = slice,
			       .nstretches = 3,
			       .nslices = 2,
			       .nown = 2 };

	(void)state;
	make_mosaic(&subject.mosaic);
	IS_VALID(shares, &s);
	BREAKS("stretches are rank by rank", share[0].nstretches, 1, shares, &s);
	BREAKS("slices are rank by rank", slice_at[1], 3, shares, &s);
	BREAKS("ascend from task 0", stretch[1].task, 0, shares, &s);
	BREAKS("are of its items", stretch[1].task, 5, shares, &s);
	BREAKS("chunks that there are", slice[0].first, 2, shares, &s);
	BREAKS("chunks that there are", s.nown, 1, shares, &s);
	BREAKS("have its chunks", share[1].nchunks, 3, shares, &s);
	BREAKS("all stretches and slices", s.nslices, 3, shares, &s);
	qn_mosaic_fini(&subject.mosaic);
}

/* A sum, and a list of two entries; the sum is in normal form when it is even. */
static int lay_out(const void *self, struct quern_segment *segment)
{
	(void)self;
	segment[0] = (struct quern_segment){ .op = QUERN_SUM, .nwords = 1 };
	segment[1] = (struct quern_segment){ .op = QUERN_LEAST, .nwords = 4, .width = 2 };
	return 2;
}

static void make_even(const void *self, int64_t *words)
{
	(void)self;
	words[0] &= ~INT64_C(1);
}

static void states(void **state)
{
	const struct quern_kernel k = { .name = "even", .layout = lay_out, .normalize = make_even };
	struct quern_message err = { .status = QUERN_OK };
	struct qn_layout_of_state l;
	int64_t words[5] = { 6, 8, 0, 3, 1 };

	(void)state;
	assert_int_equal(qn_state_layout(&k, NULL, &l, &err), QUERN_OK);
	IS_VALID(state, &k, NULL, &l, words);
	BREAKS("stays as it is", words[0], 7, state, &k, NULL, &l, words);
	BREAKS("descend to the best", words[1], 2, state, &k, NULL, &l, words);
	BREAKS("segments are all", l.nwords, 4, state, &k, NULL, &l, words);
}

static void catalogs(void **state)
{
	char *path[2] = { (char *)"/a", (char *)"/b" }, host[2][QN_HOST_NBYTES] = { "n1", "n2" };
	struct qn_shard shard[3] = {
		{ .dataset = 0, .count = 5, .nchunks = 1, .nhomes = 1 },
		{ .dataset = 0,
		  .start = 5,
		  .count = 5,
		  .first = 1,
		  .nchunks = 1,
		  .nhomes = 2,
		  .home = { 1, 0 } },
		{ .dataset = 1, .count = 9, .first = 2, .nchunks = 1, .nhomes = 1 },
	};
	struct qn_entry entry[3] = { { .chunk = { .number = 0 } } };
	struct qn_catalog c = { .source = (char *)"/data.nc",
				.nhosts = 2,
				.host = host,
				.ndatasets = 2,
				.path = path,
				.nshards = 3,
				.shard = shard,
				.nentries = 3,
				.entry = entry };

	(void)state;
	IS_VALID(catalog, &c);
	BREAKS("a source", c.source, NULL, catalog, &c);
	BREAKS("is of a dataset", shard[2].dataset, 2, catalog, &c);
	BREAKS("has indexes", shard[1].count, 0, catalog, &c);
	BREAKS("without gaps", shard[1].start, 6, catalog, &c);
	BREAKS("QN_MOST_REPLICAS", shard[0].nhomes, QN_MOST_REPLICAS + 1, catalog, &c);
	BREAKS("homes are hosts", shard[1].home[1], 2, catalog, &c);
	BREAKS("shard by shard", shard[2].first, 1, catalog, &c);
	BREAKS("shard by shard", shard[2].nchunks, 2, catalog, &c);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(datasets), cmocka_unit_test(selections), cmocka_unit_test(mosaics),
		cmocka_unit_test(items),    cmocka_unit_test(plans),	  cmocka_unit_test(queues),
		cmocka_unit_test(leases),   cmocka_unit_test(shares),	  cmocka_unit_test(states),
		cmocka_unit_test(catalogs),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
