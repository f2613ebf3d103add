/*
 * mem.c - sizes that cannot overflow, and aligned memory.
 */
#include "base/mem.h"

#include <stdlib.h>

#define CACHE_LINE_NBYTES 64

bool qn_product(const uint64_t *v, int n, uint64_t *out)
{
	uint64_t r = 1;
	bool fits = true, zero = false;

	/* A zero makes the product zero, however large the numbers beside it. */
	for (int i = 0; i < n; i++) {
		zero = zero || v[i] == 0;
		fits = fits && qn_mul(r, v[i], &r);
	}
	if (!fits && !zero)
		return false;
	*out = zero ? 0 : r;
	return true;
}

void *qn_calloc(size_t nelems, size_t size)
{
	if (nelems == 0 || size == 0)
		return calloc(1, 1);
	return calloc(nelems, size);
}

void *qn_alloc_aligned(size_t nbytes)
{
	if (nbytes > SIZE_MAX - CACHE_LINE_NBYTES)
		return NULL;
	if (nbytes == 0)
		nbytes = 1;
	/* aligned_alloc wants a multiple of the alignment. */
	nbytes = (nbytes + CACHE_LINE_NBYTES - 1) / CACHE_LINE_NBYTES * CACHE_LINE_NBYTES;
	return aligned_alloc(CACHE_LINE_NBYTES, nbytes);
}
