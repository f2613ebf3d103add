/*
 * comm_mpi.h - making a communicator from the caller's. Apart, so that mpi.h stays here.
 */
#ifndef QN_CLUSTER_COMM_MPI_H
#define QN_CLUSTER_COMM_MPI_H

#include <mpi.h>

#include "cluster/comm.h"

/* Duplicates `parent` and finds the hosts; MPI_COMM_NULL: a singleton, which works without
   MPI_Init. Collective on parent. MPI errors return instead of aborting. */
enum quern_status qn_comm_new(MPI_Comm parent, struct qn_comm **out, struct quern_message *err);

/* Makes a communicator of the ranks of `all` that share memory with this one. Returns MPI's error.
   Collective on all. */
int qn_comm_split_host(MPI_Comm all, MPI_Comm *host);

/* The first rank of each host, numbered as hosts are; MPI_COMM_NULL where there is one host and on
   other ranks. Borrowed, for mailbox.c. Not collective. */
MPI_Comm qn_comm_leaders(const struct qn_comm *c);

/* Counts bytes that mailbox.c sends to another host. Not collective. */
void qn_comm_count(struct qn_comm *c, uint64_t nbytes);

#endif
