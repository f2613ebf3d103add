/*
 * dims - writes files as netCDF has them, in which a variable is not as long as its dimension, or
 * coordinates of files that belong together differ in how they are written:
 *
 *	part.h5		time 10: a of 4 rows, b of 10 of which the last is written, byte of 2
 *	lag_0, lag_1	five records each; of `a` the first has three
 *	deep.h5		time is as long as the longest variable in the groups below; its own one is
 *			shorter, and a variable ends early in two dimensions
 *	many_00 ... 79	one record each; in many_41 `a` has none, and many_07 has one more of b
 *	linked.h5	has part.h5's a by an external link
 *	staged.h5	a large variable that ends early
 *	fixed.h5	dimensions with a limit: a variable of its own extent
 *	virtual.h5	of lag_0's a, as far as it has elements
 *	days, hours, seconds, noleap	ten days each, one after the other, with times of their own units,
 *			types and calendars; the days of `again` are those of `days`
 *	null_0 ... 3	a null dataspace, no rows, four rows, a null dataspace
 */
#include <hdf5.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "put.h"

#define NMANY 80

/* A variable: its dimensions, which have scales already, and how much of it is stored. */
struct variable {
	const char *path;
	hid_t type;
	int ndim;
	const char *scale[2];
	hsize_t shape[2];
	bool limited, limited_inner; /* the dimensions have a limit */
	double fill;		     /* of the dataset; 0: none */
	bool says_fill;		     /* with _FillValue */
	double first, step;	     /* values, in order */
	hsize_t skip;		     /* so many of the first elements are not written */
};

static void attach(hid_t file, hid_t dset, const struct variable *v)
{
	hid_t type = H5Tvlen_create(H5T_STD_REF_OBJ), space, attr;
	hsize_t n = (hsize_t)v->ndim;
	hobj_ref_t ref[2];
	hvl_t list[2];

	for (int i = 0; i < v->ndim; i++) {
		must(H5Rcreate(&ref[i], file, v->scale[i], H5R_OBJECT, -1) >= 0, v->scale[i]);
		list[i] = (hvl_t){ 1, &ref[i] };
	}
	space = H5Screate_simple(1, &n, NULL);
	attr = H5Acreate2(dset, "DIMENSION_LIST", type, space, H5P_DEFAULT, H5P_DEFAULT);
	must(attr >= 0 && H5Awrite(attr, type, list) >= 0, v->path);
	H5Aclose(attr);
	H5Sclose(space);
	H5Tclose(type);
}

/* Elements from v->skip on, of a row-major array. */
static void put_values(hid_t dset, const struct variable *v)
{
	hsize_t n = v->shape[0] * (v->ndim > 1 ? v->shape[1] : 1),
		row = v->ndim > 1 ? v->shape[1] : 1;
	hsize_t start[2] = { v->skip / row, 0 }, count[2] = { v->shape[0] - v->skip / row, row };
	double *x = calloc((size_t)n + 1, sizeof(*x));
	hid_t space = H5Dget_space(dset), memory;

	for (hsize_t i = 0; i < n; i++)
		x[i] = v->first + v->step * (double)i;
	n -= v->skip;
	memory = H5Screate_simple(1, &n, NULL);
	if (n)
		must(H5Sselect_hyperslab(space, H5S_SELECT_SET, start, NULL, count, NULL) >= 0 &&
			     H5Dwrite(dset, H5T_NATIVE_DOUBLE, memory, space, H5P_DEFAULT,
				      x + v->skip) >= 0,
		     v->path);
	H5Sclose(memory);
	H5Sclose(space);
	free(x);
}

static void put_fill(hid_t dset, const struct variable *v)
{
	hid_t space = H5Screate(H5S_SCALAR);
	hid_t attr = H5Acreate2(dset, "_FillValue", v->type, space, H5P_DEFAULT, H5P_DEFAULT);

	must(attr >= 0 && H5Awrite(attr, H5T_NATIVE_DOUBLE, &v->fill) >= 0, "_FillValue");
	H5Aclose(attr);
	H5Sclose(space);
}

