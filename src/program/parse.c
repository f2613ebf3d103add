/*
 * parse.c - from text to nodes, by precedence:
 *
 *	|| or	&& and	not	== != < <= > >=	+ -	* / // %	! - +	**
 *
 * as in C, but that comparisons do not chain, and that ** binds its left side more than a sign and
 * its right side less. `not` is below comparisons as in Python, where `!` is above them as in C: a
 * number has no `!`, so nobody is misled.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/options.h"
#include "program/lex.h"

enum level { LOWEST, OR, AND, NOT, COMPARE, SUM, PRODUCT };

static const struct binary {
	const char *mark;
	enum level level;
	enum qn_operation op;
	bool is_swapped; /* op takes the second first */
} binaries[] = {
	{ "||", OR, QN_OP_OR, false },
	{ "&&", AND, QN_OP_AND, false },
	{ "==", COMPARE, QN_OP_EQ, false },
	{ "!=", COMPARE, QN_OP_NE, false },
	{ "<", COMPARE, QN_OP_LT, false },
	{ "<=", COMPARE, QN_OP_LE, false },
	{ ">", COMPARE, QN_OP_LT, true },
	{ ">=", COMPARE, QN_OP_LE, true },
	{ "+", SUM, QN_OP_ADD, false },
	{ "-", SUM, QN_OP_SUB, false },
	{ "*", PRODUCT, QN_OP_MUL, false },
	{ "/", PRODUCT, QN_OP_DIV, false },
	{ "//", PRODUCT, QN_OP_FLOORDIV, false },
	{ "%", PRODUCT, QN_OP_MOD, false },
};

struct parser {
	struct qn_builder *b;
	size_t at;	       /* of what follows the token */
	struct qn_token token; /* at hand */
	int depth;
};

static int binary(struct parser *p, enum level level);

static bool next(struct parser *p)
{
	const struct qn_token before = p->token;

	return qn_lex(p->b, &p->at, &before, &p->token);
}

/* Where a token begins, its quote included. */
static size_t start_of(const struct qn_token *t)
{
	return t->at - (t->kind == QN_TOKEN_TEXT || t->kind == QN_TOKEN_QUOTED_NAME);
}

static int unexpected(struct parser *p, const char *wanted)
{
	const struct qn_token *t = &p->token;

	if (t->kind == QN_TOKEN_END)
		return qn_build_error(p->b, t->at, "%s is missing at the end", wanted);
	return qn_build_error(p->b, start_of(t), "%s is expected before '%.*s'", wanted,
			      (int)(t->nbytes < 40 ? t->nbytes : 40), p->b->text + t->at);
}

static bool expect(struct parser *p, const char *mark, const char *wanted)
{
	if (qn_token_is(&p->token, mark))
		return next(p);
	unexpected(p, wanted);
	return false;
}

/* --- names --- */

static int make_nan(struct qn_builder *b)
{
	return qn_build_double(b, NAN);
}

static int make_inf(struct qn_builder *b)
{
	return qn_build_double(b, INFINITY);
}

static int make_pi(struct qn_builder *b)
{
	return qn_build_double(b, 3.14159265358979323846);
}

static int make_true(struct qn_builder *b)
{
	return qn_build_truth(b, true);
}

static int make_false(struct qn_builder *b)
{
	return qn_build_truth(b, false);
}

static const struct {
	const char *name;
	int (*make)(struct qn_builder *b);
} constants[] = {
	{ "nan", make_nan },   { "inf", make_inf },	{ "pi", make_pi },
	{ "true", make_true }, { "false", make_false },
};

static int unknown_name(struct qn_builder *b, enum qn_program_kind kind, const char *name,
			size_t at)
{
	const char *near = qn_nearest(name, b->names->nth, b->names->ctx);
	const char *elsewhere = b->names->elsewhere ? b->names->elsewhere(b->names->ctx, name)
						    : NULL;

	if (elsewhere)
		return qn_build_error(b, at, "nothing is named '%s': %s", name, elsewhere);
	if (qn_function_exists(name))
		return qn_build_error(b, at, "%s is a function: %s(...)", name, name);
	return qn_build_error(b, at, "%s is named '%s'%s%s%s",
			      kind == QN_NAME_INDEX ? "no dimension" : "nothing", name,
			      near ? "; did you mean '" : "", near ? near : "", near ? "'?" : "");
}

/* The column of a name. A failure to have it is shown with its place. */
static int resolve(struct qn_builder *b, enum qn_program_kind kind, const char *name, size_t at)
{
	struct qn_program_operand operand = { .number = -1 };
	struct quern_message why = { .status = QUERN_OK };
	enum quern_status st = b->names->resolve(b->names->ctx, kind, name, &operand, &why);

	if (st) {
		qn_error_point(b->err, st, b->text, at, "%s: %s", b->what, why.text);
		return -1;
	}
	for (size_t i = 0; operand.number < 0 && kind == QN_NAME_COLUMN &&
			   i < sizeof(constants) / sizeof(*constants);
	     i++)
		if (!strcmp(constants[i].name, name))
			return constants[i].make(b);
	if (operand.number < 0)
		return unknown_name(b, kind, name, at);
	if (operand.number >= QN_PROGRAM_MOST_OPERANDS)
		return qn_build_error(b, at, "more than %d datasets are named",
				      QN_PROGRAM_MOST_OPERANDS);
	return qn_build_column(b, &operand);
}

