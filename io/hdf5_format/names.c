#include "io/hdf5_format/names.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "base/mem.h"
#include "base/system.h"

#define ORIGIN "${ORIGIN}"

/* What is looked for. */
enum kind { SOURCE, LINKED, RAW };

/* A search: the first candidate that is a file ends it. */
struct search {
	const char *file, *name;
	enum kind kind;
	char *found; /* owned */
	enum quern_status status;
	struct quern_message *err;
};

static bool fail_search(struct search *s, const char *path, int why)
{
	static const char *const how[] = { [SOURCE] = "it has its elements in",
					   [LINKED] = "an external link of it leads to",
					   [RAW] = "it has its elements in the raw file" };
	/* What is not there has fill values; a raw file that is not there is an error. */
	const char * or = s->kind == SOURCE ? ", or move it away to have fill values there" : "";

	s->status = qn_error_set(s->err, qn_file_status(why),
				 "%s: %s %s, which cannot be read: %s; put "
				 "that right%s",
				 s->file, how[s->kind], path, qn_file_why(why), or);
	return true;
}

/* Takes the path; true: the search has ended. */
static bool try_path(struct search *s, char *path)
{
	struct stat st;
	bool ended = true;

	if (!path)
		s->status = qn_error_nomem(s->err, strlen(s->name), "the name of a file");
	else if (qn_sys_stat(path, &st) != 0)
		ended = errno != ENOENT && errno != ENOTDIR && fail_search(s, path, errno);
	else if (S_ISDIR(st.st_mode))
		ended = false;
	else if (!S_ISREG(st.st_mode))
		fail_search(s, path, ENXIO);
	else if (qn_sys_access(path, R_OK) != 0)
		fail_search(s, path, errno);
	else
		s->found = path;
	if (!s->found)
		free(path);
	return ended;
}

static char *join(const char *directory, size_t length, const char *name)
{
	bool slash = length > 0 && directory[length - 1] != '/';
	char *path;

	return qn_asprintf(&path, "%.*s%s%s", (int)length, directory, slash ? "/" : "", name) < 0
		       ? NULL
		       : path;
}

/* Bytes of the directory in front of the last name of a path, with its slash. */
static size_t directory_length(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash ? (size_t)(slash - path) + 1 : 0;
}

/* A prefix whose beginning may stand for the directory of the file; NULL without memory. */
static char *expand(const char *file, const char *prefix)
{
	size_t n = directory_length(file), origin = strlen(ORIGIN);
	char *path;

	if (strncmp(prefix, ORIGIN, origin))
		return qn_strdup(prefix);
	return qn_asprintf(&path, "%.*s%s", n ? (int)n : 1, n ? file : ".", prefix + origin) < 0
		       ? NULL
		       : path;
}

static bool try_expanded(struct search *s, const char *prefix, const char *name)
{
	char *directory = expand(s->file, prefix);
	bool ended = try_path(s, directory ? join(directory, strlen(directory), name) : NULL);

	free(directory);
	return ended;
}

/* Each of the prefixes between colons; of sources then all of it as one, where ${ORIGIN} is known. */
static bool try_prefixes(struct search *s, const char *prefixes, const char *name)
{
	if (!prefixes || !*prefixes)
		return false;
	for (const char *p = prefixes; *p;) {
		size_t n = strcspn(p, ":");

		if (n > 0 && try_path(s, join(p, n, name)))
			return true;
		p += n + (p[n] == ':');
	}
	return s->kind == SOURCE && try_expanded(s, prefixes, name);
}

static bool try_link_target(struct search *s, const char *name)
{
	char *real = qn_sys_realpath(s->file, NULL);
	bool ended = real && try_path(s, join(real, directory_length(real), name));

	free(real);
	return ended;
}

static enum quern_status end_search(struct search *s, char **out)
{
	if (s->status == QUERN_OK && !s->found) {
		s->found = qn_strdup("");
		if (!s->found)
			return qn_error_nomem(s->err, 1, "the name of a file");
	}
	*out = s->found;
	return s->status;
}

/* The order of the library's H5F_prefix_open_file, for both. */
static enum quern_status find(struct search *s, const char *prefixes, char **out)
{
	const char *rest = s->name;

	if (*s->name == '/' && try_path(s, qn_strdup(s->name)))
		return end_search(s, out);
	if (*s->name == '/')
		rest = strrchr(s->name, '/') + 1;
	if (*rest && !try_prefixes(s, prefixes, rest) &&
	    !try_path(s, join(s->file, directory_length(s->file), rest)) &&
	    !try_path(s, qn_strdup(rest)))
		try_link_target(s, rest);
	return end_search(s, out);
}

enum quern_status qn_h5_find_source(const char *file, const char *name, char **out,
				    struct quern_message *err)
{
	struct search s = {
		.file = file, .name = name, .kind = SOURCE, .status = QUERN_OK, .err = err
	};

	if (strcmp(name, "."))
		return find(&s, getenv("HDF5_VDS_PREFIX"), out);
	s.found = qn_strdup(file);
	return s.found ? end_search(&s, out) : qn_error_nomem(err, strlen(file), "a name");
}

enum quern_status qn_h5_find_linked(const char *file, const char *name, char **out,
				    struct quern_message *err)
{
	struct search s = {
		.file = file, .name = name, .kind = LINKED, .status = QUERN_OK, .err = err
	};

	return find(&s, getenv("HDF5_EXT_PREFIX"), out);
}

enum quern_status qn_h5_find_raw(const char *file, const char *name, char **out,
				 struct quern_message *err)
{
	struct search s = {
		.file = file, .name = name, .kind = RAW, .status = QUERN_OK, .err = err
	};
	const char *prefix = getenv("HDF5_EXTFILE_PREFIX");

	if (*name == '/' || !prefix || !*prefix || !strcmp(prefix, "."))
		try_path(&s, qn_strdup(name));
	else
		try_expanded(&s, prefix, name);
	return end_search(&s, out);
}

bool qn_h5_has_block(const char *name)
{
	for (const char *p = name; (p = strchr(p, '%')); p += 1 + (p[1] != '\0'))
		if (p[1] == 'b')
			return true;
	return false;
}

char *qn_h5_block_name(const char *name, uint64_t block)
{
	size_t n = 0, room = 1;
	char *out;

	for (const char *p = name; *p; p++)
		room += *p == '%' ? 24 : 1;
	out = qn_malloc(room);
	if (!out)
		return NULL;
	for (const char *p = name; *p; p++) {
		if (*p == '%' && p[1] == 'b')
			n += (size_t)sprintf(out + n, "%" PRIu64, block);
		else
			out[n++] = *p;
		p += *p == '%' && (p[1] == 'b' || p[1] == '%');
	}
	out[n] = '\0';
	return out;
}
