/*
 * links.c - objects by their names: symbol tables (III.A to III.D of the specification) and link
 * messages (IV.A.2.g).
 */
#include "io/hdf5_format/links.h"

#include <stdlib.h>

#include "base/mem.h"
#include "data/dataset.h"
#include "io/hdf5_format/header.h"

#define MOST_NAMES_NBYTES (1u << 20) /* of all names of a group */
#define MOST_LEVELS	  8
#define NAME_PIECE_NBYTES 64
#define HARD_LINK	  0
#define SOFT_IN_TABLE	  2

struct group {
	struct qn_h5_raw *r;
	qn_h5_link_taker *take;
	void *ctx;
	bool ok, enough;		   /* enough: no more is wanted */
	uint64_t tree, heap;		   /* of a symbol table */
	uint64_t names_addr, names_nbytes; /* data of the heap */
	char *names;			   /* owned: the same when it was read, all of it */
};

/* addr QN_ADDR_NONE: it is not a hard one. */
static void meet(struct group *g, const char *name, size_t length, uint64_t addr)
{
	g->enough = g->enough || !g->take(g->ctx, name, length, addr);
}

/* --- link messages --- */

static bool take_link(struct group *g, const struct qn_h5_message *m)
{
	struct qn_h5_cursor c = { m->data, m->data + m->nbytes, false };
	unsigned version = (unsigned)qn_h5_take(&c, 1), flags = (unsigned)qn_h5_take(&c, 1);
	unsigned kind = flags & 8 ? (unsigned)qn_h5_take(&c, 1) : HARD_LINK;
	const char *name;
	uint64_t length;

	qn_h5_skip(&c, (flags & 4 ? 8 : 0) + (flags & 16 ? 1 : 0));
	length = qn_h5_take(&c, 1u << (flags & 3));
	name = (const char *)c.at;
	qn_h5_skip(&c, length);
	if (version != 1 || c.overrun)
		return false;
	meet(g, name, length, kind == HARD_LINK ? qn_h5_take_addr(&c, g->r) : QN_ADDR_NONE);
	return !c.overrun;
}

/* Links outside of the header are in a heap of another kind. */
static bool is_compact(const struct group *g, const struct qn_h5_message *m)
{
	struct qn_h5_cursor c = { m->data, m->data + m->nbytes, false };
	unsigned version = (unsigned)qn_h5_take(&c, 1), flags = (unsigned)qn_h5_take(&c, 1);

	qn_h5_skip(&c, flags & 1 ? 8 : 0);
	return version == 0 && qn_h5_take_addr(&c, g->r) == QN_ADDR_NONE && !c.overrun;
}

static bool take_table(struct group *g, const struct qn_h5_message *m)
{
	struct qn_h5_cursor c = { m->data, m->data + m->nbytes, false };

	g->tree = qn_h5_take_addr(&c, g->r);
	g->heap = qn_h5_take_addr(&c, g->r);
	return !c.overrun && g->tree != QN_ADDR_NONE && g->heap != QN_ADDR_NONE;
}

static enum quern_status visit(void *ctx, struct qn_h5_raw *r, const struct qn_h5_message *m,
			       bool *stop)
{
	struct group *g = ctx;

	(void)r;
	if (m->flags & QN_H5_SHARED)
		g->ok = false;
	else if (m->type == QN_H5_LINK)
		g->ok = g->ok && take_link(g, m);
	else if (m->type == QN_H5_LINK_INFO)
		g->ok = g->ok && is_compact(g, m);
	else if (m->type == QN_H5_SYMBOL_TABLE)
		g->ok = g->ok && take_table(g, m);
	*stop = !g->ok || g->enough;
	return QUERN_OK;
}

/* --- symbol tables --- */

/* Entries of a leaf, or keys and children of a node. */
struct block {
	uint8_t *bytes; /* owned */
	size_t n;
	unsigned level; /* of a node: 0: its children are leaves */
};

/* "HEAP", version, 3 bytes, size of the data, free list, address of the data. */
static bool find_names(struct group *g)
{
	struct qn_h5_raw *r = g->r;
	uint8_t head[8 + 3 * 8];
	unsigned width = r->length_nbytes;

	if (qn_h5_read(r, g->heap, 8 + 2 * width + r->addr_nbytes, head) != QUERN_OK ||
	    memcmp(head, "HEAP", 4) || head[4] != 0)
		return false;
	g->names_nbytes = qn_h5_uint(head + 8, width);
	g->names_addr = qn_h5_addr(r, head + 8 + 2 * width);
	return g->names_nbytes > 0 && g->names_addr <= r->nbytes &&
	       g->names_nbytes <= r->nbytes - g->names_addr;
}

