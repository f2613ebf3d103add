/*
 * add.c - the cells of a part to those of all: rows by their place in the whole, or by what their group is called, and
 * indexes of elements in the part to those in the whole.
 *
 *	row of the part -> number of each term -> number of the same in the whole -> row of the whole
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/tally.h"
#include "kernel/list.h"
#include "merge/merge.h"
#include "run/kept.h"

struct adding {
	const struct qn_merge_part *p;
	const struct qn_run *from;
	struct qn_run *all;
	struct qn_layout_of_state layout; /* of the part */
	int64_t *number[QN_MOST_TERMS];	  /* owned: of each term, by the number in the part */
	int64_t *state, *buffer;	  /* owned: of the whole; of the part */
	bool moves;			  /* an element has another index in the whole, */
	bool is_same;			  /* rows have the same numbers */
	struct quern_message *err;
};

static uint64_t count_numbers(const struct qn_row_term *term)
{
	return qn_max_u64(term->ngroups, 1);
}

/* --- the rows --- */

/* The index in the whole of one along dimension d of a part. */
static uint64_t place_of(const struct qn_merge_part *p, int d, uint64_t at)
{
	size_t i = 0;

	if (d != p->partial.along)
		return at;
	while (i + 1 < p->partial.files.n && at >= p->partial.file[i].length)
		at -= p->partial.file[i++].length;
	return p->begin[i] + at;
}

/* Selected indexes rise on both sides. */
static bool map_kept(struct adding *a, const struct qn_row_term *term, int64_t *number)
{
	const struct qn_subject *s = a->from->subject, *w = a->all->subject;
	const int d = term->dim[0];
	const uint64_t n = qn_picks_count(&w->picks, &w->selection, d);
	uint64_t k = 0;

	for (uint64_t i = 0; i < term->ngroups; i++) {
		const uint64_t at =
			place_of(a->p, d, qn_picks_index(&s->picks, &s->selection, d, i));

		while (k < n && qn_picks_index(&w->picks, &w->selection, d, k) < at)
			k++;
		if (k == n || qn_picks_index(&w->picks, &w->selection, d, k) != at)
			return false;
		number[i] = (int64_t)k;
	}
	return true;
}

static bool is_group(const struct qn_key *a, uint32_t i, const struct qn_key *b, uint32_t k)
{
	if (a->kind != b->kind || a->text_nbytes != b->text_nbytes)
		return false;
	if (a->edges)
		return a->edges[i] == b->edges[k] && a->edges[i + 1] == b->edges[k + 1];
	if (a->texts)
		return !memcmp(a->texts + i * a->text_nbytes, b->texts + k * b->text_nbytes,
			       a->text_nbytes);
	return a->reals ? a->reals[i] == b->reals[k] : a->integers[i] == b->integers[k];
}

/* Groups rise on both sides. */
static bool map_key(const struct qn_key *mine, const struct qn_key *all, int64_t *number)
{
	uint32_t k = 0;

	for (uint32_t i = 0; i < mine->ngroups; i++) {
		while (k < all->ngroups && !is_group(mine, i, all, k))
			k++;
		if (k == all->ngroups)
			return false;
		number[i] = k;
	}
	return true;
}

/* Kept dimensions come first among the terms, then keys from the last to the first. */
static const struct qn_key *key_of(const struct qn_run *run, int term)
{
	return &run->keys.key[run->rows.nterms - 1 - term];
}

static bool is_key(const struct qn_run *run, int term)
{
	return term >= run->rows.nterms - run->keys.n;
}

static bool map_term(struct adding *a, int t)
{
	const struct qn_row_term *term = &a->from->rows.term[t];
	const uint64_t n = count_numbers(term);
	bool ok;

	a->number[t] = qn_malloc((size_t)n * sizeof(int64_t));
	if (!a->number[t])
		return false;
	ok = is_key(a->from, t) ? map_key(key_of(a->from, t), key_of(a->all, t), a->number[t])
				: map_kept(a, term, a->number[t]);
	if (!ok) {
		qn_error_set(a->err, QUERN_ERR_DATA,
			     "%s: has rows that all parts together have not: make the parts anew",
			     a->p->partial.name);
		return false;
	}
	a->is_same = a->is_same && term->stride == a->all->rows.term[t].stride &&
		     n == count_numbers(&a->all->rows.term[t]);
	for (uint64_t i = 0; i < n; i++)
		a->is_same = a->is_same && a->number[t][i] == (int64_t)i;
	return true;
}

static uint64_t row_of(const struct adding *a, uint64_t row)
{
	const struct qn_rows *rows = &a->from->rows;
	uint64_t to = 0;

	for (int t = 0; t < rows->nterms; t++)
		to += a->all->rows.term[t].stride *
		      (uint64_t)a->number[t][row / rows->term[t].stride %
					     count_numbers(&rows->term[t])];
	return to;
}

