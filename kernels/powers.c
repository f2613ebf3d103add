/*
 * powers.c - the state that `sum`, `moments` and the kernels of mean.c share.
 */
#include "powers.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "kernel/tile.h"

static size_t count_specials(const struct qn_powers *p)
{
	if (!p->is_float)
		return 0;
	return p->is_weighted ? QN_WEIGHTED_NSPECIALS : QN_NSPECIALS;
}

/* Of types, and of NaN that are missing or not, all that follows from the order. */
static void init(struct qn_powers *p, enum quern_dtype dtype, enum quern_dtype weights, int order,
		 bool with_extremes)
{
	const enum quern_dtype types[QN_NFACTORS] = {
		[QN_FACTOR_W] = weights, [QN_FACTOR_X] = dtype
	};

	qn_power_init(&p->power, dtype, order);
	p->is_float = qn_dtype_is_float(dtype);
	if (p->weighs)
		qn_weighted_init(&p->weighted, types,
				 order == 1 ? QN_WEIGHTED_MEAN : QN_WEIGHTED_SPREAD,
				 p->nan_missing);
	p->special = QN_POWERS_REST;
	p->sums = p->special + count_specials(p);
	p->min = p->sums + (p->is_weighted ? p->weighted.nwords : p->power.nwords);
	p->max = p->min + 1;
	p->weight = p->min + (with_extremes ? 2 : 0);
	p->has_extremes = with_extremes;
	p->packed_nbytes = QUERN_TILE_NELEMS * qn_dtype_size(dtype);
}

enum quern_status qn_powers_open(const struct quern_input *in, int order, bool with_extremes,
				 void **self)
{
	const bool weighs = in->roles & QUERN_ROLE(QUERN_WEIGHT);
	struct qn_powers *p;

	if (weighs && order == 4)
		return quern_message_set(
			in->message, QUERN_ERR_USAGE,
			"--weights: skewness and kurtosis (--order 4) are of elements "
			"without weights");
	p = qn_calloc(1, sizeof(*p));
	if (!p)
		return quern_message_set(in->message, QUERN_ERR_RUN, "out of memory");
	p->nan_missing = in->nan_missing;
	p->weighs = weighs;
	p->has_row_weights = weighs && in->has_row_weights;
	p->is_weighted = weighs && !p->has_row_weights;
	init(p, in->dtype, in->role_dtype[QUERN_WEIGHT], order, with_extremes);
	*self = p;
	return QUERN_OK;
}

/* The sums of one are among those of the other. */
void qn_powers_share(void *self, void *other)
{
	struct qn_powers *p = self, *o = other;
	const int order = p->power.npowers > o->power.npowers ? p->power.npowers : o->power.npowers;

	init(p, p->power.dtype, p->weighted.dtype[QN_FACTOR_W], order,
	     p->has_extremes || o->has_extremes);
	*o = *p;
}

void qn_powers_close(void *self)
{
	free(self);
}

int qn_powers_layout(const void *self, struct quern_segment *segments)
{
	const struct qn_powers *p = self;

	int n = 0;

	segments[n++] = (struct quern_segment){ .op = QUERN_SUM, .nwords = p->sums };
	if (p->is_weighted)
		n += qn_weighted_segments(&p->weighted, segments + n);
	else
		n += qn_power_segments(&p->power, segments + n);
	if (p->has_extremes) {
		segments[n++] = (struct quern_segment){ .op = QUERN_MIN, .nwords = 1 };
		segments[n++] = (struct quern_segment){ .op = QUERN_MAX, .nwords = 1 };
	}
	if (p->has_row_weights)
		segments[n++] =
			(struct quern_segment){ .op = QUERN_MAX, .nwords = 1, .nweights = 1 };
	return n;
}

size_t qn_powers_scratch(const void *self)
{
	const struct qn_powers *p = self;

	if (p->is_weighted)
		return QN_POWERS_WEIGHTED_NBYTES + qn_weighted_scratch_nbytes(&p->weighted);
	return p->packed_nbytes + qn_power_scratch_nbytes(&p->power);
}

static int64_t key(const struct qn_powers *p, union qn_scalar x)
{
	if (p->is_float)
		return qn_key_from_double(x.f);
	return qn_dtype_is_signed(p->power.dtype) ? x.i : qn_key_from_uint(x.u);
}

static void absorb_extremes(const struct qn_powers *p, int64_t *state, const struct qn_extremes *e)
{
	int64_t min = key(p, e->min), max = key(p, e->max);

	if (min < state[p->min])
		state[p->min] = min;
	if (max > state[p->max])
		state[p->max] = max;
}

/* Adds n values. With special, some may be infinite or NaN; otherwise false when some are, with
   nothing added. */
