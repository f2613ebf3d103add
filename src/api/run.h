/*
 * run.h - the inside of quern_run, shared by the files of the API.
 */
#ifndef QN_API_RUN_H
#define QN_API_RUN_H

#include <jansson.h>

#include "api/result_file.h"
#include "api/session.h"
#include "base/options.h"
#include "keys/named.h"
#include "run/run.h"
#include "kernel/result.h"
#include "registry/choice.h"
#include "quern.h"

struct qn_extract;
struct qn_operation;
struct qn_partial;
struct qn_partial_job;

struct quern_run {
	quern_session *session;		      /* borrows */
	const struct qn_operation *operation; /* NULL: a run of a kernel */
	struct quern_options options;
	struct qn_registry registry; /* kernels that were loaded for it */
	struct qn_choice choice;     /* of kernels */
	struct qn_named_list named;  /* of option dataset */
	struct qn_names files;	     /* and patterns, as the caller gave them */
	uint64_t most_cells;	     /* of the result; 0: any number */
	struct quern_message err;
	struct qn_comm *comm;	  /* of the session, while it executes */
	int rank, nranks, nhosts; /* of comm, for afterwards */
	struct qn_team team;
	struct qn_subject subject;
	/* Of a grid in memory, QN_FRAME_NAME, whose data was absorbed before; NULL: data is in files. Borrowed. */
	const struct qn_frame *frame;
	struct qn_absorbed absorbed;
	/* Was what was absorbed told to all ranks alike? Of absorbed.ctx; NULL: nobody asks. Collective. */
	enum quern_status (*agree)(void *ctx, struct qn_comm *c, struct quern_message *err);
	/* Finds files and what else is told by what was absorbed, before they are looked at; NULL: they are told.
	   Collective. And frees that with the run; NULL: it is the caller's. */
	enum quern_status (*assemble)(void *ctx, quern_run *run);
	void (*free_absorbed)(void *ctx);
	bool is_settled;     /* options and files stay as they are, but for those of output */
	uint64_t most_steps; /* like the next two: as of struct qn_run_settings */
	bool is_step;
	bool is_part;
	struct qn_where where;
	struct qn_run engine;
	bool started, done, planned;
	atomic_bool is_interrupted; /* by the caller, who wants no more of it */
	struct quern_result result;
	double seconds_total;
	/* Of several datasets: a run of each (datasets.h), which borrows from this one: owned. */
	struct quern_run **single;
	size_t nsingles;
	char *dataset;	  /* owned: its path, where it was looked up */
	const char *name; /* of one of several: in the result */
	char *output;	  /* owned: a file for all that was asked for before the work; NULL: none */
	char *streamed; /* owned: that file, where rows go to it as they come; NULL: they do not */
	const struct qn_row_sink *sink; /* of streamed */
	struct qn_result_file result_file;
	char *document;			/* owned: of an operation, rank 0 */
	struct qn_journal *journal;	/* owned; NULL: there is none */
	struct qn_partial_job *partial; /* owned: it makes a part; NULL: a result */
	const struct qn_partial
		*parts; /* borrows: what it is of, where it is a merge; NULL: it is none */
	struct qn_extract
		*extract; /* borrows: what is noted of files, or stands for them; NULL: none */
};

/* Up to what is computed on, without any work. The run can only be freed then. Collective. */
enum quern_status qn_run_prepare(quern_run *run);

/* What work costs, for a plan: by default, or by the document of a run (option calibrate). */
enum quern_status qn_calibrate(quern_run *run);
/* Warns when that document is of another kernel or dataset than the subject, which is found. */
enum quern_status qn_calibrate_check(quern_run *run);

/* The unit of the values that the kernel takes; "": none, or not known. Borrowed. */
const char *qn_run_units(const quern_run *run);

/* How elements were weighted; those of windows are told by `rolling` alone. NULL: they were not. Borrowed. */
const char *qn_run_weights(const quern_run *run);

/* The `input` of a document. Owned by the caller. */
json_t *qn_document_input(const quern_run *run);

/* The i-th chunk that was skipped and is known by name: its dataset, which borrows, and its place in the
   grid; and the operand that could not be read there (borrowed; NULL: the chunk itself could not). False: there are no
   more. Rank 0 only. */
bool qn_run_skip(const quern_run *run, size_t i, struct qn_dataset *d, uint64_t *coord,
		 const char **operand);

#endif
