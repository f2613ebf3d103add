/*
 * parse.c - the text of --by, taken apart: keys between commas, each a name, a part of a time or bins.
 */
#include "keys/parse.h"

#include <ctype.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/text.h"
#include "base/options.h"

#define MOST_DIGITS 18 /* of an edge of bins: they are counted in int64 */

/* The key at hand: all of [at, end) is taken, or is wrong. */
struct parser {
	const char *by, *start, *at, *end;
	struct qn_key_spec *spec;
	struct quern_message *err;
};

enum quern_status qn_key_wrong(struct quern_message *err, const char *by, size_t at,
			       const char *format, ...)
{
	char *why = NULL;
	enum quern_status st;
	va_list ap;

	va_start(ap, format);
	if (qn_vasprintf(&why, format, ap) < 0)
		why = NULL;
	va_end(ap);
	if (!why)
		return qn_error_nomem(err, 0, "an error");
	st = by ? qn_error_point(err, QUERN_ERR_USAGE, by, at, "--by: %s", why)
		: qn_error_set(err, QUERN_ERR_USAGE, "%s", why);
	free(why);
	return st;
}

#define WRONG(p, where, ...) \
	qn_key_wrong((p)->err, (p)->by, (size_t)((where) - (p)->by), __VA_ARGS__)

static enum quern_status no_memory(const struct parser *p)
{
	return qn_error_nomem(p->err, (size_t)(p->end - p->by), "a key");
}

/* --- letters --- */

/* Of a name: letters, digits, underscores and what is not ASCII. */
static bool is_of_name(char c)
{
	return isalnum((unsigned char)c) || c == '_' || (unsigned char)c >= 0x80;
}

static void skip_blanks(struct parser *p)
{
	while (p->at < p->end && isspace((unsigned char)*p->at))
		p->at++;
}

static bool take(struct parser *p, char c)
{
	skip_blanks(p);
	if (p->at == p->end || *p->at != c)
		return false;
	p->at++;
	return true;
}

/* A name from the place at hand on; its length, 0: there is none. */
static size_t name_length(const struct parser *p)
{
	const char *s = p->at;

	if (s < p->end && isdigit((unsigned char)*s))
		return 0;
	while (s < p->end && is_of_name(*s))
		s++;
	return (size_t)(s - p->at);
}

/* Digits with nothing of a name behind them but an exponent: 10, 1e3, and not 2t. */
static bool is_number(const char *s, const char *end)
{
	const char *start = s;

	while (s < end && isdigit((unsigned char)*s))
		s++;
	return s > start &&
	       (s == end || !is_of_name(*s) ||
		((*s == 'e' || *s == 'E') && (s + 1 == end || !isalpha((unsigned char)s[1]))));
}

/* What divides, as in t/10 or t//10, and is not part of a path. */
static bool divides(const char *s, const char *end)
{
	return *s == '/' && s + 1 < end && (s[1] == '/' || is_number(s + 1, end));
}

/* NAME, A/B or /A/B: its length. */
static size_t path_length(const struct parser *p)
{
	const bool is_relative = p->at < p->end && *p->at != '/';
	const char *s = p->at;

	while (s < p->end && (is_of_name(*s) || *s == '/') && !(is_relative && divides(s, p->end)))
		s++;
	return isdigit((unsigned char)*p->at) || (s > p->at && s[-1] == '/') ? 0
									     : (size_t)(s - p->at);
}

static enum quern_status need(struct parser *p, char c, const char *what)
{
	if (take(p, c))
		return QUERN_OK;
	return WRONG(p, p->at, "%c is missing here: %s", c, what);
}

/* --- names --- */

/* NAME= before the expression. A == is no such sign. */
static enum quern_status take_key_name(struct parser *p)
{
	const char *start = p->at;
	const size_t n = name_length(p);

	p->at += n;
	skip_blanks(p);
	if (n && p->at < p->end && *p->at == '=' && (p->at + 1 == p->end || p->at[1] != '=')) {
		p->at++;
		p->spec->name = qn_strndup(start, n);
		return p->spec->name ? QUERN_OK : no_memory(p);
	}
	p->at = start;
	return QUERN_OK;
}

