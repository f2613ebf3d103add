/*
 * counts.c - slots that are counted.
 */
#include "counts.h"

#include <string.h>

#include "kernel/tile.h"

/* Up to so many slots a tile is counted in four sets of 32-bit counters, so that equal values next
   to each other do not wait for the store of the count before. 4 KiB to clear and add up a tile. */
#define NSETS		  4
#define MAX_PRIVATE_SLOTS 256

void qn_slots_init(struct qn_slots *s, size_t n, const struct quern_input *in)
{
	*s = (struct qn_slots){ .n = n, .has_weights = in->roles & QUERN_ROLE(QUERN_WEIGHT) };
	if (!s->has_weights)
		return;
	s->dtype = in->role_dtype[QUERN_WEIGHT];
	s->form = qn_acc_form(s->dtype, 1);
}

size_t qn_slots_nwords(const struct qn_slots *s)
{
	return s->n * (1 + (size_t)s->form.nlimbs);
}

int qn_slots_segments(const struct qn_slots *s, size_t nbefore, struct quern_segment *segments)
{
	segments[0] = (struct quern_segment){ .op = QUERN_SUM, .nwords = nbefore + s->n };
	segments[1] = (struct quern_segment){ .op = QUERN_SUM,
					      .nwords = qn_slots_nwords(s) - s->n,
					      .nweights = 1 };
	return s->has_weights ? 2 : 1;
}

static bool is_private(const struct qn_slots *s)
{
	return s->n <= MAX_PRIVATE_SLOTS;
}

size_t qn_slots_scratch_nbytes(const struct qn_slots *s)
{
	return is_private(s) ? NSETS * s->n * sizeof(uint32_t) : 0;
}

void qn_slots_begin(const struct qn_slots *s, void *scratch)
{
	memset(scratch, 0, qn_slots_scratch_nbytes(s));
}

void qn_slots_count(const struct qn_slots *s, int64_t *words, void *scratch, const uint32_t *slot,
		    size_t n)
{
	uint32_t *counter = scratch;
	const size_t nslots = s->n;
	size_t i = 0;

	for (; !is_private(s) && i < n; i++)
		words[slot[i]]++;
	for (; i + NSETS <= n; i += NSETS) {
		counter[slot[i]]++;
		counter[nslots + slot[i + 1]]++;
		counter[2 * nslots + slot[i + 2]]++;
		counter[3 * nslots + slot[i + 3]]++;
	}
	for (; i < n; i++)
		counter[slot[i]]++;
}

void qn_slots_end(const struct qn_slots *s, int64_t *words, const void *scratch)
{
	const uint32_t *counter = scratch;

	for (size_t i = 0; is_private(s) && i < s->n; i++)
		for (size_t k = 0; k < NSETS; k++)
			words[i] += counter[k * s->n + i];
}

/* --- weights --- */

/* Sign-extended or not. */
static qn_i128 integer_at(enum quern_dtype t, const void *values, size_t i)
{
	const size_t size = qn_dtype_size(t);
	const unsigned unused = 64 - 8 * (unsigned)size;
	uint64_t bits = 0;

	memcpy(&bits, (const char *)values + i * size, size);
#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
	bits >>= unused;
#endif
	return qn_dtype_is_signed(t) ? (qn_i128)((int64_t)(bits << unused) >> unused)
				     : (qn_i128)bits;
}

static void add_weight(const struct qn_slots *s, int64_t *limb, const void *weights, size_t i)
{
	float f;
	double x;

	if (s->dtype == QUERN_F32) {
		memcpy(&f, (const char *)weights + i * sizeof(f), sizeof(f));
		qn_acc_add_double(&s->form, limb, (double)f);
	} else if (s->dtype == QUERN_F64) {
		memcpy(&x, (const char *)weights + i * sizeof(x), sizeof(x));
		qn_acc_add_double(&s->form, limb, x);
	} else {
		qn_acc_add(&s->form, limb, integer_at(s->dtype, weights, i), 0);
	}
}

void qn_slots_weigh(const struct qn_slots *s, int64_t *words, const uint32_t *slot,
		    const void *weights, size_t first, size_t n)
{
	const size_t nlimbs = (size_t)s->form.nlimbs;

	for (size_t i = 0; i < n; i++)
		add_weight(s, words + s->n + slot[i] * nlimbs, weights, first + i);
}

void qn_slots_normalize(const struct qn_slots *s, int64_t *words)
{
	const size_t nlimbs = (size_t)s->form.nlimbs;

	for (size_t i = 0; s->has_weights && i < s->n; i++)
		qn_acc_normalize(&s->form, words + s->n + i * nlimbs);
}

const int64_t *qn_slots_weight(const struct qn_slots *s, const int64_t *words, size_t slot)
{
	return words + s->n + slot * (size_t)s->form.nlimbs;
}
