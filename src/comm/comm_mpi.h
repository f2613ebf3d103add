/*
 * comm_mpi.h - making a communicator from the caller's. Apart, so that mpi.h stays here.
 */
#ifndef QN_COMM_COMM_MPI_H
#define QN_COMM_COMM_MPI_H

#include <mpi.h>

#include "comm/comm.h"

/* Duplicates `parent` and finds the hosts; MPI_COMM_NULL: a singleton, which works without
   MPI_Init. Collective on parent. MPI errors return instead of aborting. */
enum quern_status qn_comm_new(MPI_Comm parent, struct qn_comm **out, struct quern_message *err);

#endif
