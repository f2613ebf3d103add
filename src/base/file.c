#include "base/file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define LEAST_SLEEP_NS 500000	/* shorter ones are collected: waking up takes some 50 us */
#define MOST_DELAY_NS 1000000000

/* --- opening --- */

static int open_regular(const char *file, int flags, struct stat *st)
{
	const int fd = open(file, O_RDONLY | O_CLOEXEC | O_NONBLOCK | flags);
	struct stat s;
	int why = 0;

	if (fd < 0)
		return -1;
	if (fstat(fd, &s))
		why = errno;
	else if (!S_ISREG(s.st_mode))
		why = S_ISDIR(s.st_mode) ? EISDIR : ENXIO;
	if (why) {
		close(fd);
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

const char *qn_file_why(int why)
{
	switch (why) {
	case EISDIR: return "it is a directory, not a file";
	case ENXIO: return "it is a device, a pipe or a socket, not a file";
	case ELOOP: return "it is a symbolic link that cannot be followed";
	default: return strerror(why);
	}
}

enum quern_status qn_file_status(int why)
{
	switch (why) {
	case EACCES:
	case EPERM: return QUERN_ERR_DENIED;
	case EMFILE:
	case ENFILE:
	case ENOMEM: return QUERN_ERR_RUN;
	default: return QUERN_ERR_DATA;
	}
}

/* Up to n bytes from the beginning; -1 with errno. */
static ssize_t read_all(int fd, char *out, size_t n)
{
	size_t done = 0;

	while (done < n) {
		ssize_t got = read(fd, out + done, n - done);

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
		out = calloc((size_t)s.st_size + 1, 1);
	if (out)
		n = read_all(fd, out, (size_t)s.st_size);
	why = errno;
	close(fd);
	if (n < 0) {
		free(out);
		errno = why;
		return NULL;
	}
	*nbytes = (size_t)n;
	return out;
}

/* --- reading --- */

/* The rank as launchers tell it: this layer knows nothing of MPI. */
static const char *rank_of_process(void)
{
	static const char *const names[] = { "OMPI_COMM_WORLD_RANK", "PMIX_RANK", "PMI_RANK" };

	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++)
		if (getenv(names[i]))
			return getenv(names[i]);
	return "0";
}

static bool is_name(const char *text, size_t n, const char *name)
{
	return name && strlen(name) == n && !memcmp(text, name, n);
}

uint64_t qn_file_delay(const char *setting, const char *host, const char *rank)
{
	for (const char *s = setting; *s; s += *s == ',') {
		size_t n = strcspn(s, ":,");
		bool meant = is_name(s, n, "*") || is_name(s, n, host) || is_name(s, n, rank);
		unsigned long long ns;

		s += n;
		if (*s != ':')
			continue;
		ns = strtoull(s + 1, NULL, 10);
		if (meant)
			return ns < MOST_DELAY_NS ? ns : MOST_DELAY_NS;
		s += strcspn(s, ",");
	}
	return 0;
}

struct qn_file qn_file_on(int fd)
{
	struct qn_file f = { .fd = fd };
	const char *setting = getenv("QUERN_TEST_READ_DELAY");
	char host[64] = "";

	if (setting) {
		gethostname(host, sizeof(host) - 1);
		f.delay_ns = qn_file_delay(setting, host, rank_of_process());
	}
	return f;
}

static int64_t now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

/* Makes a read of nbytes that began at start_ns last as long as it is to. What a sleep takes longer
   is counted towards the next. */
static void slow_down(struct qn_file *f, size_t nbytes, int64_t start_ns)
{
	int64_t now = now_ns();

	f->owed_ns += (int64_t)(nbytes * f->delay_ns >> 10) - (now - start_ns);
	if (f->owed_ns >= LEAST_SLEEP_NS) {
		struct timespec t = { .tv_sec = f->owed_ns / 1000000000,
				      .tv_nsec = f->owed_ns % 1000000000 };

		nanosleep(&t, NULL);
		f->owed_ns -= now_ns() - now;
	}
	/* A pause between reads is no credit. */
	if (f->owed_ns < -LEAST_SLEEP_NS)
		f->owed_ns = -LEAST_SLEEP_NS;
}

ssize_t qn_file_read(struct qn_file *f, void *out, size_t nbytes, uint64_t offset)
{
	int64_t start_ns = f->delay_ns ? now_ns() : 0;
	size_t done = 0;

	while (done < nbytes) {
		ssize_t n = pread(f->fd, (char *)out + done, nbytes - done,
				  (off_t)(offset + done));

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -1;
		if (n == 0)
			break;
		done += (size_t)n;
	}
	if (f->delay_ns)
		slow_down(f, done, start_ns);
	return (ssize_t)done;
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
	FILE *f = fopen("/proc/self/io", "re"); /* of the system, not a user's */
	unsigned long long n = 0;
	char line[64];

	while (f && fgets(line, sizeof(line), f))
		if (sscanf(line, "read_bytes: %llu", &n) == 1)
			break;
	if (f)
		fclose(f);
	return n;
}
