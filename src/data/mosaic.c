#include "data/mosaic.h"

#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "base/mem.h"
#include "data/fill.h"

/* Forms that a new member is compared with: members with the same form come in runs. */
#define MOST_COMPARED 16

void qn_mosaic_init(struct qn_mosaic *m, int ndim)
{
	memset(m, 0, sizeof(*m));
	m->ndim = ndim;
}

void qn_mosaic_fini(struct qn_mosaic *m)
{
	for (uint32_t i = 0; i < m->nmembers; i++) {
		free(m->member[i].file);
		free(m->member[i].path);
		free(m->member[i].shape);
		free(m->member[i].chunks);
	}
	for (uint32_t i = 0; i < m->nledgers; i++)
		free(m->ledger[i].file);
	free(m->ledger);
	free(m->form);
	free(m->member);
	free(m->row_at);
	free(m->words);
	qn_missing_fini(&m->missing);
	memset(m, 0, sizeof(*m));
}

static enum quern_status no_memory(const struct qn_mosaic *m, struct quern_message *err)
{
	return qn_error_nomem(err, m->nmembers * sizeof(*m->member) + m->nwords * sizeof(*m->words),
			      "the parts of a dataset");
}

/* --- members --- */

/* What members can have in common. */
static void make_form(const struct qn_dataset *d, struct qn_dataset *form)
{
	*form = *d;
	qn_dataset_disown(form);
	memset(form->shape, 0, sizeof(form->shape));
	memset(form->beyond, 0, sizeof(form->beyond));
	form->file_nbytes = form->user_block = 0;
	form->file_mtime_ns = 0;
}

static bool find_form(struct qn_mosaic *m, const struct qn_dataset *form, uint32_t *number)
{
	for (uint32_t i = m->nforms; i > 0 && m->nforms - i < MOST_COMPARED; i--)
		if (!memcmp(&m->form[i - 1], form, sizeof(*form))) {
			*number = i - 1;
			return true;
		}
	if (!qn_grow(&m->form, &m->room_forms, m->nforms + 1, sizeof(*m->form)))
		return false;
	m->form[m->nforms] = *form;
	*number = m->nforms++;
	return true;
}

static bool copy_names(struct qn_member *new, const struct qn_dataset *d)
{
	new->file = qn_strdup(d->file);
	new->path = qn_strdup(d->path);
	new->shape = qn_calloc(2 * (size_t)d->ndim, sizeof(*new->shape));
	if (!new->file || !new->path || !new->shape)
		return false;
	memcpy(new->shape, d->shape, (size_t)d->ndim * sizeof(*new->shape));
	memcpy(new->shape + d->ndim, d->beyond, (size_t)d->ndim * sizeof(*new->shape));
	return true;
}

enum quern_status qn_mosaic_add(struct qn_mosaic *m, struct qn_dataset *d, uint32_t *member,
				struct quern_message *err)
{
	struct qn_member new = { .file_nbytes = d->file_nbytes,
				 .file_mtime_ns = d->file_mtime_ns,
				 .ledger = QN_NO_LEDGER };
	struct qn_dataset form;

	QN_ASSERT_VALID(dataset, d);
	make_form(d, &form);
	if (!qn_grow(&m->member, &m->room_members, m->nmembers + 1, sizeof(*m->member)) ||
	    !find_form(m, &form, &new.form) || !copy_names(&new, d)) {
		free(new.file);
		free(new.path);
		free(new.shape);
		return no_memory(m, err);
	}
	new.chunks = d->chunks;
	new.nchunks = d->nchunks;
	d->chunks = NULL;
	d->nchunks = 0;
	*member = m->nmembers;
	m->member[m->nmembers++] = new;
	return QUERN_OK;
}

enum quern_status qn_mosaic_add_ledger(struct qn_mosaic *m, const struct qn_ledger *new,
				       uint32_t *ledger, struct quern_message *err)
{
	char *file = qn_strdup(new->file);

	if (!file || !qn_grow(&m->ledger, &m->room_ledgers, m->nledgers + 1, sizeof(*m->ledger))) {
		free(file);
		return no_memory(m, err);
	}
	*ledger = m->nledgers;
	m->ledger[m->nledgers] = *new;
	m->ledger[m->nledgers++].file = file;
	return QUERN_OK;
}

