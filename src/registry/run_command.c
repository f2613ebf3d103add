#include "registry/run_command.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/file.h"
#include "base/process.h"

#define PATIENCE_MS 300000

extern char **environ;

void qn_command_add(struct qn_command_line *l, const char *word)
{
	if (l->n < QN_MOST_WORDS)
		l->word[l->n] = word;
	l->n++;
}

/* Signals as a program expects them, whatever this one has done with them. */
static int set_signals(posix_spawnattr_t *attributes)
{
	sigset_t none, usual;
	int why;

	sigemptyset(&none);
	sigfillset(&usual);
	why = posix_spawnattr_setsigmask(attributes, &none);
	if (!why)
		why = posix_spawnattr_setsigdefault(attributes, &usual);
	return why ? why
		   : posix_spawnattr_setflags(attributes,
					      POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
}

static int set_files(posix_spawn_file_actions_t *actions, const char *folder, const char *said)
{
	int why = posix_spawn_file_actions_addchdir_np(actions, folder);

	if (!why)
		why = posix_spawn_file_actions_addopen(actions, STDIN_FILENO, "/dev/null", O_RDONLY,
						       0);

	if (!why)
		why = posix_spawn_file_actions_addopen(actions, STDOUT_FILENO, said,
						       O_WRONLY | O_CREAT | O_TRUNC, 0600);
	return why ? why : posix_spawn_file_actions_adddup2(actions, STDOUT_FILENO, STDERR_FILENO);
}

/* 0 or an error. */
static int start(const struct qn_command_line *l, const char *folder, const char *said, pid_t *pid)
{
	posix_spawn_file_actions_t actions;
	posix_spawnattr_t attributes;
	int why = posix_spawnattr_init(&attributes);

	if (why)
		return why;
	why = posix_spawn_file_actions_init(&actions);
	if (why)
		goto destroy_attributes;
	why = set_signals(&attributes);
	if (!why)
		why = set_files(&actions, folder, said);
	if (!why)
		why = posix_spawnp(pid, l->word[0], &actions, &attributes,
				   (char *const *)(uintptr_t)l->word, environ);
	posix_spawn_file_actions_destroy(&actions);
destroy_attributes:
	posix_spawnattr_destroy(&attributes);
	return why;
}

enum quern_status qn_run_command(const struct qn_command_line *l, const char *folder,
				 const char *said, bool *ok, struct quern_message *err)
{
	struct qn_process process;
	int why, status;
	pid_t pid;

	*ok = false;
	if (l->n < 1 || l->n > QN_MOST_WORDS)
		return qn_error_set(err, QUERN_ERR_USAGE,
				    "a command to compile with has 1 to %d words, flags included",
				    QN_MOST_WORDS);
	why = start(l, folder, said, &pid);
	if (why)
		return qn_error_set(err, QUERN_ERR_RUN,
				    "the compiler %s cannot be run: %s; QUERN_CC names another one",
				    l->word[0], qn_file_why(why));
	process = qn_process_of(pid);
	if (!qn_process_reap(&process, PATIENCE_MS, &status)) {
		qn_process_end(&process);
		return qn_error_set(err, QUERN_ERR_RUN, "the compiler %s took longer than %d s",
				    l->word[0], PATIENCE_MS / 1000);
	}
	/* Where SIGCHLD is ignored nobody learns how it ended: by what it has made. */
	*ok = status == QN_STATUS_UNKNOWN || (WIFEXITED(status) && WEXITSTATUS(status) == 0);
	return QUERN_OK;
}
