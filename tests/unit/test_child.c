/*
 * test_child.c - io/sandbox/child.h: what a child says arrives, and nothing that it does gets through.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "io/sandbox/child.h"

#define MANY_NBYTES ((size_t)16 << 20)

static const struct qn_child_limits usual = { (uint64_t)1 << 30, 20, 60, "--patience", NULL };

static struct qn_child start(const struct qn_child_limits *limits, qn_child_work *work, void *ctx)
{
	struct quern_message err = { .status = QUERN_OK };
	struct qn_child c;

	assert_int_equal(qn_child_start(&c, "f.h5: its metadata", limits, work, ctx, &err),
			 QUERN_OK);
	return c;
}

/* A child that should say one byte and does not: the message has `why` in it. */
static void expect_end(const struct qn_child_limits *limits, qn_child_work *work, void *ctx,
		       enum quern_status status, const char *why)
{
	struct quern_message err = { .status = QUERN_OK };
	struct qn_child c = start(limits, work, ctx);
	char byte;

	assert_int_equal(qn_child_get(&c, &byte, 1, &err), status);
	if (!strstr(err.text, why) || strncmp(err.text, "f.h5: its metadata", 18) != 0)
		fail_msg("'%s', not '%s'", err.text, why);
	/* It is collected, and whoever asks again hears of it and signals nobody. */
	assert_false(qn_child_is_there(&c));
	assert_int_equal(waitpid(-1, NULL, WNOHANG), -1);
	assert_int_equal(errno, ECHILD);
	err.status = QUERN_OK;
	assert_int_equal(qn_child_ask(&c, &byte, 1, &err), QUERN_ERR_RUN);
	assert_int_equal(qn_child_get(&c, &byte, 1, &err), QUERN_ERR_RUN);
	qn_child_end(&c);
}

static void expect_failure(const struct qn_child_limits *limits, qn_child_work *work, void *ctx,
			   const char *why)
{
	expect_end(limits, work, ctx, QUERN_ERR_DATA, why);
}

/* What a child says that answers with one byte. */
static char answer_of(qn_child_work *work, void *ctx)
{
	struct quern_message err = { .status = QUERN_OK };
	struct qn_child c = start(&usual, work, ctx);
	char byte = 0;

	if (qn_child_get(&c, &byte, 1, &err) != QUERN_OK)
		fail_msg("%s", err.text);
	qn_child_end(&c);
	return byte;
}

static void say(int fd, char byte)
{
	qn_child_tell(fd, &byte, 1);
}

/* --- words --- */

static void tell_many(void *ctx, int fd)
{
	(void)ctx;
	for (uint32_t i = 0; i < MANY_NBYTES / sizeof(i); i++)
		((uint32_t *)ctx)[i] = i * 2654435761u;
	qn_child_tell(fd, ctx, MANY_NBYTES);
}

static void many_bytes_arrive(void **state)
{
	struct quern_message err = { .status = QUERN_OK };
	uint32_t *sent = calloc(1, MANY_NBYTES), *got = calloc(1, MANY_NBYTES);
	struct qn_child c = start(&usual, tell_many, sent);

	(void)state;
	assert_int_equal(qn_child_get(&c, got, MANY_NBYTES, &err), QUERN_OK);
	qn_child_end(&c);
	for (uint32_t i = 0; i < MANY_NBYTES / sizeof(i); i++)
		assert_int_equal(got[i], i * 2654435761u);
	assert_int_equal(sent[1], 0); /* its memory is its own */
	free(sent);
	free(got);
}

static void double_numbers(void *ctx, int fd)
{
	int n;

	(void)ctx;
	while (qn_child_hear(fd, &n, sizeof(n))) {
		n *= 2;
		qn_child_tell(fd, &n, sizeof(n));
	}
}

static void questions_are_answered(void **state)
{
	struct quern_message err = { .status = QUERN_OK };
	struct qn_child c = start(&usual, double_numbers, NULL);
	int answer;

	(void)state;
	for (int i = 0; i < 100; i++) {
		assert_int_equal(qn_child_ask(&c, &i, sizeof(i), &err), QUERN_OK);
		assert_int_equal(qn_child_get(&c, &answer, sizeof(answer), &err), QUERN_OK);
		assert_int_equal(answer, 2 * i);
	}
	qn_child_end(&c);
}

