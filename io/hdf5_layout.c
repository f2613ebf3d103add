/*
 * hdf5_layout.c - the layout message of a dataset, from its object header.
 *
 * An object header is a chain of blocks of messages. Version 1 has no signatures or checksums and
 * pads messages to 8 bytes; version 2 has both and does not pad. See IV.A.1 of the specification;
 * the layout message is IV.A.2.i.
 */
#include "hdf5_layout.h"

#include <stdlib.h>
#include <string.h>

#define MESSAGE_LAYOUT	     0x08u
#define MESSAGE_CONTINUATION 0x10u

/* Blocks known and not yet read. Real headers chain them one after the other. */
#define MAX_PENDING 64

struct block {
	uint64_t addr, nbytes;
};

struct header {
	struct qn_h5_raw *r;
	unsigned version;
	unsigned prefix_nbytes; /* of a message */
	int npending;
	struct block pending[MAX_PENDING];
	bool found;
	struct qn_h5_layout *layout;
};

static bool take_dims(struct qn_h5_cursor *c, unsigned ndims, unsigned width,
		      struct qn_h5_layout *l)
{
	if (ndims < 2 || ndims > QUERN_MAX_DIMS + 1 || width < 1 || width > 8)
		return false;
	l->ndims = ndims;
	for (unsigned i = 0; i < ndims; i++)
		l->dim[i] = qn_h5_take(c, width);
	return true;
}

/* Versions 1 and 2, of the HDF5 releases before 1.6.3. */
static bool take_layout_1(struct qn_h5_cursor *c, const struct qn_h5_raw *r, struct qn_h5_layout *l)
{
	unsigned ndims = (unsigned)qn_h5_take(c, 1);

	l->class = (enum qn_layout)qn_h5_take(c, 1);
	qn_h5_skip(c, 5);
	if (l->class == QN_CHUNKED) {
		l->index = QN_H5_BTREE1;
		l->index_addr = qn_h5_take_addr(c, r);
		return take_dims(c, ndims, 4, l);
	}
	l->data_addr = l->class == QN_COMPACT ? 0 : qn_h5_take_addr(c, r);
	qn_h5_skip(c, 4 * (size_t)ndims);
	return ndims <= QUERN_MAX_DIMS + 1;
}

static bool take_chunked_3(struct qn_h5_cursor *c, const struct qn_h5_raw *r,
			   struct qn_h5_layout *l)
{
	unsigned ndims = (unsigned)qn_h5_take(c, 1);

	l->index = QN_H5_BTREE1;
	l->index_addr = qn_h5_take_addr(c, r);
	return take_dims(c, ndims, 4, l);
}

/* The numbers that say how an index grows come before its address; headers of indexes repeat
   those that matter. */
static bool take_index_4(struct qn_h5_cursor *c, const struct qn_h5_raw *r, bool single_filtered,
			 struct qn_h5_layout *l)
{
	static const struct {
		enum qn_h5_index index;
		size_t nparam_bytes;
	} kinds[] = { { QN_H5_BTREE1, 0 },	     { QN_H5_SINGLE, 0 },
		      { QN_H5_IMPLICIT, 0 },	     { QN_H5_FIXED_ARRAY, 1 },
		      { QN_H5_EXTENSIBLE_ARRAY, 5 }, { QN_H5_BTREE2, 6 } };
	uint64_t kind = qn_h5_take(c, 1);

	if (kind < 1 || kind >= sizeof kinds / sizeof kinds[0])
		return false;
	l->index = kinds[kind].index;
	if (l->index == QN_H5_SINGLE && single_filtered) {
		l->single_filtered = true;
		l->single_nbytes = qn_h5_take(c, r->length_nbytes);
		l->single_mask = (uint32_t)qn_h5_take(c, 4);
	}
	qn_h5_skip(c, kinds[kind].nparam_bytes);
	l->index_addr = qn_h5_take_addr(c, r);
	return true;
}

