/*
 * index_fixed.c - the indexes of datasets that cannot grow: single chunk, implicit, and the
 * fixed array (VII.A to VII.C of the specification).
 */
#include <stdlib.h>

#include "base/mem.h"
#include "io/hdf5_format/index.h"

enum quern_status qn_h5_walk_single(struct qn_h5_walk *w)
{
	const struct qn_h5_layout *l = &w->layout;

	if (w->ngrid != 1 || l->single_filtered != w->is_filtered)
		return qn_h5_damaged(w->r, l->index_addr, "the single chunk is not the dataset");
	return qn_h5_add(w, 0, l->index_addr, w->is_filtered ? l->single_nbytes : w->chunk_nbytes,
			 l->single_mask);
}

/* Where a chunk is in the numbering of the largest extent. */
static bool largest_number(const struct qn_h5_walk *w, uint64_t number, uint64_t *out)
{
	uint64_t n = 0, stride = 1;

	for (int i = w->ndim - 1; i >= 0; i--) {
		uint64_t term;

		if (!qn_mul(number % w->grid[i], stride, &term) || !qn_add(n, term, &n))
			return false;
		number /= w->grid[i];
		if (i > 0 && !qn_mul(stride, w->max_grid[i], &stride))
			return false;
	}
	*out = n;
	return true;
}

/* All chunks of the largest extent, one after the other, allocated together. */
enum quern_status qn_h5_walk_implicit(struct qn_h5_walk *w)
{
	uint64_t start = w->layout.index_addr, last = 0, end, n = 0;
	enum quern_status status = QUERN_OK;

	if (w->is_filtered || w->nunlimited > 0 || !largest_number(w, w->ngrid - 1, &last) ||
	    !qn_mul(last + 1, w->chunk_nbytes, &end) || !qn_add(start, end, &end) ||
	    end > w->r->nbytes)
		return qn_h5_damaged(w->r, start, "the chunks do not fit into the file");
	for (uint64_t i = 0; i < w->ngrid && status == QUERN_OK; i++) {
		largest_number(w, i, &n);
		status = qn_h5_add(w, i, start + n * w->chunk_nbytes, w->chunk_nbytes, 0);
	}
	return status;
}

/*
 *	header: "FAHD" | 0 | client | bytes of an element | page bits | elements (L) | data block (O)
 *		| checksum
 *	data block: "FADB" | 0 | client | header (O) | elements | checksum, and if there are more
 *		than 1 << page bits elements
 *	paged: "FADB" | 0 | client | header (O) | bit for each page that has been written | checksum
 *		| page | page ...; page: elements | checksum
 */
struct fixed {
	unsigned elem_nbytes;
	uint64_t nelems;
	uint64_t page_nelems;
	uint64_t block_addr;
};

static enum quern_status fixed_header(struct qn_h5_walk *w, struct fixed *f)
{
	uint64_t addr = w->layout.index_addr;
	size_t nbytes = 8u + w->r->length_nbytes + w->r->addr_nbytes + 4u;
	uint8_t p[8 + 8 + 8 + 4];
	enum quern_status status = qn_h5_read(w->r, addr, nbytes, p);

	if (status == QUERN_OK)
		status = qn_h5_check_block(w->r, addr, p, nbytes, "FAHD", "fixed array header");
	if (status != QUERN_OK)
		return status;
	f->elem_nbytes = p[6];
	f->nelems = qn_h5_uint(p + 8, w->r->length_nbytes);
	f->block_addr = qn_h5_addr(w->r, p + 8 + w->r->length_nbytes);
	if (p[5] != (w->is_filtered ? 1 : 0) || !qn_h5_element_is_valid(w, f->elem_nbytes) ||
	    p[7] < 1 || p[7] > 32)
		return qn_h5_damaged(w->r, addr, "the fixed array header makes no sense");
	f->page_nelems = UINT64_C(1) << p[7];
	return QUERN_OK;
}

static enum quern_status fixed_plain(struct qn_h5_walk *w, const struct fixed *f)
{
	size_t head = 6u + w->r->addr_nbytes;
	uint64_t nbytes = head + f->nelems * f->elem_nbytes + 4;
	uint8_t *p;
	enum quern_status status = qn_h5_read_new(w->r, f->block_addr, nbytes, &p);

	if (status != QUERN_OK)
		return status;
	status =
		qn_h5_check_block(w->r, f->block_addr, p, nbytes, "FADB", "fixed array data block");
	if (status == QUERN_OK)
		status = qn_h5_add_elements(w, 0, f->nelems, f->elem_nbytes, p + head);
	free(p);
	return status;
}

static enum quern_status fixed_page(struct qn_h5_walk *w, const struct fixed *f, uint64_t page,
				    uint64_t addr)
{
	uint64_t first = page * f->page_nelems;
	uint64_t n = qn_min_u64(f->page_nelems, f->nelems - first);
	uint64_t nbytes = n * f->elem_nbytes + 4;
	uint8_t *p;
	enum quern_status status;

	if (!qn_h5_are_wanted(w, first, n))
		return QUERN_OK;
	status = qn_h5_read_new(w->r, addr, nbytes, &p);
	if (status != QUERN_OK)
		return status;
	if (qn_h5_sum_is_right(p, nbytes))
		status = qn_h5_add_elements(w, first, n, f->elem_nbytes, p);
	else
		status = qn_h5_damaged(w->r, addr, "a fixed array page has a wrong checksum");
	free(p);
	return status;
}

/* Pages that were never written hold no elements, whatever their bytes are. */
static enum quern_status fixed_paged(struct qn_h5_walk *w, const struct fixed *f)
{
	size_t head = 6u + w->r->addr_nbytes;
	uint64_t npages = qn_ceil_div(f->nelems, f->page_nelems);
	uint64_t nbytes = head + qn_ceil_div(npages, 8) + 4;
	uint64_t page_nbytes = f->page_nelems * f->elem_nbytes + 4;
	uint8_t *p;
	enum quern_status status = qn_h5_read_new(w->r, f->block_addr, nbytes, &p);

	if (status != QUERN_OK)
		return status;
	status =
		qn_h5_check_block(w->r, f->block_addr, p, nbytes, "FADB", "fixed array data block");
	for (uint64_t i = 0; i < npages && status == QUERN_OK; i++)
		if (p[head + i / 8] & 0x80u >> i % 8)
			status = fixed_page(w, f, i, f->block_addr + nbytes + i * page_nbytes);
	free(p);
	return status;
}

enum quern_status qn_h5_walk_fixed_array(struct qn_h5_walk *w)
{
	struct fixed f = { .block_addr = QN_ADDR_NONE };
	uint64_t nelems;
	enum quern_status status = fixed_header(w, &f);

	if (status != QUERN_OK || f.block_addr == QN_ADDR_NONE)
		return status;
	if (!qn_product(w->max_grid, w->ndim, &nelems) || nelems != f.nelems ||
	    nelems > UINT64_MAX / 64)
		return qn_h5_damaged(w->r, w->layout.index_addr,
				     "the fixed array is not as long as the dataset");
	return f.nelems > f.page_nelems ? fixed_paged(w, &f) : fixed_plain(w, &f);
}
