/*
 * grid - writes files of gridded data, as netCDF has them, for reductions over some dimensions:
 *
 *	grid.h5		time 8, lat 5 (which falls), lon 6, with coordinates, and bounds of the first two:
 *		t	float32 in chunks, of which every value at lat 1, lon 2 is missing, and some others
 *		n	int16, missing where t is always; one value is what netCDF has for none
 *		big	int64, whose sums have more than 64 bits
 *		plain	dimensions without names
 *		twice	(lat, lat)
 *		named	its first dimension has texts for a coordinate, and no numbers
 *	curved.h5	time 4, y 2, x 3, with coordinates of two dimensions:
 *		v	float32, means of times in two years; its coordinates yc (y, x), of which one is missing, xc
 *			(y, x) and the scalar height
 *		mask	(y, x) numbers that stand for words
 *		odd	its dimensions have labels: a/b and a b
 *	july.h5		years/a and year/b, with times from July of 2001, of two years and of one
 *	turned.h5	those dimensions, and t as turned (lon, lat, time) in other chunks, and half of it as short
 *	moved.h5	the same, with another lat
 *	torn.h5		the same as turned.h5, whose chunk (1, 1, 0) of turned is damaged
 *	swapped.h5	v, virtual, of two halves of one chunk of x, each where the other is; plain has the same values in
 *			chunks of its own
 *	part_0, part_1	x of two times in three columns each; the times of the second are integers in units of their
 *			own
 */
#include <hdf5.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "put.h"

#define NTIME 8
#define NLAT  5
#define NLON  6

/* "units=K|long_name=a name". */
static void put_texts(hid_t object, const char *texts)
{
	char *copy = strdup(texts), *rest = copy, *one;

	while ((one = strsep(&rest, "|"))) {
		char *value = strchr(one, '=');

		*value++ = '\0';
		put_text(object, one, value);
	}
	free(copy);
}

static void attach(hid_t file, hid_t dset, const char *const *scale, int ndim)
{
	hid_t type = H5Tvlen_create(H5T_STD_REF_OBJ), space, attr;
	hsize_t n = (hsize_t)ndim;
	hobj_ref_t ref[3];
	hvl_t list[3];

	for (int i = 0; i < ndim; i++) {
		must(H5Rcreate(&ref[i], file, scale[i], H5R_OBJECT, -1) >= 0, scale[i]);
		list[i] = (hvl_t){ 1, &ref[i] };
	}
	space = H5Screate_simple(1, &n, NULL);
	attr = H5Acreate2(dset, "DIMENSION_LIST", type, space, H5P_DEFAULT, H5P_DEFAULT);
	must(attr >= 0 && H5Awrite(attr, type, list) >= 0, "DIMENSION_LIST");
	H5Aclose(attr);
	H5Sclose(space);
	H5Tclose(type);
}

struct variable {
	const char *path;
	hid_t type;
	int ndim;
	hsize_t shape[3], chunk[3]; /* chunk[0] 0: contiguous */
	const char *scale[3];	    /* NULL: none, or it is one */
	const char *texts;
	double fill; /* _FillValue; 0: none */
};

/* Open. */
static hid_t put(hid_t file, const struct variable *v, const double *values)
{
	hid_t props = H5Pcreate(H5P_DATASET_CREATE), dset;
	hid_t space = v->ndim ? H5Screate_simple(v->ndim, v->shape, NULL) : H5Screate(H5S_SCALAR);

	if (v->chunk[0]) {
		H5Pset_chunk(props, v->ndim, v->chunk);
		H5Pset_shuffle(props);
		H5Pset_deflate(props, 1);
	}
	dset = H5Dcreate2(file, v->path, v->type, space, H5P_DEFAULT, props, H5P_DEFAULT);
	must(dset >= 0 &&
		     H5Dwrite(dset, H5T_NATIVE_DOUBLE, H5S_ALL, H5S_ALL, H5P_DEFAULT, values) >= 0,
	     v->path);
	if (v->scale[0])
		attach(file, dset, v->scale, v->ndim);
	if (v->texts)
		put_texts(dset, v->texts);
	if (v->fill != 0)
		put_value(dset, "_FillValue", v->type, H5T_NATIVE_DOUBLE, &v->fill);
	H5Sclose(space);
	H5Pclose(props);
	return dset;
}

