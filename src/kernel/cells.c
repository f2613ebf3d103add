#include "kernel/cells.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "kernel/there.h"
#include "kernel/tile.h"

#define NLOCKS	      256
#define VALUES_NBYTES (QN_RUN_NELEMS * sizeof(double))
#define BITMAP_NWORDS (QN_RUN_NELEMS / 64)

/* A tile on its way to the cells. */
struct absorber {
	struct qn_cells *cells;
	const struct quern_tile *tile;
	void *scratch;	 /* of the kernel */
	uint8_t *values; /* of a part of the tile that does not lie in one piece, by role */
	uint64_t *valid, *gathered;
	int64_t *state; /* of a row of columns, before it is added */
};

static bool is_by_columns(const struct quern_kernel *k, uint64_t nrows)
{
	return k->absorb_rows && !k->has_row_states && nrows > 1;
}

/* Elements of one row: more are faster through a state. */
#define SHORT_RUN 1024

static bool is_short(const struct qn_cells *c, const struct qn_row_run *run)
{
	return c->takes_short && run->kind == QN_RUN_ONE && run->nelems <= SHORT_RUN;
}

static size_t count_plain(const struct qn_layout_of_state *l)
{
	size_t n = 0;

	for (int i = 0; i < l->nsegments; i++)
		n += l->segment[i].op == QUERN_EXACT ? 0 : l->segment[i].nwords;
	return n;
}

/* Adds up to UINT64_MAX. */
static uint64_t add_up(uint64_t a, uint64_t b)
{
	uint64_t sum;

	return qn_add(a, b, &sum) ? sum : UINT64_MAX;
}

static uint64_t count_words_nbytes(const struct qn_layout_of_state *l, uint64_t nrows,
				   bool by_columns)
{
	uint64_t n;

	return qn_mul(nrows, (by_columns ? count_plain(l) : l->nwords) * sizeof(int64_t), &n)
		       ? n
		       : UINT64_MAX;
}

/* Of a column of words: how often so many rows. */
static uint64_t count_alike(uint64_t nrows)
{
	return qn_ceil_div(nrows, QN_ALIKE);
}

static uint64_t column_nbytes(const struct quern_segment *s, uint64_t nrows)
{
	return s->nfactors ? qn_column_products_nbytes(nrows)
			   : qn_column_nbytes(s->dtype, s->power, nrows);
}

uint64_t qn_cells_nbytes(const struct quern_kernel *k, const struct qn_layout_of_state *l,
			 uint64_t nrows)
{
	const bool by_columns = is_by_columns(k, nrows);
	uint64_t n = count_words_nbytes(l, nrows, by_columns);

	if (by_columns)
		n = add_up(n, count_words_nbytes(l, count_alike(nrows), true));
	for (int i = 0; by_columns && i < l->nsegments; i++)
		if (l->segment[i].op == QUERN_EXACT)
			n = add_up(n, column_nbytes(&l->segment[i], nrows));
	return n;
}

size_t qn_cells_words_nbytes(const struct qn_cells *c)
{
	return (size_t)count_words_nbytes(c->layout, c->rows->nrows, c->has_columns);
}

static void fill_column(struct qn_cells *c, size_t word, int64_t v)
{
	const uint64_t n = c->rows->nrows;

	for (uint64_t r = 0; r < n; r++)
		c->words[word * n + r] = v;
	memset(c->alike + word * count_alike(n), 0, count_alike(n) * sizeof(*c->alike));
}

/* The identity of each word, from that of a state. Mostly it is zero, and of many columns no word ever changes: there
   nothing is written, nor where the weight of a row will be. */
static void clear_columns(struct qn_cells *c)
{
	int64_t identity[QUERN_MAX_SEGMENTS * 2];
	size_t word = 0;

	for (int i = 0; i < c->layout->nsegments; i++) {
		struct qn_layout_of_state one = { .nsegments = 1 };

		if (c->exact[i] && !c->is_new)
			qn_column_clear(c->exact[i]);
		if (c->layout->segment[i].op == QUERN_EXACT)
			continue;
		one.segment[0] = c->layout->segment[i];
		one.segment[0].nwords = 2;
		qn_state_identity(&one, identity);
		for (size_t k = 0; k < c->layout->segment[i].nwords; k++, word++)
			if (!c->is_new || (identity[k % 2] && !c->layout->segment[i].nweights))
				fill_column(c, word, identity[k % 2]);
	}
}

