/*
 * names - writes files whose names, units and text give orders to a terminal, and some that are only wide.
 *
 *	names DIR
 *
 * DIR/names.h5: names of datasets, groups, dimensions and members, units, strings, sources of a virtual
 * dataset; /bad has a chunk that cannot be decoded. DIR/wide.h5: names in letters of two columns, and of
 * none. DIR/long.h5: a dataset whose name takes more than a message has.
 */
#include <hdf5.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "io/hdf5_library/relax.h"

#define EVIL "\033]0;pwned\a\033[31mRED\nLINE2\r"
#define C1   "\302\23331m\342\200\256gpj\342\201\251"

static hid_t must(hid_t id)
{
	if (id < 0) {
		H5Eprint2(H5E_DEFAULT, stderr);
		exit(1);
	}
	return id;
}

static hid_t create_file(const char *name)
{
	hid_t access = must(H5Pcreate(H5P_FILE_ACCESS)), file;

	qn_h5_relax(access);
	file = must(H5Fcreate(name, H5F_ACC_TRUNC, H5P_DEFAULT, access));
	H5Pclose(access);
	return file;
}

static void set_text(hid_t object, const char *name, const char *value)
{
	hid_t type = must(H5Tcopy(H5T_C_S1)), space = must(H5Screate(H5S_SCALAR)), attribute;

	must(H5Tset_size(type, strlen(value)));
	attribute = must(H5Acreate2(object, name, type, space, H5P_DEFAULT, H5P_DEFAULT));
	must(H5Awrite(attribute, type, value));
	H5Aclose(attribute);
	H5Sclose(space);
	H5Tclose(type);
}

/* 20 x 10 doubles in chunks of 5 x 10, deflated. */
static hid_t make_matrix(hid_t at, const char *name)
{
	const hsize_t shape[] = { 20, 10 }, chunk[] = { 5, 10 };
	hid_t space = must(H5Screate_simple(2, shape, NULL)),
	      list = must(H5Pcreate(H5P_DATASET_CREATE));
	double v[200];
	hid_t d;

	for (int i = 0; i < 200; i++)
		v[i] = i;
	must(H5Pset_chunk(list, 2, chunk));
	must(H5Pset_deflate(list, 1));
	d = must(H5Dcreate2(at, name, H5T_NATIVE_DOUBLE, space, H5P_DEFAULT, list, H5P_DEFAULT));
	must(H5Dwrite(d, H5T_NATIVE_DOUBLE, H5S_ALL, H5S_ALL, H5P_DEFAULT, v));
	H5Pclose(list);
	H5Sclose(space);
	return d;
}

/* What H5DSattach_scale writes, as far as it is read. */
static void attach(hid_t file, hid_t d, const char *scale)
{
	const hsize_t ndims = 2;
	hid_t type = must(H5Tvlen_create(H5T_STD_REF_OBJ)),
	      space = must(H5Screate_simple(1, &ndims, NULL)), a;
	hobj_ref_t reference;
	hvl_t lists[2] = { { 1, &reference }, { 0, NULL } };

	must(H5Rcreate(&reference, file, scale, H5R_OBJECT, -1));
	a = must(H5Acreate2(d, "DIMENSION_LIST", type, space, H5P_DEFAULT, H5P_DEFAULT));
	must(H5Awrite(a, type, lists));
	H5Aclose(a);
	H5Sclose(space);
	H5Tclose(type);
}

/* The coordinate of dimension 0 of d. */
static void make_scale(hid_t file, hid_t d, const char *name, const char *units)
{
	const hsize_t n = 20;
	hid_t space = must(H5Screate_simple(1, &n, NULL)), s;
	double v[20];

	for (int i = 0; i < 20; i++)
		v[i] = i;
	s = must(H5Dcreate2(file, name, H5T_NATIVE_DOUBLE, space, H5P_DEFAULT, H5P_DEFAULT,
			    H5P_DEFAULT));
	must(H5Dwrite(s, H5T_NATIVE_DOUBLE, H5S_ALL, H5S_ALL, H5P_DEFAULT, v));
	set_text(s, "units", units);
	set_text(s, "CLASS", "DIMENSION_SCALE");
	H5Dclose(s);
	H5Sclose(space);
	attach(file, d, name);
}

