#include "locate/where.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/digest.h"
#include "base/file.h"
#include "base/mem.h"
#include "base/system.h"
#include "locate/identity.h"
#include "describe/describe.h"

#define MOST_STRANGERS 8 /* of a host: more of them are not told about */

/* What rank 0 makes sets of. */
struct view {
	const uint8_t *sight; /* borrows: host by host, of each member */
	size_t nhosts, nmembers;
	uint32_t *slot; /* owned: hash table of sets + 1, of a power of two */
	size_t nslots;
	uint32_t *like; /* owned: of each set, a member that has it */
	uint64_t nhomes;
	struct qn_access *access;
};

/* What a host has found: a sight of each member, and then some strangers. */
struct look {
	uint8_t *sight; /* owned */
	size_t nstrangers;
	struct qn_stranger stranger[MOST_STRANGERS];
};

static enum qn_sight sight_on(enum qn_medium medium)
{
	switch (medium) {
	case QN_MEDIUM_MEMORY:
		return QN_IN_MEMORY;
	case QN_MEDIUM_DISK:
		return QN_ON_DISK;
	case QN_MEDIUM_SHARED:
		return QN_ELSEWHERE;
	}
	return QN_ELSEWHERE;
}

/* How the file that is open differs from the one of a member, of which it has the name. */
static enum qn_sight tell_apart(int fd, const struct qn_member *m, struct qn_stranger *s)
{
	struct stat st;

	if (qn_sys_fstat(fd, &st))
		return QN_UNSEEN;
	s->nbytes = (uint64_t)st.st_size;
	s->mtime_ns = (int64_t)st.st_mtim.tv_sec * 1000000000 + st.st_mtim.tv_nsec;
	if (m->file_mtime_ns == QN_GROWING && s->nbytes >= m->file_nbytes)
		return QN_NSIGHTS;
	if (s->nbytes != m->file_nbytes)
		return QN_OTHER_SIZE;
	return s->mtime_ns != m->file_mtime_ns ? QN_OTHER_TIME : QN_NSIGHTS;
}

static enum qn_sight look_at(const struct qn_team *team, const struct qn_subject *subject,
			     uint32_t member, struct look *l)
{
	const struct qn_member *m = &subject->mosaic.member[member];
	struct qn_stranger s = { .member = member, .host = (uint32_t)qn_comm_host(team->comm) };
	int fd = m->ledger == QN_NO_LEDGER ? qn_file_open(m->file, NULL)
					   : qn_file_open_own(m->file, NULL);
	enum qn_sight seen;

	if (fd < 0)
		return QN_UNSEEN;
	seen = tell_apart(fd, m, &s);
	if (seen == QN_NSIGHTS)
		seen = sight_on(qn_source_medium(&team->site, m->file, fd));
	else if (m->ledger != QN_NO_LEDGER)
		/* What is in the place of a shard is a copy that was lost, of which there are others. */
		seen = QN_UNSEEN;
	else if (seen && l->nstrangers < MOST_STRANGERS)
		l->stranger[l->nstrangers++] = s;
	qn_sys_close(fd);
	return seen;
}

/* Members of one file mostly follow each other, and are looked at once. */
static void look_at_all(const struct qn_team *team, const struct qn_subject *subject,
			struct look *l)
{
	const struct qn_member *m = subject->mosaic.member;

	for (uint32_t i = 0; i < subject->mosaic.nmembers; i++)
		l->sight[i] = i && !strcmp(m[i].file, m[i - 1].file) &&
					      m[i].file_nbytes == m[i - 1].file_nbytes &&
					      m[i].file_mtime_ns == m[i - 1].file_mtime_ns
				      ? l->sight[i - 1]
				      : (uint8_t)look_at(team, subject, i, l);
}

/* What came from a host: false when it is none of what a host sends. */
static bool check_block(const uint8_t *block, uint64_t nbytes, size_t nmembers)
{
	for (size_t i = 0; i < nmembers && nbytes >= nmembers; i++)
		if (block[i] >= QN_NSIGHTS)
			return false;
	return nbytes >= nmembers && (nbytes - nmembers) % sizeof(struct qn_stranger) == 0 &&
	       (nbytes - nmembers) / sizeof(struct qn_stranger) <= MOST_STRANGERS;
}

/* Rank 0: the blocks of all hosts, which are there in their order. */
static enum quern_status take_blocks(const struct qn_team *team, const struct qn_subject *subject,
				     const uint8_t *all, const uint64_t *sizes,
				     struct qn_sights *out, struct quern_message *err)
{
	size_t nhosts = (size_t)qn_comm_nhosts(team->comm), n = subject->mosaic.nmembers, host = 0;
	struct qn_stranger *to;

