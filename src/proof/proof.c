/*
 * proof.c - what is compared. Each step changes one thing of how the same elements are absorbed, so that the first
 * difference tells what the kernel depends on.
 */
#include "proof/proof.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "kernel/list.h"
#include "kernel/order.h"
#include "kernel/result.h"
#include "kernel/tile.h"
#include "proof/calls.h"
#include "proof/random.h"

#define NPARTITIONS 5
#define MOST_STATES 7
#define NTHREADS    4
#define MOST_PASSES 64
#define MOST_COPIED (64u << 20) /* bytes of states, for each element */

/* A kernel, and another of the same input that gets what the first one shares, as those of other ranks do. */
struct proof {
	struct qn_calls first, other;
	struct qn_sample sample;
	struct quern_box box;
	bool whole[QUERN_MAX_DIMS + 1]; /* dimensions that are not cut; the last: it demands such */
	struct qn_tiling pieces;	/* in their order */
	int64_t *expect;		/* owned: the state of all elements */
	uint64_t seed;
};

static size_t state_nbytes(const struct qn_calls *c)
{
	return c->layout.nwords * sizeof(int64_t);
}

/* Sorts lists, whose order is no part of a state, and clears what is behind them. */
static void settle(const struct qn_calls *c, int64_t *state)
{
	for (int i = 0; i < c->layout.nsegments; i++) {
		const struct quern_segment *s = &c->layout.segment[i];

		if (s->op == QUERN_LIST)
			qn_list_sort(s->dtype, state, qn_list_most(s->dtype, s->nwords));
		state += s->nwords;
	}
}

/* A state of no elements, owned. NULL: no memory. */
static int64_t *new_state(const struct qn_calls *c)
{
	int64_t *state = qn_alloc_aligned(state_nbytes(c) + 1);

	if (state)
		qn_state_identity(&c->layout, state);
	else
		qn_error_nomem(c->err, state_nbytes(c), "a state");
	return state;
}

static enum quern_status compare(struct qn_calls *c, int64_t *state, const int64_t *expect,
				 const char *what)
{
	settle(c, state);
	if (!memcmp(state, expect, state_nbytes(c)))
		return QUERN_OK;
	return qn_calls_break(c, what);
}

/* The pieces to a new state, one after the other. *state: owned; NULL on failure. */
static enum quern_status absorb_all(struct qn_calls *c, const struct qn_tiling *ps, int64_t **state)
{
	enum quern_status st = QUERN_OK;

	*state = new_state(c);
	if (!*state || ps->nomem)
		return qn_error_nomem(c->err, 0, "tiles");
	for (size_t i = 0; !st && i < ps->n; i++)
		st = qn_calls_absorb(c, *state, ps->piece[i]);
	if (!st)
		qn_calls_normalize(c, *state);
	return c->is_broken ? QUERN_ERR_DATA : st;
}

static enum quern_status check_all(struct proof *p, const struct qn_tiling *ps, const char *what)
{
	struct qn_calls *c = &p->other;
	int64_t *state;
	enum quern_status st = absorb_all(c, ps, &state);

	if (!st)
		st = compare(c, state, p->expect, what);
	free(state);
	return st;
}

/* --- one thing at a time --- */

static enum quern_status check_scratch(struct proof *p)
{
	static const unsigned char garbage[] = { 0xff, 0x00, 0x7f };
	enum quern_status st = QUERN_OK;

	for (size_t i = 0; !st && i < sizeof(garbage); i++) {
		p->other.garbage = garbage[i];
		st = check_all(
			p, &p->pieces,
			"absorb() uses scratch that it has not written before, or something else that is "
			"not of its tile: the same tiles in the same order give other states");
	}
	return st;
}

static enum quern_status check_cuts(struct proof *p)
{
	struct qn_tiling ps = { .roles = p->other.roles };
	enum quern_status st = QUERN_OK;

	if (p->whole[QUERN_MAX_DIMS])
		return QUERN_OK;
	for (int i = 0; !st && i < 2; i++) {
		qn_tiling_cut(&ps, &p->sample, &p->box, false, &p->seed);
		st = check_all(
			p, &ps,
			"the result depends on where tiles are cut: the same elements in the same order, in "
			"tiles of other lengths, give another state");
		qn_tiling_fini(&ps);
		ps = (struct qn_tiling){ .roles = p->other.roles };
	}
	return st;
}

