/*
 * test_sums.c - sums, the text of what a dataset is, and files of sums: whole, and damaged.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "data/sums.h"

static bool is_without_sums(void)
{
	if (qn_sum_check(NULL) == QUERN_OK)
		return false;
	print_message("built without libxxhash\n");
	skip();
	return true;
}

/* The sums that the specification of XXH3 gives for nothing, and one byte of zero: of the empty
   input it is part of the published test vectors. */
static void test_sum(void **state)
{
	struct qn_summer *s;
	struct qn_sum a, b;
	uint8_t data[3000];
	char text[QN_SUM_DIGITS + 1];

	(void)state;
	if (is_without_sums())
		return;
	qn_sum_of("", 0, &a);
	qn_sum_write(&a, text);
	assert_string_equal(text, "99aa06d3014798d86001c324468d497f");
	assert_true(qn_sum_read(text, &b));
	assert_true(qn_sum_equal(&a, &b));
	text[31] = 'G';
	assert_false(qn_sum_read(text, &b));
	for (size_t i = 0; i < sizeof(data); i++)
		data[i] = (uint8_t)(i * i);
	qn_sum_of(data, sizeof(data), &a);
	s = qn_summer_new();
	assert_non_null(s);
	for (size_t i = 0; i < sizeof(data); i += 100)
		qn_summer_add(s, data + i, 100);
	qn_summer_get(s, &b);
	assert_true(qn_sum_equal(&a, &b));
	data[1234] ^= 8;
	qn_summer_reset(s);
	qn_summer_add(s, data, sizeof(data));
	qn_summer_get(s, &b);
	assert_false(qn_sum_equal(&a, &b));
	qn_summer_free(s);
}

static struct qn_dataset make_dataset(void)
{
	struct qn_dataset d = { .file = strdup("a.nc"), .path = strdup("/x"), .ndim = 2 };

	d.type = (struct qn_type){ .class = QN_FLOAT, .size = 4, .name = "<f4" };
	d.shape[0] = 10;
	d.shape[1] = 9;
	d.chunk[0] = 4;
	d.chunk[1] = 5;
	d.layout = QN_CHUNKED;
	d.nfilters = 1;
	d.filter[0] = (struct qn_filter_step){ .id = 1, .nparams = 1, .params = { 4 } };
	d.cf = (struct qn_cf){ .scale = 1 };
	strcpy(d.units, "K");
	d.dim_name[0] = strdup("lat");
	return d;
}

/* Whatever changes the values of the dataset changes its sum; where it is stored does not. */
static void test_dataset(void **state)
{
	struct qn_dataset d = make_dataset(), copy;
	struct qn_sum want, got;

	(void)state;
	if (is_without_sums()) {
		qn_dataset_fini(&d);
		return;
	}
	assert_int_equal(qn_sum_dataset(&d, &want, NULL), QUERN_OK);
#define CHANGES(statement, same)                                       \
	copy = d;                                                      \
	statement;                                                     \
	assert_int_equal(qn_sum_dataset(&copy, &got, NULL), QUERN_OK); \
	assert_true(qn_sum_equal(&want, &got) == (same))
	CHANGES((void)0, true);
	CHANGES(copy.file = NULL, true);
	CHANGES(copy.file_nbytes = 7, true);
	CHANGES(copy.user_block = 512, true);
	CHANGES(copy.type.class = QN_INT, false);
	CHANGES(copy.type.size = 8, false);
	CHANGES(copy.type.big_endian = true, false);
	CHANGES(copy.ndim = 1, false);
	CHANGES(copy.shape[0] = 11, false);
	CHANGES(copy.chunk[1] = 6, false);
	CHANGES(copy.layout = QN_CONTIGUOUS, false);
	CHANGES(copy.nfilters = 0, false);
	CHANGES(copy.filter[0].id = 2, false);
	CHANGES(copy.filter[0].params[0] = 5, false);
	CHANGES(copy.fill_value[3] = 1, false);
	CHANGES(copy.cf.has_fill = true, false);
	CHANGES((copy.cf.nmissing = 1, copy.cf.missing[0] = 3), false);
	CHANGES(copy.cf.has_min = true, false);
	CHANGES(copy.cf.has_max = true, false);
	CHANGES((copy.cf.has_scale = true, copy.cf.offset = 1), false);
	CHANGES(copy.cf.as_unsigned = true, false);
	CHANGES(copy.units[0] = 'C', false);
	CHANGES(copy.calendar[0] = 'n', false);
	CHANGES(copy.dim_scale[0] = (char *)(uintptr_t) "/lat", false);
	CHANGES(copy.dim_name[1] = (char *)(uintptr_t) "lon", false);
	qn_dataset_fini(&d);
}

