/*
 * blosc2_chunk.c - a chunk of Blosc2, or of Blosc 1, whose header is the first half.
 *
 *	| version, of the codec, flags, type size | decoded size | block size | stored size |
 *	| filters (6), codec, - | their parameters (6), -, flags |
 *	| place of each block, 4 bytes | streams |
 *
 * Integers are little-endian. A block is one stream, or one for each byte of an element; the filters
 * of its elements are undone last to first. Not decoded: dictionaries, codecs and filters of users,
 * and what 2.x frames in HDF5 files cannot have (lazy chunks, blocks of any length).
 */
#include <limits.h>
#include <math.h>
#include <string.h>
#ifdef QN_HAVE_LZ4
#include <lz4.h>
#endif

#include "base/mem.h"
#include "io/filter/bitplanes.h"
#include "io/filter/blosc2.h"

#define HEADER_NBYTES	       16
#define EXTENDED_HEADER_NBYTES 32
#define NFILTERS	       6
#define MAX_STREAM_RUN	       255

enum {
	FLAG_SHUFFLE = 1,
	FLAG_COPIED = 2,
	FLAG_BITSHUFFLE = 4,
	FLAG_DELTA = 8,
	FLAG_ONE_STREAM = 16
};
enum { FLAGS2_DICTIONARY = 1, FLAGS2_LAZY = 8, FLAGS2_INSTRUMENTED = 128 };
enum { CODEC_BLOSCLZ = 0, CODEC_LZ4 = 1, CODEC_ZLIB = 3, CODEC_ZSTD = 4 };
enum { FILTER_NONE, FILTER_SHUFFLE, FILTER_BITSHUFFLE, FILTER_DELTA, FILTER_TRUNCATE };
enum { SPECIAL_NONE, SPECIAL_ZERO, SPECIAL_NAN, SPECIAL_VALUE, SPECIAL_ANY };

struct chunk {
	struct qn_blosc2 *b;
	const uint8_t *in;
	size_t nin; /* of it: the stored size */
	size_t header_nbytes;
	unsigned version, flags, special, codec;
	size_t type_size, nbytes, block_nbytes;
	uint8_t filter[NFILTERS], param[NFILTERS];
	struct qn_bitplanes bits;
	uint8_t *out;
};

/* --- The header --- */

static bool read_extended(struct chunk *c)
{
	unsigned flags2;

	if (c->nin < EXTENDED_HEADER_NBYTES)
		return false;
	flags2 = c->in[31];
	if (c->in[30] != 0 || flags2 & (FLAGS2_DICTIONARY | FLAGS2_LAZY | FLAGS2_INSTRUMENTED))
		return false;
	c->header_nbytes = EXTENDED_HEADER_NBYTES;
	c->special = flags2 >> 4 & 7;
	memcpy(c->filter, c->in + 16, NFILTERS);
	memcpy(c->param, c->in + 24, NFILTERS);
	return true;
}

static void read_plain(struct chunk *c)
{
	c->header_nbytes = HEADER_NBYTES;
	if (c->flags & FLAG_DELTA)
		c->filter[NFILTERS - 2] = FILTER_DELTA;
	if (c->flags & FLAG_SHUFFLE)
		c->filter[NFILTERS - 1] = FILTER_SHUFFLE;
	else if (c->flags & FLAG_BITSHUFFLE)
		c->filter[NFILTERS - 1] = FILTER_BITSHUFFLE;
}

/* Delta refers to elements as they were, so only what changes nothing may come before it. */
static bool has_known_filters(const struct chunk *c)
{
	bool changed = false;

	for (int i = 0; i < NFILTERS; i++) {
		if (c->filter[i] > FILTER_TRUNCATE || (c->filter[i] == FILTER_DELTA && changed))
			return false;
		changed = changed ||
			  (c->filter[i] != FILTER_NONE && c->filter[i] != FILTER_TRUNCATE);
	}
	return true;
}

static bool read_header(const uint8_t *in, size_t nin, struct chunk *c)
{
	const unsigned extended = FLAG_SHUFFLE | FLAG_BITSHUFFLE;

	memset(c, 0, sizeof(*c));
	if (nin < HEADER_NBYTES)
		return false;
	c->in = in;
	c->version = in[0];
	c->flags = in[2];
	c->codec = c->flags >> 5;
	c->type_size = in[3];
	c->nbytes = qn_load_le32(in + 4);
	c->block_nbytes = qn_load_le32(in + 8);
	c->nin = qn_load_le32(in + 12);
	if (c->nin < HEADER_NBYTES || c->nin > nin || c->nbytes > INT32_MAX || c->type_size == 0 ||
	    c->block_nbytes == 0)
		return false;
	c->block_nbytes = qn_min_u64(c->block_nbytes, c->nbytes);
	if ((c->flags & extended) != extended)
		read_plain(c);
	else if (!read_extended(c))
		return false;
	return has_known_filters(c);
}

