/*
 * kernel_case.h - datasets in memory, cut into tiles as the engine may cut them, for the tests of
 * kernels. Everything is derived from a seed. Included once by a test program.
 */
#ifndef QN_TESTS_KERNEL_CASE_H
#define QN_TESTS_KERNEL_CASE_H

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/mem.h"
#include "base/options.h"
#include "kernel/kernel.h"
#include "kernel/list.h"
#include "kernel/order.h"
#include "kernel/result.h"
#include "kernel/tile.h"
#include "random.h"

/* --- Random numbers ------------------------------------------------------------------------- */

/* Sorts lists, whose order is no part of a state, and clears what is behind them. */
static inline void settle_lists(const struct qn_layout_of_state *l, int64_t *state)
{
	for (int i = 0; i < l->nsegments; i++) {
		const struct quern_segment *s = &l->segment[i];

		if (s->op == QUERN_LIST)
			qn_list_sort(s->dtype, state, qn_list_most(s->dtype, s->nwords));
		state += s->nwords;
	}
}

static inline uint64_t random_bits(uint64_t *seed)
{
	*seed ^= *seed << 13;
	*seed ^= *seed >> 7;
	*seed ^= *seed << 17;
	return *seed * UINT64_C(0x2545f4914f6cdd1d);
}

/* 0 ... n-1 */
static inline double random_normal(uint64_t *seed)
{
	double x = -6;

	for (int i = 0; i < 12; i++)
		x += (double)(random_bits(seed) >> 11) * 0x1p-53;
	return x;
}

/* --- A dataset ------------------------------------------------------------------------------ */

enum mood {
	SMOOTH, /* a normal distribution, 20 +- 10 */
	ROUND,	/* few different values, zeros of both signs */
	WILD,	/* any bits */
	NMOODS
};

struct dataset {
	enum quern_dtype dtype;
	size_t size; /* bytes of an element */
	int ndim;
	uint64_t shape[QUERN_MAX_DIMS];
	size_t nelems;
	unsigned char *values; /* owned */
	bool *valid;	       /* owned */
	bool nan_missing;
	/* Of each element, for kernels that take them: another value, a weight. */
	enum quern_dtype with_dtype;
	unsigned char *with; /* owned */
	float *weight;	     /* owned */
};

static inline void store_value(enum quern_dtype t, unsigned char *p, double x)
{
	const int64_t i = (int64_t)x;
	const uint64_t u = (uint64_t)(int64_t)fabs(x);
	const float f = (float)x;

	switch (t) {
	case QUERN_F32:
		memcpy(p, &f, sizeof(f));
		break;
	case QUERN_F64:
		memcpy(p, &x, sizeof(x));
		break;
	default: /* the low bytes of an integer */
		memcpy(p, qn_dtype_is_signed(t) ? (const void *)&i : &u, qn_dtype_size(t));
	}
}

/* size: bytes of an element */
static inline void dataset_init_sized(struct dataset *d, enum quern_dtype t, size_t size, int ndim,
				      const uint64_t *shape)
{
	memset(d, 0, sizeof(*d));
	d->dtype = t;
	d->size = size;
	d->ndim = ndim;
	d->nelems = 1;
	d->nan_missing = true;
	for (int i = 0; i < ndim; i++) {
		d->shape[i] = shape[i];
		d->nelems *= shape[i];
	}
	d->with_dtype = (enum quern_dtype)(((int)t + 3) % QUERN_NDTYPES);
	d->with = qn_calloc(d->nelems, qn_dtype_size(d->with_dtype));
	d->weight = qn_calloc(d->nelems, sizeof(*d->weight));
	assert_non_null(d->with);
	assert_non_null(d->weight);
	d->values = qn_calloc(d->nelems, size);
	d->valid = qn_calloc(d->nelems, sizeof(bool));
	assert_non_null(d->values);
	assert_non_null(d->valid);
	memset(d->valid, true, d->nelems);
}

static inline void dataset_init(struct dataset *d, enum quern_dtype t, int ndim,
				const uint64_t *shape)
{
	dataset_init_sized(d, t, qn_dtype_size(t), ndim, shape);
}

static inline void dataset_fini(struct dataset *d)
{
	free(d->values);
	free(d->valid);
	free(d->with);
	free(d->weight);
}

