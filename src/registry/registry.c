#include "registry/registry.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/system.h"
#include "kernel/kernel.h"
#include "registry/compile.h"

#define PATH_VARIABLE "QUERN_KERNEL_PATH"

static void free_kernel(struct qn_user_kernel *k)
{
	free(k->shield);
	free(k->word);
	qn_library_close(&k->library);
}

void qn_registry_fini(struct qn_registry *r)
{
	for (size_t i = 0; i < r->n; i++)
		free_kernel(&r->user[i]);
	free(r->user);
	*r = (struct qn_registry){ .n = 0 };
}

static const struct qn_shield *find_named(const struct qn_registry *r, const char *name)
{
	for (size_t i = 0; i < r->n; i++)
		if (!strcmp(r->user[i].shield->kernel.name, name))
			return r->user[i].shield;
	return NULL;
}

/* Of what was asked for by this word. */
static const struct qn_shield *find_loaded(const struct qn_registry *r, const char *word)
{
	for (size_t i = 0; i < r->n; i++)
		if (r->user[i].word && !strcmp(r->user[i].word, word))
			return r->user[i].shield;
	return NULL;
}

const struct quern_kernel *qn_registry_real(const struct qn_registry *r,
					    const struct quern_kernel *k)
{
	const struct qn_shield *s = find_named(r, k->name);

	return s ? s->real : NULL;
}

/* Takes *k, also where it fails. */
static enum quern_status add(struct qn_registry *r, struct qn_user_kernel *k,
			     const struct quern_kernel *real, const char *file,
			     struct quern_message *err)
{
	enum quern_status st = QUERN_OK;

	k->shield = qn_malloc(sizeof(*k->shield));
	if (!k->shield)
		st = qn_error_nomem(err, sizeof(*k->shield), "a kernel");
	else if (find_named(r, real->name))
		st = qn_error_set(err, QUERN_ERR_USAGE, "%s: there is another kernel %s already",
				  file, real->name);
	else if (!qn_grow(&r->user, &r->room, r->n + 1, sizeof(*r->user)))
		st = qn_error_nomem(err, sizeof(*r->user), "kernels");
	if (st) {
		free_kernel(k);
		return st;
	}
	qn_shield_make(k->shield, real);
	r->user[r->n++] = *k;
	return QUERN_OK;
}

enum quern_status qn_registry_add(struct qn_registry *r, const struct quern_kernel *k,
				  struct quern_message *err)
{
	struct qn_user_kernel u = { .library = QN_LIBRARY_NONE };
	enum quern_status st = qn_library_check(k, "a kernel of the program", err);

	return st ? st : add(r, &u, k, "a kernel of the program", err);
}

enum quern_status qn_registry_add_all(struct qn_registry *r, const struct qn_registry *from,
				      struct quern_message *err)
{
	enum quern_status st = QUERN_OK;

	for (size_t i = 0; !st && i < from->n; i++)
		st = from->user[i].word ? QUERN_OK
					: qn_registry_add(r, from->user[i].shield->real, err);
	return st;
}

/* --- files --- */

static bool ends_in(const char *word, const char *suffix)
{
	const size_t n = strlen(word), m = strlen(suffix);

	return n > m && !strcmp(word + n - m, suffix);
}

bool qn_registry_is_file(const char *word)
{
	return strchr(word, '/') || ends_in(word, ".so") || ends_in(word, ".c");
}

static enum quern_status load(struct qn_registry *r, const char *word, const char *file,
			      const struct quern_kernel **out, struct quern_message *err)
{
	struct qn_user_kernel u = { .word = qn_strdup(word), .library = QN_LIBRARY_NONE };
	const struct quern_kernel *real;
	char *object = NULL;
	enum quern_status st = QUERN_OK;

	if (!u.word)
		st = qn_error_nomem(err, strlen(word), "the name of a kernel");
	else if (ends_in(file, ".c"))
		st = qn_compile(file, &object, err);
	if (!st)
		st = qn_library_open(object ? object : file, file, &u.library, &real, &u.sum, err);
	free(object);
	if (st) {
		free(u.word);
		return st;
	}
	st = add(r, &u, real, file, err);
	if (!st)
		*out = &r->user[r->n - 1].shield->kernel;
	return st;
}

/* NAME.so or NAME.c in a directory, owned; NULL: there is neither. */
static char *find_in(const char *folder, size_t nbytes, const char *name)
{
	static const char *const suffixes[] = { ".so", ".c" };

	for (size_t i = 0; nbytes && i < sizeof(suffixes) / sizeof(*suffixes); i++) {
		char *file = NULL;

		if (qn_asprintf(&file, "%.*s/%s%s", (int)nbytes, folder, name, suffixes[i]) < 0)
			return NULL;
		if (!qn_sys_access(file, F_OK))
			return file;
		free(file);
	}
	return NULL;
}

/* On the path; owned. */
static char *find_file(const char *name)
{
	const char *path = getenv(PATH_VARIABLE);
	char *file = NULL;

	while (path && *path && !file) {
		const size_t n = strcspn(path, ":");

		file = find_in(path, n, name);
		path += n + (path[n] == ':');
	}
	return file;
}

static enum quern_status load_named(struct qn_registry *r, const char *name,
				    const struct quern_kernel **out, struct quern_message *err)
{
	char *file = find_file(name);
	enum quern_status st = file ? load(r, name, file, out, err) : qn_kernel_unknown(name, err);

	free(file);
	return st;
}

enum quern_status qn_registry_find(struct qn_registry *r, const char *word,
				   const struct quern_kernel **out, struct quern_message *err)
{
	const struct qn_shield *s = find_named(r, word);

	if (!s)
		s = find_loaded(r, word);
	*out = s ? &s->kernel : qn_kernel_find(word);
	if (*out)
		return QUERN_OK;
	return qn_registry_is_file(word) ? load(r, word, word, out, err)
					 : load_named(r, word, out, err);
}

/* --- on all ranks --- */

/* What ranks compare. */
struct card {
	uint64_t n;
	struct qn_sum sum; /* of the sums of all */
};

static void make_card(const struct qn_registry *r, struct card *out)
{
	struct qn_summer *s = NULL;

	memset(out, 0, sizeof(*out));
	for (size_t i = 0; i < r->n; i++) {
		if (!r->user[i].word || (!s && !(s = qn_summer_new())))
			continue;
		qn_summer_add(s, &r->user[i].sum, sizeof(r->user[i].sum));
		out->n++;
	}
	if (s)
		qn_summer_get(s, &out->sum);
	qn_summer_free(s);
}

static enum quern_status compare(const struct qn_registry *r, const struct card *mine,
				 const struct card *first, struct quern_message *err)
{
	const char *word = NULL;

	if (!memcmp(mine, first, sizeof(*mine)))
		return QUERN_OK;
	for (size_t i = 0; i < r->n; i++)
		word = r->user[i].word ? r->user[i].word : word;
	return qn_error_set(
		err, QUERN_ERR_USAGE,
		"the kernel%s%s is not the same file on all hosts: give one that all of them share, or "
		"copy it to each",
		word ? " " : "", word ? word : "");
}

enum quern_status qn_registry_agree(const struct qn_registry *r, struct qn_comm *c,
				    enum quern_status st, struct quern_message *err)
{
	struct card mine, first;

	make_card(r, &mine);
	first = mine;
	st = qn_comm_agree(c, st, err);
	if (!st)
		st = qn_comm_bcast(c, &first, sizeof(first), err);
	return qn_comm_agree(c, st ? st : compare(r, &mine, &first, err), err);
}
