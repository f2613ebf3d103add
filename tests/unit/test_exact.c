/*
 * test_exact.c - accumulators and power sums against arbitrary-precision arithmetic.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <cmocka.h>

#include "base/cpu.h"
#include "base/mem.h"
#include "exact/power.h"
#include "exact/scheme.h"
#include "exact_oracle.h"

static const char *const levels[] = { "baseline", "avx2", "avx512" };

/* Whether the machine has the level, which it now uses. */
static bool use_level(int level)
{
	qn_cpu_choose(levels[level]);
	return qn_cpu_level() == (enum qn_cpu)level;
}

/* --- accumulators --- */

static void random_integer(mpz_t z, int nbits)
{
	mpz_set_ui(z, 0);
	for (int i = 0; i < nbits; i += 64) {
		uint64_t w = oracle_below(4) ? oracle_random() : oracle_below(2) ? 0 : UINT64_MAX;

		mpz_mul_2exp(z, z, 64);
		mpz_add_ui(z, z, w);
	}
	mpz_fdiv_r_2exp(z, z, (mp_bitcnt_t)nbits);
	if (oracle_random() & 1)
		mpz_neg(z, z);
}

/* Limbs of random integers, of all lengths, round as they should. */
static void test_round(void **state)
{
	const struct qn_acc_form f = qn_acc_form(QUERN_F64, 1);
	int64_t limb[QN_ACC_MAX_LIMBS];
	mpz_t z;
	mpq_t q;

	(void)state;
	mpz_init(z);
	mpq_init(q);
	for (int i = 0; i < 30000; i++) {
		random_integer(z, 1 + (int)oracle_below(i % 2 ? 2150 : 120));
		oracle_limbs(z, f.nlimbs, limb);
		mpq_set_z(q, z);
		mpq_div_2exp(q, q, (mp_bitcnt_t)-f.base);
		assert_true(oracle_is_nearest(qn_acc_round(&f, limb), q, false));
	}
	mpq_clear(q);
	mpz_clear(z);
}

/* z = a 53-bit number times 2^shift plus or minus next to nothing, around ties. */
static void near_tie(mpz_t z)
{
	uint64_t m = oracle_random() >> 11 | UINT64_C(1) << 52;

	if (oracle_below(3) == 0)
		m = (UINT64_C(1) << 53) - 1;
	mpz_set_ui(z, m);
	mpz_mul_2exp(z, z, 1);
	mpz_add_ui(z, z, oracle_below(3));
	mpz_mul_2exp(z, z, oracle_below(300));
	if (oracle_below(2))
		mpz_add_ui(z, z, 1);
	else if (oracle_below(2))
		mpz_sub_ui(z, z, 1);
	if (oracle_below(2))
		mpz_neg(z, z);
}

static void test_round_ties(void **state)
{
	static const int bases[] = { 0, -1074, -1100, 670, -52 };
	int64_t limb[QN_ACC_MAX_LIMBS];
	mpz_t z;
	mpq_t q;

	(void)state;
	mpz_init(z);
	mpq_init(q);
	for (int i = 0; i < 30000; i++) {
		const struct qn_acc_form f = { bases[i % 5], 14 };

		near_tie(z);
		oracle_limbs(z, f.nlimbs, limb);
		mpq_set_z(q, z);
		if (f.base < 0)
			mpq_div_2exp(q, q, (mp_bitcnt_t)-f.base);
		else
			mpq_mul_2exp(q, q, (mp_bitcnt_t)f.base);
		assert_true(oracle_is_nearest(qn_acc_round(&f, limb), q, false));
	}
	mpq_clear(q);
	mpz_clear(z);
}

static void test_zero(void **state)
{
	const struct qn_acc_form f = qn_acc_form(QUERN_F32, 1);
	int64_t limb[QN_ACC_MAX_LIMBS] = { 0 };

	(void)state;
	qn_acc_add_double(&f, limb, -1.5);
	qn_acc_add_double(&f, limb, -0.0);
	qn_acc_add_double(&f, limb, 1.5);
	for (int i = 0; i < f.nlimbs; i++)
		assert_int_equal(limb[i], 0);
	assert_false(signbit(qn_acc_round(&f, limb)));
}