static inline unsigned char *element(const struct dataset *d, size_t i)
{
	return d->values + i * d->size;
}

/* A text: few letters, so that there are many ties, and all bytes when wild. */
static inline void store_text(const struct dataset *d, unsigned char *p, enum mood mood,
			      uint64_t *seed)
{
	const size_t n = random_below(seed, d->size + 1);

	memset(p, 0, d->size);
	for (size_t i = 0; i < n; i++)
		p[i] = (unsigned char)(mood == WILD ? random_below(seed, 256)
						    : 'a' + random_below(seed, 3));
}

/* A value of a type. */
static inline void fill_one(enum quern_dtype t, unsigned char *p, enum mood mood,
			    unsigned nmissing_in, uint64_t *seed)
{
	uint64_t bits = random_bits(seed);
	double x = 20 + 10 * random_normal(seed);

	if (mood == ROUND)
		x = copysign((double)(bits % 4), bits & 64 ? -1 : 1);
	store_value(t, p, x);
	if (mood == WILD)
		memcpy(p, &bits, qn_dtype_size(t));
	if (nmissing_in && qn_dtype_is_float(t) && random_below(seed, nmissing_in) == 0)
		store_value(t, p, NAN);
}

/* Weights are often 0. */
static inline void fill_others(struct dataset *d, enum mood mood, unsigned nmissing_in,
			       uint64_t seed)
{
	for (size_t i = 0; i < d->nelems; i++) {
		fill_one(d->with_dtype, d->with + i * qn_dtype_size(d->with_dtype), mood,
			 nmissing_in, &seed);
		d->weight[i] = (float)random_below(&seed, 8) / 3;
	}
}

/* nmissing_in: one in so many elements is missing, and as many are NaN; 0: none. */
static inline void dataset_fill(struct dataset *d, enum mood mood, unsigned nmissing_in,
				uint64_t *seed)
{
	fill_others(d, mood, nmissing_in, *seed);
	for (size_t i = 0; i < d->nelems; i++) {
		uint64_t bits = random_bits(seed);
		double x = 20 + 10 * random_normal(seed);

		d->valid[i] = !nmissing_in || random_below(seed, nmissing_in) != 0;
		if (d->dtype == QUERN_TEXT) {
			store_text(d, element(d, i), mood, seed);
			continue;
		}
		if (mood == ROUND)
			x = copysign((double)(bits % 4), bits & 64 ? -1 : 1);
		store_value(d->dtype, element(d, i), x);
		if (mood == WILD)
			memcpy(element(d, i), &bits, qn_dtype_size(d->dtype));
		if (nmissing_in && qn_dtype_is_float(d->dtype) &&
		    random_below(seed, nmissing_in) == 0)
			store_value(d->dtype, element(d, i), NAN);
	}
}

static inline double to_double(enum quern_dtype t, const void *p)
{
	int64_t s = 0;
	uint64_t u = 0;
	double x;
	float f;

	if (t == QUERN_F32) {
		memcpy(&f, p, sizeof(f));
		return f;
	}
	if (t == QUERN_F64) {
		memcpy(&x, p, sizeof(x));
		return x;
	}
	memcpy(&u, p, qn_dtype_size(t));
	if (!qn_dtype_is_signed(t))
		return (double)u;
	s = (int64_t)(u << (64 - 8 * qn_dtype_size(t)));
	return (double)(s >> (64 - 8 * qn_dtype_size(t)));
}

/* An element as a double. */
static inline double value_at(const struct dataset *d, size_t i)
{
	return to_double(d->dtype, element(d, i));
}

static inline bool is_missing(const struct dataset *d, size_t i)
{
	return !d->valid[i] || (d->dtype != QUERN_TEXT && d->nan_missing && isnan(value_at(d, i)));
}

/* --- Tiles ---------------------------------------------------------------------------------- */

/* A tile with memory of its own, the values at an odd address. */
struct piece {
	struct quern_box box;
	struct quern_tile tile;
	struct quern_var var[QUERN_NROLES];
	unsigned char *values; /* owned */
	unsigned char *with;   /* owned */
	float *weight;	       /* owned */
	uint64_t *valid;       /* owned */
};

struct pieces {
	size_t n, capacity;
	struct piece **piece; /* owned */
};

