/*
 * test_column.c - sums of many rows against accumulators to which elements are added one by one:
 * the same limbs, whatever was added before, in whichever order, and however it was merged.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <cmocka.h>

#include "base/cpu.h"
#include "base/mem.h"
#include "columns/column_parts.h"
#include "exact/power.h"
#include "exact/stats.h"
#include "exact_oracle.h"
#include "tests/testing/plan.h"

#define MAX_ROWS  9000
#define MAX_STEPS 600
#define MAX_ELEMS ((size_t)MAX_ROWS * 4)

static const char *const levels[] = { "baseline", "avx2", "avx512" };

/* Columns of the powers 1 and 2 of a type, what they should hold, and elements for them. */
struct fixture {
	enum quern_dtype dtype;
	size_t size, nrows;
	struct qn_column *column[2];
	struct qn_power p;
	int64_t *words;	 /* p.nwords a row */
	uint64_t *count; /* of elements that are in them, a row */
	char *values;	 /* misaligned */
	uint64_t *valid, *special, *expected_special;
	uint32_t *row;
	void *scratch;
};

static void init(struct fixture *x, enum quern_dtype t, size_t nrows)
{
	*x = (struct fixture){ .dtype = t, .size = oracle_size(t), .nrows = nrows };
	qn_power_init(&x->p, t, 2);
	for (int k = 0; k < 2; k++)
		x->column[k] = qn_column_new(t, k + 1, nrows);
	x->words = qn_calloc(nrows * x->p.nwords, sizeof(int64_t));
	x->count = qn_calloc(nrows, sizeof(uint64_t));
	x->values = (char *)qn_alloc_aligned(MAX_ELEMS * 8 + 1) + 1;
	x->valid = qn_calloc(MAX_ELEMS / 64 + 1, sizeof(uint64_t));
	x->special = qn_calloc(MAX_ELEMS / 64 + 1, sizeof(uint64_t));
	x->expected_special = qn_calloc(MAX_ELEMS / 64 + 1, sizeof(uint64_t));
	x->row = qn_calloc(MAX_ELEMS, sizeof(uint32_t));
	x->scratch = qn_alloc_aligned(qn_power_scratch_nbytes(&x->p) + 1);
}

static void fini(struct fixture *x)
{
	for (int k = 0; k < 2; k++)
		qn_column_free(x->column[k]);
	free(x->words);
	free(x->count);
	free(x->values - 1);
	free(x->valid);
	free(x->special);
	free(x->expected_special);
	free(x->row);
	free(x->scratch);
}

static bool bit(const uint64_t *map, size_t i)
{
	return map[i / 64] >> i % 64 & 1;
}

static size_t random_nrows(void)
{
	static const size_t sizes[] = { 1, 12, 40, 500, 4096, 4200, MAX_ROWS };

	return sizes[oracle_below(7)];
}

static enum oracle_kind random_kind(void)
{
	return (enum oracle_kind)oracle_below(NKINDS);
}

/* Whether the columns have what they should. */
static void check(const struct fixture *x, const struct qn_column *const column[2])
{
	int64_t limb[QN_ACC_MAX_LIMBS];

	for (size_t r = 0; r < x->nrows; r++)
		for (int k = 0; k < 2; k++) {
			const size_t nbytes = (size_t)x->p.form[k].nlimbs * sizeof(*limb);

			assert_true(qn_column_get(column[k], r, limb));
			if (memcmp(limb, x->words + r * x->p.nwords + x->p.offset[k], nbytes) != 0)
				fail_msg("type %d, power %d, row %zu of %zu, seed %llu", x->dtype,
					 k + 1, r, x->nrows, (unsigned long long)oracle_seed);
		}
}

