/*
 * keys_simd.c - see the header. Compiled once per ISA.
 */
#include "kernels/quantiles/keys_simd.h"

#include "exact/vec.h"

#define SIGN	 UINT32_C(0x80000000)
#define INFINITE UINT32_C(0x7f800000)

static inline uint32_t load_word(const unsigned char *words, size_t i)
{
	uint32_t x;

	memcpy(&x, words + i * sizeof(x), sizeof(x));
	return x;
}

static inline uint32_t flip(uint32_t x)
{
	return x ^ ((uint32_t)((int32_t)x >> 31) | SIGN);
}

static inline qn_vu flip_vector(qn_vu x)
{
	return x ^ ((qn_vu)((qn_vs)x >> 31) | SIGN);
}

/* --- within a range --- */

static inline __attribute__((always_inline)) size_t within_scalar(const unsigned char *words,
								  size_t i, size_t n,
								  bool are_floats, uint32_t base,
								  uint32_t span, uint32_t *out,
								  size_t *nbelow)
{
	size_t nfound = 0;

	for (; i < n; i++) {
		const uint32_t x = load_word(words, i), key = are_floats ? flip(x) : x;

		out[nfound] = key - base;
		nfound += key - base <= span;
		*nbelow += key < base;
	}
	return nfound;
}

#if defined(__AVX512F__)

static inline __attribute__((always_inline)) size_t within_vectors(const unsigned char *words,
								   size_t n, bool are_floats,
								   uint32_t base, uint32_t span,
								   uint32_t *out, size_t *nbelow)
{
	const __m512i bases = _mm512_set1_epi32((int)base), spans = _mm512_set1_epi32((int)span);
	size_t nfound = 0;

	for (size_t i = 0; i + QN_VF <= n; i += QN_VF) {
		const qn_vu x = qn_vu_load(words + 4 * i);
		const __m512i key = (__m512i)(are_floats ? flip_vector(x) : x);
		const __m512i distance = _mm512_sub_epi32(key, bases);
		const __mmask16 is = _mm512_cmple_epu32_mask(distance, spans);

		_mm512_storeu_si512(out + nfound, _mm512_maskz_compress_epi32(is, distance));
		nfound += (size_t)__builtin_popcount(is);
		*nbelow += (size_t)__builtin_popcount(_mm512_cmplt_epu32_mask(key, bases));
	}
	return nfound;
}

#elif defined(__AVX2__)

static inline unsigned bits_of(qn_vu is)
{
	return (unsigned)_mm256_movemask_ps((__m256)is);
}

static inline __attribute__((always_inline)) size_t within_vectors(const unsigned char *words,
								   size_t n, bool are_floats,
								   uint32_t base, uint32_t span,
								   uint32_t *out, size_t *nbelow)
{
	const qn_vu bases = qn_vu_set(base), spans = qn_vu_set(span);
	size_t nfound = 0, i = 0;

	for (; i + QN_VF <= n; i += QN_VF) {
		const qn_vu x = qn_vu_load(words + 4 * i), key = are_floats ? flip_vector(x) : x;
		const qn_vu distance = key - bases;
		unsigned bits = bits_of((qn_vu)(qn_vu_min(distance, spans) == distance));
		uint32_t lane[QN_VF];

		memcpy(lane, &distance, sizeof(lane));
		for (; bits; bits &= bits - 1)
			out[nfound++] = lane[__builtin_ctz(bits)];
		*nbelow += QN_VF - (size_t)__builtin_popcount(
					   bits_of((qn_vu)(qn_vu_max(key, bases) == key)));
	}
	return nfound;
}

#else

static inline __attribute__((always_inline)) size_t within_vectors(const unsigned char *words,
								   size_t n, bool are_floats,
								   uint32_t base, uint32_t span,
								   uint32_t *out, size_t *nbelow)
{
	return within_scalar(words, 0, n / QN_VF * QN_VF, are_floats, base, span, out, nbelow);
}

#endif

static inline __attribute__((always_inline)) size_t within(const unsigned char *words, size_t n,
							   bool are_floats, uint32_t base,
							   uint32_t span, uint32_t *out,
							   size_t *nbelow)
{
	const size_t nfound = within_vectors(words, n, are_floats, base, span, out, nbelow);

	return nfound + within_scalar(words, n / QN_VF * QN_VF, n, are_floats, base, span,
				      out + nfound, nbelow);
}

size_t QN_ISA(qn_keys_within)(const void *words, size_t n, bool are_floats, uint32_t base,
			      uint32_t span, uint32_t *out, size_t *nbelow)
{
	*nbelow = 0;
	return are_floats ? within(words, n, true, base, span, out, nbelow)
			  : within(words, n, false, base, span, out, nbelow);
}

/* --- float32 --- */

static inline uint32_t greatest_of(qn_vu v)
{
	uint32_t r = 0;

	for (int i = 0; i < QN_VF; i++)
		r = v[i] > r ? v[i] : r;
	return r;
}

