#include <mpi.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include "base/environment.h"
#include "base/mem.h"
#include "base/text.h"
#include "cli/cli.h"
#include "cluster/comm.h"
#include "kernel/kernel.h"
#include "quern.h"

static const struct qn_command commands[] = {
	{ "run", "run KERNEL [options] FILE...", "run a kernel over a dataset",
	  "dataset select over by where output json threads", true, qn_cli_run, qn_cli_run_tables },
	{ "supervise", "supervise [options] -- COMMAND...",
	  "start a run with a journal again, on the hosts that are left, until it is done", NULL,
	  false, qn_cli_supervise, qn_cli_supervise_tables },
	{ "merge", "merge [options] PART...",
	  "merge the states that runs with --partial have written, to what one run over all would have",
	  NULL, true, qn_cli_merge, qn_cli_merge_tables },
	{ "plan", "plan KERNEL [options] FILE...",
	  "show what would run where, without reading data",
	  "dataset cluster homes times simulate json", true, qn_cli_plan, qn_cli_plan_tables },
	{ "inspect", "inspect [options] FILE...",
	  "show datasets: layout, filters, chunks, what is cached, what is slow",
	  "dataset column select homes json", true, qn_cli_inspect, qn_cli_inspect_tables },
	{ "verify", "verify [options] FILE...",
	  "read and decode all of a file, and check it against checksums and sums",
	  "dataset sums write-sums threads quiet json", true, qn_cli_verify, qn_cli_verify_tables },
	{ "stage", "stage --to DIR [options] FILE...",
	  "spread datasets over the disks of the hosts, with replicas; verify and repair what was spread",
	  "to replicas dataset cut dry-run verify repair json", true, qn_cli_stage,
	  qn_cli_stage_tables },
	{ "unstage", "unstage [options] CATALOG...",
	  "remove what quern stage has put on the disks of the hosts", NULL, true, qn_cli_unstage,
	  qn_cli_unstage_tables },
	{ "kernels", "kernels [options] [NAME | FILE]",
	  "list the kernels, or describe one with its options", NULL, false, qn_cli_kernels,
	  qn_cli_kernels_tables },
	{ "bench", "bench scaling [options] FILE",
	  "measure scaling over ranks and threads, beside the limits of the machine", NULL, false,
	  qn_cli_bench, qn_cli_bench_tables },
	{ "info", "info [options]", "show version, libraries, codecs and the machine", NULL, false,
	  qn_cli_info, qn_cli_info_tables },
	{ "help", "help [options] [TOPIC]", "show a page of the manual", NULL, false, qn_cli_help,
	  qn_cli_help_tables },
	{ NULL, NULL, NULL, NULL, false, NULL, NULL },
};

/* What launchers say of how many processes they have started. */
static const struct {
	const char *variable, *launcher;
} launchers[] = {
	{ "OMPI_COMM_WORLD_SIZE", "mpirun of Open MPI" },
	{ "PMI_SIZE", "a launcher that speaks PMI (mpiexec of MPICH, srun --mpi=pmi2)" },
	{ "SLURM_STEP_NUM_TASKS", "srun" },
};

/* A launcher of another MPI, or srun that was not told to speak PMIx, starts processes that know nothing
   of each other: each does all of the work. The MPI of this process found nobody else. */
static void warn_alone(void)
{
	const char *task = getenv("SLURM_PROCID");
	char mpi[128] = "";

	if (qn_cli_rank() || (!qn_cli_launcher_rank() && task && atoi(task)))
		return;
	qn_comm_library(mpi, sizeof(mpi));
	for (size_t i = 0; i < sizeof(launchers) / sizeof(*launchers); i++) {
		const char *size = getenv(launchers[i].variable);

		if (!size || atoi(size) <= 1)
			continue;
		qn_cli_warn(
			"%s has started %d processes, and each runs alone and does all of the work; for "
			"one run of all of them use srun --mpi=pmix, or the mpirun of the MPI that "
			"quern was built with (%s)",
			launchers[i].launcher, atoi(size), mpi);
		return;
	}
}

static bool is_alone(void)
{
	int size = 1;

	if (qn_cli_world() != MPI_COMM_NULL)
		MPI_Comm_size(qn_cli_world(), &size);
	return size == 1;
}

/* Plugins of hwloc find GPUs, displays and PCI devices, none of which is asked for, and take 4 ms to
   load with what they are linked to. MPI may want them: only where there is none. */
static void leave_out_plugins(void)
{
	setenv("HWLOC_PLUGINS_PATH", "", 0);
}

/* OpenBLAS starts a thread for each core when it is loaded, each of which takes 128 MiB of address space.
   quern calls it from threads of its own. */
static void forbid_blas_threads(void)
{
	setenv("OPENBLAS_NUM_THREADS", "1", 1);
}

static const char *command_name(const void *ctx, int i)
{
	static const char *const others[] = { "--help", "--version", NULL };
	const int n = (int)(sizeof(commands) / sizeof(*commands)) - 1;

	(void)ctx;
	return i < n ? commands[i].name : others[i - n];
}

