/*
 * links - makes files that are full of links, here and in ./run, for tests of the command.
 *
 *	links detector	run/data_1.h5 and, behind 512 bytes of user block, run/data_2.h5: entry/data/data, 4 x
 *			8 x 9 numbers of which number i is i, and i + 1000, in filtered chunks, with the
 *			coordinate entry/data/y; run/master.h5: external links to these, to a file that is
 *			gone, to a pipe, to a group, by a chain, and in a circle; soft links, and second
 *			names
 *	links damaged	damaged.h5: good/x, and a group bad with y in it whose header is damaged; joined.h5:
 *			x is mapped to both
 *	links deep	deep.h5: 3000 groups in each other, with x in the last
 *	links wide	wide.h5: 3000 datasets in a group
 *	links cf	cf1.nc: t2m and what belongs to it by the conventions of netCDF; cf2.nc: two of
 *			them, and a group
 */
#include <fcntl.h>
#include <hdf5.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "io/hdf5_library/relax.h"

static hid_t must(hid_t id)
{
	if (id < 0)
		exit(1);
	return id;
}

static hid_t create(const char *name, hsize_t user_block)
{
	hid_t fapl = must(H5Pcreate(H5P_FILE_ACCESS)), fcpl = must(H5Pcreate(H5P_FILE_CREATE)),
	      file;

	qn_h5_relax(fapl);
	must(H5Pset_libver_bounds(fapl, H5F_LIBVER_LATEST, H5F_LIBVER_LATEST));
	must(H5Pset_userblock(fcpl, user_block));
	file = must(H5Fcreate(name, H5F_ACC_TRUNC, fcpl, fapl));
	H5Pclose(fcpl);
	H5Pclose(fapl);
	return file;
}

static hid_t group(hid_t where, const char *name)
{
	return must(H5Gcreate2(where, name, H5P_DEFAULT, H5P_DEFAULT, H5P_DEFAULT));
}

/* Numbers first, first + 1, ... of ndim dimensions; chunked and filtered with several. */
static hid_t numbers(hid_t where, const char *name, int ndim, const hsize_t *shape, int first)
{
	hid_t space = must(ndim ? H5Screate_simple(ndim, shape, NULL) : H5Screate(H5S_SCALAR)),
	      dset;
	hid_t dcpl = must(H5Pcreate(H5P_DATASET_CREATE));
	size_t n = (size_t)H5Sget_simple_extent_npoints(space);
	hsize_t chunk[H5S_MAX_RANK] = { 1 };
	int *v = malloc(n * sizeof(*v));

	if (!v)
		exit(1);
	for (size_t i = 0; i < n; i++)
		v[i] = first + (int)i;
	for (int i = 1; i < ndim; i++)
		chunk[i] = shape[i];
	if (ndim > 1) {
		must(H5Pset_chunk(dcpl, ndim, chunk));
		must(H5Pset_shuffle(dcpl));
		must(H5Pset_deflate(dcpl, 1));
	}
	dset = must(H5Dcreate2(where, name, H5T_STD_I32LE, space, H5P_DEFAULT, dcpl, H5P_DEFAULT));
	must(H5Dwrite(dset, H5T_NATIVE_INT, H5S_ALL, H5S_ALL, H5P_DEFAULT, v));
	free(v);
	H5Pclose(dcpl);
	H5Sclose(space);
	return dset;
}

static void text(hid_t object, const char *name, const char *value)
{
	hid_t type = must(H5Tcopy(H5T_C_S1)), space = must(H5Screate(H5S_SCALAR)), attr;

	must(H5Tset_size(type, strlen(value) + 1));
	attr = must(H5Acreate2(object, name, type, space, H5P_DEFAULT, H5P_DEFAULT));
	must(H5Awrite(attr, type, value));
	H5Aclose(attr);
	H5Sclose(space);
	H5Tclose(type);
}

static void make_scale(hid_t dset, const char *name)
{
	text(dset, "CLASS", "DIMENSION_SCALE");
	text(dset, "NAME", name);
}

