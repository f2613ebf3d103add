/*
 * maps.c - the least that results of each place over time, and of two datasets, take on one core.
 *
 *	maps sum|mean|std FILE DATASET [RESULT]
 *	maps where|diff|joint FILE DATASET OTHER
 *
 * DATASET is float32 (time, lat, lon) in raw chunks. Every chunk is read into a buffer that
 * stays, and then
 *
 *	sum, mean	its elements are added in double to a map of sums that is in memory
 *	std		they and their squares are
 *	where		those are added whose element of DATASET in OTHER is over 280
 *	diff		the differences of the elements of both files are added
 *	joint		pairs are counted in 64 by 64 bins from 220 to 320; the sum is of the rising number of
 *			each bin times its count
 *
 * Of a dataset with _FillValue they are compared with it, and counted in each place. OTHER has the
 * same chunks. Prints a line of JSON: seconds, bytes, and the sum of all that was added. With RESULT,
 * a file that quern has written, each place of it is compared, and one that differs is an error: sums
 * and means in the tenth digit, deviations in the sixth, as sums of squares round.
 */
#include <fcntl.h>
#include <hdf5.h>
#include <math.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define NDIMS	  3
#define THRESHOLD 280
#define NBINS	  64
#define LOW	  220.0
#define HIGH	  320.0

#if defined(__x86_64__) && defined(__GNUC__) && !defined(__clang__)
#define FAST __attribute__((target_clones("avx2", "default"), optimize("O3")))
#else
#define FAST
#endif

struct data {
	int fd;
	hsize_t shape[NDIMS], chunk[NDIMS], nchunks, (*start)[NDIMS];
	haddr_t *addr;
	size_t nelems; /* of a chunk */
	bool has_fill;
	float fill, *elems;
};

struct map {
	size_t ncells;
	double *sum, *square; /* square: NULL but for std */
	uint32_t *count;      /* of each place, if there is a fill value */
};

static _Noreturn void die(const char *what, const char *name)
{
	fprintf(stderr, "maps: %s: %s\n", name, what);
	exit(1);
}

static void *allocate(size_t n, size_t size)
{
	void *p = malloc(n * size + 1);

	if (!p)
		die("no memory", "bench");
	/* Pages are there before the clock runs. */
	memset(p, 0, n * size);
	return p;
}

static double now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static void find_fill(hid_t dataset, struct data *d)
{
	hid_t a;

	d->has_fill = H5Aexists(dataset, "_FillValue") > 0;
	if (!d->has_fill)
		return;
	a = H5Aopen(dataset, "_FillValue", H5P_DEFAULT);
	H5Aread(a, H5T_NATIVE_FLOAT, &d->fill);
	H5Aclose(a);
}

static void find_chunks(hid_t dataset, hid_t space, const char *name, struct data *d)
{
	hsize_t nbytes;
	unsigned mask;

	H5Dget_num_chunks(dataset, space, &d->nchunks);
	d->addr = allocate(d->nchunks, sizeof(*d->addr));
	d->start = allocate(d->nchunks, sizeof(*d->start));
	for (hsize_t i = 0; i < d->nchunks; i++)
		if (H5Dget_chunk_info(dataset, space, i, d->start[i], &mask, &d->addr[i], &nbytes) <
			    0 ||
		    nbytes != d->nelems * sizeof(float))
			die("a chunk is not raw float32", name);
}

static void open_data(const char *file, const char *path, struct data *d)
{
	hid_t f = H5Fopen(file, H5F_ACC_RDONLY, H5P_DEFAULT), dataset, space, p;

	dataset = H5Dopen2(f, path, H5P_DEFAULT);
	space = H5Dget_space(dataset);
	p = H5Dget_create_plist(dataset);
	if (H5Sget_simple_extent_dims(space, d->shape, NULL) != NDIMS ||
	    H5Pget_chunk(p, NDIMS, d->chunk) != NDIMS)
		die("not chunks of three dimensions", file);
	d->nelems = d->chunk[0] * d->chunk[1] * d->chunk[2];
	for (int k = 0; k < NDIMS; k++)
		if (d->shape[k] % d->chunk[k])
			die("chunks are not whole", file);
	find_fill(dataset, d);
	find_chunks(dataset, space, file, d);
	d->elems = allocate(d->nelems, sizeof(float));
	d->fd = open(file, O_RDONLY);
	H5Pclose(p);
	H5Sclose(space);
	H5Dclose(dataset);
	H5Fclose(f);
}

