#include "grouping/computed.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "grouping/ahead.h"

/* What an expression says of the key. */
static void describe(const struct qn_key_spec *spec, struct qn_computed *c)
{
	const enum quern_dtype t = qn_program_dtype(c->formula.made[QUERN_VALUE]);

	c->kind = QN_COMPUTED_VALUES;
	if (spec->form == QN_FORM_BINS)
		c->kind = QN_COMPUTED_BINS;
	else if (qn_program_is_condition(c->formula.made[QUERN_VALUE]))
		c->kind = QN_COMPUTED_CONDITION;
	c->is_real = t == QUERN_F32 || t == QUERN_F64;
}

/* Bins that are less than a half of their width away from where even ones would be. */
static void look_at_bins(const struct qn_key_spec *spec, struct qn_computed *c)
{
	const uint64_t n = spec->nedges - 1;
	const double width = (spec->edges[n] - spec->edges[0]) / (double)n;

	c->edges = spec->edges;
	c->nedges = spec->nedges;
	c->per_bin = 1 / width;
	for (uint64_t i = 0; i < n; i++)
		if (!(fabs(spec->edges[i] - (spec->edges[0] + (double)i * width)) < width / 2))
			c->per_bin = 0;
	if (!isfinite(c->per_bin))
		c->per_bin = 0;
}

static enum quern_status no_memory(const struct qn_key *key, struct quern_message *err)
{
	return qn_error_nomem(err, 0, key->text);
}

static enum quern_status take_bins(const struct qn_key_spec *spec, struct qn_key *key,
				   struct quern_message *err)
{
	key->kind = QN_KEY_BINS;
	key->ngroups = (uint32_t)(spec->nedges - 1);
	key->edges = qn_calloc(spec->nedges, sizeof(*key->edges));
	if (!key->edges)
		return no_memory(key, err);
	memcpy(key->edges, spec->edges, spec->nedges * sizeof(*key->edges));
	return QUERN_OK;
}

static enum quern_status take_condition(struct qn_key *key, struct quern_message *err)
{
	key->kind = QN_KEY_INTEGERS;
	key->ngroups = 2;
	key->integers = qn_calloc(2, sizeof(*key->integers));
	if (!key->integers)
		return no_memory(key, err);
	key->integers[1] = 1;
	return QUERN_OK;
}

/* Until they are collected there is one. */
static enum quern_status take_values(const struct qn_computed *c, struct qn_key *key,
				     struct quern_message *err)
{
	int64_t *first = qn_calloc(1, sizeof(*first));

	key->kind = c->is_real ? QN_KEY_REALS : QN_KEY_INTEGERS;
	key->ngroups = 1;
	*(c->is_real ? (void **)&key->reals : (void **)&key->integers) = first;
	return first ? QUERN_OK : no_memory(key, err);
}

/* Of a name alone: it has the units of what it stands for. */
static void take_units(const struct qn_computed *c, struct qn_key *key)
{
	const struct qn_operand *data = &c->formula.operand[c->formula.n > 1];

	if (!data->units || !data->calendar || strlen(data->units) >= sizeof(key->units) ||
	    strlen(data->calendar) >= sizeof(key->calendar))
		return;
	strcpy(key->units, data->units);
	strcpy(key->calendar, data->calendar);
	key->is_time = c->kind == QN_COMPUTED_VALUES && qn_epoch_is_meant(key->units) &&
		       !qn_epoch_parse(key->units, key->calendar, &key->epoch);
}

/* The key comes with each tile. */
static enum quern_status give(struct qn_computed *c, const struct qn_key_spec *spec,
			      struct qn_key *key, struct quern_message *err)
{
	if (qn_program_dtype(c->formula.made[QUERN_VALUE]) == QUERN_U64)
		return qn_error_set(err, QUERN_ERR_USAGE,
				    "--by: %s: unsigned integers of 64 bits are no keys: divide "
				    "them, as in NAME=x // 2",
				    key->text);
	if (spec->source)
		take_units(c, key);
	if (c->kind == QN_COMPUTED_BINS)
		look_at_bins(spec, c);
	if (c->kind == QN_COMPUTED_BINS)
		return take_bins(spec, key, err);
	return c->kind == QN_COMPUTED_CONDITION ? take_condition(key, err)
						: take_values(c, key, err);
}

/* Collective. */
static enum quern_status find_one(const struct qn_subject *subject, const struct qn_team *team,
				  const struct qn_named_list *named, bool *used,
				  const struct qn_key_spec *spec, struct qn_key *key,
				  struct qn_computed *c, bool *is_given, struct qn_names *warnings,
				  struct quern_message *err)
{
	const struct qn_formula_texts texts = { .made = { [QUERN_VALUE] = spec->expr },
						.option = "--by",
						.named = named,
						.used = used };
	enum quern_status st = qn_formula_find(subject, team, &texts, true, &c->formula, err);

	*is_given = false;
	if (st)
		return st;
	describe(spec, c);
	if (qn_ahead_can(subject, &c->formula))
		return qn_ahead_find(subject, team, spec, &c->formula, key, warnings, err);
	*is_given = true;
	return qn_comm_agree(team->comm, give(c, spec, key, err), err);
}

enum quern_status qn_computed_find(const struct qn_subject *subject, const struct qn_team *team,
				   const struct qn_named_list *named, bool *used,
				   struct qn_keys *keys, struct qn_computed_keys *out,
				   struct quern_message *err)
{
	enum quern_status st = QUERN_OK;

	memset(out, 0, sizeof(*out));
	for (int i = 0; !st && i < keys->n; i++) {
		struct qn_computed *c = &out->given[out->n];
		bool is_given;

		if (!keys->key[i].is_computed)
			continue;
		c->key = i;
		st = find_one(subject, team, named, used, &keys->specs.spec[i], &keys->key[i], c,
			      &is_given, &keys->warnings, err);
		if (is_given)
			out->n++;
		else
			qn_formula_fini(&c->formula);
	}
	return st;
}

void qn_computed_fini(struct qn_computed_keys *c)
{
	for (int i = 0; i < c->n; i++) {
		qn_formula_fini(&c->given[i].formula);
		qn_value_numbers_fini(&c->given[i].numbers);
	}
	memset(c, 0, sizeof(*c));
}

const struct qn_operand *qn_computed_operand(const struct qn_computed_keys *c, uint32_t number)
{
	const struct qn_computed *k = c->given;

	for (; number >= (uint32_t)k->formula.n; k++)
		number -= (uint32_t)k->formula.n;
	return &k->formula.operand[number];
}

bool qn_computed_collects(const struct qn_computed_keys *c)
{
	for (int i = 0; i < c->n; i++)
		if (c->given[i].kind == QN_COMPUTED_VALUES)
			return true;
	return false;
}

bool qn_computed_has_all(const struct qn_computed_keys *c, int key)
{
	for (int i = 0; i < c->n; i++)
		if (c->given[i].key == key)
			return c->given[i].kind != QN_COMPUTED_CONDITION;
	return false;
}

uint64_t qn_computed_nbytes(const struct qn_computed_keys *c)
{
	uint64_t nbytes = 0;

	for (int i = 0; i < c->n; i++)
		nbytes += qn_formula_nbytes(&c->given[i].formula) +
			  qn_value_numbers_nbytes(&c->given[i].numbers);
	return nbytes;
}

void qn_computed_limit(struct qn_computed_keys *c, uint64_t nbytes)
{
	for (int i = 0; i < c->n; i++)
		qn_formula_limit(&c->given[i].formula, nbytes);
}
