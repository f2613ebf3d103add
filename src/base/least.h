/*
 * least.h - lists of the least entries: what QUERN_LEAST segments of a state hold.
 *
 * An entry is `width` words: the key, compared as int64 words from the first to the last but one, and
 * an index, compared as uint64. A list has a fixed number of entries. It is in order when they
 * descend, the best (least) one last; then it is a heap too, with the worst entry at its root, which
 * a better one may replace.
 *
 *	| worst: key ..., index | ... | best: key ..., index |
 *
 * An entry that is not there has the largest key and index.
 */
#ifndef QN_BASE_LEAST_H
#define QN_BASE_LEAST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Is a before b? */
bool qn_least_is_better(const int64_t *a, const int64_t *b, size_t width);

/* The list without entries; nwords is a multiple of width. */
void qn_least_clear(int64_t *list, size_t nwords, size_t width);
bool qn_least_is_empty(const int64_t *entry, size_t width);

/* Puts the entry into the heap in place of the worst one, if it is better than that. */
void qn_least_offer(int64_t *heap, size_t nwords, size_t width, const int64_t *entry);

/* Brings a heap into order. */
void qn_least_sort(int64_t *heap, size_t nwords, size_t width);

/* Both lists are in order; into gets the best of both. No entry is in both lists. */
void qn_least_merge(int64_t *into, const int64_t *from, size_t nwords, size_t width);

#endif
