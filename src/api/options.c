#include "api/options.h"

#include "data/catalog.h"

const struct quern_option qn_run_options[] = {
	{ "dataset", 'd', QUERN_OPT_LIST, "PATH", NULL, 0, 0,
	  "the dataset to read, or several: t2m,u10 or '*'; not needed when the file has only one. "
	  "NAME=PATH[@FILE] names another one for expressions" },
	{ "column", 0, QUERN_OPT_STRING, "NAME", NULL, 0, 0,
	  "member of a compound datatype, a.b for a member of a member" },
	{ "along", 0, QUERN_OPT_STRING, "DIM", NULL, 0, 0,
	  "join several files along this dimension, by name or number (default: the first)" },
	{ "stack", 0, QUERN_OPT_STRING, "NAME", NULL, 0, 0,
	  "put several files on top of each other along a new first dimension: ensembles" },
	{ "select", 's', QUERN_OPT_STRING, "SLICES", NULL, 0, 0,
	  "part of it: 'time=0:100,lat=10:20:2', by position '0:100,:,5', half open, or by values of "
	  "the coordinates 'lat=-30.0:30.0,time=2001-01:2001-12-31', both ends included" },
	{ "over", 0, QUERN_OPT_STRING, "DIMS", NULL, 0, 0,
	  "reduce over these dimensions, keep the others" },
	{ "keepdims", 0, QUERN_OPT_FLAG, NULL, NULL, 0, 0,
	  "dimensions that are reduced stay, of length 1: CDO wants lat and lon" },
	{ "by", 0, QUERN_OPT_STRING, "KEYS", NULL, 0, 0,
	  "for each group: 'month(time)', 'bin(lat,0:90:30)'" },
	{ "pairs", 0, QUERN_OPT_FLAG, NULL, NULL, 0, 0,
	  "of several keys only the combinations that occur" },
	{ "rolling", 0, QUERN_OPT_STRING, "DIM=N", NULL, 0, 0,
	  "windows of N along a dimension of the result: 'time=5', 'dayofyear=61,weights=triangle'" },
	{ "where", 0, QUERN_OPT_STRING, "EXPR", NULL, 0, 0,
	  "only elements where 'lat > 60 && month(time) == 1'" },
	{ "expr", 0, QUERN_OPT_STRING, "EXPR", NULL, 0, 0,
	  "use the values of this expression instead: 't2m - 273.15'" },
	{ "with", 0, QUERN_OPT_STRING, "EXPR", NULL, 0, 0,
	  "other values beside them, for kernels of two: corr --with u10" },
	{ "weights", 0, QUERN_OPT_STRING, "EXPR", NULL, 0, 0,
	  "weigh elements by this: 'days', 'coslat' is the cosine of the latitude" },
	{ "fields", 0, QUERN_OPT_STRING, "NAMES", NULL, 0, 0,
	  "only these fields of the result, in this order: 'mean,count' (default: all)" },
	{ "raw", 0, QUERN_OPT_FLAG, NULL, NULL, 0, 0,
	  "take stored values as they are: no CF decoding of _FillValue, scale_factor, ..." },
	{ "nan", 0, QUERN_OPT_CHOICE, "missing|keep", "missing", 0, 0,
	  "NaN counts as missing, or is a value like others" },
	{ "on-bad-chunk", 0, QUERN_OPT_CHOICE, "fail|skip", "fail", 0, 0,
	  "a chunk that cannot be read or decoded ends the run, or is left out and reported" },
	{ "journal", 0, QUERN_OPT_STRING, "DIR", NULL, 0, 0,
	  "keep in DIR what was found so far: the same command with the same DIR resumes" },
	{ "journal-every", 0, QUERN_OPT_INT, "SECONDS", "2", 0, QN_MOST_SECONDS,
	  "of its work a rank may lose; 0: as little as possible, whatever it costs" },
	{ "partial", 0, QUERN_OPT_STRING, "FILE", NULL, 0, 0,
	  "write the state to FILE instead of the result: `quern merge` makes one of several of other files, "
	  "days or sites" },
	{ "force", 0, QUERN_OPT_FLAG, NULL, NULL, 0, 0,
	  "let --output replace a file that is no result of quern" },
	QN_METADATA_ROW,
	QN_CHUNK_ROW,
	QN_EXTERNAL_ROW,
	QN_THREADS_ROW,
	QN_BIND_ROW,
	{ "memory", 0, QUERN_OPT_SIZE, "BYTES", NULL, 1, INT64_MAX,
	  "what a rank may need at most: with fewer threads, or not at all (default: what the host has free "
	  "and its control group permits)" },
	{ "site", 0, QUERN_OPT_STRING, "FILE", NULL, 0, 0,
	  "what this file says of bandwidths, of paths that are local or shared, and of hosts counts, "
	  "not what is found or assumed" },
	{ NULL, 0, QUERN_OPT_FLAG, NULL, NULL, 0, 0, NULL },
};