void qn_mosaic_member(const struct qn_mosaic *m, uint32_t member, struct qn_dataset *out)
{
	const struct qn_member *x = &m->member[member];

	*out = m->form[x->form];
	out->file = x->file;
	out->path = x->path;
	memcpy(out->shape, x->shape, (size_t)out->ndim * sizeof(*out->shape));
	memcpy(out->beyond, x->shape + out->ndim, (size_t)out->ndim * sizeof(*out->shape));
	out->file_nbytes = x->file_nbytes;
	out->file_mtime_ns = x->file_mtime_ns;
	out->chunks = x->chunks;
	out->nchunks = x->nchunks;
}

const char *qn_mosaic_not_native(const struct qn_mosaic *m)
{
	for (uint32_t i = 0; i < m->nforms; i++)
		if (!m->form[i].native)
			return m->form[i].why_not_native;
	return NULL;
}

/* --- parts --- */

/* Pairs the dimensions that have more than one index, in order; false when they do not match. */
static bool pair(const struct quern_box *from, const struct quern_box *to, int *axis)
{
	int s = 0;

	for (int d = 0; d < to->ndim; d++) {
		axis[d] = -1;
		if (to->count[d] == 1)
			continue;
		while (s < from->ndim && from->count[s] == 1)
			s++;
		if (s == from->ndim || from->count[s] != to->count[d])
			return false;
		axis[d] = s++;
	}
	while (s < from->ndim && from->count[s] == 1)
		s++;
	return s == from->ndim;
}

static bool is_inside(const struct quern_box *b, const uint64_t *shape)
{
	for (int d = 0; d < b->ndim; d++) {
		uint64_t reach;

		if (!b->count[d] || !b->step[d] || !qn_mul(b->count[d] - 1, b->step[d], &reach) ||
		    !qn_add(b->start[d], reach, &reach) || reach >= shape[d])
			return false;
	}
	return true;
}

static uint64_t *put_box(uint64_t *w, const struct quern_box *b)
{
	for (int d = 0; d < b->ndim; d++) {
		*w++ = b->start[d];
		*w++ = b->count[d];
		*w++ = b->step[d];
	}
	return w;
}

static const uint64_t *take_box(const uint64_t *w, int ndim, struct quern_box *b)
{
	b->ndim = ndim;
	for (int d = 0; d < ndim; d++) {
		b->start[d] = *w++;
		b->count[d] = *w++;
		b->step[d] = *w++;
	}
	return w;
}

enum quern_status qn_mosaic_put(struct qn_mosaic *m, uint32_t member, const struct quern_box *from,
				const struct quern_box *to, bool *fits, struct quern_message *err)
{
	size_t nwords = 2 + 3 * (size_t)(from->ndim + to->ndim);
	int axis[QUERN_MAX_DIMS];
	uint64_t *w;

	*fits = to->ndim == m->ndim && from->ndim == m->form[m->member[member].form].ndim &&
		is_inside(from, m->member[member].shape) && pair(from, to, axis);
	if (!*fits)
		return QUERN_OK;
	if (!qn_grow(&m->row_at, &m->room_parts, m->nparts + 1, sizeof(*m->row_at)) ||
	    !qn_grow(&m->words, &m->room_words, m->nwords + nwords, sizeof(*m->words)))
		return no_memory(m, err);
	m->row_at[m->nparts++] = m->nwords;
	w = m->words + m->nwords;
	m->nwords += nwords;
	*w++ = member;
	*w++ = (uint64_t)from->ndim;
	put_box(put_box(w, to), from);
	return QUERN_OK;
}

void qn_mosaic_part(const struct qn_mosaic *m, uint64_t i, struct qn_part *out)
{
	const uint64_t *w = m->words + m->row_at[i];

	out->member = (uint32_t)w[0];
	take_box(take_box(w + 2, m->ndim, &out->to), (int)w[1], &out->from);
	pair(&out->from, &out->to, out->axis);
}

enum quern_status qn_mosaic_place(struct qn_mosaic *m, struct qn_dataset *d, const uint64_t *origin,
				  struct quern_message *err)
{
	struct quern_box from = { .ndim = d->ndim }, to;
	enum quern_status status;
	uint32_t member;
	bool fits;

	for (int i = 0; i < d->ndim; i++) {
		from.count[i] = d->shape[i];
		from.step[i] = 1;
	}
	to = from;
	memcpy(to.start, origin, (size_t)d->ndim * sizeof(*origin));
	status = qn_mosaic_add(m, d, &member, err);
	if (status != QUERN_OK || qn_dataset_nelems(d) == 0)
		return status;
	return qn_mosaic_put(m, member, &from, &to, &fits, err);
}

