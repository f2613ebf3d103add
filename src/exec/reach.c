#include "exec/reach.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/mem.h"
#include "exec/source.h"

/* How a host sees a file. */
enum sight { UNSEEN, ELSEWHERE /* on storage that hosts share */, ON_DISK, IN_MEMORY, OTHER };

/* What rank 0 makes sets of. */
struct view {
	const uint8_t *sight;	/* borrows: host by host, of each member */
	size_t nhosts, nmembers;
	uint32_t *slot;		/* owned: hash table of sets + 1, of a power of two */
	size_t nslots;
	uint32_t *like;		/* owned: of each set, a member that has it */
	uint64_t nhomes;
	struct qn_reach *reach;
};

static enum sight look_at(const struct qn_member *m, const char *host)
{
	struct quern_message ignored = { .status = QUERN_OK };
	enum sight seen = UNSEEN;
	int fd = open(m->file, O_RDONLY | O_CLOEXEC);

	if (fd < 0)
		return UNSEEN;
	if (qn_source_check_member(fd, m, host, &ignored))
		seen = OTHER;
	else
		switch (qn_source_medium(fd)) {
		case QN_MEDIUM_MEMORY: seen = IN_MEMORY; break;
		case QN_MEDIUM_DISK: seen = ON_DISK; break;
		case QN_MEDIUM_SHARED: seen = ELSEWHERE; break;
		}
	close(fd);
	return seen;
}

/* A row a host, which its first rank has looked for; the others send nothing. */
static enum quern_status gather_sights(struct qn_comm *c, const struct qn_mosaic *m,
				       const char *host, uint8_t **sight, struct quern_message *err)
{
	bool leads = qn_comm_host_rank(c) == 0;
	uint8_t *mine = qn_calloc(leads ? m->nmembers : 0, 1);
	uint64_t *sizes = qn_calloc((size_t)qn_comm_size(c), sizeof(*sizes));
	enum quern_status st = QUERN_OK;
	void *all = NULL;

	if (!mine || !sizes)
		st = qn_error_nomem(err, m->nmembers, "where files are");
	for (uint32_t i = 0; !st && leads && i < m->nmembers; i++)
		mine[i] = (uint8_t)look_at(&m->member[i], host);
	st = qn_comm_agree(c, st, err);
	if (!st)
		st = qn_comm_gather_blocks(c, mine, leads ? m->nmembers : 0, &all, sizes, err);
	*sight = all;
	free(sizes);
	free(mine);
	return st;
}

/* --- sets: rank 0 --- */

static enum sight sight_of(const struct view *v, size_t host, uint32_t member)
{
	return (enum sight)v->sight[host * v->nmembers + member];
}

static bool same_sight(const struct view *v, uint32_t a, uint32_t b)
{
	for (size_t h = 0; h < v->nhosts; h++)
		if (sight_of(v, h, a) != sight_of(v, h, b))
			return false;
	return true;
}

/* FNV-1a, 64 bits. */
static uint64_t hash_of(const struct view *v, uint32_t member)
{
	uint64_t hash = UINT64_C(0xcbf29ce484222325);

	for (size_t h = 0; h < v->nhosts; h++)
		hash = (hash ^ sight_of(v, h, member)) * UINT64_C(0x100000001b3);
	return hash;
}

static enum quern_status check_sights(const struct view *v, const struct qn_mosaic *m,
				      uint32_t member, struct quern_message *err)
{
	bool seen = false;

	for (size_t h = 0; h < v->nhosts; h++) {
		if (sight_of(v, h, member) == OTHER)
			return qn_error_set(err, QUERN_ERR_DATA, "%s: host number %zu sees another "
					    "file under this path than the one that was described; "
					    "give all hosts the same file", m->member[member].file, h);
		seen = seen || sight_of(v, h, member) != UNSEEN;
	}
	if (seen)
		return QUERN_OK;
	return qn_error_set(err, QUERN_ERR_DATA, "%s: no host can open it", m->member[member].file);
}

