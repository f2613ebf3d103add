/*
 * tally.h - values, each with how often it was there: what QUERN_TALLY segments of a state hold.
 *
 * An entry is `width` words: the key, compared as int64 words from the first to the last but one, and a count of 1 or
 * more. A tally has room for `most` entries, and keeps the least of all keys if there are more: whatever the order in which
 * they come and tallies are merged, those that are left have all their counts.
 *
 *	in order | n, number of entries  | 0                       | n entries, keys rise | zeros |
 *	loose    | ~n                    | slot of the last, or -1 | entries in the slots of a hash table; count 0: none |
 *
 * Loose is what adding makes of it. Where `most` entries were in it once, nothing above the last of these is taken.
 */
#ifndef QN_BASE_TALLY_H
#define QN_BASE_TALLY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Words of a tally; SIZE_MAX: more than there can be. */
size_t qn_tally_nwords(uint64_t most, size_t width);

/* Makes words one without entries, in order. */
void qn_tally_clear(int64_t *tally);

/* Adds a key so many times. True: it was not there, whether it is now or not. */
bool qn_tally_add(int64_t *tally, size_t nwords, size_t width, const int64_t *key, uint64_t count);

/* Brings it into order. */
void qn_tally_sort(int64_t *tally, size_t nwords, size_t width);

/* Words in use, of one in order; 0: it is none. */
size_t qn_tally_nwords_used(const int64_t *tally, size_t nwords, size_t width);

/* Of two in order, of as many words; but for zeros behind the entries into stays so. */
void qn_tally_merge(int64_t *into, const int64_t *from, size_t nwords, size_t width);

/* Entry i of one in order. */
static inline const int64_t *qn_tally_entry(const int64_t *tally, size_t width, size_t i)
{
	return tally + 2 + i * width;
}

#endif
