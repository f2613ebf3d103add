#include "supervise/supervise.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <time.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/process.h"
#include "base/system.h"
#include "supervise/verdict.h"
#include "supervise/watch.h"

#define STEP_NS	      50000000 /* between two looks at everything */
#define SWEEP_SECONDS 6.0      /* that a sweep of a host that answers may take */

struct supervisor {
	const struct qn_supervision *how;
	const struct qn_launch *l;
	struct qn_watch_way way;
	size_t nhosts;		/* of the launch; one more watch is of this host */
	struct qn_watch *watch; /* owned */
	bool *used;		/* by this attempt, one a host; owned */
	sigset_t signals;
	struct qn_process run; /* the launcher, and its group */
	pid_t group;
	int out;   /* what the attempt has written on standard output; -1: none */
	int stage; /* of its end: how many signals it was sent; with when the next is due */
	double due;
	bool is_asked; /* to end, by a signal */
	double failed; /* when it was known that the last attempt has, or is to, come to nothing; 0: none has */
	struct qn_ending ending;
	int nfailed; /* attempts in a row that ended without a host that died */
};

/* How a run is ended, and seconds until the next. Launchers pass the first on to ranks, and wait for them. */
static const struct {
	int signal;
	double seconds;
} ends[] = { { SIGUSR1, 4 }, { SIGTERM, 1.5 }, { SIGKILL, 1 } };
#define NENDS	   (int)(sizeof(ends) / sizeof(*ends))
#define NO_JOURNAL 1 /* the stage from which on nothing more is to be written: a host is lost */

/* Where the user has not said so: a launcher that notices in seconds that a host is silent. Of Open MPI 4, and 5. */
static const struct {
	const char *variable, *value;
} settings[] = {
	{ "OMPI_MCA_oob_tcp_keepalive_time", "2" },
	{ "PRTE_MCA_oob_tcp_keepalive_time", "2" },
	{ "OMPI_MCA_oob_tcp_keepalive_intvl", "1" },
	{ "PRTE_MCA_oob_tcp_keepalive_intvl", "1" },
	{ "OMPI_MCA_oob_tcp_keepalive_probes", "3" },
	{ "PRTE_MCA_oob_tcp_keepalive_probes", "3" },
	{ "OMPI_MCA_plm_slurm_args", "--overlap" },
	{ "SLURM_KILL_BAD_EXIT", "1" },
	{ "SLURM_OVERLAP", "1" },
};

/* Variables that carry the mark: launchers pass on what begins like their own. */
static const char *const marks[] = { "OMPI_MCA_quern_supervise", "PRTE_MCA_quern_supervise" };

/* --- signals, and time --- */

/* Sleeps until a signal or the end of a step; a signal that asks for the end is noted. */
static void sleep_a_step(struct supervisor *s)
{
	const struct timespec step = { .tv_nsec = STEP_NS };
	const int got = sigtimedwait(&s->signals, NULL, &step);

	if (got > 0 && got != SIGCHLD) {
		s->is_asked = true;
		s->due = 0; /* another one is another step */
	}
}

static void step(struct supervisor *s)
{
	sleep_a_step(s);
	for (size_t i = 0; i <= s->nhosts; i++)
		qn_watch_step(&s->watch[i], &s->way);
}

/* --- hosts --- */

static size_t count(const struct supervisor *s, bool (*is)(const struct qn_watch *w))
{
	size_t n = 0;

	for (size_t i = 0; i < s->nhosts; i++)
		n += is(&s->watch[i]);
	return n;
}

static bool is_up(const struct qn_watch *w)
{
	return w->is_up && !w->is_lost;
}

static bool is_open(const struct qn_watch *w)
{
	return !w->is_up && !w->is_lost;
}

static void choose_hosts(struct supervisor *s)
{
	for (size_t i = 0; i < s->nhosts; i++)
		s->used[i] = is_up(&s->watch[i]);
}

/* Until each host has answered or is given up, and, up to `until`, until there are `wanted` of them. False: too few,
   or asked to end. */
static bool await_hosts(struct supervisor *s, size_t wanted, double until)
{
	while (!s->is_asked &&
	       (count(s, is_open) || (count(s, is_up) < wanted && qn_watch_now() < until)))
		step(s);
	choose_hosts(s);
	return !s->is_asked && count(s, is_up) >= wanted;
}

/* Names of the hosts that are used, or of the others; owned. */
static char *names(const struct supervisor *s, bool used)
{
	bool *chosen = qn_calloc(s->nhosts + 1, sizeof(*chosen));
	char *list;

	for (size_t i = 0; chosen && i < s->nhosts; i++)
		chosen[i] = s->used[i] == used;
	list = chosen ? qn_roster_list(&s->l->hosts, chosen, false) : NULL;
	free(chosen);
	return list;
}

