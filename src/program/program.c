/*
 * program.c - an expression from its text to a program, and what is asked of it.
 */
#include "program/program.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "program/code.h"
#include "program/lex.h"

void qn_program_free(struct qn_program *p)
{
	if (!p)
		return;
	free(p->text);
	free(p->node);
	free(p->part);
	free(p->conjunct);
	free(p->instruction);
	free(p);
}

/* Refuses a root that is not what is wanted. */
static int check_root(struct qn_builder *b, int root, enum qn_program_want want)
{
	const size_t at = strspn(b->text, " \t\r\n");

	if (root < 0)
		return root;
	if (want == QN_WANT_CONDITION)
		return qn_build_condition(b, root, at);
	if (b->node[root].op == QN_OP_QUOTED || (b->node[root].type == QUERN_TEXT && want))
		return qn_build_number(b, root, at);
	return root;
}

/* What stands between the && at the root, in their order, each once. Each && is taken apart
   once: room for two for each node is enough. */
static int walk_conjuncts(struct qn_program *p, int *todo, bool *seen)
{
	int n = 0;

	todo[n++] = p->root;
	while (n > 0) {
		const int i = todo[--n];
		const struct qn_node *node = &p->node[i];

		if (seen[i])
			continue;
		seen[i] = true;
		if (node->op == QN_OP_AND) {
			todo[n++] = node->arg[1];
			todo[n++] = node->arg[0];
		} else {
			p->conjunct[p->nconjuncts++].node = i;
		}
	}
	return p->nconjuncts;
}

static enum quern_status split(struct qn_program *p, struct quern_message *err)
{
	int *todo = qn_calloc(2 * p->nnodes + 1, sizeof(*todo)), n;
	bool *seen = qn_calloc(p->nnodes, sizeof(*seen)), ok;

	p->conjunct = qn_calloc(p->nnodes, sizeof(*p->conjunct));
	ok = todo && seen && p->conjunct;
	n = ok ? walk_conjuncts(p, todo, seen) : 0;
	for (int i = 0; i < n && ok; i++)
		ok = qn_node_uses(p, p->conjunct[i].node, p->conjunct[i].uses);
	free(todo);
	free(seen);
	return ok ? QUERN_OK
		  : qn_error_nomem(err, p->nnodes * sizeof(*p->conjunct), "an expression");
}

static enum quern_status finish(struct qn_program *p, struct quern_message *err)
{
	enum quern_status st = split(p, err);

	return st ? st : qn_emit(p, err);
}

/* What is left of the builder is freed. */
static void take_nodes(struct qn_program *p, struct qn_builder *b)
{
	p->node = b->node;
	p->nnodes = b->nnodes;
	p->part = b->part;
	p->nparts = b->nparts;
	b->node = NULL;
	b->part = NULL;
	qn_builder_fini(b);
}

enum quern_status qn_program_compile(const char *what, const char *text,
				     const struct qn_program_names *names,
				     enum qn_program_want want, bool nan_missing,
				     struct qn_program **out, struct quern_message *err)
{
	struct quern_message why = { .status = QUERN_OK };
	struct qn_builder b = { .what = what, .text = text, .names = names, .err = &why };
	struct qn_program *p = qn_calloc(1, sizeof(*p));

	b.nan_missing = nan_missing;
	if (!p)
		return qn_error_nomem(err, sizeof(*p), "an expression");
	p->want = want;
	p->nan_missing = nan_missing;
	p->root = check_root(&b, qn_parse(&b), want);
	p->text = p->root < 0 ? NULL : qn_lex_canonical(&b);
	if (p->root >= 0 && !p->text)
		qn_error_nomem(&why, strlen(text), "an expression");
	take_nodes(p, &b);
	if (why.status || finish(p, &why)) {
		qn_program_free(p);
		return qn_error_pass(err, why.status, &why);
	}
	*out = p;
	return QUERN_OK;
}

static bool copy_nodes(const struct qn_program *p, struct qn_program *q)
{
	q->nnodes = p->nnodes;
	q->nparts = p->nparts;
	q->text = qn_strdup(p->text);
	q->node = qn_calloc(p->nnodes, sizeof(*q->node));
	q->part = qn_calloc(p->nparts, sizeof(*q->part));
	if (!q->text || !q->node || !q->part)
		return false;
	memcpy(q->node, p->node, p->nnodes * sizeof(*q->node));
	if (p->nparts)
		memcpy(q->part, p->part, p->nparts * sizeof(*q->part));
	return true;
}

enum quern_status qn_program_conjunct(const struct qn_program *p, int i, struct qn_program **out,
				      struct quern_message *err)
{
	struct quern_message why = { .status = QUERN_OK };
	struct qn_program *q = qn_calloc(1, sizeof(*q));

	if (!q)
		return qn_error_nomem(err, sizeof(*q), "an expression");
	q->want = p->want;
	q->nan_missing = p->nan_missing;
	q->root = p->conjunct[i].node;
	if (!copy_nodes(p, q))
		qn_error_nomem(&why, p->nnodes * sizeof(*q->node), "an expression");
	if (why.status || finish(q, &why)) {
		qn_program_free(q);
		return qn_error_pass(err, why.status, &why);
	}
	*out = q;
	return QUERN_OK;
}

enum quern_dtype qn_program_dtype(const struct qn_program *p)
{
	return qn_program_is_condition(p) ? QUERN_U8 : p->node[p->root].type;
}

bool qn_program_is_condition(const struct qn_program *p)
{
	return p->node[p->root].type == QN_BITS;
}

static bool has(const uint64_t *uses, int operand)
{
	return uses[operand / 64] >> operand % 64 & 1;
}

bool qn_program_uses(const struct qn_program *p, int operand)
{
	return has(p->uses, operand);
}

const char *qn_program_text(const struct qn_program *p)
{
	return p->text;
}

int qn_program_nconjuncts(const struct qn_program *p)
{
	return p->nconjuncts;
}

bool qn_program_conjunct_uses(const struct qn_program *p, int i, int operand)
{
	return has(p->conjunct[i].uses, operand);
}