/* The name that a token is; owned. NULL: there is no memory, which is recorded. */
static char *name_of(struct parser *p, const struct qn_token *t)
{
	char *name = qn_strndup(p->b->text + t->at, t->nbytes);

	if (!name)
		qn_error_nomem(p->b->err, t->nbytes, "a name");
	return name;
}

/* --- calls --- */

/* index(NAME): a dimension, which need not be a column. */
static int index_of(struct parser *p)
{
	const struct qn_token t = p->token;
	char *name;
	int x = -1;

	if (t.kind != QN_TOKEN_NAME && t.kind != QN_TOKEN_QUOTED_NAME)
		return unexpected(p, "the name of a dimension");
	if (!next(p) || !(name = name_of(p, &t)))
		return -1;
	if (expect(p, ")", "')'"))
		x = resolve(p->b, QN_NAME_INDEX, name, start_of(&t));
	free(name);
	return x;
}

/* Arguments up to the ')'; returns how many, -1 after an error. */
static int arguments(struct parser *p, int arg[QN_MOST_CALL_ARGS], size_t arg_at[QN_MOST_CALL_ARGS])
{
	int n = 0;

	if (qn_token_is(&p->token, ")"))
		return next(p) ? 0 : -1;
	for (;;) {
		if (n == QN_MOST_CALL_ARGS)
			return qn_build_error(p->b, p->token.at, "more than %d values",
					      QN_MOST_CALL_ARGS);
		arg_at[n] = start_of(&p->token);
		arg[n] = binary(p, LOWEST);
		if (arg[n++] < 0)
			return -1;
		if (qn_token_is(&p->token, ")"))
			return next(p) ? n : -1;
		if (!expect(p, ",", "',' or ')'"))
			return -1;
	}
}

static int call(struct parser *p, const char *name, size_t name_at)
{
	int arg[QN_MOST_CALL_ARGS], n;
	size_t arg_at[QN_MOST_CALL_ARGS];

	if (!strcmp(name, "index"))
		return next(p) ? index_of(p) : -1;
	if (!qn_function_exists(name))
		return qn_function_unknown(p->b, name, name_at);
	if (!next(p))
		return -1;
	n = arguments(p, arg, arg_at);
	return n < 0 ? n : qn_build_call(p->b, name, name_at, n, arg, arg_at);
}

/* --- values --- */

/* The token at hand is a name, or what follows a name is its call. */
static int named(struct parser *p)
{
	const struct qn_token t = p->token;
	char *name;
	int x;

	if (!next(p) || !(name = name_of(p, &t)))
		return -1;
	if (t.kind == QN_TOKEN_NAME && qn_token_is(&p->token, "("))
		x = call(p, name, t.at);
	else
		x = resolve(p->b, QN_NAME_COLUMN, name, start_of(&t));
	free(name);
	return x;
}

static int bracket(struct parser *p)
{
	int x;

	if (!next(p))
		return -1;
	x = binary(p, LOWEST);
	return x < 0 || !expect(p, ")", "')'") ? -1 : x;
}

static int primary(struct parser *p)
{
	const struct qn_token t = p->token;

	switch (t.kind) {
	case QN_TOKEN_NAME:
	case QN_TOKEN_QUOTED_NAME:
		return named(p);
	case QN_TOKEN_INTEGER:
		return next(p) ? qn_build_integer(p->b, t.integer) : -1;
	case QN_TOKEN_REAL:
		return next(p) ? qn_build_double(p->b, t.real) : -1;
	case QN_TOKEN_TEXT:
		return next(p) ? qn_build_quoted(p->b, t.at, t.nbytes) : -1;
	default:
		return qn_token_is(&t, "(") ? bracket(p) : unexpected(p, "a value");
	}
}

static int unary(struct parser *p);

static int power(struct parser *p)
{
	const size_t x_at = start_of(&p->token);
	int x = primary(p), y;
	struct qn_token t = p->token;
	size_t y_at;

	if (x < 0 || !qn_token_is(&t, "**"))
		return x;
	if (!next(p))
		return -1;
	y_at = start_of(&p->token);
	y = unary(p);
	p->b->at = t.at;
	p->b->arg_at[0] = x_at;
	p->b->arg_at[1] = y_at;
	return qn_build_binary(p->b, QN_OP_POW, x, y);
}

