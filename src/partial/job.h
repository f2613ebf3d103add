/*
 * job.h - a run that makes a part, from its beginning to its end.
 *
 * What it asks of files is noted while they are found; then the part is begun, the engine gives its states to it, and
 * when all has gone well it takes its place.
 */
#ifndef QN_PARTIAL_JOB_H
#define QN_PARTIAL_JOB_H

#include "partial/partial.h"
#include "registry/registry.h"

struct qn_partial_job;

/* name: of the file, kept. skips: chunks may be left out of the run, which is refused (QUERN_ERR_USAGE). Collective, like
   the next two. */
enum quern_status qn_partial_job_new(struct qn_partial_job **out, struct qn_comm *c,
				     const char *name, bool skips, struct quern_message *err);

/* What is asked of files is to be noted there. Borrowed. */
struct qn_extract *qn_partial_job_notes(struct qn_partial_job *job);

/* Of a run that is open, which gives its states from here on. kernels: of users. parts: what stands for the files of a run
   over parts, and what these are known by; NULL: it is over files. */
enum quern_status qn_partial_job_begin(struct qn_partial_job *job, struct qn_run *run,
				       const struct qn_registry *kernels,
				       const struct quern_options *options,
				       const struct qn_partial *parts, struct quern_message *err);
/* st: of the run. */
enum quern_status qn_partial_job_end(struct qn_partial_job *job, struct qn_comm *c,
				     enum quern_status st, struct quern_message *err);
/* NULL is none. Not collective. */
void qn_partial_job_free(struct qn_partial_job *job);

#endif
