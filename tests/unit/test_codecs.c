/*
 * Codecs one by one: what an encoder made is decoded to the byte, and what was damaged on the way is
 * refused, or gives anything that fits. The encoder is the codec's library, the HDF5 library, or one
 * of a few lines here. Buffers have exactly the size needed, so that the sanitizer sees each byte
 * too many.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <hdf5.h>

#ifdef QN_HAVE_BZIP2
#include <bzlib.h>
#endif
#ifdef QN_HAVE_BLOSC
#include <blosc.h>
#endif
#ifdef QN_HAVE_LZ4
#include <lz4.h>
#endif
#ifdef QN_HAVE_ZSTD
#include <zstd.h>
#endif

#include "base/cpu.h"
#include "data/storage.h"
#include "h5make.h"
#include "tests/testing/plan.h"

#define GUARD_NBYTES 64
#define GUARD	     0xa5

static const size_t sizes[] = { 1, 7, 64, 1000, 4096, 100001 };
#define NSIZES (sizeof(sizes) / sizeof(*sizes))

static uint64_t seed = 88172645463325252u;

static uint32_t draw(void)
{
	seed ^= seed << 13;
	seed ^= seed >> 7;
	seed ^= seed << 17;
	return (uint32_t)(seed >> 32);
}

/* A stored chunk and what it must become. */
struct sample {
	struct qn_filter_step step;
	size_t elem_nbytes;
	uint8_t *stored, *plain; /* owned */
	size_t nstored, nplain;
};

static void sample_fini(struct sample *s)
{
	free(s->stored);
	free(s->plain);
}

static uint8_t *copy_of(const void *p, size_t n)
{
	uint8_t *q = malloc(n + (n == 0));

	assert_non_null(q);
	memcpy(q, p, n);
	return q;
}

/* Elements of `size` bytes that compress: slow ramps, repeats and some noise. */
static uint8_t *make_plain(size_t nbytes, size_t size)
{
	uint8_t *p = malloc(nbytes + (nbytes == 0));
	uint64_t v = draw();

	assert_non_null(p);
	for (size_t i = 0; i < nbytes; i++) {
		if (i % size == 0)
			v += i / size % 97 < 60 ? 1 : draw() % 1000;
		p[i] = (uint8_t)(i % size < 8 ? v >> 8 * (i % size) : 0);
	}
	return p;
}

/* Decodes in memory of exactly the room given; the guards behind it must stay. */
static bool decode(const struct sample *s, void *state, const uint8_t *stored, size_t nstored,
		   size_t room, uint8_t *out, size_t *n)
{
	const struct qn_filter *f = qn_filter_find(s->step.id);
	uint8_t *in = copy_of(stored, nstored);
	bool ok;

	memset(out + room, GUARD, GUARD_NBYTES);
	*n = 0;
	ok = f->decode(state, &s->step, s->elem_nbytes, in, nstored, out, room, n);
	for (size_t i = 0; i < GUARD_NBYTES; i++)
		assert_int_equal(out[room + i], GUARD);
	assert_true(!ok || *n <= room);
	free(in);
	return ok;
}

static void check_damaged(const struct sample *s, void *state, uint8_t *out)
{
	uint8_t *bad = copy_of(s->stored, s->nstored);
	size_t n;
	const int ntries = s->nplain < 10000 ? 64 : 16;

	for (int i = 0; i < ntries / 4; i++)
		decode(s, state, bad, draw() % (s->nstored + 1), s->nplain, out, &n);
	for (size_t i = 0; i < 8 && i < s->nstored; i++)
		decode(s, state, bad, i, s->nplain, out, &n);
	for (int i = 0; i < ntries; i++) {
		/* Half of the flips where the header is. */
		const size_t at = draw() % (i % 2 || s->nstored < 40 ? s->nstored : 40);
		const uint8_t before = bad[at];

		bad[at] ^= (uint8_t)(1u << draw() % 8);
		decode(s, state, bad, s->nstored, s->nplain, out, &n);
		if (i % 8)
			bad[at] = before;
	}
	free(bad);
}

/* Each allocation of a decoder fails in turn, which is not damage. */
static void check_memory(const struct sample *s, uint8_t *out)
{
	const struct qn_filter *f = qn_filter_find(s->step.id);
	bool ok = false;
	size_t n;

	for (long k = 1; !ok; k++) {
		void *state = f->state_new ? f->state_new() : NULL;

		test_fail_at(TEST_MEMORY, k);
		errno = 0;
		ok = decode(s, state, s->stored, s->nstored, s->nplain, out, &n);
		test_fail_at(TEST_MEMORY, 0);
		assert_int_equal(errno, ok ? 0 : ENOMEM);
		if (f->state_free)
			f->state_free(state);
	}
}

