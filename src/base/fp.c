#include "base/fp.h"

#if defined(__x86_64__)
#include <immintrin.h>
#endif

#include "base/cpu.h"

fenv_t qn_fp_own(void)
{
	fenv_t of_caller;

	fegetenv(&of_caller);
	fesetenv(FE_DFL_ENV);
	/* Some C libraries leave flush-to-zero as it is. */
	qn_cpu_reset_fp();
	return of_caller;
}

void qn_fp_give_back(const fenv_t *of_caller)
{
	fesetenv(of_caller);
}

#if defined(__x86_64__)
unsigned long qn_fp_mode(void)
{
	const unsigned flags = 0x3f;

	return _mm_getcsr() & ~flags;
}
#elif defined(__aarch64__)
unsigned long qn_fp_mode(void)
{
	unsigned long fpcr;

	__asm__ volatile("mrs %0, fpcr" : "=r"(fpcr));
	return fpcr;
}
#else
unsigned long qn_fp_mode(void)
{
	return (unsigned long)fegetround();
}
#endif
