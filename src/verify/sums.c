/*
 * sums.c - what is in files now, beside the sums that were kept of them; and the sum of what is
 * in no chunk.
 */
#include <errno.h>
#include <inttypes.h>
#include <libgen.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "base/mem.h"
#include "base/system.h"
#include "verify/verify_impl.h"

#define PIECE_NBYTES (1u << 20)

void qn_pending_fini(struct qn_pending *p)
{
	if (p->fd >= 0)
		qn_sys_close(p->fd);
	qn_listing_fini(&p->listing);
	free(p->range);
}

void qn_print_extents(int n, const uint64_t *v, const char *between, char *out, size_t nbytes)
{
	size_t at = 0;

	*out = '\0';
	for (int i = 0; i < n && at < nbytes; i++)
		at += (size_t)snprintf(out + at, nbytes - at, "%s%" PRIu64, i ? between : "", v[i]);
}

/* --- the rest of a file --- */

enum quern_status qn_pending_add_ranges(struct qn_pending *p, const struct qn_dataset *d,
					struct quern_message *err)
{
	size_t need = p->nranges + d->nchunks;

	if (!qn_grow(&p->range, &p->room, need, sizeof(*p->range)))
		return qn_error_nomem(err, need * sizeof(*p->range), "a list of chunks");
	for (uint64_t i = 0; i < d->nchunks; i++)
		p->range[p->nranges++] =
			(struct qn_range){ d->chunks[i].addr, d->chunks[i].nbytes };
	return QUERN_OK;
}

static int by_addr(const void *a, const void *b)
{
	uint64_t x = ((const struct qn_range *)a)->addr, y = ((const struct qn_range *)b)->addr;

	return (x > y) - (x < y);
}

/* Adds the bytes from `at` up to `end`. */
static enum quern_status add_bytes(struct qn_summer *s, int fd, const char *file, uint64_t at,
				   uint64_t end, uint8_t *piece, struct quern_message *err)
{
	while (at < end) {
		ssize_t n = qn_sys_pread(fd, piece, (size_t)qn_min_u64(PIECE_NBYTES, end - at),
					 (off_t)at);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return qn_error_set(err, QUERN_ERR_DATA,
					    "%s: cannot be read at offset %" PRIu64 ": %s", file,
					    at, n < 0 ? strerror(errno) : "the file has shrunk");
		qn_summer_add(s, piece, (size_t)n);
		at += (uint64_t)n;
	}
	return QUERN_OK;
}

enum quern_status qn_pending_sum_rest(struct qn_pending *p, const char *file,
				      struct quern_message *err)
{
	int fd = qn_file_open(file, NULL);
	struct qn_summer *s = qn_summer_new();
	uint8_t *piece = qn_alloc_aligned(PIECE_NBYTES);
	enum quern_status st = QUERN_OK;
	uint64_t at = 0;

	if (fd < 0)
		st = qn_error_set(err, qn_file_status(errno), "%s: cannot be opened: %s", file,
				  qn_file_why(errno));
	else if (!s || !piece)
		st = qn_error_nomem(err, PIECE_NBYTES, "the sum of a file");
	if (!st && p->nranges)
		qsort(p->range, p->nranges, sizeof(*p->range), by_addr);
	for (size_t i = 0; !st && i < p->nranges; i++) {
		st = add_bytes(s, fd, file, at, p->range[i].addr, piece, err);
		at = qn_max_u64(at, p->range[i].addr + p->range[i].nbytes);
	}
	if (!st)
		st = add_bytes(s, fd, file, at, p->now->nbytes, piece, err);
	if (!st)
		qn_summer_get(s, &p->now->rest);
	if (fd >= 0)
		qn_sys_close(fd);
	qn_summer_free(s);
	free(piece);
	return st;
}

/* --- which sums --- */

/* How many parts two paths end with alike: "d/x.nc" and "copy/d/x.nc" with 2. */
static size_t common_parts(const char *a, const char *b)
{
	const char *x = a + strlen(a), *y = b + strlen(b);
	size_t n = 0;

	while (x > a && y > b && x[-1] == y[-1]) {
		x--;
		y--;
		n += *x == '/';
	}
	/* Where a path begins a part does. */
	return n + (*x != '/' && (x == a || x[-1] == '/') && (y == b || y[-1] == '/'));
}

/* Those of whose paths most is the same: the first two. Returns how many there are. */
static size_t find_alike(const struct qn_sums *s, const char *file,
			 const struct qn_file_sums *two[2])
{
	size_t n = 0, most = 1;

	for (size_t i = 0; i < s->n; i++) {
		const size_t parts = common_parts(s->file[i].name, file);

		if (parts > most)
			n = 0;
		if (parts >= most && n++ < 2)
			two[n - 1] = &s->file[i];
		most = qn_max_u64(most, parts);
	}
	return n;
}

/* A file is known by the name it was given, or else by the end of its path, where only one fits best; a
   single file by nothing: it may have been renamed. */
