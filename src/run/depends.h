/*
 * depends.h - what the result of a run depends on in files, as lines of text.
 */
#ifndef QN_RUN_DEPENDS_H
#define QN_RUN_DEPENDS_H

#include <stdio.h>

#include "run/run.h"

/* The datasets of an open run, and the files of all of their members, with sizes and times of change. Rank 0. */
void qn_depends_put(FILE *f, const struct qn_run *engine);

void qn_depends_put_file(FILE *f, const char *file, uint64_t nbytes, int64_t mtime_ns);

/* A text of a user or of a file: no line has an end but its own. */
void qn_depends_put_text(FILE *f, const char *text);

#endif