/* Decodes the sample as it is, with too much room and too little, damaged, and without memory. */
static void check(const struct sample *s)
{
	const struct qn_filter *f = qn_filter_find(s->step.id);
	uint8_t *out = malloc(s->nplain + 100 + GUARD_NBYTES);
	void *state;
	size_t n;

	assert_non_null(f);
	assert_true(qn_filter_is_native(&s->step));
	state = f->state_new ? f->state_new() : NULL;
	assert_non_null(out);
	for (size_t room = s->nplain; room <= s->nplain + 100; room += 100) {
		if (!decode(s, state, s->stored, s->nstored, room, out, &n))
			fail_msg("%s does not decode %zu bytes", f->name, s->nplain);
		assert_int_equal(n, s->nplain);
		assert_memory_equal(out, s->plain, n);
	}
	if (s->nplain > 0)
		assert_false(decode(s, state, s->stored, s->nstored, s->nplain - 1, out, &n));
	check_damaged(s, state, out);
	check_memory(s, out);
	if (f->state_free)
		f->state_free(state);
	free(out);
}

static void put_be(uint8_t *p, uint64_t v, int n)
{
	for (int i = 0; i < n; i++)
		p[i] = (uint8_t)(v >> 8 * (n - 1 - i));
}

/* --- lzf ---------------------------------------------------------------------------------------------- */

/* Literals and matches as they come: any stream is a test as long as its meaning is known. */
static void make_lzf(struct sample *s, size_t nbytes)
{
	uint8_t *in = malloc(2 * nbytes + 64), *out = malloc(nbytes + 300);
	size_t ni = 0, no = 0;

	assert_true(in && out);
	while (no < nbytes) {
		size_t n = 1 + draw() % 32, distance = 1 + draw() % 8192;

		if (no < distance || draw() % 3 == 0) {
			in[ni++] = (uint8_t)(n - 1);
			while (n-- > 0)
				in[ni++] = out[no++] = (uint8_t)draw();
			continue;
		}
		n = draw() % 4 ? 3 + draw() % 6 : 9 + draw() % 256;
		in[ni++] = (uint8_t)((n < 9 ? n - 2 : 7) << 5 | (distance - 1) >> 8);
		if (n >= 9)
			in[ni++] = (uint8_t)(n - 9);
		in[ni++] = (uint8_t)(distance - 1);
		for (; n > 0; n--, no++)
			out[no] = out[no - distance];
	}
	*s = (struct sample){ .step = { .id = 32000 },
			      .elem_nbytes = 1,
			      .stored = in,
			      .nstored = ni,
			      .plain = out,
			      .nplain = no };
}

static void test_lzf(void **state)
{
	struct sample s;

	(void)state;
	for (size_t i = 0; i < 2 * NSIZES; i++) {
		make_lzf(&s, sizes[i / 2]);
		check(&s);
		sample_fini(&s);
	}
}

/* --- bzip2, zstd, lz4 --------------------------------------------------------------------------------- */

#ifdef QN_HAVE_BZIP2
static void test_bzip2(void **state)
{
	(void)state;
	for (size_t i = 0; i < NSIZES; i++) {
		unsigned n = (unsigned)(sizes[i] + sizes[i] / 100 + 600);
		struct sample s = { .step = { .id = 307, .nparams = 1, .params = { 9 } },
				    .elem_nbytes = 4,
				    .nplain = sizes[i] };

		s.plain = make_plain(s.nplain, 4);
		s.stored = malloc(n);
		assert_int_equal(BZ2_bzBuffToBuffCompress((char *)s.stored, &n, (char *)s.plain,
							  (unsigned)s.nplain, 9, 0, 0),
				 BZ_OK);
		s.nstored = n;
		check(&s);
		sample_fini(&s);
	}
}
#endif

#ifdef QN_HAVE_ZSTD
static void test_zstd(void **state)
{
	(void)state;
	for (size_t i = 0; i < NSIZES; i++) {
		const size_t room = ZSTD_compressBound(sizes[i]);
		struct sample s = { .step = { .id = 32015 }, .elem_nbytes = 8, .nplain = sizes[i] };

		s.plain = make_plain(s.nplain, 8);
		s.stored = malloc(room);
		s.nstored = ZSTD_compress(s.stored, room, s.plain, s.nplain, 3);
		check(&s);
		sample_fini(&s);
	}
}
#endif

