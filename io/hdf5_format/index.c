/*
 * index.c - the chunk index: the list that the walks fill, and which walk to take.
 */
#include "io/hdf5_format/index.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

static const struct {
	const char *name;
	qn_h5_walker *walk;
} kinds[] = {
	[QN_H5_BTREE1] = { "v1 B-tree", qn_h5_walk_btree1 },
	[QN_H5_SINGLE] = { "single chunk", qn_h5_walk_single },
	[QN_H5_IMPLICIT] = { "implicit", qn_h5_walk_implicit },
	[QN_H5_FIXED_ARRAY] = { "fixed array", qn_h5_walk_fixed_array },
	[QN_H5_EXTENSIBLE_ARRAY] = { "extensible array", qn_h5_walk_extensible_array },
	[QN_H5_BTREE2] = { "v2 B-tree", qn_h5_walk_btree2 },
};

static bool is_in_part(const struct qn_h5_walk *w, uint64_t number)
{
	for (int i = w->ndim - 1; i >= 0; i--) {
		uint64_t c = number % w->grid[i];

		if (c < w->low[i] || c > w->high[i])
			return false;
		number /= w->grid[i];
	}
	return true;
}

enum quern_status qn_h5_add(struct qn_h5_walk *w, uint64_t number, uint64_t addr, uint64_t nbytes,
			    uint32_t mask)
{
	if (w->is_part && !is_in_part(w, number))
		return QUERN_OK;
	if (!qn_grow(&w->chunks, &w->room, w->n + 1, sizeof(*w->chunks)))
		return qn_error_nomem(w->r->err, w->n * sizeof(*w->chunks), "a chunk index");
	if (nbytes > UINT32_MAX)
		return qn_h5_damaged(w->r, addr, "a chunk has more than 4 GiB");
	if (w->n > 0 && number <= w->chunks[w->n - 1].number)
		w->is_sorted = false;
	w->chunks[w->n++] = (struct qn_chunk){
		.number = number, .addr = addr, .nbytes = (uint32_t)nbytes, .filter_mask = mask
	};
	return QUERN_OK;
}

static void element_place(const struct qn_h5_walk *w, uint64_t i, uint64_t *coord)
{
	for (int k = w->ndim - 1; k > 0; k--) {
		coord[w->order.dim[k]] = i % w->order.extent[k];
		i /= w->order.extent[k];
	}
	coord[w->order.dim[0]] = i;
}

/* Number in the grid of element i of an array index; false when that chunk is outside of the
   present extent. */
static bool element_number(const struct qn_h5_walk *w, uint64_t i, uint64_t *number)
{
	uint64_t coord[QUERN_MAX_DIMS];

	element_place(w, i, coord);
	return qn_h5_grid_number(w, coord, number);
}

/* Dimensions in which both agree are those of all between them; of the first in which they differ all
   between them have a coordinate between theirs, and of the others any. */
bool qn_h5_is_wanted(const struct qn_h5_walk *w, const int *dim, const uint64_t *from,
		     const uint64_t *to)
{
	for (int k = 0; w->is_part && k < w->ndim; k++) {
		int d = dim ? dim[k] : k;

		if (from[d] > to[d])
			return true; /* damaged: whoever reads it finds out */
		if (to[d] < w->low[d] || from[d] > w->high[d])
			return false;
		if (from[d] < to[d])
			return true;
	}
	return true;
}

bool qn_h5_are_wanted(const struct qn_h5_walk *w, uint64_t first, uint64_t n)
{
	uint64_t from[QUERN_MAX_DIMS], to[QUERN_MAX_DIMS];

	if (!w->is_part)
		return true;
	element_place(w, first, from);
	element_place(w, first + (n - 1), to);
	return qn_h5_is_wanted(w, w->order.dim, from, to);
}

bool qn_h5_element_is_valid(const struct qn_h5_walk *w, unsigned elem_nbytes)
{
	unsigned plain = w->r->addr_nbytes;

	if (!w->is_filtered)
		return elem_nbytes == plain;
	return elem_nbytes > plain + 4 && elem_nbytes <= plain + 4 + 8;
}

enum quern_status qn_h5_add_elements(struct qn_h5_walk *w, uint64_t first, uint64_t n,
				     unsigned elem_nbytes, const uint8_t *p)
{
	unsigned width = w->r->addr_nbytes;
	enum quern_status status = QUERN_OK;

	for (uint64_t i = 0; i < n && status == QUERN_OK; i++, p += elem_nbytes) {
		uint64_t addr = qn_h5_addr(w->r, p), nbytes = w->chunk_nbytes, number;
		uint32_t mask = 0;

		if (addr == QN_ADDR_NONE || !element_number(w, first + i, &number))
			continue;
		if (w->is_filtered) {
			nbytes = qn_h5_uint(p + width, elem_nbytes - width - 4);
			mask = (uint32_t)qn_h5_uint(p + elem_nbytes - 4, 4);
		}
		status = qn_h5_add(w, number, addr, nbytes, mask);
	}
	return status;
}

static int by_number(const void *a, const void *b)
{
	uint64_t x = ((const struct qn_chunk *)a)->number, y = ((const struct qn_chunk *)b)->number;

	return (x > y) - (x < y);
}

