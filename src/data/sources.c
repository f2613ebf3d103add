#include "data/sources.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

static void source_fini(struct qn_origin *s)
{
	free(s->file);
	free(s->path);
	free(s->to);
}

void qn_sources_fini(struct qn_sources *s)
{
	for (uint64_t i = 0; i < s->n; i++)
		source_fini(&s->origin[i]);
	free(s->origin);
	memset(s, 0, sizeof(*s));
}

static bool is_raw(const struct qn_origin *s)
{
	return s->path[0] == '\0';
}

static size_t nspans(const struct qn_sources *s, const struct qn_origin *x)
{
	return is_raw(x) ? 0 : (size_t)(s->ndim + x->ndim);
}

bool qn_sources_add(struct qn_sources *s, const struct qn_origin *new)
{
	struct qn_origin x = *new;
	size_t n = nspans(s, new);

	x.file = qn_strdup(new->file);
	x.path = qn_strdup(new->path);
	x.to = qn_calloc(n, sizeof(*x.to));
	if (!qn_grow(&s->origin, &s->room, s->n + 1, sizeof(*s->origin)) || !x.file || !x.path ||
	    !x.to) {
		source_fini(&x);
		return false;
	}
	x.from = is_raw(new) ? x.to : x.to + s->ndim;
	if (!is_raw(new)) {
		memcpy(x.to, new->to, (size_t)s->ndim * sizeof(*x.to));
		memcpy(x.from, new->from, (size_t)x.ndim * sizeof(*x.from));
	}
	s->origin[s->n++] = x;
	return true;
}

/*
 * The flat form: uint64 number of sources, dimensions of the whole; the reason; of each source uint64
 * dimensions, offset, nbytes, bytes of file and path with their '\0', 1 if it is missing; its spans;
 * the two texts.
 */
enum { SOURCE_WORDS = 6 };

struct cursor {
	uint8_t *at; /* NULL: only the size is wanted */
	size_t nbytes;
};

static void put(struct cursor *c, const void *data, size_t nbytes)
{
	if (c->at && nbytes) {
		memcpy(c->at, data, nbytes);
		c->at += nbytes;
	}
	c->nbytes += nbytes;
}

static void write_all(struct cursor *c, const struct qn_sources *s)
{
	uint64_t head[2] = { s->n, (uint64_t)s->ndim };

	put(c, head, sizeof(head));
	put(c, s->why_not_native, sizeof(s->why_not_native));
	for (uint64_t i = 0; i < s->n; i++) {
		const struct qn_origin *x = &s->origin[i];
		uint64_t word[SOURCE_WORDS] = { (uint64_t)x->ndim,   x->offset,
						x->nbytes,	     strlen(x->file) + 1,
						strlen(x->path) + 1, x->is_missing };

		put(c, word, sizeof(word));
		put(c, x->to, nspans(s, x) * sizeof(*x->to));
		put(c, x->file, (size_t)word[3]);
		put(c, x->path, (size_t)word[4]);
	}
}

void *qn_sources_pack(const struct qn_sources *s, size_t *nbytes)
{
	struct cursor c = { .at = NULL };
	void *out;

	write_all(&c, s);
	out = qn_malloc(c.nbytes);
	if (!out)
		return NULL;
	*nbytes = c.nbytes;
	c.at = out;
	write_all(&c, s);
	return out;
}

/* --- hearing it --- */

struct reader {
	const uint8_t *at, *end;
	const struct qn_dataset *whole;
	struct qn_sources *s;
	const char *why; /* what is wrong */
};

static bool wrong(struct reader *r, const char *why)
{
	r->why = why;
	return false;
}

static bool get(struct reader *r, void *out, size_t nbytes)
{
	if ((size_t)(r->end - r->at) < nbytes)
		return wrong(r, "its sources are cut short");
	memcpy(out, r->at, nbytes);
	r->at += nbytes;
	return true;
}

static bool get_text(struct reader *r, uint64_t nbytes, const char **out)
{
	if (!nbytes || (size_t)(r->end - r->at) < nbytes || memchr(r->at, '\0', nbytes - 1) ||
	    r->at[nbytes - 1])
		return wrong(r, "the name of a source does not end");
	*out = (const char *)r->at;
	r->at += nbytes;
	return true;
}

