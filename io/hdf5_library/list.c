/*
 * list.c - datasets by their paths: opening, what a wrong path may have meant, and what a file has.
 */
#include "io/hdf5_library/list.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/options.h"
#include "base/text.h"
#include "io/hdf5_library/file.h"
#include "io/hdf5_library/follow.h"

static const char *last_part(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash ? slash + 1 : path;
}

static const char *listed_path(const void *ctx, int i)
{
	const struct qn_listing *l = ctx;

	return (size_t)i < l->n ? l->path[i] : NULL;
}

/* The dataset that `path` may have meant: the same name in another group, or a slip of a few
   letters. NULL when nothing is near. */
static const char *near_miss(const struct qn_listing *l, const char *path)
{
	for (size_t i = 0; i < l->n; i++)
		if (!strcasecmp(last_part(l->path[i]), last_part(path)))
			return l->path[i];
	return qn_nearest(path, listed_path, l);
}

#define NAMES_SHOWN 10

/* " /a /b /c and 5 more" */
static void write_names(const struct qn_listing *l, char *out, size_t room)
{
	size_t at = 0, shown = 0;

	while (shown < l->n && shown < NAMES_SHOWN) {
		char *word = qn_text_word(l->path[shown]);
		const bool fits = word && at + strlen(word) + 1 + 40 <= room;

		if (fits)
			at += (size_t)snprintf(out + at, room - at, " %s", word);
		free(word);
		if (!fits)
			break;
		shown++;
	}
	if (shown < l->n)
		snprintf(out + at, room - at, " and %zu more (see quern inspect)", l->n - shown);
}

static void name_others(const struct qn_listing *l, const char *file, const char *path,
			const char *what, struct quern_message *err)
{
	const char *near = near_miss(l, path);
	char names[400] = "", *word = near ? qn_text_word(near) : NULL;

	write_names(l, names, sizeof(names));
	if (word)
		qn_error_because(err, QUERN_ERR_DATA, QN_NO_DATASET,
				 "%s: %s %s; did you mean %s? It has:%s", file, what, path, word,
				 names);
	else
		qn_error_because(err, QUERN_ERR_DATA, QN_NO_DATASET, "%s: %s %s; it has:%s", file,
				 what, path, names);
	free(word);
}

static enum quern_status no_such_dataset(hid_t file_id, const char *file, const char *path,
					 const char *what, struct quern_message *err)
{
	struct quern_message why = { .status = QUERN_OK };
	struct qn_listing l = { .n = 0 };

	/* It may well be there, and what is wrong with the file be the reason. */
	if (qn_h5_list(file_id, file, &l, &why) != QUERN_OK)
		return qn_error_set(err, QUERN_ERR_DATA, "%s; %s %s in what can be read", why.text,
				    what, path);
	if (l.nflaws > 0)
		qn_error_set(err, QUERN_ERR_DATA, "%s: %s %s in what can be read; %s cannot be: %s",
			     file, what, path, l.flaw[0].path, l.flaw[0].why);
	else if (l.n == 0)
		qn_error_because(err, QUERN_ERR_DATA, QN_NO_DATASET,
				 "%s: %s %s; the file has no datasets%s", file, what, path,
				 l.nlinks ? " of its own, but links: quern inspect lists them"
					  : "");
	else
		name_others(&l, file, path, what, err);
	qn_listing_fini(&l);
	return QUERN_ERR_DATA;
}

/* What the library says of a name that is not there helps less than a list of names. */
static enum quern_status no_dataset(hid_t file_id, const char *file, const char *path,
				    const struct qn_h5_end *end, struct quern_message *err)
{
	if (end->is == QN_OTHER_FILE)
		return qn_error_set(err, QUERN_ERR_DATA,
				    "%s: dataset %s: it is in another file, %s, by "
				    "an external link",
				    file, path, end->file);
	if (end->is == QN_NOTHING && end->nsoft)
		return qn_error_set(err, QUERN_ERR_DATA,
				    "%s: dataset %s: a soft link that leads "
				    "nowhere: there is no %s",
				    file, path, end->path);
	return no_such_dataset(file_id, file, path,
			       end->is == QN_NOTHING ? "no such dataset"
						     : "a group or a type, not a dataset, is at",
			       err);
}

enum quern_status qn_h5_open_dataset(hid_t file_id, const char *file, const char *path, hid_t *out,
				     struct quern_message *err)
{
	struct qn_h5_end end;
	enum quern_status status = qn_h5_follow(file_id, file, path, &end, err);

	if (status == QUERN_OK && (end.is == QN_DATASET || end.is == QN_DAMAGED_OBJECT)) {
		*out = H5Dopen2(file_id, end.path, H5P_DEFAULT);
		if (*out < 0)
			status = qn_h5_fail(err, file, path, "cannot be opened");
	} else if (status == QUERN_OK) {
		status = no_dataset(file_id, file, path, &end, err);
	}
	qn_h5_end_fini(&end);
	return status;
}
