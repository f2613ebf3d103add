/*
 * known.h - what going through whole groups of a file has shown. Each of very many datasets of one file
 * would have the same groups gone through once more.
 */
#ifndef QN_IO_HDF5_FORMAT_KNOWN_H
#define QN_IO_HDF5_FORMAT_KNOWN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/stat.h>

#define QN_H5_MOST_KNOWN 64 /* of each kind: groups on the way to a dataset, times its dimensions */

struct qn_h5_fact {
	uint64_t group; /* absolute offset of its header */
	uint64_t value;
};

/* The last facts of a kind. */
struct qn_h5_facts {
	struct qn_h5_fact fact[QN_H5_MOST_KNOWN];
	size_t n, next;
};

/* Zeros: nothing is. */
struct qn_h5_known {
	struct stat file;
	struct qn_h5_facts absent; /* numbers of names that are not in the group */
	struct qn_h5_facts within; /* nothing in the group or below is longer */
};

/* Forgets all, unless it is of this file, which has not changed. */
void qn_h5_known_begin(struct qn_h5_known *known, const struct stat *file);

void qn_h5_known_add(struct qn_h5_facts *facts, uint64_t group, uint64_t value);
bool qn_h5_known_is_absent(const struct qn_h5_known *known, uint64_t group, uint64_t name);
bool qn_h5_known_is_within(const struct qn_h5_known *known, uint64_t group, uint64_t length);

#endif
