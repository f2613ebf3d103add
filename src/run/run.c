/*
 * run.c - a run up to its plan: the kernel is opened on what it computes on, and the work is cut.
 */
#include "run/run.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "find/join.h"
#include "find/meaning.h"
#include "find/warnings.h"
#include "kernel/pick.h"
#include "kernel/roles.h"
#include "kernel/several.h"
#include "run/kept.h"
#include "run/names.h"

/* A kernel that takes no text says which do. */
static enum quern_status check_text(const struct qn_run *run, struct quern_message *err)
{
	char others[256];

	if (run->subject->views[0].dtype != QUERN_TEXT || run->kernel->takes_text)
		return QUERN_OK;
	qn_kernels_list(qn_kernel_takes_text, QUERN_VALUE, others, sizeof(others));
	return qn_error_set(err, QUERN_ERR_DATA,
			    "%s: dataset %s has elements of type %s, which is "
			    "text: kernel %s takes numbers; of text you can have: %s",
			    run->subject->dataset.file, run->subject->dataset.path,
			    run->subject->dataset.type.name, run->kernel->name, others);
}

/* Of all cells of a window. */
static uint64_t most_in_row(const struct qn_run *run)
{
	const uint64_t n = qn_rows_most(&run->rows);
	uint64_t all;

	return qn_mul(n, qn_max_u64(run->rolling.n, 1), &all) ? all : UINT64_MAX;
}

/* What it wants to know of a cell by another pass would be of that cell alone. */
static enum quern_status check_windows(const struct qn_run *run, struct quern_message *err)
{
	const struct quern_kernel *k = run->kernel;

	if (!run->rolling.n || !k->is_reviewed || !k->is_reviewed(run->self))
		return QUERN_OK;
	return qn_error_set(
		err, QUERN_ERR_USAGE,
		"--rolling: kernel %s looks at the data several times for cells of up to "
		"%" PRIu64 " elements in a window: make the windows smaller, or select "
		"less with -s",
		k->name, most_in_row(run));
}

/* What a kernel says of weights is of those of windows where these are all that there are. */
static enum quern_status pass_of_weights(const struct qn_run *run, enum quern_status st,
					 const struct quern_message *why, struct quern_message *err)
{
	static const char option[] = "--weights: ";
	const size_t n = sizeof(option) - 1;

	if (run->rolling.weight && !run->settings.weights && !strncmp(why->text, option, n))
		return qn_error_set(err, st, "--rolling, weights=: %s", why->text + n);
	return qn_error_pass(err, st, why);
}

/* Dimension 0 has so many indexes, as far as a kernel knows. */
struct grown {
	uint64_t shape[QUERN_MAX_DIMS];
	struct quern_box selection;
};

/* Rows, and elements of a row, at most: the same whatever steps there are so far. */
static void grow_rows(const struct qn_run *run, struct quern_input *in)
{
	const uint64_t n = run->settings.most_steps;

	in->nrows = in->most_in_row = 1;
	for (int t = 0; t < run->rows.nterms; t++) {
		const struct qn_row_term *term = &run->rows.term[t];
		const uint64_t ngroups = qn_row_term_has(term, 0) ? n
								  : qn_max_u64(term->ngroups, 1);

		if (!qn_mul(in->nrows, ngroups, &in->nrows))
			in->nrows = UINT64_MAX;
	}
	for (int d = 0; d < in->ndim; d++)
		if (run->reduced[d] &&
		    !qn_mul(in->most_in_row, in->selection->count[d], &in->most_in_row))
			in->most_in_row = UINT64_MAX;
}

static void grow(const struct qn_run *run, struct grown *g, struct quern_input *in)
{
	memcpy(g->shape, in->shape, sizeof(g->shape));
	g->selection = *in->selection;
	g->shape[0] = g->selection.count[0] = run->settings.most_steps;
	in->shape = g->shape;
	in->selection = &g->selection;
	grow_rows(run, in);
}

