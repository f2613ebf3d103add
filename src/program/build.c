/*
 * build.c - nodes with their types: what goes together, what is converted, and what is constant.
 */
#include <inttypes.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/real.h"
#include "kernel/tile.h"
#include "program/loops.h"

void qn_builder_fini(struct qn_builder *b)
{
	for (size_t i = 0; i < b->nunits; i++) {
		free(b->units[i].units);
		free(b->units[i].calendar);
	}
	free(b->units);
	free(b->part);
	free(b->node);
	b->units = NULL;
	b->part = NULL;
	b->node = NULL;
}

int qn_build_error(struct qn_builder *b, size_t at, const char *format, ...)
{
	char *message = NULL;
	va_list ap;

	va_start(ap, format);
	if (qn_vasprintf(&message, format, ap) < 0)
		message = NULL;
	va_end(ap);
	qn_error_point(b->err, QUERN_ERR_USAGE, b->text, at, "%s: %s", b->what,
		       message ? message : "wrong expression");
	free(message);
	return -1;
}

static int nomem(struct qn_builder *b, size_t nbytes)
{
	qn_error_nomem(b->err, nbytes, "an expression");
	return -1;
}

/* --- types --- */

bool qn_is_integer(enum quern_dtype t)
{
	return t < QUERN_F32 || t == QN_BITS;
}

bool qn_is_real(enum quern_dtype t)
{
	return t == QUERN_F32 || t == QUERN_F64;
}

/* Integers all of whose values are float32, as far as numpy is concerned. */
static bool is_narrow(enum quern_dtype t)
{
	return t <= QUERN_U16 || t == QN_BITS;
}

static enum quern_dtype widened(enum quern_dtype t)
{
	return qn_is_real(t) || t == QUERN_U64 ? t : QUERN_I64;
}

/* What two numbers have in common, of which one is real. */
static enum quern_dtype common_real(enum quern_dtype x, enum quern_dtype y)
{
	const bool is_single = (x == QUERN_F32 || is_narrow(x)) && (y == QUERN_F32 || is_narrow(y));

	return is_single ? QUERN_F32 : QUERN_F64;
}

const char *qn_type_words(enum quern_dtype t)
{
	static const char *const words[QN_NTYPES] = {
		[QUERN_I8] = "int8",	 [QUERN_U8] = "uint8",	  [QUERN_I16] = "int16",
		[QUERN_U16] = "uint16",	 [QUERN_I32] = "int32",	  [QUERN_U32] = "uint32",
		[QUERN_I64] = "int64",	 [QUERN_U64] = "uint64",  [QUERN_F32] = "float32",
		[QUERN_F64] = "float64", [QUERN_TEXT] = "a text", [QN_BITS] = "a condition",
	};

	return words[t];
}

bool qn_operation_hides_nan(enum qn_operation op)
{
	return op == QN_OP_POW || op == QN_OP_HYPOT || (op >= QN_OP_LT && op <= QN_OP_NE);
}

/* --- nodes --- */

static bool are_equal(const struct qn_node *x, const struct qn_node *y)
{
	return x->op == y->op && x->type == y->type && x->nargs == y->nargs &&
	       !memcmp(x->arg, y->arg, sizeof(x->arg)) && x->value.u == y->value.u &&
	       x->weak == y->weak && x->missing == y->missing && x->operand == y->operand;
}

/* A node that is there already, or else a new one. */
static int add(struct qn_builder *b, const struct qn_node *node)
{
	for (size_t i = 0; i < b->nnodes; i++)
		if (are_equal(&b->node[i], node))
			return (int)i;
	if (b->nnodes == QN_PROGRAM_MOST_NODES)
		return qn_build_error(b, b->at, "the expression is too long: more than %d values",
				      QN_PROGRAM_MOST_NODES);
	if (!qn_grow(&b->node, &b->node_room, b->nnodes + 1, sizeof(*b->node)))
		return nomem(b, sizeof(*node));
	b->node[b->nnodes] = *node;
	return (int)b->nnodes++;
}

int qn_build_const(struct qn_builder *b, enum quern_dtype type, union qn_number value, bool weak)
{
	const struct qn_node node = {
		.op = QN_OP_CONST, .type = type, .value = value, .weak = weak
	};

	return add(b, &node);
}

int qn_build_integer(struct qn_builder *b, uint64_t value)
{
	return qn_build_const(b, value > INT64_MAX ? QUERN_U64 : QUERN_I64,
			      (union qn_number){ .u = value }, true);
}

int qn_build_double(struct qn_builder *b, double value)
{
	return qn_build_const(b, QUERN_F64, (union qn_number){ .d = value }, true);
}