#ifdef QN_HAVE_LZ4
static void make_lz4(struct sample *s, size_t nbytes, size_t block)
{
	const size_t nblocks = (nbytes + block - 1) / block;
	size_t at = 12;

	*s = (struct sample){ .step = { .id = 32004 }, .elem_nbytes = 2, .nplain = nbytes };
	s->plain = make_plain(nbytes, 2);
	s->stored = malloc(12 + nblocks * (4 + (size_t)LZ4_compressBound((int)block)));
	put_be(s->stored, nbytes, 8);
	put_be(s->stored + 8, block, 4);
	for (size_t done = 0; done < nbytes; done += block) {
		const size_t n = nbytes - done < block ? nbytes - done : block;
		uint8_t *to = s->stored + at + 4;
		int stored = LZ4_compress_default((const char *)s->plain + done, (char *)to, (int)n,
						  LZ4_compressBound((int)n));

		if (stored >= (int)n || draw() % 8 == 0) {
			memcpy(to, s->plain + done, n);
			stored = (int)n;
		}
		put_be(s->stored + at, (uint64_t)stored, 4);
		at += 4 + (size_t)stored;
	}
	s->nstored = at;
}

static void test_lz4(void **state)
{
	static const size_t blocks[] = { 13, 4096, 1u << 20 };
	struct sample s;

	(void)state;
	for (size_t i = 0; i < NSIZES; i++)
		for (size_t k = 0; k < 3; k++) {
			make_lz4(&s, sizes[i], blocks[k]);
			check(&s);
			sample_fini(&s);
		}
}
#endif

/* --- bitshuffle --------------------------------------------------------------------------------------- */

enum { NONE = 0, LZ4 = 2, ZSTD = 3 };

/* By the definition: row 8 b + k has bit k of byte b. */
static void shuffle_bits(const uint8_t *in, size_t n, size_t size, uint8_t *out)
{
	memset(out, 0, n * size);
	for (size_t i = 0; i < n; i++)
		for (size_t b = 0; b < 8 * size; b++)
			if (in[i * size + b / 8] >> b % 8 & 1)
				out[b * (n / 8) + i / 8] |= (uint8_t)(1u << i % 8);
}

static size_t compress(uint32_t how, const uint8_t *in, size_t n, uint8_t *out)
{
#ifdef QN_HAVE_LZ4
	if (how == LZ4)
		return (size_t)LZ4_compress_default((const char *)in, (char *)out, (int)n,
						    (int)n * 2 + 64);
#endif
#ifdef QN_HAVE_ZSTD
	if (how == ZSTD)
		return ZSTD_compress(out, n * 2 + 64, in, n, 1);
#endif
	(void)how;
	memcpy(out, in, n);
	return n;
}

static void make_bitshuffle(struct sample *s, size_t nelems, size_t size, size_t block,
			    uint32_t how)
{
	uint8_t *rows = malloc(nelems * size + 1);
	const size_t rest = nelems % 8 * size;
	size_t at = how == NONE ? 0 : 12, used = block;

	*s = (struct sample){
		.step = { .id = 32008,
			  .nparams = 5,
			  .params = { 0, 3, (uint32_t)size, (uint32_t)block, how } },
		.elem_nbytes = size,
		.nplain = nelems * size,
	};
	if (block == 0) {
		used = 8192 / size / 8 * 8;
		used = used < 128 ? 128 : used;
	}
	s->plain = make_plain(s->nplain, size);
	s->stored = malloc(2 * s->nplain + 128 * (nelems / used + 2));
	if (how != NONE) {
		put_be(s->stored, s->nplain, 8);
		put_be(s->stored + 8, used * size, 4);
	}
	for (size_t done = 0; done < nelems - nelems % 8; done += used) {
		const size_t left = nelems - nelems % 8 - done, n = left < used ? left : used;
		uint8_t *to = s->stored + at + (how == NONE ? 0 : 4);
		size_t stored;

		shuffle_bits(s->plain + done * size, n, size, rows);
		stored = compress(how, rows, n * size, to);
		if (how != NONE)
			put_be(s->stored + at, stored, 4);
		at += stored + (how == NONE ? 0 : 4);
	}
	memcpy(s->stored + at, s->plain + s->nplain - rest, rest);
	s->nstored = at + rest;
	free(rows);
}

static void check_bitshuffle(size_t size, uint32_t how)
{
	static const size_t nelems[] = { 1, 8, 15, 1000, 20003 }, blocks[] = { 0, 8, 1024 };
	struct sample s;

	for (size_t i = 0; i < 15; i++) {
		make_bitshuffle(&s, nelems[i / 3], size, blocks[i % 3], how);
		/* Without a header there is nothing that says how much it must be. */
		if (how == NONE) {
			uint8_t *out = malloc(s.nplain + GUARD_NBYTES);
			void *state = qn_filter_find(32008)->state_new();
			size_t n;

			assert_true(decode(&s, state, s.stored, s.nstored, s.nplain, out, &n));
			assert_int_equal(n, s.nplain);
			assert_memory_equal(out, s.plain, n);
			qn_filter_find(32008)->state_free(state);
			free(out);
		} else {
			check(&s);
		}
		sample_fini(&s);
	}
}

