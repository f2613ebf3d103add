/*
 * tally.c - values with their counts.
 *
 * There are two slots for each entry that is kept, and two more, and room for one that is on its way. Seven eighths of
 * the slots are filled before the table is cut to the least entries, so that a cut is paid for by what was added since
 * the last one.
 */
#include "base/tally.h"

#include <string.h>

#include "base/mem.h"

enum { NUMBER, LAST, SLOTS };

#define NO_SLOT (-1)

/* A tally as it is worked on. */
struct table {
	int64_t *head, *slot;
	size_t width, nslots, most;
};

static struct table table_of(int64_t *tally, size_t nwords, size_t width)
{
	const size_t nslots = (nwords - SLOTS) / width - 1;

	return (struct table){ tally, tally + SLOTS, width, nslots, nslots / 2 - 1 };
}

size_t qn_tally_nwords(uint64_t most, size_t width)
{
	uint64_t nslots, nwords;

	if (!qn_mul(most, 2, &nslots) || !qn_add(nslots, 3, &nslots) ||
	    !qn_mul(nslots, width, &nwords) || nwords >= PTRDIFF_MAX / sizeof(int64_t) - SLOTS)
		return SIZE_MAX;
	return (size_t)nwords + SLOTS;
}

void qn_tally_clear(int64_t *tally)
{
	tally[NUMBER] = tally[LAST] = 0;
}

/* --- entries --- */

static int64_t *entry(const struct table *t, size_t i)
{
	return t->slot + i * t->width;
}

static int64_t *count_of(const struct table *t, size_t i)
{
	return entry(t, i) + t->width - 1;
}

static int compare(const int64_t *a, const int64_t *b, size_t width)
{
	for (size_t i = 0; i + 1 < width; i++)
		if (a[i] != b[i])
			return a[i] < b[i] ? -1 : 1;
	return 0;
}

static bool is_less(const struct table *t, size_t a, size_t b)
{
	return compare(entry(t, a), entry(t, b), t->width) < 0;
}

static void swap(int64_t *a, int64_t *b, size_t width)
{
	for (size_t i = 0; i < width; i++) {
		const int64_t word = a[i];

		a[i] = b[i];
		b[i] = word;
	}
}

static void swap_entries(const struct table *t, size_t a, size_t b)
{
	swap(entry(t, a), entry(t, b), t->width);
}

/* The slot where a search begins. */
static size_t home_of(const struct table *t, const int64_t *key)
{
	uint64_t h = 0;

	for (size_t i = 0; i + 1 < t->width; i++) {
		h = (h ^ (uint64_t)key[i]) * UINT64_C(0x9e3779b97f4a7c15);
		h ^= h >> 32;
		h *= UINT64_C(0xd6e8feb86659fd93);
		h ^= h >> 29;
	}
	return (size_t)((unsigned __int128)h * t->nslots >> 64);
}

static size_t next(const struct table *t, size_t slot)
{
	return slot + 1 < t->nslots ? slot + 1 : 0;
}

/* --- order --- */

/* Those among the entries lo ... hi - 1 that are less than one in the middle come first; returns where that one is
   then. Entries come from a hash table, in no order that anybody has chosen. */
static size_t partition(const struct table *t, size_t lo, size_t hi)
{
	size_t at = lo;

	swap_entries(t, lo + (hi - lo) / 2, hi - 1);
	for (size_t i = lo; i + 1 < hi; i++)
		if (is_less(t, i, hi - 1))
			swap_entries(t, i, at++);
	swap_entries(t, at, hi - 1);
	return at;
}

static void sort_few(const struct table *t, size_t lo, size_t hi)
{
	for (size_t i = lo + 1; i < hi; i++)
		for (size_t k = i; k > lo && is_less(t, k, k - 1); k--)
			swap_entries(t, k, k - 1);
}

#define FEW 12

static void sort_entries(const struct table *t, size_t lo, size_t hi)
{
	while (hi - lo > FEW) {
		const size_t at = partition(t, lo, hi);

		if (at - lo < hi - at) {
			sort_entries(t, lo, at);
			lo = at + 1;
		} else {
			sort_entries(t, at + 1, hi);
			hi = at;
		}
	}
	sort_few(t, lo, hi);
}

/* The least `most` of n entries come first. */
static void select_least(const struct table *t, size_t n)
{
	size_t lo = 0, hi = n;

	while (hi - lo > 1) {
		const size_t at = partition(t, lo, hi);

		if (at == t->most)
			return;
		if (at < t->most)
			lo = at + 1;
		else
			hi = at;
	}
}

/* All entries to the front; returns how many there are. */
static size_t gather(const struct table *t)
{
	size_t n = 0;

	for (size_t i = 0; i < t->nslots; i++)
		if (*count_of(t, i)) {
			if (i != n) {
				memcpy(entry(t, n), entry(t, i), t->width * sizeof(int64_t));
				*count_of(t, i) = 0;
			}
			n++;
		}
	return n;
}

/* --- the hash table --- */

