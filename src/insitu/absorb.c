/*
 * absorb.c - a step: the arrays of this rank, through formula, keys and kernel of the run, to the cells of the step.
 */
#include <stdlib.h>
#include <string.h>

#include "base/fp.h"
#include "base/mem.h"
#include "base/process.h"
#include "insitu/reduction.h"
#include "kernel/tile.h"
#include "run/kept.h"
#include "select/select.h"

/* Elements of a block where there are rows: several steps of a row in cache are no matter here, as there is one. */
#define MOST_OF_ROWS (UINT64_C(1) << 15)

/* --- before the first step --- */

static enum quern_status find_lead(quern_reduction *r)
{
	const char *path = r->run->subject.dataset.path;

	for (r->lead = 0; r->lead < r->nheld; r->lead++)
		if (!strcmp(r->frame.variable[r->held[r->lead].variable].name, path + 1))
			return QUERN_OK;
	return qn_error_set(&r->err, QUERN_ERR_USAGE,
			    "--dataset: %s is a coordinate: a variable is what is reduced", path);
}

/* The value of the step is one, that of the step at hand. */
static bool is_step(const quern_reduction *r, const struct qn_operand *o)
{
	return r->frame.has_steps && o->kind == QN_OPERAND_BESIDE && !o->held && o->stride[0];
}

static void note_steps(quern_reduction *r, struct qn_formula *f)
{
	for (int i = 1; i < f->n; i++)
		if (is_step(r, &f->operand[i])) {
			f->operand[i].is_of_step = true;
			f->operand[i].stride[0] = 0;
		}
}

/* Everything that has operands. */
static void each_formula(quern_reduction *r,
			 void (*visit)(quern_reduction *r, struct qn_formula *f))
{
	struct qn_run *run = &r->run->engine;

	visit(r, &run->formula);
	for (int i = 0; i < run->computed.n; i++)
		visit(r, &run->computed.given[i].formula);
}

static enum quern_status check_options(quern_reduction *r)
{
	if (r->run->nsingles)
		return qn_error_set(&r->err, QUERN_ERR_USAGE,
				    "--dataset: names %zu variables: make a reduction of each",
				    r->run->nsingles);
	if (r->run->subject.settings.select)
		return qn_error_set(
			&r->err, QUERN_ERR_USAGE,
			"--select: a grid in memory is reduced as its boxes say: leave out "
			"elements with --where");
	return qn_run_check_once(&r->run->engine, &r->err);
}

static enum quern_status equip(quern_reduction *r)
{
	struct qn_run *run = &r->run->engine;
	const size_t size = qn_dtype_size(run->subject->views[0].dtype);

	r->most = qn_kept_any(run) ? MOST_OF_ROWS : QUERN_TILE_NELEMS;
	run->items.max_nelems = r->most;
	r->room_of_block = qn_alloc_aligned(r->most * size);
	r->room_of_mask = qn_alloc_aligned(r->most);
	r->valid = qn_alloc_aligned(r->most / 8);
	r->absorber = (struct qn_absorber){ .run = run, .is_first = true };
	return r->room_of_block && r->room_of_mask && r->valid && qn_absorber_init(&r->absorber)
		       ? QUERN_OK
		       : qn_error_nomem(&r->err, 0, "a reduction");
}

static enum quern_status open_run(quern_reduction *r)
{
	enum quern_status st = QUERN_OK;

	if (!r->nheld)
		return qn_error_set(&r->err, QUERN_ERR_USAGE, "there is no variable to reduce");
	r->now = r->frame;
	r->now.steps = &r->step;
	if (r->frame.has_steps)
		r->now.shape[0] = 1;
	r->alone = quern_session_new(MPI_COMM_NULL);
	if (r->alone && r->session)
		st = qn_registry_add_all(&r->alone->registry, &r->session->registry, &r->err);
	if (st)
		return st;
	r->run = r->alone ? qn_reduction_new_run(r, r->alone, &r->now) : NULL;
	if (!r->run)
		return qn_error_nomem(&r->err, 0, "a run");
	r->run->is_step = true;
	st = qn_run_prepare(r->run);
	if (st)
		return qn_error_pass(&r->err, st, &r->run->err);
	st = check_options(r);
	if (!st)
		st = find_lead(r);
	if (!st)
		st = qn_step_tables_init(&r->tables, &r->run->engine, &r->err);
	if (!st)
		st = equip(r);
	if (!st)
		each_formula(r, note_steps);
	return st;
}

/* --- arrays --- */

/* Of a box: its dimensions but that of steps. */
static const int64_t *strides_of(const quern_reduction *r, size_t held, size_t box)
{
	const int n = r->frame.ndim - r->frame.has_steps;

	return r->held[held].stride + box * (size_t)n;
}

