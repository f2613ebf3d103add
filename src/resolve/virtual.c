#include "resolve/impl.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "select/cover.h"
#include "select/progression.h"
#include "select/span.h"

/* Of the sweep that looks for gaps: about a second. */
#define COVER_WORK (UINT64_C(1) << 27)
/* Parts of sources that are mosaics, tried against pieces. */
#define MOST_TRIED (UINT64_C(1) << 26)

/* A mapping being cut into pieces, each a box on either side. */
struct cutting {
	struct qn_resolving *r;
	const struct qn_origin *origin;
	const struct qn_resolved *known;
	int ndim_to, ndim_from;
	struct qn_span from[QUERN_MAX_DIMS];
	uint64_t n_to[QUERN_MAX_DIMS], n_from[QUERN_MAX_DIMS];
	int npairs, pair_to[QUERN_MAX_DIMS], pair_from[QUERN_MAX_DIMS];
	struct qn_span_pieces pieces[QUERN_MAX_DIMS];
	struct quern_box to_box, from_box;
	uint64_t *ntried;
};

/* --- what a mapping selects --- */

static bool is_unlimited(const struct qn_span *s)
{
	return s->count == QN_UNLIMITED || s->block == QN_UNLIMITED;
}

static enum quern_status outside(const struct cutting *c)
{
	return qn_error_set(c->r->err, QUERN_ERR_DATA,
			    "%s: dataset %s: elements of %s in %s are mapped "
			    "to it that are not there: has the source been made smaller?",
			    c->r->whole->file, c->r->whole->path, c->origin->path, c->origin->file);
}

/* The selection of the source as spans, with as many indexes as its extent has. */
static enum quern_status select_source(struct cutting *c)
{
	const struct qn_resolved *k = c->known;

	if (c->origin->ndim && c->origin->ndim != k->ndim) {
		qn_resolve_leave(c->r, "a virtual dataset whose sources have other dimensions");
		return QUERN_OK;
	}
	c->ndim_from = k->ndim;
	for (int d = 0; d < k->ndim; d++) {
		struct qn_span *s = &c->from[d];

		*s = c->origin->ndim ? c->origin->from[d]
				     : (struct qn_span){ 0, k->shape[d], 1, k->shape[d] };
		c->n_from[d] = k->shape[d];
		if (!c->origin->ndim)
			continue;
		c->n_from[d] = qn_span_clip(s, k->shape[d]);
		if (!is_unlimited(s) && c->n_from[d] != qn_span_count(s))
			return outside(c);
	}
	return QUERN_OK;
}

/* As many indexes without limits as the source has, and the whole has place for. */
static void select_whole(struct cutting *c)
{
	uint64_t available = 0;

	for (int d = 0; d < c->ndim_from; d++)
		if (is_unlimited(&c->from[d]))
			available = c->n_from[d];
	for (int d = 0; d < c->ndim_to; d++) {
		const struct qn_span *s = &c->origin->to[d];

		c->n_to[d] = is_unlimited(s)
				     ? qn_min_u64(available, qn_span_clip(s, c->r->whole->shape[d]))
				     : qn_span_count(s);
		if (!is_unlimited(s))
			continue;
		for (int k = 0; k < c->ndim_from; k++)
			if (is_unlimited(&c->from[k]))
				c->n_from[k] = c->n_to[d];
	}
}

/* Pairs the dimensions with more than one index, in order. */
static bool pair_dims(struct cutting *c)
{
	int k = 0;

	for (int d = 0; d < c->ndim_to; d++) {
		if (c->n_to[d] == 1)
			continue;
		while (k < c->ndim_from && c->n_from[k] == 1)
			k++;
		if (k == c->ndim_from || c->n_from[k] != c->n_to[d])
			return false;
		c->pair_to[c->npairs] = d;
		c->pair_from[c->npairs++] = k++;
	}
	while (k < c->ndim_from && c->n_from[k] == 1)
		k++;
	return k == c->ndim_from;
}

static bool is_nothing(const struct cutting *c)
{
	for (int d = 0; d < c->ndim_to; d++)
		if (!c->n_to[d])
			return true;
	for (int d = 0; d < c->ndim_from; d++)
		if (!c->n_from[d])
			return true;
	return false;
}

/* --- parts --- */

static enum quern_status put_part(struct cutting *c, uint32_t member, const struct quern_box *from,
				  const struct quern_box *to)
{
	struct qn_mosaic *m = &c->r->own;
	enum quern_status st;
	bool fits;

	if (m->nparts >= QN_MOST_PARTS) {
		qn_resolve_leave(c->r, "a virtual dataset of more than a million pieces");
		return QUERN_OK;
	}
	st = qn_mosaic_put(m, member, from, to, &fits, c->r->err);
	return st || fits ? st : outside(c);
}

