/*
 * read.c - a part as it is in a file, which may be anything.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/mem.h"
#include "base/system.h"
#include "partial/partial.h"
#include "quern.h"
#include "partial/stored.h"

#define MOST_BODY_NBYTES (UINT64_C(1) << 36)
/* So that products of two indexes can be counted. */
#define MOST_LENGTH (UINT64_C(1) << 62)

static enum quern_status damaged(const struct qn_partial *p, const char *what,
				 struct quern_message *err)
{
	return qn_error_set(err, QUERN_ERR_DATA,
			    "%s: is damaged: %s; make the part anew with --partial", p->name, what);
}

static bool get(int fd, void *out, uint64_t nbytes, uint64_t at)
{
	return qn_sys_read_data(fd, out, (size_t)nbytes, at) == (ssize_t)nbytes;
}

/* --- head and body --- */

static enum quern_status get_head(struct qn_partial *p, int fd, uint64_t nbytes,
				  struct qn_partial_head *h, struct quern_message *err)
{
	struct qn_sum sum;

	if (nbytes < sizeof(*h) || !get(fd, h, sizeof(*h), 0) ||
	    memcmp(h->magic, QN_PARTIAL_MAGIC, sizeof(h->magic)))
		return qn_error_set(err, QUERN_ERR_DATA,
				    "%s: is no part, as `quern run --partial` writes one", p->name);
	if (h->byte_order != QN_PARTIAL_BYTE_ORDER)
		return qn_error_set(
			err, QUERN_ERR_DATA,
			"%s: was written on a machine of the other byte order: parts are "
			"merged where they are made",
			p->name);
	qn_sum_of(h, offsetof(struct qn_partial_head, sum), &sum);
	if (!qn_sum_equal(&sum, &h->sum))
		return damaged(p, "its head has another sum", err);
	p->sum = h->sum;
	if (h->nbytes != nbytes)
		return qn_error_set(err, QUERN_ERR_DATA,
				    "%s: has %" PRIu64 " bytes of %" PRIu64
				    ": it was cut off, or added to",
				    p->name, nbytes, h->nbytes);
	return QUERN_OK;
}

static enum quern_status check_body(const struct qn_partial *p, const struct qn_partial_head *h,
				    uint64_t *nbytes, struct quern_message *err)
{
	*nbytes = 0;
	for (int i = 0; i < QN_PARTIAL_NBODY; i++)
		if (!qn_add(*nbytes, h->body_nbytes[i], nbytes) || *nbytes > MOST_BODY_NBYTES ||
		    *nbytes > h->nbytes - sizeof(*h))
			return damaged(p, "what is in it is longer than it", err);
	return QUERN_OK;
}

/* Numbers, one after the other. */
struct numbers {
	const char *at, *end;
};

static bool take(struct numbers *n, void *out, uint64_t count, size_t size)
{
	uint64_t nbytes;

	if (!qn_mul(count, size, &nbytes) || nbytes > (uint64_t)(n->end - n->at))
		return false;
	memcpy(out, n->at, (size_t)nbytes);
	n->at += nbytes;
	return true;
}

/* Do they rise, within the dimension? */
static bool are_pieces(const struct qn_piece *piece, uint64_t n, uint64_t length)
{
	uint64_t next = 0;

	for (uint64_t i = 0; i < n; i++) {
		const struct qn_piece *p = &piece[i];

		if (!p->step || (!p->count && n > 1) || p->start < next || p->start > length ||
		    p->count > length ||
		    (p->count && (p->count - 1) > (length - 1 - p->start) / p->step) ||
		    (p->count && p->start >= length))
			return false;
		next = p->count ? p->start + (p->count - 1) * p->step + 1 : p->start;
	}
	return n > 0;
}

static bool take_pieces(struct numbers *numbers, struct qn_partial *p, int d)
{
	uint64_t n, nbytes;

	if (!take(numbers, &n, 1, sizeof(n)) || !qn_mul(n, sizeof(*p->piece[d]), &nbytes) ||
	    nbytes > (uint64_t)(numbers->end - numbers->at))
		return false;
	p->piece[d] = qn_malloc((size_t)nbytes + 1);
	p->npieces[d] = p->piece[d] ? (size_t)n : 0;
	return p->piece[d] && take(numbers, p->piece[d], n, sizeof(*p->piece[d])) &&
	       are_pieces(p->piece[d], n, p->shape[d]);
}

/* Are the files as long together as the dimension that they are joined along? */
static bool are_lengths(const struct qn_partial *p)
{
	uint64_t n = 0;

	for (size_t i = 0; i < p->files.n; i++)
		if (!qn_add(n, p->file[i].length, &n))
			return false;
	return n == p->shape[p->along];
}

static bool take_numbers(struct numbers *n, struct qn_partial *p)
{
	uint64_t head[4];
	bool ok = take(n, head, 4, sizeof(*head)) && head[0] > 0 && head[0] <= QUERN_MAX_DIMS &&
		  head[1] < head[0] && head[2] <= 1 && head[3] == p->files.n && p->files.n > 0;

	if (!ok)
		return false;
	p->ndim = (int)head[0];
	p->along = (int)head[1];
	p->is_stacked = head[2];
	ok = take(n, p->shape, head[0], sizeof(*p->shape));
	for (int d = 0; ok && d < p->ndim; d++)
		ok = p->shape[d] < MOST_LENGTH && take_pieces(n, p, d);
	p->file = qn_calloc(p->files.n, sizeof(*p->file));
	return ok && p->file && take(n, p->file, p->files.n, sizeof(*p->file)) && n->at == n->end &&
	       are_lengths(p);
}

