#include "resolve/resolve.h"

#include <stdio.h>
#include <string.h>

#include "resolve/catalog.h"
#include "resolve/impl.h"
#include "describe/describe.h"

void qn_resolve_leave(struct qn_resolving *r, const char *why)
{
	if (!r->why[0])
		snprintf(r->why, sizeof(r->why), "%s", why);
}

enum quern_status qn_resolve_add_empty(struct qn_resolving *r, bool zeros, uint32_t *member)
{
	struct qn_dataset d = *r->whole;

	d.layout = QN_CONTIGUOUS;
	d.native = true;
	d.why_not_native[0] = '\0';
	qn_dataset_copy_attributes(r->outermost, &d);
	d.chunks = NULL;
	d.nchunks = 0;
	if (zeros)
		memset(d.fill_value, 0, sizeof(d.fill_value));
	return qn_mosaic_add(&r->own, &d, member, r->err);
}

enum quern_status qn_resolve_into(struct qn_resolving *r)
{
	const struct qn_dataset *d = r->whole;
	const struct qn_format *format;
	struct qn_sources list = { .n = 0 };
	enum quern_status st;
	uint32_t member;

	/* A mosaic without parts has a member all the same, which says what its elements would be. */
	if (qn_dataset_nelems(d) == 0 && d->layout != QN_VIRTUAL)
		return qn_resolve_add_empty(r, false, &member);
	if (d->record.nbytes > 0)
		qn_resolve_leave(r, d->layout == QN_VIRTUAL
					    ? "a virtual dataset of records or arrays"
					    : "external storage of records or arrays");
	else if (d->why_not_native[0]) /* elements that are converted, fill values that are texts */
		qn_resolve_leave(r, d->why_not_native);
	if (r->why[0] && d->layout != QN_VIRTUAL)
		return QUERN_OK;
	st = qn_source_format(d->file, &format, r->err);
	if (!st)
		st = format->sources(d, &list, r->err);
	if (!st && list.why_not_native[0])
		qn_resolve_leave(r, list.why_not_native);
	if (!st && d->layout == QN_VIRTUAL)
		st = qn_resolve_virtual(r, &list); /* counts what is missing, at least */
	else if (!st && !r->why[0])
		st = qn_resolve_raw(r, &list);
	qn_sources_fini(&list);
	return st;
}

/* What it stores, or has in other files. */
static enum quern_status resolve_stored(struct qn_dataset *d, const uint64_t *origin,
					int nprocesses, struct qn_mosaic *m,
					struct quern_message *err)
{
	struct qn_effort effort = { 0, 0, NULL };
	struct qn_resolving r = {
		.whole = d, .outermost = d, .nprocesses = nprocesses, .effort = &effort, .err = err
	};
	enum quern_status st;
	bool is = false;

	if (d->layout != QN_VIRTUAL && d->layout != QN_EXTERNAL)
		return qn_mosaic_place(m, d, origin, err);
	st = qn_resolve_catalog(d, origin, m, &is, err);
	if (st || is)
		return st;
	qn_mosaic_init(&r.own, d->ndim);
	st = qn_resolve_into(&r);
	if (!st && r.why[0]) {
		snprintf(d->why_not_native, sizeof(d->why_not_native), "%s", r.why);
		st = qn_mosaic_place(m, d, origin, err);
		if (!st)
			st = qn_missing_unite(&m->missing, &r.own.missing, err);
	} else if (!st) {
		st = qn_mosaic_unite(m, &r.own, origin, 0, err);
	}
	qn_mosaic_fini(&r.own);
	qn_effort_fini(&effort);
	return st;
}

enum quern_status qn_resolve(struct qn_dataset *d, const uint64_t *origin, int nprocesses,
			     struct qn_mosaic *m, struct quern_message *err)
{
	enum quern_status st = resolve_stored(d, origin, nprocesses, m, err);

	return st ? st : qn_mosaic_place_beyond(m, d, origin, err);
}

enum quern_status qn_resolve_missing(const struct qn_dataset *d, int nprocesses,
				     struct qn_missing *out, struct quern_message *err)
{
	static const uint64_t origin[QUERN_MAX_DIMS];
	struct qn_dataset copy = *d; /* which has no chunks of its own */
	struct qn_mosaic m;
	enum quern_status st = QUERN_OK;

	qn_mosaic_init(&m, d->ndim);
	if (d->layout == QN_VIRTUAL || d->layout == QN_EXTERNAL)
		st = resolve_stored(&copy, origin, nprocesses, &m, err);
	*out = m.missing;
	m.missing = (struct qn_missing){ .n = 0 };
	qn_mosaic_fini(&m);
	return st;
}
