#include "find/files.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/system.h"
#include "cluster/share.h"

#define FEWEST_A_RANK 32 /* files: below, telling the others costs more than they save */

/* --- names: those that words stand for --- */

/* Of each word that is a pattern: the names that this host finds for it, and then an empty one. */
static enum quern_status find_names(const struct qn_team *team, const struct qn_names *words,
				    struct qn_names *out, struct quern_message *err)
{
	struct quern_message why = { .status = QUERN_OK };
	enum quern_status st = QUERN_OK;

	for (size_t i = 0; !st && i < words->n; i++) {
		struct qn_names found = { .n = 0 };

		if (!qn_names_is_pattern(words->name[i]))
			continue;
		st = qn_names_find(&found, words->name[i], &why);
		qn_names_unite(&found);
		for (size_t k = 0; !st && k < found.n; k++)
			st = qn_names_add(out, found.name[k], &why);
		if (!st)
			st = qn_names_add(out, "", &why);
		qn_names_fini(&found);
	}
	return st ? qn_error_set(err, st, "%s (on host %s)", why.text, team->host) : QUERN_OK;
}

/* What is in `mine` and not in `known`, pattern by pattern. */
static enum quern_status subtract(const struct qn_names *mine, const struct qn_names *known,
				  struct qn_names *out, struct quern_message *err)
{
	enum quern_status st = QUERN_OK;
	size_t k = 0;

	for (size_t i = 0; !st && i < mine->n; i++) {
		const char *name = mine->name[i];

		while (k < known->n && *known->name[k] &&
		       (!*name || strcmp(known->name[k], name) < 0))
			k++;
		if (!*name || k == known->n || strcmp(known->name[k], name))
			st = qn_names_add(out, name, err);
		k += !*name;
	}
	return st;
}

enum quern_status qn_files_gather(const struct qn_team *team, const struct qn_names *mine,
				  struct qn_names *all, struct quern_message *err)
{
	uint64_t *sizes = qn_calloc((size_t)qn_comm_size(team->comm), sizeof(*sizes)), sum = 0;
	size_t nbytes = 0;
	void *flat = qn_names_pack(mine, &nbytes), *blocks = NULL;
	enum quern_status st = flat && sizes ? QUERN_OK
					     : qn_error_nomem(err, nbytes, "the names of files");

	st = qn_comm_agree(team->comm, st, err);
	if (!st)
		st = qn_comm_gather_blocks(team->comm, flat, nbytes, &blocks, sizes, err);
	for (int r = 0; blocks && r < qn_comm_size(team->comm); r++)
		sum += sizes[r];
	if (!st && blocks)
		st = qn_names_unpack(all, blocks, sum, err);
	free(blocks);
	free(flat);
	free(sizes);
	return qn_comm_agree(team->comm, st, err);
}

/* The names of one pattern: what rank 0 has found, from *at on, and the parts of the other hosts. */
static enum quern_status unite(const struct qn_names *own, size_t *at, const struct qn_names *more,
			       size_t npatterns, size_t pattern, struct qn_names *out,
			       struct quern_message *err)
{
	enum quern_status st = QUERN_OK;
	size_t n = 0;

	for (; !st && *at < own->n && *own->name[*at]; ++*at)
		st = qn_names_add(out, own->name[*at], err);
	++*at;
	for (size_t i = 0; !st && i < more->n; i++) {
		if (!*more->name[i])
			n++;
		else if (n % npatterns == pattern)
			st = qn_names_add(out, more->name[i], err);
	}
	qn_names_unite(out);
	return st;
}

/* Rank 0: the files, in the order of the words. */
static enum quern_status list_files(struct qn_subject *subject, const struct qn_names *words,
				    const struct qn_names *own, const struct qn_names *more,
				    struct quern_message *err)
{
	enum quern_status st = QUERN_OK;
	size_t at = 0, npatterns = 0, pattern = 0;

	for (size_t i = 0; i < words->n; i++)
		npatterns += qn_names_is_pattern(words->name[i]);
	for (size_t i = 0; !st && i < words->n; i++) {
		struct qn_names found = { .n = 0 };

		if (!qn_names_is_pattern(words->name[i])) {
			st = qn_names_add(&subject->files, words->name[i], err);
			continue;
		}
		st = unite(own, &at, more, npatterns, pattern++, &found, err);
		if (!st && !found.n)
			st = qn_names_none(words->name[i], err);
		for (size_t k = 0; !st && k < found.n; k++)
			st = qn_names_add(&subject->files, found.name[k], err);
		qn_names_fini(&found);
	}
	return st;
}

