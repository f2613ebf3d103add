/*
 * What a supervised command says, the same command on fewer hosts, and what is done when it has ended.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/mem.h"
#include "supervise/launch.h"
#include "supervise/verdict.h"

#define MOST_WORDS 32

static void expect_hosts(struct qn_roster *h, const char *want)
{
	bool kept[64];
	char *got;

	for (size_t i = 0; i < 64; i++)
		kept[i] = true;
	got = qn_roster_list(h, kept, true);
	assert_string_equal(got, want);
	free(got);
	qn_roster_fini(h);
}

static void test_host_lists(void **state)
{
	static const struct {
		const char *text, *hosts; /* NULL: refused */
	} cases[] = {
		{ "n1", "n1:1" },
		{ "n1:2,n2,n2,n3:*", "n1:2,n2:2,n3:*" },
		{ "10.0.0.1:4,", "10.0.0.1:4" },
		{ "+n1", NULL },
		{ "n1:x", NULL },
		{ "n1:-2", NULL },
		{ ":2", NULL },
	};
	struct quern_message err;
	struct qn_roster h = { .n = 0 };

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		err = (struct quern_message){ .status = QUERN_OK };
		if (cases[i].hosts) {
			assert_int_equal(qn_roster_of_list(&h, cases[i].text, &err), QUERN_OK);
			expect_hosts(&h, cases[i].hosts);
		} else {
			assert_int_equal(qn_roster_of_list(&h, cases[i].text, &err),
					 QUERN_ERR_USAGE);
			qn_roster_fini(&h);
		}
	}
}

static void test_host_files(void **state)
{
	struct quern_message err = { .status = QUERN_OK };
	struct qn_roster h = { .n = 0 };

	(void)state;
	assert_int_equal(
		qn_roster_of_file(&h,
				  "# ours\n\n n1 slots=2 max_slots=4\nn2\t# slots=9\nn3:3\n"
				  "n4 max_slots=7\nn5 slots=4",
				  &err),
		QUERN_OK);
	expect_hosts(&h, "n1:2,n2:*,n3:3,n4:*,n5:4");
}

static void test_slurm(void **state)
{
	static const struct {
		const char *nodes, *tasks, *hosts;
	} cases[] = {
		{ "n1", NULL, "n1:*" },
		{ "n[1-3,7],m3", "2(x4),1", "n1:2,n2:2,n3:2,n7:2,m3:1" },
		{ "rack-[08-11]", "1,4(x3)", "rack-08:1,rack-09:4,rack-10:4,rack-11:4" },
		{ "a,b", "x", "a:*,b:*" },
		{ "n[1-", NULL, NULL },
		{ "n[3-1]", NULL, NULL },
		{ "n[1-2]x", NULL, NULL },
		{ "n[1-99999999999]", NULL, NULL },
	};
	struct quern_message err;
	struct qn_roster h = { .n = 0 };

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		err = (struct quern_message){ .status = QUERN_OK };
		assert_int_equal(qn_roster_of_slurm(&h, cases[i].nodes, cases[i].tasks, &err),
				 cases[i].hosts ? QUERN_OK : QUERN_ERR_USAGE);
		if (cases[i].hosts)
			expect_hosts(&h, cases[i].hosts);
		qn_roster_fini(&h);
	}
}

static void test_self(void **state)
{
	(void)state;
	assert_true(qn_roster_is_self("localhost", "n1"));
	assert_true(qn_roster_is_self("n1", "n1.lab.org"));
	assert_true(qn_roster_is_self("N1.lab.org", "n1"));
	assert_false(qn_roster_is_self("n1.lab.org", "n1.other.org"));
	assert_false(qn_roster_is_self("n10", "n1"));
	assert_false(qn_roster_is_self("n1", "n10"));
}

/* Splits at blanks, into words of `text`. */
static int split(char *text, char **argv)
{
	int n = 0;

	for (char *word = strtok(text, " "); word; word = strtok(NULL, " "))
		argv[n++] = word;
	return n;
}

