/*
 * limits - what this machine can do at most with the stored chunks of a dataset.
 *
 *	limits pread|sum|inflate THREADS FILE DATASET	one pass by pinned threads
 *	limits moments FILE DATASET		count, min, max, mean, variance: an independent answer
 *	limits time OUT COMMAND...		runs COMMAND, its standard output to OUT
 *
 * The passes read every chunk into a buffer that stays in cache, and then
 *
 *	pread	do nothing: no reader that copies can be faster
 *	sum	add the elements (raw float32) in double, in whatever order suits the machine
 *	inflate	inflate by libdeflate, and unshuffle
 *
 * Each prints one line of JSON: the seconds from the moment all threads are ready until the last
 * one is done, and bytes as stored and as decoded. `time` prints seconds and the largest resident
 * set of the command and its children.
 */
#include <errno.h>
#include <fcntl.h>
#include <hdf5.h>
#include <libdeflate.h>
#include <math.h>
#include <pthread.h>
#include <sched.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>
#ifdef __SSE2__
#include <emmintrin.h>
#endif

#define MAX_THREADS 1024
#define MAX_DIMS    32
#define PIECE	    (1u << 20)

/* A run of stored bytes. */
struct extent {
	uint64_t addr;
	size_t nbytes;
};

struct stored {
	uint64_t nextents;
	struct extent *extent; /* owned */
	size_t chunk_nbytes;   /* decoded; of an extent when not filtered */
	size_t elem_size;
	bool shuffled, deflated;
};

enum mode { PREAD, SUM, INFLATE };

struct pass {
	enum mode mode;
	int fd, nthreads;
	struct stored stored;
	int cpu[MAX_THREADS];
	pthread_barrier_t ready;
	atomic_uint_fast64_t next;
	atomic_int started;
	double total[MAX_THREADS]; /* of SUM, so that it is not optimised away */
};

static _Noreturn void die(const char *format, ...)
{
	va_list args;

	va_start(args, format);
	fputs("limits: ", stderr);
	vfprintf(stderr, format, args);
	fputc('\n', stderr);
	va_end(args);
	exit(1);
}

static void *allocate(size_t nbytes)
{
	void *p = aligned_alloc(4096, (nbytes + 8191) / 4096 * 4096);

	if (!p)
		die("cannot allocate %zu bytes", nbytes);
	/* Pages are there before the clock runs. */
	memset(p, 0, nbytes);
	return p;
}

static double now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

/*
 * Where the bytes are
 */

static hid_t must(hid_t id)
{
	if (id < 0)
		die("HDF5 cannot read the dataset");
	return id;
}

static void read_pipeline(hid_t properties, struct stored *s)
{
	for (int i = 0; i < H5Pget_nfilters(properties); i++) {
		unsigned flags;
		size_t nvalues = 0;
		H5Z_filter_t id = H5Pget_filter2(properties, (unsigned)i, &flags, &nvalues, NULL, 0,
						 NULL, NULL);

		if (id == H5Z_FILTER_SHUFFLE && !s->deflated)
			s->shuffled = true;
		else if (id == H5Z_FILTER_DEFLATE)
			s->deflated = true;
		else
			die("only shuffle and deflate, in this order, are measured");
	}
}

static void find_chunks(hid_t dataset, uint64_t user_block, struct stored *s)
{
	hid_t space = must(H5Dget_space(dataset));
	hsize_t n, nbytes, start[MAX_DIMS];
	unsigned mask;
	haddr_t addr;

	must(H5Dget_num_chunks(dataset, space, &n));
	s->nextents = n;
	s->extent = allocate(n * sizeof(*s->extent));
	for (hsize_t i = 0; i < n; i++) {
		must(H5Dget_chunk_info(dataset, space, i, start, &mask, &addr, &nbytes));
		s->extent[i] = (struct extent){ addr + user_block, nbytes };
	}
	H5Sclose(space);
}

