/*
 * index_btree1.c - the version 1 B-tree, index of every chunked dataset before HDF5 1.10 and
 * of all that are written with the default format still (III.A.1 of the specification, node type 1).
 *
 *	"TREE" | 1 | level | entries used (2) | left | right | key child key child ... key
 *	key: stored bytes (4) | filter mask (4) | first element of the chunk (8 each) | 0 (8)
 *
 * A child of a node of level 0 is a chunk, described by the key before it.
 */
#include <stdlib.h>
#include <string.h>

#include "io/hdf5_format/index.h"

struct node {
	uint64_t addr;
	unsigned level;
	size_t nentries;
	uint8_t *entries; /* owned: key and child, nentries times */
};

static size_t key_nbytes(const struct qn_h5_walk *w)
{
	return 8 + 8 * ((size_t)w->ndim + 1);
}

static size_t entry_nbytes(const struct qn_h5_walk *w)
{
	return key_nbytes(w) + w->r->addr_nbytes;
}

static enum quern_status node_read(const struct qn_h5_walk *w, uint64_t addr, struct node *out)
{
	uint8_t head[8 + 2 * 8];
	size_t head_nbytes = 8 + 2 * w->r->addr_nbytes;
	enum quern_status status = qn_h5_read(w->r, addr, head_nbytes, head);

	if (status != QUERN_OK)
		return status;
	if (memcmp(head, "TREE", 4) || head[4] != 1)
		return qn_h5_damaged(w->r, addr, "there is no node of a B-tree of chunks");
	out->addr = addr;
	out->level = head[5];
	out->nentries = (size_t)qn_h5_uint(head + 6, 2);
	return qn_h5_read_new(w->r, addr + head_nbytes, out->nentries * entry_nbytes(w),
			      &out->entries);
}

static enum quern_status add_chunk(struct qn_h5_walk *w, const uint8_t *key, uint64_t addr)
{
	uint64_t coord[QUERN_MAX_DIMS], number;
	const uint8_t *p = key + 8;

	for (int i = 0; i < w->ndim; i++, p += 8) {
		uint64_t first = qn_h5_uint(p, 8);

		coord[i] = first / w->chunk[i];
		if (coord[i] * w->chunk[i] != first)
			return qn_h5_damaged(w->r, addr, "a chunk begins in the middle of another");
	}
	if (!qn_h5_grid_number(w, coord, &number))
		return qn_h5_damaged(w->r, addr, "a chunk is outside the dataset");
	if (!w->is_filtered)
		return qn_h5_add(w, number, addr, w->chunk_nbytes, 0);
	return qn_h5_add(w, number, addr, qn_h5_uint(key, 4), (uint32_t)qn_h5_uint(key + 4, 4));
}

static enum quern_status add_leaf(struct qn_h5_walk *w, const struct node *n)
{
	size_t key = key_nbytes(w), entry = entry_nbytes(w);
	enum quern_status status = QUERN_OK;

	for (size_t i = 0; i < n->nentries && status == QUERN_OK; i++) {
		const uint8_t *p = n->entries + i * entry;

		status = add_chunk(w, p, qn_h5_addr(w->r, p + key));
	}
	return status;
}

/* Grid coordinates of a key. */
static void place_of(const struct qn_h5_walk *w, const uint8_t *key, uint64_t *coord)
{
	for (int i = 0; i < w->ndim; i++)
		coord[i] = qn_h5_uint(key + 8 + 8 * i, 8) / w->chunk[i];
}

/* May child i have chunks of the part? Its keys lie between its own and the next; those of the last
   child before `end`, which is the next key of the parent. */
static bool is_wanted(const struct qn_h5_walk *w, const struct node *n, size_t i,
		      const uint64_t *end, uint64_t *next)
{
	uint64_t from[QUERN_MAX_DIMS];

	memcpy(next, end, (size_t)w->ndim * sizeof(*next));
	if (!w->is_part)
		return true;
	place_of(w, n->entries + i * entry_nbytes(w), from);
	if (i + 1 < n->nentries)
		place_of(w, n->entries + (i + 1) * entry_nbytes(w), next);
	return qn_h5_is_wanted(w, NULL, from, next);
}

static uint64_t child_addr(const struct qn_h5_walk *w, const struct node *n, size_t i)
{
	return qn_h5_addr(w->r, n->entries + i * entry_nbytes(w) + key_nbytes(w));
}

/* A full node of the default size holds 64 entries. */
static void prefetch_children(const struct qn_h5_walk *w, const struct node *n, const uint64_t *end)
{
	uint64_t next[QUERN_MAX_DIMS];

	for (size_t i = 0; i < n->nentries; i++)
		if (is_wanted(w, n, i, end, next))
			qn_h5_prefetch(w->r, child_addr(w, n, i), 64 * entry_nbytes(w));
}

static enum quern_status walk_node(struct qn_h5_walk *w, uint64_t addr, unsigned parent_level,
				   const uint64_t *end);

/* Levels fall by one from parent to child, which bounds the depth at 256. */
static enum quern_status walk_children(struct qn_h5_walk *w, const struct node *n,
				       const uint64_t *end)
{
	uint64_t next[QUERN_MAX_DIMS];
	enum quern_status status = QUERN_OK;

	prefetch_children(w, n, end);
	for (size_t i = 0; i < n->nentries && status == QUERN_OK; i++)
		if (is_wanted(w, n, i, end, next))
			status = walk_node(w, child_addr(w, n, i), n->level, next);
	return status;
}

static enum quern_status walk_node(struct qn_h5_walk *w, uint64_t addr, unsigned parent_level,
				   const uint64_t *end)
{
	struct node n = { .entries = NULL };
	enum quern_status status = node_read(w, addr, &n);

	if (status != QUERN_OK)
		return status;
	if (n.level >= parent_level)
		status = qn_h5_damaged(w->r, addr, "the levels of a B-tree do not fall");
	else
		status = n.level > 0 ? walk_children(w, &n, end) : add_leaf(w, &n);
	free(n.entries);
	return status;
}

enum quern_status qn_h5_walk_btree1(struct qn_h5_walk *w)
{
	uint64_t end[QUERN_MAX_DIMS];

	for (int i = 0; i < QUERN_MAX_DIMS; i++)
		end[i] = UINT64_MAX;
	return walk_node(w, w->layout.index_addr, 256, end);
}
