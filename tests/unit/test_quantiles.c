/*
 * test_quantiles.c - exact quantiles against a sort of all values and rational arithmetic, for every type and
 * kind of data: of one row, and of a few, which are found in passes.
 */
#include "kernel_case.h"

#include "exact_oracle.h"
#include "kernels/quantiles/select.h"

static const struct quern_kernel *quantiles;
static const double wanted[] = { 0, 1, 0.5, 0.25, 0.1, 1.0 / 3, 0.9999, 0.75 };
#define NWANTED (sizeof(wanted) / sizeof(*wanted))
static const char *const settings[] = { "q=0,1,0.5,0.25,0.1,0.33333333333333331,0.9999,0.75",
					NULL };

/* Elements, by number. */
static const struct qn_sample *compared;

static int compare(const void *pa, const void *pb)
{
	const size_t a = *(const size_t *)pa, b = *(const size_t *)pb;
	const enum quern_dtype t = compared->dtype;
	const void *x = qn_sample_at(compared, a), *y = qn_sample_at(compared, b);

	if (oracle_is_float(t)) {
		const double u = oracle_double(t, x), v = oracle_double(t, y);

		return u != v ? (u < v ? -1 : 1) : (int)signbit(v) - (int)signbit(u);
	}
	if (qn_dtype_is_signed(t)) {
		const int64_t u = oracle_signed(t, x), v = oracle_signed(t, y);

		return (u > v) - (u < v);
	}
	return (oracle_unsigned(t, x) > oracle_unsigned(t, y)) -
	       (oracle_unsigned(t, x) < oracle_unsigned(t, y));
}

/* The numbers of the elements of a row that have a value, in rising order; those of row r are each nrows-th. */
static size_t sort(const struct qn_sample *d, size_t row, size_t nrows, size_t *at)
{
	size_t n = 0;

	for (size_t i = row; i < d->nelems; i += nrows)
		if (!qn_sample_is_missing(d, i))
			at[n++] = i;
	compared = d;
	qsort(at, n, sizeof(*at), compare);
	return n;
}

static bool is_infinite(const struct qn_sample *d, size_t i)
{
	return oracle_is_float(d->dtype) && isinf(qn_sample_value(d, i));
}

static void check_between(const struct qn_sample *d, size_t a, size_t b, double w, double got)
{
	mpq_t x, y, weight;

	if (is_infinite(d, a) || (w > 0 && is_infinite(d, b))) {
		const double u = qn_sample_value(d, a), v = qn_sample_value(d, b);
		const double expect = !(w > 0) || isinf(u) ? u : v;

		if (w > 0 && isinf(u) && isinf(v) && u != v)
			assert_true(isnan(got));
		else
			assert_true(got == expect);
		return;
	}
	mpq_inits(x, y, weight, NULL);
	oracle_get(d->dtype, d->values, a, x);
	oracle_get(d->dtype, d->values, b, y);
	mpq_set_d(weight, w);
	mpq_sub(y, y, x);
	mpq_mul(y, y, weight);
	mpq_add(x, x, y);
	assert_true(mpq_sgn(x) == 0 ? got == 0 : oracle_is_nearest(got, x, false));
	mpq_clears(x, y, weight, NULL);
}

static void check_row(const struct qn_sample *d, size_t row, size_t nrows,
		      const struct quern_result *r)
{
	size_t *at = qn_calloc(d->nelems, sizeof(*at));
	const size_t n = sort(d, row, nrows, at);
	const struct qn_field *values = field_of(r, "values");

	assert_int_equal(int_of(r, "count"), n);
	assert_int_equal(field_of(r, "q")->n, NWANTED);
	if (!n)
		assert_int_equal(values->type, QN_FIELD_NULL);
	for (size_t i = 0; n && i < NWANTED; i++) {
		const double h = (double)(n - 1) * wanted[i];
		const size_t low = (size_t)floor(h), high = low + 1 < n ? low + 1 : low;

		check_between(d, at[low], at[high], high > low ? h - floor(h) : 0,
			      values->v.reals[i]);
	}
	free(at);
}

static void make(struct qn_sample *d, int t, int i, uint64_t *seed)
{
	static const uint64_t shape[] = { 7, 31, 53 };

	dataset_init(d, (enum quern_dtype)t, 3, shape);
	qn_sample_fill(d, (enum qn_mood)(i / 3), i % 3 ? 30 : 0, seed);
	if (i % 3 == 2 && oracle_is_float(d->dtype))
		for (size_t k = 0; k < d->nelems; k += 3)
			qn_number_store(d->dtype, qn_sample_at(d, k), k % 2 ? INFINITY : -INFINITY);
}

static void test_sorted(void **state)
{
	uint64_t seed = random_seed(99);

	(void)state;
	for (int t = 0; t < QUERN_NDTYPES; t++)
		for (int i = 0; i < 3 * QN_NMOODS; i++) {
			struct quern_result r;
			struct qn_sample d;

			make(&d, t, i, &seed);
			run_kernel(quantiles, &d, settings, &r);
			check_row(&d, 0, 1, &r);
			qn_result_fini(&r);
			qn_sample_fini(&d);
		}
}

