/*
 * part_simd.c - extremes of many rows at once, and NaN. Compiled once per ISA.
 *
 * Where all elements are valid and rows lie side by side, a loop has no branches, and compilers make
 * vectors of it: what is NaN becomes a key that changes nothing.
 */
#include "elements/part_simd.h"

#include <string.h>

#include "base/bitmap.h"

/* As of qn_key_from_double, in one expression. */
static inline int64_t key_of_double(double x)
{
	int64_t bits;

	memcpy(&bits, &x, sizeof(bits));
	return bits ^ (int64_t)((uint64_t)(bits >> 63) >> 1);
}

static inline bool is_there(const struct qn_part_elements *r, uint64_t i)
{
	const uint64_t bit = r->bit + i;

	return !r->valid || (r->valid[bit / 64] >> bit % 64 & 1);
}

#define KEY_OF_INT(x)	((int64_t)(x))
#define KEY_OF_UINT(x)	((int64_t)((uint64_t)(x) ^ (UINT64_C(1) << 63)))
#define KEY_OF_FLOAT(x) key_of_double((double)(x))
#define NEVER(x)	false
#define IS_NAN(x)	((x) != (x))

/* The loops for a type. */
#define DEFINE(name, T, KEY, LEFT_OUT)                                                  \
	static void name##_keys(const char *p, size_t n, int64_t *restrict key)         \
	{                                                                               \
		for (size_t i = 0; i < n; i++) {                                        \
			T x;                                                            \
                                                                                        \
			memcpy(&x, p + i * sizeof(T), sizeof(T));                       \
			key[i] = KEY(x);                                                \
		}                                                                       \
	}                                                                               \
	static void name##_plain(const char *p, size_t n, int64_t *restrict min,        \
				 int64_t *restrict max)                                 \
	{                                                                               \
		for (size_t i = 0; i < n; i++) {                                        \
			T x;                                                            \
			int64_t low, high;                                              \
                                                                                        \
			memcpy(&x, p + i * sizeof(T), sizeof(T));                       \
			low = LEFT_OUT(x) ? INT64_MAX : KEY(x);                         \
			high = LEFT_OUT(x) ? INT64_MIN : KEY(x);                        \
			min[i] = low < min[i] ? low : min[i];                           \
			max[i] = high > max[i] ? high : max[i];                         \
		}                                                                       \
	}                                                                               \
	static void name(const struct qn_part_elements *r, size_t step, int64_t *min,   \
			 int64_t *max)                                                  \
	{                                                                               \
		const char *p = (const char *)r->values + step * r->stride * sizeof(T); \
                                                                                        \
		if (!r->valid && !r->row) {                                             \
			name##_plain(p, r->n, min, max);                                \
			return;                                                         \
		}                                                                       \
		for (size_t i = 0; i < r->n; i++) {                                     \
			const size_t row = r->row ? r->row[i] : i;                      \
			int64_t key;                                                    \
			T x;                                                            \
                                                                                        \
			memcpy(&x, p + i * sizeof(T), sizeof(T));                       \
			if (LEFT_OUT(x) || !is_there(r, step * r->stride + i))          \
				continue;                                               \
			key = KEY(x);                                                   \
			min[row] = key < min[row] ? key : min[row];                     \
			max[row] = key > max[row] ? key : max[row];                     \
		}                                                                       \
	}

DEFINE(extremes_i8, int8_t, KEY_OF_INT, NEVER)
DEFINE(extremes_u8, uint8_t, KEY_OF_UINT, NEVER)
DEFINE(extremes_i16, int16_t, KEY_OF_INT, NEVER)
DEFINE(extremes_u16, uint16_t, KEY_OF_UINT, NEVER)
DEFINE(extremes_i32, int32_t, KEY_OF_INT, NEVER)
DEFINE(extremes_u32, uint32_t, KEY_OF_UINT, NEVER)
DEFINE(extremes_i64, int64_t, KEY_OF_INT, NEVER)
DEFINE(extremes_u64, uint64_t, KEY_OF_UINT, NEVER)
DEFINE(extremes_f32, float, KEY_OF_FLOAT, IS_NAN)
DEFINE(extremes_f64, double, KEY_OF_FLOAT, IS_NAN)

void QN_ISA(qn_part_extremes)(const struct qn_part_elements *r, int64_t *min, int64_t *max)
{
	static void (*const step[QUERN_NDTYPES])(const struct qn_part_elements *, size_t, int64_t *,
						 int64_t *) = {
		extremes_i8,  extremes_u8,  extremes_i16, extremes_u16, extremes_i32,
		extremes_u32, extremes_i64, extremes_u64, extremes_f32, extremes_f64,
	};

	for (size_t s = 0; s < r->nsteps; s++)
		step[r->dtype](r, s, min, max);
}