/* In chunks of three rows; open. */
static hid_t put(hid_t file, struct variable v)
{
	hid_t links = H5Pcreate(H5P_LINK_CREATE), props = H5Pcreate(H5P_DATASET_CREATE), space,
	      dset;
	hsize_t most[2] = { v.limited ? v.shape[0] : H5S_UNLIMITED,
			    v.limited_inner ? v.shape[1] : H5S_UNLIMITED };
	hsize_t chunk[2] = { v.shape[0] > 1000 ? 100 : 3, v.shape[1] ? v.shape[1] : 1 };

	H5Pset_create_intermediate_group(links, 1);
	H5Pset_chunk(props, v.ndim, chunk);
	if (v.fill != 0)
		H5Pset_fill_value(props, H5T_NATIVE_DOUBLE, &v.fill);
	space = H5Screate_simple(v.ndim, v.shape, most);
	dset = H5Dcreate2(file, v.path, v.type, space, links, props, H5P_DEFAULT);
	must(dset >= 0, v.path);
	put_values(dset, &v);
	if (v.says_fill)
		put_fill(dset, &v);
	if (v.scale[0])
		attach(file, dset, &v);
	H5Sclose(space);
	H5Pclose(props);
	H5Pclose(links);
	return dset;
}

static void put_variable(hid_t file, struct variable v)
{
	H5Dclose(put(file, v));
}

/* A dimension without a limit and its variable, of n values. units NULL: it has no variable; then n > 0
   is its limit, and otherwise its length is kept nowhere. */
static void put_scale(hid_t file, const char *path, hid_t type, hsize_t n, double first,
		      double step, const char *units)
{
	hid_t dset = put(file, (struct variable){ .path = path,
						  .type = type,
						  .ndim = 1,
						  .shape = { n },
						  .limited = !units && n,
						  .first = first,
						  .step = step });

	put_text(dset, "CLASS", "DIMENSION_SCALE");
	put_text(dset, "NAME",
		 units ? path : "This is a netCDF dimension but not a netCDF variable.         0");
	if (units)
		put_text(dset, "units", units);
	H5Dclose(dset);
}

#define DAYS "days since 2000-01-01"

static void write_part(void)
{
	hid_t file = create("part.h5");

	put_scale(file, "time", H5T_IEEE_F64LE, 10, 0, 1, DAYS);
	put_scale(file, "y", H5T_IEEE_F32LE, 4, 0, 0, NULL);
	put_variable(file, (struct variable){ .path = "a",
					      .type = H5T_IEEE_F32LE,
					      .ndim = 2,
					      .scale = { "time", "y" },
					      .shape = { 4, 4 },
					      .limited_inner = true,
					      .fill = 1e20,
					      .says_fill = true,
					      .first = 1 });
	put_variable(file, (struct variable){ .path = "b",
					      .type = H5T_STD_I32LE,
					      .ndim = 2,
					      .scale = { "time", "y" },
					      .shape = { 10, 4 },
					      .limited_inner = true,
					      .fill = -2147483647,
					      .first = 7,
					      .skip = 36 });
	put_variable(file, (struct variable){ .path = "byte",
					      .type = H5T_STD_I8LE,
					      .ndim = 1,
					      .scale = { "time" },
					      .shape = { 2 },
					      .first = 5 });
	put_variable(file, (struct variable){ .path = "big",
					      .type = H5T_STD_U16BE,
					      .ndim = 1,
					      .scale = { "time" },
					      .shape = { 3 },
					      .first = 5 });
	H5Fclose(file);
}

/* Records t to t + 4; of `a` there are n. */
static void write_lag(const char *name, int t, hsize_t n)
{
	hid_t file = create(name);

	put_scale(file, "time", H5T_IEEE_F64LE, 5, t, 1, DAYS);
	put_variable(file, (struct variable){ .path = "a",
					      .type = H5T_IEEE_F32LE,
					      .ndim = 1,
					      .scale = { "time" },
					      .shape = { n },
					      .first = 2 * t,
					      .step = 1 });
	H5Fclose(file);
}

