/*
 * complete.c - what a merge may ask of the files of a part is asked while they are there: the first of them may be any
 * of the whole, where the others have what goes on from file to file.
 */
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "describe/describe.h"
#include "describe/values_noted.h"
#include "find/coordinate.h"
#include "partial/partial.h"

/* A dataset, its attributes, and its values where these are not too many. What is wrong with it the run has said, or
   nobody asks. *d: owned by the caller. */
static bool ask(const char *file, const char *path, struct qn_dataset *d, struct qn_names *texts)
{
	struct quern_message ignored = { .status = QUERN_OK };
	const struct qn_format *format;
	struct qn_values values = { .n = 0 };
	struct qn_view view;

	if (qn_source_format(file, &format, &ignored) ||
	    qn_source_describe(file, path, NULL, true, d, &ignored))
		return false;
	format->texts(file, path, texts, &ignored);
	if (!d->dim_only && qn_dataset_nelems(d) <= QN_MOST_NOTED &&
	    !qn_view_init(d, false, &view, &ignored)) {
		qn_values_read(d, &view, &values, &ignored);
		qn_values_fini(&values);
	}
	return true;
}

/* "bounds" of a coordinate, which are beside it. */
static void ask_bounds(const char *file, const char *path, const char *name)
{
	const char *slash = strrchr(path, '/');
	struct qn_names texts = { .n = 0 };
	struct qn_dataset d = { .file = NULL };
	char *bounds = NULL;

	if (slash && qn_asprintf(&bounds, "%.*s/%s", (int)(slash - path), path, name) >= 0)
		ask(file, bounds, &d, &texts);
	free(bounds);
	qn_names_fini(&texts);
	qn_dataset_fini(&d);
}

static void ask_coordinate(const char *file, const char *path)
{
	struct qn_names texts = { .n = 0 };
	struct qn_dataset d = { .file = NULL };
	const char *bounds;

	if (ask(file, path, &d, &texts)) {
		bounds = qn_names_text(&texts, "bounds");
		if (bounds)
			ask_bounds(file, path, bounds);
	}
	qn_names_fini(&texts);
	qn_dataset_fini(&d);
}

/* Those that an attribute of the dataset names, with blanks between them. */
static void ask_named(const struct qn_dataset *d, const char *names)
{
	struct quern_message ignored = { .status = QUERN_OK };
	char *words = qn_strdup(names), *rest = words, *word;

	while (rest && (word = strsep(&rest, " "))) {
		char *path = NULL;

		if (*word && !qn_coordinate_path(d, word, &path, &ignored) && path)
			ask_coordinate(d->file, path);
		free(path);
	}
	free(words);
}

static void ask_attributes(const struct qn_dataset *d)
{
	struct quern_message ignored = { .status = QUERN_OK };
	struct qn_names texts = { .n = 0 };
	const struct qn_format *format;
	struct qn_listing list = { .n = 0 };
	const char *names;

	if (qn_source_format(d->file, &format, &ignored))
		return;
	if (!format->list(d->file, &list, &ignored))
		qn_listing_fini(&list);
	if (!qn_source_list(format, d->file, &list, &ignored))
		qn_listing_fini(&list);
	if (!format->texts(d->file, d->path, &texts, &ignored) &&
	    (names = qn_names_text(&texts, "coordinates")))
		ask_named(d, names);
	qn_names_fini(&texts);
}

static enum quern_status complete(const struct qn_subject *s, size_t i, struct quern_message *err)
{
	const int along = s->dataset.stacked ? -1 : s->along;
	const bool is_first = i <= s->first;
	struct qn_dataset d = { .file = NULL };
	enum quern_status st = qn_source_describe(s->files.name[i], qn_dataset_name(&s->dataset),
						  qn_dataset_column(&s->dataset), false, &d, err);

	for (int k = 0; !st && k < d.ndim; k++) {
		char *path = NULL;

		if ((is_first || s->dataset.stacked || k == along) &&
		    !qn_coordinate_of(&d, k, &path, err) && path)
			ask_coordinate(d.file, path);
		free(path);
	}
	if (!st)
		ask_attributes(&d);
	qn_dataset_fini(&d);
	return st;
}

enum quern_status qn_partial_complete(const struct qn_subject *s, struct qn_comm *c,
				      struct quern_message *err)
{
	enum quern_status st = QUERN_OK;

	for (size_t i = 0; !st && i < s->files.n; i++)
		if (s->describer[i] == (uint32_t)qn_comm_rank(c))
			st = complete(s, i, err);
	return st;
}