/* Rows of a result have single elements. Of the kinds of data one will do: with ties, some missing. */
static enum quern_status check_single(struct proof *p)
{
	const struct qn_trial *t = p->first.trial;
	struct qn_tiling ps = { .roles = p->other.roles };
	const size_t n = qn_tiling_nelems(&p->box);
	enum quern_status st = QUERN_OK;

	if (p->whole[QUERN_MAX_DIMS] || t->mood != QN_ROUND || !t->nmissing_in || !t->nan_missing ||
	    n * state_nbytes(&p->first) > MOST_COPIED)
		return QUERN_OK;
	for (size_t i = 0; i < n; i++)
		qn_tiling_add(&ps, &p->sample, &p->box, i, 1, &p->seed);
	st = check_all(
		p, &ps,
		"the result depends on where tiles are cut: tiles of one element, as rows of --over and --by "
		"have them, give another state");
	qn_tiling_fini(&ps);
	return st;
}

static enum quern_status check_order(struct proof *p)
{
	enum quern_status st = QUERN_OK;

	for (int i = 0; !st && i < 2; i++) {
		qn_tiling_shuffle(&p->pieces, &p->seed);
		st = check_all(
			p, &p->pieces,
			"the result depends on the order of tiles: the same tiles in another order give "
			"another state");
	}
	return st;
}

static enum quern_status check_identity(struct proof *p)
{
	struct qn_calls *c = &p->other;
	int64_t *a = new_state(c), *b = new_state(c);
	enum quern_status st = QUERN_OK;

	if (!a || !b)
		st = QUERN_ERR_RUN;
	if (!st) {
		qn_calls_normalize(c, a);
		qn_calls_normalize(c, b);
		qn_state_merge(&c->layout, a, p->expect);
		qn_calls_normalize(c, a);
		st = compare(
			c, a, p->expect,
			"merging a state with that of no elements changes it: normalize() is not what its "
			"segments say");
	}
	if (!st) {
		memcpy(a, p->expect, state_nbytes(c));
		qn_state_merge(&c->layout, a, b);
		qn_calls_normalize(c, a);
		qn_calls_normalize(c, a);
		st = compare(c, a, p->expect, "normalize() changes a state that is normalized");
	}
	free(a);
	free(b);
	return st;
}

/* A state merged with itself, as is done for tiles that are alike, is the doubled one. */
static enum quern_status check_double(struct proof *p)
{
	struct qn_calls *c = &p->other;
	int64_t *merged = new_state(c), *doubled = new_state(c);
	enum quern_status st = QUERN_OK;

	if (!merged || !doubled)
		st = QUERN_ERR_RUN;
	for (int i = 0; !st && i < c->layout.nsegments; i++)
		if (c->layout.segment[i].op == QUERN_LEAST ||
		    c->layout.segment[i].op == QUERN_LIST || c->layout.segment[i].op == QUERN_TALLY)
			goto done;
	if (!st) {
		memcpy(merged, p->expect, state_nbytes(c));
		memcpy(doubled, p->expect, state_nbytes(c));
		qn_state_merge(&c->layout, merged, p->expect);
		qn_state_double(&c->layout, doubled);
		qn_calls_normalize(c, merged);
		qn_calls_normalize(c, doubled);
		st = compare(c, merged, doubled, "normalize() gives equal sums different words");
	}
done:
	free(merged);
	free(doubled);
	return st;
}

/* Merges states two by two, at random, until one is left in state[0]. */
static void merge_tree(struct proof *p, int64_t **state, size_t nstates)
{
	struct qn_calls *c = &p->other;

	for (; nstates > 1; nstates--) {
		size_t i = qn_random_below(&p->seed, nstates), last = nstates - 1;
		int64_t *moved = state[i];

		state[i] = state[last];
		state[last] = moved;
		i = qn_random_below(&p->seed, last);
		qn_state_merge(&c->layout, state[i], state[last]);
		qn_calls_normalize(c, state[i]);
	}
}

