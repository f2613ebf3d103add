/*
 * watch.h - hosts that are listened to. On each a shell, reached by ssh or srun as ranks are, answers a ping a
 * second: a host that is silent for longer than the patience is lost, whatever its network says. A connection
 * that ends or keeps silent is made anew before that. The shell also ends what a run has left behind there: the
 * processes with a mark in their environment or among their words. It does so when its input ends, too: with the
 * supervisor, however that ends.
 */
#ifndef QN_SUPERVISE_WATCH_H
#define QN_SUPERVISE_WATCH_H

#include "base/error.h"
#include "base/names.h"
#include "base/process.h"

struct qn_watch {
	const char *host; /* NULL: this one, which is never lost */
	struct qn_process process;
	int to, from;		/* the shell's input and output; -1: none */
	double started, pinged; /* seconds of qn_watch_now */
	double heard;		/* the same: when it was last heard of, or first tried */
	bool has_answered;	/* ever */
	bool is_up;		/* this connection has answered */
	bool is_lost;		/* the host is; it is still tried, now and then */
	bool has_swept;		/* since it was last told to */
};

/* How hosts are reached, and how long one may be silent: all of them the same. */
struct qn_watch_way {
	struct qn_names words; /* before the name of a host */
	bool is_srun;	 /* the host is part of the last word, and the shell's words are words */
	double patience; /* seconds */
	char *mark;	 /* of the run that is on; NULL: none. Owned */
};

/* Seconds of a clock that only goes forward. */
double qn_watch_now(void);

/* "ssh -o ...", as ranks are reached: agent of the launcher, or srun in an allocation. */
enum quern_status qn_watch_way_init(struct qn_watch_way *way, const char *agent, bool is_srun,
				    double patience, struct quern_message *err);
void qn_watch_way_fini(struct qn_watch_way *way);

/* Of a host that was not heard of yet: waits from now on. host: borrowed; NULL: this host. */
void qn_watch_init(struct qn_watch *w, const char *host);
void qn_watch_fini(struct qn_watch *w);

/* The mark of the way has changed. */
void qn_watch_mark(struct qn_watch *w, const struct qn_watch_way *way);

/* Listens, pings, connects anew; never waits. Whether the host is lost may change. */
void qn_watch_step(struct qn_watch *w, const struct qn_watch_way *way);

/* Has it end what carries the mark; has_swept tells when that is done. */
void qn_watch_sweep(struct qn_watch *w);

#endif
