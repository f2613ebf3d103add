/*
 * test_verify.c - verification of files that the HDF5 library makes and then changes: what is said of
 * each change, and that nothing else is.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <jansson.h>

#include "h5make.h"
#include "quern.h"

static struct h5make made;
static char sums[320], with_sums[340], write_sums[340];

static hid_t ok(hid_t id)
{
	assert_true(id >= 0);
	return id;
}

/* Verifies the file; setting: "NAME=VALUE", or NULL. */
static enum quern_status execute(quern_run *run, const char *setting)
{
	char name[32] = "";
	const char *value = setting ? strchr(setting, '=') : NULL;

	assert_non_null(run);
	if (setting) {
		snprintf(name, sizeof(name), "%.*s", (int)strcspn(setting, "="), setting);
		quern_run_set(run, name, value ? value + 1 : NULL);
	}
	quern_run_add_file(run, made.file);
	return quern_run_execute(run);
}

/* The document of one verification; the caller frees it. */
static json_t *verify(const char *setting, enum quern_status want)
{
	quern_session *session = quern_session_new(MPI_COMM_NULL);
	quern_run *run = quern_verify_new(session);
	enum quern_status st = execute(run, setting);
	const char *why = quern_run_message(run);
	char *text = quern_run_document(run, false);
	json_t *doc;

	if (st != want)
		print_message("status %d, not %d: %s\n", (int)st, (int)want, why);
	assert_int_equal(st, want);
	assert_int_equal(*why != '\0', st != QUERN_OK);
	doc = text ? json_loads(text, 0, NULL) : NULL;
	free(text);
	quern_run_free(run);
	quern_session_free(session);
	return doc;
}

static const json_t *damages(const json_t *doc)
{
	return json_object_get(json_array_get(json_object_get(doc, "files"), 0), "damages");
}

static long long summary(const json_t *doc, const char *name)
{
	return json_integer_value(json_object_get(json_object_get(doc, "summary"), name));
}

/* Each part is in exactly one damage, and there are no others than these. */
static void assert_damages(const char *setting, int n, ...)
{
	json_t *doc = verify(setting, n ? QUERN_ERR_DATA : QUERN_OK);
	const json_t *list = damages(doc), *d;
	va_list ap;
	size_t i;

	assert_non_null(doc);
	json_array_foreach(list, i, d) if ((int)json_array_size(list) != n)
		print_message("%s\n", json_string_value(json_object_get(d, "message")));
	assert_int_equal(json_array_size(list), n);
	va_start(ap, n);
	for (int k = 0; k < n; k++) {
		const char *part = va_arg(ap, const char *);
		int count = 0;

		json_array_foreach(list, i, d)
			count += !!strstr(json_string_value(json_object_get(d, "message")), part);
		if (count != 1)
			print_message("'%s' is in %d messages\n", part, count);
		assert_int_equal(count, 1);
	}
	va_end(ap);
	json_decref(doc);
}

/* --- files --- */

/* 12 x 10 integers in chunks of 4 x 5, growing; the last row of chunks is never written. */
static void make_chunked(hid_t file, const char *path, unsigned deflate, bool fletcher)
{
	hsize_t shape[] = { 12, 10 }, most[] = { H5S_UNLIMITED, 10 }, chunk[] = { 4, 5 };
	hsize_t start[] = { 0, 0 }, count[] = { 8, 10 };
	hid_t space = ok(H5Screate_simple(2, shape, most)), memory;
	hid_t dcpl = ok(H5Pcreate(H5P_DATASET_CREATE)), dset;
	int v[80];

	for (int i = 0; i < 80; i++)
		v[i] = i * i;
	ok(H5Pset_chunk(dcpl, 2, chunk));
	if (deflate)
		ok(H5Pset_deflate(dcpl, deflate));
	if (fletcher)
		ok(H5Pset_fletcher32(dcpl));
	dset = ok(H5Dcreate2(file, path, H5T_STD_I32LE, space, H5P_DEFAULT, dcpl, H5P_DEFAULT));
	memory = ok(H5Screate_simple(2, count, NULL));
	ok(H5Sselect_hyperslab(space, H5S_SELECT_SET, start, NULL, count, NULL));
	ok(H5Dwrite(dset, H5T_NATIVE_INT, memory, space, H5P_DEFAULT, v));
	H5Sclose(memory);
	H5Dclose(dset);
	H5Pclose(dcpl);
	H5Sclose(space);
}

