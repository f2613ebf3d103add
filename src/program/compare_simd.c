/*
 * compare_simd.c - comparisons, which make bits. Compiled once per ISA. A word is made of 64
 * comparisons by vectors, each of which gives its lanes as the bits of an integer.
 *
 * For each type T there are VECTOR_T, LANES_T, SET_T, LOAD_T, and LT_T, LE_T, EQ_T: the bits of two
 * vectors. A NaN is less than nothing and equal to nothing.
 */
#include "program/loops.h"

#if defined(__AVX512F__)
#include <immintrin.h>

#define VECTOR_f32   __m512
#define LANES_f32    16
#define SET_f32	     _mm512_set1_ps
#define LOAD_f32     _mm512_loadu_ps
#define LT_f32(a, b) _mm512_cmp_ps_mask(a, b, _CMP_LT_OQ)
#define LE_f32(a, b) _mm512_cmp_ps_mask(a, b, _CMP_LE_OQ)
#define EQ_f32(a, b) _mm512_cmp_ps_mask(a, b, _CMP_EQ_OQ)

#define VECTOR_f64   __m512d
#define LANES_f64    8
#define SET_f64	     _mm512_set1_pd
#define LOAD_f64     _mm512_loadu_pd
#define LT_f64(a, b) _mm512_cmp_pd_mask(a, b, _CMP_LT_OQ)
#define LE_f64(a, b) _mm512_cmp_pd_mask(a, b, _CMP_LE_OQ)
#define EQ_f64(a, b) _mm512_cmp_pd_mask(a, b, _CMP_EQ_OQ)

#define VECTOR_i64   __m512i
#define LANES_i64    8
#define SET_i64	     _mm512_set1_epi64
#define LOAD_i64     _mm512_loadu_si512
#define LT_i64(a, b) _mm512_cmplt_epi64_mask(a, b)
#define LE_i64(a, b) _mm512_cmple_epi64_mask(a, b)
#define EQ_i64(a, b) _mm512_cmpeq_epi64_mask(a, b)

#define VECTOR_u64   __m512i
#define LANES_u64    8
#define SET_u64(x)   _mm512_set1_epi64((int64_t)(x))
#define LOAD_u64     _mm512_loadu_si512
#define LT_u64(a, b) _mm512_cmplt_epu64_mask(a, b)
#define LE_u64(a, b) _mm512_cmple_epu64_mask(a, b)
#define EQ_u64(a, b) _mm512_cmpeq_epu64_mask(a, b)

#elif defined(__AVX2__)
#include <immintrin.h>

static inline unsigned bits_i64(__m256i v)
{
	return (unsigned)_mm256_movemask_pd(_mm256_castsi256_pd(v));
}

/* So that comparing signed integers compares unsigned ones. */
static inline __m256i flip(__m256i v)
{
	return _mm256_xor_si256(v, _mm256_set1_epi64x(INT64_MIN));
}

static inline __m256i load_i64(const void *p)
{
	return _mm256_loadu_si256((const __m256i *)p);
}

#define VECTOR_f32   __m256
#define LANES_f32    8
#define SET_f32	     _mm256_set1_ps
#define LOAD_f32(p)  _mm256_loadu_ps((const float *)(p))
#define LT_f32(a, b) (unsigned)_mm256_movemask_ps(_mm256_cmp_ps(a, b, _CMP_LT_OQ))
#define LE_f32(a, b) (unsigned)_mm256_movemask_ps(_mm256_cmp_ps(a, b, _CMP_LE_OQ))
#define EQ_f32(a, b) (unsigned)_mm256_movemask_ps(_mm256_cmp_ps(a, b, _CMP_EQ_OQ))

