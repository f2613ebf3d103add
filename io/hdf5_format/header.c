/*
 * header.c - the messages of an object header.
 *
 * An object header is a chain of blocks of messages. Version 1 has no signatures or checksums and
 * pads messages to 8 bytes; version 2 has both and does not pad. See IV.A.1 of the specification.
 */
#include "io/hdf5_format/header.h"

#include <stdlib.h>
#include <string.h>

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
	bool stop;
	qn_h5_visitor *visit;
	void *ctx;
};

static enum quern_status take_continuation(struct header *h, const struct qn_h5_message *m)
{
	struct qn_h5_cursor c = { m->data, m->data + m->nbytes, false };
	struct block b;

	b.addr = qn_h5_take_addr(&c, h->r);
	b.nbytes = qn_h5_take(&c, h->r->length_nbytes);
	if (c.overrun || h->npending == MAX_PENDING)
		return qn_h5_damaged(h->r, m->addr, "the object header continues in an absurd way");
	h->pending[h->npending++] = b;
	return QUERN_OK;
}

/* Looks at the messages of a block. addr is where c->at is in the file. */
static enum quern_status scan(struct header *h, struct qn_h5_cursor *c, uint64_t addr)
{
	enum quern_status status = QUERN_OK;
	unsigned type_nbytes = h->version == 1 ? 2 : 1;

	while (status == QUERN_OK && !h->stop && qn_h5_left(c) >= h->prefix_nbytes) {
		const uint8_t *start = c->at;
		struct qn_h5_message m = { .type = (unsigned)qn_h5_take(c, type_nbytes) };

		m.nbytes = (size_t)qn_h5_take(c, 2);
		m.flags = (unsigned)qn_h5_take(c, 1);
		m.addr = addr + h->prefix_nbytes;
		qn_h5_skip(c, h->prefix_nbytes - type_nbytes - 3);
		m.data = c->at;
		if (qn_h5_left(c) < m.nbytes)
			return qn_h5_damaged(h->r, addr,
					     "a message of the object header is too long");
		qn_h5_skip(c, m.nbytes);
		status = m.type == MESSAGE_CONTINUATION ? take_continuation(h, &m)
							: h->visit(h->ctx, h->r, &m, &h->stop);
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
	enum quern_status status = qn_h5_read(h->r, addr, sizeof(head), head);

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
	size_t room = sizeof(head), skip;
	unsigned flags, width;
	uint64_t nbytes, budget = h->r->budget;
	struct qn_h5_cursor c;
	enum quern_status status;

	if (room > h->r->nbytes - addr)
		room = h->r->nbytes - addr;
	memset(head, 0, sizeof(head));
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

enum quern_status qn_h5_header_walk(struct qn_h5_raw *r, uint64_t header_addr, qn_h5_visitor *visit,
				    void *ctx)
{
	struct header h = { .r = r, .visit = visit, .ctx = ctx };
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
	while (status == QUERN_OK && !h.stop && h.npending > 0)
		status = scan_continuation(&h, h.pending[--h.npending]);
	return status;
}
