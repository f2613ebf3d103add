/*
 * text.c - text of others for terminals and messages: UTF-8 is taken apart and checked here,
 * character by character, what a terminal would obey is written out, and what is too long for a
 * message loses the middles of its longest words. A character is never cut in two.
 */
#include "base/text.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

#define GAP	   "..."
#define GAP_NBYTES 3
#define LEAST_WORD 48 /* bytes that a word keeps */

size_t qn_text_character(const char *at, const char *end, uint32_t *code)
{
	static const uint32_t least[] = { 0, 0, 0x80, 0x800, 0x10000 };
	const unsigned char *p = (const unsigned char *)at;
	const size_t n = *p < 0x80	 ? 1
			 : *p >> 5 == 6	 ? 2
			 : *p >> 4 == 14 ? 3
			 : *p >> 3 == 30 ? 4
					 : 0;
	uint32_t c = n == 1 ? *p : n ? *p & (0x7fu >> n) : 0;

	if (n == 0 || (size_t)(end - at) < n)
		return 0;
	for (size_t i = 1; i < n; i++) {
		if (p[i] >> 6 != 2)
			return 0;
		c = c << 6 | (p[i] & 0x3f);
	}
	if (c < least[n] || c > 0x10ffff || (c >= 0xd800 && c < 0xe000))
		return 0;
	*code = c;
	return n;
}

bool qn_text_is_unsafe(uint32_t c)
{
	static const struct {
		uint32_t first, last;
	} unsafe[] = {
		{ 0x00, 0x1f },	    { 0x7f, 0x9f },	/* C0; DEL, C1 */
		{ 0x61c, 0x61c },   { 0x200e, 0x200f }, /* marks of direction */
		{ 0x2028, 0x202e }, { 0x2066, 0x2069 }, /* separators, overrides; isolates */
	};

	for (size_t i = 0; i < sizeof(unsafe) / sizeof(*unsafe); i++)
		if (c >= unsafe[i].first && c <= unsafe[i].last)
			return true;
	return false;
}

size_t qn_text_next(const char **at, const char *end, char out[QN_PLAIN_NBYTES])
{
	uint32_t code = 0;
	const size_t n = qn_text_character(*at, end, &code);
	const unsigned byte = (unsigned char)**at;

	if (n && !qn_text_is_unsafe(code)) {
		memcpy(out, *at, n);
		out[n] = 0;
		*at += n;
		return n;
	}
	*at += n ? n : 1;
	return (size_t)(n > 1 ? snprintf(out, QN_PLAIN_NBYTES, "\\u%04x", (unsigned)code & 0xffff)
			      : snprintf(out, QN_PLAIN_NBYTES, "\\x%02x", byte));
}

char *qn_text_plain(const char *text)
{
	const size_t n = strlen(text);
	const char *end = text + n;
	char *plain = n < SIZE_MAX / 4 ? qn_malloc(4 * n + QN_PLAIN_NBYTES) : NULL, *to = plain;

	if (to)
		*to = 0;
	while (to && text < end)
		to += qn_text_next(&text, end, to);
	return plain;
}

char *qn_text_utf8(const void *bytes, size_t nbytes)
{
	const char *p = bytes, *end = p + nbytes;
	char *text = nbytes < SIZE_MAX / 4 ? qn_malloc(4 * nbytes + 1) : NULL, *to = text;

	while (text && p < end) {
		uint32_t code = 0;
		const size_t n = qn_text_character(p, end, &code);

		if (code)
			to = mempcpy(to, p, n);
		else
			to += sprintf(to, "\\x%02x", (unsigned)(unsigned char)*p);
		p += code ? n : 1;
	}
	if (text)
		*to = 0;
	return text;
}

static bool is_of_name(uint32_t code)
{
	return code > ' ' && code != 0x7f && code != '/' && code != ':';
}

static bool begins_name(uint32_t code)
{
	return code >= 0x80 || code == '_' || isalnum((int)code);
}

void qn_text_name(const char *text, size_t nbytes, char *out)
{
	const char *end = text + strlen(text), *last = out + nbytes - 1;
	char *to = out;

	for (size_t n; text < end; text += n) {
		uint32_t code = 0;

		n = qn_text_character(text, end, &code);
		n = code ? n : 1;
		if (to == out && is_of_name(code) && !begins_name(code))
			*to++ = '_';
		if ((size_t)(last - to) < n)
			break;
		to = is_of_name(code) ? mempcpy(to, text, n) : mempcpy(to, "_", 1);
	}
	if (to == out)
		*to++ = '_';
	*to = '\0';
}