static void make_plain(hid_t file, const char *path, bool compact)
{
	hsize_t n = 100;
	hid_t space = ok(H5Screate_simple(1, &n, NULL)), dcpl = ok(H5Pcreate(H5P_DATASET_CREATE));
	double v[100];
	hid_t dset;

	for (int i = 0; i < 100; i++)
		v[i] = 0.5 * i;
	if (compact)
		ok(H5Pset_layout(dcpl, H5D_COMPACT));
	dset = ok(H5Dcreate2(file, path, H5T_IEEE_F64LE, space, H5P_DEFAULT, dcpl, H5P_DEFAULT));
	ok(H5Dwrite(dset, H5T_NATIVE_DOUBLE, H5S_ALL, H5S_ALL, H5P_DEFAULT, v));
	H5Dclose(dset);
	H5Pclose(dcpl);
	H5Sclose(space);
}

static void put_strings(hid_t file, bool create, const char *second)
{
	hsize_t n = 2;
	hid_t space = ok(H5Screate_simple(1, &n, NULL)), type = ok(H5Tcopy(H5T_C_S1)), dset;
	const char *v[] = { "a string", second };

	ok(H5Tset_size(type, H5T_VARIABLE));
	dset = create ? H5Dcreate2(file, "/strings", type, space, H5P_DEFAULT, H5P_DEFAULT,
				   H5P_DEFAULT)
		      : H5Dopen2(file, "/strings", H5P_DEFAULT);
	ok(H5Dwrite(ok(dset), type, H5S_ALL, H5S_ALL, H5P_DEFAULT, v));
	H5Dclose(dset);
	H5Tclose(type);
	H5Sclose(space);
}

static void make_file(bool latest)
{
	hid_t file = ok(h5make_create(&made, latest, 0, 0));

	make_chunked(file, "/raw", 0, false);
	make_chunked(file, "/deflate", 3, false);
	make_chunked(file, "/both", 3, true);
	make_plain(file, "/plain", false);
	make_plain(file, "/compact", true);
	put_strings(file, true, "another");
	ok(H5Fclose(file));
}

static hid_t reopen(void)
{
	return ok(H5Fopen(made.file, H5F_ACC_RDWR, H5P_DEFAULT));
}

static void put_one(hid_t file, const char *path, hsize_t row, hsize_t column, int v)
{
	hid_t dset = ok(H5Dopen2(file, path, H5P_DEFAULT)), space = ok(H5Dget_space(dset));
	hsize_t at[] = { row, column }, one = 1;
	hid_t memory = ok(H5Screate_simple(1, &one, NULL));

	ok(H5Sselect_elements(space, H5S_SELECT_SET, 1, at));
	ok(H5Dwrite(dset, H5T_NATIVE_INT, memory, space, H5P_DEFAULT, &v));
	H5Sclose(memory);
	H5Sclose(space);
	H5Dclose(dset);
}

static void set_rows(hid_t file, const char *path, hsize_t rows)
{
	hid_t dset = ok(H5Dopen2(file, path, H5P_DEFAULT));
	hsize_t shape[] = { rows, 10 };

	ok(H5Dset_extent(dset, shape));
	H5Dclose(dset);
}

/* --- cases --- */