static void write_deep(void)
{
	hid_t file = create("deep.h5");

	put_scale(file, "time", H5T_IEEE_F64LE, 3, 0, 1, DAYS);
	put_scale(file, "e", H5T_IEEE_F64LE, 0, 0, 0, NULL);
	put_variable(file, (struct variable){ .path = "a",
					      .type = H5T_IEEE_F32LE,
					      .ndim = 2,
					      .scale = { "time", "e" },
					      .shape = { 4, 2 },
					      .first = 1 });
	put_variable(file, (struct variable){ .path = "members",
					      .type = H5T_STD_I16LE,
					      .ndim = 1,
					      .scale = { "e" },
					      .shape = { 5 },
					      .first = 3 });
	put_variable(file, (struct variable){ .path = "x/y/b",
					      .type = H5T_IEEE_F32LE,
					      .ndim = 1,
					      .scale = { "time" },
					      .shape = { 6 },
					      .first = 2 });
	/* Longer, and on no dimension of these. */
	put_variable(file, (struct variable){ .path = "x/y/long",
					      .type = H5T_IEEE_F32LE,
					      .ndim = 1,
					      .shape = { 50 } });
	must(H5Lcreate_hard(file, "/x", file, "/x/y/again", H5P_DEFAULT, H5P_DEFAULT) >= 0,
	     "a circle");
	H5Fclose(file);
}

static void write_many(void)
{
	for (int i = 0; i < NMANY; i++) {
		char name[32];
		hid_t file;

		snprintf(name, sizeof(name), "many_%02d.h5", i);
		file = create(name);
		put_scale(file, "time", H5T_IEEE_F64LE, 1, i, 1, DAYS);
		put_variable(file, (struct variable){ .path = "a",
						      .type = H5T_IEEE_F32LE,
						      .ndim = 1,
						      .scale = { "time" },
						      .shape = { i != 41 },
						      .first = i });
		put_variable(file, (struct variable){ .path = "b",
						      .type = H5T_IEEE_F32LE,
						      .ndim = 1,
						      .scale = { "time" },
						      .shape = { i == 7 ? 2 : 1 },
						      .first = i });
		H5Fclose(file);
	}
}

static void write_linked(void)
{
	hid_t file = create("linked.h5");

	must(H5Lcreate_external("part.h5", "/a", file, "a", H5P_DEFAULT, H5P_DEFAULT) >= 0,
	     "a link");
	H5Fclose(file);
}

static void write_staged(void)
{
	hid_t file = create("staged.h5");

	put_scale(file, "time", H5T_IEEE_F64LE, 1500, 0, 1, DAYS);
	put_scale(file, "y", H5T_IEEE_F32LE, 300, 0, 0, NULL);
	put_variable(file, (struct variable){ .path = "a",
					      .type = H5T_IEEE_F32LE,
					      .ndim = 2,
					      .scale = { "time", "y" },
					      .shape = { 1250, 300 },
					      .limited_inner = true,
					      .fill = 1e20,
					      .says_fill = true,
					      .step = 1 });
	H5Fclose(file);
}

static void write_fixed(void)
{
	hid_t file = create("fixed.h5");

	put_scale(file, "time", H5T_IEEE_F64LE, 10, 0, 1, DAYS);
	put_variable(file, (struct variable){ .path = "a",
					      .type = H5T_IEEE_F32LE,
					      .ndim = 1,
					      .scale = { "time" },
					      .shape = { 4 },
					      .limited = true,
					      .first = 1 });
	H5Fclose(file);
}

