/*
 * warnings.h - what a run says to its user although it goes on: the file is not as it should be.
 */
#ifndef QN_FIND_WARNINGS_H
#define QN_FIND_WARNINGS_H

#include "data/dataset.h"
#include "base/names.h"

/* Adds a sentence, as qn_error_set records one: plain, and of the length of a message. */
enum quern_status qn_warnings_add(struct qn_names *warnings, struct quern_message *err,
				  const char *format, ...) __attribute__((format(printf, 3, 4)));

/* That the coordinate of a dimension cannot be read, and why. */
enum quern_status qn_warn_of_lost_axis(struct qn_names *warnings, const struct qn_dataset *d,
				       int dim, const char *why, struct quern_message *err);

/* Files whose attribute has a fault. */
struct qn_blame {
	uint64_t nfiles;
	char *file;	 /* owned: the first of them */
	qn_faults fault; /* its faults */
};

struct qn_subject;

/* Notes what is wrong with the attributes of one of the datasets that are joined. Rank 0. */
enum quern_status qn_subject_blame(struct qn_subject *subject, const struct qn_dataset *d,
				   struct quern_message *err);
void qn_blames_fini(struct qn_blame blame[QN_NATTRIBUTES]);

/* Warns of what is wrong with the attributes of a coordinate that selects. Rank 0. */
struct qn_ends;
enum quern_status qn_warn_of_coordinate(struct qn_subject *subject, const struct qn_ends *c,
					struct quern_message *err);

/* Warns of what there is to say of a subject that is described. Rank 0. */
enum quern_status qn_subject_warn(struct qn_subject *subject, struct quern_message *err);

#endif
