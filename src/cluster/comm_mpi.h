/*
 * comm_mpi.h - making a communicator from the caller's. Apart, so that mpi.h stays here.
 */
#ifndef QN_CLUSTER_COMM_MPI_H
#define QN_CLUSTER_COMM_MPI_H

#include <mpi.h>

#include "cluster/comm.h"

/* In a test's environment: the ranks of each host are divided into so many runs of ranks, which then
   take each other for other hosts. */
#define QN_TEST_HOSTS "QUERN_TEST_HOSTS"

/* Duplicates `parent` and finds the hosts; MPI_COMM_NULL: a singleton, which works without
   MPI_Init. Collective on parent. MPI errors return instead of aborting. */
enum quern_status qn_comm_new(MPI_Comm parent, struct qn_comm **out, struct quern_message *err);

/* The first rank of each host, numbered as hosts are; MPI_COMM_NULL where there is one host and on
   other ranks. Borrowed, for mailbox.c. Not collective. */
MPI_Comm qn_comm_leaders(const struct qn_comm *c);

/* Counts bytes that mailbox.c sends to another host. Not collective. */
void qn_comm_count(struct qn_comm *c, uint64_t nbytes);

#endif