enum quern_status qn_verify_find_sums(const struct qn_verify *v, const char *file, size_t nfiles,
				      const struct qn_file_sums **out, struct quern_message *err)
{
	const struct qn_sums *s = &v->expected;
	const struct qn_file_sums *two[2];
	size_t nalike;

	*out = NULL;
	for (size_t i = 0; i < s->n; i++)
		if (!strcmp(s->file[i].name, file)) {
			*out = &s->file[i];
			return QUERN_OK;
		}
	nalike = find_alike(s, file, two);
	if (nalike > 1)
		return qn_error_because(
			err, QUERN_ERR_DATA, QN_AMBIGUOUS,
			"%s: %s has sums of several files of this name, such as %s and %s: which are "
			"meant cannot be told; give it by such a path",
			file, v->settings.sums, two[0]->name, two[1]->name);
	if (nalike == 1 || (s->n == 1 && nfiles == 1)) {
		*out = nalike ? two[0] : &s->file[0];
		return QUERN_OK;
	}
	return qn_error_set(err, QUERN_ERR_DATA,
			    "%s: is not in %s, which has sums of %zu file%s, %s first: "
			    "make sums of it with --write-sums, in another file",
			    file, v->settings.sums, s->n, s->n == 1 ? "" : "s",
			    s->n ? s->file[0].name : "none");
}

/* --- a dataset --- */

/* Lexicographic: the order of chunk numbers, in whatever grid. */
static int compare_coords(const uint64_t *a, const uint64_t *b, int ndim)
{
	for (int i = 0; i < ndim; i++)
		if (a[i] != b[i])
			return a[i] < b[i] ? -1 : 1;
	return 0;
}

/* What is the same in both, and in what they differ. */
struct comparison {
	struct qn_verify *v;
	const struct qn_dataset *d;
	const struct qn_dataset_sums *was, *now;
	const struct qn_findings *found;
	struct qn_verified *out;
	struct quern_message *err;
};

static enum quern_status missing(const struct comparison *c, const uint64_t *coord)
{
	char text[128];

	qn_print_extents(c->was->ndim, coord, ", ", text, sizeof(text));
	return qn_verify_note(c->v, NULL, c->d->path, NULL, c->err,
			      "%s: dataset %s: chunk (%s) is missing: it had storage when the sums "
			      "were made",
			      c->d->file, c->d->path, text);
}

/* Where a chunk is now. */
static struct qn_damage_record place_of(const struct comparison *c, uint64_t number)
{
	struct qn_damage_record f = { .number = number, .addr = QN_ADDR_NONE };
	uint64_t low = 0, high = c->d->nchunks;

	while (low < high) {
		uint64_t mid = low + (high - low) / 2;

		if (c->d->chunks[mid].number < number)
			low = mid + 1;
		else
			high = mid;
	}
	if (low < c->d->nchunks && c->d->chunks[low].number == number) {
		f.addr = c->d->chunks[low].addr;
		f.nbytes = c->d->chunks[low].nbytes;
	}
	return f;
}

/* One that is new or has changed: why. It was not known to be damaged. */
static enum quern_status differs(const struct comparison *c, const struct qn_chunk_result *r,
				 const char *why)
{
	struct qn_damage_record at = place_of(c, r->sum.number);
	uint64_t coord[QUERN_MAX_DIMS];
	char text[128];

	qn_dataset_sums_coord(c->now, r->sum.number, coord);
	qn_print_extents(c->now->ndim, coord, ", ", text, sizeof(text));
	c->out->ndamaged++;
	if (at.addr == QN_ADDR_NONE)
		return qn_verify_note(c->v, c->d, c->d->path, &at, c->err,
				      "%s: dataset %s, chunk "
				      "(%s) %s",
				      c->d->file, c->d->path, text, why);
	return qn_verify_note(c->v, c->d, c->d->path, &at, c->err,
			      "%s: dataset %s, chunk (%s) at "
			      "file offset %" PRIu64 " %s",
			      c->d->file, c->d->path, text, at.addr, why);
}

static enum quern_status compare_chunk(const struct comparison *c, const struct qn_chunk_sum *was,
				       const struct qn_chunk_result *r)
{
	c->out->nsummed++;
	if (r->damaged)
		return QUERN_OK; /* it is known: once is enough */
	if (was->nbytes != r->sum.nbytes)
		return differs(c, r, "has changed: its stored size is not that of the sums");
	if (was->filter_mask != r->sum.filter_mask)
		return differs(c, r, "has changed: not the same filters are applied");
	if (!qn_sum_equal(&was->sum, &r->sum.sum))
		return differs(c, r, "has changed: its bytes have not the sum that was kept");
	return QUERN_OK;
}

/* Both lists are in the order of coordinates. */
static enum quern_status compare_chunks(const struct comparison *c)
{
	uint64_t a[QUERN_MAX_DIMS], b[QUERN_MAX_DIMS], i = 0, k = 0;
	enum quern_status st = QUERN_OK;

