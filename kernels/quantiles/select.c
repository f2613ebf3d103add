/*
 * select.c - keys of lists by their ranks (after Floyd and Rivest).
 *
 * The keys of a sample tell between which keys the wanted ones most probably are. One pass counts those below, and
 * keeps those between, of which the same is done, until they are few. Where a sample misled, or keeps most of them
 * because so many are equal, they are sorted.
 */
#include "kernels/quantiles/select.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "kernel/list.h"
#include "kernel/order.h"
#include "kernels/quantiles/keys_simd.h"

/* Of so many keys all are sorted. */
#define FEW 512
/* Keys of a sample, and how far from the rank in it the keys are that are taken for bounds: three times the standard
   deviation. */
#define NSAMPLE	 256
#define DISTANCE 24

typedef size_t within_fn(const void *, size_t, bool, uint32_t, uint32_t, uint32_t *, size_t *);

static size_t within_32(const void *keys, size_t n, uint64_t base, uint64_t span, void *out,
			size_t *nbelow)
{
	static within_fn *const within[] = QN_ISA_TABLE(qn_keys_within);

	return within[qn_cpu_level()](keys, n, false, (uint32_t)base, (uint32_t)span, out, nbelow);
}

static size_t within_64(const void *keys, size_t n, uint64_t base, uint64_t span, void *out,
			size_t *nbelow)
{
	const uint64_t *from = keys;
	uint64_t *to = out;
	size_t nfound = 0;

	*nbelow = 0;
	for (size_t i = 0; i < n; i++) {
		const uint64_t key = from[i];

		to[nfound] = key - base;
		nfound += key - base <= span;
		*nbelow += key < base;
	}
	return nfound;
}

static uint64_t key_at(bool is_wide, const void *keys, size_t i)
{
	return is_wide ? ((const uint64_t *)keys)[i] : ((const uint32_t *)keys)[i];
}

/* Keys from all over them, at no regular distances, as data may have a period. */
static void take_sample(bool is_wide, const void *keys, size_t n, void *sample)
{
	const size_t step = n / NSAMPLE;
	uint32_t mix = 1;

	for (size_t i = 0; i < NSAMPLE; i++) {
		const size_t at = i * step + (size_t)(((uint64_t)mix * step) >> 32);

		mix = mix * UINT32_C(1664525) + UINT32_C(1013904223);
		if (is_wide)
			((uint64_t *)sample)[i] = ((const uint64_t *)keys)[at];
		else
			((uint32_t *)sample)[i] = ((const uint32_t *)keys)[at];
	}
}

/* Between which keys those of the ranks are likely to be. */
static void find_bounds(enum quern_dtype t, bool is_wide, const void *keys, size_t n,
			const uint64_t at[2], uint64_t bound[2])
{
	uint64_t sample[NSAMPLE];
	const size_t rank = (size_t)((double)at[0] / (double)n * NSAMPLE);

	take_sample(is_wide, keys, n, sample);
	qn_order_sort(t, sample, NSAMPLE);
	bound[0] = rank < DISTANCE ? 0 : key_at(is_wide, sample, rank - DISTANCE);
	bound[1] = rank + DISTANCE >= NSAMPLE ? (is_wide ? UINT64_MAX : UINT32_MAX)
					      : key_at(is_wide, sample, rank + DISTANCE);
}

/* What is left to look at: keys from `base` on, as distances from there. */
struct rest {
	const void *keys;
	size_t n;
	uint64_t at[2], base;
};

/* Keeps those between bounds, in `room`, where the keys may have been. False: the ranks are not there. */
static bool narrow(enum quern_dtype t, bool is_wide, struct rest *r, void *room)
{
	uint64_t bound[2];
	size_t nbelow;

	find_bounds(t, is_wide, r->keys, r->n, r->at, bound);
	r->n = (is_wide ? within_64 : within_32)(r->keys, r->n, bound[0], bound[1] - bound[0], room,
						 &nbelow);
	r->keys = room;
	if (r->at[0] < nbelow || r->at[1] - nbelow >= r->n)
		return false;
	r->base += bound[0];
	r->at[0] -= nbelow;
	r->at[1] -= nbelow;
	return true;
}

bool qn_quantile_select(enum quern_dtype t, const void *keys, size_t n, const uint64_t at[2],
			uint64_t key[2])
{
	const struct rest all = { .keys = keys, .n = n, .at = { at[0], at[1] } };
	const size_t size = qn_list_key_nbytes(t);
	const bool is_wide = size == sizeof(uint64_t);
	void *room = qn_malloc((n + QN_KEYS_PAD) * size);
	struct rest r = all;
	size_t before = SIZE_MAX;

	if (!room)
		return false;
	while (r.n > FEW && r.n <= before / 2) {
		before = r.n;
		if (!narrow(t, is_wide, &r, room)) {
			r = all;
			break;
		}
	}
	if (r.keys != room)
		memcpy(room, r.keys, r.n * size);
	qn_order_sort(t, room, r.n);
	for (int i = 0; i < 2; i++)
		key[i] = r.base + key_at(is_wide, room, (size_t)r.at[i]);
	free(room);
	return true;
}
