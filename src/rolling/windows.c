#include "rolling/windows.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

#define ROLLER_NBYTES \
	(UINT64_C(1) << 18) /* of states at hand, where one column of them does not have more */
#define MOST_WIDTH   64
#define MOST_THREADS 64

/* Columns of the dimension side by side, `width` of them, from row outer * length * stride + inner on. */
struct strip {
	uint64_t outer, inner, width;
};

/* A thread at work. Arrays are of `width` states, one for each column of the strip. */
struct roller {
	const struct qn_windows *w;
	const struct strip *strip;
	size_t width, nwords; /* of all columns */
	uint64_t n;	      /* cells of a window */
	int64_t *one;	      /* a state */
	int64_t *ring;	      /* those of the last n + 1 cells, by their numbers */
	/* Cells go into blocks of n: what is behind each in the block before, what is before that at hand in its own. */
	int64_t *behind, *before;
	int64_t *out; /* the window */
	int64_t *left, *right,
		*weighed; /* sums of the left half, of the right one; of all, with weights */
};

/* --- rows --- */

static uint64_t group_of(const struct qn_windows *w, uint64_t place)
{
	place %= w->n;
	return w->group ? w->group[place] : place;
}

/* The row of the strip's first column. */
static uint64_t row_of(const struct qn_windows *w, const struct strip *s, uint64_t place)
{
	const struct qn_rolling *r = w->rolling;

	return (s->outer * r->length + group_of(w, place)) * r->stride + s->inner;
}

static bool has_row(const struct qn_cells *c, uint64_t row)
{
	return row >= c->rows->first && row - c->rows->first < c->rows->nrows;
}

/* Adds a state, which is normalized here, to a row that is emitted. */
static bool put_state(const struct qn_windows *w, uint64_t row, int64_t *state)
{
	struct qn_cells *c = w->to;
	const uint64_t at = row - c->rows->first;
	pthread_mutex_t *lock = &c->lock[at / QN_RUN_NELEMS % c->nlocks];
	bool ok;

	if (c->kernel->normalize)
		c->kernel->normalize(c->self, state);
	pthread_mutex_lock(lock);
	ok = qn_cells_add_state(c, at, state);
	pthread_mutex_unlock(lock);
	return ok && !qn_cells_check_spilled(c);
}

/* --- one window after the other: of lists, and of weights of any kind --- */

/* Words of a sum with a weight; of sums that others than elements have, without. */
static void add_weighed(const struct quern_segment *s, int64_t *into, const int64_t *from,
			int64_t weight)
{
	const int64_t factor = s->nweights == 2 ? weight * weight : s->nweights ? weight : 1;

	for (size_t i = 0; i < s->nwords; i++)
		into[i] = (int64_t)((uint64_t)into[i] + (uint64_t)from[i] * (uint64_t)factor);
}

static void merge_weighed(const struct qn_layout_of_state *l, int64_t *into, const int64_t *from,
			  int64_t weight)
{
	for (int i = 0; i < l->nsegments; i++) {
		struct qn_layout_of_state one = { .nsegments = 1, .segment = { l->segment[i] } };

		if (l->segment[i].op == QUERN_EXACT || l->segment[i].nweights)
			add_weighed(&l->segment[i], into, from, weight);
		else
			qn_state_merge(&one, into, from);
		into += l->segment[i].nwords;
		from += l->segment[i].nwords;
	}
}

/* A cell with the weight 0 has no part in it. */
static bool merge_window(const struct roller *r, uint64_t place, uint64_t column)
{
	const struct qn_rolling *rolling = r->w->rolling;
	const struct qn_cells *from = r->w->from;

	qn_state_identity(from->layout, r->out);
	for (uint64_t i = 0; i < r->n; i++) {
		const uint64_t at = place + r->w->n + i - rolling->half;
		const uint64_t row = row_of(r->w, r->strip, at) + column;
		const int64_t weight = rolling->weight ? rolling->weight[i] : 1;
		const int64_t *state;

		if (!weight)
			continue;
		state = qn_cells_get(from, row - from->rows->first, r->one);
		if (!state)
			return false;
		merge_weighed(from->layout, r->out, state, weight);
	}
	return true;
}

