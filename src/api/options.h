/*
 * options.h - the rows of the options of each call: what is set, on a command line too. settings.h makes of
 * them what the layers below take.
 */
#ifndef QN_API_OPTIONS_H
#define QN_API_OPTIONS_H

#include "base/options.h"

/* Rows of the options, for the tables of the commands that read files. */
#define QN_MOST_SECONDS 1000000
/* clang-format off */
#define QN_METADATA_ROW \
	{ "metadata-timeout", 0, QUERN_OPT_INT, "SECONDS", NULL, 1, QN_MOST_SECONDS, \
	  "how long the HDF5 library may take for the metadata of a file (default: 60, for large " \
	  "files more)" }
#define QN_CHUNK_ROW \
	{ "chunk-timeout", 0, QUERN_OPT_INT, "SECONDS", NULL, 1, QN_MOST_SECONDS, \
	  "how long the HDF5 library may take for a chunk, where quern leaves reading to it (default: " \
	  "60, for large chunks more)" }
#define QN_EXTERNAL_ROW \
	{ "allow-external", 0, QUERN_OPT_FLAG, NULL, NULL, 0, 0, \
	  "read raw files that hold the elements of a dataset wherever they are, not only beside its own " \
	  "file or below" }
#define QN_THREADS_ROW \
	{ "threads", 0, QUERN_OPT_INT, "N", NULL, 1, 4096, \
	  "worker threads a rank (default: its share of the permitted cores)" }
#define QN_BIND_ROW \
	{ "bind", 0, QUERN_OPT_CHOICE, "numa|core|none", "numa", 0, 0, \
	  "pin each thread to its NUMA node, to one core, or not at all" }
/* clang-format on */

/* Of a run; only of a plan: cluster, homes, replicas, times, simulate, ... */
extern const struct quern_option qn_run_options[];
extern const struct quern_option qn_plan_options[];
bool qn_plan_option(const struct quern_option *row); /* is it one of the latter? */

extern const struct quern_option qn_homes_report_options[];
extern const struct quern_option qn_inspect_options[];
extern const struct quern_option qn_stage_options[];
extern const struct quern_option qn_unstage_options[];
extern const struct quern_option qn_verify_options[];

#endif