static const char hint[] =
	"a key is a name, NAME=PATH@FILE, a part of a time as month(time) or window(time, '6h'), "
	"bin(x, 0:100:20), or an expression with a name of its own, NAME=x > 3";

static enum quern_status take_source(struct parser *p)
{
	size_t n;

	skip_blanks(p);
	n = p->at < p->end ? path_length(p) : 0;
	if (!n)
		return WRONG(p, p->at, "a name is missing here: %s", hint);
	p->spec->at = (size_t)(p->at - p->by);
	p->spec->source = qn_strndup(p->at, n);
	p->at += n;
	return p->spec->source ? QUERN_OK : no_memory(p);
}

/* PATH@FILE, of any characters; either may be in quotes. */
static enum quern_status take_file(struct parser *p, const char *sign)
{
	const char *from = sign + 1, *to = p->end;

	while (from < to && isspace((unsigned char)*from))
		from++;
	while (to > from && isspace((unsigned char)to[-1]))
		to--;
	if (to - from > 1 && (*from == '"' || *from == '\'') && to[-1] == *from) {
		from++;
		to--;
	}
	if (sign == p->at || from == to)
		return WRONG(p, sign, "a dataset of another file is written NAME=PATH@FILE");
	p->spec->at = (size_t)(p->at - p->by);
	p->spec->source = qn_strndup(p->at, (size_t)(sign - p->at));
	p->spec->file = qn_strndup(from, (size_t)(to - from));
	p->at = p->end;
	return p->spec->source && p->spec->file ? QUERN_OK : no_memory(p);
}

/* --- edges --- */

/* A number as it is written: digits * 10^-places. */
struct decimal {
	int64_t digits;
	int places;
};

/* Brings a number to more places. False: too many digits. */
static bool refine(struct decimal *d, int places)
{
	for (; d->places < places; d->places++)
		if (__builtin_mul_overflow(d->digits, 10, &d->digits))
			return false;
	return true;
}

static enum quern_status take_decimal(struct parser *p, struct decimal *out)
{
	const char *start;
	bool negative;
	int n = 0, exponent = 0, used = 0;

	*out = (struct decimal){ 0, 0 };
	skip_blanks(p);
	start = p->at;
	negative = p->at < p->end && *p->at == '-';
	p->at += p->at < p->end && (*p->at == '-' || *p->at == '+');
	for (bool point = false; p->at < p->end; p->at++) {
		if (*p->at == '.' && !point) {
			point = true;
			continue;
		}
		if (!isdigit((unsigned char)*p->at))
			break;
		if (++n > MOST_DIGITS)
			return WRONG(p, start, "a number of more than %d digits", MOST_DIGITS);
		out->digits = 10 * out->digits + (*p->at - '0');
		out->places += point;
	}
	if (!n)
		return WRONG(p, start, "a number is missing here");
	if (p->at < p->end && (*p->at == 'e' || *p->at == 'E') &&
	    sscanf(p->at + 1, "%5d%n", &exponent, &used) == 1)
		p->at += 1 + used;
	if (negative)
		out->digits = -out->digits;
	out->places -= exponent;
	if (out->places > 300 || out->places < -300)
		return WRONG(p, start, "a number that is too large or too small");
	return QUERN_OK;
}

/* The nearest double: the C library rounds what is written correctly. */
static double double_of(int64_t digits, int places)
{
	char text[64];

	snprintf(text, sizeof(text), "%llde%d", (long long)digits, -places);
	return strtod(text, NULL);
}

static enum quern_status add_edge(struct parser *p, const char *where, double edge)
{
	struct qn_key_spec *s = p->spec;

	if (s->nedges && !(edge > s->edges[s->nedges - 1]))
		return WRONG(p, where, "edges of bins must rise");
	if (s->nedges > QN_MOST_BINS)
		return WRONG(p, where, "more than %d bins", QN_MOST_BINS);
	if (!qn_grow_by_one(&s->edges, s->nedges, sizeof(*s->edges)))
		return no_memory(p);
	s->edges[s->nedges++] = edge;
	return QUERN_OK;
}

