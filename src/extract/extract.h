/*
 * extract.h - what was asked of files, with the answers: descriptions of datasets, lists, attributes, and the values of
 * what was read whole, as coordinates are. It stands in for the files where these are not: whoever asks the same again
 * gets the same answers, of the elements of large datasets none.
 *
 * While a call notes (qn_reading()->extract, which does not stand) answers are those of the files, and are added.
 */
#ifndef QN_EXTRACT_EXTRACT_H
#define QN_EXTRACT_EXTRACT_H

#include <pthread.h>

#include "data/storage.h"

/* Of a question about a file. */
struct qn_answer {
	char *file, *question; /* owned, like the next */
	void *bytes;
	size_t nbytes;
};

struct qn_extract {
	bool stands; /* for the files, of which none is looked at: answers are sorted, each is there once */
	pthread_mutex_t lock;
	const struct qn_format *real; /* of the files, and */
	struct qn_format noting;      /* what asks it and notes */
	size_t n, room;
	struct qn_answer *answer; /* owned */
	struct qn_answer
		differs; /* borrows: of values, one that another answer has otherwise; file NULL: none */
	bool lacks_memory; /* something is not noted */
};

void qn_extract_init(struct qn_extract *e);
void qn_extract_fini(struct qn_extract *e);

/* That of the calling thread's call that notes, or that stands; NULL: none. */
struct qn_extract *qn_extract_noting(void);
const struct qn_extract *qn_extract_standing(void);

/* Adds a copy of an answer. Any thread may. */
void qn_extract_note(struct qn_extract *e, const char *file, const char *question,
		     const void *bytes, size_t nbytes);

/* The answer, of one that stands; NULL: there is none. */
const struct qn_answer *qn_extract_find(const struct qn_extract *e, const char *file,
					const char *question);

/* Sorts the answers, and leaves each in it once: the first. From here on it may stand. */
void qn_extract_settle(struct qn_extract *e);

/* Adds the answers of another, about files of other names: to[i] in the place of from[i]. False: no memory. */
bool qn_extract_add(struct qn_extract *e, const struct qn_extract *other, size_t n,
		    const char *const *from, const char *const *to);

/* Flat form, of a settled one. pack returns owned memory, or NULL when there is none; unpack adds to what is there, and
   checks what it gets. */
void *qn_extract_pack(const struct qn_extract *e, size_t *nbytes);
enum quern_status qn_extract_unpack(struct qn_extract *e, const void *data, size_t nbytes,
				    struct quern_message *err);

/* The format that answers in the place of files, of a call with an extract that stands; NULL: there is none. */
const struct qn_format *qn_extract_format(void);
/* What asks a format, and notes, of a call that does; else the format itself. */
const struct qn_format *qn_extract_note_format(const struct qn_format *format);

#endif