static void put_variable(hid_t file, struct variable v, const double *values)
{
	H5Dclose(put(file, &v, values));
}

/* A coordinate of n values. */
static void put_scale(hid_t file, const char *path, hid_t type, hsize_t n, const double *values,
		      const char *texts)
{
	struct variable v = {
		.path = path, .type = type, .ndim = 1, .shape = { n }, .texts = texts
	};
	hid_t dset = put(file, &v, values);

	put_text(dset, "CLASS", "DIMENSION_SCALE");
	put_text(dset, "NAME", path);
	H5Dclose(dset);
}

static void put_coordinates(hid_t file, double middle)
{
	const double lat[NLAT] = { 80, 40, middle, -40, -80 };
	double time[NTIME], time_bnds[2 * NTIME], lat_bnds[2 * NLAT], lon[NLON];

	for (int i = 0; i < NTIME; i++) {
		time[i] = 6 * i;
		time_bnds[2 * i] = time[i] - 3;
		time_bnds[2 * i + 1] = time[i] + 3;
	}
	for (int i = 0; i < 2 * NLAT; i++)
		lat_bnds[i] = lat[i / 2] + (i % 2 ? -10 : 10);
	for (int i = 0; i < NLON; i++)
		lon[i] = 60 * i;
	put_scale(file, "time", H5T_IEEE_F64LE, NTIME, time,
		  "units=hours since 2001-01-01|calendar=noleap|standard_name=time|axis=T|"
		  "bounds=time_bnds");
	put_scale(file, "lat", H5T_IEEE_F32LE, NLAT, lat,
		  "units=degrees_north|standard_name=latitude|bounds=lat_bnds|comment=of the cell");
	put_scale(file, "lon", H5T_STD_I32BE, NLON, lon, "units=degrees_east");
	put_variable(file,
		     (struct variable){ .path = "time_bnds",
					.type = H5T_IEEE_F64LE,
					.ndim = 2,
					.shape = { NTIME, 2 },
					.chunk = { 3, 2 } },
		     time_bnds);
	put_variable(file,
		     (struct variable){ .path = "lat_bnds",
					.type = H5T_IEEE_F32LE,
					.ndim = 2,
					.shape = { NLAT, 2 } },
		     lat_bnds);
}

static bool is_missing(int i, int j, int k)
{
	return (j == 1 && k == 2) || (i * 7 + j * 3 + k) % 11 == 0;
}

static double t_of(int i, int j, int k)
{
	return is_missing(i, j, k) ? -999
				   : 250 + 0.37 * i * j - 3.1 * k + (i * 31 + j * 17 + k * 13) % 19;
}

static void write_turned(const char *name, double middle)
{
	static double t[NLON][NLAT][NTIME], half[NLON][NLAT][NTIME / 2];
	struct variable v = { .path = "turned",
			      .type = H5T_IEEE_F32BE,
			      .ndim = 3,
			      .shape = { NLON, NLAT, NTIME },
			      .chunk = { 4, 2, 3 },
			      .scale = { "lon", "lat", "time" },
			      .fill = -999 };
	hid_t file = create(name);

	put_coordinates(file, middle);
	for (int i = 0; i < NTIME; i++)
		for (int j = 0; j < NLAT; j++)
			for (int k = 0; k < NLON; k++) {
				t[k][j][i] = t_of(i, j, k);
				half[k][j][i / 2] = t_of(i, j, k);
			}
	put_variable(file, v, &t[0][0][0]);
	v.path = "short";
	v.shape[2] = NTIME / 2;
	put_variable(file, v, &half[0][0][0]);
	H5Fclose(file);
}

/* The second one of the chunks along lon and lat. */
static void tear(const char *name)
{
	static const hsize_t offset[] = { 4, 2, 0 };
	static const char bytes[8] = { 0x55, 0x55, 0x55, 0x55, 0x55, 0x55, 0x55, 0x55 };
	hid_t file = H5Fopen(name, H5F_ACC_RDONLY, H5P_DEFAULT);
	hid_t dset = H5Dopen2(file, "turned", H5P_DEFAULT);
	haddr_t addr;
	hsize_t nbytes;
	unsigned mask;
	FILE *f;

	must(H5Dget_chunk_info_by_coord(dset, offset, &mask, &addr, &nbytes) >= 0, name);
	H5Dclose(dset);
	H5Fclose(file);
	f = fopen(name, "r+");
	must(f && !fseek(f, (long)addr, SEEK_SET) && fwrite(bytes, sizeof(bytes), 1, f) == 1 &&
		     !fclose(f),
	     name);
}