/* --- one attempt --- */

/* A pattern that processes match by their environment, and that does not match itself. */
static enum quern_status choose_mark(struct supervisor *s, char text[64], struct quern_message *err)
{
	snprintf(text, 64, "quern-%lx-%lx-%d", (unsigned long)time(NULL), (unsigned long)getpid(),
		 s->ending.nstarts);
	free(s->way.mark);
	if (qn_asprintf(&s->way.mark, "quer[n]%s", text + strlen("quern")) < 0) {
		s->way.mark = NULL;
		return qn_error_nomem(err, strlen(text), "a mark");
	}
	for (size_t i = 0; i <= s->nhosts; i++)
		qn_watch_mark(&s->watch[i], &s->way);
	return QUERN_OK;
}

static _Noreturn void run_launcher(char *const *argv, const char *mark, pid_t parent, int out)
{
	const int nothing = qn_sys_open("/dev/null", O_RDONLY, 0);
	sigset_t none;

	setpgid(0, 0);
	prctl(PR_SET_PDEATHSIG, SIGTERM);
	if (getppid() != parent)
		_exit(QUERN_ERR_RUN);
	dup2(nothing, STDIN_FILENO);
	dup2(out, STDOUT_FILENO);
	for (size_t i = 0; i < sizeof(settings) / sizeof(*settings); i++)
		setenv(settings[i].variable, settings[i].value, 0);
	for (size_t i = 0; i < sizeof(marks) / sizeof(*marks); i++)
		setenv(marks[i], mark, 1);
	signal(SIGPIPE, SIG_DFL);
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	execvp(argv[0], argv);
	_exit(127);
}

static enum quern_status fork_launcher(struct supervisor *s, const struct qn_names *words,
				       const char *mark, struct quern_message *err)
{
	char **argv = qn_calloc(words->n + 1, sizeof(*argv));
	const pid_t self = getpid();
	pid_t child;

	if (!argv)
		return qn_error_nomem(err, words->n * sizeof(*argv), "a command");
	s->out = memfd_create("output", MFD_CLOEXEC);
	if (s->out < 0) {
		free(argv);
		return qn_error_set(err, QUERN_ERR_RUN, "cannot hold what a run writes: %m");
	}
	memcpy(argv, words->name, words->n * sizeof(*argv));
	child = fork();
	if (child == 0)
		run_launcher(argv, mark, self, s->out);
	free(argv);
	if (child < 0)
		return qn_error_set(err, QUERN_ERR_RUN, "cannot start a process: %m");
	setpgid(child, child); /* both do, so that it is done before anybody goes by it */
	s->group = child;
	s->run = qn_process_of(child);
	return QUERN_OK;
}

static enum quern_status start(struct supervisor *s, struct quern_message *err)
{
	struct qn_names words = { .n = 0 };
	enum quern_status st = qn_launch_words(s->l, s->used, &words, err);
	char mark[64];

	if (!st)
		st = choose_mark(s, mark, err);
	if (!st)
		st = fork_launcher(s, &words, mark, err);
	qn_names_fini(&words);
	s->stage = 0;
	s->due = 0;
	s->ending.nstarts++;
	return st;
}

static int count_lost(const struct supervisor *s)
{
	int n = 0;

	for (size_t i = 0; i < s->nhosts; i++)
		n += s->used[i] && s->watch[i].is_lost;
	return n;
}

static void tell_lost(const struct supervisor *s)
{
	for (size_t i = 0; i < s->nhosts; i++)
		if (s->used[i] && s->watch[i].is_lost)
			s->how->tell("%s has not answered for %.1f s: the run is ended, to go on "
				     "without it",
				     s->l->hosts.host[i].name, qn_watch_now() - s->watch[i].heard);
}

/* The next signal, when it is due. */
static void end_further(struct supervisor *s)
{
	const double now = qn_watch_now();

	if (s->stage >= NENDS || now < s->due)
		return;
	if (ends[s->stage].signal == SIGKILL)
		kill(-s->group, SIGKILL);
	qn_process_signal(&s->run, ends[s->stage].signal);
	s->due = now + ends[s->stage].seconds;
	s->stage++;
}

