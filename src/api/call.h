/*
 * call.h - what all collective calls of the API begin and end with: the communicator, and what the log
 * has of the whole.
 */
#ifndef QN_API_CALL_H
#define QN_API_CALL_H

#include "cluster/comm_mpi.h"

/* As qn_comm_new; what: "run", "stage", ... Collective. */
enum quern_status qn_call_begin(MPI_Comm parent, const char *what, struct qn_comm **out,
				struct quern_message *err);
/* Returns st. c: NULL where the call has failed to begin. Not collective. */
enum quern_status qn_call_end(const struct qn_comm *c, enum quern_status st,
			      const struct quern_message *err);

#endif