/* The pieces dealt to states, which are merged. */
static enum quern_status deal(struct proof *p, const struct qn_tiling *ps, int64_t **state,
			      size_t nstates)
{
	struct qn_calls *c = &p->other;
	enum quern_status st = QUERN_OK;

	for (size_t i = 0; !st && i < ps->n; i++)
		st = qn_calls_absorb(c, state[qn_random_below(&p->seed, nstates)], ps->piece[i]);
	for (size_t i = 0; !st && i < nstates; i++)
		qn_calls_normalize(c, state[i]);
	if (!st)
		merge_tree(p, state, nstates);
	return st ? st
		  : compare(c, state[0], p->expect,
			    "merging states differs from absorbing: an operation of a segment is not how absorb() "
			    "adds to its words, or it depends on the order of elements");
}

static enum quern_status check_partition(struct proof *p, const struct qn_tiling *ps)
{
	const size_t nstates = 1 + qn_random_below(&p->seed, MOST_STATES);
	enum quern_status st = QUERN_OK;
	int64_t *state[MOST_STATES] = { NULL };

	for (size_t i = 0; !st && i < nstates; i++)
		st = (state[i] = new_state(&p->other)) ? QUERN_OK : QUERN_ERR_RUN;
	if (!st && ps->nomem)
		st = qn_error_nomem(p->other.err, 0, "tiles");
	if (!st)
		st = deal(p, ps, state, nstates);
	for (size_t i = 0; i < nstates; i++)
		free(state[i]);
	return st;
}

/* Boxes and tiles at random, as ranks and threads have them. */
static enum quern_status check_partitions(struct proof *p)
{
	enum quern_status st = QUERN_OK;

	for (int v = 0; !st && v < NPARTITIONS; v++) {
		struct qn_tiling ps = { .roles = p->other.roles };

		if (!p->whole[QUERN_MAX_DIMS])
			qn_tiling_split(&ps, &p->sample, &p->box, p->whole, v, &p->seed);
		qn_tiling_shuffle(p->whole[QUERN_MAX_DIMS] ? &p->pieces : &ps, &p->seed);
		st = check_partition(p, p->whole[QUERN_MAX_DIMS] ? &p->pieces : &ps);
		qn_tiling_fini(&ps);
	}
	return st;
}

/* --- threads --- */

struct thread {
	const struct qn_calls *c;
	const struct qn_tiling *ps;
	size_t first;
	int64_t *state; /* owned */
	void *scratch;	/* owned */
	pthread_t id;
	bool is_started;
};

static void *absorb_some(void *arg)
{
	const struct thread *t = arg;

	for (size_t i = t->first; i < t->ps->n; i += NTHREADS)
		t->c->trial->kernel->absorb(t->c->self, t->state, t->scratch,
					    &t->ps->piece[i]->tile);
	return NULL;
}

static bool start_threads(struct qn_calls *c, const struct qn_tiling *ps, struct thread *t)
{
	bool ok = true;

	for (size_t i = 0; i < NTHREADS; i++) {
		t[i] = (struct thread){ .c = c, .ps = ps, .first = i, .state = new_state(c) };
		t[i].scratch = qn_alloc_aligned(c->scratch_nbytes + 1);
		ok = ok && t[i].state && t[i].scratch;
	}
	for (size_t i = 0; ok && i < NTHREADS; i++)
		ok = t[i].is_started = !pthread_create(&t[i].id, NULL, absorb_some, &t[i]);
	for (size_t i = 0; i < NTHREADS; i++)
		if (t[i].is_started)
			pthread_join(t[i].id, NULL);
	return ok;
}

static enum quern_status check_threads(struct proof *p)
{
	struct qn_calls *c = &p->other;
	const bool locks = c->doing->globals.n > 0 && qn_globals_set(&c->doing->globals, false);
	struct thread t[NTHREADS];
	enum quern_status st = QUERN_OK;
	bool ok;

	qn_calls_enter(c, "absorb");
	ok = start_threads(c, &p->pieces, t);
	qn_calls_leave(c);
	if (locks)
		qn_globals_set(&c->doing->globals, true);
	if (!ok)
		st = qn_error_set(c->err, QUERN_ERR_RUN, "threads cannot be started");
	for (size_t i = 0; !st && i < NTHREADS; i++) {
		qn_calls_normalize(c, t[i].state);
		if (i > 0)
			qn_state_merge(&c->layout, t[0].state, t[i].state);
		qn_calls_normalize(c, t[0].state);
	}
	if (!st)
		st = compare(c, t[0].state, p->expect,
			     "several threads that absorb at once give another state: a data race");
	for (size_t i = 0; i < NTHREADS; i++) {
		free(t[i].state);
		free(t[i].scratch);
	}
	return st;
}