static inline void pieces_fini(struct pieces *ps)
{
	for (size_t i = 0; i < ps->n; i++) {
		free(ps->piece[i]->values);
		free(ps->piece[i]->valid);
		free(ps->piece[i]->with);
		free(ps->piece[i]->weight);
		free(ps->piece[i]);
	}
	free(ps->piece);
}

/* What tiles have besides values, for kernels that are opened from here on: what these need, and more. */
static unsigned case_roles, case_more_roles;

/* The other values of elements of a box, and their weights. */
static inline void add_others(struct piece *p, const struct dataset *d)
{
	const size_t size = qn_dtype_size(d->with_dtype), n = p->tile.nelems;

	p->with = malloc(n * size);
	p->weight = malloc(n * sizeof(*p->weight));
	for (size_t i = 0; i < n; i++) {
		const uint64_t at = qn_box_index(&p->box, p->tile.first + i, d->shape);

		memcpy(p->with + i * size, d->with + at * size, size);
		p->weight[i] = d->weight[at];
	}
	p->var[QUERN_WITH] = (struct quern_var){ .dtype = d->with_dtype, .values = p->with };
	p->var[QUERN_WEIGHT] = (struct quern_var){ .dtype = QUERN_F32, .values = p->weight };
	p->tile.nvars = QUERN_NROLES;
}

/* Of a pair both are valid. */
static inline bool has_value(const struct dataset *d, uint64_t at)
{
	const size_t size = qn_dtype_size(d->with_dtype);

	if (!d->valid[at] || !(case_roles & QUERN_ROLE(QUERN_WITH)) || !d->nan_missing)
		return d->valid[at];
	return !isnan(value_at(d, at)) && !isnan(to_double(d->with_dtype, d->with + at * size));
}

/* Adds elements first ... first+nelems-1 of a box. */
static inline void add_piece(struct pieces *ps, const struct dataset *d,
			     const struct quern_box *box, uint64_t first, size_t nelems,
			     uint64_t *seed)
{
	const size_t size = d->size, shift = 1 + random_below(seed, 16);
	struct piece *p = calloc(1, sizeof(*p));

	if (ps->n == ps->capacity) {
		ps->capacity = ps->capacity ? 2 * ps->capacity : 16;
		ps->piece = realloc(ps->piece, ps->capacity * sizeof(struct piece *));
	}
	ps->piece[ps->n++] = p;
	p->box = *box;
	p->values = malloc(nelems * size + shift);
	p->valid = calloc(nelems / 64 + 1, sizeof(uint64_t));
	p->var[0] = (struct quern_var){ .dtype = d->dtype,
					.values = p->values + shift,
					.text_nbytes = size };
	for (size_t i = 0; i < nelems; i++) {
		uint64_t at = qn_box_index(box, first + i, d->shape);

		memcpy(p->values + shift + i * size, element(d, at), size);
		p->valid[i / 64] |= (uint64_t)has_value(d, at) << i % 64;
		p->var[0].nmissing += !has_value(d, at);
	}
	if (p->var[0].nmissing || random_below(seed, 2))
		p->var[0].valid = p->valid;
	p->tile = (struct quern_tile){
		.box = &p->box, .first = first, .nelems = nelems, .nvars = 1, .var = p->var
	};
	if (case_roles)
		add_others(p, d);
}

static inline size_t box_nelems(const struct quern_box *box)
{
	size_t n = 1;

	for (int i = 0; i < box->ndim; i++)
		n *= box->count[i];
	return n;
}

/* Cuts a box into tiles of random lengths; of the greatest length allowed where whole is set. */
static inline void cut_box(struct pieces *ps, const struct dataset *d, const struct quern_box *box,
			   bool whole, uint64_t *seed)
{
	size_t n = box_nelems(box), first = 0;

	while (first < n) {
		size_t most = n - first < QUERN_TILE_NELEMS ? n - first : QUERN_TILE_NELEMS;
		size_t nelems = 1 + random_below(seed, most);

		if (whole)
			nelems = n;
		else if (random_below(seed, 2))
			nelems = most;
		add_piece(ps, d, box, first, nelems, seed);
		first += nelems;
	}
}

