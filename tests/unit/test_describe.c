/*
 * test_describe.c - what is said of a file's datasets: names, types, dataspaces, filters, fill
 * values, CF attributes, names of dimensions, and what is said when something is wrong.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <fcntl.h>
#include <math.h>
#include <sys/stat.h>

#include <cmocka.h>

#include "io/hdf5_library/ask.h"
#include "h5make.h"

static struct h5make m;

static int set_up(void **state)
{
	(void)state;
	return h5make_init(&m) ? 0 : -1;
}

static int tear_down(void **state)
{
	(void)state;
	h5make_fini(&m);
	return 0;
}

/* A dataset of n elements (n = 0: a scalar), with no data written. */
static hid_t add_dataset(hid_t where, const char *name, hid_t type, hsize_t n)
{
	hid_t space = n > 0 ? H5Screate_simple(1, &n, NULL) : H5Screate(H5S_SCALAR);
	hid_t dset = H5Dcreate2(where, name, type, space, H5P_DEFAULT, H5P_DEFAULT, H5P_DEFAULT);

	assert_true(dset >= 0);
	H5Sclose(space);
	return dset;
}

static struct qn_dataset describe(const char *path)
{
	struct quern_message err = { 0 };
	struct qn_dataset d;

	if (qn_hdf5_describe(m.file, path, NULL, true, &d, &err) != QUERN_OK)
		fail_msg("%s", err.text);
	assert_int_equal(qn_dataset_check(&d, &err), QUERN_OK);
	return d;
}

static void check_refused(const char *file, const char *path, const char *word)
{
	struct quern_message err = { 0 };
	struct qn_dataset d;

	assert_int_equal(qn_hdf5_describe(file, path, NULL, true, &d, &err), QUERN_ERR_DATA);
	if (!strstr(err.text, word) || strncmp(err.text, file, strlen(file)))
		fail_msg("'%s' has no '%s' in it", err.text, word);
}

static hid_t half_float(void)
{
	hid_t t = H5Tcopy(H5T_IEEE_F32LE);

	H5Tset_fields(t, 15, 10, 5, 0, 10);
	H5Tset_size(t, 2);
	H5Tset_ebias(t, 15);
	return t;
}

static hid_t brain_float(void)
{
	hid_t t = H5Tcopy(H5T_IEEE_F32LE);

	H5Tset_fields(t, 15, 7, 8, 0, 7);
	H5Tset_size(t, 2);
	return t;
}

static hid_t twelve_bits(void)
{
	hid_t t = H5Tcopy(H5T_STD_I16LE);

	H5Tset_precision(t, 12);
	return t;
}

static hid_t three_bytes(void)
{
	hid_t t = H5Tcopy(H5T_STD_U32LE);

	H5Tset_size(t, 3);
	return t;
}

static hid_t text_type(void)
{
	hid_t t = H5Tcopy(H5T_C_S1);

	H5Tset_size(t, 10);
	return t;
}

static hid_t long_text(void)
{
	hid_t t = H5Tcopy(H5T_C_S1);

	H5Tset_size(t, 4097);
	return t;
}

static hid_t variable_text(void)
{
	hid_t t = H5Tcopy(H5T_C_S1);

	H5Tset_size(t, H5T_VARIABLE);
	return t;
}

static hid_t enum_type(void)
{
	hid_t t = H5Tenum_create(H5T_STD_I8LE);
	const signed char one = 1;

	H5Tenum_insert(t, "ONE", &one);
	return t;
}

static hid_t compound_type(void)
{
	hid_t t = H5Tcreate(H5T_COMPOUND, 8);

	H5Tinsert(t, "a", 0, H5T_STD_I32LE);
	return t;
}

