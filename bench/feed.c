/*
 * feed.c - how far the feed is from the limits of the machine, on one core with a warm page cache.
 *
 *	raw       pread of the same chunks into a buffer that stays in cache
 *	deflate   pread, bare libdeflate, and the whole chunk unshuffled
 *
 * Each line: the limit and the feed with an empty sink in GB/s of elements, and the ratio of their
 * times. The best of several turns; the elements are checked first.
 */
#include <fcntl.h>
#include <libdeflate.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/mem.h"
#include "feed/feed.h"
#include "feed/shuffle.h"

#define NCHUNKS	     128
#define CHUNK_NELEMS (256u << 10)
#define NTURNS	     7

struct bench {
	struct qn_dataset d;
	struct qn_chunk chunks[NCHUNKS];
	int fd;
	uint8_t *elems, *buffer[3];
	size_t chunk_nbytes;
	struct libdeflate_decompressor *inflater;
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
	fprintf(stderr, "bench/feed: %s\n", what);
	exit(1);
}

/* A temperature field: smooth in space, with noise in the low bits, so that it deflates like one. */
static void make_elements(struct bench *b)
{
	uint64_t seed = 1;

	for (size_t i = 0; i < CHUNK_NELEMS; i++) {
		double x = 280 + 20 * sin((double)i * 1e-3) * cos((double)i * 7e-6);
		float f;
		int16_t packed;

		seed = seed * 6364136223846793005u + 1442695040888963407u;
		f = (float)(x + 0.05 * (double)(seed >> 60));
		packed = seed >> 40 & 31 ? (int16_t)((x - 280) * 100) : INT16_MIN;
		memcpy(b->elems + i * b->d.type.size, b->d.type.size == 4 ? (void *)&f : &packed,
		       b->d.type.size);
	}
}

static size_t store_chunk(const struct bench *b, uint8_t *out)
{
	const size_t size = b->d.type.size;
	struct libdeflate_compressor *c;
	size_t n;

	if (b->d.nfilters == 0) {
		memcpy(out, b->elems, b->chunk_nbytes);
		return b->chunk_nbytes;
	}
	for (size_t i = 0; i < CHUNK_NELEMS; i++)
		for (size_t k = 0; k < size; k++)
			b->buffer[1][k * CHUNK_NELEMS + i] = b->elems[i * size + k];
	c = libdeflate_alloc_compressor(4);
	n = libdeflate_zlib_compress(c, b->buffer[1], b->chunk_nbytes, out, 2 * b->chunk_nbytes);
	libdeflate_free_compressor(c);
	return n;
}

static void write_file(struct bench *b)
{
	uint64_t addr = 4096;
	size_t n;

	make_elements(b);
	n = store_chunk(b, b->buffer[0]);
	for (uint64_t i = 0; i < NCHUNKS; i++) {
		b->chunks[i] = (struct qn_chunk){
			.number = i,
			.addr = addr,
			.nbytes = (uint32_t)n,
		};
		if (pwrite(b->fd, b->buffer[0], n, (off_t)addr) != (ssize_t)n)
			die("cannot write the file");
		addr += n;
	}
	b->d.chunks = b->chunks;
	b->d.nchunks = NCHUNKS;
}

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

static void setup(struct bench *b, struct qn_type type, bool deflate)
{
	static char file[] = "bench", path[] = "/x";
	struct qn_dataset *d = &b->d;

	memset(b, 0, sizeof(*b));
	d->file = file;
	d->path = path;
	d->native = true;
	d->type = type;
	d->ndim = 1;
	d->layout = QN_CHUNKED;
	d->shape[0] = (uint64_t)NCHUNKS * CHUNK_NELEMS;
	d->chunk[0] = CHUNK_NELEMS;
	if (deflate) {
		d->filter[d->nfilters++] = (struct qn_filter_step){
			.id = QN_FILTER_SHUFFLE,
			.nparams = 1,
			.params = { type.size },
		};
		d->filter[d->nfilters++] = (struct qn_filter_step){
			.id = QN_FILTER_DEFLATE,
			.nparams = 1,
			.params = { 4 },
		};
	}
	b->chunk_nbytes = (size_t)CHUNK_NELEMS * type.size;
	b->inflater = libdeflate_alloc_decompressor();
	b->elems = qn_alloc_aligned(b->chunk_nbytes);
	for (int i = 0; i < 3; i++)
		b->buffer[i] = qn_alloc_aligned(2 * b->chunk_nbytes);
	if (!b->inflater || !b->elems || !b->buffer[0] || !b->buffer[1] || !b->buffer[2])
		die("no memory");
	open_file(b);
	write_file(b);
}

static void teardown(struct bench *b)
{
	close(b->fd);
	libdeflate_free_decompressor(b->inflater);
	free(b->elems);
	for (int i = 0; i < 3; i++)
		free(b->buffer[i]);
}

/* --- The limit ------------------------------------------------------------------------------------ */