static bool is_valid_member(const struct qn_mosaic *m, const struct qn_member *x, const char **why)
{
	QN_HOLDS(x->form < m->nforms, "the form of a member is one of the mosaic");
	QN_HOLDS(x->file && x->path && x->shape, "a member has a file, a path and a shape");
	QN_HOLDS(x->ledger == QN_NO_LEDGER || x->ledger < m->nledgers,
		 "the ledger of a member is one of the mosaic");
	QN_HOLDS(!x->nchunks || x->chunks, "chunks that are counted are there");
	for (uint64_t i = 1; i < x->nchunks; i++)
		QN_HOLDS(x->chunks[i - 1].number < x->chunks[i].number,
			 "chunks ascend by their numbers");
	return true;
}

/* nwords: where its words begin; then where they end. */
static bool is_valid_part(const struct qn_mosaic *m, uint64_t i, uint64_t *nwords, const char **why)
{
	const uint64_t *w = m->words + m->row_at[i];
	struct quern_box from, to;
	int axis[QUERN_MAX_DIMS];

	QN_HOLDS(m->row_at[i] == *nwords && *nwords + 2 <= m->nwords,
		 "the words of a part follow those of the one before");
	QN_HOLDS(w[0] < m->nmembers, "the member of a part is one of the mosaic");
	QN_HOLDS(w[1] == (uint64_t)m->form[m->member[w[0]].form].ndim,
		 "a box of a member has its dimensions");
	*nwords += 2 + 3 * (w[1] + (uint64_t)m->ndim);
	QN_HOLDS(*nwords <= m->nwords, "the words of a part are there");
	take_box(take_box(w + 2, m->ndim, &to), (int)w[1], &from);
	QN_HOLDS(is_inside(&from, m->member[w[0]].shape), "the box of a part is inside its member");
	QN_HOLDS(pair(&from, &to, axis), "the boxes of a part have the same counts");
	return true;
}

bool qn_mosaic_is_valid(const struct qn_mosaic *m, const char **why)
{
	uint64_t nwords = 0;

	QN_HOLDS(m->ndim >= 0 && m->ndim <= QUERN_MAX_DIMS,
		 "a mosaic has up to QUERN_MAX_DIMS dimensions");
	for (uint32_t i = 0; i < m->nforms; i++)
		QN_HOLDS(m->form[i].ndim >= 0 && m->form[i].ndim <= QUERN_MAX_DIMS &&
				 !m->form[i].file && !m->form[i].chunks,
			 "a form has dimensions, and neither file nor chunks");
	for (uint32_t i = 0; i < m->nledgers; i++)
		QN_HOLDS(m->ledger[i].file, "a ledger has a file");
	for (uint32_t i = 0; i < m->nmembers; i++)
		if (!is_valid_member(m, &m->member[i], why))
			return false;
	for (uint64_t i = 0; i < m->nparts; i++)
		if (!is_valid_part(m, i, &nwords, why))
			return false;
	QN_HOLDS(nwords == m->nwords, "all words are of parts");
	return true;
}

/* The box of all elements that are stored in the dimensions before `dim`, and beyond in that one. */
static enum quern_status put_slab(struct qn_mosaic *m, uint32_t member, const struct qn_dataset *d,
				  int dim, const uint64_t *origin, struct quern_message *err)
{
	struct quern_box from = { .ndim = d->ndim }, to;
	uint64_t n = 1;
	bool fits;

	for (int i = 0; i < d->ndim; i++) {
		from.start[i] = i == dim ? d->shape[i] : 0;
		from.count[i] = i == dim  ? d->beyond[i]
				: i < dim ? d->shape[i]
					  : qn_dataset_length(d, i);
		from.step[i] = 1;
		n = from.count[i] ? n : 0;
	}
	to = from;
	for (int i = 0; i < d->ndim; i++)
		to.start[i] += origin[i];
	return n ? qn_mosaic_put(m, member, &from, &to, &fits, err) : QUERN_OK;
}

