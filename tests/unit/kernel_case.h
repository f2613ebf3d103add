/*
 * kernel_case.h - kernels over samples (proof/sample.h), cut into tiles as the engine may cut them, for their
 * tests. Everything is derived from a seed. Included once by a test program.
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
#include "proof/random.h"
#include "proof/tiling.h"
#include "random.h"

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

/* --- A dataset ------------------------------------------------------------------------------ */

static inline void dataset_init_sized(struct qn_sample *d, enum quern_dtype t, size_t size,
				      int ndim, const uint64_t *shape)
{
	assert_true(qn_sample_init(d, t, size, ndim, shape));
}

static inline void dataset_init(struct qn_sample *d, enum quern_dtype t, int ndim,
				const uint64_t *shape)
{
	dataset_init_sized(d, t, qn_dtype_size(t), ndim, shape);
}

/* What tiles have besides values, for kernels that are opened from here on: what these need, and more. */
static unsigned case_roles, case_more_roles;

/* --- Kernels -------------------------------------------------------------------------------- */

/* Rows of the result of kernels that are opened from here on. */
static uint64_t case_nrows = 1;
static uint64_t case_most_in_row; /* 0: all elements */

/* Opens a kernel on a selection of a dataset. settings: "name=value", ended by NULL; may be NULL. */
static inline enum quern_status open_kernel(const struct quern_kernel *k, const struct qn_sample *d,
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
				const struct qn_cut_tile *p)
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
				const struct qn_tiling *ps, struct qn_layout_of_state *l)
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
static inline void run_selection(const struct quern_kernel *k, const struct qn_sample *d,
				 const struct quern_box *selection, const char *const *settings,
				 struct quern_result *result)
{
	struct quern_message message;
	struct qn_layout_of_state l;
	bool whole[QUERN_MAX_DIMS + 1], more;
	struct qn_tiling ps = { 0 };
	uint64_t seed = random_seed(12345);
	void *self = NULL;

	if (open_kernel(k, d, selection, settings, &self, &message))
		fail_msg("%s", message.text);
	ps.roles = case_roles;
	demand_of(k, self, whole);
	qn_tiling_split(&ps, d, selection, whole, 3, &seed);
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
	qn_tiling_fini(&ps);
	k->close(self);
}

static inline void run_kernel(const struct quern_kernel *k, const struct qn_sample *d,
			      const char *const *settings, struct quern_result *result)
{
	struct quern_box box = qn_sample_box(d);

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
