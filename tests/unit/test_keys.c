/*
 * test_keys.c - keys of groups, by files that are made here: what groups there are, which index is in which,
 * and what is said of a text that is no key. Runs on several ranks too (tests/mpi/unit.sh).
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <math.h>
#include <stdint.h>
#include <sys/stat.h>

#include <cmocka.h>

#include "cluster/comm_mpi.h"
#include "h5make.h"
#include "keys/keys.h"
#include "keys/parse.h"
#include "mpi_test.h"

#define NTIMES 6
#define NLATS  4
#define NLONS  3

static MPI_Comm world = MPI_COMM_NULL;
static struct h5make dir;
static char first_file[320], second_file[320], other_file[320];
static struct qn_team team;
static struct qn_subject subject;
static struct qn_keys keys;

static int rank(void)
{
	int r = 0;

	if (world != MPI_COMM_NULL)
		MPI_Comm_rank(world, &r);
	return r;
}

static uint32_t nranks(void)
{
	int n = 1;

	if (world != MPI_COMM_NULL)
		MPI_Comm_size(world, &n);
	return (uint32_t)n;
}

/* --- files --- */

static void attach(hid_t file, hid_t dset, const char *const *scales, int n)
{
	hid_t type = H5Tvlen_create(H5T_STD_REF_OBJ), space, attr;
	hobj_ref_t refs[4];
	hvl_t lists[4];
	hsize_t count = (hsize_t)n;

	for (int i = 0; i < n; i++) {
		lists[i].len = 1;
		lists[i].p = &refs[i];
		H5Rcreate(&refs[i], file, scales[i], H5R_OBJECT, -1);
	}
	space = H5Screate_simple(1, &count, NULL);
	attr = H5Acreate2(dset, "DIMENSION_LIST", type, space, H5P_DEFAULT, H5P_DEFAULT);
	H5Awrite(attr, type, lists);
	H5Aclose(attr);
	H5Sclose(space);
	H5Tclose(type);
}

/* A dataset on scales, in small chunks where there is more than one element; open. */
static hid_t put(hid_t file, const char *name, hid_t type, hid_t memory, const void *v, int ndim,
		 const hsize_t *shape, const char *const *scales)
{
	hid_t props = H5Pcreate(H5P_DATASET_CREATE), space = H5Screate_simple(ndim, shape, NULL);
	hsize_t chunk[4];
	hid_t dset;

	for (int i = 0; i < ndim; i++)
		chunk[i] = shape[i] > 2 ? 2 : 1;
	H5Pset_chunk(props, ndim, chunk);
	dset = H5Dcreate2(file, name, type, space, H5P_DEFAULT, props, H5P_DEFAULT);
	H5Dwrite(dset, memory, H5S_ALL, H5S_ALL, H5P_DEFAULT, v);
	if (scales)
		attach(file, dset, scales, ndim);
	H5Sclose(space);
	H5Pclose(props);
	return dset;
}

static void put_scale(hid_t file, const char *name, hid_t type, hid_t memory, hsize_t n,
		      const void *v, const char *units, const char *calendar)
{
	hid_t dset = put(file, name, type, memory, v, 1, &n, NULL);

	h5make_text(dset, "CLASS", 16, H5T_STR_NULLTERM, "DIMENSION_SCALE");
	if (units)
		h5make_text(dset, "units", 0, H5T_STR_NULLTERM, units);
	if (calendar)
		h5make_text(dset, "calendar", 0, H5T_STR_NULLTERM, calendar);
	H5Dclose(dset);
}

/* Steps of 12 hours across the end of a leap year's February: 28T18 29T06 29T18 01T06 01T18 02T06. */
static const double days[NTIMES] = { 0.75, 1.25, 1.75, 2.25, 2.75, 3.25 };
static const int64_t more_hours[NTIMES] = { 1000, 1001, 1002, 1003, 1004, 1005 };

static void put_lats(hid_t file)
{
	const float lats[NLATS] = { -90, -0.1f, 0.1f, 90 };

	put_scale(file, "lat", H5T_IEEE_F32LE, H5T_NATIVE_FLOAT, NLATS, lats, "degrees_north",
		  NULL);
}