enum quern_status qn_mosaic_place_beyond(struct qn_mosaic *m, const struct qn_dataset *d,
					 const uint64_t *origin, struct quern_message *err)
{
	struct qn_dataset beyond;
	enum quern_status status;
	uint32_t member;

	if (!qn_dataset_ends_early(d))
		return QUERN_OK;
	qn_fill_beyond(d, &beyond);
	m->nbeyond++;
	status = qn_mosaic_add(m, &beyond, &member, err);
	for (int i = 0; status == QUERN_OK && i < d->ndim; i++)
		status = put_slab(m, member, d, i, origin, err);
	return status;
}

/* --- the flat form --- */

/*
 * uint64: size of a form, ndim, forms, members, parts, words, ledgers, datasets that end early; then
 * forms as they are in memory, row_at, words; each ledger: file_nbytes, file_mtime_ns, addr, rows,
 * bytes of its name; its name with its '\0'; and each member: form, ndim, file_nbytes, file_mtime_ns,
 * bytes of its two names, chunks, ledger, its rows, homes; shape; names with their '\0'; chunks.
 */
enum { HEAD_WORDS = 8, MEMBER_WORDS = 11, LEDGER_WORDS = 5 };

struct cursor {
	uint8_t *at, *end; /* at NULL: only the size is wanted */
	size_t nbytes;
};

static void write_bytes(struct cursor *c, const void *data, size_t nbytes)
{
	if (c->at && nbytes) {
		memcpy(c->at, data, nbytes);
		c->at += nbytes;
	}
	c->nbytes += nbytes;
}

static bool read_bytes(struct cursor *c, void *data, size_t nbytes)
{
	if ((size_t)(c->end - c->at) < nbytes)
		return false;
	if (nbytes)
		memcpy(data, c->at, nbytes);
	c->at += nbytes;
	return true;
}

static void write_member(struct cursor *c, const struct qn_mosaic *m, const struct qn_member *x,
			 bool with_chunks)
{
	size_t file = strlen(x->file) + 1, path = strlen(x->path) + 1;
	uint64_t ndim = (uint64_t)m->form[x->form].ndim;
	uint64_t nchunks = with_chunks ? x->nchunks : 0;
	uint64_t head[MEMBER_WORDS] = {
		x->form,      ndim,	x->file_nbytes, (uint64_t)x->file_mtime_ns,
		file,	      path,	nchunks,	x->ledger,
		x->first_row, x->nrows, x->nhomes
	};

	write_bytes(c, head, sizeof(head));
	write_bytes(c, x->shape, 2 * (size_t)ndim * sizeof(*x->shape));
	write_bytes(c, x->file, file);
	write_bytes(c, x->path, path);
	write_bytes(c, x->chunks, nchunks * sizeof(*x->chunks));
}

static void write_ledger(struct cursor *c, const struct qn_ledger *l)
{
	uint64_t head[LEDGER_WORDS] = { l->file_nbytes, (uint64_t)l->file_mtime_ns, l->addr,
					l->nrows, strlen(l->file) + 1 };

	write_bytes(c, head, sizeof(head));
	write_bytes(c, l->file, (size_t)head[4]);
}

static void write_mosaic(struct cursor *c, const struct qn_mosaic *m, bool with_chunks)
{
	uint64_t head[HEAD_WORDS] = {
		sizeof(*m->form), (uint64_t)m->ndim, m->nforms,	  m->nmembers,
		m->nparts,	  m->nwords,	     m->nledgers, m->nbeyond
	};

	write_bytes(c, head, sizeof(head));
	write_bytes(c, m->form, m->nforms * sizeof(*m->form));
	write_bytes(c, m->row_at, m->nparts * sizeof(*m->row_at));
	write_bytes(c, m->words, m->nwords * sizeof(*m->words));
	for (uint32_t i = 0; i < m->nledgers; i++)
		write_ledger(c, &m->ledger[i]);
	for (uint32_t i = 0; i < m->nmembers; i++)
		write_member(c, m, &m->member[i], with_chunks);
}

void *qn_mosaic_pack(const struct qn_mosaic *m, bool with_chunks, size_t *nbytes)
{
	struct cursor c = { .at = NULL };
	void *out;

	QN_ASSERT_VALID(mosaic, m);
	write_mosaic(&c, m, with_chunks);
	out = qn_malloc(c.nbytes);
	if (!out)
		return NULL;
	*nbytes = c.nbytes;
	c.at = out;
	write_mosaic(&c, m, with_chunks);
	return out;
}