/* Gives the dimensions of a dataset their scales, which have paths in the file; NULL: none. */
static void attach(hid_t file, hid_t dset, hsize_t ndim, const char *const *path)
{
	hid_t type = must(H5Tvlen_create(H5T_STD_REF_OBJ)), space, attr;
	hobj_ref_t ref[8];
	hvl_t list[8] = { { 0, NULL } };

	for (hsize_t i = 0; i < ndim; i++) {
		if (!path[i])
			continue;
		must(H5Rcreate(&ref[i], file, path[i], H5R_OBJECT, -1));
		list[i].len = 1;
		list[i].p = &ref[i];
	}
	space = must(H5Screate_simple(1, &ndim, NULL));
	attr = must(H5Acreate2(dset, "DIMENSION_LIST", type, space, H5P_DEFAULT, H5P_DEFAULT));
	must(H5Awrite(attr, type, list));
	H5Aclose(attr);
	H5Sclose(space);
	H5Tclose(type);
}

/* --- a detector's files --- */

static void make_data(const char *name, hsize_t user_block, int first)
{
	const hsize_t shape[] = { 4, 8, 9 };
	hid_t file = create(name, user_block), entry = group(file, "entry"),
	      data = group(entry, "data");
	hid_t dset = numbers(data, "data", 3, shape, first),
	      y = numbers(data, "y", 1, shape + 1, 10);

	make_scale(y, "y");
	attach(file, dset, 3, (const char *const[]){ NULL, "/entry/data/y", NULL });
	H5Dclose(y);
	H5Dclose(dset);
	H5Gclose(data);
	H5Gclose(entry);
	must(H5Fclose(file));
}

static void link_out(hid_t where, const char *name, const char *file, const char *path)
{
	must(H5Lcreate_external(file, path, where, name, H5P_DEFAULT, H5P_DEFAULT));
}

static void make_detector(void)
{
	const hsize_t n = 3;
	hid_t file, data;

	must(mkdir("run", 0777));
	must(mkfifo("run/pipe", 0666));
	make_data("run/data_1.h5", 0, 0);
	make_data("run/data_2.h5", 512, 1000);
	file = create("run/chain.h5", 0);
	link_out(file, "on", "data_1.h5", "entry/data/data");
	link_out(file, "back", "master.h5", "/circle");
	must(H5Fclose(file));
	file = create("run/master.h5", 0);
	data = group(file, "data");
	link_out(data, "1", "data_1.h5", "/entry/data/data");
	link_out(data, "2", "data_2.h5", "/entry/data/data");
	link_out(data, "11", "data_11.h5", "/entry/data/data");
	link_out(data, "no", "data_1.h5", "/entry/data/nothing");
	link_out(file, "pipe", "pipe", "/x");
	link_out(file, "entry", "data_1.h5", "/entry");
	link_out(file, "chain", "chain.h5", "/on");
	link_out(file, "circle", "chain.h5", "/back");
	must(H5Lcreate_soft("/data/2", file, "soft", H5P_DEFAULT, H5P_DEFAULT));
	must(H5Lcreate_soft("/nowhere", file, "dangling", H5P_DEFAULT, H5P_DEFAULT));
	H5Dclose(numbers(file, "mask", 1, &n, 5));
	must(H5Lcreate_hard(file, "mask", data, "mask2", H5P_DEFAULT, H5P_DEFAULT));
	H5Gclose(data);
	must(H5Fclose(file));
}

/* --- a group that cannot be read --- */

static haddr_t place_of(hid_t file, const char *name)
{
	haddr_t addr = HADDR_UNDEF;
#if H5_VERSION_GE(1, 12, 0)
	H5O_info2_t info;

	must(H5Oget_info_by_name3(file, name, &info, H5O_INFO_BASIC, H5P_DEFAULT));
	must(H5VLnative_token_to_addr(file, info.token, &addr));
#else
	H5O_info_t info;

	must(H5Oget_info_by_name2(file, name, &info, H5O_INFO_BASIC, H5P_DEFAULT));
	addr = info.addr;
#endif
	return addr;
}

static void make_joined(void)
{
	const hsize_t n = 3, both = 6;
	const char *const source[] = { "good/x", "bad/y" };
	hid_t file = create("joined.h5", 0), dcpl = must(H5Pcreate(H5P_DATASET_CREATE));
	hid_t space = must(H5Screate_simple(1, &both, NULL)),
	      from = must(H5Screate_simple(1, &n, NULL));

	for (hsize_t i = 0; i < 2; i++) {
		hsize_t start = i * n;

		must(H5Sselect_hyperslab(space, H5S_SELECT_SET, &start, NULL, &n, NULL));
		must(H5Pset_virtual(dcpl, space, "damaged.h5", source[i], from));
	}
	must(H5Sselect_all(space));
	must(H5Dclose(
		must(H5Dcreate2(file, "x", H5T_STD_I32LE, space, H5P_DEFAULT, dcpl, H5P_DEFAULT))));
	H5Sclose(from);
	H5Sclose(space);
	H5Pclose(dcpl);
	must(H5Fclose(file));
}