	while (!st && (i < c->was->nchunks || k < c->found->nresults)) {
		int order = i == c->was->nchunks ? 1 : k == c->found->nresults ? -1 : 0;

		if (i < c->was->nchunks)
			qn_dataset_sums_coord(c->was, c->was->chunks[i].number, a);
		if (k < c->found->nresults)
			qn_dataset_sums_coord(c->now, c->found->result[k].sum.number, b);
		if (order == 0)
			order = compare_coords(a, b, c->was->ndim);
		if (order < 0)
			st = missing(c, a);
		else if (order > 0 && !c->found->result[k].damaged)
			st = differs(c, &c->found->result[k],
				     "is additional: the sums do not have "
				     "it");
		else if (order == 0)
			st = compare_chunk(c, &c->was->chunks[i], &c->found->result[k]);
		i += order <= 0;
		k += order >= 0;
	}
	return st;
}

/* Says what has changed of what the dataset is. Chunks of another shape are not comparable. */
static enum quern_status compare_meaning(const struct comparison *c, bool *comparable)
{
	const struct qn_dataset_sums *was = c->was, *now = c->now;
	size_t nbytes = (size_t)now->ndim * sizeof(*now->shape);
	bool same_ndim = was->ndim == now->ndim;
	bool shape = same_ndim && !memcmp(was->shape, now->shape, nbytes);
	bool chunk = same_ndim && !memcmp(was->chunk, now->chunk, nbytes);
	char then[320], here[320];

	*comparable = chunk && was->elements == now->elements;
	if (qn_sum_equal(&was->sum, &now->sum) && shape && chunk)
		return QUERN_OK;
	if (strcmp(was->type, now->type) != 0)
		return qn_verify_note(c->v, NULL, c->d->path, NULL, c->err,
				      "%s: dataset %s: its type "
				      "has changed from %s to %s",
				      c->d->file, c->d->path, was->type, now->type);
	qn_print_extents(was->ndim, shape ? was->chunk : was->shape, " x ", then, sizeof(then));
	qn_print_extents(now->ndim, shape ? now->chunk : now->shape, " x ", here, sizeof(here));
	if (!shape || !chunk)
		return qn_verify_note(c->v, NULL, c->d->path, NULL, c->err,
				      "%s: dataset %s: the "
				      "shape of %s has changed from %s to %s",
				      c->d->file, c->d->path, shape ? "its chunks" : "it", then,
				      here);
	return qn_verify_note(c->v, NULL, c->d->path, NULL, c->err,
			      "%s: dataset %s: what its bytes "
			      "mean has changed: filters, fill value, attributes, units or names "
			      "of dimensions",
			      c->d->file, c->d->path);
}

enum quern_status qn_verify_compare(struct qn_verify *v, const struct qn_dataset *d,
				    const struct qn_file_sums *expected,
				    const struct qn_dataset_sums *now,
				    const struct qn_findings *found, struct qn_verified *out,
				    struct quern_message *err)
{
	struct comparison c = { v, d, qn_file_sums_find(expected, d->path), now, found, out, err };
	bool comparable;
	enum quern_status st;

	if (!c.was && !expected->whole)
		return QUERN_OK; /* sums of a part were kept */
	if (!c.was)
		return qn_verify_note(v, NULL, d->path, NULL, err,
				      "%s: dataset %s is additional: the "
				      "sums do not have it",
				      d->file, d->path);
	st = compare_meaning(&c, &comparable);
	if (!st && comparable)
		st = compare_chunks(&c);
	out->nunchecked = 0;
	return st;
}

/* --- a file --- */

static enum quern_status find_missing(struct qn_verify *v, const struct qn_file_sums *expected,
				      const struct qn_file_sums *now, struct quern_message *err)
{
	const char *file = now->name;
	enum quern_status st = QUERN_OK;

	for (size_t i = 0; i < expected->n && !st; i++) {
		const char *path = expected->dataset[i].path;

		if (!qn_file_sums_find(now, path))
			st = qn_verify_note(v, NULL, path, NULL, err,
					    "%s: dataset %s is missing: it "
					    "was there when the sums were made",
					    file, path);
	}
	return st;
}

enum quern_status qn_verify_compare_file(struct qn_verify *v, const struct qn_file_sums *expected,
					 const struct qn_file_sums *now, bool all_datasets,
					 struct quern_message *err)
{
	enum quern_status st;

	if (!all_datasets)
		return QUERN_OK;
	st = find_missing(v, expected, now, err);
	if (st || !expected->whole)
		return st;
	if (expected->nbytes != now->nbytes)
		st = qn_verify_note(v, NULL, NULL, NULL, err,
				    "%s: has %" PRIu64 " bytes, not %" PRIu64
				    " as when the sums were made",
				    now->name, now->nbytes, expected->nbytes);
	else if (!qn_sum_equal(&expected->rest, &now->rest))
		st = qn_verify_note(v, NULL, NULL, NULL, err,
				    "%s: bytes outside of the chunks have "
				    "changed: headers, attributes, indexes or values of variable "
				    "length",
				    now->name);
	return st;
}
