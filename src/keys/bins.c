#include "keys/bins.h"

#include <math.h>

#define EXACT_DOUBLE (INT64_C(1) << 53)

bool qn_bin_of_real(const double *edges, uint64_t n, double x, int64_t *bin)
{
	uint64_t low = 0, high = n; /* edges[low - 1] <= x < edges[high] */

	if (isnan(x))
		return false;
	while (low < high) {
		const uint64_t middle = low + (high - low) / 2;

		if (x < edges[middle])
			high = middle;
		else
			low = middle + 1;
	}
	*bin = (int64_t)low - 1 - (low == n);
	return low > 0 && (low < n || x == edges[n - 1]);
}

static bool is_below(int64_t v, double edge)
{
	if (fabs(edge) >= 0x1p63)
		return edge > 0;
	return v < (int64_t)edge || (v == (int64_t)edge && (double)(int64_t)edge < edge);
}

static bool is_at(int64_t v, double edge)
{
	return fabs(edge) < 0x1p63 && (double)(int64_t)edge == edge && (int64_t)edge == v;
}

bool qn_bin_of_integer(const double *edges, uint64_t n, int64_t v, int64_t *bin)
{
	uint64_t low = 0, high = n;

	if (v > -EXACT_DOUBLE && v < EXACT_DOUBLE)
		return qn_bin_of_real(edges, n, (double)v, bin);
	while (low < high) {
		const uint64_t middle = low + (high - low) / 2;

		if (is_below(v, edges[middle]))
			high = middle;
		else
			low = middle + 1;
	}
	*bin = (int64_t)low - 1 - (low == n);
	return low > 0 && (low < n || is_at(v, edges[n - 1]));
}