	out->sight = qn_calloc(nhosts * n, 1);
	out->stranger = to = qn_calloc(nhosts * MOST_STRANGERS, sizeof(*out->stranger));
	if (!out->sight || !to)
		return qn_error_nomem(err, nhosts * n, "where files are");
	for (int r = 0; r < qn_comm_size(team->comm); all += sizes[r++]) {
		if (!sizes[r])
			continue;
		if (host == nhosts || !check_block(all, sizes[r], n))
			return qn_error_set(err, QUERN_ERR_RUN,
					    "rank %d says nothing of use about "
					    "where files are",
					    r);
		memcpy(out->sight + host++ * n, all, n);
		memcpy(to + out->nstrangers, all + n, sizes[r] - n);
		out->nstrangers += (sizes[r] - n) / sizeof(*to);
	}
	return host == nhosts ? QUERN_OK
			      : qn_error_set(err, QUERN_ERR_RUN,
					     "a host says nothing about where "
					     "files are");
}

/* What a host has found, in one piece; owned by the caller. NULL without memory. */
static uint8_t *flatten(const struct look *l, size_t nmembers, size_t *nbytes)
{
	size_t more = l->nstrangers * sizeof(*l->stranger);
	uint8_t *flat = qn_calloc(nmembers + more, 1);

	if (flat) {
		memcpy(flat, l->sight, nmembers);
		memcpy(flat + nmembers, l->stranger, more);
		*nbytes = nmembers + more;
	}
	return flat;
}

/* The first rank of each host looks; the others send nothing. Collective. */
static enum quern_status gather_sights(const struct qn_team *team, const struct qn_subject *subject,
				       struct qn_sights *out, struct quern_message *err)
{
	bool leads = qn_comm_host_rank(team->comm) == 0;
	uint64_t *sizes = qn_calloc((size_t)qn_comm_size(team->comm), sizeof(*sizes));
	struct look l = { .sight = leads ? qn_calloc(subject->mosaic.nmembers, 1) : NULL };
	uint8_t *flat = NULL;
	size_t nbytes = 0;
	void *all = NULL;
	enum quern_status st = QUERN_OK;

	if (leads && l.sight) {
		look_at_all(team, subject, &l);
		flat = flatten(&l, subject->mosaic.nmembers, &nbytes);
	}
	out->mine = l.sight;
	if (!sizes || (leads && !flat))
		st = qn_error_nomem(err, subject->mosaic.nmembers, "where files are");
	st = qn_comm_agree(team->comm, st, err);
	if (!st)
		st = qn_comm_gather_blocks(team->comm, flat, nbytes, &all, sizes, err);
	if (!st && all)
		st = take_blocks(team, subject, all, sizes, out, err);
	free(all);
	free(sizes);
	free(flat);
	return qn_comm_agree(team->comm, st, err);
}

/* --- sets: rank 0 --- */

static enum qn_sight sight_of(const struct view *v, size_t host, uint32_t member)
{
	return (enum qn_sight)v->sight[host * v->nmembers + member];
}

static bool same_sight(const struct view *v, uint32_t a, uint32_t b)
{
	for (size_t h = 0; h < v->nhosts; h++)
		if (sight_of(v, h, a) != sight_of(v, h, b))
			return false;
	return true;
}

static uint64_t hash_of(const struct view *v, uint32_t member)
{
	uint64_t hash = QN_DIGEST_OF_NONE;

	for (size_t h = 0; h < v->nhosts; h++) {
		const uint32_t sight = sight_of(v, h, member);

		hash = qn_digest(hash, &sight, sizeof(sight));
	}
	return hash;
}

static enum quern_status check_seen(const struct view *v, const struct qn_mosaic *m,
				    uint32_t member, struct quern_message *err)
{
	for (size_t h = 0; h < v->nhosts; h++)
		if (sight_of(v, h, member) != QN_UNSEEN)
			return QUERN_OK;
	if (m->member[member].ledger != QN_NO_LEDGER)
		return qn_source_no_copy(&m->member[member], err);
	return qn_error_set(err, QUERN_ERR_DATA, "%s: no host can open it", m->member[member].file);
}

/* The homes of a new set, which is that of a member. */
static uint32_t add_set(struct view *v, uint32_t member)
{
	struct qn_homes *h = &v->access->homes;
	size_t nelsewhere = 0, nown = 0;
	bool shared;

	for (size_t i = 0; i < v->nhosts; i++) {
		nelsewhere += sight_of(v, i, member) == QN_ELSEWHERE;
		nown += sight_of(v, i, member) > QN_ELSEWHERE;
	}
	shared = nelsewhere && nelsewhere + nown == v->nhosts;
	for (size_t i = 0; i < v->nhosts; i++) {
		enum qn_sight s = sight_of(v, i, member);

		if (s == QN_UNSEEN || (s == QN_ELSEWHERE && shared))
			continue;
		h->home[v->nhomes++] = (struct qn_home){ .host = (uint32_t)i,
							 .node = QN_ANY_NODE,
							 .tier = s == QN_ELSEWHERE ? QN_HOME_SHARED
								 : s == QN_IN_MEMORY
									 ? QN_HOME_MEMORY
									 : QN_HOME_DISK };
	}
	h->shared[h->nsets] = shared;
	v->like[h->nsets] = member;
	h->first[++h->nsets] = v->nhomes;
	return h->nsets - 1;
}