bool qn_blosc2_chunk_sizes(const uint8_t *in, size_t nin, size_t *nbytes, size_t *stored)
{
	struct chunk c;

	if (!read_header(in, nin, &c))
		return false;
	*nbytes = c.nbytes;
	*stored = c.nin;
	return true;
}

/* --- Streams --- */

/* Decompresses to exactly n bytes. */
static bool decompress(const struct chunk *c, const uint8_t *in, size_t nin, uint8_t *out, size_t n)
{
	size_t got = 0;

	switch (c->codec) {
	case CODEC_BLOSCLZ:
		return qn_blosc2_lz_decode(in, nin, out, n);
	case CODEC_ZLIB:
		return qn_deflate_decode(c->b->deflate, NULL, 1, in, nin, out, n, &got) && got == n;
#ifdef QN_HAVE_LZ4
	case CODEC_LZ4:
		return LZ4_decompress_safe((const char *)in, (char *)out, (int)nin, (int)n) ==
		       (int)n;
#endif
#ifdef QN_HAVE_ZSTD
	case CODEC_ZSTD:
		return qn_zstd_decode(c->b->zstd, NULL, 1, in, nin, out, n, &got) && got == n;
#endif
	default:
		return false;
	}
}

/* A stream of n bytes that begins with its stored size, at *in, which moves behind it. A size of 0
   is a run of zeros; one below, a run of another byte. */
static bool decode_stream(const struct chunk *c, const uint8_t **in, uint8_t *out, size_t n)
{
	const uint8_t *end = c->in + c->nin;
	int32_t stored;

	if (end - *in < 4)
		return false;
	stored = (int32_t)qn_load_le32(*in);
	*in += 4;
	if (stored < 0) {
		if (stored < -MAX_STREAM_RUN || *in == end || !(*(*in)++ & 1))
			return false;
		memset(out, -stored, n);
		return true;
	}
	if (stored > end - *in)
		return false;
	if (stored == 0)
		memset(out, 0, n);
	else if ((size_t)stored == n)
		memcpy(out, *in, n);
	else if (!decompress(c, *in, (size_t)stored, out, n))
		return false;
	*in += stored;
	return true;
}

static bool decode_streams(const struct chunk *c, size_t block, uint8_t *out, size_t n)
{
	const size_t at = qn_load_le32(c->in + c->header_nbytes + 4 * block);
	const bool split = !(c->flags & FLAG_ONE_STREAM) && n == c->block_nbytes;
	const size_t nstreams = split ? c->type_size : 1;
	const uint8_t *in = c->in + at;

	if (at > c->nin || n / nstreams == 0 || n % nstreams != 0)
		return false;
	for (size_t i = 0; i < nstreams; i++)
		if (!decode_stream(c, &in, out + i * (n / nstreams), n / nstreams))
			return false;
	return true;
}

/* --- Filters --- */

static void undo_shuffle(size_t size, const uint8_t *in, size_t n, uint8_t *out)
{
	const size_t nelems = n / size;

	if (nelems > 0)
		qn_unshuffle(size, in, (ptrdiff_t)nelems, nelems, out);
	memcpy(out + nelems * size, in + nelems * size, n - nelems * size);
}

/* tmp: room for n bytes. Blosc 1 left a block alone that was not a multiple of 8 elements. */
static void undo_bitshuffle(const struct chunk *c, const uint8_t *in, size_t n, uint8_t *tmp,
			    uint8_t *out)
{
	size_t nelems = n / c->type_size;

	if (c->version == 2 && nelems % 8 != 0)
		nelems = 0;
	nelems -= nelems % 8;
	if (nelems > 0)
		qn_bitplanes_undo(&c->bits, in, nelems, tmp, out);
	memcpy(out + nelems * c->type_size, in + nelems * c->type_size, n - nelems * c->type_size);
}

/* In place: exclusive or with the element before, or with the first block. Whole units only: the
   size of an element, or 8 or 1 bytes when that is none that has its own code in Blosc2. */
