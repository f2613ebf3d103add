#include "resolve/impl.h"

#include <inttypes.h>
#include <search.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "describe/describe.h"

void qn_knowns_fini(struct qn_knowns *k)
{
	for (uint64_t i = 0; i < k->n; i++)
		free(k->known[i].member_of);
	free(k->known);
	free(k->of);
	memset(k, 0, sizeof(*k));
}

/* A dataset that could not be described is missing when all of the file can be listed, it is not in
   the list, and no link of any kind leads to it. Its error stands otherwise, and when that cannot be
   found out. */
static enum quern_status is_missing(const char *file, const char *path,
				    const struct quern_message *why, bool *missing,
				    struct quern_message *err)
{
	struct quern_message ignored = { .status = QUERN_OK };
	struct qn_target target = { .is = QN_NOTHING };
	struct qn_listing l = { .n = 0 };
	const struct qn_format *format;
	enum quern_status st = qn_source_format(file, &format, &ignored);

	if (!st)
		st = format->list(file, &l, &ignored);
	*missing = !st && !l.nflaws && !qn_listing_has(&l, path) &&
		   !format->locate(file, path, &target, &ignored) && target.is == QN_NOTHING;
	qn_target_fini(&target);
	qn_listing_fini(&l);
	if (*missing)
		return QUERN_OK;
	return qn_error_pass(err, why->status, why);
}

/* The elements of both are the same but for the order of their bytes. */
static bool is_same_type(const struct qn_dataset *whole, const struct qn_dataset *source)
{
	struct qn_type a = whole->type, b = source->type;

	a.big_endian = b.big_endian;
	if (strlen(a.name) > 1 && strlen(b.name) > 1)
		a.name[0] = b.name[0];
	/* That what is called signed counts as unsigned is an attribute. */
	if (whole->cf.as_unsigned || source->cf.as_unsigned)
		a.class = b.class = a.class == QN_UINT ? QN_INT : a.class;
	return !memcmp(&a, &b, sizeof(a));
}

/* Attributes are those of the whole: of a source only what it stores counts. */
static void take_over(const struct qn_resolving *r, struct qn_dataset *source)
{
	source->type.class = r->outermost->type.class;
	qn_dataset_copy_attributes(r->outermost, source);
}

static enum quern_status too_many(const struct qn_resolving *r, const char *what, uint64_t most)
{
	return qn_error_set(r->err, QUERN_ERR_DATA,
			    "%s: dataset %s: it is made of more than %" PRIu64
			    " %s: have its maker look at it",
			    r->outermost->file, r->outermost->path, most, what);
}

static bool is_inside_itself(const struct qn_resolving *r, const struct qn_dataset *d)
{
	for (; r; r = r->outer)
		if (!strcmp(r->whole->file, d->file) && !strcmp(r->whole->path, d->path))
			return true;
	return false;
}

static enum quern_status too_deep(const struct qn_resolving *r)
{
	return qn_error_set(r->err, QUERN_ERR_DATA,
			    "%s: dataset %s: virtual datasets are "
			    "mapped to each other more than %d times, or in a circle: have "
			    "its maker look at it",
			    r->outermost->file, r->outermost->path, QN_MOST_NESTED);
}

static enum quern_status may_nest(const struct qn_resolving *r, const struct qn_dataset *d)
{
	if (r->depth >= QN_MOST_NESTED || is_inside_itself(r, d))
		return too_deep(r);
	if (++r->effort->nvirtual > QN_MOST_VIRTUAL)
		return too_many(r, "virtual datasets", QN_MOST_VIRTUAL);
	return QUERN_OK;
}

/* --- what is known already --- */

static int compare_memos(const void *a, const void *b)
{
	const struct qn_memo *x = a, *y = b;
	int files = strcmp(x->file, y->file);

	return files ? files : strcmp(x->path, y->path);
}

static void free_memo(void *memo)
{
	struct qn_memo *m = memo;

	qn_mosaic_fini(&m->mosaic);
	free(m->file);
	free(m->path);
	free(m);
}

void qn_effort_fini(struct qn_effort *e)
{
	tdestroy(e->memos, free_memo);
	e->memos = NULL;
}

static const struct qn_memo *find_memo(const struct qn_effort *e, const char *file,
				       const char *path)
{
	const struct qn_memo key = { .file = (char *)(uintptr_t)file,
				     .path = (char *)(uintptr_t)path };
	void *const *node = tfind(&key, &e->memos, compare_memos);

	return node ? *node : NULL;
}

/* Takes the mosaic. NULL: no memory, and it is gone. */
static const struct qn_memo *add_memo(struct qn_effort *e, const struct qn_dataset *d,
				      struct qn_resolving *inner)
{
	struct qn_memo *m = qn_calloc(1, sizeof(*m));