/* Until the launcher has ended, by itself or because it was told to. */
static void watch(struct supervisor *s)
{
	const double began = qn_watch_now();
	char how[128];

	s->ending.nlost = 0;
	s->failed = 0;
	while (!qn_process_reap(&s->run, 0, &s->ending.status)) {
		step(s);
		if (!s->is_asked && !s->ending.nlost && (s->ending.nlost = count_lost(s)) > 0) {
			s->failed = qn_watch_now();
			tell_lost(s);
			s->stage = NO_JOURNAL;
		}
		if (s->is_asked || s->ending.nlost)
			end_further(s);
	}
	s->ending.was_ended = s->is_asked;
	if (!s->failed)
		s->failed = qn_watch_now();
	qn_verdict_tell(s->ending.status, how, sizeof(how));
	if (s->ending.status && !s->ending.nlost && !s->is_asked)
		s->how->tell("the run ended after %.1f s: %s", s->failed - began, how);
}

/* Ends what is left of the attempt, here and on the hosts that answer. */
static void sweep(struct supervisor *s)
{
	const double until = qn_watch_now() + SWEEP_SECONDS;
	bool is_open = true;

	kill(-s->group, SIGKILL);
	for (size_t i = 0; i <= s->nhosts; i++)
		qn_watch_sweep(&s->watch[i]);
	while (is_open && qn_watch_now() < until) {
		step(s);
		is_open = false;
		for (size_t i = 0; i <= s->nhosts; i++)
			is_open = is_open || (s->watch[i].is_up && !s->watch[i].has_swept);
	}
}

/* --- one after another --- */

static void tell_start(const struct supervisor *s)
{
	char *on = names(s, true), *without = names(s, false);
	const bool are_some = without && *without;

	if (s->ending.nstarts > 1)
		s->how->tell(
			"started again%s%s%s%s, %.1f s after it failed (restart %d of at most %d)",
			on && *on ? " on " : "", on ? on : "", are_some ? " without " : "",
			are_some ? without : "", qn_watch_now() - s->failed, s->ending.nstarts - 1,
			s->how->nrestarts);
	else if (are_some)
		s->how->tell("started on %s without %s, which does not answer", on ? on : "",
			     without);
	free(on);
	free(without);
}

static void pause_for(struct supervisor *s, double seconds)
{
	const double until = qn_watch_now() + seconds;

	while (!s->is_asked && qn_watch_now() < until)
		step(s);
}

/* Waits for more hosts than there are; false: they do not come. */
static bool wait_for_more(struct supervisor *s, size_t wanted)
{
	char *gone;

	choose_hosts(s);
	gone = names(s, false);
	if (s->how->wait_hosts > 0)
		s->how->tell("waiting up to %.0f s for %s", s->how->wait_hosts,
			     gone ? gone : "hosts");
	else
		s->how->tell(
			"%s would be needed, and does not answer; --wait-hosts SECONDS waits for it",
			gone ? gone : "a host");
	free(gone);
	return await_hosts(s, wanted, qn_watch_now() + s->how->wait_hosts);
}

/* What is known after an attempt. */
static void judge(struct supervisor *s)
{
	struct qn_ending *e = &s->ending;

	s->nfailed = e->nlost ? 0 : s->nfailed + 1;
	e->nreported = !e->nlost && qn_verdict_code(e) == QUERN_ERR_RUN && WIFEXITED(e->status) &&
				       WEXITSTATUS(e->status) == QUERN_ERR_RUN
			       ? e->nreported + 1
			       : 0;
	e->ngone = 0;
	for (size_t i = 0; i < s->nhosts; i++)
		e->ngone += !s->used[i];
}

/* One attempt, and what comes of it. */
static enum quern_status attempt(struct supervisor *s, enum qn_verdict *verdict,
				 struct quern_message *err)
{
	enum quern_status st = start(s, err);

	if (st)
		return st;
	tell_start(s);
	watch(s);
	if (s->ending.status)
		sweep(s);
	judge(s);
	*verdict = qn_verdict_of(&s->ending);
	return QUERN_OK;
}

static bool has_hosts(struct supervisor *s)
{
	if (!s->nhosts || await_hosts(s, 1, 0))
		return true;
	return !s->is_asked && wait_for_more(s, 1);
}

/* One result at most reaches standard output: of an attempt after which there is no other. A launcher can fail when the
   run has written all of it, or half. */
static void let_go_of_output(struct supervisor *s, bool is_last)
{
	char bytes[1 << 14];
	ssize_t n = 0, put;

	for (uint64_t at = 0; is_last && s->out >= 0; at += (uint64_t)n) {
		n = qn_sys_pread(s->out, bytes, sizeof(bytes), (off_t)at);
		if (n <= 0)
			break;
		for (ssize_t done = 0; done < n; done += put) {
			put = qn_sys_write(STDOUT_FILENO, bytes + done, (size_t)(n - done));
			if (put < 0 && errno == EINTR)
				put = 0;
			else if (put < 0)
				n = done;
		}
		if (n < (ssize_t)sizeof(bytes))
			break;
	}
	if (s->out >= 0)
		qn_sys_close(s->out);
	s->out = -1;
}

