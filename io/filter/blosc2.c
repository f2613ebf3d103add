/*
 * blosc2.c - filter 32026: a contiguous frame of Blosc2.
 *
 *	| header | chunk | ... | index: a chunk with the place of each | trailer |
 *
 * The header is MessagePack with every field at a fixed place, big-endian. Its metalayer "b2nd", if
 * it is there, says that the elements are an array cut into blocks: the blocks of a chunk are in C
 * order, each one whole, so that the array is padded to a multiple of the block in each dimension.
 */
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "io/filter/blosc2.h"

#define MAX_NDIM 15
#define MAGIC	 "b2frame"
/* Padding of a chunk that is not unreasonable: what is beyond is taken for damage. */
#define MAX_PADDING    16
#define PADDING_NBYTES (1u << 20)

/* Places in the header of a frame. */
enum {
	AT_MAGIC = 0x02,
	AT_HEADER_NBYTES = 0x0b,
	AT_FRAME_NBYTES = 0x10,
	AT_FRAME_TYPE = 0x1a,
	AT_NBYTES = 0x1e,
	AT_STORED = 0x27,
	AT_TYPE_SIZE = 0x30,
	AT_CHUNK_NBYTES = 0x3a,
	AT_LAYERS = 0x57,
};

struct frame {
	const uint8_t *in;
	size_t header_nbytes, stored, nin;
	uint64_t nbytes; /* decoded */
	size_t type_size, chunk_nbytes;
};

/* An array in a frame of one chunk. */
struct array {
	int ndim;
	uint64_t shape[MAX_NDIM], block[MAX_NDIM];
	uint64_t grid[MAX_NDIM]; /* of blocks */
	uint64_t block_nelems;
	uint64_t nbytes, padded_nbytes;
};

void *qn_blosc2_state_new(void)
{
	struct qn_blosc2 *b = qn_calloc(1, sizeof(*b));

	if (!b)
		return NULL;
	b->deflate = qn_deflate_state_new();
#ifdef QN_HAVE_ZSTD
	b->zstd = qn_zstd_state_new();
	if (b->deflate && b->zstd)
		return b;
#else
	if (b->deflate)
		return b;
#endif
	qn_blosc2_state_free(b);
	return NULL;
}

void qn_blosc2_state_free(void *state)
{
	struct qn_blosc2 *b = state;

#ifdef QN_HAVE_ZSTD
	qn_zstd_state_free(b->zstd);
#endif
	if (b->deflate)
		qn_deflate_state_free(b->deflate);
	free(b->block[0].bytes);
	free(b->block[1].bytes);
	free(b->chunk.bytes);
	free(b->index.bytes);
	free(b);
}

/* --- The frame --- */

static bool read_frame(const uint8_t *in, size_t nin, struct frame *f)
{
	uint64_t frame_nbytes, stored;

	if (nin < AT_LAYERS || memcmp(in + AT_MAGIC, MAGIC, sizeof(MAGIC)) != 0 ||
	    (in[AT_FRAME_TYPE] & 15) != 0)
		return false;
	frame_nbytes = qn_load_be64(in + AT_FRAME_NBYTES);
	stored = qn_load_be64(in + AT_STORED);
	f->in = in;
	f->header_nbytes = qn_load_be32(in + AT_HEADER_NBYTES);
	f->nbytes = qn_load_be64(in + AT_NBYTES);
	f->type_size = qn_load_be32(in + AT_TYPE_SIZE);
	f->chunk_nbytes = qn_load_be32(in + AT_CHUNK_NBYTES);
	if (frame_nbytes > nin || f->header_nbytes < AT_LAYERS || f->header_nbytes > frame_nbytes ||
	    stored > frame_nbytes - f->header_nbytes || f->type_size == 0 || f->chunk_nbytes == 0)
		return false;
	f->nin = (size_t)frame_nbytes;
	f->stored = (size_t)stored;
	return true;
}