static void tell_error(void *ctx, int fd)
{
	struct quern_message err = { .status = QUERN_OK };

	qn_error_set(&err, QUERN_ERR_USAGE, "no \x1b[1msuch\n dataset");
	qn_child_tell_verdict(fd, *(enum quern_status *)ctx, &err);
}

static void verdicts_are_cleaned(void **state)
{
	struct quern_message err = { .status = QUERN_OK }, odd = { .status = QUERN_OK };
	enum quern_status usage = QUERN_ERR_USAGE, unknown = (enum quern_status)77;
	struct qn_child c = start(&usual, tell_error, &usage);

	(void)state;
	assert_int_equal(qn_child_get_verdict(&c, &err), QUERN_ERR_USAGE);
	assert_string_equal(err.text, "no \\x1b[1msuch\\x0a dataset");
	qn_child_end(&c);
	c = start(&usual, tell_error, &unknown);
	assert_int_equal(qn_child_get_verdict(&c, &odd), QUERN_ERR_DATA);
	assert_non_null(strstr(odd.text, "makes no sense"));
	qn_child_end(&c);
}

/* --- deaths --- */

static void abort_at_once(void *ctx, int fd)
{
	(void)ctx;
	(void)fd;
	raise(SIGABRT);
}

static void return_at_once(void *ctx, int fd)
{
	(void)ctx;
	(void)fd;
}

static void crashes_are_told(void **state)
{
	(void)state;
	expect_failure(&usual, abort_at_once, NULL, "crashed (signal 6)");
	expect_failure(&usual, return_at_once, NULL, "gave up (exit code 0)");
}

static void sleep_for_ever(void *ctx, int fd)
{
	(void)ctx;
	(void)fd;
	for (;;)
		nanosleep(&(struct timespec){ .tv_sec = 1 }, NULL);
}

static void compute_for_ever(void *ctx, int fd)
{
	volatile unsigned n = 0;

	(void)ctx;
	(void)fd;
	for (;;)
		n = n + 1;
}

/* Closes its end, so that the parent hears that it has gone, and does not go. */
static void hang_up(void *ctx, int fd)
{
	close(fd);
	sleep_for_ever(ctx, fd);
}

static void hangs_end(void **state)
{
	const struct qn_child_limits short_wall = { (uint64_t)1 << 30, 20, 1, "--patience", NULL };
	const struct qn_child_limits short_cpu = { (uint64_t)1 << 30, 0, 120, "--patience", NULL };

	(void)state;
	expect_end(&short_wall, sleep_for_ever, NULL, QUERN_ERR_RUN,
		   "did not come back within 1 s: its storage is slow or does not answer");
	expect_failure(
		&short_cpu, compute_for_ever, NULL,
		"still busy after 0 s of processor time: it is damaged, or very large; if you "
		"know it to be whole, give it longer with --patience");
	expect_failure(&usual, hang_up, NULL, "is damaged: the HDF5 library gave up");
}

static void kill_itself(void *ctx, int fd)
{
	(void)ctx;
	(void)fd;
	raise(SIGKILL);
}

/* Who kills a child says nothing about the file. */
static void the_killed_are_told(void **state)
{
	(void)state;
	expect_end(&usual, kill_itself, NULL, QUERN_ERR_RUN, "has been killed");
}

/* A process of none is nobody: not this one's group, and not all. */
static void none_is_nobody(void **state)
{
	struct qn_process none = qn_process_of(0), failed = qn_process_of(-1);
	int status;

	(void)state;
	assert_false(qn_process_signal(&none, SIGKILL));
	assert_false(qn_process_signal(&failed, SIGKILL));
	assert_true(qn_process_reap(&failed, 1000, &status));
	assert_int_equal(status, QN_STATUS_UNKNOWN);
	qn_process_end(&none);
}

/* One that nobody listens to any more ends too. */
static void the_unheard_end(void **state)
{
	struct qn_child c = start(&usual, sleep_for_ever, NULL);

	(void)state;
	qn_child_end(&c);
	qn_child_end(&c);
	assert_int_equal(waitpid(-1, NULL, WNOHANG), -1);
}

