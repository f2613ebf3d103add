/*
 * mpi_test.h - for tests that run alone, without MPI, and as `mpirun -n N PROGRAM mpi`.
 *
 * A rank that fails must not go on alone while the others wait for it: tests/mpi/unit.sh has cmocka
 * abort then (CMOCKA_TEST_ABORT), which ends all ranks. Only rank 0 reports.
 */
#ifndef QN_TESTS_MPI_TEST_H
#define QN_TESTS_MPI_TEST_H

#include <mpi.h>
#include <stdio.h>
#include <string.h>

/* The communicator of the test: MPI_COMM_NULL without the argument. */
static inline MPI_Comm mpi_test_begin(int *argc, char ***argv)
{
	int rank, level;

	if (*argc < 2 || strcmp((*argv)[1], "mpi"))
		return MPI_COMM_NULL;
	MPI_Init_thread(argc, argv, MPI_THREAD_FUNNELED, &level);
	MPI_Comm_rank(MPI_COMM_WORLD, &rank);
	if (rank && !freopen("/dev/null", "w", stdout))
		MPI_Abort(MPI_COMM_WORLD, 1);
	return MPI_COMM_WORLD;
}

/* Ends MPI if it was begun; returns the exit code of all ranks. */
static inline int mpi_test_end(MPI_Comm comm, int failed)
{
	int worst = failed;

	if (comm == MPI_COMM_NULL)
		return failed;
	MPI_Allreduce(&failed, &worst, 1, MPI_INT, MPI_MAX, comm);
	MPI_Finalize();
	return worst;
}

#endif