static int signed_value(struct parser *p)
{
	const struct qn_token t = p->token;
	const bool is_not = qn_token_is(&t, "!");
	size_t x_at;
	int x;

	if (!is_not && !qn_token_is(&t, "-") && !qn_token_is(&t, "+"))
		return power(p);
	if (!next(p))
		return -1;
	x_at = start_of(&p->token);
	x = unary(p);
	p->b->at = t.at;
	p->b->arg_at[0] = x_at;
	if (is_not) {
		x = qn_build_condition(p->b, x, x_at);
		return qn_build_node(p->b, QN_OP_NOT, QN_BITS, 1, &x);
	}
	return qn_token_is(&t, "-") ? qn_build_unary(p->b, QN_OP_NEG, x)
				    : qn_build_number(p->b, x, x_at);
}

static int unary(struct parser *p)
{
	int x;

	if (++p->depth > QN_PROGRAM_MOST_DEPTH)
		return qn_build_error(p->b, p->token.at,
				      "the expression is too deep: more than %d "
				      "brackets and signs in one another",
				      QN_PROGRAM_MOST_DEPTH);
	x = signed_value(p);
	p->depth--;
	return x;
}

/* --- operators --- */

static const struct binary *operator_of(const struct qn_token *t, enum level least)
{
	for (size_t i = 0; i < sizeof(binaries) / sizeof(*binaries); i++)
		if (qn_token_is(t, binaries[i].mark))
			return binaries[i].level >= least ? &binaries[i] : NULL;
	return NULL;
}

static int compare(struct qn_builder *b, enum qn_operation op, int x, int y)
{
	if (x < 0 || y < 0)
		return -1;
	if (b->node[x].op == QN_OP_QUOTED || b->node[y].op == QN_OP_QUOTED)
		return qn_build_compare_date(b, op, x, y);
	return qn_build_compare(b, op, x, y);
}

static int combine(struct qn_builder *b, const struct binary *op, int x, int y)
{
	if (op->level <= AND) {
		x = qn_build_condition(b, x, b->arg_at[0]);
		y = x < 0 ? -1 : qn_build_condition(b, y, b->arg_at[1]);
		return qn_build_node(b, op->op, QN_BITS, 2, (const int[]){ x, y });
	}
	if (op->level > COMPARE)
		return qn_build_binary(b, op->op, x, y);
	if (op->is_swapped) {
		const size_t at = b->arg_at[0];

		b->arg_at[0] = b->arg_at[1];
		b->arg_at[1] = at;
		return compare(b, op->op, y, x);
	}
	return compare(b, op->op, x, y);
}

/* not X, where operators up to `level` may take it. */
static int negated(struct parser *p, enum level level)
{
	const size_t at = p->token.at;
	size_t x_at;
	int x;

	if (level > NOT)
		return unexpected(p, "a value, or brackets around what comes here,");
	if (!next(p))
		return -1;
	x_at = start_of(&p->token);
	x = binary(p, NOT);
	p->b->at = at;
	x = qn_build_condition(p->b, x, x_at);
	return qn_build_node(p->b, QN_OP_NOT, QN_BITS, 1, &x);
}

static int first_operand(struct parser *p, enum level level)
{
	int x;

	if (!qn_token_is(&p->token, "not"))
		return unary(p);
	if (++p->depth > QN_PROGRAM_MOST_DEPTH)
		return unary(p);
	x = negated(p, level);
	p->depth--;
	return x;
}

static int binary(struct parser *p, enum level level)
{
	const size_t x_at = start_of(&p->token);
	const struct binary *op;
	bool compared = false;
	int x = first_operand(p, level), y;

	while (x >= 0 && (op = operator_of(&p->token, level))) {
		const size_t at = p->token.at;
		size_t y_at;

		if (compared && op->level == COMPARE)
			return qn_build_error(
				p->b, at,
				"comparisons do not chain: a < b < c is written a < b && "
				"b < c");
		if (!next(p))
			return -1;
		y_at = start_of(&p->token);
		y = binary(p, op->level + 1);
		p->b->at = at;
		p->b->arg_at[0] = x_at;
		p->b->arg_at[1] = y_at;
		x = y < 0 ? -1 : combine(p->b, op, x, y);
		compared = op->level == COMPARE;
	}
	return x;
}

int qn_parse(struct qn_builder *b)
{
	struct parser p = { .b = b };
	int x;

	if (strlen(b->text) > QN_PROGRAM_MOST_NBYTES)
		return qn_build_error(b, 0, "the expression is too long: more than %u bytes",
				      QN_PROGRAM_MOST_NBYTES);
	p.token = (struct qn_token){ .kind = QN_TOKEN_MARK, .mark = "(" };
	if (!next(&p))
		return -1;
	if (p.token.kind == QN_TOKEN_END)
		return qn_build_error(b, 0, "the expression is empty");
	x = binary(&p, LOWEST);
	if (x >= 0 && p.token.kind != QN_TOKEN_END)
		return unexpected(&p, "an operator or the end");
	return x;
}
