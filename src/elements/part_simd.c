/*
 * part_simd.c - extremes of many rows at once, and NaN. Compiled once per ISA.
 *
 * Loops over rows that lie side by side have no branches and are of constant length, so that compilers make
 * vectors of them: what is NaN, or not valid, becomes a number that changes nothing.
 */
#include "elements/part_simd.h"

#include <string.h>

#include "base/bitmap.h"
#include "kernel/tile.h"

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

/* DEFINE: the loops for a type that go element by element. */
#define DEFINE(name, T, KEY, LEFT_OUT)                                                     \
	static void name##_keys(const char *p, size_t n, int64_t *restrict key)            \
	{                                                                                  \
		for (size_t i = 0; i < n; i++) {                                           \
			T x;                                                               \
                                                                                           \
			memcpy(&x, p + i * sizeof(T), sizeof(T));                          \
			key[i] = KEY(x);                                                   \
		}                                                                          \
	}                                                                                  \
	static void name##_at(const struct qn_part_elements *r, size_t step, int64_t *min, \
			      int64_t *max)                                                \
	{                                                                                  \
		const char *p = (const char *)r->values + step * r->stride * sizeof(T);    \
                                                                                           \
		for (size_t i = 0; i < r->n; i++) {                                        \
			const size_t row = r->row[i];                                      \
			int64_t key;                                                       \
			T x;                                                               \
                                                                                           \
			memcpy(&x, p + i * sizeof(T), sizeof(T));                          \
			if (LEFT_OUT(x) || !is_there(r, step * r->stride + i))             \
				continue;                                                  \
			key = KEY(x);                                                      \
			min[row] = key < min[row] ? key : min[row];                        \
			max[row] = key > max[row] ? key : max[row];                        \
		}                                                                          \
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

/* --- rows side by side --- */

/* Strips of rows keep the extremes of all steps, as numbers of the size of an element in the same order; of a row
   without elements the lowest is above the highest. */
#define STRIP 64

#define SAME(x)	      (x)
#define ORDER_F32(x)  ((x) ^ (int32_t)((uint32_t)((x) >> 31) >> 1))
#define ORDER_F64(x)  ((x) ^ (int64_t)((uint64_t)((x) >> 63) >> 1))
#define IS_NAN_F32(x) (((x)&INT32_MAX) > INT32_C(0x7f800000))
#define IS_NAN_F64(x) (((x)&INT64_MAX) > INT64_C(0x7ff0000000000000))

static inline int64_t key_of_f32(int32_t order)
{
	const int32_t bits = ORDER_F32(order);
	float x;

	memcpy(&x, &bits, sizeof(x));
	return key_of_double((double)x);
}

/* 255 for each bit that is set. */
static inline void spread_bits(uint64_t word, uint8_t out[STRIP])
{
	for (size_t i = 0; i < STRIP; i += 8) {
		/* Each byte gets the eight bits, of which it looks at its own. */
		uint64_t bytes = (word >> i & 255) * UINT64_C(0x0101010101010101);

		bytes &= UINT64_C(0x8040201008040201);
		bytes = (bytes + UINT64_C(0x7f7f7f7f7f7f7f7f)) >> 7;
		bytes = (bytes & UINT64_C(0x0101010101010101)) * 255;
		memcpy(out + i, &bytes, sizeof(bytes));
	}
}

static inline __attribute__((always_inline)) void lower_and_raise(const int64_t *restrict low,
								  const int64_t *restrict high,
								  size_t n, int64_t *restrict min,
								  int64_t *restrict max)
{
	for (size_t i = 0; i < n; i++) {
		min[i] = low[i] < min[i] ? low[i] : min[i];
		max[i] = high[i] > max[i] ? high[i] : max[i];
	}
}

/*
 * T: integers that have the bits of elements, or are these. NaN are beyond the infinities in the same order, so
 * that the extremes of all elements show whether there are any (BEYOND); only then they are looked for.
 */
#define DEFINE_STRIP(name, T, LEAST, MOST, BEYOND, ORDER, LEFT_OUT, KEY)                         \
	typedef T name##_loose __attribute__((aligned(1), may_alias));                           \
                                                                                                 \
	static inline __attribute__((always_inline)) void name##_all(                            \
		const name##_loose *x, bool nans, T *restrict low, T *restrict high)             \
	{                                                                                        \
		for (size_t i = 0; i < STRIP; i++) {                                             \
			const bool out = nans && LEFT_OUT(x[i]);                                 \
			const T a = out ? (MOST) : ORDER(x[i]);                                  \
			const T b = out ? (LEAST) : ORDER(x[i]);                                 \
                                                                                                 \
			low[i] = a < low[i] ? a : low[i];                                        \
			high[i] = b > high[i] ? b : high[i];                                     \
		}                                                                                \
	}                                                                                        \
	static inline __attribute__((always_inline)) void name##_some(                           \
		const name##_loose *x, uint64_t word, bool nans, T *restrict low,                \
		T *restrict high)                                                                \
	{                                                                                        \
		uint8_t keep[STRIP];                                                             \
                                                                                                 \
		spread_bits(word, keep);                                                         \
		for (size_t i = 0; i < STRIP; i++) {                                             \
			const bool out = !keep[i] | (nans && LEFT_OUT(x[i]));                    \
			const T a = out ? (MOST) : ORDER(x[i]);                                  \
			const T b = out ? (LEAST) : ORDER(x[i]);                                 \
                                                                                                 \
			low[i] = a < low[i] ? a : low[i];                                        \
			high[i] = b > high[i] ? b : high[i];                                     \
		}                                                                                \
	}                                                                                        \
	static inline __attribute__((always_inline)) void name##_steps(                          \
		const struct qn_part_elements *r, size_t first, size_t n, bool nans,             \
		T *restrict low, T *restrict high)                                               \
	{                                                                                        \
		const char *p = (const char *)r->values + first * sizeof(T);                     \
		const uint64_t all = UINT64_MAX >> (64 - n);                                     \
		T tail[STRIP] = { 0 };                                                           \
                                                                                                 \
		for (size_t s = 0; s < r->nsteps; s++, p += r->stride * sizeof(T)) {             \
			const uint64_t bit = r->bit + s * r->stride + first;                     \
			const uint64_t word = r->valid ? qn_bitmap_word(r->valid, bit, n) : all; \
			const void *x = p;                                                       \
                                                                                                 \
			if (n < STRIP)                                                           \
				x = memcpy(tail, p, n * sizeof(T));                              \
			if (word == UINT64_MAX)                                                  \
				name##_all(x, nans, low, high);                                  \
			else if (word)                                                           \
				name##_some(x, word, nans, low, high);                           \
		}                                                                                \
	}                                                                                        \
	static inline void name##_start(T low[STRIP], T high[STRIP])                             \
	{                                                                                        \
		for (size_t i = 0; i < STRIP; i++) {                                             \
			low[i] = (MOST);                                                         \
			high[i] = (LEAST);                                                       \
		}                                                                                \
	}                                                                                        \
	static void name##_plain(const struct qn_part_elements *r, size_t first, size_t n,       \
				 T low[STRIP], T high[STRIP])                                    \
	{                                                                                        \
		name##_start(low, high);                                                         \
		name##_steps(r, first, n, false, low, high);                                     \
	}                                                                                        \
	static void name##_numbers(const struct qn_part_elements *r, size_t first, size_t n,     \
				   T low[STRIP], T high[STRIP])                                  \
	{                                                                                        \
		name##_start(low, high);                                                         \
		name##_steps(r, first, n, true, low, high);                                      \
	}                                                                                        \
	static bool name##_strip(const struct qn_part_elements *r, size_t first, size_t n,       \
				 int64_t *min, int64_t *max)                                     \
	{                                                                                        \
		T low[STRIP], high[STRIP];                                                       \
		int64_t a[STRIP], b[STRIP];                                                      \
		T beyond = 0;                                                                    \
                                                                                                 \
		name##_plain(r, first, n, low, high);                                            \
		for (size_t i = 0; i < STRIP; i++)                                               \
			beyond |= (T)BEYOND(low[i], high[i]);                                    \
		if (beyond)                                                                      \
			name##_numbers(r, first, n, low, high);                                  \
		for (size_t i = 0; i < STRIP; i++) {                                             \
			a[i] = low[i] <= high[i] ? KEY(low[i]) : INT64_MAX;                      \
			b[i] = low[i] <= high[i] ? KEY(high[i]) : INT64_MIN;                     \
		}                                                                                \
		if (n == STRIP)                                                                  \
			lower_and_raise(a, b, STRIP, min, max);                                  \
		else                                                                             \
			lower_and_raise(a, b, n, min, max);                                      \
		return beyond;                                                                   \
	}

