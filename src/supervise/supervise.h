/*
 * supervise.h - a run with a journal that is started again until it is done: on the hosts that are there, after
 * all that is left of the last time was ended.
 *
 *	await hosts --> start --> watch --> end and sweep --> verdict --> done, stopped
 *	     ^                                                   |
 *	     +---------------------- again ----------------------+
 *
 * One attempt is on at a time. What belongs to it carries its mark in the environment, so that whatever the launcher
 * leaves behind on other hosts is found and ended, and nothing else.
 */
#ifndef QN_SUPERVISE_SUPERVISE_H
#define QN_SUPERVISE_SUPERVISE_H

#include "base/error.h"
#include "supervise/launch.h"

struct qn_supervision {
	int nrestarts;	   /* at most */
	double patience;   /* seconds that a host may be silent */
	double wait_hosts; /* seconds that are waited for hosts that are gone and needed */
	const char *agent; /* how hosts are reached: "ssh" */
	void (*tell)(const char *format, ...) __attribute__((format(printf, 1, 2)));
};

/*
 * Runs the command until it is done. Until it returns, SIGINT, SIGTERM, SIGUSR1 and SIGHUP end the run, which can be
 * resumed; they are not delivered otherwise. *code: the exit code. QUERN_ERR_RUN: no process could be started.
 */
enum quern_status qn_supervise(const struct qn_supervision *how, const struct qn_launch *l,
			       int *code, struct quern_message *err);

#endif