static void find_array(const quern_reduction *r, size_t held, size_t box, const void *first,
		       struct qn_held_array *out)
{
	const struct qn_frame_variable *v = &r->frame.variable[r->held[held].variable];
	const int64_t *stride = strides_of(r, held, box);

	*out = (struct qn_held_array){ .first = first, .size = qn_dtype_size(v->dtype) };
	for (int d = r->frame.has_steps; d < r->frame.ndim; d++)
		out->stride[d] = *stride++;
}

/* Of its bytes the one with the lowest address, and the one with the highest. Addresses of strides that are wrong may
   be none. */
static void find_ends(const struct qn_held_array *a, const struct quern_box *box,
		      const void *end[2])
{
	uintptr_t at[2] = { (uintptr_t)a->first, (uintptr_t)a->first + a->size - 1 };

	for (int d = 0; d < box->ndim; d++)
		at[a->stride[d] > 0] += (box->count[d] - 1) * (uintptr_t)a->stride[d];
	end[0] = (const void *)at[0];
	end[1] = (const void *)at[1];
}

/* Arrays on a device are nowhere in the memory of this process. */
static enum quern_status check_array(quern_reduction *r, size_t held, size_t box, const void *first)
{
	const char *name = r->frame.variable[r->held[held].variable].name;
	struct qn_held_array a;
	const void *end[2];

	if (!qn_box_nelems(&r->box[box]))
		return QUERN_OK;
	find_array(r, held, box, first, &a);
	find_ends(&a, &r->box[box], end);
	if ((uintptr_t)first % a.size)
		return qn_error_set(&r->err, QUERN_ERR_USAGE,
				    "%s: its array for box %zu begins at an address that is no "
				    "multiple of the %zu bytes of an element",
				    name, box, a.size);
	if (first && qn_process_can_read(end[0]) && qn_process_can_read(end[1]))
		return QUERN_OK;
	return qn_error_set(
		&r->err, QUERN_ERR_USAGE,
		"%s: its array for box %zu is no memory that the processor can read from "
		"%p on: one on a device has to be copied to the host, or be managed "
		"memory, and one in memory to be as large as its box and strides say",
		name, box, first);
}

static enum quern_status check_arrays(quern_reduction *r, const void *const *values)
{
	enum quern_status st = QUERN_OK;

	for (size_t i = 0; !st && i < r->nheld; i++)
		for (size_t b = 0; !st && b < r->nboxes; b++)
			st = check_array(r, i, b, values[i * r->nboxes + b]);
	return st;
}

/* --- a step --- */

/* What the names of an expression are in a box. */
struct giving {
	size_t box;
	const void *const *values;
};

static size_t find_held(const quern_reduction *r, const struct qn_frame_variable *v)
{
	size_t i = 0;

	while (&r->frame.variable[r->held[i].variable] != v)
		i++;
	return i;
}

/* Where index 0 of the grid would be: unsigned, as addresses are reckoned with. */
static void give_array(const quern_reduction *r, const struct giving *g, struct qn_operand *o)
{
	const size_t held = find_held(r, o->held);
	const struct quern_box *box = &r->box[g->box];
	struct qn_held_array a;
	uintptr_t at;

	find_array(r, held, g->box, g->values[held * r->nboxes + g->box], &a);
	at = (uintptr_t)a.first;
	for (int d = 0; d < box->ndim; d++) {
		at -= box->start[d] * (uintptr_t)a.stride[d];
		o->stride[d] = (uint64_t)(a.stride[d] / (int64_t)a.size);
	}
	o->values = (void *)at;
}

static void give(quern_reduction *r, const struct giving *g, struct qn_formula *f)
{
	for (int i = 1; i < f->n; i++)
		if (f->operand[i].held)
			give_array(r, g, &f->operand[i]);
}

/* Which elements of a block are not masked: NULL, all are. */
static const uint64_t *find_valid(const quern_reduction *r, const struct giving *g,
				  const struct quern_box *block, size_t nelems, size_t *nmissing)
{
	const struct quern_box *box = &r->box[g->box];
	struct qn_held_array mask;
	const uint8_t *bytes;

	*nmissing = 0;
	if (r->mask == QN_NO_MASK)
		return NULL;
	find_array(r, r->mask, g->box, g->values[r->mask * r->nboxes + g->box], &mask);
	bytes = qn_held_values(&mask, box, block, r->room_of_mask);
	memset(r->valid, 0, qn_ceil_div(nelems, 64) * sizeof(*r->valid));
	for (size_t i = 0; i < nelems; i++) {
		r->valid[i / 64] |= (uint64_t)(bytes[i] != 0) << i % 64;
		*nmissing += !bytes[i];
	}
	return *nmissing ? r->valid : NULL;
}

