/*
 * lanes_integers.c - the passes over float32 that are integers in a common unit, as most fields are: values
 * within a few powers of two.
 *
 * Products of integers need no second instruction for what is rounded off. Instruction sets below AVX2 have none
 * that multiplies signed numbers, and do without.
 */
#include "exact/track.h"

#ifdef __AVX2__

/* Vectors of a block, whose sum in 32 bits does not overflow. */
#define NVECTORS 16
#define BLOCK	 (NVECTORS * QN_VF)
#define HALF	 QN_INTEGER_NBITS

_Static_assert(NVECTORS << QN_INTEGER_NBITS <= 1 << 30, "sums");
/* Products of 2 NBITS bits, as many as a lane takes of a tile. */
_Static_assert(2 * QN_INTEGER_NBITS + 10 < 63 && QUERN_TILE_NELEMS / QN_VD <= 1 << 10, "products");

/* In lanes of 64 bits: the sums of x, x^2 = 2^HALF a + b, and of products of a, b and x. Unsigned, as those of
   elements that are no integers may overflow. */
struct sums {
	qn_vuq x, square, ax, bx, aa, ab, bb;
};

/* Of the lower halves of the lanes. */
QN_INLINE qn_vuq multiply(qn_vuq a, qn_vuq b)
{
#ifdef __AVX512F__
	return (qn_vuq)_mm512_mul_epi32((__m512i)a, (__m512i)b);
#else
	return (qn_vuq)_mm256_mul_epi32((__m256i)a, (__m256i)b);
#endif
}

/* QN_VF floats as integers; what is none, or too large, becomes something else. */
QN_INLINE qn_vu integers(const float *x, float scale)
{
#ifdef __AVX512F__
	return (qn_vu)_mm512_cvtps_epi32(_mm512_mul_ps(_mm512_loadu_ps(x), _mm512_set1_ps(scale)));
#else
	return (qn_vu)_mm256_cvtps_epi32(_mm256_mul_ps(_mm256_loadu_ps(x), _mm256_set1_ps(scale)));
#endif
}

/* Of every other element. */
QN_INLINE void add_products(struct sums *s, qn_vuq x, int npowers)
{
	qn_vuq q = multiply(x, x), a, b;

	s->square += q;
	if (npowers == 2)
		return;
	a = q >> HALF;
	b = q & ((1 << HALF) - 1);
	s->ax += multiply(a, x);
	s->bx += multiply(b, x);
	s->aa += multiply(a, a);
	s->ab += multiply(a, b);
	s->bb += multiply(b, b);
}

/* The least and the greatest integer. */
struct span {
	qn_vs least, greatest;
};

QN_INLINE void add_block(struct sums *s, struct span *e, const float *x, float scale, int npowers)
{
	qn_vu sum = qn_vu_set(0);

	for (int i = 0; i < NVECTORS; i++) {
		qn_vu y = integers(x + i * QN_VF, scale);

		qn_fetch_ahead(x + i * QN_VF);

		sum += y;
		e->least = qn_vs_min(e->least, (qn_vs)y);
		e->greatest = qn_vs_max(e->greatest, (qn_vs)y);
		add_products(s, (qn_vuq)y, npowers);
		add_products(s, (qn_vuq)y >> 32, npowers);
	}
	s->x += (qn_vuq)((qn_vq)((qn_vuq)sum << 32) >> 32) + (qn_vuq)((qn_vq)sum >> 32);
}

/* n < BLOCK elements: zeros behind them change no sum, nor copies of one of them an extreme. */
QN_INLINE void add_tail(struct sums *s, struct span *e, const float *x, size_t n, float scale,
			int npowers)
{
	float pad[BLOCK] = { 0 };
	struct sums ignored_sums = *s;
	struct span ignored = *e;

	memcpy(pad, x, n * sizeof(*pad));
	add_block(s, &ignored, pad, scale, npowers);
	for (size_t i = n; i < BLOCK; i++)
		pad[i] = pad[n - 1];
	add_block(&ignored_sums, e, pad, scale, 2);
}

#ifdef __AVX512F__

/* As add_block(), of the elements that have a bit. */
QN_INLINE void add_valid(struct sums *s, struct span *e, const float *x, const uint64_t *valid,
			 float scale, int npowers)
{
	qn_vu sum = qn_vu_set(0);

	for (int i = 0; i < NVECTORS; i++) {
		const __mmask16 is = (__mmask16)(valid[i / 4] >> 16 * (i % 4));
		const __m512 scaled = _mm512_mul_ps(_mm512_maskz_loadu_ps(is, x + i * QN_VF),
						    _mm512_set1_ps(scale));
		const __m512i y = _mm512_cvtps_epi32(scaled);

		sum += (qn_vu)y;
		e->least =
			(qn_vs)_mm512_mask_min_epi32((__m512i)e->least, is, (__m512i)e->least, y);
		e->greatest = (qn_vs)_mm512_mask_max_epi32((__m512i)e->greatest, is,
							   (__m512i)e->greatest, y);
		add_products(s, (qn_vuq)y, npowers);
		add_products(s, (qn_vuq)y >> 32, npowers);
	}
	s->x += (qn_vuq)((qn_vq)((qn_vuq)sum << 32) >> 32) + (qn_vuq)((qn_vq)sum >> 32);
}