/* The set of a member; room for its homes is there. */
static uint32_t set_of(struct view *v, uint32_t member)
{
	size_t at = hash_of(v, member) & (v->nslots - 1);

	while (v->slot[at] && !same_sight(v, v->like[v->slot[at] - 1], member))
		at = (at + 1) & (v->nslots - 1);
	if (!v->slot[at])
		v->slot[at] = add_set(v, member) + 1;
	return v->slot[at] - 1;
}

static enum quern_status make_sets(struct view *v, const struct qn_mosaic *m,
				   struct quern_message *err)
{
	struct qn_access *r = v->access;
	enum quern_status st = QUERN_OK;
	size_t nseen = 0;

	for (size_t i = 0; i < v->nhosts * v->nmembers; i++)
		nseen += v->sight[i] != QN_UNSEEN;
	for (v->nslots = 4; v->nslots < 2 * v->nmembers;)
		v->nslots *= 2;
	v->slot = qn_calloc(v->nslots, sizeof(*v->slot));
	v->like = qn_calloc(v->nmembers, sizeof(*v->like));
	r->set = qn_calloc(v->nmembers, sizeof(*r->set));
	r->homes.first = qn_calloc(v->nmembers + 1, sizeof(*r->homes.first));
	r->homes.home = qn_calloc(nseen, sizeof(*r->homes.home));
	r->homes.shared = qn_calloc(v->nmembers, 1);
	if (!v->slot || !v->like || !r->set || !r->homes.first || !r->homes.home ||
	    !r->homes.shared)
		st = qn_error_nomem(err, nseen * sizeof(*r->homes.home), "homes");
	for (uint32_t i = 0; !st && i < v->nmembers; i++) {
		st = check_seen(v, m, i, err);
		if (!st)
			r->set[i] = set_of(v, i);
	}
	free(v->slot);
	free(v->like);
	return st;
}

/* --- all ranks --- */

static enum quern_status share(struct qn_comm *c, struct qn_access *r, size_t nmembers,
			       struct quern_message *err)
{
	struct {
		void *data;
		size_t size, extra;
	} part[] = {
		{ &r->homes.first, sizeof(*r->homes.first), 0 },
		{ &r->homes.home, sizeof(*r->homes.home), 0 },
		{ &r->homes.shared, 1, 0 },
		{ &r->set, sizeof(*r->set), 0 },
	};
	bool leads = qn_comm_rank(c) == 0;
	uint64_t nhomes = leads ? r->homes.first[r->homes.nsets] : 0, nsets = r->homes.nsets;
	enum quern_status st = qn_comm_bcast(c, &nsets, sizeof(nsets), err);

	if (!st)
		st = qn_comm_bcast(c, &nhomes, sizeof(nhomes), err);
	r->homes.nsets = (uint32_t)nsets;
	for (size_t i = 0; !st && i < sizeof(part) / sizeof(*part); i++) {
		size_t n[] = { nsets + 1, nhomes, nsets, nmembers };
		size_t nbytes = n[i] * part[i].size;

		st = qn_comm_bcast_block(c, part[i].data, &nbytes, err);
	}
	return st;
}

enum quern_status qn_access_find(const struct qn_team *team, const struct qn_subject *subject,
				 struct qn_where *where, struct quern_message *err)
{
	struct qn_sights sights = { .nstrangers = 0 };
	enum quern_status st;

	memset(&where->access, 0, sizeof(where->access));
	if (qn_comm_nhosts(team->comm) == 1)
		return QUERN_OK;
	st = gather_sights(team, subject, &sights, err);
	if (!st)
		st = qn_identity_check(team, subject, &sights, err);
	if (!st && qn_comm_rank(team->comm) == 0) {
		struct view v = { .sight = sights.sight,
				  .nhosts = (size_t)qn_comm_nhosts(team->comm),
				  .nmembers = subject->mosaic.nmembers,
				  .access = &where->access };

		st = make_sets(&v, &subject->mosaic, err);
	}
	st = qn_comm_agree(team->comm, st, err);
	if (!st)
		st = qn_comm_agree(team->comm,
				   share(team->comm, &where->access, subject->mosaic.nmembers, err),
				   err);
	free(sights.mine);
	free(sights.sight);
	free(sights.stranger);
	return st;
}

void qn_access_fini(struct qn_access *access)
{
	qn_homes_fini(&access->homes);
	free(access->set);
	access->set = NULL;
}

enum qn_tier qn_access_tier(const struct qn_access *access, uint32_t member, uint32_t host)
{
	static const enum qn_tier tiers[] = {
		[QN_HOME_MEMORY] = QN_MEMORY, [QN_HOME_DISK] = QN_DISK, [QN_HOME_SHARED] = QN_SHARED
	};
	const struct qn_homes *h = &access->homes;
	uint32_t set;

	if (!access->set)
		return QN_MEMORY;
	set = access->set[member];
	for (uint64_t i = h->first[set]; i < h->first[set + 1]; i++)
		if (h->home[i].host == host)
			return tiers[h->home[i].tier];
	return h->shared[set] ? QN_SHARED : QN_NTIERS;
}
