#include "locate/homes.h"

#include <stdlib.h>
#include <string.h>

#include "base/digest.h"
#include "base/log.h"
#include "base/mem.h"

#define MOST_SETS  16384u	       /* besides those of access */
#define MOST_HOMES (UINT64_C(1) << 23) /* of all sets */

/* Rank 0, while it makes sets. */
struct making {
	const struct qn_access *access;
	uint32_t nhosts;
	struct qn_whereabouts *w;
	size_t room_homes, room_firsts, room_sets, room_extents;
	uint64_t nextents;
	uint32_t most_sets;
	uint32_t *slot; /* owned: hash table of sets + 1, of a power of two */
	size_t nslots;
	struct qn_home *now; /* owned: the homes at the address at hand, by host */
	uint32_t nnow;
	bool shared; /* can all other hosts read it? */
	struct quern_message *err;
};

/* --- sets --- */

static uint64_t hash_of(const struct qn_home *home, uint64_t n, bool shared)
{
	const uint64_t hash = qn_digest(QN_DIGEST_OF_NONE ^ shared, home, n * sizeof(*home));

	return hash ^ hash >> 32;
}

static bool is_set(const struct qn_homes *h, uint32_t set, const struct qn_home *home, uint64_t n,
		   bool shared)
{
	return h->first[set + 1] - h->first[set] == n && !!h->shared[set] == shared &&
	       (!n || !memcmp(h->home + h->first[set], home, n * sizeof(*home)));
}

/* Room for one more set of n homes. */
static bool make_room(struct making *m, uint64_t n)
{
	struct qn_homes *h = &m->w->homes;
	uint64_t used = h->first[h->nsets];

	return qn_grow(&h->home, &m->room_homes, used + n + 1, sizeof(*h->home)) &&
	       qn_grow(&h->first, &m->room_firsts, h->nsets + 2, sizeof(*h->first)) &&
	       qn_grow(&h->shared, &m->room_sets, h->nsets + 1, sizeof(*h->shared));
}

/* The set of the homes at hand, or `instead` when there are too many sets. */
static enum quern_status find_set(struct making *m, uint32_t instead, uint32_t *set)
{
	struct qn_homes *h = &m->w->homes;
	size_t at = hash_of(m->now, m->nnow, m->shared) & (m->nslots - 1);

	for (; m->slot[at]; at = (at + 1) & (m->nslots - 1))
		if (is_set(h, m->slot[at] - 1, m->now, m->nnow, m->shared)) {
			*set = m->slot[at] - 1;
			return QUERN_OK;
		}
	*set = instead;
	if (instead != QN_NO_HOMES &&
	    (h->nsets >= m->most_sets || h->first[h->nsets] + m->nnow > MOST_HOMES))
		return QUERN_OK;
	if (!make_room(m, m->nnow))
		return qn_error_nomem(m->err, m->nnow * sizeof(*m->now), "homes");
	memcpy(h->home + h->first[h->nsets], m->now, m->nnow * sizeof(*m->now));
	h->shared[h->nsets] = m->shared;
	h->first[h->nsets + 1] = h->first[h->nsets] + m->nnow;
	*set = h->nsets++;
	m->slot[at] = *set + 1;
	return QUERN_OK;
}

/* The homes of a set of access, as those at hand. */
static void take_reach(struct making *m, uint32_t set)
{
	const struct qn_homes *from = &m->access->homes;

	m->nnow = (uint32_t)(from->first[set + 1] - from->first[set]);
	m->shared = from->shared[set];
	if (m->nnow)
		memcpy(m->now, from->home + from->first[set], m->nnow * sizeof(*m->now));
}

/* The sets of access, under their numbers. */
static enum quern_status copy_reach(struct making *m)
{
	enum quern_status st = QUERN_OK;
	uint32_t set;

	for (uint32_t i = 0; !st && m->access->set && i < m->access->homes.nsets; i++) {
		take_reach(m, i);
		st = find_set(m, QN_NO_HOMES, &set);
	}
	return st;
}

/* --- what a host has found --- */

static uint32_t place_of(const struct making *m, uint32_t host)
{
	uint32_t low = 0, high = m->nnow;

	while (low < high) {
		uint32_t mid = low + (high - low) / 2;

		if (m->now[mid].host < host)
			low = mid + 1;
		else
			high = mid;
	}
	return low;
}