/* Quotients of n rows of a block from `row` on are those of the accumulators. Returns how many were told. */
static size_t check_quotients(const struct fixture *x, size_t row, size_t n)
{
	static double quotient[QN_COLUMN_BLOCK], sum[QN_COLUMN_BLOCK];
	static int64_t by[QN_COLUMN_BLOCK], whole[QN_COLUMN_BLOCK];
	uint64_t left[2][QN_COLUMN_BLOCK / 64];
	size_t ntold = 0;

	for (size_t i = 0; i < n; i++)
		by[i] = 1 + (int64_t)oracle_below(oracle_below(2) ? 1000 : UINT32_MAX);
	if (!qn_column_divide(x->column[0], row, n, by, quotient, left[0]) ||
	    !qn_column_divide(x->column[0], row, n, NULL, sum, left[1]))
		return 0;
	for (size_t i = 0; i < n; i++) {
		const int64_t *words = x->words + (row + i) * x->p.nwords;
		const double mean = qn_stat(QN_STAT_MEAN, &x->p, words, (uint64_t)by[i]);
		const double all = qn_acc_round(&x->p.form[0], words + x->p.offset[0]);

		if (!bit(left[0], i))
			assert_memory_equal(&mean, &quotient[i], sizeof(mean));
		if (!bit(left[1], i))
			assert_memory_equal(&all, &sum[i], sizeof(all));
		ntold += (size_t)(2 - bit(left[0], i) - bit(left[1], i));
	}
	if (qn_column_ratios(x->column[0], x->column[0], row, n, quotient, left[0]))
		for (size_t i = 0; i < n; i++)
			assert_true(bit(left[0], i) || quotient[i] == 1);
	if (qn_column_integers(x->column[0], row, n, whole))
		for (size_t i = 0; i < n; i++)
			assert_true((double)whole[i] ==
				    qn_acc_round(&x->p.form[0], x->words + (row + i) * x->p.nwords +
									x->p.offset[0]));
	return ntold;
}

/* As check_quotients, of deviations. */
static size_t check_deviations(const struct fixture *x, size_t row, size_t n)
{
	static double out[QN_COLUMN_BLOCK];
	static int64_t count[QN_COLUMN_BLOCK];
	uint64_t left[QN_COLUMN_BLOCK / 64];
	size_t ntold = 0;

	for (size_t i = 0; i < n; i++)
		count[i] = (int64_t)x->count[row + i];
	for (int is_root = 0; is_root < 2; is_root++) {
		if (!qn_column_deviations(x->column[0], x->column[1], row, n, count, is_root, out,
					  left))
			continue;
		for (size_t i = 0; i < n; i++) {
			double right;

			if (bit(left, i))
				continue;
			right = qn_stat(is_root ? QN_STAT_STDDEV : QN_STAT_VARIANCE, &x->p,
					x->words + (row + i) * x->p.nwords, (uint64_t)count[i]);
			assert_memory_equal(&right, &out[i], sizeof(right));
			ntold++;
		}
	}
	return ntold;
}

static void check_columns(const struct fixture *x)
{
	check(x, (const struct qn_column *const *)x->column);
	for (size_t row = 0; row < x->nrows; row += QN_COLUMN_BLOCK) {
		check_quotients(x, row, qn_min_u64(x->nrows - row, QN_COLUMN_BLOCK));
		check_deviations(x, row, qn_min_u64(x->nrows - row, QN_COLUMN_BLOCK));
	}
}

/* Elements of a tile, some of which may be left out. */
static struct qn_column_tile random_tile(struct fixture *x, enum oracle_kind kind, size_t n)
{
	struct qn_column_tile t = { .dtype = x->dtype, .values = x->values, .n = n };
	const bool missing = oracle_below(3) == 0, specials = oracle_below(3) == 0;
	const double special[] = { INFINITY, -INFINITY, NAN, -NAN };
	size_t nelems;

	t.stride = n + (oracle_below(2) ? oracle_below(70) : 0);
	t.nsteps = 1 + oracle_below(qn_min_u64(n == 1 && t.stride == 1 ? MAX_ELEMS : MAX_STEPS,
					       MAX_ELEMS / t.stride));
	nelems = t.stride * t.nsteps;
	oracle_fill(x->dtype, kind, nelems, x->values);
	memset(x->special, 0, (nelems / 64 + 1) * sizeof(uint64_t));
	memset(x->expected_special, 0, (nelems / 64 + 1) * sizeof(uint64_t));
	for (size_t i = 0; missing && i <= nelems / 64; i++)
		x->valid[i] = oracle_below(4) ? oracle_random() : oracle_below(2) - 1;
	for (size_t i = oracle_below(50); specials && oracle_is_float(x->dtype) && i < nelems;
	     i += 1 + oracle_below(oracle_below(9) ? 40 : 4000)) {
		double v = special[oracle_below(4)];
		float w = (float)v;

		memcpy(x->values + i * x->size, x->size == 4 ? (void *)&w : (void *)&v, x->size);
	}
	t.valid = missing ? x->valid : NULL;
	t.special = oracle_below(4) ? x->special : NULL;
	return t;
}

