/*
 * result_pack.c - fields of some rows as bytes.
 *
 *	nbytes | nfields | nrows | field ... | field ...
 *
 * where a field is its head, the words of its nulls, if there are any, and its values: 8 bytes each, or, of
 * texts, a byte that says whether there is one and its bytes with a zero.
 */
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "kernel/result.h"

struct head {
	char name[32];
	uint64_t type, per_row, array, n, ncols, has_nulls;
};

enum { NBYTES, NFIELDS, NROWS, PREFACE };

static bool is_text(const struct qn_field *f)
{
	return f->type == QN_FIELD_TEXT || f->type == QN_FIELD_DECIMAL;
}

static uint64_t count_values(const struct quern_result *r, const struct qn_field *f)
{
	return (f->per_row ? r->nrows : 1) * qn_field_nvalues(f);
}

static void put(FILE *f, const void *bytes, size_t nbytes)
{
	fwrite(bytes, 1, nbytes, f);
}

static void put_field(FILE *out, const struct quern_result *r, const struct qn_field *f)
{
	const uint64_t n = count_values(r, f);
	struct head head = { .type = (uint64_t)f->type,
			     .per_row = f->per_row,
			     .array = f->array,
			     .n = f->n,
			     .ncols = f->ncols,
			     .has_nulls = f->null != NULL };

	memcpy(head.name, f->name, sizeof(head.name));
	put(out, &head, sizeof(head));
	if (f->null)
		put(out, f->null, (size_t)qn_ceil_div(n, 64) * sizeof(*f->null));
	if (f->type == QN_FIELD_NULL)
		return;
	if (!is_text(f)) {
		put(out, f->v.ints, (size_t)n * sizeof(*f->v.ints));
		return;
	}
	for (uint64_t i = 0; i < n; i++) {
		const char *text = f->v.texts[i];

		fputc(text != NULL, out);
		if (text)
			put(out, text, strlen(text) + 1);
	}
}

void *qn_result_pack(const struct quern_result *rows, size_t *nbytes)
{
	uint64_t preface[PREFACE] = { 0, rows->nfields, rows->nrows };
	char *bytes = NULL;
	FILE *out = qn_open_memstream(&bytes, nbytes);
	bool ok;

	if (!out)
		return NULL;
	put(out, preface, sizeof(preface));
	for (size_t i = 0; i < rows->nfields; i++)
		put_field(out, rows, &rows->field[i]);
	ok = !ferror(out);
	if (fclose(out) || !ok) {
		free(bytes);
		return NULL;
	}
	preface[NBYTES] = *nbytes;
	memcpy(bytes, preface, sizeof(*preface));
	return bytes;
}

/* --- unpack --- */

struct reader {
	const char *at, *end;
};

/* Copies bytes, or skips them where to is NULL. False: there are fewer. */
static bool take(struct reader *in, void *to, uint64_t nbytes)
{
	if (nbytes > (uint64_t)(in->end - in->at))
		return false;
	if (to && nbytes)
		memcpy(to, in->at, (size_t)nbytes);
	in->at += nbytes;
	return true;
}

/* An owned copy of n words. */
static bool take_words(struct reader *in, uint64_t n, void *words)
{
	int64_t *w = n <= (uint64_t)(in->end - in->at) / sizeof(*w)
			     ? qn_calloc((size_t)n, sizeof(*w))
			     : NULL;

	memcpy(words, &w, sizeof(w));
	return w && take(in, w, n * sizeof(*w));
}

static bool take_text(struct reader *in, char **out)
{
	char there;
	size_t n;

	if (!take(in, &there, 1))
		return false;
	if (!there)
		return true;
	n = strnlen(in->at, (size_t)(in->end - in->at));
	if (in->at + n == in->end)
		return false;
	*out = qn_strndup(in->at, n);
	return *out && take(in, NULL, n + 1);
}

static bool take_texts(struct reader *in, uint64_t n, struct qn_field *f)
{
	bool ok = n <= (uint64_t)(in->end - in->at);

	f->v.texts = ok ? qn_calloc((size_t)n, sizeof(*f->v.texts)) : NULL;
	for (uint64_t i = 0; f->v.texts && ok && i < n; i++)
		ok = take_text(in, &f->v.texts[i]);
	return f->v.texts && ok;
}

static bool take_field(struct reader *in, const struct quern_result *r, struct qn_field *f)
{
	struct head head;
	uint64_t n;

	if (!take(in, &head, sizeof(head)) || head.type > QN_FIELD_TEXT)
		return false;
	memcpy(f->name, head.name, sizeof(f->name));
	f->name[sizeof(f->name) - 1] = '\0';
	f->per_row = head.per_row;
	f->array = head.array;
	f->n = (size_t)head.n;
	f->ncols = (size_t)head.ncols;
	if (!qn_mul(f->per_row ? r->nrows : 1, qn_field_nvalues(f), &n) ||
	    (head.has_nulls && !take_words(in, qn_ceil_div(n, 64), &f->null)))
		return false;
	/* What has a type has values, which are freed with it. */
	if (head.type == QN_FIELD_NULL)
		return true;
	f->type = (enum qn_field_type)head.type;
	if (is_text(f) ? take_texts(in, n, f) : take_words(in, n, &f->v.ints))
		return true;
	if (!f->v.texts)
		f->type = QN_FIELD_NULL;
	return false;
}

size_t qn_result_unpack(const void *bytes, size_t nbytes, struct quern_result *rows)
{
	struct reader in = { bytes, (const char *)bytes + nbytes };
	uint64_t preface[PREFACE];
	bool ok = take(&in, preface, sizeof(preface)) && preface[NBYTES] <= nbytes &&
		  preface[NFIELDS] <= nbytes / sizeof(struct head);

	if (!ok ||
	    !qn_grow(&rows->field, &rows->capacity, (size_t)preface[NFIELDS], sizeof(*rows->field)))
		return 0;
	in.end = (const char *)bytes + preface[NBYTES];
	rows->nrows = preface[NROWS];
	for (; ok && rows->nfields < preface[NFIELDS]; rows->nfields++) {
		struct qn_field *f = &rows->field[rows->nfields];

		memset(f, 0, sizeof(*f));
		ok = take_field(&in, rows, f);
	}
	return ok && in.at == in.end ? (size_t)preface[NBYTES] : 0;
}
