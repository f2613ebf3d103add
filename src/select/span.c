#include "select/span.h"

#include "base/mem.h"

uint64_t qn_span_clip(const struct qn_span *s, uint64_t size)
{
	uint64_t n;

	if (size <= s->start)
		return 0;
	size -= s->start;
	if (s->block == QN_UNLIMITED)
		return size;
	n = size / s->stride;
	if (s->count != QN_UNLIMITED && n >= s->count)
		return s->count * s->block;
	return n * s->block + qn_min_u64(s->block, size - n * s->stride);
}

uint64_t qn_span_count(const struct qn_span *s)
{
	return s->count * s->block;
}

uint64_t qn_span_at(const struct qn_span *s, uint64_t k)
{
	if (s->block == QN_UNLIMITED)
		return s->start + k;
	return s->start + k / s->block * s->stride + k % s->block;
}

/* One step does for all of the first n. */
static bool is_even(const struct qn_span *s, uint64_t n)
{
	return s->block == 1 || s->block >= n || s->block == s->stride;
}

/* Indexes of a block, counted so that an even span is one block. */
static uint64_t block_of(const struct qn_span *s, uint64_t n)
{
	return is_even(s, n) ? n : s->block;
}

/* The least common multiple of two periods; the period of an even span is 1. */
static uint64_t common_period(const struct qn_span_pieces *p)
{
	uint64_t a = is_even(p->to, p->n) ? 1 : p->to->block;
	uint64_t b = is_even(p->from, p->n) ? 1 : p->from->block, x = a, y = b, period;

	while (y) {
		uint64_t r = x % y;

		x = y;
		y = r;
	}
	return qn_mul(a / x, b, &period) ? period : UINT64_MAX;
}

void qn_pieces_init(struct qn_span_pieces *p, const struct qn_span *to, const struct qn_span *from,
		    uint64_t n)
{
	uint64_t ncuts, period;

	*p = (struct qn_span_pieces){ .to = to, .from = from, .n = n };
	if (!n)
		return;
	ncuts = qn_ceil_div(n, block_of(to, n)) + qn_ceil_div(n, block_of(from, n)) - 1;
	period = common_period(p);
	if (period < ncuts)
		p->period = period;
	p->npieces = qn_min_u64(ncuts, period);
}

static uint64_t step_of(const struct qn_span *s, uint64_t at, uint64_t apart)
{
	return qn_span_at(s, at + apart) - qn_span_at(s, at);
}

bool qn_pieces_next(const struct qn_span_pieces *p, uint64_t *at, struct qn_span_piece *out)
{
	uint64_t k = *at, apart = 1, count;

	if (k >= (p->period ? qn_min_u64(p->period, p->n) : p->n))
		return false;
	if (p->period) {
		apart = p->period;
		count = qn_ceil_div(p->n - k, apart);
		*at = k + 1;
	} else {
		uint64_t a = block_of(p->to, p->n), b = block_of(p->from, p->n);

		count = qn_min_u64(qn_min_u64(a - k % a, b - k % b), p->n - k);
		*at = k + count;
	}
	*out = (struct qn_span_piece){ .to = qn_span_at(p->to, k),
				       .from = qn_span_at(p->from, k),
				       .to_step = 1,
				       .from_step = 1,
				       .count = count };
	if (count > 1) {
		out->to_step = step_of(p->to, k, apart);
		out->from_step = step_of(p->from, k, apart);
	}
	return true;
}
