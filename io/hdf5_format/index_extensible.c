/*
 * index_extensible.c - the extensible array, index of datasets that can grow without limit in
 * one dimension (VII.D of the specification).
 *
 * Elements are in blocks that double in size. Those of the first numbers are in the index block;
 * then come data blocks in groups, "super blocks": super block s has 2^(s/2) data blocks of
 * 2^((s+1)/2) times the smallest size. The data blocks of the first groups are listed in the index
 * block itself, those of the later ones in a super block of their own:
 *
 *	header -> index block: elements | data block addresses | super block addresses
 *	                                      |                         |
 *	                                      v                         v
 *	                                 data block          super block -> data blocks
 *
 * Data blocks with more elements than a page are paged; their super block has a bit for each page
 * that has been written.
 */
#include <stdlib.h>

#include "base/mem.h"
#include "io/hdf5_format/index.h"

struct extensible {
	struct qn_h5_walk *w;
	unsigned elem_nbytes;
	unsigned max_bits;	/* log2 of the most elements there may be */
	unsigned offset_nbytes; /* of the element numbers in blocks */
	uint64_t nindex;	/* elements in the index block */
	uint64_t min_nelems;	/* in a data block */
	uint64_t min_pointers;	/* data block addresses in a super block */
	uint64_t page_nelems;
	uint64_t block_addr;
	unsigned nsupers;	 /* groups */
	unsigned nsupers_inline; /* whose data blocks the index block lists */
	uint64_t next;		 /* number of the next element */
};

static unsigned log2_of(uint64_t x)
{
	return 63u - (unsigned)__builtin_clzll(x);
}

static bool is_power_of_2(uint64_t x)
{
	return x != 0 && (x & (x - 1)) == 0;
}

static bool header_is_valid(const struct extensible *e, unsigned client)
{
	return client == (e->w->is_filtered ? 1 : 0) &&
	       qn_h5_element_is_valid(e->w, e->elem_nbytes) && e->max_bits >= 1 &&
	       e->max_bits <= 64 && is_power_of_2(e->min_nelems) &&
	       log2_of(e->min_nelems) <= e->max_bits && is_power_of_2(e->min_pointers) &&
	       e->min_pointers >= 2 && e->page_nelems > 0;
}

/* "EAHD" | 0 | client | bytes of an element | max bits | elements in the index block | smallest data
   block | least pointers of a super block | page bits | six statistics (L) | index block (O) |
   checksum */
static enum quern_status header(struct extensible *e)
{
	struct qn_h5_walk *w = e->w;
	uint64_t addr = w->layout.index_addr;
	size_t at = 12 + 6 * (size_t)w->r->length_nbytes, nbytes = at + w->r->addr_nbytes + 4;
	uint8_t p[12 + 6 * 8 + 8 + 4];
	enum quern_status status = qn_h5_read(w->r, addr, nbytes, p);

	if (status == QUERN_OK)
		status =
			qn_h5_check_block(w->r, addr, p, nbytes, "EAHD", "extensible array header");
	if (status != QUERN_OK)
		return status;
	e->elem_nbytes = p[6];
	e->max_bits = p[7];
	e->offset_nbytes = (e->max_bits + 7) / 8;
	e->nindex = p[8];
	e->min_nelems = p[9];
	e->min_pointers = p[10];
	e->page_nelems = p[11] < 32 ? UINT64_C(1) << p[11] : 0;
	e->block_addr = qn_h5_addr(w->r, p + at);
	if (!header_is_valid(e, p[5]))
		return qn_h5_damaged(w->r, addr, "the extensible array header makes no sense");
	e->nsupers = 1 + e->max_bits - log2_of(e->min_nelems);
	e->nsupers_inline = 2 * log2_of(e->min_pointers);
	if (e->nsupers_inline > e->nsupers)
		e->nsupers_inline = e->nsupers;
	return QUERN_OK;
}

static uint64_t super_nblocks(unsigned s)
{
	return UINT64_C(1) << s / 2;
}

static uint64_t super_nelems(const struct extensible *e, unsigned s)
{
	return e->min_nelems << (s + 1) / 2;
}

/* Signature, version, client, header address, element number. */
static size_t head_nbytes(const struct extensible *e)
{
	return 6u + e->w->r->addr_nbytes + e->offset_nbytes;
}

static enum quern_status plain_block(struct extensible *e, uint64_t addr, uint64_t nelems)
{
	size_t head = head_nbytes(e);
	uint64_t nbytes = head + nelems * e->elem_nbytes + 4;
	struct qn_h5_walk *w = e->w;
	uint8_t *p;
	enum quern_status status = qn_h5_read_new(w->r, addr, nbytes, &p);

	if (status != QUERN_OK)
		return status;
	status = qn_h5_check_block(w->r, addr, p, nbytes, "EADB", "extensible array data block");
	if (status == QUERN_OK)
		status = qn_h5_add_elements(w, e->next, nelems, e->elem_nbytes, p + head);
	free(p);
	return status;
}

static enum quern_status page(struct extensible *e, uint64_t addr, uint64_t first)
{
	uint64_t nbytes = e->page_nelems * e->elem_nbytes + 4;
	struct qn_h5_walk *w = e->w;
	uint8_t *p;
	enum quern_status status;

	if (!qn_h5_are_wanted(w, first, e->page_nelems))
		return QUERN_OK;
	status = qn_h5_read_new(w->r, addr, nbytes, &p);
	if (status != QUERN_OK)
		return status;
	if (qn_h5_sum_is_right(p, nbytes))
		status = qn_h5_add_elements(w, first, e->page_nelems, e->elem_nbytes, p);
	else
		status = qn_h5_damaged(w->r, addr, "an extensible array page has a wrong checksum");
	free(p);
	return status;
}

