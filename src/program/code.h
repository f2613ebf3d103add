/*
 * code.h - a program as it is run. emit.c makes the instructions of the nodes that the root needs;
 * run.c runs them for a block of elements at a time:
 *
 *	columns, constants -> instruction -> registers -> instruction -> ... -> result
 *
 * A register has the values of a block, or the bits of a condition, and which of them are valid.
 * Registers are used again as soon as nobody needs what they hold; nodes are taken in the order
 * that leaves most of them free.
 */
#ifndef QN_PROGRAM_CODE_H
#define QN_PROGRAM_CODE_H

#include "program/loops.h"

enum qn_source_kind { QN_SOURCE_REGISTER, QN_SOURCE_COLUMN, QN_SOURCE_CONST };

/* Where an instruction has an argument from: a register, or a node. */
struct qn_source {
	enum qn_source_kind kind;
	int index;
	enum quern_dtype type;
};

struct qn_instruction {
	enum qn_operation op;
	enum quern_dtype type; /* of the result */
	qn_loop_fn *loop;      /* NULL: of conditions alone */
	int nargs;
	struct qn_source arg[QN_MOST_ARGS];
	const struct qn_time_part *part;
	bool orders; /* a NaN among the arguments is missing, and the result does not show it */
	int to;	     /* a register; -1: the result */
};

struct qn_conjunct {
	int node;
	uint64_t uses[QN_PROGRAM_MOST_OPERANDS / 64]; /* bits of operands */
};

struct qn_program {
	enum qn_program_want want;
	bool nan_missing;
	char *text;	      /* owned, as all lists */
	struct qn_node *node; /* what was built: also of what is not needed */
	size_t nnodes;
	struct qn_column_part *part;
	size_t nparts;
	int root;
	struct qn_conjunct *conjunct;
	int nconjuncts;
	struct qn_instruction *instruction;
	size_t ninstructions, nregisters;
	uint64_t uses[QN_PROGRAM_MOST_OPERANDS / 64];
	qn_loop_fn *ordered[2]; /* of float32, of float64 */
	qn_bits_count_fn *count;
};

/* Fills in the instructions, the number of registers and what is used. */
enum quern_status qn_emit(struct qn_program *p, struct quern_message *err);

/* The operands that a node needs: sets their bits. False: there is no memory. */
bool qn_node_uses(const struct qn_program *p, int node, uint64_t *uses);

#endif