static void test_bitshuffle(void **state)
{
	static const char *const level[] = { "baseline", "avx2", "avx512" };
	static const size_t elems[] = { 1, 2, 3, 4, 8, 16 };

	(void)state;
	for (size_t i = 0; i < 3 * 6; i++) {
		qn_cpu_choose(level[i % 3]);
		check_bitshuffle(elems[i / 3], NONE);
#ifdef QN_HAVE_LZ4
		check_bitshuffle(elems[i / 3], LZ4);
#endif
#ifdef QN_HAVE_ZSTD
		check_bitshuffle(elems[i / 3], ZSTD);
#endif
	}
	qn_cpu_choose(NULL);
}

/* --- blosc and blosc2 --------------------------------------------------------------------------------- */

#ifdef QN_HAVE_BLOSC
static const char *const codecs[] = { "blosclz", "lz4", "lz4hc", "zlib", "zstd" };

static size_t make_blosc(size_t nbytes, size_t size, int shuffle, const char *codec,
			 const uint8_t *plain, uint8_t **stored)
{
	int n;

	*stored = malloc(nbytes + BLOSC_MAX_OVERHEAD);
	n = blosc_compress_ctx(5, shuffle, size, nbytes, plain, *stored,
			       nbytes + BLOSC_MAX_OVERHEAD, codec, 0, 1);
	assert_true(n > 0);
	return (size_t)n;
}

static void check_blosc(size_t nbytes, size_t size, int shuffle, const char *codec)
{
	struct sample s = { .step = { .id = 32001 }, .elem_nbytes = size, .nplain = nbytes };

	s.plain = make_plain(nbytes, size);
	s.nstored = make_blosc(nbytes, size, shuffle, codec, s.plain, &s.stored);
	check(&s);
	sample_fini(&s);
}

static void test_blosc(void **state)
{
	static const size_t elems[] = { 1, 2, 4, 8, 13 };

	(void)state;
	for (size_t i = 0; i < NSIZES; i++)
		for (size_t k = 0; k<5 * 3 * 5; k += sizes[i]> 100000 ? 7 : 1)
			check_blosc(sizes[i], elems[k % 5], (int)(k / 5 % 3), codecs[k / 15]);
}

/* Of the header of a frame: the fixed part, and with ndim > 0 the metalayer of an array. */
static size_t put_header(uint8_t *p, int ndim, const uint32_t *shape, const uint32_t *block)
{
	size_t n = 0x5e;

	memset(p, 0, 0x200);
	p[0] = 0x9e;
	p[1] = 0xa8;
	memcpy(p + 2, "b2frame", 8);
	p[0x57] = 0x93;
	p[0x58] = 0xcd;
	p[0x5b] = 0xde;
	if (ndim == 0)
		return n;
	memcpy(p + n,
	       "\xa4"
	       "b2nd\xd2",
	       6);
	put_be(p + n + 6, n + 13, 4);
	n += 13;
	p[n] = 0xc6;
	put_be(p + n + 1, 3 + 3 + (size_t)ndim * (9 + 5 + 5), 4);
	n += 5;
	memcpy(p + n, "\x97\0", 2);
	p[n + 2] = (uint8_t)ndim;
	n += 3;
	for (int k = 0; k < 3; k++) {
		p[n++] = (uint8_t)(0x90 | ndim);
		for (int d = 0; d < ndim; d++) {
			p[n] = k == 0 ? 0xd3 : 0xd2;
			put_be(p + n + 1, k == 2 ? block[d] : shape[d], k == 0 ? 8 : 4);
			n += k == 0 ? 9 : 5;
		}
	}
	return n;
}

static void finish_header(uint8_t *p, size_t header, size_t frame, size_t plain, size_t stored,
			  size_t size, size_t chunk)
{
	put_be(p + 0x0b, header, 4);
	put_be(p + 0x10, frame, 8);
	put_be(p + 0x1e, plain, 8);
	put_be(p + 0x27, stored, 8);
	put_be(p + 0x30, size, 4);
	put_be(p + 0x3a, chunk, 4);
}

/* A frame of chunks that Blosc 1 made, which Blosc2 reads too. */
static void make_frame(struct sample *s, size_t nbytes, size_t size, size_t chunk, int shuffle,
		       const char *codec, int ndim, const uint32_t *shape, const uint32_t *block)
{
	const size_t nchunks = (nbytes + chunk - 1) / chunk;
	uint64_t *index = malloc(nchunks * 8);
	uint8_t *frame = malloc(2 * nbytes + nchunks * 64 + 2048), *stored;
	size_t header = put_header(frame, ndim, shape, block), at = header, n;

	for (size_t i = 0; i < nchunks; i++) {
		const size_t left = nbytes - i * chunk;

		n = make_blosc(left < chunk ? left : chunk, size, shuffle, codec,
			       s->plain + i * chunk, &stored);
		memcpy(frame + at, stored, n);
		free(stored);
		index[i] = at - header;
		at += n;
	}
	finish_header(frame, header, 0, nbytes, at - header, size, chunk);
	n = make_blosc(nchunks * 8, 8, 1, "blosclz", (uint8_t *)index, &stored);
	memcpy(frame + at, stored, n);
	free(stored);
	put_be(frame + 0x10, at + n, 8);
	s->stored = frame;
	s->nstored = at + n;
	free(index);
}