	if (!m) {
		qn_mosaic_fini(&inner->own);
		return NULL;
	}
	m->mosaic = inner->own;
	m->file = qn_strdup(d->file);
	m->path = qn_strdup(d->path);
	m->ndim = d->ndim;
	memcpy(m->shape, d->shape, sizeof(m->shape));
	m->height = 1 + inner->height;
	memcpy(m->why, inner->why, sizeof(m->why));
	if (m->file && m->path && tsearch(m, &e->memos, compare_memos))
		return m;
	free_memo(m);
	return NULL;
}

/* A source of which that is known. */
static enum quern_status remember(struct qn_resolving *r, const struct qn_memo *m,
				  struct qn_resolved *known)
{
	const uint32_t n = m->mosaic.nmembers;
	enum quern_status st = QUERN_OK;

	if (r->depth + m->height > QN_MOST_NESTED)
		return too_deep(r);
	if (r->height < m->height)
		r->height = m->height;
	if (m->why[0])
		qn_resolve_leave(r, m->why);
	known->ndim = m->ndim;
	memcpy(known->shape, m->shape, sizeof(known->shape));
	known->nested = &m->mosaic;
	known->member_of = qn_calloc(n, sizeof(*known->member_of));
	if (!known->member_of)
		return qn_error_nomem(r->err, n * sizeof(*known->member_of), "parts of a source");
	for (uint32_t i = 0; i < n; i++)
		known->member_of[i] = QN_NOT_YET;
	st = qn_missing_unite(&r->own.missing, &m->mosaic.missing, r->err);
	/* One without parts says what its elements would be. */
	for (uint32_t i = 0, member; !st && !m->mosaic.nparts && i < n; i++)
		st = qn_known_member(r, known, i, &member);
	return st;
}

enum quern_status qn_known_member(struct qn_resolving *r, const struct qn_resolved *known,
				  uint32_t theirs, uint32_t *member)
{
	const struct qn_member *m = &known->nested->member[theirs];
	struct qn_dataset d;
	enum quern_status st;

	*member = known->member_of[theirs];
	if (*member != QN_NOT_YET)
		return QUERN_OK;
	qn_mosaic_member(known->nested, theirs, &d);
	d.nchunks = m->nchunks;
	d.chunks = qn_calloc(m->nchunks, sizeof(*d.chunks));
	if (!d.chunks)
		return qn_error_nomem(r->err, m->nchunks * sizeof(*d.chunks), "chunks of a source");
	if (m->nchunks)
		memcpy(d.chunks, m->chunks, m->nchunks * sizeof(*d.chunks));
	st = qn_mosaic_add(&r->own, &d, member, r->err);
	free(d.chunks); /* taken on success */
	if (!st)
		known->member_of[theirs] = *member;
	return st;
}

/* A source that is in pieces itself. What it cannot be resolved to is for the library, all of it. */
static enum quern_status add_nested(struct qn_resolving *r, const struct qn_dataset *d,
				    struct qn_resolved *known)
{
	struct qn_resolving inner = { .whole = d,
				      .outermost = r->outermost,
				      .outer = r,
				      .depth = r->depth + 1,
				      .nprocesses = r->nprocesses,
				      .effort = r->effort,
				      .err = r->err };
	const struct qn_memo *m = find_memo(r->effort, d->file, d->path);
	enum quern_status st = m ? QUERN_OK : may_nest(r, d);

	if (m)
		return remember(r, m, known);
	if (st)
		return st;
	qn_mosaic_init(&inner.own, d->ndim);
	st = qn_resolve_into(&inner);
	if (st) {
		qn_mosaic_fini(&inner.own);
		return st;
	}
	m = add_memo(r->effort, d, &inner);
	return m ? remember(r, m, known) : qn_error_nomem(r->err, sizeof(*m), "a source");
}

/* d: its chunks are taken, the rest stays. */
static enum quern_status know(struct qn_resolving *r, struct qn_dataset *d,
			      struct qn_resolved *known)
{
	struct qn_dataset source = *d;
	enum quern_status st;

	if (!is_same_type(r->whole, d) || d->record.nbytes > 0) {
		qn_resolve_leave(r, "a virtual dataset whose sources have another datatype");
		return QUERN_OK;
	}
	known->ndim = d->ndim;
	memcpy(known->shape, d->shape, sizeof(known->shape));
	take_over(r, &source);
	if (d->layout == QN_VIRTUAL || d->layout == QN_EXTERNAL)
		return add_nested(r, &source, known);
	st = qn_mosaic_add(&r->own, &source, &known->member, r->err);
	d->chunks = source.chunks;
	return st;
}

/* --- all of them --- */

#define MOST_FIRST 4 /* sources that are described by themselves until one is found */

struct named {
	const struct qn_origin *origin;
	uint64_t number;
};

/* The sources of different names, as they are found out about in their order. */
struct search {
	struct qn_resolving *r;
	struct qn_resolved *known;
	uint64_t n, at;		     /* of those that have a file */
	uint64_t *number;	     /* owned: which of the known ones */
	const char **files, **paths; /* owned; the texts are borrowed */
	enum quern_status status;
};

