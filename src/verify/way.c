/*
 * way.c - how a dataset is looked at: which of its chunks, by whom decoded, and what they can be
 * held against.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "data/storage.h"
#include "verify/verify_impl.h"

/* The library is asked for at most so many chunks of a dataset whose index is not known: the grid
   of a small file can be of any size. */
#define MOST_LIBRARY_CHUNKS (UINT64_C(1) << 20)

static bool all_native(const struct qn_dataset *d)
{
	for (int i = 0; i < d->nfilters; i++)
		if (!qn_filter_is_native(&d->filter[i]))
			return false;
	return true;
}

/* Why quern does not decode it. */
static const char *reason(const struct qn_dataset *d)
{
	return d->why_not_native[0] ? d->why_not_native : "it is in external files";
}

/* Which way the chunks of a dataset are decoded, and why not. */
static void choose_way(const struct qn_dataset *d, struct qn_way *w, char *note, size_t nbytes)
{
	bool here = d->layout != QN_VIRTUAL && d->layout != QN_EXTERNAL;

	*w = (struct qn_way){ .listed = d->native || d->nchunks > 0 };
	if (d->asked) {
		w->listed = false;
		snprintf(note, nbytes, "in another file, by an external link; verify %s", d->file);
	} else if (here && w->listed && all_native(d))
		w->natively = true;
	else if (d->layout == QN_VIRTUAL)
		snprintf(note, nbytes, "virtual: its elements are in other datasets; verify these");
	else if (d->type.class == QN_OTHER || d->type.class == QN_TEXT)
		snprintf(note, nbytes,
			 "not decoded: %s, and elements of type %s cannot be asked of "
			 "the library",
			 reason(d), d->type.name);
	else
		w->by_library = true;
}

/* The grid as a list, for the library. */
static enum quern_status list_grid(const struct qn_dataset *d, struct qn_way *w, char *note,
				   size_t nbytes, struct quern_message *err)
{
	uint64_t grid[QUERN_MAX_DIMS], n = qn_dataset_grid(d, grid);

	if (n > MOST_LIBRARY_CHUNKS) {
		w->by_library = false;
		snprintf(note, nbytes,
			 "not read: %s, and it has too many chunks to ask the library "
			 "for all",
			 reason(d));
		return QUERN_OK;
	}
	w->chunks = qn_calloc(n, sizeof(*w->chunks));
	if (!w->chunks)
		return qn_error_nomem(err, n * sizeof(*w->chunks), "a list of chunks");
	for (uint64_t i = 0; i < n; i++)
		w->chunks[i] = (struct qn_chunk){ .number = i, .addr = QN_ADDR_NONE };
	w->nchunks = n;
	return QUERN_OK;
}

static int by_addr(const void *a, const void *b)
{
	const struct qn_chunk *x = a, *y = b;

	if (x->addr != y->addr)
		return x->addr < y->addr ? -1 : 1;
	return x->number < y->number ? -1 : x->number > y->number;
}

static enum quern_status note_overlap(struct qn_verify *v, const struct qn_dataset *d,
				      const struct qn_damage_record *at, struct quern_message *err)
{
	struct qn_damage place = { .text = NULL };
	char text[128];

	qn_verify_locate(&place, d, at);
	qn_print_extents(d->ndim, place.coord, ", ", text, sizeof(text));
	return qn_verify_note(v, d, d->path, at, err,
			      "%s: dataset %s, chunk (%s) at file offset %" PRIu64
			      ": damaged index: it lies over another chunk; copy or download "
			      "the file again",
			      d->file, d->path, text, at->addr);
}

/* The chunks in file order, but for those that lie over others: at most one of them can be right. */
static enum quern_status list_chunks(struct qn_verify *v, const struct qn_dataset *d,
				     struct qn_way *w, struct quern_message *err)
{
	enum quern_status st = QUERN_OK;
	uint64_t end = 0, n = 0;

	w->chunks = qn_calloc(d->nchunks, sizeof(*w->chunks));
	if (!w->chunks)
		return qn_error_nomem(err, d->nchunks * sizeof(*w->chunks), "a list of chunks");
	if (d->nchunks)
		memcpy(w->chunks, d->chunks, d->nchunks * sizeof(*w->chunks));
	qsort(w->chunks, d->nchunks, sizeof(*w->chunks), by_addr);
	for (uint64_t i = 0; i < d->nchunks && !st; i++) {
		struct qn_chunk c = w->chunks[i];
		struct qn_damage_record at = { .number = c.number,
					       .addr = c.addr,
					       .nbytes = c.nbytes };

		if (c.addr >= end || n == 0) {
			w->chunks[n++] = c;
			end = c.addr + c.nbytes;
			continue;
		}
		w->noverlaps++;
		st = note_overlap(v, d, &at, err);
	}
	w->nchunks = n;
	return st;
}

enum quern_status qn_way_choose(struct qn_verify *v, const struct qn_dataset *d, struct qn_way *w,
				struct qn_verified *out, struct quern_message *err)
{
	choose_way(d, w, out->note, sizeof(out->note));
	out->by_library = w->by_library;
	if (w->listed)
		return list_chunks(v, d, w, err);
	return w->by_library ? list_grid(d, w, out->note, sizeof(out->note), err) : QUERN_OK;
}

/* Does the chunk hold a checksum of itself? */
static bool is_checksummed(const struct qn_dataset *d, const struct qn_chunk *c)
{
	for (int i = 0; i < d->nfilters; i++)
		if (d->filter[i].id == QN_FILTER_FLETCHER32 && !(c->filter_mask >> i & 1))
			return true;
	return false;
}

void qn_way_count_checksums(const struct qn_dataset *d, const struct qn_way *w,
			    struct qn_verified *out)
{
	out->nchunks = w->nchunks + w->noverlaps;
	if (w->natively || w->by_library)
		for (uint64_t i = 0; i < w->nchunks; i++)
			out->nchecksummed += is_checksummed(d, &w->chunks[i]);
	out->nunchecked = out->nchunks - out->nchecksummed - w->noverlaps;
}