static void put_lons(hid_t file)
{
	const int16_t lons[NLONS] = { 10, -999, 30 };
	const int16_t fill = -999;
	hsize_t n = NLONS;
	hid_t dset = put(file, "lon", H5T_STD_I16LE, H5T_NATIVE_INT16, lons, 1, &n, NULL);

	h5make_text(dset, "CLASS", 16, H5T_STR_NULLTERM, "DIMENSION_SCALE");
	h5make_numbers(dset, "_FillValue", H5T_STD_I16LE, H5T_NATIVE_INT16, 1, &fill);
	H5Dclose(dset);
}

static void put_labels(hid_t file)
{
	static const char *const transposed[] = { "lon", "lat" }, *const lon[] = { "lon" },
				 *const lat[] = { "lat" };
	const hsize_t shape[2] = { NLONS, NLATS };
	const int32_t county[NLONS][NLATS] = { { 7, 7, -3, 0 },
					       { 0, 5, 5, 7 },
					       { 1000000000, 5, 5, 7 } };
	const int32_t fill = 0;
	const double real[NLATS] = { 2.5, (double)NAN, -0.0, 0.0 };
	const uint64_t large[NLATS] = { 1, UINT64_MAX, 3, 4 };
	hid_t text = H5Tcopy(H5T_C_S1), dset;

	dset = put(file, "county", H5T_STD_I32LE, H5T_NATIVE_INT32, county, 2, shape, transposed);
	h5make_numbers(dset, "_FillValue", H5T_STD_I32LE, H5T_NATIVE_INT32, 1, &fill);
	H5Dclose(dset);
	H5Dclose(put(file, "real", H5T_IEEE_F64LE, H5T_NATIVE_DOUBLE, real, 1, &shape[1], lat));
	H5Dclose(put(file, "large", H5T_STD_U64LE, H5T_NATIVE_UINT64, large, 1, &shape[1], lat));
	H5Tset_size(text, 4);
	H5Dclose(put(file, "basin", text, text, "tea\0ox\0\0tea", 1, &shape[0], lon));
	H5Tclose(text);
}

/* Bounds of the times, of which each is the end. */
static void put_bounds(hid_t file)
{
	const hsize_t shape[2] = { NTIMES, 2 };
	double bounds[NTIMES][2];
	hid_t time = H5Dopen2(file, "time", H5P_DEFAULT);

	for (int i = 0; i < NTIMES; i++) {
		bounds[i][0] = days[i] - 0.5;
		bounds[i][1] = days[i];
	}
	H5Dclose(put(file, "time_bnds", H5T_IEEE_F64LE, H5T_NATIVE_DOUBLE, bounds, 2, shape, NULL));
	h5make_text(time, "bounds", 0, H5T_STR_NULLTERM, "time_bnds");
	H5Dclose(time);
}

static void put_data(hid_t file)
{
	static const char *const scales[] = { "time", "lat", "lon" };
	const hsize_t shape[3] = { NTIMES, NLATS, NLONS };
	const float zeros[NTIMES * NLATS * NLONS] = { 0 };

	H5Dclose(put(file, "v", H5T_IEEE_F32LE, H5T_NATIVE_FLOAT, zeros, 3, shape, scales));
}

static hid_t create(const char *name)
{
	hid_t fapl = H5Pcreate(H5P_FILE_ACCESS), file;

	qn_h5_relax(fapl);
	file = H5Fcreate(name, H5F_ACC_TRUNC, H5P_DEFAULT, fapl);
	H5Pclose(fapl);
	return file;
}

/* A label of each file along the time that they are joined along. */
static void put_days(hid_t file, const int8_t *v)
{
	static const char *const time[] = { "time" };
	const hsize_t n = NTIMES;

	H5Dclose(put(file, "kind", H5T_STD_I8LE, H5T_NATIVE_INT8, v, 1, &n, time));
}

static void write_first(void)
{
	hid_t file = create(first_file);

	put_scale(file, "time", H5T_IEEE_F64LE, H5T_NATIVE_DOUBLE, NTIMES, days,
		  "days since 2000-02-28", NULL);
	put_lats(file);
	put_lons(file);
	put_data(file);
	put_labels(file);
	put_bounds(file);
	put_days(file, (const int8_t[NTIMES]){ 3, 3, 1, 1, 1, 2 });
	H5Fclose(file);
}