static void test_types(void **state)
{
	const struct {
		hid_t type;
		enum qn_class class;
		const char *name;
	} types[] = {
		{ H5T_STD_I8BE, QN_INT, "|i1" },
		{ H5T_STD_U8LE, QN_UINT, "|u1" },
		{ H5T_STD_I16LE, QN_INT, "<i2" },
		{ H5T_STD_I16BE, QN_INT, ">i2" },
		{ H5T_STD_U32BE, QN_UINT, ">u4" },
		{ H5T_STD_U64LE, QN_UINT, "<u8" },
		{ H5T_IEEE_F32BE, QN_FLOAT, ">f4" },
		{ H5T_IEEE_F64LE, QN_FLOAT, "<f8" },
		{ half_float(), QN_FLOAT, "<f2" },
		{ brain_float(), QN_FLOAT, "<bfloat16" },
		{ H5T_UNIX_D32BE, QN_INT, ">i4" },
		{ three_bytes(), QN_UINT, "<u4" },
		{ H5T_NATIVE_LDOUBLE, QN_OTHER, "unusual float" },
		{ twelve_bits(), QN_INT, "<i2" },
		{ text_type(), QN_TEXT, "|S10" },
		{ long_text(), QN_OTHER, "string" },
		{ variable_text(), QN_TEXT, "string" },
		{ enum_type(), QN_INT, "|i1" },
		{ compound_type(), QN_OTHER, "compound" },
		{ H5T_STD_REF_OBJ, QN_OTHER, "reference" },
		{ H5T_STD_B16LE, QN_UINT, "<u2" },
	};
	enum { NTYPES = sizeof(types) / sizeof(types[0]) };
	hid_t file = h5make_create(&m, false, 0, 0);
	char name[16];

	(void)state;
	for (size_t i = 0; i < NTYPES; i++) {
		snprintf(name, sizeof(name), "t%zu", i);
		H5Dclose(add_dataset(file, name, types[i].type, 5));
	}
	H5Fclose(file);
	for (size_t i = 0; i < NTYPES; i++) {
		struct qn_dataset d;

		snprintf(name, sizeof(name), "/t%zu", i);
		d = describe(name);
		assert_string_equal(d.type.name, types[i].name);
		assert_int_equal(d.type.class, types[i].class);
		qn_dataset_fini(&d);
	}
}

static enum quern_status try_column(const char *path, const char *column, struct qn_dataset *d,
				    struct quern_message *err)
{
	memset(err, 0, sizeof(*err));
	return qn_hdf5_describe(m.file, path, column, true, d, err);
}

static void check_column_refused(const char *path, const char *column, const char *words)
{
	struct quern_message err;
	struct qn_dataset d;

	assert_int_equal(try_column(path, column, &d, &err), QUERN_ERR_USAGE);
	if (!strstr(err.text, words) || !strstr(err.text, path))
		fail_msg("'%s' has no '%s' in it", err.text, words);
}

/* Closes the type. */
static void insert(hid_t compound, const char *name, size_t offset, hid_t type)
{
	assert_true(H5Tinsert(compound, name, offset, type) >= 0);
	H5Tclose(type);
}

/* { text: string of variable length; a.b: int16; a: { b: float64, c: [2][3] int32 }; o: opaque } */
static hid_t nested_type(void)
{
	const hsize_t dims[] = { 2, 3 };
	hid_t t = H5Tcreate(H5T_COMPOUND, 60), a = H5Tcreate(H5T_COMPOUND, 33);
	hid_t text = H5Tcopy(H5T_C_S1);

	H5Tset_size(text, H5T_VARIABLE);
	insert(a, "b", 1, H5Tcopy(H5T_IEEE_F64BE));
	insert(a, "c", 9, H5Tarray_create2(H5T_STD_I32LE, 2, dims));
	insert(t, "text", 0, text);
	insert(t, "a.b", 10, H5Tcopy(H5T_STD_I16LE));
	insert(t, "a", 15, a);
	insert(t, "o", 50, H5Tcreate(H5T_OPAQUE, 3));
	return t;
}

static void test_columns(void **state)
{
	hid_t file = h5make_create(&m, false, 0, 0), t = nested_type();
	struct quern_message err;
	struct qn_dataset d;

	(void)state;
	H5Dclose(add_dataset(file, "x", t, 5));
	H5Dclose(add_dataset(file, "scalar", t, 0));
	H5Dclose(add_dataset(file, "plain", H5T_STD_I32LE, 5));
	H5Tclose(t);
	H5Fclose(file);
	/* A name with a dot comes before a member of a member. In the file the text has 16 bytes. */
	assert_int_equal(try_column("/x", "a.b", &d, &err), QUERN_OK);
	assert_string_equal(d.type.name, "<i2");
	assert_int_equal(d.record.nbytes, 68);
	assert_int_equal(d.record.offset, 18);
	assert_true(d.native);
	qn_dataset_fini(&d);
	assert_int_equal(try_column("/x", "a.c", &d, &err), QUERN_OK);
	assert_int_equal(d.ndim, 3);
	assert_int_equal(d.shape[2], 3);
	assert_int_equal(d.record.offset, 8 + 15 + 9);
	assert_int_equal(d.record.stride[0], 12);
	assert_string_equal(d.column, "a.c");
	qn_dataset_fini(&d);
	assert_int_equal(try_column("/scalar", "a.c", &d, &err), QUERN_OK);
	assert_int_equal(d.ndim, 2);
	assert_false(d.scalar);
	qn_dataset_fini(&d);
	check_column_refused("/x", "a",
			     "is a compound itself: choose one of its members, such as a.b");
	check_column_refused("/x", "a.d", "did you mean 'a.b'?");
	check_column_refused("/x", "quite else", "Its members: text, a.b, a.b, a.c, o");
	check_column_refused("/x", "o.o", "no member");
	check_column_refused("/plain", "a", "not a compound");
}

