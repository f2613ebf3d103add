/*
 * layout.c - the layout message of a dataset, from its object header: IV.A.2.i of the
 * specification.
 */
#include "io/hdf5_format/layout.h"

static bool take_dims(struct qn_h5_cursor *c, unsigned ndims, unsigned width,
		      struct qn_h5_layout *l)
{
	if (ndims < 2 || ndims > QUERN_MAX_DIMS + 1 || width < 1 || width > 8)
		return false;
	l->ndims = ndims;
	for (unsigned i = 0; i < ndims; i++)
		l->dim[i] = qn_h5_take(c, width);
	return true;
}

/* Versions 1 and 2, of the HDF5 releases before 1.6.3. */
static bool take_layout_1(struct qn_h5_cursor *c, const struct qn_h5_raw *r, struct qn_h5_layout *l)
{
	unsigned ndims = (unsigned)qn_h5_take(c, 1);

	l->class = (enum qn_layout)qn_h5_take(c, 1);
	qn_h5_skip(c, 5);
	if (l->class == QN_CHUNKED) {
		l->index = QN_H5_BTREE1;
		l->index_addr = qn_h5_take_addr(c, r);
		return take_dims(c, ndims, 4, l);
	}
	l->data_addr = l->class == QN_COMPACT ? 0 : qn_h5_take_addr(c, r);
	qn_h5_skip(c, 4 * (size_t)ndims);
	return ndims <= QUERN_MAX_DIMS + 1;
}

static bool take_chunked_3(struct qn_h5_cursor *c, const struct qn_h5_raw *r,
			   struct qn_h5_layout *l)
{
	unsigned ndims = (unsigned)qn_h5_take(c, 1);

	l->index = QN_H5_BTREE1;
	l->index_addr = qn_h5_take_addr(c, r);
	return take_dims(c, ndims, 4, l);
}

/* The numbers that say how an index grows come before its address; headers of indexes repeat
   those that matter. */
static bool take_index_4(struct qn_h5_cursor *c, const struct qn_h5_raw *r, bool single_filtered,
			 struct qn_h5_layout *l)
{
	static const struct {
		enum qn_h5_index index;
		size_t nparam_bytes;
	} kinds[] = { { QN_H5_BTREE1, 0 },	     { QN_H5_SINGLE, 0 },
		      { QN_H5_IMPLICIT, 0 },	     { QN_H5_FIXED_ARRAY, 1 },
		      { QN_H5_EXTENSIBLE_ARRAY, 5 }, { QN_H5_BTREE2, 6 } };
	uint64_t kind = qn_h5_take(c, 1);

	if (kind < 1 || kind >= sizeof(kinds) / sizeof(kinds[0]))
		return false;
	l->index = kinds[kind].index;
	if (l->index == QN_H5_SINGLE && single_filtered) {
		l->single_filtered = true;
		l->single_nbytes = qn_h5_take(c, r->length_nbytes);
		l->single_mask = (uint32_t)qn_h5_take(c, 4);
	}
	qn_h5_skip(c, kinds[kind].nparam_bytes);
	l->index_addr = qn_h5_take_addr(c, r);
	return true;
}

static bool take_chunked_4(struct qn_h5_cursor *c, const struct qn_h5_raw *r,
			   struct qn_h5_layout *l)
{
	unsigned flags = (unsigned)qn_h5_take(c, 1);
	unsigned ndims = (unsigned)qn_h5_take(c, 1);
	unsigned width = (unsigned)qn_h5_take(c, 1);

	l->raw_edges = flags & 1;
	return take_dims(c, ndims, width, l) && take_index_4(c, r, flags & 2, l);
}

/* Versions 3 and 4 differ in the chunked class only; 4 also has virtual datasets. */
static bool take_layout_3(struct qn_h5_cursor *c, const struct qn_h5_raw *r, uint64_t addr,
			  struct qn_h5_layout *l)
{
	l->class = (enum qn_layout)qn_h5_take(c, 1);
	switch ((int)l->class) {
	case QN_COMPACT:
		l->data_nbytes = qn_h5_take(c, 2);
		l->data_addr = addr + 4; /* after version, class and size */
		qn_h5_skip(c, l->data_nbytes);
		return true;
	case QN_CONTIGUOUS:
		l->data_addr = qn_h5_take_addr(c, r);
		l->data_nbytes = qn_h5_take(c, r->length_nbytes);
		return true;
	case QN_CHUNKED:
		return l->version == 3 ? take_chunked_3(c, r, l) : take_chunked_4(c, r, l);
	case QN_VIRTUAL:
		return true;
	default:
		return false;
	}
}

bool qn_h5_layout_take(const struct qn_h5_raw *r, const struct qn_h5_message *m,
		       struct qn_h5_layout *out)
{
	struct qn_h5_cursor c = { m->data, m->data + m->nbytes, false };
	struct qn_h5_layout l = { .index_addr = QN_ADDR_NONE, .data_addr = QN_ADDR_NONE };
	bool ok = true;

	l.version = (unsigned)qn_h5_take(&c, 1);
	l.is_known = l.version >= 1 && l.version <= 4;
	if (l.is_known)
		ok = l.version < 3 ? take_layout_1(&c, r, &l) : take_layout_3(&c, r, m->addr, &l);
	if (ok && !c.overrun)
		*out = l;
	return ok && !c.overrun;
}

struct wanted {
	bool found;
	struct qn_h5_layout *layout;
};

static enum quern_status visit(void *ctx, struct qn_h5_raw *r, const struct qn_h5_message *m,
			       bool *stop)
{
	struct wanted *w = ctx;

	if (m->type != QN_H5_LAYOUT)
		return QUERN_OK;
	if (!qn_h5_layout_take(r, m, w->layout))
		return qn_h5_damaged(r, m->addr, "the layout message makes no sense");
	w->found = *stop = true;
	return QUERN_OK;
}

enum quern_status qn_h5_layout_read(struct qn_h5_raw *r, uint64_t header_addr,
				    struct qn_h5_layout *out)
{
	struct wanted w = { .layout = out };
	enum quern_status status = qn_h5_header_walk(r, header_addr, visit, &w);

	if (status == QUERN_OK && !w.found)
		status = qn_h5_damaged(r, header_addr, "the object header has no layout message");
	return status;
}