static enum quern_status check_files(const struct qn_subject *subject, struct quern_message *err)
{
	const char *twice;

	if (!subject->files.n)
		return qn_error_set(err, QUERN_ERR_USAGE, "no file is given");
	twice = qn_names_repeated(&subject->files);
	if (twice)
		return qn_error_set(err, QUERN_ERR_USAGE,
				    "%s is given twice; if it is meant to count "
				    "twice, give it another name with ln -s",
				    twice);
	return QUERN_OK;
}

/* What the hosts find that rank 0's has not: on shared storage that is nothing. Collective. */
static enum quern_status ask_hosts(const struct qn_team *team, const struct qn_names *words,
				   struct qn_names *own, struct qn_names *more,
				   struct quern_message *err)
{
	struct qn_names theirs = { .n = 0 }, here = { .n = 0 }, mine = { .n = 0 };
	bool leads = qn_comm_rank(team->comm) == 0;
	enum quern_status st = QUERN_OK;

	for (size_t i = 0; leads && !st && i < words->n; i++)
		st = qn_names_add(&theirs, words->name[i], err);
	st = qn_comm_agree(team->comm, st, err);
	if (!st)
		st = qn_share_names(team->comm, QUERN_OK, &theirs, err);
	if (!st)
		st = qn_share_names(team->comm, QUERN_OK, own, err);
	if (!st && !leads && qn_comm_host_rank(team->comm) == 0) {
		st = find_names(team, &theirs, &here, err);
		if (!st)
			st = subtract(&here, own, &mine, err);
	}
	st = qn_comm_agree(team->comm, st, err);
	if (!st)
		st = qn_files_gather(team, &mine, more, err);
	qn_names_fini(&theirs);
	qn_names_fini(&here);
	qn_names_fini(&mine);
	return st;
}

static enum quern_status find_files(const struct qn_team *team, struct qn_subject *subject,
				    const struct qn_names *words, struct quern_message *err)
{
	struct qn_names own = { .n = 0 }, more = { .n = 0 };
	bool leads = qn_comm_rank(team->comm) == 0;
	enum quern_status st = leads ? find_names(team, words, &own, err) : QUERN_OK;

	st = qn_comm_agree(team->comm, st, err);
	if (!st && qn_comm_nhosts(team->comm) > 1)
		st = ask_hosts(team, words, &own, &more, err);
	if (!st && leads)
		st = list_files(subject, words, &own, &more, err);
	if (!st && leads)
		st = check_files(subject, err);
	qn_names_fini(&own);
	qn_names_fini(&more);
	st = qn_comm_agree(team->comm, st, err);
	return st ? st : qn_share_names(team->comm, QUERN_OK, &subject->files, err);
}

/* --- describers --- */

bool qn_files_sees(const char *file)
{
	int fd = qn_file_open(file, NULL);

	if (fd >= 0)
		qn_sys_close(fd);
	return fd >= 0;
}

/* What rank 0 divides the files by. */
struct division {
	const struct qn_team *team;
	const struct qn_subject *subject;
	const uint8_t *sees; /* borrows: host by host, of each file; NULL: all see all */
	size_t nhosts;
	uint32_t *first;  /* owned, nhosts + 1: where the ranks of a host begin */
	uint32_t *rank;	  /* owned: host by host */
	uint64_t *nfiles; /* owned: that ranks of a host describe for another */
};

static bool sees(const struct division *d, size_t host, size_t file)
{
	return !d->sees || d->sees[host * d->subject->files.n + file];
}

static enum quern_status division_init(struct division *d, struct quern_message *err)
{
	const struct qn_place *place = d->team->places;
	size_t nranks = (size_t)qn_comm_size(d->team->comm);

	d->first = qn_calloc(d->nhosts + 2, sizeof(*d->first));
	d->rank = qn_calloc(nranks, sizeof(*d->rank));
	d->nfiles = qn_calloc(d->nhosts, sizeof(*d->nfiles));
	if (!d->first || !d->rank || !d->nfiles)
		return qn_error_nomem(err, nranks * sizeof(*d->rank), "the ranks of the hosts");
	/* Counts are kept one further on, so that filling in leaves the beginnings. */
	for (size_t r = 0; r < nranks; r++)
		d->first[place[r].host + 2]++;
	for (size_t h = 1; h < d->nhosts; h++)
		d->first[h + 1] += d->first[h];
	for (uint32_t r = 0; r < nranks; r++)
		d->rank[d->first[place[r].host + 1]++] = r;
	return QUERN_OK;
}

static void division_fini(struct division *d)
{
	free(d->first);
	free(d->rank);
	free(d->nfiles);
}

