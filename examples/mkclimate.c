/*
 * mkclimate - writes a NetCDF-4 file that looks like the output of a climate model.
 *
 *	mkclimate [options] FILE
 *
 * Two variables over (time, lat, lon): t2m, the air temperature at 2 m as floats in kelvin, and
 * precip, the rate of precipitation packed into 16-bit integers; with --winds also u10 and v10, the
 * winds. With --counties there is county(lat, lon), the number of the county that a place is in;
 * oceans are in some, too. Temperature falls towards the
 * poles and over high ground, follows the seasons and the hour of the day, and carries travelling
 * waves and noise for weather. Where the ground is highest both have missing values. The same
 * options and seed give the same file, byte for byte, with any number of threads.
 *
 * The HDF5 library writes the metadata; chunks are made, shuffled and deflated by threads and
 * stored with H5Dwrite_chunk, so that compression is not the bottleneck. The dimension scales and
 * attributes are those the NetCDF-4 format asks for, so ncdump, CDO and xarray read the file.
 */
#include <errno.h>
#include <getopt.h>
#include <hdf5.h>
#include <libdeflate.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "climate.h"

#define NDIMS	     3
#define NTHREADS_MAX 256
/* What the NetCDF library uses for "no value" unless told otherwise. */
#define FILL_REAL   9.9692099683868690e+36
#define FILL_PACKED (-32767)

/* How the values of a variable are stored. */
struct variable {
	const char *name, *long_name, *standard_name, *units;
	enum field field;
	char type[3];	      /* "f4", "f8" or "i2" */
	double scale, offset; /* of "i2": value = stored * scale + offset */
};

struct settings {
	const char *file;
	const char *only; /* one variable, or NULL for all */
	uint64_t shape[NDIMS];
	uint64_t seed;
	double hours;	       /* between two times */
	double missing;	       /* percent of the grid */
	uint64_t chunk_nbytes; /* about this much raw data a chunk */
	uint64_t chunk[NDIMS]; /* or this shape of it, if not 0 */
	int level;	       /* of deflate; 0: no filters */
	bool contiguous, latest, quiet, winds;
	uint64_t ncounties; /* 0: there is no such variable */
	int nthreads;
};

/* The id or status of an HDF5 call that must not fail. The library has printed the reason. */
static hid_t must(hid_t id)
{
	if (id < 0)
		die("HDF5 could not write the file");
	return id;
}

/*
 * Stored chunks
 */

/* A variable being written: chunks are made by many threads and stored in order by turns. */
struct writer {
	const struct settings *settings;
	const struct climate *climate;
	const struct variable *variable;
	hid_t dataset;
	size_t elem_size;
	uint64_t chunk[NDIMS], grid[NDIMS], nchunks;
	size_t chunk_nbytes;
	pthread_mutex_t lock;
	pthread_cond_t turned;
	uint64_t taken, stored; /* under lock: chunks given to threads, and in the file */
};

static void store_row(const struct variable *v, const float *row, const bool *masked, size_t n,
		      void *out)
{
	if (!strcmp(v->type, "f4"))
		for (size_t k = 0; k < n; k++)
			((float *)out)[k] = masked[k] ? (float)FILL_REAL : row[k];
	else if (!strcmp(v->type, "f8"))
		for (size_t k = 0; k < n; k++)
			((double *)out)[k] = masked[k] ? FILL_REAL : (double)row[k];
	else
		for (size_t k = 0; k < n; k++)
			((int16_t *)out)[k] =
				masked[k] ? FILL_PACKED
					  : (int16_t)lrint((row[k] - v->offset) / v->scale);
}

