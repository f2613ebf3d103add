/*
 * fletcher32.c - filter 3: a Fletcher checksum in the last four bytes, little-endian.
 *
 * The checksum of the 16-bit big-endian words w[0] ... w[n-1] (a last odd byte is the high half of
 * a word) is two sums modulo 65535, A = sum w[i] and B = sum (n - i) w[i], where a sum that is not
 * zero is represented by 1 ... 65535. HDF5 1.6.2 and older wrote the two bytes of each half the
 * other way round, so both are accepted.
 */
#include "io/filter/filters.h"

#include <string.h>

#define CHECKSUM_NBYTES 4
#define MODULUS		65535u
/* Words are summed in LANES interleaved columns of at most ROWS rows: a column's second sum is at
   most 65535 * ROWS * (ROWS + 1) / 2, which for 360 is the last that fits 32 bits. */
#define LANES 16
#define ROWS  360

/* Sums of the words seen so far; exact until they are reduced. */
struct sums {
	uint64_t a, b;
};

/*
 * Words are taken in little-endian order, 256 times which is the big-endian word modulo 65535 (the
 * high byte gets the weight 65536 = 1). Word (r, l) of a block of R rows has the weight
 * R LANES - (r LANES + l) = LANES (R - r) - l in B, and second[l] is sum (R - r) w.
 */
static void add_block(struct sums *s, const uint8_t *in, size_t nrows)
{
	uint32_t first[LANES] = { 0 }, second[LANES] = { 0 };
	uint16_t word[LANES];
	uint64_t a = 0, b = 0;

	for (size_t r = 0; r < nrows; r++) {
		memcpy(word, in + r * sizeof(word), sizeof(word));
		for (int l = 0; l < LANES; l++) {
			first[l] += word[l];
			second[l] += first[l];
		}
	}
	for (uint64_t l = 0; l < LANES; l++) {
		a += first[l];
		b += LANES * (uint64_t)second[l] - l * first[l];
	}
	b += s->a * (nrows * LANES);
	s->a = (s->a + a) % MODULUS;
	s->b = (s->b + b) % MODULUS;
}

static void add_word(struct sums *s, uint8_t low, uint8_t high)
{
	s->a = (s->a + low + 256u * high) % MODULUS;
	s->b = (s->b + s->a) % MODULUS;
}

static bool all_zero(const uint8_t *in, size_t n)
{
	return n == 0 || (in[0] == 0 && memcmp(in, in + 1, n - 1) == 0);
}

/* 256 times s in the range 1 ... 65535. */
static uint32_t big_endian_sum(uint64_t s)
{
	s = s * 256 % MODULUS;
	return s ? (uint32_t)s : MODULUS;
}

static uint32_t fletcher32(const uint8_t *in, size_t n)
{
	const size_t row_nbytes = LANES * 2;
	struct sums s = { 0, 0 };
	size_t i = 0;

	while (n - i >= row_nbytes) {
		size_t nrows = (n - i) / row_nbytes;

		nrows = nrows < ROWS ? nrows : ROWS;
		add_block(&s, in + i, nrows);
		i += nrows * row_nbytes;
	}
	for (; i + 2 <= n; i += 2)
		add_word(&s, in[i], in[i + 1]);
	if (i < n)
		add_word(&s, in[i], 0);
	/* Zero is the sum of nothing but zeros. */
	if (s.a == 0 && s.b == 0 && all_zero(in, n))
		return 0;
	return big_endian_sum(s.b) << 16 | big_endian_sum(s.a);
}

bool qn_fletcher32_decode(void *state, const struct qn_filter_step *step, size_t elem_size,
			  const uint8_t *in, size_t nin, uint8_t *out, size_t out_nbytes,
			  size_t *out_n)
{
	const uint8_t *c;
	uint32_t sum, stored, reversed;

	(void)state;
	(void)step;
	(void)elem_size;
	if (nin < CHECKSUM_NBYTES || nin - CHECKSUM_NBYTES > out_nbytes)
		return false;
	nin -= CHECKSUM_NBYTES;
	c = in + nin;
	sum = fletcher32(in, nin);
	stored = c[0] | (uint32_t)c[1] << 8 | (uint32_t)c[2] << 16 | (uint32_t)c[3] << 24;
	reversed = c[1] | (uint32_t)c[0] << 8 | (uint32_t)c[3] << 16 | (uint32_t)c[2] << 24;
	if (sum != stored && sum != reversed)
		return false;
	if (out != in)
		memcpy(out, in, nin);
	*out_n = nin;
	return true;
}