/* Any order of adding gives the limbs of the exact sum, always canonical. */
static void test_add(void **state)
{
	const struct qn_acc_form f = qn_acc_form(QUERN_F64, 1);
	int64_t limb[QN_ACC_MAX_LIMBS] = { 0 }, expected[QN_ACC_MAX_LIMBS];
	mpz_t sum;

	(void)state;
	mpz_init(sum);
	for (int i = 0; i < 20000; i++) {
		double x = oracle_number((enum oracle_kind)(i / 50 % NKINDS), (size_t)i, false);

		qn_acc_add_double(&f, limb, x);
		oracle_add_powers(QUERN_F64, &x, 1, 1, f.base, &sum);
		if (i % 16)
			continue;
		oracle_limbs(sum, f.nlimbs, expected);
		assert_memory_equal(limb, expected, (size_t)f.nlimbs * sizeof(limb[0]));
	}
	mpz_clear(sum);
}

/* 2^24 canonical states of the largest value there can be add up before they are made canonical. */
static void test_headroom(void **state)
{
	(void)state;
	for (int t = 0; t < QUERN_NDTYPES; t++) {
		for (int power = 1; power <= 4; power++) {
			const struct qn_acc_form f = qn_acc_form((enum quern_dtype)t, power);
			int64_t limb[QN_ACC_MAX_LIMBS];

			assert_true(f.nlimbs <= QN_ACC_MAX_LIMBS);
			for (int i = 0; i < f.nlimbs; i++)
				limb[i] =
					((i == f.nlimbs - 1 ? INT64_C(1) << 38 : INT64_C(1) << 32) -
					 1)
					<< 24;
			qn_acc_normalize(&f, limb);
			for (int i = 0; i < f.nlimbs - 1; i++)
				assert_in_range(limb[i], 0, UINT32_MAX);
			assert_in_range(limb[f.nlimbs - 1], INT64_C(63) << 56, INT64_C(1) << 62);
		}
	}
}

static void test_decimal(void **state)
{
	int64_t limb[16];
	char digits[QN_ACC_MAX_DIGITS], expected[QN_ACC_MAX_DIGITS + 2];
	mpz_t z;

	(void)state;
	mpz_init(z);
	for (int i = 0; i < 5000; i++) {
		const struct qn_acc_form f = { 0, 2 + i % 15 };

		random_integer(z, 1 + (int)oracle_below(32 * (uint64_t)f.nlimbs + 5));
		if (i % 50 == 0)
			mpz_set_ui(z, 0);
		oracle_limbs(z, f.nlimbs, limb);
		qn_acc_decimal(&f, limb, digits);
		assert_string_equal(digits, mpz_get_str(expected, 10, z));
	}
	mpz_clear(z);
}

/* --- power sums --- */

struct fixture {
	struct qn_power p;
	char *values; /* misaligned room for a tile */
	void *scratch;
	int64_t *words, *expected;
	mpz_t sum[4];
};

static void fixture_init(struct fixture *x, enum quern_dtype t, int order)
{
	qn_power_init(&x->p, t, order);
	x->values = (char *)qn_alloc_aligned(QUERN_TILE_NELEMS * 8 + 1) + 1;
	x->scratch = qn_alloc_aligned(qn_power_scratch_nbytes(&x->p) + 1);
	x->words = qn_calloc(x->p.nwords, sizeof(int64_t));
	x->expected = qn_calloc(x->p.nwords, sizeof(int64_t));
	for (int i = 0; i < 4; i++)
		mpz_init(x->sum[i]);
}

static void fixture_fini(struct fixture *x)
{
	for (int i = 0; i < 4; i++)
		mpz_clear(x->sum[i]);
	free(x->values - 1);
	free(x->scratch);
	free(x->words);
	free(x->expected);
}