/* tells: what the kernel has to say. */
static enum quern_status open_kernel(struct qn_run *run, bool tells, struct quern_message *err)
{
	struct quern_message said = { .status = QUERN_OK };
	struct quern_input in = {
		.ndim = run->subject->dataset.ndim,
		.shape = run->subject->dataset.shape,
		.selection = &run->subject->selection,
		.dtype = qn_formula_dtype(&run->formula, run->subject->views[0].dtype),
		.text_nbytes = run->subject->dataset.type.size,
		.nan_missing = run->settings.nan_missing,
		.dims = (const char *const *)run->subject->dataset.dim_name,
		.reduced = run->reduced,
		.options = run->settings.of_kernel,
		.roles = qn_formula_roles(&run->formula),
		.has_row_weights = run->formula.row_weight != NULL,
		.message = &said,
		.kernel = run->kernel,
		.nrows = run->rows.nrows,
		.most_in_row = most_in_row(run),
	};
	struct grown grown;
	enum quern_status st;

	if (run->settings.most_steps)
		grow(run, &grown, &in);
	if (run->settings.is_part && qn_kept_any(run))
		in.nrows = qn_max_u64(in.nrows, 2);
	for (int i = 0; i < QUERN_NROLES; i++)
		if (run->formula.made[i])
			in.role_dtype[i] = qn_program_dtype(run->formula.made[i]);
	st = run->kernel->open(&in, &run->self);
	if (st)
		return pass_of_weights(run, st, &said, err);
	st = check_windows(run, err);
	if (!st && tells && said.text[0] && qn_comm_rank(run->team->comm) == 0)
		st = qn_warnings_add(&run->warnings, err, "%s", said.text);
	return st;
}

/* Where a row has one weight for all of its elements, nothing is multiplied before it is done. Of windows rows are
   parts. */
static enum quern_status find_row_weights(struct qn_run *run, struct quern_message *err)
{
	const bool can = run->kernel->takes_row_weights && qn_kept_any(run) && !run->rolling.n;

	return !can || qn_formula_weigh_rows(&run->formula, run->reduced)
		       ? QUERN_OK
		       : qn_error_nomem(err, 0, "weights");
}

static enum quern_status make_items(struct qn_run *run, struct qn_subject *subject,
				    const struct quern_demand *demand, struct quern_message *err)
{
	struct quern_message why = { .status = QUERN_OK };
	enum quern_status st = qn_items_init(&run->items, &run->subject->mosaic,
					     &run->subject->selection, demand, &why);

	/* Who reads a catalog as a whole sees fill values in the place of shards of other hosts. */
	if (st == QUERN_ERR_DATA && run->subject->mosaic.nledgers)
		return qn_error_set(err, st,
				    "%s: this kernel must see a dimension whole along which the "
				    "dataset was staged: stage it along another with --cut",
				    run->subject->dataset.file);
	if (st == QUERN_ERR_DATA && run->subject->mosaic.nbeyond)
		return qn_error_set(
			err, st,
			"%s: dataset %s ends earlier than its dimensions, which "
			"other variables make longer, and this kernel must see them whole: "
			"select what is there with -s (`quern inspect` shows it)",
			run->subject->dataset.file, run->subject->dataset.path);
	if (st == QUERN_ERR_DATA && run->subject->files.n == 1 && !run->subject->dataset.stacked) {
		st = qn_subject_leave_to_library(subject, err);
		return st ? st
			  : qn_items_init(&run->items, &run->subject->mosaic,
					  &run->subject->selection, demand, err);
	}
	return st ? qn_error_pass(err, st, &why) : QUERN_OK;
}

/* Whether the state of a chunk that nobody has written stands for all that are like it. Of a dataset
   that the library reads it is not known which chunks these are. */
static bool counts_holes(const struct qn_run *run)
{
	struct quern_message ignored = { .status = QUERN_OK };
	struct qn_layout_of_state layout;
	bool can = run->items.max_chunks == 1 &&
		   !qn_state_layout(run->kernel, run->self, &layout, &ignored) &&
		   qn_state_repeats(run->kernel, &layout);

	for (uint32_t i = 0; i < run->subject->mosaic.nforms; i++)
		can = can && run->subject->mosaic.form[i].native;
	return can;
}