static void cut_contiguous(hid_t dataset, uint64_t user_block, struct stored *s)
{
	uint64_t nbytes = H5Dget_storage_size(dataset), addr = H5Dget_offset(dataset) + user_block;

	s->nextents = (nbytes + PIECE - 1) / PIECE;
	s->extent = allocate(s->nextents * sizeof(*s->extent));
	s->chunk_nbytes = PIECE;
	for (uint64_t i = 0; i < s->nextents; i++)
		s->extent[i] = (struct extent){ addr + i * PIECE,
						i + 1 < s->nextents ? PIECE : nbytes - i * PIECE };
}

static void find_extents(const char *file, const char *path, struct stored *s)
{
	hid_t f = must(H5Fopen(file, H5F_ACC_RDONLY, H5P_DEFAULT));
	hid_t dataset = must(H5Dopen2(f, path, H5P_DEFAULT)), type = must(H5Dget_type(dataset));
	hid_t properties = must(H5Dget_create_plist(dataset)),
	      create = must(H5Fget_create_plist(f));
	hsize_t chunk[MAX_DIMS], user_block;
	int ndim;

	memset(s, 0, sizeof(*s));
	must(H5Pget_userblock(create, &user_block));
	s->elem_size = H5Tget_size(type);
	if (H5Pget_layout(properties) == H5D_CHUNKED) {
		ndim = (int)must(H5Pget_chunk(properties, MAX_DIMS, chunk));
		s->chunk_nbytes = s->elem_size;
		for (int d = 0; d < ndim; d++)
			s->chunk_nbytes *= chunk[d];
		read_pipeline(properties, s);
		find_chunks(dataset, user_block, s);
	} else {
		cut_contiguous(dataset, user_block, s);
	}
	H5Pclose(create);
	H5Pclose(properties);
	H5Tclose(type);
	H5Dclose(dataset);
	H5Fclose(f);
}

/*
 * Passes
 */

#if defined(__x86_64__) && defined(__GNUC__) && !defined(__clang__)
__attribute__((target_clones("avx2", "default")))
#endif
/* Eight sums side by side: nothing has to wait for an addition before it. */
static double
sum_floats(const float *v, size_t n)
{
	typedef float f4 __attribute__((vector_size(16), aligned(4), may_alias));
	typedef double d4 __attribute__((vector_size(32)));
	d4 a = { 0 }, b = { 0 }, c = { 0 }, d = { 0 };
	double total = 0;
	size_t i;

	for (i = 0; i + 16 <= n; i += 16) {
		a += __builtin_convertvector(*(const f4 *)(v + i), d4);
		b += __builtin_convertvector(*(const f4 *)(v + i + 4), d4);
		c += __builtin_convertvector(*(const f4 *)(v + i + 8), d4);
		d += __builtin_convertvector(*(const f4 *)(v + i + 12), d4);
	}
	for (; i < n; i++)
		total += v[i];
	a += b + c + d;
	return total + a[0] + a[1] + a[2] + a[3];
}

static void unshuffle_any(const uint8_t *in, size_t nelems, size_t size, size_t from, uint8_t *out)
{
	for (size_t b = 0; b < size; b++)
		for (size_t i = from; i < nelems; i++)
			out[i * size + b] = in[b * nelems + i];
}

/* Interleaves the bytes of 16 elements at a time; elements of 4 bytes only. */
static void unshuffle(const uint8_t *in, size_t nelems, size_t size, uint8_t *out)
{
	size_t i = 0;

#ifdef __SSE2__
	for (; size == 4 && i + 16 <= nelems; i += 16) {
		__m128i p0 = _mm_loadu_si128((const __m128i *)(in + i));
		__m128i p1 = _mm_loadu_si128((const __m128i *)(in + nelems + i));
		__m128i p2 = _mm_loadu_si128((const __m128i *)(in + 2 * nelems + i));
		__m128i p3 = _mm_loadu_si128((const __m128i *)(in + 3 * nelems + i));
		__m128i lo01 = _mm_unpacklo_epi8(p0, p1), hi01 = _mm_unpackhi_epi8(p0, p1);
		__m128i lo23 = _mm_unpacklo_epi8(p2, p3), hi23 = _mm_unpackhi_epi8(p2, p3);
		__m128i *to = (__m128i *)(out + 4 * i);

		_mm_storeu_si128(to, _mm_unpacklo_epi16(lo01, lo23));
		_mm_storeu_si128(to + 1, _mm_unpackhi_epi16(lo01, lo23));
		_mm_storeu_si128(to + 2, _mm_unpacklo_epi16(hi01, hi23));
		_mm_storeu_si128(to + 3, _mm_unpackhi_epi16(hi01, hi23));
	}
#endif
	unshuffle_any(in, nelems, size, i, out);
}