/* The index of a frame of nchunks, in the scratch; NULL: damaged. */
static const uint8_t *read_index(struct qn_blosc2 *b, const struct frame *f, size_t nchunks)
{
	const uint8_t *in = f->in + f->header_nbytes + f->stored;
	const size_t nin = f->nin - f->header_nbytes - f->stored;
	size_t nbytes, stored;
	uint8_t *index;

	if (!qn_blosc2_chunk_sizes(in, nin, &nbytes, &stored) || nbytes / 8 != nchunks)
		return NULL;
	index = qn_scratch_reserve(&b->index, nbytes);
	return index && qn_blosc2_chunk_decode(b, in, nin, index, nbytes) ? index : NULL;
}

/* One chunk by its entry in the index: a place behind the header, or a special value in the highest
   byte, of which only zeros (and anything) can be had without a type. */
static bool decode_chunk(struct qn_blosc2 *b, const struct frame *f, uint64_t entry, uint8_t *out,
			 size_t n)
{
	const unsigned special = (unsigned)(entry >> 56);

	if (special & 0x80) {
		if ((special & 7) != 1 && (special & 7) != 4)
			return false;
		memset(out, 0, n);
		return true;
	}
	return entry < f->stored && qn_blosc2_chunk_decode(b, f->in + f->header_nbytes + entry,
							   f->stored - entry, out, n);
}

/* All chunks of the frame, f->nbytes in all, which is at least 1. */
static bool decode_chunks(struct qn_blosc2 *b, const struct frame *f, uint8_t *out)
{
	const size_t nchunks = (size_t)qn_ceil_div(f->nbytes, f->chunk_nbytes);
	const uint8_t *index = read_index(b, f, nchunks);

	if (!index)
		return false;
	for (size_t i = 0; i < nchunks; i++) {
		const size_t at = i * f->chunk_nbytes;
		const size_t n = qn_min_u64(f->chunk_nbytes, f->nbytes - at);

		if (!decode_chunk(b, f, qn_load_le64(index + 8 * i), out + at, n))
			return false;
	}
	return true;
}

/* --- The array in it --- */

/* The contents of the metalayer "b2nd", or NULL when there is none. */
static const uint8_t *find_array(const struct frame *f, size_t *nbytes)
{
	const uint8_t *p = f->in + AT_LAYERS, *end = f->in + f->header_nbytes;

	/* An array of three, the size of the layers, and a map of their names and places. */
	if (end - p < 7 || p[0] != 0x93 || p[1] != 0xcd || p[4] != 0xde)
		return NULL;
	for (p += 7; end - p >= 1 && p[0] >> 5 == 5;) {
		const size_t length = p[0] & 31;
		size_t at, n;

		if ((size_t)(end - p) < 1 + length + 5 || p[1 + length] != 0xd2)
			return NULL;
		at = qn_load_be32(p + length + 2);
		if (length != 4 || memcmp(p + 1, "b2nd", 4) != 0) {
			p += 1 + length + 5;
			continue;
		}
		if (at > f->header_nbytes - 5 || f->in[at] != 0xc6)
			return NULL;
		n = qn_load_be32(f->in + at + 1);
		if (n > f->header_nbytes - at - 5)
			return NULL;
		*nbytes = n;
		return f->in + at + 5;
	}
	return NULL;
}

/* A list of ndim integers of `size` bytes, each after `tag`; *p moves behind it. */
static bool read_list(const uint8_t **p, const uint8_t *end, int ndim, uint8_t tag, size_t size,
		      uint64_t *v)
{
	if ((size_t)(end - *p) < 1 + (size_t)ndim * (1 + size) || **p != (0x90 | ndim))
		return false;
	++*p;
	for (int d = 0; d < ndim; d++, *p += 1 + size) {
		if (**p != tag)
			return false;
		v[d] = size == 8 ? qn_load_be64(*p + 1) : qn_load_be32(*p + 1);
	}
	return true;
}