static void test_blosc2_frame(void **state)
{
	static const size_t elems[] = { 1, 2, 4, 8, 13 };

	(void)state;
	for (size_t k = 0; k < 5 * 3 * 5 * 2; k++) {
		const size_t size = elems[k % 5], nbytes = size * (k % 2 ? 40 : 30011);
		struct sample s = { .step = { .id = 32026 },
				    .elem_nbytes = size,
				    .nplain = nbytes };

#if !defined(QN_HAVE_LZ4) || !defined(QN_HAVE_ZSTD)
		if (k / 15 % 5 != 0 && k / 15 % 5 != 3)
			continue;
#endif
		s.plain = make_plain(nbytes, size);
		make_frame(&s, nbytes, size, size * (k % 3 ? 7003 : 40000), (int)(k / 5 % 3),
			   codecs[k / 15 % 5], 0, NULL, NULL);
		check(&s);
		sample_fini(&s);
	}
}

/* Elements of an array to where they are in padded blocks. */
static uint8_t *make_blocks(const uint8_t *plain, size_t size, const uint32_t shape[3],
			    const uint32_t block[3], size_t *nbytes)
{
	size_t grid[3], at, place, n = size;
	uint8_t *padded;

	for (int d = 0; d < 3; d++) {
		grid[d] = (shape[d] + block[d] - 1) / block[d];
		n *= grid[d] * block[d];
	}
	padded = calloc(1, n);
	for (size_t i = 0; i < (size_t)shape[0] * shape[1] * shape[2]; i++) {
		const size_t x[3] = { i / shape[2] / shape[1], i / shape[2] % shape[1],
				      i % shape[2] };

		at = place = 0;
		for (int d = 0; d < 3; d++) {
			at = at * grid[d] + x[d] / block[d];
			place = place * block[d] + x[d] % block[d];
		}
		at = at * block[0] * block[1] * block[2] + place;
		memcpy(padded + at * size, plain + i * size, size);
	}
	*nbytes = n;
	return padded;
}

static void test_blosc2_array(void **state)
{
	static const uint32_t shapes[][3] = { { 5, 7, 11 }, { 1, 64, 64 }, { 20, 3, 9 } };
	static const uint32_t blocks[][3] = { { 2, 3, 4 }, { 1, 8, 64 }, { 20, 3, 9 } };

	(void)state;
	for (size_t i = 0; i < 9; i++) {
		const uint32_t *shape = shapes[i / 3];
		uint32_t block[3];
		struct sample s = { .step = { .id = 32026 }, .elem_nbytes = 4 };
		uint8_t *plain, *padded;
		size_t n;

		for (int d = 0; d < 3; d++)
			block[d] = blocks[i % 3][d] < shape[d] ? blocks[i % 3][d] : shape[d];
		s.nplain = (size_t)shape[0] * shape[1] * shape[2] * 4;
		plain = make_plain(s.nplain, 4);
		padded = make_blocks(plain, 4, shape, block, &n);
		s.plain = padded;
		make_frame(&s, n, 4, n, 1, "blosclz", 3, shape, block);
		s.plain = plain;
		check(&s);
		sample_fini(&s);
		free(padded);
	}
}
#endif

/* --- What only the HDF5 library encodes: szip, nbit, scaleoffset -------------------------------------- */

/*
 * What the chunk must decode to: what the library reads. HDF5 1.14.5 cannot read what it wrote with
 * scaleoffset where all bits of the elements are kept; it is the elements then.
 */
static void read_plain(hid_t set, hid_t type, const void *elems, struct sample *s)
{
	herr_t status;

	H5E_BEGIN_TRY
	{
		status = H5Dread(set, type, H5S_ALL, H5S_ALL, H5P_DEFAULT, s->plain);
	}
	H5E_END_TRY
	if (status < 0) {
		assert_int_equal(s->step.id, H5Z_FILTER_SCALEOFFSET);
		memcpy(s->plain, elems, s->nplain);
	}
}

/* Writes elements of the file's type as one chunk, and takes the chunk as it is stored. False when
   the library could not make it smaller, and stored it as it was. */
