#include "insitu/tables.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "cluster/room.h"
#include "run/kept.h"

/* Tables, before it is looked whether some can be united: to open a run takes as long as some steps. */
#define ENOUGH 32

/* Of keys whose groups are those of steps. */
static const int32_t first_group;

static uint64_t count_numbers(const struct qn_row_term *term)
{
	return qn_max_u64(term->ngroups, 1);
}

/* Groups of one step become one, which is there whatever the step is. */
static enum quern_status settle_term(struct qn_rows *rows, struct qn_row_term *term,
				     struct quern_message *err)
{
	if (qn_row_term_has(term, 0) && term->group && term->ndims > 1)
		return qn_error_set(
			err, QUERN_ERR_USAGE,
			"--by: groups that depend on the step and on other dimensions at "
			"once are not known while steps come: write two keys");
	if (qn_row_term_has(term, 0) && term->group) {
		term->group = &first_group;
		term->ngroups = 1;
	}
	term->stride = rows->nrows;
	rows->nrows *= count_numbers(term);
	return QUERN_OK;
}

enum quern_status qn_step_tables_init(struct qn_step_tables *t, struct qn_run *run,
				      struct quern_message *err)
{
	struct qn_rows *rows = &run->window;
	const bool has_steps = run->settings.most_steps;
	enum quern_status st = QUERN_OK;

	*t = (struct qn_step_tables){ .run = run, .enough = ENOUGH };
	rows->nrows = 1;
	for (int i = 0; !st && i < rows->nterms; i++) {
		t->by_step |= has_steps && qn_row_term_has(&rows->term[i], 0);
		t->is_kept |= has_steps && qn_row_term_has(&rows->term[i], 0) &&
			      !rows->term[i].group;
		if (has_steps)
			st = settle_term(rows, &rows->term[i], err);
		else
			rows->nrows *= count_numbers(&rows->term[i]);
	}
	run->cells.rows = rows;
	return st ? st : qn_state_layout(run->kernel, run->self, &run->layout, err);
}

void qn_step_tables_fini(struct qn_step_tables *t)
{
	for (size_t i = 0; i < t->n; i++)
		qn_cells_fini(&t->table[i].cells);
	free(t->table);
	*t = (struct qn_step_tables){ .n = 0 };
}

/* Smaller tables are not worth a look at what memory there is. */
#define LOOKED_AT_NBYTES (UINT64_C(1) << 20)

static enum quern_status check_room(const struct qn_step_tables *t, struct quern_message *err)
{
	const uint64_t nbytes =
		qn_cells_nbytes(t->run->kernel, &t->run->layout, t->run->window.nrows);
	char why[320];

	if (nbytes < LOOKED_AT_NBYTES ||
	    qn_room_has(&t->run->subject->settings.memory, 1, nbytes, sizeof(why), why))
		return QUERN_OK;
	return qn_error_set(err, QUERN_ERR_RUN,
			    "the %llu cells of %s %s: reduce over more dimensions, ask for fewer "
			    "--fields, or write a result now and then and begin anew",
			    (unsigned long long)t->run->window.nrows,
			    t->by_step ? "a step" : "the result", why);
}

static enum quern_status add(struct qn_step_tables *t, uint64_t step, struct quern_message *err)
{
	struct qn_cells *cells;
	enum quern_status st = check_room(t, err);

	if (st)
		return st;
	if (!qn_grow_by_one(&t->table, t->n, sizeof(*t->table)))
		return qn_error_nomem(err, sizeof(*t->table), "the cells of a step");
	t->table[t->n] = (struct qn_step_table){ .step = step,
						 .cells = { .kernel = t->run->kernel,
							    .self = t->run->self,
							    .layout = &t->run->layout,
							    .rows = &t->run->window } };
	cells = &t->table[t->n].cells;
	if (!qn_cells_init(cells, false))
		return qn_error_nomem(err, 0, "the cells of a step");
	qn_cells_clear(cells);
	t->n++;
	return QUERN_OK;
}

enum quern_status qn_step_tables_turn(struct qn_step_tables *t, uint64_t step,
				      struct qn_cells **cells, struct quern_message *err)
{
	const bool is_there = t->n && (!t->by_step || t->table[t->n - 1].step == step);
	const enum quern_status st = is_there ? QUERN_OK : add(t, step, err);

	*cells = st ? NULL : &t->table[t->n - 1].cells;
	return st;
}

/* --- steps of the same groups --- */

bool qn_step_tables_are_many(const struct qn_step_tables *t)
{
	return t->by_step && !t->is_kept && t->n >= t->enough;
}

