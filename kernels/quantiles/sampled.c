/*
 * sampled.c - quantiles of a sample, in one pass: the values of those elements whose indexes in the dataset have
 * the least hashes.
 *
 *	state    | count | missing | NaN | n entries: hash, key of the value |
 *	segment  |        SUM, 3         |               LEAST               |
 *
 * Which they are depends on nothing but which elements have values: not on the order in which they come, nor on
 * how they are shared out. Elements that are missing or left out take no place in the sample.
 *
 * How good it is: the hash knows nothing of the values, so that the n are any n of all N, without one twice. Of
 * these, the part that is below a threshold is off by t or more with a probability of at most
 *
 *	exp(-2 n t^2 / (1 - (n - 1) / N))		(Serfling 1974, Corollary 1.1)
 *
 * on either side, whatever the distribution. t is such that this is at most UNSURE for both sides of the most quantiles
 * that there can be, together. What stands between two values of the sample may be off by one more of
 * each. No sketch that is merged in any order, and is the same for all of them, is known to do this in so little room
 * with certainty.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/least.h"
#include "base/mem.h"
#include "kernel/list.h"
#include "kernel/order.h"
#include "kernel/tile.h"
#include "kernels/quantiles/quantiles.h"
#include "kernels/quantiles/sampled_simd.h"

#define SAMPLE QN_QUANTILES_REST
#define UNSURE (1 - QN_QUANTILES_CONFIDENCE)

typedef size_t find_fn(uint32_t, uint32_t, size_t, uint32_t, uint32_t, uint16_t *);

static find_fn *const finds[] = QN_ISA_TABLE(qn_sample_find);

/* --- how large --- */

/* -ln of the probability that one side of one quantile may be off with. */
static double log_of_odds(void)
{
	return log(2 * QN_MOST_QUANTILES / UNSURE);
}

/* n of so many that the rest of Serfling's bound makes no difference; that solved for n. */
uint64_t qn_quantiles_sample_size(double rank_error)
{
	const double a = sqrt(log_of_odds() / 2);
	const double x = (sqrt(a * a + 8 * rank_error) - a) / 4; /* 2 x^2 + a x = rank_error */

	return (uint64_t)fmin(ceil(1 / (x * x)), 0x1p62);
}

/* An entry ends with what is not UINT64_MAX: the keys of integers of 64 bits may be that. */
static size_t width_of(enum quern_dtype t)
{
	return t == QUERN_I64 || t == QUERN_U64 ? 3 : 2;
}

uint64_t qn_quantiles_sample_nwords(enum quern_dtype t, uint64_t n)
{
	uint64_t nwords;

	return qn_mul(n, width_of(t), &nwords) ? nwords : UINT64_MAX;
}

static bool sampled_open(struct qn_quantiles *q)
{
	q->width = width_of(q->dtype);
	return true;
}

static int sampled_layout(const struct qn_quantiles *q, struct quern_segment *segments)
{
	segments[0] = (struct quern_segment){ .op = QUERN_SUM, .nwords = QN_QUANTILES_REST };
	segments[1] = (struct quern_segment){
		.op = QUERN_LEAST, .nwords = q->nsampled * q->width, .width = q->width, .power = 1
	};
	return 2;
}

static size_t sampled_most_words(const struct qn_quantiles *q)
{
	(void)q;
	return 0;
}

/* --- elements --- */

/* Indexes are hashed by their low 32 bits, in an order that the others choose. */
static uint32_t salt_of(uint64_t index)
{
	return qn_sample_mix((uint32_t)(index >> 32) + UINT32_C(0x9e3779b9));
}

/* Two different ones have the same once in 2^63. */
static int64_t hash_of(uint64_t index)
{
	const uint32_t salt = salt_of(index), h = qn_sample_mix((uint32_t)index ^ salt);

	return (int64_t)((uint64_t)h << 31 | qn_sample_mix(h + salt + (uint32_t)index * 3) >> 1);
}

/* What a hash may begin with, to be better than the worst of the sample. */
static uint32_t limit_of(const int64_t *sample)
{
	return (uint32_t)((uint64_t)sample[0] >> 31);
}

static void offer(const struct qn_quantiles *q, int64_t *sample, uint64_t index, const void *value)
{
	int64_t entry[3] = { hash_of(index), 0, 0 };
	uint64_t key;

	qn_order_keys(q->dtype, value, 1, &key);
	entry[1] = (int64_t)key;
	qn_least_offer(sample, q->nsampled * q->width, q->width, entry);
}

/* Elements of a box whose indexes in the dataset are first, first + stride ... */
struct line {
	uint64_t first, stride;
	size_t n;
};

/* The line that element `at` of a box begins, of at most n elements. Boxes that are whole along the last dimensions
   have long ones. The upper 32 bits of its indexes are the same. */
static struct line find_line(const struct qn_quantiles *q, const struct quern_box *box, uint64_t at,
			     size_t n)
{
	struct line l = { .first = qn_box_index(box, at, q->shape), .stride = 1 };
	uint64_t length = 1;

	for (int d = box->ndim - 1; d >= 0; d--) {
		const bool is_last = d == box->ndim - 1;

		if (is_last)
			l.stride = qn_max_u64(box->step[d], 1);
		else if (box->step[d] != 1 || l.stride != 1 || box->count[d + 1] != q->shape[d + 1])
			break;
		length *= box->count[d];
	}
	l.n = (size_t)qn_min_u64(n, length - at % length);
	l.n = (size_t)qn_min_u64(l.n, (UINT32_MAX - (l.first & UINT32_MAX)) / l.stride + 1);
	return l;
}

static bool has_bit(const uint64_t *bits, uint64_t i)
{
	return !bits || (bits[i / 64] >> i % 64 & 1);
}

