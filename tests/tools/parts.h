/*
 * parts.h - for tests: boxes of one imaginary dataset /t of int16 values, time x lat x lon, as files of
 * many kinds.
 */
#ifndef QN_TESTS_PARTS_H
#define QN_TESTS_PARTS_H

#include <hdf5.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct part {
	hsize_t start[3], count[3];
	bool latest;	    /* format of HDF5 1.10 and later */
	bool twice_as_fine; /* packed with half the scale_factor, another offset and fill value */
	bool variable_text; /* attributes of variable length */
	bool scales;	    /* names of dimensions */
	enum { PART_CHUNKED, PART_DEFLATED, PART_CONTIGUOUS, PART_COMPACT } layout;
	hsize_t user_block;
	unsigned nothers;  /* other datasets in the file */
	const char *units; /* NULL: "K" */
	const char *third; /* name of the third dimension; NULL: "lon" */
	const char *times; /* units of its times; NULL: hours since 2001 */
	bool wide;	   /* int32 */
	hsize_t later;	   /* steps of time by which values are later than their coordinates */
};

#define PART_FILL      (-9999)
#define PART_FINE_FILL (-32000)

/* -1000 to 999, or PART_FILL. */
static inline int part_value(hsize_t t, hsize_t y, hsize_t x)
{
	uint64_t h = (t * 7919 + y * 104729 + x * 1299709 + 1) * UINT64_C(0x9e3779b97f4a7c15);

	h ^= h >> 29;
	return h % 17 == 0 ? PART_FILL : (int)(h / 17 % 2000) - 1000;
}

static inline void part_number(hid_t id, const char *name, hid_t type, const void *value)
{
	hid_t space = H5Screate(H5S_SCALAR);
	hid_t attr = H5Acreate2(id, name, type, space, H5P_DEFAULT, H5P_DEFAULT);

	H5Awrite(attr, type, value);
	H5Aclose(attr);
	H5Sclose(space);
}

static inline void part_text(hid_t id, const char *name, const char *text, bool variable)
{
	hid_t type = H5Tcopy(H5T_C_S1);

	H5Tset_size(type, variable ? H5T_VARIABLE : strlen(text) + 1);
	part_number(id, name, type, variable ? (const void *)&text : (const void *)text);
	H5Tclose(type);
}

/* Every six hours, ten and half a degree. */
static inline void part_coordinate(hid_t scale, const struct part *p, int d)
{
	static const double first[3] = { 0, -25, 0 }, step[3] = { 6, 10, 0.5 };
	double *v = calloc((size_t)p->count[d] + 1, sizeof(*v));

	for (hsize_t i = 0; i < p->count[d]; i++)
		v[i] = first[d] + step[d] * (double)(p->start[d] + i);
	if (p->count[d] > 0)
		H5Dwrite(scale, H5T_NATIVE_DOUBLE, H5S_ALL, H5S_ALL, H5P_DEFAULT, v);
	free(v);
	if (d == 0)
		part_text(scale, "units", p->times ? p->times : "hours since 2001-01-01", false);
}

static inline void part_dimensions(hid_t file, hid_t dset, const struct part *p)
{
	const char *names[3] = { "time", "lat", p->third ? p->third : "lon" };
	hid_t type = H5Tvlen_create(H5T_STD_REF_OBJ), space, attr;
	hobj_ref_t ref[3];
	hvl_t list[3];
	hsize_t three = 3;

	for (int d = 0; d < 3; d++) {
		hid_t scale;

		space = H5Screate_simple(1, &p->count[d], NULL);
		scale = H5Dcreate2(file, names[d], H5T_IEEE_F64LE, space, H5P_DEFAULT, H5P_DEFAULT,
				   H5P_DEFAULT);
		part_text(scale, "CLASS", "DIMENSION_SCALE", false);
		part_text(scale, "NAME", names[d], false);
		part_coordinate(scale, p, d);
		H5Dclose(scale);
		H5Sclose(space);
		H5Rcreate(&ref[d], file, names[d], H5R_OBJECT, -1);
		list[d] = (hvl_t){ 1, &ref[d] };
	}
	space = H5Screate_simple(1, &three, NULL);
	attr = H5Acreate2(dset, "DIMENSION_LIST", type, space, H5P_DEFAULT, H5P_DEFAULT);
	H5Awrite(attr, type, list);
	H5Aclose(attr);
	H5Sclose(space);
	H5Tclose(type);
}

