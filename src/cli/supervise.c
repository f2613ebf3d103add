/*
 * supervise.c - the subcommand supervise: its options, and what is supervised.
 */
#include <stdarg.h>
#include <stdlib.h>

#include "cli/cli.h"
#include "supervise/supervise.h"

static const struct quern_option supervise_table[] = {
	{ "retries", 0, QUERN_OPT_INT, "N", "10", 0, 1000000,
	  "how often the run is started again at most" },
	{ "patience", 0, QUERN_OPT_INT, "SECONDS", "4", 2, 3600,
	  "a host that does not answer for so long is taken for dead" },
	{ "wait-hosts", 0, QUERN_OPT_INT, "SECONDS", "0", 0, 100000000,
	  "how long to wait for hosts that are gone, where none is left or the data is on them "
	  "alone" },
	{ NULL, 0, QUERN_OPT_FLAG, NULL, NULL, 0, 0, NULL },
};

void qn_cli_supervise_tables(const struct quern_option *table[QN_MAX_OPTION_TABLES])
{
	table[0] = supervise_table;
}

/* How mpirun is told to reach hosts, unless the command says so itself. */
static const char *agent_of(const struct qn_launch *l)
{
	static const char *const variables[] = { "OMPI_MCA_plm_rsh_agent",
						 "PRTE_MCA_plm_ssh_agent" };

	for (size_t i = 0; !l->agent && i < sizeof(variables) / sizeof(*variables); i++)
		if (getenv(variables[i]))
			return getenv(variables[i]);
	return l->agent ? l->agent : "ssh";
}

static int supervise(const struct quern_options *o, const struct qn_launch *l)
{
	const struct qn_supervision how = {
		.nrestarts = (int)quern_option_int(o, "retries"),
		.patience = (double)quern_option_int(o, "patience"),
		.wait_hosts = (double)quern_option_int(o, "wait-hosts"),
		.agent = agent_of(l),
		.tell = qn_cli_note,
	};
	struct quern_message err = { .status = QUERN_OK };
	int code = QUERN_OK;

	return qn_supervise(&how, l, &code, &err) ? qn_cli_fail(err.status, err.text) : code;
}

int qn_cli_supervise(int argc, char **argv)
{
	const struct qn_allocation slurm = { getenv("SLURM_JOB_NODELIST"),
					     getenv("SLURM_TASKS_PER_NODE"),
					     getenv("SLURM_NTASKS") };
	struct quern_message err = { .status = QUERN_OK };
	struct quern_options o;
	struct qn_launch l;
	int first = qn_cli_options(qn_cli_command("supervise"), argc, argv, &o), code;

	if (first < 0)
		return -1 - first;
	code = qn_launch_init(&l, argc - first, argv + first, &slurm, getenv("QUERN_JOURNAL"), &err)
		       ? qn_cli_fail(err.status, err.text)
		       : supervise(&o, &l);
	qn_launch_fini(&l);
	qn_options_fini(&o);
	return code;
}