static bool merge_each(struct roller *r, uint64_t begin, uint64_t end)
{
	for (uint64_t place = begin; place < end; place++)
		for (uint64_t k = 0; k < r->strip->width; k++) {
			const uint64_t row = row_of(r->w, r->strip, place) + k;

			if (!has_row(r->w->to, row))
				continue;
			if (!merge_window(r, place, k) || !put_state(r->w, row, r->out))
				return false;
		}
	return true;
}

/* --- windows that go on from one to the next --- */

static int64_t *cell_of(const struct roller *r, uint64_t i)
{
	return r->ring + i % (r->n + 1) * r->nwords;
}

static void copy(const struct roller *r, int64_t *to, const int64_t *from)
{
	memcpy(to, from, r->nwords * sizeof(*to));
}

static void merge(const struct roller *r, int64_t *into, const int64_t *from)
{
	const struct qn_layout_of_state *l = r->w->from->layout;

	for (size_t k = 0; k < r->width; k++)
		qn_state_merge(l, into + k * l->nwords, from + k * l->nwords);
}

/* As cell number i of the strip. What the table does not have is of no row that is emitted. */
static bool load(struct roller *r, uint64_t place, uint64_t i)
{
	const struct qn_cells *from = r->w->from;
	const uint64_t row = row_of(r->w, r->strip, place);
	int64_t *to = cell_of(r, i);

	for (uint64_t k = 0; k < r->width; k++, to += from->layout->nwords) {
		const int64_t *state;

		if (k >= r->strip->width || !has_row(from, row + k)) {
			qn_state_identity(from->layout, to);
			continue;
		}
		state = qn_cells_get(from, row + k - from->rows->first, r->one);
		if (!state)
			return false;
		memcpy(to, state, from->layout->nwords * sizeof(*to));
	}
	return true;
}

/* The window that ends with cell i. */
static void finish_window(struct roller *r, uint64_t i)
{
	const uint64_t at = (i + 1) % r->n;

	copy(r, r->out, r->before);
	if (at)
		merge(r, r->out, r->behind + at * r->nwords);
}

/* Of the block that ends with cell i. */
static void turn_block(struct roller *r, uint64_t i)
{
	for (uint64_t at = r->n - 1; at > 0; at--) {
		int64_t *to = r->behind + at * r->nwords;

		copy(r, to, cell_of(r, i + 1 - r->n + at));
		if (at + 1 < r->n)
			merge(r, to, to + r->nwords);
	}
}

/* --- weights of a triangle --- */

static void add(int64_t *restrict into, const int64_t *restrict from, int64_t weight, size_t n)
{
	for (size_t i = 0; i < n; i++)
		into[i] = (int64_t)((uint64_t)into[i] + (uint64_t)from[i] * (uint64_t)weight);
}

static void subtract(int64_t *restrict into, const int64_t *restrict from, size_t n)
{
	for (size_t i = 0; i < n; i++)
		into[i] = (int64_t)((uint64_t)into[i] - (uint64_t)from[i]);
}

/* left: the middle and what is before it; right: what is behind it. Of the first window. */
static void begin_triangle(struct roller *r, uint64_t i)
{
	const struct qn_rolling *rolling = r->w->rolling;
	const size_t n = r->nwords;

	memset(r->left, 0, n * sizeof(*r->left));
	memset(r->right, 0, n * sizeof(*r->right));
	memset(r->weighed, 0, n * sizeof(*r->weighed));
	for (uint64_t k = 0; k < r->n; k++) {
		const int64_t *cell = cell_of(r, i + 1 - r->n + k);

		add(k <= rolling->half ? r->left : r->right, cell, 1, n);
		add(r->weighed, cell, rolling->weight[k], n);
	}
}

