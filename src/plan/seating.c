#include "plan/seating.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

struct sitting {
	uint32_t host, node, rank;
};

static int by_place(const void *a, const void *b)
{
	const struct sitting *x = a, *y = b;

	if (x->host != y->host)
		return x->host < y->host ? -1 : 1;
	if (x->node != y->node)
		return x->node < y->node ? -1 : 1;
	return x->rank < y->rank ? -1 : x->rank > y->rank;
}

static bool allocate(struct qn_seating *s)
{
	size_t n = (size_t)s->cluster->nranks;

	for (size_t r = 0; r < n; r++)
		if (s->cluster->place[r].host >= s->nnumbers)
			s->nnumbers = s->cluster->place[r].host + 1;
	s->seat = qn_calloc(n, sizeof(*s->seat));
	s->by_place = qn_calloc(n, sizeof(*s->by_place));
	s->host_first = qn_calloc(n + 1, sizeof(*s->host_first));
	s->host_threads = qn_calloc(n, sizeof(*s->host_threads));
	s->host_of = qn_calloc(s->nnumbers, sizeof(*s->host_of));
	s->host = qn_calloc(n, sizeof(*s->host));
	return s->seat && s->by_place && s->host_first && s->host_threads && s->host_of && s->host;
}

/* The next rank in order: on the last seat, or on one of its own. */
static void sit_down(struct qn_seating *s, const struct sitting *who, uint32_t i)
{
	struct qn_seat *last = s->nseats ? &s->seat[s->nseats - 1] : NULL;
	bool same_host = last && s->host_of[who->host] == last->host;
	double nthreads = s->cluster->place[who->rank].nthreads;

	if (!same_host) {
		s->host_of[who->host] = s->nhosts;
		s->host_first[s->nhosts++] = s->nseats;
	}
	if (!same_host || last->node != who->node) {
		last = &s->seat[s->nseats++];
		*last = (struct qn_seat){ .host = s->nhosts - 1, .node = who->node, .first = i };
		s->host[s->nseats - 1] = last->host;
		s->regular = s->regular && who->node == s->nseats - 1 - s->host_first[last->host];
	}
	s->by_place[i] = who->rank;
	last->nranks++;
	last->nthreads += nthreads;
	s->host_threads[last->host] += nthreads;
	s->nthreads += nthreads;
}

enum quern_status qn_seating_init(struct qn_seating *s, const struct qn_cluster *cluster,
				  const struct qn_work *work, const struct qn_rates *rates,
				  struct quern_message *err)
{
	uint32_t n = (uint32_t)cluster->nranks;
	struct sitting *all = qn_calloc(n, sizeof(*all));

	*s = (struct qn_seating){
		.cluster = cluster, .work = work, .rates = rates, .regular = true
	};
	if (!all || !allocate(s)) {
		free(all);
		qn_seating_fini(s);
		return qn_error_nomem(err, n * sizeof(*s->seat), "the ranks of a plan");
	}
	for (uint32_t r = 0; r < n; r++)
		all[r] = (struct sitting){ cluster->place[r].host, cluster->place[r].node, r };
	memset(s->host_of, 0xff, s->nnumbers * sizeof(*s->host_of));
	qsort(all, n, sizeof(*all), by_place);
	for (uint32_t i = 0; i < n; i++)
		sit_down(s, &all[i], i);
	s->host_first[s->nhosts] = s->nseats;
	free(all);
	return QUERN_OK;
}

void qn_seating_fini(struct qn_seating *s)
{
	free(s->seat);
	free(s->by_place);
	free(s->host_first);
	free(s->host_threads);
	free(s->host_of);
	free(s->host);
	memset(s, 0, sizeof(*s));
}

uint32_t qn_seating_search(const struct qn_seating *s, uint32_t host, uint32_t node)
{
	uint32_t first = s->host_first[host], low = first, high = s->host_first[host + 1];

	while (low < high) {
		uint32_t mid = low + (high - low) / 2;

		if (s->seat[mid].node <= node)
			low = mid + 1;
		else
			high = mid;
	}
	return low > first ? low - 1 : first;
}