static void test_members(void **state)
{
	hid_t file = h5make_create(&m, false, 0, 0), t = nested_type();
	struct qn_dataset d;

	(void)state;
	H5Dclose(add_dataset(file, "x", t, 5));
	H5Tclose(t);
	H5Fclose(file);
	d = describe("/x");
	assert_string_equal(d.type.name, "compound");
	assert_int_equal(d.type.size, 68);
	assert_int_equal(d.nmembers, 5);
	assert_string_equal(d.members[2].name, "a.b");
	assert_string_equal(d.members[2].type.name, ">f8");
	assert_int_equal(d.members[2].offset, 24);
	assert_int_equal(d.members[3].ndim, 2);
	assert_string_equal(d.members[4].type.name, "opaque");
	qn_dataset_fini(&d);
}

/* With those of the array there would be 33 dimensions; and a compound in a compound in ... */
static void test_too_much(void **state)
{
	hsize_t one[32], three = 3;
	hid_t file = h5make_create(&m, false, 0, 0), t, space, inner = H5Tcopy(H5T_STD_I8LE);
	struct quern_message err;
	struct qn_dataset d;
	char name[200] = "";

	(void)state;
	for (int i = 0; i < 32; i++)
		one[i] = 1;
	space = H5Screate_simple(32, one, NULL);
	t = H5Tarray_create2(H5T_STD_I8LE, 1, &three);
	H5Dclose(H5Dcreate2(file, "dims", t, space, H5P_DEFAULT, H5P_DEFAULT, H5P_DEFAULT));
	H5Sclose(space);
	H5Tclose(t);
	for (int i = 0; i < 40; i++) {
		t = H5Tcreate(H5T_COMPOUND, 1);
		insert(t, "a", 0, inner);
		strcat(name, i ? ".a" : "a");
		inner = t;
	}
	H5Dclose(add_dataset(file, "deep", inner, 5));
	H5Tclose(inner);
	H5Fclose(file);
	assert_int_equal(try_column("/dims", NULL, &d, &err), QUERN_ERR_DATA);
	assert_non_null(strstr(err.text, "33 dimensions"));
	assert_int_equal(try_column("/deep", name, &d, &err), QUERN_ERR_DATA);
	assert_non_null(strstr(err.text, "nested more deeply"));
	assert_int_equal(try_column("/deep", NULL, &d, &err), QUERN_OK);
	assert_int_equal(d.nmembers, 0);
	qn_dataset_fini(&d);
}

static void test_spaces(void **state)
{
	hid_t file = h5make_create(&m, false, 0, 0), space = H5Screate(H5S_NULL), dset;
	const hsize_t none[2] = { 0, 7 };
	struct qn_dataset d;
	int v = 42;

	(void)state;
	H5Dclose(H5Dcreate2(file, "null", H5T_STD_I32LE, space, H5P_DEFAULT, H5P_DEFAULT,
			    H5P_DEFAULT));
	H5Sclose(space);
	space = H5Screate_simple(2, none, NULL);
	H5Dclose(H5Dcreate2(file, "none", H5T_STD_I32LE, space, H5P_DEFAULT, H5P_DEFAULT,
			    H5P_DEFAULT));
	H5Sclose(space);
	dset = add_dataset(file, "scalar", H5T_STD_I32LE, 0);
	H5Dwrite(dset, H5T_NATIVE_INT, H5S_ALL, H5S_ALL, H5P_DEFAULT, &v);
	H5Dclose(dset);
	H5Dclose(add_dataset(file, "unwritten", H5T_STD_I32LE, 9));
	H5Fclose(file);

	d = describe("/null");
	assert_true(d.ndim == 1 && d.shape[0] == 0 && !d.scalar && d.nchunks == 0);
	qn_dataset_fini(&d);
	d = describe("/none");
	assert_true(d.ndim == 2 && d.shape[0] == 0 && d.shape[1] == 7 && d.nchunks == 0);
	qn_dataset_fini(&d);
	d = describe("scalar");
	assert_string_equal(d.path, "/scalar");
	assert_true(d.ndim == 1 && d.shape[0] == 1 && d.scalar && d.nchunks == 1);
	assert_int_equal(d.chunks[0].nbytes, 4);
	qn_dataset_fini(&d);
	d = describe("/unwritten");
	assert_true(d.shape[0] == 9 && d.layout == QN_CONTIGUOUS && d.nchunks == 0 && d.native);
	qn_dataset_fini(&d);
}

