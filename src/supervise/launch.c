#include "supervise/launch.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/mem.h"
#include "base/text.h"

#define MOST_HOSTFILE_NBYTES (16 << 20)

static const struct {
	const char *name;
	enum qn_launcher launcher;
} launchers[] = {
	{ "mpirun", QN_MPIRUN },
	{ "mpiexec", QN_MPIRUN },
	{ "orterun", QN_MPIRUN },
	{ "prterun", QN_MPIRUN },
	{ "srun", QN_SRUN },
	{ "mpirun.openmpi", QN_MPIRUN },
	{ "mpiexec.openmpi", QN_MPIRUN },
	{ "mpirun.mpich", QN_MPIRUN },
	{ "mpiexec.hydra", QN_MPIRUN },
	{ "mpiexec.mpich", QN_MPIRUN },
};

enum role { HOSTS, HOSTFILE, RANKS, NODES };

/* Options that say where ranks run. */
static const struct place_option {
	enum qn_launcher launcher;
	const char *name;
	enum role role;
	const char *host_option; /* by which this launcher is told of hosts instead */
} options[] = {
	{ QN_MPIRUN, "--host", HOSTS, "--host" },
	{ QN_MPIRUN, "-host", HOSTS, "--host" },
	{ QN_MPIRUN, "-H", HOSTS, "--host" },
	{ QN_MPIRUN, "--hostfile", HOSTFILE, "--host" },
	{ QN_MPIRUN, "-hostfile", HOSTFILE, "--host" },
	{ QN_MPIRUN, "--machinefile", HOSTFILE, "--host" },
	{ QN_MPIRUN, "-machinefile", HOSTFILE, "--host" },
	{ QN_MPIRUN, "-hosts", HOSTS, "-hosts" },
	{ QN_MPIRUN, "-f", HOSTFILE, "-hosts" },
	{ QN_MPIRUN, "-n", RANKS, NULL },
	{ QN_MPIRUN, "--n", RANKS, NULL },
	{ QN_MPIRUN, "-np", RANKS, NULL },
	{ QN_MPIRUN, "--np", RANKS, NULL },
	{ QN_MPIRUN, "-c", RANKS, NULL },
	{ QN_SRUN, "--nodelist", HOSTS, "--nodelist" },
	{ QN_SRUN, "-w", HOSTS, "--nodelist" },
	{ QN_SRUN, "--ntasks", RANKS, NULL },
	{ QN_SRUN, "-n", RANKS, NULL },
	{ QN_SRUN, "--nodes", NODES, NULL },
	{ QN_SRUN, "-N", NODES, NULL },
};

#define LENGTH(a) (sizeof(a) / sizeof(*(a)))

/* The option of a word, or NULL. *value: its text; *nwords: the words that both take. */
static const struct place_option *option_at(const struct qn_launch *l, int i, const char **value,
					    int *nwords)
{
	const char *const word = l->argv[i];

	for (const struct place_option *o = options; o < options + LENGTH(options); o++) {
		const size_t n = strlen(o->name);
		const bool glued = l->launcher == QN_SRUN && o->name[1] != '-' && word[n];

		if (o->launcher != l->launcher || strncmp(word, o->name, n))
			continue;
		*nwords = word[n] ? 1 : 2;
		if (!word[n] && i + 1 < l->program)
			*value = l->argv[i + 1];
		else if (word[n] == '=' || glued)
			*value = word + n + (word[n] == '=');
		else
			continue;
		return o;
	}
	return NULL;
}

/* --- what there is --- */

static bool is_quern(const char *word)
{
	return !strncmp(qn_text_last(word), "quern", 5);
}

/* The first `quern run`, and the launcher before it. */
static enum quern_status find_words(struct qn_launch *l, struct quern_message *err)
{
	while (l->program + 1 < l->argc &&
	       !(is_quern(l->argv[l->program]) && !strcmp(l->argv[l->program + 1], "run")))
		l->program++;
	if (l->program + 1 >= l->argc)
		return qn_error_set(err, QUERN_ERR_USAGE,
				    "there is no `quern run` in the command: quern supervise "
				    "[options] -- mpirun ... quern run KERNEL --journal DIR ...");
	for (l->at = 0; l->at < l->program; l->at++)
		for (size_t k = 0; k < LENGTH(launchers); k++)
			if (!strcmp(qn_text_last(l->argv[l->at]), launchers[k].name)) {
				l->launcher = launchers[k].launcher;
				return QUERN_OK;
			}
	return QUERN_OK;
}

static enum quern_status check_journal(struct qn_launch *l, const char *journal,
				       struct quern_message *err)
{
	static const char option[] = "--journal";

	for (int i = l->program + 2; i < l->argc; i++)
		if (!strncmp(l->argv[i], option, strlen(option)) &&
		    (!l->argv[i][strlen(option)] || l->argv[i][strlen(option)] == '='))
			return QUERN_OK;
	l->journal = journal;
	if (journal && *journal)
		return QUERN_OK;
	return qn_error_set(err, QUERN_ERR_USAGE,
			    "the run has no journal to go on from: add --journal DIR behind `quern "
			    "run`, a directory that all its hosts see");
}

static enum quern_status load_hostfile(struct qn_roster *h, const char *file,
				       struct quern_message *err)
{
	size_t nbytes;
	char *text = qn_file_load(file, MOST_HOSTFILE_NBYTES, &nbytes);
	enum quern_status st;

