/*
 * mem.h - sizes that cannot overflow, and aligned memory.
 */
#ifndef QN_BASE_MEM_H
#define QN_BASE_MEM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* *out = a * b (a + b); false, with *out untouched, when the result does not fit. */
static inline bool qn_mul(uint64_t a, uint64_t b, uint64_t *out)
{
	uint64_t r;

	if (__builtin_mul_overflow(a, b, &r))
		return false;
	*out = r;
	return true;
}

static inline bool qn_add(uint64_t a, uint64_t b, uint64_t *out)
{
	uint64_t r;

	if (__builtin_add_overflow(a, b, &r))
		return false;
	*out = r;
	return true;
}

/* The product of n numbers; false when it does not fit. The product of none is 1. */
bool qn_product(const uint64_t *v, int n, uint64_t *out);

static inline uint64_t qn_min_u64(uint64_t a, uint64_t b) { return a < b ? a : b; }
static inline uint64_t qn_max_u64(uint64_t a, uint64_t b) { return a > b ? a : b; }
/* a / b, rounded up; b > 0. */
static inline uint64_t qn_ceil_div(uint64_t a, uint64_t b) { return a / b + (a % b != 0); }

/* nelems * size zeroed bytes, or NULL. nelems * size == 0 gives a valid pointer. Free with free(). */
void *qn_calloc(size_t nelems, size_t size);

/*
 * Lists that grow: `list` is the address of a pointer to entries of `size` bytes, which free() frees. False,
 * with the list as it was, when there is no memory.
 */
/* Room for n entries. *room: for how many there is; it at least doubles. */
bool qn_grow(void *list, size_t *room, size_t n, size_t size);
/* Room for one more than n, in a list that grew by this alone: it has room for a power of two. */
bool qn_grow_by_one(void *list, size_t n, size_t size);

/* nbytes (at least 1) aligned to a cache line, or NULL; asks for huge pages where there is much.
   Contents undefined. Free with free(). */
void *qn_alloc_aligned(size_t nbytes);
/* The same in small pages of its own: for what may stay untouched in large part, and is to be on one
   NUMA node whoever has the memory beside it. */
void *qn_alloc_pages(size_t nbytes);

#endif