/* Steps of one place, side by side, as STRIP places of fewer steps. */
#define DEFINE_ONE(name, T, LEAST, MOST, KEY)                                                     \
	static void name##_one(const struct qn_part_elements *r, int64_t *min, int64_t *max)      \
	{                                                                                         \
		const size_t left = r->nsteps % STRIP, most = r->nsteps - left;                   \
		struct qn_part_elements all = *r;                                                 \
		T low[STRIP], high[STRIP], least = (MOST), greatest = (LEAST);                    \
                                                                                                  \
		name##_start(low, high);                                                          \
		all.stride = STRIP;                                                               \
		all.nsteps = most / STRIP;                                                        \
		name##_steps(&all, 0, STRIP, true, low, high);                                    \
		all.values = (const char *)r->values + most * sizeof(T);                          \
		all.bit += most;                                                                  \
		all.nsteps = 1;                                                                   \
		if (left)                                                                         \
			name##_steps(&all, 0, left, true, low, high);                             \
		for (size_t i = 0; i < STRIP; i++) {                                              \
			least = low[i] < least ? low[i] : least;                                  \
			greatest = high[i] > greatest ? high[i] : greatest;                       \
		}                                                                                 \
		if (least <= greatest)                                                            \
			lower_and_raise(&(int64_t){ KEY(least) }, &(int64_t){ KEY(greatest) }, 1, \
					min, max);                                                \
	}

