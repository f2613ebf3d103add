#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "program/code.h"

/* What is known of each node while instructions are made. */
struct need {
	int nusers;    /* arguments of nodes that are needed and not made yet, which it is */
	int registers; /* that its value takes to be computed, about */
	int at;	       /* the register that has it */
	bool is_needed, is_made;
};

struct emitter {
	struct qn_program *p;
	struct need *need;
	int *stack; /* nodes whose arguments are being made */
	size_t nstack;
	int *idle; /* registers */
	size_t nidle;
};

static bool is_leaf(const struct qn_node *n)
{
	return n->nargs == 0;
}

/* Marks what a node needs, itself included: arguments come before it. */
static void mark(const struct qn_program *p, int node, struct need *need)
{
	need[node].is_needed = true;
	for (int i = node; i >= 0; i--)
		for (int k = 0; need[i].is_needed && k < p->node[i].nargs; k++) {
			need[p->node[i].arg[k]].is_needed = true;
			need[p->node[i].arg[k]].nusers++;
		}
}

bool qn_node_uses(const struct qn_program *p, int node, uint64_t *uses)
{
	struct need *need = qn_calloc((size_t)node + 1, sizeof(*need));

	if (!need)
		return false;
	mark(p, node, need);
	for (int i = 0; i <= node; i++)
		if (need[i].is_needed && p->node[i].op == QN_OP_COLUMN)
			uses[p->node[i].operand / 64] |= UINT64_C(1) << p->node[i].operand % 64;
	free(need);
	return true;
}

/* Of arguments that need as many registers as each other one more is needed, for the first one's
   value. */
static void estimate(const struct emitter *e)
{
	for (int i = 0; i <= e->p->root; i++) {
		const struct qn_node *n = &e->p->node[i];
		int most = 1;

		for (int k = 0; k < n->nargs; k++) {
			const int r = e->need[n->arg[k]].registers;

			most = r > most ? r : r == most && k ? most + 1 : most;
		}
		e->need[i].registers = is_leaf(n) ? 0 : most;
	}
}

static int take_register(struct emitter *e)
{
	return e->nidle ? e->idle[--e->nidle] : (int)e->p->nregisters++;
}

static struct qn_source source_of(const struct emitter *e, int node)
{
	const struct qn_node *n = &e->p->node[node];

	if (n->op == QN_OP_CONST)
		return (struct qn_source){ QN_SOURCE_CONST, node, n->type };
	if (n->op == QN_OP_COLUMN)
		return (struct qn_source){ QN_SOURCE_COLUMN, node, n->type };
	return (struct qn_source){ QN_SOURCE_REGISTER, e->need[node].at, n->type };
}

/* A register whose last user has been made is idle. */
static void release(struct emitter *e, int node)
{
	if (--e->need[node].nusers == 0 && !is_leaf(&e->p->node[node]))
		e->idle[e->nidle++] = e->need[node].at;
}

static qn_loop_fn *loop_of(const struct qn_program *p, const struct qn_node *n)
{
	const enum quern_dtype a = p->node[n->arg[0]].type, b = p->node[n->arg[n->nargs - 1]].type;

	return qn_loop_find(n->op, a, b, n->type);
}

static void emit(struct emitter *e, int node)
{
	const struct qn_node *n = &e->p->node[node];
	struct qn_instruction *in = &e->p->instruction[e->p->ninstructions++];

	*in = (struct qn_instruction){ .op = n->op, .type = n->type, .nargs = n->nargs };
	in->loop = loop_of(e->p, n);
	if (n->op == QN_OP_PART)
		in->part = &e->p->part[n->value.u].part;
	in->orders = e->p->nan_missing && (qn_operation_hides_nan(n->op) || n->op == QN_OP_MISSING);
	in->to = node == e->p->root ? -1 : take_register(e);
	for (int k = 0; k < n->nargs; k++)
		in->arg[k] = source_of(e, n->arg[k]);
	for (int k = 0; k < n->nargs; k++)
		release(e, n->arg[k]);
	e->need[node].at = in->to;
	e->need[node].is_made = true;
}

/* The argument to be made next: the one that needs most. -1: all are there. */
static int next_argument(const struct emitter *e, int node)
{
	const struct qn_node *n = &e->p->node[node];
	int best = -1;

	for (int k = 0; k < n->nargs; k++)
		if (!is_leaf(&e->p->node[n->arg[k]]) && !e->need[n->arg[k]].is_made &&
		    (best < 0 || e->need[n->arg[k]].registers > e->need[best].registers))
			best = n->arg[k];
	return best;
}

/* In the order of a walk, without recursion: texts are as deep as anybody likes. */
static void emit_all(struct emitter *e)
{
	e->stack[e->nstack++] = e->p->root;
	while (e->nstack) {
		const int node = e->stack[e->nstack - 1], arg = next_argument(e, node);

		if (arg >= 0) {
			e->stack[e->nstack++] = arg;
		} else {
			emit(e, node);
			e->nstack--;
		}
	}
}

enum quern_status qn_emit(struct qn_program *p, struct quern_message *err)
{
	const size_t n = (size_t)p->root + 1;
	struct emitter e = { .p = p };

	p->ordered[0] = qn_loop_find(QN_OP_ORDERED, QUERN_F32, QUERN_F32, QN_BITS);
	p->ordered[1] = qn_loop_find(QN_OP_ORDERED, QUERN_F64, QUERN_F64, QN_BITS);
	p->count = qn_bits_counter();
	e.need = qn_calloc(n, sizeof(*e.need));
	e.stack = qn_calloc(n, sizeof(*e.stack));
	e.idle = qn_calloc(n, sizeof(*e.idle));
	p->instruction = qn_calloc(n, sizeof(*p->instruction));
	if (e.need && e.stack && e.idle && p->instruction && qn_node_uses(p, p->root, p->uses)) {
		mark(p, p->root, e.need);
		estimate(&e);
		if (!is_leaf(&p->node[p->root]))
			emit_all(&e);
	} else {
		qn_error_nomem(err, n * sizeof(*p->instruction), "an expression");
	}
	free(e.need);
	free(e.stack);
	free(e.idle);
	return err->status;
}