/* Goes on after the first, in hours of another calendar of the same dates: 2000-04-09T16 and on. */
static void write_second(void)
{
	hid_t file = create(second_file);

	put_scale(file, "time", H5T_STD_I64LE, H5T_NATIVE_INT64, NTIMES, more_hours,
		  "hours since 2000-02-28", "proleptic_gregorian");
	put_lats(file);
	put_lons(file);
	put_data(file);
	put_days(file, (const int8_t[NTIMES]){ 2, 2, 2, 9, 9, 1 });
	H5Fclose(file);
}

static void write_other(void)
{
	static const char *const lat[] = { "lat" }, *const x[] = { "x" };
	const int8_t zone[NLATS] = { 4, 2, 2, 1 };
	const hsize_t n = NLATS, few = NLATS - 1;
	hid_t file = create(other_file);

	put_lats(file);
	put_scale(file, "x", H5T_STD_I8LE, H5T_NATIVE_INT8, few, zone, NULL, NULL);
	H5Dclose(put(file, "zone", H5T_STD_I8LE, H5T_NATIVE_INT8, zone, 1, &n, lat));
	H5Dclose(put(file, "on_x", H5T_STD_I8LE, H5T_NATIVE_INT8, zone, 1, &few, x));
	H5Dclose(put(file, "lon", H5T_STD_I8LE, H5T_NATIVE_INT8, zone, 1, &n, NULL));
	H5Fclose(file);
}

static int set_up(void **state)
{
	(void)state;
	if (!rank() && !h5make_init(&dir))
		return -1;
	if (world != MPI_COMM_NULL)
		MPI_Bcast(&dir, sizeof(dir), MPI_BYTE, 0, world);
	snprintf(first_file, sizeof(first_file), "%s/a.h5", dir.dir);
	snprintf(second_file, sizeof(second_file), "%s/b.h5", dir.dir);
	snprintf(other_file, sizeof(other_file), "%s/other.h5", dir.dir);
	if (!rank()) {
		write_first();
		write_second();
		write_other();
	}
	if (world != MPI_COMM_NULL)
		MPI_Barrier(world);
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	if (rank())
		return 0;
	unlink(first_file);
	unlink(second_file);
	unlink(other_file);
	rmdir(dir.dir);
	return 0;
}

/* --- finding --- */

static void close_all(void)
{
	qn_keys_fini(&keys);
	qn_subject_fini(&subject);
	qn_comm_free(team.comm);
	qn_team_fini(&team);
	memset(&team, 0, sizeof(team));
	memset(&subject, 0, sizeof(subject));
}

/* The keys of n files, of which `select` is selected. */
static enum quern_status find_in(size_t n, const char *select, const char *by,
				 struct quern_message *err)
{
	const struct qn_team_settings settings = { .nthreads = 1, .bind = QN_BIND_NONE };
	struct qn_names files = { .n = 0 };

	memset(err, 0, sizeof(*err));
	assert_int_equal(qn_comm_new(world, &team.comm, err), QUERN_OK);
	assert_int_equal(qn_team_form(&team, &settings, err), QUERN_OK);
	qn_names_add(&files, first_file, err);
	if (n > 1)
		qn_names_add(&files, second_file, err);
	subject.settings.dataset = "/v";
	subject.settings.select = select;
	if (qn_subject_find(&subject, &team, &files, err))
		fail_msg("%s", err->text);
	qn_names_fini(&files);
	/* As if each rank had other files. */
	for (uint32_t i = 0; i < subject.files.n; i++)
		subject.describer[i] = nranks() - 1 - i % nranks();
	return qn_keys_find(&subject, &team, rank() ? NULL : by, NULL, NULL, &keys, err);
}

static const struct qn_key *find_some(size_t n, const char *select, const char *by)
{
	struct quern_message err;

	if (find_in(n, select, by, &err))
		fail_msg("%s: %s", by, err.text);
	return keys.key;
}

/* "A:0 B:1 ...", the groups as texts, and then the groups of the indexes, "|0 1 -1". */
static const char *written(const struct qn_key *k)
{
	static char out[4096];
	char text[QN_KEY_TEXT_NBYTES];
	size_t n = 0;

	out[0] = '\0';
	for (uint32_t g = 0; g < k->ngroups; g++) {
		qn_key_format(k, g, text);
		n += (size_t)snprintf(out + n, sizeof(out) - n, "%s%s", g ? " " : "", text);
	}
	for (uint64_t i = 0; i < k->nindexes; i++)
		n += (size_t)snprintf(out + n, sizeof(out) - n, "%s%d", i ? " " : " | ",
				      (int)k->group[i]);
	return out;
}