/* Is the state of no elements zero, as memory is that nobody has touched? Large states are not touched then. */
static bool are_zero(const struct qn_layout_of_state *l)
{
	bool are = true;

	for (int i = 0; i < l->nsegments; i++)
		are = are && (l->segment[i].op == QUERN_SUM || l->segment[i].op == QUERN_EXACT ||
			      l->segment[i].op == QUERN_LIST);
	return are;
}

void qn_cells_clear(struct qn_cells *c)
{
	const bool are_clear = c->is_new && !c->has_columns && are_zero(c->layout);

	if (c->has_columns)
		clear_columns(c);
	for (uint64_t r = 0; !c->has_columns && !are_clear && r < c->rows->nrows; r++)
		qn_state_identity(c->layout, qn_cells_state(c, r));
	c->is_new = false;
}

/* Has sums of powers, all of 1 and 2? */
static bool has_low_powers(const struct qn_layout_of_state *l)
{
	bool any = false;

	for (int i = 0; i < l->nsegments; i++) {
		const struct quern_segment *s = &l->segment[i];

		if (s->op == QUERN_EXACT && s->power > 2)
			return false;
		any = any || (s->op == QUERN_EXACT && s->nfactors == 0);
	}
	return any;
}

static struct qn_column *new_column(const struct quern_segment *s, uint64_t nrows)
{
	return s->nfactors ? qn_column_new_products(s->nfactors, nrows)
			   : qn_column_new(s->dtype, s->power, nrows);
}

static bool make_columns(struct qn_cells *c)
{
	for (int i = 0; c->has_columns && i < c->layout->nsegments; i++) {
		const struct quern_segment *s = &c->layout->segment[i];

		if (s->op == QUERN_EXACT && !(c->exact[i] = new_column(s, c->rows->nrows)))
			return false;
	}
	return true;
}

bool qn_cells_init(struct qn_cells *c, bool is_shared)
{
	const uint64_t nrows = c->rows->nrows;
	uint64_t nbytes;

	c->has_columns = is_by_columns(c->kernel, nrows);
	c->takes_short = c->has_columns && has_low_powers(c->layout);
	nbytes = count_words_nbytes(c->layout, nrows, c->has_columns);
	c->words = nbytes > PTRDIFF_MAX ? NULL : qn_alloc_zeroed((size_t)nbytes);
	c->alike = c->has_columns ? qn_calloc(count_plain(c->layout) * count_alike(nrows) + 1,
					      sizeof(*c->alike))
				  : NULL;
	c->is_new = true;
	c->lock = is_shared ? qn_calloc(NLOCKS, sizeof(*c->lock)) : NULL;
	c->seen = c->rows->nkept ? qn_seen_new(c->rows) : NULL;
	if (!c->words || (c->has_columns && !c->alike) || (is_shared && !c->lock) ||
	    (c->rows->nkept && !c->seen) || !make_columns(c)) {
		qn_cells_fini(c);
		return false;
	}
	for (; is_shared && c->nlocks < NLOCKS; c->nlocks++)
		pthread_mutex_init(&c->lock[c->nlocks], NULL);
	return true;
}

void qn_cells_fini(struct qn_cells *c)
{
	for (; c->nlocks > 0; c->nlocks--)
		pthread_mutex_destroy(&c->lock[c->nlocks - 1]);
	for (int i = 0; i < QUERN_MAX_SEGMENTS; i++) {
		qn_column_free(c->exact[i]);
		c->exact[i] = NULL;
	}
	free(c->seen);
	free(c->lock);
	free(c->alike);
	free(c->words);
	c->seen = NULL;
	c->lock = NULL;
	c->alike = c->words = NULL;
}

uint64_t qn_cells_nbytes_spilled(const struct qn_cells *c)
{
	uint64_t nbytes = 0;

	for (int i = 0; c->has_columns && i < c->layout->nsegments; i++)
		nbytes += c->exact[i] ? qn_column_nbytes_spilled(c->exact[i]) : 0;
	return nbytes;
}

