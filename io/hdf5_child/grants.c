#include "io/hdf5_child/grants.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "base/system.h"
#include "data/external.h"
#include "data/reading.h"
#include "io/hdf5_library/file.h"
#include "io/hdf5_library/open.h"
#include "io/hdf5_format/raw.h"

/* Files that the C library and its like open by themselves, and places of libraries. */
static const char *const for_all[] = { "/dev/null", "/dev/urandom", "/etc/localtime",
				       "/usr/share/zoneinfo", NULL };
static const char *const for_plugins[] = { "/lib",
					   "/lib64",
					   "/usr/lib",
					   "/usr/lib64",
					   "/usr/local/lib",
					   "/etc/ld.so.cache",
					   "/sys/devices/system/cpu",
					   NULL };

static enum quern_status add_all(struct qn_names *list, const char *const *names,
				 struct quern_message *err)
{
	enum quern_status status = QUERN_OK;

	for (; status == QUERN_OK && *names; names++)
		status = qn_names_add(list, *names, err);
	return status;
}

enum quern_status qn_grants_add_plugins(struct qn_names *names, struct quern_message *err)
{
	struct qn_h5_caller caller;
	enum quern_status status = QUERN_OK;
	char path[4096];
	unsigned n = 0;

	qn_h5_enter(&caller);
	if (H5PLsize(&n) < 0)
		n = 0;
	for (unsigned i = 0; status == QUERN_OK && i < n; i++)
		if (H5PLget(i, path, sizeof(path)) > 0)
			status = qn_names_add(names, path, err);
	qn_h5_leave(&caller);
	return status == QUERN_OK ? add_all(names, for_plugins, err) : status;
}

enum quern_status qn_grants_init(struct qn_grants *g, const char *file, const char *dataset,
				 bool raw, struct quern_message *err)
{
	enum quern_status status;

	*g = (struct qn_grants){ .file = file, .dataset = dataset, .raw = raw };
	status = qn_names_add(&g->names, file, err);
	if (status == QUERN_OK)
		status = add_all(&g->names, for_all, err);
	if (status == QUERN_OK && dataset && !qn_reading()->forkserver)
		status = qn_grants_add_plugins(&g->names, err);
	if (status != QUERN_OK)
		qn_grants_fini(g);
	return status;
}

void qn_grants_fini(struct qn_grants *g)
{
	qn_names_fini(&g->names);
}

/* --- what was refused --- */

static bool is_granted(const struct qn_grants *g, const char *path)
{
	for (size_t i = 0; i < g->names.n; i++)
		if (!strcmp(g->names.name[i], path))
			return true;
	return false;
}

static bool is_library(const char *path, int fd)
{
	char head[4];

	return strstr(path, ".so") && qn_sys_pread(fd, head, sizeof(head), 0) == sizeof(head) &&
	       !memcmp(head, "\177ELF", sizeof(head));
}

/* Is it where a raw file of the file may be? Raw files of others that it names are not told from those of
   nobody: a file that names one beside another would have that read. */
static bool may_be_raw(struct qn_grants *g, const char *path)
{
	struct stat st;
	const int fd = qn_external_open(g->file, g->dataset, path, &st, &g->why);

	if (fd >= 0)
		qn_sys_close(fd);
	return fd >= 0;
}

/* Is it another member of the family, where the first one is? Whoever made it may have made a link of it. */
static bool may_be_member(struct qn_grants *g, const char *asked, const char *path)
{
	if (!qn_h5_is_member(g->file, asked))
		return false;
	if (qn_external_may(g->file, path))
		return true;
	qn_error_set(
		&g->why, QUERN_ERR_DENIED,
		"%s: is the beginning of a family of files, and another one of them, %s, is not in its "
		"directory or below it: if whoever made the file may have that read, say "
		"--allow-external",
		g->file, path);
	return false;
}

static bool may_have(struct qn_grants *g, const char *asked, const char *path)
{
	struct quern_message ignored = { .status = QUERN_OK };
	struct stat st;
	const int fd = qn_file_open(path, &st);
	bool is = false;

	if (fd < 0)
		return false;
	if (qn_h5_find_superblock(path, fd, (uint64_t)st.st_size, &is, &ignored) != QUERN_OK)
		is = false;
	is = is || may_be_member(g, asked, path) || (g->dataset && is_library(path, fd));
	qn_sys_close(fd);
	return is || (g->raw && may_be_raw(g, path));
}

static enum quern_status grant(struct qn_grants *g, const char *asked, bool *more,
			       struct quern_message *err)
{
	char *path = qn_sys_realpath(asked, NULL);
	enum quern_status status = QUERN_OK;

	if (!path && errno == ENOMEM)
		return qn_error_nomem(err, PATH_MAX, "the name of a file");
	if (path && !is_granted(g, path) && may_have(g, asked, path)) {
		status = qn_names_add(&g->names, path, err);
		*more = true;
	}
	free(path);
	return status;
}

enum quern_status qn_grants_look(struct qn_grants *g, struct qn_child *c, bool *more,
				 struct quern_message *err)
{
	const int lack = qn_refused_lack(c->refused);
	enum quern_status status = QUERN_OK;
	char asked[PATH_MAX];

	*more = false;
	g->why = (struct quern_message){ .status = QUERN_OK };
	if (lack)
		return qn_error_set(err, QUERN_ERR_RUN,
				    "%s cannot be read: %s: raise the limit "
				    "(ulimit -n)",
				    c->subject, strerror(lack));
	while (status == QUERN_OK && qn_refused_next(c->refused, &c->nlooked_at, asked))
		status = grant(g, asked, more, err);
	return status;
}

enum quern_status qn_grants_no_end(const struct qn_grants *g, struct quern_message *err)
{
	return qn_error_set(err, QUERN_ERR_DATA, "%s: it leads from file to file without end",
			    g->file);
}
