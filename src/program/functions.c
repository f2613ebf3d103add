/*
 * functions.c - the functions of expressions, one a row.
 */
#include <stdio.h>
#include <string.h>

#include "base/options.h"
#include "program/node.h"

struct call {
	const struct function *function;
	int nargs;
	const int *arg;
	const size_t *arg_at;
};

struct function {
	const char *name, *form;
	int least, most; /* arguments */
	int (*build)(struct qn_builder *b, const struct call *call);
	enum qn_operation op;
};

static void point_at(struct qn_builder *b, const struct call *call, int first, int second)
{
	b->arg_at[0] = call->arg_at[first];
	b->arg_at[1] = call->arg_at[second];
}

static int unary(struct qn_builder *b, const struct call *call)
{
	point_at(b, call, 0, 0);
	return qn_build_unary(b, call->function->op, call->arg[0]);
}

static int binary(struct qn_builder *b, const struct call *call)
{
	point_at(b, call, 0, 1);
	return qn_build_binary(b, call->function->op, call->arg[0], call->arg[1]);
}

/* Of as many as there are. */
static int chain(struct qn_builder *b, const struct call *call)
{
	int x = call->arg[0];

	for (int i = 1; i < call->nargs && x >= 0; i++) {
		point_at(b, call, 0, i);
		x = qn_build_binary(b, call->function->op, x, call->arg[i]);
	}
	return x;
}

static int clip(struct qn_builder *b, const struct call *call)
{
	int x;

	point_at(b, call, 0, 1);
	x = qn_build_binary(b, QN_OP_MAX, call->arg[0], call->arg[1]);
	point_at(b, call, 0, 2);
	return qn_build_binary(b, QN_OP_MIN, x, call->arg[2]);
}

static int where(struct qn_builder *b, const struct call *call)
{
	point_at(b, call, 1, 2);
	return qn_build_where(b, qn_build_condition(b, call->arg[0], call->arg_at[0]), call->arg[1],
			      call->arg[2]);
}

static int missing(struct qn_builder *b, const struct call *call)
{
	int x = call->arg[0];

	if (b->node[x].type != QN_BITS)
		x = qn_build_number(b, x, call->arg_at[0]);
	return qn_build_node(b, QN_OP_MISSING, QN_BITS, 1, &x);
}

/* Is it no NaN? An integer never is one: its loop compares it with itself. */
static int ordered(struct qn_builder *b, int x, size_t at)
{
	x = qn_build_number(b, x, at);
	if (x < 0)
		return x;
	return qn_is_real(b->node[x].type)
		       ? qn_build_node(b, QN_OP_ORDERED, QN_BITS, 1, &x)
		       : qn_build_node(b, QN_OP_EQ, QN_BITS, 2, (const int[]){ x, x });
}

static int is_nan(struct qn_builder *b, const struct call *call)
{
	const int x = ordered(b, call->arg[0], call->arg_at[0]);

	return qn_build_node(b, QN_OP_NOT, QN_BITS, 1, &x);
}

/* What is taken from itself leaves 0, or NaN of infinities. */
static int is_finite(struct qn_builder *b, const struct call *call)
{
	int x = qn_build_number(b, call->arg[0], call->arg_at[0]);

	if (x >= 0 && qn_is_real(b->node[x].type))
		x = qn_build_node(b, QN_OP_SUB, b->node[x].type, 2, (const int[]){ x, x });
	return ordered(b, x, call->arg_at[0]);
}

static int time_part(struct qn_builder *b, const struct call *call)
{
	return qn_build_part(b, call->function->name, call->arg[0], call->arg_at[0]);
}