static bool bit_is_set(const uint8_t *bits, uint64_t i)
{
	return bits[i / 8] & 0x80u >> i % 8;
}

/* bits: of the pages of the whole super block; the first of this block has number first_bit. */
static enum quern_status paged_block(struct extensible *e, uint64_t addr, uint64_t npages,
				     const uint8_t *bits, uint64_t first_bit)
{
	uint64_t page_nbytes = e->page_nelems * e->elem_nbytes + 4;
	enum quern_status status = QUERN_OK;

	addr += head_nbytes(e) + 4;
	for (uint64_t i = 0; i < npages && status == QUERN_OK; i++)
		if (bit_is_set(bits, first_bit + i))
			status = page(e, addr + i * page_nbytes, e->next + i * e->page_nelems);
	return status;
}

/* Goes through the data blocks of super block s. addrs: their addresses in the file's form; bits:
   NULL if they are not paged. */
static enum quern_status data_blocks(struct extensible *e, unsigned s, const uint8_t *addrs,
				     const uint8_t *bits)
{
	uint64_t nelems = super_nelems(e, s), npages = nelems / e->page_nelems;
	enum quern_status status = QUERN_OK;

	for (uint64_t i = 0; i < super_nblocks(s) && status == QUERN_OK; i++) {
		uint64_t addr = qn_h5_addr(e->w->r, addrs + i * e->w->r->addr_nbytes);

		if (addr != QN_ADDR_NONE && qn_h5_are_wanted(e->w, e->next, nelems))
			status = bits ? paged_block(e, addr, npages, bits, i * npages)
				      : plain_block(e, addr, nelems);
		e->next += nelems;
	}
	return status;
}

/* "EASB" | 0 | client | header (O) | element number | bits of pages | data blocks (O each) |
   checksum. The bits of each data block begin anew at a byte in the size of the block, but are
   numbered through without gaps. */
static enum quern_status super_block(struct extensible *e, unsigned s, uint64_t addr)
{
	struct qn_h5_walk *w = e->w;
	uint64_t nblocks = super_nblocks(s), nelems = super_nelems(e, s);
	bool is_paged = nelems > e->page_nelems;
	uint64_t nbits = is_paged ? nblocks * qn_ceil_div(nelems / e->page_nelems, 8) : 0;
	uint64_t head = head_nbytes(e), nbytes = head + nbits + nblocks * w->r->addr_nbytes + 4;
	uint8_t *p;
	enum quern_status status = qn_h5_read_new(w->r, addr, nbytes, &p);

	if (status != QUERN_OK)
		return status;
	status = qn_h5_check_block(w->r, addr, p, nbytes, "EASB", "extensible array super block");
	if (status == QUERN_OK)
		status = data_blocks(e, s, p + head + nbits, is_paged ? p + head : NULL);
	free(p);
	return status;
}

/* What the index block lists: p is just after its elements. */
static enum quern_status groups(struct extensible *e, const uint8_t *p)
{
	const struct qn_h5_raw *r = e->w->r;
	enum quern_status status = QUERN_OK;

	for (unsigned s = 0; s < e->nsupers && status == QUERN_OK; s++) {
		uint64_t next = e->next + super_nblocks(s) * super_nelems(e, s);

		if (s < e->nsupers_inline) {
			status = data_blocks(e, s, p, NULL);
			p += super_nblocks(s) * r->addr_nbytes;
		} else {
			uint64_t addr = qn_h5_addr(r, p);

			if (addr != QN_ADDR_NONE && qn_h5_are_wanted(e->w, e->next, next - e->next))
				status = super_block(e, s, addr);
			p += r->addr_nbytes;
		}
		e->next = next;
	}
	return status;
}

/* "EAIB" | 0 | client | header (O) | elements | data blocks (O each) | super blocks (O each) |
   checksum */
static enum quern_status index_block(struct extensible *e)
{
	struct qn_h5_walk *w = e->w;
	size_t head = 6u + w->r->addr_nbytes, elems = e->nindex * e->elem_nbytes;
	uint64_t npointers = e->nsupers - e->nsupers_inline, nbytes;
	uint8_t *p;
	enum quern_status status;

	for (unsigned s = 0; s < e->nsupers_inline; s++)
		npointers += super_nblocks(s);
	nbytes = head + elems + npointers * w->r->addr_nbytes + 4;
	status = qn_h5_read_new(w->r, e->block_addr, nbytes, &p);
	if (status != QUERN_OK)
		return status;
	status = qn_h5_check_block(w->r, e->block_addr, p, nbytes, "EAIB",
				   "extensible array index block");
	if (status == QUERN_OK)
		status = qn_h5_add_elements(w, 0, e->nindex, e->elem_nbytes, p + head);
	e->next = e->nindex;
	if (status == QUERN_OK)
		status = groups(e, p + head + elems);
	free(p);
	return status;
}

enum quern_status qn_h5_walk_extensible_array(struct qn_h5_walk *w)
{
	struct extensible e = { .w = w, .block_addr = QN_ADDR_NONE };
	enum quern_status status = header(&e);

	if (status != QUERN_OK || e.block_addr == QN_ADDR_NONE)
		return status;
	if (w->nunlimited != 1)
		return qn_h5_damaged(w->r, w->layout.index_addr,
				     "an extensible array is not the index of this dataset");
	return index_block(&e);
}
