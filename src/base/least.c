/*
 * least.c - lists of the least entries.
 */
#include "base/least.h"

#include <string.h>

bool qn_least_is_better(const int64_t *a, const int64_t *b, size_t width)
{
	for (size_t i = 0; i + 1 < width; i++)
		if (a[i] != b[i])
			return a[i] < b[i];
	return (uint64_t)a[width - 1] < (uint64_t)b[width - 1];
}

void qn_least_clear(int64_t *list, size_t nwords, size_t width)
{
	for (size_t i = 0; i < nwords; i++)
		list[i] = i % width == width - 1 ? -1 : INT64_MAX;
}

bool qn_least_is_empty(const int64_t *entry, size_t width)
{
	return entry[width - 1] == -1;
}

static void copy(int64_t *to, const int64_t *from, size_t width)
{
	memmove(to, from, width * sizeof(*to));
}

static void swap(int64_t *a, int64_t *b, size_t width)
{
	for (size_t i = 0; i < width; i++) {
		int64_t t = a[i];

		a[i] = b[i];
		b[i] = t;
	}
}

/* Of n entries the one at `at` may be better than those below it. */
static void sift(int64_t *heap, size_t n, size_t at, size_t width)
{
	for (size_t child; (child = 2 * at + 1) < n; at = child) {
		if (child + 1 < n &&
		    qn_least_is_better(heap + child * width, heap + (child + 1) * width, width))
			child++;
		if (!qn_least_is_better(heap + at * width, heap + child * width, width))
			return;
		swap(heap + at * width, heap + child * width, width);
	}
}

void qn_least_offer(int64_t *heap, size_t nwords, size_t width, const int64_t *entry)
{
	if (!qn_least_is_better(entry, heap, width))
		return;
	copy(heap, entry, width);
	sift(heap, nwords / width, 0, width);
}

static bool is_in_order(const int64_t *list, size_t n, size_t width)
{
	for (size_t i = 1; i < n; i++)
		if (qn_least_is_better(list + (i - 1) * width, list + i * width, width))
			return false;
	return true;
}

/* Heapsort, which puts the worst entries last, and then turns the list round. */
void qn_least_sort(int64_t *heap, size_t nwords, size_t width)
{
	const size_t n = nwords / width;

	if (is_in_order(heap, n, width))
		return;
	for (size_t left = n; left > 1; left--) {
		swap(heap, heap + (left - 1) * width, width);
		sift(heap, left - 1, 0, width);
	}
	for (size_t i = 0; i < n / 2; i++)
		swap(heap + i * width, heap + (n - 1 - i) * width, width);
}

/*
 * The best n of both are the last i of one list and the last n - i of the other. The result is
 * written from its worst entry on, and never overtakes what is still to be read of `into`.
 */
void qn_least_merge(int64_t *into, const int64_t *from, size_t nwords, size_t width)
{
	const size_t n = nwords / width;
	size_t a = n, b = n;

	for (size_t i = 0; i < n; i++) {
		if (qn_least_is_better(into + (a - 1) * width, from + (b - 1) * width, width))
			a--;
		else
			b--;
	}
	for (size_t i = 0; i < n; i++) {
		const bool of_into =
			b == n ||
			(a < n && qn_least_is_better(from + b * width, into + a * width, width));

		copy(into + i * width, of_into ? into + a++ * width : from + b++ * width, width);
	}
}