int qn_build_truth(struct qn_builder *b, bool value)
{
	return qn_build_const(b, QN_BITS, (union qn_number){ .u = value }, false);
}

int qn_build_quoted(struct qn_builder *b, size_t at, size_t nbytes)
{
	const struct qn_node node = {
		.op = QN_OP_QUOTED, .type = QUERN_TEXT, .value = { .u = at }, .operand = (int)nbytes
	};

	return add(b, &node);
}

const struct qn_column_units *qn_build_units(const struct qn_builder *b, int node)
{
	for (size_t i = 0; i < b->nunits; i++)
		if (b->units[i].node == node)
			return &b->units[i];
	return NULL;
}

/* Keeps the units of a column for what asks for them. */
static int keep_units(struct qn_builder *b, int node, const struct qn_program_operand *o)
{
	struct qn_column_units *u;

	if (qn_build_units(b, node))
		return node;
	if (!qn_grow(&b->units, &b->units_room, b->nunits + 1, sizeof(*u)))
		return nomem(b, sizeof(*u));
	u = &b->units[b->nunits];
	u->node = node;
	u->units = qn_strdup(o->units ? o->units : "");
	u->calendar = qn_strdup(o->calendar ? o->calendar : "");
	b->nunits++;
	return u->units && u->calendar ? node : nomem(b, sizeof(*u));
}

int qn_build_column(struct qn_builder *b, const struct qn_program_operand *operand)
{
	const struct qn_node node = { .op = QN_OP_COLUMN,
				      .type = operand->dtype,
				      .operand = operand->number };
	const int i = add(b, &node);

	return i < 0 ? i : keep_units(b, i, operand);
}

/* --- constants --- */

static bool is_nan(const struct qn_node *x)
{
	return (x->type == QUERN_F32 && isnan(x->value.f)) ||
	       (x->type == QUERN_F64 && isnan(x->value.d));
}

/* The loop gives the value; whether it is missing is known. */
static void evaluate(struct qn_builder *b, qn_loop_fn *fn, struct qn_node *node, bool *is_beyond)
{
	uint64_t lost = 0, beyond = 0;
	union qn_number in[QN_MOST_ARGS] = { { 0 } }, out = { 0 };
	struct qn_loop_call call = { .out = &out, .n = 1, .lost = &lost, .beyond = &beyond };
	bool missing = false;

	for (int i = 0; i < node->nargs; i++) {
		const struct qn_node *x = &b->node[node->arg[i]];

		in[i] = x->value;
		call.arg[i] = &in[i];
		missing |= x->missing ||
			   (b->nan_missing && qn_operation_hides_nan(node->op) && is_nan(x));
		node->weak |= x->weak;
	}
	fn(&call);
	*is_beyond = !missing && beyond & 1;
	node->missing = missing || lost & 1;
	node->value = node->missing ? (union qn_number){ .u = 0 } : out;
	if (node->type == QN_BITS)
		node->value.u &= 1;
	node->op = QN_OP_CONST;
	node->nargs = 0;
	memset(node->arg, 0, sizeof(node->arg));
}

static bool is_constant(const struct qn_builder *b, const struct qn_node *node)
{
	for (int i = 0; i < node->nargs; i++)
		if (b->node[node->arg[i]].op != QN_OP_CONST)
			return false;
	return node->nargs > 0;
}

int qn_build_node(struct qn_builder *b, enum qn_operation op, enum quern_dtype type, int nargs,
		  const int *arg)
{
	struct qn_node node = { .op = op, .type = type, .nargs = nargs };
	qn_loop_fn *fn = NULL;
	bool is_beyond = false;

	for (int i = 0; i < nargs; i++) {
		if (arg[i] < 0)
			return -1;
		node.arg[i] = arg[i];
	}
	if (is_constant(b, &node) && op != QN_OP_WHERE)
		fn = qn_loop_find(op, b->node[arg[0]].type, b->node[arg[nargs - 1]].type, type);
	if (fn)
		evaluate(b, fn, &node, &is_beyond);
	if (is_beyond)
		return qn_build_error(b, b->at,
				      "the result is no integer of 64 bits; with a decimal point "
				      "(2.0) it is computed in float64");
	return add(b, &node);
}

int qn_build_part_node(struct qn_builder *b, int part, int time)
{
	const struct qn_node node = { .op = QN_OP_PART,
				      .type = QUERN_I64,
				      .nargs = 1,
				      .arg = { time },
				      .value = { .u = (uint64_t)part } };

	return add(b, &node);
}

