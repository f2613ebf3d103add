#include "base/mem.h"
#include "rolling/rolling.h"

uint64_t qn_rolling_reach(const struct qn_rolling *r)
{
	return r->wraps ? 0 : r->half * r->stride;
}

static uint64_t line_of(const struct qn_rolling *r)
{
	return qn_max_u64(r->length * r->stride, 1);
}

uint64_t qn_rolling_least_rows(const struct qn_rolling *r, uint64_t nrows, uint64_t most)
{
	const uint64_t least = r->wraps ? line_of(r)
					: 2 * qn_rolling_reach(r) + qn_max_u64(most, 1);

	return qn_min_u64(nrows, least);
}

uint64_t qn_rolling_emitted(const struct qn_rolling *r, uint64_t nrows, uint64_t rows)
{
	if (rows >= nrows)
		return nrows;
	return r->wraps ? rows / line_of(r) * line_of(r) : rows - 2 * qn_rolling_reach(r);
}

uint64_t qn_rolling_even_rows(const struct qn_rolling *r, uint64_t nrows, uint64_t rows)
{
	const uint64_t unit = r->wraps ? line_of(r) : 1, all = nrows / unit;
	const uint64_t each = qn_rolling_emitted(r, nrows, rows) / unit;
	const uint64_t even = qn_ceil_div(all, qn_ceil_div(all, qn_max_u64(each, 1)));

	return rows >= nrows ? nrows : even * unit + 2 * qn_rolling_reach(r);
}

struct qn_rolling_sweep qn_rolling_sweep(const struct qn_rolling *r, uint64_t nrows, uint64_t rows,
					 uint64_t row)
{
	struct qn_rolling_sweep s = { .first = r->wraps ? row - row % line_of(r) : row };
	uint64_t end = qn_min_u64(s.first + qn_rolling_emitted(r, nrows, rows), nrows);

	s.nemitted = end - row;
	if (!r->wraps) {
		s.first -= qn_min_u64(qn_rolling_reach(r), row);
		end = qn_min_u64(end + qn_rolling_reach(r), nrows);
	}
	s.nrows = end - s.first;
	return s;
}
