/*
 * quantiles.c - `quantiles` and `median`: which way they are found, and what is emitted of them.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "kernel/list.h"
#include "kernels/kernels.h"
#include "kernels/quantiles/quantiles.h"

/* Where counters of rows would have fewer words than this, lists do better. */
#define LEAST_WORDS (UINT64_C(1) << 12)
/* Up to so many bytes of lists, of all rows, are preferred to several passes. */
#define MOST_LISTS_NBYTES (UINT64_C(256) << 20)
/* Words of samples, of a row and of all. */
#define MOST_SAMPLE_WORDS      (UINT64_C(1) << 22)
#define MOST_ALL_SAMPLES_WORDS (UINT64_C(1) << 23)

#define APPROX                                                                           \
	{                                                                                \
		"approx", 0, QUERN_OPT_REALS, "EPS", NULL, 1, 1,                         \
			"in one pass, with ranks off by at most this part of all values" \
	}

static const struct quern_option quantiles_options[] = {
	{ "q", 0, QUERN_OPT_REALS, "Q,...", "0.25,0.5,0.75", 1, QN_MOST_QUANTILES,
	  "which quantiles, from 0, the least value, to 1, the greatest; 0.5 is the median" },
	APPROX,
	{ .name = NULL },
};

static const struct quern_option median_options[] = {
	APPROX,
	{ .name = NULL },
};

static enum quern_status check_quantiles(const struct qn_quantiles *s, const struct quern_input *in)
{
	for (size_t i = 0; i < s->n; i++)
		if (!(s->q[i] >= 0 && s->q[i] <= 1))
			return quern_message_set(
				in->message, QUERN_ERR_USAGE,
				"--q %.9g: a quantile is a number from 0 to 1%s", s->q[i],
				s->q[i] > 1 && s->q[i] <= 100
					? "; a percentile is a hundred times as much"
					: "");
	return QUERN_OK;
}

static void quantiles_close(void *self)
{
	struct qn_quantiles *s = self;

	free(s->course);
	free(s);
}

/* Of all rows; UINT64_MAX: more than there can be. */
static uint64_t lists_nbytes(const struct qn_quantiles *s)
{
	uint64_t nbytes;

	return qn_mul(s->nrows, s->most_in_row, &nbytes) &&
			       qn_mul(nbytes, qn_list_key_nbytes(s->dtype), &nbytes)
		       ? nbytes
		       : UINT64_MAX;
}

/* Few rows are counted, and those of which the lists would be too much. */
static const struct qn_quantile_way *choose_exact(const struct qn_quantiles *s)
{
	return qn_quantiles_count_words(s->nrows) < LEAST_WORDS ||
			       (s->nrows > 1 && lists_nbytes(s) <= MOST_LISTS_NBYTES)
		       ? &qn_quantiles_listed
		       : &qn_quantiles_counted;
}

/* What is exact in one pass, in no more room than a sample takes, is done so; and what a sample would be too large
   for. */
static void choose_way(struct qn_quantiles *s, double rank_error)
{
	const uint64_t n = rank_error > 0 ? qn_quantiles_sample_size(rank_error) : 0;
	const uint64_t nwords = qn_quantiles_sample_nwords(s->dtype, n);
	const uint64_t most =
		qn_min_u64(MOST_SAMPLE_WORDS, MOST_ALL_SAMPLES_WORDS / qn_max_u64(s->nrows, 1));

	s->way = choose_exact(s);
	s->is_approximate = rank_error > 0;
	if (!s->is_approximate)
		return;
	if (s->nrows == 1 && qn_list_nwords(s->dtype, s->most_in_row) <= nwords) {
		s->way = &qn_quantiles_listed;
	} else if (s->way == &qn_quantiles_counted && nwords <= most) {
		s->way = &qn_quantiles_sampled;
		s->nsampled = (size_t)n;
	}
}