/* As the middle goes on, each weight on its right becomes one more, each other one less. */
static void move_triangle(struct roller *r, uint64_t i)
{
	const int64_t *middle = cell_of(r, i - r->w->rolling->half);
	const size_t n = r->nwords;

	add(r->right, cell_of(r, i), 1, n);
	add(r->weighed, r->right, 1, n);
	subtract(r->weighed, r->left, n);
	add(r->left, middle, 1, n);
	subtract(r->left, cell_of(r, i - r->n), n);
	subtract(r->right, middle, n);
}

/* A sum of the squares of weights. */
static void weigh_squares(struct roller *r, uint64_t i, const struct quern_segment *s, size_t at)
{
	const int64_t *weight = r->w->rolling->weight;

	memset(r->out + at, 0, s->nwords * sizeof(*r->out));
	for (uint64_t k = 0; k < r->n; k++)
		add(r->out + at, cell_of(r, i + 1 - r->n + k) + at, weight[k] * weight[k],
		    s->nwords);
}

static void weigh_window(struct roller *r, uint64_t i)
{
	const struct qn_layout_of_state *l = r->w->from->layout;
	size_t at = 0;

	if (i + 1 == r->n)
		begin_triangle(r, i);
	else
		move_triangle(r, i);
	for (size_t k = 0; k < r->width; k++)
		for (int s = 0; s < l->nsegments; at += l->segment[s++].nwords)
			if (l->segment[s].nweights == 1)
				memcpy(r->out + at, r->weighed + at,
				       l->segment[s].nwords * sizeof(*r->out));
			else if (l->segment[s].nweights == 2)
				weigh_squares(r, i, &l->segment[s], at);
}

static bool put_windows(struct roller *r, uint64_t place)
{
	const size_t nwords = r->w->from->layout->nwords;
	const uint64_t row = row_of(r->w, r->strip, place);
	bool ok = true;

	for (uint64_t k = 0; ok && k < r->strip->width; k++)
		if (has_row(r->w->to, row + k))
			ok = put_state(r->w, row + k, r->out + k * nwords);
	return ok;
}

/* Windows whose middles are begin to end - 1, as cells come. */
static bool merge_on(struct roller *r, uint64_t begin, uint64_t end)
{
	const uint64_t n = r->n, half = r->w->rolling->half;
	bool ok = true;

	for (uint64_t i = 0; ok && i < end - begin + 2 * half; i++) {
		ok = load(r, begin + r->w->n + i - half, i);
		if (i % n)
			merge(r, r->before, cell_of(r, i));
		else
			copy(r, r->before, cell_of(r, i));
		if (!ok || i + 1 < n)
			continue;
		finish_window(r, i);
		if (r->w->rolling->weight)
			weigh_window(r, i);
		if ((i + 1) % n == 0)
			turn_block(r, i);
		ok = put_windows(r, begin + i + 1 - n);
	}
	return ok;
}

/* --- all of them --- */

/* Lists become as long as what is merged. */
static bool goes_on(const struct qn_rolling *r, const struct qn_layout_of_state *l)
{
	for (int i = 0; i < l->nsegments; i++)
		if (l->segment[i].op == QUERN_LIST)
			return false;
	return !r->weight || r->is_triangle;
}

/* States of a column. */
static uint64_t count_states(const struct qn_rolling *r, const struct qn_layout_of_state *l)
{
	return goes_on(r, l) ? 2 * r->n + 6 : 1;
}

static uint64_t choose_width(const struct qn_rolling *r, const struct qn_layout_of_state *l)
{
	const uint64_t each = count_states(r, l) * l->nwords * sizeof(int64_t);

	return qn_min_u64(qn_max_u64(ROLLER_NBYTES / each, 1), qn_min_u64(r->stride, MOST_WIDTH));
}

