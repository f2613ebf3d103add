/*
 * bench.c - quern bench scaling: runs quern as child processes, with more and more threads and
 * ranks, and sets what they took beside the limits of the machine.
 */
#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "json/json.h"
#include "base/mem.h"
#include "scaling/bench.h"
#include "base/system.h"
#include "cli/cli.h"
#include "quern.h"

#define MAX_COUNTS 16
#define MAX_WORDS  64
#define WHY_NBYTES 1024

static const struct quern_option bench_table[] = {
	{ "kernel", 'k', QUERN_OPT_STRING, "KERNEL", "moments", 0, 0,
	  "kernel to run, with options of its own: 'moments --order 4'" },
	{ "dataset", 'd', QUERN_OPT_STRING, "PATH", NULL, 0, 0, "dataset to read" },
	{ "select", 's', QUERN_OPT_STRING, "SLICES", NULL, 0, 0,
	  "part of the dataset; then there is no weak scaling" },
	{ "threads", 0, QUERN_OPT_REALS, "N,N,...", NULL, 1, MAX_COUNTS,
	  "numbers of threads of one process; by default powers of two up to the permitted cores" },
	{ "ranks", 0, QUERN_OPT_REALS, "N,N,...", NULL, 1, MAX_COUNTS,
	  "numbers of ranks of one thread each, with the same default; 0: none" },
	{ "scaling", 0, QUERN_OPT_CHOICE, "strong|weak|both", "both", 0, 0,
	  "strong: the same data for any number of workers; weak: a share of it for each" },
	{ "repeat", 0, QUERN_OPT_INT, "N", "5", 1, QN_BENCH_MAX_REPEAT,
	  "runs of each kind, in turns, of which the median counts" },
	{ "mpirun", 0, QUERN_OPT_STRING, "COMMAND", "mpirun", 0, 0,
	  "what starts ranks, with options of its own" },
	{ "output", 'o', QUERN_OPT_STRING, "DIR", "quern-scaling", 0, 0,
	  "directory for scaling.csv, scaling.json, scaling.gp and scaling.png" },
	{ NULL, 0, QUERN_OPT_FLAG, NULL, NULL, 0, 0, NULL },
};

void qn_cli_bench_tables(const struct quern_option *table[QN_MAX_OPTION_TABLES])
{
	table[0] = bench_table;
}

/* --- one run --- */

struct words {
	char *v[MAX_WORDS + 1];
	int n;
	char text[2048]; /* of words that were split */
	size_t used;
};

static void add(struct words *w, const char *word)
{
	if (w->n < MAX_WORDS)
		w->v[w->n++] = (char *)(uintptr_t)word;
}

/* Adds the words of a text, which blanks separate. */
static void split(struct words *w, const char *text)
{
	while (*(text += strspn(text, " "))) {
		size_t n = strcspn(text, " ");

		if (w->used + n + 1 > sizeof(w->text))
			return;
		memcpy(w->text + w->used, text, n);
		w->text[w->used + n] = 0;
		add(w, w->text + w->used);
		w->used += n + 1;
		text += n;
	}
}

static void add_option(struct words *w, const char *name, const char *value)
{
	if (value && *value) {
		add(w, name);
		add(w, value);
	}
}

/* The command line of a point; `number` is room for two numbers. */
static void build_command(const struct qn_bench *b, const struct qn_bench_point *p,
			  char number[2][16], struct words *w)
{
	w->n = 0;
	w->used = 0;
	if (p->by_ranks) {
		split(w, b->mpirun);
		snprintf(number[0], sizeof(number[0]), "%d", p->ranks);
		add_option(w, "-n", number[0]);
	}
	add(w, b->program);
	add(w, "run");
	split(w, b->kernel);
	snprintf(number[1], sizeof(number[1]), "%d", p->threads);
	add_option(w, "--threads", number[1]);
	add_option(w, "--dataset", b->dataset);
	add_option(w, "--select", *p->select ? p->select : b->select);
	add(w, "--json");
	add(w, b->file);
	w->v[w->n] = NULL;
}