/* The homes of a new set, which is that of a member. */
static uint32_t add_set(struct view *v, uint32_t member)
{
	struct qn_homes *h = &v->reach->homes;
	size_t nelsewhere = 0, nown = 0;
	bool shared;

	for (size_t i = 0; i < v->nhosts; i++) {
		nelsewhere += sight_of(v, i, member) == ELSEWHERE;
		nown += sight_of(v, i, member) > ELSEWHERE;
	}
	shared = nelsewhere && nelsewhere + nown == v->nhosts;
	for (size_t i = 0; i < v->nhosts; i++) {
		enum sight s = sight_of(v, i, member);

		if (s == UNSEEN || (s == ELSEWHERE && shared))
			continue;
		h->home[v->nhomes++] = (struct qn_home){
			.host = (uint32_t)i, .node = QN_ANY_NODE,
			.tier = s == ELSEWHERE ? QN_HOME_SHARED
			      : s == IN_MEMORY ? QN_HOME_MEMORY : QN_HOME_DISK };
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
	struct qn_reach *r = v->reach;
	enum quern_status st = QUERN_OK;
	size_t nseen = 0;

	for (size_t i = 0; i < v->nhosts * v->nmembers; i++)
		nseen += v->sight[i] != UNSEEN;
	for (v->nslots = 4; v->nslots < 2 * v->nmembers; )
		v->nslots *= 2;
	v->slot = qn_calloc(v->nslots, sizeof(*v->slot));
	v->like = qn_calloc(v->nmembers, sizeof(*v->like));
	r->set = qn_calloc(v->nmembers, sizeof(*r->set));
	r->homes.first = qn_calloc(v->nmembers + 1, sizeof(*r->homes.first));
	r->homes.home = qn_calloc(nseen, sizeof(*r->homes.home));
	r->homes.shared = qn_calloc(v->nmembers, 1);
	if (!v->slot || !v->like || !r->set || !r->homes.first || !r->homes.home || !r->homes.shared)
		st = qn_error_nomem(err, nseen * sizeof(*r->homes.home), "homes");
	for (uint32_t i = 0; !st && i < v->nmembers; i++) {
		st = check_sights(v, m, i, err);
		if (!st)
			r->set[i] = set_of(v, i);
	}
	free(v->slot);
	free(v->like);
	return st;
}

/* --- all ranks --- */

static enum quern_status share(struct qn_comm *c, struct qn_reach *r, size_t nmembers,
			       struct quern_message *err)
{
	struct { void **data; size_t size, extra; } part[] = {
		{ (void **)&r->homes.first, sizeof(*r->homes.first), 0 },
		{ (void **)&r->homes.home, sizeof(*r->homes.home), 0 },
		{ (void **)&r->homes.shared, 1, 0 },
		{ (void **)&r->set, sizeof(*r->set), 0 },
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

enum quern_status qn_reach_find(struct qn_comm *c, const struct qn_mosaic *m, const char *host,
				struct qn_reach *reach, struct quern_message *err)
{
	uint8_t *sight = NULL;
	enum quern_status st;

	memset(reach, 0, sizeof(*reach));
	if (qn_comm_nhosts(c) == 1)
		return QUERN_OK;
	st = gather_sights(c, m, host, &sight, err);
	if (!st && qn_comm_rank(c) == 0) {
		struct view v = { .sight = sight, .nhosts = (size_t)qn_comm_nhosts(c),
				  .nmembers = m->nmembers, .reach = reach };

		st = make_sets(&v, m, err);
	}
	st = qn_comm_agree(c, st, err);
	if (!st)
		st = qn_comm_agree(c, share(c, reach, m->nmembers, err), err);
	free(sight);
	return st;
}

void qn_reach_fini(struct qn_reach *reach)
{
	qn_homes_fini(&reach->homes);
	free(reach->set);
	reach->set = NULL;
}

enum qn_tier qn_reach_tier(const struct qn_reach *reach, uint32_t member, uint32_t host)
{
	static const enum qn_tier tiers[] = { [QN_HOME_MEMORY] = QN_MEMORY,
					      [QN_HOME_DISK] = QN_DISK,
					      [QN_HOME_SHARED] = QN_SHARED };
	const struct qn_homes *h = &reach->homes;
	uint32_t set;

	if (!reach->set)
		return QN_MEMORY;
	set = reach->set[member];
	for (uint64_t i = h->first[set]; i < h->first[set + 1]; i++)
		if (h->home[i].host == host)
			return tiers[h->home[i].tier];
	return h->shared[set] ? QN_SHARED : QN_NTIERS;
}