/* --- by ranks --- */

/* Keys of some distribution: many, few or hardly any different ones, and those that rise. */
static uint64_t random_key(int kind, size_t i, uint64_t *seed)
{
	const uint64_t x = qn_random_bits(seed);

	switch (kind) {
	case 0:
		return x;
	case 1:
		return x % 5 + (x >> 63 << 20);
	case 2:
		return x % 100 ? 7 : x;
	default:
		return i << 3 | 5;
	}
}

static void check_select(enum quern_dtype t, int kind, size_t n, uint64_t *seed)
{
	int64_t *list = qn_calloc(qn_list_nwords(t, n), sizeof(*list));
	void *sorted = qn_calloc(n, sizeof(uint64_t));
	const size_t size = qn_list_key_nbytes(t);

	for (size_t i = 0; i < n; i++) {
		const uint64_t key = random_key(kind, i, seed);

		qn_list_append(t, list, &key, 1);
	}
	memcpy(sorted, list + 1, n * size);
	qn_order_sort(t, sorted, n);
	for (size_t at = 0; at < n; at += 1 + n / 5) {
		const uint64_t ranks[2] = { at, at + (at + 1 < n) };
		uint64_t key[2];

		assert_true(qn_quantile_select(t, list + 1, n, ranks, key));
		for (int i = 0; i < 2; i++)
			assert_int_equal(key[i], size == 4 ? ((uint32_t *)sorted)[ranks[i]]
							   : ((uint64_t *)sorted)[ranks[i]]);
	}
	free(sorted);
	free(list);
}

static void test_select(void **state)
{
	uint64_t seed = random_seed(7);

	(void)state;
	for (int kind = 0; kind < 4; kind++)
		for (size_t n = 1; n < 40000; n += 1 + n / 2 + random_below(&seed, 50)) {
			check_select(QUERN_F32, kind, n, &seed);
			check_select(QUERN_F64, kind, n, &seed);
		}
}

/* --- rows that are counted in passes --- */

#define NROWS 3

/* A pass over elements each of which is a tile of its own. */
static void absorb_all(const struct qn_sample *d, void *self, const struct qn_layout_of_state *l,
		       int64_t *const states[NROWS], uint64_t *seed)
{
	const struct quern_box box = qn_sample_box(d);
	const size_t nbytes = scratch_nbytes(quantiles, self);
	void *scratch = guarded_alloc(nbytes);

	for (size_t r = 0; r < NROWS; r++)
		qn_state_identity(l, states[r]);
	for (size_t i = 0; i < d->nelems; i++) {
		struct qn_tiling ps = { .roles = case_roles };

		qn_tiling_add(&ps, d, &box, i, 1, seed);
		ps.piece[0]->tile.row = i % NROWS;
		quantiles->absorb(self, states[i % NROWS], scratch, &ps.piece[0]->tile);
		qn_tiling_fini(&ps);
	}
	guarded_free(scratch, nbytes);
}

static bool one_pass(const struct qn_sample *d, void *self, uint64_t *seed)
{
	int64_t *states[NROWS];
	struct qn_layout_of_state l;
	bool more;

	assert_int_equal(qn_state_layout(quantiles, self, &l, NULL), QUERN_OK);
	for (size_t r = 0; r < NROWS; r++)
		states[r] = guarded_alloc(l.nwords * sizeof(int64_t));
	absorb_all(d, self, &l, states, seed);
	for (size_t r = 0; r < NROWS; r++) {
		quantiles->normalize(self, states[r]);
		quantiles->review(self, r, states[r]);
	}
	more = quantiles->advance(self, states[0]);
	for (size_t r = 0; r < NROWS; r++) {
		struct quern_result result = { 0 };

		if (!more) {
			quantiles->emit(self, states[r], &result);
			check_row(d, r, NROWS, &result);
		}
		qn_result_fini(&result);
		guarded_free(states[r], l.nwords * sizeof(int64_t));
	}
	return more;
}

/* So many elements may be in a row that their lists would be too large. */
static void test_rows(void **state)
{
	uint64_t seed = random_seed(7);

	(void)state;
	for (int t = 0; t < QUERN_NDTYPES; t++)
		for (int i = t % 2; i < 3 * QN_NMOODS; i += 2) {
			struct quern_message message;
			struct quern_box box;
			struct qn_sample d;
			void *self;
			int npasses = 1;

			make(&d, t, i, &seed);
			box = qn_sample_box(&d);
			case_nrows = NROWS;
			case_most_in_row = UINT64_C(1) << 40;
			assert_int_equal(
				open_kernel(quantiles, &d, &box, settings, &self, &message),
				QUERN_OK);
			case_nrows = 1;
			case_most_in_row = 0;
			while (one_pass(&d, self, &seed))
				npasses++;
			assert_in_range(npasses, 1, 6);
			quantiles->close(self);
			qn_sample_fini(&d);
		}
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_sorted),
					    cmocka_unit_test(test_select),
					    cmocka_unit_test(test_rows) };

	quantiles = qn_kernel_find("quantiles");
	return cmocka_run_group_tests(tests, NULL, NULL);
}
