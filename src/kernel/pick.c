#include "kernel/pick.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/options.h"

static const char *field_name(const void *ctx, int i)
{
	const char *const *fields = ctx;

	return fields[i];
}

static bool has(const char *const *fields, const char *word)
{
	while (*fields && strcmp(*fields, word))
		fields++;
	return *fields != NULL;
}

static enum quern_status no_field(const struct quern_kernel *k, const char *const *fields,
				  const char *word, struct quern_message *err)
{
	const char *near = qn_nearest(word, field_name, fields);
	char all[256] = "";

	for (size_t i = 0, n = 0; fields[i] && n < sizeof(all); i++, n = strlen(all))
		snprintf(all + n, sizeof(all) - n, "%s%s", i ? ", " : "", fields[i]);
	return qn_error_set(err, QUERN_ERR_USAGE,
			    "--fields '%s': kernel %s has no such field%s%s%s; it has %s", word,
			    k->name, near ? "; did you mean '" : "", near ? near : "",
			    near ? "'?" : "", all);
}

static enum quern_status take(const struct quern_kernel *k, const char *const *fields,
			      const char *word, struct qn_names *names, struct quern_message *err)
{
	if (!has(fields, word))
		return no_field(k, fields, word, err);
	for (size_t i = 0; i < names->n; i++)
		if (!strcmp(names->name[i], word))
			return qn_error_set(err, QUERN_ERR_USAGE,
					    "--fields '%s': this field is there twice", word);
	return qn_names_add(names, word, err);
}

enum quern_status qn_pick_find(const struct quern_kernel *k, const void *self, const char *text,
			       struct qn_names *names, struct quern_message *err)
{
	char *words = qn_strdup(text), *rest = words, *word;
	enum quern_status st = words ? QUERN_OK : qn_error_nomem(err, strlen(text), "--fields");

	while (!st && (word = rest ? strsep(&rest, ",") : NULL))
		st = take(k, k->fields(self), word + strspn(word, " "), names, err);
	free(words);
	return st;
}
