#include "locate/identity.h"

#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/file.h"
#include "base/mem.h"
#include "base/system.h"
#include "data/sum.h"
#include "describe/describe.h"

#define MOST_NAMED 5 /* further files, or hosts, in a message */

/* --- rank 0: what is wrong, in words --- */

struct words {
	char text[4 * PATH_MAX]; /* shortened when it is recorded */
	size_t n;
};

static void say(struct words *w, const char *format, ...) __attribute__((format(printf, 2, 3)));

static void say(struct words *w, const char *format, ...)
{
	va_list ap;
	int n;

	va_start(ap, format);
	n = vsnprintf(w->text + w->n, sizeof(w->text) - w->n, format, ap);
	va_end(ap);
	if (n > 0)
		w->n = qn_min_u64(w->n + (size_t)n, sizeof(w->text) - 1);
}

struct view {
	const struct qn_team *team;
	const struct qn_subject *subject;
	const struct qn_sights *sights;
	const uint8_t *apart; /* host by host, of each member: it has another sum; NULL: none has */
	size_t nhosts, nmembers;
};

static enum qn_sight sight_of(const struct view *v, size_t host, uint32_t member)
{
	return (enum qn_sight)v->sights->sight[host * v->nmembers + member];
}

static bool is_own(enum qn_sight s)
{
	return s == QN_ON_DISK || s == QN_IN_MEMORY;
}

static bool is_other(const struct view *v, size_t host, uint32_t member)
{
	return v->apart ? v->apart[host * v->nmembers + member]
			: sight_of(v, host, member) >= QN_OTHER_SIZE;
}

static bool is_bad(const struct view *v, uint32_t member)
{
	for (size_t h = 0; h < v->nhosts; h++)
		if (is_other(v, h, member))
			return true;
	return false;
}

static const char *name_of(const struct view *v, size_t host)
{
	return host < v->team->hosts.n ? v->team->hosts.name[host] : "?";
}

static const struct qn_stranger *find_stranger(const struct view *v, size_t host, uint32_t member)
{
	const struct qn_sights *s = v->sights;

	for (size_t i = 0; i < s->nstrangers; i++)
		if (s->stranger[i].host == host && s->stranger[i].member == member)
			return &s->stranger[i];
	return NULL;
}

static void say_time(struct words *w, int64_t ns)
{
	time_t seconds = (time_t)(ns / 1000000000 - (ns % 1000000000 < 0));
	char text[32] = "?";
	struct tm tm;

	if (gmtime_r(&seconds, &tm))
		strftime(text, sizeof(text), "%Y-%m-%dT%H:%M:%S", &tm);
	say(w, "%s.%09dZ", text, (int)(ns - (int64_t)seconds * 1000000000));
}

/* What of the file is another one on a host. */
static void say_difference(struct words *w, const struct view *v, size_t host, uint32_t member)
{
	const struct qn_member *m = &v->subject->mosaic.member[member];
	const struct qn_stranger *s = v->apart ? NULL : find_stranger(v, host, member);

	if (v->apart) {
		say(w, "of the same size and time, but with other contents");
	} else if (sight_of(v, host, member) == QN_OTHER_SIZE) {
		say(w, "of another size");
		if (s)
			say(w, ": %llu bytes", (unsigned long long)s->nbytes);
		say(w, " instead of %llu", (unsigned long long)m->file_nbytes);
	} else {
		say(w, "with another time of change");
		if (s) {
			say(w, ": ");
			say_time(w, s->mtime_ns);
		}
		say(w, " instead of ");
		say_time(w, m->file_mtime_ns);
	}
}

/* " (also on n3, n4 and 7 more": hosts after one that also see another file. */
static void say_others(struct words *w, const struct view *v, size_t host, uint32_t member)
{
	size_t n = 0;

	for (size_t h = host + 1; h < v->nhosts; h++)
		if (is_other(v, h, member) && n++ < MOST_NAMED)
			say(w, "%s%s", n == 1 ? " (also on " : ", ", name_of(v, h));
	if (n > MOST_NAMED)
		say(w, " and %zu more", n - MOST_NAMED);
	if (n)
		say(w, ")");
}

static void say_member(struct words *w, const struct view *v, uint32_t member)
{
	size_t host = 0, like = 0;

	while (!is_other(v, host, member))
		host++;
	while (like < v->nhosts && (is_other(v, like, member) || !sight_of(v, like, member)))
		like++;
	say(w, "%s: host %s sees another file under this path than ",
	    v->subject->mosaic.member[member].file, name_of(v, host));
	if (like < v->nhosts)
		say(w, "host %s, ", name_of(v, like));
	else
		say(w, "the one that was described, ");
	say_difference(w, v, host, member);
	say_others(w, v, host, member);
	say(w, "; give all hosts the same file, and wait until its writer has finished");
}

/* Fails when a member is not the same everywhere. */
static enum quern_status check(const struct view *v, struct quern_message *err)
{
	const struct qn_member *m = v->subject->mosaic.member;
	struct words w = { .n = 0 };
	const char *last = NULL;
	size_t n = 0;

	for (uint32_t i = 0; i < v->nmembers; i++) {
		if (!is_bad(v, i) || (last && !strcmp(last, m[i].file)))
			continue;
		last = m[i].file;
		if (!n++)
			say_member(&w, v, i);
		else if (n <= MOST_NAMED + 1)
			say(&w, "%s%s", n == 2 ? "; so it is with " : ", ", last);
	}
	if (n > MOST_NAMED + 1)
		say(&w, " and %zu more", n - MOST_NAMED - 1);
	return n ? qn_error_set(err, QUERN_ERR_DATA, "%s", w.text) : QUERN_OK;
}

