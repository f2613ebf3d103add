/*
 * codecs.c - how far the feed and the kernel minmax are from the bare codecs, on one core with a warm
 * page cache. The limit is pread of each stored chunk and the codec's decoding of it to one buffer,
 * nothing else. Each line: both in GB/s of elements, and the speed of quern over that of the limit.
 * The best of several turns; the elements are checked first.
 */
#include <fcntl.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#ifdef QN_HAVE_BLOSC
#include <blosc.h>
#endif
#ifdef QN_HAVE_SZIP
#include <libaec.h>
#endif
#ifdef QN_HAVE_LZ4
#include <lz4.h>
#endif
#ifdef QN_HAVE_ZSTD
#include <zstd.h>
#endif

#include "base/mem.h"
#include "feed/feed.h"
#include "kernel/kernel.h"

#define NCHUNKS	     64
#define CHUNK_NELEMS (256u << 10)
#define SIZE	     4u
#define CHUNK_NBYTES ((size_t)CHUNK_NELEMS * SIZE)
#define ROOM	     (2 * CHUNK_NBYTES)
#define BLOCK_NELEMS 2048u
#define NTURNS	     7

struct bench {
	struct qn_dataset d;
	struct qn_chunk chunks[NCHUNKS];
	int fd;
	uint8_t *elems, *buffer[3];
	void *state[2]; /* of the filters */
};

/* Time of this thread's core, so that other programs disturb less. */
static double now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
	return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static void die(const char *what)
{
	fprintf(stderr, "bench/codecs: %s\n", what);
	exit(1);
}

/* A temperature field: smooth in space, with noise in the low bits. */
static void make_elements(uint8_t *elems)
{
	uint64_t seed = 1;

	for (size_t i = 0; i < CHUNK_NELEMS; i++) {
		const double x = 280 + 20 * sin((double)i * 1e-3) * cos((double)i * 7e-6);
		float f;

		seed = seed * 6364136223846793005u + 1442695040888963407u;
		f = (float)(x + 0.05 * (double)(seed >> 60));
		memcpy(elems + i * SIZE, &f, SIZE);
	}
}

/* --- Encoders: the bytes of a stored chunk, of in (CHUNK_NBYTES) to out (ROOM) --------------------- */

typedef size_t encoder(const uint8_t *in, uint8_t *tmp, uint8_t *out);

static inline void put_be(uint8_t *p, uint64_t v, int n)
{
	for (int i = 0; i < n; i++)
		p[i] = (uint8_t)(v >> 8 * (n - 1 - i));
}

static void shuffle(const uint8_t *in, uint8_t *out)
{
	for (size_t i = 0; i < CHUNK_NELEMS; i++)
		for (size_t k = 0; k < SIZE; k++)
			out[k * CHUNK_NELEMS + i] = in[i * SIZE + k];
}

static size_t encode_shuffle(const uint8_t *in, uint8_t *tmp, uint8_t *out)
{
	(void)tmp;
	shuffle(in, out);
	return CHUNK_NBYTES;
}

#ifdef QN_HAVE_ZSTD
static size_t encode_zstd(const uint8_t *in, uint8_t *tmp, uint8_t *out)
{
	(void)tmp;
	return ZSTD_compress(out, ROOM, in, CHUNK_NBYTES, 3);
}

static size_t encode_shuffle_zstd(const uint8_t *in, uint8_t *tmp, uint8_t *out)
{
	shuffle(in, tmp);
	return ZSTD_compress(out, ROOM, tmp, CHUNK_NBYTES, 3);
}
#endif

#ifdef QN_HAVE_LZ4
static size_t put_lz4(const uint8_t *in, size_t n, uint8_t *out)
{
	const int stored = LZ4_compress_default((const char *)in, (char *)out + 4, (int)n,
						LZ4_compressBound((int)n));

	put_be(out, (uint64_t)stored, 4);
	return 4 + (size_t)stored;
}

static size_t encode_lz4(const uint8_t *in, uint8_t *tmp, uint8_t *out)
{
	shuffle(in, tmp);
	put_be(out, CHUNK_NBYTES, 8);
	put_be(out + 8, CHUNK_NBYTES, 4);
	return 12 + put_lz4(tmp, CHUNK_NBYTES, out + 12);
}

static size_t encode_bitshuffle_lz4(const uint8_t *in, uint8_t *tmp, uint8_t *out)
{
	const size_t block = BLOCK_NELEMS * SIZE;
	size_t at = 12;

	put_be(out, CHUNK_NBYTES, 8);
	put_be(out + 8, block, 4);
	for (size_t done = 0; done < CHUNK_NBYTES; done += block) {
		memset(tmp, 0, block);
		for (size_t i = 0; i < BLOCK_NELEMS; i++)
			for (size_t b = 0; b < 8 * SIZE; b++)
				if (in[done + i * SIZE + b / 8] >> b % 8 & 1)
					tmp[b * (BLOCK_NELEMS / 8) + i / 8] |=
						(uint8_t)(1u << i % 8);
		at += put_lz4(tmp, block, out + at);
	}
	return at;
}
#endif

