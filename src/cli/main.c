#include <mpi.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "cli/cli.h"
#include "quern.h"

MPI_Comm qn_cli_world(void)
{
	int initialised = 0;

	MPI_Initialized(&initialised);
	return initialised ? MPI_COMM_WORLD : MPI_COMM_NULL;
}

int qn_cli_agree(int code)
{
	int worst = code;

	if (qn_cli_world() != MPI_COMM_NULL)
		MPI_Allreduce(&code, &worst, 1, MPI_INT, MPI_MAX, qn_cli_world());
	return worst;
}

static const struct qn_command commands[] = {
	{ "run", "run KERNEL [options] FILE...",
	  "run a kernel over a dataset", true, qn_cli_run },
	{ "plan", "plan KERNEL [options] FILE...",
	  "show what would run where, without reading data", true, qn_cli_plan },
	{ "inspect", "inspect [options] FILE...",
	  "show datasets: layout, filters, chunks, what is cached, what is slow", true, qn_cli_inspect },
	{ "verify", "verify [options] FILE...",
	  "read and decode all of a file, and check it against checksums and sums", true,
	  qn_cli_verify },
	{ "stage", "stage --to DIR [options] FILE...",
	  "spread datasets over the disks of the hosts, with replicas; verify and repair what was spread",
	  true, qn_cli_stage },
	{ "unstage", "unstage [options] CATALOG...",
	  "remove what quern stage has put on the disks of the hosts", true, qn_cli_unstage },
	{ "kernels", "kernels [options] [NAME]",
	  "list the kernels, or describe one with its options", false, qn_cli_kernels },
	{ "bench", "bench scaling [options] FILE",
	  "measure scaling over ranks and threads, beside the limits of the machine", false,
	  qn_cli_bench },
	{ "info", "info [options]",
	  "show version, libraries, codecs and the machine", false, qn_cli_info },
};

#define NCOMMANDS (sizeof(commands) / sizeof(*commands))

const struct qn_command *qn_cli_command(const char *name)
{
	for (size_t i = 0; i < NCOMMANDS; i++)
		if (!strcmp(commands[i].name, name))
			return &commands[i];
	return NULL;
}

/* Set by the launchers before MPI_Init: Open MPI, PMIx (srun --mpi=pmix), MPICH and its kin. */
static const char *const rank_variables[] = { "OMPI_COMM_WORLD_RANK", "PMIX_RANK", "PMI_RANK" };

static const char *launcher_rank(void)
{
	for (size_t i = 0; i < sizeof(rank_variables) / sizeof(*rank_variables); i++)
		if (getenv(rank_variables[i]))
			return getenv(rank_variables[i]);
	return NULL;
}

int qn_cli_rank(void)
{
	const char *rank = launcher_rank();

	return rank ? atoi(rank) : 0;
}

/* srun starts tasks that know nothing of each other unless it is told to speak PMIx. */
static void warn_alone(void)
{
	const char *ntasks = getenv("SLURM_STEP_NUM_TASKS"), *task = getenv("SLURM_PROCID");

	if (ntasks && atoi(ntasks) > 1 && task && !atoi(task))
		fprintf(stderr, "quern: warning: srun has started %s tasks, and each runs alone; for "
			"one run on all of them use srun --mpi=pmix\n", ntasks);
}

/* Plugins of hwloc find GPUs, displays and PCI devices, none of which is asked for, and take 4 ms to
   load with what they are linked to. MPI may want them: only where there is none. */
static void leave_out_plugins(void)
{
	setenv("HWLOC_PLUGINS_PATH", "", 0);
}

static bool is_limited(int resource)
{
	struct rlimit r;

	return !getrlimit((__typeof__(RLIMIT_AS))resource, &r) && r.rlim_cur != RLIM_INFINITY;
}

/* Where it is loaded OpenBLAS starts a thread for each core, each of which takes 128 MiB of address space
   and, where there is none, tries again for ever: the first fork and the exit would wait for it. quern
   uses none of these threads. They can only be forbidden before it is loaded: the command starts anew. */
static void forbid_blas_threads(char **argv)
{
	static const char name[] = "OPENBLAS_NUM_THREADS";
	const char *n = getenv(name);

	if ((!is_limited(RLIMIT_AS) && !is_limited(RLIMIT_DATA)) || (n && !strcmp(n, "1")))
		return;
	if (!setenv(name, "1", 1))
		execv("/proc/self/exe", argv);
}

static void print_help(FILE *out)
{
	fputs("quern grinds kernels where the grain lies: exact reductions over HDF5 data, in "
	      "parallel.\n\nusage:\n", out);
	for (size_t i = 0; i < NCOMMANDS; i++)
		fprintf(out, "  quern %s\n      %s\n", commands[i].usage, commands[i].doc);
	fputs("\n  quern COMMAND --help        the options of a command\n"
	      "  quern run KERNEL --help     and of a kernel\n"
	      "  quern --version\n", out);
}

static const char *command_name(const void *ctx, int i)
{
	static const char *const others[] = { "--help", "--version", NULL };

	(void)ctx;
	return (size_t)i < NCOMMANDS ? commands[i].name : others[(size_t)i - NCOMMANDS];
}

static int unknown_command(const char *name)
{
	const char *near = qn_nearest(name, command_name, NULL);
	char text[256];

	snprintf(text, sizeof(text), "there is no command '%s'%s%s%s; see quern --help", name,
		 near ? "; did you mean '" : "", near ? near : "", near ? "'?" : "");
	return qn_cli_fail(QUERN_ERR_USAGE, text);
}

static int dispatch(int argc, char **argv)
{
	const struct qn_command *c;
	bool collective;
	int provided, code;

	if (argc < 2) {
		if (!qn_cli_rank())
			print_help(stderr);
		return QUERN_ERR_USAGE;
	}
	if (!strcmp(argv[1], "--help") || !strcmp(argv[1], "-h") || !strcmp(argv[1], "help")) {
		if (!qn_cli_rank())
			print_help(stdout);
		return qn_cli_finish();
	}
	if (!strcmp(argv[1], "--version")) {
		if (!qn_cli_rank())
			printf("quern %s\n", quern_version());
		return qn_cli_finish();
	}
	c = qn_cli_command(argv[1]);
	if (!c)
		return unknown_command(argv[1]);
	collective = c->collective && launcher_rank();
	if (!collective && qn_cli_rank())
		return 0;
	if (c->collective && !collective) {
		warn_alone();
		leave_out_plugins();
	}
	/* MPI_Init costs 0.3 s: only where a launcher has started ranks. */
	if (collective && MPI_Init_thread(NULL, NULL, MPI_THREAD_FUNNELED, &provided))
		return qn_cli_fail(QUERN_ERR_RUN, "MPI cannot be initialised");
	code = c->run(argc - 1, argv + 1);
	if (collective)
		MPI_Finalize();
	return code;
}

int main(int argc, char **argv)
{
	forbid_blas_threads(argv);
	return dispatch(argc, argv);
}
