/*
 * report.c - a scaling curve as a table, CSV, JSON and a plot.
 */
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "json/json.h"
#include "base/mem.h"
#include "base/publish.h"
#include "base/system.h"
#include "base/text.h"
#include "scaling/bench.h"
#include "cli/cli.h"

#define GB 1e9

/* The series of a report: points that share weak and by_ranks. */
struct series {
	bool weak, by_ranks;
	const char *title, *name;
};

static const struct series all_series[] = {
	{ false, false, "strong scaling over threads: one process, the whole selection",
	  "threads" },
	{ false, true, "strong scaling over ranks: one thread each, the whole selection", "ranks" },
	{ true, false, "weak scaling over threads: a share of the data for each", "threads" },
	{ true, true, "weak scaling over ranks: a share of the data for each", "ranks" },
};

#define NSERIES (sizeof(all_series) / sizeof(*all_series))

static bool belongs(const struct qn_bench_point *p, const struct series *s)
{
	return p->weak == s->weak && p->by_ranks == s->by_ranks;
}

static double rate_of(const struct qn_bench_point *p, int64_t nbytes)
{
	return (double)nbytes / p->work_median / GB;
}

static const char *text_of(const struct qn_bench *b, const char *name)
{
	const char *s =
		json_string_value(json_object_get(json_object_get(b->reference, "input"), name));

	return s ? s : "";
}

/* --- table --- */

static void print_limit(double rate)
{
	if (isnan(rate))
		printf("  %10s", "-");
	else
		printf("  %10.2f", rate / GB);
}

static void print_series(const struct qn_bench *b, const struct series *s)
{
	bool started = false;

	for (int i = 0; i < b->npoints; i++) {
		const struct qn_bench_point *p = &b->point[i];

		if (!belongs(p, s))
			continue;
		if (!started)
			printf("\n%s\n%8s  %9s  %9s  %8s  %10s  %10s  %10s  %10s  %10s\n", s->title,
			       s->name, "work s", "total s", "speed-up", "efficiency", "data GB/s",
			       "file GB/s", "pread GB/s", "RAM GB/s");
		started = true;
		printf("%8d  %9.4f  %9.4f  %8.2f  %9.0f%%  %10.2f  %10.2f", qn_bench_workers(p),
		       p->work_median, p->total_median, p->speedup, 100 * p->efficiency,
		       rate_of(p, p->decoded_nbytes), rate_of(p, p->stored_nbytes));
		print_limit(p->pread_rate);
		print_limit(p->memory_rate);
		putchar('\n');
	}
}

/* A row of a series that is not run says why. */
static void print_left_out(const struct qn_bench *b, const struct series *s)
{
	bool started = false;

	for (int i = b->npoints; i < b->npoints + b->nleft_out; i++) {
		if (!belongs(&b->point[i], s))
			continue;
		if (!started)
			printf("\n%s\n%8s\n", s->title, s->name);
		started = true;
		printf("%8d  not run: %s\n", qn_bench_workers(&b->point[i]), b->why_left_out);
	}
}

/* "KERNEL of DATASET", which a user and a file have named. */
static void print_subject(const struct qn_bench *b, FILE *f)
{
	qn_cli_print_text(f, b->kernel);
	fputs(" of ", f);
	qn_cli_print_text(f, text_of(b, "dataset"));
}

void qn_bench_print(const struct qn_bench *b)
{
	print_subject(b, stdout);
	fputs(" in ", stdout);
	qn_cli_print_text(stdout, b->file);
	printf(": medians of %d runs, the same result each time\n", b->repeat);
	for (size_t i = 0; i < NSERIES; i++) {
		print_series(b, &all_series[i]);
		print_left_out(b, &all_series[i]);
	}
	printf("\nspeed-up and efficiency are of the work, from the first chunk to the last; total "
	       "adds start-up\nand metadata. Limits of this machine on as many cores: pread of the "
	       "file into cache, and\nreading memory.\n");
}

/* --- files --- */

static void write_csv(const struct qn_bench *b, FILE *f)
{
	fputs("scaling,series,ranks,threads,bytes_decoded,bytes_stored,work_seconds,total_seconds,"
	      "speedup,efficiency,pread_bytes_per_second,memory_bytes_per_second\n",
	      f);
	for (int i = 0; i < b->npoints; i++) {
		const struct qn_bench_point *p = &b->point[i];

		fprintf(f, "%s,%s,%d,%d,%jd,%jd,%.6f,%.6f,%.4f,%.4f,%.6g,%.6g\n",
			p->weak ? "weak" : "strong", p->by_ranks ? "ranks" : "threads", p->ranks,
			p->threads, (intmax_t)p->decoded_nbytes, (intmax_t)p->stored_nbytes,
			p->work_median, p->total_median, p->speedup, p->efficiency, p->pread_rate,
			p->memory_rate);
	}
}

