/*
 * axes - writes coordinates of every kind, and what selections by value must find in them.
 *
 *	axes FILE	writes FILE, and prints lines "DATASET VALUES FIRST STOP STEP": a selection
 *			and the indexes that it is; FIRST is -1 when it is none
 *
 * What is found is computed here by looking at every value. Dates come from counting days one by
 * one.
 */
#include <hdf5.h>
#include <math.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../unit/random.h"
#include "put.h"

#define MOST	2000
#define NRANDOM 2

static void put_number(hid_t object, const char *name, double v)
{
	put_value(object, name, H5T_IEEE_F64LE, H5T_NATIVE_DOUBLE, &v);
}

/* A coordinate, in chunks of 64 when it is of some length; open. */
static hid_t put_axis(hid_t file, const char *path, hid_t type, hsize_t n, const double *v,
		      const char *units)
{
	hid_t links = H5Pcreate(H5P_LINK_CREATE), props = H5Pcreate(H5P_DATASET_CREATE), space, set;
	hsize_t chunk = 64;

	H5Pset_create_intermediate_group(links, 1);
	if (n > chunk) {
		H5Pset_chunk(props, 1, &chunk);
		H5Pset_deflate(props, 1);
	}
	space = H5Screate_simple(1, &n, NULL);
	set = H5Dcreate2(file, path, type, space, links, props, H5P_DEFAULT);
	must(set >= 0 && H5Dwrite(set, H5T_NATIVE_DOUBLE, H5S_ALL, H5S_ALL, H5P_DEFAULT, v) >= 0,
	     path);
	put_text(set, "CLASS", "DIMENSION_SCALE");
	if (units)
		put_text(set, "units", units);
	H5Sclose(space);
	H5Pclose(props);
	H5Pclose(links);
	return set;
}

/* The values within [low, high], as indexes, on the line that is begun. */
static void print_found(int n, const double *v, double low, double high, int step)
{
	int first = -1, last = -1;

	for (int i = 0; i < n; i++)
		if (v[i] >= low && v[i] <= high) {
			first = first < 0 ? i : first;
			last = i;
		}
	printf("%d %d %d\n", first, last + 1, step);
}

/* As a user writes it: with a decimal point, and no more digits than needed. */
static const char *write_real(double x)
{
	static char text[2][64];
	static int turn;
	char *out = text[turn ^= 1];

	for (int digits = 1; digits <= 17; digits++) {
		snprintf(out, sizeof(text[0]), "%.*e", digits, x);
		if (strtod(out, NULL) == x)
			break;
	}
	return out;
}

/* Ranges between two values, their ends given to `digits` decimals. */
static void real_cases(const char *path, const char *name, int n, const double *v, double digits,
		       uint64_t *seed)
{
	for (int k = 0; k < NRANDOM; k++) {
		int i = (int)random_below(seed, (uint64_t)n),
		    j = (int)random_below(seed, (uint64_t)n);
		double a = fmin(v[i], v[j]), b = fmax(v[i], v[j]), slack = 0.3 / digits;
		double low = rint(a * digits) / digits, high = rint(b * digits) / digits;
		int step = 1 + (int)(random_below(seed, 3));

		printf("%s %s=%s:%s:%d ", path, name, write_real(low), write_real(high), step);
		print_found(n, v, low - slack, high + slack, step);
		if (v[0] > v[n - 1]) {
			printf("%s %s=%s:%s ", path, name, write_real(high), write_real(low));
			print_found(n, v, low - slack, high + slack, 1);
		}
		printf("%s %s=%s: ", path, name, write_real(low));
		print_found(n, v, low - slack, INFINITY, 1);
		printf("%s %s=:%s ", path, name, write_real(high));
		print_found(n, v, -INFINITY, high + slack, 1);
		printf("%s %s=%s ", path, name, write_real(low));
		print_found(n, v, low - slack, low + slack, 1);
	}
}

struct kind {
	const char *path, *units;
	hid_t type;
	int n;
	double first, step, digits; /* digits: 10 for one decimal */
	double scale, offset;
};

static void make_real(hid_t file, const struct kind *k, uint64_t *seed)
{
	static double v[MOST], stored[MOST];
	hid_t set;

	for (int i = 0; i < k->n; i++) {
		v[i] = rint((k->first + i * k->step) * k->digits) / k->digits;
		stored[i] = k->scale != 0 ? rint((v[i] - k->offset) / k->scale) : v[i];
	}
	set = put_axis(file, k->path, k->type, (hsize_t)k->n, stored, k->units);
	if (k->scale != 0) {
		put_number(set, "scale_factor", k->scale);
		put_number(set, "add_offset", k->offset);
	}
	H5Dclose(set);
	real_cases(k->path, strrchr(k->path, '/') + 1, k->n, v, k->digits, seed);
}

