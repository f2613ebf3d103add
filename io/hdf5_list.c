/*
 * hdf5_list.c - which datasets a file has, and which of them a wrong name may have meant.
 */
#include "hdf5_list.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/options.h"
#include "hdf5_file.h"

struct collector {
	struct qn_listing *l;
	size_t room;
	bool nomem;
};

static bool collect(struct collector *c, const char *name)
{
	char *path;

	if (c->l->n == c->room) {
		size_t room = c->room ? 2 * c->room : 16;
		char **p = realloc(c->l->path, room * sizeof *p);

		if (!p)
			return false;
		c->l->path = p;
		c->room = room;
	}
	if (asprintf(&path, "/%s", name) < 0)
		return false;
	c->l->path[c->l->n++] = path;
	return true;
}

#if H5_VERSION_GE(1, 12, 0)
typedef H5O_info2_t object_info;
#else
typedef H5O_info_t object_info;
#endif

static herr_t visit(hid_t root, const char *name, const object_info *info, void *ctx)
{
	struct collector *c = ctx;

	(void)root;
	if (info->type != H5O_TYPE_DATASET)
		return 0;
	if (collect(c, name))
		return 0;
	c->nomem = true;
	return -1;
}

static herr_t visit_all(hid_t file_id, struct collector *c)
{
#if H5_VERSION_GE(1, 12, 0)
	return H5Ovisit3(file_id, H5_INDEX_NAME, H5_ITER_NATIVE, visit, c, H5O_INFO_BASIC);
#else
	return H5Ovisit2(file_id, H5_INDEX_NAME, H5_ITER_NATIVE, visit, c, H5O_INFO_BASIC);
#endif
}

static int by_name(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

enum quern_status qn_h5_list(hid_t file_id, const char *file, struct qn_listing *out,
			     struct quern_message *err)
{
	struct qn_listing l = { 0, NULL };
	struct collector c = { &l, 0, false };
	enum quern_status status;

	if (visit_all(file_id, &c) < 0) {
		status = c.nomem ? qn_error_nomem(err, sizeof *l.path * l.n, "a list of datasets")
				 : qn_h5_fail(err, file, NULL, "its groups cannot be listed");
		qn_listing_fini(&l);
		return status;
	}
	if (l.n > 0)
		qsort(l.path, l.n, sizeof *l.path, by_name);
	*out = l;
	return QUERN_OK;
}

/* H5Lexists wants every link before the last one to exist, so they are asked for one by one. */
bool qn_h5_is_linked(hid_t file_id, const char *path)
{
	char *prefix = strdup(path);
	bool is = prefix && path[0] == '/' && path[1] != '\0';

	for (char *p = prefix; is && p && *p;) {
		char *end = strchrnul(p + 1, '/');
		char kept = *end;

		*end = '\0';
		is = H5Lexists(file_id, prefix, H5P_DEFAULT) > 0;
		*end = kept;
		p = end;
	}
	free(prefix);
	return is;
}

bool qn_h5_leads_somewhere(hid_t file_id, const char *path)
{
	char *full = NULL;
	bool is;

	if (asprintf(&full, "%s%s", path[0] == '/' ? "" : "/", path) < 0)
		return true;
	is = qn_h5_is_linked(file_id, full) && H5Oexists_by_name(file_id, full, H5P_DEFAULT) != 0;
	free(full);
	return is;
}

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
		size_t n = strlen(l->path[shown]) + 1;

		if (at + n + 40 > room)
			break;
		at += (size_t)snprintf(out + at, room - at, " %s", l->path[shown++]);
	}
	if (shown < l->n)
		snprintf(out + at, room - at, " and %zu more (see quern inspect)", l->n - shown);
}

enum quern_status qn_h5_no_such_dataset(hid_t file_id, const char *file, const char *path,
					const char *what, struct quern_message *err)
{
	struct quern_message why = { .status = QUERN_OK };
	struct qn_listing l = { 0, NULL };
	char names[400] = "";
	const char *near;

	/* It may well be there, and what is wrong with the file be the reason. */
	if (qn_h5_list(file_id, file, &l, &why) != QUERN_OK)
		return qn_error_set(err, QUERN_ERR_DATA, "%s; %s %s in what can be read", why.text,
				    what, path);
	if (l.n == 0)
		return qn_error_because(err, QUERN_ERR_DATA, QN_NO_DATASET,
					"%s: %s %s; the file has no datasets", file, what, path);
	write_names(&l, names, sizeof names);
	near = near_miss(&l, path);
	if (near)
		qn_error_because(err, QUERN_ERR_DATA, QN_NO_DATASET,
				 "%s: %s %s; did you mean %s? It has:%s", file, what, path, near, names);
	else
		qn_error_because(err, QUERN_ERR_DATA, QN_NO_DATASET, "%s: %s %s; it has:%s", file,
				 what, path, names);
	qn_listing_fini(&l);
	return QUERN_ERR_DATA;
}
