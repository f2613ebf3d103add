#include "describe/pieces.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

size_t qn_value_piece_size(const struct qn_value_piece *p)
{
	return p->kind == QN_PIECE_TEXTS ? p->text_nbytes : sizeof(double);
}

void **qn_value_piece_values(const struct qn_value_piece *p, struct qn_values *v)
{
	if (p->kind == QN_PIECE_TEXTS)
		return (void **)&v->texts;
	return p->kind == QN_PIECE_REALS ? (void **)&v->reals : (void **)&v->integers;
}

enum quern_status qn_value_piece_add(struct qn_value_block *b, const struct qn_dataset *d,
				     const struct qn_values *v, uint64_t length,
				     struct quern_message *err)
{
	struct qn_value_piece p = {
		.n = v->n,
		.length = length,
		.kind = v->texts   ? QN_PIECE_TEXTS
			: v->reals ? QN_PIECE_REALS
				   : QN_PIECE_INTEGERS,
		.is_unsigned = v->is_unsigned,
		.has_missing = v->missing != NULL,
		.text_nbytes = v->text_nbytes,
	};
	struct qn_values all = *v;
	const size_t n = v->n * qn_value_piece_size(&p),
		     more = sizeof(p) + n + (v->missing ? v->n : 0);
	char *bytes = qn_realloc(b->bytes, b->nbytes + more);

	if (!bytes)
		return qn_error_nomem(err, b->nbytes + more, d->path);
	memcpy(p.units, d->units, sizeof(p.units));
	memcpy(p.calendar, d->calendar, sizeof(p.calendar));
	b->bytes = bytes;
	bytes += b->nbytes;
	memcpy(bytes, &p, sizeof(p));
	if (n)
		memcpy(bytes + sizeof(p), *qn_value_piece_values(&p, &all), n);
	if (v->missing)
		memcpy(bytes + sizeof(p) + n, v->missing, v->n);
	b->nbytes += more;
	return QUERN_OK;
}

enum quern_status qn_value_piece_take(const char **at, const char *end,
				      struct qn_value_piece *piece, struct qn_values *v,
				      struct quern_message *err)
{
	size_t left = (size_t)(end - *at), n;

	memset(v, 0, sizeof(*v));
	if (left < sizeof(*piece))
		return qn_error_set(err, QUERN_ERR_RUN, "values of a file are lacking");
	memcpy(piece, *at, sizeof(*piece));
	*at += sizeof(*piece);
	left -= sizeof(*piece);
	if (piece->n > left || piece->text_nbytes > QN_MAX_TEXT_NBYTES ||
	    piece->n * (qn_value_piece_size(piece) + piece->has_missing) > left)
		return qn_error_set(err, QUERN_ERR_RUN, "values of a file are lacking");
	n = piece->n * qn_value_piece_size(piece);
	v->n = piece->n;
	v->is_unsigned = piece->is_unsigned;
	v->text_nbytes = piece->text_nbytes;
	*qn_value_piece_values(piece, v) = qn_malloc(n + 1);
	v->missing = piece->has_missing ? qn_malloc(piece->n + 1) : NULL;
	if (!*qn_value_piece_values(piece, v) || (piece->has_missing && !v->missing))
		return qn_error_nomem(err, n, "values");
	memcpy(*qn_value_piece_values(piece, v), *at, n);
	*at += n;
	if (v->missing)
		memcpy(v->missing, *at, piece->n);
	*at += piece->has_missing ? piece->n : 0;
	return QUERN_OK;
}
