/*
 * output.c - tables and the progress bar.
 */
#include <errno.h>
#include <math.h>
#include <signal.h>
#include <sys/time.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/publish.h"
#include "base/text.h"
#include "cli/cli.h"

#define SHORT_ARRAY 16 /* longer ones are summarised in a table */
#define BAR_WIDTH   50
#define BAR	    30	/* of progress */
#define MIN_TIMED   0.1 /* seconds after which a rate means something */

static void print_array(const char *name, const json_t *a)
{
	size_t i, n = json_array_size(a);
	const json_t *v;
	char text[64];

	if (n > SHORT_ARRAY || json_is_array(json_array_get(a, 0))) {
		size_t ncols = json_array_size(json_array_get(a, 0));

		printf("  %-12s %zu", name, n);
		if (ncols)
			printf(" x %zu", ncols);
		printf(" values (--json or -o FILE shows them)\n");
		return;
	}
	printf("  %-12s", name);
	json_array_foreach(a, i, v)
	{
		qn_cli_number(v, text, sizeof(text));
		printf(" %s", text);
	}
	putchar('\n');
}

/* Of bins: infinite ones are texts. */
static void edge_text(const json_t *v, char *out, size_t n)
{
	if (json_is_string(v))
		qn_cli_number(v, out, n);
	else
		snprintf(out, n, "%.6g", json_number_value(v));
}

/* A bar a bin, as long as its share of the fullest. */
static void print_bars(const json_t *edges, const json_t *counts)
{
	long long most = 1;
	size_t i;
	const json_t *v;

	json_array_foreach(counts, i, v) if (json_integer_value(v) > most)
		most = json_integer_value(v);
	putchar('\n');
	json_array_foreach(counts, i, v)
	{
		long long n = json_integer_value(v);
		int length = (int)ceil((double)n * BAR_WIDTH / (double)most);
		char low[32], high[32];

		edge_text(json_array_get(edges, i), low, sizeof(low));
		edge_text(json_array_get(edges, i + 1), high, sizeof(high));
		printf("  %12s ..%12s  ", low, high);
		for (int k = 0; k < BAR_WIDTH; k++)
			putchar(k < length ? '#' : ' ');
		printf(" %lld\n", n);
	}
}

/* "time 1979-01-05T06:00:00, lat 88.5": of the dimensions that have a coordinate. i: of several places. */
static void print_coords(const json_t *coords, const size_t *i)
{
	const char *dim, *between = "";
	json_t *of;

	json_object_foreach((json_t *)coords, dim, of)
	{
		const json_t *v = i && json_is_array(of) ? json_array_get(of, *i) : of;
		char text[64];

		if (!v || json_is_null(v))
			continue;
		qn_cli_place(v, text, sizeof(text));
		printf("%s%s %s", between, dim, text);
		between = ", ";
	}
}

static bool has_coords(const json_t *coords)
{
	const char *dim;
	json_t *v;

	json_object_foreach((json_t *)coords, dim, v) if (!json_is_null(v)) return true;
	return false;
}

/* A line a value, with its indexes and their coordinates. */
static void print_places(const json_t *values, const json_t *places, const json_t *coords)
{
	size_t i, d;
	const json_t *v, *index;
	char text[64];

	printf("\n  %-24s %s\n", "value", "indexes");
	json_array_foreach(values, i, v)
	{
		qn_cli_number(v, text, sizeof(text));
		printf("  %-24s", text);
		json_array_foreach(json_array_get(places, i), d, index)
			printf(" %lld", (long long)json_integer_value(index));
		fputs(has_coords(coords) ? "  " : "", stdout);
		print_coords(coords, &i);
		putchar('\n');
	}
}

void qn_cli_print_selected(const json_t *input, const char *indent)
{
	const json_t *selected = json_object_get(input, "selected"), *s;
	size_t i;

	json_array_foreach(selected, i, s)
	{
		const char *first = json_string_value(json_object_get(s, "first"));
		const char *last = json_string_value(json_object_get(s, "last"));
		const char *units = json_string_value(json_object_get(s, "units"));

		if (!first || !last)
			continue;
		printf("%s%s is ", indent, json_string_value(json_object_get(s, "slice")));
		if (json_is_array(json_object_get(s, "pieces")))
			printf("%lld indexes of ", (long long)qn_cli_int(s, "count"));
		printf("%s", first);
		if (qn_cli_int(s, "count") > 1)
			printf(" to %s", last);
		printf("%s%s\n", units ? " " : "", units ? units : "");
	}
}