/* --- dates --- */

struct day {
	int y, m, d;
};

static int length(const char *calendar, int y, int m)
{
	static const int days[] = { 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31 };
	bool gregorian = y % 4 == 0 && (y % 100 || y % 400 == 0);

	if (!strcmp(calendar, "360_day"))
		return 30;
	if (m != 2)
		return days[m - 1];
	if (!strcmp(calendar, "noleap"))
		return 28;
	if (!strcmp(calendar, "all_leap") || (!strcmp(calendar, "julian") && y % 4 == 0))
		return 29;
	return 28 + (strcmp(calendar, "julian") && gregorian);
}

static void next_day(const char *calendar, struct day *d)
{
	if (!strcmp(calendar, "standard") && d->y == 1582 && d->m == 10 && d->d == 4)
		d->d = 14;
	if (++d->d <= length(calendar, d->y, d->m))
		return;
	d->d = 1;
	if (++d->m > 12) {
		d->m = 1;
		d->y++;
	}
}

static double order(struct day d)
{
	return (d.y * 100.0 + d.m) * 100 + d.d;
}

static const char *write_day(struct day d, int parts)
{
	static char text[2][32];
	static int turn;
	char *out = text[turn ^= 1];

	if (parts == 1)
		snprintf(out, 32, "%04d", d.y);
	else if (parts == 2)
		snprintf(out, 32, "%04d-%02d", d.y, d.m);
	else
		snprintf(out, 32, "%04d-%02d-%02d", d.y, d.m, d.d);
	return out;
}

/* The last day that starts like d in its first parts. */
static double last_like(struct day d, int parts)
{
	if (parts < 2)
		d.m = 99;
	if (parts < 3)
		d.d = 99;
	return order(d);
}

static double first_like(struct day d, int parts)
{
	return order((struct day){ d.y, parts < 2 ? 0 : d.m, parts < 3 ? 0 : d.d });
}

/* A value a day at noon, as hours since the beginning of the first. */
static void make_dates(hid_t file, const char *calendar, struct day start, bool fall,
		       uint64_t *seed)
{
	static double v[MOST], key[MOST];
	static struct day days[MOST];
	struct day d = start;
	char path[64], units[64];
	hid_t set;

	for (int i = 0; i < MOST; i++, next_day(calendar, &d)) {
		int at = fall ? MOST - 1 - i : i;

		days[at] = d;
		key[at] = order(d);
		v[at] = 24 * i + 12;
	}
	snprintf(path, sizeof(path), "/%s%d%s/time", calendar, start.y, fall ? "down" : "");
	snprintf(units, sizeof(units), "hours since %d-%d-%d 02:00 +2", start.y, start.m, start.d);
	set = put_axis(file, path, fall ? H5T_STD_I64BE : H5T_IEEE_F64LE, MOST, v, units);
	put_text(set, "calendar", calendar);
	H5Dclose(set);
	for (int k = 0; k < 2 * NRANDOM; k++) {
		int i = (int)random_below(seed, MOST), j = (int)random_below(seed, MOST);
		struct day a = days[key[i] < key[j] ? i : j], b = days[key[i] < key[j] ? j : i];
		int na = 2 + (int)(random_below(seed, 2)), nb = 1 + (int)(random_below(seed, 3));

		printf("%s time=%s:%s ", path, write_day(a, na), write_day(b, nb));
		print_found(MOST, key, first_like(a, na), last_like(b, nb), 1);
		printf("%s time=:%s:2 ", path, write_day(b, na));
		print_found(MOST, key, -INFINITY, last_like(b, na), 2);
		printf("%s time=%s ", path, write_day(a, na));
		print_found(MOST, key, first_like(a, na), last_like(a, na), 1);
		printf("%s time=%sT12:00:%sT12:00:00 ", path, write_day(a, 3), write_day(b, 3));
		print_found(MOST, key, order(a), order(b), 1);
	}
}

/* --- what must be refused --- */