#define VECTOR_f64   __m256d
#define LANES_f64    4
#define SET_f64	     _mm256_set1_pd
#define LOAD_f64(p)  _mm256_loadu_pd((const double *)(p))
#define LT_f64(a, b) (unsigned)_mm256_movemask_pd(_mm256_cmp_pd(a, b, _CMP_LT_OQ))
#define LE_f64(a, b) (unsigned)_mm256_movemask_pd(_mm256_cmp_pd(a, b, _CMP_LE_OQ))
#define EQ_f64(a, b) (unsigned)_mm256_movemask_pd(_mm256_cmp_pd(a, b, _CMP_EQ_OQ))

#define VECTOR_i64   __m256i
#define LANES_i64    4
#define SET_i64	     _mm256_set1_epi64x
#define LOAD_i64     load_i64
#define LT_i64(a, b) bits_i64(_mm256_cmpgt_epi64(b, a))
#define LE_i64(a, b) (bits_i64(_mm256_cmpgt_epi64(a, b)) ^ 15u)
#define EQ_i64(a, b) bits_i64(_mm256_cmpeq_epi64(a, b))

#define VECTOR_u64  __m256i
#define LANES_u64   4
#define SET_u64(x)  flip(_mm256_set1_epi64x((int64_t)(x)))
#define LOAD_u64(p) flip(load_i64(p))
#define LT_u64	    LT_i64
#define LE_u64	    LE_i64
#define EQ_u64	    EQ_i64

#else

/* SSE2 compares no integers of 64 bits. */
#define SET(x)	 (x)
#define LOAD(p)	 (*(p))
#define LT(a, b) ((a) < (b))
#define LE(a, b) ((a) <= (b))
#define EQ(a, b) ((a) == (b))

#define VECTOR_i64 int64_t
#define LANES_i64  1
#define SET_i64	   SET
#define LOAD_i64   LOAD
#define LT_i64	   LT
#define LE_i64	   LE
#define EQ_i64	   EQ

#define VECTOR_u64 uint64_t
#define LANES_u64  1
#define SET_u64	   SET
#define LOAD_u64   LOAD
#define LT_u64	   LT
#define LE_u64	   LE
#define EQ_u64	   EQ

#if defined(__SSE2__)
#include <emmintrin.h>

#define VECTOR_f32   __m128
#define LANES_f32    4
#define SET_f32	     _mm_set1_ps
#define LOAD_f32(p)  _mm_loadu_ps((const float *)(p))
#define LT_f32(a, b) (unsigned)_mm_movemask_ps(_mm_cmplt_ps(a, b))
#define LE_f32(a, b) (unsigned)_mm_movemask_ps(_mm_cmple_ps(a, b))
#define EQ_f32(a, b) (unsigned)_mm_movemask_ps(_mm_cmpeq_ps(a, b))

#define VECTOR_f64   __m128d
#define LANES_f64    2
#define SET_f64	     _mm_set1_pd
#define LOAD_f64(p)  _mm_loadu_pd((const double *)(p))
#define LT_f64(a, b) (unsigned)_mm_movemask_pd(_mm_cmplt_pd(a, b))
#define LE_f64(a, b) (unsigned)_mm_movemask_pd(_mm_cmple_pd(a, b))
#define EQ_f64(a, b) (unsigned)_mm_movemask_pd(_mm_cmpeq_pd(a, b))
#else
#define VECTOR_f32 float
#define LANES_f32  1
#define SET_f32	   SET
#define LOAD_f32   LOAD
#define LT_f32	   LT
#define LE_f32	   LE
#define EQ_f32	   EQ

#define VECTOR_f64 double
#define LANES_f64  1
#define SET_f64	   SET
#define LOAD_f64   LOAD
#define LT_f64	   LT
#define LE_f64	   LE
#define EQ_f64	   EQ
#endif
#endif

#ifdef __clang__
#define UNROLLED _Pragma("unroll")
#else
#define UNROLLED _Pragma("GCC unroll 32")
#endif

/*
 * COMPARE(name, T, OP, C, FLIPS): the loop `name` over values of the type T, by OP_T for vectors
 * and the operator C for what is left; FLIPS is all bits if OP gives the opposite.
 */
