/*
 * test_covariance.c - covariance against two plain passes in long double, and its rules.
 */
#include <float.h>

#include "base/cpu.h"
#include "kernel_case.h"

/* Of what a covariance can be at most, sqrt(variance * variance): the bound of the kernel. */
#define TOLERANCE 5e-13

static const struct quern_kernel *covariance(void)
{
	return qn_kernel_find("covariance");
}

/* The dataset as rows of features: element (row, feature). */
struct table {
	const struct qn_sample *d;
	size_t outer, nrows, inner;
	bool *complete; /* owned: which rows are */
};

static size_t element_of(const struct table *t, size_t row, size_t feature)
{
	return (feature / t->inner * t->nrows + row) * t->inner + feature % t->inner;
}

static bool row_is_complete(const struct table *t, size_t row)
{
	for (size_t j = 0; j < t->outer * t->inner; j++)
		if (qn_sample_is_missing(t->d, element_of(t, row, j)))
			return false;
	return true;
}

static struct table table_of(const struct qn_sample *d, int sample_dim)
{
	struct table t = { d, 1, (size_t)d->shape[sample_dim], 1, NULL };

	for (int i = 0; i < d->ndim; i++) {
		if (i < sample_dim)
			t.outer *= (size_t)d->shape[i];
		else if (i > sample_dim)
			t.inner *= (size_t)d->shape[i];
	}
	t.complete = calloc(t.nrows + 1, sizeof(bool));
	for (size_t r = 0; r < t.nrows; r++)
		t.complete[r] = row_is_complete(&t, r);
	return t;
}

/* A value less that of the first complete row, so that nothing is lost far from zero. */
static long double value_of(const struct table *t, size_t row, size_t j)
{
	size_t first = 0;

	while (!t->complete[first])
		first++;
	return (long double)qn_sample_value(t->d, element_of(t, row, j)) -
	       (long double)qn_sample_value(t->d, element_of(t, first, j));
}

static size_t count_complete(const struct table *t)
{
	size_t n = 0;

	for (size_t r = 0; r < t->nrows; r++)
		n += t->complete[r];
	return n;
}

static long double plain_mean(const struct table *t, size_t j)
{
	long double sum = 0;

	for (size_t r = 0; r < t->nrows; r++)
		if (t->complete[r])
			sum += value_of(t, r, j);
	return sum / (long double)count_complete(t);
}

static long double plain_covariance(const struct table *t, size_t j, size_t k, long double mean_j,
				    long double mean_k)
{
	long double sum = 0;

	for (size_t r = 0; r < t->nrows; r++)
		if (t->complete[r])
			sum += (value_of(t, r, j) - mean_j) * (value_of(t, r, k) - mean_k);
	return sum / (long double)(count_complete(t) - 1);
}

/* The mean as reported, of which plain_mean is the part beyond the first value. */
static long double reported_mean(const struct table *t, size_t j, long double mean)
{
	size_t first = 0;

	while (!t->complete[first])
		first++;
	return (long double)qn_sample_value(t->d, element_of(t, first, j)) + mean;
}

/* Whether two numbers are equal, within `error`, or are NaN or infinite alike. */
static bool is_near(double x, long double expect, double error)
{
	if (isnan(expect) || isinf(expect))
		return isnan(expect) ? isnan(x) : x == (double)expect;
	return fabsl((long double)x - expect) <= (long double)error;
}

static void check_matrix(const struct table *t, const struct quern_result *r)
{
	const size_t nfeatures = t->outer * t->inner;
	const struct qn_field *mean = field_of(r, "mean"), *cov = field_of(r, "covariance");
	long double *m = calloc(nfeatures, sizeof(*m));
	double *sd = calloc(nfeatures, sizeof(*sd));

	assert_int_equal(mean->n, nfeatures);
	assert_int_equal(cov->n, nfeatures);
	assert_int_equal(cov->ncols, nfeatures);
	for (size_t j = 0; j < nfeatures; j++) {
		long double expect;

		m[j] = plain_mean(t, j);
		expect = reported_mean(t, j, m[j]);
		sd[j] = sqrt((double)plain_covariance(t, j, j, m[j], m[j]));
		assert_true(is_near(mean->v.reals[j], expect,
				    4 * DBL_EPSILON * (fabs((double)expect) + sd[j])));
	}
	for (size_t j = 0; j < nfeatures; j++) {
		for (size_t k = 0; k < nfeatures; k++) {
			long double c = plain_covariance(t, j, k, m[j], m[k]);

			assert_true(is_near(cov->v.reals[j * nfeatures + k], c,
					    TOLERANCE * sd[j] * sd[k]));
			assert_true(is_near(cov->v.reals[k * nfeatures + j],
					    (long double)cov->v.reals[j * nfeatures + k], 0));
		}
	}
	free(m);
	free(sd);
}