/* Blocks do not overlap, and the last index can be told. */
static bool is_span(const struct qn_span *s, bool may_be_unlimited)
{
	uint64_t last;

	if (!s->count || !s->block || !s->stride)
		return false;
	if (s->count == QN_UNLIMITED || s->block == QN_UNLIMITED)
		return may_be_unlimited && s->start < INT64_MAX && s->stride < INT64_MAX &&
		       (s->count == QN_UNLIMITED ? s->block <= s->stride : s->count == 1);
	return (s->count == 1 || s->block <= s->stride) && qn_mul(s->count - 1, s->stride, &last) &&
	       qn_add(last, s->block - 1, &last) && qn_add(last, s->start, &last) &&
	       last < INT64_MAX;
}

/* One block has no stride: it is made what its length is. */
static void settle(struct qn_span *s)
{
	if (s->count == 1 && s->block != QN_UNLIMITED && s->stride < s->block)
		s->stride = s->block;
}

/* Where there is nothing, for want of sources, they are only counted. */
static bool is_inside(const struct qn_span *s, uint64_t size)
{
	return size == 0 || s->count == QN_UNLIMITED || s->block == QN_UNLIMITED ||
	       s->start + (s->count - 1) * s->stride + s->block <= size;
}

static bool are_spans(struct reader *r, struct qn_origin *x)
{
	int nto = 0, nfrom = 0;

	for (int d = 0; d < r->s->ndim; d++) {
		nto += x->to[d].count == QN_UNLIMITED || x->to[d].block == QN_UNLIMITED;
		if (!is_span(&x->to[d], true) || !is_inside(&x->to[d], r->whole->shape[d]))
			return wrong(r, "a source is mapped to what the dataset does not have");
	}
	for (int d = 0; d < x->ndim; d++) {
		nfrom += x->from[d].count == QN_UNLIMITED || x->from[d].block == QN_UNLIMITED;
		if (!is_span(&x->from[d], true))
			return wrong(r, "a selection of a source is impossible");
	}
	if (nto > 1 || (x->ndim && nto != nfrom) || (!x->ndim && nto))
		return wrong(r, "a mapping without limits has none on one side only");
	for (int d = 0; d < r->s->ndim + x->ndim; d++)
		settle(d < r->s->ndim ? &x->to[d] : &x->from[d - r->s->ndim]);
	return true;
}

static bool get_source(struct reader *r)
{
	struct qn_span span[2 * QUERN_MAX_DIMS];
	struct qn_origin x = { .to = span, .from = span + r->s->ndim };
	uint64_t word[SOURCE_WORDS];
	const char *file, *path;

	if (!get(r, word, sizeof(word)))
		return false;
	if (word[0] > QUERN_MAX_DIMS)
		return wrong(r, "a source has an impossible number of dimensions");
	x.ndim = (int)word[0];
	x.offset = word[1];
	x.nbytes = word[2];
	x.is_missing = word[5];
	if (word[4] > 1 && !get(r, span, (size_t)(r->s->ndim + x.ndim) * sizeof(*span)))
		return false;
	if (!get_text(r, word[3], &file) || !get_text(r, word[4], &path))
		return false;
	x.file = (char *)file;
	x.path = (char *)path;
	if (is_raw(&x) ? x.ndim > 0 : !are_spans(r, &x))
		return r->why ? false : wrong(r, "raw bytes have no dimensions");
	return qn_sources_add(r->s, &x);
}

bool qn_sources_unpack(const void *data, size_t nbytes, const struct qn_dataset *whole,
		       struct qn_sources *out, const char **why)
{
	struct qn_sources s = { .n = 0 };
	struct reader r = { .at = data, .whole = whole, .s = &s };
	uint64_t head[2];
	bool ok;

	r.end = r.at + nbytes;
	ok = get(&r, head, sizeof(head)) && get(&r, s.why_not_native, sizeof(s.why_not_native));
	if (ok && (head[0] > QN_MOST_SOURCES || head[1] != (uint64_t)whole->ndim ||
		   s.why_not_native[sizeof(s.why_not_native) - 1]))
		ok = wrong(&r, "it has an impossible number of sources");
	s.ndim = whole->ndim;
	for (uint64_t i = 0; ok && i < head[0]; i++)
		ok = get_source(&r);
	if (ok && r.at != r.end)
		ok = wrong(&r, "there are bytes after its sources");
	if (!ok)
		qn_sources_fini(&s);
	*why = r.why;
	if (ok)
		*out = s;
	return ok;
}
