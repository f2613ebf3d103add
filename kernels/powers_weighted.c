/*
 * powers_weighted.c - tiles of weighted elements to the state of powers.h.
 */
#include "kernel/tile.h"
#include "minmax_simd.h"
#include "powers.h"

typedef void scan_fn(enum quern_dtype, const void *, size_t, struct qn_minmax_keys *);

static scan_fn *const scans[] = QN_ISA_TABLE(qn_minmax_scan);

/* Elements that have a value, and their weights. */
struct there {
	const void *x, *w;
	size_t n;
};

static void *room(char *scratch, size_t number)
{
	return scratch + number * QUERN_TILE_NELEMS * sizeof(double);
}

static struct there pack(const struct quern_tile *tile, char *scratch)
{
	const struct quern_var *x = &tile->var[0];
	struct quern_var w = tile->var[QUERN_WEIGHT];
	struct there there = { x->values, w.values, tile->nelems };

	if (!x->valid || !x->nmissing)
		return there;
	w.valid = x->valid;
	w.nmissing = x->nmissing;
	there.x = room(scratch, 0);
	there.w = room(scratch, 1);
	there.n = qn_tile_pack(x, tile->nelems, false, room(scratch, 0));
	qn_tile_pack(&w, tile->nelems, false, room(scratch, 1));
	return there;
}

/* Those of weight 0 are among them, NaN are not. */
static void absorb_extremes(const struct qn_powers *p, int64_t *state, char *scratch,
			    const struct there *there)
{
	const enum quern_dtype t = p->power.dtype;
	const struct quern_var x = { .dtype = t, .values = there->x };
	struct qn_minmax_keys k;
	size_t n = there->n;
	int64_t min, max;

	scans[p->power.level](t, there->x, n, &k);
	if (qn_minmax_has_nan(t, &k)) {
		n = qn_tile_pack(&x, there->n, true, room(scratch, 2));
		if (!n)
			return;
		scans[p->power.level](t, room(scratch, 2), n, &k);
	}
	min = qn_minmax_state_key(t, k.min);
	max = qn_minmax_state_key(t, k.max);
	state[p->min] = min < state[p->min] ? min : state[p->min];
	state[p->max] = max > state[p->max] ? max : state[p->max];
}

void qn_powers_absorb_weighted(const struct qn_powers *p, int64_t *state, char *scratch,
			       const struct quern_tile *tile)
{
	const struct there there = pack(tile, scratch);
	const void *const v[QN_NFACTORS] = { [QN_FACTOR_W] = there.w, [QN_FACTOR_X] = there.x };
	int64_t ignored[QN_WEIGHTED_NSPECIALS]; /* integers have none */
	size_t nlost;

	state[QN_POWERS_MISSING] += (int64_t)(tile->nelems - there.n);
	if (!there.n)
		return;
	if (p->has_extremes)
		absorb_extremes(p, state, scratch, &there);
	nlost = qn_weighted_add(&p->weighted, v, there.n, state + p->sums,
				p->is_float ? state + p->special : ignored,
				scratch + QN_POWERS_WEIGHTED_NBYTES);
	state[QN_POWERS_COUNT] += (int64_t)(there.n - nlost);
	state[QN_POWERS_MISSING] += (int64_t)nlost;
}
