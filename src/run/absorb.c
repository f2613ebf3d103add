#include "run/absorb.h"

#include <stdlib.h>

#include "base/mem.h"
#include "kernel/there.h"
#include "registry/shield.h"
#include "run/kept.h"

/* Elements that are not there are left out, of a state of all. */
static void absorb_some(const struct qn_absorber *a, const struct quern_tile *tile)
{
	const struct qn_run *run = a->run;
	uint64_t valid[QUERN_TILE_NELEMS / 64];

	if (tile->var->dtype != QUERN_TEXT && qn_state_is_placeless(&run->layout)) {
		qn_absorb_packed(run->kernel, run->self, a->state, a->scratch, tile);
		return;
	}
	qn_absorb_there(run->kernel, run->self, a->state, a->scratch, valid, tile, 0, tile->nelems);
}

/* The groups of all elements. */
static const int32_t *const *group(struct qn_absorber *a, const struct quern_tile *data,
				   const uint64_t *there)
{
	uint64_t nbeyond = 0;
	const int32_t *const *groups = qn_grouper_number(a->grouper, data, there, &nbeyond);

	a->nbeyond += a->is_first ? nbeyond : 0;
	return groups;
}

void qn_absorber_take(struct qn_absorber *a, const struct quern_tile *tile)
{
	struct quern_tile there = *tile;
	struct qn_formula_tile made;
	const int32_t *const *given = NULL;

	if (a->formula) {
		qn_formula_apply(a->formula, &there, &made);
		a->nbeyond += a->is_first ? made.nbeyond : 0;
		a->nheld += made.nthere;
		if (qn_bad_weight_note(&a->bad, &there, &made))
			return;
		there = made.tile;
	}
	if (a->grouper && a->run->collects) {
		qn_grouper_collect(a->grouper, tile, there.there);
		return;
	}
	if (a->grouper)
		given = group(a, tile, there.there);
	if (!a->state)
		qn_cells_absorb(a->cells, a->scratch, &there, given);
	else if (there.there)
		absorb_some(a, &there);
	else
		a->run->kernel->absorb(a->run->self, a->state, a->scratch, &there);
}

enum quern_status qn_absorber_turn(struct qn_absorber *a, const struct quern_box *box,
				   uint32_t *operand, struct quern_message *err)
{
	enum quern_status st = QUERN_OK;

	*operand = 0;
	if (a->formula)
		st = qn_formula_worker_turn(a->formula, box, operand, err);
	if (st || !a->grouper)
		return st;
	st = qn_grouper_turn(a->grouper, box, operand, err);
	*operand += st && *operand ? (uint32_t)a->run->formula.n : 0;
	return st;
}

enum quern_status qn_absorber_check(const struct qn_absorber *a, struct quern_message *err)
{
	const struct qn_run *run = a->run;
	enum quern_status st = qn_shield_check(run->kernel, run->self,
					       qn_dataset_name(&run->subject->dataset), err);

	if (st)
		return st;
	if (a->bad.is_there)
		return qn_bad_weight_refuse(&a->bad, &a->run->subject->dataset, err);
	if (atomic_load_explicit(&a->cells->lacks_memory, memory_order_relaxed))
		return qn_error_nomem(err, 0, "the cells of the result");
	return a->grouper ? qn_grouper_check(a->grouper, &a->run->keys, err) : QUERN_OK;
}

/* What it computes with, beside the kernel. */
static bool have_expressions(struct qn_absorber *a)
{
	const struct qn_run *run = a->run;
	const bool computes =
		qn_formula_is_any(&run->formula) &&
		(qn_formula_has_program(&run->formula) || !qn_kept_are_all_picked(run));
	const bool groups = run->computed.n && (run->collects || run->cells.rows == &run->window);
	const uint64_t nelems = qn_kept_tile_nelems(run);

	if (computes)
		a->formula = qn_formula_worker_new(&run->formula, nelems, run->team->host);
	if (groups)
		a->grouper = qn_grouper_new(&run->computed, nelems, run->team->host);
	return (!computes || a->formula) && (!groups || a->grouper);
}

bool qn_absorber_init(struct qn_absorber *a)
{
	const struct qn_run *run = a->run;

	a->scratch =
		qn_alloc_aligned(qn_cells_scratch_nbytes(run->kernel, run->self, &run->layout));
	return have_expressions(a) && a->scratch;
}

enum quern_status qn_absorber_leave(struct qn_absorber *a, struct quern_message *err)
{
	struct quern_message ignored = { .status = QUERN_OK };
	enum quern_status st = qn_formula_worker_free(a->formula, err), of_keys;

	a->formula = NULL;
	of_keys = qn_grouper_leave(a->grouper, st ? &ignored : err);
	return st ? st : of_keys;
}

void qn_absorber_fini(struct qn_absorber *a)
{
	struct quern_message ignored = { .status = QUERN_OK };

	qn_formula_worker_free(a->formula, &ignored);
	qn_grouper_free(a->grouper);
	free(a->scratch);
}