/* Makes chunk `number`; what lies outside the dataset is zero. */
static void make_chunk(const struct writer *w, uint64_t number, float *row, uint8_t *out)
{
	const struct climate *c = w->climate;
	const uint64_t *shape = w->settings->shape;
	uint64_t t0 = number / (w->grid[1] * w->grid[2]) * w->chunk[0];
	uint64_t i0 = number / w->grid[2] % w->grid[1] * w->chunk[1];
	uint64_t j0 = number % w->grid[2] * w->chunk[2];
	size_t n = w->chunk[2] < shape[2] - j0 ? w->chunk[2] : shape[2] - j0;
	struct weather weather;

	if (t0 + w->chunk[0] > shape[0] || i0 + w->chunk[1] > shape[1] || n < w->chunk[2])
		memset(out, 0, w->chunk_nbytes);
	for (uint64_t t = t0; t < t0 + w->chunk[0] && t < shape[0]; t++)
		for (uint64_t i = i0; i < i0 + w->chunk[1] && i < shape[1]; i++) {
			size_t at = ((t - t0) * w->chunk[1] + i - i0) * w->chunk[2];

			weather_at(c, w->variable->field, t, i, &weather);
			if (w->variable->field == T2M)
				t2m_row(c, &weather, i, j0, n, row);
			else if (w->variable->field == PRECIP)
				precip_row(c, &weather, i, j0, n, row);
			else
				wind_row(c, &weather, w->variable->field, i, j0, n, row);
			store_row(w->variable, row, c->masked + i * c->nlon + j0, n,
				  out + at * w->elem_size);
		}
}

/* First all first bytes of the elements, then all second ones, and so on. */
static void shuffle(const uint8_t *in, size_t nelems, size_t size, uint8_t *out)
{
	for (size_t b = 0; b < size; b++)
		for (size_t i = 0; i < nelems; i++)
			out[b * nelems + i] = in[i * size + b];
}

static hid_t hdf5_type(const struct variable *v)
{
	if (v->type[0] == 'i')
		return H5T_STD_I16LE;
	return v->type[1] == '4' ? H5T_IEEE_F32LE : H5T_IEEE_F64LE;
}

/* Under the lock, in the chunk's turn. */
static void store_chunk(const struct writer *w, uint64_t number, const void *data, size_t nbytes)
{
	hsize_t start[NDIMS], count[NDIMS];
	hid_t memory, file;

	for (int d = NDIMS - 1; d >= 0; d--) {
		start[d] = number % w->grid[d] * w->chunk[d];
		number /= w->grid[d];
		count[d] = w->settings->shape[d] - start[d];
		if (count[d] > w->chunk[d])
			count[d] = w->chunk[d];
	}
	if (!w->settings->contiguous) {
		must(H5Dwrite_chunk(w->dataset, H5P_DEFAULT, 0, start, nbytes, data));
		return;
	}
	memory = must(H5Screate_simple(NDIMS, count, NULL));
	file = must(H5Dget_space(w->dataset));
	must(H5Sselect_hyperslab(file, H5S_SELECT_SET, start, NULL, count, NULL));
	must(H5Dwrite(w->dataset, hdf5_type(w->variable), memory, file, H5P_DEFAULT, data));
	H5Sclose(file);
	H5Sclose(memory);
}

static bool take_chunk(struct writer *w, uint64_t *number)
{
	pthread_mutex_lock(&w->lock);
	*number = w->taken;
	if (w->taken < w->nchunks)
		w->taken++;
	pthread_mutex_unlock(&w->lock);
	return *number < w->nchunks;
}

static void store_in_turn(struct writer *w, uint64_t number, const void *data, size_t nbytes)
{
	pthread_mutex_lock(&w->lock);
	while (w->stored != number)
		pthread_cond_wait(&w->turned, &w->lock);
	store_chunk(w, number, data, nbytes);
	w->stored++;
	pthread_cond_broadcast(&w->turned);
	pthread_mutex_unlock(&w->lock);
}

