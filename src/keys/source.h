/*
 * source.h - the dataset that a key is made of: where it is, what dimensions of the subject it is on, and its
 * values on rank 0.
 */
#ifndef QN_KEYS_SOURCE_H
#define QN_KEYS_SOURCE_H

#include "find/subject.h"
#include "describe/values.h"
#include "keys/parse.h"

struct qn_key_source {
	struct qn_dataset like;	 /* owned: as the (first) file has it, without its chunks */
	int dim[QUERN_MAX_DIMS]; /* of the subject, by dimension of the dataset; -1: a scalar */
	uint64_t length[QUERN_MAX_DIMS]; /* of its dimensions, all files together */
	int joined; /* dimension of it along which files are joined; -1: one file has it */
	struct qn_values
		values; /* rank 0: owned; of all files, in the units of the first. Never unsigned */
	bool is_of_first; /* several files are joined, and all but the first may have another */
	bool at_ends;	  /* rank 0: it has bounds, and is at their upper ends */
	bool is_left;	  /* the values were not wanted */
	struct qn_names flags; /* rank 0: owned; numbers and their words by turns (flags.h) */
};

/* Finds and reads it. by: for messages; NULL: of an operand. The caller frees with qn_key_source_fini, whatever is returned.
   Collective. */
enum quern_status qn_key_source_find(const struct qn_subject *subject, const struct qn_team *team,
				     const struct qn_key_spec *spec, const char *by,
				     struct qn_key_source *out, struct quern_message *err);
void qn_key_source_fini(struct qn_key_source *s);

#endif
