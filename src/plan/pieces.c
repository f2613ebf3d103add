#include "plan/pieces.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

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
