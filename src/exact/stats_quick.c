/*
 * stats_quick.c - statistics of fewer than 2^32 values whose sums have few digits: most are such. A result
 * of a million cells takes a tenth of a second then, and not seconds.
 *
 * A quotient is needed to 64 bits, and of one whose root is taken 128, with a word on whether there is
 * more: qn_round_bits makes a double of them, rounded once.
 */
#include <math.h>
#include <string.h>

#include "exact/stats_parts.h"

#define DIGIT_BITS 32
/* Digits of a number, and of one that can be squared. */
#define MOST_DIGITS   40
#define SQUARE_DIGITS (MOST_DIGITS / 2)
/* For 128 bits from any bit of the highest digit on, behind one zero for each of two divisions. */
#define WINDOW_DIGITS 7

/* digit[0] + digit[1] * 2^32 + ..., the highest not 0, times 2^exp. */
struct natural {
	int n, exp;
	uint32_t digit[MOST_DIGITS];
};

static void strip(struct natural *a)
{
	while (a->n > 0 && a->digit[a->n - 1] == 0)
		a->n--;
}

/* What limbs above the highest digit are. */
static int64_t sign_of(bool negative, bool is_top)
{
	if (!negative)
		return 0;
	return is_top ? -1 : INT64_C(0xffffffff);
}

/* The magnitude of canonical limbs. False: too many digits. */
static bool load(const struct qn_acc_form *f, const int64_t *limb, struct natural *a)
{
	const int top = f->nlimbs - 1;
	const bool negative = limb[top] < 0;
	int low = 0, high = top;
	int64_t carry = 0;

	while (low < top && limb[low] == 0)
		low++;
	while (high > low && limb[high] == sign_of(negative, high == top))
		high--;
	if (high - low + 2 > MOST_DIGITS)
		return false;
	a->exp = f->base + DIGIT_BITS * low;
	a->n = 0;
	for (int i = low; i <= high; i++) {
		carry += negative ? -limb[i] : limb[i];
		a->digit[a->n++] = (uint32_t)carry;
		carry >>= DIGIT_BITS;
	}
	/* Of the highest limb what is beyond a digit; of others nothing but the borrow of a negative one,
	   which the limbs of all ones above take up. */
	a->digit[a->n++] = high == top ? (uint32_t)carry : (uint32_t)(carry + negative);
	strip(a);
	return true;
}

/* False: too many digits. */
static bool multiply(struct natural *a, uint32_t factor)
{
	uint64_t carry = 0;

	if (a->n == MOST_DIGITS)
		return false;
	for (int i = 0; i < a->n; i++) {
		carry += (uint64_t)a->digit[i] * factor;
		a->digit[i] = (uint32_t)carry;
		carry >>= DIGIT_BITS;
	}
	a->digit[a->n++] = (uint32_t)carry;
	strip(a);
	return true;
}

static bool square(const struct natural *a, struct natural *out)
{
	if (a->n > SQUARE_DIGITS)
		return false;
	*out = (struct natural){ .n = 2 * a->n, .exp = 2 * a->exp };
	for (int i = 0; i < a->n; i++) {
		uint64_t carry = 0;

		for (int k = 0; k < a->n; k++) {
			carry += out->digit[i + k] + (uint64_t)a->digit[i] * a->digit[k];
			out->digit[i + k] = (uint32_t)carry;
			carry >>= DIGIT_BITS;
		}
		out->digit[i + a->n] = (uint32_t)carry;
	}
	strip(out);
	return true;
}

/* Zeros below, so that the lowest digit has a lower exponent. */
static bool extend(struct natural *a, int exp)
{
	const int n = (a->exp - exp) / DIGIT_BITS;

	if (n <= 0)
		return true;
	if (n + a->n > MOST_DIGITS)
		return false;
	memmove(a->digit + n, a->digit, (size_t)a->n * sizeof(a->digit[0]));
	memset(a->digit, 0, (size_t)n * sizeof(a->digit[0]));
	a->n += n;
	a->exp = exp;
	return true;
}

/* a -= b, which is not larger. */
static bool subtract(struct natural *a, const struct natural *b)
{
	struct natural c = *b;
	int64_t carry = 0;

	if (c.n == 0)
		return true;
	if (!extend(a, c.exp) || !extend(&c, a->exp))
		return false;
	for (int i = 0; i < a->n; i++) {
		carry += (int64_t)a->digit[i] - (i < c.n ? c.digit[i] : 0);
		a->digit[i] = (uint32_t)carry;
		carry >>= DIGIT_BITS;
	}
	strip(a);
	return true;
}

/* What is known of a number: its highest digits, and whether there is more below. */
struct window {
	uint32_t digit[WINDOW_DIGITS];
	int exp;
	bool more;
};

