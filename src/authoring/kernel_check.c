/*
 * kernel_check.c - quern kernels --check: a kernel of a user is tried in a child process (proof/proof.h), so that one that
 * crashes is named, with what it was doing.
 *
 * The child says one thing on a pipe, and its exit code is that of the command: what it found, or all that it tried.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/system.h"
#include "cli/cli.h"
#include "authoring/kernels.h"
#include "kernel/tile.h"
#include "proof/proof.h"
#include "registry/registry.h"

#define NTRIALS	      (3 * QN_NMOODS) /* of a type */
#define PATIENCE      120	      /* seconds for a trial */
#define MOST_SETTINGS 32
#define TEXT_NBYTES   13
#define MOST_SAID     2048
#define STACK_NBYTES  65536

/* --- in the child: what its handlers of signals need --- */

static struct {
	int to; /* the parent */
	struct qn_doing doing;
	const struct quern_kernel *kernel; /* NULL: it is not loaded yet */
	char on[QN_TRIAL_NBYTES];	   /* what it is tried on */
	char said[MOST_SAID];
} child;

static void add(const char *text)
{
	const size_t used = strlen(child.said), n = strlen(text);

	if (used + n < sizeof(child.said))
		memcpy(child.said + used, text, n + 1);
}

static _Noreturn void leave(int code)
{
	ssize_t n = qn_sys_write(child.to, child.said, strlen(child.said));

	_exit(n < 0 ? QUERN_ERR_RUN : code);
}

/* What an address is that was used and must not be. */
static const char *name_address(const void *address)
{
	const struct qn_doing *d = &child.doing;

	return qn_guarded_guards(&d->state, address) ? "it uses memory past the end of its state"
	       : qn_guarded_guards(&d->scratch, address)
		       ? "it uses memory past the end of its scratch"
	       : qn_guarded_guards(&d->values, address) ? "it reads past the values of its tile"
	       : qn_guarded_guards(&d->with, address)
		       ? "it reads past the second values of its tile"
	       : qn_guarded_guards(&d->weight, address) ? "it reads past the weights of its tile"
	       : qn_guarded_guards(&d->valid, address)	? "it reads past the bitmap of its tile"
	       : qn_globals_have(&d->globals, address)
		       ? "it writes to a variable that threads share (global or static): a data race"
		       : "it uses memory that is not its own";
}

static const char *name_signal(int number, const void *address)
{
	return number == SIGALRM ? "it takes longer than 120 s"
	       : number == SIGFPE
		       ? "it divides an integer by zero, or unmasks an exception (SIGFPE)"
	       : number == SIGABRT
		       ? "it aborts, or the C library does because its memory is damaged (SIGABRT)"
	       : number == SIGILL ? "it has an instruction that this processor does not (SIGILL)"
				  : name_address(address);
}

static void on_signal(int number, siginfo_t *info, void *context)
{
	(void)context;
	child.said[0] = '\0';
	add("kernel ");
	add(child.kernel ? child.kernel->name : "of this file");
	add(": ");
	add(child.doing.slot ? child.doing.slot : "its file");
	add(child.doing.slot ? "(): " : ": ");
	add(name_signal(number, info->si_addr));
	if (*child.on) {
		add(" (");
		add(child.on);
		add(")");
	}
	leave(QUERN_ERR_RUN);
}

static void watch_signals(void)
{
	static const int numbers[] = { SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGABRT, SIGALRM };
	static unsigned char stack[STACK_NBYTES];
	const stack_t alternate = { .ss_sp = stack, .ss_size = sizeof(stack) };
	struct sigaction action = { .sa_flags = SA_SIGINFO | SA_ONSTACK };

	action.sa_sigaction = on_signal;
	sigaltstack(&alternate, NULL);
	for (size_t i = 0; i < sizeof(numbers) / sizeof(*numbers); i++)
		sigaction(numbers[i], &action, NULL);
}

/* --- what it is tried on --- */

struct plan {
	bool types[QUERN_TEXT + 1];
	const char *settings[MOST_SETTINGS + 1]; /* in `words` */
	char *words;				 /* owned */
	uint64_t seed;
};

static const char *type_name(enum quern_dtype t)
{
	return t == QUERN_TEXT ? "text" : qn_dtype_name(t);
}

static enum quern_status take_type(struct plan *p, const char *word, struct quern_message *err)
{
	for (int t = 0; t <= QUERN_TEXT; t++)
		if (!strcmp(word, type_name((enum quern_dtype)t))) {
			p->types[t] = true;
			return QUERN_OK;
		}
	return qn_error_set(err, QUERN_ERR_USAGE,
			    "--type %s: there are i1 u1 i2 u2 i4 u4 i8 u8 f4 f8 text", word);
}

static enum quern_status take_types(struct plan *p, const char *list, struct quern_message *err)
{
	char *words = qn_strdup(list ? list : ""), *rest = words, *word;
	enum quern_status st = words ? QUERN_OK : qn_error_nomem(err, 0, "types");

	for (int t = 0; !list && t <= QUERN_TEXT; t++)
		p->types[t] = true;
	while (!st && list && (word = strsep(&rest, ",")))
		st = take_type(p, word, err);
	free(words);
	return st;
}

/* Commas may be in values: a word without a '=' goes on with the one before. */
static enum quern_status take_settings(struct plan *p, const char *list, struct quern_message *err)
{
	int n = 0;

	p->words = qn_strdup(list ? list : "");
	if (!p->words)
		return qn_error_nomem(err, 0, "settings");
	for (char *at = p->words; *p->words && at; n++) {
		char *comma = at;

		if (n == MOST_SETTINGS || !strchr(at, '='))
			return qn_error_set(err, QUERN_ERR_USAGE, "--set %s: NAME=VALUE each",
					    list);
		p->settings[n] = at;
		while ((comma = strchr(comma, ',')) &&
		       strcspn(comma + 1, "=") > strcspn(comma + 1, ","))
			comma++;
		if (comma && !strchr(comma, '='))
			comma = NULL;
		if (comma)
			*comma++ = '\0';
		at = comma;
	}
	return QUERN_OK;
}

