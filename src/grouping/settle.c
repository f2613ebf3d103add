/*
 * settle.c - the values that all ranks have collected, as the groups of a key on all of them.
 */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "grouping/computed.h"
#include "kernel/tile.h"

static enum quern_status check(const struct qn_key *key, const struct qn_value_set *set,
			       struct quern_message *err)
{
	if (set->lacks_room)
		return qn_error_nomem(err, set->nslots * 2 * sizeof(*set->slot),
				      "the values of a key");
	if (set->is_beyond)
		return qn_error_set(err, QUERN_ERR_USAGE,
				    "--by: %s has more than %" PRIu64 " different values: put "
				    "them into fewer groups, as with bin(x, START:STOP:STEP) or "
				    "NAME=x // 100",
				    key->text, (uint64_t)QN_MOST_VALUES_OF_KEY);
	return QUERN_OK;
}

enum quern_status qn_computed_check(const struct qn_computed_keys *c, const struct qn_keys *keys,
				    int i, const struct qn_value_set *set,
				    struct quern_message *err)
{
	return check(&keys->key[c->given[i].key], set, err);
}

/* Rank 0: what all have, in one set. */
static enum quern_status merge(const struct qn_key *key, const int64_t *all, uint64_t n,
			       struct qn_value_set *set, struct quern_message *err)
{
	for (uint64_t i = 0; i < n; i++)
		qn_value_set_add(set, all[i]);
	return check(key, set, err);
}

/* The values of all ranks, rising, on all ranks: owned. Collective. */
static enum quern_status share(const struct qn_team *team, const struct qn_key *key,
			       const struct qn_value_set *set, int64_t **out, size_t *nbytes,
			       struct quern_message *err)
{
	const int nranks = qn_comm_size(team->comm);
	const bool leads = qn_comm_rank(team->comm) == 0;
	struct qn_value_set merged = { .n = 0 };
	uint64_t n = 0, *nbytes_of = qn_calloc((size_t)nranks, sizeof(*nbytes_of)), sum = 0;
	int64_t *mine = qn_value_set_list(set, &n);
	void *all = NULL;
	enum quern_status st = check(key, set, err);

	*out = NULL;
	if (!st && (!nbytes_of || !mine))
		st = qn_error_nomem(err, n * sizeof(*mine), "the values of a key");
	st = qn_comm_agree(team->comm, st, err);
	if (!st)
		st = qn_comm_gather_blocks(team->comm, mine, n * sizeof(*mine), &all, nbytes_of,
					   err);
	for (int r = 0; !st && leads && r < nranks; r++)
		sum += nbytes_of[r];
	if (!st && leads)
		st = merge(key, all, sum / sizeof(int64_t), &merged, err);
	if (!st && leads && !(*out = qn_value_set_list(&merged, &n)))
		st = qn_error_nomem(err, merged.n * sizeof(**out), "the values of a key");
	*nbytes = n * sizeof(**out);
	st = qn_comm_agree(team->comm, st, err);
	if (!st)
		st = qn_comm_bcast_block(team->comm, out, nbytes, err);
	qn_value_set_fini(&merged);
	free(mine);
	free(all);
	free(nbytes_of);
	return st;
}

/* Takes the values, which are of n groups. */
static enum quern_status take(struct qn_computed *c, struct qn_key *key, int64_t *values,
			      uint64_t n, struct quern_message *err)
{
	double *reals = (double *)(void *)values;

	if (!qn_value_numbers_init(&c->numbers, values, n)) {
		free(values);
		return qn_error_nomem(err, n * sizeof(*values), "the groups of a key");
	}
	key->ngroups = (uint32_t)n;
	free(c->is_real ? (void *)key->reals : (void *)key->integers);
	for (uint64_t i = 0; c->is_real && i < n; i++) {
		const double x = qn_key_to_double(values[i]);

		memcpy(&reals[i], &x, sizeof(x));
	}
	if (c->is_real)
		key->reals = reals;
	else
		key->integers = values;
	return QUERN_OK;
}

enum quern_status qn_computed_settle(struct qn_computed_keys *c, const struct qn_team *team,
				     struct qn_keys *keys, const struct qn_value_set *set,
				     struct quern_message *err)
{
	enum quern_status st = QUERN_OK;

	for (int i = 0; !st && i < c->n; i++) {
		struct qn_key *key = &keys->key[c->given[i].key];
		int64_t *values;
		size_t nbytes = 0;

		if (c->given[i].kind != QN_COMPUTED_VALUES)
			continue;
		st = share(team, key, &set[i], &values, &nbytes, err);
		if (!st)
			st = take(&c->given[i], key, values, nbytes / sizeof(*values), err);
		st = qn_comm_agree(team->comm, st, err);
	}
	return st;
}