bool qn_cells_check_spilled(struct qn_cells *c)
{
	if (!c->most_spilled || qn_cells_nbytes_spilled(c) <= c->most_spilled)
		return false;
	atomic_store_explicit(&c->is_over, true, memory_order_relaxed);
	return true;
}

int64_t *qn_cells_state(const struct qn_cells *c, uint64_t row)
{
	return c->words + row * c->layout->nwords;
}

/* The number of the column of a word; SIZE_MAX: it has none. */
static size_t column_of(const struct qn_cells *c, size_t word)
{
	size_t before = 0;

	for (int i = 0; i < c->layout->nsegments; i++) {
		const struct quern_segment *s = &c->layout->segment[i];
		const bool is_exact = s->op == QUERN_EXACT;

		if (word < s->nwords)
			return is_exact ? SIZE_MAX : before + word;
		word -= s->nwords;
		before += is_exact ? 0 : s->nwords;
	}
	return SIZE_MAX;
}

int64_t *qn_cells_column(const struct qn_cells *c, size_t word)
{
	const size_t column = column_of(c, word);

	return column == SIZE_MAX ? NULL : c->words + column * c->rows->nrows;
}

typedef int64_t four_words __attribute__((vector_size(32), aligned(8), may_alias));

static void add_each(int64_t *words, uint64_t n, int64_t more)
{
	uint64_t i = 0;

	for (; i + 4 <= n; i += 4)
		*(four_words *)(void *)(words + i) += more;
	for (; i < n; i++)
		words[i] += more;
}

void qn_cells_add_alike(struct qn_cells *c, size_t word, uint64_t row, size_t n, int64_t more)
{
	const uint64_t nrows = c->rows->nrows, end = row + n;
	const size_t column = column_of(c, word);
	int64_t *words = c->words + column * nrows, *alike = c->alike + column * count_alike(nrows);

	for (uint64_t next; row < end; row = next) {
		const uint64_t all = qn_min_u64((row / QN_ALIKE + 1) * QN_ALIKE, nrows);

		next = qn_min_u64(all, end);
		if (row % QN_ALIKE == 0 && next == all)
			alike[row / QN_ALIKE] += more;
		else
			add_each(words + row, next - row, more);
	}
}

/* Gives the rows of a column what they are to get alike. */
static void settle_column(struct qn_cells *c, size_t column)
{
	const uint64_t nrows = c->rows->nrows, n = count_alike(nrows);
	int64_t *words = c->words + column * nrows, *alike = c->alike + column * n;

	for (uint64_t i = 0; i < n; i++, words += QN_ALIKE) {
		if (alike[i])
			add_each(words, qn_min_u64(QN_ALIKE, nrows - i * QN_ALIKE), alike[i]);
		alike[i] = 0;
	}
}

void qn_cells_pass(const struct qn_layout_of_state *l, struct qn_cells_place *place)
{
	place->segment += l->nsegments;
	place->plain += count_plain(l);
}

void qn_cells_of_part(const struct qn_cells *all, const struct qn_cells_place *place,
		      struct qn_cells *part)
{
	part->rows = all->rows;
	part->words = all->words + place->plain * all->rows->nrows;
	part->alike = all->alike + place->plain * count_alike(all->rows->nrows);
	part->has_columns = true;
	memcpy(part->exact, all->exact + place->segment,
	       (size_t)part->layout->nsegments * sizeof(*part->exact));
}

/* The state of a row of columns. */
static bool gather_state(const struct qn_cells *c, uint64_t row, int64_t *state)
{
	const int64_t *column = c->words + row;
	bool ok = true;

	for (int i = 0; ok && i < c->layout->nsegments; i++) {
		const size_t n = c->layout->segment[i].nwords;

		if (c->exact[i])
			ok = qn_column_get(c->exact[i], row, state);
		for (size_t k = 0; !c->exact[i] && k < n; k++, column += c->rows->nrows)
			state[k] = *column;
		state += n;
	}
	return ok;
}

const int64_t *qn_cells_get(const struct qn_cells *c, uint64_t row, int64_t *buffer)
{
	if (!c->has_columns)
		return qn_cells_state(c, row);
	return gather_state(c, row, buffer) ? buffer : NULL;
}

