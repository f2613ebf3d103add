/*
 * error.c - the record of what went wrong.
 */
#include "base/error.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/log.h"
#include "base/mem.h"
#include "base/text.h"

/* Names in a message are as long as their files have them, and any bytes: it is composed whole, made
   plain, and then made to fit. */
static enum quern_status record(struct quern_message *err, enum quern_status status,
				enum qn_reason reason, const char *format, va_list ap)
{
	char *text = NULL;

	if (!err || err->status != QUERN_OK)
		return status;
	err->status = status;
	err->reason = reason;
	if (qn_vasprintf(&text, format, ap) < 0)
		text = NULL;
	qn_text_put(err->text, sizeof(err->text), text ? text : "out of memory");
	free(text);
	qn_log(QN_LOG_DEBUG, "status %d: %s", (int)status, err->text);
	return status;
}

enum quern_status qn_error_set(struct quern_message *err, enum quern_status status,
			       const char *format, ...)
{
	va_list ap;

	va_start(ap, format);
	status = record(err, status, QN_NO_REASON, format, ap);
	va_end(ap);
	return status;
}

enum quern_status qn_error_because(struct quern_message *err, enum quern_status status,
				   enum qn_reason reason, const char *format, ...)
{
	va_list ap;

	va_start(ap, format);
	status = record(err, status, reason, format, ap);
	va_end(ap);
	return status;
}

enum quern_status qn_error_pass(struct quern_message *err, enum quern_status status,
				const struct quern_message *from)
{
	return qn_error_because(err, status, from->reason, "%s", from->text);
}

enum quern_status quern_message_set(struct quern_message *m, enum quern_status status,
				    const char *format, ...)
{
	va_list ap;

	va_start(ap, format);
	status = record(m, status, QN_NO_REASON, format, ap);
	va_end(ap);
	return status;
}

enum quern_status qn_error_status_of(int why)
{
	return why == EACCES || why == EPERM || why == EROFS ? QUERN_ERR_DENIED : QUERN_ERR_RUN;
}

enum quern_status qn_error_worst(enum quern_status a, enum quern_status b)
{
	static const enum quern_status order[] = { QUERN_ERR_DATA, QUERN_ERR_DENIED, QUERN_ERR_RUN,
						   QUERN_ERR_USAGE };

	for (size_t i = 0; i < sizeof(order) / sizeof(*order); i++)
		if (a == order[i] || b == order[i])
			return order[i];
	return a ? a : b;
}

enum quern_status qn_error_nomem(struct quern_message *err, size_t nbytes, const char *what)
{
	return qn_error_set(err, QUERN_ERR_RUN, "cannot allocate %zu bytes for %s", nbytes, what);
}