static void add_chunks(struct qn_dataset_sums *d, uint64_t n, unsigned seed)
{
	d->chunks = calloc(n + 1, sizeof(*d->chunks));
	assert_non_null(d->chunks);
	d->nchunks = n;
	for (uint64_t i = 0; i < n; i++) {
		d->chunks[i].number = 2 * i + 1;
		d->chunks[i].nbytes = (uint32_t)(1000 + i * seed);
		d->chunks[i].filter_mask = i % 3 ? 0 : 0xf0000001;
		qn_sum_of(&d->chunks[i], sizeof(d->chunks[i]), &d->chunks[i].sum);
	}
}

static struct qn_sums make_sums(void)
{
	static const char *const paths[] = { "/a b%c", "/sums/\x01\xc3\xa9", "/x" };
	struct qn_sums s = { 0, NULL };
	struct qn_file_sums *f = qn_sums_add(&s, "dir/a file.nc");

	assert_non_null(f);
	f->nbytes = 12345;
	f->whole = true;
	qn_sum_of("rest", 4, &f->rest);
	for (unsigned i = 0; i < 3; i++) {
		struct qn_dataset_sums *d = qn_file_sums_add(f, paths[i]);

		assert_non_null(d);
		strcpy(d->type, i ? "<f4" : "a type");
		d->ndim = 3;
		for (int k = 0; k < 3; k++) {
			d->shape[k] = 11;
			d->chunk[k] = 3;
		}
		d->elements = i == 1;
		qn_sum_of(paths[i], 2, &d->sum);
		add_chunks(d, 10 * i, i);
	}
	assert_non_null(qn_sums_add(&s, "second"));
	return s;
}

static void assert_same(const struct qn_sums *a, const struct qn_sums *b)
{
	assert_int_equal(a->n, b->n);
	for (size_t i = 0; i < a->n; i++) {
		const struct qn_file_sums *f = &a->file[i], *g = &b->file[i];

		assert_string_equal(f->name, g->name);
		assert_int_equal(f->nbytes, g->nbytes);
		assert_int_equal(f->whole, g->whole);
		assert_memory_equal(&f->rest, &g->rest, sizeof(f->rest));
		assert_int_equal(f->n, g->n);
		for (size_t k = 0; k < f->n; k++) {
			const struct qn_dataset_sums *d = &f->dataset[k], *e = &g->dataset[k];

			assert_string_equal(d->path, e->path);
			assert_string_equal(d->type, e->type);
			assert_memory_equal(d->shape, e->shape, sizeof(d->shape));
			assert_memory_equal(d->chunk, e->chunk, sizeof(d->chunk));
			assert_memory_equal(&d->sum, &e->sum, sizeof(d->sum));
			assert_int_equal(d->elements, e->elements);
			assert_int_equal(d->nchunks, e->nchunks);
			if (d->nchunks)
				assert_memory_equal(d->chunks, e->chunks,
						    d->nchunks * sizeof(*d->chunks));
			assert_ptr_equal(qn_file_sums_find(f, e->path), d);
		}
		assert_null(qn_file_sums_find(f, "/nosuch"));
	}
}

static char *slurp(const char *file, size_t *n)
{
	FILE *f = fopen(file, "r");
	char *text = malloc(1 << 20);

	assert_true(f && text);
	*n = fread(text, 1, 1 << 20, f);
	fclose(f);
	return text;
}

static void test_file(void **state)
{
	struct quern_message err = { .status = QUERN_OK };
	struct qn_sums s, back;
	char name[] = "/tmp/quern-test-sums-XXXXXX", *text;
	int fd = mkstemp(name);
	size_t n;

	(void)state;
	assert_true(fd >= 0);
	close(fd);
	if (is_without_sums()) {
		unlink(name);
		return;
	}
	s = make_sums();
	assert_int_equal(qn_sums_write(&s, name, QN_RIGHTS_ALL, &err), QUERN_OK);
	assert_int_equal(qn_sums_read(name, &back, &err), QUERN_OK);
	assert_same(&s, &back);
	qn_sums_fini(&back);
	/* Cut anywhere, or with any bit flipped, it is not believed. */
	text = slurp(name, &n);
	for (size_t i = 0; i < n; i++) {
		err.status = QUERN_OK;
		assert_int_equal(qn_sums_parse("s", text, i, &back, &err), QUERN_ERR_DATA);
		text[i] ^= (char)(1 << i % 8);
		err.status = QUERN_OK;
		assert_int_equal(qn_sums_parse("s", text, n, &back, &err), QUERN_ERR_DATA);
		text[i] ^= (char)(1 << i % 8);
	}
	free(text);
	qn_sums_fini(&s);
	unlink(name);
	err.status = QUERN_OK;
	assert_int_equal(qn_sums_read(name, &back, &err), QUERN_ERR_DATA);
	assert_non_null(strstr(err.text, name));
	err.status = QUERN_OK;
	assert_int_equal(qn_sums_write(&back, "/nonexistent/sums", QN_RIGHTS_ALL, &err),
			 QUERN_ERR_RUN);
}

