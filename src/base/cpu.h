/*
 * cpu.h - which instruction sets to use.
 *
 * One source is compiled once per level and chosen at run time. QUERN_CPU=baseline|avx2|avx512
 * lowers the level, so that tests cover every path on any machine.
 */
#ifndef QN_BASE_CPU_H
#define QN_BASE_CPU_H

#include "base/error.h"

enum qn_cpu {
	QN_CPU_BASELINE, /* what the compiler targets by default: SSE2 on x86-64 */
	QN_CPU_AVX2,	 /* AVX2, FMA and BMI2 */
	QN_CPU_AVX512,	 /* AVX-512 F, DQ, BW and VL */
};

/* The highest level that this machine has and QUERN_CPU, if it is a level, allowed when it was last read: at the first
   call, and by qn_cpu_check. */
enum qn_cpu qn_cpu_level(void);
const char *qn_cpu_name(enum qn_cpu level);

/* Reads QUERN_CPU. QUERN_ERR_USAGE when QUERN_CPU is set and is none of the levels. */
enum quern_status qn_cpu_check(struct quern_message *err);

/* Sets QUERN_CPU, or unsets it, and reads it: for what compares levels. */
void qn_cpu_choose(const char *level);

/* Resets the floating-point environment of the calling thread: round to nearest, denormals
   kept (flush-to-zero and denormals-are-zero off, which a foreign -ffast-math object may have
   switched on). Called by every worker before it absorbs. */
void qn_cpu_reset_fp(void);

#endif
