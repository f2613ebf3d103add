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
	char raise[96] = "";

	if (room->why[0] == '-')
		snprintf(raise, sizeof(raise),
			 "raise it, to %" PRIu64 "M for as many as there can be, or ",
			 mib(room->enough));
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

/* --- the values of all ranks --- */

/* What a rank has of them, rising, each once; its room has been taken. */
struct list {
	const struct qn_team *team;
	const struct qn_key *key;
	struct qn_value_room *room;
	int64_t *value; /* owned */
	uint64_t n;
	enum quern_status st; /* why there is none */
	struct quern_message *err;
};

static void drop(struct list *l)
{
	free(l->value);
	qn_value_room_give(l->room, l->n * sizeof(*l->value));
	l->value = NULL;
	l->n = 0;
}

/* Room for n more values. NULL: there is none, as l->st says. */
static int64_t *new_values(struct list *l, uint64_t n)
{
	int64_t *values = NULL;

	if (!qn_value_room_take(l->room, n * sizeof(*values))) {
		l->st = refuse(l->key, l->room, qn_max_u64(l->n, n), n * sizeof(*values), l->err);
		return NULL;
	}
	values = qn_malloc((n + 1) * sizeof(*values));
	if (!values) {
		qn_value_room_give(l->room, n * sizeof(*values));
		l->st = qn_error_nomem(l->err, n * sizeof(*values), "the values of a key");
	}
	return values;
}

/* The set is emptied. */
static void take_set(struct list *l, struct qn_value_set *set)
{
	const uint64_t nbytes = (set->n + 1) * sizeof(*l->value); /* and what sorting takes */
	const uint64_t n = set->n;

	l->st = check(l->key, set, l->err);
	if (!l->st && !qn_value_room_take(l->room, 2 * nbytes)) {
		l->st = refuse(l->key, l->room, n, 2 * nbytes, l->err);
	} else if (!l->st) {
		l->value = qn_value_set_list(set, &l->n);
		qn_value_room_give(l->room, 2 * nbytes - l->n * sizeof(*l->value));
		if (!l->value)
			l->st = qn_error_nomem(l->err, nbytes, "the values of a key");
	}
	qn_value_set_fini(set);
}

static uint64_t unite(const int64_t *a, uint64_t na, const int64_t *b, uint64_t nb, int64_t *out)
{
	uint64_t i = 0, k = 0, n = 0;

	while (i < na || k < nb) {
		const int64_t v = k == nb || (i < na && a[i] < b[k]) ? a[i] : b[k];

		i += i < na && a[i] == v;
		k += k < nb && b[k] == v;
		out[n++] = v;
	}
	return n;
}

/* Adds n values, which have come. */
static void add(struct list *l, const int64_t *values, uint64_t n)
{
	int64_t *all = new_values(l, l->n + n);
	const uint64_t nall = all ? unite(l->value, l->n, values, n, all) : 0;

	if (!all)
		return;
	qn_value_room_give(l->room, (l->n + n - nall) * sizeof(*all));
	drop(l);
	l->value = all;
	l->n = nall;
	if (nall > QN_MOST_VALUES_OF_KEY + 1)
		l->st = refuse_beyond(l->key, l->err);
}

static void note(struct list *l, enum quern_status st, const struct quern_message *why)
{
	if (st && !l->st)
		l->st = qn_error_pass(l->err, st, why);
}

/* How many there are, then whether they are wanted, then the values: to a rank that has room for them. Whatever goes
   wrong on one of the two is no matter of the other, which goes on. */
static void give(struct list *l, int to)
{
	struct qn_comm *c = l->team->comm;
	struct quern_message why = { .status = QUERN_OK };
	uint64_t n = l->st ? 0 : l->n, is_wanted = 0;

	note(l, qn_comm_send(c, to, &n, sizeof(n), &why), &why);
	if (n)
		note(l, qn_comm_recv(c, to, &is_wanted, sizeof(is_wanted), &why), &why);
	if (is_wanted)
		note(l, qn_comm_send(c, to, l->value, n * sizeof(*l->value), &why), &why);
	drop(l);
}

static void take_from(struct list *l, int from)
{
	struct qn_comm *c = l->team->comm;
	struct quern_message why = { .status = QUERN_OK };
	uint64_t n = 0, is_wanted;
	int64_t *values;

	note(l, qn_comm_recv(c, from, &n, sizeof(n), &why), &why);
	if (!n || why.status)
		return;
	values = l->st ? NULL : new_values(l, n);
	is_wanted = values != NULL;
	note(l, qn_comm_send(c, from, &is_wanted, sizeof(is_wanted), &why), &why);
	if (is_wanted)
		note(l, qn_comm_recv(c, from, values, n * sizeof(*values), &why), &why);
	if (is_wanted && !l->st)
		add(l, values, n);
	if (is_wanted)
		qn_value_room_give(l->room, n * sizeof(*values));
	free(values);
}

/* To rank 0 as a tree: no rank has more at a time than what it has, what another one has, and both united. */
static void climb(struct list *l)
{
	const int rank = qn_comm_rank(l->team->comm), nranks = qn_comm_size(l->team->comm);

	for (int step = 1; step < nranks; step *= 2) {
		if (rank % (2 * step) == step) {
			give(l, rank - step);
			return;
		}
		if (rank % (2 * step) == 0 && rank + step < nranks)
			take_from(l, rank + step);
	}
}

/* The values of all ranks, on all ranks, in l. Collective. */
static enum quern_status share(struct list *l, struct qn_value_set *set)
{
	struct qn_comm *c = l->team->comm;
	uint64_t n;

	take_set(l, set);
	climb(l);
	l->st = qn_comm_agree(c, l->st, l->err);
	n = l->n;
	if (!l->st)
		l->st = qn_comm_bcast(c, &n, sizeof(n), l->err);
	if (!l->st && qn_comm_rank(c)) {
		l->value = new_values(l, n);
		l->n = l->value ? n : 0;
	}
	l->st = qn_comm_agree(c, l->st, l->err);
	if (!l->st)
		l->st = qn_comm_bcast(c, l->value, n * sizeof(*l->value), l->err);
	return l->st;
}

/* Takes the values, which are the groups. */
static enum quern_status take(struct qn_computed *c, struct qn_key *key, struct list *l)
{
	int64_t *values = l->value;
	double *reals = (double *)(void *)values;
	const uint64_t n = l->n, wanted = qn_value_numbers_need(values, n);

	if (!qn_value_room_take(l->room, wanted))
		return refuse(key, l->room, n, wanted, l->err);
	if (!qn_value_numbers_init(&c->numbers, values, n))
		return qn_error_nomem(l->err, wanted, "the groups of a key");
	l->value = NULL;
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
		struct list l = { .team = team, .key = key, .room = set[i].room, .err = err };

		if (c->given[i].kind != QN_COMPUTED_VALUES)
			continue;
		st = share(&l, &set[i]);
		if (!st)
			st = take(&c->given[i], key, &l);
		if (st)
			drop(&l);
		st = qn_comm_agree(team->comm, st, err);
	}
	return st;
}
