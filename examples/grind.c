/*
 * grind - how a program of your own uses quern: on a communicator of its own.
 *
 *	cc grind.c $(pkg-config --cflags --libs quern) -o grind
 *	mpirun -n 4 ./grind data.nc /t2m
 *
 * In a simulation some ranks may analyse what was written while the others compute on. Here the
 * ranks with an even number are the analysts: they run a kernel over a dataset together, and the
 * first of them reads the result. The others know nothing of it.
 */
#include <inttypes.h>
#include <mpi.h>
#include <stdio.h>

#include "quern.h"

/* Fields of a result are read by name. A getter returns false where there is no value: the mean of
   nothing, for instance. */
static void print_moments(const struct quern_result *result)
{
	int64_t count = 0, missing = 0;
	double mean, stddev;

	quern_result_get_int(result, "count", &count);
	quern_result_get_int(result, "missing", &missing);
	printf("%" PRId64 " values, %" PRId64 " missing\n", count, missing);
	if (quern_result_get_real(result, "mean", &mean))
		printf("mean %.17g\n", mean);
	if (quern_result_get_real(result, "stddev", &stddev))
		printf("standard deviation %.17g\n", stddev);
}

/* Arrays are borrowed from the result: they are valid until the run is freed. */
static void print_histogram(const struct quern_result *result)
{
	const int64_t *counts;
	const double *edges;
	size_t nbins, nedges;

	if (!quern_result_get_ints(result, "counts", &counts, &nbins) ||
	    !quern_result_get_reals(result, "edges", &edges, &nedges))
		return;
	for (size_t i = 0; i < nbins; i++)
		printf("%12g to %12g: %" PRId64 "\n", edges[i], edges[i + 1], counts[i]);
}

/*
 * One run: a kernel, its options, a file. Collective on the session, which has what runs have in
 * common. Options have the names and values of the command's (`quern run KERNEL --help`), so bins may
 * be set for the histogram only. A wrong option need not be checked for where it is set: the run then
 * fails and says why, as it does where the session could not be made. All ranks of the session get the
 * same status; the result is on the first of them, which here is rank 0 of all.
 */
static int analyse(quern_session *session, const char *kernel, const char *file,
		   const char *dataset, const char *bins,
		   void (*print)(const struct quern_result *))
{
	quern_run *run = quern_run_new(session, kernel);
	enum quern_status status;
	int rank;

	if (!run)
		return QUERN_ERR_RUN; /* no memory */
	MPI_Comm_rank(MPI_COMM_WORLD, &rank);
	quern_run_set(run, "dataset", dataset);
	if (bins)
		quern_run_set(run, "bins", bins);
	quern_run_add_file(run, file);
	status = quern_run_execute(run);
	if (rank == 0 && status)
		fprintf(stderr, "grind: %s\n", quern_run_message(run));
	else if (rank == 0)
		print(quern_run_result(run));
	quern_run_free(run);
	return (int)status;
}

int main(int argc, char **argv)
{
	MPI_Comm analysts;
	quern_session *session;
	int rank, provided, status = 0;

	MPI_Init_thread(&argc, &argv, MPI_THREAD_FUNNELED, &provided);
	MPI_Comm_rank(MPI_COMM_WORLD, &rank);
	if (argc != 3) {
		if (rank == 0)
			fputs("usage: grind FILE DATASET\n", stderr);
		MPI_Finalize();
		return 2;
	}
	MPI_Comm_split(MPI_COMM_WORLD, rank % 2 ? MPI_UNDEFINED : 0, rank, &analysts);
	if (analysts != MPI_COMM_NULL) {
		session = quern_session_new(analysts);
		MPI_Comm_free(&analysts); /* the session has a duplicate */
		status = analyse(session, "moments", argv[1], argv[2], NULL, print_moments);
		if (!status)
			status = analyse(session, "histogram", argv[1], argv[2], "10",
					 print_histogram);
		quern_session_free(session);
	}
	MPI_Finalize();
	return status;
}
