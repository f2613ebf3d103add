/* The log: who is heard, and that each line is whole. */
#include <errno.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/environment.h"
#include "base/log.h"

#define NTHREADS    4
#define NLINES	    50
#define MOST_NBYTES (1 << 17)

static char heard[MOST_NBYTES];

/* What `speak` writes to standard error, which is a file meanwhile. */
static const char *listen_to(void (*speak)(void))
{
	FILE *f = tmpfile();
	const int before = dup(STDERR_FILENO);
	ssize_t n;

	assert_non_null(f);
	assert_true(dup2(fileno(f), STDERR_FILENO) >= 0);
	speak();
	assert_true(dup2(before, STDERR_FILENO) >= 0);
	close(before);
	n = pread(fileno(f), heard, sizeof(heard) - 1, 0);
	assert_true(n >= 0 && n < MOST_NBYTES - 1);
	heard[n] = '\0';
	fclose(f);
	return heard;
}

static int count(const char *text, const char *word)
{
	int n = 0;

	for (; (text = strstr(text, word)); text++)
		n++;
	return n;
}

static void set(const char *level)
{
	struct quern_message err = { .status = QUERN_OK };

	setenv("QUERN_LOG", level, 1);
	assert_int_equal(qn_environment_begin(&err), QUERN_OK);
}

static int nevaluated;

static int evaluate(void)
{
	return ++nevaluated;
}

static void speak_at_all_levels(void)
{
	qn_log(QN_LOG_ERROR, "an error %d", evaluate());
	qn_log(QN_LOG_WARN, "a warning %d", evaluate());
	qn_log(QN_LOG_INFO, "a fact %d", evaluate());
	qn_log(QN_LOG_DEBUG, "a detail %d", evaluate());
}

static void test_levels(void **state)
{
	static const char *const level[] = { "", "error", "warn", "info", "debug" };

	(void)state;
	for (int i = 0; i < 5; i++) {
		set(level[i]);
		nevaluated = 0;
		assert_int_equal(count(listen_to(speak_at_all_levels), "\n"), i);
		assert_int_equal(nevaluated, i);
	}
	assert_non_null(strstr(heard, " debug "));
	assert_non_null(strstr(heard, ": a detail 4\n"));
}

static void test_words(void **state)
{
	static const char *const bad[] = { "loud", "debugg", "INFO", "none", "1" };

	(void)state;
	set("warn");
	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		struct quern_message err = { .status = QUERN_OK };

		setenv("QUERN_LOG", bad[i], 1);
		assert_int_equal(qn_environment_begin(&err), QUERN_ERR_USAGE);
		assert_non_null(strstr(err.text, "is not one of error|warn|info|debug"));
		assert_true(qn_log_has(QN_LOG_WARN) && !qn_log_has(QN_LOG_INFO));
	}
}

static void speak_badly(void)
{
	static char word[10000];

	memset(word, 'w', sizeof(word) - 1);
	qn_log(QN_LOG_INFO, "a\nb\033[31m\xff%s", "\r");
	qn_log(QN_LOG_INFO, "%s", word);
	memset(word, '\001', sizeof(word) - 1);
	qn_log(QN_LOG_INFO, "%s", word);
	errno = EDOM;
	qn_log(QN_LOG_INFO, "%s", "");
	assert_int_equal(errno, EDOM);
}

static void test_lines(void **state)
{
	(void)state;
	set("info");
	listen_to(speak_badly);
	assert_int_equal(count(heard, "\n"), 4);
	assert_int_equal(count(heard, "quern: "), 4);
	assert_non_null(strstr(heard, ": a\\x0ab\\x1b[31m\\xff\\x0d\n"));
	assert_int_equal(count(heard, "...\n"), 2);
	for (const char *at = heard, *end; (end = strchr(at, '\n')); at = end + 1)
		assert_true(end - at < 2048);
}

static void *speak_much(void *ctx)
{
	for (int i = 0; i < NLINES; i++)
		qn_log(QN_LOG_DEBUG, "<%s>", (const char *)ctx);
	return NULL;
}

/* With a child of fork among them. */
static void speak_together(void)
{
	static char word[] = "all of this is one line, whoever else is speaking";
	pthread_t thread[NTHREADS];
	pid_t pid = fork();
	int status;

	if (!pid) {
		qn_log(QN_LOG_DEBUG, "<a child>");
		_exit(0);
	}
	for (int i = 0; i < NTHREADS; i++)
		assert_int_equal(pthread_create(&thread[i], NULL, speak_much, word), 0);
	for (int i = 0; i < NTHREADS; i++)
		pthread_join(thread[i], NULL);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
}

static void test_many(void **state)
{
	(void)state;
	set("debug");
	qn_log_name("node 7", 3);
	qn_log_name("another", 4);
	listen_to(speak_together);
	assert_int_equal(count(heard, "\nquern: ") + 1, count(heard, "\n"));
	assert_int_equal(count(heard, ">\n"), count(heard, "\n"));
	assert_int_equal(count(heard, " debug node?7 rank 4 thread "), count(heard, "\n"));
	assert_int_equal(count(heard, "\n"), NTHREADS * NLINES + 1);
	assert_int_equal(count(heard, "<a child>"), 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_levels),
		cmocka_unit_test(test_words),
		cmocka_unit_test(test_lines),
		cmocka_unit_test(test_many),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