/* --- passes --- */

typedef enum quern_status step(struct proof *p);

static enum quern_status check_pass(struct proof *p)
{
	static step *const steps[] = {
		check_scratch,	check_cuts,   check_single,	check_order,
		check_identity, check_double, check_partitions, check_threads
	};
	enum quern_status st = QUERN_OK;

	for (size_t i = 0; !st && i < sizeof(steps) / sizeof(*steps); i++)
		st = steps[i](p);
	return st;
}

/* What rank 0 shares, to the kernel of the other one. */
static enum quern_status share(struct proof *p)
{
	const struct quern_kernel *k = p->first.trial->kernel;
	struct quern_message message = { .status = QUERN_OK };
	size_t nbytes, nbytes_there;
	void *data = k->shared(p->first.self, &nbytes),
	     *there = k->shared(p->other.self, &nbytes_there);

	if (nbytes != nbytes_there)
		return qn_calls_break(&p->first, "shared() has another size on another rank");
	memcpy(there, data, nbytes);
	if (k->adopt && (k->adopt(p->first.self, &message) || k->adopt(p->other.self, &message)))
		return qn_calls_break(&p->first, message.text);
	return QUERN_OK;
}

/* Rank 0 after a pass. */
static bool advance(struct qn_calls *c, const int64_t *state)
{
	const struct quern_kernel *k = c->trial->kernel;
	bool more;

	qn_calls_enter(c, "advance");
	if (k->review)
		k->review(c->self, 0, state);
	more = k->advance && k->advance(c->self, state);
	qn_calls_leave(c);
	return more;
}

/* Has the result the fields that the kernel says, in their order? */
static enum quern_status check_fields(struct qn_calls *c, const struct quern_result *r,
				      const char *const *names)
{
	char what[256];
	size_t n = 0;

	while (names[n])
		n++;
	if (n != r->nfields) {
		snprintf(what, sizeof(what), "emit() adds %zu fields, and fields() names %zu",
			 r->nfields, n);
		return qn_calls_break(c, what);
	}
	for (size_t i = 0; i < n; i++)
		if (strcmp(names[i], r->field[i].name)) {
			snprintf(
				what, sizeof(what),
				"emit() adds field '%s' where fields() has '%s': they are in one order",
				r->field[i].name, names[i]);
			return qn_calls_break(c, what);
		}
	return QUERN_OK;
}

static enum quern_status emit(struct qn_calls *c, const int64_t *state)
{
	const struct quern_kernel *k = c->trial->kernel;
	struct quern_result r = { .nfields = 0 };
	const char *const *names;
	enum quern_status st;

	qn_calls_enter(c, "fields");
	names = k->fields(c->self);
	qn_calls_leave(c);
	qn_calls_enter(c, "emit");
	k->emit(c->self, state, &r);
	qn_calls_leave(c);
	st = c->is_broken ? QUERN_ERR_DATA : check_fields(c, &r, names);
	if (!st && r.nomem)
		st = qn_error_nomem(c->err, 0, "a result");
	qn_result_fini(&r);
	return st;
}

/* A selection may be empty of values, and so may a row. */
static enum quern_status emit_nothing(struct qn_calls *c)
{
	int64_t *state;
	enum quern_status st;

	if (c->trial->kernel->advance)
		return QUERN_OK;
	state = new_state(c);
	if (!state)
		return QUERN_ERR_RUN;
	qn_calls_normalize(c, state);
	st = emit(c, state);
	free(state);
	return st;
}

static void find_demand(struct proof *p)
{
	const struct quern_kernel *k = p->first.trial->kernel;
	struct quern_demand demand = { .min_nelems = 0 };

	memset(p->whole, 0, sizeof(p->whole));
	if (!k->demand)
		return;
	k->demand(p->first.self, &demand);
	memcpy(p->whole, demand.whole, sizeof(demand.whole));
	p->whole[QUERN_MAX_DIMS] = true;
}