#define DEFINE_SIDE_BY_SIDE(name, T, LEAST, MOST, BEYOND, ORDER, LEFT_OUT, KEY) \
	DEFINE_STRIP(name, T, LEAST, MOST, BEYOND, ORDER, LEFT_OUT, KEY)        \
	DEFINE_ONE(name, T, LEAST, MOST, KEY)
#define NEVER_BOTH(low, high) false
#define DEFINE_INT(name, T, LEAST, MOST) \
	DEFINE_SIDE_BY_SIDE(name, T, LEAST, MOST, NEVER_BOTH, SAME, NEVER, KEY_OF_INT)
#define DEFINE_UINT(name, T, MOST) \
	DEFINE_SIDE_BY_SIDE(name, T, 0, MOST, NEVER_BOTH, SAME, NEVER, KEY_OF_UINT)

DEFINE_INT(extremes_i8, int8_t, INT8_MIN, INT8_MAX)
DEFINE_UINT(extremes_u8, uint8_t, UINT8_MAX)
DEFINE_INT(extremes_i16, int16_t, INT16_MIN, INT16_MAX)
DEFINE_UINT(extremes_u16, uint16_t, UINT16_MAX)
DEFINE_INT(extremes_i32, int32_t, INT32_MIN, INT32_MAX)
DEFINE_UINT(extremes_u32, uint32_t, UINT32_MAX)
DEFINE_INT(extremes_i64, int64_t, INT64_MIN, INT64_MAX)
DEFINE_UINT(extremes_u64, uint64_t, UINT64_MAX)
/* -inf in the order is one less than -(bits of +inf). */
#define BEYOND_F32(low, high) ((low) < -INT32_C(0x7f800000) - 1 || (high) > INT32_C(0x7f800000))
#define BEYOND_F64(low, high) \
	((low) < -INT64_C(0x7ff0000000000000) - 1 || (high) > INT64_C(0x7ff0000000000000))

