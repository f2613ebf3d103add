/*
 * forkable.c - linked into programs built with AddressSanitizer: a process that one of several threads
 * forks can allocate memory.
 *
 * quern forks a child for the HDF5 library and rests on a promise of glibc, that malloc is usable in
 * it. The allocator of AddressSanitizer before LLVM 17 and GCC 14 does not keep it: the child waits
 * for ever for a lock that another thread held. So no thread is inside the allocator during a fork.
 */
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

typedef int nothing_else;

#if defined(__SANITIZE_ADDRESS__) && !defined(__clang__) && __GNUC__ < 14

void *__interceptor_malloc(size_t nbytes);
void *__interceptor_calloc(size_t n, size_t size);
void *__interceptor_realloc(void *p, size_t nbytes);
void *__interceptor_aligned_alloc(size_t align, size_t nbytes);
int __interceptor_posix_memalign(void **p, size_t align, size_t nbytes);
char *__interceptor_strdup(const char *text);
void __interceptor_free(void *p);

static pthread_rwlock_t allocator = PTHREAD_RWLOCK_INITIALIZER;

static void keep_out(void)
{
	pthread_rwlock_wrlock(&allocator);
}

static void let_in(void)
{
	pthread_rwlock_unlock(&allocator);
}

/* The child has another thread number than the one that locked it. */
static void let_child_in(void)
{
	static const pthread_rwlock_t unlocked = PTHREAD_RWLOCK_INITIALIZER;

	allocator = unlocked;
}

static void begin(void)
{
	pthread_atfork(keep_out, let_in, let_child_in);
}

/* Before any library does the same: what they do for a fork, OpenBLAS ends its threads, comes first. */
__attribute__((section(".preinit_array"), used)) static void (*const first)(void) = begin;

#define INSIDE(type, call)                         \
	do {                                       \
		type result;                       \
		pthread_rwlock_rdlock(&allocator); \
		result = (call);                   \
		pthread_rwlock_unlock(&allocator); \
		return result;                     \
	} while (0)

void *malloc(size_t nbytes)
{
	INSIDE(void *, __interceptor_malloc(nbytes));
}

void *calloc(size_t n, size_t size)
{
	INSIDE(void *, __interceptor_calloc(n, size));
}

void *realloc(void *p, size_t nbytes)
{
	INSIDE(void *, __interceptor_realloc(p, nbytes));
}

void *aligned_alloc(size_t align, size_t nbytes)
{
	INSIDE(void *, __interceptor_aligned_alloc(align, nbytes));
}

int posix_memalign(void **p, size_t align, size_t nbytes)
{
	INSIDE(int, __interceptor_posix_memalign(p, align, nbytes));
}

char *strdup(const char *text)
{
	INSIDE(char *, __interceptor_strdup(text));
}

void free(void *p)
{
	pthread_rwlock_rdlock(&allocator);
	__interceptor_free(p);
	pthread_rwlock_unlock(&allocator);
}

#endif
