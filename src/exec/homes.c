#include "exec/homes.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "exec/source.h"

#define MOST_ASKED 8192		/* chunks whose pages are looked for */

/* --- one host --- */

/* A set of homes for each NUMA node; with one node, the host's memory as a whole. */
static enum quern_status make_node_sets(const struct qn_job *j, struct qn_homes *h,
					struct quern_message *err)
{
	const uint32_t nnodes = (uint32_t)qn_topo_nnodes(j->topo);

	h->nsets = nnodes;
	h->first = qn_calloc((size_t)nnodes + 1, sizeof(*h->first));
	h->home = qn_calloc(nnodes, sizeof(*h->home));
	h->shared = qn_calloc(nnodes, sizeof(*h->shared));
	if (!h->first || !h->home || !h->shared)
		return qn_error_nomem(err, nnodes * sizeof(*h->home), "homes");
	for (uint32_t k = 0; k < nnodes; k++) {
		uint16_t node = nnodes > 1 ? (uint16_t)k : QN_ANY_NODE;

		h->home[k] = (struct qn_home){ j->place.host, node, QN_HOME_MEMORY };
		h->first[k + 1] = k + 1;
		h->shared[k] = 1;
	}
	return QUERN_OK;
}

/* The node of the memory that holds a chunk, as a set. */
static uint32_t look_for_node(const struct qn_job *j, uint32_t member, const struct qn_chunk *c,
			      struct qn_opened *file)
{
	struct quern_message ignored = { .status = QUERN_OK };
	int node;

	/* A file that cannot be opened is reported by whoever must read it. */
	if (!c->nbytes || qn_opened_turn(file, &j->mosaic, member, j->report.host, &ignored))
		return QN_NO_HOMES;
	node = qn_topo_file_node(j->topo, file->fd, c->addr, c->nbytes);
	return node < 0 ? QN_NO_HOMES : (uint32_t)node;
}

static int by_address(const void *a, const void *b)
{
	const struct qn_stay *x = a, *y = b;

	return x->addr < y->addr ? -1 : x->addr > y->addr;
}

/* Asking takes tens of microseconds, so of very many chunks a part is asked, and speaks for those
   after it: neighbours in a file were mostly cached by the same process. */
static void ask_member(const struct qn_job *j, uint32_t member, uint64_t step,
		       struct qn_opened *file, struct qn_whereabouts *w)
{
	const struct qn_member *m = &j->mosaic.member[member];
	struct qn_stay *stay = w->stay + w->first[member];
	uint64_t n = 0;

	for (uint64_t i = 0; i < m->nchunks; i += step)
		stay[n++] = (struct qn_stay){ m->chunks[i].addr,
					      look_for_node(j, member, &m->chunks[i], file) };
	qsort(stay, n, sizeof(*stay), by_address);
	if (!n)
		stay[n++] = (struct qn_stay){ 0, QN_NO_HOMES };
	stay[0].addr = 0;
	w->first[member + 1] = w->first[member] + n;
}

static enum quern_status find_on_host(const struct qn_job *j, struct qn_whereabouts *w,
				      struct quern_message *err)
{
	struct quern_message ignored = { .status = QUERN_OK };
	struct qn_opened file = QN_OPENED_NONE;
	uint64_t nchunks = 0, step, room = 0;
	enum quern_status st = make_node_sets(j, &w->homes, err);

	for (uint32_t i = 0; i < j->mosaic.nmembers; i++)
		nchunks += j->mosaic.member[i].nchunks;
	/* On one node there is nothing to ask: one stay a member. */
	step = w->homes.nsets > 1 ? qn_max_u64(qn_ceil_div(nchunks, MOST_ASKED), 1) : UINT64_MAX;
	for (uint32_t i = 0; i < j->mosaic.nmembers; i++)
		room += qn_max_u64(qn_ceil_div(j->mosaic.member[i].nchunks, step), 1);
	w->stay = st ? NULL : qn_calloc(room, sizeof(*w->stay));
	if (!st && !w->stay)
		st = qn_error_nomem(err, room * sizeof(*w->stay), "homes");
	for (uint32_t i = 0; !st && i < j->mosaic.nmembers; i++) {
		if (w->homes.nsets > 1)
			ask_member(j, i, step, &file, w);
		else
			w->first[i + 1] = i + 1;
	}
	qn_opened_close(&file, j->report.host, &ignored);
	return st;
}

/* --- several hosts --- */

/* As far as hosts go: what all ranks know. */
static enum quern_status find_on_hosts(const struct qn_job *j, struct qn_whereabouts *w,
				       struct quern_message *err)
{
	const struct qn_homes *from = &j->reach.homes;
	struct qn_homes *h = &w->homes;
	uint64_t nhomes = from->first[from->nsets];

	h->nsets = from->nsets;
	h->first = qn_calloc((size_t)h->nsets + 1, sizeof(*h->first));
	h->home = qn_calloc(nhomes, sizeof(*h->home));
	h->shared = qn_calloc(h->nsets, sizeof(*h->shared));
	w->stay = qn_calloc(j->mosaic.nmembers, sizeof(*w->stay));
	if (!h->first || !h->home || !h->shared || !w->stay)
		return qn_error_nomem(err, nhomes * sizeof(*h->home), "homes");
	memcpy(h->first, from->first, ((size_t)h->nsets + 1) * sizeof(*h->first));
	memcpy(h->home, from->home, nhomes * sizeof(*h->home));
	memcpy(h->shared, from->shared, h->nsets);
	for (uint32_t i = 0; i < j->mosaic.nmembers; i++) {
		w->stay[i] = (struct qn_stay){ 0, j->reach.set[i] };
		w->first[i + 1] = i + 1;
	}
	return QUERN_OK;
}

enum quern_status qn_whereabouts_find(struct qn_job *j, struct qn_whereabouts *w,
				      struct quern_message *err)
{
	enum quern_status st = QUERN_OK;

	memset(w, 0, sizeof(*w));
	if (qn_comm_rank(j->comm) == 0) {
		w->first = qn_calloc((size_t)j->mosaic.nmembers + 1, sizeof(*w->first));
		if (!w->first)
			st = qn_error_nomem(err, j->mosaic.nmembers * sizeof(*w->first), "homes");
		else
			st = j->reach.set ? find_on_hosts(j, w, err) : find_on_host(j, w, err);
	}
	return qn_comm_agree(j->comm, st, err);
}

void qn_whereabouts_fini(struct qn_whereabouts *w)
{
	qn_homes_fini(&w->homes);
	free(w->first);
	free(w->stay);
	memset(w, 0, sizeof(*w));
}

uint32_t qn_whereabouts_set(const struct qn_whereabouts *w, uint32_t member, uint64_t addr,
			    uint64_t *hint)
{
	uint64_t low = w->first[member], end = w->first[member + 1], high = end;

	/* Mostly the same stay, or the next. */
	if (*hint >= low && *hint < end && w->stay[*hint].addr <= addr) {
		low = *hint;
		if (low + 1 == end || w->stay[low + 1].addr > addr)
			high = low + 1;
	}
	while (high - low > 1) {
		uint64_t mid = low + (high - low) / 2;

		if (w->stay[mid].addr <= addr)
			low = mid;
		else
			high = mid;
	}
	*hint = low;
	return w->stay[low].set;
}