static void *write_chunks(void *arg)
{
	struct writer *w = arg;
	int level = w->settings->level;
	struct libdeflate_compressor *z = libdeflate_alloc_compressor(level ? level : 1);
	size_t bound = z ? libdeflate_zlib_compress_bound(z, w->chunk_nbytes) : 0, nbytes;
	float *row = allocate(w->chunk[2], sizeof(*row));
	uint8_t *raw = allocate(w->chunk_nbytes, 1), *shuffled = allocate(w->chunk_nbytes, 1);
	uint8_t *stored = allocate(bound, 1);
	uint64_t number;

	if (!z)
		die("cannot set up libdeflate");
	while (take_chunk(w, &number)) {
		make_chunk(w, number, row, raw);
		if (!level) {
			store_in_turn(w, number, raw, w->chunk_nbytes);
			continue;
		}
		shuffle(raw, w->chunk_nbytes / w->elem_size, w->elem_size, shuffled);
		nbytes = libdeflate_zlib_compress(z, shuffled, w->chunk_nbytes, stored, bound);
		store_in_turn(w, number, stored, nbytes);
	}
	libdeflate_free_compressor(z);
	free(stored);
	free(shuffled);
	free(raw);
	free(row);
	return NULL;
}

static void run_writer(struct writer *w)
{
	pthread_t thread[NTHREADS_MAX];
	int n = w->settings->nthreads;

	pthread_mutex_init(&w->lock, NULL);
	pthread_cond_init(&w->turned, NULL);
	for (int i = 0; i < n; i++)
		if ((errno = pthread_create(&thread[i], NULL, write_chunks, w)))
			die("cannot start a thread: %s", strerror(errno));
	for (int i = 0; i < n; i++)
		pthread_join(thread[i], NULL);
	pthread_cond_destroy(&w->turned);
	pthread_mutex_destroy(&w->lock);
}

/* A chunk of about the size asked for: the grid is cut into as many bands and sectors as it takes
   for a chunk to hold eight times or more. A contiguous dataset is written some times at once. */
static void choose_chunk(const struct settings *s, size_t elem_size, uint64_t chunk[NDIMS])
{
	uint64_t pieces = 1, budget = s->chunk_nbytes / elem_size, plane;

	if (s->chunk[0]) {
		memcpy(chunk, s->chunk, sizeof(s->chunk));
		return;
	}
	do {
		for (int d = 1; d < NDIMS; d++)
			chunk[d] = s->contiguous ? s->shape[d] : (s->shape[d] - 1) / pieces + 1;
		plane = chunk[1] * chunk[2];
		pieces++;
	} while (!s->contiguous && plane * 8 > budget && plane > 1);
	chunk[0] = budget / plane ? budget / plane : 1;
	if (chunk[0] > s->shape[0])
		chunk[0] = s->shape[0];
}

/*
 * NetCDF-4 in terms of HDF5
 */

static void put_attribute(hid_t object, const char *name, hid_t type, hid_t space,
			  const void *value)
{
	hid_t a = must(H5Acreate2(object, name, type, space, H5P_DEFAULT, H5P_DEFAULT));

	must(H5Awrite(a, type, value));
	H5Aclose(a);
}

static void put_text(hid_t object, const char *name, const char *text)
{
	hid_t type = must(H5Tcopy(H5T_C_S1)), space = must(H5Screate(H5S_SCALAR));

	must(H5Tset_size(type, strlen(text) + 1));
	put_attribute(object, name, type, space, text);
	H5Sclose(space);
	H5Tclose(type);
}

/* One number: NetCDF stores it as an array of one. */
static void put_number(hid_t object, const char *name, hid_t type, const void *value)
{
	hsize_t n = 1;
	hid_t space = must(H5Screate_simple(1, &n, NULL));

	put_attribute(object, name, type, space, value);
	H5Sclose(space);
}

/* NetCDF wants objects and attributes in the order of their creation; without time stamps the
   same data gives the same file. */
static hid_t dataset_properties(void)
{
	hid_t p = must(H5Pcreate(H5P_DATASET_CREATE));

	must(H5Pset_attr_creation_order(p, H5P_CRT_ORDER_TRACKED | H5P_CRT_ORDER_INDEXED));
	must(H5Pset_obj_track_times(p, false));
	return p;
}