/* What the numbers are not of, although it was asked for. */
static void print_left_out(const json_t *run)
{
	char *missing = qn_cli_missing(run);

	if (qn_cli_int(run, "chunks_skipped")) {
		printf("  %-12s ", "incomplete");
		qn_cli_print_count(stdout, run, "chunks_skipped", "chunk",
				   " left out that could not be read (--on-bad-chunk skip)\n");
	}
	if (missing)
		printf("  %-12s %s\n", "incomplete", missing);
	free(missing);
}

/* What part of the data, and what was made of it. */
static void print_asked(const json_t *input)
{
	static const char *const name[] = { "column", "select", "over",	 "by",	   "rolling",
					    "expr",   "with",	"where", "weights" };

	for (size_t i = 0; i < sizeof(name) / sizeof(*name); i++) {
		const char *text = json_string_value(json_object_get(input, name[i]));

		if (text)
			printf("  %-12s %s\n", name[i], text);
		if (!strcmp(name[i], "select"))
			qn_cli_print_selected(input, "               ");
	}
}

static bool is_weighted(const json_t *input)
{
	const char *rolling = json_string_value(json_object_get(input, "rolling"));

	return json_is_string(json_object_get(input, "weights")) ||
	       (rolling && strstr(rolling, ",weights="));
}

void qn_cli_print_result(const json_t *doc)
{
	json_t *input = json_object_get(doc, "input"), *result = json_object_get(doc, "result");
	const json_t *edges = json_object_get(result, "edges");
	const json_t *counts = json_object_get(result, "counts");
	const json_t *values = json_object_get(result, "values");
	const json_t *places = json_object_get(result, "coordinates");
	const char *units = json_string_value(json_object_get(input, "units")), *name;
	const json_t *files = json_object_get(input, "files");
	size_t nfiles = json_array_size(files);
	char text[256];
	json_t *v;

	qn_cli_shape(json_object_get(input, "shape"), text, sizeof(text));
	printf("%s of %s in %s", json_string_value(json_object_get(doc, "kernel")),
	       json_string_value(json_object_get(input, "dataset")),
	       json_string_value(json_array_get(files, 0)));
	if (nfiles > 1)
		printf(" to %s, %zu files", json_string_value(json_array_get(files, nfiles - 1)),
		       nfiles);
	printf(" (%s, %s%s%s)\n", json_string_value(json_object_get(input, "dtype")), text,
	       units ? ", " : "", units ? units : "");
	print_asked(input);
	print_left_out(json_object_get(doc, "run"));
	if (json_object_get(result, "dims")) {
		qn_cli_print_cells(doc);
		return;
	}
	json_object_foreach(result, name, v)
	{
		if (edges && counts && (v == edges || v == counts))
			continue;
		if (values && places && (v == values || v == places))
			continue;
		if (json_is_object(v)) { /* of topk they are beside the values */
			if (!values && has_coords(v)) {
				printf("  %-12s ", "");
				print_coords(v, NULL);
				putchar('\n');
			}
			continue;
		}
		if (json_is_array(v)) {
			print_array(name, v);
			continue;
		}
		qn_cli_number(v, text, sizeof(text));
		printf("  %-12s %s\n", name, text);
	}
	if (edges && counts)
		print_bars(edges, counts);
	if (values && places)
		print_places(values, places, json_object_get(result, "values_coords"));
	if (json_object_get(result, "variance") || json_object_get(result, "covariance"))
		printf(is_weighted(input) ? "  weighted; variances are over W - (sum of w^2) / W\n"
					  : "  unweighted; variances are over n - 1\n");
}

/* What was read from the memory of the reader's own node, and how its buffers lie. */
static void print_near(FILE *out, const json_t *near)
{
	double known = qn_cli_real(near, "bytes_known"), pages = qn_cli_real(near, "buffer_pages");
	char text[32];

	if (known > 0) {
		qn_cli_bytes(known, text, sizeof(text));
		fprintf(out, ", %.1f%% of %s from memory of its own node",
			100 * qn_cli_real(near, "bytes_local") / known, text);
	}
	if (pages > 0)
		fprintf(out, ", %.1f%% of its buffers there",
			100 * qn_cli_real(near, "buffer_pages_local") / pages);
}