static void put_variables(hid_t file)
{
	static double t[NTIME][NLAT][NLON], n[NTIME][NLAT][NLON], big[NTIME][NLAT][NLON];
	struct variable v = { .path = "t",
			      .type = H5T_IEEE_F32LE,
			      .ndim = 3,
			      .shape = { NTIME, NLAT, NLON },
			      .chunk = { 2, 3, 6 },
			      .scale = { "time", "lat", "lon" },
			      .texts = "units=K|standard_name=air_temperature|long_name=air|"
				       "cell_methods=area: mean",
			      .fill = -999 };

	for (int i = 0; i < NTIME; i++)
		for (int j = 0; j < NLAT; j++)
			for (int k = 0; k < NLON; k++) {
				t[i][j][k] = t_of(i, j, k);
				n[i][j][k] = j == 1 && k == 2 ? -1 : 100 * i - 10 * j + k;
				big[i][j][k] = 0x1p62;
			}
	n[0][0][0] = -32767;
	put_variable(file, v, &t[0][0][0]);
	v.path = "n";
	v.type = H5T_STD_I16LE;
	v.chunk[0] = 0;
	v.texts = "units=1";
	v.fill = -1;
	put_variable(file, v, &n[0][0][0]);
	v.path = "big";
	v.type = H5T_STD_I64LE;
	v.fill = 0;
	put_variable(file, v, &big[0][0][0]);
	v.path = "plain";
	v.scale[0] = NULL;
	put_variable(file, v, &n[0][0][0]);
	v.path = "twice";
	v.ndim = 2;
	v.shape[0] = v.shape[1] = NLAT;
	v.scale[0] = v.scale[1] = "lat";
	put_variable(file, v, &n[0][0][0]);
}

static void put_named(hid_t file)
{
	static const double values[6] = { 1, 2, 3, 4, 5, 6 };
	static const char texts[2][4] = { "abc", "d f" };
	const hsize_t n = 2;
	hid_t type = H5Tcopy(H5T_C_S1), space = H5Screate_simple(1, &n, NULL), dset;

	H5Tset_size(type, sizeof(*texts));
	dset = H5Dcreate2(file, "station", type, space, H5P_DEFAULT, H5P_DEFAULT, H5P_DEFAULT);
	must(dset >= 0 && H5Dwrite(dset, type, H5S_ALL, H5S_ALL, H5P_DEFAULT, texts) >= 0,
	     "station");
	put_text(dset, "CLASS", "DIMENSION_SCALE");
	H5Dclose(dset);
	H5Sclose(space);
	H5Tclose(type);
	put_scale(file, "z", H5T_IEEE_F64LE, 3, values, "positive=down");
	put_variable(file,
		     (struct variable){ .path = "named",
					.type = H5T_IEEE_F64LE,
					.ndim = 2,
					.shape = { 2, 3 },
					.scale = { "station", "z" } },
		     values);
}

/* Names of dimensions that are no datasets. */
static void put_labels(hid_t dset, const char *const *label, hsize_t n)
{
	hid_t type = H5Tcopy(H5T_C_S1), space = H5Screate_simple(1, &n, NULL), attr;

	H5Tset_size(type, H5T_VARIABLE);
	attr = H5Acreate2(dset, "DIMENSION_LABELS", type, space, H5P_DEFAULT, H5P_DEFAULT);
	must(attr >= 0 && H5Awrite(attr, type, label) >= 0, "DIMENSION_LABELS");
	H5Aclose(attr);
	H5Sclose(space);
	H5Tclose(type);
}