static bool take_chunked_4(struct qn_h5_cursor *c, const struct qn_h5_raw *r,
			   struct qn_h5_layout *l)
{
	unsigned flags = (unsigned)qn_h5_take(c, 1);
	unsigned ndims = (unsigned)qn_h5_take(c, 1);
	unsigned width = (unsigned)qn_h5_take(c, 1);

	l->raw_edges = flags & 1;
	return take_dims(c, ndims, width, l) && take_index_4(c, r, flags & 2, l);
}

/* Versions 3 and 4 differ in the chunked class only; 4 also has virtual datasets. */
static bool take_layout_3(struct qn_h5_cursor *c, const struct qn_h5_raw *r, uint64_t addr,
			  struct qn_h5_layout *l)
{
	l->class = (enum qn_layout)qn_h5_take(c, 1);
	switch ((int)l->class) {
	case QN_COMPACT:
		l->data_nbytes = qn_h5_take(c, 2);
		l->data_addr = addr + 4; /* after version, class and size */
		qn_h5_skip(c, l->data_nbytes);
		return true;
	case QN_CONTIGUOUS:
		l->data_addr = qn_h5_take_addr(c, r);
		l->data_nbytes = qn_h5_take(c, r->length_nbytes);
		return true;
	case QN_CHUNKED:
		return l->version == 3 ? take_chunked_3(c, r, l) : take_chunked_4(c, r, l);
	case QN_VIRTUAL:
		return true;
	default:
		return false;
	}
}

/* addr: of the message's data in the file. */
static enum quern_status take_layout(struct header *h, struct qn_h5_cursor c, uint64_t addr)
{
	struct qn_h5_layout l = { .index_addr = QN_ADDR_NONE, .data_addr = QN_ADDR_NONE };
	bool ok = true;

	l.version = (unsigned)qn_h5_take(&c, 1);
	l.is_known = l.version >= 1 && l.version <= 4;
	if (l.is_known)
		ok = l.version < 3 ? take_layout_1(&c, h->r, &l)
				   : take_layout_3(&c, h->r, addr, &l);
	if (!ok || c.overrun)
		return qn_h5_damaged(h->r, addr, "the layout message makes no sense");
	*h->layout = l;
	h->found = true;
	return QUERN_OK;
}

static enum quern_status take_continuation(struct header *h, struct qn_h5_cursor c, uint64_t addr)
{
	struct block b;

	b.addr = qn_h5_take_addr(&c, h->r);
	b.nbytes = qn_h5_take(&c, h->r->length_nbytes);
	if (c.overrun || h->npending == MAX_PENDING)
		return qn_h5_damaged(h->r, addr, "the object header continues in an absurd way");
	h->pending[h->npending++] = b;
	return QUERN_OK;
}

/* Looks at the messages of a block. addr is where c->at is in the file. */
static enum quern_status scan(struct header *h, struct qn_h5_cursor *c, uint64_t addr)
{
	enum quern_status status = QUERN_OK;
	unsigned type_nbytes = h->version == 1 ? 2 : 1;

	while (status == QUERN_OK && !h->found && qn_h5_left(c) >= h->prefix_nbytes) {
		const uint8_t *start = c->at;
		unsigned type = (unsigned)qn_h5_take(c, type_nbytes);
		unsigned nbytes = (unsigned)qn_h5_take(c, 2);
		uint64_t data_addr = addr + h->prefix_nbytes;
		struct qn_h5_cursor data;

		qn_h5_skip(c, h->prefix_nbytes - type_nbytes - 2);
		data = (struct qn_h5_cursor){ c->at, c->at + nbytes, false };
		if (qn_h5_left(c) < nbytes)
			return qn_h5_damaged(h->r, addr,
					     "a message of the object header is too long");
		qn_h5_skip(c, nbytes);
		if (type == MESSAGE_LAYOUT)
			status = take_layout(h, data, data_addr);
		else if (type == MESSAGE_CONTINUATION)
			status = take_continuation(h, data, data_addr);
		addr += (uint64_t)(c->at - start);
	}
	return status;
}