static hid_t create_file(const struct settings *s, const char *path)
{
	hid_t create = must(H5Pcreate(H5P_FILE_CREATE)), access = must(H5Pcreate(H5P_FILE_ACCESS));
	hid_t file;

	must(H5Pset_link_creation_order(create, H5P_CRT_ORDER_TRACKED | H5P_CRT_ORDER_INDEXED));
	must(H5Pset_attr_creation_order(create, H5P_CRT_ORDER_TRACKED | H5P_CRT_ORDER_INDEXED));
	must(H5Pset_obj_track_times(create, false));
	if (s->latest)
		must(H5Pset_libver_bounds(access, H5F_LIBVER_LATEST, H5F_LIBVER_LATEST));
	file = must(H5Fcreate(path, H5F_ACC_TRUNC, create, access));
	put_text(file, "Conventions", "CF-1.8");
	put_text(file, "title", "Synthetic climate for the demonstration of quern");
	put_text(file, "source", "mkclimate");
	H5Pclose(access);
	H5Pclose(create);
	return file;
}

/* The place of an object, as HDF5 stores references. */
static hobj_ref_t reference(hid_t file, const char *name)
{
	hobj_ref_t ref;

	must(H5Rcreate(&ref, file, name, H5R_OBJECT, -1));
	return ref;
}

static const char *const dim_name[NDIMS] = { "time", "lat", "lon" };

/* Marks a coordinate variable as dimension `d` (HDF5 Dimension Scale Specification; the number is
   the order in which NetCDF lists the dimensions). */
static void mark_scale(hid_t dataset, int d)
{
	hid_t space = must(H5Screate(H5S_SCALAR));

	put_text(dataset, "CLASS", "DIMENSION_SCALE");
	put_text(dataset, "NAME", dim_name[d]);
	put_attribute(dataset, "_Netcdf4Dimid", H5T_NATIVE_INT, space, &d);
	H5Sclose(space);
}

/* Ties the axes of a variable to the scales, from dimension `first` on. */
static void put_dimension_list(hid_t file, hid_t dataset, int first)
{
	hobj_ref_t ref[NDIMS];
	hvl_t list[NDIMS];
	hsize_t n = (hsize_t)(NDIMS - first);
	hid_t type = must(H5Tvlen_create(H5T_STD_REF_OBJ)), space;

	for (int d = first; d < NDIMS; d++) {
		ref[d - first] = reference(file, dim_name[d]);
		list[d - first] = (hvl_t){ .len = 1, .p = &ref[d - first] };
	}
	space = must(H5Screate_simple(1, &n, NULL));
	put_attribute(dataset, "DIMENSION_LIST", type, space, list);
	H5Sclose(space);
	H5Tclose(type);
}

/* Ties scale d back to the variables that use it. */
static void put_reference_list(hid_t file, int d, const struct variable *const *v, size_t nvars)
{
	struct back {
		hobj_ref_t ref;
		int dim;
	} back[NFIELDS];
	hsize_t n = nvars;
	hid_t scale = must(H5Dopen2(file, dim_name[d], H5P_DEFAULT));
	hid_t type = must(H5Tcreate(H5T_COMPOUND, sizeof(struct back))), space;

	memset(back, 0, sizeof(back));
	for (size_t i = 0; i < nvars; i++)
		back[i] = (struct back){ reference(file, v[i]->name), d };
	must(H5Tinsert(type, "dataset", HOFFSET(struct back, ref), H5T_STD_REF_OBJ));
	must(H5Tinsert(type, "dimension", HOFFSET(struct back, dim), H5T_NATIVE_INT));
	space = must(H5Screate_simple(1, &n, NULL));
	put_attribute(scale, "REFERENCE_LIST", type, space, back);
	H5Sclose(space);
	H5Tclose(type);
	H5Dclose(scale);
}

static double coordinate(const struct settings *s, int d, uint64_t k)
{
	if (d == 0)
		return s->hours * (double)k;
	return d == 1 ? latitude(s->shape[1], k) : longitude(s->shape[2], k);
}

