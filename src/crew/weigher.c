#include "crew/weigher.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

/* In decoded bytes, as plans count it. */
static uint64_t weigh_item(struct qn_item_weigher *w, uint64_t item)
{
	qn_items_seek(w->items, item, &w->slot);
	if (w->touched != w->slot.touched)
		w->walk.is_set = false;
	w->touched = w->slot.touched;
	qn_cut_walk(&w->slot.cut, w->slot.item, &w->walk);
	return w->walk.nelems * w->elem_nbytes;
}

static uint32_t member_of(void *ctx, uint64_t item)
{
	struct qn_item_weigher *w = ctx;

	qn_items_seek(w->items, item, &w->slot);
	return w->slot.part.member;
}

/* Are these the chunks of an item that has been weighed, and inside of its file? */
static bool are_chunks_of(struct qn_item_weigher *w, const struct qn_chunk *chunk, uint64_t n)
{
	const struct qn_member *m = &w->mosaic->member[w->slot.part.member];
	bool native = w->mosaic->form[m->form].native;

	if (w->walk.nchunks != n)
		return false;
	if (n == 1)
		w->number[0] = w->walk.number;
	else
		qn_cut_chunks(&w->slot.cut, w->slot.item, w->number);
	for (uint64_t i = 0; i < n; i++) {
		if (chunk[i].number != w->number[i])
			return false;
		if (native && chunk[i].addr != QN_ADDR_NONE &&
		    (chunk[i].addr > m->file_nbytes ||
		     chunk[i].nbytes > m->file_nbytes - chunk[i].addr))
			return false;
	}
	return true;
}

static bool weigh(void *ctx, uint64_t item, const struct qn_chunk *chunk, uint64_t n,
		  uint64_t *weight)
{
	*weight = weigh_item(ctx, item);
	return are_chunks_of(ctx, chunk, n);
}

enum quern_status qn_item_weigher_init(struct qn_item_weigher *w, const struct qn_mosaic *m,
				       const struct qn_items *items, uint64_t elem_nbytes,
				       struct quern_message *err)
{
	*w = (struct qn_item_weigher){ .mosaic = m, .items = items, .elem_nbytes = elem_nbytes };
	w->weigher = (struct qn_weigher){ .ctx = w,
					  .nitems = items->nitems,
					  .nchunks = items->nchunks,
					  .nmembers = m->nmembers,
					  .member = member_of,
					  .weigh = weigh };
	w->number = qn_calloc(items->max_chunks, sizeof(*w->number));
	return w->number ? QUERN_OK
			 : qn_error_nomem(err, items->max_chunks * sizeof(*w->number), "leases");
}

void qn_item_weigher_fini(struct qn_item_weigher *w)
{
	free(w->number);
	memset(w, 0, sizeof(*w));
}