static bool are_same(const struct qn_rows *all, uint64_t a, uint64_t b)
{
	for (int i = 0; i < all->nterms; i++) {
		const struct qn_row_term *term = &all->term[i];

		if (qn_row_term_has(term, 0) && term->group[a] != term->group[b])
			return false;
	}
	return true;
}

/* One of the first n that is of the same groups; n: none is. */
static size_t find_same(const struct qn_step_tables *t, const struct qn_rows *all, size_t n,
			uint64_t step)
{
	size_t i = 0;

	while (i < n && !are_same(all, t->table[i].step, step))
		i++;
	return i;
}

enum quern_status qn_step_tables_unite(struct qn_step_tables *t, const struct qn_run *all,
				       struct quern_message *err)
{
	size_t n = 0;
	bool ok = true;

	for (size_t i = 0; i < t->n; i++) {
		const size_t same = find_same(t, &all->window, n, t->table[i].step);

		qn_cells_normalize(&t->table[i].cells);
		if (same == n) {
			t->table[n++] = t->table[i];
			continue;
		}
		ok = ok && qn_cells_merge(&t->table[same].cells, &t->table[i].cells);
		qn_cells_normalize(&t->table[same].cells);
		qn_cells_fini(&t->table[i].cells);
	}
	t->n = n;
	t->enough = n + n / 2 + ENOUGH;
	return ok ? QUERN_OK : qn_error_nomem(err, 0, "the cells of the result");
}

/* --- to the rows of the result --- */

struct adding {
	const struct qn_step_table *table;
	const struct qn_rows *from;
	struct qn_run *all;
	int64_t *buffer; /* a state */
};

/* The row of the result; false: the step has no group. */
static bool find_row(const struct adding *a, uint64_t row, uint64_t *to)
{
	const struct qn_rows *rows = a->all->cells.rows;

	*to = 0;
	for (int i = 0; i < rows->nterms; i++) {
		const struct qn_row_term *term = &rows->term[i], *from = &a->from->term[i];
		int64_t number = (int64_t)(row / from->stride % count_numbers(from));

		if (qn_row_term_has(term, 0))
			number = term->group ? term->group[a->table->step]
					     : (int64_t)a->table->step;
		if (number < 0)
			return false;
		*to += term->stride * (uint64_t)number;
	}
	return true;
}

/* Does it have elements, as far as is noted? */
static bool is_seen(const struct adding *a, uint64_t row)
{
	const uint64_t group = a->from->nkept ? row / a->from->nkept : 0;

	return !a->table->cells.seen || a->table->cells.seen[group / 64] >> group % 64 & 1;
}

static bool add_row(const struct adding *a, uint64_t row)
{
	struct qn_cells *into = &a->all->cells;
	const int64_t *state;
	uint64_t to;
	int64_t at;

	if (!is_seen(a, row) || !find_row(a, row, &to))
		return true;
	at = (int64_t)to;
	if (into->seen)
		qn_seen_scatter(into->seen, into->rows, NULL, 0, &at, 1);
	state = qn_cells_get(&a->table->cells, row, a->buffer);
	return state && qn_cells_add_state(into, to, state);
}

static bool add_table(const struct adding *a)
{
	bool ok = true;

	for (uint64_t row = 0; ok && row < a->from->nrows; row++)
		ok = add_row(a, row);
	return ok;
}

static bool is_alike(const struct qn_layout_of_state *a, const struct qn_layout_of_state *b)
{
	return a->nsegments == b->nsegments && a->nwords == b->nwords;
}

enum quern_status qn_step_tables_add(struct qn_step_tables *t, struct qn_run *all,
				     struct quern_message *err)
{
	struct adding a = { .all = all, .from = &t->run->window };
	bool ok = true;

	if (t->n && !is_alike(&t->run->layout, &all->layout))
		return qn_error_set(err, QUERN_ERR_RUN,
				    "kernel %s has other states for steps than for all of them",
				    all->kernel->name);
	a.buffer = qn_alloc_aligned(all->layout.nwords * sizeof(*a.buffer));
	ok = a.buffer != NULL;
	for (size_t i = 0; ok && i < t->n; i++) {
		a.table = &t->table[i];
		qn_cells_normalize(&t->table[i].cells);
		ok = t->by_step ? add_table(&a) : qn_cells_merge(&all->cells, &t->table[i].cells);
	}
	free(a.buffer);
	return ok ? QUERN_OK : qn_error_nomem(err, 0, "the cells of the result");
}
