/*
 * memory.c - allocations of tests: the linker (--wrap) has the functions of base/mem.h called here, and they
 * ask the plan (plan.h) before they go on. What the C library and other libraries allocate is not
 * theirs.
 */
#include <stdarg.h>
#include <stdio.h>

#include "tests/testing/plan.h"

#define WRAPPED(type, name, params, args)                   \
	type __real_qn_##name params;                       \
	type __wrap_qn_##name params;                       \
	type __wrap_qn_##name params                        \
	{                                                   \
		return fails() ? 0 : __real_qn_##name args; \
	}

static bool fails(void)
{
	return test_decide(TEST_MEMORY, "", NULL) == TEST_FAIL;
}

WRAPPED(void *, malloc, (size_t nbytes), (nbytes))
WRAPPED(void *, calloc, (size_t nelems, size_t size), (nelems, size))
WRAPPED(void *, realloc, (void *p, size_t nbytes), (p, nbytes))
WRAPPED(char *, strdup, (const char *text), (text))
WRAPPED(char *, strndup, (const char *text, size_t most), (text, most))
WRAPPED(FILE *, open_memstream, (char **text, size_t *nbytes), (text, nbytes))
WRAPPED(bool, grow, (void *list, size_t *room, size_t n, size_t size), (list, room, n, size))
WRAPPED(bool, grow_by_one, (void *list, size_t n, size_t size), (list, n, size))
WRAPPED(void *, alloc_aligned, (size_t nbytes), (nbytes))
WRAPPED(void *, alloc_pages, (size_t nbytes), (nbytes))

int __real_qn_vasprintf(char **out, const char *format, va_list ap);
int __wrap_qn_vasprintf(char **out, const char *format, va_list ap);
int __wrap_qn_asprintf(char **out, const char *format, ...);

int __wrap_qn_vasprintf(char **out, const char *format, va_list ap)
{
	if (!fails())
		return __real_qn_vasprintf(out, format, ap);
	*out = NULL;
	return -1;
}

int __wrap_qn_asprintf(char **out, const char *format, ...)
{
	va_list ap;
	int n;

	va_start(ap, format);
	n = __wrap_qn_vasprintf(out, format, ap);
	va_end(ap);
	return n;
}