#ifdef QN_HAVE_BLOSC
static size_t encode_blosc(const uint8_t *in, uint8_t *tmp, uint8_t *out)
{
	(void)tmp;
	return (size_t)blosc_compress_ctx(5, BLOSC_SHUFFLE, SIZE, CHUNK_NBYTES, in, out, ROOM,
					  "lz4", 0, 1);
}
#endif

#ifdef QN_HAVE_SZIP
static size_t encode_szip(const uint8_t *in, uint8_t *tmp, uint8_t *out)
{
	struct aec_stream s = {
		.next_in = tmp,
		.avail_in = CHUNK_NBYTES,
		.next_out = out + 4,
		.avail_out = ROOM - 4,
		.bits_per_sample = 8,
		.block_size = 16,
		.rsi = 128,
		.flags = AEC_DATA_PREPROCESS,
	};

	shuffle(in, tmp);
	put_be(out, __builtin_bswap32(CHUNK_NBYTES), 4);
	return aec_buffer_encode(&s) == AEC_OK ? 4 + s.total_out : 0;
}
#endif

/* --- The file ------------------------------------------------------------------------------------- */

static void open_file(struct bench *b)
{
	char name[4096];
	const char *dir = getenv("TMPDIR");

	snprintf(name, sizeof(name), "%s/quern-bench-XXXXXX", dir ? dir : "/tmp");
	b->fd = mkstemp(name);
	if (b->fd < 0)
		die("cannot make a file in TMPDIR");
	unlink(name);
}

static void write_file(struct bench *b, encoder *encode)
{
	const size_t n = encode(b->elems, b->buffer[1], b->buffer[0]);
	uint64_t addr = 4096;

	if (n == 0 || n > ROOM)
		die("cannot encode");
	for (uint64_t i = 0; i < NCHUNKS; i++, addr += n) {
		b->chunks[i] =
			(struct qn_chunk){ .number = i, .addr = addr, .nbytes = (uint32_t)n };
		if (pwrite(b->fd, b->buffer[0], n, (off_t)addr) != (ssize_t)n)
			die("cannot write the file");
	}
	b->d.chunks = b->chunks;
	b->d.nchunks = NCHUNKS;
}

static void setup(struct bench *b, const struct qn_filter_step steps[2], encoder *encode)
{
	static char file[] = "bench", path[] = "/x";
	struct qn_dataset *d = &b->d;

	memset(b, 0, sizeof(*b));
	d->file = file;
	d->path = path;
	d->native = true;
	d->type = (struct qn_type){ .class = QN_FLOAT, .size = SIZE };
	d->ndim = 1;
	d->layout = QN_CHUNKED;
	d->shape[0] = (uint64_t)NCHUNKS * CHUNK_NELEMS;
	d->chunk[0] = CHUNK_NELEMS;
	for (int i = 0; i < 2 && steps[i].id; i++) {
		const struct qn_filter *f = qn_filter_find(steps[i].id);

		d->filter[d->nfilters++] = steps[i];
		if (!f)
			die("a filter is missing");
		b->state[i] = f->state_new ? f->state_new() : NULL;
	}
	b->elems = qn_alloc_aligned(CHUNK_NBYTES);
	for (int i = 0; i < 3; i++)
		b->buffer[i] = qn_alloc_aligned(ROOM);
	if (!b->elems || !b->buffer[0] || !b->buffer[1] || !b->buffer[2])
		die("no memory");
	make_elements(b->elems);
	open_file(b);
	write_file(b, encode);
}

static void teardown(struct bench *b)
{
	for (int i = 0; i < b->d.nfilters; i++)
		if (b->state[i])
			qn_filter_find(b->d.filter[i].id)->state_free(b->state[i]);
	close(b->fd);
	free(b->elems);
	for (int i = 0; i < 3; i++)
		free(b->buffer[i]);
}

/* --- The limit ------------------------------------------------------------------------------------ */

static double time_limit(const struct bench *b)
{
	const double t = now();

	for (int c = 0; c < NCHUNKS; c++) {
		size_t n = b->chunks[c].nbytes;
		int from = 0;

		if (pread(b->fd, b->buffer[0], n, (off_t)b->chunks[c].addr) != (ssize_t)n)
			die("cannot read the file");
		for (int i = b->d.nfilters - 1; i >= 0; i--, from++)
			if (!qn_filter_find(b->d.filter[i].id)
				     ->decode(b->state[i], &b->d.filter[i], SIZE, b->buffer[from],
					      n, b->buffer[from + 1], CHUNK_NBYTES, &n))
				die("cannot decode");
	}
	return now() - t;
}

/* --- quern ---------------------------------------------------------------------------------------- */

struct minmax {
	const struct quern_kernel *kernel;
	void *self, *scratch;
	struct qn_layout_of_state layout;
	int64_t *words;
};

