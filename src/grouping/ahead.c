#include "grouping/ahead.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "grouping/numbers.h"
#include "keys/group.h"
#include "kernel/tile.h"

#define MOST_AHEAD (UINT64_C(1) << 24) /* elements */

static bool are_known(const struct qn_formula *f)
{
	for (int i = 1; i < f->n; i++)
		if (!qn_operand_is_known(&f->operand[i]))
			return false;
	return true;
}

/* The dimensions that an expression depends on, all of each and one index of the others. */
static bool find_box(const struct qn_subject *subject, const struct qn_formula *f,
		     struct quern_box *box, uint64_t *nelems)
{
	const struct qn_dataset *d = &subject->dataset;
	bool fits = true;

	*nelems = 1;
	*box = (struct quern_box){ .ndim = d->ndim };
	for (int k = 0; k < d->ndim; k++) {
		box->step[k] = 1;
		box->count[k] = 1;
		for (int i = 1; i < f->n; i++)
			if (f->operand[i].stride[k] && qn_program_uses(f->made[QUERN_VALUE], i))
				box->count[k] = qn_dataset_length(d, k);
		fits = fits && qn_mul(*nelems, box->count[k], nelems);
	}
	/* What is the same everywhere is so along the first of them. */
	if (*nelems == 1 && d->ndim)
		*nelems = box->count[0] = qn_dataset_length(d, 0);
	return fits;
}

bool qn_ahead_can(const struct qn_subject *subject, const struct qn_formula *f)
{
	struct quern_box box;
	uint64_t nelems;

	return !qn_program_uses(f->made[QUERN_VALUE], 0) && are_known(f) &&
	       find_box(subject, f, &box, &nelems) && nelems <= MOST_AHEAD;
}

/* --- rank 0 --- */

struct evaluation {
	struct qn_formula f; /* borrows all; of the whole dataset, whatever is selected */
	struct quern_box box;
	struct qn_values *v;
	uint64_t nbeyond;
	struct qn_formula_worker *worker;
	double none[QUERN_TILE_NELEMS]; /* in the place of the data, which is not asked for */
};

static void take_piece(struct evaluation *e, uint64_t at, size_t n)
{
	const struct quern_var data = { .dtype = e->f.operand[0].dtype, .values = e->none };
	const struct quern_tile tile = {
		.box = &e->box, .first = at, .nelems = n, .nvars = 1, .var = &data
	};
	struct qn_formula_tile made;

	qn_formula_apply(e->worker, &tile, &made);
	e->nbeyond += made.nbeyond;
	for (size_t i = 0; i < n; i++)
		e->v->missing[at + i] = made.var[0].valid &&
					!(made.var[0].valid[i / 64] >> i % 64 & 1);
	if (e->v->reals)
		qn_values_to_reals(&made.var[0], n, e->v->reals + at);
	else
		qn_values_to_integers(&made.var[0], n, e->v->integers + at);
}

static enum quern_status evaluate(const struct qn_formula *f, const struct quern_box *box,
				  struct qn_values *v, uint64_t *nbeyond, struct quern_message *err)
{
	struct evaluation *e = qn_calloc(1, sizeof(*e));
	const bool is_real = qn_dtype_is_float(qn_program_dtype(f->made[QUERN_VALUE]));
	struct quern_message ignored = { .status = QUERN_OK };
	enum quern_status st = QUERN_OK;
	uint32_t operand = 0;
	void *values = qn_calloc(v->n, sizeof(double));

	*(is_real ? (void **)&v->reals : (void **)&v->integers) = values;
	v->missing = qn_calloc(v->n, 1);
	if (!e || !values || !v->missing)
		st = qn_error_nomem(err, v->n * sizeof(double), "a key");
	if (!st) {
		e->f = *f;
		e->f.picks = NULL;
		e->box = *box;
		e->v = v;
		e->worker = qn_formula_worker_new(&e->f, QUERN_TILE_NELEMS, "");
		st = e->worker ? qn_formula_worker_turn(e->worker, &e->box, &operand, err)
			       : qn_error_nomem(err, 0, "a key");
	}
	for (uint64_t at = 0, n; !st && at < v->n; at += n) {
		n = qn_min_u64(v->n - at, QUERN_TILE_NELEMS);
		take_piece(e, at, (size_t)n);
	}
	if (e) {
		*nbeyond = e->nbeyond;
		qn_formula_worker_free(e->worker, &ignored);
	}
	free(e);
	return st;
}

/* As if it were a dataset on these dimensions. */
static enum quern_status make_source(const struct qn_subject *subject,
				     const struct qn_key_spec *spec, const struct qn_formula *f,
				     struct qn_key_source *s, uint64_t *nbeyond,
				     struct quern_message *err)
{
	struct quern_box box;

	*s = (struct qn_key_source){ .joined = -1 };
	find_box(subject, f, &box, &s->values.n);
	for (int k = 0; k < box.ndim; k++)
		if (box.count[k] != 1 || (!k && s->values.n == 1)) {
			s->dim[s->like.ndim] = k;
			s->length[s->like.ndim++] = box.count[k];
		}
	if (!s->like.ndim)
		return qn_error_set(err, QUERN_ERR_USAGE,
				    "--by: %s: dataset %s has no dimensions to make groups along",
				    spec->text, subject->dataset.path);
	s->like.path = qn_strdup(spec->expr);
	s->like.file = qn_strdup(subject->dataset.file);
	if (!s->like.path || !s->like.file)
		return qn_error_nomem(err, strlen(spec->expr), "a key");
	if (qn_program_dtype(f->made[QUERN_VALUE]) == QUERN_U64)
		return qn_error_set(err, QUERN_ERR_USAGE,
				    "--by: %s: unsigned integers of 64 bits are no keys: divide "
				    "them, as in NAME=x // 2",
				    spec->text);
	return evaluate(f, &box, &s->values, nbeyond, err);
}

enum quern_status qn_ahead_find(const struct qn_subject *subject, const struct qn_team *team,
				const struct qn_key_spec *spec, const struct qn_formula *f,
				struct qn_key *key, struct qn_names *warnings,
				struct quern_message *err)
{
	const bool leads = qn_comm_rank(team->comm) == 0;
	struct qn_key_source source = { .joined = -1 };
	enum quern_status st = QUERN_OK;
	uint64_t nbeyond = 0;

	if (leads)
		st = make_source(subject, spec, f, &source, &nbeyond, err);
	if (!st && nbeyond)
		st = qn_warnings_add(warnings, err,
				     "--by: %s: of %" PRIu64
				     " elements it is an integer that 64 bits "
				     "do not hold: they are in no group",
				     spec->text, nbeyond);
	if (!st && leads) {
		qn_key_fini(key);
		st = qn_key_group(spec, spec->text, &source, subject, key, err);
	}
	qn_key_source_fini(&source);
	if (!leads)
		qn_key_fini(key);
	return qn_key_share(team, st, key, err);
}