static bool read_text(struct cursor *c, size_t nbytes, char **out)
{
	if (!nbytes || (size_t)(c->end - c->at) < nbytes || c->at[nbytes - 1])
		return false;
	*out = qn_strdup((const char *)c->at);
	c->at += nbytes;
	return *out;
}

static void *read_array(struct cursor *c, uint64_t n, size_t size)
{
	void *p;

	if (n > (uint64_t)(c->end - c->at) / size)
		return NULL;
	p = qn_calloc((size_t)n, size);
	if (p)
		read_bytes(c, p, (size_t)n * size);
	return p;
}

static bool read_member(struct cursor *c, const struct qn_mosaic *m, struct qn_member *x)
{
	uint64_t head[MEMBER_WORDS];

	if (!read_bytes(c, head, sizeof(head)) || head[0] >= m->nforms ||
	    head[1] != (uint64_t)m->form[head[0]].ndim || head[1] > QUERN_MAX_DIMS)
		return false;
	x->form = (uint32_t)head[0];
	x->file_nbytes = head[2];
	x->file_mtime_ns = (int64_t)head[3];
	x->shape = qn_calloc(2 * (size_t)head[1], sizeof(*x->shape));
	if (!x->shape || !read_bytes(c, x->shape, 2 * (size_t)head[1] * sizeof(*x->shape)) ||
	    !read_text(c, (size_t)head[4], &x->file) || !read_text(c, (size_t)head[5], &x->path))
		return false;
	if (head[7] != QN_NO_LEDGER && head[7] >= m->nledgers)
		return false;
	x->ledger = (uint32_t)head[7];
	x->first_row = head[8];
	x->nrows = head[9];
	x->nhomes = (uint32_t)head[10];
	x->nchunks = head[6];
	x->chunks = x->nchunks ? read_array(c, x->nchunks, sizeof(*x->chunks)) : NULL;
	return x->chunks || !x->nchunks;
}

static bool read_ledger(struct cursor *c, struct qn_ledger *l)
{
	uint64_t head[LEDGER_WORDS];

	if (!read_bytes(c, head, sizeof(head)))
		return false;
	l->file_nbytes = head[0];
	l->file_mtime_ns = (int64_t)head[1];
	l->addr = head[2];
	l->nrows = head[3];
	return read_text(c, (size_t)head[4], &l->file);
}

static bool read_mosaic(struct cursor *c, struct qn_mosaic *m)
{
	uint64_t head[HEAD_WORDS];

	if (!read_bytes(c, head, sizeof(head)) || head[0] != sizeof(*m->form) ||
	    head[3] > (uint64_t)(c->end - c->at) || head[6] > (uint64_t)(c->end - c->at))
		return false;
	m->ndim = (int)head[1];
	m->nforms = (uint32_t)head[2];
	m->nparts = head[4];
	m->nwords = head[5];
	m->nbeyond = head[7];
	m->form = read_array(c, head[2], sizeof(*m->form));
	m->row_at = read_array(c, head[4], sizeof(*m->row_at));
	m->words = read_array(c, head[5], sizeof(*m->words));
	m->member = qn_calloc((size_t)head[3], sizeof(*m->member));
	m->ledger = qn_calloc((size_t)head[6], sizeof(*m->ledger));
	if (!m->form || !m->row_at || !m->words || !m->member || !m->ledger)
		return false;
	for (; m->nledgers < head[6]; m->nledgers++)
		if (!read_ledger(c, &m->ledger[m->nledgers])) {
			m->nledgers++;
			return false;
		}
	for (; m->nmembers < head[3]; m->nmembers++)
		if (!read_member(c, m, &m->member[m->nmembers])) {
			m->nmembers++; /* so that fini frees what it has */
			return false;
		}
	return c->at == c->end;
}

enum quern_status qn_mosaic_unpack(const void *data, size_t nbytes, struct qn_mosaic *m,
				   struct quern_message *err)
{
	struct cursor c = { .at = (uint8_t *)data, .end = (uint8_t *)data + nbytes };

	qn_mosaic_init(m, 0);
	if (read_mosaic(&c, m)) {
		QN_ASSERT_VALID(mosaic, m);
		return QUERN_OK;
	}
	qn_mosaic_fini(m);
	return qn_error_set(err, QUERN_ERR_RUN,
			    "the parts of the dataset cannot be had from rank 0: "
			    "this rank runs another build, or has no memory");
}
