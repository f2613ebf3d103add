#include "select/over.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/text.h"
#include "select/select.h"

static int count_named(const struct qn_dataset *d, const char *word, int *last)
{
	int n = 0;

	for (int i = 0; i < d->ndim; i++)
		if (d->dim_name[i] && !strcmp(d->dim_name[i], word)) {
			*last = i;
			n++;
		}
	return n;
}

/* "time, lat, 2": those without a name by their numbers. */
static void list_dimensions(const struct qn_dataset *d, char *text, size_t nbytes)
{
	size_t used = 0;

	*text = 0;
	for (int i = 0; i < d->ndim && used < nbytes; i++) {
		char number[16];

		snprintf(number, sizeof(number), "%d", i);
		used += (size_t)snprintf(text + used, nbytes - used, "%s%s", i ? ", " : "",
					 d->dim_name[i] ? d->dim_name[i] : number);
	}
}

/* What of a dataset is meant. */
struct naming {
	const struct qn_dataset *d;
	bool is_joined;
};

static enum quern_status no_dimension(const struct naming *n, const char *word,
				      struct quern_message *err)
{
	const struct qn_dataset *d = n->d;
	const char *near = qn_dimension_nearest(d, word);
	char list[512], stack[128] = "";

	if (n->is_joined && !near)
		snprintf(stack, sizeof(stack),
			 "; --stack %.64s puts the files on top of each other along a new one",
			 word);
	if (d->scalar)
		return qn_error_set(err, QUERN_ERR_USAGE,
				    "--over '%s': %s is a scalar, without dimensions%s", word,
				    qn_dataset_name(d), stack);
	list_dimensions(d, list, sizeof(list));
	return qn_error_set(err, QUERN_ERR_USAGE,
			    "--over '%s': %s has no such dimension; it has %s%s%s%s%s", word,
			    qn_dataset_name(d), list, near ? "; did you mean '" : "",
			    near ? near : "", near ? "'?" : "", stack);
}

static enum quern_status find_dimension(const struct naming *naming, const char *word, int *dim,
					struct quern_message *err)
{
	const struct qn_dataset *d = naming->d;
	const int nnamed = count_named(d, word, dim);
	char *end;
	long n;

	if (nnamed > 1)
		return qn_error_set(err, QUERN_ERR_USAGE,
				    "--over '%s': %d dimensions of %s have this name; give their "
				    "numbers, from 0",
				    word, nnamed, qn_dataset_name(d));
	if (nnamed)
		return QUERN_OK;
	n = strtol(word, &end, 10);
	n += n < 0 ? d->ndim : 0;
	if (end == word || *end || n < 0 || n >= d->ndim || d->scalar)
		return no_dimension(naming, word, err);
	*dim = (int)n;
	return QUERN_OK;
}

static enum quern_status take_word(const struct naming *n, const char *word,
				   bool reduced[QUERN_MAX_DIMS], struct quern_message *err)
{
	int dim = 0;
	enum quern_status st = find_dimension(n, word, &dim, err);

	if (!st && reduced[dim])
		st = qn_error_set(err, QUERN_ERR_USAGE,
				  "--over '%s': this dimension is there twice", word);
	if (!st)
		reduced[dim] = true;
	return st;
}

enum quern_status qn_over_find(const struct qn_dataset *d, bool is_joined, const char *text,
			       bool reduced[QUERN_MAX_DIMS], struct quern_message *err)
{
	const struct naming n = { d, is_joined };
	char *words = text ? qn_strdup(text) : NULL, *rest = words, *word;
	enum quern_status st = QUERN_OK;

	for (int i = 0; i < QUERN_MAX_DIMS; i++)
		reduced[i] = !text;
	if (text && !words)
		return qn_error_nomem(err, strlen(text), "--over");
	while (!st && (word = rest ? strsep(&rest, ",") : NULL))
		st = take_word(&n, word + strspn(word, " "), reduced, err);
	free(words);
	return st;
}
