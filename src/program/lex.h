/*
 * lex.h - the words of an expression.
 */
#ifndef QN_PROGRAM_LEX_H
#define QN_PROGRAM_LEX_H

#include "program/node.h"

enum qn_token_kind {
	QN_TOKEN_END,
	QN_TOKEN_INTEGER,
	QN_TOKEN_REAL,
	QN_TOKEN_NAME,	      /* x, a.b, /obs/t */
	QN_TOKEN_QUOTED_NAME, /* in backquotes: at and nbytes are of what is inside */
	QN_TOKEN_TEXT,	      /* in quotes: the same */
	QN_TOKEN_MARK,	      /* ( ) , and operators */
};

struct qn_token {
	enum qn_token_kind kind;
	size_t at, nbytes; /* in the text */
	const char *mark;  /* QN_TOKEN_MARK: "&&" of `and` too */
	uint64_t integer;
	double real;
};

/* Takes the first token from *at on, which moves behind it. `before`: the token before it, or
   NULL. False: an error is recorded. */
bool qn_lex(struct qn_builder *b, size_t *at, const struct qn_token *before, struct qn_token *out);

bool qn_token_is(const struct qn_token *t, const char *mark);
/* Does a value end with it, so that an operator comes next? */
bool qn_token_ends_value(const struct qn_token *t);

/* The text of an expression that has been parsed, with blanks as usual; owned. NULL: there is no
   memory. */
char *qn_lex_canonical(struct qn_builder *b);

#endif
