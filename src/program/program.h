/*
 * program.h - expressions over columns: "x > 273.15 && y < 5", "sqrt(u * u + v * v)".
 *
 * A text is parsed, resolved and checked once (qn_program_compile) to a list of instructions, each
 * a loop over a block of values in L1 cache, which any number of threads then run on tiles
 * (qn_program_run). Every instruction rounds once; nothing is fused, reordered or left out, and all
 * instruction sets give the same bits. The functions of the C library (exp, sin, **, ...) are
 * called in double, and may differ in the last bit between machines whose C libraries choose other
 * code for them (glibc: processors with and without FMA).
 *
 * Types. A column of any integers is computed in int64, of uint64 in uint64; a difference of
 * uint64, and uint64 with int64, is int64. What is beyond 64 bits, and an integer to a negative
 * power, is missing and is counted. float32 with float32, int8, int16, uint8 or uint16 is float32,
 * and with any other type float64; what has been computed of integers is an integer of 64 bits.
 * Numbers in the text, and what is computed of these alone, take the type that they meet; one that
 * is too large for it is an error. `/` is a true division; x / 0 is an infinity, 0 / 0 is missing;
 * `//` and `%` floor, and are missing by 0, as fmod is. Functions of reals give float64 of
 * integers; abs, sign, floor, ceil, trunc, round (half to even), min, max, clip leave integers
 * integers. A condition as a number is 0 or 1, of uint8 where it is the result; a number is no
 * condition.
 *
 * Missing. What is computed of something missing is missing, but for `false && missing`, `true ||
 * missing`, where(c, a, b), which is missing where c or what is chosen is, and missing(x). With
 * nan_missing a NaN is missing wherever it comes from; isnan(x) and isfinite(x) still look at it.
 * Otherwise it is a value as in IEEE 754, which min, max and sign hand on.
 *
 * Times are columns with units "days since ..." and the like, named as they are. year month day
 * hour minute dayofyear dayofweek season seasonyear week date yearmonth of one are integers (select/parts.h).
 * A date in quotes ('2001', '2001-12', '2001-12-31', '2001-12-31T06:00') stands for all of its
 * period: t < and t >= go by its start, t <=, t >, == and != by both ends. season(t) == 'DJF'.
 *
 * Names are of letters, digits, _ and . and begin with a letter or _; bytes beyond ASCII are
 * letters. A path begins with / where a value is expected, and goes on up to a blank or another
 * character that is in no name: `/obs/t / 2`. Any other name stands in backquotes: `t-2m`. Texts in
 * single or double quotes are dates. nan, inf, pi, true and false are what they say, unless
 * something else has that name.
 */
#ifndef QN_PROGRAM_PROGRAM_H
#define QN_PROGRAM_PROGRAM_H

#include "base/error.h"

/* More is refused. */
#define QN_PROGRAM_MOST_NBYTES	 (16u << 10) /* of text */
#define QN_PROGRAM_MOST_DEPTH	 100	     /* of brackets and signs */
#define QN_PROGRAM_MOST_NODES	 4000
#define QN_PROGRAM_MOST_OPERANDS 256

enum qn_program_want {
	QN_WANT_ANY,
	QN_WANT_CONDITION, /* a number is refused */
	QN_WANT_NUMBER,	   /* takes a condition as 0 and 1 */
};

/* What a name stands for. */
enum qn_program_kind {
	QN_NAME_COLUMN, /* x: a dataset or a coordinate */
	QN_NAME_INDEX,	/* index(x): the indexes along a dimension */
};

struct qn_program_operand {
	int number; /* of its column, below QN_PROGRAM_MOST_OPERANDS; < 0: the name is not known */
	enum quern_dtype dtype;
	/* Borrowed until the program is compiled; NULL or "": none. */
	const char *units, *calendar;
};

struct qn_program_names {
	void *ctx;
	/* Fills in *out, which comes with number -1. A failure other than an unknown name is
	   recorded in err; the place in the expression is then shown with it. */
	enum quern_status (*resolve)(void *ctx, enum qn_program_kind kind, const char *name,
				     struct qn_program_operand *out, struct quern_message *err);
	/* Name i, to be suggested for an unknown one; NULL after the last. */
	const char *(*nth)(const void *ctx, int i);
	/* What an unknown name is elsewhere, for a message that says that nothing is named so. NULL, or it is
	   NULL: nothing. */
	const char *(*elsewhere)(void *ctx, const char *name);
};

/* What a program gave for a tile. Borrows from the scratch, and from the columns where the
   program is but a name. */
struct qn_program_result {
	struct quern_var var; /* of a condition: 0 and 1, none if a condition was wanted */
	const uint64_t
		*holds; /* of a condition: bit i % 64 of word i / 64 is set where it is true and not
				  missing; the bits past n are clear. NULL: it is a number. */
	size_t nholds;	/* number of set bits */
	const uint64_t *beyond; /* which elements are missing because a result was beyond 64 bits */
	uint64_t nbeyond;	/* how many */
};

struct qn_program;

/* `what` begins a message: "--where". QUERN_ERR_USAGE: the text is wrong. */
enum quern_status qn_program_compile(const char *what, const char *text,
				     const struct qn_program_names *names,
				     enum qn_program_want want, bool nan_missing,
				     struct qn_program **out, struct quern_message *err);
void qn_program_free(struct qn_program *p);

/* Of the result: that of the column of a plain name, QUERN_I64, QUERN_U64, QUERN_F32 or
   QUERN_F64, QUERN_U8 of a condition. */
enum quern_dtype qn_program_dtype(const struct qn_program *p);
bool qn_program_is_condition(const struct qn_program *p);
bool qn_program_uses(const struct qn_program *p, int operand);
/* The expression with blanks as usual, and with && and || for `and` and `or`, for documents. */
const char *qn_program_text(const struct qn_program *p);

/*
 * A condition holds where all of its conjuncts do: what stands between its outermost &&, one if
 * there is none. Each can be had as a program of its own, to learn what it says of coordinates
 * alone.
 */
int qn_program_nconjuncts(const struct qn_program *p);
bool qn_program_conjunct_uses(const struct qn_program *p, int i, int operand);
enum quern_status qn_program_conjunct(const struct qn_program *p, int i, struct qn_program **out,
				      struct quern_message *err);

/* 64-byte aligned, one for each thread; contents undefined. */
size_t qn_program_scratch_nbytes(const struct qn_program *p);

/* Computes n <= QUERN_TILE_NELEMS elements. columns[number]: the operands that are used, of n
   elements each. */
void qn_program_run(const struct qn_program *p, const struct quern_var *columns, size_t n,
		    void *scratch, struct qn_program_result *out);

#endif