/* Cuts a box in two along a dimension that may be cut, again and again, then into tiles. */
static inline void split_box(struct pieces *ps, const struct dataset *d,
			     const struct quern_box *box, const bool *whole, int depth,
			     uint64_t *seed)
{
	int dim = (int)random_below(seed, (uint64_t)box->ndim);
	struct quern_box a = *box, b = *box;

	if (depth == 0 || whole[dim] || box->count[dim] < 2) {
		cut_box(ps, d, box, whole[QUERN_MAX_DIMS], seed);
		return;
	}
	a.count[dim] = 1 + random_below(seed, box->count[dim] - 1);
	b.count[dim] -= a.count[dim];
	b.start[dim] += a.count[dim] * box->step[dim];
	split_box(ps, d, &a, whole, depth - 1, seed);
	split_box(ps, d, &b, whole, depth - 1, seed);
}

/* Pieces in another order. */
static inline void shuffle_pieces(struct pieces *ps, uint64_t *seed)
{
	for (size_t i = ps->n; i > 1; i--) {
		size_t j = random_below(seed, i);
		struct piece *p = ps->piece[i - 1];

		ps->piece[i - 1] = ps->piece[j];
		ps->piece[j] = p;
	}
}

static inline struct quern_box whole_box(const struct dataset *d)
{
	struct quern_box box = { .ndim = d->ndim };

	for (int i = 0; i < d->ndim; i++) {
		box.count[i] = d->shape[i];
		box.step[i] = 1;
	}
	return box;
}

/* --- Kernels -------------------------------------------------------------------------------- */

/* Rows of the result of kernels that are opened from here on. */
static uint64_t case_nrows = 1;
static uint64_t case_most_in_row; /* 0: all elements */

/* Opens a kernel on a selection of a dataset. settings: "name=value", ended by NULL; may be NULL. */
static inline enum quern_status open_kernel(const struct quern_kernel *k, const struct dataset *d,
					    const struct quern_box *selection,
					    const char *const *settings, void **self,
					    struct quern_message *message)
{
	const char *dims[QUERN_MAX_DIMS] = { "time", NULL };
	const struct quern_option *tables[] = { k->options };
	struct quern_options options;
	struct quern_input in = {
		.ndim = d->ndim,
		.shape = d->shape,
		.selection = selection,
		.dtype = d->dtype,
		.nan_missing = d->nan_missing,
		.dims = dims,
		.options = &options,
		.message = message,
		.text_nbytes = d->size,
		.kernel = k,
		.roles = k->needs | (case_more_roles & k->takes),
		.role_dtype = { [QUERN_WITH] = d->with_dtype, [QUERN_WEIGHT] = QUERN_F32 },
		.nrows = case_nrows,
		.most_in_row = case_most_in_row ? case_most_in_row : d->nelems,
	};
	enum quern_status status;

	case_roles = in.roles;
	memset(message, 0, sizeof(*message));
	assert_int_equal(qn_options_init(&options, tables, 1, message), QUERN_OK);
	for (; settings && *settings; settings++) {
		const char *eq = strchr(*settings, '=');
		char name[32];

		snprintf(name, sizeof(name), "%.*s", (int)(eq - *settings), *settings);
		assert_int_equal(qn_options_set(&options, name, eq + 1, message), QUERN_OK);
	}
	status = k->open(&in, self);
	qn_options_fini(&options);
	return status;
}

/* What a kernel demands, with whole[QUERN_MAX_DIMS] set if it demands anything. */
static inline void demand_of(const struct quern_kernel *k, const void *self,
			     bool whole[QUERN_MAX_DIMS + 1])
{
	struct quern_demand demand = { .min_nelems = 0 };

	memset(whole, 0, (QUERN_MAX_DIMS + 1) * sizeof(bool));
	if (!k->demand)
		return;
	k->demand(self, &demand);
	memcpy(whole, demand.whole, sizeof(demand.whole));
	whole[QUERN_MAX_DIMS] = true;
}

#define GUARD_NBYTES 64

/* nbytes at a 64-byte boundary between guards; freed by guarded_free, which checks them. */
static inline void *guarded_alloc(size_t nbytes)
{
	unsigned char *p = qn_alloc_aligned(nbytes + 2 * GUARD_NBYTES);

	assert_non_null(p);
	memset(p, 0x5a, nbytes + 2 * GUARD_NBYTES);
	return p + GUARD_NBYTES;
}