/* In a cell it has one value otherwise. */
static enum quern_status check_against(const struct qn_run *run, struct quern_message *err)
{
	const struct qn_dataset *d = &run->subject->dataset;
	const int dim = run->formula.against.dim;
	char number[16];

	if (dim < 0 || run->reduced[dim])
		return QUERN_OK;
	snprintf(number, sizeof(number), "%d", dim);
	return qn_error_set(err, QUERN_ERR_USAGE,
			    "--against: %s is kept, so that each cell has one value of it: --over "
			    "has to have it",
			    d->dim_name[dim] ? d->dim_name[dim] : number);
}

/* In a union of pieces with different steps nobody can say which elements follow each other. */
static enum quern_status check_steps(const struct qn_run *run, struct quern_message *err)
{
	const struct qn_dataset *d = &run->subject->dataset;
	char number[16];

	if (!run->kernel->follows || !run->formula.picks)
		return QUERN_OK;
	for (int i = 0; i < d->ndim; i++) {
		const struct qn_pick *p = &run->formula.picks->dim[i];

		snprintf(number, sizeof(number), "%d", i);
		for (size_t k = 0; run->reduced[i] && k < p->npieces; k++)
			if (p->piece[k].count > 1 &&
			    p->piece[k].step != run->subject->selection.step[i])
				return qn_error_set(
					err, QUERN_ERR_USAGE,
					"--select: %s is a union of pieces with different steps, in "
					"which kernel %s cannot say what follows what",
					d->dim_name[i] ? d->dim_name[i] : number,
					run->kernel->name);
	}
	return QUERN_OK;
}

static enum quern_status check_roles(const struct qn_run *run, struct quern_message *err)
{
	struct quern_message why = { .status = QUERN_OK };
	const enum quern_status st =
		qn_roles_check(run->kernel, qn_formula_roles(&run->formula), &why);

	return st ? pass_of_weights(run, st, &why, err) : QUERN_OK;
}

static enum quern_status open_run(struct qn_run *run, struct qn_subject *subject,
				  struct quern_message *err)
{
	struct quern_demand demand = { .min_nelems = 0 };
	enum quern_status st = check_text(run, err);

	if (!st)
		st = check_roles(run, err);
	if (!st)
		st = qn_kept_find(run, err);
	if (!st)
		st = check_against(run, err);
	if (!st)
		st = check_steps(run, err);
	if (!st)
		st = find_row_weights(run, err);
	if (!st)
		st = open_kernel(run, !qn_computed_collects(&run->computed), err);
	if (!st && run->settings.fields)
		st = qn_pick_find(run->kernel, run->self, run->settings.fields, &run->fields, err);
	if (!st)
		st = qn_names_check(run, err);
	if (!st)
		st = qn_kept_warn(run, err);
	if (!st && run->kernel->demand && (run->formula.where || run->formula.picks))
		st = qn_error_set(err, QUERN_ERR_USAGE,
				  "%s: kernel %s must see all of its dimensions%s",
				  run->formula.where ? "--where" : "--select", run->kernel->name,
				  run->formula.where ? "" : ": a union leaves gaps in them");
	if (st)
		return st;
	run->whole = run->kernel->demand || qn_kept_any(run);
	if (run->kernel->demand)
		run->kernel->demand(run->self, &demand);
	else if (qn_kept_any(run))
		demand.min_nelems = run->settings.skips ? 1 : qn_kept_least_nelems(run);
	st = make_items(run, subject, run->whole ? &demand : NULL, err);
	run->items.counts_holes = !st && !run->whole && !qn_formula_is_any(&run->formula) &&
				  counts_holes(run);
	return st;
}

enum quern_status qn_run_reopen(struct qn_run *run, struct quern_message *err)
{
	enum quern_status st = qn_kept_find(run, err);

	if (st)
		return st;
	run->kernel->close(run->self);
	run->self = NULL;
	return open_kernel(run, true, err);
}

