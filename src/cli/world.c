/*
 * world.c - the ranks of the command, as the launcher and MPI have it.
 */
#include <limits.h>
#include <mpi.h>
#include <stdlib.h>

#include "cli/cli.h"

MPI_Comm qn_cli_world(void)
{
	int initialised = 0;

	MPI_Initialized(&initialised);
	return initialised ? MPI_COMM_WORLD : MPI_COMM_NULL;
}

int qn_cli_agree(int code)
{
	int worst = code, rc;

	if (qn_cli_world() == MPI_COMM_NULL)
		return code;
	rc = MPI_Allreduce(&code, &worst, 1, MPI_INT, MPI_MAX, MPI_COMM_WORLD);
	if (rc)
		MPI_Comm_call_errhandler(MPI_COMM_WORLD, rc);
	return worst;
}

bool qn_cli_is_first(bool does)
{
	int mine = does ? qn_cli_rank() : INT_MAX, lowest = mine, rc;

	if (qn_cli_world() != MPI_COMM_NULL) {
		rc = MPI_Allreduce(&mine, &lowest, 1, MPI_INT, MPI_MIN, MPI_COMM_WORLD);
		if (rc)
			MPI_Comm_call_errhandler(MPI_COMM_WORLD, rc);
	}
	return does && lowest == mine;
}

/* Set by the launchers before MPI_Init: Open MPI, PMIx (srun --mpi=pmix), MPICH and its kin. */
static const char *const rank_variables[] = { "OMPI_COMM_WORLD_RANK", "PMIX_RANK", "PMI_RANK" };

const char *qn_cli_launcher_rank(void)
{
	for (size_t i = 0; i < sizeof(rank_variables) / sizeof(*rank_variables); i++)
		if (getenv(rank_variables[i]))
			return getenv(rank_variables[i]);
	return NULL;
}

int qn_cli_rank(void)
{
	const char *rank = qn_cli_launcher_rank();

	return rank ? atoi(rank) : 0;
}
