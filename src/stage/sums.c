/*
 * sums.c - sums of the shards that a staging has made so far, for who goes on with it: what is there
 * then is taken only if it is still what was written.
 *
 * They are lines "shard NUMBER NBYTES SUM" of NAME.shards/sums, each added by one write when its shard is in
 * its place. A shard without a line is made anew; so is one whose line was cut off.
 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "base/mem.h"
#include "base/system.h"
#include "stage/stage_impl.h"

#define LINE_NBYTES 96
#define MOST_NBYTES (QN_MOST_SHARDS * LINE_NBYTES)

char *qn_stage_sums_file(const char *catalog)
{
	char *out;

	return qn_asprintf(&out, "%s.shards/sums", catalog) < 0 ? NULL : out;
}

static enum quern_status add_line(const char *file, const char *line, struct quern_message *err)
{
	const size_t n = strlen(line);
	const int flags = O_WRONLY | O_APPEND | O_CREAT | O_NOFOLLOW | O_CLOEXEC;
	const int fd = qn_sys_open(file, flags, 0600);
	ssize_t done = fd < 0 ? -1 : qn_sys_write(fd, line, n);
	const int why = done < 0 ? errno : ENOSPC;

	if (fd >= 0 && qn_sys_close(fd) && done == (ssize_t)n)
		return qn_error_set(err, QUERN_ERR_RUN, "%s: cannot write: %s", file,
				    strerror(errno));
	if (done == (ssize_t)n)
		return QUERN_OK;
	return qn_error_set(err, qn_error_status_of(why), "%s: cannot write: %s", file,
			    strerror(why));
}

enum quern_status qn_stage_sums_add(const struct qn_catalog *c, uint32_t shard, uint64_t nbytes,
				    const struct qn_sum *sum, struct quern_message *err)
{
	char *file = qn_stage_sums_file(c->file), line[LINE_NBYTES], digits[QN_SUM_DIGITS + 1];
	enum quern_status st;

	if (!file)
		return qn_error_nomem(err, strlen(c->file), "a name");
	qn_sum_write(sum, digits);
	snprintf(line, sizeof(line), "shard %" PRIu32 " %" PRIu64 " %s\n", shard, nbytes, digits);
	st = add_line(file, line, err);
	free(file);
	return st;
}

/* A whole line up to `end`, where its '\n' is. */
static bool parse_line(const char *line, const char *end, uint32_t nshards, uint32_t *shard,
		       struct qn_made *out)
{
	char *at;
	const unsigned long number = strncmp(line, "shard ", 6) ? ULONG_MAX
								: strtoul(line + 6, &at, 10);

	if (number >= nshards || *at != ' ')
		return false;
	*shard = (uint32_t)number;
	out->nbytes = strtoull(at + 1, &at, 10);
	return *at == ' ' && end - at == 1 + QN_SUM_DIGITS && qn_sum_read(at + 1, &out->sum);
}

/* Of a shard that was made twice the last line counts. */
struct qn_made *qn_stage_sums_load(const struct qn_catalog *c)
{
	char *file = qn_stage_sums_file(c->file), *text = NULL;
	struct qn_made *made = qn_calloc(c->nshards, sizeof(*made));
	size_t nbytes = 0;

	if (file && made)
		text = qn_file_load(file, MOST_NBYTES, &nbytes);
	for (char *line = text, *end; line && (end = strchr(line, '\n')); line = end + 1) {
		struct qn_made one;
		uint32_t shard;

		if (parse_line(line, end, c->nshards, &shard, &one))
			made[shard] = one;
	}
	free(text);
	free(file);
	return made;
}
