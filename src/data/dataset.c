/*
 * dataset.c - the description of a dataset: derived numbers, checks, and its flat form.
 */
#include "data/dataset.h"

#include <inttypes.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

void qn_dataset_fini(struct qn_dataset *d)
{
	free(d->file);
	free(d->path);
	for (int i = 0; i < QUERN_MAX_DIMS; i++) {
		free(d->dim_name[i]);
		free(d->dim_scale[i]);
	}
	free(d->chunks);
	memset(d, 0, sizeof *d);
}

uint64_t qn_dataset_grid(const struct qn_dataset *d, uint64_t grid[QUERN_MAX_DIMS])
{
	uint64_t n = 1;

	for (int i = 0; i < d->ndim; i++) {
		grid[i] = qn_ceil_div(d->shape[i], d->chunk[i]);
		n *= grid[i];
	}
	return n;
}

uint64_t qn_dataset_nelems(const struct qn_dataset *d)
{
	uint64_t n = 0;

	qn_product(d->shape, d->ndim, &n);
	return n;
}

uint64_t qn_dataset_chunk_nelems(const struct qn_dataset *d)
{
	uint64_t n = 0;

	qn_product(d->chunk, d->ndim, &n);
	return n;
}

static const char *file_of(const struct qn_dataset *d)
{
	return d->file ? d->file : "(no file)";
}

static const char *path_of(const struct qn_dataset *d)
{
	return d->path ? d->path : "(no dataset)";
}

/* Every refusal reads alike; `why` says what is impossible about the description. */
static enum quern_status refuse(const struct qn_dataset *d, struct quern_message *err,
				const char *why)
{
	return qn_error_set(err, QUERN_ERR_DATA,
			    "%s: dataset %s: its description is damaged: %s; check the file with "
			    "h5dump or copy it again",
			    file_of(d), path_of(d), why);
}

static enum quern_status refuse_chunk(const struct qn_dataset *d, const struct qn_chunk *c,
				      struct quern_message *err, const char *why)
{
	return qn_error_set(err, QUERN_ERR_DATA,
			    "%s: dataset %s: its chunk index is damaged: chunk %" PRIu64
			    " (%" PRIu32 " bytes at offset %" PRIu64 ") %s; check the file with "
			    "h5dump or copy it again",
			    file_of(d), path_of(d), c->number, c->nbytes, c->addr, why);
}

static bool is_text(const char *s, size_t room)
{
	return memchr(s, '\0', room) != NULL;
}

static const char *bad_type(const struct qn_type *t)
{
	uint32_t n = t->size;

	if (!is_text(t->name, sizeof t->name))
		return "the name of its type does not end";
	switch ((int)t->class) {
	case QN_INT:
	case QN_UINT:
		return n == 1 || n == 2 || n == 4 || n == 8 ? NULL
							    : "an integer of impossible size";
	case QN_FLOAT:
		return n == 2 || n == 4 || n == 8 ? NULL : "a float of impossible size";
	case QN_OTHER:
		return n > 0 ? NULL : "its elements have no size";
	default:
		return "its type is of no known class";
	}
}

static const char *bad_dims(const struct qn_dataset *d)
{
	uint64_t n;

	if (d->ndim < 1 || d->ndim > QUERN_MAX_DIMS)
		return "the number of its dimensions is not within 1 to 32";
	for (int i = 0; i < d->ndim; i++)
		if (d->chunk[i] == 0)
			return "a chunk has no elements";
	if (!qn_product(d->shape, d->ndim, &n) || !qn_mul(n, d->type.size, &n) || n > INT64_MAX)
		return "it has more bytes than can be counted";
	if (!qn_product(d->chunk, d->ndim, &n) || !qn_mul(n, d->type.size, &n) || n > UINT32_MAX)
		return "a chunk has more than 4 GiB";
	return NULL;
}

