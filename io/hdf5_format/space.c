#include "io/hdf5_format/space.h"

#include <string.h>

struct look {
	struct qn_h5_space *out;
	enum qn_h5_kind kind;
};

/* Version, dimensions, flags, in version 1 five bytes, in version 2 the kind (1: an array); lengths,
   and with the first flag the largest ones. */
bool qn_h5_space_take(const struct qn_h5_raw *r, const struct qn_h5_message *m,
		      struct qn_h5_space *out)
{
	struct qn_h5_cursor c = { m->data, m->data + m->nbytes, false };
	unsigned version = (unsigned)qn_h5_take(&c, 1), ndim = (unsigned)qn_h5_take(&c, 1);
	unsigned flags = (unsigned)qn_h5_take(&c, 1);
	unsigned kind = version == 1 ? ndim > 0 : (unsigned)qn_h5_take(&c, 1);

	qn_h5_skip(&c, version == 1 ? 5 : 0);
	memset(out, 0, sizeof(*out));
	if ((m->flags & QN_H5_SHARED) || version < 1 || version > 2 || kind > 2 || flags > 1 ||
	    ndim > QUERN_MAX_DIMS || (kind == 1) != (ndim > 0) || r->length_nbytes != 8)
		return false;
	out->ndim = (int)ndim;
	for (unsigned i = 0; i < ndim; i++)
		out->shape[i] = out->most[i] = qn_h5_take(&c, 8);
	for (unsigned i = 0; flags && i < ndim; i++)
		out->most[i] = qn_h5_take(&c, 8);
	return !c.overrun;
}

static enum quern_status visit(void *ctx, struct qn_h5_raw *r, const struct qn_h5_message *m,
			       bool *stop)
{
	struct look *l = ctx;

	if (m->type == QN_H5_DATASPACE)
		l->kind = qn_h5_space_take(r, m, l->out) ? QN_H5_IS_DATASET : QN_H5_UNKNOWN;
	else if (m->type == QN_H5_SYMBOL_TABLE || m->type == QN_H5_LINK_INFO ||
		 m->type == QN_H5_LINK)
		l->kind = QN_H5_IS_GROUP;
	else
		return QUERN_OK;
	*stop = true;
	return QUERN_OK;
}

enum qn_h5_kind qn_h5_look(struct qn_h5_raw *r, uint64_t header, struct qn_h5_space *out)
{
	struct quern_message ignored = { .status = QUERN_OK }, *err = r->err;
	struct look l = { out, QN_H5_IS_ELSE };
	uint64_t budget = r->budget;

	r->err = &ignored;
	if (qn_h5_header_walk(r, header, visit, &l) != QUERN_OK)
		l.kind = QN_H5_UNKNOWN;
	r->err = err;
	r->budget = budget;
	return l.kind;
}

bool qn_h5_space_exceeds(const struct qn_h5_space *s, uint64_t n)
{
	for (int i = 0; i < s->ndim; i++)
		if (s->most[i] == UINT64_MAX && s->shape[i] > n)
			return true;
	return false;
}