/* Prepares the next attempt; false: there is none. */
static bool is_to_go_on(struct supervisor *s, enum qn_verdict verdict)
{
	if (verdict == QN_RUN_AGAIN)
		pause_for(s, qn_verdict_pause(s->nfailed));
	else if (verdict != QN_RUN_WITH_MORE || !wait_for_more(s, count(s, is_up) + 1))
		return false;
	return !s->is_asked;
}

static void tell_end(const struct supervisor *s, enum qn_verdict verdict, double began)
{
	const int n = s->ending.nstarts - 1;

	if (verdict == QN_RUN_GAVE_UP)
		s->how->tell(
			"given up after %d restarts; the same command goes on from the journal", n);
	else if (s->is_asked)
		s->how->tell(
			"ended by a signal after %d restarts; the same command goes on from the "
			"journal",
			n);
	else if (verdict == QN_RUN_IS_DONE && n)
		s->how->tell("done after %d restart%s, in %.1f s", n, n > 1 ? "s" : "",
			     qn_watch_now() - began);
}

static enum quern_status run_until_done(struct supervisor *s, int *code, struct quern_message *err)
{
	enum qn_verdict verdict = QN_RUN_STOPS;
	enum quern_status st = QUERN_OK;
	const double began = qn_watch_now();
	bool goes_on;

	*code = QUERN_ERR_RUN;
	do {
		if (!has_hosts(s)) {
			*code = QUERN_ERR_RUN;
			break;
		}
		st = attempt(s, &verdict, err);
		*code = st ? (int)st : qn_verdict_code(&s->ending);
		goes_on = !st && is_to_go_on(s, verdict);
		let_go_of_output(s, !goes_on);
	} while (goes_on);
	if (s->is_asked && *code)
		*code = QUERN_ERR_INTERRUPTED;
	tell_end(s, verdict, began);
	return st;
}

/* --- set-up --- */

static enum quern_status init_watches(struct supervisor *s, struct quern_message *err)
{
	const size_t n = s->l->hosts.n;
	char self[256] = "";

	gethostname(self, sizeof(self) - 1);
	s->watch = qn_calloc(n + 1, sizeof(*s->watch));
	s->used = qn_calloc(n + 1, sizeof(*s->used));
	if (!s->watch || !s->used)
		return qn_error_nomem(err, n * sizeof(*s->watch), "hosts");
	s->nhosts = n;
	for (size_t i = 0; i <= n; i++) {
		const char *name = i < n ? s->l->hosts.host[i].name : NULL;

		qn_watch_init(&s->watch[i], name && qn_roster_is_self(name, self) ? NULL : name);
	}
	return qn_watch_way_init(&s->way, s->how->agent, s->l->is_allocated, s->how->patience, err);
}

/* What is ignored, as SIGHUP is under nohup, stays so. */
static void block_signals(struct supervisor *s, sigset_t *before)
{
	static const int numbers[] = { SIGINT, SIGTERM, SIGUSR1, SIGHUP, SIGCHLD };
	struct sigaction now;

	sigemptyset(&s->signals);
	for (size_t i = 0; i < sizeof(numbers) / sizeof(*numbers); i++)
		if (!sigaction(numbers[i], NULL, &now) && now.sa_handler != SIG_IGN)
			sigaddset(&s->signals, numbers[i]);
	sigprocmask(SIG_BLOCK, &s->signals, before);
	signal(SIGPIPE, SIG_IGN);
}

enum quern_status qn_supervise(const struct qn_supervision *how, const struct qn_launch *l,
			       int *code, struct quern_message *err)
{
	struct supervisor s = { .how = how, .l = l, .run = QN_PROCESS_NONE, .out = -1 };
	enum quern_status st = init_watches(&s, err);
	sigset_t before;

	s.ending.nmost = how->nrestarts + 1;
	block_signals(&s, &before);
	if (!st)
		st = run_until_done(&s, code, err);
	for (size_t i = 0; s.watch && i <= s.nhosts; i++)
		qn_watch_fini(&s.watch[i]);
	sigprocmask(SIG_SETMASK, &before, NULL);
	qn_watch_way_fini(&s.way);
	free(s.watch);
	free(s.used);
	return st;
}