struct qn_keys_span QN_ISA(qn_keys_bins)(const void *floats, size_t n, unsigned shift,
					 uint16_t *bins)
{
	typedef uint16_t halves __attribute__((vector_size(QN_VBYTES / 2)));
	const unsigned char *words = floats;
	qn_vu least = qn_vu_set(UINT32_MAX), greatest = qn_vu_set(0), magnitude = greatest;
	struct qn_keys_span s;
	size_t i = 0;

	for (; i + QN_VF <= n; i += QN_VF) {
		const qn_vu x = qn_vu_load(words + 4 * i), bin = flip_vector(x) >> shift;
		const halves h = __builtin_convertvector(bin, halves);

		least = qn_vu_min(least, bin);
		greatest = qn_vu_max(greatest, bin);
		magnitude = qn_vu_max(magnitude, x & ~SIGN);
		memcpy(bins + i, &h, sizeof(h));
	}
	s = (struct qn_keys_span){ ~greatest_of(~least), greatest_of(greatest),
				   greatest_of(magnitude) > INFINITE };
	for (; i < n; i++) {
		const uint32_t x = load_word(words, i), bin = flip(x) >> shift;

		bins[i] = (uint16_t)bin;
		s.least = bin < s.least ? bin : s.least;
		s.greatest = bin > s.greatest ? bin : s.greatest;
		s.has_nan = s.has_nan || (x & ~SIGN) > INFINITE;
	}
	return s;
}

bool QN_ISA(qn_keys_have_nan)(const void *floats, size_t n)
{
	const unsigned char *words = floats;
	qn_vu magnitude = qn_vu_set(0);
	bool has_nan = false;
	size_t i = 0;

	for (; i + QN_VF <= n; i += QN_VF)
		magnitude = qn_vu_max(magnitude, qn_vu_load(words + 4 * i) & ~SIGN);
	for (; i < n; i++)
		has_nan = has_nan || (load_word(words, i) & ~SIGN) > INFINITE;
	return has_nan || greatest_of(magnitude) > INFINITE;
}

/* --- rows side by side --- */

#if defined(__AVX512F__)

/* Column i of 16 rows of 16 to place i. Pairs, then fours of rows are interleaved within quarters of vectors; the
   quarters are put together last. */
static inline void transpose(qn_vu a[QN_TURNED])
{
	__m512i b[QN_TURNED], c[QN_TURNED];

	for (int i = 0; i < QN_TURNED; i += 2) {
		b[i] = _mm512_unpacklo_epi32((__m512i)a[i], (__m512i)a[i + 1]);
		b[i + 1] = _mm512_unpackhi_epi32((__m512i)a[i], (__m512i)a[i + 1]);
	}
	for (int i = 0; i < QN_TURNED; i += 4) {
		c[i] = _mm512_unpacklo_epi64(b[i], b[i + 2]);
		c[i + 1] = _mm512_unpackhi_epi64(b[i], b[i + 2]);
		c[i + 2] = _mm512_unpacklo_epi64(b[i + 1], b[i + 3]);
		c[i + 3] = _mm512_unpackhi_epi64(b[i + 1], b[i + 3]);
	}
	for (int i = 0; i < 4; i++) {
		const __m512i even0 = _mm512_shuffle_i32x4(c[i], c[4 + i], 0x88);
		const __m512i even1 = _mm512_shuffle_i32x4(c[8 + i], c[12 + i], 0x88);
		const __m512i odd0 = _mm512_shuffle_i32x4(c[i], c[4 + i], 0xdd);
		const __m512i odd1 = _mm512_shuffle_i32x4(c[8 + i], c[12 + i], 0xdd);

		a[i] = (qn_vu)_mm512_shuffle_i32x4(even0, even1, 0x88);
		a[4 + i] = (qn_vu)_mm512_shuffle_i32x4(odd0, odd1, 0x88);
		a[8 + i] = (qn_vu)_mm512_shuffle_i32x4(even0, even1, 0xdd);
		a[12 + i] = (qn_vu)_mm512_shuffle_i32x4(odd0, odd1, 0xdd);
	}
}

bool QN_ISA(qn_keys_turn)(const void *floats, size_t stride, size_t nrows, size_t nsteps,
			  const uint32_t valid[QN_TURNED], struct qn_turned *out)
{
	const __mmask16 rows = (__mmask16)((1u << nrows) - 1);
	const __m512i wanted = _mm512_loadu_si512(valid);
	qn_vu v[QN_TURNED], magnitude = qn_vu_set(0);

	for (size_t s = 0; s < nsteps; s++) {
		const qn_vu x = (qn_vu)_mm512_maskz_loadu_epi32(
			rows, (const unsigned char *)floats + 4 * s * stride);

		v[s] = flip_vector(x);
		magnitude = qn_vu_max(magnitude, x & ~SIGN);
	}
	for (size_t s = nsteps; s < QN_TURNED; s++)
		v[s] = qn_vu_set(0);
	transpose(v);
	for (size_t r = 0; r < nrows; r++) {
		const __mmask16 is = _mm512_test_epi32_mask(wanted, _mm512_set1_epi32(1 << r));
		const __m512i key = _mm512_maskz_compress_epi32(is, (__m512i)v[r]);

		_mm512_storeu_si512(out->key[r], key);
		out->n[r] = (uint32_t)__builtin_popcount(is);
	}
	return greatest_of(magnitude) <= INFINITE;
}

#else

bool QN_ISA(qn_keys_turn)(const void *floats, size_t stride, size_t nrows, size_t nsteps,
			  const uint32_t valid[QN_TURNED], struct qn_turned *out)
{
	uint32_t magnitude = 0;

	memset(out->n, 0, sizeof(out->n));
	for (size_t s = 0; s < nsteps; s++) {
		const unsigned char *words = (const unsigned char *)floats + 4 * s * stride;

		for (size_t r = 0; r < nrows; r++) {
			const uint32_t x = load_word(words, r);

			out->key[r][out->n[r]] = flip(x);
			out->n[r] += valid[s] >> r & 1;
			magnitude = (x & ~SIGN) > magnitude ? x & ~SIGN : magnitude;
		}
	}
	return magnitude <= INFINITE;
}

#endif
