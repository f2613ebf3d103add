#include "data/external.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "base/mem.h"
#include "base/system.h"
#include "data/reading.h"

#define ORIGIN "${ORIGIN}"

/* Is the file in the directory, or below it? Both are real paths. */
static bool is_below(const char *path, const char *directory)
{
	const size_t n = strlen(directory);

	return !strncmp(path, directory, n) &&
	       (path[n] == '/' || (n > 0 && directory[n - 1] == '/'));
}

/* The same of a directory as it is called; an empty name is the working directory. */
static bool is_in(const char *path, const char *name, size_t length)
{
	char *called = length ? qn_strndup(name, length) : qn_strdup(".");
	char *real = called ? qn_sys_realpath(called, NULL) : NULL;
	const bool is = real && is_below(path, real);

	free(real);
	free(called);
	return is;
}

static bool is_beside(const char *path, const char *file)
{
	const char *slash = strrchr(file, '/');

	return is_in(path, file, slash ? (size_t)(slash - file) + 1 : 0);
}

static bool is_in_prefix(const char *path)
{
	const char *prefix = getenv("HDF5_EXTFILE_PREFIX");

	return prefix && *prefix && strncmp(prefix, ORIGIN, strlen(ORIGIN)) != 0 &&
	       is_in(path, prefix, strlen(prefix));
}

/* Where it is, whatever it is called: symbolic links count for what they lead to. */
static bool is_at_home(const char *file, const char *raw)
{
	char *path = qn_sys_realpath(raw, NULL), *real = qn_sys_realpath(file, NULL);
	const bool is = path && (is_beside(path, file) || (real && is_beside(path, real)) ||
				 is_in_prefix(path));

	free(real);
	free(path);
	return is;
}

/* Does it end where its size says? */
static bool has_size(int fd, off_t nbytes)
{
	char byte;

	return qn_sys_pread(fd, &byte, 1, nbytes) == 0 &&
	       (nbytes == 0 || qn_sys_pread(fd, &byte, 1, nbytes - 1) == 1);
}

bool qn_external_may(const char *file, const char *raw)
{
	return qn_reading()->allow_external || qn_sys_access(raw, F_OK) || is_at_home(file, raw);
}

int qn_external_open(const char *file, const char *dataset, const char *raw, struct stat *st,
		     struct quern_message *err)
{
	int fd;

	if (!qn_external_may(file, raw)) {
		qn_error_set(
			err, QUERN_ERR_DENIED,
			"%s: dataset %s has its elements in %s, which is not "
			"in the directory of the file or below it: if whoever made the file may "
			"have that read, say --allow-external",
			file, dataset, raw);
		return -1;
	}
	fd = qn_file_open(raw, st);
	if (fd < 0) {
		qn_error_set(
			err, qn_file_status(errno),
			"%s: dataset %s has its elements in the "
			"external file %s, which cannot be opened: %s; relative names are taken "
			"from HDF5_EXTFILE_PREFIX or the working directory",
			file, dataset, raw, qn_file_why(errno));
		return -1;
	}
	if (has_size(fd, st->st_size))
		return fd;
	qn_sys_close(fd);
	qn_error_set(err, QUERN_ERR_DATA,
		     "%s: dataset %s has its elements in %s, whose size is not the "
		     "number of its bytes, as of files of the system: copy it into a file",
		     file, dataset, raw);
	return -1;
}