/* The coordinate variable of dimension d. Time can grow, so it is chunked. */
static void write_coordinate(hid_t file, const struct settings *s, int d)
{
	static const char *const units[NDIMS] = { "hours since 1979-01-01 00:00:00",
						  "degrees_north", "degrees_east" };
	static const char *const standard[NDIMS] = { "time", "latitude", "longitude" };
	static const char *const axis[NDIMS] = { "T", "Y", "X" };
	hsize_t n = s->shape[d], max = d || s->contiguous ? n : H5S_UNLIMITED, chunk = 4096;
	hid_t p = dataset_properties(), space = must(H5Screate_simple(1, &n, &max)), dataset;
	double *values = allocate(n, sizeof(*values));

	for (uint64_t k = 0; k < n; k++)
		values[k] = coordinate(s, d, k);
	if (max == H5S_UNLIMITED)
		must(H5Pset_chunk(p, 1, &chunk));
	dataset = must(
		H5Dcreate2(file, dim_name[d], H5T_IEEE_F64LE, space, H5P_DEFAULT, p, H5P_DEFAULT));
	must(H5Dwrite(dataset, H5T_NATIVE_DOUBLE, H5S_ALL, H5S_ALL, H5P_DEFAULT, values));
	mark_scale(dataset, d);
	put_text(dataset, "standard_name", standard[d]);
	put_text(dataset, "units", units[d]);
	put_text(dataset, "axis", axis[d]);
	if (d == 0)
		put_text(dataset, "calendar", "standard");
	H5Dclose(dataset);
	free(values);
	H5Sclose(space);
	H5Pclose(p);
}

static void put_cf_attributes(hid_t file, hid_t dataset, const struct settings *s,
			      const struct variable *v)
{
	double fill = v->type[0] == 'i' ? FILL_PACKED : FILL_REAL;
	uint8_t stored[8];

	put_text(dataset, "long_name", v->long_name);
	put_text(dataset, "standard_name", v->standard_name);
	put_text(dataset, "units", v->units);
	if (v->type[0] == 'i') {
		put_number(dataset, "scale_factor", H5T_IEEE_F64LE, &v->scale);
		put_number(dataset, "add_offset", H5T_IEEE_F64LE, &v->offset);
	}
	if (s->missing > 0) {
		memcpy(stored, &fill, sizeof(fill));
		must(H5Tconvert(H5T_NATIVE_DOUBLE, hdf5_type(v), 1, stored, NULL, H5P_DEFAULT));
		put_number(dataset, "_FillValue", hdf5_type(v), stored);
	}
	put_dimension_list(file, dataset, 0);
}

/* Each place is in the county whose seat is nearest, where seats are anywhere. */
static void choose_counties(const struct settings *s, int32_t *county)
{
	const uint64_t *shape = s->shape;

	for (uint64_t p = 0; p < shape[1] * shape[2]; p++) {
		double nearest = INFINITY;

		for (uint32_t k = 0; k < s->ncounties; k++) {
			const double y = uniform((uint32_t)s->seed, 1000 + 2 * k);
			const double x = uniform((uint32_t)s->seed, 1001 + 2 * k);
			const double dy = (double)(p / shape[2]) / (double)shape[1] - y;
			const double dx = fabs((double)(p % shape[2]) / (double)shape[2] - x);
			const double wrapped = 2 * (dx > 0.5 ? 1 - dx : dx);
			const double distance = dy * dy + wrapped * wrapped;

			if (distance < nearest) {
				nearest = distance;
				county[p] = (int32_t)k + 1;
			}
		}
	}
}

