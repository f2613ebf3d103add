/*
 * run.c - runs the instructions of a program, block by block, and keeps account of what is valid.
 */
#include <math.h>
#include <string.h>

#include "base/mem.h"
#include "kernel/tile.h"
#include "program/code.h"

#define ALIGNMENT     64
#define VALUES_NBYTES (QN_BLOCK_NELEMS * sizeof(double))
#define WORDS_NBYTES  (QN_BLOCK_NWORDS * sizeof(uint64_t))
#define TILE_NWORDS   (QUERN_TILE_NELEMS / 64)

static const uint64_t none[QN_BLOCK_NWORDS] = { 0 };
static const uint64_t all[QN_BLOCK_NWORDS] = {
	UINT64_MAX, UINT64_MAX, UINT64_MAX, UINT64_MAX, UINT64_MAX, UINT64_MAX,
	UINT64_MAX, UINT64_MAX, UINT64_MAX, UINT64_MAX, UINT64_MAX, UINT64_MAX,
	UINT64_MAX, UINT64_MAX, UINT64_MAX, UINT64_MAX,
};

/* Where a value of a block is, and which of its elements are there. Bits past the block are
   undefined. */
struct slot {
	void *values;
	uint64_t *valid;
	bool is_whole; /* all are valid: `valid` is undefined */
};

/* An argument as it is read. */
struct view {
	const void *values;
	const uint64_t *valid; /* NULL: all are */
	bool one;
};

struct frame {
	const struct qn_program *p;
	const struct quern_var *columns;
	size_t first, n, nwords; /* the block */
	struct slot *slot;	 /* of the registers */
	struct slot out;	 /* the block of the result */
	uint64_t *lost, *beyond, *ordered;
	void *aligned[QN_MOST_ARGS]; /* for blocks of columns that are not */
	uint64_t *ever_beyond;	     /* in any instruction */
	/* The result of the whole tile. */
	void *values;
	uint64_t *valid, *holds, *all_beyond;
};

/* --- scratch --- */