/* A rank of a host that has the file, which the rank that it would fall to has not. */
static uint32_t describe_elsewhere(struct division *d, size_t file)
{
	for (size_t k = 0; k < d->nhosts; k++) {
		size_t h = file && !sees(d, 0, file) ? (file + k) % d->nhosts : k;
		uint32_t nranks = d->first[h + 1] - d->first[h];

		if (sees(d, h, file))
			return d->rank[d->first[h] + d->nfiles[h]++ / FEWEST_A_RANK % nranks];
	}
	return 0; /* which says that it is not there */
}

static void choose_describers(struct division *d, struct qn_files *m)
{
	size_t n = d->subject->files.n, others = n - 1;
	size_t nranks = (size_t)qn_min_u64((uint64_t)qn_comm_size(d->team->comm),
					   qn_ceil_div(others, FEWEST_A_RANK));

	for (size_t i = 0; i < n; i++) {
		uint32_t want = i ? (uint32_t)((i - 1) * nranks / others) : 0;

		m->describer[i] = sees(d, d->team->places[want].host, i) ? want
									 : describe_elsewhere(d, i);
	}
}

static void choose_reader(const struct division *d, struct qn_files *m)
{
	for (size_t h = 0; h < d->nhosts; h++) {
		size_t i = 0;

		while (i < d->subject->files.n && sees(d, h, i))
			i++;
		if (i == d->subject->files.n) {
			m->reader = d->rank[d->first[h]];
			m->reads_all = true;
			return;
		}
	}
	m->reader = m->describer[0];
}

/* Rank 0: which files each host sees, host by host; *all is owned. Collective. */
static enum quern_status gather_sights(const struct qn_team *team, const struct qn_subject *subject,
				       void **all, struct quern_message *err)
{
	bool leads = qn_comm_host_rank(team->comm) == 0;
	uint64_t *sizes = qn_calloc((size_t)qn_comm_size(team->comm), sizeof(*sizes));
	uint8_t *mine = qn_calloc(subject->files.n, 1);
	enum quern_status st =
		mine && sizes ? QUERN_OK : qn_error_nomem(err, subject->files.n, "where files are");

	for (size_t i = 0; !st && leads && i < subject->files.n; i++)
		mine[i] = qn_files_sees(subject->files.name[i]);
	st = qn_comm_agree(team->comm, st, err);
	if (!st)
		st = qn_comm_gather_blocks(team->comm, mine, leads ? subject->files.n : 0, all,
					   sizes, err);
	free(mine);
	free(sizes);
	return st;
}

static enum quern_status divide(const struct qn_team *team, const struct qn_subject *subject,
				const uint8_t *seen, struct qn_files *m, struct quern_message *err)
{
	struct division d = { .team = team,
			      .subject = subject,
			      .sees = seen,
			      .nhosts = (size_t)qn_comm_nhosts(team->comm) };
	enum quern_status st = division_init(&d, err);

	if (!st) {
		choose_describers(&d, m);
		choose_reader(&d, m);
	}
	division_fini(&d);
	return st;
}

enum quern_status qn_files_find(const struct qn_team *team, struct qn_subject *subject,
				const struct qn_names *words, struct qn_files *m,
				struct quern_message *err)
{
	bool leads = qn_comm_rank(team->comm) == 0;
	void *seen = NULL;
	enum quern_status st = find_files(team, subject, words, err);

	memset(m, 0, sizeof(*m));
	if (!st && qn_comm_nhosts(team->comm) > 1)
		st = gather_sights(team, subject, &seen, err);
	if (!st) {
		m->describer = qn_calloc(subject->files.n, sizeof(*m->describer));
		if (!m->describer)
			st = qn_error_nomem(err, subject->files.n * sizeof(*m->describer), "files");
	}
	if (!st && leads)
		qn_log(QN_LOG_INFO, "%zu files, from %s to %s", subject->files.n,
		       subject->files.name[0], subject->files.name[subject->files.n - 1]);
	if (!st && leads)
		st = divide(team, subject, seen, m, err);
	free(seen);
	st = qn_comm_agree(team->comm, st, err);
	if (!st)
		st = qn_comm_bcast(team->comm, m->describer,
				   subject->files.n * sizeof(*m->describer), err);
	if (!st)
		st = qn_comm_bcast(team->comm, &m->reader, sizeof(m->reader), err);
	return st ? st : qn_comm_bcast(team->comm, &m->reads_all, sizeof(m->reads_all), err);
}

void qn_files_fini(struct qn_files *m)
{
	free(m->describer);
	m->describer = NULL;
}