static enum quern_status check_version(const struct qn_partial *p, const struct qn_partial_head *h,
				       struct quern_message *err)
{
	const char *version = qn_partial_text(p, "version");

	if (!version || strcmp(version, QUERN_VERSION))
		return qn_error_set(
			err, QUERN_ERR_DATA,
			"%s: is of quern %s, and this is quern %s: parts are merged by the "
			"version that made them",
			p->name, version ? version : "?", QUERN_VERSION);
	if (h->description_nbytes != sizeof(struct qn_dataset))
		return qn_error_set(
			err, QUERN_ERR_DATA,
			"%s: was written by a quern that was built in another way: build it "
			"alike where parts are made and merged",
			p->name);
	return QUERN_OK;
}

static enum quern_status take_body(struct qn_partial *p, const struct qn_partial_head *h,
				   const char *body, struct quern_message *err)
{
	const char *at = body;
	struct numbers n;
	enum quern_status st =
		qn_names_unpack(&p->texts, at, h->body_nbytes[QN_PARTIAL_TEXTS], err);

	at += h->body_nbytes[QN_PARTIAL_TEXTS];
	if (!st && p->texts.n % 2)
		st = damaged(p, "a text has no name", err);
	if (!st)
		st = check_version(p, h, err);
	if (!st)
		st = qn_names_unpack(&p->files, at, h->body_nbytes[QN_PARTIAL_FILES], err);
	at += h->body_nbytes[QN_PARTIAL_FILES];
	n = (struct numbers){ at, at + h->body_nbytes[QN_PARTIAL_NUMBERS] };
	if (!st && !take_numbers(&n, p))
		st = damaged(p, "its selection, or its files, cannot be so", err);
	at += h->body_nbytes[QN_PARTIAL_NUMBERS];
	if (!st)
		st = qn_extract_unpack(&p->extract, at, h->body_nbytes[QN_PARTIAL_EXTRACT], err);
	return st;
}

static enum quern_status get_body(struct qn_partial *p, int fd, const struct qn_partial_head *h,
				  uint64_t nbytes, struct quern_message *err)
{
	char *body = qn_malloc((size_t)nbytes + 1);
	struct qn_sum sum;
	enum quern_status st = QUERN_OK;

	if (!body)
		return qn_error_nomem(err, (size_t)nbytes, "a part");
	if (!get(fd, body, nbytes, sizeof(*h)))
		st = damaged(p, "it cannot be read", err);
	if (!st)
		qn_sum_of(body, (size_t)nbytes, &sum);
	if (!st && !qn_sum_equal(&sum, &h->body))
		st = damaged(p, "what it says of itself has another sum", err);
	if (!st)
		st = take_body(p, h, body, err);
	free(body);
	return st;
}

/* --- records --- */

static enum quern_status get_record(struct qn_partial *p, int fd, uint64_t file_nbytes,
				    uint64_t *at, struct quern_message *err)
{
	struct qn_partial_section section;
	struct qn_partial_record *r;
	struct qn_sum sum;
	bool found = false;
	enum quern_status st;

	if (!get(fd, &section, sizeof(section), *at))
		return damaged(p, "a record is not there", err);
	qn_sum_of(&section, offsetof(struct qn_partial_section, sum), &sum);
	if (!qn_sum_equal(&sum, &section.sum) || section.from < section.first)
		return damaged(p, "a record has no place", err);
	*at += sizeof(section);
	if (!qn_grow_by_one(&p->record, p->nrecords, sizeof(*p->record)))
		return qn_error_nomem(err, sizeof(*r), "a part");
	r = &p->record[p->nrecords];
	*r = (struct qn_partial_record){ .first = section.first, .from = section.from };
	st = qn_states_at(fd, p->name, *at, file_nbytes, &r->states, &found, err);
	if (st || !found)
		return st ? st : damaged(p, "a record is not whole", err);
	p->nrecords++;
	*at += r->states.head.nbytes;
	return QUERN_OK;
}

enum quern_status qn_partial_read(struct qn_partial *p, const char *name, struct quern_message *err)
{
	struct stat s;
	const int fd = qn_file_open(name, &s);
	struct qn_partial_head h;
	uint64_t nbytes = 0, at;
	enum quern_status st = qn_sum_check(err);

	p->name = qn_strdup(name);
	if (!st && !p->name)
		st = qn_error_nomem(err, 0, "a part");
	if (!st && fd < 0)
		st = qn_error_set(err, qn_file_status(errno), "%s: %s", name, qn_file_why(errno));
	if (!st)
		st = get_head(p, fd, (uint64_t)s.st_size, &h, err);
	if (!st)
		st = check_body(p, &h, &nbytes, err);
	if (!st)
		st = get_body(p, fd, &h, nbytes, err);
	at = sizeof(h) + nbytes;
	for (uint64_t i = 0; !st && i < h.nrecords; i++)
		st = get_record(p, fd, h.nbytes, &at, err);
	if (!st && (at != h.nbytes || !p->nrecords))
		st = damaged(p, "its records do not end where it does", err);
	if (!st)
		qn_extract_settle(&p->extract);
	if (fd >= 0)
		qn_sys_close(fd);
	return st;
}