/* A continuation of version 2 stands between "OCHK" and its checksum. */
static enum quern_status scan_continuation(struct header *h, struct block b)
{
	unsigned head = h->version == 1 ? 0 : 4, tail = h->version == 1 ? 0 : 4;
	struct qn_h5_cursor c;
	enum quern_status status;
	uint8_t *p;

	status = qn_h5_read_new(h->r, b.addr, b.nbytes, &p);
	if (status != QUERN_OK)
		return status;
	if (b.nbytes < head + tail ||
	    (head && (memcmp(p, "OCHK", 4) || !qn_h5_sum_is_right(p, b.nbytes)))) {
		status = qn_h5_damaged(h->r, b.addr, "a block of the object header is damaged");
	} else {
		c = (struct qn_h5_cursor){ p + head, p + b.nbytes - tail, false };
		status = scan(h, &c, b.addr + head);
	}
	free(p);
	return status;
}

/* Version, reserved, messages (2), references (4), bytes of the first block (4), padding (4). */
static enum quern_status scan_first_1(struct header *h, uint64_t addr)
{
	uint8_t head[16];
	enum quern_status status = qn_h5_read(h->r, addr, sizeof head, head);

	if (status != QUERN_OK)
		return status;
	h->version = 1;
	h->prefix_nbytes = 8;
	return scan_continuation(h, (struct block){ addr + 16, qn_h5_uint(head + 8, 4) });
}

/* "OHDR", version, flags, times (16, opt), limits for attributes (4, opt), bytes of the first
   block (1 to 8), the block, checksum of all of it. */
static enum quern_status scan_first_2(struct header *h, uint64_t addr)
{
	uint8_t head[6 + 16 + 4 + 8], *p;
	size_t room = sizeof head, skip;
	unsigned flags, width;
	uint64_t nbytes, budget = h->r->budget;
	struct qn_h5_cursor c;
	enum quern_status status;

	if (room > h->r->nbytes - addr)
		room = h->r->nbytes - addr;
	memset(head, 0, sizeof head);
	status = qn_h5_read(h->r, addr, room, head);
	if (status != QUERN_OK)
		return status;
	h->r->budget = budget; /* it is read once more below */
	flags = head[5];
	width = 1u << (flags & 3);
	skip = 6u + (flags & 0x20 ? 16u : 0u) + (flags & 0x10 ? 4u : 0u);
	nbytes = qn_h5_uint(head + skip, width);
	skip += width;
	if (head[4] != 2 || nbytes > h->r->nbytes)
		return qn_h5_damaged(h->r, addr, "the object header makes no sense");
	status = qn_h5_read_new(h->r, addr, skip + nbytes + 4, &p);
	if (status != QUERN_OK)
		return status;
	h->version = 2;
	h->prefix_nbytes = flags & 4 ? 6 : 4;
	if (qn_h5_sum_is_right(p, skip + nbytes + 4)) {
		c = (struct qn_h5_cursor){ p + skip, p + skip + nbytes, false };
		status = scan(h, &c, addr + skip);
	} else {
		status = qn_h5_damaged(h->r, addr, "the object header has a wrong checksum");
	}
	free(p);
	return status;
}

enum quern_status qn_h5_layout_read(struct qn_h5_raw *r, uint64_t header_addr,
				    struct qn_h5_layout *out)
{
	struct header h = { .r = r, .layout = out };
	uint8_t signature[4];
	enum quern_status status = qn_h5_read(r, header_addr, 4, signature);

	if (status != QUERN_OK)
		return status;
	r->budget += 4;
	if (!memcmp(signature, "OHDR", 4))
		status = scan_first_2(&h, header_addr);
	else if (signature[0] == 1)
		status = scan_first_1(&h, header_addr);
	else
		return qn_h5_damaged(r, header_addr, "there is no object header");
	while (status == QUERN_OK && !h.found && h.npending > 0)
		status = scan_continuation(&h, h.pending[--h.npending]);
	if (status == QUERN_OK && !h.found)
		status = qn_h5_damaged(r, header_addr, "the object header has no layout message");
	return status;
}