static const char *bad_filters(const struct qn_dataset *d)
{
	if (d->nfilters < 0 || d->nfilters > QN_MAX_FILTERS)
		return "it has an impossible number of filters";
	for (int i = 0; i < d->nfilters; i++) {
		if (d->filter[i].nparams > QN_MAX_FILTER_PARAMS)
			return "a filter has too many parameters";
		if (!is_text(d->filter[i].name, sizeof d->filter[i].name))
			return "the name of a filter does not end";
	}
	if (d->nfilters > 0 && d->layout != QN_CHUNKED)
		return "it has filters but no chunks";
	return NULL;
}

static const char *bad_rest(const struct qn_dataset *d)
{
	if ((int)d->layout < QN_COMPACT || (int)d->layout > QN_EXTERNAL)
		return "its layout is of no known kind";
	if (!is_text(d->index, sizeof d->index) || !is_text(d->units, sizeof d->units) ||
	    !is_text(d->calendar, sizeof d->calendar) ||
	    !is_text(d->why_not_native, sizeof d->why_not_native))
		return "a text in it does not end";
	if (d->cf.nmissing > sizeof d->cf.missing / sizeof d->cf.missing[0])
		return "it has too many missing values";
	if (d->user_block > d->file_nbytes)
		return "the user block is larger than the file";
	if (d->native && (d->layout == QN_VIRTUAL || d->layout == QN_EXTERNAL))
		return "its elements are in other files";
	if (d->nchunks > 0 && !d->chunks)
		return "its chunks are not listed";
	return NULL;
}

/* Raw bytes of chunk `number`, which is in the grid, as they lie in the file: HDF5 stores edge chunks whole, runs of a
   contiguous dataset end where the dataset ends. */
static uint64_t raw_nbytes(const struct qn_dataset *d, const uint64_t *grid, uint64_t number)
{
	uint64_t n = d->type.size;

	for (int i = d->ndim - 1; i >= 0; i--) {
		uint64_t c = number % grid[i];

		number /= grid[i];
		n *= d->layout == QN_CHUNKED
			     ? d->chunk[i]
			     : qn_min_u64(d->chunk[i], d->shape[i] - c * d->chunk[i]);
	}
	return n;
}

static bool is_filtered(const struct qn_dataset *d, const struct qn_chunk *c)
{
	uint32_t all = (uint32_t)((UINT64_C(1) << d->nfilters) - 1);

	return (c->filter_mask & all) != all;
}

static enum quern_status check_chunks(const struct qn_dataset *d, struct quern_message *err)
{
	uint64_t grid[QUERN_MAX_DIMS];
	uint64_t ngrid = qn_dataset_grid(d, grid);
	uint64_t full = qn_dataset_chunk_nelems(d) * d->type.size;
	bool even = d->layout == QN_CHUNKED; /* all raw chunks have the same size */

	for (uint64_t i = 0; i < d->nchunks; i++) {
		const struct qn_chunk *c = &d->chunks[i];

		if (c->number >= ngrid)
			return refuse_chunk(d, c, err, "is outside the dataset");
		if (i > 0 && c->number <= d->chunks[i - 1].number)
			return refuse_chunk(d, c, err, "is listed twice or out of order");
		if (c->nbytes == 0)
			return refuse_chunk(d, c, err, "is empty");
		if (c->addr > d->file_nbytes || c->nbytes > d->file_nbytes - c->addr)
			return refuse_chunk(d, c, err, "is outside the file");
		if (!is_filtered(d, c) &&
		    c->nbytes != (even ? full : raw_nbytes(d, grid, c->number)))
			return refuse_chunk(d, c, err, "does not have the size of its elements");
	}
	return QUERN_OK;
}

enum quern_status qn_dataset_check(const struct qn_dataset *d, struct quern_message *err)
{
	const char *why;

	if (!d->file || !d->path)
		return refuse(d, err, "it has no name");
	if ((why = bad_type(&d->type)) || (why = bad_dims(d)) || (why = bad_rest(d)) ||
	    (why = bad_filters(d)))
		return refuse(d, err, why);
	return check_chunks(d, err);
}

/*
 * The flat form: the struct as it is in memory, its pointers meaningless, then file, path and the
 * names and scales of the dimensions, each a uint32 length (NO_TEXT: none) and its bytes. Sender and receiver
 * are the same program, so byte order and padding agree; the size of the struct is checked.
 */
