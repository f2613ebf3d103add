/*
 * index_btree2.c - the version 2 B-tree, index of datasets that can grow without limit in
 * several dimensions (III.A.2 of the specification, record types 10 and 11).
 *
 *	leaf: "BTLF" | 0 | type | records | checksum
 *	inner: "BTIN" | 0 | type | records | children, one more than records | checksum
 *	child: address (O) | its records | all records below it (not if the child is a leaf)
 *
 * The widths of the two counts follow from the most records that a node of a level can have.
 */
#include <stdlib.h>

#include "base/mem.h"
#include "io/hdf5_format/index.h"

/* A node has two children at the least, so deeper trees have more records than can be counted. */
#define MAX_DEPTH 64

struct btree2 {
	struct qn_h5_walk *w;
	unsigned type;
	uint64_t node_nbytes;
	unsigned record_nbytes;
	unsigned depth;			      /* 0: the root is a leaf */
	unsigned count_nbytes;		      /* width of "its records" */
	unsigned total_nbytes[MAX_DEPTH + 1]; /* width of "all records below", by level */
	uint64_t max_nrecords[MAX_DEPTH + 1]; /* of a node of a level; leaves are level 0 */
	uint64_t root_addr;
	uint64_t root_nrecords;
};

/* Bytes that hold the number x. */
static unsigned width_of(uint64_t x)
{
	return x == 0 ? 1 : (63u - (unsigned)__builtin_clzll(x)) / 8 + 1;
}

/* Signature, version, type; checksum. */
#define NODE_OVERHEAD 10

static unsigned child_nbytes(const struct btree2 *b, unsigned level)
{
	return b->w->r->addr_nbytes + b->count_nbytes +
	       (level > 1 ? b->total_nbytes[level - 1] : 0);
}

/* Fills the tables by level; false when the numbers make no sense. */
static bool size_levels(struct btree2 *b)
{
	uint64_t total;

	if (b->depth > MAX_DEPTH || b->node_nbytes < NODE_OVERHEAD || b->record_nbytes == 0)
		return false;
	total = b->max_nrecords[0] = (b->node_nbytes - NODE_OVERHEAD) / b->record_nbytes;
	b->count_nbytes = width_of(total);
	for (unsigned level = 1; level <= b->depth; level++) {
		unsigned child = child_nbytes(b, level);
		uint64_t n, below = total;

		if (b->node_nbytes < NODE_OVERHEAD + (uint64_t)child)
			return false;
		n = (b->node_nbytes - NODE_OVERHEAD - child) / (b->record_nbytes + child);
		if (n == 0 || !qn_mul(n + 1, below, &total) || !qn_add(total, n, &total))
			return false;
		b->max_nrecords[level] = n;
		b->total_nbytes[level] = width_of(total);
	}
	return true;
}

/* A record: address (O), [stored bytes (the width is what is left over), filter mask (4),] grid
   coordinates (8 each). */
static bool record_is_valid(const struct btree2 *b)
{
	unsigned plain = b->w->r->addr_nbytes + 8 * (unsigned)b->w->ndim;

	if (!b->w->is_filtered)
		return b->type == 10 && b->record_nbytes == plain;
	return b->type == 11 && b->record_nbytes > plain + 4 && b->record_nbytes <= plain + 4 + 8;
}

/* "BTHD" | 0 | type | bytes of a node (4) | of a record (2) | depth (2) | split | merge | root (O) |
   records of the root (2) | all records (L) | checksum */
static enum quern_status header(struct btree2 *b)
{
	struct qn_h5_raw *r = b->w->r;
	uint64_t addr = b->w->layout.index_addr;
	size_t nbytes = 16u + r->addr_nbytes + 2u + r->length_nbytes + 4u;
	uint8_t p[16 + 8 + 2 + 8 + 4];
	enum quern_status status = qn_h5_read(r, addr, nbytes, p);

	if (status == QUERN_OK)
		status = qn_h5_check_block(r, addr, p, nbytes, "BTHD", "v2 B-tree header");
	if (status != QUERN_OK)
		return status;
	b->type = p[5];
	b->node_nbytes = qn_h5_uint(p + 6, 4);
	b->record_nbytes = (unsigned)qn_h5_uint(p + 10, 2);
	b->depth = (unsigned)qn_h5_uint(p + 12, 2);
	b->root_addr = qn_h5_addr(r, p + 16);
	b->root_nrecords = qn_h5_uint(p + 16 + r->addr_nbytes, 2);
	if (!record_is_valid(b) || !size_levels(b))
		return qn_h5_damaged(r, addr, "the v2 B-tree header makes no sense");
	return QUERN_OK;
}

/* Grid coordinates of a record. */
static void place_of(const struct btree2 *b, const uint8_t *record, uint64_t *coord)
{
	const uint8_t *at = record + b->record_nbytes - 8 * (size_t)b->w->ndim;

	for (int i = 0; i < b->w->ndim; i++)
		coord[i] = qn_h5_uint(at + 8 * i, 8);
}