/* --- the states --- */

/* Lists have as much room as there are elements: their entries count. */
static bool may_differ(const struct quern_segment *s)
{
	return s->op == QUERN_LIST || s->op == QUERN_TALLY;
}

static bool are_alike(const struct qn_layout_of_state *a, const struct qn_layout_of_state *b)
{
	bool alike = a->nsegments == b->nsegments;

	for (int i = 0; alike && i < a->nsegments; i++) {
		const struct quern_segment *x = &a->segment[i], *y = &b->segment[i];

		alike = x->op == y->op && x->width == y->width &&
			(x->nwords == y->nwords || may_differ(x));
	}
	return alike;
}

/* Entries of a sample are those of places: which, they do not say. */
static bool goes_by_places(const struct qn_layout_of_state *l)
{
	for (int i = 0; i < l->nsegments; i++)
		if (l->segment[i].op == QUERN_LEAST && l->segment[i].power)
			return true;
	return false;
}

/* The index of an element of the part in the whole. False: the part has no such element. */
static bool move_index(const struct adding *a, uint64_t *index)
{
	const struct qn_dataset *from = &a->from->subject->dataset, *to = &a->all->subject->dataset;
	uint64_t rest = *index, at = 0, stride = 1;

	if (*index == UINT64_MAX)
		return true;
	for (int d = from->ndim - 1; d >= 0; d--) {
		at += place_of(a->p, d, rest % from->shape[d]) * stride;
		rest /= from->shape[d];
		stride *= to->shape[d];
	}
	*index = at;
	return rest == 0;
}

/* Of a segment: indexes are the last words of pairs and entries. */
static bool move_segment(const struct adding *a, const struct quern_segment *s, int64_t *words)
{
	const size_t width = s->op == QUERN_LEAST ? s->width : 2;
	bool ok = true;

	if (s->op != QUERN_LEAST && s->op != QUERN_MINLOC && s->op != QUERN_MAXLOC)
		return true;
	for (size_t i = 0; ok && i < s->nwords; i += width) {
		uint64_t index = (uint64_t)words[i + width - 1];

		ok = move_index(a, &index);
		words[i + width - 1] = (int64_t)index;
	}
	return ok;
}

/* Words of a list that are in use; 0: it is none, or has no room in the other. */
static size_t count_used(const struct quern_segment *s, const struct quern_segment *to,
			 const int64_t *words)
{
	size_t n = s->nwords;

	if (s->op == QUERN_LIST)
		n = (uint64_t)words[0] <= qn_list_most(s->dtype, s->nwords)
			    ? qn_list_nwords_used(s->dtype, words)
			    : 0;
	if (s->op == QUERN_TALLY && s->nwords != to->nwords)
		n = qn_tally_nwords_used(words, s->nwords, s->width);
	return n <= to->nwords ? n : 0;
}

/* A state of the part as one of the whole. False: it cannot be one. */
static bool convert(struct adding *a, const int64_t *from)
{
	const struct qn_layout_of_state *l = &a->all->layout;
	int64_t *to = a->state;

	memset(to, 0, l->nwords * sizeof(*to));
	for (int i = 0; i < l->nsegments; i++) {
		const struct quern_segment *s = &a->layout.segment[i];
		const size_t n = count_used(s, &l->segment[i], from);

		if (!n)
			return false;
		memcpy(to, from, n * sizeof(*to));
		if (a->moves && !move_segment(a, s, to))
			return false;
		from += s->nwords;
		to += l->segment[i].nwords;
	}
	return true;
}

/* --- records --- */

static enum quern_status impossible(const struct adding *a)
{
	return qn_error_set(a->err, QUERN_ERR_DATA,
			    "%s: has a state that there cannot be: make the part anew",
			    a->p->partial.name);
}

static enum quern_status add_row(struct adding *a, const struct qn_cells *cells, uint64_t row,
				 uint64_t first)
{
	struct qn_cells *into = &a->all->cells;
	const uint64_t group = cells->rows->nkept ? row / cells->rows->nkept : 0;
	const int64_t *state;
	int64_t at;

	if (cells->seen && !(cells->seen[group / 64] >> group % 64 & 1))
		return QUERN_OK;
	at = (int64_t)row_of(a, first + row);
	if (into->seen)
		qn_seen_scatter(into->seen, into->rows, NULL, 0, &at, 1);
	state = qn_cells_get(cells, row, a->buffer);
	if (!state)
		return qn_error_nomem(a->err, 0, "the cells of a part");
	if (!convert(a, state))
		return impossible(a);
	if (a->all->kernel->normalize && a->moves)
		a->all->kernel->normalize(a->all->self, a->state);
	return qn_cells_add_state(into, (uint64_t)at, a->state)
		       ? QUERN_OK
		       : qn_error_nomem(a->err, 0, "the cells of the result");
}