static void check_dataset(const struct qn_sample *d, int sample_dim)
{
	struct table t = table_of(d, sample_dim);
	char text[] = "samples=0";
	const char *const settings[] = { text, NULL };
	size_t n;
	struct quern_result r;

	text[sizeof(text) - 2] = (char)('0' + sample_dim);
	run_kernel(covariance(), d, settings, &r);
	n = count_complete(&t);
	assert_int_equal(int_of(&r, "samples"), n);
	assert_int_equal(int_of(&r, "missing"), t.nrows - n);
	assert_int_equal(int_of(&r, "features"), t.outer * t.inner);
	if (n > 1)
		check_matrix(&t, &r);
	else
		assert_int_equal(field_of(&r, "covariance")->type, QN_FIELD_NULL);
	qn_result_fini(&r);
	free(t.complete);
}

static void test_against_two_passes(void **state)
{
	static const uint64_t shape[] = { 9, 11, 7 };
	uint64_t seed = random_seed(1181783497276652981u);
	struct qn_sample d;

	(void)state;
	for (int t = 0; t < QUERN_NDTYPES; t++) {
		for (int i = 0; i < 6; i++) {
			for (int dim = 0; dim < 3; dim++) {
				dataset_init(&d, (enum quern_dtype)t, 3, shape);
				qn_sample_fill(&d, (enum qn_mood)(i / 3), i % 3 ? 300 : 0, &seed);
				d.nan_missing = i % 3 != 2;
				check_dataset(&d, dim);
				qn_sample_fini(&d);
			}
		}
	}
}

/* Several sub-panels, with and without missing values, at every level of instructions. */
static void test_many_rows(void **state)
{
	static const char *const level[] = { "baseline", "avx2", "avx512" };
	static const uint64_t rows_first[] = { 9001, 5 }, rows_last[] = { 5, 9001 };
	uint64_t seed = random_seed(4101842887655102017u);
	struct qn_sample d;

	(void)state;
	for (int i = 0; i < 12; i++) {
		qn_cpu_choose(level[i / 4]);
		dataset_init(&d, QUERN_F32, 2, i & 2 ? rows_last : rows_first);
		qn_sample_fill(&d, QN_SMOOTH, i & 1 ? 20 : 0, &seed);
		check_dataset(&d, i & 2 ? 1 : 0);
		qn_sample_fini(&d);
	}
	qn_cpu_choose(NULL);
}

/* Features of very different and extreme scales, far from zero, or constant. */
static void test_scales(void **state)
{
	static const uint64_t shape[] = { 500, 8 };
	static const struct {
		double offset, width;
	} feature[8] = { { 0, 1e-140 },	   { 1e12, 1e-3 }, { -3e5, 1 },	   { 0, 1e150 },
			 { 1e150, 1e149 }, { 0.125, 0 },   { 1e-3, 1e-9 }, { 0, 1e10 } };
	uint64_t seed = random_seed(88172645463325252u);
	struct qn_sample d;

	(void)state;
	dataset_init(&d, QUERN_F64, 2, shape);
	for (size_t i = 0; i < d.nelems; i++)
		qn_number_store(QUERN_F64, qn_sample_at(&d, i),
				feature[i % 8].offset +
					feature[i % 8].width * qn_random_normal(&seed));
	check_dataset(&d, 0);
	qn_sample_fini(&d);
}

