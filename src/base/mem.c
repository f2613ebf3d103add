/*
 * mem.c - sizes that cannot overflow, lists that grow, and aligned memory.
 */
#include "base/mem.h"

#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#ifdef __GLIBC__
#include <malloc.h>
#endif

#define CACHE_LINE_NBYTES 64
#define PAGE_NBYTES	  4096
#define HUGE_PAGE_NBYTES  (2u << 20)
#define LARGE_NBYTES	  (4 << 20)
/* From here on malloc has a block mapped by the system, where another thread's may lie beside it;
   smaller ones lie beside what the same thread has. */
#define MAPPED_NBYTES (128u << 10)

/* It would take up to 32 MiB from its heap after it has freed as much, and keep twice that there. */
void qn_mem_give_back(void)
{
#ifdef __GLIBC__
	mallopt(M_MMAP_THRESHOLD, LARGE_NBYTES);
	mallopt(M_TRIM_THRESHOLD, LARGE_NBYTES);
#endif
}

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

void *qn_malloc(size_t nbytes)
{
	return malloc(nbytes);
}

void *qn_realloc(void *p, size_t nbytes)
{
	return realloc(p, nbytes);
}

char *qn_strdup(const char *text)
{
	return strdup(text);
}

char *qn_strndup(const char *text, size_t most)
{
	return strndup(text, most);
}

int qn_asprintf(char **out, const char *format, ...)
{
	va_list ap;
	int n;

	va_start(ap, format);
	n = qn_vasprintf(out, format, ap);
	va_end(ap);
	return n;
}

/* What vasprintf leaves in *out when it fails is not defined. */
int qn_vasprintf(char **out, const char *format, va_list ap)
{
	const int n = vasprintf(out, format, ap);

	if (n < 0)
		*out = NULL;
	return n;
}

FILE *qn_open_memstream(char **text, size_t *nbytes)
{
	return open_memstream(text, nbytes);
}

void *qn_calloc(size_t nelems, size_t size)
{
	if (nelems == 0 || size == 0)
		return calloc(1, 1);
	return calloc(nelems, size);
}

/* aligned_alloc wants a multiple of the alignment. */
static void *alloc_multiple(size_t nbytes, size_t alignment)
{
	if (nbytes > SIZE_MAX - alignment)
		return NULL;
	return aligned_alloc(alignment, (nbytes + alignment - 1) / alignment * alignment);
}

void *qn_alloc_pages(size_t nbytes)
{
	void *p = alloc_multiple(nbytes ? nbytes : 1, PAGE_NBYTES);

#ifdef MADV_NOHUGEPAGE
	/* Else a huge page holds the end of one block and the beginning of the next, all of it where
	   the first was written to that came, and it can only be moved as a whole. */
	if (p)
		madvise(p, qn_ceil_div(nbytes, PAGE_NBYTES) * PAGE_NBYTES, MADV_NOHUGEPAGE);
#endif
	return p;
}

/* The pointer is copied, since it may be to anything: no two types alias. */
static bool resize(void *list, size_t n, size_t size)
{
	uint64_t nbytes;
	void *p;

	memcpy(&p, list, sizeof(p));
	if (!qn_mul(n, size, &nbytes) || !(p = realloc(p, nbytes)))
		return false;
	memcpy(list, &p, sizeof(p));
	return true;
}

bool qn_grow(void *list, size_t *room, size_t n, size_t size)
{
	const size_t want = qn_max_u64(n, *room > SIZE_MAX / 2 ? n : qn_max_u64(2 * *room, 16));

	if (n <= *room)
		return true;
	if (!resize(list, want, size))
		return false;
	*room = want;
	return true;
}

bool qn_grow_by_one(void *list, size_t n, size_t size)
{
	if (n & (n - 1))
		return true;
	return resize(list, n ? 2 * n : 1, size);
}

void *qn_alloc_aligned(size_t nbytes)
{
	void *p;

	if (nbytes < MAPPED_NBYTES)
		return alloc_multiple(nbytes ? nbytes : 1, CACHE_LINE_NBYTES);
	if (nbytes < HUGE_PAGE_NBYTES)
		return qn_alloc_pages(nbytes);
	p = alloc_multiple(nbytes, HUGE_PAGE_NBYTES);
#ifdef MADV_HUGEPAGE
	/* Advice: without huge pages it is the same memory, slower where rows are far apart. */
	if (p)
		madvise(p, nbytes, MADV_HUGEPAGE);
#endif
	return p;
}

void *qn_alloc_zeroed(size_t nbytes)
{
	void *p = qn_alloc_aligned(nbytes);

#if defined(__linux__) && defined(MADV_DONTNEED)
	/* Whole pages of nothing but this block: there, that is how to have them zero without touching them. */
	if (p && nbytes >= MAPPED_NBYTES &&
	    !madvise(p, qn_ceil_div(nbytes, PAGE_NBYTES) * PAGE_NBYTES, MADV_DONTNEED))
		return p;
#endif
	if (p)
		memset(p, 0, nbytes);
	return p;
}
