#include "plan/items.h"

#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "base/mem.h"
#include "select/progression.h"

/* --- parts --- */

/* The selected elements of a part, as a box of its member; false: none. */
static bool select_in_part(const struct quern_box *selection, const struct qn_part *part,
			   struct quern_box *box)
{
	*box = part->from;
	for (int d = 0; d < selection->ndim; d++) {
		struct qn_progression run;
		int a = part->axis[d];

		if (!qn_box_meet(&part->to, selection, d, &run))
			return false;
		if (a < 0)
			continue;
		box->start[a] += run.first * box->step[a];
		box->count[a] = run.count;
		if (run.count > 1) /* else the product may be of any size */
			box->step[a] *= run.step;
	}
	return true;
}

/* The demand in the dimensions of the member. */
static void demand_of_part(const struct qn_items *it, const struct qn_part *part,
			   struct quern_demand *out)
{
	*out = (struct quern_demand){ .min_nelems = it->demand.min_nelems };
	for (int d = 0; d < it->selection.ndim; d++)
		if (part->axis[d] >= 0)
			out->whole[part->axis[d]] = it->demand.whole[d];
}

bool qn_items_cut(const struct qn_items *it, uint64_t number, struct qn_slot *slot)
{
	struct quern_box selected;
	struct quern_demand demand;
	struct qn_dataset member;

	qn_mosaic_part(it->mosaic, number, &slot->part);
	if (!select_in_part(&it->selection, &slot->part, &selected))
		return false;
	qn_mosaic_member(it->mosaic, slot->part.member, &member);
	demand_of_part(it, &slot->part, &demand);
	qn_cut_init(&slot->cut, &member, &selected, it->has_demand ? &demand : NULL);
	return true;
}

/* Is every dimension that the kernel must see whole, whole in this part? */
static bool is_whole(const struct qn_items *it, const struct qn_slot *slot)
{
	for (int d = 0; d < it->selection.ndim; d++) {
		int a = slot->part.axis[d];
		uint64_t n = a < 0 ? 1 : slot->cut.selection.count[a];

		if (it->has_demand && it->demand.whole[d] && n != it->selection.count[d])
			return false;
	}
	return true;
}

static void count_part(struct qn_items *it, uint64_t number, const struct qn_slot *slot)
{
	uint64_t nchunks = 1;

	for (int a = 0; a < slot->cut.ndim; a++)
		nchunks *= slot->cut.ntouched[a];
	it->part[it->ntouched] = number;
	it->first[it->ntouched++] = it->nitems;
	it->nitems += slot->cut.nitems;
	it->nchunks += nchunks;
	it->max_chunks = qn_max_u64(it->max_chunks, qn_cut_max_chunks(&slot->cut));
	it->max_nelems = qn_max_u64(it->max_nelems, qn_cut_max_nelems(&slot->cut));
}

enum quern_status qn_items_init(struct qn_items *it, const struct qn_mosaic *m,
				const struct quern_box *selection,
				const struct quern_demand *demand, struct quern_message *err)
{
	struct qn_slot slot = { .is_set = false };

	*it = (struct qn_items){ .mosaic = m, .selection = *selection, .has_demand = demand };
	if (demand)
		it->demand = *demand;
	it->part = qn_calloc(m->nparts, sizeof(*it->part));
	it->first = qn_calloc(m->nparts, sizeof(*it->first));
	if (!it->part || !it->first) {
		qn_items_fini(it);
		return qn_error_nomem(err, 2 * m->nparts * sizeof(*it->part), "the items");
	}
	for (uint64_t i = 0; i < m->nparts; i++) {
		if (!qn_items_cut(it, i, &slot))
			continue;
		if (!is_whole(it, &slot)) {
			qn_items_fini(it);
			return qn_error_set(err, QUERN_ERR_DATA,
					    "%s: this kernel must see a "
					    "dimension whole, which is divided among several "
					    "files: join them along another dimension",
					    m->member[slot.part.member].file);
		}
		count_part(it, i, &slot);
	}
	QN_ASSERT_VALID(items, it);
	return QUERN_OK;
}

bool qn_items_is_valid(const struct qn_items *it, const char **why)
{
	QN_HOLDS(it->mosaic && it->ntouched <= it->mosaic->nparts,
		 "touched parts are parts of the mosaic");
	QN_HOLDS((it->ntouched > 0) == (it->nitems > 0), "there are items where parts are touched");
	for (uint64_t i = 0; i < it->ntouched; i++) {
		QN_HOLDS(it->part[i] < it->mosaic->nparts && (!i || it->part[i - 1] < it->part[i]),
			 "touched parts ascend and are parts of the mosaic");
		QN_HOLDS(i ? it->first[i - 1] < it->first[i] : it->first[i] == 0,
			 "first items ascend from 0");
		QN_HOLDS(it->first[i] < it->nitems, "a touched part has an item");
	}
	QN_HOLDS(it->nchunks >= it->nitems && it->max_chunks <= it->nchunks,
		 "each item has a chunk");
	return true;
}

void qn_items_fini(struct qn_items *it)
{
	free(it->part);
	free(it->first);
	memset(it, 0, sizeof(*it));
}

/* The touched part that an item is in. */
static uint64_t find_touched(const struct qn_items *it, uint64_t item)
{
	uint64_t low = 0, high = it->ntouched;

	while (high - low > 1) {
		uint64_t mid = low + (high - low) / 2;

		if (it->first[mid] <= item)
			low = mid;
		else
			high = mid;
	}
	return low;
}

void qn_items_seek(const struct qn_items *it, uint64_t item, struct qn_slot *slot)
{
	uint64_t t = slot->touched;

	if (!slot->is_set || item < it->first[t] || item - it->first[t] >= slot->cut.nitems) {
		t = find_touched(it, item);
		qn_items_cut(it, it->part[t], slot);
		slot->touched = t;
		slot->is_set = true;
	}
	slot->item = item - it->first[t];
}

void qn_slot_box(const struct qn_slot *slot, struct quern_box *from, struct quern_box *to)
{
	const struct qn_part *p = &slot->part;

	qn_cut_box(&slot->cut, slot->item, from);
	to->ndim = p->to.ndim;
	for (int d = 0; d < to->ndim; d++) {
		int a = p->axis[d];
		uint64_t index = a < 0 ? 0 : (from->start[a] - p->from.start[a]) / p->from.step[a];
		uint64_t step = a < 0 ? 1 : from->step[a] / p->from.step[a];

		to->start[d] = p->to.start[d] + index * p->to.step[d];
		to->count[d] = a < 0 ? 1 : from->count[a];
		to->step[d] = step * p->to.step[d];
	}
}