/* Elements `first` and so on of a tile. */
static void offer_line(const struct qn_quantiles *q, int64_t *sample, void *scratch,
		       const struct quern_var *v, const uint64_t *valid, size_t first,
		       const struct line *l)
{
	const size_t size = qn_dtype_size(q->dtype);
	uint16_t *at = scratch;
	const size_t n = finds[qn_cpu_level()]((uint32_t)l->first, (uint32_t)l->stride, l->n,
					       salt_of(l->first), limit_of(sample), at);

	for (size_t i = 0; i < n; i++)
		if (has_bit(valid, first + at[i]))
			offer(q, sample, l->first + at[i] * l->stride,
			      (const char *)v->values + (first + at[i]) * size);
}

static void sampled_absorb(const struct qn_quantiles *q, int64_t *state, void *scratch,
			   const struct quern_tile *tile)
{
	const struct quern_var *v = tile->var;
	uint64_t marked[QUERN_TILE_NELEMS / 64];
	const bool is_float = qn_dtype_is_float(q->dtype);
	const size_t nlacking = is_float ? qn_tile_mark(v, tile->nelems, true, marked)
					 : v->nmissing;
	const uint64_t *valid = nlacking ? is_float ? marked : v->valid : NULL;
	struct line l;

	state[QN_QUANTILES_COUNT] += (int64_t)(tile->nelems - v->nmissing);
	state[QN_QUANTILES_MISSING] += (int64_t)v->nmissing;
	state[QN_QUANTILES_NANS] += (int64_t)(nlacking - v->nmissing);
	for (size_t i = 0; i < tile->nelems; i += l.n) {
		l = find_line(q, tile->box, tile->first + i, tile->nelems - i);
		offer_line(q, state + SAMPLE, scratch, v, valid, i, &l);
	}
}

/* --- rows side by side --- */

static bool is_nan(enum quern_dtype t, const void *value)
{
	float f;
	double d;

	if (t == QUERN_F32) {
		memcpy(&f, value, sizeof(f));
		return isnan(f);
	}
	if (t != QUERN_F64)
		return false;
	memcpy(&d, value, sizeof(d));
	return isnan(d);
}

/* Element `at` of a tile, which is there. */
static void absorb_one(const struct qn_quantiles *q, int64_t *state, const struct quern_tile *tile,
		       uint64_t at, uint64_t index)
{
	const void *value = (const char *)tile->var->values + at * qn_dtype_size(q->dtype);

	if (!has_bit(tile->var->valid, at)) {
		state[QN_QUANTILES_MISSING]++;
		return;
	}
	state[QN_QUANTILES_COUNT]++;
	if (is_nan(q->dtype, value))
		state[QN_QUANTILES_NANS]++;
	else if (qn_sample_mix((uint32_t)index ^ salt_of(index)) <= limit_of(state + SAMPLE))
		offer(q, state + SAMPLE, index, value);
}

static bool sampled_absorb_rows(const struct qn_quantiles *q, struct qn_cells *cells, void *scratch,
				const struct quern_tile *tile, const struct qn_row_run *run)
{
	(void)scratch;
	for (uint64_t step = 0; step < run->nsteps; step++) {
		const uint64_t first = run->first + step * run->stride;
		struct line l;

		for (size_t i = 0; i < run->nelems; i += l.n) {
			l = find_line(q, tile->box, first + i, run->nelems - i);
			for (size_t k = 0; k < l.n; k++)
				if (has_bit(tile->there, first + i + k))
					absorb_one(q, qn_cells_state(cells, run->row + i + k), tile,
						   first + i + k, l.first + k * l.stride);
		}
	}
	return true;
}

static void sampled_normalize(const struct qn_quantiles *q, int64_t *state)
{
	qn_least_sort(state + SAMPLE, q->nsampled * q->width, q->width);
}

/* --- result --- */

/* Entries of a normalized state: those that are there are the last. */
static size_t count_entries(const struct qn_quantiles *q, const int64_t *state)
{
	return (size_t)qn_min_u64(q->nsampled, qn_quantiles_nvalues(state));
}

/* Serfling's bound, solved for t, and one more value of each. */
double qn_quantiles_rank_error(const struct qn_quantiles *q, const int64_t *state)
{
	const double all = (double)qn_quantiles_nvalues(state);
	const double n = (double)count_entries(q, state);

	if (!(n < all))
		return 0;
	return sqrt(log_of_odds() / 2 / n * (1 - (n - 1) / all)) + 1 / n + 1 / all;
}

/* Their keys, as a list: owned. NULL: no memory. */
static int64_t *list_keys(const struct qn_quantiles *q, const int64_t *sample, size_t n)
{
	int64_t *list = qn_calloc(qn_list_nwords(q->dtype, n), sizeof(*list));

	for (size_t i = 0; list && i < n; i++) {
		const uint64_t key = (uint64_t)sample[(q->nsampled - n + i) * q->width + 1];

		qn_list_append(q->dtype, list, &key, 1);
	}
	if (list)
		qn_list_sort(q->dtype, list, n);
	return list;
}

static bool sampled_find(const struct qn_quantiles *q, const int64_t *state, double *values)
{
	const size_t n = count_entries(q, state);
	int64_t *list = list_keys(q, state + SAMPLE, n);

	for (size_t i = 0; list && i < q->n; i++)
		values[i] = qn_quantile_in_list(q, list, n, q->q[i]);
	free(list);
	return list != NULL;
}

const struct qn_quantile_way qn_quantiles_sampled = {
	.open = sampled_open,
	.layout = sampled_layout,
	.most_words = sampled_most_words,
	.absorb = sampled_absorb,
	.absorb_rows = sampled_absorb_rows,
	.normalize = sampled_normalize,
	.find = sampled_find,
};
