#include "grouping/values.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

#define FEWEST_SLOTS  256
#define TABLE_NRANKS  (UINT64_C(1) << 16) /* and 4 a value: a table of differences */
#define TABLE_PER_ONE 4

/* splitmix64's. */
static size_t mix(int64_t v, size_t nslots)
{
	uint64_t x = (uint64_t)v;

	x = (x ^ x >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
	x = (x ^ x >> 27) * UINT64_C(0x94d049bb133111eb);
	return (size_t)(x ^ x >> 31) & (nslots - 1);
}

/* The slot of a value, or the free one where it belongs. */
static size_t find(const int64_t *slot, size_t nslots, int64_t v)
{
	size_t i = mix(v, nslots);

	while (slot[i] != v && slot[i] != INT64_MIN)
		i = (i + 1) & (nslots - 1);
	return i;
}

static int64_t *new_slots(size_t n)
{
	int64_t *slot = qn_calloc(n, sizeof(*slot));

	for (size_t i = 0; slot && i < n; i++)
		slot[i] = INT64_MIN;
	return slot;
}

/* --- room --- */

bool qn_value_room_take(struct qn_value_room *room, uint64_t nbytes)
{
	if (!room || atomic_fetch_add(&room->used, nbytes) + nbytes <= room->most)
		return true;
	qn_value_room_give(room, nbytes);
	return false;
}

void qn_value_room_give(struct qn_value_room *room, uint64_t nbytes)
{
	if (room)
		atomic_fetch_sub(&room->used, nbytes);
}

/* --- sets --- */

static bool grow(struct qn_value_set *s)
{
	const size_t n = s->nslots ? 2 * s->nslots : FEWEST_SLOTS;
	int64_t *slot;

	if (!qn_value_room_take(s->room, n * sizeof(*slot))) {
		s->wanted = n * sizeof(*slot);
		return false;
	}
	slot = new_slots(n);
	if (!slot) {
		qn_value_room_give(s->room, n * sizeof(*slot));
		return false;
	}
	for (size_t i = 0; i < s->nslots; i++)
		if (s->slot[i] != INT64_MIN)
			slot[find(slot, n, s->slot[i])] = s->slot[i];
	free(s->slot);
	qn_value_room_give(s->room, s->nslots * sizeof(*slot));
	s->slot = slot;
	s->nslots = n;
	return true;
}

static void add_new(struct qn_value_set *s, int64_t v)
{
	size_t i;

	if (s->n >= QN_MOST_VALUES_OF_KEY)
		s->is_beyond = true;
	else if (2 * (s->n + 1) > s->nslots && !grow(s))
		s->lacks_room = true;
	if (s->is_beyond || s->lacks_room)
		return;
	i = find(s->slot, s->nslots, v);
	s->slot[i] = v;
	s->n++;
}

void qn_value_set_add(struct qn_value_set *s, int64_t v)
{
	if (v == INT64_MIN) {
		s->has_least = true;
		return;
	}
	if (s->n && v == s->last)
		return;
	if (!s->nslots || s->slot[find(s->slot, s->nslots, v)] != v)
		add_new(s, v);
	s->last = v;
}

static void exchange(struct qn_value_set *a, struct qn_value_set *b)
{
	const struct qn_value_set was = *a;

	*a = *b;
	*b = was;
}

void qn_value_set_merge(struct qn_value_set *into, struct qn_value_set *from)
{
	if (into->n < from->n)
		exchange(into, from);
	for (size_t i = 0; i < from->nslots; i++)
		if (from->slot[i] != INT64_MIN)
			qn_value_set_add(into, from->slot[i]);
	into->has_least |= from->has_least;
	into->is_beyond |= from->is_beyond;
	into->lacks_room |= from->lacks_room;
	into->wanted = qn_max_u64(into->wanted, from->wanted);
	qn_value_set_fini(from);
}

void qn_value_set_fini(struct qn_value_set *s)
{
	free(s->slot);
	qn_value_room_give(s->room, s->nslots * sizeof(*s->slot));
	*s = (struct qn_value_set){ .room = s->room };
}

static int by_value(const void *a, const void *b)
{
	const int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;

	return (x > y) - (x < y);
}

uint64_t qn_values_sort(int64_t *values, uint64_t n)
{
	uint64_t nout = 0;
	bool rises = true;

	for (uint64_t i = 1; rises && i < n; i++)
		rises = values[i - 1] < values[i];
	if (rises)
		return n;
	qsort(values, n, sizeof(*values), by_value);
	for (uint64_t i = 0; i < n; i++)
		if (!nout || values[nout - 1] != values[i])
			values[nout++] = values[i];
	return nout;
}

int64_t *qn_value_set_list(const struct qn_value_set *s, uint64_t *n)
{
	int64_t *list = qn_calloc(s->n + 1, sizeof(*list));

	*n = 0;
	if (list && s->has_least)
		list[(*n)++] = INT64_MIN;
	for (size_t i = 0; list && i < s->nslots; i++)
		if (s->slot[i] != INT64_MIN)
			list[(*n)++] = s->slot[i];
	if (list)
		*n = qn_values_sort(list, *n);
	return list;
}

/* --- numbers --- */

/* Of a table of differences; 0: it would be too large. */
static uint64_t count_ranks(const int64_t *values, uint64_t n)
{
	const uint64_t nranks = n ? (uint64_t)values[n - 1] - (uint64_t)values[0] + 1 : 1;

	return nranks > TABLE_NRANKS + TABLE_PER_ONE * n ? 0 : nranks;
}

static size_t count_slots(uint64_t n)
{
	size_t nslots = FEWEST_SLOTS;

	while (nslots < 2 * n)
		nslots *= 2;
	return nslots;
}

static uint64_t numbers_nbytes(uint64_t nranks, size_t nslots)
{
	return nranks * sizeof(int32_t) + nslots * (sizeof(int64_t) + sizeof(int32_t));
}

uint64_t qn_value_numbers_need(const int64_t *values, uint64_t n)
{
	const uint64_t nranks = count_ranks(values, n);

	return numbers_nbytes(nranks, nranks ? 0 : count_slots(n));
}

/* Sets that grow have two tables; the list of a rank is united with that of another one. */
uint64_t qn_values_most_nbytes(uint64_t n, uint64_t nthreads)
{
	const uint64_t list = (n + 1) * sizeof(int64_t), set = count_slots(n + 1) * sizeof(int64_t);
	const uint64_t table = (TABLE_NRANKS + TABLE_PER_ONE * n) * sizeof(int32_t);
	const uint64_t slots = numbers_nbytes(0, count_slots(n));
	const uint64_t listed = qn_max_u64(set + 2 * list, 4 * list);

	return qn_max_u64(qn_max_u64((nthreads + 1) * (set + set / 2), listed),
			  list + qn_max_u64(table, slots));
}

static bool make_table(struct qn_value_numbers *t, const int64_t *values, uint64_t n)
{
	t->number = qn_malloc(t->nranks * sizeof(*t->number));
	if (!t->number)
		return false;
	memset(t->number, 0xff, t->nranks * sizeof(*t->number));
	for (uint64_t i = 0; i < n; i++)
		t->number[(uint64_t)values[i] - (uint64_t)t->least] = (int32_t)i;
	return true;
}

/* INT64_MIN, which no slot can have, is the least of all. */
static bool make_slots(struct qn_value_numbers *t, const int64_t *values, uint64_t n)
{
	t->nslots = count_slots(n);
	t->slot = new_slots(t->nslots);
	t->number = qn_calloc(t->nslots, sizeof(*t->number));
	if (!t->slot || !t->number)
		return false;
	for (uint64_t i = 0; i < n; i++) {
		const size_t at = find(t->slot, t->nslots, values[i]);

		if (values[i] == INT64_MIN)
			continue;
		t->slot[at] = values[i];
		t->number[at] = (int32_t)i;
	}
	return true;
}

bool qn_value_numbers_init(struct qn_value_numbers *t, const int64_t *values, uint64_t n)
{
	bool ok;

	*t = (struct qn_value_numbers){ .least = n ? values[0] : 0,
					.nranks = count_ranks(values, n) };
	ok = t->nranks ? make_table(t, values, n) : make_slots(t, values, n);
	if (!ok)
		qn_value_numbers_fini(t);
	return ok;
}

void qn_value_numbers_fini(struct qn_value_numbers *t)
{
	free(t->number);
	free(t->slot);
	memset(t, 0, sizeof(*t));
}

uint64_t qn_value_numbers_nbytes(const struct qn_value_numbers *t)
{
	return numbers_nbytes(t->nranks, t->nslots);
}

int32_t qn_value_numbers_find(const struct qn_value_numbers *t, int64_t v)
{
	const uint64_t rank = (uint64_t)v - (uint64_t)t->least;
	size_t at;

	if (t->nranks)
		return rank < t->nranks ? t->number[rank] : -1;
	if (v == INT64_MIN)
		return t->least == v ? 0 : -1;
	at = find(t->slot, t->nslots, v);
	return t->slot[at] == v ? t->number[at] : -1;
}
