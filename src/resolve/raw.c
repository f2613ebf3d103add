#include "resolve/impl.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/system.h"
#include "data/external.h"

/* A stretch of whole rows in one raw file. */
struct stretch {
	const struct qn_origin *origin;
	uint64_t row, nrows; /* of the whole */
	uint64_t row_nbytes;
};

/* What the file is, now. */
static enum quern_status look_at(const struct qn_resolving *r, const char *file,
				 struct qn_dataset *d)
{
	struct stat s;
	const int fd = qn_external_open(r->whole->file, r->whole->path, file, &s, r->err);

	if (fd < 0)
		return r->err->status;
	qn_sys_close(fd);
	d->file_nbytes = (uint64_t)s.st_size;
	d->file_mtime_ns = (int64_t)s.st_mtim.tv_sec * 1000000000 + s.st_mtim.tv_nsec;
	return QUERN_OK;
}

/* Chunk number i of a member in one piece: the chunks of the whole are runs of elements too. */
static void find_chunk(const struct qn_dataset *d, const uint64_t *grid, uint64_t i, uint64_t addr,
		       struct qn_chunk *c)
{
	uint64_t place = 1, at = 0, nelems = 1, number = i;

	for (int k = d->ndim - 1; k >= 0; k--) {
		uint64_t start = number % grid[k] * d->chunk[k];

		number /= grid[k];
		at += start * place;
		nelems *= qn_min_u64(d->chunk[k], d->shape[k] - start);
		place *= d->shape[k];
	}
	*c = (struct qn_chunk){ .number = i,
				.addr = addr + at * d->type.size,
				.nbytes = (uint32_t)(nelems * d->type.size) };
}

static enum quern_status list_chunks(const struct qn_resolving *r, struct qn_dataset *d,
				     uint64_t addr)
{
	uint64_t grid[QUERN_MAX_DIMS], n = qn_dataset_grid(d, grid);

	d->chunks = qn_calloc(n, sizeof(*d->chunks));
	if (!d->chunks)
		return qn_error_nomem(r->err, n * sizeof(*d->chunks), "the runs of a raw file");
	d->nchunks = n;
	for (uint64_t i = 0; i < n; i++)
		find_chunk(d, grid, i, addr, &d->chunks[i]);
	return qn_dataset_check(d, r->err);
}

static void rows_of(const struct qn_dataset *d, uint64_t first, uint64_t n, struct quern_box *box)
{
	box->ndim = d->ndim;
	for (int k = 0; k < d->ndim; k++) {
		box->start[k] = k ? 0 : first;
		box->count[k] = k ? d->shape[k] : n;
		box->step[k] = 1;
	}
}

static enum quern_status put_rows(struct qn_resolving *r, uint32_t member, uint64_t from,
				  uint64_t to, uint64_t n)
{
	struct quern_box a, b;
	bool fits;

	rows_of(r->whole, from, n, &a);
	rows_of(r->whole, to, n, &b);
	return qn_mosaic_put(&r->own, member, &a, &b, &fits, r->err);
}

/* The library takes zeros for what a raw file does not have. */
static enum quern_status put_zeros(struct qn_resolving *r, uint64_t row, uint64_t n)
{
	uint32_t member;
	enum quern_status st = n ? qn_resolve_add_empty(r, true, &member) : QUERN_OK;

	return st || !n ? st : put_rows(r, member, row, row, n);
}

static enum quern_status put_stored(struct qn_resolving *r, struct qn_dataset *d,
				    const struct stretch *s, uint64_t n)
{
	uint32_t member;
	enum quern_status st;

	if (!n)
		return QUERN_OK;
	d->shape[0] = n;
	d->chunk[0] = qn_min_u64(d->chunk[0], n);
	st = list_chunks(r, d, s->origin->offset);
	if (!st)
		st = qn_mosaic_add(&r->own, d, &member, r->err);
	free(d->chunks);
	return st ? st : put_rows(r, member, 0, s->row, n);
}

static enum quern_status put_stretch(struct qn_resolving *r, const struct stretch *s)
{
	struct qn_dataset d = *r->whole;
	uint64_t n = 0, past;
	enum quern_status st;

	d.file = s->origin->file;
	d.layout = QN_CONTIGUOUS;
	d.native = true;
	d.why_not_native[0] = '\0';
	qn_dataset_copy_attributes(r->outermost, &d);
	d.user_block = 0;
	st = look_at(r, d.file, &d);
	if (st)
		return st;
	if (d.file_nbytes > s->origin->offset) {
		n = qn_min_u64(s->nrows, (d.file_nbytes - s->origin->offset) / s->row_nbytes);
		past = (d.file_nbytes - s->origin->offset) % s->row_nbytes;
		if (n < s->nrows && past)
			qn_resolve_leave(r, "an external file that ends inside of a row");
	}
	if (n < s->nrows)
		st = qn_missing_add(&r->own.missing, d.file, "", r->err);
	if (!st)
		st = put_stored(r, &d, s, n);
	return st ? st : put_zeros(r, s->row + n, s->nrows - n);
}

enum quern_status qn_resolve_raw(struct qn_resolving *r, const struct qn_sources *list)
{
	const struct qn_dataset *d = r->whole;
	struct stretch s = { .row_nbytes = d->type.size };
	enum quern_status st = QUERN_OK;

	for (int k = 1; k < d->ndim; k++)
		s.row_nbytes *= d->shape[k];
	for (uint64_t i = 0; !st && !r->why[0] && i < list->n && s.row < d->shape[0]; i++) {
		uint64_t left = d->shape[0] - s.row, nbytes = list->origin[i].nbytes;

		s.origin = &list->origin[i];
		s.nrows = qn_min_u64(left, nbytes / s.row_nbytes);
		if (s.nrows < left && nbytes % s.row_nbytes)
			qn_resolve_leave(r, "external files that end inside of a row");
		else
			st = put_stretch(r, &s);
		s.row += s.nrows;
	}
	if (!st && s.row < d->shape[0])
		qn_resolve_leave(r, "external files that do not have all of it");
	return st;
}