static void check_words(struct fixture *x)
{
	for (int i = 0; i < x->p.npowers; i++)
		oracle_limbs(x->sum[i], x->p.form[i].nlimbs, x->expected + x->p.offset[i]);
	assert_memory_equal(x->words, x->expected, x->p.nwords * sizeof(int64_t));
}

/* The bits of the extremes of n values. */
static struct qn_extremes extremes(enum quern_dtype t, const char *values, size_t n)
{
	struct qn_extremes e;

	memset(&e, 0, sizeof(e));
	for (size_t i = 0; i < n; i++) {
		const char *p = values + i * oracle_size(t);

		if (oracle_is_float(t)) {
			double v = oracle_double(t, p);

			if (i == 0 || v < e.min.f || (v == e.min.f && signbit(v)))
				e.min.f = v;
			if (i == 0 || v > e.max.f || (v == e.max.f && !signbit(v)))
				e.max.f = v;
		} else if (t == QUERN_U8 || t == QUERN_U16 || t == QUERN_U32 || t == QUERN_U64) {
			uint64_t v = oracle_unsigned(t, p);

			e.min.u = i == 0 || v < e.min.u ? v : e.min.u;
			e.max.u = i == 0 || v > e.max.u ? v : e.max.u;
		} else {
			int64_t v = oracle_signed(t, p);

			e.min.i = i == 0 || v < e.min.i ? v : e.min.i;
			e.max.i = i == 0 || v > e.max.i ? v : e.max.i;
		}
	}
	return e;
}

static void check_tile(struct fixture *x, enum oracle_kind kind, size_t n)
{
	struct qn_extremes e, expected;

	oracle_fill(x->p.dtype, kind, n, x->values);
	assert_true(qn_power_add(&x->p, x->values, n, x->words, &e, x->scratch));
	oracle_add_powers(x->p.dtype, x->values, n, x->p.npowers, x->p.form[0].base, x->sum);
	check_words(x);
	if (x->p.npowers == 1)
		return;
	expected = extremes(x->p.dtype, x->values, n);
	assert_int_equal(e.min.u, expected.min.u);
	assert_int_equal(e.max.u, expected.max.u);
}

static size_t random_length(void)
{
	switch (oracle_below(4)) {
	case 0:
		return 1 + oracle_below(40);
	case 1:
		return QUERN_TILE_NELEMS - oracle_below(20);
	case 2:
		return QUERN_TILE_NELEMS;
	default:
		return 1 + oracle_below(QUERN_TILE_NELEMS);
	}
}

static void check_type(enum quern_dtype t, int order, int ntiles)
{
	struct fixture x;

	fixture_init(&x, t, order);
	for (int i = 0; i < ntiles; i++)
		for (int kind = 0; kind < (oracle_is_float(t) ? NKINDS : 3); kind++)
			check_tile(&x, (enum oracle_kind)kind, random_length());
	fixture_fini(&x);
}

static void check_level(int level)
{
	if (!use_level(level)) {
		qn_cpu_choose(NULL);
		print_message("this machine has no %s\n", levels[level]);
		skip();
	}
	for (int t = 0; t < QUERN_NDTYPES; t++) {
		check_type((enum quern_dtype)t, 1, 8);
		check_type((enum quern_dtype)t, 2, 6);
		check_type((enum quern_dtype)t, 4, t == QUERN_F64 ? 1 : 4);
	}
	qn_cpu_choose(NULL);
}

static void test_power_baseline(void **state)
{
	(void)state;
	check_level(QN_CPU_BASELINE);
}

static void test_power_avx2(void **state)
{
	(void)state;
	check_level(QN_CPU_AVX2);
}

static void test_power_avx512(void **state)
{
	(void)state;
	check_level(QN_CPU_AVX512);
}

