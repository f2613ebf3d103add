/*
 * error.h - the record of what went wrong.
 *
 * The first function that decides an error records it once, with the file, dataset and chunk it
 * concerns and what to do about it; callers pass the status up. A record is plain memory, so it
 * can be sent to rank 0.
 */
#ifndef QN_BASE_ERROR_H
#define QN_BASE_ERROR_H

#include "quern_kernel.h"

#define QN_ERROR_NBYTES 1024
#define QN_NEAR_NBYTES	128

/* What else is known of an error: nothing, or why the data could not be looked at although nothing is
   wrong with it. */
enum qn_reason {
	QN_NO_REASON,
	QN_NO_FILE,    /* of this name */
	QN_NO_DATASET, /* of this name in the file */
	QN_NO_FILTER,  /* a filter that nothing here can decode */
	QN_AMBIGUOUS,  /* several fit: which one is meant cannot be told */
	QN_HELD,       /* a writer has the file, or has left its mark in it */
	QN_FAILED,     /* the system or a limit of time, which another try may not meet */
	QN_NREASONS
};

/* The public struct quern_message is this record. */
struct quern_message {
	enum quern_status status;
	enum qn_reason reason;
	char near
		[QN_NEAR_NBYTES]; /* of QN_NO_DATASET: a name that is there, which may have been meant; or "" */
	char text[QN_ERROR_NBYTES];
};

/* Records an error unless one is recorded already; returns `status`. err may be NULL. The text is made
   plain (base/text.h), and names in it that are too long lose their middle; what is said at the end stays. */
enum quern_status qn_error_set(struct quern_message *err, enum quern_status status,
			       const char *format, ...) __attribute__((format(printf, 3, 4)));

/* The same with a reason. */
enum quern_status qn_error_because(struct quern_message *err, enum quern_status status,
				   enum qn_reason reason, const char *format, ...)
	__attribute__((format(printf, 4, 5)));

/*
 * The same for an expression of the user that is wrong at its byte `at`: the text is followed by two lines,
 * the expression and a ^ under the character. All of it is made plain but for the ends of these lines. Of a
 * long expression what is around the character is shown.
 */
enum quern_status qn_error_point(struct quern_message *err, enum quern_status status,
				 const char *expression, size_t at, const char *format, ...)
	__attribute__((format(printf, 5, 6)));

/* Hands on what is recorded in `from`, with its reason, under that status. */
enum quern_status qn_error_pass(struct quern_message *err, enum quern_status status,
				const struct quern_message *from);

/* Of a call of the system that failed with errno `why`: QUERN_ERR_DENIED where permission is missing,
   else QUERN_ERR_RUN. */
enum quern_status qn_error_status_of(int why);

/* Of two, the one that a command ends with: bad data before what may not be read, then what failed, then
   wrong usage. */
enum quern_status qn_error_worst(enum quern_status a, enum quern_status b);

/* The usual one: "cannot allocate N bytes for WHAT". Returns QUERN_ERR_RUN. */
enum quern_status qn_error_nomem(struct quern_message *err, size_t nbytes, const char *what);

#endif