static void write_counties(hid_t file, const struct settings *s)
{
	const hsize_t shape[2] = { s->shape[1], s->shape[2] };
	hid_t p = dataset_properties(), space = must(H5Screate_simple(2, shape, NULL)), dataset;
	int32_t *county = allocate(shape[0] * shape[1], sizeof(*county));

	choose_counties(s, county);
	dataset =
		must(H5Dcreate2(file, "county", H5T_STD_I32LE, space, H5P_DEFAULT, p, H5P_DEFAULT));
	must(H5Dwrite(dataset, H5T_NATIVE_INT32, H5S_ALL, H5S_ALL, H5P_DEFAULT, county));
	put_text(dataset, "long_name", "number of the county");
	put_dimension_list(file, dataset, 1);
	H5Dclose(dataset);
	free(county);
	H5Sclose(space);
	H5Pclose(p);
}

static hid_t create_variable(hid_t file, const struct settings *s, const struct variable *v,
			     const uint64_t chunk[NDIMS])
{
	hid_t p = dataset_properties(), space, dataset;
	hsize_t shape[NDIMS], max[NDIMS], hchunk[NDIMS];

	for (int d = 0; d < NDIMS; d++) {
		shape[d] = max[d] = s->shape[d];
		hchunk[d] = chunk[d];
	}
	if (!s->contiguous) {
		max[0] = H5S_UNLIMITED;
		must(H5Pset_chunk(p, NDIMS, hchunk));
	}
	if (!s->contiguous && s->level) {
		must(H5Pset_shuffle(p));
		must(H5Pset_deflate(p, (unsigned)s->level));
	}
	must(H5Pset_fill_time(p, H5D_FILL_TIME_NEVER));
	space = must(H5Screate_simple(NDIMS, shape, max));
	dataset = must(H5Dcreate2(file, v->name, hdf5_type(v), space, H5P_DEFAULT, p, H5P_DEFAULT));
	put_cf_attributes(file, dataset, s, v);
	H5Sclose(space);
	H5Pclose(p);
	return dataset;
}

static void write_variable(hid_t file, const struct settings *s, const struct climate *c,
			   const struct variable *v)
{
	struct writer w = { .settings = s, .climate = c, .variable = v };

	w.elem_size = (size_t)(v->type[1] - '0');
	choose_chunk(s, w.elem_size, w.chunk);
	w.nchunks = 1;
	for (int d = 0; d < NDIMS; d++) {
		w.grid[d] = (s->shape[d] - 1) / w.chunk[d] + 1;
		w.nchunks *= w.grid[d];
	}
	w.chunk_nbytes = w.chunk[0] * w.chunk[1] * w.chunk[2] * w.elem_size;
	w.dataset = create_variable(file, s, v, w.chunk);
	run_writer(&w);
	H5Dclose(w.dataset);
	if (!s->quiet)
		printf("%s: %s %s [%ju,%ju,%ju] in %ju %s of [%ju,%ju,%ju]\n", s->file, v->name,
		       v->type, (uintmax_t)s->shape[0], (uintmax_t)s->shape[1],
		       (uintmax_t)s->shape[2], (uintmax_t)w.nchunks,
		       s->contiguous ? "pieces" : "chunks", (uintmax_t)w.chunk[0],
		       (uintmax_t)w.chunk[1], (uintmax_t)w.chunk[2]);
}

/* Writes everything to a temporary name; the file appears when it is complete. */
static void write_file(const struct settings *s, const struct variable *all)
{
	const struct variable *v[NFIELDS];
	char temporary[4096];
	size_t nvars = 0;
	struct climate c;
	hid_t file;

	if (snprintf(temporary, sizeof(temporary), "%s.part", s->file) >= (int)sizeof(temporary))
		die("the name of the file is too long");
	for (int f = 0; f < NFIELDS; f++)
		if (s->only ? !strcmp(s->only, all[f].name) : s->winds || f < U10)
			v[nvars++] = &all[f];
	if (!nvars)
		die("no variable '%s': t2m, precip, u10 or v10", s->only);
	climate_init(&c, s->shape[1], s->shape[2], s->hours, s->missing, s->seed);
	for (int d = 0; d < NDIMS; d++)
		if (s->contiguous ? s->chunk[d] > 0 : s->chunk[d] > s->shape[d])
			die("--chunk-shape is larger than the data, or goes with --contiguous");
	file = create_file(s, temporary);
	for (int d = 0; d < NDIMS; d++)
		write_coordinate(file, s, d);
	for (size_t i = 0; i < nvars; i++)
		write_variable(file, s, &c, v[i]);
	for (int d = 0; d < NDIMS; d++)
		put_reference_list(file, d, v, nvars);
	if (s->ncounties)
		write_counties(file, s);
	must(H5Fclose(file));
	if (rename(temporary, s->file))
		die("cannot rename %s to %s: %s", temporary, s->file, strerror(errno));
	climate_fini(&c);
}

