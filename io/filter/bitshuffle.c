/*
 * bitshuffle.c - filter 32008: bit planes of blocks of elements, each block compressed or none.
 *
 *	| decoded size, 8 bytes | size of a block, 4 bytes | stored size, 4 bytes | block | ... | rest |
 *
 * Integers are big-endian; without compression there are only blocks and rest. The last block has
 * what is left, rounded down to a multiple of 8 elements; the rest, under 8 elements, is as it was.
 * Parameters: version (2), bytes of an element, elements of a block or 0, compression, its level.
 */
#include "io/filter/filters.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>
#ifdef QN_HAVE_LZ4
#include <lz4.h>
#endif

#include "base/mem.h"
#include "io/filter/bitplanes.h"

#define HEADER_NBYTES	     12
#define ELEMS_MULTIPLE	     8
#define DEFAULT_BLOCK_NBYTES 8192
#define MIN_BLOCK_NELEMS     128

enum { PARAM_SIZE = 2, PARAM_BLOCK, PARAM_COMPRESSION };
enum { COMPRESSION_NONE = 0, COMPRESSION_LZ4 = 2, COMPRESSION_ZSTD = 3 };

struct state {
	struct qn_scratch rows, planes;
	void *zstd;
};

/* The chunk at hand. */
struct blocks {
	struct state *state;
	uint32_t compression;
	size_t block_nelems;
	const uint8_t *in, *in_end;
	uint8_t *rows, *planes; /* room for a block each */
	struct qn_bitplanes bits;
};

void *qn_bitshuffle_state_new(void)
{
	struct state *s = qn_calloc(1, sizeof(*s));

#ifdef QN_HAVE_ZSTD
	if (s && !(s->zstd = qn_zstd_state_new())) {
		free(s);
		return NULL;
	}
#endif
	return s;
}

void qn_bitshuffle_state_free(void *state)
{
	struct state *s = state;

	free(s->rows.bytes);
	free(s->planes.bytes);
#ifdef QN_HAVE_ZSTD
	qn_zstd_state_free(s->zstd);
#endif
	free(s);
}

static uint32_t compression_of(const struct qn_filter_step *step)
{
	return step->nparams > PARAM_COMPRESSION ? step->params[PARAM_COMPRESSION]
						 : (uint32_t)COMPRESSION_NONE;
}

bool qn_bitshuffle_applicable(const struct qn_filter_step *step)
{
	if (step->nparams <= PARAM_SIZE || step->params[PARAM_SIZE] == 0)
		return false;
	switch (compression_of(step)) {
	case COMPRESSION_NONE:
		return true;
#ifdef QN_HAVE_LZ4
	case COMPRESSION_LZ4:
		return true;
#endif
#ifdef QN_HAVE_ZSTD
	case COMPRESSION_ZSTD:
		return true;
#endif
	default:
		return false;
	}
}

/* Decompresses to exactly n bytes. */
static bool decompress(const struct blocks *b, const uint8_t *in, size_t nin, uint8_t *out,
		       size_t n)
{
#ifdef QN_HAVE_LZ4
	if (b->compression == COMPRESSION_LZ4)
		return nin <= INT_MAX && n <= INT_MAX &&
		       LZ4_decompress_safe((const char *)in, (char *)out, (int)nin, (int)n) ==
			       (int)n;
#endif
#ifdef QN_HAVE_ZSTD
	if (b->compression == COMPRESSION_ZSTD) {
		size_t got = 0;

		return qn_zstd_decode(b->state->zstd, NULL, 1, in, nin, out, n, &got) && got == n;
	}
#endif
	(void)b;
	(void)in;
	(void)nin;
	(void)out;
	(void)n;
	return false;
}

/* The rows of the next block of n bytes, which may be where they are stored; NULL: damaged. */
static const uint8_t *next_rows(struct blocks *b, size_t n)
{
	const uint8_t *rows;
	size_t stored = n;

	if (b->compression != COMPRESSION_NONE) {
		if (b->in_end - b->in < 4)
			return NULL;
		stored = qn_load_be32(b->in);
		b->in += 4;
	}
	if (stored > (size_t)(b->in_end - b->in))
		return NULL;
	rows = b->in;
	b->in += stored;
	if (b->compression == COMPRESSION_NONE)
		return rows;
	return decompress(b, rows, stored, b->rows, n) ? b->rows : NULL;
}

static bool decode_blocks(struct blocks *b, uint8_t *out, size_t nelems)
{
	const size_t size = b->bits.size, whole = nelems - nelems % ELEMS_MULTIPLE;
	const size_t rest = (nelems - whole) * size;

	for (size_t done = 0; done < whole;) {
		const size_t n = qn_min_u64(b->block_nelems, whole - done);
		const uint8_t *rows = next_rows(b, n * size);

		if (!rows)
			return false;
		qn_bitplanes_undo(&b->bits, rows, n, b->planes, out + done * size);
		done += n;
	}
	if (rest > (size_t)(b->in_end - b->in))
		return false;
	memcpy(out + whole * size, b->in, rest);
	return true;
}

/* What bitshuffle takes when it is not told. */
static size_t default_block(size_t elem_nbytes)
{
	const size_t n = DEFAULT_BLOCK_NBYTES / elem_nbytes;

	return qn_max_u64(n - n % ELEMS_MULTIPLE, MIN_BLOCK_NELEMS);
}

/* Reads the sizes; *nbytes is of the chunk decoded. */
static bool read_header(struct blocks *b, const struct qn_filter_step *step, uint64_t *nbytes)
{
	const size_t size = step->params[PARAM_SIZE];

	if (b->compression == COMPRESSION_NONE) {
		*nbytes = (uint64_t)(b->in_end - b->in);
		b->block_nelems = step->nparams > PARAM_BLOCK ? step->params[PARAM_BLOCK] : 0;
	} else {
		if (b->in_end - b->in < HEADER_NBYTES)
			return false;
		*nbytes = qn_load_be64(b->in);
		b->block_nelems = qn_load_be32(b->in + 8) / size;
		b->in += HEADER_NBYTES;
	}
	if (b->block_nelems == 0)
		b->block_nelems = default_block(size);
	return b->block_nelems % ELEMS_MULTIPLE == 0 && *nbytes % size == 0;
}

bool qn_bitshuffle_decode(void *state, const struct qn_filter_step *step, size_t elem_size,
			  const uint8_t *in, size_t nin, uint8_t *out, size_t out_nbytes,
			  size_t *out_n)
{
	struct state *s = state;
	struct blocks b = { .state = s, .in = in, .in_end = in + nin };
	uint64_t nbytes, block;

	(void)elem_size;
	if (!qn_bitshuffle_applicable(step))
		return false;
	b.compression = compression_of(step);
	if (!read_header(&b, step, &nbytes) || nbytes > out_nbytes)
		return false;
	qn_bitplanes_init(&b.bits, step->params[PARAM_SIZE]);
	block = qn_min_u64((uint64_t)b.block_nelems * b.bits.size, nbytes);
	b.rows = qn_scratch_reserve(&s->rows, (size_t)block + 1);
	b.planes = qn_scratch_reserve(&s->planes, (size_t)block + 1);
	if (!b.rows || !b.planes || !decode_blocks(&b, out, (size_t)nbytes / b.bits.size))
		return false;
	*out_n = (size_t)nbytes;
	return true;
}