bool qn_cells_add_state(struct qn_cells *c, uint64_t row, const int64_t *state)
{
	int64_t *column = c->words + row;
	bool ok = true;

	if (!c->has_columns)
		qn_state_merge(c->layout, qn_cells_state(c, row), state);

	for (int i = 0; ok && c->has_columns && i < c->layout->nsegments; i++) {
		const struct quern_segment *s = &c->layout->segment[i];
		struct qn_layout_of_state one = { .nsegments = 1, .segment = { *s } };
		const size_t width = s->op == QUERN_MINLOC || s->op == QUERN_MAXLOC ? 2 : 1;
		int64_t word[2];

		if (c->exact[i])
			ok = qn_column_add_limbs(c->exact[i], row, state);
		one.segment[0].nwords = width;
		for (size_t k = 0; !c->exact[i] && k < s->nwords; k += width) {
			for (size_t w = 0; w < width; w++)
				word[w] = column[w * c->rows->nrows];
			qn_state_merge(&one, word, state + k);
			for (size_t w = 0; w < width; w++, column += c->rows->nrows)
				*column = word[w];
		}
		state += s->nwords;
	}
	return ok;
}

static size_t round_up(size_t nbytes)
{
	return (nbytes + 63) / 64 * 64;
}

size_t qn_cells_scratch_nbytes(const struct quern_kernel *k, const void *self,
			       const struct qn_layout_of_state *l)
{
	const size_t own = k->scratch ? k->scratch(self) : 0;
	const bool by_columns = k->absorb_rows && !k->has_row_states;
	const size_t state = by_columns ? l->nwords * sizeof(int64_t) : 0;

	return round_up(own) + round_up(state) + QUERN_NROLES * VALUES_NBYTES +
	       3 * BITMAP_NWORDS * sizeof(uint64_t);
}

static void lock(const struct qn_cells *c, uint64_t row)
{
	if (c->nlocks)
		pthread_mutex_lock(&c->lock[row / QN_RUN_NELEMS % c->nlocks]);
}

static void unlock(const struct qn_cells *c, uint64_t row)
{
	if (c->nlocks)
		pthread_mutex_unlock(&c->lock[row / QN_RUN_NELEMS % c->nlocks]);
}

static bool is_valid(const uint64_t *valid, uint64_t i)
{
	return valid[i / 64] >> i % 64 & 1;
}

/* n elements of the tile, one after the other from `first` on, to one state. */
static void absorb_piece(const struct absorber *a, int64_t *state, uint64_t row, uint64_t first,
			 size_t n)
{
	struct quern_tile tile = *a->tile;

	tile.row = a->cells->rows->first + row;
	qn_absorb_there(a->cells->kernel, a->cells->self, state, a->scratch, a->valid, &tile, first,
			n);
}

static bool absorb_one(const struct absorber *a, const struct qn_row_run *run)
{
	struct qn_cells *c = a->cells;
	bool ok = true;

	if (c->has_columns) {
		qn_state_identity(c->layout, a->state);
		absorb_piece(a, a->state, run->row, run->first, run->nelems);
		if (c->kernel->normalize)
			c->kernel->normalize(c->self, a->state);
	}
	lock(c, run->row);
	if (c->has_columns)
		ok = qn_cells_add_state(c, run->row, a->state);
	else
		absorb_piece(a, qn_cells_state(c, run->row), run->row, run->first, run->nelems);
	unlock(c, run->row);
	return ok;
}

/* Room for a column: its elements, whether they are valid, whether they are there. */
struct column {
	struct quern_var var[QUERN_NROLES];
	struct quern_tile tile;
	bool all_there;
};

/* n values of a variable, `stride` apart. */
static struct quern_var gather(const struct quern_var *from, uint64_t at, uint64_t stride, size_t n,
			       uint8_t *values)
{
	const size_t size = qn_dtype_size(from->dtype);

	for (size_t i = 0; i < n; i++, at += stride)
		memcpy(values + i * size, (const char *)from->values + at * size, size);
	return (struct quern_var){ .dtype = from->dtype, .values = values };
}

/* Element `first` of the tile and those that follow it in the steps of the run, `begin` to
   begin + n. They are a box of their own. */
