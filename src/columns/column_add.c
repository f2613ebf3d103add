/*
 * column_add.c - elements of tiles to the rows of columns.
 *
 * A pass adds strips of elements, as long as they fit. Where it stops, the elements of a piece of
 * the tile are copied without those that are left out, and a strip that still does not fit is added
 * element by element, which may change the block so that the pass takes the next ones.
 */
#include <string.h>

#include "base/mem.h"
#include "exact/bits.h"
#include "columns/column_parts.h"

/* Elements that are copied at a time, of one step or several. */
#define PIECE 4096
/* Pieces of a block of rows that are copied before all of it is. */
#define MOST_COPIED 6
/* Elements whose parts are found at a time before they go to scattered rows. */
#define LOOSE 256

/* What is added to the rows of one block of each column: n elements from place i of the tile on, of
   nsteps steps. */
struct job {
	struct qn_column *column[2];
	struct qn_column_block *block[2];
	int ncolumns;
	struct qn_column_tile *tile;
	size_t size;
	size_t row, i, n, step, nsteps;
	qn_column_pass_fn *pass;
	qn_column_blank_fn *blank;
};

/* A view of some of its elements, as they are or copied. */
struct view {
	const char *values;
	size_t stride, row, n;
	const uint64_t *valid; /* as of the tile */
	uint64_t bit;
};

qn_column_pass_fn *qn_column_pass_of(enum qn_cpu level)
{
	static qn_column_pass_fn *const pass[] = QN_ISA_TABLE(qn_column_pass);

	return pass[level];
}

qn_column_blank_fn *qn_column_blank_of(enum qn_cpu level)
{
	static qn_column_blank_fn *const blank[] = QN_ISA_TABLE(qn_column_blank);

	return blank[level];
}

static struct job job(struct qn_column *x, struct qn_column *square, struct qn_column_tile *t)
{
	const enum qn_cpu level = x ? x->level : square->level;
	struct job j = { .tile = t, .size = qn_column_elem_size(t->dtype) };

	if (x)
		j.column[j.ncolumns++] = x;
	if (square)
		j.column[j.ncolumns++] = square;
	j.pass = qn_column_pass_of(level);
	j.blank = qn_column_blank_of(level);
	t->nspecial = 0;
	return j;
}

static size_t elem_index(const struct job *j, size_t step, size_t i)
{
	return (j->step + step) * j->tile->stride + j->i + i;
}

static const char *element(const struct job *j, size_t step, size_t i)
{
	return (const char *)j->tile->values + elem_index(j, step, i) * j->size;
}

/* 2^e as the bits of a float32; 0 or infinity where there is none. */
static uint32_t power_bits(int e)
{
	return e < -126 ? 0 : e > 127 ? UINT32_C(0x7f800000) : (uint32_t)(e + 127) << 23;
}

/* Floats are multiples of 2^u from 2^(u + 23) on; the smallest float is 2^-149. */
void qn_column_bound_pass(struct qn_column_pass *p, const struct qn_column_block *b, int power)
{
	const int unit = b->unit / power + (b->unit % power > 0);
	const int top = b->unit + QN_COLUMN_TOP + QN_COLUMN_STEP * (b->nhot - 1);
	const uint32_t least = unit <= QN_F32_MIN_EXP ? 1 : power_bits(unit + 23);
	const uint32_t most = power_bits(top / power - (top % power < 0));

	p->least = least > p->least ? least : p->least;
	p->most = most < p->most ? most : p->most;
}

/* Runs the pass from row *done of the view on. */
static bool run(const struct job *j, const struct view *v, size_t *done)
{
	struct qn_column_pass p = { .dtype = j->tile->dtype,
				    .values = v->values,
				    .n = v->n,
				    .nsteps = j->nsteps,
				    .stride = v->stride,
				    .least = 1,
				    .most = UINT32_C(0x7f800000),
				    .valid = v->valid,
				    .bit = v->bit };

	for (int k = 0; k < j->ncolumns; k++) {
		struct qn_column_block *b = j->block[k];
		struct qn_column_sum *s;

		if (b->nhot == 0)
			return true;
		if (!qn_column_block_reserve(j->column[k], b, j->nsteps))
			return false;
		s = &p.sum[j->column[k]->power - 1];
		s->nparts = b->nhot;
		memcpy(s->magic, b->magic, sizeof(s->magic));
		for (int i = 0; i < b->nhot; i++)
			s->part[i] = b->part[i] + v->row;
		qn_column_bound_pass(&p, b, j->column[k]->power);
	}
	*done = j->pass(&p, *done);
	return true;
}