#define NO_TEXT UINT32_MAX
#define NTEXTS	(2 + 2 * QUERN_MAX_DIMS)

static char **text_slot(struct qn_dataset *d, int i)
{
	if (i == 0)
		return &d->file;
	if (i == 1)
		return &d->path;
	i -= 2;
	return i < QUERN_MAX_DIMS ? &d->dim_name[i] : &d->dim_scale[i - QUERN_MAX_DIMS];
}

void *qn_dataset_pack(const struct qn_dataset *d, size_t *nbytes)
{
	struct qn_dataset copy = *d;
	size_t n = sizeof copy;
	uint8_t *out, *p;

	for (int i = 0; i < NTEXTS; i++) {
		const char *s = *text_slot(&copy, i);

		n += sizeof(uint32_t) + (s ? strlen(s) : 0);
	}
	out = malloc(n);
	if (!out)
		return NULL;
	memcpy(out, d, sizeof *d);
	p = out + sizeof *d;
	for (int i = 0; i < NTEXTS; i++) {
		const char *s = *text_slot(&copy, i);
		uint32_t length = s ? (uint32_t)strlen(s) : NO_TEXT;

		memcpy(p, &length, sizeof length);
		p += sizeof length;
		if (s) {
			memcpy(p, s, length);
			p += length;
		}
	}
	*nbytes = n;
	return out;
}

/* A byte that is neither 0 nor 1 must not be read as a bool. */
static bool is_bool(const void *b)
{
	return *(const uint8_t *)b <= 1;
}

static bool bools_are_valid(const struct qn_dataset *d)
{
	return is_bool(&d->type.big_endian) && is_bool(&d->scalar) && is_bool(&d->native) &&
	       is_bool(&d->dim_only) &&
	       is_bool(&d->cf.has_fill) && is_bool(&d->cf.has_min) && is_bool(&d->cf.has_max) &&
	       is_bool(&d->cf.has_scale) && is_bool(&d->cf.as_unsigned);
}

/* Takes one text from *at; false when it does not fit into the `end`. */
static bool take_text(const uint8_t **at, const uint8_t *end, char **out, bool *nomem)
{
	uint32_t length;

	if ((size_t)(end - *at) < sizeof length)
		return false;
	memcpy(&length, *at, sizeof length);
	*at += sizeof length;
	if (length == NO_TEXT)
		return true;
	if ((size_t)(end - *at) < length || memchr(*at, '\0', length))
		return false;
	*out = strndup((const char *)*at, length);
	*nomem = !*out;
	*at += length;
	return *out != NULL;
}

void qn_dataset_disown(struct qn_dataset *d)
{
	for (int i = 0; i < NTEXTS; i++)
		*text_slot(d, i) = NULL;
	d->chunks = NULL;
	d->nchunks = 0;
}

enum quern_status qn_dataset_unpack(const void *data, size_t nbytes, struct qn_dataset *d,
				    struct quern_message *err)
{
	const uint8_t *at = data, *end = at + nbytes;
	struct qn_dataset r;
	enum quern_status status = QUERN_OK;
	bool nomem = false;

	if (nbytes < sizeof r)
		return qn_error_set(err, QUERN_ERR_DATA,
				    "the description of a dataset is cut short: %zu bytes", nbytes);
	memcpy(&r, at, sizeof r);
	at += sizeof r;
	qn_dataset_disown(&r); /* they are the sender's */
	if (!bools_are_valid(&r))
		return refuse(&r, err, "a flag is neither true nor false");
	for (int i = 0; i < NTEXTS && status == QUERN_OK; i++)
		if (!take_text(&at, end, text_slot(&r, i), &nomem))
			status = nomem ? qn_error_nomem(err, nbytes, "the names of a dataset")
				       : refuse(&r, err, "a name in it is cut short");
	if (status == QUERN_OK && at != end)
		status = refuse(&r, err, "there are bytes after its end");
	if (status == QUERN_OK)
		status = qn_dataset_check(&r, err);
	if (status != QUERN_OK) {
		qn_dataset_fini(&r);
		return status;
	}
	*d = r;
	return QUERN_OK;
}