/* `quern moments FILE`, `quern mean FILE`: says what was meant, ready to paste. */
static int kernel_for_command(const char *kernel, int argc, char **argv)
{
	struct quern_message err = { .status = QUERN_OK };
	char *text = NULL;
	size_t n;
	FILE *out = qn_open_memstream(&text, &n);

	if (!out)
		return qn_cli_fail(QUERN_ERR_RUN, "out of memory");
	qn_kernel_unknown(argv[1], &err);
	if (strcasecmp(kernel, argv[1]))
		fprintf(out, "%.*s", (int)(strlen(err.text) - strlen(" ...")), err.text);
	else
		fprintf(out, "%s is a kernel: quern run %s", kernel, kernel);
	for (int i = 2; i < argc; i++) {
		fputc(' ', out);
		qn_text_print_word(out, argv[i]);
	}
	fclose(out);
	qn_cli_fail(QUERN_ERR_USAGE, text);
	free(text);
	return QUERN_ERR_USAGE;
}

static int unknown_command(int argc, char **argv)
{
	struct quern_message err = { .status = QUERN_OK };
	const char *name = argv[1], *near = qn_nearest(name, command_name, NULL);
	const char *kernel = qn_kernel_meant(name);

	if (kernel)
		return kernel_for_command(kernel, argc, argv);
	qn_error_set(&err, QUERN_ERR_USAGE, "there is no command '%s'%s%s%s; see quern --help",
		     name, near ? "; did you mean '" : "", near ? near : "", near ? "'?" : "");
	return qn_cli_fail(err.status, err.text);
}

/* The handler of MPI's errors, for what ranks agree by: this one can tell the others nothing but that it is
   over. */
static void end_all(MPI_Comm *comm, int *rc, ...)
{
	char text[MPI_MAX_ERROR_STRING];
	int length;

	(void)comm;
	if (MPI_Error_string(*rc, text, &length))
		snprintf(text, sizeof(text), "error %d", *rc);
	qn_cli_note("rank %d: MPI failed in what ranks agree by: %s", qn_cli_rank(), text);
	qn_cli_await_stderr();
	MPI_Abort(MPI_COMM_WORLD, QUERN_ERR_RUN);
}

static bool begin_mpi(void)
{
	MPI_Errhandler handler;
	int provided;

	if (MPI_Init_thread(NULL, NULL, MPI_THREAD_FUNNELED, &provided))
		return false;
	/* Without it the handler is that of MPI, which ends all ranks too. */
	if (!MPI_Comm_create_errhandler(end_all, &handler)) {
		MPI_Comm_set_errhandler(MPI_COMM_WORLD, handler);
		MPI_Errhandler_free(&handler);
	}
	return true;
}

/* Of these what variables there are is known when they have their kernel. */
static bool loads_kernels(const struct qn_command *c)
{
	return c->run == qn_cli_run || c->run == qn_cli_plan;
}

static int dispatch(int argc, char **argv)
{
	struct quern_message err = { .status = QUERN_OK };
	const struct qn_command *c;
	bool collective;
	int code;

	if (argc < 2) {
		if (!qn_cli_rank())
			qn_cli_print_overview(stderr);
		return QUERN_ERR_USAGE;
	}
	if (!strcmp(argv[1], "--help") || !strcmp(argv[1], "-h")) {
		if (!qn_cli_rank())
			qn_cli_print_overview(stdout);
		return qn_cli_finish();
	}
	if (!strcmp(argv[1], "--version")) {
		if (!qn_cli_rank())
			printf("quern %s\n", quern_version());
		return qn_cli_finish();
	}
	c = qn_cli_command(argv[1]);
	if (!c)
		return unknown_command(argc, argv);
	collective = c->collective && qn_cli_launcher_rank();
	if (!collective && qn_cli_rank())
		return 0;
	if (c->collective && !collective)
		leave_out_plugins();
	/* MPI_Init costs 0.3 s: only where a launcher has started ranks. */
	if (collective && !begin_mpi()) {
		qn_cli_note("rank %d: MPI cannot be initialised", qn_cli_rank());
		return QUERN_ERR_RUN;
	}
	if (c->collective && is_alone())
		warn_alone();
	if (!qn_cli_rank() && !loads_kernels(c))
		qn_cli_warn_of_variables(NULL);
	code = qn_environment_begin(&err) ? qn_cli_fail(err.status, err.text) : QUERN_OK;
	if (!qn_cli_agree(code))
		code = c->run(argc - 1, argv + 1);
	if (collective)
		MPI_Finalize();
	return code;
}

int main(int argc, char **argv)
{
	qn_mem_give_back();
	forbid_blas_threads();
	/* A file that grows beyond ulimit -f is an error like others, of which temporary files go. */
	signal(SIGXFSZ, SIG_IGN);
	/* Where it is ignored, which is inherited, nobody learns how a child has ended. */
	signal(SIGCHLD, SIG_DFL);
	qn_cli_begin();
	qn_cli_know(commands);
	return dispatch(argc, argv);
}
