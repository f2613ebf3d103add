#include "keys/named.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

static bool is_of_name(char c)
{
	return isalnum((unsigned char)c) || c == '_' || c == '.' || (unsigned char)c >= 0x80;
}

size_t qn_named_length(const char *text)
{
	size_t n = 0, end;

	while (is_of_name(text[n]))
		n++;
	end = n + strspn(text + n, " \t");
	return n && !isdigit((unsigned char)*text) && *text != '.' && text[end] == '=' &&
			       text[end + 1] != '='
		       ? n
		       : 0;
}

/* Where an element ends: at a comma, or with the text. A quote begins only where a word does. */
static const char *end_of(const char *at)
{
	char quote = 0;

	for (char before = '='; *at && (quote || *at != ','); before = *at++) {
		if (quote)
			quote = *at == quote ? 0 : quote;
		else if ((*at == '\'' || *at == '"') && (before == '=' || before == '@') &&
			 strchr(at + 1, *at))
			quote = *at;
	}
	return at;
}

static void trim(const char **from, const char **to)
{
	while (*from < *to && isspace((unsigned char)**from))
		++*from;
	while (*to > *from && isspace((unsigned char)(*to)[-1]))
		--*to;
}

/* A text without blanks and quotes around it; owned. NULL: there is no memory. */
static char *take(const char *from, const char *to)
{
	trim(&from, &to);
	if (to - from > 1 && (*from == '"' || *from == '\'') && to[-1] == *from) {
		from++;
		to--;
	}
	return qn_strndup(from, (size_t)(to - from));
}

static enum quern_status wrong(const char *from, const char *to, const char *why,
			       struct quern_message *err)
{
	return qn_error_set(err, QUERN_ERR_USAGE,
			    "--dataset: '%.*s' %s: an operand is written NAME=PATH, or "
			    "NAME=PATH@FILE",
			    (int)(to - from), from, why);
}

static enum quern_status add_named(struct qn_named_list *l, const char *from, const char *to,
				   struct quern_message *err)
{
	const size_t length = qn_named_length(from);
	const char *path = memchr(from, '=', (size_t)(to - from)), *at;
	struct qn_named *new;

	path++;
	at = memchr(path, '@', (size_t)(to - path));
	if (!qn_grow_by_one(&l->named, (size_t)l->n, sizeof(*l->named)))
		return qn_error_nomem(err, sizeof(*new), "an operand");
	new = &l->named[l->n];
	new->name = qn_strndup(from, length);
	new->path = take(path, at ? at : to);
	new->file = at ? take(at + 1, to) : NULL;
	l->n++;
	if (!new->name || !new->path || (at && !new->file))
		return qn_error_nomem(err, (size_t)(to - from), "an operand");
	if (!*new->path)
		return wrong(from, to, "has no path", err);
	if (at && !*new->file)
		return wrong(from, to, "has no file", err);
	return QUERN_OK;
}

/* Elements with a result stay side by side as they are. */
static enum quern_status add_result(struct qn_named_list *l, const char *from, const char *to,
				    struct quern_message *err)
{
	char *longer = NULL;

	if (qn_asprintf(&longer, "%s%s%.*s", l->results ? l->results : "", l->results ? "," : "",
			(int)(to - from), from) < 0)
		return qn_error_nomem(err, (size_t)(to - from), "the names of datasets");
	free(l->results);
	l->results = longer;
	return QUERN_OK;
}

const struct qn_named *qn_named_find(const struct qn_named_list *l, const char *name)
{
	for (int i = 0; l && i < l->n; i++)
		if (!strcmp(l->named[i].name, name))
			return &l->named[i];
	return NULL;
}

const struct qn_named *qn_named_first(const struct qn_named_list *l)
{
	for (int i = 0; i < l->n; i++)
		if (!l->named[i].file)
			return &l->named[i];
	return NULL;
}

static enum quern_status check_names(const struct qn_named_list *l, struct quern_message *err)
{
	for (int i = 0; i < l->n; i++)
		if (qn_named_find(l, l->named[i].name) != &l->named[i])
			return qn_error_set(err, QUERN_ERR_USAGE,
					    "--dataset: %s= is given twice: names must differ",
					    l->named[i].name);
	return QUERN_OK;
}

enum quern_status qn_named_parse(const char *text, struct qn_named_list *out,
				 struct quern_message *err)
{
	enum quern_status st = QUERN_OK;

	*out = (struct qn_named_list){ .n = 0 };
	for (const char *at = text, *from, *to; !st && at; at = *at ? at + 1 : NULL) {
		from = at + strspn(at, " \t");
		to = at = end_of(from);
		st = qn_named_length(from) ? add_named(out, from, to, err)
					   : add_result(out, from, to, err);
	}
	return st ? st : check_names(out, err);
}

void qn_named_fini(struct qn_named_list *l)
{
	for (int i = 0; i < l->n; i++) {
		free(l->named[i].name);
		free(l->named[i].path);
		free(l->named[i].file);
	}
	free(l->named);
	free(l->results);
	memset(l, 0, sizeof(*l));
}
