/*
 * terminal.c - what the command says to people. Lines on standard error are written whole, in
 * one piece, since other ranks and the launcher write there too. Tables and the help are laid
 * out by the columns that characters take, not by their bytes.
 */
#include "cli/terminal.h"

#include <errno.h>
#include <locale.h>
#include <poll.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>
#include <wchar.h>

#include "base/mem.h"
#include "base/system.h"
#include "base/text.h"
#include "cli/cli.h"
#include "json/json.h"

#define MOST_COLUMNS  96
#define LEAST_COLUMNS 40

/* --- lines --- */

static char stdout_buffer[1 << 20];

void qn_cli_begin(void)
{
	setvbuf(stdout, stdout_buffer, _IOFBF, sizeof(stdout_buffer));
}

bool qn_cli_write(int fd, const char *bytes, size_t nbytes)
{
	while (nbytes) {
		const ssize_t n = qn_sys_write(fd, bytes, nbytes);

		/* Launchers may hand on a pipe that does not block. */
		if (n < 0 && errno == EAGAIN)
			poll(&(struct pollfd){ .fd = fd, .events = POLLOUT }, 1, -1);
		else if (n < 0 && errno != EINTR)
			return false;
		if (n > 0) {
			bytes += n;
			nbytes -= (size_t)n;
		}
	}
	return true;
}

/* In one write: what others print at the same time does not get into it. text is plain, which qn_error_point
   may have given lines; it may be NULL: there was no memory for it; that is said without any. */
static void say(const char *before, const char *text)
{
	char *line = NULL, fixed[64];
	int n = text ? qn_asprintf(&line, "%s%s\n", before, text) : -1;

	if (n < 0)
		n = snprintf(fixed, sizeof(fixed), "%sout of memory\n", before);
	fflush(stdout);
	qn_cli_write(STDERR_FILENO, line ? line : fixed, (size_t)n);
	free(line);
}

static void say_formatted(const char *before, const char *format, va_list ap)
{
	char *text = NULL, *plain;

	qn_vasprintf(&text, format, ap);
	plain = text ? qn_text_plain(text) : NULL;
	say(before, plain);
	free(plain);
	free(text);
}

void qn_cli_tell(const char *text)
{
	say("quern: ", text);
}

int qn_cli_fail(enum quern_status st, const char *text)
{
	if (!qn_cli_rank())
		qn_cli_tell(text);
	return (int)st;
}

void qn_cli_warn(const char *format, ...)
{
	va_list ap;

	va_start(ap, format);
	say_formatted("quern: warning: ", format, ap);
	va_end(ap);
}

void qn_cli_note(const char *format, ...)
{
	va_list ap;

	va_start(ap, format);
	say_formatted("quern: ", format, ap);
	va_end(ap);
}

/*
 * Waits until the launcher has taken what is in the pipe of standard error, for a second at most. PMIx 5
 * keeps the unfinished lines of both streams of a process in one place, so that what it reads of one
 * while it has half a line of the other gets into the middle of that. And launchers do not take what is still there
 * when ranks are aborted.
 */
void qn_cli_await_stderr(void)
{
	struct stat st;
	int nbytes = 0;

	if ((!getenv("PMIX_RANK") && !getenv("PMI_RANK")) || qn_sys_fstat(STDERR_FILENO, &st) ||
	    !S_ISFIFO(st.st_mode))
		return;
	for (int ms = 0; ms < 1000 && !ioctl(STDERR_FILENO, FIONREAD, &nbytes) && nbytes > 0; ms++)
		poll(NULL, 0, 1);
}

void qn_cli_flush(void)
{
	qn_cli_await_stderr();
	fflush(stdout);
}

int qn_cli_finish(void)
{
	qn_cli_flush();
	if (!ferror(stdout))
		return QUERN_OK;
	qn_cli_note("cannot write to standard output: %s", strerror(errno));
	return QUERN_ERR_RUN;
}

void qn_cli_print_text(FILE *out, const char *text)
{
	qn_text_print(out, text);
}

/* --- documents --- */

/* jansson wants UTF-8, which the document is: only what a terminal would obey is replaced. */
static json_t *plain_string(const json_t *v)
{
	char *plain = qn_text_plain(json_string_value(v));
	json_t *made = plain ? json_string(plain) : NULL;

	free(plain);
	return made;
}