/* 1 is land and 2 is sea; there is a 3 too. */
static void put_mask(hid_t file)
{
	static const double values[6] = { 1, 2, 1, 2, 2, 3 };
	static const int flags[2] = { 1, 2 };
	const struct variable v = { .path = "mask",
				    .type = H5T_STD_I8LE,
				    .ndim = 2,
				    .shape = { 2, 3 },
				    .scale = { "y", "x" },
				    .texts = "flag_meanings=land sea" };
	const hsize_t n = 2;
	hid_t dset = put(file, &v, values), space = H5Screate_simple(1, &n, NULL);
	hid_t attr = H5Acreate2(dset, "flag_values", H5T_STD_I8LE, space, H5P_DEFAULT, H5P_DEFAULT);

	must(attr >= 0 && H5Awrite(attr, H5T_NATIVE_INT, flags) >= 0, "flag_values");
	H5Aclose(attr);
	H5Sclose(space);
	H5Dclose(dset);
}

static void write_curved(void)
{
	static const char *const label[2] = { "a/b", "a b" };
	static const double time[4] = { 31, 59.5, 396, 425 }, values[24] = { 1, 2, 3, 4, 5, 6, 7 },
			    yc[6] = { 50, 51, 52, -999, 61, 62 }, xc[6] = { 0, 10, 20, 1, 11, 21 };
	const double height = 2;
	const struct variable odd = {
		.path = "odd", .type = H5T_IEEE_F32LE, .ndim = 2, .shape = { 2, 3 }
	};
	struct variable v = { .path = "yc",
			      .type = H5T_IEEE_F32LE,
			      .ndim = 2,
			      .shape = { 2, 3 },
			      .scale = { "y", "x" },
			      .texts = "units=degrees_north|standard_name=latitude",
			      .fill = -999 };
	hid_t file = create("curved.h5"), dset;

	put_scale(file, "time", H5T_IEEE_F64LE, 4, time, "units=days since 2001-01-01");
	put_scale(file, "y", H5T_STD_I32LE, 2, values, "units=1");
	put_scale(file, "x", H5T_STD_I32LE, 3, values, "units=1");
	put_variable(file, v, yc);
	v.path = "xc";
	v.type = H5T_IEEE_F64LE;
	v.fill = 0;
	v.texts = "units=degrees_east|bounds=xc_vertices";
	put_variable(file, v, xc);
	put_variable(
		file,
		(struct variable){ .path = "height", .type = H5T_IEEE_F64LE, .texts = "units=m" },
		&height);
	put_variable(
		file,
		(struct variable){
			.path = "v",
			.type = H5T_IEEE_F32LE,
			.ndim = 3,
			.shape = { 4, 2, 3 },
			.scale = { "time", "y", "x" },
			.texts =
				"units=K|coordinates=yc xc height nowhere|cell_methods=time: mean" },
		values);
	put_mask(file);
	dset = put(file, &odd, values);
	put_labels(dset, label, 2);
	H5Dclose(dset);
	must(H5Fclose(file) >= 0, "curved.h5");
}

static void put_series(hid_t file, const char *group, const char *times, const char *path,
		       hsize_t n, const double *time)
{
	H5Gclose(H5Gcreate2(file, group, H5P_DEFAULT, H5P_DEFAULT, H5P_DEFAULT));
	put_scale(file, times, H5T_IEEE_F64LE, n, time, "units=days since 2001-01-01");
	put_variable(file,
		     (struct variable){ .path = path,
					.type = H5T_IEEE_F32LE,
					.ndim = 1,
					.shape = { n },
					.scale = { times } },
		     time);
}

static void write_july(void)
{
	static const double years[4] = { 195, 379, 560, 744 }, year[3] = { 195, 226, 379 };
	hid_t file = create("july.h5");

	put_series(file, "years", "years/time", "years/a", 4, years);
	put_series(file, "year", "year/time", "year/b", 3, year);
	must(H5Fclose(file) >= 0, "july.h5");
}

/* A coordinate of three values, which has bounds or (NULL) none, and a variable along it and k. */
static void put_cells(hid_t file, const char *name, const double *values, const double *bounds)
{
	static const double data[6] = { 1, 2, 3, 4, 5, 6 };
	char bnds[32], texts[96], v[32];

	snprintf(bnds, sizeof(bnds), "%s_bnds", name);
	snprintf(texts, sizeof(texts), "units=1%s%s", bounds ? "|bounds=" : "", bounds ? bnds : "");
	snprintf(v, sizeof(v), "v_%s", name);
	put_scale(file, name, H5T_IEEE_F64LE, 3, values, texts);
	if (bounds)
		put_variable(file,
			     (struct variable){ .path = bnds,
						.type = H5T_IEEE_F64LE,
						.ndim = 2,
						.shape = { 3, 2 } },
			     bounds);
	put_variable(file,
		     (struct variable){ .path = v,
					.type = H5T_IEEE_F64LE,
					.ndim = 2,
					.shape = { 2, 3 },
					.scale = { "k", name } },
		     data);
}