static void test_filters_and_fill(void **state)
{
	hid_t file = h5make_create(&m, false, 1024, 0), dcpl = H5Pcreate(H5P_DATASET_CREATE);
	const hsize_t shape[2] = { 10, 20 }, chunk[2] = { 5, 20 };
	hid_t space = H5Screate_simple(2, shape, NULL);
	const double fill = -2.5;
	const unsigned params[3] = { 7, 8, 9 };
	struct qn_dataset d;
	struct stat st;

	(void)state;
	H5Pset_chunk(dcpl, 2, chunk);
	H5Pset_shuffle(dcpl);
	H5Pset_deflate(dcpl, 6);
	H5Pset_fletcher32(dcpl);
	H5Pset_fill_value(dcpl, H5T_NATIVE_DOUBLE, &fill);
	H5Dclose(H5Dcreate2(file, "x", H5T_IEEE_F32BE, space, H5P_DEFAULT, dcpl, H5P_DEFAULT));
	H5Pset_filter(dcpl, 300, H5Z_FLAG_OPTIONAL, 3, params);
	H5Dclose(H5Dcreate2(file, "y", H5T_IEEE_F32BE, space, H5P_DEFAULT, dcpl, H5P_DEFAULT));
	H5Sclose(space);
	H5Pclose(dcpl);
	H5Fclose(file);
	stat(m.file, &st);

	d = describe("/x");
	assert_int_equal(d.nfilters, 3);
	assert_int_equal(d.filter[0].id, QN_FILTER_SHUFFLE);
	assert_int_equal(d.filter[0].params[0], 4);
	assert_int_equal(d.filter[1].id, QN_FILTER_DEFLATE);
	assert_int_equal(d.filter[1].params[0], 6);
	assert_string_equal(d.filter[1].name, "deflate");
	assert_int_equal(d.filter[2].id, QN_FILTER_FLETCHER32);
	assert_memory_equal(d.fill_value, "\xc0\x20\x00\x00", 4);
	assert_true(d.native);
	assert_int_equal(d.user_block, 1024);
	assert_int_equal(d.file_nbytes, st.st_size);
	assert_int_equal(d.file_mtime_ns, st.st_mtim.tv_sec * 1000000000 + st.st_mtim.tv_nsec);
	assert_true(d.chunk[0] == 5 && d.chunk[1] == 20);
	qn_dataset_fini(&d);

	d = describe("/y");
	assert_false(d.native);
	assert_non_null(strstr(d.why_not_native, "300"));
	assert_int_equal(d.filter[3].nparams, 3);
	assert_int_equal(d.filter[3].params[2], 9);
	qn_dataset_fini(&d);
}

static double as_double(uint64_t bits)
{
	double x;

	memcpy(&x, &bits, sizeof(x));
	return x;
}

static void test_cf_packed(void **state)
{
	hid_t file = h5make_create(&m, false, 0, 0), dset;
	const short fill = -32767, range[2] = { -100, 1000 };
	const double scale = 0.01, offset = 273.15, missing[3] = { -1, 2.5, 70000 };
	struct qn_dataset d;

	(void)state;
	dset = add_dataset(file, "x", H5T_STD_I16LE, 5);
	h5make_numbers(dset, "_FillValue", H5T_STD_I16BE, H5T_NATIVE_SHORT, 1, &fill);
	h5make_numbers(dset, "valid_range", H5T_STD_I16LE, H5T_NATIVE_SHORT, 2, range);
	h5make_numbers(dset, "scale_factor", H5T_IEEE_F64LE, H5T_NATIVE_DOUBLE, 0, &scale);
	h5make_numbers(dset, "add_offset", H5T_IEEE_F64LE, H5T_NATIVE_DOUBLE, 1, &offset);
	h5make_numbers(dset, "missing_value", H5T_IEEE_F64LE, H5T_NATIVE_DOUBLE, 3, missing);
	h5make_text(dset, "units", 0, H5T_STR_NULLTERM, "K");
	H5Dclose(dset);
	H5Fclose(file);

	d = describe("/x");
	assert_true(d.cf.has_fill && d.cf.has_min && d.cf.has_max && d.cf.has_scale);
	assert_true((int64_t)d.cf.fill == -32767);
	assert_true((int64_t)d.cf.valid_min == -100 && (int64_t)d.cf.valid_max == 1000);
	assert_true(d.cf.scale == 0.01 && d.cf.offset == 273.15);
	assert_int_equal(d.cf.nmissing, 1); /* 2.5 and 70000 are no int16 */
	assert_true((int64_t)d.cf.missing[0] == -1);
	assert_string_equal(d.units, "K");
	qn_dataset_fini(&d);
}

