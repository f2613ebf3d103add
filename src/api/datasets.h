/*
 * datasets.h - runs over several datasets: a list or patterns in the option `dataset`. Each dataset has a run of its
 * own inside, on the same ranks, one after the other, and what was found of all is put together.
 */
#ifndef QN_API_DATASETS_H
#define QN_API_DATASETS_H

#include "api/run.h"

/* The i-th of the runs of one dataset that a run is: itself, where it has one. NULL: there are no more. */
const quern_run *qn_run_single(const quern_run *run, size_t i);

/* What the option `dataset` stands for, which is looked up in the first file where it is a list or a pattern: makes
   run->single where these are several, which are named and not found yet, and otherwise settles which one it
   is. Notes what a pattern leaves out. Settings and team are there. Collective. */
enum quern_status qn_datasets_find(quern_run *run, struct quern_message *err);

/* Rank 0: can the results of all be in one file of netCDF? Their datasets are found. QUERN_ERR_USAGE, with
   advice. */
enum quern_status qn_datasets_check_file(const quern_run *run, const char *file,
					 struct quern_message *err);

/* Hands on what went wrong with one of several datasets, which it names. */
enum quern_status qn_datasets_fail(quern_run *run, const quern_run *single, enum quern_status st);

/* Rank 0: what is odd with each of them, to the warnings of all. */
enum quern_status qn_datasets_warn(quern_run *run, struct quern_message *err);

void qn_datasets_fini(quern_run *run);

#endif