static size_t rounded(size_t nbytes)
{
	return (nbytes + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;
}

size_t qn_program_scratch_nbytes(const struct qn_program *p)
{
	return rounded(p->nregisters * sizeof(struct slot)) +
	       p->nregisters * (VALUES_NBYTES + WORDS_NBYTES) + 4 * WORDS_NBYTES +
	       QN_MOST_ARGS * VALUES_NBYTES + 3 * TILE_NWORDS * sizeof(uint64_t) +
	       QUERN_TILE_NELEMS * sizeof(double);
}

/* Takes the first bytes of what is left. */
static void *carve(unsigned char **at, size_t nbytes)
{
	void *p = *at;

	*at += rounded(nbytes);
	return p;
}

static void frame_init(struct frame *f, const struct qn_program *p, const struct quern_var *columns,
		       void *scratch)
{
	unsigned char *at = scratch;

	f->p = p;
	f->columns = columns;
	f->slot = carve(&at, p->nregisters * sizeof(*f->slot));
	for (size_t i = 0; i < p->nregisters; i++) {
		f->slot[i].values = carve(&at, VALUES_NBYTES);
		f->slot[i].valid = carve(&at, WORDS_NBYTES);
	}
	f->lost = carve(&at, WORDS_NBYTES);
	f->beyond = carve(&at, WORDS_NBYTES);
	f->ordered = carve(&at, WORDS_NBYTES);
	f->ever_beyond = carve(&at, WORDS_NBYTES);
	f->valid = carve(&at, TILE_NWORDS * sizeof(uint64_t));
	f->holds = carve(&at, TILE_NWORDS * sizeof(uint64_t));
	f->all_beyond = carve(&at, TILE_NWORDS * sizeof(uint64_t));
	f->values = carve(&at, QUERN_TILE_NELEMS * sizeof(double));
	for (int k = 0; k < QN_MOST_ARGS; k++)
		f->aligned[k] = carve(&at, VALUES_NBYTES);
}

/* --- validity --- */

/* The bits of word w that are of the block. */
static uint64_t inside(const struct frame *f, size_t w)
{
	const size_t left = f->n - 64 * w;

	return left >= 64 ? UINT64_MAX : (UINT64_C(1) << left) - 1;
}

/* Of what is valid only these elements stay. NULL: all of them. */
static void restrict_to(const struct frame *f, struct slot *s, const uint64_t *words)
{
	if (!words)
		return;
	for (size_t w = 0; w < f->nwords; w++)
		s->valid[w] = s->is_whole ? words[w] : s->valid[w] & words[w];
	s->is_whole = false;
}

static bool is_full(const struct frame *f, const uint64_t *words)
{
	for (size_t w = 0; w < f->nwords; w++)
		if (~words[w] & inside(f, w))
			return false;
	return true;
}

/* Leaves out the elements that are NaN. */
static void leave_out_nan(const struct frame *f, struct slot *s, const struct view *v,
			  enum quern_dtype type)
{
	const struct qn_loop_call call = { .arg = { v->values }, .out = f->ordered, .n = f->n };

	if (v->one || (type != QUERN_F32 && type != QUERN_F64))
		return;
	f->p->ordered[type == QUERN_F64](&call);
	if (!is_full(f, f->ordered))
		restrict_to(f, s, f->ordered);
}

/* --- arguments --- */

/* Columns lie anywhere: the block of one that is not aligned to its type is copied, as argument
   k. */
static void view_column(const struct frame *f, const struct qn_node *node, int k, struct view *out)
{
	const struct quern_var *c = &f->columns[node->operand];
	const size_t size = qn_dtype_size(c->dtype);
	const unsigned char *values = (const unsigned char *)c->values + f->first * size;

	if ((uintptr_t)values % size)
		values = memcpy(f->aligned[k], values, f->n * size);
	out->values = values;
	out->valid = c->valid && c->nmissing ? c->valid + f->first / 64 : NULL;
	out->one = false;
}

static bool is_nan(const struct qn_node *n)
{
	return (n->type == QUERN_F32 && isnan(n->value.f)) ||
	       (n->type == QUERN_F64 && isnan(n->value.d));
}

static void view_const(const struct qn_node *node, bool orders, struct view *out)
{
	out->one = node->type != QN_BITS;
	out->values = out->one ? (const void *)&node->value : node->value.u ? all : none;
	out->valid = node->missing || (orders && is_nan(node)) ? none : NULL;
}

static void view_register(const struct slot *slot, struct view *out)
{
	out->values = slot->values;
	out->valid = slot->is_whole ? NULL : slot->valid;
	out->one = false;
}

/* Argument k of an instruction. */
static void view(const struct frame *f, const struct qn_instruction *in, int k, struct view *out)
{
	const struct qn_source *s = &in->arg[k];

	if (s->kind == QN_SOURCE_COLUMN)
		view_column(f, &f->p->node[s->index], k, out);
	else if (s->kind == QN_SOURCE_CONST)
		view_const(&f->p->node[s->index], in->orders, out);
	else
		view_register(&f->slot[s->index], out);
}

/* --- instructions --- */

static uint64_t valid_word(const struct view *v, size_t w)
{
	return v->valid ? v->valid[w] : UINT64_MAX;
}

/* Has the elements missing that the loop has marked. */
static void account(const struct frame *f, struct slot *to)
{
	uint64_t any = 0;

	for (size_t w = 0; w < QN_BLOCK_NWORDS; w++)
		any |= f->lost[w] | f->beyond[w];
	if (!any)
		return;
	for (size_t w = 0; w < f->nwords; w++) {
		f->ever_beyond[w] |= f->beyond[w] & (to->is_whole ? UINT64_MAX : to->valid[w]);
		f->lost[w] = ~(f->lost[w] | f->beyond[w]);
	}
	restrict_to(f, to, f->lost);
}

/* What is computed of something missing is missing. */
static void strict(const struct frame *f, const struct qn_instruction *in, const struct view *arg,
		   struct slot *to)
{
	struct qn_loop_call call = {
		.out = to->values, .n = f->n, .part = in->part, .lost = f->lost, .beyond = f->beyond
	};

	memset(f->lost, 0, WORDS_NBYTES);
	memset(f->beyond, 0, WORDS_NBYTES);
	to->is_whole = true;
	for (int k = 0; k < in->nargs; k++) {
		call.arg[k] = arg[k].values;
		call.one[k] = arg[k].one;
		restrict_to(f, to, arg[k].valid);
	}
	in->loop(&call);
	account(f, to);
	for (int k = 0; in->orders && k < in->nargs; k++)
		leave_out_nan(f, to, &arg[k], in->arg[k].type);
}

/* The bits of a condition's result, and which are valid; is_whole is set if no argument has
   missing ones. */
static void begin_bits(const struct view *arg, int nargs, struct slot *to)
{
	to->is_whole = true;
	for (int k = 0; k < nargs; k++)
		to->is_whole = to->is_whole && !arg[k].valid;
}

static void not_bits(const struct frame *f, const struct qn_instruction *in, const struct view *arg,
		     struct slot *to)
{
	const uint64_t *a = arg[0].values;
	uint64_t *out = to->values;

	begin_bits(arg, in->nargs, to);
	for (size_t w = 0; w < f->nwords; w++) {
		out[w] = ~a[w];
		to->valid[w] = valid_word(&arg[0], w);
	}
}

/* false && missing is false. */
static void and_bits(const struct frame *f, const struct qn_instruction *in, const struct view *arg,
		     struct slot *to)
{
	const uint64_t *a = arg[0].values, *b = arg[1].values;
	uint64_t *out = to->values;

	begin_bits(arg, in->nargs, to);
	for (size_t w = 0; w < f->nwords; w++) {
		const uint64_t va = valid_word(&arg[0], w), vb = valid_word(&arg[1], w);

		out[w] = a[w] & b[w];
		to->valid[w] = (va & vb) | (va & ~a[w]) | (vb & ~b[w]);
	}
}

/* true || missing is true. */
static void or_bits(const struct frame *f, const struct qn_instruction *in, const struct view *arg,
		    struct slot *to)
{
	const uint64_t *a = arg[0].values, *b = arg[1].values;
	uint64_t *out = to->values;

	begin_bits(arg, in->nargs, to);
	for (size_t w = 0; w < f->nwords; w++) {
		const uint64_t va = valid_word(&arg[0], w), vb = valid_word(&arg[1], w);

		out[w] = (a[w] & va) | (b[w] & vb);
		to->valid[w] = (va & vb) | (va & a[w]) | (vb & b[w]);
	}
}

static void missing(const struct frame *f, const struct qn_instruction *in, const struct view *arg,
		    struct slot *to)
{
	uint64_t *out = to->values;

	to->is_whole = true;
	restrict_to(f, to, arg[0].valid);
	if (in->orders)
		leave_out_nan(f, to, &arg[0], in->arg[0].type);
	for (size_t w = 0; w < f->nwords; w++)
		out[w] = to->is_whole ? 0 : ~to->valid[w];
	to->is_whole = true;
}

/* Valid where the condition is, and what it chooses. */
static void where(const struct frame *f, const struct qn_instruction *in, const struct view *arg,
		  struct slot *to)
{
	const uint64_t *c = arg[0].values, *a = arg[1].values, *b = arg[2].values;
	const struct qn_loop_call call = { .arg = { c, a, b },
					   .one = { false, arg[1].one, arg[2].one },
					   .out = to->values,
					   .n = f->n };
	uint64_t *out = to->values;

	begin_bits(arg, in->nargs, to);
	if (in->loop)
		in->loop(&call);
	for (size_t w = 0; w < f->nwords; w++) {
		const uint64_t va = valid_word(&arg[1], w), vb = valid_word(&arg[2], w);

		if (!in->loop)
			out[w] = (c[w] & a[w]) | (~c[w] & b[w]);
		to->valid[w] = valid_word(&arg[0], w) & ((c[w] & va) | (~c[w] & vb));
	}
}

typedef void step_fn(const struct frame *f, const struct qn_instruction *in, const struct view *arg,
		     struct slot *to);

/* Of the operations that look at validity themselves. */
static step_fn *const steps[QN_NOPERATIONS] = {
	[QN_OP_NOT] = not_bits,	   [QN_OP_AND] = and_bits, [QN_OP_OR] = or_bits,
	[QN_OP_MISSING] = missing, [QN_OP_WHERE] = where,
};

static void run_block(struct frame *f)
{
	const struct qn_program *p = f->p;

	memset(f->ever_beyond, 0, WORDS_NBYTES);
	for (size_t i = 0; i < p->ninstructions; i++) {
		const struct qn_instruction *in = &p->instruction[i];
		struct view arg[QN_MOST_ARGS];
		step_fn *step = steps[in->op] ? steps[in->op] : strict;

		for (int k = 0; k < in->nargs; k++)
			view(f, in, k, &arg[k]);
		step(f, in, arg, in->to < 0 ? &f->out : &f->slot[in->to]);
	}
}

/* --- the result --- */

/* A program of no instructions is a column, which stays where it is, or a constant. */
static void take_leaf(struct frame *f)
{
	const struct qn_node *root = &f->p->node[f->p->root];
	const bool is_column = root->op == QN_OP_COLUMN;
	const size_t size = root->type == QN_BITS ? 0 : qn_dtype_size(root->type);
	struct view v;

	if (is_column)
		view_column(f, root, 0, &v);
	else
		view_const(root, f->p->nan_missing, &v);
	f->out.is_whole = true;
	restrict_to(f, &f->out, v.valid);
	if (is_column)
		f->out.values = (void *)(uintptr_t)v.values;
	else if (root->type == QN_BITS)
		memcpy(f->out.values, v.values, f->nwords * sizeof(uint64_t));
	for (size_t i = 0; !is_column && size && i < f->n; i++)
		memcpy((unsigned char *)f->out.values + i * size, v.values, size);
}

static void block_begin(struct frame *f, size_t first, size_t n)
{
	const enum quern_dtype type = f->p->node[f->p->root].type;

	f->first = first;
	f->n = n - first < QN_BLOCK_NELEMS ? n - first : QN_BLOCK_NELEMS;
	f->nwords = (f->n + 63) / 64;
	f->out.valid = f->valid + first / 64;
	f->out.values = type == QN_BITS ? (void *)(f->holds + first / 64)
					: (unsigned char *)f->values + first * qn_dtype_size(type);
}

/* Closes the account of a block: what is valid, what holds, and what was beyond 64 bits. */
static void block_end(struct frame *f, struct qn_program_result *out)
{
	const enum quern_dtype type = f->p->node[f->p->root].type;
	const struct view v = { .values = f->out.values };
	uint64_t *valid = f->out.valid, *holds = f->holds + f->first / 64;

	if (f->p->nan_missing)
		leave_out_nan(f, &f->out, &v, type);
	for (size_t w = 0; w < f->nwords; w++) {
		valid[w] = (f->out.is_whole ? UINT64_MAX : valid[w]) & inside(f, w);
		f->ever_beyond[w] &= ~valid[w] & inside(f, w);
		f->all_beyond[f->first / 64 + w] = f->ever_beyond[w];
		holds[w] = type == QN_BITS ? holds[w] & valid[w] : 0;
	}
	out->var.nmissing += f->out.is_whole ? 0 : f->n - f->p->count(valid, f->nwords);
	out->nholds += type == QN_BITS ? f->p->count(holds, f->nwords) : 0;
	out->nbeyond += f->out.is_whole ? 0 : f->p->count(f->ever_beyond, f->nwords);
}

static void bits_to_bytes(const uint64_t *bits, size_t n, uint8_t *out)
{
	for (size_t i = 0; i < n; i++)
		out[i] = bits[i / 64] >> i % 64 & 1;
}

/* Where the values of the tile are. */
static const void *values_of(const struct frame *f, size_t n)
{
	const struct qn_node *root = &f->p->node[f->p->root];

	if (root->op == QN_OP_COLUMN)
		return f->columns[root->operand].values;
	if (root->type != QN_BITS)
		return f->values;
	if (f->p->want == QN_WANT_CONDITION)
		return NULL;
	bits_to_bytes(f->holds, n, f->values);
	return f->values;
}

void qn_program_run(const struct qn_program *p, const struct quern_var *columns, size_t n,
		    void *scratch, struct qn_program_result *out)
{
	const struct qn_node *root = &p->node[p->root];
	struct frame f;

	*out = (struct qn_program_result){ .var = { .dtype = qn_program_dtype(p) } };
	frame_init(&f, p, columns, scratch);
	for (size_t first = 0; first < n; first += QN_BLOCK_NELEMS) {
		block_begin(&f, first, n);
		run_block(&f);
		if (!p->ninstructions)
			take_leaf(&f);
		block_end(&f, out);
	}
	out->beyond = f.all_beyond;
	out->var.values = values_of(&f, n);
	out->var.valid = out->var.nmissing ? f.valid : NULL;
	if (root->type == QN_BITS)
		out->holds = f.holds;
	if (root->op == QN_OP_COLUMN)
		out->var.text_nbytes = columns[root->operand].text_nbytes;
}