/* start + i * step, as the decimal numbers that they are, and then stop. */
static enum quern_status add_steps(struct parser *p, const char *where, struct decimal d[3])
{
	int places = 0;
	int64_t at;
	enum quern_status st = QUERN_OK;

	for (int k = 0; k < 3; k++)
		places = d[k].places > places ? d[k].places : places;
	for (int k = 0; k < 3; k++)
		if (!refine(&d[k], places))
			return WRONG(p, where, "numbers of very different sizes: list the edges");
	if (d[2].digits <= 0 || d[1].digits <= d[0].digits)
		return WRONG(p, where, "bins go upwards: START is below STOP, and STEP is above 0");
	for (at = d[0].digits; !st && at < d[1].digits;) {
		st = add_edge(p, where, double_of(at, places));
		if (__builtin_add_overflow(at, d[2].digits, &at))
			break;
	}
	return st ? st : add_edge(p, where, double_of(d[1].digits, places));
}

static enum quern_status take_range(struct parser *p)
{
	struct decimal d[3];
	const char *where;
	enum quern_status st = QUERN_OK;

	skip_blanks(p);
	where = p->at;
	for (int k = 0; !st && k < 3; k++) {
		st = take_decimal(p, &d[k]);
		if (!st && k < 2)
			st = need(p, ':', "bins are START:STOP:STEP or [EDGE, EDGE, ...]");
	}
	return st ? st : add_steps(p, where, d);
}

static enum quern_status take_list(struct parser *p)
{
	enum quern_status st = QUERN_OK;

	do {
		struct decimal d;
		const char *where;

		skip_blanks(p);
		where = p->at;
		st = take_decimal(p, &d);
		if (!st)
			st = add_edge(p, where, double_of(d.digits, d.places));
	} while (!st && take(p, ','));
	if (!st && p->spec->nedges < 2)
		return WRONG(p, p->at, "bins have two edges at the least");
	return st ? st : need(p, ']', "it ends the list of edges");
}

/* --- calls --- */

static enum quern_status take_bins(struct parser *p)
{
	enum quern_status st = need(p, ',', "bin(x, START:STOP:STEP) or bin(x, [EDGE, EDGE, ...])");

	p->spec->form = QN_FORM_BINS;
	if (st)
		return st;
	return take(p, '[') ? take_list(p) : take_range(p);
}

static enum quern_status take_window(struct parser *p)
{
	static const char form[] = "a window is written window(time, '6h')";
	const char *start, *why;
	char text[64];
	char quote;
	enum quern_status st = need(p, ',', form);

	if (st)
		return st;
	skip_blanks(p);
	start = p->at;
	quote = p->at < p->end ? *p->at : '\0';
	if (quote != '\'' && quote != '"')
		return WRONG(p, start, "a length in quotes is missing here: %s", form);
	for (p->at++; p->at < p->end && *p->at != quote; p->at++)
		;
	if (p->at == p->end)
		return WRONG(p, start, "a quotation mark without its other one");
	snprintf(text, sizeof(text), "%.*s", (int)(p->at - start - 1), start + 1);
	p->at++;
	why = qn_duration_parse(text, &p->spec->window_ns);
	return why ? WRONG(p, start, "'%s' %s", text, why) : QUERN_OK;
}

static const char *function_name(const void *ctx, int i)
{
	(void)ctx;
	if (i == QN_NPART_KINDS)
		return "bin";
	return i < QN_NPART_KINDS ? qn_part_name((enum qn_part_kind)i) : NULL;
}

static enum quern_status no_function(const struct parser *p, const char *start, size_t n)
{
	char *name = qn_strndup(start, n);
	const char *near = name ? qn_nearest(name, function_name, NULL) : NULL;
	enum quern_status st =
		near ? WRONG(p, start, "no function '%s' makes groups; did you mean %s()?", name,
			     near)
		     : WRONG(p, start, "no function '%.*s' makes groups: %s", (int)n, start, hint);

	free(name);
	return st;
}