void qn_text_print(FILE *out, const char *text)
{
	const char *end = text + strlen(text);
	char one[QN_PLAIN_NBYTES];

	while (text < end)
		fwrite(one, 1, qn_text_next(&text, end, one), out);
}

static bool is_plain(const char *text)
{
	const char *end = text + strlen(text);
	uint32_t code;
	size_t n;

	for (; text < end; text += n) {
		n = qn_text_character(text, end, &code);
		if (!n || qn_text_is_unsafe(code))
			return false;
	}
	return true;
}

/* What is no printable ASCII byte by byte: three digits end by themselves, whatever comes after them. */
static void print_escaped(FILE *out, const char *word)
{
	fputs("$'", out);
	for (; *word; word++)
		if ((unsigned char)*word < ' ' || (unsigned char)*word >= 0x7f)
			fprintf(out, "\\%03o", (unsigned)(unsigned char)*word);
		else
			fprintf(out, "%s%c", strchr("\\'", *word) ? "\\" : "", *word);
	fputc('\'', out);
}

void qn_text_print_word(FILE *out, const char *word)
{
	static const char harmless[] = "abcdefghijklmnopqrstuvwxyz"
				       "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
				       "0123456789-_./=,:+%@";

	if (*word && !word[strspn(word, harmless)]) {
		fputs(word, out);
		return;
	}
	if (!is_plain(word)) {
		print_escaped(out, word);
		return;
	}
	fputc('\'', out);
	for (; *word; word++)
		fputs(*word == '\'' ? "'\\''" : (char[]){ *word, 0 }, out);
	fputc('\'', out);
}

char *qn_text_word(const char *word)
{
	char *out = NULL;
	size_t nbytes = 0;
	FILE *f = qn_open_memstream(&out, &nbytes);

	if (!f)
		return NULL;
	qn_text_print_word(f, word);
	if (!fclose(f))
		return out;
	free(out);
	return NULL;
}

/* --- fitting --- */

static bool is_inside(const char *text, size_t i)
{
	return ((unsigned char)text[i] & 0xc0) == 0x80;
}

/* Replaces so much of the middle of text[from, to) that at most `keep` bytes of it stay. Characters stay
   whole. */
static void cut_middle(char *text, size_t from, size_t to, size_t keep)
{
	size_t head = from + (keep - GAP_NBYTES) / 2, tail = to - (keep - GAP_NBYTES) / 2;

	while (head > from && is_inside(text, head))
		head--;
	while (tail < to && is_inside(text, tail))
		tail++;
	memcpy(text + head, GAP, GAP_NBYTES);
	memmove(text + head + GAP_NBYTES, text + tail, strlen(text + tail) + 1);
}

static void cut_end(char *text, size_t nbytes)
{
	size_t n = nbytes ? nbytes - 1 : 0;

	if (!nbytes || strlen(text) < nbytes)
		return;
	while (n > 0 && is_inside(text, n))
		n--;
	text[n] = 0;
}

/* The longest run of bytes that are no blanks: where it begins; its length. */
static size_t longest_word(const char *text, size_t *length)
{
	size_t best = 0;

	*length = 0;
	for (size_t i = 0; text[i];) {
		const size_t n = strcspn(text + i, " ");

		if (n > *length) {
			best = i;
			*length = n;
		}
		i += n + (text[i + n] == ' ');
	}
	return best;
}

void qn_text_fit(char *text, size_t nbytes)
{
	size_t n, length;

	if (nbytes <= 2 * LEAST_WORD) {
		cut_end(text, nbytes);
		return;
	}
	while ((n = strlen(text)) >= nbytes) {
		const size_t excess = n - (nbytes - 1), word = longest_word(text, &length);

		if (length <= LEAST_WORD)
			cut_middle(text, 0, n, nbytes - 1);
		else
			cut_middle(text, word, word + length,
				   length > LEAST_WORD + excess ? length - excess : LEAST_WORD);
	}
}

void qn_text_put(char *out, size_t nbytes, const char *text)
{
	char *plain = qn_text_plain(text);

	if (plain) {
		qn_text_fit(plain, nbytes);
		snprintf(out, nbytes, "%s", plain);
		free(plain);
		return;
	}
	snprintf(out, nbytes, "%s", text);
	for (char *p = out; nbytes && *p; p++)
		if ((unsigned char)*p < ' ' || (unsigned char)*p >= 0x7f)
			*p = '?';
}

const char *qn_text_last(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash ? slash + 1 : path;
}