static void make_damaged(void)
{
	const hsize_t n = 3;
	hid_t file = create("damaged.h5", 0), good = group(file, "good"), bad = group(file, "bad");
	haddr_t addr;
	char byte = 'X';
	int fd;

	H5Dclose(numbers(good, "x", 1, &n, 1));
	H5Dclose(numbers(bad, "y", 1, &n, 1));
	addr = place_of(file, "bad");
	H5Gclose(good);
	H5Gclose(bad);
	must(H5Fclose(file));
	fd = open("damaged.h5", O_WRONLY);
	if (fd < 0 || pwrite(fd, &byte, 1, (off_t)addr + 8) != 1 || close(fd))
		exit(1);
	make_joined();
}

/* --- many --- */

static void make_deep(void)
{
	const hsize_t n = 4;
	hid_t file = create("deep.h5", 0), inner = file;

	for (int i = 0; i < 3000; i++) {
		hid_t next = group(inner, "g");

		if (inner != file)
			H5Gclose(inner);
		inner = next;
	}
	H5Dclose(numbers(inner, "x", 1, &n, 1));
	H5Gclose(inner);
	must(H5Fclose(file));
}

static void make_wide(void)
{
	const hsize_t n = 2;
	hid_t file = create("wide.h5", 0);
	char name[16];

	for (int i = 0; i < 3000; i++) {
		snprintf(name, sizeof(name), "d%04d", i);
		H5Dclose(numbers(file, name, 1, &n, i));
	}
	must(H5Fclose(file));
}

/* --- conventions --- */

/* A variable on dimensions that are called so, with the attributes that name what belongs to it. */
static void variable(hid_t file, const char *name, int ndim, const hsize_t *shape,
		     const char *const *dim)
{
	hid_t dset = numbers(file, name, ndim, shape, 1);

	attach(file, dset, (hsize_t)ndim, dim);
	H5Dclose(dset);
}

static void scale(hid_t file, const char *name, hsize_t n, const char *bounds)
{
	hid_t dset = numbers(file, name, 1, &n, 1);

	make_scale(dset,
		   bounds ? name : "This is a netCDF dimension but not a netCDF variable.    2");
	if (bounds && *bounds)
		text(dset, "bounds", bounds);
	H5Dclose(dset);
}

static void make_climate(const char *name, int more)
{
	static const char *const dims[] = { "time", "lat", "nv" };
	const hsize_t shape[] = { 3, 4 }, bounds[] = { 3, 2 };
	hid_t file = create(name, 0), dset;

	scale(file, "time", 3, "time_bnds");
	scale(file, "lat", 4, "");
	scale(file, "nv", 2, NULL);
	variable(file, "time_bnds", 2, bounds, (const char *const[]){ "time", "nv" });
	H5Dclose(numbers(file, "crs", 0, NULL, 7));
	H5Dclose(numbers(file, "height", 0, NULL, 2));
	variable(file, "t2m", 2, shape, dims);
	dset = must(H5Dopen2(file, "t2m", H5P_DEFAULT));
	text(dset, "coordinates", "height");
	text(dset, "grid_mapping", "crs");
	H5Dclose(dset);
	if (more) {
		hid_t inner = group(file, "ocean");

		variable(file, "u 10", 2, shape, dims);
		variable(file, "ocean/sst", 2, shape, dims);
		variable(file, "ocean/lat", 1, shape + 1, dims + 1);
		H5Gclose(inner);
	}
	must(H5Fclose(file));
}

int main(int argc, char **argv)
{
	const char *what = argc == 2 ? argv[1] : "";

	if (!strcmp(what, "detector"))
		make_detector();
	else if (!strcmp(what, "damaged"))
		make_damaged();
	else if (!strcmp(what, "deep"))
		make_deep();
	else if (!strcmp(what, "wide"))
		make_wide();
	else if (!strcmp(what, "cf"))
		make_climate("cf1.nc", 0), make_climate("cf2.nc", 1);
	else
		return 2;
	return 0;
}
