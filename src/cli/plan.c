/*
 * plan.c - a plan and a simulation as tables.
 */
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "cli/cli.h"

#define MOST_LISTED 16 /* ranks or hosts; of more, the extremes are shown */

static void print_head(const json_t *doc)
{
	const json_t *plan = json_object_get(doc, "plan"), *input = json_object_get(doc, "input");
	const char *why = json_string_value(json_object_get(plan, "library_reason"));
	char shape[128], *missing = qn_cli_missing(plan);

	qn_cli_shape(json_object_get(input, "shape"), shape, sizeof(shape));
	printf("%s of %s: %s of %s, ", json_string_value(json_object_get(doc, "kernel")),
	       json_string_value(json_object_get(input, "dataset")), shape,
	       json_string_value(json_object_get(input, "dtype")));
	qn_cli_shape(json_object_get(plan, "chunk_shape"), shape, sizeof(shape));
	printf("in chunks of %s\n", shape);
	qn_cli_print_selected(input, "  ");
	if (why)
		printf("  through the HDF5 library, one chunk at a time: %s\n", why);
	if (missing)
		printf("  %s\n", missing);
	free(missing);
}

/* "PREFIX  12.00 GiB   60.0%  WORDS" when there are such bytes. */
static void print_bytes(const char *prefix, double nbytes, double of, const char *words)
{
	char text[32];

	if (!(nbytes > 0))
		return;
	qn_cli_bytes(nbytes, text, sizeof(text));
	printf("  %-10s%12s  %5.1f%%  %s\n", prefix, text, 100 * nbytes / of, words);
}

static const struct {
	const char *name, *words;
	bool remote;
} lines[] = {
	{ "memory", "memory of the rank's own NUMA node", false },
	{ "memory_near", "memory of another node of its host", false },
	{ "disk", "disk of its host", false },
	{ "disk_near", "disk of its host, at another node", false },
	{ "no_home", "shared storage: they have no home", true },
	{ "home_has_no_rank", "shared storage: no rank runs on their home", true },
	{ "home_full", "shared storage: their home is full", true },
};

static void print_where(const json_t *plan)
{
	double total = qn_cli_real(plan, "bytes_stored");

	for (size_t i = 0; i < sizeof(lines) / sizeof(*lines); i++)
		print_bytes(
			lines[i].remote ? "remote" : "local",
			qn_cli_real(json_object_get(plan, lines[i].remote ? "bytes_remote_because"
									  : "bytes_by_tier"),
				    lines[i].name),
			total, lines[i].words);
}

/* What a rank needs, the first one most; and how often the data is gone over for its cells. */
static void print_memory(const json_t *plan)
{
	const double nsweeps = qn_cli_real(plan, "sweeps");
	char bytes[32];

	if (!json_is_integer(json_object_get(plan, "memory_bytes")))
		return;
	qn_cli_bytes(qn_cli_real(plan, "memory_bytes"), bytes, sizeof(bytes));
	printf("  %s of memory on rank 0", bytes);
	if (json_is_null(json_object_get(plan, "cells")))
		fputs(" without the cells, which a first pass over the data counts", stdout);
	else if (qn_cli_real(plan, "cells") > 1)
		printf(", for %.0f cells", qn_cli_real(plan, "cells"));
	if (nsweeps > 1)
		printf(" in %.0f sweeps over the data, %.0f cells each", nsweeps,
		       qn_cli_real(plan, "cells_per_sweep"));
	putchar('\n');
}

static void print_pruned(const json_t *plan)
{
	if (!(qn_cli_real(plan, "chunks_pruned") > 0))
		return;
	fputs("  ", stdout);
	qn_cli_print_count(stdout, plan, "chunks_pruned", "chunk", "");
	puts(" left out, of which --select or --where takes nothing");
}

static void print_sum(const json_t *plan)
{
	char bytes[32];

	qn_cli_bytes(qn_cli_real(plan, "bytes_stored"), bytes, sizeof(bytes));
	fputs("  ", stdout);
	qn_cli_print_count(stdout, plan, "items", "item", " in ");
	qn_cli_print_count(stdout, plan, "ranges", "range", ", ");
	printf("%s, on ", bytes);
	qn_cli_print_count(stdout, plan, "hosts", "host", ", ");
	qn_cli_print_count(stdout, plan, "ranks", "rank", ", ");
	qn_cli_print_count(stdout, plan, "threads", "thread", "\n");
	print_pruned(plan);
	printf("  predicted %.4g s, limited by %s; imbalance %.3f\n",
	       qn_cli_real(plan, "predicted_seconds"),
	       json_string_value(json_object_get(plan, "limited_by")),
	       qn_cli_real(plan, "imbalance"));
	print_memory(plan);
	print_where(plan);
}

/* --- tables --- */