/*
 * Options
 */

static const char usage[] =
	"Usage: mkclimate [options] FILE\n"
	"Writes synthetic climate data (t2m, precip over time, lat, lon) as NetCDF-4.\n\n"
	"      --time N        times (1460)\n"
	"      --lat N         latitudes (181)\n"
	"      --lon N         longitudes (360)\n"
	"      --hours H       hours between two times (6)\n"
	"      --seed N        another climate (1)\n"
	"      --missing PCT   percent of the grid without values (4); 0: no _FillValue either\n"
	"      --only VAR      write this variable only: t2m, precip, u10 or v10\n"
	"      --winds         u10 and v10 as well\n"
	"      --counties N    county over lat, lon as well: numbers of this many\n"
	"      --dtype TYPE    of t2m: f4, f8, or i2 for packed (f4)\n"
	"      --chunk BYTES   about this much raw data a chunk (1048576)\n"
	"      --chunk-shape T,Y,X  or chunks of this shape\n"
	"      --level N       deflate level, 1 to 12 (1)\n"
	"      --raw           no filters\n"
	"      --contiguous    not chunked, so no filters\n"
	"      --latest        latest file format: other chunk indexes than the v1 B-tree\n"
	"      --threads N     (the processors)\n"
	"  -q, --quiet         no report\n";

/* The number in `text`, within [min, max]. */
static uint64_t number(const char *option, const char *text, uint64_t min, uint64_t max)
{
	char *end;
	unsigned long long v;

	errno = 0;
	v = strtoull(text, &end, 10);
	if (errno || end == text || *end || *text == '-' || v < min || v > max)
		die("--%s wants a number from %ju to %ju, not '%s'", option, (uintmax_t)min,
		    (uintmax_t)max, text);
	return v;
}

static double real(const char *option, const char *text, double min, double max)
{
	char *end;
	double v = strtod(text, &end);

	if (end == text || *end || !(v >= min && v <= max))
		die("--%s wants a number from %g to %g, not '%s'", option, min, max, text);
	return v;
}

static const struct option long_options[] = { { "time", required_argument, NULL, 't' },
					      { "lat", required_argument, NULL, 'y' },
					      { "lon", required_argument, NULL, 'x' },
					      { "hours", required_argument, NULL, 'H' },
					      { "seed", required_argument, NULL, 's' },
					      { "missing", required_argument, NULL, 'm' },
					      { "only", required_argument, NULL, 'o' },
					      { "winds", no_argument, NULL, 'w' },
					      { "counties", required_argument, NULL, 'n' },
					      { "dtype", required_argument, NULL, 'd' },
					      { "chunk", required_argument, NULL, 'c' },
					      { "chunk-shape", required_argument, NULL, 'S' },
					      { "level", required_argument, NULL, 'l' },
					      { "raw", no_argument, NULL, 'r' },
					      { "contiguous", no_argument, NULL, 'C' },
					      { "latest", no_argument, NULL, 'L' },
					      { "threads", required_argument, NULL, 'T' },
					      { "quiet", no_argument, NULL, 'q' },
					      { "help", no_argument, NULL, 'h' },
					      { NULL, 0, NULL, 0 } };