static void print_rank(FILE *out, const json_t *r)
{
	char stored[32], planned[32], rss[32];

	qn_cli_bytes(qn_cli_real(r, "bytes_stored"), stored, sizeof(stored));
	qn_cli_bytes(qn_cli_real(r, "memory_bytes"), planned, sizeof(planned));
	qn_cli_bytes(qn_cli_real(r, "peak_rss_bytes"), rss, sizeof(rss));
	fprintf(out,
		"  rank %lld on %s, NUMA node %lld, cores %s: %lld thread%s (%lld pinned), "
		"%lld chunks (%lld stolen, %lld leased), %s, busy %.3f s, peak memory %s of %s planned",
		qn_cli_int(r, "rank"), json_string_value(json_object_get(r, "host")),
		qn_cli_int(r, "numa_node"), json_string_value(json_object_get(r, "cpus")),
		qn_cli_int(r, "threads"), qn_cli_int(r, "threads") == 1 ? "" : "s",
		qn_cli_int(r, "pinned_threads"), qn_cli_int(r, "chunks"),
		qn_cli_int(r, "chunks_stolen"), qn_cli_int(r, "chunks_leased"), stored,
		qn_cli_real(r, "busy_seconds"), rss, planned);
	print_near(out, json_object_get(r, "numa"));
	fputc('\n', out);
}

/* From where the ranks of a host read: those from `first` on that have its name. */
static void print_host(FILE *out, const json_t *ranks, size_t first)
{
	static const char *const names[] = { "bytes_memory", "bytes_disk", "bytes_remote" };
	const char *host = json_string_value(json_object_get(json_array_get(ranks, first), "host"));
	char text[3][32];

	for (size_t k = 0; k < 3; k++) {
		double sum = 0;

		for (size_t i = first; i < json_array_size(ranks); i++) {
			const json_t *r = json_array_get(ranks, i);

			if (!strcmp(host, json_string_value(json_object_get(r, "host"))))
				sum += qn_cli_real(r, names[k]);
		}
		qn_cli_bytes(sum, text[k], sizeof(text[k]));
	}
	fprintf(out,
		"  host %s read %s from its memory, %s from its disks, %s from shared storage\n",
		host, text[0], text[1], text[2]);
}

static void print_hosts(FILE *out, const json_t *ranks)
{
	for (size_t i = 0, k; i < json_array_size(ranks); i++) {
		const char *host =
			json_string_value(json_object_get(json_array_get(ranks, i), "host"));

		for (k = 0; k < i; k++)
			if (!strcmp(host, json_string_value(json_object_get(
						  json_array_get(ranks, k), "host"))))
				break;
		if (k == i)
			print_host(out, ranks, i);
	}
}

void qn_cli_print_count(FILE *out, const json_t *j, const char *name, const char *one,
			const char *after)
{
	const double n = qn_cli_real(j, name);

	fprintf(out, "%.0f %s%s%s", n, one, n == 1 ? "" : !strcmp(one, "pass") ? "es" : "s", after);
}