static void read_pieces(const struct bench *b, const struct qn_chunk *c, size_t piece)
{
	for (size_t at = 0; at < c->nbytes; at += piece) {
		size_t n = c->nbytes - at < piece ? c->nbytes - at : piece;

		if (pread(b->fd, b->buffer[0], n, (off_t)(c->addr + at)) != (ssize_t)n)
			die("cannot read the file");
	}
}

static void inflate(const struct bench *b, const struct qn_chunk *c)
{
	size_t n;

	if (pread(b->fd, b->buffer[0], c->nbytes, (off_t)c->addr) != (ssize_t)c->nbytes)
		die("cannot read the file");
	if (libdeflate_zlib_decompress(b->inflater, b->buffer[0], c->nbytes, b->buffer[1],
				       b->chunk_nbytes, &n) != LIBDEFLATE_SUCCESS)
		die("cannot inflate");
	qn_unshuffle(b->d.type.size, b->buffer[1], CHUNK_NELEMS, CHUNK_NELEMS, b->buffer[2]);
}

static void run_limit(const struct bench *b, size_t piece)
{
	for (int i = 0; i < NCHUNKS; i++) {
		if (b->d.nfilters)
			inflate(b, &b->chunks[i]);
		else
			read_pieces(b, &b->chunks[i], piece);
	}
}

/* With the best of several sizes of the buffer. */
static double time_limit(const struct bench *b)
{
	double best = HUGE_VAL;

	for (size_t piece = 64u << 10; piece <= 512u << 10; piece *= 2) {
		double t = now();

		run_limit(b, piece);
		best = fmin(best, now() - t);
		if (b->d.nfilters)
			break;
	}
	return best;
}

/* --- The feed ------------------------------------------------------------------------------------- */

static void empty_sink(void *ctx, const struct quern_tile *tile)
{
	*(size_t *)ctx += tile->nelems;
}

static void check_sink(void *ctx, const struct quern_tile *tile)
{
	const struct bench *b = ctx;
	const size_t size = b->d.type.size;

	if (memcmp(b->elems + tile->first * size, tile->var->values, tile->nelems * size) != 0)
		die("the feed delivers something else than was stored");
}

static void run_feed(const struct bench *b, struct qn_feed *f, qn_sink *sink, void *ctx)
{
	struct quern_message err = { 0 };

	for (uint64_t i = 0; i < NCHUNKS; i++) {
		struct qn_item item = {
			.box = {
				.ndim = 1,
				.start = { i * CHUNK_NELEMS },
				.count = { CHUNK_NELEMS },
				.step = { 1 },
			},
			.nchunks = 1,
			.chunks = &b->chunks[i],
		};

		if (qn_feed_item(f, &item, sink, ctx, &err))
			die(err.text);
	}
}

static double time_feed(const struct bench *b, struct qn_feed *f)
{
	double t = now();
	size_t n = 0;

	run_feed(b, f, empty_sink, &n);
	return now() - t;
}

/* Turns of the two alternate, so that both see the machine in the same mood. */
static void report(const char *name, struct bench *b)
{
	const double gb = 1e-9 * NCHUNKS * (double)b->chunk_nbytes;
	double limit = HUGE_VAL, feed = HUGE_VAL;
	struct quern_message err = { 0 };
	struct qn_view view;
	struct qn_feed *f;

	if (qn_view_init(&b->d, false, &view, &err) ||
	    qn_feed_new(&b->d, &view, false, b->fd, &f, &err))
		die(err.text);
	if (!b->d.type.big_endian && !view.decode)
		run_feed(b, f, check_sink, b);
	for (int turn = 0; turn < NTURNS; turn++) {
		limit = fmin(limit, time_limit(b));
		feed = fmin(feed, time_feed(b, f));
	}
	printf("%-34s %8.2f %8.2f %8.2f\n", name, gb / limit, gb / feed, feed / limit);
	qn_feed_free(f);
	teardown(b);
}

int main(void)
{
	const struct qn_type f32 = { .class = QN_FLOAT, .size = 4 };
	const struct qn_type f32_big = { .class = QN_FLOAT, .size = 4, .big_endian = true };
	const struct qn_type i16 = { .class = QN_INT, .size = 2 };
	static struct bench b;

	printf("%-34s %8s %8s %8s\n", "", "limit", "feed", "ratio");
	setup(&b, f32, false);
	report("raw float32", &b);
	setup(&b, f32_big, false);
	report("raw big-endian float32", &b);
	setup(&b, f32, false);
	b.d.cf.has_fill = true;
	report("raw float32, fill value", &b);
	setup(&b, i16, false);
	b.d.cf = (struct qn_cf){
		.has_fill = true,
		.fill = (uint64_t)INT16_MIN,
		.has_scale = true,
		.scale = 0.01,
		.offset = 280,
	};
	report("raw packed int16, fill and scale", &b);
	setup(&b, f32, true);
	report("shuffle + deflate float32", &b);
	setup(&b, i16, true);
	report("shuffle + deflate int16", &b);
	return 0;
}
