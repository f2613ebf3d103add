/*
 * session.h - the inside of quern_session: what all calls of the API work with, and what the log has of the whole
 * of each.
 */
#ifndef QN_API_SESSION_H
#define QN_API_SESSION_H

#include "cluster/comm_mpi.h"
#include "cluster/team.h"
#include "registry/registry.h"
#include "quern.h"

struct quern_session {
	struct quern_message err;     /* of its making */
	struct quern_message refused; /* of the last kernel or value that was refused */
	struct qn_registry registry;  /* kernels of the program */
	struct qn_comm *comm;	      /* owned; NULL: it could not be made */
	struct qn_answers *answers;   /* owned: what is known of files; NULL: there was no memory */
	struct qn_forkserver *reader; /* owned: what reads metadata; NULL: forks of this process */
	struct qn_standing *standing; /* owned: the team of the last call; NULL: there was none */
};

/* A call begins; what: "run", "stage", ... *c borrows from the session. Fails, on all ranks alike, where the
   session could not be made. Not collective. */
enum quern_status qn_session_begin(quern_session *session, const char *what, struct qn_comm **c,
				   struct quern_message *err);
/* Returns st. c: NULL where the call has failed to begin. Not collective. */
enum quern_status qn_session_end(const struct qn_comm *c, enum quern_status st,
				 const struct quern_message *err);

#endif
