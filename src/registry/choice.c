/*
 * choice.c - lists of kernels, and their options.
 */
#include "registry/choice.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "kernel/several_parts.h"

/* A wrong name in it is that of the nearest perhaps. */
static enum quern_status add_kernel(struct qn_several *s, struct qn_registry *r, const char *name,
				    struct quern_message *err)
{
	const struct quern_kernel *k;
	enum quern_status st;

	if (!*name)
		return qn_error_set(err, QUERN_ERR_USAGE,
				    "a kernel is missing in the list: write moments,minmax");
	st = qn_registry_find(r, name, &k, err);
	if (st)
		return st;
	if (k->demand)
		return qn_error_set(err, QUERN_ERR_USAGE,
				    "kernel %s must see all of its dimensions at once, so it runs "
				    "alone: quern run %s ...",
				    name, name);
	for (int i = 0; i < s->n; i++)
		if (s->of[i] == k)
			return qn_error_set(err, QUERN_ERR_USAGE, "kernel %s is given twice", name);
	if (s->n == QN_MOST_KERNELS)
		return qn_error_set(err, QUERN_ERR_USAGE, "more than %d kernels in one run",
				    QN_MOST_KERNELS);
	s->of[s->n++] = k;
	return QUERN_OK;
}

static enum quern_status add_kernels(struct qn_several *s, struct qn_registry *r, const char *text,
				     struct quern_message *err)
{
	char *words = qn_strdup(text), *rest = words, *word;
	enum quern_status st = words ? QUERN_OK : qn_error_nomem(err, strlen(text), "kernels");

	while (!st && (word = rest ? strsep(&rest, ",") : NULL)) {
		word += strspn(word, " ");
		word[strcspn(word, " ")] = '\0';
		st = add_kernel(s, r, word, err);
	}
	free(words);
	return st;
}

static bool make_name(struct qn_several *s)
{
	size_t n = 0;
	FILE *f = qn_open_memstream(&s->name, &n);

	for (int i = 0; f && i < s->n; i++)
		fprintf(f, "%s%s", i ? "," : "", s->of[i]->name);
	return f && !fclose(f);
}

static size_t count_options(const struct quern_kernel *k)
{
	size_t n = 0;

	while (k->options && k->options[n].name)
		n++;
	return n;
}

static const struct quern_option *find_option(const struct qn_several *s, const char *name)
{
	const struct quern_option *o = s->options;

	while (o->name && strcmp(o->name, name))
		o++;
	return o->name ? o : NULL;
}

/* An option that two have by different rows cannot be told which of them it is for. */
static enum quern_status take_options(struct qn_several *s, int i, size_t *n,
				      struct quern_message *err)
{
	for (const struct quern_option *o = s->of[i]->options; o && o->name; o++) {
		const struct quern_option *known = find_option(s, o->name);

		if (known && strcmp(known->doc, o->doc))
			return qn_error_set(err, QUERN_ERR_USAGE,
					    "--%s is an option of kernel %s, and another of one "
					    "before it: run them one by one",
					    o->name, s->of[i]->name);
		if (!known)
			s->options[(*n)++] = *o;
	}
	return QUERN_OK;
}

static enum quern_status make_options(struct qn_several *s, struct quern_message *err)
{
	enum quern_status st = QUERN_OK;
	size_t n = 0;

	for (int i = 0; i < s->n; i++)
		n += count_options(s->of[i]);
	s->options = qn_calloc(n + 1, sizeof(*s->options));
	if (!s->options)
		return qn_error_nomem(err, n * sizeof(*s->options), "options");
	n = 0;
	for (int i = 0; !st && i < s->n; i++)
		st = take_options(s, i, &n, err);
	return st;
}

static enum quern_status find_several(const char *text, struct qn_registry *r, struct qn_choice *c,
				      struct quern_message *err)
{
	struct qn_several *s = c->several = qn_calloc(1, sizeof(*s));
	enum quern_status st = s ? add_kernels(s, r, text, err)
				 : qn_error_nomem(err, sizeof(*s), "kernels");

	if (!st)
		st = make_options(s, err);
	if (!st && !make_name(s))
		st = qn_error_nomem(err, 0, "kernels");
	if (st)
		return st;
	qn_several_make(s);
	c->kernel = &s->kernel;
	return QUERN_OK;
}

enum quern_status qn_choice_find(const char *text, struct qn_registry *r, struct qn_choice *c,
				 struct quern_message *err)
{
	*c = (struct qn_choice){ .kernel = NULL };
	if (strchr(text, ','))
		return find_several(text, r, c, err);
	return qn_registry_find(r, text, &c->kernel, err);
}

void qn_choice_fini(struct qn_choice *c)
{
	if (c->several) {
		free(c->several->name);
		free(c->several->options);
	}
	free(c->several);
	*c = (struct qn_choice){ .kernel = NULL };
}