/* Shared storage is no home where all can read it. */
static void apply(struct making *m, const struct qn_probed *f)
{
	uint32_t at = place_of(m, f->host);
	bool is_there = at < m->nnow && m->now[at].host == f->host;
	bool is_home = f->tier != QN_HOME_SHARED || !m->shared;

	if (is_there && !is_home) {
		m->nnow--;
		memmove(m->now + at, m->now + at + 1, (m->nnow - at) * sizeof(*m->now));
	} else if (is_home) {
		if (!is_there) {
			memmove(m->now + at + 1, m->now + at, (m->nnow - at) * sizeof(*m->now));
			m->nnow++;
		}
		m->now[at] = (struct qn_home){ f->host, f->node, f->tier };
	}
}

/* What a member has before anything was found of it. On one host nothing is known without. */
static uint32_t begin_member(struct making *m, uint32_t member)
{
	m->nnow = 0;
	m->shared = true;
	if (!m->access->set)
		return QN_NO_HOMES;
	take_reach(m, m->access->set[member]);
	return m->access->set[member];
}

static enum quern_status add_stay(struct making *m, uint64_t begin, uint64_t addr, uint32_t set)
{
	struct qn_whereabouts *w = m->w;

	if (m->nextents > begin && w->extent[m->nextents - 1].set == set)
		return QUERN_OK;
	if (!qn_grow(&w->extent, &m->room_extents, m->nextents + 1, sizeof(*w->extent)))
		return qn_error_nomem(m->err, m->nextents * sizeof(*w->extent), "homes");
	w->extent[m->nextents++] = (struct qn_home_extent){ addr, set };
	return QUERN_OK;
}

/* The stays of a member, of which n findings are given, by address. */
static enum quern_status make_stays(struct making *m, uint32_t member, const struct qn_probed *f,
				    size_t n)
{
	uint32_t base = begin_member(m, member), set = base;
	uint64_t begin = m->nextents;
	enum quern_status st = QUERN_OK;

	if (!n || f[0].addr)
		st = add_stay(m, begin, 0, base);
	for (size_t i = 0; !st && i < n; i++) {
		apply(m, &f[i]);
		if (i + 1 < n && f[i + 1].addr == f[i].addr)
			continue;
		st = find_set(m, base, &set);
		if (!st)
			st = add_stay(m, begin, f[i].addr, set);
	}
	m->w->first[member + 1] = m->nextents;
	return st;
}

static int by_place(const void *a, const void *b)
{
	const struct qn_probed *x = a, *y = b;

	if (x->member != y->member)
		return x->member < y->member ? -1 : 1;
	if (x->addr != y->addr)
		return x->addr < y->addr ? -1 : 1;
	return x->host < y->host ? -1 : x->host > y->host;
}

static bool are_possible(const struct qn_probed *f, size_t n, uint32_t nmembers, uint32_t nhosts)
{
	for (size_t i = 0; i < n; i++)
		if (f[i].member >= nmembers || f[i].host >= nhosts || f[i].tier > QN_HOME_SHARED)
			return false;
	return true;
}

static enum quern_status making_init(struct making *m, uint32_t nmembers)
{
	struct qn_whereabouts *w = m->w;

	m->most_sets = m->access->set ? m->access->homes.nsets + MOST_SETS : MOST_SETS;
	for (m->nslots = 64; m->nslots < 2 * (size_t)m->most_sets;)
		m->nslots *= 2;
	m->room_sets = m->room_extents = (size_t)nmembers + 16;
	m->slot = qn_calloc(m->nslots, sizeof(*m->slot));
	m->now = qn_calloc((size_t)m->nhosts + 1, sizeof(*m->now));
	m->room_firsts = m->room_sets + 1;
	w->homes.first = qn_calloc(m->room_firsts, sizeof(*w->homes.first));
	w->homes.shared = qn_calloc(m->room_sets, 1);
	w->first = qn_calloc((size_t)nmembers + 1, sizeof(*w->first));
	w->extent = qn_calloc(m->room_extents, sizeof(*w->extent));
	return m->slot && m->now && w->homes.first && w->homes.shared && w->first && w->extent
		       ? copy_reach(m)
		       : qn_error_nomem(m->err, m->room_extents * sizeof(*w->extent), "homes");
}