static void print_ranks(const json_t *ranks)
{
	const json_t *r;
	size_t i;

	printf("  rank  host  node  threads     items       bytes   seconds\n");
	json_array_foreach(ranks, i, r)
	{
		char bytes[32];

		qn_cli_bytes(qn_cli_real(r, "bytes"), bytes, sizeof(bytes));
		printf("  %4.0f  %4.0f  %4.0f  %7.0f  %8.0f  %10s  %8.4g\n", qn_cli_real(r, "rank"),
		       qn_cli_real(r, "host"), qn_cli_real(r, "numa_node"),
		       qn_cli_real(r, "threads"), qn_cli_real(r, "items"), bytes,
		       qn_cli_real(r, "predicted_seconds"));
	}
}

static void print_host(const json_t *h, const char *note)
{
	const json_t *tier = json_object_get(h, "bytes_by_tier");
	char bytes[32], shared[32];

	qn_cli_bytes(qn_cli_real(h, "bytes"), bytes, sizeof(bytes));
	qn_cli_bytes(qn_cli_real(tier, "shared"), shared, sizeof(shared));
	printf("  %5.0f  %5.0f  %7.0f  %9.0f  %10s  %10s  %8.4g%s\n", qn_cli_real(h, "host"),
	       qn_cli_real(h, "ranks"), qn_cli_real(h, "threads"), qn_cli_real(h, "items"), bytes,
	       shared, qn_cli_real(h, "predicted_seconds"), note);
}

static int by_finish(const void *a, const void *b)
{
	const json_t *const *x = a, *const *y = b;
	double p = qn_cli_real(*x, "predicted_seconds"), q = qn_cli_real(*y, "predicted_seconds");

	if (p != q)
		return p < q ? -1 : 1;
	return qn_cli_real(*x, "host") < qn_cli_real(*y, "host") ? -1 : 1;
}

/* Of very many hosts those that are done first and last, and the one in the middle. */
static void print_extremes(const json_t *hosts)
{
	size_t n = json_array_size(hosts);
	const json_t **sorted = qn_calloc(n, sizeof(*sorted));

	for (size_t i = 0; sorted && i < n; i++)
		sorted[i] = json_array_get(hosts, i);
	if (sorted) {
		qsort(sorted, n, sizeof(*sorted), by_finish);
		for (size_t i = 0; i < 3; i++)
			print_host(sorted[i], i ? "" : "  first");
		print_host(sorted[n / 2], "  median");
		for (size_t i = n - 3; i < n; i++)
			print_host(sorted[i], i < n - 1 ? "" : "  last");
	}
	free(sorted);
}

static void print_hosts(const json_t *hosts)
{
	const json_t *h;
	size_t i;

	printf("   host  ranks  threads      items       bytes      shared   seconds\n");
	if (json_array_size(hosts) > MOST_LISTED) {
		print_extremes(hosts);
		return;
	}
	json_array_foreach(hosts, i, h) print_host(h, "");
}

/* What went wrong in a simulation. */
static void print_trouble(const json_t *point)
{
	const json_t *slow = json_object_get(point, "slow_host");
	const json_t *failed = json_object_get(point, "failed_host");

	if (json_is_integer(slow))
		printf("  host %lld is %g times slower than planned\n",
		       (long long)json_integer_value(slow), qn_cli_real(point, "slowness"));
	if (json_is_integer(failed))
		printf("  host %lld dies: %.4g s are lost, and the others begin again\n",
		       (long long)json_integer_value(failed),
		       qn_cli_real(json_object_get(point, "seconds"), "lost"));
}

static void print_simulation(const json_t *points)
{
	const json_t *p;
	size_t i;

	if (json_array_size(points))
		printf("\nsimulated\n                                                                efficiency of\n"
		       "scaling   hosts    ranks   threads       items    work s   total s    work   total  "
		       "plan+scatter\n");
	json_array_foreach(points, i, p)
	{
		const json_t *s = json_object_get(p, "seconds");

		printf("%-7s  %6.0f  %7.0f  %8.0f  %10.0f  %8.4g  %8.4g  %5.1f%%  %5.1f%%  %11.3f%%\n",
		       json_string_value(json_object_get(p, "scaling")), qn_cli_real(p, "hosts"),
		       qn_cli_real(p, "ranks"), qn_cli_real(p, "threads"), qn_cli_real(p, "items"),
		       qn_cli_real(s, "work"), qn_cli_real(s, "total"),
		       100 * qn_cli_real(p, "efficiency"), 100 * qn_cli_real(p, "efficiency_total"),
		       100 * qn_cli_real(p, "plan_and_scatter_share"));
		print_trouble(p);
	}
}

void qn_cli_print_plan(const json_t *doc)
{
	const json_t *plan = json_object_get(doc, "plan");
	const json_t *hosts = json_object_get(plan, "per_host");

	print_head(doc);
	print_sum(plan);
	if (json_array_size(hosts) > 1)
		print_hosts(hosts);
	if (qn_cli_real(plan, "ranks") <= MOST_LISTED)
		print_ranks(json_object_get(plan, "per_rank"));
	print_simulation(json_object_get(doc, "simulation"));
}
