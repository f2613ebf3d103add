/*
 * results - runs kernels one after the other in one process, for scripts that compare very many results:
 * starting the command takes longer than reading a small dataset.
 *
 *	results LIST FILE [NAME=VALUE...]
 *	mpirun -n 3 results -m LIST FILE [NAME=VALUE...]
 *
 * A line of the list is a kernel and its options, "moments order=4 dataset=a select=::2"; those of the
 * command line are added to each. Prints the line, and `result` and some of `run` of the document, or
 * the message; of several ranks, the first one does.
 */
#include <jansson.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "quern.h"

static void set(quern_run *run, char *option)
{
	char *value = strchr(option, '=');

	if (value)
		*value = '\0';
	quern_run_set(run, option, value ? value + 1 : NULL);
	if (value)
		*value = '=';
}

static void print_member(json_t *document, const char *object, const char *name)
{
	json_t *value = json_object_get(document, object);
	char *text = json_dumps(name ? json_object_get(value, name) : value,
				JSON_SORT_KEYS | JSON_COMPACT | JSON_ENCODE_ANY);

	printf("%s%s%s: %s\n", object, name ? "." : "", name ? name : "", text ? text : "?");
	free(text);
}

static void print(quern_run *run, bool failed)
{
	char *text = failed ? NULL : quern_run_document(run, false);
	json_t *document = text ? json_loads(text, 0, NULL) : NULL;

	free(text);
	if (!document) {
		printf("\n%s\n", quern_run_message(run));
		return;
	}
	printf("\n");
	print_member(document, "result", NULL);
	print_member(document, "run", "chunks");
	print_member(document, "run", "bytes_decoded");
	json_decref(document);
}

/* Returns 1 where there is no result. */
static int run_line(quern_session *session, bool prints, char *line, char **argv)
{
	char *kernel = strtok(line, " "), *option;
	quern_run *run = quern_run_new(session, kernel);
	int failed;

	if (prints)
		printf("%s", kernel);
	while ((option = strtok(NULL, " "))) {
		if (prints)
			printf(" %s", option);
		set(run, option);
	}
	quern_run_add_file(run, *argv++);
	while (*argv)
		set(run, *argv++);
	failed = quern_run_execute(run) != 0;
	if (prints)
		print(run, failed);
	quern_run_free(run);
	return failed;
}

static int run_list(MPI_Comm comm, bool prints, FILE *list, char **argv)
{
	char line[1024];
	quern_session *session = quern_session_new(comm);
	int failed = 0;

	while (fgets(line, sizeof(line), list)) {
		line[strcspn(line, "\n")] = '\0';
		failed |= run_line(session, prints, line, argv);
	}
	quern_session_free(session);
	fclose(list);
	return failed;
}

int main(int argc, char **argv)
{
	const bool has_ranks = argc > 1 && !strcmp(argv[1], "-m");
	FILE *list = argc > 2 + has_ranks ? fopen(argv[1 + has_ranks], "r") : NULL;
	int rank = 0, provided, failed;

	if (!list) {
		fprintf(stderr, "usage: results [-m] LIST FILE [NAME=VALUE...]\n");
		return 1;
	}
	if (!has_ranks)
		return run_list(MPI_COMM_NULL, true, list, argv + 2);
	MPI_Init_thread(&argc, &argv, MPI_THREAD_FUNNELED, &provided);
	MPI_Comm_rank(MPI_COMM_WORLD, &rank);
	failed = run_list(MPI_COMM_WORLD, rank == 0, list, argv + 3);
	MPI_Finalize();
	return failed;
}