void QN_ISA(qn_part_keys)(enum quern_dtype t, const void *values, size_t n, int64_t *key)
{
	static void (*const keys[QUERN_NDTYPES])(const char *, size_t, int64_t *) = {
		extremes_i8_keys,  extremes_u8_keys,  extremes_i16_keys, extremes_u16_keys,
		extremes_i32_keys, extremes_u32_keys, extremes_i64_keys, extremes_u64_keys,
		extremes_f32_keys, extremes_f64_keys,
	};

	keys[t](values, n, key);
}

#define DEFINE_NANS(name, T)                                                              \
	static void name##_plain(const char *p, size_t n, int64_t *restrict nan)          \
	{                                                                                 \
		for (size_t i = 0; i < n; i++) {                                          \
			T x;                                                              \
                                                                                          \
			memcpy(&x, p + i * sizeof(T), sizeof(T));                         \
			nan[i] += x != x;                                                 \
		}                                                                         \
	}                                                                                 \
	static void name(const struct qn_part_elements *r, size_t step, int64_t *nan)     \
	{                                                                                 \
		const char *p = (const char *)r->values + step * r->stride * sizeof(T);   \
                                                                                          \
		if (!r->valid && !r->row) {                                               \
			name##_plain(p, r->n, nan);                                       \
			return;                                                           \
		}                                                                         \
		for (size_t i = 0; i < r->n; i++) {                                       \
			T x;                                                              \
                                                                                          \
			memcpy(&x, p + i * sizeof(T), sizeof(T));                         \
			nan[r->row ? r->row[i] : i] += x != x &&                          \
						       is_there(r, step * r->stride + i); \
		}                                                                         \
	}

DEFINE_NANS(nans_f32, float)
DEFINE_NANS(nans_f64, double)

void QN_ISA(qn_part_nans)(const struct qn_part_elements *r, int64_t *nan)
{
	for (size_t s = 0; s < r->nsteps; s++)
		(r->dtype == QUERN_F32 ? nans_f32 : nans_f64)(r, s, nan);
}

/* --- how many there are --- */

/* How often each bit of words was set, as binary numbers: digit k of all 64 is a word. */
#define NDIGITS 8
#define MOST	((1 << NDIGITS) - 1)

struct tally {
	uint64_t digit[NDIGITS];
};

static inline void tally(struct tally *t, uint64_t word)
{
	for (int k = 0; word; k++) {
		const uint64_t carry = t->digit[k] & word;

		t->digit[k] ^= word;
		word = carry;
	}
}

/* Adds the first n numbers, none of which is more than `most`, to counts. */
static void add_tally(const struct tally *t, size_t most, size_t n, int64_t *restrict count)
{
	for (int k = 0; most >> k; k++) {
		const uint64_t digit = t->digit[k];

		if (digit == 0)
			continue;
		if (digit == UINT64_MAX >> (64 - n))
			for (size_t i = 0; i < n; i++)
				count[i] += INT64_C(1) << k;
		else
			for (size_t i = 0; i < n; i++)
				count[i] += (int64_t)(digit >> i & 1) << k;
	}
}

/* Up to MOST steps, from number `first` on, of up to 64 rows from place i on. */
static void count_word(const struct qn_part_elements *r, const uint64_t *there, size_t first,
		       size_t nsteps, size_t i, size_t n, int64_t *in, int64_t *out)
{
	struct tally valid = { { 0 } }, invalid = { { 0 } };
	uint64_t bit = r->bit + first * r->stride + i;

	for (size_t s = 0; s < nsteps; s++, bit += r->stride) {
		const uint64_t word = qn_bitmap_word(r->valid, bit, n);
		const uint64_t all = there ? qn_bitmap_word(there, bit, n) : UINT64_MAX >> (64 - n);

		tally(&valid, word);
		tally(&invalid, all & ~word);
	}
	add_tally(&valid, nsteps, n, in + i);
	add_tally(&invalid, nsteps, n, out + i);
}

void QN_ISA(qn_part_counts)(const struct qn_part_elements *r, const uint64_t *there, int64_t *in,
			    int64_t *out)
{
	for (size_t i = 0; !r->valid && i < r->n; i++)
		in[i] += (int64_t)r->nsteps;
	for (size_t i = 0; r->valid && i < r->n; i += 64)
		for (size_t s = 0; s < r->nsteps; s += MOST)
			count_word(r, there, s, r->nsteps - s < MOST ? r->nsteps - s : MOST, i,
				   r->n - i < 64 ? r->n - i : 64, in, out);
}
