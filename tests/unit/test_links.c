/* Links of a group: by the order of their names as by going through all, in however damaged an order,
   and with few reads. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <fcntl.h>
#include <sys/stat.h>

#include <cmocka.h>

#include "base/mem.h"
#include "data/dataset.h"
#include "io/hdf5_format/links.h"
#include "tests/testing/plan.h"
#include "h5make.h"
#include "random.h"

#define MOST_NAMES  4000
#define MOST_LENGTH 330
#define NOBJECTS    17
#define WITHIN	    64 /* reads: of 4000 names, which are 3 levels of nodes and a leaf */

/* A group that names a few objects in very many ways. */
struct names {
	size_t n, length[MOST_NAMES];
	uint64_t addr[MOST_NAMES]; /* as going through all has it */
	char name[MOST_NAMES][MOST_LENGTH + 64];
};

struct opened {
	struct qn_h5_raw raw;
	struct quern_message err;
	uint64_t root;
};

/* Of few letters, so that beginnings are the same; all are different. */
static void make_name(uint64_t *seed, size_t i, size_t least, char *name)
{
	static const char letters[] = "ab\x01\x7f\xc3\xbf";
	const size_t length = least + random_below(seed, 4) * random_below(seed, 20);

	for (size_t k = 0; k < length; k++)
		name[k] = letters[random_below(seed, sizeof(letters) - 1)];
	snprintf(name + length, 24, "%zu", i);
}

static void make_group(const struct h5make *m, uint64_t *seed, size_t n, size_t least, unsigned k)
{
	hid_t file, object[NOBJECTS], type = H5Tcopy(H5T_NATIVE_INT);
	hid_t fcpl = H5Pcreate(H5P_FILE_CREATE);
	char name[MOST_LENGTH + 64];

	H5Pset_sym_k(fcpl, k, k);
	file = H5Fcreate(m->file, H5F_ACC_TRUNC, fcpl, H5P_DEFAULT);
	assert_true(file >= 0);
	for (size_t i = 0; i < NOBJECTS; i++) {
		object[i] = H5Tcopy(type);
		snprintf(name, sizeof(name), "object %zu", i);
		assert_true(H5Tcommit2(file, name, object[i], H5P_DEFAULT, H5P_DEFAULT,
				       H5P_DEFAULT) >= 0);
	}
	for (size_t i = 0; i < n; i++) {
		make_name(seed, i, least, name);
		H5Lcreate_hard(object[random_below(seed, NOBJECTS)], ".", file, name, H5P_DEFAULT,
			       H5P_DEFAULT);
	}
	H5Lcreate_soft("/nowhere", file, "soft", H5P_DEFAULT, H5P_DEFAULT);
	for (size_t i = 0; i < NOBJECTS; i++)
		H5Tclose(object[i]);
	H5Tclose(type);
	H5Pclose(fcpl);
	assert_true(H5Fclose(file) >= 0);
}

static void begin(struct opened *o, const char *file)
{
	struct stat st;
	int fd = open(file, O_RDONLY);

	assert_true(fd >= 0 && !fstat(fd, &st));
	o->err.status = QUERN_OK;
	assert_int_equal(qn_h5_raw_init(&o->raw, file, "/", fd, (uint64_t)st.st_size, &o->err),
			 QUERN_OK);
	assert_true(qn_h5_find_root(&o->raw, &o->root));
}

static void end(struct opened *o)
{
	close(o->raw.fd);
}

static bool keep(void *ctx, const char *name, size_t length, uint64_t addr)
{
	struct names *t = ctx;

	if (addr == QN_ADDR_NONE)
		return true;
	assert_true(t->n < MOST_NAMES && length <= MOST_LENGTH);
	memcpy(t->name[t->n], name, length);
	t->length[t->n] = length;
	t->addr[t->n++] = addr;
	return true;
}

static struct names *walk(const char *file)
{
	struct names *t = qn_calloc(1, sizeof(*t));
	struct opened o;
	bool all = false;

	assert_non_null(t);
	begin(&o, file);
	assert_true(qn_h5_links_each(&o.raw, o.root, keep, t, &all));
	assert_true(all);
	end(&o);
	return t;
}

#define NOT_THERE 1234

static bool find(const char *file, const char *name, size_t length, uint64_t *addr)
{
	struct qn_h5_sought s = { name, length, NOT_THERE };
	struct opened o;
	bool ok;

	begin(&o, file);
	ok = qn_h5_links_find(&o.raw, o.root, &s, 1);
	end(&o);
	*addr = s.addr;
	return ok;
}

static void assert_all_found(const char *file, const struct names *t)
{
	uint64_t addr;

	for (size_t i = 0; i < t->n; i++) {
		assert_true(find(file, t->name[i], t->length[i], &addr));
		assert_int_equal(addr, t->addr[i]);
	}
}