/* Marks '1' of the hosts are kept; the words of the command on them, with blanks. */
static void expect_words(const struct qn_launch *l, const char *marks, const char *want)
{
	struct quern_message err = { .status = QUERN_OK };
	struct qn_names words = { .n = 0 };
	bool kept[16] = { false };
	char text[512] = "";

	for (size_t i = 0; i < l->hosts.n; i++)
		kept[i] = marks[i] == '1';
	assert_int_equal(qn_launch_words(l, kept, &words, &err), QUERN_OK);
	for (size_t i = 0; i < words.n; i++) {
		strncat(text, i ? " " : "", sizeof(text) - strlen(text) - 1);
		strncat(text, words.name[i], sizeof(text) - strlen(text) - 1);
	}
	assert_string_equal(text, want);
	qn_names_fini(&words);
}

static void test_commands(void **state)
{
#define RUN "quern run moments --journal j f.nc"
	static const struct qn_allocation slurm = { "n[1-3]", "2(x3)", "6" }, none = { 0 };
	static const struct {
		const struct qn_allocation *slurm;
		const char *command, *kept, *words;
	} cases[] = {
		{ &none, RUN, "", RUN },
		{ &slurm, RUN, "", RUN },
		{ &none, "nice -n 5 mpirun -n 4 " RUN, "", "nice -n 5 mpirun -n 4 " RUN },
		{ &none, "mpirun --host n1:2,n2:2 -n 4 " RUN, "11",
		  "mpirun --host n1:2,n2:2 -n 4 " RUN },
		{ &none, "mpirun --host n1:2,n2:2 --mca a b -n 4 " RUN, "01",
		  "mpirun --host n2:2 -n 2 --mca a b " RUN },
		{ &none, "/opt/bin/mpirun -H n1,n2 -H n3 " RUN, "101",
		  "/opt/bin/mpirun --host n1:1,n3:1 " RUN },
		{ &none, "mpiexec -hosts a,b,c -np 3 /x/" RUN, "110",
		  "mpiexec -hosts a:1,b:1 -n 2 /x/" RUN },
		{ &slurm, "mpirun " RUN, "111", "mpirun " RUN },
		{ &slurm, "mpirun " RUN, "101", "mpirun --host n1:2,n3:2 " RUN },
		{ &slurm, "srun --mpi=pmix " RUN, "110",
		  "srun --nodelist n1,n2 --nodes 2 -n 4 --mpi=pmix " RUN },
		{ &slurm, "srun -N3 -n3 --mpi=pmix " RUN, "100",
		  "srun --nodelist n1 --nodes 1 -n 1 --mpi=pmix " RUN },
		{ &slurm, "srun --nodes=2 --ntasks=8 -w n[1-2] " RUN, "01",
		  "srun --nodelist n2 --nodes 1 -n 4 " RUN },
	};
	struct quern_message err = { .status = QUERN_OK };
	char *argv[MOST_WORDS];
	struct qn_launch l;

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		char *text = qn_strdup(cases[i].command);
		const int argc = split(text, argv);

		assert_int_equal(qn_launch_init(&l, argc, argv, cases[i].slurm, NULL, &err),
				 QUERN_OK);
		assert_int_equal(l.hosts.n, strlen(cases[i].kept));
		expect_words(&l, cases[i].kept, cases[i].words);
		qn_launch_fini(&l);
		free(text);
	}
}

static void test_journal(void **state)
{
	static const struct qn_allocation none = { 0 };
	char *argv[] = { "mpirun", "quern", "run", "moments", "f.nc" };
	struct quern_message err = { .status = QUERN_OK };
	struct qn_launch l;

	(void)state;
	assert_int_equal(qn_launch_init(&l, 5, argv, &none, "/j", &err), QUERN_OK);
	expect_words(&l, "", "mpirun quern run --journal /j moments f.nc");
	qn_launch_fini(&l);
	assert_int_equal(qn_launch_init(&l, 5, argv, &none, NULL, &err), QUERN_ERR_USAGE);
	assert_non_null(strstr(err.text, "add --journal DIR"));
	qn_launch_fini(&l);
}

