/*
 * answers.h - what has been read of the metadata of files, kept for the next time it is asked for: a process that
 * reads metadata takes milliseconds to come and go, and programs work on the same file again and again.
 *
 * Answers are found by keys of bytes, which have in them all that an answer depends on: the question, and which file
 * it was, with its size and times. So what is kept of a file that has changed is not found again, and gives way to
 * others in time. Any thread may call all of this.
 */
#ifndef QN_DATA_ANSWERS_H
#define QN_DATA_ANSWERS_H

#include <stdbool.h>
#include <stddef.h>

struct qn_answers;

/* Of so many answers the latest are kept, and none that is larger. */
#define QN_ANSWERS_MOST	       64
#define QN_ANSWERS_MOST_NBYTES ((size_t)1 << 18)

struct qn_answers *qn_answers_new(void); /* NULL: no memory */
void qn_answers_free(struct qn_answers *a);

/* A copy of the answer, owned; NULL: there is none. */
void *qn_answers_find(struct qn_answers *a, const void *key, size_t key_nbytes, size_t *nbytes);
/* Keeps a copy, if there is memory for it. */
void qn_answers_keep(struct qn_answers *a, const void *key, size_t key_nbytes, const void *answer,
		     size_t nbytes);

#endif