/* Values up to the ends of the range of double do not overflow on the way. */
static void test_ends_of_range(void **state)
{
	static const uint64_t shape[] = { 4, 2 };
	static const double x[] = { -DBL_MAX, 1, DBL_MAX, 2, DBL_MAX, 3, -DBL_MAX, 6 };
	struct quern_result r;
	struct qn_sample d;

	(void)state;
	dataset_init(&d, QUERN_F64, 2, shape);
	memcpy(d.values, x, sizeof(x));
	run_kernel(covariance(), &d, NULL, &r);
	assert_true(field_of(&r, "mean")->v.reals[0] == 0);
	assert_true(field_of(&r, "mean")->v.reals[1] == 3);
	assert_true(isinf(field_of(&r, "covariance")->v.reals[0]));
	/* (-M (1-3) + M (2-3) + M (3-3) - M (6-3)) / 3 = -2 M / 3 */
	assert_true(is_near(field_of(&r, "covariance")->v.reals[1], -2 * (DBL_MAX / 3), 1e294));
	assert_true(is_near(field_of(&r, "covariance")->v.reals[3], 14.0L / 3, 1e-14));
	qn_result_fini(&r);
	qn_sample_fini(&d);
}

/* Features with infinities, or NaN that is a value, are NaN; the others are as without them. */
static void test_not_finite(void **state)
{
	static const uint64_t shape[] = { 50, 5 };
	uint64_t seed = random_seed(2685821657736338717u);
	const struct qn_field *mean, *cov;
	struct quern_result r, plain;
	struct qn_sample d;

	(void)state;
	dataset_init(&d, QUERN_F32, 2, shape);
	qn_sample_fill(&d, QN_SMOOTH, 0, &seed);
	d.nan_missing = false;
	run_kernel(covariance(), &d, NULL, &plain);
	qn_number_store(QUERN_F32, qn_sample_at(&d, 5 * 7 + 1), INFINITY);
	qn_number_store(QUERN_F32, qn_sample_at(&d, 5 * 9 + 2), -INFINITY);
	qn_number_store(QUERN_F32, qn_sample_at(&d, 5 * 30 + 2), INFINITY);
	qn_number_store(QUERN_F32, qn_sample_at(&d, 5 * 11 + 3), NAN);
	run_kernel(covariance(), &d, NULL, &r);
	mean = field_of(&r, "mean");
	cov = field_of(&r, "covariance");
	assert_int_equal(int_of(&r, "samples"), 50);
	assert_true(mean->v.reals[1] == INFINITY);
	assert_true(isnan(mean->v.reals[2]) && isnan(mean->v.reals[3]));
	for (size_t i = 0; i < 25; i++) {
		bool affected = (i / 5 >= 1 && i / 5 <= 3) || (i % 5 >= 1 && i % 5 <= 3);
		double before = field_of(&plain, "covariance")->v.reals[i];

		assert_true(
			is_near(cov->v.reals[i], affected ? NAN : before, fabs(before) * 1e-12));
	}
	qn_result_fini(&r);
	qn_result_fini(&plain);
	qn_sample_fini(&d);
}

static void test_names_and_limits(void **state)
{
	static const char *const good[] = { "samples=time", "samples=0", "samples=2" };
	static const char *const bad[] = { "samples=3", "samples=lat", "samples=-1" };
	static const uint64_t shape[] = { 3, 4, 2 }, wide[] = { 2, 16385, 1 };
	struct quern_message message;
	struct quern_box box;
	struct qn_sample d;
	void *self;

	(void)state;
	dataset_init(&d, QUERN_F32, 3, shape);
	box = qn_sample_box(&d);
	for (size_t i = 0; i < 3; i++) {
		const char *const settings[] = { good[i], NULL };

		assert_int_equal(open_kernel(covariance(), &d, &box, settings, &self, &message),
				 QUERN_OK);
		covariance()->close(self);
	}
	for (size_t i = 0; i < 3; i++) {
		const char *const settings[] = { bad[i], NULL };

		assert_int_equal(open_kernel(covariance(), &d, &box, settings, &self, &message),
				 QUERN_ERR_USAGE);
	}
	qn_sample_fini(&d);
	dataset_init(&d, QUERN_F32, 3, wide);
	box = qn_sample_box(&d);
	assert_int_equal(open_kernel(covariance(), &d, &box, NULL, &self, &message),
			 QUERN_ERR_DATA);
	qn_sample_fini(&d);
}

