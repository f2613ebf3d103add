#include "proof/tiling.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "kernel/tile.h"
#include "proof/random.h"

static void free_piece(struct qn_cut_tile *p)
{
	if (!p)
		return;
	free(p->values);
	free(p->valid);
	free(p->with);
	free(p->weight);
	free(p);
}

void qn_tiling_fini(struct qn_tiling *ps)
{
	for (size_t i = 0; i < ps->n; i++)
		free_piece(ps->piece[i]);
	free(ps->piece);
}

/* Of a pair both are valid. */
static bool has_value(const struct qn_sample *s, unsigned roles, uint64_t at)
{
	const size_t size = qn_dtype_size(s->with_dtype);

	if (!s->valid[at] || !(roles & QUERN_ROLE(QUERN_WITH)) || !s->nan_missing)
		return s->valid[at];
	return !isnan(qn_sample_value(s, at)) &&
	       !isnan(qn_number_load(s->with_dtype, s->with + at * size));
}

static bool add_others(struct qn_cut_tile *p, const struct qn_sample *s)
{
	const size_t size = qn_dtype_size(s->with_dtype), n = p->tile.nelems;

	p->with = qn_malloc(n * size);
	p->weight = qn_malloc(n * sizeof(*p->weight));
	if (!p->with || !p->weight)
		return false;
	for (size_t i = 0; i < n; i++) {
		const uint64_t at = qn_box_index(&p->box, p->tile.first + i, s->shape);

		memcpy(p->with + i * size, s->with + at * size, size);
		p->weight[i] = s->weight[at];
	}
	p->var[QUERN_WITH] = (struct quern_var){ .dtype = s->with_dtype, .values = p->with };
	p->var[QUERN_WEIGHT] = (struct quern_var){ .dtype = QUERN_F32, .values = p->weight };
	p->tile.nvars = QUERN_NROLES;
	return true;
}

static void copy_elements(struct qn_cut_tile *p, const struct qn_sample *s, unsigned roles,
			  unsigned char *to)
{
	for (size_t i = 0; i < p->tile.nelems; i++) {
		const uint64_t at = qn_box_index(&p->box, p->tile.first + i, s->shape);
		const bool is_valid = has_value(s, roles, at);

		memcpy(to + i * s->size, qn_sample_at(s, at), s->size);
		p->valid[i / 64] |= (uint64_t)is_valid << i % 64;
		p->var[0].nmissing += !is_valid;
	}
}

/* NULL: there is no memory. */
static struct qn_cut_tile *new_piece(const struct qn_sample *s, const struct quern_box *box,
				     uint64_t first, size_t nelems, unsigned roles, uint64_t *seed)
{
	const size_t shift = 1 + qn_random_below(seed, 16);
	struct qn_cut_tile *p = qn_calloc(1, sizeof(*p));

	if (!p)
		return NULL;
	p->box = *box;
	p->values = qn_malloc(nelems * s->size + shift);
	p->valid = qn_calloc(nelems / 64 + 1, sizeof(uint64_t));
	p->tile = (struct quern_tile){
		.box = &p->box, .first = first, .nelems = nelems, .nvars = 1, .var = p->var
	};
	if (!p->values || !p->valid || (roles && !add_others(p, s))) {
		free_piece(p);
		return NULL;
	}
	p->var[0] = (struct quern_var){ .dtype = s->dtype,
					.values = p->values + shift,
					.text_nbytes = s->size };
	copy_elements(p, s, roles, p->values + shift);
	if (p->var[0].nmissing || qn_random_below(seed, 2))
		p->var[0].valid = p->valid;
	return p;
}

void qn_tiling_add(struct qn_tiling *ps, const struct qn_sample *s, const struct quern_box *box,
		   uint64_t first, size_t nelems, uint64_t *seed)
{
	struct qn_cut_tile *p = new_piece(s, box, first, nelems, ps->roles, seed);

	if (p && qn_grow(&ps->piece, &ps->capacity, ps->n + 1, sizeof(struct qn_cut_tile *))) {
		ps->piece[ps->n++] = p;
		return;
	}
	free_piece(p);
	ps->nomem = true;
}

size_t qn_tiling_nelems(const struct quern_box *box)
{
	size_t n = 1;

	for (int i = 0; i < box->ndim; i++)
		n *= box->count[i];
	return n;
}

void qn_tiling_cut(struct qn_tiling *ps, const struct qn_sample *s, const struct quern_box *box,
		   bool whole, uint64_t *seed)
{
	size_t n = qn_tiling_nelems(box), first = 0;

	while (first < n) {
		size_t most = n - first < QUERN_TILE_NELEMS ? n - first : QUERN_TILE_NELEMS;
		size_t nelems = 1 + qn_random_below(seed, most);

		if (whole)
			nelems = n;
		else if (qn_random_below(seed, 2))
			nelems = most;
		qn_tiling_add(ps, s, box, first, nelems, seed);
		first += nelems;
	}
}

void qn_tiling_split(struct qn_tiling *ps, const struct qn_sample *s, const struct quern_box *box,
		     const bool *whole, int depth, uint64_t *seed)
{
	int dim = (int)qn_random_below(seed, (uint64_t)box->ndim);
	struct quern_box a = *box, b = *box;

	if (depth == 0 || whole[dim] || box->count[dim] < 2) {
		qn_tiling_cut(ps, s, box, whole[QUERN_MAX_DIMS], seed);
		return;
	}
	a.count[dim] = 1 + qn_random_below(seed, box->count[dim] - 1);
	b.count[dim] -= a.count[dim];
	b.start[dim] += a.count[dim] * box->step[dim];
	qn_tiling_split(ps, s, &a, whole, depth - 1, seed);
	qn_tiling_split(ps, s, &b, whole, depth - 1, seed);
}

void qn_tiling_shuffle(struct qn_tiling *ps, uint64_t *seed)
{
	for (size_t i = ps->n; i > 1; i--) {
		size_t j = qn_random_below(seed, i);
		struct qn_cut_tile *p = ps->piece[i - 1];

		ps->piece[i - 1] = ps->piece[j];
		ps->piece[j] = p;
	}
}