static int compare_names(const struct named *x, const struct named *y)
{
	int files = strcmp(x->origin->file, y->origin->file);

	/* What is missing has no path that could be told from one that is there. */
	if (x->origin->is_missing != y->origin->is_missing)
		return x->origin->is_missing ? 1 : -1;
	return files ? files : strcmp(x->origin->path, y->origin->path);
}

static int by_name(const void *a, const void *b)
{
	const struct named *x = a, *y = b;
	int names = compare_names(x, y);

	return names ? names : x->number < y->number ? -1 : x->number > y->number;
}

/* What is said of the next one, or why nothing is. */
static bool take_source(void *ctx, const char *file, struct qn_dataset *d,
			const struct quern_message *why)
{
	struct search *s = ctx;
	struct qn_resolved *known = &s->known[s->number[s->at]];
	const char *path = s->paths[s->at++];

	if (++s->r->effort->nsources > QN_MOST_SOURCES)
		s->status = too_many(s->r, "sources", QN_MOST_SOURCES);
	else if (!d)
		known->missing = true;
	else if (why->status)
		s->status = is_missing(file, path, why, &known->missing, s->r->err);
	else
		s->status = know(s->r, d, known);
	return !s->status;
}

/* Describes one source by itself, the first that can be of a few: the others may be like it. */
static void find_first(struct search *s, struct qn_dataset *first)
{
	while (!s->status && !first->file && s->at < qn_min_u64(s->n, MOST_FIRST)) {
		const char *file = s->files[s->at];
		struct quern_message why = { .status = QUERN_OK };

		if (qn_source_describe(file, s->paths[s->at], NULL, true, first, &why))
			memset(first, 0, sizeof(*first));
		take_source(s, file, first, &why);
	}
}

static enum quern_status find_out(struct search *s)
{
	struct qn_dataset first = { .file = NULL }, like;
	const struct qn_format *format;
	size_t done;

	find_first(s, &first);
	done = (size_t)s->at;
	like = first.file ? first : *s->r->whole;
	like.column[0] = '\0';
	if (!s->status && done < s->n)
		s->status = qn_source_format(like.file, &format, s->r->err);
	if (!s->status && done < s->n)
		format->describe_like(&like, s->files + done, s->paths + done, (size_t)s->n - done,
				      s->r->nprocesses, take_source, s);
	qn_dataset_fini(&first);
	return s->status;
}

/* Numbers the names, and notes those that have a file. */
static void sort_out(struct search *s, struct named *sorted, uint64_t n, struct qn_knowns *k)
{
	qsort(sorted, (size_t)n, sizeof(*sorted), by_name);
	for (uint64_t i = 0; i < n; i++) {
		const struct qn_origin *o = sorted[i].origin;
		const struct qn_memo *m;

		k->of[sorted[i].number] = k->n - 1;
		if (i && !compare_names(&sorted[i - 1], &sorted[i]))
			continue;
		k->of[sorted[i].number] = k->n;
		k->known[k->n].missing = o->is_missing;
		m = o->is_missing ? NULL : find_memo(s->r->effort, o->file, o->path);
		if (m && !s->status) {
			s->status = remember(s->r, m, &k->known[k->n]);
		} else if (!o->is_missing) {
			s->number[s->n] = k->n;
			s->files[s->n] = o->file;
			s->paths[s->n++] = o->path;
		}
		k->n++;
	}
}

static enum quern_status find_all(struct search *s, const struct qn_sources *list,
				  struct qn_knowns *k)
{
	struct named *sorted = qn_calloc(list->n, sizeof(*sorted));
	enum quern_status st;

	if (!sorted)
		return qn_error_nomem(s->r->err, list->n * sizeof(*sorted), "names of sources");
	for (uint64_t i = 0; i < list->n; i++)
		sorted[i] = (struct named){ &list->origin[i], i };
	sort_out(s, sorted, list->n, k);
	free(sorted);
	st = s->status ? s->status : find_out(s);
	for (uint64_t i = 0; !st && i < list->n; i++)
		if (k->known[k->of[i]].missing)
			st = qn_missing_add(&s->r->own.missing, list->origin[i].file,
					    list->origin[i].path, s->r->err);
	return st;
}

enum quern_status qn_knowns_init(struct qn_resolving *r, const struct qn_sources *list,
				 struct qn_knowns *k)
{
	struct search s = { .r = r,
			    .number = qn_calloc(list->n, sizeof(*s.number)),
			    .files = qn_calloc(list->n, sizeof(*s.files)),
			    .paths = qn_calloc(list->n, sizeof(*s.paths)) };
	enum quern_status st;

	*k = (struct qn_knowns){ .known = qn_calloc(list->n, sizeof(*k->known)),
				 .of = qn_calloc(list->n, sizeof(*k->of)) };
	s.known = k->known;
	if (!s.number || !s.files || !s.paths || !k->known || !k->of)
		st = qn_error_nomem(r->err, list->n * sizeof(*k->known),
				    "the sources of a dataset");
	else
		st = find_all(&s, list, k);
	free(s.number);
	free(s.files);
	free(s.paths);
	return st;
}