/* Shape and blocks; only arrays of one chunk, which is what a chunk of HDF5 is. */
static bool read_array(const struct frame *f, const uint8_t *p, size_t nbytes, struct array *a)
{
	const uint8_t *end = p + nbytes;
	uint64_t chunk[MAX_NDIM], padded = 1, nelems = 1;

	if (nbytes < 3 || p[0] >> 4 != 9 || p[2] < 1 || p[2] > MAX_NDIM)
		return false;
	a->ndim = p[2];
	p += 3;
	if (!read_list(&p, end, a->ndim, 0xd3, 8, a->shape) ||
	    !read_list(&p, end, a->ndim, 0xd2, 4, chunk) ||
	    !read_list(&p, end, a->ndim, 0xd2, 4, a->block))
		return false;
	a->block_nelems = 1;
	for (int d = 0; d < a->ndim; d++) {
		if (a->block[d] == 0 || a->block[d] > chunk[d] || a->shape[d] > chunk[d])
			return false;
		a->grid[d] = qn_ceil_div(chunk[d], a->block[d]);
		if (!qn_mul(padded, a->grid[d] * a->block[d], &padded) ||
		    !qn_mul(nelems, a->shape[d], &nelems))
			return false;
		a->block_nelems *= a->block[d]; /* at most padded */
	}
	return qn_mul(padded, f->type_size, &a->padded_nbytes) &&
	       qn_mul(nelems, f->type_size, &a->nbytes);
}

/* Copies the rows of block `c` that are inside of the array from its elements `in`. */
static void place_block(const struct array *a, size_t size, const uint64_t *c, const uint8_t *in,
			uint8_t *out)
{
	const int last = a->ndim - 1;
	uint64_t at[MAX_NDIM] = { 0 }, first = c[last] * a->block[last], n;
	const uint64_t nrows = a->block_nelems / a->block[last];

	if (first >= a->shape[last])
		return;
	n = qn_min_u64(a->block[last], a->shape[last] - first);
	for (uint64_t r = 0; r < nrows; r++, in += a->block[last] * size) {
		uint64_t place = 0;
		bool inside = true;

		for (int d = 0; d < last; d++) {
			const uint64_t x = c[d] * a->block[d] + at[d];

			inside = inside && x < a->shape[d];
			place = place * a->shape[d] + x;
		}
		if (inside)
			memcpy(out + (place * a->shape[last] + first) * size, in, n * size);
		for (int d = last - 1; d >= 0 && ++at[d] == a->block[d]; d--)
			at[d] = 0;
	}
}

static void place_blocks(const struct array *a, size_t size, const uint8_t *in, uint8_t *out)
{
	uint64_t c[MAX_NDIM] = { 0 }, nblocks = 1;

	for (int d = 0; d < a->ndim; d++)
		nblocks *= a->grid[d];
	for (uint64_t i = 0; i < nblocks; i++, in += a->block_nelems * size) {
		place_block(a, size, c, in, out);
		for (int d = a->ndim - 1; d >= 0 && ++c[d] == a->grid[d]; d--)
			c[d] = 0;
	}
}

static bool decode_array(struct qn_blosc2 *b, const struct frame *f, const struct array *a,
			 uint8_t *out)
{
	bool ordered = a->padded_nbytes == a->nbytes;
	uint8_t *chunk;

	/* Blocks as wide as the array lie as its elements do. */
	for (int d = 1; d < a->ndim; d++)
		ordered = ordered && a->grid[d] == 1;
	if (ordered)
		return decode_chunks(b, f, out);
	chunk = qn_scratch_reserve(&b->chunk, (size_t)a->padded_nbytes);
	if (!chunk || !decode_chunks(b, f, chunk))
		return false;
	place_blocks(a, f->type_size, chunk, out);
	return true;
}

bool qn_blosc2_decode(void *state, const struct qn_filter_step *step, size_t elem_size,
		      const uint8_t *in, size_t nin, uint8_t *out, size_t out_nbytes, size_t *out_n)
{
	struct array a;
	struct frame f;
	const uint8_t *layer;
	size_t nbytes = 0;

	(void)step;
	(void)elem_size;
	if (!read_frame(in, nin, &f) || f.nbytes == 0)
		return false;
	layer = find_array(&f, &nbytes);
	if (!layer) {
		if (f.nbytes > out_nbytes || !decode_chunks(state, &f, out))
			return false;
		*out_n = (size_t)f.nbytes;
		return true;
	}
	if (!read_array(&f, layer, nbytes, &a) || a.nbytes > out_nbytes ||
	    a.padded_nbytes > MAX_PADDING * (uint64_t)out_nbytes + PADDING_NBYTES ||
	    a.padded_nbytes != f.nbytes)
		return false;
	if (!decode_array(state, &f, &a, out))
		return false;
	*out_n = (size_t)a.nbytes;
	return true;
}