/* Names that are beside those that are there. */
static void assert_none_else(const char *file, const struct names *t)
{
	static const char *const others[] = { "", "\x01", "\xff", "b", "object 99" };
	char name[MOST_LENGTH + 2];
	uint64_t addr;

	for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++) {
		assert_true(find(file, others[i], strlen(others[i]), &addr));
		assert_int_equal(addr, NOT_THERE);
	}
	for (size_t i = 0; i < t->n; i += 1 + t->n / 20) {
		memcpy(name, t->name[i], t->length[i]);
		name[t->length[i]] = '!';
		assert_true(find(file, name, t->length[i] + 1, &addr));
		assert_int_equal(addr, NOT_THERE);
	}
}

static void test_as_the_walk(void **state)
{
	static const struct {
		size_t n, least;
		unsigned k;
	} groups[] = { { 0, 0, 16 }, { 1, 0, 16 }, { 40, 60, 2 }, { 200, 0, 4 }, { 700, 120, 16 } };
	uint64_t seed = random_seed(5);

	(void)state;
	for (size_t i = 0; i < sizeof(groups) / sizeof(groups[0]); i++) {
		struct h5make m;
		struct names *t;
		uint64_t addr;

		assert_true(h5make_init(&m));
		make_group(&m, &seed, groups[i].n, groups[i].least, groups[i].k);
		t = walk(m.file);
		assert_int_equal(t->n, groups[i].n + NOBJECTS);
		assert_all_found(m.file, t);
		assert_none_else(m.file, t);
		assert_false(find(m.file, "soft", 4, &addr));
		free(t);
		h5make_fini(&m);
	}
}

/* --- damage --- */

#define ENTRY_NBYTES 40

static void put(uint8_t *p, uint64_t v)
{
	v = htole64(v);
	memcpy(p, &v, sizeof(v));
}

/* Other keys in a node: names in the heap, and places that are none. */
static void spoil_keys(uint64_t *seed, uint8_t *node)
{
	size_t n = (size_t)qn_h5_uint(node + 6, 2);

	for (size_t i = 0; i <= n; i++)
		if (random_below(seed, 2))
			put(node + 24 + 16 * i,
			    random_below(seed, random_below(seed, 8) ? 4096 : UINT64_MAX));
}

static void spoil_order(uint64_t *seed, uint8_t *leaf)
{
	size_t n = (size_t)qn_h5_uint(leaf + 6, 2);

	for (size_t i = 1; i < n; i++) {
		uint8_t *a = leaf + 8 + ENTRY_NBYTES * i, entry[ENTRY_NBYTES];
		uint8_t *b = leaf + 8 + ENTRY_NBYTES * random_below(seed, i + 1);

		memcpy(entry, a, sizeof(entry));
		memmove(a, b, sizeof(entry));
		memcpy(b, entry, sizeof(entry));
	}
}

/* The order only: what is there stays so. */
static void spoil(const char *file, uint64_t *seed, bool keys, bool leaves)
{
	FILE *f = fopen(file, "r+b");
	struct stat st;
	uint8_t *p;
	size_t n;

	assert_true(f && !fstat(fileno(f), &st));
	n = (size_t)st.st_size;
	p = malloc(n);
	assert_int_equal(fread(p, 1, n, f), n);
	for (size_t i = 0; i + 8 <= n; i += 8) {
		if (keys && !memcmp(p + i, "TREE", 5))
			spoil_keys(seed, p + i);
		if (leaves && !memcmp(p + i, "SNOD", 4))
			spoil_order(seed, p + i);
	}
	rewind(f);
	assert_int_equal(fwrite(p, 1, n, f), n);
	fclose(f);
	free(p);
}

static void test_damaged_order(void **state)
{
	uint64_t seed = random_seed(6);

	(void)state;
	for (int i = 1; i < 12; i++) {
		struct h5make m;
		struct names *t;

		assert_true(h5make_init(&m));
		make_group(&m, &seed, 150, i % 2 ? 0 : 50, 2);
		t = walk(m.file);
		spoil(m.file, &seed, i & 1, i & 2);
		assert_all_found(m.file, t);
		assert_none_else(m.file, t);
		free(t);
		h5make_fini(&m);
	}
}

/* --- work --- */

static long reads_of(const struct h5make *m, const char *name)
{
	uint64_t addr;

	test_fail_at(TEST_READ, 0);
	assert_true(find(m->file, name, strlen(name), &addr));
	assert_int_not_equal(addr, NOT_THERE);
	return test_count();
}

/* A name among very many, also where all of them are too much to be read. */
static void test_few_reads(void **state)
{
	uint64_t seed = random_seed(7);

	(void)state;
	for (size_t least = 0; least <= 270; least += 270) {
		struct h5make m;

		assert_true(h5make_init(&m));
		make_group(&m, &seed, 3900, least, 16);
		for (size_t i = 0; i < NOBJECTS; i++) {
			char name[32];

			snprintf(name, sizeof(name), "object %zu", i);
			assert_in_range(reads_of(&m, name), 1, WITHIN);
		}
		h5make_fini(&m);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_as_the_walk),
		cmocka_unit_test(test_damaged_order),
		cmocka_unit_test(test_few_reads),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