/* Puts an entry where a search finds it. One that lies there and has not been put yet, whose count is negative, gives
   way and is put next. */
static void put(const struct table *t, int64_t *e)
{
	int64_t *count = e + t->width - 1;

	do {
		size_t i = home_of(t, e);

		while (*count_of(t, i) > 0)
			i = next(t, i);
		swap(entry(t, i), e, t->width);
		*count = -*count;
	} while (*count);
}

static void find_last(const struct table *t)
{
	size_t last = 0;

	for (size_t i = 1; i < t->nslots; i++)
		if (*count_of(t, i) && (!*count_of(t, last) || is_less(t, last, i)))
			last = i;
	t->head[LAST] = (int64_t)last;
}

/* Makes the first n slots, which have all entries, a hash table. */
static void scatter(const struct table *t, size_t n)
{
	int64_t *hand = entry(t, t->nslots);

	for (size_t i = 0; i < n; i++)
		*count_of(t, i) = -*count_of(t, i);
	for (size_t i = 0; i < n; i++) {
		if (*count_of(t, i) >= 0)
			continue;
		memcpy(hand, entry(t, i), t->width * sizeof(*hand));
		hand[t->width - 1] = -hand[t->width - 1];
		*count_of(t, i) = 0;
		put(t, hand);
	}
	t->head[NUMBER] = ~(int64_t)n;
	t->head[LAST] = NO_SLOT;
	if (n == t->most)
		find_last(t);
}

/* What is behind the entries of one in order may be anything. */
static void loosen(const struct table *t)
{
	const size_t n = (size_t)t->head[NUMBER];

	for (size_t i = n; i < t->nslots; i++)
		*count_of(t, i) = 0;
	scatter(t, n);
}

/* Leaves the least entries at the front; returns how many. */
static size_t leave_least(const struct table *t)
{
	const size_t n = gather(t);

	if (n <= t->most)
		return n;
	select_least(t, n);
	for (size_t i = t->most; i < n; i++)
		*count_of(t, i) = 0;
	return t->most;
}

bool qn_tally_add(int64_t *tally, size_t nwords, size_t width, const int64_t *key, uint64_t count)
{
	const struct table t = table_of(tally, nwords, width);
	size_t i;

	if (t.head[NUMBER] >= 0)
		loosen(&t);
	for (i = home_of(&t, key); *count_of(&t, i); i = next(&t, i))
		if (!compare(entry(&t, i), key, width)) {
			*count_of(&t, i) += (int64_t)count;
			return false;
		}
	if (t.head[LAST] >= 0 && compare(key, entry(&t, (size_t)t.head[LAST]), width) > 0)
		return true;
	memcpy(entry(&t, i), key, (width - 1) * sizeof(*key));
	*count_of(&t, i) = (int64_t)count;
	t.head[NUMBER]--;
	if ((uint64_t)~t.head[NUMBER] > qn_max_u64(t.most, t.nslots - t.nslots / 8 - 1))
		scatter(&t, leave_least(&t));
	return true;
}

void qn_tally_sort(int64_t *tally, size_t nwords, size_t width)
{
	const struct table t = table_of(tally, nwords, width);

	if (t.head[NUMBER] < 0) {
		const size_t n = leave_least(&t);

		sort_entries(&t, 0, n);
		t.head[NUMBER] = (int64_t)n;
		t.head[LAST] = 0;
	}
	memset(entry(&t, (size_t)t.head[NUMBER]), 0,
	       (nwords - SLOTS - (size_t)t.head[NUMBER] * width) * sizeof(*tally));
}

/* --- merge --- */

size_t qn_tally_nwords_used(const int64_t *tally, size_t nwords, size_t width)
{
	const uint64_t most = ((nwords - SLOTS) / width - 1) / 2 - 1, n = (uint64_t)tally[NUMBER];

	return n <= most && !tally[LAST] ? SLOTS + (size_t)n * width : 0;
}

/*
 * What `into` has moves to the end. It has most entries at most, and as many more slots are before it: what is written
 * never overtakes what is still to be read.
 */
void qn_tally_merge(int64_t *into, const int64_t *from, size_t nwords, size_t width)
{
	const struct table t = table_of(into, nwords, width);
	const size_t na = (size_t)into[NUMBER], nb = (size_t)from[NUMBER],
		     nbytes = width * sizeof(*into);
	size_t n = 0, a = 0, b = 0;

	memmove(entry(&t, t.nslots - na), entry(&t, 0), na * nbytes);
	for (; n < t.most && (a < na || b < nb); n++) {
		const int64_t *x = entry(&t, t.nslots - na + a), *y = from + SLOTS + b * width;
		const int order = a == na ? 1 : b == nb ? -1 : compare(x, y, width);

		memmove(entry(&t, n), order <= 0 ? x : y, nbytes);
		if (!order)
			*count_of(&t, n) += y[width - 1];
		a += order <= 0;
		b += order >= 0;
	}
	into[NUMBER] = (int64_t)n;
}