static void test_refused(void **state)
{
	static const struct qn_allocation none = { 0 };
	static const char *const commands[] = {
		"",
		"mpirun -n 2 quern",
		"mpirun -n 2 quern plan --journal j f.nc",
		"mpirun --host n1 a : quern run --journal j f.nc",
		"mpirun --host +n1 quern run --journal j f.nc",
		"mpirun --hostfile /nonexistent/hosts quern run --journal j f.nc",
	};
	char *argv[MOST_WORDS];
	struct qn_launch l;

	(void)state;
	for (size_t i = 0; i < sizeof(commands) / sizeof(*commands); i++) {
		struct quern_message err = { .status = QUERN_OK };
		char *text = qn_strdup(commands[i]);
		const int argc = split(text, argv);

		assert_int_equal(qn_launch_init(&l, argc, argv, &none, NULL, &err),
				 QUERN_ERR_USAGE);
		assert_true(err.text[0]);
		qn_launch_fini(&l);
		free(text);
	}
}

/* waitpid's status of an exit code, and of a signal, as Linux has it. */
#define EXIT(code) ((code) << 8)

static void test_verdicts(void **state)
{
	static const struct {
		struct qn_ending e;
		enum qn_verdict want;
		int code;
	} cases[] = {
		{ { .status = EXIT(0), .nmost = 1 }, QN_RUN_IS_DONE, 0 },
		{ { .status = EXIT(0), .was_ended = true }, QN_RUN_IS_DONE, 0 },
		{ { .status = EXIT(137), .was_ended = true, .nmost = 5 }, QN_RUN_STOPS, 4 },
		{ { .status = EXIT(137), .nmost = 5 }, QN_RUN_AGAIN, 1 },
		{ { .status = 9, .nmost = 5 }, QN_RUN_AGAIN, 1 },
		{ { .status = 9, .nstarts = 5, .nmost = 5 }, QN_RUN_GAVE_UP, 1 },
		{ { .status = EXIT(2), .nmost = 5 }, QN_RUN_STOPS, 2 },
		{ { .status = EXIT(3), .nmost = 5 }, QN_RUN_STOPS, 3 },
		{ { .status = EXIT(4), .nmost = 5 }, QN_RUN_STOPS, 4 },
		{ { .status = EXIT(5), .nmost = 5 }, QN_RUN_STOPS, 5 },
		{ { .status = EXIT(127), .nmost = 5 }, QN_RUN_STOPS, 1 },
		{ { .status = EXIT(3), .ngone = 1, .nmost = 5 }, QN_RUN_WITH_MORE, 3 },
		{ { .status = EXIT(3), .nlost = 1, .nmost = 5 }, QN_RUN_AGAIN, 3 },
		{ { .status = EXIT(4), .nlost = 1, .nmost = 5 }, QN_RUN_AGAIN, 4 },
		{ { .status = EXIT(1), .nreported = 1, .nmost = 5 }, QN_RUN_AGAIN, 1 },
		{ { .status = EXIT(1), .nreported = QN_MOST_REPORTED, .nmost = 5 },
		  QN_RUN_STOPS,
		  1 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		assert_int_equal(qn_verdict_of(&cases[i].e), cases[i].want);
		assert_int_equal(qn_verdict_code(&cases[i].e), cases[i].code);
	}
}

static void test_pauses(void **state)
{
	double last = 0;

	(void)state;
	assert_true(qn_verdict_pause(0) <= 0 && qn_verdict_pause(1) <= 0);
	for (int i = 2; i < 1000; i++) {
		assert_true(qn_verdict_pause(i) >= last && qn_verdict_pause(i) <= 30);
		last = qn_verdict_pause(i);
	}
	assert_true(last >= 30);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_host_lists), cmocka_unit_test(test_host_files),
		cmocka_unit_test(test_slurm),	   cmocka_unit_test(test_self),
		cmocka_unit_test(test_commands),   cmocka_unit_test(test_journal),
		cmocka_unit_test(test_refused),	   cmocka_unit_test(test_verdicts),
		cmocka_unit_test(test_pauses),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
