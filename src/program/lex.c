#include "program/lex.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/text.h"

/* Longer ones first. Those that have another meaning elsewhere, or none, come with what is
   meant. */
static const struct {
	const char *mark, *meant;
} marks[] = {
	{ "===", "==" }, { "!==", "!=" }, { "**", NULL }, { "//", NULL }, { "&&", NULL },
	{ "||", NULL },	 { "==", NULL },  { "!=", NULL }, { "<=", NULL }, { ">=", NULL },
	{ "=<", "<=" },	 { "=>", ">=" },  { "<>", "!=" }, { "(", NULL },  { ")", NULL },
	{ ",", NULL },	 { "+", NULL },	  { "-", NULL },  { "*", NULL },  { "/", NULL },
	{ "%", NULL },	 { "<", NULL },	  { ">", NULL },  { "!", NULL },  { "&", "&&" },
	{ "|", "||" },	 { "=", "==" },	  { "^", "**" },  { "~", "!" },	  { "?", "where(c, x, y)" },
};

static const struct {
	const char *word, *mark;
} words[] = { { "and", "&&" }, { "or", "||" }, { "not", "not" } };

bool qn_token_is(const struct qn_token *t, const char *mark)
{
	return t->kind == QN_TOKEN_MARK && !strcmp(t->mark, mark);
}

bool qn_token_ends_value(const struct qn_token *t)
{
	return t && (t->kind != QN_TOKEN_MARK || qn_token_is(t, ")"));
}

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

static bool begins_name(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' ||
	       (unsigned char)c >= 0x80;
}

static bool is_in_name(char c)
{
	return begins_name(c) || is_digit(c) || c == '.';
}

static size_t digits(const char *p)
{
	return strspn(p, "0123456789");
}

/* Bytes of a number: "12", "1.5e-3", ".5". */
static size_t number_nbytes(const char *p, bool *is_real)
{
	size_t n = digits(p), e;

	*is_real = p[n] == '.';
	if (p[n] == '.')
		n += 1 + digits(p + n + 1);
	if (p[n] == 'e' || p[n] == 'E') {
		e = n + 1 + (p[n + 1] == '+' || p[n + 1] == '-');
		if (digits(p + e)) {
			*is_real = true;
			n = e + digits(p + e);
		}
	}
	return n;
}

/* Bytes of what looks like a date, "2001-12" or "2001-12-31"; 0: it does not. */
static size_t date_nbytes(const char *p)
{
	size_t n = 7;

	if (digits(p) != 4 || p[4] != '-' || digits(p + 5) != 2)
		return 0;
	if (p[n] == '-' && digits(p + n + 1) == 2)
		n += 3;
	return p[n] == '.' ? 0 : n;
}

/* Years less months and days are numbers, too, and never meant. */
static bool refuse_date(struct qn_builder *b, const struct qn_token *t)
{
	const char *p = b->text + t->at;
	const int n = (int)date_nbytes(p);

	if (n)
		qn_build_error(b, t->at,
			       "%.*s is a difference of numbers: a date stands in quotes, '%.*s', "
			       "and a difference has blanks around its -",
			       n, p, n, p);
	return n > 0;
}

static bool take_number(struct qn_builder *b, struct qn_token *t)
{
	const char *p = b->text + t->at;
	bool is_real;

	if (refuse_date(b, t))
		return false;
	t->nbytes = number_nbytes(p, &is_real);
	if (is_in_name(p[t->nbytes])) {
		qn_build_error(
			b, t->at + t->nbytes,
			"a number ends before '%.1s'; a name that begins with a digit, or has a "
			"character like -, stands in backquotes (`)",
			(unsigned char)p[t->nbytes] < 0x80 ? p + t->nbytes : "...");
		return false;
	}
	t->kind = is_real ? QN_TOKEN_REAL : QN_TOKEN_INTEGER;
	errno = 0;
	if (is_real)
		t->real = strtod(p, NULL);
	else
		t->integer = strtoull(p, NULL, 10);
	if (errno == ERANGE && (!is_real || t->real > 1)) {
		qn_build_error(b, t->at,
			       is_real ? "this number is too large for float64"
				       : "this number is beyond 64 bits; with an exponent "
					 "(1e20) it is one of float64");
		return false;
	}
	return true;
}

static bool take_quoted(struct qn_builder *b, struct qn_token *t, enum qn_token_kind kind)
{
	const char *p = b->text + t->at, *end = strchr(p + 1, *p);

	if (!end || end == p + 1) {
		qn_build_error(b, t->at,
			       end ? "there is nothing in the quotes" : "these quotes do not end");
		return false;
	}
	t->kind = kind;
	t->at++;
	t->nbytes = (size_t)(end - p) - 1;
	return true;
}

