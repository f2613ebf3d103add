/*
 * finds KERNEL DATASET OVER FILE - a program of what is installed alone, in C and, as it is, in C++: runs a kernel
 * on all ranks, and rank 0 prints the document. Without a communicator when it is no rank of a launcher.
 */
#include <quern.h>
#include <stdio.h>
#include <stdlib.h>

#if !defined(__STDC_VERSION__) && !defined(__cplusplus)
#error "neither C99 nor C++"
#endif

static int report(quern_run *run)
{
	char *document = quern_run_document(run, false);

	if (document)
		fputs(document, stdout);
	free(document);
	return document ? 0 : 1;
}

static int find(MPI_Comm comm, int rank, char **argv)
{
	quern_session *session = quern_session_new(comm);
	quern_run *run = quern_run_new(session, argv[1]);
	int status;

	if (!session || !run)
		return 1;
	quern_run_set(run, "dataset", argv[2]);
	if (*argv[3])
		quern_run_set(run, "over", argv[3]);
	quern_run_add_file(run, argv[4]);
	status = (int)quern_run_execute(run);
	if (!rank && status)
		fprintf(stderr, "finds: %s\n", quern_run_message(run));
	else if (!rank)
		status = report(run);
	quern_run_free(run);
	quern_session_free(session);
	return status;
}

/* Started by a launcher of MPI? */
static int is_rank(void)
{
	return getenv("OMPI_COMM_WORLD_SIZE") || getenv("PMI_SIZE") || getenv("PMIX_RANK");
}

int main(int argc, char **argv)
{
	int status, level, rank = 0;

	if (argc != 5)
		return 2;
	if (!is_rank())
		return find(MPI_COMM_NULL, 0, argv);
	MPI_Init_thread(&argc, &argv, MPI_THREAD_FUNNELED, &level);
	MPI_Comm_rank(MPI_COMM_WORLD, &rank);
	status = find(MPI_COMM_WORLD, rank, argv);
	MPI_Finalize();
	return status;
}