static void gather_column(const struct absorber *a, const struct qn_row_run *run, uint64_t first,
			  const struct quern_box *box, uint64_t begin, size_t n, struct column *out)
{
	const struct quern_var *from = a->tile->var;
	uint64_t at = first + begin * run->stride;

	memset(a->gathered, 0, 2 * BITMAP_NWORDS * sizeof(*a->gathered));
	for (int k = 0; k < a->tile->nvars; k++)
		out->var[k] = from[k].values ? gather(&from[k], at, run->stride, n,
						      a->values + (size_t)k * VALUES_NBYTES)
					     : from[k];
	out->tile = (struct quern_tile){
		.box = box, .first = begin, .nelems = n, .nvars = a->tile->nvars, .var = out->var
	};
	out->all_there = true;
	for (size_t i = 0; i < n; i++, at += run->stride) {
		const bool valid = !from->valid || is_valid(from->valid, at);
		const bool there = !a->tile->there || is_valid(a->tile->there, at);

		a->gathered[i / 64] |= (uint64_t)valid << i % 64;
		a->gathered[BITMAP_NWORDS + i / 64] |= (uint64_t)there << i % 64;
		out->var->nmissing += !valid;
		out->all_there = out->all_there && there;
	}
	out->var->valid = out->var->nmissing ? a->gathered : NULL;
	out->tile.there = out->all_there ? NULL : a->gathered + BITMAP_NWORDS;
}

/* To one row. */
static void absorb_column(const struct absorber *a, const struct qn_row_run *run, uint64_t row,
			  uint64_t first, const struct quern_box *box, uint64_t begin, size_t n)
{
	const struct qn_cells *c = a->cells;
	struct column column;

	gather_column(a, run, first, box, begin, n, &column);
	column.tile.row = c->rows->first + row;
	qn_absorb_there(c->kernel, c->self, qn_cells_state(c, row), a->scratch, a->valid,
			&column.tile, 0, n);
}

/* The box of the steps of one element of a run. */
static void find_column(const struct quern_box *box, const struct qn_row_run *run, uint64_t first,
			struct quern_box *out)
{
	*out = *box;
	for (int d = box->ndim - 1; d >= 0; d--) {
		out->start[d] += first % box->count[d] * box->step[d];
		first /= box->count[d];
		if (d < run->step_dim || d >= run->step_end)
			out->count[d] = 1;
	}
}

static bool absorb_consecutive(const struct absorber *a, const struct qn_row_run *run)
{
	struct quern_box column;

	lock(a->cells, run->row);
	for (size_t i = 0; i < run->nelems; i++) {
		const uint64_t row = run->row + i, first = run->first + i;
		size_t n;

		if (run->nsteps == 1) {
			absorb_piece(a, qn_cells_state(a->cells, row), row, first, 1);
			continue;
		}
		find_column(a->tile->box, run, first, &column);
		for (uint64_t s = 0; s < run->nsteps; s += n) {
			n = (size_t)qn_min_u64(run->nsteps - s, QN_RUN_NELEMS);
			absorb_column(a, run, row, first, &column, s, n);
		}
	}
	unlock(a->cells, run->row);
	return true;
}

/* Neighbours of one row go together. */
static bool absorb_indexed(const struct absorber *a, const struct qn_row_run *run)
{
	size_t n;

	for (size_t i = 0; i < run->nelems; i += n) {
		const int64_t row = run->rows[i];

		for (n = 1; i + n < run->nelems && run->rows[i + n] == row; n++)
			;
		if (row < 0)
			continue;
		lock(a->cells, (uint64_t)row);
		absorb_piece(a, qn_cells_state(a->cells, (uint64_t)row), (uint64_t)row,
			     run->first + i, n);
		unlock(a->cells, (uint64_t)row);
	}
	return true;
}

/* The rows of an indexed run may be anywhere: the whole table is taken then. */
static void lock_all(const struct qn_cells *c)
{
	for (size_t i = 0; i < c->nlocks; i++)
		pthread_mutex_lock(&c->lock[i]);
}

static void unlock_all(const struct qn_cells *c)
{
	for (size_t i = c->nlocks; i > 0; i--)
		pthread_mutex_unlock(&c->lock[i - 1]);
}

static bool absorb_rows(const struct absorber *a, const struct qn_row_run *run)
{
	const bool is_indexed = run->kind == QN_RUN_INDEXED;
	struct qn_cells *c = a->cells;
	bool ok;

	if (is_indexed)
		lock_all(c);
	else
		lock(c, run->row);
	ok = c->kernel->absorb_rows(c->self, c, a->scratch, a->tile, run);
	if (is_indexed)
		unlock_all(c);
	else
		unlock(c, run->row);
	return ok;
}