static void make_bad(hid_t file)
{
	static const double back[] = { 1, 2, 3, 2, 4 }, up[] = { 1, 2, 3, 4, 5 };
	static const double twice[] = { 30, 30.1, 30.1, 30.2, 30.3 };
	double gap[] = { 1, 2, NAN, 4, 5 };
	const double infinite[] = { -INFINITY, 1, 2, 3, INFINITY };
	const hsize_t shape[2] = { 5, 5 };
	const char *labels[2] = { "y", "x" };
	const hsize_t two = 2;
	hid_t space = H5Screate_simple(2, shape, NULL), list = H5Screate_simple(1, &two, NULL);
	hid_t text = H5Tcopy(H5T_C_S1), set, attr;

	H5Tset_size(text, H5T_VARIABLE);
	H5Dclose(put_axis(file, "/bad/back", H5T_IEEE_F64LE, 5, back, NULL));
	H5Dclose(put_axis(file, "/bad/twice", H5T_IEEE_F32LE, 5, twice, NULL));
	H5Dclose(put_axis(file, "/bad/gap", H5T_IEEE_F64LE, 5, gap, NULL));
	H5Dclose(put_axis(file, "/bad/infinite", H5T_IEEE_F64LE, 5, infinite, NULL));
	set = put_axis(file, "/bad/only", H5T_IEEE_F32BE, 5, up, NULL);
	put_text(set, "NAME", "This is a netCDF dimension but not a netCDF variable.         5");
	H5Dclose(set);
	H5Dclose(put_axis(file, "/bad/months", H5T_IEEE_F64LE, 5, up, "months since 2000-01-01"));
	/* y has a dataset of its name in the group above, x none; lat is of both. */
	set = put_axis(file, "/y", H5T_STD_I16LE, 5, up, "m");
	put_number(set, "calendar", 1);
	H5Dclose(set);
	H5Dclose(H5Dcreate2(file, "/bad/lat", H5T_IEEE_F32LE, space, H5P_DEFAULT, H5P_DEFAULT,
			    H5P_DEFAULT));
	set = H5Dcreate2(file, "/bad/field", H5T_IEEE_F32LE, space, H5P_DEFAULT, H5P_DEFAULT,
			 H5P_DEFAULT);
	attr = H5Acreate2(set, "DIMENSION_LABELS", text, list, H5P_DEFAULT, H5P_DEFAULT);
	must(attr >= 0 && H5Awrite(attr, text, labels) >= 0, "labels");
	H5Aclose(attr);
	H5Dclose(set);
	H5Tclose(text);
	H5Sclose(list);
	H5Sclose(space);
}

int main(int argc, char **argv)
{
	const struct kind kinds[] = {
		{ "/up/lat", "degrees_north", H5T_IEEE_F64LE, 181, -90, 1, 1, 0, 0 },
		{ "/down/lat", "degrees_north", H5T_IEEE_F32LE, 1801, 90, -0.1, 10, 0, 0 },
		{ "/fine/lon", "degrees_east", H5T_IEEE_F32BE, 1440, 0, 0.25, 100, 0, 0 },
		{ "/packed/lat", "degrees_north", H5T_STD_I16LE, 601, -30, 0.1, 10, 0.1, 0 },
		{ "/shifted/lat", "degrees_north", H5T_STD_U16BE, 721, 90, -0.25, 100, 0.01,
		  -327.5 },
		{ "/level/p", "hPa", H5T_STD_I32LE, 37, 1000, -25, 1, 0, 0 },
		{ "/one/z", "m", H5T_IEEE_F64BE, 1, 2.5, 0, 10, 0, 0 },
	};
	static const char *const calendars[] = { "standard", "proleptic_gregorian",
						 "julian",   "noleap",
						 "all_leap", "360_day" };
	const struct day reform = { 1581, 12, 30 }, century = { 1898, 12, 28 };
	uint64_t seed = 1;
	hid_t file;

	must(argc == 2, "usage: axes FILE");
	file = H5Fcreate(argv[1], H5F_ACC_TRUNC, H5P_DEFAULT, H5P_DEFAULT);
	must(file >= 0, argv[1]);
	for (size_t i = 0; i < sizeof(kinds) / sizeof(*kinds); i++)
		make_real(file, &kinds[i], &seed);
	for (size_t i = 0; i < sizeof(calendars) / sizeof(*calendars); i++) {
		make_dates(file, calendars[i], century, i % 2 == 0, &seed);
		make_dates(file, calendars[i], reform, i % 2 == 1, &seed);
	}
	make_bad(file);
	must(H5Fclose(file) >= 0, "closing");
	return 0;
}