/* Adds the elements of rows first to end - 1 of a view one by one. */
static bool add_each(const struct job *j, const struct view *v, size_t first, size_t end)
{
	for (int k = 0; k < j->ncolumns; k++)
		for (size_t s = 0; s < j->nsteps; s++)
			for (size_t i = first; i < end; i++)
				if (!qn_column_block_add(j->column[k], j->block[k], v->row + i,
							 v->values + (s * v->stride + i) * j->size))
					return false;
	return true;
}

/* Has new blocks begin with what a view shows. */
static bool start(const struct job *j, const struct view *v)
{
	for (int k = 0; k < j->ncolumns; k++)
		if (j->block[k]->spoilt ||
		    !qn_column_block_start(j->column[k], j->block[k], v->values, v->n))
			return false;
	return true;
}

static bool add_copied(const struct job *j, const struct view *v)
{
	size_t done = 0, end;

	if (!start(j, v))
		return false;
	while (done < v->n) {
		if (!run(j, v, &done))
			return false;
		end = qn_min_u64(done + QN_COLUMN_STRIP, v->n);
		if (!add_each(j, v, done, end))
			return false;
		done = end;
	}
	return true;
}

/* Elements i to i + n - 1 of the job, by way of a copy. */
static bool add_piece(const struct job *j, size_t i, size_t n)
{
	char copy[PIECE * sizeof(double)] __attribute__((aligned(64)));
	const struct view v = { copy, n, j->row + i, n, NULL, 0 };
	bool any = false;

	for (size_t s = 0; s < j->nsteps; s++)
		any |= j->blank(j->tile->dtype, element(j, s, i), n, j->tile->valid,
				j->tile->bit + elem_index(j, s, i), copy + s * n * j->size,
				j->tile->special, &j->tile->nspecial);
	return !any || add_copied(j, &v);
}

static bool is_any_new(const struct job *j)
{
	return j->block[0]->nhot == 0 || (j->ncolumns > 1 && j->block[1]->nhot == 0);
}

/* As they are, as far as they fit. What does not is copied: a strip, and twice as much each time; in the end all. */
static bool add_steps(const struct job *j)
{
	const struct qn_column_tile *t = j->tile;
	const struct view v = { element(j, 0, 0), t->stride,
				j->row,		  j->n,
				t->valid,	  t->bit + elem_index(j, 0, 0) };
	const size_t most = PIECE / j->nsteps;
	size_t done = 0, n, ncopied = 0;

	/* What is not valid says nothing of the unit that a new block is to have: a copy shows the others. */
	if (!t->valid && !start(j, &v))
		return false;
	for (; done < j->n; done += n, ncopied++) {
		const bool as_it_is = ncopied < MOST_COPIED && !is_any_new(j);

		if (as_it_is && !run(j, &v, &done))
			return false;
		n = as_it_is ? qn_min_u64(QN_COLUMN_STRIP << ncopied, most) : most;
		n = qn_min_u64(n, j->n - done);
		if (n && !add_piece(j, done, n))
			return false;
	}
	return true;
}

/* Of few rows many steps are added at a time, as many elements as are copied, so that what a pass costs beside them
   is little. */
static size_t most_steps(size_t nrows)
{
	return qn_max_u64(QN_COLUMN_NSTEPS, qn_min_u64(PIECE / nrows, QN_COLUMN_MOST_NSTEPS));
}

/* Adds the elements of rows of one block, from that of place j->i on. */
static bool add_block(struct job *j, uint64_t first_row)
{
	const uint64_t row = first_row + j->i;

	j->row = row % QN_COLUMN_BLOCK;
	j->n = qn_min_u64(j->tile->n - j->i, QN_COLUMN_BLOCK - j->row);
	for (int k = 0; k < j->ncolumns; k++)
		j->block[k] = &j->column[k]->block[row / QN_COLUMN_BLOCK];
	for (j->step = 0; j->step < j->tile->nsteps; j->step += j->nsteps) {
		j->nsteps = qn_min_u64(j->tile->nsteps - j->step, most_steps(j->n));
		if (!add_steps(j))
			return false;
	}
	return true;
}

