/*
 * verify.c - the files and their datasets, one after the other: what is to be looked at, and what was
 * found. The chunks of a dataset are verify_crew.c's.
 */
#include "exec/verify.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/mem.h"
#include "exec/source.h"
#include "exec/verify_impl.h"

/* The library is asked for at most so many chunks of a dataset whose index is not known: the grid
   of a small file can be of any size. */
#define MOST_LIBRARY_CHUNKS (UINT64_C(1) << 20)

const struct quern_option qn_verify_options[] = {
	{ "dataset", 'd', QUERN_OPT_STRING, "PATH", NULL, 0, 0,
	  "only this dataset of each file" },
	{ "sums", 0, QUERN_OPT_STRING, "FILE", NULL, 0, 0,
	  "compare with the sums that FILE has kept: what is stored, what it means, what else is in "
	  "the files" },
	{ "write-sums", 0, QUERN_OPT_STRING, "FILE", NULL, 0, 0,
	  "keep XXH3-128 sums of all that is stored in FILE, if there is no damage" },
	{ "threads", 0, QUERN_OPT_INT, "N", NULL, 1, 4096,
	  "worker threads a rank (default: its share of the permitted cores)" },
	{ "bind", 0, QUERN_OPT_CHOICE, "numa|core|none", "numa", 0, 0,
	  "pin each thread to its NUMA node, to one core, or not at all" },
	{ NULL, 0, QUERN_OPT_FLAG, NULL, NULL, 0, 0, NULL },
};

/* --- what is found --- */

static struct qn_verified_file *this_file(const struct qn_verify *v)
{
	return &v->file[v->nfiles - 1];
}

static void damage_fini(struct qn_damage *d)
{
	free(d->text);
	free(d->dataset);
}

void qn_verify_fini(struct qn_verify *v)
{
	for (size_t i = 0; i < v->nfiles; i++) {
		struct qn_verified_file *f = &v->file[i];

		for (size_t k = 0; k < f->ndatasets; k++)
			free(f->dataset[k].path);
		for (size_t k = 0; k < f->ndamages; k++)
			damage_fini(&f->damage[k]);
		free(f->dataset);
		free(f->damage);
		free(f->name);
	}
	free(v->file);
	qn_sums_fini(&v->expected);
	qn_sums_fini(&v->made);
	qn_job_fini(&v->job);
}

uint64_t qn_verify_ndamages(const struct qn_verify *v)
{
	uint64_t n = 0;

	for (size_t i = 0; i < v->nfiles; i++)
		n += v->file[i].ndamages;
	return n;
}

/* Room for one more of n entries. */
static void *grow(void *p, size_t n, size_t size)
{
	return n & (n - 1) ? p : realloc(p, (n ? 2 * n : 1) * size);
}

static void locate(struct qn_damage *damage, const struct qn_dataset *d,
		   const struct qn_finding *at)
{
	uint64_t grid[QUERN_MAX_DIMS], number = at->number;

	damage->addr = at->addr;
	damage->nbytes = at->nbytes;
	damage->has_chunk = d && number != QN_ADDR_NONE;
	if (!damage->has_chunk)
		return;
	damage->ndim = d->ndim;
	qn_dataset_grid(d, grid);
	for (int i = d->ndim - 1; i >= 0; i--) {
		damage->coord[i] = number % grid[i];
		number /= grid[i];
	}
}

enum quern_status qn_verify_note(struct qn_verify *v, const struct qn_dataset *d, const char *path,
				 const struct qn_finding *at, struct quern_message *err,
				 const char *format, ...)
{
	static const struct qn_finding nowhere = { QN_ADDR_NONE, QN_ADDR_NONE, 0, 0 };
	struct qn_verified_file *f = this_file(v);
	struct qn_damage *p = grow(f->damage, f->ndamages, sizeof *p), new = { 0 };
	va_list ap;

	if (p)
		f->damage = p;
	va_start(ap, format);
	if (!p || vasprintf(&new.text, format, ap) < 0)
		new.text = NULL;
	va_end(ap);
	if (path)
		new.dataset = strdup(path);
	if (!new.text || (path && !new.dataset)) {
		damage_fini(&new);
		return qn_error_nomem(err, sizeof *p, "a list of damages");
	}
	locate(&new, d, at ? at : &nowhere);
	f->damage[f->ndamages++] = new;
	return QUERN_OK;
}