/* Every length up to several vectors, and one value among zeros at every place. */
static void test_short_tiles(void **state)
{
	struct fixture x;

	(void)state;
	for (int t = QUERN_F32; t <= QUERN_F64; t++) {
		for (int order = 1; order <= 4; order *= 2) {
			fixture_init(&x, (enum quern_dtype)t, order);
			for (size_t n = 1; n <= 70; n++) {
				check_tile(&x, KIND_NORMAL, n);
				check_tile(&x, KIND_NEGATIVE, n);
				check_tile(&x, KIND_ZEROS, n);
			}
			fixture_fini(&x);
		}
	}
}

static void put(struct fixture *x, size_t i, double v)
{
	float w = (float)v;

	memcpy(x->values + i * oracle_size(x->p.dtype),
	       x->p.dtype == QUERN_F32 ? (void *)&w : (void *)&v, oracle_size(x->p.dtype));
}

static void check_limit(enum quern_dtype t, int order, int width)
{
	const size_t n = order == 4 && t == QUERN_F64 ? 400 : QUERN_TILE_NELEMS;
	const double most = t == QUERN_F32 ? 0x1.fffffep0 : 0x1.fffffffffffffp0;
	struct qn_extremes e;
	struct fixture x;

	fixture_init(&x, t, order);
	for (size_t i = 0; i < n; i++)
		put(&x, i, ldexp(width & 1 ? -most : most, oracle_below(100) ? 0 : -width));
	assert_true(qn_power_add(&x.p, x.values, n, x.words, &e, x.scratch));
	oracle_add_powers(t, x.values, n, order, x.p.form[0].base, x.sum);
	check_words(&x);
	fixture_fini(&x);
}

/* Values of a few binades of one sign, those that are not valid anything; returns how many are valid, packed. */
static size_t fill_some(struct fixture *x, size_t n, uint64_t *valid, char *packed)
{
	const size_t size = oracle_size(x->p.dtype), rare = 2 + oracle_below(60);
	const double sign = oracle_below(2) ? -1 : 1;
	size_t nvalid = 0;

	memset(valid, 0, QUERN_TILE_NELEMS / 8);
	for (size_t i = 0; i < n; i++) {
		const bool is = oracle_below(rare) > 0;

		put(x, i,
		    is ? sign * (200.0 + (double)oracle_below(1 << 20) / 8192)
		       : (oracle_below(2) ? NAN : 9.96921e36));
		valid[i / 64] |= (uint64_t)is << i % 64;
		memcpy(packed + nvalid * size, x->values + i * size, size);
		nvalid += is;
	}
	return nvalid;
}

/* Returns whether they were added as they lie. */
static bool check_some(struct fixture *x, size_t n)
{
	static char packed[(QUERN_TILE_NELEMS + 1) * sizeof(double)];
	uint64_t valid[QUERN_TILE_NELEMS / 64];
	const size_t nvalid = fill_some(x, n, valid, packed);
	struct qn_extremes e, expected;

	if (!nvalid || !qn_power_add_valid(&x->p, x->values, valid, n, x->words, &e, x->scratch))
		return false;
	oracle_add_powers(x->p.dtype, packed, nvalid, x->p.npowers, x->p.form[0].base, x->sum);
	check_words(x);
	expected = extremes(x->p.dtype, packed, nvalid);
	assert_int_equal(e.min.u, expected.min.u);
	assert_int_equal(e.max.u, expected.max.u);
	return true;
}

static void test_some(void **state)
{
	(void)state;
	for (int order = 2; order <= 4; order += 2) {
		struct fixture x;
		size_t ndone = 0;

		fixture_init(&x, QUERN_F32, order);
		for (int i = 0; i < 60; i++)
			ndone += check_some(&x, i ? 1 + oracle_below(QUERN_TILE_NELEMS)
						  : QUERN_TILE_NELEMS);
		assert_true(x.p.level < QN_CPU_AVX512 || ndone > 50);
		fixture_fini(&x);
	}
}

/* Tiles whose sum is at the limit of what a lane takes: all of one sign and the largest of a
   binade, but for some that are smaller by all widths around those of the schemes. */
