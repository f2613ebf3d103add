/*
 * test_publish.c - a file that is published is there whole or not at all, and nothing is left beside it.
 */
#include <dirent.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/file.h"
#include "base/publish.h"

static char dir[] = "/tmp/test_publish.XXXXXX";
static struct quern_message err;

static int enter(void **state)
{
	(void)state;
	return !mkdtemp(dir) || chdir(dir);
}

static int leave(void **state)
{
	(void)state;
	return chdir("/") || rmdir(dir);
}

static int forget_error(void **state)
{
	(void)state;
	err = (struct quern_message){ .status = QUERN_OK };
	return 0;
}

/* Names in the directory; each test leaves none. */
static int count_files(void)
{
	DIR *d = opendir(".");
	int n = 0;

	assert_non_null(d);
	for (const struct dirent *e; (e = readdir(d)) != NULL;)
		n += e->d_name[0] != '.';
	closedir(d);
	return n;
}

static void assert_file(const char *name, const char *text)
{
	size_t n = 0;
	char *got = qn_file_load(name, 100, &n);

	assert_non_null(got);
	assert_string_equal(got, text);
	free(got);
}

static enum quern_status write_text(const char *name, enum qn_links links, const char *text)
{
	return qn_publish_write(name, links, QN_RIGHTS_ALL, text, strlen(text), QN_PUBLISH_NOW,
				&err);
}

static void test_new_and_replaced(void **state)
{
	(void)state;
	assert_int_equal(write_text("a", QN_REPLACE_LINK, "old"), QUERN_OK);
	assert_file("a", "old");
	assert_int_equal(write_text("a", QN_REPLACE_LINK, "new"), QUERN_OK);
	assert_file("a", "new");
	assert_int_equal(count_files(), 1);
	unlink("a");
}

/* Until it is there the old one is; and what is given up leaves nothing. */
static void test_not_at_all(void **state)
{
	struct qn_publishing p;

	(void)state;
	assert_int_equal(write_text("a", QN_REPLACE_LINK, "old"), QUERN_OK);
	assert_int_equal(qn_publish_open("a", QN_REPLACE_LINK, QN_RIGHTS_ALL, &p, &err), QUERN_OK);
	assert_int_equal(qn_publish_put(&p, "new", 3, &err), QUERN_OK);
	assert_file("a", "old");
	assert_int_equal(count_files(), 2);
	qn_publish_discard(&p);
	assert_file("a", "old");
	assert_int_equal(count_files(), 1);
	unlink("a");
}

static void test_time(void **state)
{
	struct stat st;

	(void)state;
	assert_int_equal(qn_publish_write("a", QN_REPLACE_LINK, QN_RIGHTS_ALL, "x", 1,
					  INT64_C(1000000000) * 7 + 5, &err),
			 QUERN_OK);
	assert_int_equal(stat("a", &st), 0);
	assert_int_equal(st.st_mtim.tv_sec, 7);
	unlink("a");
}

/* What another process puts there meanwhile stays. */
static void test_only_new(void **state)
{
	struct qn_publishing p;

	(void)state;
	assert_int_equal(qn_publish_open("a", QN_REPLACE_LINK, QN_RIGHTS_ALL, &p, &err), QUERN_OK);
	p.only_new = true;
	assert_int_equal(write_text("a", QN_REPLACE_LINK, "theirs"), QUERN_OK);
	assert_true(qn_publish_commit(&p, QN_PUBLISH_NOW, &err) != QUERN_OK);
	assert_non_null(strstr(err.text, "a"));
	assert_file("a", "theirs");
	assert_int_equal(count_files(), 1);
	unlink("a");
}

/* A user's link leads to the file; in the place of quern's own there is none. */
static void test_links(void **state)
{
	struct stat st;

	(void)state;
	assert_int_equal(symlink("a", "link"), 0);
	assert_int_equal(write_text("link", QN_FOLLOW_LINK, "followed"), QUERN_OK);
	assert_file("a", "followed");
	assert_int_equal(lstat("link", &st), 0);
	assert_true(S_ISLNK(st.st_mode));
	assert_int_equal(write_text("link", QN_REPLACE_LINK, "replaced"), QUERN_OK);
	assert_file("a", "followed");
	assert_int_equal(lstat("link", &st), 0);
	assert_true(S_ISREG(st.st_mode));
	assert_file("link", "replaced");
	unlink("link");
	unlink("a");
}

/* What killed processes left is; but where the name is cut off nobody knows whose it is. */
static void test_swept(void **state)
{
	char name[252];

	(void)state;
	memset(name, 'n', sizeof(name) - 1);
	name[sizeof(name) - 1] = '\0';
	for (int i = 0; i < 2; i++) {
		const char *file = i ? name : "a";
		struct qn_publishing p;

		assert_int_equal(qn_publish_open(file, QN_REPLACE_LINK, QN_RIGHTS_ALL, &p, &err),
				 QUERN_OK);
		assert_int_equal(count_files(), 1);
		qn_publish_sweep(file);
		assert_int_equal(count_files(), i);
		qn_publish_discard(&p);
		assert_int_equal(count_files(), 0);
	}
}

static void test_places(void **state)
{
	(void)state;
	assert_int_equal(mkdir("d", 0700), 0);
	assert_int_equal(qn_publish_check("output", "d/a", &err), QUERN_OK);
	assert_int_equal(qn_publish_check("output", "d", &err), QUERN_ERR_USAGE);
	err = (struct quern_message){ .status = QUERN_OK };
	assert_int_equal(qn_publish_check("output", "none/a", &err), QUERN_ERR_USAGE);
	assert_non_null(strstr(err.text, "none"));
	err = (struct quern_message){ .status = QUERN_OK };
	assert_int_equal(write_text("none/a", QN_REPLACE_LINK, "x"), QUERN_ERR_RUN);
	assert_non_null(strstr(err.text, "none/a"));
	assert_null(strstr(err.text, "partial"));
	rmdir("d");
	assert_int_equal(count_files(), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(test_new_and_replaced, forget_error),
		cmocka_unit_test_setup(test_not_at_all, forget_error),
		cmocka_unit_test_setup(test_time, forget_error),
		cmocka_unit_test_setup(test_only_new, forget_error),
		cmocka_unit_test_setup(test_links, forget_error),
		cmocka_unit_test_setup(test_swept, forget_error),
		cmocka_unit_test_setup(test_places, forget_error),
	};

	return cmocka_run_group_tests(tests, enter, leave);
}