enum quern_status qn_whereabouts_make(const struct qn_access *access, uint32_t nmembers,
				      uint32_t nhosts, struct qn_probed *found, size_t n,
				      struct qn_whereabouts *w, struct quern_message *err)
{
	struct making m = { .access = access, .nhosts = nhosts, .w = w, .err = err };
	enum quern_status st;

	memset(w, 0, sizeof(*w));
	if (!are_possible(found, n, nmembers, nhosts))
		return qn_error_set(err, QUERN_ERR_RUN, "a host has found what cannot be");
	if (n)
		qsort(found, n, sizeof(*found), by_place);
	st = making_init(&m, nmembers);
	for (uint32_t i = 0; !st && i < nmembers; i++) {
		size_t k = 0;

		while (k < n && found[k].member == i)
			k++;
		st = make_stays(&m, i, found, k);
		found += k;
		n -= k;
	}
	free(m.slot);
	free(m.now);
	return st;
}

/* --- all ranks --- */

/* What all hosts have found, on rank 0, where it is owned. Collective. */
static enum quern_status gather_findings(const struct qn_team *team,
					 const struct qn_subject *subject,
					 const struct qn_where *where, struct qn_probed **all,
					 size_t *n, struct quern_message *err)
{
	size_t nranks = (size_t)qn_comm_size(team->comm), nmine = 0;
	uint64_t *sizes = qn_calloc(nranks, sizeof(*sizes)), at = 0;
	struct qn_probed *mine = NULL;
	void *blocks = NULL;
	enum quern_status st = sizes ? QUERN_OK : qn_error_nomem(err, 0, "homes");

	if (!st && qn_comm_host_rank(team->comm) == 0)
		st = qn_probe(team, subject, where, &mine, &nmine, err);
	st = qn_comm_agree(team->comm, st, err);
	if (!st)
		st = qn_comm_gather_blocks(team->comm, mine, nmine * sizeof(*mine), &blocks, sizes,
					   err);
	*all = blocks;
	for (size_t r = 0; !st && blocks && r < nranks; r++) {
		for (uint64_t i = 0; i < sizes[r] / sizeof(**all); i++)
			(*all)[at + i].host = team->places[r].host;
		at += sizes[r] / sizeof(**all);
	}
	*n = at;
	free(mine);
	free(sizes);
	return st;
}

enum quern_status qn_whereabouts_find(const struct qn_team *team, const struct qn_subject *subject,
				      const struct qn_where *where, struct qn_whereabouts *w,
				      struct quern_message *err)
{
	struct qn_probed *all = NULL;
	size_t n = 0;
	enum quern_status st = gather_findings(team, subject, where, &all, &n, err);

	memset(w, 0, sizeof(*w));
	if (!st && qn_comm_rank(team->comm) == 0)
		st = qn_whereabouts_make(&where->access, subject->mosaic.nmembers,
					 (uint32_t)qn_comm_nhosts(team->comm), all, n, w, err);
	if (!st && qn_comm_rank(team->comm) == 0)
		qn_log(QN_LOG_INFO, "homes: %zu places found of %u members, %u sets of homes", n,
		       subject->mosaic.nmembers, w->homes.nsets);
	free(all);
	return qn_comm_agree(team->comm, st, err);
}

void qn_whereabouts_fini(struct qn_whereabouts *w)
{
	qn_homes_fini(&w->homes);
	free(w->first);
	free(w->extent);
	memset(w, 0, sizeof(*w));
}

uint32_t qn_whereabouts_set(const struct qn_whereabouts *w, uint32_t member, uint64_t addr,
			    uint64_t *hint)
{
	uint64_t low = w->first[member], end = w->first[member + 1], high = end;
	uint32_t set;

	/* Mostly the same extent, or the next. */
	if (*hint >= low && *hint < end && w->extent[*hint].addr <= addr) {
		low = *hint;
		if (low + 1 == end || w->extent[low + 1].addr > addr)
			high = low + 1;
	}
	while (high - low > 1) {
		uint64_t mid = low + (high - low) / 2;

		if (w->extent[mid].addr <= addr)
			low = mid;
		else
			high = mid;
	}
	*hint = low;
	set = w->extent[low].set;
	return addr == QN_ADDR_NONE && set != QN_NO_HOMES && w->homes.shared[set] ? QN_NO_HOMES
										  : set;
}
