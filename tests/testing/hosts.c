/*
 * hosts.c - cluster/host.c for tests: QUERN_TEST_HOSTS divides the ranks of a host (plan.h).
 */
#include <stdint.h>
#include <stdlib.h>

#include "cluster/comm_mpi.h"
#include "tests/testing/plan.h"

int qn_comm_split_host(MPI_Comm all, MPI_Comm *host)
{
	const char *pretended = test_variable("QUERN_TEST_HOSTS");
	const int rc = MPI_Comm_split_type(all, MPI_COMM_TYPE_SHARED, 0, MPI_INFO_NULL, host);
	int rank, size, n = pretended ? atoi(pretended) : 0;
	MPI_Comm whole = *host;

	if (n < 2)
		return rc;
	PMPI_Comm_rank(whole, &rank);
	PMPI_Comm_size(whole, &size);
	n = n < size ? n : size;
	/* Also when a test has the call above say that it has failed: the other ranks come here. */
	PMPI_Comm_split(whole, (int)((int64_t)rank * n / size), rank, host);
	MPI_Comm_free(&whole);
	return rc;
}