/* --- the trials --- */

static struct qn_trial make_trial(const struct plan *p, enum quern_dtype t, int i)
{
	return (struct qn_trial){
		.kernel = child.kernel,
		.settings = p->settings,
		.dtype = t,
		.text_nbytes = TEXT_NBYTES,
		.mood = (enum qn_mood)(i / 3),
		.nmissing_in = i % 3 ? 30 : 0,
		.nan_missing = i % 3 != 2,
		.has_steps = i % 2,
		.roles = i % 4 == 3 ? QUERN_ROLE(QUERN_WEIGHT) : 0,
		.is_guarded = true,
		.seed = p->seed + (uint64_t)i,
	};
}

/* False: the kernel does not take the type; *why says so. */
static bool try_type(const struct plan *p, enum quern_dtype t, struct quern_message *why)
{
	for (int i = 0; i < NTRIALS; i++) {
		const struct qn_trial trial = make_trial(p, t, i);
		bool is_broken;

		qn_trial_describe(&trial, child.on);
		alarm(PATIENCE);
		*why = (struct quern_message){ .status = QUERN_OK };
		if (!qn_proof_try(&trial, &child.doing, &is_broken, why))
			continue;
		if (!is_broken)
			return false;
		add(why->text);
		leave(QUERN_ERR_RUN);
	}
	return true;
}

static void list_type(enum quern_dtype t, char *list, size_t nbytes)
{
	const size_t used = strlen(list);

	snprintf(list + used, nbytes - used, "%s%s", used ? ", " : "", type_name(t));
}

static _Noreturn void try_all(const struct plan *p)
{
	char tried[128] = "", refused[128] = "";
	struct quern_message why = { .status = QUERN_OK };

	for (int t = 0; t <= QUERN_TEXT; t++) {
		if (!p->types[t] || (t == QUERN_TEXT && !child.kernel->takes_text))
			continue;
		if (try_type(p, (enum quern_dtype)t, &why))
			list_type((enum quern_dtype)t, tried, sizeof(tried));
		else
			list_type((enum quern_dtype)t, refused, sizeof(refused));
	}
	if (!*tried) {
		add(*refused ? why.text : "the kernel takes none of these types");
		leave(QUERN_ERR_USAGE);
	}
	snprintf(child.said, sizeof(child.said),
		 "kernel %s holds to the contract: %d trials of each of %s%s%s; seed %llu",
		 child.kernel->name, NTRIALS, tried, *refused ? "; it does not take " : "", refused,
		 (unsigned long long)p->seed);
	leave(QUERN_OK);
}

static _Noreturn void run_child(const struct plan *p, const char *file)
{
	struct quern_message err = { .status = QUERN_OK };
	struct qn_registry registry = { .n = 0 };
	const struct quern_kernel *k;

	watch_signals();
	alarm(PATIENCE);
	if (qn_registry_find(&registry, file, &k, &err)) {
		add(err.text);
		leave((int)err.status);
	}
	child.kernel = qn_registry_real(&registry, k);
	if (!child.kernel) {
		add("--check is of kernels of users: quern's own are checked by its tests");
		leave(QUERN_ERR_USAGE);
	}
	try_all(p);
}

/* --- the parent --- */

/* Until the child has ended. */
static void hear(int from, char said[MOST_SAID])
{
	size_t used = 0;
	ssize_t n;

	while (used < MOST_SAID - 1 &&
	       ((n = qn_sys_read(from, said + used, MOST_SAID - 1 - used)) > 0 ||
		(n < 0 && errno == EINTR)))
		used += n > 0 ? (size_t)n : 0;
	said[used] = '\0';
}

static int say(int status, const char *said, const char *file)
{
	if (WIFEXITED(status) && !WEXITSTATUS(status)) {
		puts(said);
		return QUERN_OK;
	}
	if (WIFEXITED(status) && *said)
		return qn_cli_fail((enum quern_status)WEXITSTATUS(status), said);
	qn_cli_note("%s: the process that tried the kernel was ended by signal %d", file,
		    WIFSIGNALED(status) ? WTERMSIG(status) : 0);
	return QUERN_ERR_RUN;
}

static int run_parent(const struct plan *p, const char *file)
{
	char said[MOST_SAID];
	int ends[2], status;
	pid_t pid;

	fflush(stdout);
	if (pipe2(ends, O_CLOEXEC))
		return qn_cli_fail(QUERN_ERR_RUN, "a pipe cannot be made");
	pid = fork();
	if (pid == 0) {
		qn_sys_close(ends[0]);
		child.to = ends[1];
		run_child(p, file);
	}
	qn_sys_close(ends[1]);
	if (pid < 0) {
		qn_sys_close(ends[0]);
		return qn_cli_fail(QUERN_ERR_RUN, "a process cannot be started");
	}
	hear(ends[0], said);
	qn_sys_close(ends[0]);
	while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
		;
	return say(status, said, file);
}

int qn_cli_check_kernel(const struct quern_options *o, const char *file)
{
	struct quern_message err = { .status = QUERN_OK };
	struct plan p = { .seed = (uint64_t)quern_option_int(o, "seed") };
	enum quern_status st = take_types(&p, quern_option_string(o, "type"), &err);
	int code;

	if (!st)
		st = take_settings(&p, quern_option_string(o, "set"), &err);
	code = st ? qn_cli_fail(st, err.text) : run_parent(&p, file);
	free(p.words);
	return code;
}