static void write_time(const char *name, hid_t type, const char *units, const char *calendar,
		       double t, double step, double first)
{
	hid_t file = create(name), time;

	put_scale(file, "time", type, 10, t, step, units);
	if (calendar) {
		time = H5Dopen2(file, "time", H5P_DEFAULT);
		put_text(time, "calendar", calendar);
		H5Dclose(time);
	}
	put_variable(file, (struct variable){ .path = "x",
					      .type = H5T_IEEE_F32LE,
					      .ndim = 1,
					      .scale = { "time" },
					      .shape = { 10 },
					      .first = first,
					      .step = 1 });
	H5Fclose(file);
}

static void write_times(void)
{
	write_time("days.h5", H5T_IEEE_F64LE, "days since 2001-01-01", "standard", 0, 1, 0);
	write_time("again.h5", H5T_STD_I16BE, "days since 2001-01-01 00:00:00", "Gregorian", 10, 1,
		   10);
	write_time("hours.h5", H5T_STD_I32LE, "hours since 2001-01-11 00:00:0.0", NULL, 0, 24, 10);
	write_time("seconds.h5", H5T_STD_I64LE, "seconds since 2001-01-21T06:00 +6",
		   "proleptic_gregorian", 0, 86400, 20);
	write_time("noleap.h5", H5T_IEEE_F64LE, "days since 2001-01-01", "noleap", 10, 1, 10);
}

/* rows < 0: a null dataspace. Beside it there is one with elements in all files. */
static void write_null(const char *name, int rows, double first)
{
	hid_t file = create(name), space, dset;

	if (rows >= 0) {
		put_variable(file, (struct variable){ .path = "x",
						      .type = H5T_IEEE_F64LE,
						      .ndim = 2,
						      .shape = { (hsize_t)rows, 3 },
						      .first = first,
						      .step = 1 });
	} else {
		space = H5Screate(H5S_NULL);
		dset = H5Dcreate2(file, "x", H5T_IEEE_F64LE, space, H5P_DEFAULT, H5P_DEFAULT,
				  H5P_DEFAULT);
		must(dset >= 0, name);
		H5Dclose(dset);
		H5Sclose(space);
	}
	put_variable(file, (struct variable){ .path = "y",
					      .type = H5T_IEEE_F64LE,
					      .ndim = 1,
					      .shape = { 5 },
					      .first = 0,
					      .step = 1 });
	H5Fclose(file);
}

static void write_nulls(void)
{
	write_null("null_0.h5", -1, 0);
	write_null("null_1.h5", 0, 0);
	write_null("null_2.h5", 4, 1);
	write_null("null_3.h5", -1, 0);
}

static void write_virtual(void)
{
	hid_t file = create("virtual.h5"), props = H5Pcreate(H5P_DATASET_CREATE), to, from, dset;
	const hsize_t shape[1] = { 3 }, most[1] = { H5S_UNLIMITED }, zero[1] = { 0 },
		      one[1] = { 1 };
	const hsize_t all[1] = { H5S_UNLIMITED };

	to = H5Screate_simple(1, shape, most);
	from = H5Screate_simple(1, shape, most);
	must(H5Sselect_hyperslab(to, H5S_SELECT_SET, zero, NULL, one, all) >= 0 &&
		     H5Sselect_hyperslab(from, H5S_SELECT_SET, zero, NULL, one, all) >= 0 &&
		     H5Pset_virtual(props, to, "lag_0.h5", "a", from) >= 0,
	     "a mapping");
	dset = H5Dcreate2(file, "v", H5T_IEEE_F32LE, to, H5P_DEFAULT, props, H5P_DEFAULT);
	must(dset >= 0, "virtual.h5");
	H5Dclose(dset);
	H5Sclose(from);
	H5Sclose(to);
	H5Pclose(props);
	H5Fclose(file);
}

int main(void)
{
	write_part();
	write_lag("lag_0.h5", 0, 3);
	write_lag("lag_1.h5", 5, 5);
	write_deep();
	write_many();
	write_linked();
	write_staged();
	write_fixed();
	write_virtual();
	write_times();
	write_nulls();
	return 0;
}