/* A number of the text in the type that it meets; type is a real one. */
static int adopt(struct qn_builder *b, int x, enum quern_dtype type, size_t at)
{
	const struct qn_node node = b->node[x];
	const double v = node.type == QUERN_F64	  ? node.value.d
			 : node.type == QUERN_U64 ? (double)node.value.u
						  : (double)node.value.i;
	char text[QN_REAL_NBYTES];

	if (type == QUERN_F64)
		return qn_build_const(b, type, (union qn_number){ .d = v }, false);
	if (isfinite(v) && !isfinite((float)v)) {
		qn_real_print(v, text);
		return qn_build_error(b, at, "%s is too large for float32, which it meets here",
				      text);
	}
	return qn_build_const(b, type, (union qn_number){ .f = (float)v }, false);
}

/* --- conversions --- */

int qn_build_as(struct qn_builder *b, int x, enum quern_dtype type)
{
	if (x < 0 || b->node[x].type == type)
		return x;
	return qn_build_node(b, QN_OP_CONVERT, type, 1, &x);
}

static bool is_text(struct qn_builder *b, int x, size_t at)
{
	if (b->node[x].type != QUERN_TEXT)
		return false;
	qn_build_error(
		b, at,
		b->node[x].op == QN_OP_QUOTED
			? "a text in quotes is a date, to be compared with a time; names with other "
			  "characters stand in backquotes (`)"
			: "this is a dataset of texts, which are not computed with");
	return true;
}

int qn_build_number(struct qn_builder *b, int x, size_t at)
{
	if (x < 0 || is_text(b, x, at))
		return -1;
	return qn_build_as(b, x, widened(b->node[x].type));
}

int qn_build_real(struct qn_builder *b, int x, size_t at)
{
	if (x < 0 || is_text(b, x, at))
		return -1;
	if (b->node[x].weak && b->node[x].type != QUERN_F64) {
		const int v = adopt(b, x, QUERN_F64, at);

		return v < 0 ? v : qn_build_double(b, b->node[v].value.d);
	}
	return qn_build_as(b, x, qn_is_real(b->node[x].type) ? b->node[x].type : QUERN_F64);
}

int qn_build_condition(struct qn_builder *b, int x, size_t at)
{
	if (x < 0 || is_text(b, x, at))
		return -1;
	if (b->node[x].type == QN_BITS)
		return x;
	return qn_build_error(
		b, at, "a condition is wanted and this is a number, %s; compare it, as in x != 0",
		qn_type_words(b->node[x].type));
}

/* One of two numbers in the type `type`, which they have in common. */
static int met(struct qn_builder *b, int x, enum quern_dtype type, size_t at)
{
	return b->node[x].weak ? adopt(b, x, type, at) : qn_build_as(b, x, type);
}

/* The type of a literal counts where it is real and the other is not. */
static enum quern_dtype meeting(const struct qn_node *x, const struct qn_node *y)
{
	if (x->weak != y->weak) {
		const struct qn_node *literal = x->weak ? x : y, *other = x->weak ? y : x;

		return qn_is_real(other->type) ? other->type : literal->type;
	}
	return common_real(x->type, y->type);
}

/* Two reals of one type, of numbers of which one is real. */
static bool make_reals(struct qn_builder *b, int *x, int *y)
{
	const struct qn_node node_x = b->node[*x], node_y = b->node[*y];
	const enum quern_dtype type = meeting(&node_x, &node_y);

	if (node_x.weak && node_y.weak) {
		*x = qn_build_real(b, *x, b->arg_at[0]);
		*y = *x < 0 ? -1 : qn_build_real(b, *y, b->arg_at[1]);
	} else {
		*x = met(b, *x, type, b->arg_at[0]);
		*y = *x < 0 ? -1 : met(b, *y, type, b->arg_at[1]);
	}
	return *x >= 0 && *y >= 0;
}

/* A literal that is no less than 0 is of uint64 where the other is. */
static int match_sign(struct qn_builder *b, int x, int other)
{
	const struct qn_node node = b->node[x];

	if (node.weak && node.type == QUERN_I64 && b->node[other].type == QUERN_U64 &&
	    node.value.i >= 0)
		return qn_build_const(b, QUERN_U64, node.value, true);
	return x;
}

/* Two integers of 64 bits, signed or not. */
static bool make_integers(struct qn_builder *b, int *x, int *y)
{
	*x = qn_build_as(b, *x, widened(b->node[*x].type));
	*y = *x < 0 ? -1 : qn_build_as(b, *y, widened(b->node[*y].type));
	if (*x < 0 || *y < 0)
		return false;
	*x = match_sign(b, *x, *y);
	*y = *x < 0 ? -1 : match_sign(b, *y, *x);
	return *x >= 0 && *y >= 0;
}

