/*
 * links.c - objects by their names: symbol tables (III.A to III.D of the specification) and link
 * messages (IV.A.2.g).
 */
#include "io/hdf5_format/links.h"

#include <stdlib.h>

#include "data/dataset.h"
#include "io/hdf5_format/header.h"

#define MOST_NAMES_NBYTES (1u << 20) /* of all names of a group */
#define MOST_LEVELS	  8
#define HARD_LINK	  0
#define SOFT_IN_TABLE	  2

struct group {
	struct qn_h5_raw *r;
	qn_h5_link_taker *take;
	void *ctx;
	bool ok, enough; /* enough: no more is wanted */
	uint64_t tree, heap; /* of a symbol table */
	char *names;	     /* owned: data of the heap */
	uint64_t names_nbytes;
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

/* "HEAP", version, 3 bytes, size of the data, free list, address of the data. */
static bool read_names(struct group *g)
{
	struct qn_h5_raw *r = g->r;
	uint8_t head[8 + 3 * 8], *names;
	unsigned width = r->length_nbytes;
	uint64_t addr;

	if (qn_h5_read(r, g->heap, 8 + 2 * width + r->addr_nbytes, head) != QUERN_OK ||
	    memcmp(head, "HEAP", 4) || head[4] != 0)
		return false;
	g->names_nbytes = qn_h5_uint(head + 8, width);
	addr = qn_h5_addr(r, head + 8 + 2 * width);
	if (g->names_nbytes == 0 || g->names_nbytes > MOST_NAMES_NBYTES ||
	    qn_h5_read_new(r, addr, g->names_nbytes, &names) != QUERN_OK)
		return false;
	g->names = (char *)names;
	return true;
}

/* Offset of the name, header, kind (4), padding (4), scratch (16). */
static bool take_entry(struct group *g, const uint8_t *p)
{
	uint64_t at = qn_h5_uint(p, g->r->addr_nbytes), addr = qn_h5_addr(g->r, p + g->r->addr_nbytes);
	size_t room, length;

	if (at >= g->names_nbytes)
		return false;
	room = (size_t)(g->names_nbytes - at);
	length = strnlen(g->names + at, room);
	if (length == room)
		return false;
	if (qn_h5_uint(p + 2 * g->r->addr_nbytes, 4) == SOFT_IN_TABLE)
		addr = QN_ADDR_NONE;
	meet(g, g->names + at, length, addr);
	return true;
}

/* "SNOD", version, a byte, entries (2), the entries. */
static bool read_leaf(struct group *g, uint64_t addr)
{
	size_t size = 2 * (size_t)g->r->addr_nbytes + 24, n;
	uint8_t head[8], *p;
	bool ok = true;

	if (qn_h5_read(g->r, addr, sizeof head, head) != QUERN_OK || memcmp(head, "SNOD", 4) ||
	    head[4] != 1)
		return false;
	n = (size_t)qn_h5_uint(head + 6, 2);
	if (qn_h5_read_new(g->r, addr + sizeof head, n * size, &p) != QUERN_OK)
		return false;
	for (size_t i = 0; ok && !g->enough && i < n; i++)
		ok = take_entry(g, p + i * size);
	free(p);
	return ok;
}

static bool read_node(struct group *g, uint64_t addr, unsigned level);

/* level: of the node with these children. */
static bool read_children(struct group *g, const uint8_t *p, size_t n, unsigned level)
{
	size_t size = (size_t)g->r->length_nbytes + g->r->addr_nbytes;
	bool ok = true;

	for (size_t i = 0; ok && !g->enough && i < n; i++) {
		uint64_t child = qn_h5_addr(g->r, p + i * size + g->r->length_nbytes);

		ok = level == 0 ? read_leaf(g, child) : read_node(g, child, level - 1);
	}
	return ok;
}

/* "TREE", kind (0: a group), level, entries (2), two neighbours; keys and children in turns. A node
   must be of the level; MOST_LEVELS: of any below. */
static bool read_node(struct group *g, uint64_t addr, unsigned level)
{
	uint8_t head[8], *p;
	size_t n, size = (size_t)g->r->length_nbytes + g->r->addr_nbytes;
	bool ok;

	if (qn_h5_read(g->r, addr, sizeof head, head) != QUERN_OK || memcmp(head, "TREE", 4) ||
	    head[4] != 0 || head[5] >= MOST_LEVELS || (level != MOST_LEVELS && head[5] != level))
		return false;
	n = (size_t)qn_h5_uint(head + 6, 2);
	if (qn_h5_read_new(g->r, addr + sizeof head + 2 * g->r->addr_nbytes, n * size, &p) !=
	    QUERN_OK)
		return false;
	ok = read_children(g, p, n, head[5]);
	free(p);
	return ok;
}

bool qn_h5_links_each(struct qn_h5_raw *r, uint64_t group, qn_h5_link_taker *take, void *ctx,
		      bool *all)
{
	struct group g = { .r = r, .take = take, .ctx = ctx, .ok = true, .tree = QN_ADDR_NONE };

	if (qn_h5_header_walk(r, group, visit, &g) != QUERN_OK)
		g.ok = false;
	if (g.ok && !g.enough && g.tree != QN_ADDR_NONE)
		g.ok = read_names(&g) && read_node(&g, g.tree, MOST_LEVELS);
	free(g.names);
	*all = !g.enough;
	return g.ok;
}

/* --- names that are looked for --- */

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

bool qn_h5_links_find(struct qn_h5_raw *r, uint64_t group, struct qn_h5_sought *sought, int n)
{
	struct finding f = { sought, n };
	bool all;

	return qn_h5_links_each(r, group, find, &f, &all) && all;
}
