#include "base/file.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <time.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/system.h"

static int open_regular(const char *file, int flags, struct stat *st)
{
	const int fd = qn_sys_open(file, O_RDONLY | O_CLOEXEC | O_NONBLOCK | flags, 0);
	struct stat s;
	int why = 0;

	if (fd < 0)
		return -1;
	if (qn_sys_fstat(fd, &s))
		why = errno;
	else if (!S_ISREG(s.st_mode))
		why = S_ISDIR(s.st_mode) ? EISDIR : ENXIO;
	if (why) {
		qn_sys_close(fd);
		errno = why;
		return -1;
	}
	if (st)
		*st = s;
	return fd;
}

int qn_file_open(const char *file, struct stat *st)
{
	return open_regular(file, 0, st);
}

int qn_file_open_own(const char *file, struct stat *st)
{
	return open_regular(file, O_NOFOLLOW, st);
}

bool qn_file_is_none(int why)
{
	return why == ENOENT || why == ENOTDIR;
}

/* NFS has none for what is open for reading, such as a directory: EBADF. */
static bool means_no_locks(int why)
{
	return why == ENOSYS || why == ENOTSUP || why == EOPNOTSUPP || why == EINVAL ||
	       why == ENOLCK || why == EBADF;
}

int qn_file_lock(int fd, int operation)
{
	while (qn_sys_flock(fd, operation | LOCK_NB))
		if (errno != EINTR)
			return means_no_locks(errno) ? 0 : errno;
	return 0;
}

const char *qn_file_why(int why)
{
	switch (why) {
	case EISDIR:
		return "it is a directory, not a file";
	case ENXIO:
		return "it is a device, a pipe or a socket, not a file";
	case ELOOP:
		return "it is a symbolic link that cannot be followed";
	default:
		return strerror(why);
	}
}

enum quern_status qn_file_status(int why)
{
	switch (why) {
	case EACCES:
	case EPERM:
		return QUERN_ERR_DENIED;
	case EMFILE:
	case ENFILE:
	case ENOMEM:
		return QUERN_ERR_RUN;
	default:
		return QUERN_ERR_DATA;
	}
}

/* Up to n bytes from the beginning; -1 with errno. */
static ssize_t read_all(int fd, char *out, size_t n)
{
	size_t done = 0;

	while (done < n) {
		ssize_t got = qn_sys_read(fd, out + done, n - done);

		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			return -1;
		if (!got)
			break;
		done += (size_t)got;
	}
	return (ssize_t)done;
}

char *qn_file_load(const char *file, size_t most, size_t *nbytes)
{
	struct stat s;
	const int fd = qn_file_open(file, &s);
	char *out = NULL;
	ssize_t n = -1;
	int why;

	if (fd < 0)
		return NULL;
	if ((uint64_t)s.st_size > most)
		errno = EFBIG;
	else
		out = qn_calloc((size_t)s.st_size + 1, 1);
	if (out)
		n = read_all(fd, out, (size_t)s.st_size);
	why = errno;
	qn_sys_close(fd);
	if (n < 0) {
		free(out);
		errno = why;
		return NULL;
	}
	*nbytes = (size_t)n;
	return out;
}

/*
 * Linux copies by `rep movsb` where the processor is good at that. On Zen 4 this is 2 to 5 times
 * slower when the target, within its page, is less than 32 bytes behind the source, and up to a
 * third slower when both have the same place in their 32 bytes (measured from memory to 1 MiB: 3 to
 * 7, 11 and 15 GB/s). Pages of the cache begin at multiples of a page in the file, so the offset
 * tells the place of the source. Of four steps one always fits.
 */
uint8_t *qn_file_place(uint8_t *buffer, uint64_t offset)
{
	uint64_t behind;

	do {
		behind = ((uintptr_t)buffer - offset) % 4096;
		buffer += 16;
	} while (behind < 32 || behind % 32 == 0);
	return buffer - 16;
}

uint64_t qn_file_fetched(void)
{
	FILE *f = qn_sys_fopen("/proc/self/io", "re"); /* of the system, not a user's */
	unsigned long long n = 0;
	char line[64];

	while (f && fgets(line, sizeof(line), f))
		if (sscanf(line, "read_bytes: %llu", &n) == 1)
			break;
	if (f)
		fclose(f);
	return n;
}

bool qn_file_begins(const char *file, const char *head)
{
	char text[256];
	int fd = qn_file_open(file, NULL);
	ssize_t n = fd < 0 ? -1 : qn_sys_pread(fd, text, sizeof(text) - 1, 0);
	const char *at = text;

	if (fd >= 0)
		qn_sys_close(fd);
	if (n < 0)
		return false;
	for (text[n] = '\0'; *head; head++) {
		while (*head != ' ' && isspace((unsigned char)*at))
			at++;
		if (*at++ != *head)
			return false;
	}
	return true;
}