DEFINE_SIDE_BY_SIDE(extremes_f32, int32_t, INT32_MIN, INT32_MAX, BEYOND_F32, ORDER_F32, IS_NAN_F32,
		    key_of_f32)
DEFINE_SIDE_BY_SIDE(extremes_f64, int64_t, INT64_MIN, INT64_MAX, BEYOND_F64, ORDER_F64, IS_NAN_F64,
		    SAME)

typedef bool strip_fn(const struct qn_part_elements *r, size_t first, size_t n, int64_t *min,
		      int64_t *max);

static strip_fn *const strips[QUERN_NDTYPES] = {
	extremes_i8_strip,  extremes_u8_strip,	extremes_i16_strip, extremes_u16_strip,
	extremes_i32_strip, extremes_u32_strip, extremes_i64_strip, extremes_u64_strip,
	extremes_f32_strip, extremes_f64_strip,
};

typedef void one_fn(const struct qn_part_elements *r, int64_t *min, int64_t *max);

static one_fn *const ones[QUERN_NDTYPES] = {
	extremes_i8_one,  extremes_u8_one,  extremes_i16_one, extremes_u16_one, extremes_i32_one,
	extremes_u32_one, extremes_i64_one, extremes_u64_one, extremes_f32_one, extremes_f64_one,
};