static void set_chunk_shape(uint64_t chunk[NDIMS], char *text)
{
	char *part, *rest = text;

	for (int d = 0; d < NDIMS; d++) {
		part = strsep(&rest, ",");
		chunk[d] = number("chunk-shape", part ? part : "", 1, 100000000);
	}
	if (rest || chunk[1] > 100000 || chunk[2] > 100000 ||
	    chunk[0] > (UINT32_MAX >> 3) / chunk[1] / chunk[2])
		die("--chunk-shape wants three lengths, of less than 4 GiB in all");
}

static void set_dtype(struct variable *v, const char *type)
{
	if (strcmp(type, "f4") && strcmp(type, "f8") && strcmp(type, "i2"))
		die("--dtype wants f4, f8 or i2, not '%s'", type);
	memcpy(v->type, type, sizeof(v->type));
}

/* Sets one option; false for an unknown one. */
static bool set_option(struct settings *s, struct variable *vars, int letter)
{
	switch (letter) {
	case 't':
		s->shape[0] = number("time", optarg, 1, 100000000);
		break;
	case 'y':
		s->shape[1] = number("lat", optarg, 1, 100000);
		break;
	case 'x':
		s->shape[2] = number("lon", optarg, 1, 100000);
		break;
	case 'H':
		s->hours = real("hours", optarg, 0.001, 1e6);
		break;
	case 's':
		s->seed = number("seed", optarg, 0, UINT64_MAX);
		break;
	case 'm':
		s->missing = real("missing", optarg, 0, 100);
		break;
	case 'o':
		s->only = optarg;
		break;
	case 'w':
		s->winds = true;
		break;
	case 'n':
		s->ncounties = number("counties", optarg, 1, 100000);
		break;
	case 'd':
		set_dtype(&vars[T2M], optarg);
		break;
	case 'c':
		s->chunk_nbytes = number("chunk", optarg, 64, 1 << 30);
		break;
	case 'S':
		set_chunk_shape(s->chunk, optarg);
		break;
	case 'l':
		s->level = (int)number("level", optarg, 1, 12);
		break;
	case 'r':
		s->level = 0;
		break;
	case 'C':
		s->contiguous = true;
		s->level = 0;
		break;
	case 'L':
		s->latest = true;
		break;
	case 'T':
		s->nthreads = (int)number("threads", optarg, 1, NTHREADS_MAX);
		break;
	case 'q':
		s->quiet = true;
		break;
	default:
		return false;
	}
	return true;
}

static int online_processors(void)
{
	long n = sysconf(_SC_NPROCESSORS_ONLN);

	return n < 1 ? 1 : n > NTHREADS_MAX ? NTHREADS_MAX : (int)n;
}

int main(int argc, char **argv)
{
	struct variable vars[NFIELDS] = {
		{ "t2m", "2 metre temperature", "air_temperature", "K", T2M, "f4", 0.01, 273.15 },
		{ "precip", "precipitation rate", "lwe_precipitation_rate", "mm day-1", PRECIP,
		  "i2", 0.01, 300 },
		{ "u10", "10 metre eastward wind", "eastward_wind", "m s-1", U10, "f4", 1, 0 },
		{ "v10", "10 metre northward wind", "northward_wind", "m s-1", V10, "f4", 1, 0 },
	};
	struct settings s = { .shape = { 1460, 181, 360 },
			      .seed = 1,
			      .hours = 6,
			      .missing = 4,
			      .chunk_nbytes = 1 << 20,
			      .level = 1,
			      .nthreads = online_processors() };
	int letter;

	while ((letter = getopt_long(argc, argv, "qh", long_options, NULL)) != -1) {
		if (letter == 'h') {
			fputs(usage, stdout);
			return 0;
		}
		if (!set_option(&s, vars, letter)) {
			fputs("Try 'mkclimate --help'.\n", stderr);
			return 2;
		}
	}
	if (optind != argc - 1) {
		fputs(usage, stderr);
		return 2;
	}
	s.file = argv[optind];
	write_file(&s, vars);
	return 0;
}