static void write_cells(void)
{
	static const double falls[3] = { 50, 0, -50 },
			    falls_bnds[6] = { 25, 75, -25, 25, -75, -25 }, gaps[3] = { 0, 10, 20 },
			    gaps_bnds[6] = { -1, 1, 9, 11, 19, 21 }, turned[3] = { 240, 0, 120 };
	hid_t file = create("cells.h5");

	put_scale(file, "k", H5T_IEEE_F64LE, 2, falls, "units=1");
	put_cells(file, "falls", falls, falls_bnds);
	put_cells(file, "gaps", gaps, gaps_bnds);
	put_cells(file, "turned", turned, NULL);
	must(H5Fclose(file) >= 0, "cells.h5");
}

/* Row i of v is row i ^ 4 of x. */
static void map_halves(hid_t file)
{
	const hsize_t shape[2] = { 8, 6 }, half[2] = { 4, 6 };
	hid_t props = H5Pcreate(H5P_DATASET_CREATE), dset;
	hid_t to = H5Screate_simple(2, shape, NULL), from = H5Scopy(to);

	for (hsize_t i = 0; i < 8; i += 4) {
		const hsize_t there[2] = { i, 0 }, here[2] = { i ^ 4, 0 };

		must(H5Sselect_hyperslab(to, H5S_SELECT_SET, there, NULL, half, NULL) >= 0 &&
			     H5Sselect_hyperslab(from, H5S_SELECT_SET, here, NULL, half, NULL) >=
				     0 &&
			     H5Pset_virtual(props, to, ".", "/x", from) >= 0,
		     "a mapping");
	}
	H5Sselect_all(to);
	dset = H5Dcreate2(file, "v", H5T_IEEE_F32LE, to, H5P_DEFAULT, props, H5P_DEFAULT);
	must(dset >= 0, "v");
	H5Dclose(dset);
	H5Sclose(from);
	H5Sclose(to);
	H5Pclose(props);
}

static void write_swapped(void)
{
	struct variable v = {
		.path = "x", .type = H5T_IEEE_F32LE, .ndim = 2, .shape = { 8, 6 }, .chunk = { 8, 6 }
	};
	double x[48], swapped[48];
	hid_t file = create("swapped.h5");

	for (int i = 0; i < 48; i++) {
		x[i] = i * i;
		swapped[i < 24 ? i + 24 : i - 24] = x[i];
	}
	put_variable(file, v, x);
	v.path = "plain";
	v.chunk[0] = 2;
	v.chunk[1] = 3;
	put_variable(file, v, swapped);
	map_halves(file);
	must(H5Fclose(file) >= 0, "swapped.h5");
}

static void write_part(const char *name, hid_t type, const char *units, double t, double step,
		       double first)
{
	const double time[2] = { t, t + step };
	double x[6];
	hid_t file = create(name);

	for (int i = 0; i < 6; i++)
		x[i] = first + i;
	put_scale(file, "time", type, 2, time, units);
	put_scale(file, "y", H5T_IEEE_F64LE, 3, x, "units=m");
	put_variable(file,
		     (struct variable){ .path = "x",
					.type = H5T_IEEE_F32LE,
					.ndim = 2,
					.shape = { 2, 3 },
					.scale = { "time", "y" } },
		     x);
	H5Fclose(file);
}

int main(void)
{
	hid_t file = create("grid.h5");

	put_coordinates(file, 0.1);
	put_variables(file);
	put_named(file);
	must(H5Fclose(file) >= 0, "grid.h5");
	write_curved();
	write_cells();
	write_july();
	write_turned("turned.h5", 0.1);
	write_turned("moved.h5", 0.2);
	write_turned("torn.h5", 0.1);
	tear("torn.h5");
	write_swapped();
	write_part("part_0.h5", H5T_IEEE_F64LE, "units=days since 2001-01-01", 0, 0.5, 0);
	write_part("part_1.h5", H5T_STD_I32LE, "units=hours since 2001-01-02 06:00:00", 0, 6, 6);
	return 0;
}
