#include "run/report.h"

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