static bool read_names(struct group *g)
{
	uint8_t *names;

	if (!find_names(g) || g->names_nbytes > MOST_NAMES_NBYTES ||
	    qn_h5_read_new(g->r, g->names_addr, g->names_nbytes, &names) != QUERN_OK)
		return false;
	g->names = (char *)names;
	return true;
}

static size_t entry_nbytes(const struct group *g)
{
	return 2 * (size_t)g->r->addr_nbytes + 24;
}

/* A key, which is the offset of a name, and a child. */
static size_t child_nbytes(const struct group *g)
{
	return (size_t)g->r->length_nbytes + g->r->addr_nbytes;
}

/* "SNOD", version, a byte, entries (2), the entries. */
static bool read_leaf(struct group *g, uint64_t addr, struct block *out)
{
	uint8_t head[8];

	if (qn_h5_read(g->r, addr, sizeof(head), head) != QUERN_OK || memcmp(head, "SNOD", 4) ||
	    head[4] != 1)
		return false;
	out->n = (size_t)qn_h5_uint(head + 6, 2);
	return qn_h5_read_new(g->r, addr + sizeof(head), out->n * entry_nbytes(g), &out->bytes) ==
	       QUERN_OK;
}

/* "TREE", kind (0: a group), level, entries (2), two neighbours; keys and children in turns. A node
   must be of the level; MOST_LEVELS: of any below. */
static bool read_node(struct group *g, uint64_t addr, unsigned level, struct block *out)
{
	uint8_t head[8];

	if (qn_h5_read(g->r, addr, sizeof(head), head) != QUERN_OK || memcmp(head, "TREE", 4) ||
	    head[4] != 0 || head[5] >= MOST_LEVELS || (level != MOST_LEVELS && head[5] != level))
		return false;
	out->level = head[5];
	out->n = (size_t)qn_h5_uint(head + 6, 2);
	return qn_h5_read_new(g->r, addr + sizeof(head) + 2 * g->r->addr_nbytes,
			      out->n * child_nbytes(g), &out->bytes) == QUERN_OK;
}

static uint64_t child_addr(const struct group *g, const struct block *node, size_t i)
{
	return qn_h5_addr(g->r, node->bytes + i * child_nbytes(g) + g->r->length_nbytes);
}

/* Offset of the name, header, kind (4), padding (4), scratch (16). */
static uint64_t entry_addr(const struct group *g, const uint8_t *entry)
{
	const unsigned n = g->r->addr_nbytes;

	return qn_h5_uint(entry + 2 * n, 4) == SOFT_IN_TABLE ? QN_ADDR_NONE
							     : qn_h5_addr(g->r, entry + n);
}

/* --- all links of a symbol table --- */

static bool take_entry(struct group *g, const uint8_t *entry)
{
	uint64_t at = qn_h5_uint(entry, g->r->addr_nbytes);
	size_t room, length;

	if (at >= g->names_nbytes)
		return false;
	room = (size_t)(g->names_nbytes - at);
	length = strnlen(g->names + at, room);
	if (length == room)
		return false;
	meet(g, g->names + at, length, entry_addr(g, entry));
	return true;
}

static bool walk_leaf(struct group *g, uint64_t addr)
{
	struct block leaf;
	bool ok = true;

	if (!read_leaf(g, addr, &leaf))
		return false;
	for (size_t i = 0; ok && !g->enough && i < leaf.n; i++)
		ok = take_entry(g, leaf.bytes + i * entry_nbytes(g));
	free(leaf.bytes);
	return ok;
}

static bool walk_node(struct group *g, uint64_t addr, unsigned level)
{
	struct block node;
	bool ok = true;

	if (!read_node(g, addr, level, &node))
		return false;
	for (size_t i = 0; ok && !g->enough && i < node.n; i++) {
		uint64_t child = child_addr(g, &node, i);

		ok = node.level == 0 ? walk_leaf(g, child) : walk_node(g, child, node.level - 1);
	}
	free(node.bytes);
	return ok;
}

/* Link messages are shown, and where a symbol table is. */
static bool walk_header(struct group *g, uint64_t addr)
{
	g->ok = true;
	g->tree = QN_ADDR_NONE;
	return qn_h5_header_walk(g->r, addr, visit, g) == QUERN_OK && g->ok;
}

static bool walk_table(struct group *g)
{
	bool ok = read_names(g) && walk_node(g, g->tree, MOST_LEVELS);

	free(g->names);
	return ok;
}

bool qn_h5_links_each(struct qn_h5_raw *r, uint64_t group, qn_h5_link_taker *take, void *ctx,
		      bool *all)
{
	struct group g = { .r = r, .take = take, .ctx = ctx };
	bool ok = walk_header(&g, group);

	if (ok && !g.enough && g.tree != QN_ADDR_NONE)
		ok = walk_table(&g);
	*all = !g.enough;
	return ok;
}

/* --- names that are looked for --- */