static bool make_stored(struct sample *s, hid_t type, hid_t dcpl, hsize_t nelems, const void *elems)
{
	struct h5make m;
	const size_t size = H5Tget_size(type);
	const hsize_t origin = 0;
	hsize_t nbytes;
	unsigned flags, config;
	uint32_t mask;
	hid_t file, space, set;

	assert_true(h5make_init(&m));
	file = h5make_create(&m, true, 0, 0);
	space = H5Screate_simple(1, &nelems, NULL);
	H5Pset_chunk(dcpl, 1, &nelems);
	set = H5Dcreate2(file, "v", type, space, H5P_DEFAULT, dcpl, H5P_DEFAULT);
	assert_true(set >= 0);
	assert_true(H5Dwrite(set, type, H5S_ALL, H5S_ALL, H5P_DEFAULT, elems) >= 0);
	H5Dclose(set);
	set = H5Dopen2(file, "v", H5P_DEFAULT);
	*s = (struct sample){ .elem_nbytes = size, .nplain = nelems * size };
	dcpl = H5Dget_create_plist(set);
	size_t nparams = QN_MAX_FILTER_PARAMS;
	s->step.id = (uint32_t)H5Pget_filter2(dcpl, 0, &flags, &nparams, s->step.params, 0, NULL,
					      &config);
	s->step.nparams = (uint32_t)nparams;
	assert_true(H5Dget_chunk_storage_size(set, &origin, &nbytes) >= 0);
	s->nstored = nbytes;
	s->stored = malloc(nbytes);
	s->plain = malloc(s->nplain);
	assert_true(H5Dread_chunk(set, H5P_DEFAULT, &origin, &mask, s->stored) >= 0);
	read_plain(set, type, elems, s);
	H5Pclose(dcpl);
	H5Dclose(set);
	H5Sclose(space);
	H5Fclose(file);
	h5make_fini(&m);
	return mask == 0;
}

static const hsize_t counts[] = { 32, 100, 4099 };
#define NCOUNTS (sizeof(counts) / sizeof(*counts))

/* Frees the property list. Returns 1 if the chunk was encoded. */
static int check_stored(hid_t type, hid_t dcpl, hsize_t nelems, const void *elems)
{
	struct sample s;
	const bool is_encoded = make_stored(&s, type, dcpl, nelems, elems);

	if (is_encoded)
		check(&s);
	sample_fini(&s);
	H5Pclose(dcpl);
	return is_encoded;
}

#define NINTEGERS 8

static hid_t integer_type(size_t i, bool big_endian)
{
	const hid_t types[2][NINTEGERS] = {
		{ H5T_STD_I8LE, H5T_STD_U8LE, H5T_STD_I16LE, H5T_STD_U16LE, H5T_STD_I32LE,
		  H5T_STD_U32LE, H5T_STD_I64LE, H5T_STD_U64LE },
		{ H5T_STD_I8BE, H5T_STD_U8BE, H5T_STD_I16BE, H5T_STD_U16BE, H5T_STD_I32BE,
		  H5T_STD_U32BE, H5T_STD_I64BE, H5T_STD_U64BE },
	};

	return types[big_endian][i];
}

/* Integers of a type around a middle, so many values apart, in the order of the type. */
static void fill_integers(hid_t type, hsize_t n, uint64_t middle, uint64_t span, uint8_t *out)
{
	const size_t size = H5Tget_size(type);
	const bool big_endian = H5Tget_order(type) == H5T_ORDER_BE;

	for (hsize_t i = 0; i < n; i++) {
		const uint64_t v = middle + ((uint64_t)draw() << 31 ^ draw()) % span;

		for (size_t b = 0; b < size; b++)
			out[i * size + (big_endian ? size - 1 - b : b)] = (uint8_t)(v >> 8 * b);
	}
}

static void test_scaleoffset_integers(void **state)
{
	static uint8_t elems[8 * 5000];

	(void)state;
	for (size_t k = 0; k < 2 * NINTEGERS * NCOUNTS * 6; k++) {
		const hid_t type = integer_type(k / 2 % NINTEGERS, k % 2);
		const size_t size = H5Tget_size(type), how = k / 2 / NINTEGERS / NCOUNTS;
		const hsize_t n = counts[k / 2 / NINTEGERS % NCOUNTS];
		hid_t dcpl = H5Pcreate(H5P_DATASET_CREATE);
		uint64_t span = how == 0 ? 1 : how == 1 ? 2 : 100;

		if (how == 5)
			span = UINT64_MAX >> (64 - 8 * size);
		fill_integers(type, n, how % 2 ? 3 : (uint64_t)-50, span, elems);
		H5Pset_scaleoffset(dcpl, H5Z_SO_INT, how == 4 ? 7 : H5Z_SO_INT_MINBITS_DEFAULT);
		/* The fill value is one of the elements; or there is none. */
		if (how == 3)
			H5Pset_fill_value(dcpl, type, elems + 5 * size);
		else if (how == 2)
			H5Pset_fill_value(dcpl, type, NULL);
		check_stored(type, dcpl, n, elems);
	}
}

