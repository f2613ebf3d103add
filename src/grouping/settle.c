/*
 * settle.c - the values that all ranks have collected, as the groups of a key on all of them.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "grouping/computed.h"
#include "kernel/tile.h"

#define FEWER "put them into fewer groups, as with bin(x, START:STOP:STEP) or NAME=x // 100"

static uint64_t mib(uint64_t nbytes)
{
	return (nbytes >> 20) + 1;
}

/* More than n values, so far, want more bytes than there are. */
static enum quern_status refuse(const struct qn_key *key, const struct qn_value_room *room,
				uint64_t n, uint64_t wanted, struct quern_message *err)
{
	const uint64_t all = room->used + wanted;
	char raise[64] = "";

	if (room->why[0] == '-')
		snprintf(raise, sizeof(raise), "raise it to %" PRIu64 "M at least, or ",
			 mib(room->beside + all));
	return qn_error_set(err, QUERN_ERR_RUN,
			    "--by: %s has %" PRIu64 " different values or more, which take %" PRIu64
			    " MiB while they are collected, more than %s leaves beside the %" PRIu64
			    " MiB of the rest: %s" FEWER,
			    key->text, n, mib(all), room->why, mib(room->beside), raise);
}

static enum quern_status refuse_beyond(const struct qn_key *key, struct quern_message *err)
{
	return qn_error_set(err, QUERN_ERR_USAGE,
			    "--by: %s has more than %" PRIu64 " different values: " FEWER,
			    key->text, (uint64_t)QN_MOST_VALUES_OF_KEY);
}

static enum quern_status check(const struct qn_key *key, const struct qn_value_set *set,
			       struct quern_message *err)
{
	if (set->is_beyond)
		return refuse_beyond(key, err);
	if (set->lacks_room && set->wanted)
		return refuse(key, set->room, set->n, set->wanted, err);
	if (set->lacks_room)
		return qn_error_nomem(err, set->nslots * 2 * sizeof(*set->slot),
				      "the values of a key");
	return QUERN_OK;
}

enum quern_status qn_computed_check(const struct qn_computed_keys *c, const struct qn_keys *keys,
				    int i, const struct qn_value_set *set,
				    struct quern_message *err)
{
	return check(&keys->key[c->given[i].key], set, err);
}

/* Rising, and owned; the set is emptied. */
static enum quern_status list(const struct qn_key *key, struct qn_value_set *set, int64_t **mine,
			      uint64_t *n, struct quern_message *err)
{
	struct qn_value_room *room = set->room;
	const uint64_t nbytes = 2 * (set->n + 1) * sizeof(**mine); /* and what sorting takes */
	enum quern_status st = check(key, set, err);

	*n = 0;
	*mine = NULL;
	if (!st && !qn_value_room_take(room, nbytes))
		return refuse(key, room, set->n, nbytes, err);
	if (!st && !(*mine = qn_value_set_list(set, n)))
		st = qn_error_nomem(err, nbytes, "the values of a key");
	qn_value_set_fini(set);
	if (*mine)
		qn_value_room_give(room, nbytes);
	return st;
}

/* Rank 0: n values of all ranks become different ones that rise; *n: how many. */
static enum quern_status unite(const struct qn_key *key, int64_t *all, uint64_t *n,
			       struct quern_message *err)
{
	*n = qn_values_sort(all, *n);
	return *n > QN_MOST_VALUES_OF_KEY + 1 ? refuse_beyond(key, err) : QUERN_OK;
}

/* The values of all ranks, rising, on all ranks: owned. Collective. */
static enum quern_status share(const struct qn_team *team, const struct qn_key *key,
			       struct qn_value_set *set, int64_t **out, size_t *nbytes,
			       struct quern_message *err)
{
	const int nranks = qn_comm_size(team->comm);
	const bool leads = qn_comm_rank(team->comm) == 0;
	uint64_t n = 0, *nbytes_of = qn_calloc((size_t)nranks, sizeof(*nbytes_of)), sum = 0;
	int64_t *mine;
	void *all = NULL;
	enum quern_status st = list(key, set, &mine, &n, err);

	if (!st && !nbytes_of)
		st = qn_error_nomem(err, (size_t)nranks * sizeof(*nbytes_of), "ranks");
	st = qn_comm_agree(team->comm, st, err);
	if (!st)
		st = qn_comm_gather_blocks(team->comm, mine, n * sizeof(*mine), &all, nbytes_of,
					   err);
	free(mine);
	for (int r = 0; !st && leads && r < nranks; r++)
		sum += nbytes_of[r];
	free(nbytes_of);
	*out = all;
	n = sum / sizeof(**out);
	if (!st && leads)
		st = unite(key, *out, &n, err);
	*nbytes = n * sizeof(**out);
	st = qn_comm_agree(team->comm, st, err);
	return st ? st : qn_comm_bcast_block(team->comm, out, nbytes, err);
}

/* Takes the values, which are of n groups. */
static enum quern_status take(struct qn_computed *c, struct qn_key *key, int64_t *values,
			      uint64_t n, struct qn_value_room *room, struct quern_message *err)
{
	double *reals = (double *)(void *)values;
	const uint64_t wanted = qn_value_numbers_need(values, n) + n * sizeof(*values);

	if (!qn_value_room_take(room, wanted)) {
		free(values);
		return refuse(key, room, n, wanted, err);
	}
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
				     struct qn_keys *keys, struct qn_value_set *set,
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
			st = take(&c->given[i], key, values, nbytes / sizeof(*values), set[i].room,
				  err);
		else
			free(values);
		st = qn_comm_agree(team->comm, st, err);
	}
	return st;
}
