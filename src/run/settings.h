/*
 * settings.h - what a user may say of a run and of a forecast. Texts are borrowed, and NULL where
 * nothing is said. The same on all ranks.
 */
#ifndef QN_RUN_SETTINGS_H
#define QN_RUN_SETTINGS_H

#include <stdbool.h>
#include <stdint.h>

struct quern_options;
struct qn_named_list;

/* What only a plan goes by (plan/synthetic.h). */
struct qn_forecast_settings {
	const char *cluster; /* the one to be imagined */
	const char *homes;   /* how data is imagined to lie there */
	int64_t nreplicas;
	uint64_t times; /* the data, over and over; 0 and 1: once */
	bool simulates;
	const char *slow, *fail; /* a host: HOST:FACTOR, HOST:SECONDS */
};

struct qn_run_settings {
	bool skips; /* a chunk that cannot be read does not end the run */
	bool nan_missing;
	const char *over;	  /* dimensions that are reduced; NULL: all */
	bool keepdims;		  /* these stay in the result, of length 1 */
	const char *expr, *where; /* what the values are, and which count; NULL: as they are, all */
	const char *with;	  /* other values beside them; NULL: none */
	const char *against; /* the dimension of the kernel's option `against`; NULL: it has none */
	const char *weights; /* NULL: all count alike */
	const char *by;	     /* keys of groups; NULL: there are none */
	const char *rolling; /* windows along a dimension of the result; NULL: none */
	bool pairs;	     /* only combinations of groups that occur, side by side */
	const char *fields;  /* of the result, in this order; NULL: all */
	uint64_t most_cells; /* that the caller has use for; 0: any number */
	bool streams;	     /* rank 0: its rows are not kept */
	bool is_calibrated;  /* costs are those of a run */
	/* Of a grid in memory whose dimension 0 is that of steps, how many it has in the end at most: kernels are
	   opened for so many, so that their states are the same after any number of them; 0: the data is all there.
	   And whether the run is of a single one, which has no windows. */
	uint64_t most_steps;
	bool is_step;
	/* Its cells are to be added to those of other parts of the result, or are theirs: kernels are opened for several
	   rows where there are some, so that their states are of one form. */
	bool is_part;

	int64_t journal_seconds; /* of work that a rank may lose, where the run has a journal */

	const struct qn_named_list *named; /* datasets of expressions (named.h); NULL: none */
	const char *name;		   /* of the dataset, by the user; NULL: its own */

	struct qn_forecast_settings forecast;
	const struct quern_options *of_kernel; /* its own, by name */
};

#endif
