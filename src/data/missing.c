#include "data/missing.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

void qn_missing_fini(struct qn_missing *m)
{
	for (size_t i = 0; i < m->nnamed; i++) {
		free(m->named[i].file);
		free(m->named[i].path);
	}
	free(m->named);
	memset(m, 0, sizeof(*m));
}

static bool is_named(const struct qn_missing *m, const char *file, const char *path)
{
	for (size_t i = 0; i < m->nnamed; i++)
		if (!strcmp(m->named[i].file, file) && !strcmp(m->named[i].path, path))
			return true;
	return false;
}

static enum quern_status name(struct qn_missing *m, const char *file, const char *path,
			      struct quern_message *err)
{
	struct qn_absent new;

	if (m->nnamed == QN_MOST_ABSENT || is_named(m, file, path))
		return QUERN_OK;
	new = (struct qn_absent){ .file = qn_strdup(file), .path = qn_strdup(path) };
	if (new.file &&new.path && qn_grow_by_one(&m->named, m->nnamed, sizeof(*m->named))) {
		m->named[m->nnamed++] = new;
		return QUERN_OK;
	}
	free(new.file);
	free(new.path);
	return qn_error_nomem(err, strlen(file), "the name of a source");
}

enum quern_status qn_missing_add(struct qn_missing *m, const char *file, const char *path,
				 struct quern_message *err)
{
	m->n++;
	return name(m, file, path, err);
}

enum quern_status qn_missing_unite(struct qn_missing *m, const struct qn_missing *more,
				   struct quern_message *err)
{
	enum quern_status st = QUERN_OK;

	m->n += more->n;
	for (size_t i = 0; !st && i < more->nnamed; i++)
		st = name(m, more->named[i].file, more->named[i].path, err);
	return st;
}
