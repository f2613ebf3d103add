#include "supervise/watch.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/system.h"
#include "base/text.h"

#define PING_SECONDS   1.0
#define RETRY_SECONDS  0.5 /* at least between two connections */
#define GONE_SECONDS   5.0 /* the same for a host that is lost */
#define FIRST_PATIENCE 6.0 /* times the patience, for the first answer of a host */
#define MOST_WORDS     64
#define LINE_NBYTES    128

/*
 * What answers. A line "t MARK" names the mark, "s" sweeps, "p" only answers; the letter is the answer. The mark is a
 * pattern that does not match itself, so that grep does not find its own words. Asked to end first, so that shared
 * memory and journals are left in order. No single quotes, and one line: it passes through any shell.
 */
static const char script[] =
	"t=; sweep() { [ \"$t\" ] || return 0; for s in TERM TERM TERM KILL KILL KILL; do "
	"p=$(grep -ls \"$t\" /proc/[0-9]*/environ /proc/[0-9]*/cmdline 2>/dev/null | cut -d/ -f3); "
	"[ \"$p\" ] || return 0; kill -$s $p 2>/dev/null; sleep .2; done; }; "
	"while read -r c x; do case $c in t) t=$x ;; s) sweep ;; esac; echo $c; done; sweep";

double qn_watch_now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

/* --- how hosts are reached --- */

static enum quern_status add_words(struct qn_names *words, const char *text,
				   struct quern_message *err)
{
	enum quern_status st = QUERN_OK;

	while (!st && *(text += strspn(text, " "))) {
		const size_t n = strcspn(text, " ");
		char *word = qn_strndup(text, n);

		st = word ? qn_names_add(words, word, err) : qn_error_nomem(err, n, "a command");
		free(word);
		text += n;
	}
	return st;
}

enum quern_status qn_watch_way_init(struct qn_watch_way *way, const char *agent, bool is_srun,
				    double patience, struct quern_message *err)
{
	const char *const second = strstr(agent, " : "); /* "ssh : rsh": the first of them */
	const char *const end = agent + strcspn(agent, " ");
	enum quern_status st;
	char *first;

	*way = (struct qn_watch_way){ .is_srun = is_srun, .patience = patience };
	if (is_srun)
		return add_words(
			&way->words,
			"srun --quiet --overlap --mpi=none --nodes=1 --ntasks=1 --nodelist=", err);
	first = qn_strndup(agent, second ? (size_t)(second - agent) : strlen(agent));
	st = first ? add_words(&way->words, first, err)
		   : qn_error_nomem(err, strlen(agent), "a command");
	free(first);
	if (!st && end - agent >= 3 && !strncmp(end - 3, "ssh", 3))
		st = add_words(&way->words, "-x -o BatchMode=yes -o ConnectTimeout=3", err);
	return st;
}

void qn_watch_way_fini(struct qn_watch_way *way)
{
	qn_names_fini(&way->words);
	free(way->mark);
}

/* The words that start the shell on a host. *made: of which some are, owned. */
static bool build(const struct qn_watch *w, const struct qn_watch_way *way, const char **argv,
		  char **made)
{
	size_t n = 0;

	*made = NULL;
	if (w->host) {
		if (way->words.n + 5 > MOST_WORDS)
			return false;
		for (; n < way->words.n; n++)
			argv[n] = way->words.name[n];
	}
	if (w->host && !way->is_srun) {
		argv[n++] = w->host;
		argv[n] = NULL;
		if (qn_asprintf(made, "exec sh -c '%s'", script) < 0)
			return false;
		argv[n++] = *made;
	} else {
		if (w->host && qn_asprintf(made, "%s%s", argv[n - 1], w->host) < 0)
			return false;
		if (w->host)
			argv[n - 1] = *made;
		argv[n++] = "sh";
		argv[n++] = "-c";
		argv[n++] = script;
	}
	argv[n] = NULL;
	return true;
}

/* --- a connection --- */

static _Noreturn void run_shell(const char *const *argv, int in, int out)
{
	const int nowhere = qn_sys_open("/dev/null", O_WRONLY, 0);
	sigset_t none;

	setpgid(0, 0); /* Ctrl-C is for the supervisor */
	dup2(in, STDIN_FILENO);
	dup2(out, STDOUT_FILENO);
	dup2(nowhere, STDERR_FILENO);
	signal(SIGPIPE, SIG_DFL);
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	execvp(argv[0], (char *const *)(uintptr_t)argv);
	_exit(127);
}