static void look(const struct natural *a, struct window *w)
{
	const int below = a->n - WINDOW_DIGITS;

	w->exp = a->exp + DIGIT_BITS * below;
	w->more = false;
	for (int i = 0; i < below; i++)
		w->more = w->more || a->digit[i] != 0;
	for (int i = 0; i < WINDOW_DIGITS; i++)
		w->digit[i] = below + i < 0 ? 0 : a->digit[below + i];
}

static void divide(struct window *w, uint32_t by)
{
	uint64_t rest = 0;

	for (int i = WINDOW_DIGITS - 1; i >= 0; i--) {
		rest = rest << DIGIT_BITS | w->digit[i];
		w->digit[i] = (uint32_t)(rest / by);
		rest %= by;
	}
	w->more = w->more || rest != 0;
}

/* By n, or by n (n - 1): at once, where that is a digit. */
static void divide_by(struct window *w, uint32_t n, bool squared)
{
	const bool at_once = squared && n <= UINT16_MAX;

	divide(w, at_once ? n * (n - 1) : n);
	if (squared && !at_once)
		divide(w, n - 1);
}

/* The highest 128 bits; what is left of the window is their exponent, and whether there is more. */
static qn_u128 take(struct window *w)
{
	int i = WINDOW_DIGITS - 1, shift;
	qn_u128 bits = 0;

	while (w->digit[i] == 0)
		i--;
	for (int k = 0; k < 4; k++)
		bits = bits << DIGIT_BITS | w->digit[i - k];
	shift = __builtin_clz(w->digit[i]);
	w->exp += DIGIT_BITS * (i - 3) - shift;
	if (shift)
		bits = bits << shift | w->digit[i - 4] >> (DIGIT_BITS - shift);
	w->more = w->more || (uint32_t)(w->digit[i - 4] << shift) != 0;
	for (int k = i - 5; k >= 0; k--)
		w->more = w->more || w->digit[k] != 0;
	return bits;
}

static double round_window(struct window *w, bool negative)
{
	const qn_u128 bits = take(w);

	return qn_round_bits((uint64_t)(bits >> 64), w->more || (uint64_t)bits, w->exp + 64,
			     negative);
}

/* The root of at least 2^126, rounded down. What a double has of it is wrong by some 2^11; the
   quotient of what is missing sets that right, up to a few units. */
static uint64_t root_of(qn_u128 x)
{
	const double near = sqrt((double)(uint64_t)(x >> 64)) * 0x1p32;
	uint64_t r = near >= 0x1p64 ? UINT64_MAX : (uint64_t)near;
	const qn_i128 missing = (qn_i128)(x - (qn_u128)r * r);
	const int64_t step = (int64_t)((double)(int64_t)(missing >> 32) * 0x1p31 / near);

	r = step > 0 && (uint64_t)step > UINT64_MAX - r ? UINT64_MAX : r + (uint64_t)step;
	while ((qn_u128)r * r > x)
		r--;
	while (r < UINT64_MAX && (qn_u128)(r + 1) * (r + 1) <= x)
		r++;
	return r;
}

static double round_root(struct window *w)
{
	qn_u128 bits = take(w);
	uint64_t root;

	if (w->exp & 1) {
		w->more = w->more || (bits & 1);
		bits >>= 1;
		w->exp++;
	}
	root = root_of(bits);
	return qn_round_bits(root, w->more || (qn_u128)root * root != bits, w->exp / 2, false);
}

/* n A2 - A1^2 of stats.h. */
static bool combine(const struct qn_power *p, const int64_t *words, uint32_t n, struct natural *d)
{
	struct natural sum, squared;

	return load(&p->form[0], words + p->offset[0], &sum) && square(&sum, &squared) &&
	       load(&p->form[1], words + p->offset[1], d) && multiply(d, n) &&
	       subtract(d, &squared);
}

static bool load_dividend(enum qn_stat which, const struct qn_power *p, const int64_t *words,
			  uint32_t n, struct natural *a)
{
	const int power = which == QN_STAT_RMS;

	if (which == QN_STAT_VARIANCE || which == QN_STAT_STDDEV)
		return combine(p, words, n, a);
	return load(&p->form[power], words + p->offset[power], a);
}

bool qn_stat_quick(enum qn_stat which, const struct qn_power *p, const int64_t *words, uint64_t n,
		   double *out)
{
	const bool negative = which == QN_STAT_MEAN && words[p->form[0].nlimbs - 1] < 0;
	const bool is_root = which == QN_STAT_STDDEV || which == QN_STAT_RMS;
	struct natural a;
	struct window w;

	if (n > UINT32_MAX || !load_dividend(which, p, words, (uint32_t)n, &a))
		return false;
	*out = 0.0;
	if (a.n == 0)
		return true;
	look(&a, &w);
	divide_by(&w, (uint32_t)n, which == QN_STAT_VARIANCE || which == QN_STAT_STDDEV);
	*out = is_root ? round_root(&w) : round_window(&w, negative);
	return true;
}
