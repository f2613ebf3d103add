#include "base/names.h"

#include <errno.h>
#include <glob.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/file.h"
#include "base/mem.h"
#include "base/system.h"

void qn_names_fini(struct qn_names *l)
{
	for (size_t i = 0; i < l->n; i++)
		free(l->name[i]);
	free(l->name);
	memset(l, 0, sizeof(*l));
}

enum quern_status qn_names_add(struct qn_names *l, const char *name, struct quern_message *err)
{
	char *copy;

	if (!qn_grow(&l->name, &l->room, l->n + 1, sizeof(*l->name)))
		return qn_error_nomem(err, l->n * sizeof(*l->name), "the names of files");
	copy = qn_strdup(name);
	if (!copy)
		return qn_error_nomem(err, strlen(name), "the name of a file");
	l->name[l->n++] = copy;
	return QUERN_OK;
}

/* --- patterns --- */

bool qn_names_is_pattern(const char *word)
{
	return strpbrk(word, "*?[") != NULL;
}

/* A file may be named like a pattern. */
static bool is_file(const char *word)
{
	struct stat st;

	return !qn_sys_lstat(word, &st);
}

static int by_bytes(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

void qn_names_unite(struct qn_names *l)
{
	size_t n = 0;

	if (l->n)
		qsort(l->name, l->n, sizeof(*l->name), by_bytes);
	for (size_t i = 0; i < l->n; i++)
		if (n && !strcmp(l->name[n - 1], l->name[i]))
			free(l->name[i]);
		else
			l->name[n++] = l->name[i];
	l->n = n;
}

enum quern_status qn_names_none(const char *word, struct quern_message *err)
{
	return qn_error_set(err, QUERN_ERR_DATA, "%s: no file matches this pattern; check the path",
			    word);
}

enum quern_status qn_names_find(struct qn_names *l, const char *word, struct quern_message *err)
{
	enum quern_status st = QUERN_OK;
	glob_t g;
	int rc, why;

	if (!qn_names_is_pattern(word) || is_file(word))
		return qn_names_add(l, word, err);
	errno = 0;
	/* glob sorts by the language of the user; results must not depend on it. */
	rc = qn_sys_glob(word, GLOB_NOSORT | GLOB_ERR, NULL, &g);
	why = errno;
	if (rc == GLOB_NOSPACE) {
		st = qn_error_nomem(err, 0, "the names of files");
	} else if (rc == GLOB_ABORTED && why != ENOENT) {
		st = qn_error_set(err, qn_file_status(why),
				  "%s: a directory of this pattern cannot be "
				  "read: %s",
				  word, qn_file_why(why));
	} else if (!rc) {
		qsort(g.gl_pathv, g.gl_pathc, sizeof(*g.gl_pathv), by_bytes);
		for (size_t i = 0; !st && i < g.gl_pathc; i++)
			st = qn_names_add(l, g.gl_pathv[i], err);
	}
	globfree(&g);
	return st;
}

enum quern_status qn_names_expand(struct qn_names *l, const char *word, struct quern_message *err)
{
	size_t before = l->n;
	enum quern_status st = qn_names_find(l, word, err);

	return st || l->n > before ? st : qn_names_none(word, err);
}

/* --- repetition --- */

/* The next byte of a name that is not part of a "./" or "//" which says nothing. */
static char next_byte(const char **at, const char *begin)
{
	const char *p = *at;

	for (;;) {
		bool starts = p == begin || p[-1] == '/';

		if (starts && p > begin && p[0] == '/')
			p++;
		else if (starts && p[0] == '.' && p[1] == '/')
			p += 2;
		else
			break;
	}
	*at = *p ? p + 1 : p;
	return *p;
}

static int by_meaning(const void *a, const void *b)
{
	const char *x = *(const char *const *)a, *y = *(const char *const *)b;
	const char *x_begin = x, *y_begin = y;
	char p, q;

	do {
		p = next_byte(&x, x_begin);
		q = next_byte(&y, y_begin);
	} while (p && p == q);
	return (unsigned char)p - (unsigned char)q;
}

const char *qn_names_repeated(const struct qn_names *l)
{
	const char **sorted = qn_calloc(l->n, sizeof(*sorted)), *found = NULL;

	if (!sorted)
		return NULL;
	for (size_t i = 0; i < l->n; i++)
		sorted[i] = l->name[i];
	qsort(sorted, l->n, sizeof(*sorted), by_meaning);
	for (size_t i = 1; !found && i < l->n; i++)
		if (!by_meaning(&sorted[i - 1], &sorted[i]))
			found = sorted[i];
	free(sorted);
	return found;
}

const char *qn_names_text(const struct qn_names *l, const char *name)
{
	for (size_t i = 0; l && i + 1 < l->n; i += 2)
		if (!strcmp(l->name[i], name))
			return l->name[i + 1];
	return NULL;
}

/* --- the flat form: the names, each with its '\0' --- */

void *qn_names_pack(const struct qn_names *l, size_t *nbytes)
{
	size_t n = 0;
	char *out, *at;

	for (size_t i = 0; i < l->n; i++)
		n += strlen(l->name[i]) + 1;
	out = at = qn_malloc(n ? n : 1);
	if (!out)
		return NULL;
	for (size_t i = 0; i < l->n; i++)
		at = stpcpy(at, l->name[i]) + 1;
	*nbytes = n;
	return out;
}

enum quern_status qn_names_unpack(struct qn_names *l, const void *data, size_t nbytes,
				  struct quern_message *err)
{
	const char *at = data, *end = at + nbytes;
	enum quern_status st = QUERN_OK;

	while (!st && at < end && memchr(at, '\0', (size_t)(end - at))) {
		st = qn_names_add(l, at, err);
		at += strlen(at) + 1;
	}
	return st;
}
