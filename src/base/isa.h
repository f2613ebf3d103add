/*
 * isa.h - names for a source that is compiled once per instruction set.
 *
 * Files listed as MULTI_ISA in a module.mk are compiled with QN_ISA_SUFFIX = baseline, and on
 * x86-64 also avx2 and avx512 with the flags for these. They define their functions as
 * QN_ISA(name), which gives name_baseline, name_avx2, name_avx512, and use the compiler's own
 * macros (__AVX2__, __AVX512F__) to choose code. A file compiled once holds the table by which
 * qn_cpu_level() chooses; QN_ISA_TABLE writes its entries.
 */
#ifndef QN_BASE_ISA_H
#define QN_BASE_ISA_H

#include "base/cpu.h"

#define QN_ISA_CAT_(name, suffix) name##_##suffix
#define QN_ISA_CAT(name, suffix)  QN_ISA_CAT_(name, suffix)
#ifdef QN_ISA_SUFFIX
#define QN_ISA(name) QN_ISA_CAT(name, QN_ISA_SUFFIX)
#endif

/* static fn_type *const table[] = QN_ISA_TABLE(name); call table[qn_cpu_level()]. */
#ifdef QN_MULTI_ISA
#define QN_ISA_TABLE(name)                                  \
	{                                                   \
		name##_baseline, name##_avx2, name##_avx512 \
	}
/* Declares the three functions: QN_ISA_DECLARE(size_t, name, (const void *, size_t)); */
#define QN_ISA_DECLARE(ret, name, args) \
	ret name##_baseline args;       \
	ret name##_avx2 args;           \
	ret name##_avx512 args
#else
#define QN_ISA_TABLE(name)                                        \
	{                                                         \
		name##_baseline, name##_baseline, name##_baseline \
	}
#define QN_ISA_DECLARE(ret, name, args) ret name##_baseline args
#endif

#endif
