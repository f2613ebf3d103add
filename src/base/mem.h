/*
 * mem.h - sizes that cannot overflow, and the one way to memory: all that quern allocates comes
 * from here, so that a build for tests can have any of it fail (tests/testing/plan.h);
 * tests/rules/layers.sh refuses malloc and its like elsewhere. Everything is freed with free().
 */
#ifndef QN_BASE_MEM_H
#define QN_BASE_MEM_H

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

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

static inline uint64_t qn_min_u64(uint64_t a, uint64_t b)
{
	return a < b ? a : b;
}
static inline uint64_t qn_max_u64(uint64_t a, uint64_t b)
{
	return a > b ? a : b;
}
/* a / b, rounded up; b > 0. */
static inline uint64_t qn_ceil_div(uint64_t a, uint64_t b)
{
	return a / b + (a % b != 0);
}

/* As in the C library and POSIX. */
void *qn_malloc(size_t nbytes);
void *qn_realloc(void *p, size_t nbytes);
char *qn_strdup(const char *text);
char *qn_strndup(const char *text, size_t most);
int qn_asprintf(char **out, const char *format, ...) __attribute__((format(printf, 2, 3)));
int qn_vasprintf(char **out, const char *format, va_list ap) __attribute__((format(printf, 2, 0)));
FILE *qn_open_memstream(char **text, size_t *nbytes);

/* nelems * size zeroed bytes, or NULL. nelems * size == 0 gives a valid pointer. */
void *qn_calloc(size_t nelems, size_t size);

/*
 * Lists that grow: `list` is the address of a pointer to entries of `size` bytes, which free() frees. False,
 * with the list as it was, when there is no memory.
 */
/* Room for n entries. *room: for how many there is; it at least doubles. */
bool qn_grow(void *list, size_t *room, size_t n, size_t size);
/* Room for one more than n, in a list that grew by this alone: it has room for a power of two. */
bool qn_grow_by_one(void *list, size_t n, size_t size);

/* Has the C library give back to the system what is freed in large pieces, however often it is asked for such: what a
   process of its own holds is what it uses. */
void qn_mem_give_back(void);

/* nbytes (at least 1) aligned to a cache line, or NULL; asks for huge pages where there is much.
   Contents undefined. */
void *qn_alloc_aligned(size_t nbytes);
/* The same, zeroed. Much of it takes no memory before it is written to. */
void *qn_alloc_zeroed(size_t nbytes);
/* As qn_alloc_aligned, in small pages of its own: for what may stay untouched in large part, and is to be on one
   NUMA node whoever has the memory beside it. */
void *qn_alloc_pages(size_t nbytes);

#endif