/* A text with an end that confirms it, whatever it says. */
static enum quern_status parse(const char *text)
{
	struct quern_message err = { .status = QUERN_OK };
	struct qn_sums s = { 0, NULL };
	struct qn_sum end;
	char all[4096], digits[QN_SUM_DIGITS + 1];
	enum quern_status st;
	int n;

	qn_sum_of(text, strlen(text), &end);
	qn_sum_write(&end, digits);
	n = snprintf(all, sizeof(all), "%send %s\n", text, digits);
	st = qn_sums_parse("s", all, (size_t)n, &s, &err);
	assert_int_equal(st, err.status);
	if (st)
		assert_non_null(strstr(err.text, "s: "));
	qn_sums_fini(&s);
	return st;
}

#define Z16			 "0000000000000000"
#define Z32			 Z16 Z16
#define FILE_LINE		 "quern-sums 1\nfile 100 whole a\n"
#define DATASET(shape, chunk, n) "dataset /x " Z32 " <f4 " shape " " chunk " stored " n "\n"

static void test_hostile_text(void **state)
{
	static const char *const good[] = {
		"quern-sums 1\n",
		FILE_LINE "rest " Z32 "\n",
		FILE_LINE DATASET("4", "2", "0"),
		FILE_LINE DATASET("4,4", "2,2", "2") "0,0 5 0 " Z32 "\n1,1 5 ff " Z32 "\n",
	};
	static const char *const bad[] = {
		"",
		"\n",
		"quern-sums 2\n",
		"quern-sums 1",
		"quern-sums 1\nfile 100 half a\n",
		"quern-sums 1\nfile -1 whole a\n",
		"quern-sums 1\nfile 18446744073709551616 whole a\n",
		"quern-sums 1\nfile 0100 whole a\n",
		"quern-sums 1\nfile 100 whole \n",
		"quern-sums 1\nfile 100 whole a%0\n",
		"quern-sums 1\nfile 100 whole a%00b\n",
		"quern-sums 1\nfile 100 whole %zz\n",
		"quern-sums 1\nrest " Z32 "\n",
		"quern-sums 1\nfile 100 part a\nrest " Z32 "\n",
		"quern-sums 1\n" DATASET("4", "2", "0"),
		FILE_LINE "rest " Z16 "\n",
		FILE_LINE "whatever\n",
		FILE_LINE DATASET("4", "0", "0"),
		FILE_LINE DATASET("4,4", "2", "0"),
		FILE_LINE DATASET("", "2", "0"),
		FILE_LINE DATASET("4,", "2,2", "0"),
		FILE_LINE DATASET("4", "2", "1"),
		FILE_LINE DATASET("4", "2", "99999999999999999"),
		FILE_LINE DATASET("4294967296,4294967296,16", "1,1,1", "0"),
		FILE_LINE DATASET("4", "2", "0") DATASET("4", "2", "0"),
		FILE_LINE DATASET("4", "2", "1") "2 5 0 " Z32 "\n",
		FILE_LINE DATASET("4", "2", "1") "1,0 5 0 " Z32 "\n",
		FILE_LINE DATASET("4", "2", "1") "1 4294967296 0 " Z32 "\n",
		FILE_LINE DATASET("4", "2", "1") "1 5 100000000 " Z32 "\n",
		FILE_LINE DATASET("4", "2", "1") "1 5 0 " Z32 "0\n",
		FILE_LINE DATASET("4", "2", "1") "1 5 0 " Z16 "\n",
		FILE_LINE DATASET("4", "2", "2") "1 5 0 " Z32 "\n0 5 0 " Z32 "\n",
		FILE_LINE DATASET("4", "2", "2") "1 5 0 " Z32 "\n1 5 0 " Z32 "\n",
		FILE_LINE "dataset /x " Z32 " averylongnameofatypethatis 4 2 stored 0\n",
		FILE_LINE "dataset /x " Z32 " <f4 4 2 neither 0\n",
		FILE_LINE DATASET(
			"1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1", "1",
			"0"),
	};

	(void)state;
	if (is_without_sums())
		return;
	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++)
		assert_int_equal(parse(good[i]), QUERN_OK);
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_int_equal(parse(bad[i]), QUERN_ERR_DATA);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_sum),
		cmocka_unit_test(test_dataset),
		cmocka_unit_test(test_file),
		cmocka_unit_test(test_hostile_text),
	};

	return cmocka_run_group_tests_name("sums", tests, NULL, NULL);
}
