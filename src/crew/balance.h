/*
 * balance.h - stealing between hosts: what the first rank of each host does while its threads work.
 *
 * No rank of another host can look into a host's queues, and no thread that computes answers for
 * them. The main thread of a host's first rank, which has nothing else to do, comes by every half
 * millisecond, or every two where nothing goes on (qn_balance_step):
 *
 *	- it answers those who ask: with tasks from the tails of its host's queues, which it takes
 *	  as any thief does, or with nothing;
 *	- when its own host will soon have nothing left (plan/policy.h) it asks: first hosts that
 *	  hold copies of the same files, among them the one that is known to be busy for longest,
 *	  then those whose files it can read at all;
 *	- what it gets it puts into the shared memory of its host (lease.h), for all workers there.
 *
 * At the end hosts gather twice (mailbox.h), and nobody waits while they do. A host comes to the first
 * gathering when its queues are empty; it goes on to ask and to answer. When all have come there is nothing
 * left that could be leased, and nobody asks any more. A host comes to the second when it has all answers;
 * when all have come no message is under way, and workers may leave:
 *
 *	stage		goes on when			asks	answers		waits for
 *	HAS_WORK	queues are empty, or stopped	yes	with work	its workers
 *	EMPTY		all hosts have come		yes	with nothing	all hosts
 *	ALL_EMPTY	its last question is answered	no	with nothing	one host
 *	QUIET		all hosts have come		no	with nothing	all hosts
 *	OVER
 *
 * When the work of a host fails, it stops its queues and has all others stop theirs; then all go
 * through the same stages. When a step fails, a call of MPI or an allocation, nobody can say any more what
 * is under way: the host abandons the others, and all that hear of it are over at once.
 */
#ifndef QN_CREW_BALANCE_H
#define QN_CREW_BALANCE_H

#include "cluster/mailbox.h"
#include "crew/lease.h"
#include "locate/access.h"
#include "plan/policy.h"

#define QN_BALANCE_NS	    500000  /* between two steps, */
#define QN_BALANCE_QUIET_NS 2000000 /* and when nobody has asked for a while */
#define QN_MOST_ASKED	    64	    /* hosts of which nothing is known */

enum qn_known { QN_UNKNOWN, QN_KNOWN, QN_NOTHING_THERE };

enum qn_stage {
	QN_HAS_WORK,  /* in its queues */
	QN_EMPTY,     /* it has come to the first gathering, */
	QN_ALL_EMPTY, /* and all others */
	QN_QUIET,     /* to the second, */
	QN_OVER	      /* and all others */
};

/* What a host knows of another. */
struct qn_peer {
	uint8_t known;	  /* enum qn_known */
	uint8_t holds;	  /* copies of files that this host holds too */
	uint8_t readable; /* some file of it can be read here */
	double finish;	  /* when it will be done, by this host's clock */
	double ask_after;
};

struct qn_balance {
	struct qn_comm *comm;		/* keep */
	const struct qn_access *access; /* NULL: every host can read all, as far away */
	const struct qn_weigher *weigher;
	const struct qn_rates *rates;
	struct qn_queues *queues;
	struct qn_leases *leases;
	struct qn_mailbox *post; /* owned; NULL: this rank does not balance */
	struct qn_peer *peer;	 /* owned: of each host */
	int nhosts, host, nasked;
	double nthreads; /* of this host */
	uint8_t *answer; /* owned: room for one */

	int asked; /* host whose answer is awaited, or -1 */
	double asked_at, stirred_at, latency;
	double at, busy_seconds, busy_nbytes, done_nbytes; /* the pace of this host */
	struct qn_load load;
	bool told_stop;
	enum qn_stage stage;
};

/* Keeps what it points to. Collective on c. */
enum quern_status qn_balance_init(struct qn_balance *a, struct qn_comm *c,
				  const struct qn_access *access, const struct qn_weigher *w,
				  const struct qn_rates *rates, struct qn_queues *q,
				  struct qn_leases *l, struct quern_message *err);
void qn_balance_fini(struct qn_balance *a);

/* Does this rank balance for its host? Then the following, by the thread that owns the communicator. */
static inline bool qn_balance_is_one(const struct qn_balance *a)
{
	return a->post;
}

/* Before a pass. */
void qn_balance_begin(struct qn_balance *a);
/* Answers and asks, until a->stage is QN_OVER, which it is after an error. Stops the queues of this host when
   that of another has failed. */
enum quern_status qn_balance_step(struct qn_balance *a, struct quern_message *err);
/* Nanoseconds until the next one. */
long qn_balance_pause(const struct qn_balance *a);

#endif