/* Of n < BLOCK elements; there are no bits past them. */
QN_INLINE void add_valid_tail(struct sums *s, struct span *e, const float *x, size_t n,
			      const uint64_t *valid, float scale, int npowers)
{
	uint64_t bits[BLOCK / 64] = { 0 };

	memcpy(bits, valid, (n + 63) / 64 * sizeof(*bits));
	add_valid(s, e, x, bits, scale, npowers);
}

#endif

QN_INLINE void store(qn_vuq v, struct qn_lanes *out, int bin)
{
	memcpy(out->hi[bin], &v, sizeof(v));
}

QN_INLINE void store_sums(const struct sums *s, int npowers, struct qn_lanes *out)
{
	store(s->x, out, 0);
	store(s->square, out, 1);
	if (npowers == 2)
		return;
	store(s->ax, out, 2);
	store(s->bx, out, 3);
	store(s->aa, out, 4);
	store(s->ab, out, 5);
	store(s->bb, out, 6);
}

/* --- extremes --- */

static void track(const float *x, size_t n, struct qn_lanes *out)
{
	struct qn_extremes32 e = qn_no_extremes32();
	size_t i = 0;

	for (; i + QN_VF <= n; i += QN_VF)
		qn_track32(&e, x + i);
	if (i < n)
		qn_track_tail32(&e, x + i, n - i);
	qn_finish32(&e, out);
}

static uint64_t magnitude(double x)
{
	float y = (float)x;
	uint32_t bits;

	memcpy(&bits, &y, sizeof(bits));
	return bits & ~QN_SIGN32;
}

/* Where all are of one sign and none has more bits behind the unit, as of most tiles of which this is expected,
   the extremes tell all. Otherwise the elements do (false). What is just below 2^23 may have been rounded to it. */
QN_INLINE bool finish(const struct span *e, double scale, struct qn_lanes *out)
{
	const int32_t one = 1 << 23; /* from here on floats are integers */
	/* Flipping the sign turns signed order into unsigned order. */
	const int32_t least = (int32_t)(qn_least32((qn_vu)e->least ^ QN_SIGN32) ^ QN_SIGN32),
		      greatest =
			      (int32_t)(qn_greatest32((qn_vu)e->greatest ^ QN_SIGN32) ^ QN_SIGN32);

	if (greatest > 1 << QN_INTEGER_NBITS || least < -(1 << QN_INTEGER_NBITS) ||
	    (least <= one && greatest >= -one))
		return false;
	out->min = least / scale;
	out->max = greatest / scale;
	out->largest = magnitude(least > 0 ? out->max : out->min);
	out->smallest = magnitude(least > 0 ? out->min : out->max);
	return true;
}

QN_INLINE struct span no_span(void)
{
	return (struct span){ (qn_vs)qn_vu_set(INT32_MAX), (qn_vs)qn_vu_set(QN_SIGN32) };
}

QN_INLINE void pass_all(const float *x, size_t n, double scale, int npowers, struct qn_lanes *out)
{
	struct span e = no_span();
	struct sums s;
	size_t i = 0;

	memset(&s, 0, sizeof(s));
	for (; i + BLOCK <= n; i += BLOCK)
		add_block(&s, &e, x + i, (float)scale, npowers);
	if (i < n)
		add_tail(&s, &e, x + i, n - i, (float)scale, npowers);
	store_sums(&s, npowers, out);
	if (!finish(&e, scale, out))
		track(x, n, out);
}

#ifdef __AVX512F__
QN_INLINE void pass_valid(const float *x, size_t n, const uint64_t *valid, double scale,
			  int npowers, struct qn_lanes *out)
{
	struct span e = no_span();
	struct sums s;
	size_t i = 0;

	memset(&s, 0, sizeof(s));
	for (; i + BLOCK <= n; i += BLOCK)
		add_valid(&s, &e, x + i, valid + i / 64, (float)scale, npowers);
	if (i < n)
		add_valid_tail(&s, &e, x + i, n - i, valid + i / 64, (float)scale, npowers);
	store_sums(&s, npowers, out);
	if (!finish(&e, scale, out))
		out->largest = UINT64_MAX;
}
#endif

QN_INLINE void pass(const float *x, size_t n, const struct qn_cuts *cuts, int npowers,
		    struct qn_lanes *out)
{
#ifdef __AVX512F__
	if (cuts->valid) {
		pass_valid(x, n, cuts->valid, cuts->scale, npowers, out);
		return;
	}
#endif
	pass_all(x, n, cuts->scale, npowers, out);
}

void QN_ISA(qn_pass_f32_integers2)(const void *x, size_t n, const struct qn_cuts *cuts,
				   struct qn_lanes *out)
{
	pass(x, n, cuts, 2, out);
}

void QN_ISA(qn_pass_f32_integers4)(const void *x, size_t n, const struct qn_cuts *cuts,
				   struct qn_lanes *out)
{
	pass(x, n, cuts, 4, out);
}

#endif