static bool is_special(const struct fixture *x, const char *value)
{
	return oracle_is_float(x->dtype) && !isfinite(oracle_double(x->dtype, value));
}

/* Adds what a tile says to the model: place i to row first_row + row[i], or + i. */
static void model_add(struct fixture *x, size_t first_row, const uint32_t *row,
		      const struct qn_column_tile *t)
{
	struct qn_extremes e;
	size_t nspecial = 0;

	for (size_t s = 0; s < t->nsteps; s++)
		for (size_t i = 0; i < t->n; i++) {
			const size_t at = s * t->stride + i, r = first_row + (row ? row[i] : i);
			const char *value = x->values + at * x->size;

			if (t->valid && !bit(t->valid, at))
				continue;
			if (is_special(x, value)) {
				x->expected_special[at / 64] |= UINT64_C(1) << at % 64;
				nspecial++;
				continue;
			}
			assert_true(qn_power_add(&x->p, value, 1, x->words + r * x->p.nwords, &e,
						 x->scratch));
			x->count[r]++;
		}
	assert_int_equal(t->nspecial, nspecial);
	if (t->special)
		assert_memory_equal(x->special, x->expected_special,
				    (t->stride * t->nsteps / 64 + 1) * sizeof(uint64_t));
}

/* Adds a tile to columns, both at once or one after the other, and to the model. */
static void add_rows(struct fixture *x, struct qn_column *const column[2], enum oracle_kind kind)
{
	const size_t first = oracle_below(3) ? oracle_below(x->nrows) : 0;
	const size_t n = oracle_below(2) ? x->nrows - first : 1 + oracle_below(x->nrows - first);
	struct qn_column_tile t = random_tile(x, kind, oracle_below(4) ? n : 1);

	if (oracle_below(3)) {
		assert_true(qn_column_add_rows(column[0], column[1], first, &t));
	} else {
		assert_true(qn_column_add_rows(NULL, column[1], first, &t));
		assert_true(qn_column_add_rows(column[0], NULL, first, &t));
	}
	model_add(x, first, NULL, &t);
}

static void add_at(struct fixture *x, struct qn_column *const column[2], enum oracle_kind kind)
{
	const size_t first = oracle_below(x->nrows);
	struct qn_column_tile t = random_tile(x, kind, 1 + oracle_below(3000));
	const size_t most = oracle_below(2) ? x->nrows - first : qn_min_u64(x->nrows - first, 3);

	for (size_t i = 0; i < t.n; i++)
		x->row[i] = (uint32_t)oracle_below(most);
	assert_true(qn_column_add_at(column[0], column[1], first, x->row, &t));
	model_add(x, first, x->row, &t);
}

/* Adds sums of runs of elements, each of one row. */
static void add_limbs(struct fixture *x, struct qn_column *const column[2], enum oracle_kind kind)
{
	int64_t *words = qn_calloc(x->p.nwords, sizeof(int64_t));

	for (int i = 0; i < 30; i++) {
		const size_t r = oracle_below(x->nrows), n = 1 + oracle_below(QUERN_TILE_NELEMS);
		int64_t *all = x->words + r * x->p.nwords;
		struct qn_extremes e;

		memset(words, 0, x->p.nwords * sizeof(*words));
		oracle_fill(x->dtype, kind, n, x->values);
		assert_true(qn_power_add(&x->p, x->values, n, words, &e, x->scratch));
		for (int k = 0; k < 2; k++)
			assert_true(qn_column_add_limbs(column[k], r, words + x->p.offset[k]));
		for (size_t k = 0; k < x->p.nwords; k++)
			all[k] += words[k];
		qn_power_normalize(&x->p, all);
		x->count[r] += n;
	}
	free(words);
}

static void add_any(struct fixture *x, struct qn_column *const column[2], enum oracle_kind kind)
{
	switch (oracle_below(8)) {
	case 0:
		add_at(x, column, kind);
		break;
	case 1:
		add_limbs(x, column, kind);
		break;
	default:
		add_rows(x, column, kind);
	}
}