/* Rank 0. */
static enum quern_status warn_of_stored(struct qn_run *run, const struct qn_stored *s,
					struct quern_message *err)
{
	const struct qn_names *said = &s->subject.warnings;
	enum quern_status st = QUERN_OK;

	for (size_t i = 0; !st && i < said->n; i++)
		st = qn_names_add(&run->warnings, said->name[i], err);
	if (!st && s->subject.mosaic.missing.n)
		st = qn_warnings_add(&run->warnings, err,
				     "%s: of dataset %s %llu sources are not there: their elements "
				     "count as not written",
				     s->subject.dataset.file, s->subject.dataset.path,
				     (unsigned long long)s->subject.mosaic.missing.n);
	return st;
}

static enum quern_status warn_of_operands(struct qn_run *run, const struct qn_formula *f,
					  struct quern_message *err)
{
	enum quern_status st = QUERN_OK;

	for (int i = 0; !st && i < f->n; i++)
		if (f->operand[i].stored)
			st = warn_of_stored(run, f->operand[i].stored, err);
		else if (f->operand[i].is_of_first)
			st = qn_warnings_add(
				&run->warnings, err,
				"%s is taken from %s; what the other files have for it is "
				"not looked at",
				f->operand[i].name, run->subject->dataset.file);
	for (int i = 0; !st && i < f->n; i++)
		if (f->operand[i].is_unplaced)
			st = qn_warnings_add(
				&run->warnings, err,
				"%s of another file is matched by its indexes: there are "
				"no coordinates to compare with those of the data",
				f->operand[i].name);
	return st;
}

/* used: of the names of -d, as of struct qn_formula_texts. */
static enum quern_status find_keys(struct qn_run *run, bool *used, struct quern_message *err)
{
	const struct qn_names *said = &run->keys.warnings;
	enum quern_status st = QUERN_OK;

	if (!run->settings.by)
		return QUERN_OK;
	st = qn_keys_find(run->subject, run->team, run->settings.by, run->settings.named, used,
			  &run->keys, err);
	if (!st)
		st = qn_computed_find(run->subject, run->team, run->settings.named, used,
				      &run->keys, &run->computed, err);
	if (st)
		return st;
	for (size_t i = 0; !st && i < said->n; i++)
		st = qn_names_add(&run->warnings, said->name[i], err);
	for (int i = 0; !st && i < run->computed.n; i++)
		st = warn_of_operands(run, &run->computed.given[i].formula, err);
	return qn_comm_agree(run->team->comm, st, err);
}

/* The dimension that a kernel is against; NULL: none. */
static enum quern_status find_against(const struct qn_run *run, const char **against,
				      struct quern_message *err)
{
	*against = run->settings.against;
	if (*against && run->settings.with)
		return qn_error_set(
			err, QUERN_ERR_USAGE,
			"--with: kernel %s is against the coordinate of --against: leave "
			"--with out, or run kernels one by one",
			run->kernel->name);
	return QUERN_OK;
}

static enum quern_status warn_of_against(struct qn_run *run, struct quern_message *err)
{
	const struct qn_dataset *d = &run->subject->dataset;
	const int dim = run->formula.against.dim;
	char number[16];

	if (!run->formula.lacks_coordinate)
		return QUERN_OK;
	snprintf(number, sizeof(number), "%d", dim);
	return qn_warnings_add(
		&run->warnings, err,
		"--against: dataset %s has no coordinate along dimension %s: slopes are "
		"for each index of it",
		d->path, d->dim_name[dim] ? d->dim_name[dim] : number);
}

/* A kernel of one value would be of more elements by itself. */
static enum quern_status warn_of_pairs(struct qn_run *run, struct quern_message *err)
{
	char names[256];
	size_t n;

	if (!run->settings.with)
		return QUERN_OK;
	n = qn_roles_list_beside(run->kernel, QUERN_WITH, sizeof(names), names);
	return n ? qn_warnings_add(&run->warnings, err,
				   "--with: %s %s of the pairs, too: what is missing in one of the "
				   "two is missing for %s",
				   names, n > 1 ? "are" : "is", n > 1 ? "them" : "it")
		 : QUERN_OK;
}

