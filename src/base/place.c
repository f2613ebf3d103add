#include "base/place.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

char *qn_place_partial(const char *file)
{
	char *out;

	return asprintf(&out, "%s.partial", file) < 0 ? NULL : out;
}

static enum quern_status failed(const char *file, const char *what, int why,
				struct quern_message *err)
{
	return qn_error_set(err, QUERN_ERR_RUN, "%s: cannot %s: %s", file, what, strerror(why));
}

enum quern_status qn_place_open(const char *file, int *fd, struct quern_message *err)
{
	char *partial = qn_place_partial(file);
	enum quern_status st = QUERN_OK;

	if (!partial)
		return qn_error_nomem(err, strlen(file), "a name");
	/* Not one that somebody has put there for us to follow. */
	unlink(partial);
	*fd = open(partial, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
	if (*fd < 0)
		st = failed(file, "write", errno, err);
	free(partial);
	return st;
}

enum quern_status qn_place_put(const char *file, int fd, const void *bytes, size_t nbytes,
			       struct quern_message *err)
{
	const char *at = bytes;

	while (nbytes) {
		ssize_t n = write(fd, at, nbytes);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return failed(file, "write", errno, err);
		at += n;
		nbytes -= (size_t)n;
	}
	return QUERN_OK;
}

void qn_place_sync_folder(const char *file)
{
	const char *slash = strrchr(file, '/');
	char *folder = slash ? strndup(file, (size_t)(slash - file) + 1) : strdup(".");
	int fd = folder ? open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC) : -1;

	if (fd >= 0) {
		fsync(fd);
		close(fd);
	}
	free(folder);
}

void qn_place_discard(const char *file, int fd)
{
	char *partial = qn_place_partial(file);

	if (fd >= 0)
		close(fd);
	if (partial)
		unlink(partial);
	free(partial);
}

enum quern_status qn_place_finish(const char *file, int fd, int64_t time_ns,
				  struct quern_message *err)
{
	const struct timespec t[2] = {
		{ .tv_sec = time_ns / 1000000000, .tv_nsec = time_ns % 1000000000 },
		{ .tv_sec = time_ns / 1000000000, .tv_nsec = time_ns % 1000000000 }
	};
	char *partial = qn_place_partial(file);
	enum quern_status st = QUERN_OK;

	if (!partial)
		st = qn_error_nomem(err, strlen(file), "a name");
	else if (futimens(fd, t) || fsync(fd))
		st = failed(file, "write", errno, err);
	else if (rename(partial, file))
		st = failed(file, "put it in its place", errno, err);
	free(partial);
	if (st) {
		qn_place_discard(file, fd);
		return st;
	}
	close(fd);
	qn_place_sync_folder(file);
	return QUERN_OK;
}

enum quern_status qn_place_write(const char *file, const void *bytes, size_t nbytes,
				 int64_t time_ns, struct quern_message *err)
{
	int fd = -1;
	enum quern_status st = qn_place_open(file, &fd, err);

	if (st)
		return st;
	st = qn_place_put(file, fd, bytes, nbytes, err);
	if (!st)
		return qn_place_finish(file, fd, time_ns, err);
	qn_place_discard(file, fd);
	return st;
}
