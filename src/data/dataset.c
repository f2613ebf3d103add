/*
 * dataset.c - the description of a dataset: derived numbers, checks, and its flat form.
 */
#include "data/dataset.h"

#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "base/mem.h"

#define NAMES_SHOWN 16

void qn_dataset_fini(struct qn_dataset *d)
{
	free(d->file);
	free(d->path);
	free(d->asked);
	for (int i = 0; i < QUERN_MAX_DIMS; i++) {
		free(d->dim_name[i]);
		free(d->dim_scale[i]);
	}
	for (uint32_t i = 0; d->members && i < d->nmembers; i++)
		free(d->members[i].name);
	free(d->members);
	free(d->chunks);
	memset(d, 0, sizeof(*d));
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

uint64_t qn_dataset_length(const struct qn_dataset *d, int dim)
{
	return d->shape[dim] + d->beyond[dim];
}

bool qn_dataset_ends_early(const struct qn_dataset *d)
{
	for (int i = 0; i < d->ndim; i++)
		if (d->beyond[i])
			return true;
	return false;
}

void qn_dataset_visible(const struct qn_dataset *d, struct qn_dataset *out)
{
	*out = *d;
	out->chunks = NULL;
	out->nchunks = 0;
	for (int i = 0; i < d->ndim; i++)
		out->shape[i] = qn_dataset_length(d, i);
	memset(out->beyond, 0, sizeof(out->beyond));
}

uint64_t qn_dataset_chunk_nelems(const struct qn_dataset *d)
{
	uint64_t n = 0;

	qn_product(d->chunk, d->ndim, &n);
	return n;
}

uint32_t qn_dataset_record_nbytes(const struct qn_dataset *d)
{
	return d->record.nbytes ? d->record.nbytes : d->type.size;
}

const char *qn_dataset_name(const struct qn_dataset *d)
{
	return d->asked ? d->asked : d->path;
}

const char *qn_dataset_column(const struct qn_dataset *d)
{
	return d->column[0] ? d->column : NULL;
}

int qn_dataset_outer_ndim(const struct qn_dataset *d)
{
	return d->ndim - d->record.ndim;
}

uint64_t qn_dataset_nbytes(const struct qn_dataset *d)
{
	uint64_t n = 0;

	qn_product(d->shape, qn_dataset_outer_ndim(d), &n);
	return n * qn_dataset_record_nbytes(d);
}

uint64_t qn_dataset_chunk_nbytes(const struct qn_dataset *d)
{
	uint64_t n = 0;

	qn_product(d->chunk, qn_dataset_outer_ndim(d), &n);
	return n * qn_dataset_record_nbytes(d);
}

bool qn_dataset_is_dense(const struct qn_dataset *d)
{
	const struct qn_record *r = &d->record;
	uint64_t place = d->type.size;

	if (r->nbytes == 0)
		return true;
	for (int i = r->ndim - 1; i >= 0; i--) {
		if (r->stride[i] != place)
			return false;
		place *= d->shape[qn_dataset_outer_ndim(d) + i];
	}
	return r->offset == 0 && place == r->nbytes;
}

void qn_dataset_member_names(const struct qn_dataset *d, char out[QN_MEMBER_NAMES_NBYTES])
{
	const size_t room = QN_MEMBER_NAMES_NBYTES - 40; /* for how many more */
	size_t at = 0;
	uint32_t shown = 0;

	out[0] = '\0';
	while (shown < d->nmembers && shown < NAMES_SHOWN &&
	       at + strlen(d->members[shown].name) + 3 < room)
		at += (size_t)snprintf(out + at, room - at, "%s%s", at ? ", " : "",
				       d->members[shown++].name);
	if (shown < d->nmembers)
		snprintf(out + at, QN_MEMBER_NAMES_NBYTES - at,
			 " and %" PRIu32 " more (see quern inspect)", d->nmembers - shown);
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

	if (!is_text(t->name, sizeof(t->name)))
		return "the name of its type does not end";
	switch ((int)t->class) {
	case QN_INT:
	case QN_UINT:
		return n == 1 || n == 2 || n == 4 || n == 8 ? NULL
							    : "an integer of impossible size";
	case QN_FLOAT:
		return n == 2 || ((n == 4 || n == 8) && !t->brain) ? NULL
								   : "a float of impossible size";
	case QN_OTHER:
		return n > 0 ? NULL : "its elements have no size";
	case QN_TEXT:
		return n > 0 && n <= QN_MAX_TEXT_NBYTES && (int)t->padding >= QN_PAD_ZEROS &&
				       t->padding <= QN_PAD_SPACES
			       ? NULL
			       : "a text of impossible size";
	default:
		return "its type is of no known class";
	}
}

/* Called when the dimensions are known to be few and their products to be small. */
static const char *bad_record(const struct qn_dataset *d)
{
	const struct qn_record *r = &d->record;
	const int outer = qn_dataset_outer_ndim(d);
	uint64_t end = (uint64_t)r->offset + d->type.size, span;

	if (r->nbytes == 0)
		return r->ndim == 0 && r->offset == 0 ? NULL : "its records have no size";
	for (int i = 0; i < r->ndim; i++) {
		const uint64_t n = d->shape[outer + i];

		if (n == 0 || d->chunk[outer + i] != n)
			return "its records are cut";
		if (!qn_mul(n - 1, r->stride[i], &span) || !qn_add(end, span, &end))
			return "an array in its records has no end";
	}
	/* What the library reads, it also finds. */
	return d->native && end > r->nbytes ? "its elements are outside of their records" : NULL;
}

/* Do n dimensions have at most `most` bytes, as records and as elements? */
static bool fits(const struct qn_dataset *d, const uint64_t *dims, uint64_t most)
{
	uint64_t n, nbytes;

	if (!qn_product(dims, d->ndim, &n) || !qn_mul(n, d->type.size, &nbytes) || nbytes > most)
		return false;
	return qn_product(dims, qn_dataset_outer_ndim(d), &n) &&
	       qn_mul(n, qn_dataset_record_nbytes(d), &nbytes) && nbytes <= most;
}

/* The extent of its dimensions; false when there is none. */
static bool add_beyond(const struct qn_dataset *d, uint64_t *length)
{
	for (int i = 0; i < d->ndim; i++)
		if (!qn_add(d->shape[i], d->beyond[i], &length[i]) ||
		    (d->beyond[i] && i >= qn_dataset_outer_ndim(d)))
			return false;
	return true;
}

static const char *bad_dims(const struct qn_dataset *d)
{
	uint64_t length[QUERN_MAX_DIMS];

	if (d->ndim < 1 || d->ndim > QUERN_MAX_DIMS)
		return "the number of its dimensions is not within 1 to 32";
	if (d->record.ndim < 0 || d->record.ndim > d->ndim)
		return "the number of dimensions of its records is impossible";
	for (int i = 0; i < d->ndim; i++)
		if (d->chunk[i] == 0)
			return "a chunk has no elements";
	if (!add_beyond(d, length) || !fits(d, length, INT64_MAX))
		return "it has more bytes than can be counted";
	if (d->is_null && (d->scalar || qn_dataset_nelems(d)))
		return "it has no dataspace and elements all the same";
	return fits(d, d->chunk, UINT32_MAX) ? NULL : "a chunk has more than 4 GiB";
}

static const char *bad_members(const struct qn_dataset *d)
{
	const char *why = NULL;

	if (d->nmembers > 0 && (d->nmembers > QN_MAX_MEMBERS || !d->members))
		return "its members are not listed";
	for (uint32_t i = 0; i < d->nmembers && !why; i++) {
		const struct qn_column *m = &d->members[i];

		why = bad_type(&m->type);
		if (!m->name || m->ndim < 0 || m->ndim > QUERN_MAX_DIMS)
			why = "a member of its records is impossible";
	}
	return why;
}

static const char *bad_filters(const struct qn_dataset *d)
{
	if (d->nfilters < 0 || d->nfilters > QN_MAX_FILTERS)
		return "it has an impossible number of filters";
	for (int i = 0; i < d->nfilters; i++) {
		if (d->filter[i].nparams > QN_MAX_FILTER_PARAMS)
			return "a filter has too many parameters";
		if (!is_text(d->filter[i].name, sizeof(d->filter[i].name)))
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
	if (!is_text(d->column, sizeof(d->column)) || !is_text(d->index, sizeof(d->index)) ||
	    !is_text(d->units, sizeof(d->units)) || !is_text(d->calendar, sizeof(d->calendar)) ||
	    !is_text(d->why_not_native, sizeof(d->why_not_native)))
		return "a text in it does not end";
	if (d->cf.nmissing > QN_CF_MOST_MISSING)
		return "it has too many missing values";
	if (!qn_faults_are_valid(d->fault))
		return "a fault of its attributes is of no known kind";
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
	uint64_t n = qn_dataset_record_nbytes(d);

	for (int i = qn_dataset_outer_ndim(d) - 1; i >= 0; i--) {
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
	uint64_t full = qn_dataset_chunk_nbytes(d);
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
	if ((why = bad_type(&d->type)) || (why = bad_dims(d)) || (why = bad_record(d)) ||
	    (why = bad_rest(d)) || (why = bad_filters(d)) || (why = bad_members(d)))
		return refuse(d, err, why);
	return check_chunks(d, err);
}

bool qn_dataset_is_valid(const struct qn_dataset *d, const char **why)
{
	QN_HOLDS(d->file && d->path, "a dataset has a file and a path");
	QN_HOLDS(!bad_type(&d->type), "its type is one of those that there are");
	QN_HOLDS(!bad_dims(d), "its shape, chunks and products are possible");
	QN_HOLDS(!bad_record(d), "its records hold its elements");
	QN_HOLDS(!bad_rest(d) && !bad_filters(d), "its texts end, and its filters are possible");
	QN_HOLDS(!bad_members(d), "its members are there");
	QN_HOLDS(check_chunks(d, NULL) == QUERN_OK,
		 "its chunks ascend, are of its grid and in its file");
	return true;
}

/*
 * The flat form: the struct as it is in memory, its pointers meaningless, then file, path, what was
 * asked for, and the names and scales of the dimensions, each a uint32 length (NO_TEXT: none) and its bytes, then
 * the members, each as it is in memory and its name. Sender and receiver are the same program, so byte order and
 * padding agree; the size of the struct is checked.
 */
#define NO_TEXT UINT32_MAX
#define NTEXTS	(3 + 2 * QUERN_MAX_DIMS)

static char **text_slot(struct qn_dataset *d, int i)
{
	if (i < 3)
		return i == 0 ? &d->file : i == 1 ? &d->path : &d->asked;
	i -= 3;
	return i < QUERN_MAX_DIMS ? &d->dim_name[i] : &d->dim_scale[i - QUERN_MAX_DIMS];
}

static size_t text_nbytes(const char *s)
{
	return sizeof(uint32_t) + (s ? strlen(s) : 0);
}

/* Returns the end of what was written. */
static uint8_t *put_text(uint8_t *p, const char *s)
{
	uint32_t length = s ? (uint32_t)strlen(s) : NO_TEXT;

	memcpy(p, &length, sizeof(length));
	p += sizeof(length);
	if (!s)
		return p;
	memcpy(p, s, length);
	return p + length;
}

void *qn_dataset_pack(const struct qn_dataset *d, size_t *nbytes)
{
	struct qn_dataset copy = *d;
	size_t n = sizeof(copy);
	uint8_t *out, *p;

	for (int i = 0; i < NTEXTS; i++)
		n += text_nbytes(*text_slot(&copy, i));
	for (uint32_t i = 0; i < d->nmembers; i++)
		n += sizeof(*d->members) + text_nbytes(d->members[i].name);
	out = qn_malloc(n);
	if (!out)
		return NULL;
	memcpy(out, d, sizeof(*d));
	p = out + sizeof(*d);
	for (int i = 0; i < NTEXTS; i++)
		p = put_text(p, *text_slot(&copy, i));
	for (uint32_t i = 0; i < d->nmembers; i++) {
		memcpy(p, &d->members[i], sizeof(*d->members));
		p = put_text(p + sizeof(*d->members), d->members[i].name);
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
	return is_bool(&d->type.big_endian) && is_bool(&d->type.brain) && is_bool(&d->scalar) &&
	       is_bool(&d->is_null) && is_bool(&d->native) && is_bool(&d->dim_only) &&
	       is_bool(&d->is_longitude) && is_bool(&d->cf.has_fill) &&
	       is_bool(&d->cf.is_default) && is_bool(&d->cf.single) && is_bool(&d->cf.has_min) &&
	       is_bool(&d->cf.has_max) && is_bool(&d->cf.has_scale) && is_bool(&d->cf.as_unsigned);
}

/* Takes one text from *at; false when it does not fit into the `end`. */
static bool take_text(const uint8_t **at, const uint8_t *end, char **out, bool *nomem)
{
	uint32_t length;

	if ((size_t)(end - *at) < sizeof(length))
		return false;
	memcpy(&length, *at, sizeof(length));
	*at += sizeof(length);
	if (length == NO_TEXT)
		return true;
	if ((size_t)(end - *at) < length || memchr(*at, '\0', length))
		return false;
	*out = qn_strndup((const char *)*at, length);
	*nomem = !*out;
	*at += length;
	return *out != NULL;
}

void qn_dataset_copy_attributes(const struct qn_dataset *from, struct qn_dataset *to)
{
	to->cf = from->cf;
	to->is_longitude = from->is_longitude;
	memcpy(to->units, from->units, sizeof(to->units));
	memcpy(to->calendar, from->calendar, sizeof(to->calendar));
	memcpy(to->fault, from->fault, sizeof(to->fault));
}

void qn_dataset_disown(struct qn_dataset *d)
{
	for (int i = 0; i < NTEXTS; i++)
		*text_slot(d, i) = NULL;
	d->chunks = NULL;
	d->nchunks = 0;
	d->members = NULL;
	d->nmembers = 0;
}

/* Takes one member from *at. On failure its name may be NULL. */
static bool take_member(const uint8_t **at, const uint8_t *end, struct qn_column *m, bool *nomem)
{
	if ((size_t)(end - *at) < sizeof(*m))
		return false;
	memcpy(m, *at, sizeof(*m));
	m->name = NULL;
	*at += sizeof(*m);
	return is_bool(&m->type.big_endian) && is_bool(&m->type.brain) &&
	       take_text(at, end, &m->name, nomem);
}

/* Takes n members. */
static bool take_members(const uint8_t **at, const uint8_t *end, uint32_t n, struct qn_dataset *d,
			 bool *nomem)
{
	if (n == 0)
		return true;
	if (n > QN_MAX_MEMBERS)
		return false;
	d->members = qn_calloc(n, sizeof(*d->members));
	*nomem = !d->members;
	while (d->members && d->nmembers < n)
		if (!take_member(at, end, &d->members[d->nmembers++], nomem))
			return false;
	return d->members != NULL;
}

enum quern_status qn_dataset_unpack(const void *data, size_t nbytes, struct qn_dataset *d,
				    struct quern_message *err)
{
	const uint8_t *at = data, *end = at + nbytes;
	struct qn_dataset r;
	enum quern_status status = QUERN_OK;
	uint32_t nmembers;
	bool nomem = false;

	if (nbytes < sizeof(r))
		return qn_error_set(err, QUERN_ERR_DATA,
				    "the description of a dataset is cut short: %zu bytes", nbytes);
	memcpy(&r, at, sizeof(r));
	at += sizeof(r);
	nmembers = r.nmembers;
	qn_dataset_disown(&r); /* they are the sender's */
	if (!bools_are_valid(&r))
		return refuse(&r, err, "a flag is neither true nor false");
	for (int i = 0; i < NTEXTS && status == QUERN_OK; i++)
		if (!take_text(&at, end, text_slot(&r, i), &nomem))
			status = nomem ? qn_error_nomem(err, nbytes, "the names of a dataset")
				       : refuse(&r, err, "a name in it is cut short");
	if (status == QUERN_OK && !take_members(&at, end, nmembers, &r, &nomem))
		status = nomem ? qn_error_nomem(err, nbytes, "the members of a dataset")
			       : refuse(&r, err, "a member in it is cut short");
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

char *qn_dataset_dimension_name(const struct qn_dataset *d, int dim)
{
	char *name = NULL;

	if (d->dim_name[dim])
		return qn_strdup(d->dim_name[dim]);
	return qn_asprintf(&name, "dim_%d", dim) < 0 ? NULL : name;
}
