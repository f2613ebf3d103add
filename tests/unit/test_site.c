/*
 * test_site.c - site files: what they say, and what is refused, with its line.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "cluster/site.h"

static enum quern_status parse(const char *text, struct qn_site *site, struct quern_message *err)
{
	*err = (struct quern_message){ .status = QUERN_OK };
	return qn_site_parse("my.site", text, strlen(text), site, err);
}

static void test_lines(void **state)
{
	static const char text[] = "# our cluster\n"
				   "\n"
				   "bandwidth memory 20G\n"
				   "  bandwidth\tshared  3e9  \n"
				   "limit shared_host 10G\n"
				   "shared /scratch//fast/\n"
				   "local /scratch/fast/my own\n"
				   "label n1 gpu rack-3\n"
				   "label n2.site.org rack-4";
	struct qn_rates rates = QN_RATES_DEFAULT;
	struct quern_message err;
	struct qn_site s;
	bool shared;

	(void)state;
	assert_int_equal(parse(text, &s, &err), QUERN_OK);
	assert_int_equal(s.nlabels, 3);
	assert_string_equal(s.label[1].host, "n1");
	assert_string_equal(s.label[1].name, "rack-3");
	assert_string_equal(s.label[2].host, "n2.site.org");
	assert_int_equal(s.nroots, 2);
	assert_string_equal(s.root[0].path, "/scratch/fast");
	assert_true(qn_site_knows(&s, "/scratch/fast/a.nc", &shared) && shared);
	assert_true(qn_site_knows(&s, "/scratch/fast/my own/a.nc", &shared) && !shared);
	assert_false(qn_site_knows(&s, "/scratch/faster/a.nc", &shared));
	assert_false(qn_site_knows(&s, "/scratch/a.nc", &shared));
	qn_site_rates(&s, &rates);
	assert_true(rates.read[QN_MEMORY] == 1 / (20.0 * (1 << 30)));
	assert_true(rates.read[QN_SHARED] == 1 / 3e9);
	assert_true(rates.read[QN_DISK] == qn_rates_default.read[QN_DISK]);
	assert_true(rates.shared_host == 10.0 * (1 << 30));
	qn_site_fini(&s);
}

/* What one thread gets, all threads get. */
static void test_limits(void **state)
{
	struct qn_rates rates = QN_RATES_DEFAULT;
	struct quern_message err;
	struct qn_site s;

	(void)state;
	assert_int_equal(parse("bandwidth disk 9e9\nbandwidth shared 5e9\n", &s, &err), QUERN_OK);
	qn_site_rates(&s, &rates);
	assert_true(rates.disk == 9e9 && rates.shared_host == 5e9 && rates.shared == 50e9);
	qn_site_fini(&s);
	assert_int_equal(parse("", &s, &err), QUERN_OK);
	qn_site_rates(&s, &rates);
	assert_true(rates.disk == 9e9);
	qn_site_fini(&s);
}

/* A directory may be known by a link. */
static void test_links(void **state)
{
	char dir[] = "/tmp/site.XXXXXX", path[128], text[160];
	struct quern_message err;
	struct qn_site s;
	bool shared = false;
	FILE *f;

	(void)state;
	assert_non_null(mkdtemp(dir));
	snprintf(path, sizeof(path), "%s/a.nc", dir);
	f = fopen(path, "w");
	assert_non_null(f);
	fclose(f);
	snprintf(path, sizeof(path), "%s/link", dir);
	assert_int_equal(symlink(dir, path), 0);
	snprintf(text, sizeof(text), "shared %s\n", dir);
	assert_int_equal(parse(text, &s, &err), QUERN_OK);
	assert_int_equal(chdir(dir), 0);
	assert_true(qn_site_knows(&s, "link/a.nc", &shared) && shared);
	assert_true(qn_site_knows(&s, "a.nc", &shared));
	qn_site_fini(&s);
	assert_int_equal(unlink("link"), 0);
	assert_int_equal(unlink("a.nc"), 0);
	assert_int_equal(rmdir(dir), 0);
}

static void test_refused(void **state)
{
	static const struct {
		const char *text, *says;
	} bad[] = {
		{ "bandwith memory 3G\n", "line 1: 'bandwith'" },
		{ "\n# x\nbandwidth memory\n", "line 3: not 'bandwidth" },
		{ "bandwidth memory 3G 4G\n", "line 1: not 'bandwidth" },
		{ "bandwidth tape 3G\n", "memory, memory_near, disk, disk_near, shared" },
		{ "bandwidth memory fast\n", "'fast' is no number" },
		{ "bandwidth memory 0\n", "'0' is no number" },
		{ "bandwidth memory -1G\n", "'-1G' is no number" },
		{ "bandwidth memory inf\n", "'inf' is no number" },
		{ "bandwidth memory nan\n", "'nan' is no number" },
		{ "bandwidth disk 1G\nbandwidth disk 1G\n",
		  "line 2: bandwidth disk is said twice" },
		{ "limit memory 1G\n", "disk, shared_host, shared" },
		{ "shared\n", "no absolute path" },
		{ "shared data\n", "'data' is no absolute path" },
		{ "local /a/../b\n", "no absolute path" },
		{ "local /a/./b\n", "no absolute path" },
		{ "local /a\nshared //a/\n", "line 2: /a is said twice" },
		{ "label\n", "not 'label HOST" },
		{ "label n1\n", "not 'label HOST" },
		{ "label n1 a a\n", "label a of n1 is said twice" },
		{ "label n/1 a\n", "'n/1' is no name of a host" },
		{ "label n1 a;b\n", "label 'a;b'" },
		{ "label n1 a\r\n", "line 1: not a line of text" },
		{ "label n1 \001\n", "line 1: not a line of text" },
	};
	struct quern_message err;
	struct qn_site s;

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		assert_int_equal(parse(bad[i].text, &s, &err), QUERN_ERR_DATA);
		if (!strstr(err.text, bad[i].says))
			fail_msg("'%s' is not in '%s'", bad[i].says, err.text);
		assert_non_null(strstr(err.text, "--site my.site: line "));
		qn_site_fini(&s);
	}
}

/* Bytes that are no text, and lines without an end. */
static void test_hostile(void **state)
{
	struct quern_message err = { .status = QUERN_OK };
	char text[8192];
	struct qn_site s;

	(void)state;
	memset(text, 'a', sizeof(text));
	assert_int_equal(qn_site_parse("x", text, sizeof(text), &s, &err), QUERN_ERR_DATA);
	qn_site_fini(&s);
	memset(text, 0, sizeof(text));
	assert_int_equal(qn_site_parse("x", text, sizeof(text), &s, NULL), QUERN_ERR_DATA);
	qn_site_fini(&s);
	memset(text, ' ', sizeof(text));
	assert_int_equal(qn_site_parse("x", text, 4096, &s, NULL), QUERN_OK);
	qn_site_fini(&s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_lines),	cmocka_unit_test(test_limits),
		cmocka_unit_test(test_links),	cmocka_unit_test(test_refused),
		cmocka_unit_test(test_hostile),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