/* Where the program does not want to hear of its children, the system collects them. */
static void ignored_children_are_told(void **state)
{
	void (*before)(int) = signal(SIGCHLD, SIG_IGN);

	(void)state;
	expect_end(&usual, kill_itself, NULL, QUERN_ERR_RUN, "has been killed");
	expect_end(&usual, abort_at_once, NULL, QUERN_ERR_RUN, "has been killed");
	signal(SIGCHLD, before);
}

static void interrupt_itself(void *ctx, int fd)
{
	(void)ctx;
	raise(SIGINT);
	raise(SIGTERM);
	say(fd, 'y');
}

static volatile sig_atomic_t nhandled;

static void count(int sig)
{
	(void)sig;
	nhandled++;
}

static void handle_abort(void *ctx, int fd)
{
	(void)ctx;
	raise(SIGUSR1);
	say(fd, 'h');
}

static void signals_are_not_the_programs(void **state)
{
	void (*before)(int) = signal(SIGUSR1, count);

	(void)state;
	assert_int_equal(answer_of(interrupt_itself, NULL), 'y');
	expect_failure(&usual, handle_abort, NULL, "crashed (signal 10)");
	assert_int_equal(nhandled, 0);
	signal(SIGUSR1, before);
}

/* --- limits --- */

static void take_memory(void *ctx, int fd)
{
	size_t nbytes = *(const size_t *)ctx;
	volatile char *p = malloc(nbytes);

	if (p)
		p[nbytes - 1] = 1;
	say(fd, p ? 'y' : 'n');
}

static void memory_is_limited(void **state)
{
	size_t little = (size_t)100 << 20, much = (size_t)1100 << 20;

	(void)state;
	assert_int_equal(answer_of(take_memory, &little), 'y');
	assert_int_equal(answer_of(take_memory, &much), 'n');
}

/* Is there a filter of calls in this process? */
static bool is_filtered(void)
{
	char text[4096] = "";
	int fd = open("/proc/self/status", O_RDONLY);
	ssize_t n = fd < 0 ? 0 : read(fd, text, sizeof(text) - 1);

	if (fd >= 0)
		close(fd);
	text[n > 0 ? n : 0] = '\0';
	return strstr(text, "Seccomp:\t2") != NULL;
}

static void tell_filter(void *ctx, int fd)
{
	(void)ctx;
	say(fd, is_filtered() ? 'y' : 'n');
}

/* A letter for each thing that can be done and should not. */
static void misbehave(void *ctx, int fd)
{
	char *const argv[] = { (char[]){ "true" }, NULL };
	pid_t pid;

	if (open(ctx, O_WRONLY) >= 0 || open("new", O_CREAT | O_RDWR, 0600) >= 0)
		say(fd, 'w');
	if (unlink(ctx) == 0 || rename(ctx, "new") == 0 || truncate(ctx, 0) == 0)
		say(fd, 'u');
	if (socket(AF_INET, SOCK_STREAM, 0) >= 0)
		say(fd, 's');
	pid = fork();
	if (pid == 0)
		_exit(0);
	if (pid > 0)
		say(fd, 'f');
	if (kill(getppid(), 0) == 0)
		say(fd, 'k');
	execv("/bin/true", argv);
	say(fd, '.');
}

static void calls_are_filtered(void **state)
{
	char name[] = "test_child.XXXXXX";
	int fd = mkstemp(name);

	(void)state;
	assert_true(fd >= 0);
	if (answer_of(tell_filter, NULL) != 'y') {
		unlink(name);
		print_message("this kernel or container has no seccomp filters\n");
		skip();
	}
	assert_int_equal(answer_of(misbehave, name), '.');
	assert_int_equal(unlink(name), 0);
	close(fd);
}

static void use_a_file(void *ctx, int fd)
{
	char byte;

	say(fd, read(*(int *)ctx, &byte, 1) < 0 && errno == EBADF ? 'y' : 'n');
}

static void read_a_file(void *ctx, int fd)
{
	char byte = 'n';
	int file = open(ctx, O_RDONLY);

	if (file < 0 || read(file, &byte, 1) != 1)
		byte = 'n';
	say(fd, byte);
}