static inline void part_attributes(hid_t dset, const struct part *p)
{
	double scale = p->twice_as_fine ? 0.25 : 0.5, offset = p->twice_as_fine ? 5 : 10;
	int16_t fill = p->twice_as_fine ? PART_FINE_FILL : PART_FILL;

	part_text(dset, "units", p->units ? p->units : "K", p->variable_text);
	part_text(dset, "history", "made for a test", p->variable_text);
	part_number(dset, "scale_factor", H5T_NATIVE_DOUBLE, &scale);
	part_number(dset, "add_offset", H5T_NATIVE_DOUBLE, &offset);
	part_number(dset, "_FillValue", H5T_NATIVE_SHORT, &fill);
}

static inline void part_values(hid_t dset, const struct part *p)
{
	size_t n = (size_t)(p->count[0] * p->count[1] * p->count[2]), k = 0;
	int16_t *v = calloc(n + 1, sizeof(*v));

	for (hsize_t t = 0; t < p->count[0]; t++)
		for (hsize_t y = 0; y < p->count[1]; y++)
			for (hsize_t x = 0; x < p->count[2]; x++) {
				int raw = part_value(p->start[0] + p->later + t, p->start[1] + y,
						     p->start[2] + x);

				if (p->twice_as_fine)
					raw = raw == PART_FILL ? PART_FINE_FILL : 2 * raw + 20;
				v[k++] = (int16_t)raw;
			}
	if (n > 0)
		H5Dwrite(dset, H5T_NATIVE_SHORT, H5S_ALL, H5S_ALL, H5P_DEFAULT, v);
	free(v);
}

static inline hid_t part_create(hid_t file, const struct part *p)
{
	const hsize_t chunk[3] = { 4, 3, p->count[2] < 5 ? p->count[2] : 5 };
	const hsize_t most[3] = { H5S_UNLIMITED, p->count[1], p->count[2] };
	bool chunked = p->layout == PART_CHUNKED || p->layout == PART_DEFLATED;
	hid_t space = H5Screate_simple(3, p->count, chunked ? most : NULL), dset;
	hid_t dcpl = H5Pcreate(H5P_DATASET_CREATE);

	if (chunked)
		H5Pset_chunk(dcpl, 3, chunk);
	if (p->layout == PART_DEFLATED)
		H5Pset_deflate(dcpl, 3);
	if (p->layout == PART_COMPACT)
		H5Pset_layout(dcpl, H5D_COMPACT);
	dset = H5Dcreate2(file, "t", p->wide ? H5T_STD_I32LE : H5T_STD_I16LE, space, H5P_DEFAULT,
			  dcpl, H5P_DEFAULT);
	H5Pclose(dcpl);
	H5Sclose(space);
	return dset;
}

static inline bool part_write(const char *path, const struct part *p)
{
	hid_t fapl = H5Pcreate(H5P_FILE_ACCESS), fcpl = H5Pcreate(H5P_FILE_CREATE), file, dset;

	if (p->latest)
		H5Pset_libver_bounds(fapl, H5F_LIBVER_LATEST, H5F_LIBVER_LATEST);
	H5Pset_userblock(fcpl, p->user_block);
	file = H5Fcreate(path, H5F_ACC_TRUNC, fcpl, fapl);
	H5Pclose(fcpl);
	H5Pclose(fapl);
	if (file < 0)
		return false;
	for (unsigned i = 0; i < p->nothers; i++) {
		char name[16];

		snprintf(name, sizeof(name), "other%u", i);
		H5Gclose(H5Gcreate2(file, name, H5P_DEFAULT, H5P_DEFAULT, H5P_DEFAULT));
	}
	dset = part_create(file, p);
	part_attributes(dset, p);
	if (p->scales)
		part_dimensions(file, dset, p);
	part_values(dset, p);
	return H5Dclose(dset) >= 0 && H5Fclose(file) >= 0;
}

#endif