static void close_all(const int *fd, int n)
{
	for (int i = 0; i < n; i++)
		if (fd[i] >= 0)
			qn_sys_close(fd[i]);
}

static void start(struct qn_watch *w, const struct qn_watch_way *way)
{
	const char *argv[MOST_WORDS];
	int fd[4] = { -1, -1, -1, -1 };
	char *made;
	pid_t child;

	w->started = qn_watch_now();
	w->is_up = false;
	if (!build(w, way, argv, &made) || pipe2(fd, O_CLOEXEC) || pipe2(fd + 2, O_CLOEXEC)) {
		close_all(fd, 4);
		free(made);
		return;
	}
	child = fork();
	if (child == 0)
		run_shell(argv, fd[0], fd[3]);
	close_all((int[]){ fd[0], fd[3] }, 2);
	free(made);
	w->process = qn_process_of(child);
	w->to = fd[1];
	w->from = fd[2];
	fcntl(w->from, F_SETFL, O_NONBLOCK);
	fcntl(w->to, F_SETFL, O_NONBLOCK);
	w->pinged = 0;
}

static void stop(struct qn_watch *w)
{
	close_all((int[]){ w->to, w->from }, 2);
	w->to = w->from = -1;
	qn_process_end(&w->process);
	w->is_up = false;
}

/* A line is shorter than what a pipe takes at once; what a full one does not take was not answered for long. */
static void send(struct qn_watch *w, const char *line)
{
	if (w->to >= 0 && qn_sys_write(w->to, line, strlen(line)) < 0 && errno != EAGAIN)
		stop(w);
}

void qn_watch_mark(struct qn_watch *w, const struct qn_watch_way *way)
{
	char line[LINE_NBYTES];

	snprintf(line, sizeof(line), "t %s\n", way->mark ? way->mark : "");
	send(w, line);
}

/* True: it has said something. */
static bool listen_to(struct qn_watch *w)
{
	char bytes[LINE_NBYTES];
	bool said = false;
	ssize_t n;

	while (w->from >= 0 && (n = qn_sys_read(w->from, bytes, sizeof(bytes))) != 0) {
		if (n < 0 && errno != EINTR)
			break;
		for (ssize_t i = 0; i < n; i++)
			w->has_swept = w->has_swept || bytes[i] == 's';
		said = said || n > 0;
	}
	return said;
}

void qn_watch_init(struct qn_watch *w, const char *host)
{
	*w = (struct qn_watch){ .host = host, .process = QN_PROCESS_NONE, .to = -1, .from = -1 };
}

void qn_watch_fini(struct qn_watch *w)
{
	int status;

	/* The end of its input is the last it is told, and it sweeps then. */
	close_all(&w->to, 1);
	w->to = -1;
	if (w->is_up)
		qn_process_reap(&w->process, 2000, &status);
	stop(w);
}

static void connect_anew(struct qn_watch *w, const struct qn_watch_way *way)
{
	stop(w);
	start(w, way);
	qn_watch_mark(w, way);
}

static void note_answer(struct qn_watch *w)
{
	w->heard = qn_watch_now();
	w->has_answered = w->is_up = true;
	w->is_lost = false;
}

/* Is this connection of no use? A silent one gets as long as it takes for half of the patience to be left. */
static bool is_spent(const struct qn_watch *w, double now, double patience)
{
	const double age = now - w->started;

	if (age < (w->is_lost ? GONE_SECONDS : RETRY_SECONDS))
		return false;
	return !w->process.pid || (now - w->heard > patience / 2 && age > patience / 2);
}

void qn_watch_step(struct qn_watch *w, const struct qn_watch_way *way)
{
	const double now = qn_watch_now();
	double patience = way->patience;
	int status;

	if (w->started <= 0) {
		w->heard = now;
		connect_anew(w, way);
	}
	if (listen_to(w))
		note_answer(w);
	if (!w->has_answered)
		patience *= FIRST_PATIENCE;
	w->is_lost = w->is_lost || (w->host && now - w->heard > patience);
	if (w->process.pid && qn_process_reap(&w->process, 0, &status))
		w->is_up = false;
	if (is_spent(w, now, patience))
		connect_anew(w, way);
	if (now - w->pinged >= PING_SECONDS) {
		w->pinged = now;
		send(w, "p\n");
	}
}

void qn_watch_sweep(struct qn_watch *w)
{
	w->has_swept = false;
	send(w, "s\n");
}