static inline void guarded_free(void *memory, size_t nbytes)
{
	unsigned char *p = (unsigned char *)memory - GUARD_NBYTES, expect[GUARD_NBYTES];

	memset(expect, 0x5a, sizeof(expect));
	assert_memory_equal(p, expect, GUARD_NBYTES);
	assert_memory_equal(p + GUARD_NBYTES + nbytes, expect, GUARD_NBYTES);
	free(p);
}

static inline size_t scratch_nbytes(const struct quern_kernel *k, const void *self)
{
	return k->scratch ? k->scratch(self) : 0;
}

/* Absorbs a tile with scratch full of garbage. */
static inline void absorb_piece(const struct quern_kernel *k, const void *self, int64_t *state,
				const struct piece *p)
{
	size_t nbytes = scratch_nbytes(k, self);
	void *scratch = guarded_alloc(nbytes);

	memset(scratch, 0xff, nbytes);
	k->absorb(self, state, scratch, &p->tile);
	guarded_free(scratch, nbytes);
}

static inline void normalize(const struct quern_kernel *k, const void *self, int64_t *state)
{
	if (k->normalize)
		k->normalize(self, state);
}

/* One pass over the pieces in order, on a new state of l->nwords words. */
static inline int64_t *run_pass(const struct quern_kernel *k, const void *self,
				const struct pieces *ps, struct qn_layout_of_state *l)
{
	int64_t *state;

	assert_int_equal(qn_state_layout(k, self, l, NULL), QUERN_OK);
	state = guarded_alloc(l->nwords * sizeof(*state));
	qn_state_identity(l, state);
	for (size_t i = 0; i < ps->n; i++)
		absorb_piece(k, self, state, ps->piece[i]);
	normalize(k, self, state);
	return state;
}

/* What is sent to all has come. */
static inline void adopt(const struct quern_kernel *k, void *self)
{
	struct quern_message message = { .status = QUERN_OK };

	if (k->adopt && k->adopt(self, &message))
		fail_msg("%s", message.text);
}

/* What rank 0 does after a pass. */
static inline bool advance(const struct quern_kernel *k, void *self, const int64_t *state)
{
	if (k->review)
		k->review(self, 0, state);
	return k->advance && k->advance(self, state);
}

/* All passes over a dataset, its selection cut into pieces. Free the result by qn_result_fini. */
static inline void run_selection(const struct quern_kernel *k, const struct dataset *d,
				 const struct quern_box *selection, const char *const *settings,
				 struct quern_result *result)
{
	struct quern_message message;
	struct qn_layout_of_state l;
	bool whole[QUERN_MAX_DIMS + 1], more;
	struct pieces ps = { 0 };
	uint64_t seed = random_seed(12345);
	void *self = NULL;

	if (open_kernel(k, d, selection, settings, &self, &message))
		fail_msg("%s", message.text);
	demand_of(k, self, whole);
	split_box(&ps, d, selection, whole, 3, &seed);
	memset(result, 0, sizeof(*result));
	do {
		int64_t *state = run_pass(k, self, &ps, &l);

		more = advance(k, self, state);
		if (more)
			adopt(k, self);
		else
			k->emit(self, state, result);
		guarded_free(state, l.nwords * sizeof(*state));
	} while (more);
	assert_false(result->nomem);
	pieces_fini(&ps);
	k->close(self);
}

static inline void run_kernel(const struct quern_kernel *k, const struct dataset *d,
			      const char *const *settings, struct quern_result *result)
{
	struct quern_box box = whole_box(d);

	run_selection(k, d, &box, settings, result);
}

/* --- Results -------------------------------------------------------------------------------- */

static inline const struct qn_field *field_of(const struct quern_result *r, const char *name)
{
	const struct qn_field *f = qn_result_find(r, name);

	if (!f)
		fail_msg("there is no field %s", name);
	return f;
}

static inline int64_t int_of(const struct quern_result *r, const char *name)
{
	assert_int_equal(field_of(r, name)->type, QN_FIELD_INT);
	return field_of(r, name)->v.i;
}

static inline double real_of(const struct quern_result *r, const char *name)
{
	assert_int_equal(field_of(r, name)->type, QN_FIELD_REAL);
	return field_of(r, name)->v.r;
}

#endif