static void read_fully(int fd, void *buffer, size_t nbytes, uint64_t addr)
{
	while (nbytes) {
		ssize_t n = pread(fd, buffer, nbytes, (off_t)addr);

		if (n <= 0)
			die("cannot read: %s", n ? strerror(errno) : "end of file");
		buffer = (char *)buffer + n;
		nbytes -= (size_t)n;
		addr += (uint64_t)n;
	}
}

struct buffers {
	uint8_t *stored, *inflated, *elements;
	struct libdeflate_decompressor *z;
};

static void inflate_chunk(const struct stored *s, const struct extent *e, const struct buffers *b)
{
	uint8_t *to = s->shuffled ? b->inflated : b->elements;

	if (libdeflate_zlib_decompress(b->z, b->stored, e->nbytes, to, s->chunk_nbytes, NULL) !=
	    LIBDEFLATE_SUCCESS)
		die("a chunk does not inflate");
	if (s->shuffled)
		unshuffle(b->inflated, s->chunk_nbytes / s->elem_size, s->elem_size, b->elements);
}

static size_t largest(const struct stored *s)
{
	size_t max = 0;

	for (uint64_t i = 0; i < s->nextents; i++)
		if (s->extent[i].nbytes > max)
			max = s->extent[i].nbytes;
	return max;
}

static void pin(int cpu)
{
	cpu_set_t set;

	CPU_ZERO(&set);
	CPU_SET((size_t)cpu, &set);
	pthread_setaffinity_np(pthread_self(), sizeof(set), &set);
}

static void *run_thread(void *arg)
{
	struct pass *p = arg;
	const struct stored *s = &p->stored;
	struct buffers b;
	double total = 0;
	int self = atomic_fetch_add(&p->started, 1);
	uint64_t i;

	pin(p->cpu[self]);
	b.stored = allocate(largest(s));
	b.inflated = p->mode == INFLATE ? allocate(s->chunk_nbytes) : NULL;
	b.elements = p->mode == INFLATE ? allocate(s->chunk_nbytes) : NULL;
	b.z = libdeflate_alloc_decompressor();
	pthread_barrier_wait(&p->ready);
	while ((i = atomic_fetch_add(&p->next, 1)) < s->nextents) {
		read_fully(p->fd, b.stored, s->extent[i].nbytes, s->extent[i].addr);
		if (p->mode == SUM)
			total += sum_floats((const float *)b.stored, s->extent[i].nbytes / 4);
		else if (p->mode == INFLATE)
			inflate_chunk(s, &s->extent[i], &b);
	}
	p->total[self] = total;
	libdeflate_free_decompressor(b.z);
	free(b.elements);
	free(b.inflated);
	free(b.stored);
	return NULL;
}

/* The processors this process may use, one a thread, again from the first when there are too few. */
static void choose_cpus(struct pass *p)
{
	cpu_set_t set;
	int n = 0;

	if (sched_getaffinity(0, sizeof(set), &set))
		die("cannot tell the allowed processors: %s", strerror(errno));
	while (n < p->nthreads)
		for (int cpu = 0; cpu < CPU_SETSIZE && n < p->nthreads; cpu++)
			if (CPU_ISSET((size_t)cpu, &set))
				p->cpu[n++] = cpu;
}

static void print_pass(const struct pass *p, double seconds)
{
	uint64_t stored = 0, decoded = 0;

	for (uint64_t i = 0; i < p->stored.nextents; i++) {
		stored += p->stored.extent[i].nbytes;
		decoded += p->mode == INFLATE ? p->stored.chunk_nbytes : p->stored.extent[i].nbytes;
	}
	printf("{\"seconds\": %.6f, \"stored\": %ju, \"decoded\": %ju}\n", seconds,
	       (uintmax_t)stored, (uintmax_t)decoded);
}