/* In the child. Open MPI does not run as root, or more ranks than cores, unless it is told to. */
static void set_environment(void)
{
	unsetenv("QUERN_OUTPUT");
	qn_cli_forget_variables();
	setenv("OMPI_MCA_rmaps_base_oversubscribe", "1", 0);
	setenv("OMPI_MCA_mpi_yield_when_idle", "1", 0);
	setenv("PRTE_MCA_rmaps_default_mapping_policy", ":oversubscribe", 0);
	if (geteuid() == 0) {
		setenv("OMPI_ALLOW_RUN_AS_ROOT", "1", 0);
		setenv("OMPI_ALLOW_RUN_AS_ROOT_CONFIRM", "1", 0);
	}
}

/* Starts the command, its standard output in a pipe. Returns its process, or -1. */
static pid_t start(char **command, int *output)
{
	int ends[2];
	pid_t child;

	if (pipe(ends))
		return -1;
	child = fork();
	if (child == 0) {
		set_environment();
		dup2(ends[1], STDOUT_FILENO);
		close(ends[0]);
		close(ends[1]);
		execvp(command[0], command);
		_exit(127);
	}
	close(ends[1]);
	*output = ends[0];
	if (child < 0)
		close(ends[0]);
	return child;
}

/* The run has said why on standard error; its exit code is ours. */
static enum quern_status failed(char **command, int status, struct quern_message *err)
{
	enum quern_status st = QUERN_ERR_RUN;
	char text[512] = "";
	size_t n = 0;

	for (; *command && n < sizeof(text); command++)
		n += (size_t)snprintf(text + n, sizeof(text) - n, " %s", *command);
	if (WIFEXITED(status) && WEXITSTATUS(status) == 127)
		return qn_error_set(err, st, "cannot start:%s", text);
	if (WIFEXITED(status) && WEXITSTATUS(status) && WEXITSTATUS(status) <= QUERN_ERR_DENIED)
		st = (enum quern_status)WEXITSTATUS(status);
	return qn_error_set(err, st, "this run failed:%s", text);
}

/* Of what is written to a pipe; closes it. */
static json_t *load_all(int fd)
{
	FILE *f = fdopen(fd, "r");
	char *text = NULL;
	size_t room = 0;
	json_t *doc = NULL;

	if (f && getdelim(&text, &room, '\0', f) > 0)
		doc = qn_json_load(text, NULL);
	if (f)
		fclose(f);
	else
		close(fd);
	free(text);
	return doc;
}

/* Runs a point once; *doc is its document, owned by the caller. */
static enum quern_status run_once(const struct qn_bench *b, const struct qn_bench_point *p,
				  json_t **doc, struct quern_message *err)
{
	struct words w;
	char number[2][16];
	int output, status = -1;
	pid_t child;

	build_command(b, p, number, &w);
	child = start(w.v, &output);
	if (child < 0)
		return qn_error_set(err, QUERN_ERR_RUN, "cannot start a process: %s",
				    strerror(errno));
	*doc = load_all(output);
	if (waitpid(child, &status, 0) == child && status == 0 && *doc)
		return QUERN_OK;
	json_decref(*doc);
	return failed(w.v, status, err);
}

/* --- points --- */

/* Numbers of workers of a series: as asked for, or powers of two up to the cores and the cores
   themselves. Returns how many, or -1 with the error recorded. */
static int choose_counts(const struct quern_options *o, const char *name, int count[MAX_COUNTS],
			 struct quern_message *err)
{
	double v[MAX_COUNTS];
	int n = (int)quern_option_reals(o, name, MAX_COUNTS, v), cores = qn_bench_ncores();

	for (int i = 0; i < n; i++) {
		if (!(v[i] >= 0 && v[i] <= 1 << 20) || v[i] != floor(v[i])) {
			qn_error_set(err, QUERN_ERR_USAGE, "--%s wants whole numbers, not %g", name,
				     v[i]);
			return -1;
		}
		count[i] = (int)v[i];
	}
	if (n)
		return count[0] ? n : 0;
	for (int k = 1; k < cores && n < MAX_COUNTS - 1; k *= 2)
		count[n++] = k;
	count[n++] = cores;
	return n;
}

