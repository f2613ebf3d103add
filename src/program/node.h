/*
 * node.h - what an expression is between its text and its instructions: nodes, each of which is
 * computed of nodes before it. Equal ones are one.
 *
 * parse.c reads the text and asks build.c and functions.c for nodes, which checks and converts
 * types, and computes what is constant; emit.c makes instructions of the nodes that a root needs.
 */
#ifndef QN_PROGRAM_NODE_H
#define QN_PROGRAM_NODE_H

#include "program/program.h"
#include "select/parts.h"

/* Types of nodes: those of columns, and these. */
#define QN_BITS	  ((enum quern_dtype)(QUERN_TEXT + 1)) /* conditions */
#define QN_NTYPES (QUERN_TEXT + 2)

enum qn_operation {
	QN_OP_CONST,
	QN_OP_COLUMN,
	QN_OP_QUOTED, /* a text in quotes */
	QN_OP_CONVERT,
	QN_OP_ADD,
	QN_OP_SUB,
	QN_OP_MUL,
	QN_OP_DIV,
	QN_OP_FLOORDIV,
	QN_OP_MOD,
	QN_OP_FMOD,
	QN_OP_MIN,
	QN_OP_MAX,
	QN_OP_POW,
	QN_OP_ATAN2,
	QN_OP_HYPOT,
	QN_OP_LT,
	QN_OP_LE,
	QN_OP_EQ,
	QN_OP_NE,
	QN_OP_NEG,
	QN_OP_ABS,
	QN_OP_SIGN,
	QN_OP_FLOOR,
	QN_OP_CEIL,
	QN_OP_ROUND,
	QN_OP_TRUNC,
	QN_OP_SQRT,
	QN_OP_CBRT,
	QN_OP_EXP,
	QN_OP_LOG,
	QN_OP_LOG10,
	QN_OP_LOG2,
	QN_OP_SIN,
	QN_OP_COS,
	QN_OP_TAN,
	QN_OP_ASIN,
	QN_OP_ACOS,
	QN_OP_ATAN,
	QN_OP_SINH,
	QN_OP_COSH,
	QN_OP_TANH,
	QN_OP_RADIANS,
	QN_OP_DEGREES,
	QN_OP_ORDERED, /* is no NaN */
	QN_OP_MISSING,
	QN_OP_PART, /* month(time) */
	QN_OP_NOT,
	QN_OP_AND,
	QN_OP_OR,
	QN_OP_WHERE,
	QN_NOPERATIONS
};

#define QN_MOST_ARGS 3

union qn_number {
	int64_t i;
	uint64_t u;
	float f;
	double d;
	bool truth;
};

struct qn_node {
	enum qn_operation op;
	enum quern_dtype type;
	int nargs, arg[QN_MOST_ARGS]; /* numbers of nodes, all lower than its own */
	union qn_number value;	      /* of QN_OP_CONST, by its type; of QN_OP_PART its number: u */
	bool weak;		      /* of QN_OP_CONST: takes the type that it meets */
	bool missing;		      /* of QN_OP_CONST */
	int operand;		      /* of QN_OP_COLUMN */
};

/* Units of a column, of which dates and parts of dates are told. */
struct qn_column_units {
	int node;
	char *units, *calendar; /* owned; "" if there are none */
};

/* A part of the times of a column, which is a node. */
struct qn_column_part {
	int node;
	struct qn_time_part part;
};

/* What is being built of a text. A function that returns a node's number returns -1 when it has
   recorded an error. */
struct qn_builder {
	const char *what, *text;
	const struct qn_program_names *names;
	bool nan_missing;
	struct quern_message *err;
	struct qn_node *node; /* owned, as all lists */
	size_t nnodes, node_room;
	struct qn_column_units *units;
	size_t nunits, units_room;
	struct qn_column_part *part;
	size_t nparts, part_room;
	/* Where in the text errors of the operator or function at hand, and of its arguments,
	   are. */
	size_t at, arg_at[QN_MOST_ARGS];
};

void qn_builder_fini(struct qn_builder *b);

/* Records that the text is wrong at `at`; returns -1. */
int qn_build_error(struct qn_builder *b, size_t at, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

int qn_build_const(struct qn_builder *b, enum quern_dtype type, union qn_number value, bool weak);
int qn_build_integer(struct qn_builder *b, uint64_t value);
int qn_build_double(struct qn_builder *b, double value);
int qn_build_truth(struct qn_builder *b, bool value);
/* Of a text in quotes: its place in the text. */
int qn_build_quoted(struct qn_builder *b, size_t at, size_t nbytes);
int qn_build_column(struct qn_builder *b, const struct qn_program_operand *operand);

/* Its units, if the node is a column; else NULL. */
const struct qn_column_units *qn_build_units(const struct qn_builder *b, int node);

/* Is the node of one of these? */
bool qn_is_integer(enum quern_dtype t); /* or a condition, as a number */
bool qn_is_real(enum quern_dtype t);

/* The node as one of another type: QUERN_I64, QUERN_U64, QUERN_F32 or QUERN_F64. */
int qn_build_as(struct qn_builder *b, int x, enum quern_dtype type);
/* As a number to compute with: integers and conditions become integers of 64 bits. A text is
   refused. */
int qn_build_number(struct qn_builder *b, int x, size_t at);
/* As floating point: integers become float64. */
int qn_build_real(struct qn_builder *b, int x, size_t at);
/* As it is, if it is a condition; else refuses it with a hint. */
int qn_build_condition(struct qn_builder *b, int x, size_t at);

/* Operations on numbers, at b->at, of arguments at b->arg_at. */
int qn_build_unary(struct qn_builder *b, enum qn_operation op, int x);
int qn_build_binary(struct qn_builder *b, enum qn_operation op, int x, int y);
/* QN_OP_LT, QN_OP_LE, QN_OP_EQ, QN_OP_NE. */
int qn_build_compare(struct qn_builder *b, enum qn_operation op, int x, int y);
/* where(c, x, y): both are conditions, or numbers in the type that they have in common. */
int qn_build_where(struct qn_builder *b, int c, int x, int y);
/* A part of times, by its number. */
int qn_build_part_node(struct qn_builder *b, int part, int time);
/* Of nodes of the types that the operation takes. */
int qn_build_node(struct qn_builder *b, enum qn_operation op, enum quern_dtype type, int nargs,
		  const int *arg);

/* "float32", "a condition": for messages. */
const char *qn_type_words(enum quern_dtype t);

/* Does a NaN among its arguments not show in the result? Then it must be looked for where it is
   missing. */
bool qn_operation_hides_nan(enum qn_operation op);

/* --- functions.c --- */

/* A call of a function; name and positions are of the text. */
int qn_build_call(struct qn_builder *b, const char *name, size_t name_at, int nargs, const int *arg,
		  const size_t *arg_at);
#define QN_MOST_CALL_ARGS 64
bool qn_function_exists(const char *name);
/* Says so, with the nearest name; returns -1. */
int qn_function_unknown(struct qn_builder *b, const char *name, size_t at);

/* --- dates.c --- */

/* month(x) and the like, for any name of qn_part_find. x_at: where x is in the text. */
int qn_build_part(struct qn_builder *b, const char *name, int x, size_t x_at);

/* x OP y of which one is a text in quotes, and the other a time, or the season
   of one. */
int qn_build_compare_date(struct qn_builder *b, enum qn_operation op, int x, int y);

/* --- parse.c --- */

/* The root of the text of a builder, which is otherwise empty. */
int qn_parse(struct qn_builder *b);

#endif
