/*
 * values_noted.c - the flat form of values: their number, then they, 8 bytes each or as long as the texts are, and a
 * byte each that says which are missing, or none.
 */
#include "describe/values_noted.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "extract/extract.h"

/* "V /lat|column 9": of values as they are, or as attributes have them. Owned. */
static char *question(const struct qn_dataset *d, const struct qn_view *view, const uint64_t *at)
{
	char which[32] = "";
	char *text;

	if (at)
		snprintf(which, sizeof(which), " %" PRIu64, *at);
	return qn_asprintf(&text, "V %s|%s %d%d%s", d->path, d->column, (int)view->dtype,
			   view->decode, which) < 0
		       ? NULL
		       : text;
}

static size_t size_of(const struct qn_values *v)
{
	return v->texts ? v->text_nbytes : sizeof(int64_t);
}

static void *bytes_of(const struct qn_values *v)
{
	return v->texts ? (void *)v->texts : v->reals ? (void *)v->reals : (void *)v->integers;
}

enum quern_status qn_values_note(const struct qn_dataset *d, const struct qn_view *view,
				 const uint64_t *at, const struct qn_values *v,
				 struct quern_message *err)
{
	struct qn_extract *e = qn_extract_noting();
	const size_t nvalues = (size_t)v->n * size_of(v);
	const size_t nbytes = sizeof(v->n) + nvalues + (v->missing ? (size_t)v->n : 0);
	char *asked, *flat;

	if (!e || v->n > QN_MOST_NOTED)
		return QUERN_OK;
	asked = question(d, view, at);
	flat = qn_malloc(nbytes);
	if (asked && flat) {
		memcpy(flat, &v->n, sizeof(v->n));
		memcpy(flat + sizeof(v->n), bytes_of(v), nvalues);
		if (v->missing)
			memcpy(flat + sizeof(v->n) + nvalues, v->missing, (size_t)v->n);
		qn_extract_note(e, d->file, asked, flat, nbytes);
	}
	free(flat);
	if (asked && flat) {
		free(asked);
		return QUERN_OK;
	}
	free(asked);
	return qn_error_nomem(err, nbytes, "values");
}

/* The values from `from` on. False: the answer has other ones. */
static bool take(const struct qn_answer *a, uint64_t from, struct qn_values *v,
		 struct quern_message *err)
{
	const size_t size = size_of(v);
	const char *at = (const char *)a->bytes + sizeof(uint64_t), *missing;
	uint64_t n, nbytes;

	if (a->nbytes < sizeof(n))
		return false;
	memcpy(&n, a->bytes, sizeof(n));
	if (!qn_mul(n, size, &nbytes) || from > n || v->n > n - from)
		return false;
	missing = at + nbytes;
	if (nbytes > a->nbytes - sizeof(n) ||
	    (a->nbytes - sizeof(n) - nbytes != 0 && a->nbytes - sizeof(n) - nbytes != n))
		return false;
	memcpy(bytes_of(v), at + from * size, (size_t)v->n * size);
	if (a->nbytes == sizeof(n) + nbytes)
		return true;
	v->missing = qn_calloc((size_t)v->n, 1);
	if (!v->missing)
		return !qn_error_nomem(err, (size_t)v->n, "values");
	for (uint64_t i = 0; i < v->n; i++)
		v->missing[i] = missing[from + i] != 0;
	return true;
}

enum quern_status qn_values_tell(const struct qn_dataset *d, const struct qn_view *view,
				 const uint64_t *at, struct qn_values *v, struct quern_message *err)
{
	char *all = question(d, view, NULL), *one = at ? question(d, view, at) : NULL;
	const struct qn_answer *a = NULL;
	const bool ok = all && (!at || one);
	bool is_whole = false;

	if (ok)
		a = qn_extract_find(qn_extract_standing(), d->file, all);
	is_whole = a != NULL;
	if (ok && !a && one)
		a = qn_extract_find(qn_extract_standing(), d->file, one);
	free(all);
	free(one);
	if (!ok)
		return qn_error_nomem(err, 0, "values");
	if (a && take(a, is_whole && at ? *at : 0, v, err))
		return QUERN_OK;
	return err && err->status
		       ? err->status
		       : qn_error_set(
				 err, QUERN_ERR_DATA,
				 "%s: the values of %s are not among what was noted of the file",
				 d->file, d->path);
}