static enum quern_status sort_list(struct qn_h5_walk *w)
{
	if (w->is_sorted)
		return QUERN_OK;
	qsort(w->chunks, w->n, sizeof(*w->chunks), by_number);
	for (size_t i = 1; i < w->n; i++)
		if (w->chunks[i].number == w->chunks[i - 1].number)
			return qn_h5_damaged(w->r, w->chunks[i].addr, "a chunk is listed twice");
	return QUERN_OK;
}

static bool edge_cuts(const struct qn_h5_walk *w, uint64_t number)
{
	for (int i = w->ndim - 1; i >= 0; i--) {
		uint64_t c = number % w->grid[i];

		number /= w->grid[i];
		if (c == w->grid[i] - 1 && w->shape[i] % w->chunk[i] != 0)
			return true;
	}
	return false;
}

/* The index does not say that no filter was applied to them: the dataset does. */
static void mark_raw_edges(struct qn_h5_walk *w)
{
	for (size_t i = 0; i < w->n; i++)
		if (edge_cuts(w, w->chunks[i].number))
			w->chunks[i].filter_mask |= w->all_filters;
}

/* The order of array indexes: only an extensible array has a dimension without a limit. */
static void init_order(struct qn_h5_walk *w)
{
	int unlimited = 0, k = 1;

	for (int i = 0; i < w->ndim; i++)
		if (w->max_grid[i] == 0)
			unlimited = i;
	w->order.dim[0] = unlimited;
	for (int i = 0; i < w->ndim; i++)
		if (i != unlimited) {
			w->order.dim[k] = i;
			w->order.extent[k++] = w->max_grid[i];
		}
}

/* The chunks that a box meets. */
static void limit_to(struct qn_h5_walk *w, const struct quern_box *part)
{
	w->is_part = part && part->ndim >= w->ndim;
	for (int i = 0; w->is_part && i < w->ndim; i++) {
		uint64_t last = part->start[i];

		if (part->count[i] == 0) {
			w->low[i] = 1; /* none */
			w->high[i] = 0;
			continue;
		}
		last += (part->count[i] - 1) * part->step[i];
		w->low[i] = part->start[i] / w->chunk[i];
		w->high[i] = last / w->chunk[i];
	}
}

static enum quern_status walk_init(struct qn_h5_walk *w, struct qn_h5_raw *r,
				   const struct qn_h5_layout *layout, const uint64_t *max_shape,
				   const struct quern_box *part, const struct qn_dataset *d)
{
	uint64_t nbytes = qn_dataset_chunk_nelems(d) * d->type.size;

	memset(w, 0, sizeof(*w));
	if (nbytes == 0 || nbytes > UINT32_MAX)
		return qn_h5_damaged(r, r->base, "a chunk has an impossible size");
	w->r = r;
	w->layout = *layout;
	w->ndim = d->ndim;
	w->is_sorted = true;
	w->ngrid = qn_dataset_grid(d, w->grid);
	w->is_filtered = d->nfilters > 0;
	w->all_filters = (uint32_t)((UINT64_C(1) << d->nfilters) - 1);
	w->chunk_nbytes = (uint32_t)nbytes;
	for (int i = 0; i < d->ndim; i++) {
		w->shape[i] = d->shape[i];
		w->chunk[i] = d->chunk[i];
		w->max_grid[i] =
			max_shape[i] == UINT64_MAX ? 0 : qn_ceil_div(max_shape[i], d->chunk[i]);
		if (max_shape[i] < d->shape[i] || max_shape[i] == 0)
			return qn_h5_damaged(r, r->base, "the dataset is larger than its limit");
		w->nunlimited += w->max_grid[i] == 0;
	}
	init_order(w);
	limit_to(w, part);
	return QUERN_OK;
}

/* The library and the layout message must agree on the chunks: the walks rely on it. */
static enum quern_status check_layout(const struct qn_h5_walk *w)
{
	const struct qn_h5_layout *l = &w->layout;

	if (l->class != QN_CHUNKED || l->ndims != (unsigned)w->ndim + 1)
		return qn_h5_damaged(w->r, w->r->base, "the layout message is of another dataset");
	for (int i = 0; i < w->ndim; i++)
		if (l->dim[i] != w->chunk[i])
			return qn_h5_damaged(w->r, w->r->base, "the chunks have two sizes");
	return QUERN_OK;
}

static enum quern_status walk(struct qn_h5_walk *w)
{
	enum quern_status status = check_layout(w);

	if (status != QUERN_OK || w->layout.index_addr == QN_ADDR_NONE || w->ngrid == 0)
		return status;
	return kinds[w->layout.index].walk(w);
}

enum quern_status qn_h5_index_read(struct qn_h5_raw *r, const struct qn_h5_layout *layout,
				   const uint64_t *max_shape, bool raw_edges,
				   const struct quern_box *part, struct qn_dataset *d)
{
	struct qn_h5_walk w;
	enum quern_status status = walk_init(&w, r, layout, max_shape, part, d);

	if (status == QUERN_OK)
		status = walk(&w);
	if (status == QUERN_OK)
		status = sort_list(&w);
	if (status != QUERN_OK) {
		free(w.chunks);
		return status;
	}
	if (raw_edges && w.is_filtered)
		mark_raw_edges(&w);
	snprintf(d->index, sizeof(d->index), "%s", kinds[layout->index].name);
	d->nchunks = w.n;
	d->chunks = w.chunks;
	return QUERN_OK;
}