/* Bounds in float on packed integers are of the unpacked values. */
static void test_cf_unpacked_bounds(void **state)
{
	hid_t file = h5make_create(&m, false, 0, 0), dset;
	const double scale = -0.5, offset = 10, low = -10.2, high = 20.3;
	struct qn_dataset d;

	(void)state;
	dset = add_dataset(file, "x", H5T_STD_I16LE, 5);
	h5make_numbers(dset, "valid_min", H5T_IEEE_F64LE, H5T_NATIVE_DOUBLE, 1, &low);
	h5make_numbers(dset, "valid_max", H5T_IEEE_F64LE, H5T_NATIVE_DOUBLE, 1, &high);
	h5make_numbers(dset, "scale_factor", H5T_IEEE_F64LE, H5T_NATIVE_DOUBLE, 1, &scale);
	h5make_numbers(dset, "add_offset", H5T_IEEE_F64LE, H5T_NATIVE_DOUBLE, 1, &offset);
	H5Dclose(dset);
	H5Dclose(add_dataset(file, "none", H5T_STD_I16LE, 5));
	dset = add_dataset(file, "plain", H5T_STD_U8LE, 5);
	h5make_numbers(dset, "valid_min", H5T_IEEE_F64LE, H5T_NATIVE_DOUBLE, 1, &low);
	h5make_numbers(dset, "valid_max", H5T_IEEE_F64LE, H5T_NATIVE_DOUBLE, 1, &high);
	H5Dclose(dset);
	H5Fclose(file);

	/* -10.2 <= 10 - p / 2 <= 20.3: p from -20.6 to 40.4 */
	d = describe("/x");
	assert_true((int64_t)d.cf.valid_min == -20 && (int64_t)d.cf.valid_max == 40);
	qn_dataset_fini(&d);
	d = describe("/none");
	assert_false(d.cf.has_min || d.cf.has_max || d.cf.has_fill || d.cf.has_scale);
	assert_true(d.cf.scale == 1 && d.cf.offset == 0);
	qn_dataset_fini(&d);
	/* Without a scale: -10.2 excludes no uint8, 20.3 those from 21. */
	d = describe("/plain");
	assert_true(!d.cf.has_min && d.cf.has_max && d.cf.valid_max == 20);
	qn_dataset_fini(&d);
}

static void test_cf_unsigned(void **state)
{
	hid_t file = h5make_create(&m, false, 0, 0), dset;
	const signed char fill = -1, range[2] = { 0, -6 };
	struct qn_dataset d;

	(void)state;
	dset = add_dataset(file, "x", H5T_STD_I8LE, 5);
	h5make_text(dset, "_Unsigned", 4, H5T_STR_NULLPAD, "true");
	h5make_numbers(dset, "_FillValue", H5T_STD_I8LE, H5T_NATIVE_SCHAR, 1, &fill);
	h5make_numbers(dset, "valid_range", H5T_STD_I8LE, H5T_NATIVE_SCHAR, 2, range);
	H5Dclose(dset);
	H5Fclose(file);

	d = describe("/x");
	assert_true(d.cf.as_unsigned && d.type.class == QN_UINT);
	assert_int_equal(d.cf.fill, 255);
	assert_true(d.cf.valid_min == 0 && d.cf.valid_max == 250);
	qn_dataset_fini(&d);
}

static void test_cf_floats(void **state)
{
	hid_t file = h5make_create(&m, false, 0, 0), dset;
	const float fill = NAN;
	const double missing = 1e20, zero = 0;
	struct qn_dataset d;

	(void)state;
	dset = add_dataset(file, "x", H5T_IEEE_F32LE, 5);
	h5make_numbers(dset, "_FillValue", H5T_IEEE_F32LE, H5T_NATIVE_FLOAT, 1, &fill);
	h5make_numbers(dset, "missing_value", H5T_IEEE_F64LE, H5T_NATIVE_DOUBLE, 1, &missing);
	h5make_numbers(dset, "scale_factor", H5T_IEEE_F64LE, H5T_NATIVE_DOUBLE, 1, &zero);
	h5make_text(dset, "valid_min", 3, H5T_STR_NULLPAD, "abc");
	h5make_text(dset, "units", 80, H5T_STR_SPACEPAD, "m s-1");
	H5Dclose(dset);
	H5Fclose(file);

	d = describe("/x");
	assert_true(d.cf.has_fill && isnan(as_double(d.cf.fill)));
	assert_true(d.cf.nmissing == 1 && as_double(d.cf.missing[0]) == (double)1e20f);
	assert_false(d.cf.has_scale || d.cf.has_min);
	assert_string_equal(d.units, "m s-1");
	qn_dataset_fini(&d);
}