	if (!text)
		return qn_error_set(err, QUERN_ERR_USAGE, "cannot read the hosts in %s", file);
	st = qn_roster_of_file(h, text, err);
	free(text);
	return st;
}

static enum quern_status take_hosts(struct qn_launch *l, const struct place_option *o,
				    const char *value, struct quern_message *err)
{
	l->host_option = o->host_option;
	if (o->role == HOSTFILE)
		return load_hostfile(&l->hosts, value, err);
	if (l->launcher == QN_SRUN)
		return qn_roster_of_slurm(&l->hosts, value, NULL, err);
	return qn_roster_of_list(&l->hosts, value, err);
}

static enum quern_status take(struct qn_launch *l, const struct place_option *o, const char *value,
			      struct quern_message *err)
{
	if (o->role == HOSTS || o->role == HOSTFILE)
		return take_hosts(l, o, value, err);
	if (o->role == RANKS)
		l->nranks = atoi(value);
	return QUERN_OK;
}

static enum quern_status read_options(struct qn_launch *l, struct quern_message *err)
{
	enum quern_status st = QUERN_OK;
	const char *value;

	for (int i = l->at + 1, n; !st && i < l->program; i += n) {
		const struct place_option *o = option_at(l, i, &value, &n);

		if (o)
			st = take(l, o, value, err);
		else if (!strcmp(l->argv[i], ":"))
			st = qn_error_set(err, QUERN_ERR_USAGE,
					  "several programs in one command cannot be supervised");
		else if (!strcmp(l->argv[i], "plm_rsh_agent") && i + 1 < l->program)
			l->agent = l->argv[i + 1];
		if (!o)
			n = 1;
	}
	return st;
}

/* Of a launcher that was told of no hosts. */
static enum quern_status take_allocation(struct qn_launch *l, const struct qn_allocation *slurm,
					 struct quern_message *err)
{
	if (!slurm->nodes || l->launcher == QN_NO_LAUNCHER)
		return QUERN_OK;
	l->is_allocated = true;
	if (l->launcher == QN_SRUN && !l->nranks && slurm->nranks)
		l->nranks = atoi(slurm->nranks);
	if (l->hosts.n)
		return QUERN_OK;
	l->host_option = l->launcher == QN_SRUN ? "--nodelist" : "--host";
	return qn_roster_of_slurm(&l->hosts, slurm->nodes, slurm->tasks, err);
}

enum quern_status qn_launch_init(struct qn_launch *l, int argc, char *const *argv,
				 const struct qn_allocation *slurm, const char *journal,
				 struct quern_message *err)
{
	enum quern_status st;

	*l = (struct qn_launch){ .argc = argc, .argv = argv };
	st = find_words(l, err);
	if (!st)
		st = check_journal(l, journal, err);
	if (!st && l->launcher != QN_NO_LAUNCHER)
		st = read_options(l, err);
	return st ? st : take_allocation(l, slurm, err);
}

void qn_launch_fini(struct qn_launch *l)
{
	qn_roster_fini(&l->hosts);
}

/* --- the same on fewer hosts --- */

static enum quern_status add_number(struct qn_names *words, const char *name, int n,
				    struct quern_message *err)
{
	char number[16];
	enum quern_status st = qn_names_add(words, name, err);

	snprintf(number, sizeof(number), "%d", n);
	return st ? st : qn_names_add(words, number, err);
}

/* Hosts, number of ranks and, for srun, of nodes. */
static enum quern_status add_place(const struct qn_launch *l, const bool *kept,
				   struct qn_names *words, struct quern_message *err)
{
	char *list = qn_roster_list(&l->hosts, kept, l->launcher == QN_MPIRUN);
	enum quern_status st;
	int nkept = 0;

	if (!list)
		return qn_error_nomem(err, 1, "a list of hosts");
	st = qn_names_add(words, l->host_option, err);
	if (!st)
		st = qn_names_add(words, list, err);
	free(list);
	for (size_t i = 0; i < l->hosts.n; i++)
		nkept += kept[i];
	if (!st && l->launcher == QN_SRUN)
		st = add_number(words, "--nodes", nkept, err);
	if (!st && l->nranks)
		st = add_number(words, "-n", qn_roster_ranks(&l->hosts, kept, l->nranks), err);
	return st;
}

static bool are_all(const struct qn_launch *l, const bool *kept)
{
	for (size_t i = 0; i < l->hosts.n; i++)
		if (!kept[i])
			return false;
	return true;
}

static enum quern_status add_run(const struct qn_launch *l, struct qn_names *words,
				 struct quern_message *err)
{
	enum quern_status st = QUERN_OK;

	for (int i = l->program; !st && i < l->argc; i++) {
		st = qn_names_add(words, l->argv[i], err);
		if (st || i != l->program + 1 || !l->journal)
			continue;
		st = qn_names_add(words, "--journal", err);
		if (!st)
			st = qn_names_add(words, l->journal, err);
	}
	return st;
}

enum quern_status qn_launch_words(const struct qn_launch *l, const bool *kept,
				  struct qn_names *words, struct quern_message *err)
{
	const bool as_it_was = are_all(l, kept);
	enum quern_status st = QUERN_OK;
	const char *value;

	for (int i = 0, n = 1; !st && i < l->program; i += n) {
		n = 1;
		if (!as_it_was && i > l->at && option_at(l, i, &value, &n))
			continue;
		n = 1;
		st = qn_names_add(words, l->argv[i], err);
		if (!st && !as_it_was && i == l->at)
			st = add_place(l, kept, words, err);
	}
	return st ? st : add_run(l, words, err);
}