static void test_clean(void **state)
{
	(void)state;
	for (int latest = 0; latest < 2; latest++) {
		json_t *doc;

		make_file(latest);
		doc = verify(NULL, QUERN_OK);
		assert_int_equal(summary(doc, "datasets"), 6);
		assert_int_equal(summary(doc, "chunks"), 3 * 4 + 3);
		assert_int_equal(summary(doc, "chunks_checksummed"), 4);
		assert_int_equal(summary(doc, "chunks_unchecked"), 11);
		assert_int_equal(summary(doc, "chunks_damaged"), 0);
		assert_true(summary(doc, "bytes_decoded") > 3 * 320 + 2 * 800);
		json_decref(doc);
		doc = verify("dataset=both", QUERN_OK);
		assert_int_equal(summary(doc, "datasets"), 1);
		json_decref(doc);
		json_decref(verify("dataset=nosuch", QUERN_ERR_USAGE));
		json_decref(verify("nosuch=1", QUERN_ERR_USAGE));
		json_decref(verify("nosuch", QUERN_ERR_USAGE));
		json_decref(verify("threads=0", QUERN_ERR_USAGE));
	}
}

static bool has_sums(void)
{
	quern_session *session = quern_session_new(MPI_COMM_NULL);
	quern_run *run = quern_verify_new(session);
	enum quern_status st = execute(run, write_sums);

	quern_run_free(run);
	quern_session_free(session);
	if (st == QUERN_ERR_USAGE)
		print_message("built without libxxhash\n");
	return st != QUERN_ERR_USAGE;
}

/* Every change to a fresh file that has sums. */
#define CHANGED(latest, statements, ...)                \
	do {                                            \
		hid_t file;                             \
		make_file(latest);                      \
		unlink(sums);                           \
		assert_damages(write_sums, 0, "");      \
		assert_damages(with_sums, 0, "");       \
		file = reopen();                        \
		statements;                             \
		ok(H5Fclose(file));                     \
		assert_damages(with_sums, __VA_ARGS__); \
	} while (0)

static void test_changes(void **state)
{
	const double scale = 2;

	(void)state;
	make_file(false);
	if (!has_sums()) {
		skip();
		return;
	}
	for (int latest = 0; latest < 2; latest++) {
		CHANGED(latest, put_one(file, "/raw", 5, 5, -1), 1,
			"dataset /raw, chunk (1, 1) at file offset");
		CHANGED(latest, put_one(file, "/raw", 9, 9, -1), 2,
			"dataset /raw, chunk (2, 1) at file offset", "bytes, not");
		CHANGED(latest, put_one(file, "/both", 9, 9, -1), 2, "is additional", "bytes, not");
	}
	CHANGED(false, set_rows(file, "/both", 20), 2,
		"the shape of it has changed from 12 x 10 to", "bytes outside");
	CHANGED(false, (set_rows(file, "/raw", 4), set_rows(file, "/raw", 12)), 3,
		"/raw: chunk (1, 0) is missing", "/raw: chunk (1, 1) is missing", "bytes outside");
	CHANGED(false, ok(H5Ldelete(file, "/plain", H5P_DEFAULT)), 2, "dataset /plain is missing",
		"bytes outside");
	CHANGED(false, make_plain(file, "/new", true), 2, "dataset /new is additional", "bytes");
	CHANGED(false,
		(ok(H5Ldelete(file, "/plain", H5P_DEFAULT)), make_chunked(file, "/plain", 0, 0)), 2,
		"its type has changed from <f8 to <i4", "bytes, not");
	CHANGED(false, put_strings(file, false, "in place"), 2, "dataset /strings, chunk (0) at",
		"bytes outside");
	CHANGED(
		false,
		{
			hid_t dset = ok(H5Dopen2(file, "/deflate", H5P_DEFAULT));

			h5make_numbers(dset, "scale_factor", H5T_IEEE_F64LE, H5T_NATIVE_DOUBLE, 0,
				       &scale);
			H5Dclose(dset);
		},
		2, "/deflate: what its bytes mean has changed", "bytes outside");
}

