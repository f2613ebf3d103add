/*
 * memory - a field on (time, lat, lon) as a simulation has it: in arrays with halos of the ranks of a job.
 *
 *	memory write FILE NTIMES NLAT NLON		the field in a file
 *	memory [-EVERY] KERNEL NTIMES NLAT NLON [OPTION[=VALUE]]...	reduced where it lies; prints the document
 *
 * With -EVERY a run is made after so many steps, too, whose document is not printed. The environment variable
 * DIFFERS names what the last rank is told else than the others: options, grid, units, steps or values; boxes: its own
 * begin a latitude earlier, in those of the rank before. What is wrong is told on standard error, and the exit code is the status.
 */
#include <hdf5.h>
#include <math.h>
#include <mpi.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "put.h"
#include "quern.h"

#define NDIMS 3
#define HALO  2

static uint64_t shape[NDIMS];
static const char *const dim_name[NDIMS] = { "time", "lat", "lon" };

static const char *differs; /* of the last rank */

static int is_other(const char *what)
{
	return differs && !strcmp(differs, what);
}

/* --- the field --- */

static uint64_t mix(uint64_t x)
{
	x = (x ^ x >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
	x = (x ^ x >> 27) * UINT64_C(0x94d049bb133111eb);
	return x ^ x >> 31;
}

static double noise(uint64_t kind, uint64_t t, uint64_t y, uint64_t x)
{
	return (double)(mix(mix(kind + 7 * t) + 131 * y + 65537 * x) >> 11) * 0x1p-53;
}

static double time_of(uint64_t t)
{
	return 24 + 2.75 * (double)t + is_other("values");
}

static double lat_of(uint64_t y)
{
	return -80 + 160.0 * (double)y / (double)shape[1];
}

static double lon_of(uint64_t x)
{
	return 360.0 * (double)x / (double)shape[2];
}

static int32_t region_of(uint64_t y, uint64_t x)
{
	return (int32_t)(mix(y / 3 * 100 + x / 5) % 7);
}

static double u_of(uint64_t t, uint64_t y, uint64_t x)
{
	return noise(1, t, y, x) < 0.02 ? (double)NAN
					: 280 + 30 * noise(2, t, y, x) + lat_of(y) / 8;
}

static float v_of(uint64_t t, uint64_t y, uint64_t x)
{
	return (float)(noise(3, t, y, x) - 0.5);
}

static float w_of(uint64_t t, uint64_t y, uint64_t x)
{
	return (float)noise(4, t, y, x);
}

static int16_t k_of(uint64_t t, uint64_t y, uint64_t x)
{
	return (int16_t)(1000 * noise(5, t, y, x));
}

/* --- to a file --- */

/* On the dimensions from `first` on, n of them. */
static void put_dataset(hid_t file, const char *name, hid_t type, int first, int n,
			const void *values, const char *units)
{
	hid_t list_type = H5Tvlen_create(H5T_STD_REF_OBJ), space, set, attr, props;
	hsize_t count[NDIMS], chunk[NDIMS], rank = (hsize_t)n;
	hobj_ref_t ref[NDIMS];
	hvl_t list[NDIMS];

	for (int d = 0; d < n; d++) {
		count[d] = shape[first + d];
		chunk[d] = count[d] > 10 ? 10 : count[d];
	}
	space = H5Screate_simple(n, count, NULL);
	props = H5Pcreate(H5P_DATASET_CREATE);
	H5Pset_chunk(props, n, chunk);
	set = H5Dcreate2(file, name, type, space, H5P_DEFAULT, props, H5P_DEFAULT);
	must(set >= 0 && H5Dwrite(set, type, H5S_ALL, H5S_ALL, H5P_DEFAULT, values) >= 0, name);
	if (units)
		put_text(set, "units", units);
	if (n == 1 && !strcmp(name, dim_name[first])) {
		put_text(set, "CLASS", "DIMENSION_SCALE");
		put_text(set, "NAME", name);
	} else {
		for (int d = 0; d < n; d++) {
			H5Rcreate(&ref[d], file, dim_name[first + d], H5R_OBJECT, -1);
			list[d] = (hvl_t){ .len = 1, .p = &ref[d] };
		}
		H5Sclose(space);
		space = H5Screate_simple(1, &rank, NULL);
		attr = H5Acreate2(set, "DIMENSION_LIST", list_type, space, H5P_DEFAULT,
				  H5P_DEFAULT);
		must(H5Awrite(attr, list_type, list) >= 0, "DIMENSION_LIST");
		H5Aclose(attr);
	}
	H5Pclose(props);
	H5Dclose(set);
	H5Sclose(space);
	H5Tclose(list_type);
}

static void write_all(const char *path)
{
	const size_t n = shape[0] * shape[1] * shape[2];
	hid_t file = H5Fcreate(path, H5F_ACC_TRUNC, H5P_DEFAULT, H5P_DEFAULT);
	double *axis = calloc(shape[0] + shape[1] + shape[2], sizeof(*axis));
	double *u = calloc(n, sizeof(*u));
	float *v = calloc(n, sizeof(*v)), *w = calloc(n, sizeof(*w));
	int16_t *k = calloc(n, sizeof(*k));
	int32_t *region = calloc(shape[1] * shape[2], sizeof(*region));

	must(file >= 0 && axis && u && v && w && k && region, "memory");
	for (uint64_t t = 0; t < shape[0]; t++)
		axis[t] = time_of(t);
	put_dataset(file, "time", H5T_NATIVE_DOUBLE, 0, 1, axis, "days since 2001-01-01");
	for (uint64_t y = 0; y < shape[1]; y++)
		axis[y] = lat_of(y);
	put_dataset(file, "lat", H5T_NATIVE_DOUBLE, 1, 1, axis, "degrees_north");
	for (uint64_t x = 0; x < shape[2]; x++)
		axis[x] = lon_of(x);
	put_dataset(file, "lon", H5T_NATIVE_DOUBLE, 2, 1, axis, "degrees_east");
	for (size_t i = 0; i < n; i++) {
		const uint64_t x = i % shape[2], y = i / shape[2] % shape[1],
			       t = i / shape[2] / shape[1];

		u[i] = u_of(t, y, x);
		v[i] = v_of(t, y, x);
		w[i] = w_of(t, y, x);
		k[i] = k_of(t, y, x);
		region[i % (shape[1] * shape[2])] = region_of(y, x);
	}
	put_dataset(file, "u", H5T_NATIVE_DOUBLE, 0, 3, u, "K");
	put_dataset(file, "v", H5T_NATIVE_FLOAT, 0, 3, v, "m s-1");
	put_dataset(file, "w", H5T_NATIVE_FLOAT, 0, 3, w, NULL);
	put_dataset(file, "k", H5T_NATIVE_INT16, 0, 3, k, NULL);
	put_dataset(file, "region", H5T_NATIVE_INT32, 1, 2, region, NULL);
	must(H5Fclose(file) >= 0, path);
	free(axis);
	free(u);
	free(v);
	free(w);
	free(k);
	free(region);
}

/* --- where it lies --- */

/* A box of this rank, of (lat, lon), in arrays with halos: u has two, w is upside down, k is turned round. */
struct part {
	uint64_t start[2], count[2];
	double *u;
	float *v, *w;
	int16_t *k;
};

#define MOST_PARTS 2

static size_t wide(const struct part *p)
{
	return p->count[1] + 2 * HALO;
}

static void allocate(struct part *p)
{
	const size_t n = (p->count[0] + 2 * HALO) * wide(p) + 1;

	p->u = calloc(n, sizeof(*p->u));
	p->v = calloc(n, sizeof(*p->v));
	p->w = calloc(n, sizeof(*p->w));
	p->k = calloc(n, sizeof(*p->k));
	must(p->u && p->v && p->w && p->k, "memory");
	for (size_t i = 0; i < n; i++)
		p->u[i] = 1e30;
}

static void compute(struct part *p, uint64_t t)
{
	for (uint64_t j = 0; j < p->count[0]; j++)
		for (uint64_t i = 0; i < p->count[1]; i++) {
			const uint64_t y = p->start[0] + j, x = p->start[1] + i;

			p->u[(j + HALO) * wide(p) + i + HALO] = u_of(t, y, x);
			p->v[j * p->count[1] + i] = v_of(t, y, x);
			p->w[(p->count[0] - 1 - j) * wide(p) + i] = w_of(t, y, x);
			p->k[i * p->count[0] + j] = k_of(t, y, x);
		}
}

/* Bands of latitudes; what a rank has is two boxes where it has columns enough. */
static int divide(struct part *p, int rank, int nranks)
{
	const uint64_t n = shape[1], half = shape[2] / 3;
	const uint64_t begin = n * (uint64_t)rank / (uint64_t)nranks;
	const uint64_t end = n * (uint64_t)(rank + 1) / (uint64_t)nranks;
	const int nparts = half ? 2 : 1;

	for (int i = 0; i < nparts; i++) {
		p[i] = (struct part){ .start = { begin, i ? half : 0 },
				      .count = { end - begin,
						 i || !half ? shape[2] - half : half } };
		allocate(&p[i]);
	}
	return nparts;
}

static void describe(quern_reduction *r, const struct part *p, int nparts)
{
	ptrdiff_t u[2 * MOST_PARTS], w[2 * MOST_PARTS], k[2 * MOST_PARTS];
	double *axis = calloc(shape[1] + shape[2], sizeof(*axis));
	int32_t *region = calloc(shape[1] * shape[2], sizeof(*region));

	must(axis && region, "memory");
	quern_reduction_grid(r, 2, shape + 1, dim_name + 1);
	quern_reduction_steps(r, "time", getenv("MOST") ? shape[0] : 0, "days since 2001-01-01",
			      NULL);
	for (uint64_t y = 0; y < shape[1]; y++)
		axis[y] = lat_of(y);
	quern_reduction_coordinate(r, "lat", NULL, QUERN_F64, axis, "degrees_north");
	for (uint64_t x = 0; x < shape[2]; x++)
		axis[x] = lon_of(x);
	quern_reduction_coordinate(r, "lon", NULL, QUERN_F64, axis, "degrees_east");
	for (size_t i = 0; i < shape[1] * shape[2]; i++)
		region[i] = region_of(i / shape[2], i % shape[2]);
	quern_reduction_coordinate(r, "region", "lat,lon", QUERN_I32, region, NULL);
	for (int i = 0; i < nparts; i++) {
		const uint64_t before = is_other("boxes") ? 1 : 0;
		const uint64_t start[2] = { p[i].start[0] - before, p[i].start[1] };

		quern_reduction_box(r, start, p[i].count);
		u[2 * i] = (ptrdiff_t)(wide(&p[i]) * sizeof(double));
		u[2 * i + 1] = sizeof(double);
		w[2 * i] = -(ptrdiff_t)(wide(&p[i]) * sizeof(float));
		w[2 * i + 1] = sizeof(float);
		k[2 * i] = sizeof(int16_t);
		k[2 * i + 1] = (ptrdiff_t)(p[i].count[0] * sizeof(int16_t));
	}
	quern_reduction_variable(r, "u", QUERN_F64, u, is_other("units") ? "m" : "K");
	quern_reduction_variable(r, "v", QUERN_F32, NULL, "m s-1");
	quern_reduction_variable(r, "w", QUERN_F32, w, NULL);
	quern_reduction_variable(r, "k", QUERN_I16, k, NULL);
	free(axis);
	free(region);
}

static void absorb(quern_reduction *r, struct part *p, int nparts, uint64_t t)
{
	const void *values[4 * MOST_PARTS];

	for (int i = 0; i < nparts; i++) {
		compute(&p[i], t);
		values[i] = p[i].u + HALO * wide(&p[i]) + HALO;
		values[nparts + i] = p[i].v;
		values[2 * nparts + i] = p[i].w +
					 (p[i].count[0] - (p[i].count[0] > 0)) * wide(&p[i]);
		values[3 * nparts + i] = p[i].k;
	}
	quern_reduction_absorb(r, time_of(t), values);
}

/* With OUTPUT the result goes to that file, with STREAM its rows as they come. */
static int finish(quern_reduction *r, int rank, int prints)
{
	const char *file = prints && rank == 0 ? getenv("OUTPUT") : NULL;
	quern_run *run = quern_reduction_run(r);
	char *document;
	int status;

	if (file && getenv("STREAM"))
		must(!quern_run_output(run, file), "the output");
	status = (int)quern_run_execute(run);
	document = quern_run_document(run, false);
	if (status && rank == 0)
		fprintf(stderr, "memory: %s\n", quern_run_message(run));
	for (size_t i = 0; prints && !status && quern_run_warning(run, i); i++)
		fprintf(stderr, "memory: warning: %s\n", quern_run_warning(run, i));
	if (file && !status)
		must(!quern_run_write(run, file), "writing");
	if (prints && document)
		fputs(document, stdout);
	free(document);
	quern_run_free(run);
	return status;
}

static int reduce(quern_session *session, char **argv, int rank, int nranks, uint64_t every)
{
	quern_reduction *r = quern_reduction_new(session, argv[0]);
	struct part p[MOST_PARTS];
	const int nparts = divide(p, rank, nranks);
	int status = 0;

	for (char **option = argv + 4; *option; option++) {
		char *value = strchr(*option, '=');

		if (value)
			*value++ = '\0';
		quern_reduction_set(r, *option, value);
	}
	if (is_other("options"))
		quern_reduction_set(r, "nan", "keep");
	describe(r, p, nparts);
	for (uint64_t t = 0; t < shape[0] - (uint64_t)is_other("steps"); t++) {
		absorb(r, p, nparts, t);
		if (every && t % every == 0)
			status |= finish(r, rank, 0);
	}
	if (!status)
		status = finish(r, rank, 1);
	quern_reduction_free(r);
	for (int i = 0; i < nparts; i++) {
		free(p[i].u);
		free(p[i].v);
		free(p[i].w);
		free(p[i].k);
	}
	return status;
}

int main(int argc, char **argv)
{
	const int writes = argc > 1 && !strcmp(argv[1], "write");
	quern_session *session;
	uint64_t every = 0;
	int rank, nranks, level, status = 0;

	MPI_Init_thread(&argc, &argv, MPI_THREAD_FUNNELED, &level);
	MPI_Comm_rank(MPI_COMM_WORLD, &rank);
	MPI_Comm_size(MPI_COMM_WORLD, &nranks);
	session = quern_session_new(MPI_COMM_WORLD);
	must(session != NULL, "memory");
	if (argc > 1 && argv[1][0] == '-') {
		every = strtoull(argv[1] + 1, NULL, 10);
		argv++;
		argc--;
	}
	must(argc >= 5 + writes, "the command line");
	for (int d = 0; d < NDIMS; d++)
		shape[d] = strtoull(argv[2 + writes + d], NULL, 10);
	differs = rank == nranks - 1 ? getenv("DIFFERS") : NULL;
	shape[2] += (uint64_t)is_other("grid");
	if (writes)
		write_all(argv[2]);
	else
		status = reduce(session, argv + 1, rank, nranks, every);
	quern_session_free(session);
	MPI_Finalize();
	return status;
}