uint64_t qn_windows_nbytes(const struct qn_rolling *r, const struct qn_layout_of_state *l)
{
	return (count_states(r, l) * choose_width(r, l) + 1) * l->nwords * sizeof(int64_t);
}

/* The places whose windows are whole, and of which any row of the strip is emitted. */
static void find_places(const struct qn_windows *w, const struct strip *s, uint64_t *begin,
			uint64_t *end)
{
	const uint64_t first = w->to->rows->first, last = first + w->to->rows->nrows;

	*begin = w->rolling->wraps ? 0 : w->rolling->half;
	*end = w->rolling->wraps ? w->n : w->n - w->rolling->half;
	while (*begin < *end && row_of(w, s, *begin) + s->width <= first)
		++*begin;
	while (*begin < *end && row_of(w, s, *end - 1) >= last)
		--*end;
}

/* What the threads share. */
struct work {
	const struct qn_windows *w;
	uint64_t outer, width, nstrips; /* the first line; columns of a strip; strips of a line */
	uint64_t n;			/* strips of all lines */
	atomic_uint_fast64_t next;
	atomic_bool failed;
};

static bool roll_strip(const struct work *work, struct roller *r, uint64_t i)
{
	const struct qn_rolling *rolling = work->w->rolling;
	struct strip s = { .outer = work->outer + i / work->nstrips,
			   .inner = i % work->nstrips * work->width };
	uint64_t begin, end;

	s.width = qn_min_u64(work->width, rolling->stride - s.inner);
	r->strip = &s;
	find_places(work->w, &s, &begin, &end);
	if (begin >= end)
		return true;
	return goes_on(rolling, work->w->from->layout) ? merge_on(r, begin, end)
						       : merge_each(r, begin, end);
}

static void *roll(void *arg)
{
	struct work *work = arg;
	const struct qn_layout_of_state *l = work->w->from->layout;
	struct roller r = { .w = work->w,
			    .width = work->width,
			    .nwords = work->width * l->nwords,
			    .n = work->w->rolling->n };
	int64_t *states = qn_alloc_aligned((size_t)qn_windows_nbytes(work->w->rolling, l));
	bool ok = states != NULL;
	uint64_t i;

	if (ok) {
		r.one = states;
		r.out = r.one + l->nwords;
		r.before = r.out + r.nwords;
		r.left = r.before + r.nwords;
		r.right = r.left + r.nwords;
		r.weighed = r.right + r.nwords;
		r.ring = r.weighed + r.nwords;
		r.behind = r.ring + (r.n + 1) * r.nwords;
	}
	while (ok && !atomic_load(&work->failed) &&
	       (i = atomic_fetch_add(&work->next, 1)) < work->n)
		ok = roll_strip(work, &r, i);
	if (!ok)
		atomic_store(&work->failed, true);
	free(states);
	return NULL;
}

static void run_threads(struct work *work, size_t nthreads)
{
	pthread_t thread[MOST_THREADS];
	size_t n = 0;

	nthreads = (size_t)qn_min_u64(qn_min_u64(nthreads, MOST_THREADS), work->n);
	while (n + 1 < nthreads && !pthread_create(&thread[n], NULL, roll, work))
		n++;
	roll(work);
	while (n > 0)
		pthread_join(thread[--n], NULL);
}

bool qn_windows_merge(const struct qn_windows *w, size_t nthreads)
{
	const struct qn_rolling *r = w->rolling;
	const uint64_t line = r->length * r->stride, first = w->to->rows->first;
	struct work work = { .w = w, .width = choose_width(r, w->from->layout) };

	if (w->n < r->n || !w->to->rows->nrows)
		return true;
	work.outer = first / line;
	work.nstrips = qn_ceil_div(r->stride, work.width);
	work.n = ((first + w->to->rows->nrows - 1) / line - work.outer + 1) * work.nstrips;
	run_threads(&work, nthreads);
	return !atomic_load(&work.failed);
}