static enum quern_status cut(struct proof *p)
{
	p->pieces = (struct qn_tiling){ .roles = p->first.roles };
	if (p->whole[QUERN_MAX_DIMS])
		qn_tiling_split(&p->pieces, &p->sample, &p->box, p->whole, 3, &p->seed);
	else
		qn_tiling_cut(&p->pieces, &p->sample, &p->box, false, &p->seed);
	return p->pieces.nomem ? qn_error_nomem(p->first.err, 0, "tiles") : QUERN_OK;
}

/* The state of all elements is p->expect then. */
static enum quern_status run_pass(struct proof *p)
{
	const size_t most = p->whole[QUERN_MAX_DIMS] ? p->sample.nelems : QUERN_TILE_NELEMS;
	enum quern_status st = qn_calls_begin_pass(&p->first, most);

	free(p->expect);
	p->expect = NULL;
	if (!st)
		st = qn_calls_begin_pass(&p->other, most);
	if (!st && p->first.layout.nwords != p->other.layout.nwords)
		st = qn_calls_break(&p->first, "layout() differs between ranks");
	p->first.garbage = 0xff;
	if (!st)
		st = absorb_all(&p->first, &p->pieces, &p->expect);
	if (!st)
		settle(&p->first, p->expect);
	return st ? st : check_pass(p);
}

static enum quern_status run_passes(struct proof *p)
{
	enum quern_status st = run_pass(p);
	int npasses = 1;

	while (!st && advance(&p->first, p->expect)) {
		st = share(p);
		if (!st && npasses++ == MOST_PASSES)
			st = qn_calls_break(&p->first, "advance() asks for pass after pass");
		if (!st)
			st = run_pass(p);
	}
	if (!st)
		st = emit(&p->first, p->expect);
	return st ? st : emit_nothing(&p->other);
}

/* --- a trial --- */

/* Of one that goes along one dimension no other has several elements. */
static const uint64_t *shape_for(const struct quern_kernel *k)
{
	static const uint64_t large[] = { 5, 29, 61 }, small[] = { 40, 3, 5 },
			      line[] = { 8845, 1, 1 };

	if (k->follows)
		return line;
	return k->demand ? small : large;
}

static enum quern_status make_sample(struct proof *p, const struct qn_trial *t,
				     struct quern_message *err)
{
	const size_t size = t->dtype == QUERN_TEXT ? t->text_nbytes : qn_dtype_size(t->dtype);

	if (!qn_sample_init(&p->sample, t->dtype, size, 3, shape_for(t->kernel)))
		return qn_error_nomem(err, 0, "a sample");
	qn_sample_fill(&p->sample, t->mood, t->nmissing_in, &p->seed);
	p->sample.nan_missing = t->nan_missing;
	p->box = qn_sample_box(&p->sample);
	if (t->has_steps) {
		p->box.start[0] = 1;
		p->box.step[0] = 2;
		p->box.count[0] = p->sample.shape[0] / 2;
	}
	return QUERN_OK;
}

static void fini(struct proof *p)
{
	struct qn_doing *d = p->first.doing;
	struct qn_guarded *const guarded[] = { &d->values, &d->with,	&d->weight,
					       &d->valid,  &d->scratch, &d->state };

	qn_calls_close(&p->first);
	qn_calls_close(&p->other);
	for (size_t i = 0; i < sizeof(guarded) / sizeof(*guarded); i++)
		qn_guarded_fini(guarded[i]);
	d->globals.n = 0;
	qn_tiling_fini(&p->pieces);
	qn_sample_fini(&p->sample);
	free(p->expect);
}

enum quern_status qn_proof_try(const struct qn_trial *t, struct qn_doing *doing, bool *is_broken,
			       struct quern_message *err)
{
	struct proof p = { .first = { .trial = t, .doing = doing, .err = err },
			   .other = { .trial = t, .doing = doing, .err = err },
			   .seed = t->seed };
	enum quern_status st = make_sample(&p, t, err);

	doing->trial = t;
	if (t->is_guarded)
		qn_globals_find(t->kernel, &doing->globals);
	if (!st)
		st = qn_calls_open(&p.first, &p.sample, &p.box);
	if (!st)
		st = qn_calls_open(&p.other, &p.sample, &p.box);
	if (!st) {
		find_demand(&p);
		st = cut(&p);
	}
	if (!st)
		st = run_passes(&p);
	fini(&p);
	*is_broken = p.first.is_broken || p.other.is_broken;
	return *is_broken ? QUERN_ERR_DATA : st;
}