/* *order: of the name that is looked for and the one at an offset of the heap, as of strcmp. */
static bool compare(struct group *g, const struct qn_h5_sought *s, uint64_t at, int *order)
{
	uint8_t piece[NAME_PIECE_NBYTES];

	for (size_t done = 0;; done += sizeof(piece), at += sizeof(piece)) {
		size_t left = s->length - done, nbytes, n;

		if (at >= g->names_nbytes)
			return false;
		nbytes = (size_t)qn_min_u64(qn_min_u64(left + 1, sizeof(piece)),
					    g->names_nbytes - at);
		if (qn_h5_read(g->r, g->names_addr + at, nbytes, piece) != QUERN_OK)
			return false;
		n = (size_t)qn_min_u64(left, nbytes);
		*order = memcmp(s->name + done, piece, n);
		if (*order == 0 && n < nbytes)
			*order = piece[n] ? -1 : 0;
		if (*order || n < nbytes)
			return true;
	}
}

/* The first of n names that is not before the one that is looked for; n: there is none. Their offsets,
   of `width` bytes, are at p, and each stride bytes on. *is: it is that one. */
static bool bisect(struct group *g, const struct qn_h5_sought *s, const uint8_t *p, size_t n,
		   size_t stride, unsigned width, size_t *first, bool *is)
{
	size_t low = 0, high = n;

	*is = false;
	while (low < high && !*is) {
		size_t middle = low + (high - low) / 2;
		int order;

		if (!compare(g, s, qn_h5_uint(p + middle * stride, width), &order))
			return false;
		*is = order == 0;
		if (order > 0)
			low = middle + 1;
		else
			high = middle;
	}
	*first = high;
	return true;
}

/* From a node, which must be of the level, to the child that may have the name. A key is the last name
   of the child before it. */
static bool descend(struct group *g, const struct qn_h5_sought *s, uint64_t *addr, unsigned *level)
{
	const size_t stride = child_nbytes(g);
	struct block node;
	size_t i;
	bool is, ok;

	if (!read_node(g, *addr, *level, &node))
		return false;
	ok = node.n > 0 &&
	     bisect(g, s, node.bytes + stride, node.n - 1, stride, g->r->length_nbytes, &i, &is);
	if (ok) {
		*addr = child_addr(g, &node, i);
		*level = node.level;
	}
	free(node.bytes);
	return ok;
}

static bool find_in_leaf(struct group *g, uint64_t addr, struct qn_h5_sought *s)
{
	struct block leaf;
	size_t i;
	bool is, ok;

	if (!read_leaf(g, addr, &leaf))
		return false;
	ok = bisect(g, s, leaf.bytes, leaf.n, entry_nbytes(g), g->r->addr_nbytes, &i, &is) && is;
	if (ok)
		s->addr = entry_addr(g, leaf.bytes + i * entry_nbytes(g));
	free(leaf.bytes);
	return ok;
}

/* By the order of the names. False: it is not where it should be, if anywhere. */
static bool find_in_order(struct group *g, struct qn_h5_sought *s)
{
	uint64_t addr = g->tree;
	unsigned level = MOST_LEVELS;
	bool ok;

	do
		ok = descend(g, s, &addr, &level);
	while (ok && level-- > 0);
	return ok && find_in_leaf(g, addr, s);
}

struct finding {
	struct qn_h5_sought *sought;
	int n;
};

static bool find(void *ctx, const char *name, size_t length, uint64_t addr)
{
	const struct finding *f = ctx;
	bool ok = true;

	for (int i = 0; i < f->n; i++) {
		struct qn_h5_sought *s = &f->sought[i];

		if (s->length != length || memcmp(s->name, name, length))
			continue;
		ok = ok && addr != QN_ADDR_NONE;
		s->addr = addr;
	}
	return ok;
}

/* g->enough: one of them is no hard link. The levels bound what is read, so that there can be no circle,
   and for the next name, or when all are looked at, it is read again. */
static bool find_all_in_order(struct group *g, const struct finding *f)
{
	const uint64_t budget = g->r->budget;
	bool ok = find_names(g);

	for (int i = 0; ok && i < f->n; i++) {
		ok = find_in_order(g, &f->sought[i]);
		g->enough = g->enough || (ok && f->sought[i].addr == QN_ADDR_NONE);
		g->r->budget = budget;
	}
	g->r->budget = budget;
	return ok;
}

bool qn_h5_links_find(struct qn_h5_raw *r, uint64_t group, struct qn_h5_sought *sought, int n)
{
	struct finding f = { sought, n };
	struct group g = { .r = r, .take = find, .ctx = &f };
	bool ok = walk_header(&g, group);

	if (ok && !g.enough && g.tree != QN_ADDR_NONE)
		ok = find_all_in_order(&g, &f) || (!g.enough && walk_table(&g));
	return ok && !g.enough;
}