/* --- elements --- */

/* Elements of one kind, or of any: then units and parts change. */
static void check_type(enum quern_dtype t, int nfixtures)
{
	for (int i = 0; i < nfixtures; i++) {
		const enum oracle_kind kind = (enum oracle_kind)(i % NKINDS);
		const bool mixed = i / NKINDS % 2;
		struct fixture x;

		init(&x, t, random_nrows());
		for (int k = 0; k < 4; k++) {
			add_any(&x, x.column, mixed ? random_kind() : kind);
			check_columns(&x);
		}
		fini(&x);
	}
}

static void check_level(int level)
{
	qn_cpu_choose(levels[level]);
	if (qn_cpu_level() != (enum qn_cpu)level) {
		qn_cpu_choose(NULL);
		print_message("this machine has no %s\n", levels[level]);
		skip();
	}
	for (int t = 0; t < QUERN_NDTYPES; t++)
		check_type((enum quern_dtype)t,
			   oracle_is_float((enum quern_dtype)t) ? 2 * NKINDS : 4);
	qn_cpu_choose(NULL);
}

/* Of elements as they mostly are, nearly all are told. */
static void test_quotients(void **state)
{
	(void)state;
	for (int t = 0; t < 2; t++) {
		struct fixture x;
		struct qn_column_tile tile = { .n = 4000, .nsteps = 9, .stride = 4000 };

		init(&x, t ? QUERN_F64 : QUERN_F32, 4000);
		for (size_t i = 0; i < tile.n * tile.nsteps; i++) {
			const double v = 280 + (double)oracle_below(1 << 20) * 0x1p-15;
			const float w = (float)v;

			memcpy(x.values + i * x.size, t ? (void *)&v : (void *)&w, x.size);
		}
		tile.dtype = x.dtype;
		tile.values = x.values;
		model_add(&x, 0, NULL, &tile);
		assert_true(qn_column_add_rows(x.column[0], x.column[1], 0, &tile));
		assert_true(check_quotients(&x, 0, 4000) > 7990);
		assert_true(check_deviations(&x, 0, 4000) > 7990);
		fini(&x);
	}
}

static void test_baseline(void **state)
{
	(void)state;
	check_level(QN_CPU_BASELINE);
}

static void test_avx2(void **state)
{
	(void)state;
	check_level(QN_CPU_AVX2);
}

static void test_avx512(void **state)
{
	(void)state;
	check_level(QN_CPU_AVX512);
}

/* --- limits --- */

/* Adds a value to all rows `times` times; it may take one pass or all of them. */
static void add_often(struct qn_column *c, int power, const double *value, size_t times)
{
	const size_t n = 70;
	char values[70 * 8];
	struct qn_column_tile t = { .dtype = c->dtype, .values = values, .n = n, .nsteps = times };

	for (size_t i = 0; i < n; i++) {
		float y = (float)value[i % 3];

		memcpy(values + i * (c->dtype == QUERN_F32 ? 4 : 8),
		       c->dtype == QUERN_F32 ? (const void *)&y : &value[i % 3],
		       c->dtype == QUERN_F32 ? 4 : 8);
	}
	assert_true(qn_column_add_rows(power == 1 ? c : NULL, power == 2 ? c : NULL, 0, &t));
}

static void check_often(enum quern_dtype t, int power, const double *value, size_t times)
{
	struct qn_column *c = qn_column_new(t, power, 70);
	int64_t limb[QN_ACC_MAX_LIMBS], expected[QN_ACC_MAX_LIMBS];
	mpz_t sum[2];

	mpz_inits(sum[0], sum[1], NULL);
	add_often(c, power, value, times);
	add_often(c, power, value, times);
	for (uint64_t r = 0; r < 70; r++) {
		float y = (float)value[r % 3];

		mpz_set_ui(sum[0], 0);
		mpz_set_ui(sum[1], 0);
		oracle_add_powers(t, t == QUERN_F32 ? (const void *)&y : &value[r % 3], 1, 2,
				  qn_acc_form(t, 1).base, sum);
		mpz_mul_ui(sum[power - 1], sum[power - 1], 2 * times);
		oracle_limbs(sum[power - 1], c->form.nlimbs, expected);
		assert_true(qn_column_get(c, r, limb));
		assert_memory_equal(limb, expected, (size_t)c->form.nlimbs * sizeof(*limb));
	}
	mpz_clears(sum[0], sum[1], NULL);
	qn_column_free(c);
}