static bool absorb_run(void *ctx, const struct qn_row_run *run)
{
	static bool (*const absorb[])(const struct absorber *, const struct qn_row_run *) = {
		[QN_RUN_ONE] = absorb_one,
		[QN_RUN_CONSECUTIVE] = absorb_consecutive,
		[QN_RUN_INDEXED] = absorb_indexed,
	};
	const struct absorber *a = ctx;
	const bool by_rows = a->cells->has_columns
				     ? run->kind != QN_RUN_ONE || is_short(a->cells, run)
				     : a->cells->kernel->has_row_states &&
					       run->kind == QN_RUN_CONSECUTIVE;

	if (a->cells->seen)
		qn_seen_note(a->cells->seen, a->cells->rows, a->tile, run);
	return (by_rows ? absorb_rows(a, run) : absorb[run->kind](a, run)) &&
	       !qn_cells_check_spilled(a->cells);
}

void qn_cells_absorb(struct qn_cells *c, void *scratch, const struct quern_tile *tile,
		     const int32_t *const *given)
{
	struct absorber a = { .cells = c, .tile = tile };
	uint8_t *at = scratch;

	a.values = at;
	at += QUERN_NROLES * VALUES_NBYTES;
	a.valid = (uint64_t *)(void *)at;
	a.gathered = a.valid + BITMAP_NWORDS;
	at += 3 * BITMAP_NWORDS * sizeof(uint64_t);
	a.state = (int64_t *)(void *)at;
	a.scratch = at + (c->has_columns ? round_up(c->layout->nwords * sizeof(int64_t)) : 0);
	if (!qn_rows_visit(c->rows, tile->box, given, absorb_run, &a) && !atomic_load(&c->is_over))
		atomic_store(&c->lacks_memory, true);
}

void qn_cells_normalize(struct qn_cells *c)
{
	for (uint64_t r = 0; !c->has_columns && c->kernel->normalize && r < c->rows->nrows; r++)
		c->kernel->normalize(c->self, qn_cells_state(c, r));
	for (size_t k = 0; c->has_columns && k < count_plain(c->layout); k++)
		settle_column(c, k);
}

/* The words of a segment in two tables of columns. */
static void merge_columns(struct qn_cells *into, const struct qn_cells *from,
			  const struct quern_segment *s, size_t word)
{
	const size_t width = s->op == QUERN_MINLOC || s->op == QUERN_MAXLOC ? 2 : 1;
	struct qn_layout_of_state one = { .nsegments = 1, .segment = { *s } };
	int64_t *a = qn_cells_column(into, word), pair[2][2];
	const int64_t *b = qn_cells_column(from, word);
	const uint64_t n = into->rows->nrows;

	one.segment[0].nwords = width == 1 ? s->nwords * n : 2;
	if (width == 1) {
		qn_state_merge(&one, a, b);
		return;
	}
	for (size_t k = 0; k < s->nwords; k += 2, a += 2 * n, b += 2 * n)
		for (uint64_t r = 0; r < n; r++) {
			pair[0][0] = a[r];
			pair[0][1] = a[n + r];
			pair[1][0] = b[r];
			pair[1][1] = b[n + r];
			qn_state_merge(&one, pair[0], pair[1]);
			a[r] = pair[0][0];
			a[n + r] = pair[0][1];
		}
}

bool qn_cells_merge(struct qn_cells *into, const struct qn_cells *from)
{
	size_t word = 0;
	bool ok = true;

	if (into->seen)
		qn_seen_merge(into->seen, from->seen, qn_seen_nwords(into->rows));
	for (uint64_t r = 0; !into->has_columns && r < into->rows->nrows; r++)
		qn_state_merge(into->layout, qn_cells_state(into, r), qn_cells_state(from, r));
	for (int i = 0; ok && into->has_columns && i < into->layout->nsegments; i++) {
		const struct quern_segment *s = &into->layout->segment[i];

		if (s->op == QUERN_EXACT)
			ok = qn_column_merge(into->exact[i], from->exact[i]);
		else
			merge_columns(into, from, s, word);
		word += s->nwords;
	}
	return ok;
}