static bool add(const struct qn_powers *p, int64_t *state, const void *values, size_t n,
		void *scratch, bool special)
{
	struct qn_extremes e;
	bool extremes = p->has_extremes;

	if (n == 0)
		return true;
	if (special)
		extremes = qn_power_add_special(&p->power, values, n, state + p->sums,
						state + p->special, &e, scratch) > 0 &&
			   extremes;
	else if (!qn_power_add(&p->power, values, n, state + p->sums, &e, scratch))
		return false;
	if (extremes)
		absorb_extremes(p, state, &e);
	return true;
}

/* Adds n values, trying first as if all were finite, which costs nothing where it is so. */
static void add_any(const struct qn_powers *p, int64_t *state, const void *values, size_t n,
		    void *scratch)
{
	if (!add(p, state, values, n, scratch, false))
		add(p, state, values, n, scratch, true);
}

/* Adds those that are valid, as they lie. False, with nothing added: that is not to be had. */
static bool add_valid(const struct qn_powers *p, int64_t *state, const struct quern_var *v,
		      size_t nelems, void *scratch)
{
	struct qn_extremes e;

	if (v->nmissing == nelems || !qn_power_add_valid(&p->power, v->values, v->valid, nelems,
							 state + p->sums, &e, scratch))
		return false;
	if (p->has_extremes)
		absorb_extremes(p, state, &e);
	return true;
}

void qn_powers_absorb(const void *self, int64_t *state, void *scratch,
		      const struct quern_tile *tile)
{
	const struct qn_powers *p = self;
	const struct quern_var *v = tile->var;
	void *rest = (char *)scratch + p->packed_nbytes;
	size_t n = tile->nelems;

	if (p->is_weighted) {
		qn_powers_absorb_weighted(p, state, scratch, tile);
		return;
	}
	if (v->valid && v->nmissing > 0) {
		n = tile->nelems - v->nmissing;
		if (!add_valid(p, state, v, tile->nelems, rest)) {
			n = qn_tile_pack(v, tile->nelems, p->nan_missing, scratch);
			add_any(p, state, scratch, n, rest);
		}
	} else if (!p->nan_missing) {
		add_any(p, state, v->values, n, rest);
	} else if (!add(p, state, v->values, n, rest, false)) {
		n = qn_tile_pack(v, tile->nelems, true, scratch);
		add_any(p, state, scratch, n, rest);
	}
	state[QN_POWERS_COUNT] += (int64_t)n;
	state[QN_POWERS_MISSING] += (int64_t)(tile->nelems - n);
}

void qn_powers_normalize(const void *self, int64_t *state)
{
	const struct qn_powers *p = self;

	if (p->is_weighted)
		qn_weighted_normalize(&p->weighted, state + p->sums);
	else
		qn_power_normalize(&p->power, state + p->sums);
}

uint64_t qn_powers_count(const int64_t *state)
{
	return (uint64_t)state[QN_POWERS_COUNT];
}

double qn_powers_weight(const struct qn_powers *p, const int64_t *state)
{
	double weight;

	if (!p->has_row_weights)
		return 1;
	memcpy(&weight, state + p->weight, sizeof(weight));
	return weight;
}

/* Have infinities a weight of 0? */
static bool has_void(const struct qn_powers *p, const int64_t *state)
{
	const int64_t *special = state + p->special;

	if (p->is_weighted)
		return special[QN_SPECIAL_VOID];
	return (special[QN_SPECIAL_PINF] || special[QN_SPECIAL_NINF]) &&
	       qn_powers_weight(p, state) == 0;
}

enum qn_powers_kind qn_powers_kind(const struct qn_powers *p, const int64_t *state)
{
	const int64_t *special = state + p->special;

	if (!p->is_float)
		return QN_POWERS_FINITE;
	if (special[QN_SPECIAL_NAN] || (special[QN_SPECIAL_PINF] && special[QN_SPECIAL_NINF]) ||
	    has_void(p, state))
		return QN_POWERS_NAN;
	if (special[QN_SPECIAL_PINF])
		return QN_POWERS_PINF;
	return special[QN_SPECIAL_NINF] ? QN_POWERS_NINF : QN_POWERS_FINITE;
}

double qn_powers_special(enum qn_powers_kind kind)
{
	if (kind == QN_POWERS_NAN)
		return NAN;
	return kind == QN_POWERS_PINF ? INFINITY : -INFINITY;
}

/* Of elements that are not all finite. */
static double special_stat(enum qn_stat which, const struct qn_powers *p, const int64_t *state)
{
	const bool has_nan = state[p->special + QN_SPECIAL_NAN] || has_void(p, state);

	if (which == QN_STAT_MEAN)
		return qn_powers_special(qn_powers_kind(p, state));
	return which == QN_STAT_RMS && !has_nan ? INFINITY : NAN;
}