/* The comma that ends the first argument of a call; NULL: there is none. */
static const char *end_of_argument(const struct parser *p)
{
	int depth = 0;

	for (const char *s = p->at; s < p->end && depth >= 0; s++) {
		if (!depth && *s == ',')
			return s;
		depth += (*s == '(' || *s == '[') - (*s == ')' || *s == ']');
	}
	return NULL;
}

static enum quern_status take_expr(struct parser *p, const char *end)
{
	p->spec->at = (size_t)(p->at - p->by);
	while (end > p->at && isspace((unsigned char)end[-1]))
		end--;
	p->spec->expr = qn_strndup(p->at, (size_t)(end - p->at));
	p->at = end;
	return p->spec->expr ? QUERN_OK : no_memory(p);
}

/* What is put into bins: a name, or an expression. */
static enum quern_status take_binned(struct parser *p)
{
	const char *end = end_of_argument(p), *start;

	skip_blanks(p);
	start = p->at;
	p->at += path_length(p);
	skip_blanks(p);
	if (!end || p->at == end) {
		p->at = start;
		return take_source(p);
	}
	p->at = start;
	if (start == end)
		return WRONG(p, start, "a name is missing here: %s", hint);
	if (!p->spec->name)
		return WRONG(p, start, "bins of an expression have a name: NAME=%.*s",
			     (int)(p->end - p->start), p->start);
	return take_expr(p, end);
}

/* FUNCTION(SOURCE ...): the name is n bytes from `start` on. */
static enum quern_status take_call(struct parser *p, const char *start, size_t n)
{
	struct qn_key_spec *s = p->spec;
	const bool bins = n == 3 && !strncmp(start, "bin", 3);
	enum quern_status st;

	if (!bins && !qn_part_find(start, n, &s->part))
		return no_function(p, start, n);
	s->form = QN_FORM_PART;
	st = bins ? take_binned(p) : take_source(p);
	if (!st && bins)
		st = take_bins(p);
	else if (!st && s->part == QN_PART_WINDOW)
		st = take_window(p);
	if (!st)
		st = need(p, ')', "it ends the call");
	return st;
}

/* --- keys --- */

static enum quern_status take_expression(struct parser *p)
{
	const char *start = p->at, *sign = memchr(p->at, '@', (size_t)(p->end - p->at));
	const size_t n = name_length(p);
	enum quern_status st;

	if (sign && !memchr(p->at, '(', (size_t)(sign - p->at)))
		return take_file(p, sign);
	p->at += n;
	if (n && take(p, '('))
		return take_call(p, start, n);
	p->at = start;
	st = take_source(p);
	skip_blanks(p);
	return st;
}

static bool begins(const struct parser *p, const char *word)
{
	const size_t n = strlen(word);

	return (size_t)(p->end - p->start) > n && !strncmp(p->start, word, n);
}

/* Is all of it a call? */
static bool is_call(const struct parser *p)
{
	const char *s = p->start;
	int depth = 0;

	while (s < p->end && is_of_name(*s))
		s++;
	if (s == p->start || s == p->end || *s != '(')
		return false;
	for (depth = 0; s < p->end; s++) {
		depth += (*s == '(') - (*s == ')');
		if (!depth)
			return s + 1 == p->end;
	}
	return false;
}

/* May what is no other key be an expression? One that is called something, or a call. */
static bool may_be_expression(const struct parser *p)
{
	return (p->spec->name || is_call(p)) && !begins(p, "bin(") && !begins(p, "window(") &&
	       !memchr(p->start, '@', (size_t)(p->end - p->start));
}

static void forget(struct qn_key_spec *s)
{
	free(s->source);
	free(s->file);
	free(s->edges);
	*s = (struct qn_key_spec){ .name = s->name, .text = s->text };
}

/* All of the key, as anything else that it can be, or as an expression. */
static enum quern_status take_any(struct parser *p)
{
	struct quern_message why = { .status = QUERN_OK }, *err = p->err;
	enum quern_status st;