/* A text that is too long is cut between characters: each of these has two bytes. */
static void test_long_units(void **state)
{
	hid_t file = h5make_create(&m, false, 0, 0), dset = add_dataset(file, "x", H5T_STD_I8LE, 5);
	struct qn_dataset d;
	char text[101] = "";

	(void)state;
	for (int i = 0; i < 50; i++)
		strcat(text, "\xc2\xb5");
	h5make_text(dset, "units", 0, H5T_STR_NULLTERM, text);
	H5Dclose(dset);
	H5Fclose(file);
	d = describe("/x");
	assert_int_equal(strlen(d.units), 62);
	qn_dataset_fini(&d);
}

/* Of degrees only, and of the longitude itself. */
static void test_longitude(void **state)
{
	static const struct {
		const char *units, *standard_name;
		bool is;
	} kinds[] = {
		{ "degrees_east", NULL, true },	  { "degreeE", NULL, true },
		{ "degrees", "longitude", true }, { "radians", "longitude", false },
		{ "degrees", NULL, false },	  { "degrees", "grid_longitude", false },
		{ "degrees_north", NULL, false },
	};
	hid_t file = h5make_create(&m, false, 0, 0), dset;
	char path[] = "/0";

	(void)state;
	for (int i = 0; i < 7; i++) {
		path[1] = (char)('0' + i);
		dset = add_dataset(file, path, H5T_IEEE_F32LE, 5);
		h5make_text(dset, "units", 0, H5T_STR_NULLTERM, kinds[i].units);
		if (kinds[i].standard_name)
			h5make_text(dset, "standard_name", 20, H5T_STR_NULLPAD,
				    kinds[i].standard_name);
		H5Dclose(dset);
	}
	H5Fclose(file);
	for (int i = 0; i < 7; i++) {
		struct qn_dataset d;

		path[1] = (char)('0' + i);
		d = describe(path);
		assert_int_equal(d.is_longitude, kinds[i].is);
		qn_dataset_fini(&d);
	}
}

/* DIMENSION_LIST as NetCDF-4 and the dimension scale library write it. */
static void attach(hid_t file, hid_t dset, const char *const *scales, int n)
{
	hid_t type = H5Tvlen_create(H5T_STD_REF_OBJ), attr, space;
	hobj_ref_t refs[4];
	hvl_t lists[4];
	hsize_t count = (hsize_t)n;

	for (int i = 0; i < n; i++) {
		lists[i].len = 1;
		lists[i].p = &refs[i];
		assert_true(H5Rcreate(&refs[i], file, scales[i], H5R_OBJECT, -1) >= 0);
	}
	space = H5Screate_simple(1, &count, NULL);
	attr = H5Acreate2(dset, "DIMENSION_LIST", type, space, H5P_DEFAULT, H5P_DEFAULT);
	assert_true(H5Awrite(attr, type, lists) >= 0);
	H5Aclose(attr);
	H5Sclose(space);
	H5Tclose(type);
}

static void test_dims(void **state)
{
	static const char *const scales[] = { "/grid/time", "/lat" };
	hid_t file = h5make_create(&m, false, 0, 0), group, dset, space;
	const hsize_t shape[2] = { 3, 4 };
	struct qn_dataset d;

	(void)state;
	group = H5Gcreate2(file, "grid", H5P_DEFAULT, H5P_DEFAULT, H5P_DEFAULT);
	dset = add_dataset(group, "time", H5T_STD_I32LE, 3);
	h5make_text(dset, "CLASS", 16, H5T_STR_NULLTERM, "DIMENSION_SCALE");
	h5make_text(dset, "calendar", 0, H5T_STR_NULLTERM, "noleap");
	H5Dclose(dset);
	H5Gclose(group);
	dset = add_dataset(file, "lat", H5T_STD_I32LE, 4);
	h5make_text(dset, "CLASS", 16, H5T_STR_NULLTERM, "DIMENSION_SCALE");
	h5make_text(dset, "NAME", 64, H5T_STR_NULLTERM,
		    "This is a netCDF dimension but not a netCDF variable.         4");
	H5Dclose(dset);
	space = H5Screate_simple(2, shape, NULL);
	dset = H5Dcreate2(file, "x", H5T_STD_I8LE, space, H5P_DEFAULT, H5P_DEFAULT, H5P_DEFAULT);
	attach(file, dset, scales, 2);
	H5Dclose(dset);
	H5Sclose(space);
	H5Fclose(file);

	d = describe("/x");
	assert_string_equal(d.dim_name[0], "time");
	assert_string_equal(d.dim_name[1], "lat");
	assert_string_equal(d.dim_scale[0], "/grid/time");
	assert_string_equal(d.dim_scale[1], "/lat");
	assert_false(d.dim_only);
	qn_dataset_fini(&d);
	d = describe("/grid/time");
	assert_string_equal(d.dim_name[0], "time");
	assert_string_equal(d.dim_scale[0], "/grid/time");
	assert_string_equal(d.calendar, "noleap");
	assert_false(d.dim_only);
	qn_dataset_fini(&d);
	d = describe("/lat");
	assert_true(d.dim_only);
	assert_string_equal(d.calendar, "");
	qn_dataset_fini(&d);
}