static bool add_blocks(struct job j, uint64_t first_row)
{
	for (; j.i < j.tile->n; j.i += j.n)
		if (!add_block(&j, first_row))
			return false;
	return true;
}

bool qn_column_add_rows(struct qn_column *x, struct qn_column *square, uint64_t first_row,
			struct qn_column_tile *t)
{
	struct qn_column *const column[2] = { x, square };
	bool ok = true;

	if (t->n == 1 && t->stride == 1 && t->nsteps > 1)
		ok = qn_column_fold(column, first_row, t);
	else
		ok = add_blocks(job(x, square, t), first_row);
	for (int k = 0; !ok && k < 2; k++)
		if (column[k])
			qn_column_spoil(column[k], first_row, t->n);
	return ok;
}

/* --- scattered rows --- */

/*
 * A pass adds elements to rows side by side that hold nothing, in the unit of one block of the column: what these
 * hold then are the parts of each element. From there they go to the rows of all blocks with that unit; other
 * blocks get the element itself.
 */
struct loose {
	const struct qn_column_block *like; /* NULL: no block has a unit */
	int unit, nhot;
	int64_t part[QN_COLUMN_PARTS][LOOSE];
	uint64_t largest[QN_COLUMN_PARTS];
};

/* Elements of a step that were blanked, and where they go. */
struct scattered {
	const struct job *job;
	uint64_t first_row;
	const uint32_t *row;
	const char *values;
	size_t n;
	struct loose loose[2];
};

static struct qn_column_block *block_of(const struct scattered *s, int k, size_t i)
{
	return &s->job->column[k]->block[(s->first_row + s->row[i]) / QN_COLUMN_BLOCK];
}

static size_t row_of(const struct scattered *s, size_t i)
{
	return (s->first_row + s->row[i]) % QN_COLUMN_BLOCK;
}

/* Has new blocks begin with what the elements show, and chooses the one whose unit the parts get. */
static bool choose_like(struct scattered *s, int k)
{
	const struct qn_column *c = s->job->column[k];
	struct loose *l = &s->loose[k];

	l->like = NULL;
	for (size_t i = 0; i < s->n; i++) {
		struct qn_column_block *b = block_of(s, k, i);

		if (b->spoilt || (b->nhot == 0 && !qn_column_block_start(c, b, s->values, s->n)))
			return false;
		if (b->nhot > 0 && !l->like)
			l->like = b;
	}
	l->nhot = l->like ? l->like->nhot : 0;
	l->unit = l->like ? l->like->unit : 0;
	return true;
}

/* Is there a unit in which the elements have parts? */
static bool can_loosen(const struct scattered *s)
{
	return s->loose[0].nhot || (s->job->ncolumns > 1 && s->loose[1].nhot);
}

/* Adds the elements from number `first` on to rows of nothing; returns where it stopped. */
static size_t loosen(struct scattered *s, size_t first)
{
	const struct job *j = s->job;
	struct qn_column_pass p = { .dtype = j->tile->dtype,
				    .values = s->values,
				    .n = s->n,
				    .nsteps = 1,
				    .stride = s->n,
				    .least = 1,
				    .most = UINT32_C(0x7f800000) };

	for (int k = 0; k < j->ncolumns; k++) {
		struct loose *l = &s->loose[k];
		struct qn_column_sum *to = &p.sum[l->nhot ? j->column[k]->power - 1 : 0];

		if (l->nhot == 0)
			continue;
		to->nparts = l->nhot;
		memcpy(to->magic, l->like->magic, sizeof(to->magic));
		for (int i = 0; i < l->nhot; i++) {
			to->part[i] = l->part[i];
			memset(l->part[i] + first, 0, (s->n - first) * sizeof(l->part[i][0]));
		}
		qn_column_bound_pass(&p, l->like, j->column[k]->power);
	}
	return can_loosen(s) ? j->pass(&p, first) : first;
}

static bool is_alike(const struct loose *l, const struct qn_column_block *b)
{
	return b->unit == l->unit && b->nhot == l->nhot && !b->spoilt;
}