/* --- what there is --- */

static const struct found {
	const char *select, *by, *name, *written;
	enum qn_key_kind kind;
	bool is_text;
	int ndim, dim[2];
} some[] = {
	{ "", "month(time)", "month", "2 3 | 0 0 0 1 1 1", QN_KEY_PARTS, false, 1, { 0 } },
	{ "", "season(time)", "season", "DJF MAM | 0 0 0 1 1 1", QN_KEY_PARTS, true, 1, { 0 } },
	{ "", "hour( time )", "hour", "6 18 | 1 0 1 0 1 0", QN_KEY_PARTS, false, 1, { 0 } },
	{ "",
	  "date(/time)",
	  "date",
	  "2000-02-28 2000-02-29 2000-03-01 2000-03-02 | 0 1 1 2 2 3",
	  QN_KEY_PARTS,
	  true,
	  1,
	  { 0 } },
	{ "",
	  "ym = yearmonth(time)",
	  "ym",
	  "2000-02 2000-03 | 0 0 0 1 1 1",
	  QN_KEY_PARTS,
	  true,
	  1,
	  { 0 } },
	{ "",
	  "window(time, '12h')",
	  "window",
	  "2000-02-28T12:00:00 2000-02-29T00:00:00 2000-02-29T12:00:00 2000-03-01T00:00:00 "
	  "2000-03-01T12:00:00 2000-03-02T00:00:00 | 0 1 2 3 4 5",
	  QN_KEY_PARTS,
	  true,
	  1,
	  { 0 } },
	{ "", "week(time)", "week", "9 | 0 0 0 0 0 0", QN_KEY_PARTS, false, 1, { 0 } },
	{ "time=1:6:2",
	  "date(time)",
	  "date",
	  "2000-02-29 2000-03-01 2000-03-02 | 0 1 2",
	  QN_KEY_PARTS,
	  true,
	  1,
	  { 0 } },
	{ "",
	  "time",
	  "time",
	  "2000-02-28T18:00:00 2000-02-29T06:00:00 2000-02-29T18:00:00 2000-03-01T06:00:00 "
	  "2000-03-01T18:00:00 2000-03-02T06:00:00 | 0 1 2 3 4 5",
	  QN_KEY_REALS,
	  true,
	  1,
	  { 0 } },
	{ "", "lon", "lon", "10 30 | 0 -1 1", QN_KEY_INTEGERS, false, 1, { 2 } },
	{ "lon=1:2", "lon", "lon", " | -1", QN_KEY_INTEGERS, false, 1, { 2 } },
	{ "", "bin(lat, -90:90:90)", "lat_bin", "-90 0 | 0 0 1 1", QN_KEY_BINS, false, 1, { 1 } },
	{ "",
	  "b=bin(lat,[-0.5, 0 , 89])",
	  "b",
	  "-0.5 0 | -1 0 1 -1",
	  QN_KEY_BINS,
	  false,
	  1,
	  { 1 } },
	{ "",
	  "bin(lat, -90:80:100)",
	  "lat_bin",
	  "-90 10 | 0 0 0 -1",
	  QN_KEY_BINS,
	  false,
	  1,
	  { 1 } },
	{ "", "bin(lon,[10,20,30])", "lon_bin", "10 20 | 0 -1 1", QN_KEY_BINS, false, 1, { 2 } },
	{ "",
	  "county",
	  "county",
	  "-3 5 7 1000000000 | 2 -1 3 2 1 1 0 1 1 -1 2 2",
	  QN_KEY_INTEGERS,
	  false,
	  2,
	  { 1, 2 } },
	{ "lat=1:4:2,lon=1:3",
	  "/county",
	  "county",
	  "5 7 | 0 0 1 1",
	  QN_KEY_INTEGERS,
	  false,
	  2,
	  { 1, 2 } },
	{ "",
	  "bin(county, 0:10:5)",
	  "county_bin",
	  "0 5 | 1 -1 -1 1 1 1 -1 1 1 -1 1 1",
	  QN_KEY_BINS,
	  false,
	  2,
	  { 1, 2 } },
	{ "", "basin", "basin", "ox tea | 1 0 1", QN_KEY_TEXTS, true, 1, { 2 } },
	{ "", "real", "real", "0 2.5 | 1 -1 0 0", QN_KEY_REALS, false, 1, { 1 } },
	{ "", "kind", "kind", "1 2 3 | 2 2 0 0 0 1", QN_KEY_INTEGERS, false, 1, { 0 } },
};