static enum quern_status check_approx(const struct quern_input *in, double *rank_error)
{
	*rank_error = 0;
	if (!quern_option_reals(in->options, "approx", 1, rank_error) ||
	    (*rank_error > 0 && *rank_error < 0.5))
		return QUERN_OK;
	return quern_message_set(in->message, QUERN_ERR_USAGE,
				 "--approx %.9g: how far off ranks may be is a part of all values, "
				 "above 0 and below 0.5, such as 0.01",
				 *rank_error);
}

static enum quern_status open_with(const struct quern_input *in, struct qn_quantiles *s,
				   void **self)
{
	enum quern_status st = check_quantiles(s, in);
	double rank_error;

	s->dtype = in->dtype;
	s->nan_missing = in->nan_missing;
	s->nrows = in->nrows;
	s->most_in_row = in->most_in_row;
	s->ndim = in->ndim;
	memcpy(s->shape, in->shape, (size_t)in->ndim * sizeof(s->shape[0]));
	if (!st)
		st = check_approx(in, &rank_error);
	if (!st) {
		choose_way(s, rank_error);
		if (!s->way->open(s))
			st = quern_message_set(in->message, QUERN_ERR_RUN, "out of memory");
	}
	if (st)
		quantiles_close(s);
	else
		*self = s;
	return st;
}

static enum quern_status quantiles_open(const struct quern_input *in, void **self)
{
	struct qn_quantiles *s = qn_calloc(1, sizeof(*s));

	if (!s)
		return quern_message_set(in->message, QUERN_ERR_RUN, "out of memory");
	s->n = quern_option_reals(in->options, "q", QN_MOST_QUANTILES, s->q);
	return open_with(in, s, self);
}

static enum quern_status median_open(const struct quern_input *in, void **self)
{
	struct qn_quantiles *s = qn_calloc(1, sizeof(*s));

	if (!s)
		return quern_message_set(in->message, QUERN_ERR_RUN, "out of memory");
	s->n = 1;
	s->q[0] = 0.5;
	return open_with(in, s, self);
}

/* --- slots --- */

static int quantiles_layout(const void *self, struct quern_segment *segments)
{
	const struct qn_quantiles *s = self;

	return s->way->layout(s, segments);
}

static size_t quantiles_most_words(const void *self)
{
	const struct qn_quantiles *s = self;

	return s->way->most_words(s);
}

static size_t quantiles_most_values(const void *self)
{
	const struct qn_quantiles *s = self;

	return s->n;
}

static size_t quantiles_scratch(const void *self)
{
	(void)self;
	return qn_quantiles_scratch_nbytes();
}

static void quantiles_absorb(const void *self, int64_t *state, void *scratch,
			     const struct quern_tile *tile)
{
	const struct qn_quantiles *s = self;

	s->way->absorb(s, state, scratch, tile);
}

static bool quantiles_absorb_rows(const void *self, struct qn_cells *cells, void *scratch,
				  const struct quern_tile *tile, const struct qn_row_run *run)
{
	const struct qn_quantiles *s = self;

	return s->way->absorb_rows(s, cells, scratch, tile, run);
}

static void quantiles_normalize(const void *self, int64_t *state)
{
	const struct qn_quantiles *s = self;

	if (s->way->normalize)
		s->way->normalize(s, state);
}

static void quantiles_review(void *self, uint64_t row, const int64_t *state)
{
	const struct qn_quantiles *s = self;

	if (s->way == &qn_quantiles_counted)
		qn_quantiles_review(self, row, state);
}

static bool quantiles_is_reviewed(const void *self)
{
	const struct qn_quantiles *s = self;

	return s->way == &qn_quantiles_counted;
}

static bool quantiles_advance(void *self, const int64_t *state)
{
	const struct qn_quantiles *s = self;

	return s->way == &qn_quantiles_counted && qn_quantiles_advance(self, state);
}

/* Nothing, where there is one pass. */
static void *quantiles_shared(void *self, size_t *nbytes)
{
	struct qn_quantiles *s = self;

	*nbytes = s->course_nbytes;
	return s->course ? (void *)s->course : self;
}

/* --- result --- */