/* An error about the file becomes damage of it; another is a failure of the run. */
static enum quern_status note_error(struct qn_verify *v, const char *path, enum quern_status st,
				    const struct quern_message *why, struct quern_message *err)
{
	if (!st)
		return QUERN_OK;
	if (st != QUERN_ERR_DATA)
		return qn_error_set(err, st, "%s", why->text);
	return qn_verify_note(v, NULL, path, NULL, err, "%s", why->text);
}

static enum quern_status note_findings(struct qn_verify *v, const struct qn_dataset *d,
				       const struct qn_findings *found, struct quern_message *err)
{
	enum quern_status st = QUERN_OK;
	size_t at = 0;

	while (!st && at < found->text_nbytes) {
		struct qn_finding f;

		memcpy(&f, found->text + at, sizeof f);
		at += sizeof f;
		st = qn_verify_note(v, d, d->path, &f, err, "%.*s", (int)f.text_nbytes,
				    found->text + at);
		at += f.text_nbytes;
	}
	return st;
}

/* --- what to look at --- */

static bool all_native(const struct qn_dataset *d)
{
	for (int i = 0; i < d->nfilters; i++)
		if (!qn_filter_is_native(&d->filter[i]))
			return false;
	return true;
}

/* Which way the chunks of a dataset are decoded, and why not. */
static void choose_way(const struct qn_dataset *d, struct qn_way *w, char *note, size_t nbytes)
{
	bool here = d->layout != QN_VIRTUAL && d->layout != QN_EXTERNAL;

	*w = (struct qn_way){ .listed = d->native || d->nchunks > 0 };
	if (here && w->listed && all_native(d))
		w->natively = true;
	else if (d->layout == QN_VIRTUAL)
		snprintf(note, nbytes, "virtual: its elements are in other datasets; verify these");
	else if (d->type.class == QN_OTHER || d->type.class == QN_TEXT)
		snprintf(note, nbytes, "not decoded: %s, and elements of type %s cannot be asked of "
			 "the library", d->why_not_native, d->type.name);
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
		snprintf(note, nbytes, "not read: %s, and it has too many chunks to ask the library "
			 "for all", d->why_not_native);
		return QUERN_OK;
	}
	w->chunks = qn_calloc(n, sizeof *w->chunks);
	if (!w->chunks)
		return qn_error_nomem(err, n * sizeof *w->chunks, "a list of chunks");
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
				      const struct qn_finding *at, struct quern_message *err)
{
	struct qn_damage place = { .text = NULL };
	char text[128];

	locate(&place, d, at);
	qn_print_extents(d->ndim, place.coord, ", ", text, sizeof text);
	return qn_verify_note(v, d, d->path, at, err, "%s: dataset %s, chunk (%s) at file offset %"
			      PRIu64 ": damaged index: it lies over another chunk; copy or download "
			      "the file again", d->file, d->path, text, at->addr);
}

/* The chunks in file order, but for those that lie over others: at most one of them can be right. */
static enum quern_status list_chunks(struct qn_verify *v, const struct qn_dataset *d,
				     struct qn_way *w, struct quern_message *err)
{
	enum quern_status st = QUERN_OK;
	uint64_t end = 0, n = 0;