/* How many elements from number i on go to rows of one block. */
static size_t count_block(const struct scattered *s, int k, size_t i, size_t end)
{
	const struct qn_column_block *b = block_of(s, k, i);
	size_t n = 1;

	while (i + n < end && block_of(s, k, i + n) == b)
		n++;
	return n;
}

/* Adds elements first to end - 1 one by one. */
static bool put_each(const struct scattered *s, int k, size_t first, size_t end)
{
	for (size_t i = first; i < end; i++)
		if (!qn_column_block_add(s->job->column[k], block_of(s, k, i), row_of(s, i),
					 s->values + i * s->job->size))
			return false;
	return true;
}

/* Adds the parts of elements first to end - 1, of one block. */
static void put_parts(const struct scattered *s, const struct loose *l, struct qn_column_block *b,
		      size_t first, size_t end)
{
	for (int j = 0; j < l->nhot; j++) {
		int64_t *part = b->part[j];

		for (size_t i = first; i < end; i++)
			part[row_of(s, i)] += l->part[j][i];
	}
}

/* Adds elements first to end - 1, of which there are parts. */
static bool put_loose(struct scattered *s, int k, size_t first, size_t end)
{
	const struct qn_column *c = s->job->column[k];
	struct loose *l = &s->loose[k];

	for (int j = 0; j < l->nhot; j++)
		l->largest[j] = qn_column_largest(l->part[j] + first, end - first);
	for (size_t i = first, n; i < end; i += n) {
		struct qn_column_block *b = block_of(s, k, i);

		n = count_block(s, k, i, end);
		if (l->nhot == 0 || !is_alike(l, b)) {
			if (!put_each(s, k, i, i + n))
				return false;
			continue;
		}
		if (!qn_column_block_raise(c, b, l->largest, n))
			return false;
		put_parts(s, l, b, i, i + n);
	}
	return true;
}

/* Adds LOOSE elements at the most. */
static bool scatter_loose(struct scattered *s)
{
	const int ncolumns = s->job->ncolumns;

	for (size_t done = 0, end; done < s->n; done = end) {
		for (int k = 0; k < ncolumns; k++)
			if (!choose_like(s, k))
				return false;
		end = loosen(s, done);
		for (int k = 0; k < ncolumns && end > done; k++)
			if (!put_loose(s, k, done, end))
				return false;
		done = end;
		end = can_loosen(s) ? qn_min_u64(done + QN_COLUMN_STRIP, s->n) : s->n;
		for (int k = 0; k < ncolumns; k++)
			if (!put_each(s, k, done, end))
				return false;
	}
	return true;
}

/* Adds PIECE elements at the most, which were blanked. */
static bool scatter(const struct job *j, uint64_t first_row, const uint32_t *row,
		    const char *values, size_t n)
{
	struct scattered s = { .job = j, .first_row = first_row };

	for (size_t i = 0; i < n; i += s.n) {
		s.n = qn_min_u64(n - i, LOOSE);
		s.row = row + i;
		s.values = values + i * j->size;
		if (!scatter_loose(&s))
			return false;
	}
	return true;
}

/* Adds the elements of a step. */
static bool scatter_step(const struct job *j, uint64_t first_row, const uint32_t *row)
{
	char copy[PIECE * sizeof(double)] __attribute__((aligned(64)));
	struct qn_column_tile *t = j->tile;

	for (size_t i = 0, n; i < t->n; i += n) {
		n = qn_min_u64(t->n - i, PIECE);
		if (j->blank(t->dtype, element(j, 0, i), n, t->valid, t->bit + elem_index(j, 0, i),
			     copy, t->special, &t->nspecial) &&
		    !scatter(j, first_row, row + i, copy, n))
			return false;
	}
	return true;
}

bool qn_column_add_at(struct qn_column *x, struct qn_column *square, uint64_t first_row,
		      const uint32_t *row, struct qn_column_tile *t)
{
	struct job j = job(x, square, t);

	for (; j.step < t->nsteps; j.step++)
		if (!scatter_step(&j, first_row, row)) {
			for (int k = 0; k < j.ncolumns; k++)
				for (size_t i = 0; i < t->n; i++)
					qn_column_spoil(j.column[k], first_row + row[i], 1);
			return false;
		}
	return true;
}