#define COMPARE(name, T, OP, C, FLIPS)                                                        \
	static inline __attribute__((always_inline)) void name##_of(                          \
		const struct qn_loop_call *call, bool a_one, bool b_one)                      \
	{                                                                                     \
		const qn_##T *a = call->arg[0], *b = call->arg[1];                            \
		VECTOR_##T x = SET_##T(*a), y = SET_##T(*b);                                  \
		uint64_t *out = call->out, word;                                              \
		size_t i = 0;                                                                 \
                                                                                              \
		for (; i + 64 <= call->n; i += 64) {                                          \
			word = 0;                                                             \
			UNROLLED for (size_t k = 0; k < 64; k += LANES_##T)                   \
			{                                                                     \
				if (!a_one)                                                   \
					x = LOAD_##T(a + i + k);                              \
				if (!b_one)                                                   \
					y = LOAD_##T(b + i + k);                              \
				word |= (uint64_t)(OP##_##T(x, y)) << k;                      \
			}                                                                     \
			out[i / 64] = word ^ (FLIPS);                                         \
		}                                                                             \
		word = 0;                                                                     \
		for (size_t k = 0; i + k < call->n; k++)                                      \
			word |= (uint64_t)(a[a_one ? 0 : i + k] C b[b_one ? 0 : i + k]) << k; \
		if (i < call->n)                                                              \
			out[i / 64] = word;                                                   \
	}                                                                                     \
                                                                                              \
	static void name(const struct qn_loop_call *call)                                     \
	{                                                                                     \
		if (call->one[0])                                                             \
			name##_of(call, true, false);                                         \
		else if (call->one[1])                                                        \
			name##_of(call, false, true);                                         \
		else                                                                          \
			name##_of(call, false, false);                                        \
	}

#define COMPARISONS(T)                \
	COMPARE(lt_##T, T, LT, <, 0)  \
	COMPARE(le_##T, T, LE, <=, 0) \
	COMPARE(eq_##T, T, EQ, ==, 0) \
	COMPARE(ne_##T, T, EQ, !=, UINT64_MAX)

COMPARISONS(f32)
COMPARISONS(f64)
COMPARISONS(i64)
COMPARISONS(u64)

#define ORDERED(T)                                               \
	static void ordered_##T(const struct qn_loop_call *call) \
	{                                                        \
		struct qn_loop_call self = *call;                \
                                                                 \
		self.arg[1] = self.arg[0];                       \
		eq_##T(&self);                                   \
	}

ORDERED(f32)
ORDERED(f64)

#define ROWS(T, TYPE)                                                                         \
	{ QN_OP_LT, TYPE, TYPE, QN_BITS, lt_##T }, { QN_OP_LE, TYPE, TYPE, QN_BITS, le_##T }, \
		{ QN_OP_EQ, TYPE, TYPE, QN_BITS, eq_##T },                                    \
	{                                                                                     \
		QN_OP_NE, TYPE, TYPE, QN_BITS, ne_##T                                         \
	}

static const struct qn_loop loops[] = {
	ROWS(f32, QUERN_F32),
	ROWS(f64, QUERN_F64),
	ROWS(i64, QUERN_I64),
	ROWS(u64, QUERN_U64),
	{ QN_OP_ORDERED, QUERN_F32, QUERN_F32, QN_BITS, ordered_f32 },
	{ QN_OP_ORDERED, QUERN_F64, QUERN_F64, QN_BITS, ordered_f64 },
	{ .fn = NULL },
};

const struct qn_loop *QN_ISA(qn_loops_compare)(void)
{
	return loops;
}

size_t QN_ISA(qn_bits_count)(const uint64_t *words, size_t nwords)
{
	size_t n = 0;

	for (size_t w = 0; w < nwords; w++)
		n += (size_t)__builtin_popcountll(words[w]);
	return n;
}