static int run_pass(enum mode mode, const char *threads, const char *file, const char *path)
{
	static struct pass p;
	pthread_t thread[MAX_THREADS];
	double start;

	p.mode = mode;
	p.nthreads = atoi(threads);
	if (p.nthreads < 1 || p.nthreads > MAX_THREADS)
		die("bad number of threads: %s", threads);
	find_extents(file, path, &p.stored);
	if (mode == INFLATE && !p.stored.deflated)
		die("%s is not deflated", path);
	if (mode == SUM && (p.stored.deflated || p.stored.shuffled || p.stored.elem_size != 4))
		die("%s is not raw float32", path);
	p.fd = open(file, O_RDONLY);
	if (p.fd < 0)
		die("cannot open %s: %s", file, strerror(errno));
	choose_cpus(&p);
	pthread_barrier_init(&p.ready, NULL, (unsigned)p.nthreads + 1);
	for (int i = 0; i < p.nthreads; i++)
		if ((errno = pthread_create(&thread[i], NULL, run_thread, &p)))
			die("cannot start a thread: %s", strerror(errno));
	pthread_barrier_wait(&p.ready);
	start = now();
	for (int i = 0; i < p.nthreads; i++)
		pthread_join(thread[i], NULL);
	print_pass(&p, now() - start);
	for (int i = 0; i < p.nthreads; i++)
		if (isnan(p.total[i]))
			fputs("limits: the sum is not a number\n", stderr);
	free(p.stored.extent);
	return 0;
}

/*
 * An independent answer: H5Dread, and sums in long double of differences from the first value.
 */

struct answer {
	uint64_t count, missing;
	double min, max;
	long double shift, sum, squares;
};

static void add_values(struct answer *a, const double *v, size_t n, const double *fill)
{
	for (size_t i = 0; i < n; i++) {
		long double d;

		if (isnan(v[i]) || (fill && v[i] == *fill)) {
			a->missing++;
			continue;
		}
		if (!a->count++) {
			a->shift = v[i];
			a->min = a->max = v[i];
		}
		d = v[i] - a->shift;
		a->sum += d;
		a->squares += d * d;
		a->min = v[i] < a->min ? v[i] : a->min;
		a->max = v[i] > a->max ? v[i] : a->max;
	}
}

/* The rows [first, first + nrows) of the first dimension to out, as float or double. */
static void read_rows(hid_t dataset, hid_t type, int ndim, const hsize_t *shape, hsize_t first,
		      hsize_t nrows, void *out)
{
	hid_t file = must(H5Dget_space(dataset)), memory;
	hsize_t start[MAX_DIMS] = { 0 }, count[MAX_DIMS];

	memcpy(count, shape, sizeof(count));
	start[0] = first;
	count[0] = nrows;
	memory = must(H5Screate_simple(ndim, count, NULL));
	must(H5Sselect_hyperslab(file, H5S_SELECT_SET, start, NULL, count, NULL));
	must(H5Dread(dataset, type, memory, file, H5P_DEFAULT, out));
	H5Sclose(memory);
	H5Sclose(file);
}

/* Some rows after the other. The library converts types slowly, so float32 is widened here. */
static void add_dataset(hid_t dataset, const double *fill, struct answer *a)
{
	hid_t space = must(H5Dget_space(dataset)), type = must(H5Dget_type(dataset));
	bool narrow = H5Tequal(type, H5T_NATIVE_FLOAT) > 0;
	hsize_t shape[MAX_DIMS] = { 0 }, row_nelems = 1, step = 8;
	int ndim = (int)must(H5Sget_simple_extent_dims(space, shape, NULL));
	double *values;
	float *narrow_values;

	for (int d = 1; d < ndim; d++)
		row_nelems *= shape[d];
	values = allocate(step * row_nelems * sizeof(*values));
	narrow_values = allocate(step * row_nelems * sizeof(*narrow_values));
	for (hsize_t first = 0; first < shape[0]; first += step) {
		hsize_t nrows = shape[0] - first < step ? shape[0] - first : step;

		read_rows(dataset, narrow ? H5T_NATIVE_FLOAT : H5T_NATIVE_DOUBLE, ndim, shape,
			  first, nrows, narrow ? (void *)narrow_values : (void *)values);
		for (hsize_t i = 0; narrow && i < nrows * row_nelems; i++)
			values[i] = narrow_values[i];
		add_values(a, values, nrows * row_nelems, fill);
	}
	free(narrow_values);
	free(values);
	H5Tclose(type);
	H5Sclose(space);
}