static void check_found(const struct found *f, const struct qn_key *k)
{
	uint64_t n = 1;

	assert_string_equal(k->name, f->name);
	if (strcmp(written(k), f->written))
		fail_msg("%s of %s: '%s', not '%s'", f->by, f->select, written(k), f->written);
	assert_int_equal(k->kind, f->kind);
	assert_int_equal(qn_key_is_text(k), f->is_text);
	assert_int_equal(k->ndim, f->ndim);
	for (int d = 0; d < k->ndim; d++) {
		assert_int_equal(k->dim[d], f->dim[d]);
		n *= subject.selection.count[k->dim[d]];
	}
	assert_true(k->nindexes == n);
}

static void test_found(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(some) / sizeof(*some); i++) {
		check_found(&some[i], find_some(1, some[i].select, some[i].by));
		assert_int_equal(keys.n, 1);
		close_all();
	}
}

static void test_times(void **state)
{
	const struct qn_key *k = find_some(1, "", "yearmonth(time)");

	(void)state;
	assert_string_equal(k->units, "days since 1970-01-01");
	assert_string_equal(k->calendar, "standard");
	assert_int_equal(k->integers[0], 361);
	assert_int_equal(k->starts[1], 11017);
	assert_int_equal(k->ends[1], 11048);
	assert_string_equal(k->path, "/time");
	assert_string_equal(k->text, "yearmonth(time)");
	close_all();
	k = find_some(1, "", "time");
	assert_true(k->is_time);
	assert_string_equal(k->units, "days since 2000-02-28");
	assert_true(k->reals[5] == 3.25);
	close_all();
}

static void test_two(void **state)
{
	const struct qn_key *k = find_some(
		1, "lat=2:4", "hour(time), s = season(time) ,county,bin(lat, [0, 1, 100])");

	(void)state;
	assert_int_equal(keys.n, 4);
	assert_string_equal(k[1].name, "s");
	assert_string_equal(k[1].text, "season(time)");
	assert_string_equal(k[3].text, "bin(lat, [0, 1, 100])");
	assert_string_equal(written(&k[0]), "6 18 | 1 0 1 0 1 0");
	assert_string_equal(written(&k[2]), "-3 5 7 | 0 1 1 -1 2 2");
	assert_string_equal(written(&k[3]), "0 1 | 0 1");
	close_all();
}

static void test_other_file(void **state)
{
	char by[512];
	struct quern_message err;

	(void)state;
	snprintf(by, sizeof(by), "z=zone@%s, county", other_file);
	find_some(1, "lat=1:4", by);
	assert_string_equal(keys.key[0].name, "z");
	assert_string_equal(written(&keys.key[0]), "1 2 | 1 1 0");
	close_all();
	snprintf(by, sizeof(by), "z=/lon@'%s'", other_file);
	assert_int_equal(find_in(1, "", by, &err), QUERN_ERR_DATA);
	assert_non_null(strstr(err.text, "4 elements along lon, and /v has 3"));
	close_all();
	snprintf(by, sizeof(by), "on_x@%s", other_file);
	assert_int_equal(find_in(1, "", by, &err), QUERN_ERR_USAGE);
	assert_non_null(strstr(err.text,
			       "dimension x of /on_x is none of /v, or more than one: these "
			       "are time, lat, lon"));
	close_all();
	assert_int_equal(find_in(1, "", "z=zone@absent.h5", &err), QUERN_ERR_DATA);
	assert_non_null(strstr(err.text, "absent.h5"));
	close_all();
}

/* Files whose times have other units, types and calendars are one axis; what does not depend on time is of
   the first. */