static void files_are_opened_anew(void **state)
{
	char name[] = "test_child.XXXXXX";
	int fd = mkstemp(name), high = dup2(fd, 100);

	(void)state;
	assert_int_equal(write(fd, "r", 1), 1);
	assert_int_equal(high, 100);
	assert_int_equal(answer_of(use_a_file, &high), 'y');
	assert_int_equal(answer_of(read_a_file, name), 'r');
	unlink(name);
	close(fd);
	close(high);
}

struct names {
	char mine[32], others[32];
};

/* A letter for each of the two files that can be read; the name that is relative in one and absolute in
   the other. */
static void read_two_files(void *ctx, int fd)
{
	const struct names *n = ctx;

	if (open(n->mine, O_RDONLY) >= 0)
		say(fd, 'm');
	if (open(n->others, O_RDONLY) >= 0 || openat(AT_FDCWD, "/etc/passwd", O_RDONLY) >= 0)
		say(fd, 'o');
	say(fd, errno == EACCES && qn_child_nrefused() == 2 ? '.' : '?');
}

static void other_files_are_refused(void **state)
{
	struct names n = { "test_child.XXXXXX", "test_other.XXXXXX" };
	struct quern_message err = { .status = QUERN_OK };
	struct qn_child_limits limits = usual;
	struct qn_names files = { .n = 0 };
	struct qn_child c;
	char said[3] = "", name[PATH_MAX];
	size_t at = 0;
	int mine = mkstemp(n.mine), others = mkstemp(n.others);

	(void)state;
	assert_int_equal(qn_names_add(&files, n.mine, &err), QUERN_OK);
	limits.files = &files;
	c = start(&limits, read_two_files, &n);
	assert_int_equal(qn_child_get(&c, said, 2, &err), QUERN_OK);
	unlink(n.mine);
	unlink(n.others);
	close(mine);
	close(others);
	qn_names_fini(&files);
	if (!qn_child_landlock() || said[1] == 'o') {
		qn_child_end(&c);
		print_message("no Landlock in this kernel, container or build\n");
		skip();
	}
	assert_string_equal(said, "m.");
	assert_true(qn_refused_next(c.refused, &at, name));
	assert_string_equal(name, n.others);
	assert_true(qn_refused_next(c.refused, &at, name));
	assert_string_equal(name, "/etc/passwd");
	assert_false(qn_refused_next(c.refused, &at, name));
	assert_int_equal(qn_refused_lack(c.refused), 0);
	qn_child_end(&c);
}

static void take_all_descriptors(void *ctx, int fd)
{
	struct rlimit few = { 8, 8 };

	setrlimit(RLIMIT_NOFILE, &few);
	while (open(ctx, O_RDONLY) >= 0)
		;
	say(fd, '.');
}

static void a_lack_of_descriptors_is_told(void **state)
{
	struct quern_message err = { .status = QUERN_OK };
	struct qn_child c = start(&usual, take_all_descriptors, (char[]){ "/dev/null" });
	char said = 0;

	(void)state;
	assert_int_equal(qn_child_get(&c, &said, 1, &err), QUERN_OK);
	assert_int_equal(said, '.');
	if (answer_of(tell_filter, NULL) == 'y')
		assert_int_equal(qn_refused_lack(c.refused), EMFILE);
	qn_child_end(&c);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(many_bytes_arrive),
		cmocka_unit_test(questions_are_answered),
		cmocka_unit_test(verdicts_are_cleaned),
		cmocka_unit_test(crashes_are_told),
		cmocka_unit_test(hangs_end),
		cmocka_unit_test(the_killed_are_told),
		cmocka_unit_test(none_is_nobody),
		cmocka_unit_test(the_unheard_end),
		cmocka_unit_test(ignored_children_are_told),
		cmocka_unit_test(signals_are_not_the_programs),
		cmocka_unit_test(memory_is_limited),
		cmocka_unit_test(calls_are_filtered),
		cmocka_unit_test(files_are_opened_anew),
		cmocka_unit_test(other_files_are_refused),
		cmocka_unit_test(a_lack_of_descriptors_is_told),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
