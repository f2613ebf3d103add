#include "exec/resolve_impl.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "exec/source.h"

void qn_knowns_fini(struct qn_knowns *k)
{
	for (uint64_t i = 0; i < k->n; i++)
		if (k->known[i].nested)
			qn_mosaic_fini(&k->known[i].mosaic);
	free(k->known);
	free(k->of);
	memset(k, 0, sizeof *k);
}

/* "x", "./x" and "//x" are /x. */
static const char *plain_name(const char *path)
{
	while (*path == '/' || !strncmp(path, "./", 2))
		path += *path == '/' ? 1 : 2;
	return path;
}

/* A dataset that could not be described is missing when the file does not list it, and has no link to
   it either. Its error stands otherwise, and when that cannot be found out. */
static enum quern_status is_missing(const char *file, const char *path,
				    const struct quern_message *why, bool *missing,
				    struct quern_message *err)
{
	struct quern_message ignored = { .status = QUERN_OK };
	struct qn_listing l = { 0, NULL };
	const struct qn_format *format;
	enum quern_status st = qn_source_format(file, &format, &ignored);
	bool has = false;

	*missing = true;
	if (!st)
		st = format->list(file, &l, &ignored);
	for (size_t i = 0; !st && i < l.n; i++)
		if (!strcmp(plain_name(l.path[i]), plain_name(path)))
			*missing = false;
	qn_listing_fini(&l);
	if (!st && *missing)
		st = format->has(file, path, &has, &ignored);
	*missing = *missing && !has;
	if (!st && *missing)
		return QUERN_OK;
	return qn_error_set(err, why->status, "%s", why->text);
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
	return !memcmp(&a, &b, sizeof a);
}

/* Attributes are those of the whole: of a source only what it stores counts. */
static void take_over(const struct qn_resolving *r, struct qn_dataset *source)
{
	source->type.class = r->outermost->type.class;
	source->cf = r->outermost->cf;
	memcpy(source->units, r->outermost->units, sizeof source->units);
}

static enum quern_status too_deep(const struct qn_resolving *r)
{
	return qn_error_set(r->err, QUERN_ERR_DATA, "%s: dataset %s: virtual datasets are mapped to "
			    "each other more than %d times, or in a circle: have its maker look at it",
			    r->outermost->file, r->outermost->path, QN_MOST_NESTED);
}

/* A source that is in pieces itself. What it cannot be resolved to is for the library, all of it. */
static enum quern_status add_nested(struct qn_resolving *r, const struct qn_dataset *d,
				    struct qn_known *known)
{
	struct qn_resolving inner = { .whole = d, .outermost = r->outermost, .depth = r->depth + 1,
				      .err = r->err };
	enum quern_status st;
	uint32_t member;

	if (inner.depth > QN_MOST_NESTED)
		return too_deep(r);
	qn_mosaic_init(&inner.own, d->ndim);
	known->nested = true;
	known->member = r->own.nmembers;
	st = qn_resolve_into(&inner);
	if (inner.why[0])
		qn_resolve_leave(r, inner.why);
	for (uint32_t i = 0; !st && i < inner.own.nmembers; i++) {
		struct qn_dataset x;

		qn_mosaic_member(&inner.own, i, &x);
		st = qn_mosaic_add(&r->own, &x, &member, r->err);
		inner.own.member[i].chunks = x.chunks;
	}
	r->own.nmissing += inner.own.nmissing;
	known->mosaic = inner.own;
	return st;
}

static enum quern_status know(struct qn_resolving *r, struct qn_dataset *d, struct qn_known *known)
{
	if (!is_same_type(r->whole, d) || d->record.nbytes > 0) {
		qn_resolve_leave(r, "a virtual dataset whose sources have another datatype");
		return QUERN_OK;
	}
	known->ndim = d->ndim;
	memcpy(known->shape, d->shape, sizeof known->shape);
	take_over(r, d);
	if (d->layout == QN_VIRTUAL || d->layout == QN_EXTERNAL)
		return add_nested(r, d, known);
	return qn_mosaic_add(&r->own, d, &known->member, r->err);
}

static enum quern_status find_out(struct qn_resolving *r, const struct qn_origin *o,
				  struct qn_known *known)
{
	struct quern_message why = { .status = QUERN_OK };
	struct qn_dataset d;
	enum quern_status st;

	known->missing = !o->file[0];
	if (known->missing || r->why[0]) /* the library reads it: they are only counted */
		return QUERN_OK;
	st = qn_source_describe(o->file, o->path, NULL, true, &d, &why);
	if (st)
		return is_missing(o->file, o->path, &why, &known->missing, r->err);
	st = know(r, &d, known);
	qn_dataset_fini(&d);
	return st;
}

struct named {
	const struct qn_origin *origin;
	uint64_t number;
};

static int compare_names(const struct named *x, const struct named *y)
{
	int files = strcmp(x->origin->file, y->origin->file);

	return files ? files : strcmp(x->origin->path, y->origin->path);
}

static int by_name(const void *a, const void *b)
{
	const struct named *x = a, *y = b;
	int names = compare_names(x, y);

	return names ? names : x->number < y->number ? -1 : x->number > y->number;
}

static enum quern_status find_all(struct qn_resolving *r, struct named *sorted, uint64_t n,
				  struct qn_knowns *k)
{
	enum quern_status st = QUERN_OK;

	qsort(sorted, (size_t)n, sizeof *sorted, by_name);
	for (uint64_t i = 0; !st && i < n; i++) {
		if (!i || compare_names(&sorted[i - 1], &sorted[i]))
			st = find_out(r, sorted[i].origin, &k->known[k->n++]);
		k->of[sorted[i].number] = k->n - 1;
		r->own.nmissing += k->known[k->n - 1].missing;
	}
	return st;
}

enum quern_status qn_knowns_init(struct qn_resolving *r, const struct qn_sources *list,
				 struct qn_knowns *k)
{
	struct named *sorted = qn_calloc(list->n, sizeof *sorted);
	enum quern_status st;

	*k = (struct qn_knowns){ .known = qn_calloc(list->n, sizeof *k->known),
				 .of = qn_calloc(list->n, sizeof *k->of) };
	if (!sorted || !k->known || !k->of) {
		st = qn_error_nomem(r->err, list->n * sizeof *k->known, "the sources of a dataset");
	} else {
		for (uint64_t i = 0; i < list->n; i++)
			sorted[i] = (struct named){ &list->origin[i], i };
		st = find_all(r, sorted, list->n, k);
	}
	free(sorted);
	return st;
}