static json_t *real_or_null(double v)
{
	return isnan(v) ? json_null() : json_real(v);
}

static json_t *seconds_of(const double *v, int n)
{
	json_t *a = json_array();

	for (int i = 0; i < n; i++)
		qn_json_append(&a, json_real(v[i]));
	return a;
}

static json_t *point_to_json(const struct qn_bench *b, const struct qn_bench_point *p)
{
	return json_pack("{s:s, s:s, s:i, s:i, s:I, s:I, s:f, s:f, s:o, s:o, s:f, s:f, s:o, s:o}",
			 "scaling", p->weak ? "weak" : "strong", "series",
			 p->by_ranks ? "ranks" : "threads", "ranks", p->ranks, "threads",
			 p->threads, "bytes_decoded", (json_int_t)p->decoded_nbytes, "bytes_stored",
			 (json_int_t)p->stored_nbytes, "work_seconds", p->work_median,
			 "total_seconds", p->total_median, "work_seconds_sorted",
			 seconds_of(p->work, b->repeat), "total_seconds_sorted",
			 seconds_of(p->total, b->repeat), "speedup", p->speedup, "efficiency",
			 p->efficiency, "pread_bytes_per_second", real_or_null(p->pread_rate),
			 "memory_bytes_per_second", real_or_null(p->memory_rate));
}

static json_t *left_out_to_json(const struct qn_bench *b, const struct qn_bench_point *p)
{
	return json_pack("{s:s, s:s, s:i, s:i, s:s}", "scaling", p->weak ? "weak" : "strong",
			 "series", p->by_ranks ? "ranks" : "threads", "ranks", p->ranks, "threads",
			 p->threads, "why", b->why_left_out);
}

static void write_json(const struct qn_bench *b, FILE *f)
{
	json_t *points = json_array(), *left_out = json_array();
	char *text;

	for (int i = 0; i < b->npoints; i++)
		qn_json_append(&points, point_to_json(b, &b->point[i]));
	for (int i = b->npoints; i < b->npoints + b->nleft_out; i++)
		qn_json_append(&left_out, left_out_to_json(b, &b->point[i]));
	text = qn_json_dump(json_pack(
		"{s:O, s:o, s:O, s:i, s:i, s:o, s:o}", "quern",
		json_object_get(b->reference, "quern"), "kernel", qn_json_text(b->kernel), "input",
		json_object_get(b->reference, "input"), "repeat", b->repeat, "cores",
		qn_bench_ncores(), "points", points, "points_not_run", left_out));
	/* Without memory it is empty, which tells. */
	if (text)
		fputs(text, f);
	free(text);
}

/* --- plot --- */

/* A block of data for gnuplot: workers, speed-up, efficiency, GB/s stored, limits in GB/s. */
static int plot_data(const struct qn_bench *b, const struct series *s, size_t number, FILE *f)
{
	int n = 0;

	fprintf(f, "$s%zu << END\n", number);
	for (int i = 0; i < b->npoints; i++) {
		const struct qn_bench_point *p = &b->point[i];

		if (!belongs(p, s))
			continue;
		n++;
		fprintf(f, "%d %.5g %.5g %.5g %.5g %.5g\n", qn_bench_workers(p), p->speedup,
			100 * p->efficiency, rate_of(p, p->stored_nbytes), p->pread_rate / GB,
			p->memory_rate / GB);
	}
	fputs("END\n", f);
	return n;
}

static int largest(const struct qn_bench *b)
{
	int max = 1;

	for (int i = 0; i < b->npoints; i++)
		if (qn_bench_workers(&b->point[i]) > max)
			max = qn_bench_workers(&b->point[i]);
	return max;
}

/* Inside the single quotes of gnuplot: a title of plain text. */
static void put_quoted(const char *text, FILE *f)
{
	const char *end = text + strlen(text);
	char one[QN_PLAIN_NBYTES];

	while (text < end) {
		qn_text_next(&text, end, one);
		fputs(*one == '\'' ? "''" : one, f);
	}
}

static void plot_head(const struct qn_bench *b, FILE *f)
{
	fputs("set terminal pngcairo noenhanced size 1500,520 font 'Sans,11' background "
	      "'#ffffff'\n"
	      "set output 'scaling.png'\n"
	      "set datafile missing 'nan'\n"
	      "set style line 1 lc rgb '#1f5fa8' lw 2 pt 7 ps 1.2\n"
	      "set style line 2 lc rgb '#d1662f' lw 2 pt 5 ps 1.2\n"
	      "set style line 3 lc rgb '#999999' lw 1.5 dt 2\n"
	      "set style line 4 lc rgb '#4b8b3b' lw 1.5 dt 4\n"
	      "set grid lc rgb '#dddddd'\n"
	      "set border 3\n"
	      "set tics nomirror\n",
	      f);
	fputs("set multiplot layout 1,3 title '", f);
	put_quoted(b->kernel, f);
	fputs(" of ", f);
	put_quoted(text_of(b, "dataset"), f);
	fprintf(f, " (%s), medians of %d runs' font 'Sans,13'\n", text_of(b, "dtype"), b->repeat);
	fprintf(f,
		"set xlabel 'workers (threads, or ranks of one thread)'\n"
		"set logscale x 2\nset xrange [0.9:%g]\n",
		1.1 * largest(b));
}

