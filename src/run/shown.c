#include "run/shown.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

#define SLICE_NWORDS (UINT64_C(1) << 17) /* of bits that are gathered at once */

/* --- of all ranks --- */

static enum quern_status reduce_slice(struct qn_run *run, qn_seen *seen, uint64_t n,
				      struct quern_message *err)
{
	const size_t nranks = (size_t)qn_comm_size(run->team->comm);
	uint64_t *all = NULL, *mine = qn_calloc(n, sizeof(*mine));
	const bool leads = qn_comm_rank(run->team->comm) == 0;
	enum quern_status st = mine ? QUERN_OK : qn_error_nomem(err, n * sizeof(*mine), "groups");

	if (leads && !st && !(all = qn_calloc(n * nranks, sizeof(*all))))
		st = qn_error_nomem(err, n * nranks * sizeof(*all), "groups");
	for (uint64_t i = 0; mine && i < n; i++)
		mine[i] = seen[i];
	st = qn_comm_agree(run->team->comm, st, err);
	if (!st)
		st = qn_comm_gather(run->team->comm, mine, n * sizeof(*mine), all, err);
	for (uint64_t i = 0; !st && leads && i < n * nranks; i++)
		seen[i % n] |= all[i];
	free(mine);
	free(all);
	return st;
}

enum quern_status qn_seen_share(struct qn_run *run, struct quern_message *err)
{
	const uint64_t nwords = run->cells.seen ? qn_seen_nwords(run->cells.rows) : 0;
	enum quern_status st = QUERN_OK;

	if (qn_comm_size(run->team->comm) == 1)
		return QUERN_OK;
	for (uint64_t at = 0, n; !st && at < nwords; at += n) {
		n = qn_min_u64(nwords - at, SLICE_NWORDS);
		st = reduce_slice(run, run->cells.seen + at, n, err);
	}
	if (st || !nwords)
		return st;
	return qn_comm_bcast(run->team->comm, run->cells.seen, nwords * sizeof(uint64_t), err);
}

/* --- what is shown --- */

/* Groups of key k from one to the next. */
static uint64_t stride_of(const struct qn_run *run, int k)
{
	uint64_t stride = 1;

	for (int i = k + 1; i < run->keys.n; i++)
		stride *= run->keys.key[i].ngroups;
	return stride;
}

static bool has(const struct qn_run *run, uint64_t number)
{
	const qn_seen *seen = run->cells.seen;

	return !seen || (seen[number / 64] >> number % 64 & 1);
}

static uint32_t *new_list(uint64_t n)
{
	return qn_calloc(n + 1, sizeof(uint32_t));
}

/* The groups of a key that any combination has; bins are all there. */
static bool find_groups(const struct qn_run *run, int k, uint64_t ncombinations,
			struct qn_shown *out)
{
	const struct qn_key *key = &run->keys.key[k];
	const uint64_t stride = stride_of(run, k);
	uint32_t *list = out->group[k] = new_list(key->ngroups);

	out->ngroups[k] = 0;
	for (uint64_t i = 0; list && i < ncombinations; i++)
		if (has(run, i))
			list[i / stride % key->ngroups] = 1;
	for (uint32_t g = 0; list && g < key->ngroups; g++)
		if (list[g] || key->kind == QN_KEY_BINS)
			list[out->ngroups[k]++] = g;
	return list != NULL;
}

/* The product of the groups that are listed. */
static bool multiply(const struct qn_run *run, struct qn_shown *out)
{
	out->n = 1;
	for (int k = 0; k < run->keys.n; k++)
		out->n *= out->ngroups[k];
	out->number = qn_calloc(out->n + 1, sizeof(*out->number));
	for (uint64_t i = 0; out->number && i < out->n; i++) {
		uint64_t rest = i;

		for (int k = run->keys.n - 1; k >= 0; rest /= out->ngroups[k--])
			out->number[i] += out->group[k][rest % out->ngroups[k]] * stride_of(run, k);
	}
	return out->number != NULL;
}

/* The combinations that occur, and the groups of each. */
static bool list_pairs(const struct qn_run *run, uint64_t ncombinations, struct qn_shown *out)
{
	bool ok;

	out->n = 0;
	for (uint64_t i = 0; i < ncombinations; i++)
		out->n += has(run, i);
	ok = (out->number = qn_calloc(out->n + 1, sizeof(*out->number))) != NULL;
	for (uint64_t i = 0, n = 0; ok && i < ncombinations; i++)
		if (has(run, i))
			out->number[n++] = i;
	for (int k = 0; ok && k < run->keys.n; k++) {
		const uint64_t stride = stride_of(run, k);

		out->ngroups[k] = out->n;
		ok = (out->group[k] = new_list(out->n)) != NULL;
		for (uint64_t i = 0; ok && i < out->n; i++)
			out->group[k][i] =
				(uint32_t)(out->number[i] / stride % run->keys.key[k].ngroups);
	}
	return ok;
}

bool qn_shown_find(const struct qn_run *run, struct qn_shown *out)
{
	uint64_t ncombinations = 1;
	bool ok = true;

	memset(out, 0, sizeof(*out));
	for (int k = 0; k < run->keys.n; k++) {
		out->ngroups[k] = run->keys.key[k].ngroups;
		ncombinations *= run->keys.key[k].ngroups;
	}
	out->n = ncombinations;
	out->nkept = ncombinations ? run->rows.nrows / ncombinations : run->rows.nrows;
	if (run->settings.pairs)
		return list_pairs(run, ncombinations, out);
	if (!run->cells.seen)
		return true;
	for (int k = 0; ok && k < run->keys.n; k++)
		ok = find_groups(run, k, ncombinations, out);
	return ok && multiply(run, out);
}

void qn_shown_fini(struct qn_shown *s)
{
	free(s->number);
	for (int k = 0; k < QN_MOST_KEYS; k++)
		free(s->group[k]);
	memset(s, 0, sizeof(*s));
}

uint64_t qn_shown_before(const struct qn_shown *s, uint64_t row)
{
	uint64_t low = 0, high = s->n;

	if (!s->number)
		return row;
	while (low < high) {
		const uint64_t at = low + (high - low) / 2;

		if (s->number[at] < row / s->nkept)
			low = at + 1;
		else
			high = at;
	}
	return low * s->nkept +
	       (low < s->n && s->number[low] == row / s->nkept ? row % s->nkept : 0);
}
