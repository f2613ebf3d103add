#include "crew/refusals.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/text.h"

void qn_refusals_fini(struct qn_refusals *r)
{
	free(r->refusal);
	free(r->chunk);
	memset(r, 0, sizeof(*r));
}

bool qn_refusals_reserve(struct qn_refusals *r, size_t n, size_t nchunks)
{
	return qn_grow(&r->refusal, &r->room, r->n + n, sizeof(*r->refusal)) &&
	       qn_grow(&r->chunk, &r->room_chunks, r->nchunks + nchunks, sizeof(*r->chunk));
}

bool qn_refusals_add(struct qn_refusals *r, const struct qn_team *team, const struct qn_task *t,
		     uint32_t member, const struct quern_message *why)
{
	if (!qn_refusals_reserve(r, 1, t->nchunks))
		return false;
	if (!r->n) {
		r->status = why->status;
		qn_text_put(r->why, sizeof(r->why), why->text);
	}
	r->refusal[r->n++] = (struct qn_refusal){ .item = t->item,
						  .nchunks = t->nchunks,
						  .member = member,
						  .host = team->place.host,
						  .rank = qn_comm_rank(team->comm) };
	memcpy(r->chunk + r->nchunks, qn_task_chunks(t), t->nchunks * sizeof(*r->chunk));
	r->nchunks += t->nchunks;
	return true;
}

bool qn_refusals_merge(struct qn_refusals *into, struct qn_refusals *from)
{
	const bool ok = !from->n || qn_refusals_reserve(into, from->n, from->nchunks);

	if (ok && from->n) {
		if (!into->n) {
			into->status = from->status;
			memcpy(into->why, from->why, sizeof(into->why));
		}
		memcpy(into->refusal + into->n, from->refusal, from->n * sizeof(*from->refusal));
		memcpy(into->chunk + into->nchunks, from->chunk,
		       from->nchunks * sizeof(*from->chunk));
		into->n += from->n;
		into->nchunks += from->nchunks;
	}
	qn_refusals_fini(from);
	return ok;
}

bool qn_refusals_can(const struct qn_team *team, const struct qn_subject *subject,
		     const struct qn_where *where, uint32_t member)
{
	struct qn_dataset d;

	if (subject->mosaic.member[member].ledger == QN_NO_LEDGER ||
	    qn_comm_nhosts(team->comm) == 1)
		return false;
	qn_mosaic_member(&subject->mosaic, member, &d);
	if (!d.native)
		return false;
	for (uint32_t h = 0; h < (uint32_t)qn_comm_nhosts(team->comm); h++)
		if (h != team->place.host && qn_access_tier(&where->access, member, h) != QN_NTIERS)
			return true;
	return false;
}

void qn_skips_add(struct qn_skips *s, uint32_t member, uint32_t operand,
		  const struct qn_chunk *chunk, uint64_t n)
{
	for (uint64_t i = 0; i < n && s->n < QN_NSKIPS; i++) {
		s->skip[s->n].member = member;
		s->skip[s->n].operand = operand;
		s->skip[s->n++].number = chunk[i].number;
	}
}

void qn_skips_merge(struct qn_skips *into, const struct qn_skips *from)
{
	for (uint32_t i = 0; i < from->n && into->n < QN_NSKIPS; i++)
		into->skip[into->n++] = from->skip[i];
}
