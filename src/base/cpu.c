/*
 * cpu.c - which instruction sets to use.
 */
#include "base/cpu.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "base/options.h"

#if defined(__x86_64__)
#include <xmmintrin.h>
#else
#include <fenv.h>
#endif

static const char *const names[] = {
	[QN_CPU_BASELINE] = "baseline",
	[QN_CPU_AVX2] = "avx2",
	[QN_CPU_AVX512] = "avx512",
	NULL,
};

#if defined(__x86_64__)
static enum qn_cpu detect(void)
{
	__builtin_cpu_init();
	if (!__builtin_cpu_supports("avx2") || !__builtin_cpu_supports("fma") ||
	    !__builtin_cpu_supports("bmi2"))
		return QN_CPU_BASELINE;
	if (!__builtin_cpu_supports("avx512f") || !__builtin_cpu_supports("avx512dq") ||
	    !__builtin_cpu_supports("avx512bw") || !__builtin_cpu_supports("avx512vl"))
		return QN_CPU_AVX2;
	return QN_CPU_AVX512;
}
#else
static enum qn_cpu detect(void)
{
	return QN_CPU_BASELINE;
}
#endif

/* The level and one; 0: not known yet. */
static atomic_int known;

static enum qn_cpu find_level(void)
{
	enum qn_cpu level = detect();
	const char *limit = getenv("QUERN_CPU");

	for (int i = QN_CPU_BASELINE; limit && i < (int)level; i++)
		if (strcmp(limit, names[i]) == 0)
			level = (enum qn_cpu)i;
	atomic_store_explicit(&known, (int)level + 1, memory_order_relaxed);
	return level;
}

enum qn_cpu qn_cpu_level(void)
{
	const int level = atomic_load_explicit(&known, memory_order_relaxed);

	return level ? (enum qn_cpu)(level - 1) : find_level();
}

const char *qn_cpu_name(enum qn_cpu level)
{
	return names[level];
}

enum quern_status qn_cpu_check(struct quern_message *err)
{
	int which;

	find_level();
	return qn_variable_word("QUERN_CPU", names, &which, err);
}

void qn_cpu_choose(const char *level)
{
	if (level)
		setenv("QUERN_CPU", level, 1);
	else
		unsetenv("QUERN_CPU");
	find_level();
}

#if defined(__x86_64__)
void qn_cpu_reset_fp(void)
{
	const unsigned rounding = 0x6000, flush_to_zero = 0x8000, denormals_are_zero = 0x0040;

	_mm_setcsr(_mm_getcsr() & ~(rounding | flush_to_zero | denormals_are_zero));
}
#elif defined(__aarch64__)
void qn_cpu_reset_fp(void)
{
	/* FPCR: FZ16 bit 19, RMode bits 22 and 23, FZ bit 24. */
	const unsigned long mask = 1ul << 19 | 3ul << 22 | 1ul << 24;
	unsigned long fpcr;

	__asm__ volatile("mrs %0, fpcr" : "=r"(fpcr));
	__asm__ volatile("msr fpcr, %0" : : "r"(fpcr & ~mask));
}
#else
void qn_cpu_reset_fp(void)
{
	fesetround(FE_TONEAREST);
}
#endif