static json_t *make_plain(json_t *v);

static json_t *make_members_plain(json_t *o)
{
	const char *name;
	json_t *v;

	json_object_foreach(o, name, v)
	{
		json_t *plain = make_plain(v);

		if (!plain || json_object_set_new(o, name, plain))
			return NULL;
	}
	return json_incref(o);
}

static json_t *make_items_plain(json_t *a)
{
	for (size_t i = 0; i < json_array_size(a); i++) {
		json_t *plain = make_plain(json_array_get(a, i));

		if (!plain || json_array_set_new(a, i, plain))
			return NULL;
	}
	return json_incref(a);
}

/* The value, or what stands for it; a new reference. */
static json_t *make_plain(json_t *v)
{
	if (json_is_string(v))
		return plain_string(v);
	if (json_is_object(v))
		return make_members_plain(v);
	return json_is_array(v) ? make_items_plain(v) : json_incref(v);
}

json_t *qn_cli_load(char *text)
{
	json_t *doc = text ? qn_json_load(text, NULL) : NULL, *plain = doc ? make_plain(doc) : NULL;

	free(text);
	json_decref(doc);
	return plain;
}

/* --- columns --- */

static int clamp(long n)
{
	return (int)(n < LEAST_COLUMNS ? LEAST_COLUMNS : n > MOST_COLUMNS ? MOST_COLUMNS : n);
}

int qn_cli_columns(int fd)
{
	const char *told = getenv("COLUMNS");
	struct winsize size;
	char *end;

	if (told && *told) {
		const long n = strtol(told, &end, 10);

		if (!*end && n > 0)
			return clamp(n);
	}
	return ioctl(fd, TIOCGWINSZ, &size) || !size.ws_col ? MOST_COLUMNS : clamp(size.ws_col);
}

/* The C library knows which characters are wide, in a locale of UTF-8. Without one, each is a column. */
static int character_width(uint32_t code)
{
	static locale_t utf8;
	locale_t before;
	int width;

	if (code < 0x300)
		return 1;
	if (!utf8 && !(utf8 = newlocale(LC_CTYPE_MASK, "C.UTF-8", (locale_t)0)))
		return 1;
	before = uselocale(utf8);
	width = wcwidth((wchar_t)code);
	uselocale(before);
	return width < 0 ? 1 : width;
}

/* The first character of a text, which is not empty: its bytes and columns. */
static size_t measure(const char *text, const char *end, int *width)
{
	uint32_t code = 0;
	const size_t n = qn_text_character(text, end, &code);

	*width = n ? character_width(code) : 1;
	return n ? n : 1;
}

/* The columns of n bytes. */
static int width_of(const char *text, size_t n)
{
	int sum = 0, width;

	for (const char *end = text + n; text < end; sum += width)
		text += measure(text, end, &width);
	return sum;
}

int qn_cli_width(const char *text)
{
	return width_of(text, strlen(text));
}

void qn_cli_print_cell(FILE *out, const char *text, int width)
{
	const int blanks = width - qn_cli_width(text);

	fprintf(out, "%s%*s", text, blanks > 0 ? blanks : 0, "");
}

static int break_line(FILE *out, int indent)
{
	fprintf(out, "\n%*s", indent, "");
	return indent;
}

/* Prints n bytes without a blank; returns the column behind them. */
static int print_word(FILE *out, const char *text, size_t n, int column, int indent, int width)
{
	for (const char *end = text + n; text < end;) {
		int columns;
		const size_t nbytes = measure(text, end, &columns);

		if (column + columns > width && column > indent)
			column = break_line(out, indent);
		fwrite(text, 1, nbytes, out);
		column += columns;
		text += nbytes;
	}
	return column;
}

void qn_cli_wrap(FILE *out, const char *text, int column, int indent, int width)
{
	bool first = true;

	while (*text) {
		const size_t n = strcspn(text, " ");
		const int columns = width_of(text, n);

		if (!first && column + 1 + columns <= width) {
			fputc(' ', out);
			column++;
		} else if (column > indent && (!first || column + columns > width)) {
			column = break_line(out, indent);
		}
		column = print_word(out, text, n, column, indent, width);
		text += n + (text[n] == ' ');
		first = false;
	}
}