bool QN_ISA(qn_part_extremes)(const struct qn_part_elements *r, int64_t *min, int64_t *max)
{
	static void (*const at[QUERN_NDTYPES])(const struct qn_part_elements *, size_t, int64_t *,
					       int64_t *) = {
		extremes_i8_at,	 extremes_u8_at,  extremes_i16_at, extremes_u16_at, extremes_i32_at,
		extremes_u32_at, extremes_i64_at, extremes_u64_at, extremes_f32_at, extremes_f64_at,
	};

	bool any_nan = r->row && r->dtype >= QUERN_F32;

	for (size_t s = 0; r->row && s < r->nsteps; s++)
		at[r->dtype](r, s, min, max);
	if (qn_part_is_one(r)) {
		ones[r->dtype](r, min, max);
		return r->dtype >= QUERN_F32;
	}
	for (size_t i = 0; !r->row && i < r->n; i += STRIP)
		any_nan |= strips[r->dtype](r, i, r->n - i < STRIP ? r->n - i : STRIP, min + i,
					    max + i);
	return any_nan;
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

/* Of n elements, STRIP at most, from place i of a step on; mostly there are none. */
#define DEFINE_NANS(name, T, BITS, IS)                                                          \
	typedef BITS name##_loose __attribute__((aligned(1), may_alias));                       \
                                                                                                \
	static bool name##_any(const name##_loose *x)                                           \
	{                                                                                       \
		BITS any = 0;                                                                   \
                                                                                                \
		for (size_t i = 0; i < STRIP; i++)                                              \
			any |= IS(x[i]);                                                        \
		return any;                                                                     \
	}                                                                                       \
	static void name(const struct qn_part_elements *r, size_t step, size_t first, size_t n, \
			 int64_t *nan)                                                          \
	{                                                                                       \
		const uint64_t at = step * r->stride + first;                                   \
		const char *p = (const char *)r->values + at * sizeof(T);                       \
                                                                                                \
		if (n == STRIP && !name##_any((const void *)p))                                 \
			return;                                                                 \
		for (size_t i = 0; i < n; i++) {                                                \
			T x;                                                                    \
                                                                                                \
			memcpy(&x, p + i * sizeof(T), sizeof(T));                               \
			nan[r->row ? r->row[first + i] : first + i] += x != x &&                \
								       is_there(r, at + i);     \
		}                                                                               \
	}

DEFINE_NANS(nans_f32, float, int32_t, IS_NAN_F32)
DEFINE_NANS(nans_f64, double, int64_t, IS_NAN_F64)

static void nans_of(const struct qn_part_elements *r, size_t step, size_t first, int64_t *nan)
{
	const size_t n = r->n - first < STRIP ? r->n - first : STRIP;

	(r->dtype == QUERN_F32 ? nans_f32 : nans_f64)(r, step, first, n, nan);
}

/* Steps of one place, side by side, as places that are all of its row. */
static void nans_of_one(const struct qn_part_elements *r, int64_t *nan)
{
	static const uint32_t same[STRIP];
	struct qn_part_elements some = *r;

	some.row = same;
	for (size_t s = 0; s < r->nsteps; s += STRIP) {
		some.values = (const char *)r->values + s * qn_dtype_size(r->dtype);
		some.bit = r->bit + s;
		some.n = r->nsteps - s < STRIP ? r->nsteps - s : STRIP;
		nans_of(&some, 0, 0, nan);
	}
}

void QN_ISA(qn_part_nans)(const struct qn_part_elements *r, int64_t *nan)
{
	if (qn_part_is_one(r)) {
		nans_of_one(r, nan);
		return;
	}
	for (size_t s = 0; s < r->nsteps; s++)
		for (size_t i = 0; i < r->n; i += STRIP)
			nans_of(r, s, i, nan);
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

/* Of fewer bits each is looked for. */
#define FEW 12

/* Adds `more` to the counts of whose number the bit is set, of n. */
static void add_digit(uint64_t digit, size_t n, int64_t more, int64_t *restrict count)
{
	if (__builtin_popcountll(digit) < FEW)
		for (; digit; digit &= digit - 1)
			count[__builtin_ctzll(digit)] += more;
	else
		for (size_t i = 0; i < n; i++)
			count[i] += more & -(int64_t)(digit >> i & 1);
}

/* Adds the first n numbers, none of which is more than `most`, times `unit`, to counts. */
static void add_tally(const struct tally *t, size_t most, size_t n, int64_t unit, int64_t *count)
{
	for (int k = 0; most >> k; k++)
		add_digit(t->digit[k], n, unit * (INT64_C(1) << k), count);
}

/* Up to MOST steps, from number `first` on, of up to 64 rows from place i on. */
static void count_word(const struct qn_part_elements *r, const uint64_t *there, size_t first,
		       size_t nsteps, size_t i, size_t n, int64_t *in, int64_t *out)
{
	struct tally invalid = { { 0 } }, absent = { { 0 } };
	uint64_t bit = r->bit + first * r->stride + i;

	for (size_t s = 0; s < nsteps; s++, bit += r->stride) {
		const uint64_t all = UINT64_MAX >> (64 - n);

		tally(&invalid, all & ~qn_bitmap_word(r->valid, bit, n));
		if (there)
			tally(&absent, all & ~qn_bitmap_word(there, bit, n));
	}
	add_tally(&invalid, nsteps, n, -1, in + i);
	add_tally(&invalid, nsteps, n, 1, out + i);
	if (there)
		add_tally(&absent, nsteps, n, -1, out + i);
}

static void count_one(const struct qn_part_elements *r, const uint64_t *there, int64_t *in,
		      int64_t *out)
{
	for (size_t s = 0, n; s < r->nsteps; s += n) {
		uint64_t word, all;

		n = r->nsteps - s < 64 ? r->nsteps - s : 64;
		word = qn_bitmap_word(r->valid, r->bit + s, n);
		all = there ? qn_bitmap_word(there, r->bit + s, n) : UINT64_MAX >> (64 - n);
		*in -= __builtin_popcountll(~word & UINT64_MAX >> (64 - n));
		*out += __builtin_popcountll(all & ~word);
	}
}

void QN_ISA(qn_part_counts)(const struct qn_part_elements *r, const uint64_t *there, int64_t *in,
			    int64_t *out)
{
	if (qn_part_is_one(r)) {
		count_one(r, there, in, out);
		return;
	}
	for (size_t i = 0; i < r->n; i += 64)
		for (size_t s = 0; s < r->nsteps; s += MOST)
			count_word(r, there, s, r->nsteps - s < MOST ? r->nsteps - s : MOST, i,
				   r->n - i < 64 ? r->n - i : 64, in, out);
}