static void add_series(struct qn_bench *b, bool weak, bool by_ranks, const int *count, int n)
{
	for (int i = 0; i < n; i++) {
		struct qn_bench_point *p = &b->point[b->npoints++];

		*p = (struct qn_bench_point){ .weak = weak,
					      .by_ranks = by_ranks,
					      .ranks = 1,
					      .threads = 1,
					      .pread_rate = NAN,
					      .memory_rate = NAN };
		*(by_ranks ? &p->ranks : &p->threads) = count[i];
	}
}

/* The first number of an array of the dataset's description; 0 when there is none. */
static int64_t first_of(const json_t *dataset, const char *name)
{
	return json_integer_value(json_array_get(json_object_get(dataset, name), 0));
}

/* The document of a dataset, owned; NULL: there is none. */
static char *inspect(const char *file, const char *dataset, const char *column)
{
	quern_session *session = quern_session_new(MPI_COMM_NULL);
	quern_run *run = session ? quern_inspect_new(session) : NULL;
	char *text = NULL;

	if (run) {
		quern_run_set(run, "dataset", dataset);
		if (column)
			quern_run_set(run, "column", column);
		quern_run_add_file(run, file);
		quern_run_execute(run);
		text = quern_run_document(run, false);
	}
	quern_run_free(run);
	quern_session_free(session);
	return text;
}

/* Rows (first dimension) for each of `nworkers`, whole chunks if there are enough; or 0. */
static int64_t rows_each(const struct qn_bench *b, int nworkers)
{
	const json_t *input = json_object_get(b->reference, "input"), *dataset;
	char *text = inspect(b->file, json_string_value(json_object_get(input, "dataset")),
			     json_string_value(json_object_get(input, "column")));
	int64_t rows = first_of(input, "shape") / nworkers, chunk;
	json_t *doc;

	if (!text)
		return rows;
	doc = qn_json_load(text, NULL);
	dataset = json_array_get(json_object_get(doc, "datasets"), 0);
	chunk = first_of(dataset, "chunk_shape");
	json_decref(doc);
	free(text);
	return chunk > 0 && rows >= chunk ? rows / chunk * chunk : rows;
}

/* The weak points are not run. */
static void leave_out(struct qn_bench *b, const char *why)
{
	int kept = 0;

	/* Strong ones come first (choose_points). */
	while (kept < b->npoints && !b->point[kept].weak)
		kept++;
	b->why_left_out = why;
	b->nleft_out = b->npoints - kept;
	b->npoints = kept;
	if (b->nleft_out && kept)
		qn_cli_note("no weak scaling: %s", why);
}

/* Gives the weak points their shares, or leaves them out with a word. */
static void share_out(struct qn_bench *b)
{
	int most = 1;
	int64_t rows;

	for (int i = 0; i < b->npoints; i++)
		if (b->point[i].weak && qn_bench_workers(&b->point[i]) > most)
			most = qn_bench_workers(&b->point[i]);
	rows = b->select ? 0 : rows_each(b, most);
	if (!rows) {
		leave_out(b, b->select ? "it cuts the first dimension itself, so it goes without "
					 "--select"
				       : "the first dimension is too short to be shared out");
		return;
	}
	for (int i = 0; i < b->npoints; i++) {
		struct qn_bench_point *p = &b->point[i];

		if (p->weak)
			snprintf(p->select, sizeof(p->select), "0:%jd",
				 (intmax_t)(rows * qn_bench_workers(p)));
	}
}

/* The median of every point, and its speed-up against the first point of its series: what a worker
   of that one did in a second, over what a worker of this one does. */