static void undo_delta(const struct chunk *c, size_t at, size_t n)
{
	const size_t size = c->type_size;
	const size_t unit = size == 2 || size == 4 || size == 8 ? size : size % 8 == 0 ? 8 : 1;
	uint8_t *p = c->out + at;

	n -= n % unit;
	if (at > 0)
		for (size_t i = 0; i < n; i++)
			p[i] ^= c->out[i];
	else
		for (size_t i = unit; i < n; i++)
			p[i] ^= p[i - unit];
}

/* The steps that move bytes, first to last of undoing. */
static int list_moves(const struct chunk *c, int moves[NFILTERS])
{
	int n = 0;

	for (int i = NFILTERS - 1; i >= 0; i--)
		if (c->filter[i] == FILTER_SHUFFLE || c->filter[i] == FILTER_BITSHUFFLE)
			moves[n++] = i;
	return n;
}

static void undo_move(const struct chunk *c, int i, const uint8_t *in, size_t n, uint8_t *tmp,
		      uint8_t *out)
{
	if (c->filter[i] == FILTER_SHUFFLE)
		undo_shuffle(c->param[i] ? c->param[i] : c->type_size, in, n, out);
	else
		undo_bitshuffle(c, in, n, tmp, out);
}

/* --- Blocks --- */

/* Streams and moves take turns in three buffers, and the last one writes to the chunk. */
static bool decode_block(const struct chunk *c, size_t block, uint8_t *buffer[3])
{
	const size_t at = block * c->block_nbytes;
	const size_t n = qn_min_u64(c->block_nbytes, c->nbytes - at);
	int moves[NFILTERS], nmoves = list_moves(c, moves);
	uint8_t *from = nmoves > 0 ? buffer[0] : c->out + at;

	if (!decode_streams(c, block, from, n))
		return false;
	for (int i = 0; i < nmoves; i++) {
		uint8_t *to = i == nmoves - 1 ? c->out + at : buffer[(i + 1) % 2];

		undo_move(c, moves[i], from, n, buffer[2], to);
		from = to;
	}
	for (int i = 0; i < NFILTERS; i++)
		if (c->filter[i] == FILTER_DELTA)
			undo_delta(c, at, n);
	return true;
}

static bool decode_blocks(struct chunk *c)
{
	const size_t n = c->block_nbytes, nblocks = (size_t)qn_ceil_div(c->nbytes, n);
	uint8_t *buffer[3];

	if (nblocks > (c->nin - c->header_nbytes) / 4)
		return false;
	buffer[0] = qn_scratch_reserve(&c->b->block[0], 2 * n);
	buffer[2] = qn_scratch_reserve(&c->b->block[1], n);
	if (!buffer[0] || !buffer[2])
		return false;
	buffer[1] = buffer[0] + n;
	qn_bitplanes_init(&c->bits, c->type_size);
	for (size_t i = 0; i < nblocks; i++)
		if (!decode_block(c, i, buffer))
			return false;
	return true;
}

static void repeat(uint8_t *out, size_t nbytes, const void *value, size_t size)
{
	for (size_t i = 0; i < nbytes; i += size)
		memcpy(out + i, value, size);
}

/* A chunk whose elements are all the same has no blocks. */
static bool decode_special(const struct chunk *c)
{
	const double nan8 = NAN;
	const float nan4 = NAN;
	const size_t value_nbytes = c->nin - c->header_nbytes;

	switch (c->special) {
	case SPECIAL_ZERO:
	case SPECIAL_ANY:
		memset(c->out, 0, c->nbytes);
		return true;
	case SPECIAL_NAN:
		if ((c->type_size != 4 && c->type_size != 8) || c->nbytes % c->type_size != 0)
			return false;
		repeat(c->out, c->nbytes, c->type_size == 4 ? (const void *)&nan4 : &nan8,
		       c->type_size);
		return true;
	case SPECIAL_VALUE:
		if (value_nbytes == 0 || c->nbytes % value_nbytes != 0)
			return false;
		repeat(c->out, c->nbytes, c->in + c->header_nbytes, value_nbytes);
		return true;
	default:
		return false;
	}
}

bool qn_blosc2_chunk_decode(struct qn_blosc2 *b, const uint8_t *in, size_t nin, uint8_t *out,
			    size_t nbytes)
{
	struct chunk c;

	if (!read_header(in, nin, &c) || c.nbytes != nbytes)
		return false;
	c.b = b;
	c.out = out;
	if (nbytes == 0)
		return true;
	if (c.special != SPECIAL_NONE)
		return decode_special(&c);
	if (!(c.flags & FLAG_COPIED))
		return decode_blocks(&c);
	if (c.nin - c.header_nbytes != nbytes)
		return false;
	memcpy(out, in + c.header_nbytes, nbytes);
	return true;
}