/* and, or and not are marks. */
static void take_name(struct qn_builder *b, struct qn_token *t)
{
	const char *p = b->text + t->at;
	const bool is_path = *p == '/';

	t->kind = QN_TOKEN_NAME;
	while (is_in_name(p[t->nbytes]) || (is_path && p[t->nbytes] == '/'))
		t->nbytes++;
	for (size_t i = 0; i < sizeof(words) / sizeof(*words); i++)
		if (strlen(words[i].word) == t->nbytes && !memcmp(p, words[i].word, t->nbytes)) {
			t->kind = QN_TOKEN_MARK;
			t->mark = words[i].mark;
		}
}

static bool take_mark(struct qn_builder *b, struct qn_token *t)
{
	const char *p = b->text + t->at, *end = p + strlen(p);
	char one[QN_PLAIN_NBYTES];

	for (size_t i = 0; i < sizeof(marks) / sizeof(*marks); i++) {
		if (strncmp(p, marks[i].mark, strlen(marks[i].mark)) != 0)
			continue;
		t->kind = QN_TOKEN_MARK;
		t->mark = marks[i].mark;
		t->nbytes = strlen(t->mark);
		if (marks[i].meant)
			qn_build_error(b, t->at, "'%s' is written %s here", t->mark,
				       marks[i].meant);
		return !marks[i].meant;
	}
	if (*p == '@') {
		qn_build_error(b, t->at,
			       "a dataset of another file is given a name by -d NAME=PATH@FILE, "
			       "and NAME stands here");
		return false;
	}
	qn_text_next(&p, end, one);
	qn_build_error(b, t->at, "'%s' has no meaning here", one);
	return false;
}

bool qn_lex(struct qn_builder *b, size_t *at, const struct qn_token *before, struct qn_token *out)
{
	const char *p;
	bool ok = true;

	*at += strspn(b->text + *at, " \t\r\n");
	p = b->text + *at;
	*out = (struct qn_token){ .at = *at };
	if (*p == '\0')
		return true;
	if (is_digit(*p) || (*p == '.' && is_digit(p[1])))
		ok = take_number(b, out);
	else if (*p == '\'' || *p == '"')
		ok = take_quoted(b, out, QN_TOKEN_TEXT);
	else if (*p == '`')
		ok = take_quoted(b, out, QN_TOKEN_QUOTED_NAME);
	else if (begins_name(*p) || (*p == '/' && is_in_name(p[1]) && !qn_token_ends_value(before)))
		take_name(b, out);
	else
		ok = take_mark(b, out);
	*at = out->at + out->nbytes +
	      (out->kind == QN_TOKEN_QUOTED_NAME || out->kind == QN_TOKEN_TEXT);
	return ok;
}

/* --- the canonical text --- */

/* The blank, if any, between two tokens. `is_sign`: the first one is an operator before its
   value. */
static const char *between(const struct qn_token *first, bool is_sign,
			   const struct qn_token *second)
{
	if (qn_token_is(first, "not"))
		return " ";
	if (is_sign || qn_token_is(first, "(") || qn_token_is(second, ")") ||
	    qn_token_is(second, ",") || qn_token_is(first, "**") || qn_token_is(second, "**"))
		return "";
	if (qn_token_is(second, "("))
		return first->kind == QN_TOKEN_MARK ? " " : "";
	return " ";
}

static void print_token(FILE *f, const struct qn_builder *b, const struct qn_token *t)
{
	const char *quote = t->kind == QN_TOKEN_TEXT	      ? "'"
			    : t->kind == QN_TOKEN_QUOTED_NAME ? "`"
							      : "";

	if (t->kind == QN_TOKEN_MARK)
		fputs(t->mark, f);
	else
		fprintf(f, "%s%.*s%s", quote, (int)t->nbytes, b->text + t->at, quote);
}

static bool is_sign(const struct qn_token *t, const struct qn_token *before)
{
	return qn_token_is(t, "!") ||
	       ((qn_token_is(t, "-") || qn_token_is(t, "+")) && !qn_token_ends_value(before));
}

char *qn_lex_canonical(struct qn_builder *b)
{
	struct qn_token last = { .kind = QN_TOKEN_END }, t;
	bool has_last = false, sign = false;
	char *text = NULL;
	size_t nbytes, at = 0;
	FILE *f = qn_open_memstream(&text, &nbytes);

	while (f && qn_lex(b, &at, has_last ? &last : NULL, &t) && t.kind != QN_TOKEN_END) {
		if (has_last)
			fputs(between(&last, sign, &t), f);
		sign = is_sign(&t, has_last ? &last : NULL);
		print_token(f, b, &t);
		last = t;
		has_last = true;
	}
	if (!f || !fclose(f))
		return text;
	free(text);
	return NULL;
}