static void print_stats(FILE *out, const json_t *doc)
{
	static const struct {
		const char *name, *one, *after;
	} counts[] = {
		{ "hosts", "host", ", " },     { "ranks", "rank", ", " },
		{ "threads", "thread", ", " }, { "passes", "pass", ", " },
		{ "chunks", "chunk", "\n" },
	};
	const json_t *run = json_object_get(doc, "run"), *s = json_object_get(run, "seconds");
	const json_t *ranks = json_object_get(run, "per_rank"), *r;
	const char *why = json_string_value(json_object_get(run, "library_reason"));
	char stored[32], decoded[32], rate[32];
	double work = qn_cli_real(s, "work");
	size_t i;

	qn_cli_bytes(qn_cli_real(run, "bytes_stored"), stored, sizeof(stored));
	qn_cli_bytes(qn_cli_real(run, "bytes_decoded"), decoded, sizeof(decoded));
	qn_cli_bytes(work > 0 ? qn_cli_real(run, "bytes_decoded") / work : 0, rate, sizeof(rate));
	fputs("quern: ", out);
	for (size_t k = 0; k < sizeof(counts) / sizeof(*counts); k++)
		qn_cli_print_count(out, run, counts[k].name, counts[k].one, counts[k].after);
	fprintf(out, "  read %s, absorbed %s (%s/s)\n", stored, decoded, rate);
	if (qn_cli_int(run, "sweeps") > 1)
		fprintf(out, "  %lld sweeps over the data, each for some of the cells%s\n",
			qn_cli_int(run, "sweeps"),
			qn_cli_int(run, "sweeps_again")
				? ", some again with fewer: sums took more memory than planned"
				: ", as there is memory for");
	if (qn_cli_int(run, "chunks_library"))
		fprintf(out, "  %lld chunks through the HDF5 library, one at a time: %s\n",
			qn_cli_int(run, "chunks_library"), why ? why : "not readable by address");
	fprintf(out,
		"  seconds: total %.3f = startup %.3f + metadata %.3f + plan %.3f + work "
		"%.3f + reduce %.3f + output %.3f\n",
		qn_cli_real(s, "total"), qn_cli_real(s, "startup"), qn_cli_real(s, "metadata"),
		qn_cli_real(s, "plan"), work, qn_cli_real(s, "reduce"), qn_cli_real(s, "output"));
	print_hosts(out, ranks);
	if (qn_cli_int(run, "hosts") > 1) {
		char crossed[32];

		qn_cli_bytes(qn_cli_real(run, "bytes_network"), crossed, sizeof(crossed));
		fprintf(out, "  %s of messages between hosts\n", crossed);
	}
	json_array_foreach(ranks, i, r) print_rank(out, r);
}

void qn_cli_print_stats(const json_t *doc)
{
	char *text = NULL;
	size_t n = 0;
	FILE *out = qn_open_memstream(&text, &n);

	if (!out)
		return;
	print_stats(out, doc);
	fclose(out);
	qn_cli_write(STDERR_FILENO, text, n);
	free(text);
}

static double now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

void qn_cli_progress_begin(struct qn_progress *p, int pass)
{
	p->start = now();
	p->pass = pass;
	p->told_part = -1;
}

/* What is no terminal (a log, the pipe of a launcher) gets whole lines, one a second, and one at the end. */
static bool is_time_to_tell(struct qn_progress *p, double part)
{
	const double clock = now();
	const bool is_time = p->told_part < 0 || (part >= 1 && p->told_part < 1) ||
			     (part < 1 && clock - p->told >= 1);

	if (is_time) {
		p->told = clock;
		p->told_part = part;
	}
	return is_time;
}

/* "[####....]", as long as the rest leaves room for, up to BAR columns; "" in no room at all. */
static void draw_bar(double part, int room, char bar[BAR + 3])
{
	const int length = room - 2 < BAR ? room - 2 : BAR;

	bar[0] = 0;
	if (length < 4)
		return;
	bar[0] = '[';
	memset(bar + 1, '.', (size_t)length);
	memset(bar + 1, '#', (size_t)(part * length));
	strcpy(bar + 1 + length, "]");
}

bool qn_cli_progress(void *ctx, int pass, uint64_t done, uint64_t total)
{
	struct qn_progress *p = ctx;
	double seconds, part = total ? (double)done / (double)total : 1;
	char rate[32], bar[BAR + 3], words[128], line[256];
	int n, columns = qn_cli_columns(STDERR_FILENO) - 1;
	const bool is_terminal = isatty(STDERR_FILENO);

	if (pass != p->pass)
		qn_cli_progress_begin(p, pass);
	if (part > 1)
		part = 1;
	if (!is_terminal && !is_time_to_tell(p, part))
		return true;
	p->drawn = is_terminal;
	seconds = now() - p->start;
	qn_cli_bytes((double)done / seconds, rate, sizeof(rate));
	n = snprintf(words, sizeof(words), " %3.0f%%  %s %d", 100 * part,
		     p->what ? p->what : "pass", pass + 1);
	if (seconds > MIN_TIMED)
		n += snprintf(words + n, sizeof(words) - (size_t)n, "  %s/s", rate);
	if (seconds > MIN_TIMED && part > 0)
		n += snprintf(words + n, sizeof(words) - (size_t)n, "  %.0f s left",
			      seconds * (1 - part) / part);
	draw_bar(part, columns - n, bar);
	n = snprintf(line, sizeof(line), is_terminal ? "\r%s%.*s\033[K" : "%s%.*s\n", bar, columns,
		     words);
	qn_cli_write(STDERR_FILENO, line, (size_t)n);
	return true;
}