enum qn_tier qn_seating_tier(const struct qn_seating *s, const struct qn_lump_homes *f,
			     uint32_t seat)
{
	static const enum qn_tier tiers[] = {
		[QN_HOME_MEMORY] = QN_MEMORY, [QN_HOME_DISK] = QN_DISK, [QN_HOME_SHARED] = QN_SHARED
	};
	const double *read = s->rates->read;
	enum qn_tier best = QN_NTIERS;
	uint32_t host = s->host[seat];

	for (uint32_t i = 0; i < f->n; i++) {
		const struct qn_home *h = &f->home[i];
		enum qn_tier t = tiers[h->tier];

		if (qn_seating_host(s, h) != host)
			continue;
		if (t != QN_SHARED && h->node != QN_ANY_NODE &&
		    qn_seating_at(s, host, h->node) != seat)
			t++;
		if (best == QN_NTIERS || read[t] < read[best])
			best = t;
	}
	if (f->shared && (best == QN_NTIERS || read[QN_SHARED] < read[best]))
		best = QN_SHARED;
	return best;
}

void qn_pieces_fini(struct qn_pieces *p)
{
	free(p->piece);
	memset(p, 0, sizeof(*p));
}

void qn_pieces_add(struct qn_pieces *p, uint64_t first, uint64_t n, uint32_t lump, uint32_t at)
{
	struct qn_piece *last = p->n ? &p->piece[p->n - 1] : NULL;

	if (last && last->at == at && last->first + last->n == first) {
		last->n += n;
		return;
	}
	if (!qn_grow(&p->piece, &p->room, p->n + 1, sizeof(*p->piece))) {
		p->failed = true;
		return;
	}
	p->piece[p->n++] = (struct qn_piece){ first, n, lump, at };
}

static int by_first(const void *a, const void *b)
{
	const struct qn_piece *x = a, *y = b;

	return x->first < y->first ? -1 : x->first > y->first;
}

/* Sorts n pieces that may be in order already. */
static void sort(struct qn_piece *piece, uint64_t n)
{
	for (uint64_t i = 1; i < n; i++)
		if (piece[i].first < piece[i - 1].first) {
			qsort(piece, n, sizeof(*piece), by_first);
			return;
		}
}

enum quern_status qn_pieces_sort(struct qn_pieces *p, uint32_t nplaces, uint64_t **begin,
				 struct quern_message *err)
{
	struct qn_piece *sorted = p->failed ? NULL : qn_calloc(p->n, sizeof(*sorted));
	uint64_t *at = qn_calloc((size_t)nplaces + 2, sizeof(*at));

	if (!sorted || !at) {
		free(sorted);
		free(at);
		return qn_error_nomem(err, 2 * p->room * sizeof(*sorted), "the plan");
	}
	for (uint64_t i = 0; i < p->n; i++)
		at[p->piece[i].at + 2]++;
	for (uint32_t k = 0; k < nplaces; k++)
		at[k + 2] += at[k + 1];
	for (uint64_t i = 0; i < p->n; i++)
		sorted[at[p->piece[i].at + 1]++] = p->piece[i];
	for (uint32_t k = 0; k < nplaces; k++)
		sort(sorted + at[k], at[k + 1] - at[k]);
	free(p->piece);
	p->piece = sorted;
	p->room = p->n;
	*begin = at;
	return QUERN_OK;
}

const struct qn_lump *qn_work_find(const struct qn_work *w, uint64_t item, uint32_t *hint)
{
	uint64_t low = 0, high = w->nlumps;

	for (uint64_t k = *hint; k < w->nlumps && k < *hint + UINT64_C(2); k++)
		if (item >= w->lump[k].first && item - w->lump[k].first < w->lump[k].n) {
			*hint = (uint32_t)k;
			return &w->lump[k];
		}
	while (high - low > 1) {
		uint64_t mid = low + (high - low) / 2;

		if (w->lump[mid].first <= item)
			low = mid;
		else
			high = mid;
	}
	*hint = (uint32_t)low;
	return &w->lump[low];
}