static enum quern_status add_record(const struct btree2 *b, const uint8_t *p)
{
	struct qn_h5_walk *w = b->w;
	uint64_t addr = qn_h5_addr(w->r, p), nbytes = w->chunk_nbytes, number;
	uint64_t coord[QUERN_MAX_DIMS];
	const uint8_t *at = p + b->record_nbytes - 8 * (size_t)w->ndim;
	uint32_t mask = 0;

	if (w->is_filtered) {
		unsigned width = (unsigned)(at - p) - w->r->addr_nbytes - 4;

		nbytes = qn_h5_uint(p + w->r->addr_nbytes, width);
		mask = (uint32_t)qn_h5_uint(at - 4, 4);
	}
	place_of(b, p, coord);
	if (!qn_h5_grid_number(w, coord, &number))
		return qn_h5_damaged(w->r, addr, "a chunk is outside the dataset");
	return qn_h5_add(w, number, addr, nbytes, mask);
}

/* Coordinates of the records before and after all those of a node. */
struct between {
	uint64_t from[QUERN_MAX_DIMS], to[QUERN_MAX_DIMS];
};

static enum quern_status walk_node(const struct btree2 *b, uint64_t addr, uint64_t nrecords,
				   unsigned level, const struct between *in);

/* May child i of a node have chunks of the part? out: what its records lie between. */
static bool is_wanted(const struct btree2 *b, const uint8_t *records, uint64_t nrecords, uint64_t i,
		      const struct between *in, struct between *out)
{
	*out = *in;
	if (!b->w->is_part)
		return true;
	if (i > 0)
		place_of(b, records + (i - 1) * b->record_nbytes, out->from);
	if (i < nrecords)
		place_of(b, records + i * b->record_nbytes, out->to);
	return qn_h5_is_wanted(b->w, NULL, out->from, out->to);
}

static void prefetch_children(const struct btree2 *b, const uint8_t *records, uint64_t nrecords,
			      unsigned level, const struct between *in)
{
	const uint8_t *child = records + nrecords * b->record_nbytes;
	struct between out;

	for (uint64_t i = 0; i <= nrecords; i++, child += child_nbytes(b, level))
		if (is_wanted(b, records, nrecords, i, in, &out))
			qn_h5_prefetch(b->w->r, qn_h5_addr(b->w->r, child), b->node_nbytes);
}

/* In order: child, record, child, ..., so that the list comes out sorted. */
static enum quern_status walk_records(const struct btree2 *b, const uint8_t *records,
				      uint64_t nrecords, unsigned level, const struct between *in)
{
	unsigned width = b->w->r->addr_nbytes, child_width = level > 0 ? child_nbytes(b, level) : 0;
	const uint8_t *record = records, *child = records + nrecords * b->record_nbytes;
	enum quern_status status = QUERN_OK;
	struct between out;

	if (level > 0)
		prefetch_children(b, records, nrecords, level, in);
	for (uint64_t i = 0; i <= nrecords && status == QUERN_OK; i++) {
		if (level > 0 && is_wanted(b, records, nrecords, i, in, &out))
			status = walk_node(b, qn_h5_addr(b->w->r, child),
					   qn_h5_uint(child + width, b->count_nbytes), level - 1,
					   &out);
		if (status == QUERN_OK && i < nrecords)
			status = add_record(b, record);
		record += b->record_nbytes;
		child += child_width;
	}
	return status;
}

static enum quern_status walk_node(const struct btree2 *b, uint64_t addr, uint64_t nrecords,
				   unsigned level, const struct between *in)
{
	struct qn_h5_raw *r = b->w->r;
	uint64_t nbytes = NODE_OVERHEAD + nrecords * b->record_nbytes;
	uint8_t *p;
	enum quern_status status;

	if (nrecords > b->max_nrecords[level])
		return qn_h5_damaged(r, addr, "a node of a v2 B-tree has too many records");
	if (level > 0)
		nbytes += (nrecords + 1) * child_nbytes(b, level);
	status = qn_h5_read_new(r, addr, nbytes, &p);
	if (status != QUERN_OK)
		return status;
	status = qn_h5_check_block(r, addr, p, nbytes, level > 0 ? "BTIN" : "BTLF",
				   "v2 B-tree node");
	if (status == QUERN_OK)
		status = walk_records(b, p + 6, nrecords, level, in);
	free(p);
	return status;
}

enum quern_status qn_h5_walk_btree2(struct qn_h5_walk *w)
{
	struct btree2 b = { .w = w, .root_addr = QN_ADDR_NONE };
	enum quern_status status = header(&b);
	struct between all = { { 0 }, { 0 } };

	for (int i = 0; i < QUERN_MAX_DIMS; i++)
		all.to[i] = UINT64_MAX;
	if (status != QUERN_OK || b.root_addr == QN_ADDR_NONE)
		return status;
	return walk_node(&b, b.root_addr, b.root_nrecords, b.depth, &all);
}