static bool has_none(const struct qn_quantiles *s, const int64_t *state)
{
	return s->nan_missing ? !qn_quantiles_nvalues(state) : !state[QN_QUANTILES_COUNT];
}

/* Of a state that has values. */
static bool find(const struct qn_quantiles *s, const int64_t *state, double *values)
{
	if (!state[QN_QUANTILES_NANS] || s->nan_missing)
		return s->way->find(s, state, values);
	for (size_t i = 0; i < s->n; i++)
		values[i] = NAN;
	return true;
}

/* How good it is, where that was asked for. */
static void emit_error(const struct qn_quantiles *s, const int64_t *state, struct quern_result *r)
{
	const bool is_sampled = s->way == &qn_quantiles_sampled && !has_none(s, state);
	const double error = is_sampled ? qn_quantiles_rank_error(s, state) : 0;

	if (!s->is_approximate)
		return;
	quern_result_real(r, "rank_error", error);
	quern_result_real(r, "confidence", error > 0 ? QN_QUANTILES_CONFIDENCE : 1);
}

static const char *const *quantiles_fields(const void *self)
{
	static const char *const fields[2][7] = {
		{ "count", "missing", "q", "values", NULL },
		{ "count", "missing", "q", "values", "rank_error", "confidence", NULL },
	};
	const struct qn_quantiles *s = self;

	return fields[s->is_approximate];
}

static void quantiles_emit(const void *self, const int64_t *state, struct quern_result *r)
{
	const struct qn_quantiles *s = self;
	const int64_t nan = s->nan_missing ? state[QN_QUANTILES_NANS] : 0;
	double values[QN_MOST_QUANTILES];

	quern_result_int(r, "count", state[QN_QUANTILES_COUNT] - nan);
	quern_result_int(r, "missing", state[QN_QUANTILES_MISSING] + nan);
	quern_result_reals(r, "q", s->n, 0, s->q);
	if (has_none(s, state))
		quern_result_null(r, "values");
	else if (find(s, state, values))
		quern_result_reals(r, "values", s->n, 0, values);
	else
		quern_result_lost(r);
	emit_error(s, state, r);
}

static const char *const *median_fields(const void *self)
{
	static const char *const fields[2][4] = {
		{ "median", NULL },
		{ "median", "rank_error", "confidence", NULL },
	};
	const struct qn_quantiles *s = self;

	return fields[s->is_approximate];
}

static void median_emit(const void *self, const int64_t *state, struct quern_result *r)
{
	const struct qn_quantiles *s = self;
	double value;

	if (has_none(s, state))
		quern_result_null(r, "median");
	else if (find(s, state, &value))
		quern_result_real(r, "median", value);
	else
		quern_result_lost(r);
	emit_error(s, state, r);
}

#define QUANTILES_SLOTS                                                                           \
	.abi = QUERN_KERNEL_ABI, .repeats = true, .close = quantiles_close,                       \
	.layout = quantiles_layout, .most_words = quantiles_most_words,                           \
	.most_values = quantiles_most_values, .scratch = quantiles_scratch,                       \
	.absorb = quantiles_absorb, .absorb_rows = quantiles_absorb_rows, .has_row_states = true, \
	.normalize = quantiles_normalize, .review = quantiles_review,                             \
	.is_reviewed = quantiles_is_reviewed, .advance = quantiles_advance,                       \
	.shared = quantiles_shared

const struct quern_kernel qn_kernel_median = {
	.name = "median",
	.doc = "median, exact unless --approx is given, and nothing else",
	.options = median_options,
	.fields = median_fields,
	.open = median_open,
	.emit = median_emit,
	QUANTILES_SLOTS,
};

const struct quern_kernel qn_kernel_quantiles = {
	.name = "quantiles",
	.doc = "quantiles, by linear interpolation as numpy's, exact unless --approx is given",
	.options = quantiles_options,
	.fields = quantiles_fields,
	.open = quantiles_open,
	.emit = quantiles_emit,
	QUANTILES_SLOTS,
};