/* Every dataset once, whatever leads to it, and all that leads to it: hard links, soft links, circles,
   links out of the file. */
static void test_list(void **state)
{
	static const struct {
		const char *path, *file, *target;
		enum qn_link_kind kind;
		enum qn_object leads_to;
	} links[] = {
		{ "/b/circle", "", "/", QN_HARD_LINK, QN_GROUP },
		{ "/b/zz", "", "/a", QN_HARD_LINK, QN_DATASET },
		{ "/dangling", "", "/nowhere", QN_SOFT_LINK, QN_NOTHING },
		{ "/out", "other.h5", "/x", QN_EXTERNAL_LINK, QN_OTHER_FILE },
		{ "/soft", "", "/b/y", QN_SOFT_LINK, QN_DATASET },
	};
	hid_t file = h5make_create(&m, false, 0, 0), group;
	struct quern_message err = { 0 };
	struct qn_listing l;

	(void)state;
	group = H5Gcreate2(file, "b", H5P_DEFAULT, H5P_DEFAULT, H5P_DEFAULT);
	H5Dclose(add_dataset(group, "y", H5T_STD_I8LE, 5));
	H5Dclose(add_dataset(file, "a", H5T_STD_I8LE, 5));
	H5Lcreate_hard(file, "/", group, "circle", H5P_DEFAULT, H5P_DEFAULT);
	H5Lcreate_hard(file, "/a", group, "zz", H5P_DEFAULT, H5P_DEFAULT);
	H5Lcreate_soft("/b/y", file, "soft", H5P_DEFAULT, H5P_DEFAULT);
	H5Lcreate_soft("/nowhere", file, "dangling", H5P_DEFAULT, H5P_DEFAULT);
	H5Lcreate_external("other.h5", "/x", file, "out", H5P_DEFAULT, H5P_DEFAULT);
	H5Gclose(group);
	H5Fclose(file);

	assert_int_equal(qn_formats[0]->list(m.file, &l, &err), QUERN_OK);
	assert_int_equal(l.n, 2);
	assert_string_equal(l.path[0], "/a");
	assert_string_equal(l.path[1], "/b/y");
	assert_int_equal(l.nlinks, 5);
	for (size_t i = 0; i < l.nlinks; i++) {
		assert_string_equal(l.link[i].path, links[i].path);
		assert_string_equal(l.link[i].file, links[i].file);
		assert_string_equal(l.link[i].target, links[i].target);
		assert_int_equal(l.link[i].kind, links[i].kind);
		assert_int_equal(l.link[i].leads_to, links[i].leads_to);
	}
	assert_int_equal(l.nflaws, 0);
	qn_listing_fini(&l);
	check_refused(m.file, "/dangling", "/dangling: a soft link that leads nowhere");
	check_refused(m.file, "/b", "not a dataset");
}

/* A dataset in another file, by a link: its addresses are of that file. */
static void test_external_link(void **state)
{
	struct quern_message err = { 0 };
	char other[320];
	hid_t file;
	struct qn_dataset d;

	(void)state;
	snprintf(other, sizeof(other), "%s/other.h5", m.dir);
	file = H5Fcreate(other, H5F_ACC_TRUNC, H5P_DEFAULT, H5P_DEFAULT);
	H5Dclose(add_dataset(file, "x", H5T_STD_I8LE, 5));
	H5Fclose(file);
	file = h5make_create(&m, false, 0, 0);
	H5Lcreate_external(other, "/x", file, "out", H5P_DEFAULT, H5P_DEFAULT);
	H5Fclose(file);
	/* This process does not go there by itself; the format's slot does. */
	check_refused(m.file, "/out", "in another file");
	assert_int_equal(qn_formats[0]->describe(m.file, "out", NULL, true, &d, &err), QUERN_OK);
	assert_true(d.native);
	assert_string_equal(d.file, other);
	assert_string_equal(d.path, "/x");
	assert_string_equal(d.asked, "/out");
	qn_dataset_fini(&d);
	unlink(other);
}