static enum quern_status absorb_box(quern_reduction *r, const struct giving *g)
{
	const struct quern_box *box = &r->box[g->box];
	struct quern_var var = { .dtype = r->run->engine.subject->views[0].dtype };
	struct quern_box block;
	struct quern_tile tile = { .box = &block, .nvars = 1, .var = &var };
	struct qn_held_array array;
	struct qn_blocks blocks;
	uint32_t operand;
	enum quern_status st = QUERN_OK;

	find_array(r, r->lead, g->box, g->values[r->lead * r->nboxes + g->box], &array);
	qn_blocks_init(&blocks, box, &array, r->most);
	while (!st && qn_blocks_next(&blocks, &block)) {
		tile.nelems = qn_box_nelems(&block);
		var.values = qn_held_values(&array, box, &block, r->room_of_block);
		var.valid = find_valid(r, g, &block, tile.nelems, &var.nmissing);
		st = qn_absorber_turn(&r->absorber, &block, &operand, &r->err);
		if (!st)
			qn_absorber_take(&r->absorber, &tile);
		r->nbytes += tile.nelems * array.size;
	}
	r->nchunks++;
	return st;
}

static enum quern_status absorb_all(quern_reduction *r, const void *const *values)
{
	struct qn_run *run = &r->run->engine;
	enum quern_status st = QUERN_OK;

	for (size_t b = 0; !st && b < r->nboxes; b++) {
		const struct giving g = { b, values };

		if (!qn_box_nelems(&r->box[b]))
			continue;
		give(r, &g, &run->formula);
		for (int i = 0; i < run->computed.n; i++)
			give(r, &g, &run->computed.given[i].formula);
		st = absorb_box(r, &g);
	}
	return st ? st : qn_absorber_check(&r->absorber, &r->err);
}

/* It becomes the last one of the grid. */
static enum quern_status add_step(quern_reduction *r, double step)
{
	struct qn_frame *f = &r->frame;

	if (!f->has_steps && r->nchunks)
		return qn_error_set(&r->err, QUERN_ERR_USAGE,
				    "the grid has no steps, and it was absorbed before: name a "
				    "dimension of steps with quern_reduction_steps");
	if (!f->has_steps)
		return QUERN_OK;
	if (f->shape[0] == r->most_steps)
		return qn_error_set(
			&r->err, QUERN_ERR_USAGE,
			"there are more than %llu steps: tell quern_reduction_steps how "
			"many there will be",
			(unsigned long long)r->most_steps);
	if (!qn_grow(&r->steps, &r->room, f->shape[0] + 1, sizeof(*r->steps)))
		return qn_error_nomem(&r->err, 0, "steps");
	r->steps[f->shape[0]++] = step;
	f->steps = r->steps;
	return QUERN_OK;
}

/* A run over all steps so far knows which of them are of the same groups. */
static enum quern_status unite_tables(quern_reduction *r)
{
	quern_run *run = qn_reduction_new_run(r, r->alone, &r->frame);
	enum quern_status st;

	if (!run)
		return qn_error_nomem(&r->err, 0, "a run");
	run->is_step = true; /* nobody asks for windows */
	st = qn_run_prepare(run);
	if (st)
		qn_error_pass(&r->err, st, &run->err);
	if (!st)
		st = qn_step_tables_unite(&r->tables, &run->engine, &r->err);
	quern_run_free(run);
	return st;
}

/* The step at hand is the last one. */
static enum quern_status turn_to_step(quern_reduction *r)
{
	struct qn_run *run = &r->run->engine;
	const uint64_t step = r->frame.has_steps ? r->frame.shape[0] - 1 : 0;
	struct qn_cells *cells;
	enum quern_status st = qn_step_tables_are_many(&r->tables) ? unite_tables(r) : QUERN_OK;

	if (!st)
		st = qn_step_tables_turn(&r->tables, step, &cells, &r->err);
	if (st)
		return st;
	for (size_t b = 0; r->frame.has_steps && b < r->nboxes; b++)
		r->box[b].start[0] = step;
	if (r->frame.has_steps)
		run->window.selection.start[0] = step;
	r->absorber.cells = cells;
	r->absorber.state = qn_kept_any(run) ? NULL : qn_cells_state(cells, 0);
	return QUERN_OK;
}

static void set_step(quern_reduction *r, struct qn_formula *f)
{
	for (int i = 1; i < f->n; i++) {
		struct qn_operand *o = &f->operand[i];

		if (o->is_of_step)
			memcpy(o->values, &r->step, sizeof(r->step));
	}
}

enum quern_status quern_reduction_absorb(quern_reduction *r, double step, const void *const *values)
{
	QN_OWN_FP;
	enum quern_status st = r->err.status;

	r->step = step;
	if (!st && !r->run)
		st = open_run(r);
	if (!st)
		st = check_arrays(r, values);
	if (!st)
		st = add_step(r, step);
	if (!st)
		st = turn_to_step(r);
	if (!st && r->frame.has_steps)
		each_formula(r, set_step);
	return st ? st : absorb_all(r, values);
}
