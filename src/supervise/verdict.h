/*
 * verdict.h - what is done when a run has ended: by how it ended, and what is known of its hosts. Pure functions.
 */
#ifndef QN_SUPERVISE_VERDICT_H
#define QN_SUPERVISE_VERDICT_H

#include <stdbool.h>
#include <stddef.h>

/* Failures that a run reports itself and that come again and again, without a host that died, are not chance. */
#define QN_MOST_REPORTED 3

enum qn_verdict {
	QN_RUN_IS_DONE,
	QN_RUN_AGAIN,
	QN_RUN_WITH_MORE, /* once a host that is gone is there again: it has what nobody else can read */
	QN_RUN_STOPS,  /* it would end in the same way */
	QN_RUN_GAVE_UP /* too many restarts */
};

/* How a run has ended. */
struct qn_ending {
	int status;    /* waitpid's, of the launcher */
	int nlost;     /* hosts that died while it ran */
	int ngone;     /* hosts that it went without */
	int nreported; /* runs in a row, with this one, that ended with QUERN_ERR_RUN and nlost == 0 */
	int nstarts, nmost; /* runs so far, and at most */
	bool was_ended;	    /* by the supervisor, as it was told to end */
};

enum qn_verdict qn_verdict_of(const struct qn_ending *e);

/* The exit code of the supervisor: the run's own, or QUERN_ERR_RUN for what is none of its. */
int qn_verdict_code(const struct qn_ending *e);

/* Seconds until the next start, after so many ends without a host that died. */
double qn_verdict_pause(int nfailed);

/* "exit status 137, a rank ended by signal 9, Killed", into out. */
void qn_verdict_tell(int status, char *out, size_t nbytes);

#endif