static bool has_stat(enum qn_stat which, const struct qn_powers *p, const int64_t *state)
{
	const uint64_t least = which == QN_STAT_VARIANCE || which == QN_STAT_STDDEV ? 2 : 1;

	if (p->is_weighted)
		return qn_weighted_has(which, &p->weighted, state + p->sums);
	return qn_powers_count(state) >= least && qn_powers_weight(p, state) > 0;
}

bool qn_powers_stat(enum qn_stat which, const struct qn_powers *p, const int64_t *state,
		    double *out)
{
	const bool is_finite = qn_powers_kind(p, state) == QN_POWERS_FINITE;

	if (is_finite && p->is_weighted)
		return qn_weighted_stat(which, &p->weighted, state + p->sums, out);
	if (!has_stat(which, p, state))
		return false;
	*out = is_finite ? qn_stat(which, &p->power, state + p->sums, qn_powers_count(state))
			 : special_stat(which, p, state);
	return true;
}

static bool is_integer(const struct qn_powers *p)
{
	return p->weighs ? qn_weighted_is_integer(&p->weighted, QN_SUM_WX) : !p->is_float;
}

/* Of a sum of weights. */
#define MOST_NWORDS (2 * QN_ACC_MAX_LIMBS)

/* The words of sums of weighted elements, of which `sum`, W or WX, is there: those of the state, or words that are
   filled. */
static const int64_t *weighted_words(const struct qn_powers *p, const int64_t *state, int sum,
				     int64_t words[MOST_NWORDS])
{
	if (p->is_weighted)
		return state + p->sums;
	qn_weighted_scale(&p->weighted, sum, words, qn_powers_weight(p, state),
			  qn_powers_count(state), &p->power, state + p->sums);
	return words;
}

static void emit_integer_sum(const struct qn_powers *p, const int64_t *state,
			     struct quern_result *r)
{
	char digits[QN_ACC_MAX_DIGITS];
	int64_t words[MOST_NWORDS];

	if (p->weighs)
		qn_weighted_decimal(&p->weighted, QN_SUM_WX,
				    weighted_words(p, state, QN_SUM_WX, words), digits);
	else
		qn_acc_decimal(&p->power.form[0], state + p->sums, digits);
	quern_result_decimal(r, "sum", digits);
}

double qn_powers_sum(const struct qn_powers *p, const int64_t *state)
{
	const enum qn_powers_kind kind = qn_powers_kind(p, state);
	const struct qn_weighted *w = &p->weighted;
	int64_t words[MOST_NWORDS];

	if (kind != QN_POWERS_FINITE)
		return qn_powers_special(kind);
	if (!p->weighs)
		return qn_acc_round(&p->power.form[0], state + p->sums);
	return qn_acc_round(&w->form[QN_SUM_WX],
			    weighted_words(p, state, QN_SUM_WX, words) + w->offset[QN_SUM_WX]);
}

static void emit_weights(const struct qn_powers *p, const int64_t *state, struct quern_result *r)
{
	const struct qn_weighted *w = &p->weighted;
	int64_t buffer[MOST_NWORDS];
	const int64_t *words = weighted_words(p, state, QN_SUM_W, buffer);
	char digits[QN_ACC_MAX_DIGITS];

	if (!qn_weighted_is_integer(w, QN_SUM_W)) {
		quern_result_real(r, "sum_of_weights",
				  qn_acc_round(&w->form[QN_SUM_W], words + w->offset[QN_SUM_W]));
		return;
	}
	qn_weighted_decimal(w, QN_SUM_W, words, digits);
	quern_result_decimal(r, "sum_of_weights", digits);
}

void qn_powers_emit_sum(const struct qn_powers *p, const int64_t *state, struct quern_result *r)
{
	quern_result_int(r, "count", state[QN_POWERS_COUNT]);
	quern_result_int(r, "missing", state[QN_POWERS_MISSING]);
	if (is_integer(p))
		emit_integer_sum(p, state, r);
	else
		quern_result_real(r, "sum", qn_powers_sum(p, state));
	if (p->weighs)
		emit_weights(p, state, r);
}

static void emit_key(const struct qn_powers *p, const char *name, int64_t k, bool nan,
		     struct quern_result *r)
{
	if (p->is_float)
		quern_result_real(r, name, nan ? NAN : qn_key_to_double(k));
	else if (qn_dtype_is_signed(p->power.dtype))
		quern_result_int(r, name, k);
	else
		quern_result_uint(r, name, qn_key_to_uint(k));
}

void qn_powers_emit_extremes(const struct qn_powers *p, const int64_t *state,
			     struct quern_result *r)
{
	bool nan = p->is_float && state[p->special + QN_SPECIAL_NAN] > 0;

	if (state[QN_POWERS_COUNT] == 0) {
		quern_result_null(r, "min");
		quern_result_null(r, "max");
		return;
	}
	emit_key(p, "min", state[p->min], nan, r);
	emit_key(p, "max", state[p->max], nan, r);
}
