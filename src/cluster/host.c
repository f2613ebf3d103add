/*
 * host.c - who is on the same host. A file of its own, which the build for tests replaces
 * (tests/testing/hosts.c).
 */
#include "cluster/comm_mpi.h"

int qn_comm_split_host(MPI_Comm all, MPI_Comm *host)
{
	return MPI_Comm_split_type(all, MPI_COMM_TYPE_SHARED, 0, MPI_INFO_NULL, host);
}
