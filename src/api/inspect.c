#include "api/inspect.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/mem.h"
#include "locate/resident.h"
#include "data/storage.h"
#include "find/coordinate.h"
#include "json/json.h"
#include "resolve/resolve.h"
#include "plan/cut.h"

/* Chunks larger than this fill the memory of a core's share, and few can be worked on at once;
   smaller than this, finding and starting them takes as long as decoding them. */
#define LARGE_CHUNK_NBYTES (UINT64_C(64) << 20)
#define SMALL_CHUNK_NBYTES (UINT64_C(16) << 10)
/* Below this, nothing takes long. */
#define SMALL_DATASET_NBYTES (UINT64_C(1) << 20)
/* A selection that takes less of its chunks is decoded mostly in vain. */
#define LITTLE_OF_CHUNKS 0.5

/* What is known when the warnings are written. */
struct layout {
	const struct qn_dataset *d;
	json_t *warnings;
	bool chunked;
	uint64_t ngrid, nbytes, chunk_nbytes;
	uint64_t touched_nchunks;
	double part; /* of the elements of touched chunks: what is selected; or 1 */
};

static void warn(struct layout *l, const char *code, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

static void warn(struct layout *l, const char *code, const char *format, ...)
{
	char *text = NULL;
	va_list ap;

	va_start(ap, format);
	qn_vasprintf(&text, format, ap);
	va_end(ap);
	qn_json_append(&l->warnings, json_pack("{s:s, s:o}", "code", code, "text",
					       text ? qn_json_text(text) : NULL));
	free(text);
}

/* --- warnings --- */

static double mib(uint64_t nbytes)
{
	return (double)nbytes / (1 << 20);
}

static void warn_of_chunks(struct layout *l)
{
	if (!l->chunked || l->nbytes < SMALL_DATASET_NBYTES)
		return;
	if (l->ngrid == 1)
		warn(l, "one_chunk",
		     "all of it is one chunk of %.1f MiB, which one thread reads "
		     "alone; about 1 MiB is good (h5repack or nccopy -c change that)",
		     mib(l->chunk_nbytes));
	else if (l->chunk_nbytes < SMALL_CHUNK_NBYTES)
		warn(l, "small_chunks",
		     "chunks of %.3g KiB are small: every one costs a read and a "
		     "start; about 1 MiB is good (h5repack or nccopy -c change them)",
		     (double)l->chunk_nbytes / 1024);
	if (l->chunk_nbytes > LARGE_CHUNK_NBYTES)
		warn(l, "large_chunks",
		     "chunks of %.0f MiB are large: %sat the end few threads have "
		     "work; about 1 MiB is good (h5repack or nccopy -c change them)",
		     mib(l->chunk_nbytes),
		     l->d->nfilters ? "each thread decodes one in memory, and " : "");
}

/* What was not written in a raw chunk is not read; what is decoded is decoded whole. */
static void warn_of_selection(struct layout *l)
{
	if (l->chunked && l->d->nfilters && l->touched_nchunks && l->part < LITTLE_OF_CHUNKS &&
	    l->touched_nchunks * l->chunk_nbytes >= SMALL_DATASET_NBYTES)
		warn(l, "selection_straddles",
		     "the selection takes %.2g%% of the elements of the "
		     "%llu chunks it touches, and these are decoded whole: chunks longer in other "
		     "dimensions would serve it better",
		     100 * l->part, (unsigned long long)l->touched_nchunks);
}

/* The file has nothing for the rest, and says nowhere that there is one. */
static void warn_of_end(struct layout *l)
{
	const struct qn_dataset *d = l->d;

	for (int i = 0; i < d->ndim; i++)
		if (d->beyond[i])
			warn(l, "ends_early",
			     "it ends at %llu of the %llu that dimension %d (%.64s) has, because "
			     "another variable is longer on it: what comes after counts as missing, "
			     "and with --raw it is not there",
			     (unsigned long long)d->shape[i],
			     (unsigned long long)qn_dataset_length(d, i), i,
			     d->dim_name[i] ? d->dim_name[i] : "?");
}

static bool warn_of_filters(struct layout *l)
{
	bool found = false;

	for (int i = 0; i < l->d->nfilters; i++) {
		const struct qn_filter_step *s = &l->d->filter[i];
		char advice[256];

		if (qn_filter_is_native(s))
			continue;
		qn_filter_advice(s->id, s->name, sizeof(advice), advice);
		warn(l, "filter", "not decoded by quern itself: %s", advice);
		found = true;
	}
	return found;
}

static void warn_of_library(struct layout *l)
{
	bool filters = warn_of_filters(l);

	/* Without a reason: it is read from other files, in a way that only a run finds out. */
	if (!l->d->native && !filters && l->d->why_not_native[0])
		warn(l, "library", "read through the HDF5 library, which is slower: %s",
		     l->d->why_not_native);
}

static void warn_of_attributes(struct layout *l)
{
	for (int i = 0; i < QN_NATTRIBUTES; i++)
		if (l->d->fault[i] != QN_SOUND)
			warn(l, "attribute", "its attribute %s %s", qn_attribute_names[i],
			     qn_fault_text(l->d->fault, (enum qn_attribute)i));
}

/* --- fields --- */

static void set_resident(json_t **row, const struct qn_dataset *d, int fd)
{
	struct qn_resident r = { .known = false };

	if (fd >= 0)
		qn_resident_look(d, fd, &r);
	qn_json_set(row, "bytes_resident", r.known ? qn_json_uint(r.nbytes) : json_null());
	qn_json_set(row, "resident_sampled", r.known ? json_boolean(r.sampled) : json_null());
}

static json_t *selection_to_json(struct layout *l, const struct quern_box *box,
				 const struct qn_picks *picks, const char *select)
{
	struct qn_touched t;

	qn_cut_touch(l->d, box, picks, &t);
	l->touched_nchunks = t.nchunks;
	l->part = t.of ? (double)t.nelems / (double)t.of : 1;
	return json_pack("{s:o, s:o, s:o, s:o, s:o}", "select", qn_json_text(select), "shape",
			 qn_json_uints(t.count, box->ndim), "bytes_logical",
			 qn_json_uint(t.nlogical * l->d->type.size), "chunks",
			 l->chunked ? qn_json_uint(t.nchunks) : json_null(), "part_of_chunks",
			 l->chunked && t.of ? json_real(l->part) : json_null());
}

static enum quern_status set_selection(json_t **row, struct layout *l, const char *select,
				       struct quern_message *err)
{
	struct qn_dataset visible;
	struct quern_box box;
	struct qn_picks picks = { .any = false };
	enum quern_status st = QUERN_OK;

	qn_dataset_visible(l->d, &visible);
	if (select)
		st = qn_coordinate_select(&visible, NULL, select, &box, &picks, err);
	qn_json_set(row, "selection",
		    select && !st ? selection_to_json(l, &box, &picks, select) : json_null());
	for (size_t i = 0; i < picks.said.n; i++)
		warn(l, "selection", "%s", picks.said.name[i]);
	qn_picks_fini(&picks);
	return st;
}

/* What cannot be found out is no error of the dataset, but a run would end with it. */
static void set_missing(json_t **row, struct layout *l)
{
	struct quern_message why = { .status = QUERN_OK };
	struct qn_missing missing = { .n = 0 };
	long ncpus = sysconf(_SC_NPROCESSORS_ONLN);

	if (qn_resolve_missing(l->d, ncpus > 1 ? (int)ncpus : 1, &missing, &why))
		warn(l, "sources", "its sources cannot all be read: %s", why.text);
	qn_json_set(row, "sources_missing", why.status ? json_null() : qn_json_uint(missing.n));
	qn_json_set(row, "missing_sources", qn_json_missing(&missing));
	qn_missing_fini(&missing);
}

enum quern_status qn_inspect_layout(json_t **row, const struct qn_dataset *d, int fd,
				    const char *select, struct quern_message *err)
{
	uint64_t grid[QUERN_MAX_DIMS], stored = 0;
	struct layout l = {
		.d = d, .warnings = json_array(), .chunked = d->layout == QN_CHUNKED, .part = 1
	};
	enum quern_status st;

	l.ngrid = qn_dataset_grid(d, grid);
	l.nbytes = qn_dataset_nbytes(d);
	l.chunk_nbytes = qn_dataset_chunk_nbytes(d);
	for (uint64_t i = 0; i < d->nchunks; i++)
		stored += d->chunks[i].nbytes;
	qn_json_set(row, "ratio",
		    stored ? json_real((double)l.nbytes / (double)stored) : json_null());
	qn_json_set(row, "chunk_bytes", l.chunked ? qn_json_uint(l.chunk_nbytes) : json_null());
	set_resident(row, d, fd);
	st = set_selection(row, &l, select, err);
	set_missing(row, &l);
	warn_of_end(&l);
	warn_of_chunks(&l);
	warn_of_selection(&l);
	warn_of_library(&l);
	warn_of_attributes(&l);
	qn_json_set(row, "warnings", l.warnings);
	return st;
}