/* Adds "$sN using X with ..." for the series that have points; the strong or the weak ones. */
static void plot_lines(const int *n, bool weak, const char *columns, const char *what, FILE *f)
{
	const char *separator = "";

	for (size_t i = 0; i < NSERIES; i++) {
		const struct series *s = &all_series[i];

		if (!n[i] || s->weak != weak)
			continue;
		fprintf(f, "%s$s%zu using %s with linespoints ls %d title '%s%s'", separator, i,
			columns, s->by_ranks ? 2 : 1, what, s->name);
		separator = ", ";
	}
}

static void plot_panels(const struct qn_bench *b, const int *n, FILE *f)
{
	size_t first = n[0] ? 0 : 1;

	fprintf(f,
		"set key below center samplen 2\nset bmargin 7\nset logscale y 2\nset title 'Strong scaling'\nset ylabel 'speed-up'\n"
		"set yrange [0.5:%g]\nplot x with lines ls 3 title 'ideal', ",
		1.15 * largest(b));
	plot_lines(n, false, "1:2", "", f);
	fputs("\nset title 'Rate of the file, strong scaling'\nset ylabel 'GB/s of stored bytes'\n"
	      "set logscale y 10\nset yrange [*:*]\nplot ",
	      f);
	fprintf(f,
		"$s%zu using 1:6 with lines ls 4 title 'memory, limit', "
		"$s%zu using 1:5 with lines ls 3 title 'pread, limit', ",
		first, first);
	plot_lines(n, false, "1:4", "", f);
	fputc('\n', f);
	if (n[2] || n[3]) {
		fputs("unset logscale y\nset title 'Weak scaling'\n"
		      "set ylabel 'efficiency (%)'\nset yrange [0:120]\n"
		      "plot 100 with lines ls 3 title 'ideal', ",
		      f);
		plot_lines(n, true, "1:3", "", f);
	}
	fputs("\nunset multiplot\n", f);
}

static void write_plot(const struct qn_bench *b, FILE *f)
{
	int n[NSERIES];

	fputs("# gnuplot scaling.gp makes scaling.png; columns: workers, speed-up, efficiency, GB/s, "
	      "and the limits\n# of pread and of memory in GB/s.\n",
	      f);
	for (size_t i = 0; i < NSERIES; i++)
		n[i] = plot_data(b, &all_series[i], i, f);
	plot_head(b, f);
	plot_panels(b, n, f);
}

/* Runs gnuplot in the directory, quietly; it may not be there. */
static bool run_gnuplot(const char *dir)
{
	pid_t child = fork();
	int status = -1;

	if (child == 0) {
		if (!chdir(dir) && freopen("/dev/null", "w", stderr))
			execlp("gnuplot", "gnuplot", "scaling.gp", (char *)NULL);
		_exit(127);
	}
	return child > 0 && waitpid(child, &status, 0) == child && status == 0;
}

enum quern_status qn_bench_make_output(const struct qn_bench *b, struct quern_message *err)
{
	if (qn_sys_mkdir(b->output, 0777) && errno != EEXIST)
		return qn_error_set(err, qn_error_status_of(errno), "cannot make directory %s: %s",
				    b->output, strerror(errno));
	return QUERN_OK;
}

/* In memory until it is whole. */
static enum quern_status write_file(const struct qn_bench *b, const char *name,
				    void (*write_it)(const struct qn_bench *b, FILE *f),
				    struct quern_message *err)
{
	char *bytes = NULL, *path = NULL;
	size_t nbytes = 0;
	FILE *f = qn_open_memstream(&bytes, &nbytes);
	enum quern_status st = QUERN_OK;

	if (f)
		write_it(b, f);
	if (!f || fclose(f) || !nbytes || qn_asprintf(&path, "%s/%s", b->output, name) < 0)
		st = qn_error_nomem(err, nbytes, name);
	else
		st = qn_publish_write(path, QN_FOLLOW_LINK, QN_RIGHTS_ALL, bytes, nbytes,
				      QN_PUBLISH_NOW, err);
	free(path);
	free(bytes);
	return st;
}

enum quern_status qn_bench_write(const struct qn_bench *b, bool *plotted, struct quern_message *err)
{
	enum quern_status st = write_file(b, "scaling.csv", write_csv, err);

	*plotted = false;
	if (!st)
		st = write_file(b, "scaling.json", write_json, err);
	if (!st)
		st = write_file(b, "scaling.gp", write_plot, err);
	if (!st)
		*plotted = run_gnuplot(b->output);
	return st;
}