static void read_chunk(const struct data *d, hsize_t i)
{
	size_t n = d->nelems * sizeof(float), done = 0;

	while (done < n) {
		ssize_t k =
			pread(d->fd, (char *)d->elems + done, n - done, (off_t)(d->addr[i] + done));

		if (k <= 0)
			die("cannot be read", "a chunk");
		done += (size_t)k;
	}
}

FAST static void add_row(const float *restrict v, size_t n, double *restrict sum)
{
	for (size_t i = 0; i < n; i++)
		sum[i] += (double)v[i];
}

FAST static void add_squares(const float *restrict v, size_t n, double *restrict sum,
			     double *restrict square)
{
	for (size_t i = 0; i < n; i++) {
		sum[i] += (double)v[i];
		square[i] += (double)v[i] * (double)v[i];
	}
}

FAST static void add_there(const float *restrict v, size_t n, float fill, double *restrict sum,
			   uint32_t *restrict count)
{
	for (size_t i = 0; i < n; i++) {
		sum[i] += v[i] != fill ? (double)v[i] : 0;
		count[i] += v[i] != fill;
	}
}

FAST static void add_squares_there(const float *restrict v, size_t n, float fill,
				   double *restrict sum, double *restrict square,
				   uint32_t *restrict count)
{
	for (size_t i = 0; i < n; i++) {
		double x = v[i] != fill ? (double)v[i] : 0;

		sum[i] += x;
		square[i] += x * x;
		count[i] += v[i] != fill;
	}
}

/* Eight sums side by side wait for no addition before them. */
FAST static double add_where(const float *restrict a, const float *restrict b, size_t n)
{
	double s[8] = { 0 };

	for (size_t i = 0; i + 8 <= n; i += 8)
		for (size_t k = 0; k < 8; k++)
			s[k] += b[i + k] > THRESHOLD ? (double)a[i + k] : 0;
	for (size_t i = n / 8 * 8; i < n; i++)
		s[0] += b[i] > THRESHOLD ? (double)a[i] : 0;
	return s[0] + s[1] + s[2] + s[3] + s[4] + s[5] + s[6] + s[7];
}

FAST static double add_diff(const float *restrict a, const float *restrict b, size_t n)
{
	double s[8] = { 0 };

	for (size_t i = 0; i + 8 <= n; i += 8)
		for (size_t k = 0; k < 8; k++)
			s[k] += (double)a[i + k] - (double)b[i + k];
	for (size_t i = n / 8 * 8; i < n; i++)
		s[0] += (double)a[i] - (double)b[i];
	return s[0] + s[1] + s[2] + s[3] + s[4] + s[5] + s[6] + s[7];
}

/* What is outside counts nowhere. */
static void count_pairs(const float *restrict a, const float *restrict b, size_t n,
			uint64_t *restrict count)
{
	const double scale = NBINS / (HIGH - LOW);

	for (size_t i = 0; i < n; i++) {
		const double x = ((double)a[i] - LOW) * scale, y = ((double)b[i] - LOW) * scale;

		if (x >= 0 && x < NBINS && y >= 0 && y < NBINS)
			count[(size_t)x * NBINS + (size_t)y]++;
	}
}

static void add_to_map(const struct data *d, const float *v, size_t at, struct map *m)
{
	size_t n = d->chunk[2];

	if (d->has_fill && m->square)
		add_squares_there(v, n, d->fill, m->sum + at, m->square + at, m->count + at);
	else if (d->has_fill)
		add_there(v, n, d->fill, m->sum + at, m->count + at);
	else if (m->square)
		add_squares(v, n, m->sum + at, m->square + at);
	else
		add_row(v, n, m->sum + at);
}

static void pass_of_map(const struct data *d, struct map *m)
{
	for (hsize_t c = 0; c < d->nchunks; c++) {
		const float *v = d->elems;

		read_chunk(d, c);
		for (hsize_t t = 0; t < d->chunk[0]; t++)
			for (hsize_t i = 0; i < d->chunk[1]; i++, v += d->chunk[2])
				add_to_map(d, v,
					   (d->start[c][1] + i) * d->shape[2] + d->start[c][2], m);
	}
}

static double pass_of_two(const struct data *a, const struct data *b, bool where)
{
	double total = 0;

	for (hsize_t c = 0; c < a->nchunks; c++) {
		read_chunk(a, c);
		read_chunk(b, c);
		total += (where ? add_where : add_diff)(a->elems, b->elems, a->nelems);
	}
	return total;
}