/* Those of windows are of cells: what they are multiplied with are weights of 1. */
static const char *weights_of(const struct qn_run *run)
{
	return !run->settings.weights && run->rolling.weight ? "1" : run->settings.weights;
}

/* Keys, and what becomes of elements before. */
static enum quern_status find_expressions(struct qn_run *run, struct quern_message *err)
{
	const struct qn_named_list *named = run->settings.named;
	struct qn_formula_texts texts = { .made = { [QUERN_VALUE] = run->settings.expr,
						    [QUERN_WITH] = run->settings.with,
						    [QUERN_WEIGHT] = weights_of(run) },
					  .where = run->settings.where,
					  .named = named,
					  .keys = &run->keys };
	enum quern_status st = find_against(run, &texts.against, err);

	if (st)
		return st;
	if (named && named->n)
		texts.used = qn_calloc((size_t)named->n, sizeof(*texts.used));
	if (named && named->n && !texts.used)
		st = qn_error_nomem(err, (size_t)named->n, "names of datasets");
	if (named && named->n)
		st = qn_comm_agree(run->team->comm, st, err);
	if (!st)
		st = find_keys(run, texts.used, err);
	if (!st)
		st = qn_formula_find(run->subject, run->team, &texts, run->settings.nan_missing,
				     &run->formula, err);
	free(texts.used);
	if (st || !qn_formula_is_any(&run->formula))
		return st;
	st = warn_of_operands(run, &run->formula, err);
	if (!st)
		st = warn_of_against(run, err);
	if (!st)
		st = warn_of_pairs(run, err);
	return qn_comm_agree(run->team->comm, st, err);
}

enum quern_status qn_run_open(struct qn_run *run, const struct qn_team *team,
			      struct qn_subject *subject, struct quern_message *err)
{
	struct qn_report *r = &run->report;
	enum quern_status st = QUERN_OK;

	run->team = team;
	run->subject = subject;
	memcpy(r->host, team->host, sizeof(r->host));
	memcpy(r->cpus, team->cpus, sizeof(r->cpus));
	r->host_number = team->place.host;
	r->node = team->place.node;
	r->nthreads = run->nthreads = team->place.nthreads;
	if (run->settings.rolling)
		st = qn_rolling_parse(run->settings.rolling, &run->rolling, err);
	st = qn_comm_agree(team->comm, st, err);
	if (!st)
		st = find_expressions(run, err);
	return st ? st : qn_comm_agree(team->comm, open_run(run, subject, err), err);
}

const char *qn_run_operand(const struct qn_run *run, uint32_t number)
{
	const uint32_t n = (uint32_t)run->formula.n;

	if (number < n)
		return run->formula.operand[number].name;
	return qn_computed_operand(&run->computed, number - n)->name;
}

void qn_run_fini(struct qn_run *run)
{
	qn_balance_fini(&run->balance);
	qn_leases_fini(&run->leases);
	qn_item_weigher_fini(&run->weigher);
	qn_queues_fini(&run->queues);
	qn_plan_fini(&run->plan);
	if (run->self)
		run->kernel->close(run->self);
	qn_refusals_fini(&run->refused);
	qn_items_fini(&run->items);
	qn_names_fini(&run->warnings);
	qn_names_fini(&run->fields);
	free(run->planned);
	free(run->points);
	qn_cells_fini(&run->cells);
	qn_computed_fini(&run->computed);
	for (int i = 0; i < QN_MOST_KEYS; i++)
		qn_value_set_fini(&run->found[i]);
	qn_keys_fini(&run->keys);
	qn_rolling_fini(&run->rolling);
	qn_formula_fini(&run->formula);
	free(run->reports);
	for (int d = 0; d < QUERN_MAX_DIMS; d++)
		free(run->number[d]);
	memset(run->number, 0, sizeof(run->number));
	run->self = NULL;
	run->planned = NULL;
	run->points = NULL;
	run->reports = NULL;
}