static void test_few_samples(void **state)
{
	static const uint64_t shape[] = { 3, 2 };
	struct quern_result r;
	struct qn_sample d;

	(void)state;
	dataset_init(&d, QUERN_I16, 2, shape);
	d.valid[0] = d.valid[3] = false;
	run_kernel(covariance(), &d, NULL, &r);
	assert_int_equal(int_of(&r, "samples"), 1);
	assert_int_equal(int_of(&r, "missing"), 2);
	assert_int_equal(field_of(&r, "mean")->n, 2);
	assert_int_equal(field_of(&r, "covariance")->type, QN_FIELD_NULL);
	qn_result_fini(&r);
	d.valid[5] = false;
	run_kernel(covariance(), &d, NULL, &r);
	assert_int_equal(int_of(&r, "samples"), 0);
	assert_int_equal(field_of(&r, "mean")->type, QN_FIELD_NULL);
	qn_result_fini(&r);
	qn_sample_fini(&d);
}

/* --- Sampling ------------------------------------------------------------------------------- */

#define NSAMPLES       40000
#define NFEATURES      3
#define PIECE_NSAMPLES 2000
#define EVERY	       4 /* of so many pieces one is in the sample */

static bool in_sample(size_t row)
{
	return row / PIECE_NSAMPLES % EVERY == 1;
}

static void cut_evenly(const struct qn_sample *d, const bool *whole, struct qn_tiling *ps)
{
	struct quern_box box = qn_sample_box(d);
	uint64_t seed = random_seed(1);

	box.count[0] = PIECE_NSAMPLES;
	for (; box.start[0] < d->shape[0]; box.start[0] += PIECE_NSAMPLES)
		qn_tiling_split(ps, d, &box, whole, 0, &seed);
}

/* A pass, the last piece first, dealt to nstates states, which are merged. */
static int64_t *run_dealt(const void *self, const struct qn_tiling *ps, size_t nstates, bool sample,
			  struct qn_layout_of_state *l)
{
	int64_t *state[3];

	assert_int_equal(qn_state_layout(covariance(), self, l, NULL), QUERN_OK);
	for (size_t i = 0; i < nstates; i++) {
		state[i] = guarded_alloc(l->nwords * sizeof(int64_t));
		qn_state_identity(l, state[i]);
	}
	for (size_t i = ps->n; i-- > 0;)
		if (!sample || i % EVERY == 1)
			absorb_piece(covariance(), self, state[i % nstates], ps->piece[i]);
	for (size_t i = 0; i < nstates; i++) {
		normalize(covariance(), self, state[i]);
		if (i == 0)
			continue;
		qn_state_merge(l, state[0], state[i]);
		guarded_free(state[i], l->nwords * sizeof(int64_t));
	}
	normalize(covariance(), self, state[0]);
	return state[0];
}

/* All passes, those that need not see everything on a sample if `sample`; returns how many. */
static int run_sampled(const struct qn_sample *d, size_t nstates, bool sample,
		       struct quern_result *r)
{
	struct quern_box box = qn_sample_box(d);
	bool whole[QUERN_MAX_DIMS + 1], more;
	struct quern_message message;
	struct qn_layout_of_state l;
	struct qn_tiling ps = { .roles = case_roles };
	void *self;
	int npasses = 0;

	assert_int_equal(open_kernel(covariance(), d, &box, NULL, &self, &message), QUERN_OK);
	demand_of(covariance(), self, whole);
	cut_evenly(d, whole, &ps);
	memset(r, 0, sizeof(*r));
	do {
		bool part = sample && covariance()->sample(self) > 0;
		int64_t *state = run_dealt(self, &ps, nstates, part, &l);

		npasses++;
		more = covariance()->advance(self, state);
		if (!more)
			covariance()->emit(self, state, r);
		guarded_free(state, l.nwords * sizeof(*state));
	} while (more);
	qn_tiling_fini(&ps);
	covariance()->close(self);
	return npasses;
}

