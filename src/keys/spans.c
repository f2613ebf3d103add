#include "keys/spans.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/mem.h"

/* The times that the groups of a key are made of. */
struct times {
	struct qn_key *key;
	const struct qn_values *values;
	const uint64_t *place;
};

static enum quern_status no_memory(const struct qn_key *key, struct quern_message *err)
{
	return qn_error_nomem(err, key->ngroups * sizeof(*key->starts), "a key");
}

/* Where the parts begin and end, as numbers. */
static enum quern_status span_parts(struct qn_key *key, struct quern_message *err)
{
	struct qn_instant from, to;

	key->starts = qn_calloc(key->ngroups, sizeof(*key->starts));
	key->ends = qn_calloc(key->ngroups, sizeof(*key->ends));
	if (!key->starts || !key->ends)
		return no_memory(key, err);
	qn_part_units(&key->part, key->units);
	snprintf(key->calendar, sizeof(key->calendar), "%s",
		 qn_calendar_name(key->part.epoch.calendar));
	for (uint32_t i = 0; i < key->ngroups; i++)
		if (!qn_part_span(&key->part, key->integers[i], &from, &to) ||
		    !qn_part_number(&key->part, &from, &key->starts[i]) ||
		    !qn_part_number(&key->part, &to, &key->ends[i]))
			return qn_error_set(err, QUERN_ERR_DATA,
					    "--by: %s: a time in %s is too far away", key->text,
					    key->path);
	return QUERN_OK;
}

static bool is_before(const struct qn_values *v, uint64_t a, uint64_t b)
{
	return v->integers ? v->integers[a] < v->integers[b] : v->reals[a] < v->reals[b];
}

/* Places of the first and the last time of each group. */
static void find_ends(const struct times *g, uint64_t *first, uint64_t *last)
{
	const struct qn_key *key = g->key;
	const struct qn_values *v = g->values;

	for (uint32_t i = 0; i < key->ngroups; i++)
		first[i] = last[i] = UINT64_MAX;
	for (uint64_t i = 0; i < key->nindexes; i++) {
		const int32_t group = key->group[i];
		const uint64_t at = g->place[i];

		if (group < 0)
			continue;
		if (first[group] == UINT64_MAX || is_before(v, at, first[group]))
			first[group] = at;
		if (last[group] == UINT64_MAX || is_before(v, last[group], at))
			last[group] = at;
	}
}

static bool time_at(const struct times *g, uint64_t at, struct qn_instant *t)
{
	const struct qn_values *v = g->values;
	const struct qn_epoch *e = &g->key->part.epoch;

	return v->integers ? qn_epoch_at_int(e, v->integers[at], t)
			   : qn_epoch_at_real(e, v->reals[at], t);
}

/* Where the stretch around a time begins and ends, as numbers. */
static bool stretch_around(const struct qn_time_part *p, const struct qn_instant *t, int64_t *from,
			   int64_t *to)
{
	struct qn_instant begin, end;

	return qn_part_around(p, t, &begin, &end) && qn_part_number(p, &begin, from) &&
	       qn_part_number(p, &end, to);
}

/* The middle of the first stretch of group i, or of the next one that is behind that of the group before it: times along
   a dimension must rise, and where they begin in July the first January is behind the first December. */
static bool place_middle(struct qn_key *key, uint32_t i, struct qn_instant t)
{
	int64_t from, to;

	do {
		if (!stretch_around(&key->part, &t, &from, &to))
			return false;
		key->middles[i] = (double)from + (double)(to - from) / 2;
	} while (i && key->middles[i] <= key->middles[i - 1] && qn_part_again(&key->part, &t));
	return !i || key->middles[i] > key->middles[i - 1];
}

static bool span_cycle(const struct times *g, uint32_t i, uint64_t first, uint64_t last)
{
	struct qn_key *key = g->key;
	struct qn_instant t;
	int64_t between;

	return time_at(g, last, &t) && stretch_around(&key->part, &t, &between, &key->ends[i]) &&
	       time_at(g, first, &t) && stretch_around(&key->part, &t, &key->starts[i], &between) &&
	       place_middle(key, i, t);
}

/* From the first to the last time that each part came. Where that is not known, nobody misses it. */
static enum quern_status span_cycles(const struct times *g, struct quern_message *err)
{
	struct qn_key *key = g->key;
	const uint32_t n = key->ngroups;
	uint64_t *first = qn_calloc(n, sizeof(*first)), *last = qn_calloc(n, sizeof(*last));
	bool ok = first && last && g->place;

	key->starts = qn_calloc(n, sizeof(*key->starts));
	key->ends = qn_calloc(n, sizeof(*key->ends));
	key->middles = qn_calloc(n, sizeof(*key->middles));
	ok = ok && key->starts && key->ends && key->middles;
	if (ok)
		find_ends(g, first, last);
	qn_part_units(&key->part, key->units);
	snprintf(key->calendar, sizeof(key->calendar), "%s",
		 qn_calendar_name(key->part.epoch.calendar));
	for (uint32_t i = 0; ok && key->middles && i < n; i++)
		if (!span_cycle(g, i, first[i], last[i])) {
			free(key->middles);
			key->middles = NULL;
		}
	free(first);
	free(last);
	return ok ? QUERN_OK : no_memory(key, err);
}

enum quern_status qn_key_span(struct qn_key *key, const struct qn_values *values,
			      const uint64_t *place, struct quern_message *err)
{
	const struct times g = { key, values, place };

	if (qn_part_is_time(key->part.kind))
		return span_parts(key, err);
	return qn_part_cycle(key->part.kind) ? span_cycles(&g, err) : QUERN_OK;
}