/* Parts are carried from before they overflow: many elements that are as large as a part takes
   beside small ones, in one part, in two and in three. */
static void test_headroom(void **state)
{
	(void)state;
	for (int width = 0; width < 120; width += 5)
		for (int power = 1; power <= 2; power++) {
			const double small = ldexp(0x1.fffffep0, -width / power);
			const double values[] = { width & 1 ? 0x1.fffffep0 : -0x1.fffffep0, small,
						  -small };

			check_often(QUERN_F32, power, values, 9000);
			check_often(QUERN_F64, power, values, 9000);
		}
}

/* Sums of integers beyond all parts: that of 2^60 elements. */
static void test_largest_sums(void **state)
{
	int64_t limb[QN_ACC_MAX_LIMBS], expected[QN_ACC_MAX_LIMBS];

	(void)state;
	for (int t = 0; t < QUERN_NDTYPES; t++)
		for (int power = 1; power <= 4; power++) {
			const struct qn_acc_form f = qn_acc_form((enum quern_dtype)t, power);
			struct qn_column *c = qn_column_new((enum quern_dtype)t, power, 3);

			memset(expected, 0, sizeof(expected));
			for (int i = 0; i < 300; i++) {
				memset(limb, 0, sizeof(limb));
				for (int k = 0; k < f.nlimbs; k++)
					limb[k] = k < f.nlimbs - 1
							  ? (int64_t)(oracle_random() >> 32)
							  : (int64_t)oracle_below(1 << 20) -
								    (i % 2 << 19);
				if (i % 3 == 0)
					memset(limb + oracle_below((uint64_t)f.nlimbs), 0,
					       sizeof(*limb));
				assert_true(qn_column_add_limbs(c, (uint64_t)i % 2, limb));
				for (int k = 0; i % 2 == 1 && k < f.nlimbs; k++)
					expected[k] += limb[k];
			}
			qn_acc_normalize(&f, expected);
			assert_true(qn_column_get(c, 1, limb));
			assert_memory_equal(limb, expected, (size_t)f.nlimbs * sizeof(*limb));
			qn_column_free(c);
		}
}

/* Third and fourth powers. */
static void test_high_powers(void **state)
{
	char values[40 * 8];
	int64_t limb[QN_ACC_MAX_LIMBS];
	struct qn_power p;

	(void)state;
	for (int t = 0; t < QUERN_NDTYPES; t++) {
		void *scratch;
		int64_t *words;

		qn_power_init(&p, (enum quern_dtype)t, 4);
		scratch = qn_alloc_aligned(qn_power_scratch_nbytes(&p) + 1);
		for (int power = 3; power <= 4; power++) {
			struct qn_column *c = qn_column_new((enum quern_dtype)t, power, 20);
			struct qn_column_tile tile = { .dtype = (enum quern_dtype)t,
						       .values = values,
						       .n = 20,
						       .nsteps = 2,
						       .stride = 20 };

			oracle_fill((enum quern_dtype)t, KIND_ANY_BITS, 40, values);
			assert_true(qn_column_add_rows(c, NULL, 0, &tile));
			for (size_t r = 0; r < 20; r++) {
				struct qn_extremes e;

				words = qn_calloc(p.nwords, sizeof(int64_t));
				for (size_t s = 0; s < 2; s++)
					qn_power_add(
						&p,
						values + (20 * s + r) *
								 oracle_size((enum quern_dtype)t),
						1, words, &e, scratch);
				assert_true(qn_column_get(c, r, limb));
				assert_memory_equal(limb, words + p.offset[power - 1],
						    (size_t)c->form.nlimbs * sizeof(*limb));
				free(words);
			}
			assert_int_equal(qn_column_nbytes_spilled(c), 0);
			qn_column_free(c);
		}
		free(scratch);
	}
}

