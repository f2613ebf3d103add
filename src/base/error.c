/*
 * error.c - the record of what went wrong.
 */
#include "base/error.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

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

/* Characters of an expression that are shown, and of them the most before the one that is pointed at. */
#define SHOWN_NCHARS  72
#define BEFORE_NCHARS 40
#define INDENT	      "  "
/* Lines of characters of up to 4 bytes, dots at both ends, and the one of the ^. */
#define POINT_NBYTES (4 * (SHOWN_NCHARS + QN_PLAIN_NBYTES) + SHOWN_NCHARS + 32)

static bool begins_character(char c)
{
	return ((unsigned char)c & 0xc0) != 0x80;
}

static size_t count_characters(const char *text)
{
	size_t n = 0;

	for (; *text; text++)
		n += begins_character(*text);
	return n;
}

/* Where the n-th character of a text begins; its end if it has fewer. */
static size_t skip_characters(const char *text, size_t n)
{
	size_t i = 0;

	for (; text[i]; i++)
		if (begins_character(text[i]) && n-- == 0)
			break;
	return i;
}

/* The lines below a message: "\n  expression\n  ^". */
static void point(char out[POINT_NBYTES], const char *expression, size_t at)
{
	char *plain = qn_text_plain(expression);
	char *head = qn_strndup(expression, at), *before = head ? qn_text_plain(head) : NULL;
	size_t column = before ? count_characters(before) : 0, first, last;
	size_t skipped = column > BEFORE_NCHARS ? column - BEFORE_NCHARS : 0;

	out[0] = '\0';
	if (plain && before) {
		first = skip_characters(plain, skipped);
		last = first + skip_characters(plain + first, SHOWN_NCHARS);
		snprintf(out, POINT_NBYTES, "\n" INDENT "%s%.*s%s\n" INDENT "%*s",
			 skipped ? "..." : "", (int)(last - first), plain + first,
			 plain[last] ? "..." : "", (int)(column - skipped + (skipped ? 3 : 0) + 1),
			 "^");
	}
	free(plain);
	free(head);
	free(before);
}

enum quern_status qn_error_point(struct quern_message *err, enum quern_status status,
				 const char *expression, size_t at, const char *format, ...)
{
	char lines[POINT_NBYTES];
	va_list ap;

	if (!err || err->status != QUERN_OK)
		return status;
	va_start(ap, format);
	record(err, status, QN_NO_REASON, format, ap);
	va_end(ap);
	point(lines, expression, at);
	qn_text_fit(err->text, sizeof(err->text) - strlen(lines));
	strcat(err->text, lines);
	return status;
}

enum quern_status qn_error_pass(struct quern_message *err, enum quern_status status,
				const struct quern_message *from)
{
	if (!err || err->status != QUERN_OK)
		return status;
	*err = *from;
	err->status = status;
	return status;
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
