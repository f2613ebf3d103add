#include "data/mosaic.h"

/* The box of a part of `from` in the mosaic that it becomes a part of. */
static void lift(const struct quern_box *box, int ndim, const uint64_t *origin, int nbefore,
		 struct quern_box *out)
{
	out->ndim = ndim;
	for (int d = 0; d < ndim; d++) {
		const int k = d - nbefore;

		out->start[d] = origin[d] + (k < 0 ? 0 : box->start[k]);
		out->count[d] = k < 0 ? 1 : box->count[k];
		out->step[d] = k < 0 ? 1 : box->step[k];
	}
}

static enum quern_status unite_members(struct qn_mosaic *m, struct qn_mosaic *from,
				       struct quern_message *err)
{
	const uint32_t first_ledger = m->nledgers;
	enum quern_status st = QUERN_OK;
	uint32_t member, ledger;

	for (uint32_t i = 0; !st && i < from->nledgers; i++)
		st = qn_mosaic_add_ledger(m, &from->ledger[i], &ledger, err);
	for (uint32_t i = 0; !st && i < from->nmembers; i++) {
		struct qn_member *theirs = &from->member[i], *ours;
		struct qn_dataset d;

		qn_mosaic_member(from, i, &d);
		st = qn_mosaic_add(m, &d, &member, err);
		theirs->chunks = d.chunks; /* taken, or still theirs */
		if (st)
			return st;
		ours = &m->member[member];
		ours->ledger = theirs->ledger == QN_NO_LEDGER ? QN_NO_LEDGER
							      : first_ledger + theirs->ledger;
		ours->first_row = theirs->first_row;
		ours->nrows = theirs->nrows;
		ours->nhomes = theirs->nhomes;
	}
	return st;
}

enum quern_status qn_mosaic_unite(struct qn_mosaic *m, struct qn_mosaic *from,
				  const uint64_t *origin, int nbefore, struct quern_message *err)
{
	const uint32_t first = m->nmembers;
	enum quern_status st = unite_members(m, from, err);
	bool fits;

	for (uint64_t i = 0; !st && i < from->nparts; i++) {
		struct quern_box to;
		struct qn_part p;

		qn_mosaic_part(from, i, &p);
		lift(&p.to, m->ndim, origin, nbefore, &to);
		st = qn_mosaic_put(m, first + p.member, &p.from, &to, &fits, err);
	}
	m->nbeyond += from->nbeyond;
	return st ? st : qn_missing_unite(&m->missing, &from->missing, err);
}
