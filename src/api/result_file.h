/*
 * result_file.h - an HDF5 file of the results of a run on its way: rows go to it while the run works, where that was
 * asked for, or all results at the end. It is at its temporary name (base/publish.h) until it is whole. Rank 0.
 */
#ifndef QN_API_RESULT_FILE_H
#define QN_API_RESULT_FILE_H

#include "base/publish.h"
#include "data/storage.h"
#include "kernel/result.h"

struct quern_run;

/* Where rows go as they come: of this file, for the run, which knows it by this table alone. */
struct qn_row_sink {
	/* Rows of a dataset of the run, the next ones: it opens the file, and begins with the axes, which s->result
	   gets. */
	enum quern_status (*put)(struct quern_run *run, struct quern_run *s,
				 const struct quern_result *rows, struct quern_message *err);
	/* After the last rows of a dataset. */
	enum quern_status (*end_rows)(struct quern_run *run, struct quern_message *err);
	/* Leaves nothing of it, or of one that is being written whole. */
	void (*discard)(struct quern_run *run);
};
extern const struct qn_row_sink qn_result_file_sink;

struct qn_result_file {
	bool is_open;
	struct qn_publishing publishing;
	struct qn_writing *writing;
	struct qn_output output; /* of which rows are coming */
	struct qn_names notes;	 /* warnings of what it does not have, or not to all digits */
};

/* Puts it in its place; the results of a run whose rows did not go to it are written before. */
enum quern_status qn_result_file_finish(struct quern_run *run, const char *file);

/* The results of a run, and what they say of themselves. */
struct qn_outputs {
	struct qn_output *of; /* owned */
	size_t n;
};

/* Freed with qn_outputs_fini, whatever is returned. */
enum quern_status qn_outputs_make(struct quern_run *run, const char *file, struct qn_outputs *o);
void qn_outputs_fini(struct qn_outputs *o);

#endif
