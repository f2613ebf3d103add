/*
 * seen.h - which groups of a result have an element that is there, be it missing or not.
 */
#ifndef QN_KERNEL_SEEN_H
#define QN_KERNEL_SEEN_H

#include <stdatomic.h>

#include "kernel/rows.h"

/* A bit a group: a combination of those of all keys. */
typedef _Atomic uint64_t qn_seen;

uint64_t qn_seen_nwords(const struct qn_rows *rows);

/* None of the groups of rows. NULL: no memory. Freed with free(). */
qn_seen *qn_seen_new(const struct qn_rows *rows);

/* Notes the groups of a run's elements. Several threads may share it. */
void qn_seen_note(qn_seen *seen, const struct qn_rows *rows, const struct quern_tile *tile,
		  const struct qn_row_run *run);

/* Notes the groups of rows row[0] ... row[n - 1], negative: of none. places: only of those that have bit first + i there;
   NULL: of all. */
void qn_seen_scatter(qn_seen *seen, const struct qn_rows *rows, const qn_seen *places,
		     uint64_t first, const int64_t *row, size_t n);

void qn_seen_merge(qn_seen *into, const qn_seen *from, uint64_t nwords);

#endif