static void test_reader(void **state)
{
	hid_t file = h5make_create(&m, false, 0, 0), space, dset;
	const hsize_t shape[2] = { 4, 5 };
	const struct quern_box box = {
		.ndim = 2, .start = { 1, 2 }, .count = { 2, 3 }, .step = { 1, 1 }
	};
	struct quern_message err = { 0 };
	struct qn_dataset d;
	void *reader;
	short v[20], got[6];

	(void)state;
	for (short i = 0; i < 20; i++)
		v[i] = (short)(i - 10);
	space = H5Screate_simple(2, shape, NULL);
	dset = H5Dcreate2(file, "x", H5T_STD_I16BE, space, H5P_DEFAULT, H5P_DEFAULT, H5P_DEFAULT);
	H5Dwrite(dset, H5T_NATIVE_SHORT, H5S_ALL, H5S_ALL, H5P_DEFAULT, v);
	H5Dclose(dset);
	H5Sclose(space);
	H5Fclose(file);

	d = describe("/x");
	assert_int_equal(qn_formats[0]->open(&d, &reader, &err), QUERN_OK);
	assert_int_equal(qn_formats[0]->read(reader, &box, got, &err), QUERN_OK);
	for (int i = 0; i < 6; i++)
		assert_int_equal(got[i], v[(1 + i / 3) * 5 + 2 + i % 3]);
	qn_formats[0]->close(reader);
	qn_dataset_fini(&d);
}

static void write_file(const char *bytes, size_t nbytes)
{
	int fd = open(m.file, O_WRONLY | O_CREAT | O_TRUNC, 0666);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, bytes, nbytes), nbytes);
	close(fd);
}

static void test_bad_files(void **state)
{
	bool is = true;
	struct quern_message err = { 0 };

	(void)state;
	unlink(m.file);
	check_refused(m.file, "/x", "No such file");
	assert_int_equal(qn_formats[0]->probe(m.file, &is, &err), QUERN_ERR_DATA);
	check_refused(m.dir, "/x", "directory");
	write_file("", 0);
	check_refused(m.file, "/x", "is empty");
	write_file("CDF\001 and so on, more than a few bytes of it, no matter what", 56);
	check_refused(m.file, "/x", "nccopy");
	write_file("time,lat,lon\n", 13);
	check_refused(m.file, "/x", "not an HDF5 file");
	err.status = QUERN_OK;
	assert_int_equal(qn_formats[0]->probe(m.file, &is, &err), QUERN_OK);
	assert_false(is);
	if (geteuid() != 0) {
		chmod(m.file, 0);
		check_refused(m.file, "/x", "Permission denied");
		chmod(m.file, 0600);
	}
}

static void test_truncated_file(void **state)
{
	hid_t file = h5make_create(&m, false, 0, 0), dset;
	signed char v[5000] = { 1 };

	(void)state;
	dset = add_dataset(file, "x", H5T_STD_I8LE, 5000);
	H5Dwrite(dset, H5T_NATIVE_SCHAR, H5S_ALL, H5S_ALL, H5P_DEFAULT, v);
	H5Dclose(dset);
	H5Fclose(file);
	assert_int_equal(truncate(m.file, 4000), 0);
	check_refused(m.file, "/x", "truncated file");
}

static void test_names(void **state)
{
	hid_t file = h5make_create(&m, false, 0, 0);
	char name[8];

	(void)state;
	for (int i = 0; i < 20; i++) {
		snprintf(name, sizeof(name), "v%02d", i);
		H5Dclose(add_dataset(file, name, H5T_STD_I8LE, 5));
	}
	H5Dclose(add_dataset(file, "temperature", H5T_STD_I8LE, 5));
	H5Fclose(file);
	check_refused(m.file, "temprature", "did you mean /temperature?");
	check_refused(m.file, "/data/Temperature", "did you mean /temperature?");
	check_refused(m.file, "/nothing", ": /temperature /v00 /v01");
	check_refused(m.file, "/nothing", "and 11 more");
	check_refused(m.file, "/v00/x", "no such dataset /v00/x");

	file = h5make_create(&m, false, 0, 0);
	H5Fclose(file);
	check_refused(m.file, "/x", "no datasets");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_columns),	      cmocka_unit_test(test_members),
		cmocka_unit_test(test_too_much),      cmocka_unit_test(test_types),
		cmocka_unit_test(test_spaces),	      cmocka_unit_test(test_filters_and_fill),
		cmocka_unit_test(test_cf_packed),     cmocka_unit_test(test_cf_unpacked_bounds),
		cmocka_unit_test(test_cf_unsigned),   cmocka_unit_test(test_cf_floats),
		cmocka_unit_test(test_long_units),    cmocka_unit_test(test_longitude),
		cmocka_unit_test(test_dims),	      cmocka_unit_test(test_list),
		cmocka_unit_test(test_external_link), cmocka_unit_test(test_reader),
		cmocka_unit_test(test_bad_files),     cmocka_unit_test(test_truncated_file),
		cmocka_unit_test(test_names),
	};

	H5Eset_auto2(H5E_DEFAULT, NULL, NULL);
	return cmocka_run_group_tests(tests, set_up, tear_down);
}