static void test_scaleoffset_floats(void **state)
{
	static double doubles[5000], elems[5000];

	(void)state;
	for (size_t k = 0; k < 4 * NCOUNTS * 6; k++) {
		const hid_t types[] = { H5T_IEEE_F32LE, H5T_IEEE_F32BE, H5T_IEEE_F64LE,
					H5T_IEEE_F64BE };
		const hid_t type = types[k % 4];
		const hsize_t n = counts[k / 4 % NCOUNTS];
		const int how = (int)(k / 4 / NCOUNTS);
		hid_t dcpl = H5Pcreate(H5P_DATASET_CREATE);
		const double fill = 1e20;

		for (hsize_t i = 0; i < n; i++)
			doubles[i] = how == 5 ? draw() * 1e5 : 273.15 + (draw() % 20000) / 517.0;
		if (how == 1 || how == 2)
			doubles[3] = fill;
		memcpy(elems, doubles, sizeof(elems));
		H5Tconvert(H5T_NATIVE_DOUBLE, type, n, elems, NULL, H5P_DEFAULT);
		H5Pset_scaleoffset(dcpl, H5Z_SO_FLOAT_DSCALE, how == 4 ? 0 : how);
		if (how == 1 || how == 2)
			H5Pset_fill_value(dcpl, H5T_NATIVE_DOUBLE, &fill);
		else if (how == 3)
			H5Pset_fill_value(dcpl, type, NULL);
		check_stored(type, dcpl, n, elems);
	}
}

/* Integers of some of the bits of their size, at an offset. Others must be zero to come back. */
static void test_nbit_integers(void **state)
{
	static uint8_t elems[8 * 5000];

	(void)state;
	for (size_t k = 0; k < 2 * NINTEGERS * NCOUNTS * 8; k++) {
		hid_t type = H5Tcopy(integer_type(k / 2 % NINTEGERS, k % 2));
		hid_t dcpl = H5Pcreate(H5P_DATASET_CREATE);
		const size_t size = H5Tget_size(type), how = k / 2 / NINTEGERS / NCOUNTS;
		const hsize_t n = counts[k / 2 / NINTEGERS % NCOUNTS];
		const size_t nbits = how == 0 ? 8 * size : 1 + draw() % (8 * size);
		const size_t offset = draw() % (8 * size - nbits + 1);
		const uint64_t mask = UINT64_MAX >> (64 - nbits) << offset;

		H5Tset_precision(type, nbits);
		H5Tset_offset(type, offset);
		fill_integers(type, n, 0, UINT64_MAX, elems);
		for (hsize_t i = 0; i < n * size; i++) {
			const size_t b = i % size;

			elems[i] &= (uint8_t)(mask >> 8 * (k % 2 ? size - 1 - b : b));
		}
		H5Pset_nbit(dcpl);
		check_stored(type, dcpl, n, elems);
		H5Tclose(type);
	}
}

/* Floats of 20 bits, in arrays, beside an integer and a text in a compound. */
static void test_nbit_nested(void **state)
{
	static uint8_t elems[64 * 1000];
	hid_t real = H5Tcopy(H5T_IEEE_F32BE), whole = H5Tcopy(H5T_STD_U32LE);
	hid_t text = H5Tcopy(H5T_C_S1), array, compound;
	const hsize_t three = 3;
	uint8_t byte = 0;

	(void)state;
	H5Tset_fields(real, 26, 20, 6, 7, 13);
	H5Tset_offset(real, 7);
	H5Tset_precision(real, 20);
	H5Tset_size(real, 4);
	H5Tset_precision(whole, 11);
	H5Tset_offset(whole, 3);
	H5Tset_size(text, 5);
	array = H5Tarray_create2(real, 1, &three);
	compound = H5Tcreate(H5T_COMPOUND, 24);
	H5Tinsert(compound, "w", 1, whole);
	H5Tinsert(compound, "a", 6, array);
	H5Tinsert(compound, "t", 19, text);
	for (size_t i = 0; i < sizeof(elems); i++)
		elems[i] = byte++;
	for (int k = 0; k < 3; k++) {
		const hid_t type = k == 0 ? real : k == 1 ? array : compound;
		hid_t dcpl = H5Pcreate(H5P_DATASET_CREATE);
		struct sample s;

		H5Pset_nbit(dcpl);
		assert_true(make_stored(&s, type, dcpl, 777, elems));
		if (s.step.nparams <= QN_MAX_FILTER_PARAMS)
			check(&s);
		sample_fini(&s);
		H5Pclose(dcpl);
	}
	H5Tclose(compound);
	H5Tclose(array);
	H5Tclose(text);
	H5Tclose(whole);
	H5Tclose(real);
}

