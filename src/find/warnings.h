/*
 * warnings.h - what a run says to its user although it goes on: the file is not as it should be.
 */
#ifndef QN_FIND_WARNINGS_H
#define QN_FIND_WARNINGS_H

#include "run/job.h"

/* Adds a sentence to j->warnings, as qn_error_set records one: plain, and of the length of a message. */
enum quern_status qn_job_add_warning(struct qn_job *j, struct quern_message *err, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

/* Notes what is wrong with the attributes of one of the datasets that are joined. Rank 0. */
enum quern_status qn_job_blame(struct qn_job *j, const struct qn_dataset *d,
			       struct quern_message *err);
void qn_blames_fini(struct qn_blame blame[QN_NATTRIBUTES]);

/* Adds to j->warnings what is wrong with the attributes of a coordinate that selects. Rank 0. */
struct qn_ends;
enum quern_status qn_warn_of_coordinate(struct qn_job *j, const struct qn_ends *c,
					struct quern_message *err);

/* Adds to j->warnings what there is to say of a job that is described. Rank 0. */
enum quern_status qn_job_warn(struct qn_job *j, struct quern_message *err);

#endif