static void make_records(hid_t file, const char *name, const char *member)
{
	const hsize_t n = 4;
	hid_t space = must(H5Screate_simple(1, &n, NULL)), type = must(H5Tcreate(H5T_COMPOUND, 8)),
	      d;
	const int v[8] = { 1, 2, 3, 4, 5, 6, 7, 8 };

	must(H5Tinsert(type, "id", 0, H5T_NATIVE_INT));
	must(H5Tinsert(type, member, 4, H5T_NATIVE_INT));
	d = must(H5Dcreate2(file, name, type, space, H5P_DEFAULT, H5P_DEFAULT, H5P_DEFAULT));
	must(H5Dwrite(d, type, H5S_ALL, H5S_ALL, H5P_DEFAULT, v));
	H5Dclose(d);
	H5Tclose(type);
	H5Sclose(space);
}

static void make_strings(hid_t file, const char *name)
{
	static const char v[3][40] = { EVIL, C1 "\"", "\377\376plain" };
	const hsize_t n = 3;
	hid_t space = must(H5Screate_simple(1, &n, NULL)), type = must(H5Tcopy(H5T_C_S1)), d;

	must(H5Tset_size(type, sizeof(v[0])));
	d = must(H5Dcreate2(file, name, type, space, H5P_DEFAULT, H5P_DEFAULT, H5P_DEFAULT));
	must(H5Dwrite(d, type, H5S_ALL, H5S_ALL, H5P_DEFAULT, v));
	H5Dclose(d);
	H5Tclose(type);
	H5Sclose(space);
}

static void spoil(hid_t d)
{
	const hsize_t at[] = { 5, 0 };

	must(H5Dwrite_chunk(d, H5P_DEFAULT, 0, at, 9, "no stream"));
}

static void make_virtual(hid_t file, const char *name)
{
	const hsize_t n = 20;
	hid_t space = must(H5Screate_simple(1, &n, NULL)),
	      list = must(H5Pcreate(H5P_DATASET_CREATE)), d;

	must(H5Pset_virtual(list, space, "gone" EVIL ".h5", "/source" C1, space));
	d = must(H5Dcreate2(file, name, H5T_NATIVE_DOUBLE, space, H5P_DEFAULT, list, H5P_DEFAULT));
	H5Dclose(d);
	H5Pclose(list);
	H5Sclose(space);
}

static void make_names(void)
{
	hid_t file = create_file("names.h5"), d = make_matrix(file, "x" EVIL "y"), group;

	set_text(d, "units", EVIL C1);
	make_scale(file, d, "s" EVIL, "days since " EVIL);
	H5Dclose(d);
	group = must(H5Gcreate2(file, "g" C1, H5P_DEFAULT, H5P_DEFAULT, H5P_DEFAULT));
	H5Dclose(make_matrix(group, "q\"\\,\n=cmd|"));
	H5Gclose(group);
	H5Dclose(make_matrix(file, "\377\376"));
	make_records(file, "records", "m" EVIL C1);
	make_strings(file, "text");
	make_virtual(file, "virtual");
	d = make_matrix(file, "bad" EVIL);
	spoil(d);
	H5Dclose(d);
	must(H5Fclose(file));
}

static void make_wide(void)
{
	hid_t file = create_file("wide.h5");

	H5Dclose(make_matrix(file, "\346\270\251\345\272\246")); /* two letters of two columns */
	H5Dclose(make_matrix(file, "te\314\201te\314\201"));	 /* four of one, and two accents */
	H5Dclose(make_matrix(file, "t\303\251t\303\251"));
	H5Dclose(make_matrix(file, "plain"));
	must(H5Fclose(file));
}

static void make_long(void)
{
	char name[3001] = "";
	hid_t file = create_file("long.h5"), d;

	memset(name, 'n', sizeof(name) - 1);
	d = make_matrix(file, name);
	spoil(d);
	H5Dclose(d);
	must(H5Fclose(file));
}

int main(int argc, char **argv)
{
	if (argc != 2 || chdir(argv[1])) {
		fputs("usage: names DIR\n", stderr);
		return 2;
	}
	make_names();
	make_wide();
	make_long();
	return 0;
}
