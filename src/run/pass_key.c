#include "run/pass_key.h"

static void add(struct qn_summer *s, uint64_t number)
{
	qn_summer_add(s, &number, sizeof(number));
}

static void add_box(struct qn_summer *s, const struct quern_box *b)
{
	add(s, (uint64_t)b->ndim);
	for (int d = 0; d < b->ndim; d++) {
		add(s, b->start[d]);
		add(s, b->count[d]);
		add(s, b->step[d]);
	}
}

static void add_layout(struct qn_summer *s, const struct qn_layout_of_state *l)
{
	add(s, (uint64_t)l->nsegments);
	for (int i = 0; i < l->nsegments; i++) {
		add(s, (uint64_t)l->segment[i].op);
		add(s, (uint64_t)l->segment[i].dtype);
		add(s, l->segment[i].nwords);
		add(s, l->segment[i].width);
	}
}

static void add_rows(struct qn_summer *s, const struct qn_run *run)
{
	const struct qn_rows *r = run->cells.rows;

	add(s, r == &run->places.rows);
	add(s, r->is_window);
	add(s, r->first);
	add(s, r->nrows);
	add(s, r->nkept);
}

/* What the kernel goes by in this pass. */
static void add_shared(struct qn_summer *s, const struct qn_run *run)
{
	const void *shared;
	size_t nbytes;

	if (!run->kernel->shared)
		return;
	shared = run->kernel->shared(run->self, &nbytes);
	qn_summer_add(s, shared, nbytes);
}

bool qn_run_pass_key(const struct qn_run *run, struct qn_sum *key)
{
	struct qn_summer *s = qn_summer_new();

	if (!s)
		return false;
	add(s, run->dataset_number);
	add(s, (uint64_t)run->npasses);
	add(s, run->items.nitems);
	add(s, run->items.nchunks);
	add(s, run->items.max_chunks);
	add(s, run->items.max_nelems);
	add_box(s, &run->items.selection);
	add_layout(s, &run->layout);
	add_rows(s, run);
	add_shared(s, run);
	qn_summer_get(s, key);
	qn_summer_free(s);
	return true;
}