/* Fields as they are take what was announced, and no more. */
static void test_nbytes(void **state)
{
	(void)state;
	for (int i = 0; i < 4; i++) {
		const enum quern_dtype t = i % 2 ? QUERN_F64 : QUERN_F32;
		struct fixture x;

		init(&x, t, 4200);
		for (int k = 0; k < 10; k++) {
			struct qn_column_tile tile = {
				.dtype = t, .values = x.values, .n = 4200, .nsteps = 1
			};

			oracle_fill(t, i < 2 ? KIND_TEMPERATURE : KIND_NORMAL, 4200, x.values);
			assert_true(qn_column_add_rows(x.column[0], x.column[1], 0, &tile));
		}
		for (int k = 0; k < 2; k++) {
			assert_int_equal(qn_column_nbytes_spilled(x.column[k]), 0);
			assert_true(qn_column_nbytes_now(x.column[k]) <=
				    qn_column_nbytes(t, k + 1, 4200));
			assert_true(qn_column_nbytes(t, k + 1, 4200) <
				    4200 * 24 + 2 * sizeof(struct qn_column_block) + 1000);
		}
		fini(&x);
	}
	assert_int_equal(qn_column_nbytes(QUERN_F64, 2, UINT64_MAX / 8), UINT64_MAX);
	assert_null(qn_column_new(QUERN_F64, 2, UINT64_MAX / 8));
}

/* --- merging --- */

#define NCOLUMNS 4

/* Sends rows as bytes. */
static void send(const struct qn_column *from, struct qn_column *to, uint64_t first, uint64_t n)
{
	const uint64_t room = qn_column_pack_nbytes(from, first, n);
	int64_t *bytes = qn_alloc_aligned(room + 8);
	uint64_t nbytes;

	nbytes = qn_column_pack(from, first, n, bytes);
	assert_in_range(nbytes, 8, room);
	assert_false(qn_column_unpack(to, first, n, bytes, nbytes - 8));
	assert_false(qn_column_unpack(to, first, n, bytes, nbytes + 8));
	assert_false(qn_column_unpack(to, first, n, bytes, nbytes - 1));
	assert_false(qn_column_unpack(to, first, n + 1, bytes, nbytes));
	assert_true(qn_column_unpack(to, first, n, bytes, nbytes));
	free(bytes);
}

/* Adds a column to another, at once or in random ranges of rows. */
static void unite(struct qn_column *into, const struct qn_column *from)
{
	if (oracle_below(2)) {
		assert_true(qn_column_merge(into, from));
		return;
	}
	for (uint64_t first = 0, n; first < into->nrows; first += n) {
		n = 1 + oracle_below(into->nrows - first);
		send(from, into, first, n);
	}
}

static void check_merge(enum quern_dtype t, bool mixed)
{
	struct qn_column *column[NCOLUMNS][2];
	const enum oracle_kind kind = random_kind();
	struct fixture x;

	init(&x, t, random_nrows());
	for (int i = 0; i < NCOLUMNS; i++)
		for (int k = 0; k < 2; k++)
			column[i][k] = qn_column_new(t, k + 1, x.nrows);
	for (int i = 0; i < 2 * NCOLUMNS; i++)
		add_any(&x, column[oracle_below(NCOLUMNS)], mixed ? random_kind() : kind);
	for (int n = NCOLUMNS; n > 1; n--) {
		const size_t into = oracle_below((uint64_t)n - 1);

		for (int k = 0; k < 2; k++) {
			unite(column[into][k], column[n - 1][k]);
			qn_column_free(column[n - 1][k]);
		}
	}
	check(&x, (const struct qn_column *const *)column[0]);
	for (int k = 0; k < 2; k++)
		qn_column_free(column[0][k]);
	fini(&x);
}

static void test_merge(void **state)
{
	(void)state;
	for (int t = 0; t < QUERN_NDTYPES; t++)
		for (int i = 0; i < (oracle_is_float((enum quern_dtype)t) ? 24 : 4); i++)
			check_merge((enum quern_dtype)t, i % 2);
}

static void add_one(struct qn_column *c, uint64_t row, float x)
{
	struct qn_column_tile tile = {
		.dtype = QUERN_F32, .values = &x, .n = 1, .nsteps = 1, .stride = 1
	};

	assert_true(
		qn_column_add_rows(c->power == 1 ? c : NULL, c->power == 2 ? c : NULL, row, &tile));
}