/* By a table of the record's own. */
static enum quern_status add_rows(struct adding *a, const struct qn_partial_record *r)
{
	struct qn_rows rows = a->from->rows;
	struct qn_cells cells = { .kernel = a->from->kernel,
				  .self = a->from->self,
				  .layout = &a->layout,
				  .rows = &rows };
	enum quern_status st;

	rows.is_window = r->states.head.nrows < rows.nrows;
	rows.first = r->first;
	rows.nrows = r->states.head.nrows;
	if (!qn_cells_init(&cells, false))
		return qn_error_nomem(a->err, 0, "the cells of a part");
	qn_cells_clear(&cells);
	st = qn_states_add(&r->states, &cells, a->err);
	qn_cells_normalize(&cells);
	for (uint64_t row = r->from - r->first; !st && row < rows.nrows; row++)
		st = add_row(a, &cells, row, r->first);
	qn_cells_fini(&cells);
	return st;
}

static bool is_direct(const struct adding *a, const struct qn_partial_record *r)
{
	bool direct = a->is_same && !a->moves && r->from == r->first && !r->first &&
		      r->states.head.nrows == a->all->rows.nrows;

	for (int i = 0; direct && i < a->layout.nsegments; i++)
		direct = a->layout.segment[i].nwords == a->all->layout.segment[i].nwords;
	return direct;
}

static enum quern_status add_record(struct adding *a, const struct qn_partial_record *r)
{
	const uint64_t n = a->from->rows.nrows;

	if (r->first > n || r->states.head.nrows > n - r->first ||
	    r->from - r->first > r->states.head.nrows)
		return impossible(a);
	return is_direct(a, r) ? qn_states_add(&r->states, &a->all->cells, a->err) : add_rows(a, r);
}

/* --- a part --- */

static bool has_moved(const struct adding *a)
{
	const struct qn_dataset *from = &a->from->subject->dataset, *to = &a->all->subject->dataset;
	bool moved = false;

	for (size_t i = 0; i < a->p->partial.files.n; i++)
		moved = moved || a->p->file[i] != i;
	/* Along the slowest dimension what comes behind moves nothing. */
	for (int d = 1; d < from->ndim; d++)
		moved = moved || from->shape[d] != to->shape[d];
	return moved;
}

static enum quern_status check(const struct adding *a)
{
	const struct qn_run *from = a->from, *all = a->all;

	if (from->rows.nterms != all->rows.nterms || from->keys.n != all->keys.n)
		return impossible(a);
	if (!are_alike(&a->layout, &all->layout))
		return qn_error_set(
			a->err, QUERN_ERR_USAGE,
			"%s: kernel %s keeps the state of so few elements in another way than that of "
			"all parts together: make larger parts, or run it over all files at once",
			a->p->partial.name, all->kernel->name);
	if (a->moves && goes_by_places(&a->layout))
		return qn_error_set(
			a->err, QUERN_ERR_USAGE,
			"%s: kernel %s has a sample of elements by their places in the whole, which a "
			"part of other files does not know: merge selections of the same files, or run "
			"it over all at once",
			a->p->partial.name, all->kernel->name);
	return QUERN_OK;
}

static void count(const struct qn_partial *p, struct qn_report *report)
{
	const struct qn_states_head *last = &p->record[p->nrecords - 1].states.head;

	report->nheld += last->nheld;
	report->nbeyond += last->nbeyond;
}

enum quern_status qn_merge_add(const struct qn_merge_part *p, struct qn_run *all,
			       struct quern_message *err)
{
	struct adding a = {
		.p = p, .from = &p->run->engine, .all = all, .is_same = true, .err = err
	};
	enum quern_status st = qn_state_layout(a.from->kernel, a.from->self, &a.layout, err);

	a.moves = has_moved(&a);
	a.state = qn_alloc_aligned(all->layout.nwords * sizeof(*a.state));
	a.buffer = st ? NULL : qn_alloc_aligned(a.layout.nwords * sizeof(*a.buffer));
	if (!st && (!a.state || !a.buffer))
		st = qn_error_nomem(err, 0, "the cells of a part");
	if (!st)
		st = check(&a);
	for (int t = 0; !st && t < a.from->rows.nterms; t++)
		if (!map_term(&a, t))
			st = err->status ? err->status : qn_error_nomem(err, 0, "rows");
	for (size_t i = 0; !st && i < p->partial.nrecords; i++)
		st = add_record(&a, &p->partial.record[i]);
	if (!st)
		count(&p->partial, &all->report);
	for (int t = 0; t < QN_MOST_TERMS; t++)
		free(a.number[t]);
	free(a.state);
	free(a.buffer);
	return st;
}