static void evaluate(struct qn_bench *b)
{
	const struct qn_bench_point *first = NULL;

	for (int i = 0; i < b->npoints; i++) {
		struct qn_bench_point *p = &b->point[i];
		double each;

		p->work_median = qn_bench_median(p->work, b->repeat);
		p->total_median = qn_bench_median(p->total, b->repeat);
		if (!first || first->weak != p->weak || first->by_ranks != p->by_ranks)
			first = p;
		each = (double)p->decoded_nbytes / qn_bench_workers(p) / p->work_median;
		p->efficiency = each / ((double)first->decoded_nbytes / qn_bench_workers(first) /
					first->work_median);
		p->speedup = p->efficiency * qn_bench_workers(p);
	}
}

/* --- the measurement --- */

static void show_progress(const struct qn_bench *b, int done)
{
	const int n = b->repeat * b->npoints;
	char line[64];

	if (!isatty(STDERR_FILENO))
		return;
	snprintf(line, sizeof(line), "\rrun %d of %d\033[K%s", done, n,
		 done == n ? "\r\033[K" : "");
	qn_cli_write(STDERR_FILENO, line, strlen(line));
}

/* Keeps what a run said. The same data must have given the same result. */
static enum quern_status record(const struct qn_bench *b, int point, int repeat, const json_t *doc,
				struct quern_message *err)
{
	struct qn_bench_point *p = &b->point[point];
	const json_t *run = json_object_get(doc, "run"), *seconds = json_object_get(run, "seconds");

	p->work[repeat] = json_number_value(json_object_get(seconds, "work"));
	p->total[repeat] = json_number_value(json_object_get(seconds, "total"));
	p->stored_nbytes = json_integer_value(json_object_get(run, "bytes_stored"));
	p->decoded_nbytes = json_integer_value(json_object_get(run, "bytes_decoded"));
	if (!(p->work[repeat] > 0))
		return qn_error_set(err, QUERN_ERR_RUN, "a run reported no time of work");
	if (!p->weak &&
	    !json_equal(json_object_get(doc, "result"), json_object_get(b->reference, "result")))
		return qn_error_set(err, QUERN_ERR_RUN,
				    "a run with %d ranks of %d threads gave "
				    "another result than the first run",
				    p->ranks, p->threads);
	return QUERN_OK;
}

/* All points in turns, so that a change of the machine's mood meets them all. */
static enum quern_status run_points(const struct qn_bench *b, struct quern_message *err)
{
	enum quern_status st = QUERN_OK;
	json_t *doc;

	for (int i = 0; i < b->repeat * b->npoints && !st; i++) {
		st = run_once(b, &b->point[i % b->npoints], &doc, err);
		if (st)
			break;
		st = record(b, i % b->npoints, i / b->npoints, doc, err);
		json_decref(doc);
		show_progress(b, i + 1);
	}
	return st;
}

static enum quern_status run_limits(const struct qn_bench *b, struct quern_message *err)
{
	enum quern_status st = QUERN_OK;

	for (int i = 0; i < b->npoints && !st; i++) {
		struct qn_bench_point *p = &b->point[i];
		int n = qn_bench_workers(p);

		for (int k = 0; k < i && isnan(p->pread_rate); k++)
			if (qn_bench_workers(&b->point[k]) == n) {
				p->pread_rate = b->point[k].pread_rate;
				p->memory_rate = b->point[k].memory_rate;
			}
		if (!isnan(p->pread_rate) || n > qn_bench_ncores())
			continue;
		st = qn_bench_pread_rate(b->file, n, b->repeat, &p->pread_rate, err);
		if (!st)
			st = qn_bench_memory_rate(n, b->repeat, &p->memory_rate, err);
	}
	return st;
}

/* A first run that does not count: it warms the page cache, and its result is the reference. */
static enum quern_status run_reference(struct qn_bench *b, struct quern_message *err)
{
	struct qn_bench_point p = { .ranks = 1, .threads = qn_bench_ncores() };

	return run_once(b, &p, &b->reference, err);
}

static enum quern_status choose_points(struct qn_bench *b, const struct quern_options *o,
				       struct quern_message *err)
{
	const char *scaling = quern_option_string(o, "scaling");
	int threads[MAX_COUNTS], ranks[MAX_COUNTS];
	int nthreads = choose_counts(o, "threads", threads, err);
	int nranks = nthreads < 0 ? -1 : choose_counts(o, "ranks", ranks, err);