/* Units as far apart as there are: the large numbers of one column are no multiples of the other's unit in
   any number of parts, and their signs reach beyond its accumulators. */
static void test_far_apart(void **state)
{
	enum { LEAST = -149, MOST = 127, STEP = 6 };

	(void)state;
	for (int power = 1; power <= 2; power++)
		for (int low = LEAST; low <= MOST; low += STEP)
			for (int high = LEAST; high <= MOST; high += STEP) {
				struct qn_column *into = qn_column_new(QUERN_F32, power, 2);
				struct qn_column *from = qn_column_new(QUERN_F32, power, 2);
				struct qn_column *all = qn_column_new(QUERN_F32, power, 2);
				int64_t got[QN_ACC_MAX_LIMBS] = { 0 },
					want[QN_ACC_MAX_LIMBS] = { 0 };

				add_one(into, 0, ldexpf(1, low));
				add_one(from, 1, ldexpf(-1, high));
				add_one(all, 1, ldexpf(-1, high));
				assert_true(qn_column_merge(into, from));
				assert_true(qn_column_get(into, 1, got));
				assert_true(qn_column_get(all, 1, want));
				if (memcmp(got, want, sizeof(got)))
					fail_msg("power %d: 2^%d, then -2^%d", power, low, high);
				qn_column_free(into);
				qn_column_free(from);
				qn_column_free(all);
			}
}

/* Bytes that are not those of packed rows are refused, or taken; nothing else happens. */
static void test_damage(void **state)
{
	struct fixture x;
	int64_t *bytes, *damaged;
	uint64_t nbytes;

	(void)state;
	init(&x, QUERN_F64, 40);
	for (int i = 0; i < 4; i++)
		add_rows(&x, x.column, KIND_SPIKES);
	nbytes = qn_column_pack_nbytes(x.column[0], 3, 30);
	bytes = qn_alloc_aligned(nbytes);
	damaged = qn_alloc_aligned(nbytes);
	nbytes = qn_column_pack(x.column[0], 3, 30, bytes);
	for (int i = 0; i < 2000; i++) {
		struct qn_column *c = qn_column_new(QUERN_F64, 1, 40);

		memcpy(damaged, bytes, nbytes);
		for (uint64_t k = oracle_below(3) + 1; k > 0; k--)
			damaged[oracle_below(oracle_below(2) ? 6 : nbytes / 8)] =
				oracle_below(2) ? (int64_t)oracle_random()
						: (int64_t)oracle_below(99) - 40;
		qn_column_unpack(c, 5, 30, damaged, nbytes);
		qn_column_free(c);
	}
	free(bytes);
	free(damaged);
	fini(&x);
}

/* --- rows to rows anywhere --- */

/* What the model has of the rows, as often as they are added to each of the target's. */
static void model_scatter(const struct fixture *x, int k, const int64_t *row, int64_t *expected)
{
	const size_t nlimbs = (size_t)x->p.form[k].nlimbs;

	for (size_t r = 0; r < x->nrows; r++)
		for (size_t i = 0; row[r] >= 0 && i < nlimbs; i++)
			expected[(size_t)row[r] * nlimbs + i] +=
				x->words[r * x->p.nwords + x->p.offset[k] + i];
}

/* Adds all rows to `n` rows of another column, several times: by chance, side by side, or to none. */
static void check_scatter(const struct fixture *x, int k, size_t n, int times)
{
	const struct qn_acc_form *f = &x->p.form[k];
	struct qn_column *into = qn_column_new(x->dtype, k + 1, n);
	int64_t *expected = qn_calloc(n * (size_t)f->nlimbs, sizeof(*expected));
	int64_t *row = qn_calloc(x->nrows, sizeof(*row)), limb[QN_ACC_MAX_LIMBS];

	for (int i = 0; i < times; i++) {
		const size_t first = oracle_below(x->nrows);

		for (size_t r = 0; r < x->nrows; r++)
			row[r] = oracle_below(3) ? (int64_t)(i % 2 ? oracle_below(n) : r % n) : -1;
		assert_true(qn_column_scatter(into, x->column[k], 0, first, row));
		assert_true(qn_column_scatter(into, x->column[k], first, x->nrows - first,
					      row + first));
		model_scatter(x, k, row, expected);
	}
	for (size_t r = 0; r < n; r++) {
		qn_acc_normalize(f, expected + r * (size_t)f->nlimbs);
		assert_true(qn_column_get(into, r, limb));
		assert_memory_equal(limb, expected + r * (size_t)f->nlimbs,
				    (size_t)f->nlimbs * sizeof(*limb));
	}
	free(row);
	free(expected);
	qn_column_free(into);
}