static double pass_of_pairs(const struct data *a, const struct data *b, uint64_t *count)
{
	double total = 0;

	for (hsize_t c = 0; c < a->nchunks; c++) {
		read_chunk(a, c);
		read_chunk(b, c);
		count_pairs(a->elems, b->elems, a->nelems, count);
	}
	for (size_t i = 0; i < (size_t)NBINS * NBINS; i++)
		total += (double)(i + 1) * (double)count[i];
	return total;
}

static void print(double seconds, const struct data *d, unsigned nfiles, double sum)
{
	uint64_t nbytes = d->nchunks * d->nelems * sizeof(float) * nfiles;

	printf("{\"seconds\": %.6f, \"stored\": %ju, \"decoded\": %ju, \"sum\": %.17g}\n", seconds,
	       (uintmax_t)nbytes, (uintmax_t)nbytes, sum);
}

/* What quern should have found in place i, of n elements. */
static double expected(const char *mode, const struct map *m, size_t i, double n)
{
	if (!strcmp(mode, "sum"))
		return m->sum[i];
	if (!strcmp(mode, "mean"))
		return m->sum[i] / n;
	return sqrt((m->square[i] - m->sum[i] * m->sum[i] / n) / (n - 1));
}

static void check(const char *mode, const char *result, const char *path, const struct data *d,
		  const struct map *m)
{
	double *got = allocate(m->ncells, sizeof(*got)), digits = m->square ? 1e-6 : 1e-10;
	hid_t f = H5Fopen(result, H5F_ACC_RDONLY, H5P_DEFAULT);
	hid_t dataset = H5Dopen2(f, path, H5P_DEFAULT), space = H5Dget_space(dataset);

	if (H5Sget_simple_extent_npoints(space) != (hssize_t)m->ncells ||
	    H5Dread(dataset, H5T_NATIVE_DOUBLE, H5S_ALL, H5S_ALL, H5P_DEFAULT, got) < 0)
		die("is not such a map", result);
	for (size_t i = 0; i < m->ncells; i++) {
		double n = m->count ? m->count[i] : (double)d->shape[0];
		double want = n > 0 ? expected(mode, m, i, n) : 0;

		if (n > 0 && !(fabs(got[i] - want) <= digits * fmax(1, fabs(want))))
			die("differs from a plain loop", result);
	}
	H5Sclose(space);
	H5Dclose(dataset);
	H5Fclose(f);
	free(got);
}

static void run_map(const char *mode, const char *path, struct data *d, const char *result)
{
	struct map m = { .ncells = d->shape[1] * d->shape[2] };
	double start, end, total = 0;

	m.sum = allocate(m.ncells, sizeof(*m.sum));
	m.square = strcmp(mode, "std") ? NULL : allocate(m.ncells, sizeof(*m.square));
	m.count = d->has_fill ? allocate(m.ncells, sizeof(*m.count)) : NULL;
	start = now();
	pass_of_map(d, &m);
	end = now();
	for (size_t i = 0; i < m.ncells; i++)
		total += m.sum[i];
	if (result)
		check(mode, result, path, d, &m);
	print(end - start, d, 1, total);
	free(m.count);
	free(m.square);
	free(m.sum);
}

static void run_two(const char *mode, const char *path, struct data *a, const char *other)
{
	static uint64_t count[NBINS * NBINS];
	struct data b = { 0 };
	double start, total;

	open_data(other, path, &b);
	if (a->nchunks != b.nchunks || a->nelems != b.nelems ||
	    memcmp(a->start, b.start, a->nchunks * sizeof(*a->start)) || a->has_fill || b.has_fill)
		die("other chunks, or a _FillValue", other);
	start = now();
	total = strcmp(mode, "joint") ? pass_of_two(a, &b, !strcmp(mode, "where"))
				      : pass_of_pairs(a, &b, count);
	print(now() - start, a, 2, total);
}

int main(int argc, char **argv)
{
	static const char *const modes[] = { "sum", "mean", "std", "where", "diff", "joint" };
	struct data d = { 0 };

	for (int m = 0; m < 6 && (argc == 5 || (argc == 4 && m < 3)); m++)
		if (!strcmp(argv[1], modes[m])) {
			open_data(argv[2], argv[3], &d);
			(m < 3 ? run_map : run_two)(argv[1], argv[3], &d, argv[4]);
			return 0;
		}
	fputs("Usage: maps sum|mean|std FILE DATASET [RESULT]\n"
	      "       maps where|diff|joint FILE DATASET OTHER\n",
	      stderr);
	return 2;
}