/* Two numbers that there is a loop for. */
static bool make_numbers(struct qn_builder *b, int *x, int *y)
{
	if (*x < 0 || *y < 0 || is_text(b, *x, b->arg_at[0]) || is_text(b, *y, b->arg_at[1]))
		return false;
	if (qn_is_integer(b->node[*x].type) && qn_is_integer(b->node[*y].type))
		return make_integers(b, x, y);
	return make_reals(b, x, y);
}

/* --- operations --- */

static enum quern_dtype integer_result(enum qn_operation op, enum quern_dtype x, enum quern_dtype y)
{
	return x == QUERN_U64 && y == QUERN_U64 && op != QN_OP_SUB ? QUERN_U64 : QUERN_I64;
}

/* Those that are real whatever they are of. */
static bool is_of_reals(enum qn_operation op)
{
	return op == QN_OP_DIV || op == QN_OP_ATAN2 || op == QN_OP_HYPOT ||
	       (op >= QN_OP_SQRT && op <= QN_OP_DEGREES);
}

/* To whole numbers, which integers are. */
static bool is_rounding(enum qn_operation op)
{
	return op >= QN_OP_FLOOR && op <= QN_OP_TRUNC;
}

static int negated_integer(struct qn_builder *b, int x)
{
	const struct qn_node node = b->node[x];
	const int zero = qn_build_const(b, node.type, (union qn_number){ .u = 0 }, node.weak);

	return qn_build_node(b, QN_OP_SUB, QUERN_I64, 2, (const int[]){ zero, x });
}

int qn_build_unary(struct qn_builder *b, enum qn_operation op, int x)
{
	enum quern_dtype type;

	x = is_of_reals(op) ? qn_build_real(b, x, b->arg_at[0])
			    : qn_build_number(b, x, b->arg_at[0]);
	if (x < 0)
		return x;
	type = b->node[x].type;
	if (qn_is_real(type))
		return qn_build_node(b, op, type, 1, &x);
	if (is_rounding(op) || (op == QN_OP_ABS && type == QUERN_U64))
		return x;
	if (op == QN_OP_NEG)
		return negated_integer(b, x);
	return qn_build_node(b, op, QUERN_I64, 1, &x);
}

static bool is_two(const struct qn_node *x)
{
	return x->op == QN_OP_CONST && !x->missing &&
	       ((x->type == QUERN_F32 && x->value.f == 2) ||
		(x->type == QUERN_F64 && x->value.d == 2));
}

int qn_build_binary(struct qn_builder *b, enum qn_operation op, int x, int y)
{
	enum quern_dtype type;

	if (x < 0 || y < 0)
		return -1;
	if (is_of_reals(op) && qn_is_integer(b->node[x].type) && qn_is_integer(b->node[y].type)) {
		x = qn_build_real(b, x, b->arg_at[0]);
		y = x < 0 ? -1 : qn_build_real(b, y, b->arg_at[1]);
	}
	if (!make_numbers(b, &x, &y))
		return -1;
	type = b->node[x].type;
	if (!qn_is_real(type))
		type = integer_result(op, type, b->node[y].type);
	else if (op == QN_OP_POW && is_two(&b->node[y])) /* as numpy; rounded once */
		return qn_build_node(b, QN_OP_MUL, type, 2, (const int[]){ x, x });
	return qn_build_node(b, op, type, 2, (const int[]){ x, y });
}

int qn_build_compare(struct qn_builder *b, enum qn_operation op, int x, int y)
{
	if (x < 0 || y < 0)
		return -1;
	if (!make_numbers(b, &x, &y))
		return -1;
	return qn_build_node(b, op, QN_BITS, 2, (const int[]){ x, y });
}

int qn_build_where(struct qn_builder *b, int c, int x, int y)
{
	enum quern_dtype type = QN_BITS;

	if (c < 0 || x < 0 || y < 0)
		return -1;
	if (b->node[x].type != QN_BITS || b->node[y].type != QN_BITS) {
		if (!make_numbers(b, &x, &y))
			return -1;
		type = b->node[x].type;
		if (!qn_is_real(type))
			type = integer_result(QN_OP_ADD, type, b->node[y].type);
		x = qn_build_as(b, x, type);
		y = qn_build_as(b, y, type);
	}
	return qn_build_node(b, QN_OP_WHERE, type, 3, (const int[]){ c, x, y });
}
