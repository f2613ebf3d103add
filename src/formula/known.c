#include "formula/known.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

/* A set of dimensions: bit d. */
typedef uint32_t dims;

/* What is known of a selection. */
struct known {
	const struct qn_formula *f;
	const struct quern_box *selection;
	struct qn_masks *masks;
	dims *of;	/* owned: of each conjunct */
	bool *is_known; /* owned: is it of no data, and of few enough indexes? */
};

static dims dims_of(const struct known *k, const struct qn_operand *o)
{
	dims set = 0;

	for (int d = 0; d < k->selection->ndim; d++)
		if (o->stride[d])
			set |= UINT32_C(1) << d;
	return set;
}

/* The selected indexes of some dimensions; false: too many. */
static bool count_indexes(const struct known *k, dims set, uint64_t *n)
{
	*n = 1;
	for (int d = 0; d < k->selection->ndim; d++)
		if (set >> d & 1 && !qn_mul(*n, k->selection->count[d], n))
			return false;
	return *n <= QN_MOST_KNOWN;
}

static bool is_at_hand(const struct qn_operand *o)
{
	return o->kind == QN_OPERAND_INDEX || o->values;
}

static void look_at(struct known *k, int i)
{
	uint64_t n;

	k->is_known[i] = true;
	for (int o = 0; o < k->f->n; o++) {
		if (!qn_program_conjunct_uses(k->f->where, i, o))
			continue;
		k->is_known[i] = k->is_known[i] && o && is_at_hand(&k->f->operand[o]);
		k->of[i] |= dims_of(k, &k->f->operand[o]);
	}
	k->is_known[i] = k->is_known[i] && count_indexes(k, k->of[i], &n);
}

/* --- masks --- */

/* The box of a mask: of dimensions that it is not of, any index will do. */
static void box_of(const struct known *k, const struct qn_mask *m, struct quern_box *box)
{
	*box = *k->selection;
	for (int d = 0; d < box->ndim; d++)
		box->count[d] = 1;
	for (int i = 0; i < m->ndim; i++)
		box->count[m->dim[i]] = m->count[i];
}

static enum quern_status add_conjunct(const struct known *k, int i, struct qn_mask *m,
				      struct quern_message *err)
{
	struct qn_program *condition = NULL;
	struct quern_box box;
	enum quern_status st = qn_program_conjunct(k->f->where, i, &condition, err);

	box_of(k, m, &box);
	if (!st)
		st = qn_formula_hold(k->f, condition, &box, m->nbits, m->bits, err);
	qn_program_free(condition);
	return st;
}

static enum quern_status begin_mask(const struct known *k, dims set, struct qn_mask **out,
				    struct quern_message *err)
{
	struct qn_masks *all = k->masks;
	struct qn_mask *m;

	if (!qn_grow_by_one(&all->mask, (size_t)all->n, sizeof(*all->mask)))
		return qn_error_nomem(err, sizeof(*all->mask), "a mask");
	*out = m = &all->mask[all->n++];
	*m = (struct qn_mask){ .ndim = 0 };
	count_indexes(k, set, &m->nbits);
	for (int d = 0; d < k->selection->ndim; d++)
		if (set >> d & 1) {
			m->count[m->ndim] = k->selection->count[d];
			m->dim[m->ndim++] = d;
		}
	m->bits = qn_calloc(qn_ceil_div(m->nbits, 64), sizeof(*m->bits));
	if (!m->bits)
		return qn_error_nomem(err, (size_t)m->nbits / 8, "a mask");
	for (uint64_t w = 0; w < qn_ceil_div(m->nbits, 64); w++)
		m->bits[w] = UINT64_MAX;
	return QUERN_OK;
}

/* The mask of the dimensions of a conjunct, which all goes into that is of these and of fewer. */
static enum quern_status make_mask(const struct known *k, int of, struct quern_message *err)
{
	struct qn_mask *m = NULL;
	enum quern_status st = begin_mask(k, k->of[of], &m, err);

	for (int i = 0; !st && i < qn_program_nconjuncts(k->f->where); i++)
		if (k->is_known[i] && !(k->of[i] & ~k->of[of]))
			st = add_conjunct(k, i, m, err);
	return st;
}

/* Is there a conjunct of the same dimensions before this one? */
static bool is_done(const struct known *k, int of)
{
	for (int i = 0; i < of; i++)
		if (k->is_known[i] && k->of[i] == k->of[of])
			return true;
	return false;
}

/* A mask of each dimension along which the selection is a union. */
static enum quern_status add_picks(const struct known *k, struct quern_message *err)
{
	const struct qn_picks *p = k->f->picks;
	struct qn_masks *all = k->masks;

	for (int d = 0; p && d < k->selection->ndim; d++) {
		if (!p->dim[d].nstretches)
			continue;
		if (!qn_grow_by_one(&all->mask, (size_t)all->n, sizeof(*all->mask)))
			return qn_error_nomem(err, sizeof(*all->mask), "a mask");
		all->mask[all->n++] = (struct qn_mask){ .ndim = 1,
							.dim = { d },
							.count = { k->selection->count[d] },
							.pick = &p->dim[d] };
	}
	return QUERN_OK;
}

enum quern_status qn_known_find(const struct qn_formula *f, const struct quern_box *selection,
				struct qn_masks *out, struct quern_message *err)
{
	const int n = f->where ? qn_program_nconjuncts(f->where) : 0;
	struct known k = { .f = f, .selection = selection, .masks = out };
	enum quern_status st = QUERN_OK;

	*out = (struct qn_masks){ .n = 0 };
	st = add_picks(&k, err);
	if (st || !n)
		return st;
	k.of = qn_calloc((size_t)n, sizeof(*k.of));
	k.is_known = qn_calloc((size_t)n, sizeof(*k.is_known));
	if (!k.of || !k.is_known)
		st = qn_error_nomem(err, (size_t)n * sizeof(*k.of), "a condition");
	for (int i = 0; !st && i < n; i++)
		look_at(&k, i);
	for (int i = 0; !st && i < n; i++)
		if (k.is_known[i] && !is_done(&k, i))
			st = make_mask(&k, i, err);
	free(k.of);
	free(k.is_known);
	return st;
}