static const struct function functions[] = {
	{ "abs", "abs(x)", 1, 1, unary, QN_OP_ABS },
	{ "sqrt", "sqrt(x)", 1, 1, unary, QN_OP_SQRT },
	{ "cbrt", "cbrt(x)", 1, 1, unary, QN_OP_CBRT },
	{ "exp", "exp(x)", 1, 1, unary, QN_OP_EXP },
	{ "log", "log(x)", 1, 1, unary, QN_OP_LOG },
	{ "log10", "log10(x)", 1, 1, unary, QN_OP_LOG10 },
	{ "log2", "log2(x)", 1, 1, unary, QN_OP_LOG2 },
	{ "sin", "sin(x)", 1, 1, unary, QN_OP_SIN },
	{ "cos", "cos(x)", 1, 1, unary, QN_OP_COS },
	{ "tan", "tan(x)", 1, 1, unary, QN_OP_TAN },
	{ "asin", "asin(x)", 1, 1, unary, QN_OP_ASIN },
	{ "acos", "acos(x)", 1, 1, unary, QN_OP_ACOS },
	{ "atan", "atan(x)", 1, 1, unary, QN_OP_ATAN },
	{ "atan2", "atan2(y, x)", 2, 2, binary, QN_OP_ATAN2 },
	{ "sinh", "sinh(x)", 1, 1, unary, QN_OP_SINH },
	{ "cosh", "cosh(x)", 1, 1, unary, QN_OP_COSH },
	{ "tanh", "tanh(x)", 1, 1, unary, QN_OP_TANH },
	{ "radians", "radians(x)", 1, 1, unary, QN_OP_RADIANS },
	{ "degrees", "degrees(x)", 1, 1, unary, QN_OP_DEGREES },
	{ "floor", "floor(x)", 1, 1, unary, QN_OP_FLOOR },
	{ "ceil", "ceil(x)", 1, 1, unary, QN_OP_CEIL },
	{ "round", "round(x)", 1, 1, unary, QN_OP_ROUND },
	{ "trunc", "trunc(x)", 1, 1, unary, QN_OP_TRUNC },
	{ "sign", "sign(x)", 1, 1, unary, QN_OP_SIGN },
	{ "min", "min(x, y, ...)", 2, QN_MOST_CALL_ARGS, chain, QN_OP_MIN },
	{ "max", "max(x, y, ...)", 2, QN_MOST_CALL_ARGS, chain, QN_OP_MAX },
	{ "hypot", "hypot(x, y)", 2, 2, binary, QN_OP_HYPOT },
	{ "fmod", "fmod(x, y)", 2, 2, binary, QN_OP_FMOD },
	{ "where", "where(condition, x, y)", 3, 3, where, QN_OP_WHERE },
	{ "missing", "missing(x)", 1, 1, missing, QN_OP_MISSING },
	{ "isfinite", "isfinite(x)", 1, 1, is_finite, QN_OP_ORDERED },
	{ "isnan", "isnan(x)", 1, 1, is_nan, QN_OP_ORDERED },
	{ "clip", "clip(x, low, high)", 3, 3, clip, QN_OP_MIN },
	{ "year", "year(time)", 1, 1, time_part, QN_OP_PART },
	{ "month", "month(time)", 1, 1, time_part, QN_OP_PART },
	{ "day", "day(time)", 1, 1, time_part, QN_OP_PART },
	{ "hour", "hour(time)", 1, 1, time_part, QN_OP_PART },
	{ "minute", "minute(time)", 1, 1, time_part, QN_OP_PART },
	{ "dayofyear", "dayofyear(time)", 1, 1, time_part, QN_OP_PART },
	{ "dayofweek", "dayofweek(time)", 1, 1, time_part, QN_OP_PART },
	{ "weekday", "weekday(time)", 1, 1, time_part, QN_OP_PART },
	{ "season", "season(time)", 1, 1, time_part, QN_OP_PART },
	{ "seasonyear", "seasonyear(time)", 1, 1, time_part, QN_OP_PART },
	{ "week", "week(time)", 1, 1, time_part, QN_OP_PART },
	{ "date", "date(time)", 1, 1, time_part, QN_OP_PART },
	{ "yearmonth", "yearmonth(time)", 1, 1, time_part, QN_OP_PART },
};

#define NFUNCTIONS (int)(sizeof(functions) / sizeof(*functions))

static const struct function *find(const char *name)
{
	for (int i = 0; i < NFUNCTIONS; i++)
		if (!strcmp(functions[i].name, name))
			return &functions[i];
	return NULL;
}

bool qn_function_exists(const char *name)
{
	return find(name) != NULL;
}

static const char *nth(const void *ctx, int i)
{
	(void)ctx;
	return i < NFUNCTIONS ? functions[i].name : i == NFUNCTIONS ? "index" : NULL;
}

int qn_build_call(struct qn_builder *b, const char *name, size_t name_at, int nargs, const int *arg,
		  const size_t *arg_at)
{
	const struct function *f = find(name);
	const struct call call = { f, nargs, arg, arg_at };

	b->at = name_at;
	if (nargs < f->least || nargs > f->most)
		return qn_build_error(b, name_at, "%s takes %s%d value%s, and has %d: %s", name,
				      f->most > f->least ? "at least " : "", f->least,
				      f->least == 1 ? "" : "s", nargs, f->form);
	return f->build(b, &call);
}

int qn_function_unknown(struct qn_builder *b, const char *name, size_t at)
{
	const char *near = qn_nearest(name, nth, NULL);

	return qn_build_error(b, at, "there is no function %s%s%s%s", name,
			      near ? "; did you mean " : "", near ? near : "", near ? "?" : "");
}