	p->err = &why;
	st = take_expression(p);
	skip_blanks(p);
	if (!st && p->at < p->end)
		st = WRONG(p, p->at, "this is not understood: %s", hint);
	p->err = err;
	if (st != QUERN_ERR_USAGE || !may_be_expression(p))
		return st ? qn_error_pass(err, st, &why) : QUERN_OK;
	forget(p->spec);
	p->at = p->start;
	return take_expr(p, p->end);
}

static enum quern_status name_key(struct parser *p)
{
	struct qn_key_spec *s = p->spec;

	if (s->name)
		return QUERN_OK;
	if (s->expr) {
		s->name = qn_strndup(s->expr, strcspn(s->expr, "("));
		return s->name ? QUERN_OK : no_memory(p);
	}
	if (s->form == QN_FORM_PART)
		s->name = qn_strdup(qn_part_name(s->part));
	else if (s->form == QN_FORM_VALUES)
		s->name = qn_strdup(qn_text_last(s->source));
	else if (qn_asprintf(&s->name, "%s_bin", qn_text_last(s->source)) < 0)
		s->name = NULL;
	return s->name ? QUERN_OK : no_memory(p);
}

static enum quern_status take_key(struct parser *p)
{
	enum quern_status st;

	skip_blanks(p);
	if (p->at == p->end)
		return WRONG(p, p->at, "a key is missing here: %s", hint);
	st = take_key_name(p);
	skip_blanks(p);
	p->start = p->at;
	if (!st && p->start == p->end)
		return WRONG(p, p->start, "an expression is missing here: %s", hint);
	if (!st)
		st = take_any(p);
	if (!st) {
		p->spec->text = qn_strndup(p->start, (size_t)(p->end - p->start));
		st = p->spec->text ? name_key(p) : no_memory(p);
	}
	return st;
}

/* The comma after a key, or the end of the text: those in brackets and quotes are of the key. */
static const char *end_of_key(const char *s)
{
	int depth = 0;
	char quote = '\0';

	for (; *s && (quote || depth > 0 || *s != ','); s++) {
		if (quote)
			quote = *s == quote ? '\0' : quote;
		else if (*s == '\'' || *s == '"')
			quote = *s;
		else
			depth += (*s == '(' || *s == '[') - (*s == ')' || *s == ']');
	}
	return s;
}

/* Of two keys of a name the second one. */
static enum quern_status check_names(const struct parser *p, const struct qn_key_specs *specs)
{
	const struct qn_key_spec *last = &specs->spec[specs->n - 1];

	for (int i = 0; i < specs->n - 1; i++)
		if (!strcmp(specs->spec[i].name, last->name))
			return WRONG(p, p->by + last->at,
				     "two keys are called '%s': name one of them, NAME=%s",
				     last->name, last->text);
	return QUERN_OK;
}

enum quern_status qn_key_specs_parse(const char *by, int most, struct qn_key_specs *out,
				     struct quern_message *err)
{
	struct parser p = { .by = by, .at = by, .err = err };
	enum quern_status st = QUERN_OK;

	out->n = 0;
	out->spec = qn_calloc((size_t)most, sizeof(*out->spec));
	if (!out->spec)
		return qn_error_nomem(err, (size_t)most * sizeof(*out->spec), "keys");
	for (const char *comma = ","; !st && *comma; p.at = comma + 1) {
		comma = p.end = end_of_key(p.at);
		while (p.end > p.at && isspace((unsigned char)p.end[-1]))
			p.end--;
		if (out->n == most)
			return WRONG(&p, p.at, "more than %d keys", most);
		p.spec = &out->spec[out->n++];
		p.spec->option = "--by";
		st = take_key(&p);
		if (!st)
			st = check_names(&p, out);
	}
	return st;
}

void qn_key_specs_fini(struct qn_key_specs *s)
{
	for (int i = 0; i < s->n; i++) {
		free(s->spec[i].name);
		free(s->spec[i].text);
		free(s->spec[i].edges);
		free(s->spec[i].source);
		free(s->spec[i].expr);
		free(s->spec[i].file);
	}
	free(s->spec);
	*s = (struct qn_key_specs){ .n = 0 };
}