void qn_cli_progress_end(struct qn_progress *p)
{
	if (p->drawn)
		qn_cli_write(STDERR_FILENO, "\r\033[K", 4);
	p->drawn = false;
}

/* --- interrupts --- */

static const struct {
	int number;
	const char *word;
} ends[] = { { SIGINT, "interrupted" }, { SIGTERM, "terminated" }, { SIGHUP, "hung up" } };

#define NENDS (sizeof(ends) / sizeof(*ends))

static char last_words[NENDS][256]; /* a line each */

/* In one write, as other ranks and the launcher write there too; and the launcher ends when this process
   does, with what it has not taken yet. */
static void on_end(int number)
{
	qn_publish_forsake();
	for (size_t i = 0; i < NENDS; i++)
		if (ends[i].number == number)
			(void)!write(STDERR_FILENO, last_words[i], strlen(last_words[i]));
	qn_cli_await_stderr();
	signal(number, SIG_DFL);
	raise(number);
}

void qn_cli_watch(const char *text)
{
	/* Where the ^C, or a bar, stands in the line. */
	const char *before = isatty(STDERR_FILENO) ? "\n" : "";

	if (qn_cli_rank())
		return;
	for (size_t i = 0; i < NENDS; i++) {
		snprintf(last_words[i], sizeof(last_words[i]), "%squern: %s: %s\n", before,
			 ends[i].word, text);
		if (signal(ends[i].number, on_end) == SIG_IGN)
			signal(ends[i].number, SIG_IGN);
	}
}

/* --- interrupts of what can be resumed --- */

#define MOST_USECONDS 1800000 /* from the first signal to the end */

static const int resumable[] = { SIGINT, SIGTERM, SIGUSR1 };

static struct {
	void (*end)(void *ctx);
	void *ctx;
	char words[256];
	volatile sig_atomic_t is_ending, has_told;
} ending;

/* In handlers: what is kept is kept at any instant. */
static _Noreturn void end_now(void)
{
	qn_publish_forsake();
	if (!ending.has_told && !qn_cli_rank())
		(void)!write(STDERR_FILENO, ending.words, strlen(ending.words));
	_exit(QUERN_ERR_INTERRUPTED);
}

static void on_time(int number)
{
	(void)number;
	end_now();
}

static void on_resumable(int number)
{
	const struct itimerval most = { .it_value = { .tv_sec = MOST_USECONDS / 1000000,
						      .tv_usec = MOST_USECONDS % 1000000 } };

	(void)number;
	if (ending.is_ending || !ending.end)
		end_now();
	ending.is_ending = true;
	signal(SIGALRM, on_time);
	setitimer(ITIMER_REAL, &most, NULL);
	ending.end(ending.ctx);
}

void qn_cli_watch_resumable(void (*end)(void *ctx), void *ctx, const char *text)
{
	ending.end = end;
	ending.ctx = ctx;
	snprintf(ending.words, sizeof(ending.words), "%squern: interrupted: %s\n",
		 isatty(STDERR_FILENO) ? "\n" : "", text);
	for (size_t i = 0; i < sizeof(resumable) / sizeof(*resumable); i++)
		if (signal(resumable[i], on_resumable) == SIG_IGN)
			signal(resumable[i], SIG_IGN);
}

void qn_cli_unwatch_resumable(bool has_told)
{
	ending.end = NULL;
	ending.has_told = has_told;
}

void qn_cli_unwatch(void)
{
	struct sigaction now;

	for (size_t i = 0; i < NENDS; i++)
		if (!sigaction(ends[i].number, NULL, &now) && now.sa_handler == on_end)
			signal(ends[i].number, SIG_DFL);
}