/* Narrows the `from` of a part to the elements of `box`, which is inside of its `to`. */
static void narrow(struct qn_part *p, const struct quern_box *box)
{
	for (int d = 0; d < box->ndim; d++) {
		int a = p->axis[d];

		if (a < 0)
			continue;
		p->from.start[a] += (box->start[d] - p->to.start[d]) / p->to.step[d] *
				    p->from.step[a];
		p->from.count[a] = box->count[d];
		if (box->count[d] > 1)
			p->from.step[a] *= box->step[d] / p->to.step[d];
	}
	p->to = *box;
}

/* What the piece has of a part of a nested source: both boxes, in the dimensions of the source and
   of the whole. False: nothing. */
static bool meet_piece(const struct cutting *c, const struct qn_part *part,
		       struct quern_box *source, struct quern_box *to)
{
	*source = part->to;
	*to = c->to_box;
	for (int d = 0; d < source->ndim; d++) {
		struct qn_progression run;
		int pair = 0;

		if (!qn_box_meet(&part->to, &c->from_box, d, &run))
			return false;
		source->start[d] += run.first * source->step[d];
		source->count[d] = run.count;
		source->step[d] = run.count > 1 ? source->step[d] * run.step : 1;
		while (pair < c->npairs && c->pair_from[pair] != d)
			pair++;
		if (pair == c->npairs)
			continue;
		pair = c->pair_to[pair];
		to->start[pair] += (source->start[d] - c->from_box.start[d]) / c->from_box.step[d] *
				   to->step[pair];
		to->count[pair] = run.count;
		if (run.count > 1)
			to->step[pair] *= source->step[d] / c->from_box.step[d];
	}
	return true;
}

static enum quern_status put_nested(struct cutting *c)
{
	const struct qn_mosaic *inner = c->known->nested;
	uint32_t member;
	enum quern_status st = QUERN_OK;

	*c->ntried += inner->nparts;
	if (*c->ntried > MOST_TRIED)
		qn_resolve_leave(c->r, "a virtual dataset of virtual datasets in very many pieces");
	for (uint64_t i = 0; !st && !c->r->why[0] && i < inner->nparts; i++) {
		struct quern_box source, to;
		struct qn_part p;

		qn_mosaic_part(inner, i, &p);
		if (!meet_piece(c, &p, &source, &to))
			continue;
		narrow(&p, &source);
		st = qn_known_member(c->r, c->known, p.member, &member);
		if (!st)
			st = put_part(c, member, &p.from, &to);
	}
	return st;
}

/* Every piece of pair i and the pairs after it. */
static enum quern_status put_pieces(struct cutting *c, int i)
{
	struct qn_span_piece piece;
	enum quern_status st = QUERN_OK;
	uint64_t at = 0;

	if (i == c->npairs)
		return c->known->nested ? put_nested(c)
					: put_part(c, c->known->member, &c->from_box, &c->to_box);
	while (!st && !c->r->why[0] && qn_pieces_next(&c->pieces[i], &at, &piece)) {
		int t = c->pair_to[i], f = c->pair_from[i];

		c->to_box.start[t] = piece.to;
		c->from_box.start[f] = piece.from;
		c->to_box.count[t] = c->from_box.count[f] = piece.count;
		c->to_box.step[t] = piece.to_step;
		c->from_box.step[f] = piece.from_step;
		st = put_pieces(c, i + 1);
	}
	return st;
}

static void start_boxes(struct cutting *c)
{
	c->to_box.ndim = c->ndim_to;
	c->from_box.ndim = c->ndim_from;
	for (int d = 0; d < c->ndim_to; d++) {
		c->to_box.start[d] = c->origin->to[d].start;
		c->to_box.count[d] = c->to_box.step[d] = 1;
	}
	for (int d = 0; d < c->ndim_from; d++) {
		c->from_box.start[d] = c->from[d].start;
		c->from_box.count[d] = c->from_box.step[d] = 1;
	}
	for (int i = 0; i < c->npairs; i++)
		qn_pieces_init(&c->pieces[i], &c->origin->to[c->pair_to[i]],
			       &c->from[c->pair_from[i]], c->n_to[c->pair_to[i]]);
}

static enum quern_status put_mapping(struct qn_resolving *r, const struct qn_origin *origin,
				     const struct qn_resolved *known, uint64_t *ntried)
{
	struct cutting c = { .r = r,
			     .origin = origin,
			     .known = known,
			     .ndim_to = r->whole->ndim,
			     .ntried = ntried };
	enum quern_status st;

	if (known->missing)
		return QUERN_OK;
	st = select_source(&c);
	if (st || r->why[0])
		return st;
	select_whole(&c);
	if (is_nothing(&c))
		return QUERN_OK;
	if (!pair_dims(&c)) {
		qn_resolve_leave(r, "a virtual dataset whose mappings change the shape");
		return QUERN_OK;
	}
	start_boxes(&c);
	return put_pieces(&c, 0);
}