static void test_limits(void **state)
{
	(void)state;
	for (int width = 0; width < 90; width++) {
		for (int order = 1; order <= 4; order *= 2) {
			check_limit(QUERN_F32, order, width);
			check_limit(QUERN_F64, order, width);
		}
	}
}

/* Schemes come in the order of their widths, and are wide enough to be of use: a few bits more than
   those of a number of the type. */
static void check_widths(enum quern_dtype t, int order, enum qn_cpu level)
{
	const struct qn_scheme *const *schemes;
	int n = qn_schemes(t, order, level, &schemes), last = 0;

	assert_in_range(n, 1, QN_MAX_SCHEMES);
	for (int i = 0; i < n; i++) {
		int width = qn_scheme_width(schemes[i], level);

		assert_true(width > last);
		assert_true(width >= (t == QUERN_F32 ? 24 + 2 : 53 + 8));
		last = width;
	}
}

static void test_widths(void **state)
{
	(void)state;
	for (int t = QUERN_F32; t <= QUERN_F64; t++) {
		for (int order = 1; order <= 4; order *= 2) {
			check_widths((enum quern_dtype)t, order, QN_CPU_BASELINE);
			check_widths((enum quern_dtype)t, order, qn_cpu_level());
		}
	}
}

/* One infinity or NaN anywhere: nothing is added. */
static void test_special_refused(void **state)
{
	const double specials[] = { INFINITY, -INFINITY, NAN, -NAN };
	struct fixture x;
	struct qn_extremes e;

	(void)state;
	for (int i = 0; i < 2000; i++) {
		enum quern_dtype t = i % 2 ? QUERN_F32 : QUERN_F64;
		size_t n = random_length();

		fixture_init(&x, t, i % 3 == 0 ? 1 : i % 3 == 1 ? 2 : 4);
		oracle_fill(t, (enum oracle_kind)oracle_below(NKINDS), n, x.values);
		put(&x, oracle_below(n), specials[oracle_below(4)]);
		assert_false(qn_power_add(&x.p, x.values, n, x.words, &e, x.scratch));
		check_words(&x);
		fixture_fini(&x);
	}
}

/* A long fuzz of sums of float32 and float64, against few oracle calls: tiles and their negatives
   cancel to zero limbs; what is left is known. */
static void test_cancel(void **state)
{
	struct fixture x;
	struct qn_extremes e;

	(void)state;
	for (int i = 0; i < 600; i++) {
		enum quern_dtype t = i % 2 ? QUERN_F32 : QUERN_F64;
		const size_t size = oracle_size(t), n = random_length();
		enum oracle_kind kind = (enum oracle_kind)(i / 2 % NKINDS);

		fixture_init(&x, t, 1);
		oracle_fill(t, kind, n, x.values);
		for (size_t k = 0; k < n; k += n / 3 + 1)
			assert_true(qn_power_add(&x.p, x.values + k * size,
						 n - k < n / 3 + 1 ? n - k : n / 3 + 1, x.words, &e,
						 x.scratch));
		for (size_t k = 0; k < n; k++)
			x.values[(k + 1) * size - 1] ^= (char)0x80;
		assert_true(qn_power_add(&x.p, x.values, n, x.words, &e, x.scratch));
		check_words(&x);
		fixture_fini(&x);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_round),	       cmocka_unit_test(test_round_ties),
		cmocka_unit_test(test_zero),	       cmocka_unit_test(test_add),
		cmocka_unit_test(test_headroom),       cmocka_unit_test(test_decimal),
		cmocka_unit_test(test_power_baseline), cmocka_unit_test(test_power_avx2),
		cmocka_unit_test(test_power_avx512),   cmocka_unit_test(test_short_tiles),
		cmocka_unit_test(test_some),	       cmocka_unit_test(test_limits),
		cmocka_unit_test(test_widths),	       cmocka_unit_test(test_special_refused),
		cmocka_unit_test(test_cancel),
	};

	return cmocka_run_group_tests_name("exact", tests, NULL, NULL);
}