static void test_scatter(void **state)
{
	(void)state;
	for (int i = 0; i < 4 * QUERN_NDTYPES; i++) {
		struct fixture x;

		init(&x, (enum quern_dtype)(i % QUERN_NDTYPES), random_nrows());
		for (int k = 0; k < 3; k++)
			add_any(&x, x.column, random_kind());
		for (int k = 0; k < 2; k++) {
			check_scatter(&x, k, 1 + oracle_below(9), 40);
			check_scatter(&x, k, x.nrows + oracle_below(5000), 4);
		}
		fini(&x);
	}
}

/* --- no memory --- */

/* Rows that can be had have all that was added; the others say that they have not. */
static void check_or_spoilt(const struct fixture *x)
{
	int64_t limb[QN_ACC_MAX_LIMBS];

	for (size_t r = 0; r < x->nrows; r++)
		for (int k = 0; k < 2; k++)
			if (qn_column_get(x->column[k], r, limb))
				assert_memory_equal(limb,
						    x->words + r * x->p.nwords + x->p.offset[k],
						    (size_t)x->p.form[k].nlimbs * sizeof(*limb));
}

/* Adds tiles, as long as that can be done. */
static bool add_some(struct fixture *x)
{
	const uint64_t first = oracle_below(x->nrows);

	for (int i = 0; i < 4; i++) {
		struct qn_column_tile t =
			random_tile(x, i == 2 ? KIND_SPIKES : KIND_WIDE, x->nrows - first);
		bool done;

		for (size_t k = 0; k < t.n; k++)
			x->row[k] = (uint32_t)oracle_below(t.n);
		done = i % 2 ? qn_column_add_at(x->column[0], x->column[1], first, x->row, &t)
			     : qn_column_add_rows(x->column[0], x->column[1], first, &t);
		if (!done)
			return false;
		model_add(x, first, i % 2 ? x->row : NULL, &t);
	}
	return true;
}

/* Merges with the n-th allocation failing: all or nothing can be had. */
static bool merge_without(const struct fixture *x, int k, long n)
{
	struct qn_column *into = qn_column_new(x->dtype, k + 1, x->nrows);
	int64_t limb[QN_ACC_MAX_LIMBS];
	bool done;

	test_fail_at(TEST_MEMORY, n);
	done = qn_column_merge(into, x->column[k]);
	test_fail_at(TEST_MEMORY, 0);
	for (size_t r = 0; !done && r < x->nrows; r++)
		assert_false(qn_column_get(into, r, limb));
	qn_column_free(into);
	return done;
}

static void test_no_memory(void **state)
{
	bool done = false;
	struct fixture x;

	(void)state;
	for (long n = 1; !done; n += 1 + n / 3) {
		assert_true(n < 1000000);
		oracle_seed = 5;
		init(&x, QUERN_F64, 4200);
		test_fail_at(TEST_MEMORY, n);
		done = add_some(&x);
		test_fail_at(TEST_MEMORY, 0);
		check_or_spoilt(&x);
		if (!done)
			fini(&x);
	}
	for (int k = 0; k < 2; k++) {
		assert_false(merge_without(&x, k, 1));
		for (long n = 2; !merge_without(&x, k, n); n += 1 + n / 3)
			assert_true(n < 1000000);
	}
	fini(&x);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_baseline),     cmocka_unit_test(test_avx2),
		cmocka_unit_test(test_avx512),	     cmocka_unit_test(test_headroom),
		cmocka_unit_test(test_largest_sums), cmocka_unit_test(test_high_powers),
		cmocka_unit_test(test_quotients),    cmocka_unit_test(test_nbytes),
		cmocka_unit_test(test_merge),	     cmocka_unit_test(test_far_apart),
		cmocka_unit_test(test_damage),	     cmocka_unit_test(test_scatter),
		cmocka_unit_test(test_no_memory),
	};

	return cmocka_run_group_tests_name("column", tests, NULL, NULL);
}