/* Sums are not replaced. */
static void test_sums_stay(void **state)
{
	(void)state;
	make_file(false);
	if (!has_sums()) {
		skip();
		return;
	}
	assert_null(verify(write_sums, QUERN_ERR_USAGE));
	assert_damages(with_sums, 0, "");
}

static void test_other_sums(void **state)
{
	hid_t file;

	(void)state;
	make_file(false);
	if (!has_sums()) {
		skip();
		return;
	}
	file = ok(h5make_create(&made, false, 0, 0));
	make_plain(file, "/other", false);
	ok(H5Fclose(file));
	assert_damages(with_sums, 1, "the sums are of another file");
	unlink(sums);
	assert_null(verify(with_sums, QUERN_ERR_DATA));
}

/* The bytes of the file, to be changed behind the library's back. */
static uint8_t *slurp(size_t *n)
{
	FILE *f = fopen(made.file, "r");
	uint8_t *p = malloc(1 << 20);

	assert_true(f && p);
	*n = fread(p, 1, 1 << 20, f);
	fclose(f);
	return p;
}

static void spill(const uint8_t *p, size_t n)
{
	FILE *f = fopen(made.file, "w");

	assert_non_null(f);
	assert_int_equal(fwrite(p, 1, n, f), n);
	fclose(f);
}

static haddr_t chunk_addr(const char *path, hsize_t row)
{
	const hsize_t offset[] = { row, 0 };
	hid_t file = ok(H5Fopen(made.file, H5F_ACC_RDONLY, H5P_DEFAULT));
	hid_t dset = ok(H5Dopen2(file, path, H5P_DEFAULT));
	haddr_t addr;
	hsize_t nbytes;
	unsigned mask;

	ok(H5Dget_chunk_info_by_coord(dset, offset, &mask, &addr, &nbytes));
	H5Dclose(dset);
	H5Fclose(file);
	return addr;
}

/* Two chunks of a v1 B-tree, which has no checksum, in one place; and damage inside chunks. */
static void test_damage(void **state)
{
	uint64_t first, second;
	uint8_t *p;
	size_t n, at = 0;
	char part[100];

	(void)state;
	make_file(false);
	first = chunk_addr("/raw", 0);
	second = chunk_addr("/raw", 4);
	p = slurp(&n);
	while (at + 8 < n && memcmp(p + at, &second, 8) != 0)
		at++;
	assert_true(at + 8 < n);
	memcpy(p + at, &first, 8);
	spill(p, n);
	snprintf(part, sizeof(part),
		 "chunk (1, 0) at file offset %llu: damaged index: it lies over",
		 (unsigned long long)first);
	assert_damages(NULL, 1, part);
	memcpy(p + at, &second, 8);
	p[chunk_addr("/both", 0) + 20] ^= 1;
	p[chunk_addr("/both", 4) + 30] ^= 0x80;
	spill(p, n);
	assert_damages("threads=3", 2, "/both, chunk (0, 0)", "/both, chunk (1, 0)");
	assert_damages("dataset=/raw", 0, "");
	/* Sums of what is damaged are not kept. */
	if (has_sums())
		assert_int_equal(access(sums, F_OK), -1);
	/* Cut short, the library does not open it. */
	spill(p, n / 2);
	assert_damages(NULL, 1, made.file);
	free(p);
}

static int set_up(void **state)
{
	(void)state;
	if (!h5make_init(&made))
		return -1;
	snprintf(sums, sizeof(sums), "%s/sums", made.dir);
	snprintf(with_sums, sizeof(with_sums), "sums=%s", sums);
	snprintf(write_sums, sizeof(write_sums), "write-sums=%s", sums);
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	unlink(sums);
	h5make_fini(&made);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_clean, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_changes, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_sums_stay, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_other_sums, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_damage, set_up, tear_down),
	};

	return cmocka_run_group_tests_name("verify", tests, NULL, NULL);
}