/* --- what is covered --- */

/* The leaves of a sweep become parts of `out`: gaps of the member `empty`, and, if `all`, of what
   covers them the part that was mapped last. */
struct leaves {
	const struct qn_mosaic *parts;
	struct qn_mosaic *out;
	uint32_t empty;
	bool all, overlap;
	enum quern_status status;
	struct quern_message *err;
};

static void part_box(const void *ctx, uint64_t i, struct quern_box *out)
{
	const struct leaves *l = ctx;
	struct qn_part p;

	qn_mosaic_part(l->parts, i, &p);
	*out = p.to;
}

static bool take_leaf(void *ctx, const struct quern_box *box, uint64_t n, uint64_t last)
{
	struct leaves *l = ctx;
	struct qn_part p = { .member = l->empty, .from = *box, .to = *box };
	bool fits;

	l->overlap |= n > 1;
	if (l->overlap && !l->all)
		return false;
	if (n && !l->all)
		return true;
	if (n) {
		qn_mosaic_part(l->parts, last, &p);
		narrow(&p, box);
	}
	l->status = qn_mosaic_put(l->out, p.member, &p.from, &p.to, &fits, l->err);
	return !l->status && l->out->nparts <= 2 * QN_MOST_PARTS;
}

static enum quern_status judge(struct qn_resolving *r, const struct leaves *l,
			       enum qn_covered verdict)
{
	if (l->status)
		return l->status;
	if (verdict == QN_COVER_NO_MEMORY)
		return qn_error_nomem(r->err, l->parts->nparts * sizeof(uint64_t),
				      "what is mapped");
	if (verdict != QN_COVERED)
		qn_resolve_leave(r, "a virtual dataset whose mappings overlap in too many ways");
	return QUERN_OK;
}

/* Moves the parts of a mosaic out of it. */
static struct qn_mosaic take_parts(struct qn_mosaic *m)
{
	struct qn_mosaic parts = *m;

	m->row_at = m->words = NULL;
	m->nparts = m->nwords = m->room_parts = m->room_words = 0;
	return parts;
}

static void free_parts(struct qn_mosaic *parts)
{
	free(parts->row_at);
	free(parts->words);
}

/* Where several are mapped the last one is meant: all parts are made anew, without overlaps. */
static enum quern_status remake(struct qn_resolving *r, struct leaves *l)
{
	struct qn_mosaic old = take_parts(&r->own);
	const struct qn_dataset *d = r->whole;
	enum quern_status st;

	l->parts = &old;
	l->out = &r->own;
	l->all = true;
	st = judge(r, l,
		   qn_cover(d->ndim, d->shape, old.nparts, part_box, take_leaf, l, COVER_WORK));
	free_parts(&old);
	return st;
}

/* Adds the gaps to the parts. They are found in a mosaic of their own, as the parts are asked for
   meanwhile. */
static enum quern_status fill_gaps(struct qn_resolving *r, uint32_t empty)
{
	const struct qn_dataset *d = r->whole;
	struct qn_mosaic gaps = r->own;
	struct leaves l = { .parts = &r->own, .out = &gaps, .empty = empty, .err = r->err };
	enum qn_covered verdict;
	enum quern_status st = QUERN_OK;

	take_parts(&gaps);
	verdict = qn_cover(d->ndim, d->shape, r->own.nparts, part_box, take_leaf, &l, COVER_WORK);
	if (l.overlap && verdict == QN_COVER_STOPPED)
		st = remake(r, &l);
	else
		st = judge(r, &l, verdict);
	for (uint64_t i = 0; !st && !r->why[0] && !l.overlap && i < gaps.nparts; i++) {
		struct qn_part p;
		bool fits;

		qn_mosaic_part(&gaps, i, &p);
		st = qn_mosaic_put(&r->own, p.member, &p.from, &p.to, &fits, r->err);
	}
	free_parts(&gaps);
	return st;
}

enum quern_status qn_resolve_virtual(struct qn_resolving *r, const struct qn_sources *list)
{
	/* Without limits, and without a source: what is missing is all that there is to tell. */
	const bool is_empty = qn_dataset_nelems(r->whole) == 0;
	struct qn_knowns k;
	enum quern_status st = qn_knowns_init(r, list, &k);
	uint64_t ntried = 0;
	uint32_t empty = 0;

	for (uint64_t i = 0; !st && !r->why[0] && !is_empty && i < list->n; i++)
		st = put_mapping(r, &list->origin[i], &k.known[k.of[i]], &ntried);
	if (!st && !r->why[0])
		st = qn_resolve_add_empty(r, false, &empty);
	if (!st && !r->why[0] && !is_empty)
		st = fill_gaps(r, empty);
	qn_knowns_fini(&k);
	return st;
}