#ifdef QN_HAVE_SZIP
static void test_szip(void **state)
{
	static uint8_t elems[8 * 5000];
	unsigned config = 0;
	int nencoded = 0;

	(void)state;
	if (H5Zfilter_avail(H5Z_FILTER_SZIP) <= 0 ||
	    H5Zget_filter_info(H5Z_FILTER_SZIP, &config) < 0 ||
	    !(config & H5Z_FILTER_CONFIG_ENCODE_ENABLED))
		skip();
	for (size_t k = 0; k < 2 * NINTEGERS * NCOUNTS * 6; k++) {
		static const unsigned blocks[] = { 4, 8, 16, 10, 32, 2 };
		const hid_t type = integer_type(k / 2 % NINTEGERS, k % 2);
		const hsize_t n = counts[k / 2 / NINTEGERS % NCOUNTS];
		const size_t how = k / 2 / NINTEGERS / NCOUNTS;
		hid_t dcpl = H5Pcreate(H5P_DATASET_CREATE);

		fill_integers(type, n, 20, 50, elems);
		H5Pset_szip(dcpl, how % 2 ? H5_SZIP_NN_OPTION_MASK : H5_SZIP_EC_OPTION_MASK,
			    blocks[how]);
		nencoded += check_stored(type, dcpl, n, elems);
	}
	assert_true(nencoded > 200);
}
#endif

/* --- Steps that are left to the library; advice ------------------------------------------------------- */

static void test_applicable(void **state)
{
	static const struct qn_filter_step not_native[] = {
		{ .id = 5, .nparams = 1 },
		{ .id = 5, .nparams = 8, .params = { 8, 0, 10, 1, 4, 0, 33, 0 } },
		{ .id = 5, .nparams = 8, .params = { 8, 0, 10, 1, 4, 0, 30, 3 } },
		{ .id = 5, .nparams = 8, .params = { 8, 0, 10, 9, 4, 0, 3, 3 } },
		{ .id = 5, .nparams = 8, .params = { 8, 0, 10, 2, 4, 2, 4, 2 } },
		{ .id = 5, .nparams = 6, .params = { 6, 0, 10, 3, 4, 1 } },
		{ .id = 6, .nparams = 8 },
		{ .id = 6, .nparams = 20, .params = { 1, 3, 10, 1, 4 } },
		{ .id = 6, .nparams = 20, .params = { 2, 0, 10, 0, 3 } },
		{ .id = 6, .nparams = 20, .params = { 0, 0, 10, 1, 2 } },
		{ .id = 32008, .nparams = 2 },
		{ .id = 32008, .nparams = 3 },
		{ .id = 32008, .nparams = 5, .params = { 0, 2, 4, 0, 9 } },
		{ .id = 32013, .nparams = 0 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(not_native) / sizeof(*not_native); i++)
		assert_false(qn_filter_is_native(&not_native[i]));
}

static void test_advice(void **state)
{
	char text[256];

	(void)state;
	qn_filter_advice(32013, "H5Z-ZFP", sizeof(text), text);
	assert_non_null(strstr(text, "32013 (zfp)"));
	assert_non_null(strstr(text, "hdf5-filter-plugin-zfp-serial"));
	qn_filter_advice(40000, "mine", sizeof(text), text);
	assert_non_null(strstr(text, "40000 (mine)"));
	qn_filter_advice(40000, "", sizeof(text), text);
	assert_non_null(strstr(text, "not registered"));
	for (size_t n = 1; n < sizeof(text); n++) {
		text[n] = 'x';
		qn_filter_advice(32017, "sz", n, text);
		assert_true(strlen(text) < n);
		assert_int_equal(text[n], 'x');
	}
	for (const struct qn_filter *f = qn_filters; f->id; f++)
		assert_string_equal(f->name, qn_filter_name_find(f->id)->name);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_lzf),
#ifdef QN_HAVE_BZIP2
		cmocka_unit_test(test_bzip2),
#endif
#ifdef QN_HAVE_ZSTD
		cmocka_unit_test(test_zstd),
#endif
#ifdef QN_HAVE_LZ4
		cmocka_unit_test(test_lz4),
#endif
		cmocka_unit_test(test_bitshuffle),
#ifdef QN_HAVE_BLOSC
		cmocka_unit_test(test_blosc),
		cmocka_unit_test(test_blosc2_frame),
		cmocka_unit_test(test_blosc2_array),
#endif
#ifdef QN_HAVE_SZIP
		cmocka_unit_test(test_szip),
#endif
		cmocka_unit_test(test_scaleoffset_integers),
		cmocka_unit_test(test_scaleoffset_floats),
		cmocka_unit_test(test_nbit_integers),
		cmocka_unit_test(test_nbit_nested),
		cmocka_unit_test(test_applicable),
		cmocka_unit_test(test_advice),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