const struct quern_option qn_plan_options[] = {
	{ "cluster", 0, QUERN_OPT_STRING, "SPEC", NULL, 0, 0,
	  "plan for a cluster that is not there: 'host:8 numa:2 core:16' is 8 hosts, each as hwloc's "
	  "synthetic description says, with a rank on each NUMA node" },
	{ "homes", 0, QUERN_OPT_CHOICE, "none|spread|memory|first", NULL, 0, 0,
	  "how the data is imagined to lie: on shared storage only; in equal parts on the local disks "
	  "of the hosts; in the memory of their NUMA nodes; or all on the disk of the first host, "
	  "which exports it (default: as found, or none with --cluster)" },
	{ "replicas", 0, QUERN_OPT_INT, "N", "1", 1, 32,
	  "with --homes spread or memory: copies of each part, on neighbouring hosts" },
	{ "times", 0, QUERN_OPT_INT, "N", "1", 1, 1 << 24,
	  "as if the dataset were so many times as long" },
	{ "simulate", 0, QUERN_OPT_FLAG, NULL, NULL, 0, 0,
	  "simulate the run; with --cluster its strong and weak scaling up to all hosts" },
	{ "calibrate", 0, QUERN_OPT_STRING, "FILE", NULL, 0, 0,
	  "take what work costs from the JSON document of a run on this dataset" },
	{ "slow", 0, QUERN_OPT_STRING, "HOST:FACTOR", NULL, 0, 0,
	  "with --simulate: a host by its number that is so many times slower than the plan thinks" },
	{ "fail", 0, QUERN_OPT_STRING, "HOST:SECONDS", NULL, 0, 0,
	  "with --simulate: a host by its number that dies so long after the start; the run is started "
	  "again on the others, from the beginning" },
	{ NULL, 0, QUERN_OPT_FLAG, NULL, NULL, 0, 0, NULL },
};

bool qn_plan_option(const struct quern_option *row)
{
	size_t n = sizeof(qn_plan_options) / sizeof(*qn_plan_options);

	return row >= qn_plan_options && row < qn_plan_options + n;
}

const struct quern_option qn_homes_report_options[] = {
	{ "dataset", 'd', QUERN_OPT_STRING, "PATH", NULL, 0, 0, "only this dataset" },
	{ "column", 0, QUERN_OPT_STRING, "NAME", NULL, 0, 0,
	  "only this member of its compound datatype" },
	{ "along", 0, QUERN_OPT_STRING, "DIM", NULL, 0, 0,
	  "with --homes: several files are joined along this dimension (default: the first)" },
	{ "stack", 0, QUERN_OPT_STRING, "NAME", NULL, 0, 0,
	  "with --homes: several files are on top of each other along a new dimension" },
	{ "site", 0, QUERN_OPT_STRING, "FILE", NULL, 0, 0,
	  "with --homes: what this file says of paths that are local or shared counts, not what is "
	  "found" },
	QN_METADATA_ROW,
	QN_CHUNK_ROW,
	QN_EXTERNAL_ROW,
	{ NULL, 0, QUERN_OPT_FLAG, NULL, NULL, 0, 0, NULL },
};

const struct quern_option qn_inspect_options[] = {
	{ "dataset", 0, QUERN_OPT_STRING, "PATH", NULL, 0, 0, "only this dataset" },
	{ "column", 0, QUERN_OPT_STRING, "NAME", NULL, 0, 0,
	  "only this member of its compound datatype" },
	{ "select", 0, QUERN_OPT_STRING, "SLICES", NULL, 0, 0, "what such a selection touches" },
	QN_METADATA_ROW,
	QN_CHUNK_ROW,
	QN_EXTERNAL_ROW,
	{ NULL, 0, QUERN_OPT_FLAG, NULL, NULL, 0, 0, NULL },
};

const struct quern_option qn_stage_options[] = {
	{ "to", 0, QUERN_OPT_STRING, "DIR", NULL, 0, 0,
	  "the directory, on a disk of each host, for the catalog and the shards" },
	{ "replicas", 0, QUERN_OPT_INT, "R", "1", 1, QN_MOST_REPLICAS,
	  "copies of each shard, on as many hosts" },
	{ "dataset", 'd', QUERN_OPT_STRING, "PATHS", NULL, 0, 0,
	  "the datasets to spread, with commas between them (default: numeric ones of more than 1 MiB)" },
	{ "across", 0, QUERN_OPT_CHOICE, "hosts", "hosts", 0, 0, "what to spread over" },
	{ "cut", 0, QUERN_OPT_STRING, "DIM", NULL, 0, 0,
	  "cut along this dimension, by name or number (default: the one with the most chunks)" },
	{ "shards", 0, QUERN_OPT_INT, "N", "4", 1, 4096, "shards for each host" },
	QN_METADATA_ROW,
	{ "dry-run", 0, QUERN_OPT_FLAG, NULL, NULL, 0, 0, "only say what would be where" },
	{ "verify", 0, QUERN_OPT_FLAG, NULL, NULL, 0, 0,
	  "FILE is a catalog: compare all copies with their sums" },
	{ "repair", 0, QUERN_OPT_FLAG, NULL, NULL, 0, 0,
	  "FILE is a catalog: make missing and damaged copies anew, and spread them over the hosts that "
	  "there are" },
	{ NULL, 0, QUERN_OPT_FLAG, NULL, NULL, 0, 0, NULL },
};

const struct quern_option qn_unstage_options[] = {
	{ NULL, 0, QUERN_OPT_FLAG, NULL, NULL, 0, 0, NULL },
};

const struct quern_option qn_verify_options[] = {
	{ "dataset", 'd', QUERN_OPT_STRING, "PATH", NULL, 0, 0, "only this dataset of each file" },
	{ "sums", 0, QUERN_OPT_STRING, "FILE", NULL, 0, 0,
	  "compare with the sums that FILE has kept: what is stored, what it means, what else is in "
	  "the files" },
	{ "write-sums", 0, QUERN_OPT_STRING, "FILE", NULL, 0, 0,
	  "keep XXH3-128 sums of all that is stored in FILE, if there is no damage; FILE must not have "
	  "sums yet" },
	QN_METADATA_ROW,
	QN_CHUNK_ROW,
	QN_EXTERNAL_ROW,
	QN_THREADS_ROW,
	QN_BIND_ROW,
	{ NULL, 0, QUERN_OPT_FLAG, NULL, NULL, 0, 0, NULL },
};