static void test_joined(void **state)
{
	(void)state;
	find_some(2, "time=4:10:2", "date(time),time,county,kind");
	assert_string_equal(written(&keys.key[0]), "2000-03-01 2000-04-09 | 0 1 1");
	assert_string_equal(written(&keys.key[1]),
			    "2000-03-01T18:00:00 2000-04-09T16:00:00 2000-04-09T18:00:00 | 0 1 2");
	assert_string_equal(written(&keys.key[2]), "-3 5 7 1000000000 | 2 -1 3 2 1 1 0 1 1 -1 2 2");
	assert_string_equal(written(&keys.key[3]), "1 2 | 0 1 1");
	close_all();
}

static void test_warning(void **state)
{
	(void)state;
	find_some(1, "", "month(time)");
	if (!rank()) {
		assert_int_equal(keys.warnings.n, 1);
		assert_non_null(strstr(keys.warnings.name[0], "are the ends of their bounds"));
	}
	close_all();
	find_some(1, "", "county");
	assert_int_equal(keys.warnings.n, 0);
	close_all();
}

/* --- what there is not --- */

static void test_refused(void **state)
{
	static const struct {
		const char *by, *says;
		enum quern_status status;
	} none[] = {
		{ "absent", "no dataset 'absent' in the group of /v or above it", QUERN_ERR_USAGE },
		{ "month(lat)", "are no times: its units 'degrees_north'", QUERN_ERR_USAGE },
		{ "month(basin)", "are texts, not numbers", QUERN_ERR_USAGE },
		{ "bin(basin, 0:1:1)", "are texts, not numbers", QUERN_ERR_USAGE },
		{ "large", "18446744073709551615", QUERN_ERR_DATA },
		{ "time_bnds", "has no name, so it is not known", QUERN_ERR_USAGE },
	};
	struct quern_message err;

	(void)state;
	for (size_t i = 0; i < sizeof(none) / sizeof(*none); i++) {
		enum quern_status st = find_in(1, "", none[i].by, &err);

		if (st != none[i].status || (st == QUERN_ERR_USAGE && !strchr(err.text, '^')) ||
		    !strstr(err.text, none[i].says))
			fail_msg("%s: status %d, %s", none[i].by, (int)st, err.text);
		close_all();
	}
}

/* The text itself, and below it a ^ in the column of the place. */
static bool points_at(const struct quern_message *err, const char *by, size_t at)
{
	char lines[256];

	snprintf(lines, sizeof(lines), "\n  %s\n  %*s", by, (int)at + 1, "^");
	return strstr(err->text, lines);
}