static void minmax_init(struct minmax *m, const struct bench *b, const struct qn_view *view)
{
	struct quern_message err = { 0 };
	const struct quern_box all = { .ndim = 1, .count = { b->d.shape[0] }, .step = { 1 } };
	const struct quern_input input = {
		.ndim = 1,
		.shape = b->d.shape,
		.selection = &all,
		.dtype = view->dtype,
		.nan_missing = true,
		.message = &err,
	};

	m->kernel = qn_kernel_find("minmax");
	if (m->kernel->open(&input, &m->self) ||
	    qn_state_layout(m->kernel, m->self, &m->layout, &err))
		die(err.text);
	m->words = qn_calloc(m->layout.nwords, sizeof(int64_t));
	m->scratch = qn_alloc_aligned(m->kernel->scratch ? m->kernel->scratch(m->self) + 1 : 1);
	if (!m->words || !m->scratch)
		die("no memory");
	qn_state_identity(&m->layout, m->words);
}

static void minmax_fini(struct minmax *m)
{
	m->kernel->close(m->self);
	free(m->words);
	free(m->scratch);
}

static void minmax_sink(void *ctx, const struct quern_tile *tile)
{
	const struct minmax *m = ctx;

	m->kernel->absorb(m->self, m->words, m->scratch, tile);
}

static void check_sink(void *ctx, const struct quern_tile *tile)
{
	const struct bench *b = ctx;

	if (memcmp(b->elems + tile->first * SIZE, tile->var->values, tile->nelems * SIZE) != 0)
		die("the feed delivers something else than was stored");
}

static double run_feed(const struct bench *b, struct qn_feed *f, qn_sink *sink, void *ctx)
{
	struct quern_message err = { 0 };
	const double t = now();

	for (uint64_t i = 0; i < NCHUNKS; i++) {
		struct qn_item item = {
			.box = { .ndim = 1,
				 .start = { i * CHUNK_NELEMS },
				 .count = { CHUNK_NELEMS },
				 .step = { 1 } },
			.nchunks = 1,
			.chunks = &b->chunks[i],
		};

		if (qn_feed_item(f, &item, sink, ctx, &err))
			die(err.text);
	}
	return now() - t;
}

/* Turns of the two alternate, so that both see the machine in the same mood. */
static void report(const char *name, const struct qn_filter_step steps[2], encoder *encode)
{
	static struct bench b;
	const double gb = 1e-9 * NCHUNKS * (double)CHUNK_NBYTES;
	double limit = HUGE_VAL, quern = HUGE_VAL;
	struct quern_message err = { 0 };
	struct qn_view view;
	struct qn_feed *f = NULL;
	struct minmax m;

	setup(&b, steps, encode);
	if (qn_view_init(&b.d, false, &view, &err) ||
	    qn_feed_new(&b.d, &view, false, b.fd, &f, &err))
		die(err.text);
	minmax_init(&m, &b, &view);
	run_feed(&b, f, check_sink, &b);
	for (int turn = 0; turn < NTURNS; turn++) {
		limit = fmin(limit, time_limit(&b));
		quern = fmin(quern, run_feed(&b, f, minmax_sink, &m));
	}
	printf("%-28s %8.2f %8.2f %8.2f\n", name, gb / limit, gb / quern, limit / quern);
	minmax_fini(&m);
	qn_feed_free(f);
	teardown(&b);
}

#define SHUFFLE                                                           \
	{                                                                 \
		.id = QN_FILTER_SHUFFLE, .nparams = 1, .params = { SIZE } \
	}

int main(void)
{
	printf("%-28s %8s %8s %8s\n", "float32", "limit", "minmax", "ratio");
	report("shuffle", (struct qn_filter_step[2]){ SHUFFLE }, encode_shuffle);
#ifdef QN_HAVE_ZSTD
	report("zstd", (struct qn_filter_step[2]){ { .id = 32015 } }, encode_zstd);
	report("shuffle, zstd", (struct qn_filter_step[2]){ SHUFFLE, { .id = 32015 } },
	       encode_shuffle_zstd);
#endif
#ifdef QN_HAVE_LZ4
	report("shuffle, lz4", (struct qn_filter_step[2]){ SHUFFLE, { .id = 32004 } }, encode_lz4);
	report("bitshuffle with lz4",
	       (struct qn_filter_step[2]){
		       { .id = 32008, .nparams = 5, .params = { 0, 3, SIZE, 0, 2 } } },
	       encode_bitshuffle_lz4);
#endif
#ifdef QN_HAVE_BLOSC
	report("blosc with shuffle, lz4", (struct qn_filter_step[2]){ { .id = 32001 } },
	       encode_blosc);
#endif
#ifdef QN_HAVE_SZIP
	report("szip",
	       (struct qn_filter_step[2]){
		       { .id = 4, .nparams = 4, .params = { 32, 16, 32, 2048 } } },
	       encode_szip);
#endif
	return 0;
}
