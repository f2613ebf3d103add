#include "base/log.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "base/calendar.h"
#include "base/system.h"
#include "base/text.h"

/* Below PIPE_BUF: written whole to a pipe, too. */
#define LINE_NBYTES 2048
#define HOST_NBYTES 64
#define DAY_SECONDS 86400

static const char cut[] = "...";

const char *const qn_log_names[] = { "error", "warn", "info", "debug", NULL };

atomic_int qn_log_most = QN_LOG_NONE;

/* Of the process, like the level. The host is written once, before is_named says so. */
static char host[HOST_NBYTES];
static atomic_int is_taken, is_named;
static atomic_int rank = -1;

void qn_log_name(const char *name, int number)
{
	atomic_store(&rank, number);
	if (atomic_exchange(&is_taken, 1))
		return;
	snprintf(host, sizeof(host), "%s", name);
	for (char *c = host; *c; c++)
		if (*c <= ' ' || *c > '~')
			*c = '?';
	atomic_store_explicit(&is_named, 1, memory_order_release);
}

/* What gmtime_r does, which takes a lock. */
static int put_time(char *out, size_t nbytes)
{
	const struct qn_date begin = { 1970, 1, 1 };
	struct qn_date date = begin;
	struct timespec now;
	int64_t day = 0;
	int s;

	clock_gettime(CLOCK_REALTIME, &now);
	qn_calendar_day(QN_PROLEPTIC_GREGORIAN, &begin, &day);
	qn_calendar_date(QN_PROLEPTIC_GREGORIAN, day + now.tv_sec / DAY_SECONDS, &date);
	s = (int)(now.tv_sec % DAY_SECONDS);
	return snprintf(out, nbytes, "%04d-%02d-%02dT%02d:%02d:%02d.%03dZ", (int)date.year,
			date.month, date.day, s / 3600, s / 60 % 60, s % 60,
			(int)(now.tv_nsec / 1000000));
}

static size_t put_head(char *out, size_t nbytes, enum qn_log_level level)
{
	const int number = atomic_load(&rank);
	const bool named = atomic_load_explicit(&is_named, memory_order_acquire);
	char of_rank[16] = "-";
	int n = snprintf(out, nbytes, "quern: ");

	n += put_time(out + n, nbytes - (size_t)n);
	if (number >= 0)
		snprintf(of_rank, sizeof(of_rank), "%d", number);
	n += snprintf(out + n, nbytes - (size_t)n,
		      " %s %s rank %s thread %ld: ", qn_log_names[level - 1], named ? host : "-",
		      of_rank, syscall(SYS_gettid));
	return (size_t)n;
}

void qn_log_write(enum qn_log_level level, const char *format, ...)
{
	const int before = errno;
	char text[LINE_NBYTES], line[LINE_NBYTES];
	size_t used = put_head(line, sizeof(line), level);
	const char *at = text, *end;
	ssize_t written;
	int nbytes;
	va_list ap;

	va_start(ap, format);
	nbytes = vsnprintf(text, sizeof(text), format, ap);
	va_end(ap);
	end = text + strlen(text);
	while (at < end && used < sizeof(line) - QN_PLAIN_NBYTES - sizeof(cut))
		used += qn_text_next(&at, end, line + used);
	if (at < end || nbytes >= (int)sizeof(text)) {
		memcpy(line + used, cut, sizeof(cut) - 1);
		used += sizeof(cut) - 1;
	}
	line[used++] = '\n';
	/* There is nobody to tell that it cannot be told. */
	written = qn_sys_write(STDERR_FILENO, line, used);
	(void)written;
	errno = before;
}