/* --- sums: all hosts --- */

/* Which members more than one host has for itself. Those with sums of their chunks are compared with
   these when they are read: a damaged copy is then done without. */
static void mark_copies(const struct view *v, const struct qn_mosaic *m, uint8_t *mark)
{
	for (uint32_t i = 0; i < v->nmembers; i++) {
		size_t n = 0;

		for (size_t h = 0; n < 2 && h < v->nhosts; h++)
			n += is_own(sight_of(v, h, i));
		mark[i] = n > 1 && m->member[i].ledger == QN_NO_LEDGER &&
			  m->member[i].file_mtime_ns != QN_GROWING;
	}
}

/* Zero when it cannot be read. */
static struct qn_sum sum_file(const char *file)
{
	struct qn_sum sum = { { 0 } };
	int fd = qn_file_open(file, NULL);

	if (fd >= 0) {
		qn_identity_of(fd, &sum);
		qn_sys_close(fd);
	}
	return sum;
}

/* The sums of marked members that this host has for itself, in their order. Returns how many. */
static size_t sum_members(const struct qn_subject *subject, const uint8_t *mine,
			  const uint8_t *mark, struct qn_sum *sum)
{
	const char *last = NULL;
	size_t n = 0;

	for (uint32_t i = 0; mine && i < subject->mosaic.nmembers; i++) {
		const char *file = subject->mosaic.member[i].file;

		if (!mark[i] || !is_own((enum qn_sight)mine[i]))
			continue;
		/* Members of one file mostly follow each other. */
		sum[n] = last && !strcmp(last, file) ? sum[n - 1] : sum_file(file);
		last = file;
		n++;
	}
	return n;
}

/* Rank 0: which copies have another sum than the first of their kind. sum: n of them, host by host.
   False: they are not as many as there should be. */
static bool compare(const struct view *v, const uint8_t *mark, const struct qn_sum *sum, size_t n,
		    const struct qn_sum **first, uint8_t *apart)
{
	size_t used = 0;

	for (size_t h = 0; h < v->nhosts; h++)
		for (uint32_t i = 0; i < v->nmembers; i++) {
			if (!mark[i] || !is_own(sight_of(v, h, i)))
				continue;
			if (used == n)
				return false;
			if (!first[i])
				first[i] = &sum[used];
			apart[h * v->nmembers + i] = !qn_sum_equal(first[i], &sum[used++]);
		}
	return used == n;
}

static enum quern_status check_sums(struct view *v, const uint8_t *mark, const struct qn_sum *sum,
				    size_t n, struct quern_message *err)
{
	const struct qn_sum **first = qn_calloc(v->nmembers, sizeof(*first));
	uint8_t *apart = qn_calloc(v->nhosts * v->nmembers, 1);
	enum quern_status st = QUERN_OK;

	if (!first || !apart) {
		st = qn_error_nomem(err, v->nhosts * v->nmembers, "sums of files");
	} else if (!compare(v, mark, sum, n, first, apart)) {
		st = qn_error_set(err, QUERN_ERR_RUN, "sums of files are lacking");
	} else {
		v->apart = apart;
		st = check(v, err);
		v->apart = NULL;
	}
	free(first);
	free(apart);
	return st;
}

/* Collective. */
static enum quern_status gather_sums(const struct qn_team *team, const struct qn_subject *subject,
				     const struct qn_sights *sights, const uint8_t *mark,
				     struct view *v, struct quern_message *err)
{
	size_t nranks = (size_t)qn_comm_size(team->comm), n = 0;
	uint64_t *sizes = qn_calloc(nranks, sizeof(*sizes)), sum = 0;
	struct qn_sum *mine = qn_calloc(subject->mosaic.nmembers, sizeof(*mine));
	void *all = NULL;
	enum quern_status st = mine && sizes ? QUERN_OK : qn_error_nomem(err, 0, "sums of files");

	if (!st)
		n = sum_members(subject, sights->mine, mark, mine);
	st = qn_comm_agree(team->comm, st, err);
	if (!st)
		st = qn_comm_gather_blocks(team->comm, mine, n * sizeof(*mine), &all, sizes, err);
	for (size_t r = 0; all && r < nranks; r++)
		sum += sizes[r];
	if (!st && all)
		st = check_sums(v, mark, all, sum / sizeof(*mine), err);
	free(all);
	free(mine);
	free(sizes);
	return st;
}

enum quern_status qn_identity_check(const struct qn_team *team, const struct qn_subject *subject,
				    const struct qn_sights *sights, struct quern_message *err)
{
	bool leads = qn_comm_rank(team->comm) == 0;
	struct view v = { .team = team,
			  .subject = subject,
			  .sights = sights,
			  .nhosts = (size_t)qn_comm_nhosts(team->comm),
			  .nmembers = subject->mosaic.nmembers };
	uint8_t *mark = qn_calloc(v.nmembers, 1), any;
	enum quern_status st = mark ? QUERN_OK : qn_error_nomem(err, v.nmembers, "copies of files");

	if (!st && leads) {
		st = check(&v, err);
		mark_copies(&v, &subject->mosaic, mark);
	}
	st = qn_comm_agree(team->comm, st, err);
	any = !st && memchr(mark, 1, v.nmembers) && !qn_sum_check(NULL);
	if (!st)
		st = qn_comm_bcast(team->comm, &any, 1, err);
	if (!st && any)
		st = qn_comm_bcast(team->comm, mark, v.nmembers, err);
	if (!st && any)
		st = gather_sums(team, subject, sights, mark, &v, err);
	free(mark);
	return qn_comm_agree(team->comm, st, err);
}
