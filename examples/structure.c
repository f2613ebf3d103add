/*
 * structure.c - the structure function of second order, a kernel of a user in one file:
 *
 *	quern run examples/structure.c --lag-dim time --lags 1,2,4,8 -d t2m climate.nc
 *	quern run examples/structure.c --lag-dim lon -s lat=-10:10 -d u10 climate.nc
 *
 *	S(r) = mean of (x(i + r) - x(i))^2 over all pairs r elements apart along a dimension
 *
 * of which the slope over log r tells how rough a field is: 2/3 in turbulence, 2 where it is smooth. Pairs of which
 * one is missing do not count. Differences and squares are those of float64; their sum is exact, and so the
 * same on any number of ranks.
 *
 *	words   | pairs of lag 0 | exact sum of lag 0 | pairs of lag 1 | ...
 *	segment |                        SUM
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "quern_kernel.h"

#define MOST_LAGS 64
#define NWORDS	  (1 + QUERN_EXACT_NWORDS) /* of a lag */

typedef double load_fn(const void *values, size_t i);

struct structure {
	int along;
	bool nan_missing;
	size_t nlags;
	size_t lag[MOST_LAGS];
	load_fn *load;
};

static const struct quern_option options[] = {
	{ "lag-dim", 0, QUERN_OPT_STRING, "DIM", NULL, 0, 0,
	  "the dimension along which elements are apart (default: the last)" },
	{ "lags", 0, QUERN_OPT_REALS, "R,...", "1,2,4,8,16", 1, MOST_LAGS,
	  "how many elements they are apart" },
	{ NULL, 0, QUERN_OPT_FLAG, NULL, NULL, 0, 0, NULL },
};

/* Values of any alignment. */
#define LOAD(name, type)                                                     \
	static double load_##name(const void *values, size_t i)              \
	{                                                                    \
		type x;                                                      \
                                                                             \
		memcpy(&x, (const char *)values + i * sizeof(x), sizeof(x)); \
		return (double)x;                                            \
	}
LOAD(i8, int8_t)
LOAD(u8, uint8_t)
LOAD(i16, int16_t)
LOAD(u16, uint16_t)
LOAD(i32, int32_t)
LOAD(u32, uint32_t)
LOAD(i64, int64_t)
LOAD(u64, uint64_t)
LOAD(f32, float)
LOAD(f64, double)

static load_fn *const loads[QUERN_NDTYPES] = {
	[QUERN_I8] = load_i8,	[QUERN_U8] = load_u8,	[QUERN_I16] = load_i16,
	[QUERN_U16] = load_u16, [QUERN_I32] = load_i32, [QUERN_U32] = load_u32,
	[QUERN_I64] = load_i64, [QUERN_U64] = load_u64, [QUERN_F32] = load_f32,
	[QUERN_F64] = load_f64,
};

/* --- opening --- */

/* -1: there is none of this name. */
static int find_dimension(const struct quern_input *in, const char *name)
{
	int d = in->ndim - 1;

	while (name && d >= 0 && !(in->dims[d] && !strcmp(in->dims[d], name)))
		d--;
	return d;
}

static enum quern_status set_lags(const struct quern_input *in, struct structure *s)
{
	double lag[MOST_LAGS];

	s->nlags = quern_option_reals(in->options, "lags", MOST_LAGS, lag);
	for (size_t i = 0; i < s->nlags; i++) {
		if (!(lag[i] >= 0 && lag[i] < 1e15) || lag[i] != floor(lag[i]))
			return quern_message_set(in->message, QUERN_ERR_USAGE,
						 "--lags: %g is no number of elements", lag[i]);
		s->lag[i] = (size_t)lag[i];
	}
	return QUERN_OK;
}

static enum quern_status set_along(const struct quern_input *in, struct structure *s)
{
	const char *name = quern_option_string(in->options, "lag-dim");

	s->along = find_dimension(in, name);
	if (s->along < 0)
		return quern_message_set(in->message, QUERN_ERR_USAGE,
					 "--lag-dim: there is no dimension %s",
					 name ? name : "at all");
	return QUERN_OK;
}

static enum quern_status structure_open(const struct quern_input *in, void **self)
{
	struct structure *s = calloc(1, sizeof(*s));
	enum quern_status st;

