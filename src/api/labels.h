/*
 * labels.h - what a result says of itself in a file: where it came from and how it was computed.
 */
#ifndef QN_API_LABELS_H
#define QN_API_LABELS_H

#include "api/run.h"
#include "data/storage.h"

/* Of a run that is done; output: the file to be written. The caller frees with qn_labels_fini. */
enum quern_status qn_labels_make(quern_run *run, const char *output, struct qn_labels *out);
void qn_labels_fini(struct qn_labels *l);

/* The options that have another value than their fallback, as words of a command line: those of the
   kernel only, or all. Owned; NULL: there is no memory. */
char *qn_labels_options(const quern_run *run, bool of_kernel);

#endif