/* Room for every index of a row of chunks in HDF5's cache, or each would be decoded many times. */
static hid_t open_with_cache(hid_t file, const char *path)
{
	hid_t access = must(H5Pcreate(H5P_DATASET_ACCESS)), dataset;

	must(H5Pset_chunk_cache(access, 100003, (size_t)512 << 20, 1));
	dataset = must(H5Dopen2(file, path, access));
	H5Pclose(access);
	return dataset;
}

static int print_moments(const char *file, const char *path)
{
	hid_t f = must(H5Fopen(file, H5F_ACC_RDONLY, H5P_DEFAULT));
	hid_t dataset = open_with_cache(f, path), attribute;
	struct answer a = { 0 };
	double fill;
	bool has_fill = H5Aexists(dataset, "_FillValue") > 0;

	if (has_fill) {
		attribute = must(H5Aopen(dataset, "_FillValue", H5P_DEFAULT));
		must(H5Aread(attribute, H5T_NATIVE_DOUBLE, &fill));
		H5Aclose(attribute);
	}
	add_dataset(dataset, has_fill ? &fill : NULL, &a);
	H5Dclose(dataset);
	H5Fclose(f);
	printf("{\"count\": %ju, \"missing\": %ju, \"min\": %.17g, \"max\": %.17g, "
	       "\"sum\": %.17Lg, \"mean\": %.17Lg, \"variance\": %.17Lg}\n",
	       (uintmax_t)a.count, (uintmax_t)a.missing, a.min, a.max,
	       a.sum + a.shift * (long double)a.count, a.shift + a.sum / (long double)a.count,
	       (a.squares - a.sum * a.sum / (long double)a.count) / (long double)(a.count - 1));
	return 0;
}

/*
 * A command, its time and memory
 */

static _Noreturn void become(const char *out, char **command)
{
	int fd = open(out, O_WRONLY | O_CREAT | O_TRUNC, 0666);

	if (fd < 0 || dup2(fd, STDOUT_FILENO) < 0)
		die("cannot write %s: %s", out, strerror(errno));
	execvp(command[0], command);
	die("cannot run %s: %s", command[0], strerror(errno));
}

static double seconds(const struct timeval *t)
{
	return (double)t->tv_sec + 1e-6 * (double)t->tv_usec;
}

static int time_command(const char *out, char **command)
{
	double start = now();
	pid_t child = fork();
	struct rusage usage;
	int status;

	if (child < 0)
		die("cannot fork: %s", strerror(errno));
	if (child == 0)
		become(out, command);
	if (wait4(child, &status, 0, &usage) != child)
		die("cannot wait: %s", strerror(errno));
	printf("{\"seconds\": %.6f, \"cpu\": %.6f, \"peak\": %ju}\n", now() - start,
	       seconds(&usage.ru_utime) + seconds(&usage.ru_stime),
	       (uintmax_t)usage.ru_maxrss * 1024);
	return WIFEXITED(status) ? WEXITSTATUS(status) : 1;
}

int main(int argc, char **argv)
{
	static const char *const modes[] = { "pread", "sum", "inflate" };

	for (int m = PREAD; argc == 5 && m <= INFLATE; m++)
		if (!strcmp(argv[1], modes[m]))
			return run_pass((enum mode)m, argv[2], argv[3], argv[4]);
	if (argc == 4 && !strcmp(argv[1], "moments"))
		return print_moments(argv[2], argv[3]);
	if (argc > 3 && !strcmp(argv[1], "time"))
		return time_command(argv[2], argv + 3);
	fputs("Usage: limits pread|sum|inflate THREADS FILE DATASET\n"
	      "       limits moments FILE DATASET\n"
	      "       limits time OUT COMMAND...\n",
	      stderr);
	return 2;
}