	if (nranks < 0)
		return err->status;
	b->point = qn_calloc(4 * MAX_COUNTS, sizeof(*b->point));
	if (!b->point)
		return qn_error_nomem(err, 4 * MAX_COUNTS * sizeof(*b->point), "the points");
	for (int weak = 0; weak < 2; weak++) {
		if (!strcmp(scaling, weak ? "strong" : "weak"))
			continue;
		add_series(b, weak, false, threads, nthreads);
		add_series(b, weak, true, ranks, nranks);
	}
	return QUERN_OK;
}

static enum quern_status measure(struct qn_bench *b, const struct quern_options *o,
				 struct quern_message *err)
{
	enum quern_status st = choose_points(b, o, err);
	bool plotted = false;

	if (!st)
		st = qn_bench_make_output(b, err);
	if (!st)
		st = run_reference(b, err);
	if (!st)
		share_out(b);
	if (!st && !b->npoints)
		st = b->nleft_out
			     ? qn_error_set(err, QUERN_ERR_USAGE,
					    "nothing to run: no weak scaling: %s", b->why_left_out)
			     : qn_error_set(err, QUERN_ERR_USAGE,
					    "nothing to run: see --threads, --ranks and "
					    "--scaling");
	if (!st)
		st = run_points(b, err);
	if (!st)
		st = run_limits(b, err);
	if (st)
		return st;
	evaluate(b);
	qn_bench_print(b);
	st = qn_bench_write(b, &plotted, err);
	if (!st) {
		fputs("written: ", stdout);
		qn_cli_print_text(stdout, b->output);
		printf("/scaling.{csv,json,gp%s}\n", plotted ? ",png" : "");
	}
	if (!st && !plotted)
		qn_cli_note("no plot: install gnuplot, then `gnuplot scaling.gp` in %s", b->output);
	return st;
}

static enum quern_status check_line(int argc, char **argv, int first, struct quern_message *err)
{
	if (getenv("OMPI_COMM_WORLD_RANK") || getenv("PMIX_RANK") || getenv("PMI_RANK"))
		return qn_error_set(err, QUERN_ERR_USAGE,
				    "quern bench starts its ranks itself: run "
				    "it without mpirun or srun");
	if (first >= argc || strcmp(argv[first], "scaling"))
		return qn_error_set(err, QUERN_ERR_USAGE,
				    "what to measure? quern bench scaling "
				    "[options] FILE");
	if (first + 2 != argc)
		return qn_error_set(err, QUERN_ERR_USAGE,
				    "one file wanted: quern bench scaling "
				    "[options] FILE");
	return QUERN_OK;
}

int qn_cli_bench(int argc, char **argv)
{
	struct quern_message err = { .status = QUERN_OK };
	struct qn_bench b = { .npoints = 0 };
	char program[4096] = "";
	struct quern_options o;
	int first = qn_cli_options(qn_cli_command("bench"), argc, argv, &o), code;
	enum quern_status st;

	if (first < 0)
		return -1 - first;
	st = check_line(argc, argv, first, &err);
	if (!st && qn_sys_readlink("/proc/self/exe", program, sizeof(program) - 1) < 0)
		st = qn_error_set(&err, QUERN_ERR_RUN, "cannot find this command's own file: %s",
				  strerror(errno));
	if (!st) {
		b.program = program;
		b.file = argv[first + 1];
		b.kernel = quern_option_string(&o, "kernel");
		b.dataset = quern_option_string(&o, "dataset");
		b.select = quern_option_string(&o, "select");
		b.mpirun = quern_option_string(&o, "mpirun");
		b.output = quern_option_string(&o, "output");
		b.repeat = (int)quern_option_int(&o, "repeat");
		st = measure(&b, &o, &err);
	}
	code = st ? qn_cli_fail(st, err.text) : qn_cli_finish();
	json_decref(b.reference);
	free(b.point);
	qn_options_fini(&o);
	return code;
}