	if (!s)
		return quern_message_set(in->message, QUERN_ERR_RUN, "out of memory");
	s->nan_missing = in->nan_missing;
	s->load = loads[in->dtype];
	st = set_along(in, s);
	if (!st)
		st = set_lags(in, s);
	if (st)
		free(s);
	else
		*self = s;
	return st;
}

/* Both elements of a pair are in one tile. */
static void structure_demand(const void *self, struct quern_demand *d)
{
	const struct structure *s = self;

	d->whole[s->along] = true;
}

static int structure_layout(const void *self, struct quern_segment *segments)
{
	const struct structure *s = self;

	segments[0] = (struct quern_segment){ .op = QUERN_SUM, .nwords = s->nlags * NWORDS };
	return 1;
}

/* Squares of a tile's worth. */
static size_t structure_scratch(const void *self)
{
	(void)self;
	return QUERN_TILE_NELEMS * sizeof(double);
}

/* --- absorbing --- */

/* Squares on their way to a sum. */
struct squares {
	int64_t *words;
	double *x;
	size_t n;
};

static void flush(struct squares *q)
{
	quern_exact_add(q->words + 1, q->x, q->n);
	q->words[0] += (int64_t)q->n;
	q->n = 0;
}

static bool has_value(const struct structure *s, const struct quern_var *v, size_t i, double *x)
{
	if (v->valid && !(v->valid[i / 64] >> i % 64 & 1))
		return false;
	*x = s->load(v->values, i);
	return !(s->nan_missing && isnan(*x));
}

/* Elements n in number from `first` on, each with the one that is `apart` after it. */
static void add_pairs(const struct structure *s, const struct quern_var *v, size_t first, size_t n,
		      size_t apart, struct squares *q)
{
	for (size_t i = first; i < first + n; i++) {
		double a, b;

		if (!has_value(s, v, i, &a) || !has_value(s, v, i + apart, &b))
			continue;
		q->x[q->n++] = (b - a) * (b - a);
		if (q->n == QUERN_TILE_NELEMS)
			flush(q);
	}
}

static void structure_absorb(const void *self, int64_t *state, void *scratch,
			     const struct quern_tile *tile)
{
	const struct structure *s = self;
	const struct quern_box *box = tile->box;
	const size_t length = box->count[s->along];
	size_t stride = 1; /* from an element to the next along the dimension */

	for (int d = s->along + 1; d < box->ndim; d++)
		stride *= box->count[d];
	for (size_t k = 0; k < s->nlags; k++) {
		struct squares q = { .words = state + k * NWORDS, .x = scratch };

		for (size_t first = 0; first < tile->nelems && s->lag[k] < length;
		     first += length * stride)
			add_pairs(s, tile->var, first, (length - s->lag[k]) * stride,
				  s->lag[k] * stride, &q);
		flush(&q);
	}
}

static void structure_normalize(const void *self, int64_t *state)
{
	const struct structure *s = self;

	for (size_t k = 0; k < s->nlags; k++)
		quern_exact_normalize(state + k * NWORDS + 1);
}

/* --- the result --- */

static const char *const *structure_fields(const void *self)
{
	static const char *const names[] = { "lag", "pairs", "structure", NULL };

	(void)self;
	return names;
}

static void structure_emit(const void *self, const int64_t *state, struct quern_result *r)
{
	const struct structure *s = self;
	int64_t lag[MOST_LAGS], pairs[MOST_LAGS];
	double mean[MOST_LAGS];

	for (size_t k = 0; k < s->nlags; k++) {
		lag[k] = (int64_t)s->lag[k];
		pairs[k] = state[k * NWORDS];
		mean[k] = quern_exact_value(state + k * NWORDS + 1) / (double)pairs[k];
	}
	quern_result_ints(r, "lag", s->nlags, 0, lag);
	quern_result_ints(r, "pairs", s->nlags, 0, pairs);
	quern_result_reals(r, "structure", s->nlags, 0, mean);
}

const struct quern_kernel quern_kernel = {
	.abi = QUERN_KERNEL_ABI,
	.name = "structure",
	.doc = "mean squares of differences of elements that are so far apart along a dimension",
	.options = options,
	.open = structure_open,
	.close = free,
	.demand = structure_demand,
	.layout = structure_layout,
	.scratch = structure_scratch,
	.absorb = structure_absorb,
	.normalize = structure_normalize,
	.fields = structure_fields,
	.emit = structure_emit,
};