static void test_wrong(void **state)
{
	static const struct {
		const char *by, *says;
		size_t at;
	} wrong[] = {
		{ "", "a key is missing here", 0 },
		{ "lat,", "a key is missing here", 4 },
		{ "lat,,lon", "a key is missing here", 4 },
		{ "m=", "an expression is missing here", 2 },
		{ "t2m > 3", "this is not understood", 4 },
		{ "a == b", "this is not understood", 2 },
		{ "-lat", "a name is missing here", 0 },
		{ "month", "", SIZE_MAX },
		{ "month(", "a name is missing here", 6 },
		{ "month(time", ") is missing here", 10 },
		{ "month(time) + 1", "this is not understood", 12 },
		{ "round(lat) > 3", "no function 'round' makes groups", 0 },
		{ "month(time) == 1", "this is not understood", 12 },
		{ "m=bin(lat + 1)", ", is missing here", 10 },
		{ "bin(lat + 1, 0:1:1)", "bins of an expression have a name", 4 },
		{ "m=bin(, 0:1:1)", "a name is missing here", 6 },
		{ "m=bin(lat, 0:1:1) + 1", "this is not understood", 18 },
		{ "window(time)", ", is missing here", 11 },
		{ "window(time, 6h)", "a length in quotes is missing here", 13 },
		{ "window(time, '6h)", "without its other one", 13 },
		{ "window(time, '6 moons')", "'6 moons' is not a whole number of a unit", 13 },
		{ "window(time, '1month')", "yearmonth()", 13 },
		{ "bin(x)", ", is missing here", 5 },
		{ "bin(x, 0:1)", ": is missing here", 10 },
		{ "bin(x, 0:1:0)", "STEP is above 0", 7 },
		{ "bin(x, 1:0:1)", "START is below STOP", 7 },
		{ "bin(x, 0:1:1e-9)", "more than 10000000 bins", 7 },
		{ "bin(x, [])", "a number is missing here", 8 },
		{ "bin(x, [1])", "two edges at the least", 9 },
		{ "bin(x, [1, 1])", "edges of bins must rise", 11 },
		{ "bin(x, [1, nan])", "a number is missing here", 11 },
		{ "bin(x, [1, 2)", "] is missing here", 12 },
		{ "lat, lat", "two keys are called 'lat'", 5 },
		{ "@f.nc", "written NAME=PATH@FILE", 0 },
		{ "x@", "written NAME=PATH@FILE", 1 },
		{ "a,b,c,d,e,f,g,h,i", "more than 8 keys", 16 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(wrong) / sizeof(*wrong); i++) {
		struct qn_key_specs specs;
		struct quern_message err = { .status = QUERN_OK };
		enum quern_status st = qn_key_specs_parse(wrong[i].by, QN_MOST_KEYS, &specs, &err);

		qn_key_specs_fini(&specs);
		if (wrong[i].at == SIZE_MAX)
			assert_int_equal(st, QUERN_OK);
		else if (st != QUERN_ERR_USAGE || !strstr(err.text, wrong[i].says) ||
			 !points_at(&err, wrong[i].by, wrong[i].at))
			fail_msg("'%s': status %d, %s", wrong[i].by, (int)st, err.text);
	}
}

static void test_edges(void **state)
{
	struct qn_key_specs specs;
	struct quern_message err = { .status = QUERN_OK };
	const struct qn_key_spec *s;

	(void)state;
	assert_int_equal(
		qn_key_specs_parse("bin(x, 0:1:0.1), y=bin(x,-1e-1:0.25:1e-1)", 2, &specs, &err),
		QUERN_OK);
	s = specs.spec;
	assert_int_equal(s[0].nedges, 11);
	for (int i = 0; i <= 10; i++)
		assert_true(s[0].edges[i] == i / 10.0);
	assert_int_equal(s[1].nedges, 5);
	assert_true(s[1].edges[0] == -0.1 && s[1].edges[1] == 0 && s[1].edges[3] == 0.2 &&
		    s[1].edges[4] == 0.25);
	assert_string_equal(s[0].name, "x_bin");
	assert_string_equal(s[1].name, "y");
	qn_key_specs_fini(&specs);
}

/* What is an expression is left to who evaluates it. */
static void test_expressions(void **state)
{
	static const struct {
		const char *by, *name, *expr;
		uint64_t nedges;
	} are[] = {
		{ "warm= t > 3 ", "warm", "t > 3", 0 },
		{ "round(lat / 10)", "round", "round(lat / 10)", 0 },
		{ "mnth(time)", "mnth", "mnth(time)", 0 },
		{ "m=month(time) == 1 && lat > 0", "m", "month(time) == 1 && lat > 0", 0 },
		{ "m=-lat", "m", "-lat", 0 },
		{ "m=t//10", "m", "t//10", 0 },
		{ "m=bin(t/10, 0:2:1)", "m", "t/10", 3 },
		{ "m=bin(t + max(u, v), 0:2:1)", "m", "t + max(u, v)", 3 },
		{ "m=bin(t[, [0, 1])", "m", NULL, 0 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(are) / sizeof(*are); i++) {
		struct qn_key_specs specs;
		struct quern_message err = { .status = QUERN_OK };
		enum quern_status st = qn_key_specs_parse(are[i].by, QN_MOST_KEYS, &specs, &err);

		if (!are[i].expr) {
			assert_int_equal(st, QUERN_ERR_USAGE);
		} else {
			assert_int_equal(st, QUERN_OK);
			assert_string_equal(specs.spec[0].name, are[i].name);
			assert_string_equal(specs.spec[0].expr, are[i].expr);
			assert_int_equal(specs.spec[0].nedges, are[i].nedges);
			assert_null(specs.spec[0].source);
		}
		qn_key_specs_fini(&specs);
	}
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_wrong),	cmocka_unit_test(test_edges),
		cmocka_unit_test(test_found),	cmocka_unit_test(test_times),
		cmocka_unit_test(test_two),	cmocka_unit_test(test_other_file),
		cmocka_unit_test(test_joined),	cmocka_unit_test(test_warning),
		cmocka_unit_test(test_refused), cmocka_unit_test(test_expressions),
	};

	world = mpi_test_begin(&argc, &argv);
	return mpi_test_end(world, cmocka_run_group_tests(tests, set_up, tear_down));
}