	w->chunks = qn_calloc(d->nchunks, sizeof *w->chunks);
	if (!w->chunks)
		return qn_error_nomem(err, d->nchunks * sizeof *w->chunks, "a list of chunks");
	if (d->nchunks)
		memcpy(w->chunks, d->chunks, d->nchunks * sizeof *w->chunks);
	qsort(w->chunks, d->nchunks, sizeof *w->chunks, by_addr);
	for (uint64_t i = 0; i < d->nchunks && !st; i++) {
		struct qn_chunk c = w->chunks[i];
		struct qn_finding at = { c.number, c.addr, c.nbytes, 0 };

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

static enum quern_status choose(struct qn_verify *v, const struct qn_dataset *d, struct qn_way *w,
				struct qn_verified *out, struct quern_message *err)
{
	choose_way(d, w, out->note, sizeof out->note);
	out->by_library = w->by_library;
	if (w->listed)
		return list_chunks(v, d, w, err);
	return w->by_library ? list_grid(d, w, out->note, sizeof out->note, err) : QUERN_OK;
}

/* Does the chunk hold a checksum of itself? */
static bool is_checksummed(const struct qn_dataset *d, const struct qn_chunk *c)
{
	for (int i = 0; i < d->nfilters; i++)
		if (d->filter[i].id == QN_FILTER_FLETCHER32 && !(c->filter_mask >> i & 1))
			return true;
	return false;
}

static void count_checksums(const struct qn_dataset *d, const struct qn_way *w,
			    struct qn_verified *out)
{
	out->nchunks = w->nchunks + w->noverlaps;
	if (w->natively || w->by_library)
		for (uint64_t i = 0; i < w->nchunks; i++)
			out->nchecksummed += is_checksummed(d, &w->chunks[i]);
	out->nunchecked = out->nchunks - out->nchecksummed - w->noverlaps;
}

/* --- a dataset --- */

/* What all ranks must know of it. */
struct heading {
	uint32_t work, natively, by_library, listed;
	double wasted;
};

static enum quern_status share(struct qn_verify *v, struct heading *h, struct qn_dataset *d,
			       struct quern_message *err)
{
	struct qn_comm *c = v->job.comm;
	enum quern_status st = qn_comm_bcast(c, h, sizeof *h, err);
	size_t nbytes = 0;
	void *flat = NULL;

	if (st || !h->work || qn_comm_size(c) == 1)
		return st;
	if (qn_comm_rank(c) == 0 && !(flat = qn_dataset_pack(d, &nbytes)))
		st = qn_error_nomem(err, sizeof *d, "a description");
	st = qn_comm_agree(c, st, err);
	if (!st)
		st = qn_comm_bcast_block(c, &flat, &nbytes, err);
	if (!st && qn_comm_rank(c) != 0)
		st = qn_dataset_unpack(flat, nbytes, d, err);
	free(flat);
	return qn_comm_agree(c, st, err);
}

/* Collective. Looks at the chunks as the heading says. */
static enum quern_status look(struct qn_verify *v, const struct heading *h,
			      const struct qn_dataset *d, const struct qn_way *w, int fd,
			      struct qn_findings *found, struct quern_message *err)
{
	struct qn_verify_task t = { .chunks = w->chunks, .nchunks = w->nchunks, .fd = fd,
				    .wants_sums = v->wants_sums, .wasted = h->wasted };
	struct qn_dataset decoded = *d, stored = *d;

	decoded.native = h->natively;
	stored.native = true;
	stored.nfilters = 0;
	if (h->natively || h->by_library)
		t.decoded = &decoded;
	if (h->listed && !h->natively)
		t.stored = &stored;
	return qn_verify_crew(&v->job, &t, found, err);
}

/* Rank 0: what the sums file will have of it. */
static enum quern_status make_sums(struct qn_file_sums *f, const struct qn_dataset *d, bool listed,
				   const struct qn_findings *found, struct qn_dataset_sums **out,
				   struct quern_message *err)
{
	struct qn_dataset_sums *s = qn_file_sums_add(f, d->path);

	if (!s)
		return qn_error_nomem(err, sizeof *s, "sums");
	s->chunks = qn_calloc(found->nresults, sizeof *s->chunks);
	if (!s->chunks)
		return qn_error_nomem(err, found->nresults * sizeof *s->chunks, "sums");
	snprintf(s->type, sizeof s->type, "%s", d->type.name);
	s->ndim = d->ndim;
	memcpy(s->shape, d->shape, sizeof s->shape);
	memcpy(s->chunk, d->chunk, sizeof s->chunk);
	s->elements = !listed;
	s->nchunks = found->nresults;
	for (uint64_t i = 0; i < found->nresults; i++)
		s->chunks[i] = found->result[i].sum;
	*out = s;
	return qn_sum_dataset(d, &s->sum, err);
}

static enum quern_status conclude(struct qn_verify *v, struct qn_pending *p,
				  const struct qn_dataset *d, const struct qn_way *w,
				  const struct qn_findings *found, struct qn_verified *out,
				  struct quern_message *err)
{
	struct qn_dataset_sums *now = NULL;
	enum quern_status st = note_findings(v, d, found, err);

	out->stored_nbytes = found->totals.stored_nbytes;
	out->decoded_nbytes = found->totals.decoded_nbytes;
	out->ndamaged = found->totals.ndamages + w->noverlaps;
	p->wasted += found->totals.wasted;
	v->done_nbytes += out->stored_nbytes;
	if (st || !v->wants_sums)
		return st;
	st = make_sums(p->now, d, w->listed, found, &now, err);
	if (!st && p->expected)
		st = qn_verify_compare(v, d, p->expected, now, found, out, err);
	return st ? st : qn_pending_add_ranges(p, d, err);
}

static struct qn_verified *add_dataset(struct qn_verify *v, const char *path)
{
	struct qn_verified_file *f = this_file(v);
	struct qn_verified *p = grow(f->dataset, f->ndatasets, sizeof *p);
	char *copy = strdup(path);

	if (p)
		f->dataset = p;
	if (!p || !copy) {
		free(copy);
		return NULL;
	}
	p = &f->dataset[f->ndatasets++];
	*p = (struct qn_verified){ .path = copy };
	return p;
}

/* Rank 0: the description. What cannot be described is damage, and no failure: *described is false
   then. In a damaged file each may take as long as it can to fail: the rest are given up. */
static enum quern_status describe(struct qn_verify *v, struct qn_pending *p, const char *path,
				  struct qn_dataset *d, bool *described, struct quern_message *err)
{
	struct quern_message why = { .status = QUERN_OK };
	double start = qn_comm_wtime();
	enum quern_status st;

	if (p->wasted > QN_VERIFY_PATIENCE)
		st = qn_error_set(&why, QUERN_ERR_DATA, "%s: dataset %s was not looked at, because "
				  "failing to read others took long; name it with -d",
				  this_file(v)->name, path);
	else
		st = p->format->describe(this_file(v)->name, path, NULL, true, d, &why);
	if (!st && (st = qn_dataset_check(d, &why)) != QUERN_OK)
		qn_dataset_fini(d);
	*described = !st;
	if (!st)
		return QUERN_OK;
	p->wasted += qn_comm_wtime() - start;
	p->undescribed = true;
	/* Whatever the reason, memory too: it is this dataset's. */
	return qn_verify_note(v, NULL, path, NULL, err, "%s", why.text);
}

/* Collective. d is described on rank 0, which has `path`. */
static enum quern_status verify_described(struct qn_verify *v, struct qn_pending *p,
					  struct heading *h, struct qn_dataset *d,
					  const struct qn_way *w, struct qn_verified *out,
					  struct quern_message *err)
{
	struct qn_findings found = { .nresults = 0 };
	enum quern_status st = share(v, h, d, err);

	if (!st && h->work)
		st = look(v, h, d, w, p->fd, &found, err);
	if (!st && out)
		st = conclude(v, p, d, w, &found, out, err);
	qn_findings_fini(&found);
	return qn_comm_agree(v->job.comm, st, err);
}

static enum quern_status verify_dataset(struct qn_verify *v, struct qn_pending *p,
					const char *path, struct quern_message *err)
{
	bool is_root = qn_comm_rank(v->job.comm) == 0, described = false;
	struct heading h = { .wasted = p->wasted };
	struct qn_dataset d = { .file = NULL };
	struct qn_verified *out = NULL;
	struct qn_way w = { .chunks = NULL };
	enum quern_status st = QUERN_OK;

	if (is_root) {
		st = describe(v, p, path, &d, &described, err);
		if (!st && described && !(out = add_dataset(v, d.path)))
			st = qn_error_nomem(err, sizeof *out, "a list of datasets");
		if (!st && out)
			st = choose(v, &d, &w, out, err);
		if (!st && out)
			count_checksums(&d, &w, out);
		h.natively = w.natively;
		h.by_library = w.by_library;
		h.listed = w.listed;
		h.work = w.nchunks > 0 && (w.natively || w.by_library || v->wants_sums);
	}
	st = qn_comm_agree(v->job.comm, st, err);
	if (!st)
		st = verify_described(v, p, &h, &d, &w, out, err);
	free(w.chunks);
	qn_dataset_fini(&d);
	return st;
}

/* --- a file --- */

static enum quern_status list(struct qn_verify *v, struct qn_pending *p, const char *file,
			      struct quern_message *err)
{
	const char *only = quern_option_string(v->job.options, "dataset");
	struct quern_message why = { .status = QUERN_OK };
	enum quern_status st = qn_source_format(file, &p->format, &why);

	if (!st && !only)
		st = p->format->list(file, &p->listing, &why);
	p->n = st ? 0 : only ? 1 : p->listing.n;
	p->only = only;
	p->unlisted = st != QUERN_OK;
	return note_error(v, NULL, st, &why, err);
}

/* Rank 0. Sums that know none of the datasets are of another file: comparing would only confuse. */
static enum quern_status find_sums(struct qn_verify *v, struct qn_pending *p, const char *file,
				   size_t nfiles, struct quern_message *err)
{
	struct quern_message why = { .status = QUERN_OK };
	enum quern_status st = QUERN_OK;

	if (p->unlisted || !quern_option_string(v->job.options, "sums"))
		return QUERN_OK;
	st = qn_verify_find_sums(v, file, nfiles, &p->expected, &why);
	for (size_t i = 0; !st && i < p->listing.n; i++)
		if (qn_file_sums_find(p->expected, p->listing.path[i]))
			return QUERN_OK;
	if (!st && p->listing.n > 0 && p->expected->n > 0) {
		st = qn_error_set(&why, QUERN_ERR_DATA, "%s: the sums are of another file, %s: they "
				  "know none of its datasets", file, p->expected->name);
		p->expected = NULL;
	}
	return note_error(v, NULL, st, &why, err);
}

/* Rank 0: a new entry of the file, its datasets, and the sums that were kept of it. */
static enum quern_status begin(struct qn_verify *v, struct qn_pending *p, const char *file,
			       size_t nfiles, struct quern_message *err)
{
	struct qn_verified_file *f = &v->file[v->nfiles];
	enum quern_status st = QUERN_OK;

	*f = (struct qn_verified_file){ .name = strdup(file) };
	if (!f->name)
		return qn_error_nomem(err, strlen(file), "a name");
	v->nfiles++;
	if (stat(file, &p->before) == 0)
		f->nbytes = (uint64_t)p->before.st_size;
	st = list(v, p, file, err);
	if (!st && v->wants_sums && !(p->now = qn_sums_add(&v->made, file)))
		st = qn_error_nomem(err, strlen(file), "sums");
	if (!st && p->now) {
		p->now->nbytes = f->nbytes;
		p->now->whole = !p->only;
	}
	return st ? st : find_sums(v, p, file, nfiles, err);
}

/* All ranks open what rank 0 has found; a host that sees another file is an error of the run. */
static enum quern_status open_everywhere(struct qn_verify *v, struct qn_pending *p,
					 const char *file, struct quern_message *err)
{
	struct qn_dataset d = { .file = (char *)(uintptr_t)file };
	enum quern_status st;

	d.file_nbytes = (uint64_t)p->before.st_size;
	d.file_mtime_ns = (int64_t)p->before.st_mtim.tv_sec * 1000000000 +
			  p->before.st_mtim.tv_nsec;
	st = qn_comm_bcast(v->job.comm, &p->n, sizeof p->n, err);
	if (!st)
		st = qn_comm_bcast(v->job.comm, &d.file_nbytes, sizeof d.file_nbytes, err);
	if (!st)
		st = qn_comm_bcast(v->job.comm, &d.file_mtime_ns, sizeof d.file_mtime_ns, err);
	if (st || p->n == 0)
		return st;
	p->fd = open(file, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	if (p->fd < 0)
		st = qn_error_set(err, QUERN_ERR_DATA, "%s: cannot open it on host %s: %s; every "
				  "host must see the file under this path", file,
				  v->job.report.host, strerror(errno));
	else
		st = qn_source_check(p->fd, &d, v->job.report.host, err);
	return qn_comm_agree(v->job.comm, st, err);
}

/* Rank 0, at the end: the file as a whole. */
static enum quern_status end(struct qn_verify *v, struct qn_pending *p, struct quern_message *err)
{
	struct qn_verified_file *f = this_file(v);
	struct quern_message why = { .status = QUERN_OK };
	struct stat after;
	enum quern_status st = QUERN_OK;

	if (p->n > 0 && (stat(f->name, &after) != 0 || after.st_size != p->before.st_size ||
			 after.st_mtim.tv_sec != p->before.st_mtim.tv_sec ||
			 after.st_mtim.tv_nsec != p->before.st_mtim.tv_nsec))
		return qn_verify_note(v, NULL, NULL, NULL, err, "%s: was changed while it was "
				      "verified; wait until its writer has finished", f->name);
	if (p->unlisted || !p->now)
		return QUERN_OK;
	/* What is in chunks that are not known would count as rest. */
	if (p->now->whole && !p->undescribed)
		st = note_error(v, NULL, qn_pending_sum_rest(p, f->name, &why), &why, err);
	if (!st && p->expected)
		st = qn_verify_compare_file(v, p->expected, p->now, !p->only && !p->undescribed,
					    err);
	return st;
}

static enum quern_status verify_file(struct qn_verify *v, const char *file, size_t nfiles,
				     struct quern_message *err)
{
	bool is_root = qn_comm_rank(v->job.comm) == 0;
	struct qn_pending p = { .fd = -1 };
	enum quern_status st = is_root ? begin(v, &p, file, nfiles, err) : QUERN_OK;

	st = qn_comm_agree(v->job.comm, st, err);
	if (!st)
		st = open_everywhere(v, &p, file, err);
	for (uint64_t i = 0; !st && i < p.n; i++)
		st = verify_dataset(v, &p, !is_root ? NULL
				    : p.only ? p.only : p.listing.path[i], err);
	if (!st && is_root)
		st = end(v, &p, err);
	qn_pending_fini(&p);
	return qn_comm_agree(v->job.comm, st, err);
}

/* --- all of it --- */

/* From a dataset to all files, as far as what was stored tells. */
static void tell_progress(void *ctx, int pass, uint64_t done, uint64_t total)
{
	struct qn_verify *v = ctx;

	(void)pass;
	(void)total;
	v->progress(v->progress_ctx, (int)v->nfiles - 1, v->done_nbytes + done, v->total_nbytes);
}

static uint64_t count_bytes(const char *const *files, size_t nfiles)
{
	uint64_t n = 0;

	for (size_t i = 0; i < nfiles; i++) {
		struct stat s;

		if (stat(files[i], &s) == 0)
			n += (uint64_t)s.st_size;
	}
	return n;
}

static enum quern_status prepare(struct qn_verify *v, const char *const *files, size_t nfiles,
				 struct quern_message *err)
{
	const char *sums = quern_option_string(v->job.options, "sums");
	enum quern_status st = QUERN_OK;

	v->wants_sums = sums || quern_option_string(v->job.options, "write-sums");
	if (v->wants_sums)
		st = qn_sum_check(err);
	if (st || qn_comm_rank(v->job.comm) != 0)
		return st;
	if (v->progress) {
		v->job.progress = tell_progress;
		v->job.progress_ctx = v;
		v->total_nbytes = count_bytes(files, nfiles);
	}
	v->file = qn_calloc(nfiles, sizeof *v->file);
	if (!v->file)
		return qn_error_nomem(err, nfiles * sizeof *v->file, "a list of files");
	return sums ? qn_sums_read(sums, &v->expected, err) : QUERN_OK;
}

/* Sums of damaged files would make the damage look right. */
static enum quern_status keep_sums(struct qn_verify *v, struct quern_message *err)
{
	const char *to = quern_option_string(v->job.options, "write-sums");

	if (!to || qn_comm_rank(v->job.comm) != 0 || qn_verify_ndamages(v) > 0)
		return QUERN_OK;
	return qn_sums_write(&v->made, to, err);
}

enum quern_status qn_verify(struct qn_verify *v, const char *const *files, size_t nfiles,
			    struct quern_message *err)
{
	double start = qn_comm_wtime();
	enum quern_status st = qn_job_place(&v->job, err);

	if (!st)
		st = qn_comm_agree(v->job.comm, prepare(v, files, nfiles, err), err);
	for (size_t i = 0; !st && i < nfiles; i++)
		st = verify_file(v, files[i], nfiles, err);
	if (!st)
		st = qn_comm_agree(v->job.comm, keep_sums(v, err), err);
	v->seconds = qn_comm_wtime() - start;
	return st;
}
