#include "supervise/verdict.h"

#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>

#include "quern_kernel.h"

#define SHELL_SIGNAL  128 /* and the number of a signal: what shells and launchers exit with */
#define CANNOT_START  126 /* 127: there is no such command */
#define LONGEST_PAUSE 30.0

static int code_of(int status)
{
	return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

/* Does the run itself, or the shell, say what will not change? */
static bool is_final(int code)
{
	return code == QUERN_ERR_USAGE || code == QUERN_ERR_DATA || code == QUERN_ERR_INTERRUPTED ||
	       code == QUERN_ERR_DENIED || code == CANNOT_START || code == CANNOT_START + 1;
}

enum qn_verdict qn_verdict_of(const struct qn_ending *e)
{
	const int code = code_of(e->status);

	if (!code)
		return QN_RUN_IS_DONE;
	if (e->was_ended)
		return QN_RUN_STOPS;
	if (e->nlost == 0) {
		if (e->ngone && code == QUERN_ERR_DATA)
			return QN_RUN_WITH_MORE;
		if (is_final(code) || (code == QUERN_ERR_RUN && e->nreported >= QN_MOST_REPORTED))
			return QN_RUN_STOPS;
	}
	return e->nstarts >= e->nmost ? QN_RUN_GAVE_UP : QN_RUN_AGAIN;
}

int qn_verdict_code(const struct qn_ending *e)
{
	const int code = code_of(e->status);

	if (!code)
		return QUERN_OK;
	if (e->was_ended)
		return QUERN_ERR_INTERRUPTED;
	return code > 0 && code <= QUERN_ERR_DENIED ? code : QUERN_ERR_RUN;
}

double qn_verdict_pause(int nfailed)
{
	double seconds = 0.5;

	if (nfailed <= 1)
		return 0;
	while (--nfailed > 1 && seconds < LONGEST_PAUSE)
		seconds *= 2;
	return seconds < LONGEST_PAUSE ? seconds : LONGEST_PAUSE;
}

void qn_verdict_tell(int status, char *out, size_t nbytes)
{
	const int code = code_of(status);

	if (WIFSIGNALED(status))
		snprintf(out, nbytes, "its launcher ended by signal %d, %s", WTERMSIG(status),
			 strsignal(WTERMSIG(status)));
	else if (code > SHELL_SIGNAL && code < SHELL_SIGNAL + SIGRTMIN)
		snprintf(out, nbytes, "exit status %d, a rank ended by signal %d, %s", code,
			 code - SHELL_SIGNAL, strsignal(code - SHELL_SIGNAL));
	else
		snprintf(out, nbytes, "exit status %d", code);
}