static void check_equal(const struct quern_result *a, const struct quern_result *b)
{
	static const char *const arrays[] = { "mean", "covariance" };

	assert_int_equal(int_of(a, "samples"), int_of(b, "samples"));
	assert_int_equal(int_of(a, "missing"), int_of(b, "missing"));
	for (size_t i = 0; i < 2; i++) {
		const struct qn_field *x = field_of(a, arrays[i]), *y = field_of(b, arrays[i]);
		const size_t n = x->n * (x->ncols ? x->ncols : 1);

		assert_int_equal(x->n, y->n);
		assert_memory_equal(x->v.reals, y->v.reals, n * sizeof(double));
	}
}

/* Values of feature 1; the others are plain noise. */
static double plain(size_t row, double noise)
{
	return 280 + (double)row * 1e-4 + noise;
}

static double constant_in_sample(size_t row, double noise)
{
	return in_sample(row) ? 0.3 : noise;
}

static double wild_elsewhere(size_t row, double noise)
{
	return in_sample(row) || row / PIECE_NSAMPLES != 11 ? noise : 1000 * noise;
}

static double shifted_elsewhere(size_t row, double noise)
{
	return in_sample(row) ? noise : 50 + noise;
}

/* Nearly everything is much smaller than one value of the sample. */
static double wild_in_sample(size_t row, double noise)
{
	return row == PIECE_NSAMPLES + 5 ? 1.1e6 : noise;
}

static double infinite_elsewhere(size_t row, double noise)
{
	return row == 11 * PIECE_NSAMPLES ? INFINITY : noise;
}

static double missing_in_sample(size_t row, double noise)
{
	return in_sample(row) ? NAN : noise;
}

static double missing_now_and_then(size_t row, double noise)
{
	return row % 31 == 0 ? NAN : noise;
}

static void fill_features(struct qn_sample *d, double (*feature)(size_t, double))
{
	static const uint64_t shape[] = { NSAMPLES, NFEATURES };
	uint64_t seed = random_seed(2862933555777941757u);

	dataset_init(d, QUERN_F64, 2, shape);
	d->nan_missing = true;
	for (size_t i = 0; i < d->nelems; i++) {
		double noise = qn_random_normal(&seed);

		qn_number_store(QUERN_F64, qn_sample_at(d, i),
				i % NFEATURES == 1 ? feature(i / NFEATURES, noise) : noise);
	}
}

/*
 * A sample that does for all saves the pass over everything, within the bounds of the error. One
 * that does not is found out, before the products (3 passes) or by them (4), and the result is, to
 * the bit, what it is without sampling.
 */
static void test_samples(void **state)
{
	static const struct {
		double (*feature)(size_t, double);
		int npasses;
	} cases[] = {
		{ plain, 2 },
		{ missing_now_and_then, 2 },
		{ constant_in_sample, 3 },
		{ missing_in_sample, 3 },
		{ wild_elsewhere, 4 },
		{ shifted_elsewhere, 4 },
		{ wild_in_sample, 4 },
		{ infinite_elsewhere, 4 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct quern_result all, sampled, dealt;
		struct qn_sample d;
		struct table t;

		fill_features(&d, cases[i].feature);
		t = table_of(&d, 0);
		assert_int_equal(run_sampled(&d, 1, false, &all), 2);
		assert_int_equal(run_sampled(&d, 1, true, &sampled), cases[i].npasses);
		assert_int_equal(run_sampled(&d, 3, true, &dealt), cases[i].npasses);
		check_equal(&sampled, &dealt);
		if (cases[i].npasses > 2)
			check_equal(&sampled, &all);
		if (cases[i].feature != infinite_elsewhere)
			check_matrix(&t, &sampled);
		qn_result_fini(&all);
		qn_result_fini(&sampled);
		qn_result_fini(&dealt);
		free(t.complete);
		qn_sample_fini(&d);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_against_two_passes),
		cmocka_unit_test(test_many_rows),
		cmocka_unit_test(test_scales),
		cmocka_unit_test(test_ends_of_range),
		cmocka_unit_test(test_not_finite),
		cmocka_unit_test(test_names_and_limits),
		cmocka_unit_test(test_few_samples),
		cmocka_unit_test(test_samples),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
