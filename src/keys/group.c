/*
 * group.c - which values there are in the selection, in order, and which of them each index has.
 *
 * Every kind of value is ranked first: an int64 that is in the order of the values. Ranks that
 * are near to each other are numbered by a table, others are sorted.
 */
#include "keys/group.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "keys/bins.h"
#include "keys/flags.h"
#include "keys/spans.h"

/* Ranks within so many of each other, and per index, are numbered by a table. */
#define TABLE_NRANKS	(1 << 16)
#define TABLE_PER_INDEX 4
#define SIGN		(UINT64_C(1) << 63)

/* A text, where it is. */
struct text {
	const char *bytes;
	size_t nbytes;
};

/* The rank of an index of the key. */
struct ranked {
	int64_t rank;
	uint64_t index;
};

/* What is grouped. */
struct grouping {
	const struct qn_key_spec *spec;
	const char *by;
	const struct qn_key_source *source;
	struct qn_key *key;
	int64_t *rank;	 /* owned: of each index of the key */
	uint8_t *lacks;	 /* owned: it has no value */
	int64_t *unique; /* owned: ranks that occur, rising */
	uint64_t nunique;
	struct text
		*text; /* owned: texts that occur in the whole, rising; their numbers are ranks */
	uint64_t ntexts;
	uint64_t *
		place; /* owned: of each index of the key in the source; of parts that have a cycle */
	struct quern_message *err;
};

void qn_key_fini(struct qn_key *k)
{
	free(k->name);
	free(k->text);
	free(k->path);
	free(k->group);
	free(k->integers);
	free(k->reals);
	free(k->texts);
	free(k->edges);
	free(k->starts);
	free(k->ends);
	free(k->middles);
	memset(k, 0, sizeof(*k));
}

static enum quern_status no_memory(const struct grouping *g)
{
	return qn_error_nomem(g->err, (size_t)g->key->nindexes * sizeof(*g->rank), "groups");
}

#define WRONG(g, ...) qn_key_wrong((g)->err, (g)->by, (g)->spec->at, __VA_ARGS__)

/* --- ranks --- */

/* The bits of a double as an integer that is in the order of the doubles. The two zeros are one. */
static int64_t rank_of_real(double x)
{
	int64_t bits;

	x += 0.0;
	memcpy(&bits, &x, sizeof(bits));
	return bits < 0 ? (int64_t)(SIGN - (uint64_t)bits) : bits;
}

static double real_of_rank(int64_t rank)
{
	const uint64_t bits = rank < 0 ? SIGN - (uint64_t)rank : (uint64_t)rank;
	double x;

	memcpy(&x, &bits, sizeof(x));
	return x;
}

static int by_text(const void *a, const void *b)
{
	const struct text *x = a, *y = b;

	return memcmp(x->bytes, y->bytes, x->nbytes);
}

static int by_rank(const void *a, const void *b)
{
	const struct ranked *x = a, *y = b;

	return (x->rank > y->rank) - (x->rank < y->rank);
}

/* All texts of the source, each once. */
static enum quern_status collect_texts(struct grouping *g)
{
	const struct qn_values *v = &g->source->values;
	uint64_t n = 0;

	g->text = qn_calloc(v->n, sizeof(*g->text));
	if (!g->text)
		return no_memory(g);
	for (uint64_t i = 0; i < v->n; i++)
		g->text[i] = (struct text){ v->texts + i * v->text_nbytes, v->text_nbytes };
	qsort(g->text, v->n, sizeof(*g->text), by_text);
	for (uint64_t i = 0; i < v->n; i++)
		if (!n || by_text(&g->text[n - 1], &g->text[i]))
			g->text[n++] = g->text[i];
	g->ntexts = n;
	return QUERN_OK;
}

/* The bin of a value; false: it is in none. */
static bool find_bin(const struct grouping *g, uint64_t at, int64_t *bin)
{
	const struct qn_values *v = &g->source->values;
	const double *edges = g->spec->edges;

	return v->integers ? qn_bin_of_integer(edges, g->spec->nedges, v->integers[at], bin)
			   : qn_bin_of_real(edges, g->spec->nedges, v->reals[at], bin);
}

static enum quern_status too_far(const struct grouping *g, uint64_t at)
{
	const struct qn_values *v = &g->source->values;
	char value[32];

	if (v->integers)
		snprintf(value, sizeof(value), "%" PRId64, v->integers[at]);
	else
		snprintf(value, sizeof(value), "%g", v->reals[at]);
	return qn_error_set(g->err, QUERN_ERR_DATA,
			    "--by: %s: %s: value %llu of %s, %s %s, is too far away to have a %s",
			    g->spec->text, g->source->like.file, (unsigned long long)at,
			    g->source->like.path, value, g->source->like.units,
			    qn_part_name(g->spec->part));
}

/* The rank of the value at a place of the source, for index i of the key. */
static enum quern_status rank_one(struct grouping *g, uint64_t at, uint64_t i)
{
	const struct qn_values *v = &g->source->values;
	int64_t *rank = &g->rank[i];
	const struct text key = { v->texts + at * v->text_nbytes, v->text_nbytes };
	bool is = true;

	if (g->place)
		g->place[i] = at;
	if ((v->missing && v->missing[at]) || (v->reals && isnan(v->reals[at]))) {
		g->lacks[i] = 1;
		return QUERN_OK;
	}
	if (g->spec->form == QN_FORM_BINS)
		g->lacks[i] = !find_bin(g, at, rank);
	else if (g->spec->form == QN_FORM_PART)
		is = v->integers ? qn_part_at_int(&g->key->part, v->integers[at], rank)
				 : qn_part_at_real(&g->key->part, v->reals[at], rank);
	else if (v->texts)
		*rank = (struct text *)bsearch(&key, g->text, g->ntexts, sizeof(key), by_text) -
			g->text;
	else
		*rank = v->integers ? v->integers[at] : rank_of_real(v->reals[at]);
	return is ? QUERN_OK : too_far(g, at);
}

/* --- the selection --- */

/* The dimensions of the key, rising, and for each which of the source it is. */
static void order_dimensions(const struct grouping *g, int *of_source)
{
	const struct qn_key_source *s = g->source;
	struct qn_key *key = g->key;

	key->ndim = s->like.ndim;
	for (int k = 0; k < key->ndim; k++) {
		int j = k;

		for (; j > 0 && key->dim[j - 1] > s->dim[k]; j--) {
			key->dim[j] = key->dim[j - 1];
			of_source[j] = of_source[j - 1];
		}
		key->dim[j] = s->dim[k];
		of_source[j] = k;
	}
}

static enum quern_status count_indexes(struct grouping *g, const struct quern_box *b)
{
	struct qn_key *key = g->key;
	bool fits = true;

	key->nindexes = 1;
	for (int k = 0; fits && k < key->ndim; k++)
		fits = qn_mul(key->nindexes, b->count[key->dim[k]], &key->nindexes);
	if (fits && key->nindexes <= INT32_MAX)
		return QUERN_OK;
	return qn_error_set(
		g->err, QUERN_ERR_DATA,
		"--by: %s: %s has %s%llu selected elements, and a key no more than %d: select "
		"less of it",
		g->spec->text, g->source->like.path, fits ? "" : "more than ",
		(unsigned long long)key->nindexes, INT32_MAX);
}

/* The ranks of the indexes along the last dimension of the key, from index `first` on. */
static enum quern_status rank_row(struct grouping *g, const struct qn_subject *s,
				  const int *of_source, const uint64_t *stride, uint64_t first)
{
	const struct qn_key *key = g->key;
	const struct quern_box *b = &s->selection;
	const struct qn_pick *pick = s->picks.dim;
	const int last = key->ndim - 1;
	uint64_t rest = first, at = 0, step = 0;
	bool is_picked = true;
	enum quern_status st = QUERN_OK;

	for (int k = last; k >= 0; rest /= b->count[key->dim[k--]]) {
		const int dim = key->dim[k];

		is_picked = is_picked &&
			    (k == last || qn_pick_has(&pick[dim], rest % b->count[dim]));
		step = k == last ? b->step[dim] * stride[of_source[k]] : step;
		at += (b->start[dim] + rest % b->count[dim] * b->step[dim]) * stride[of_source[k]];
	}
	for (uint64_t i = 0; !st && i < b->count[key->dim[last]]; i++, at += step)
		if (is_picked && qn_pick_has(&pick[key->dim[last]], i))
			st = rank_one(g, at, first + i);
		else
			g->lacks[first + i] = true;
	return st;
}

/* The ranks of all indexes of the key, the dimensions of the source being in any order. */
static enum quern_status rank_all(struct grouping *g, const struct qn_subject *subject)
{
	const struct qn_key_source *s = g->source;
	const struct quern_box *b = &subject->selection;
	struct qn_key *key = g->key;
	uint64_t stride[QUERN_MAX_DIMS], n = 1;
	int of_source[QUERN_MAX_DIMS];
	enum quern_status st;

	for (int k = s->like.ndim - 1; k >= 0; n *= s->length[k--])
		stride[k] = n;
	order_dimensions(g, of_source);
	st = count_indexes(g, b);
	if (st)
		return st;
	g->rank = qn_calloc(key->nindexes, sizeof(*g->rank));
	g->lacks = qn_calloc(key->nindexes, 1);
	if (g->spec->form == QN_FORM_PART && qn_part_cycle(g->spec->part))
		g->place = qn_calloc(key->nindexes, sizeof(*g->place));
	if (!g->rank || !g->lacks)
		return no_memory(g);
	for (uint64_t i = 0; !st && i < key->nindexes; i += b->count[key->dim[key->ndim - 1]])
		st = rank_row(g, subject, of_source, stride, i);
	return st;
}

/* --- unique ranks --- */

static bool find_range(const struct grouping *g, int64_t *least, uint64_t *nranks)
{
	int64_t low = INT64_MAX, high = INT64_MIN;

	for (uint64_t i = 0; i < g->key->nindexes; i++)
		if (!g->lacks[i]) {
			low = g->rank[i] < low ? g->rank[i] : low;
			high = g->rank[i] > high ? g->rank[i] : high;
		}
	*least = low;
	*nranks = low > high ? 0 : (uint64_t)high - (uint64_t)low + 1;
	return low > high || *nranks;
}

/* Numbers groups by a table of all ranks that are in reach. */
static enum quern_status number_by_table(struct grouping *g, int64_t least, uint64_t nranks)
{
	struct qn_key *key = g->key;
	int32_t *number = qn_calloc(nranks, sizeof(*number));
	uint64_t n = 0;

	if (!number)
		return no_memory(g);
	for (uint64_t i = 0; i < key->nindexes; i++)
		if (!g->lacks[i])
			number[(uint64_t)g->rank[i] - (uint64_t)least] = 1;
	for (uint64_t r = 0; r < nranks; r++)
		n += (uint64_t)number[r];
	g->unique = qn_calloc(n, sizeof(*g->unique));
	for (uint64_t r = 0; g->unique && r < nranks; r++)
		if (number[r]) {
			number[r] = (int32_t)g->nunique;
			g->unique[g->nunique++] = (int64_t)((uint64_t)least + r);
		}
	for (uint64_t i = 0; g->unique && i < key->nindexes; i++)
		key->group[i] = g->lacks[i] ? -1 : number[(uint64_t)g->rank[i] - (uint64_t)least];
	free(number);
	return g->unique ? QUERN_OK : no_memory(g);
}

/* Numbers groups in the order of the ranks. */
static enum quern_status number_by_sorting(struct grouping *g)
{
	struct qn_key *key = g->key;
	struct ranked *all = qn_calloc(key->nindexes, sizeof(*all));
	uint64_t n = 0;

	g->unique = qn_calloc(key->nindexes, sizeof(*g->unique));
	if (!all || !g->unique) {
		free(all);
		return no_memory(g);
	}
	for (uint64_t i = 0; i < key->nindexes; i++) {
		key->group[i] = -1;
		if (!g->lacks[i])
			all[n++] = (struct ranked){ g->rank[i], i };
	}
	qsort(all, n, sizeof(*all), by_rank);
	for (uint64_t i = 0; i < n; i++) {
		if (!g->nunique || g->unique[g->nunique - 1] != all[i].rank)
			g->unique[g->nunique++] = all[i].rank;
		key->group[all[i].index] = (int32_t)(g->nunique - 1);
	}
	free(all);
	return QUERN_OK;
}

static enum quern_status number_groups(struct grouping *g)
{
	struct qn_key *key = g->key;
	int64_t least;
	uint64_t nranks;

	key->group = qn_calloc(key->nindexes, sizeof(*key->group));
	if (!key->group)
		return no_memory(g);
	if (g->spec->form == QN_FORM_BINS) {
		for (uint64_t i = 0; i < key->nindexes; i++)
			key->group[i] = g->lacks[i] ? -1 : (int32_t)g->rank[i];
		return QUERN_OK;
	}
	return find_range(g, &least, &nranks) &&
			       nranks <= TABLE_NRANKS + TABLE_PER_INDEX * key->nindexes
		       ? number_by_table(g, least, nranks)
		       : number_by_sorting(g);
}

/* --- the values of groups --- */

static enum quern_status take_bins(struct grouping *g)
{
	struct qn_key *key = g->key;

	key->kind = QN_KEY_BINS;
	key->ngroups = (uint32_t)(g->spec->nedges - 1);
	key->edges = qn_calloc(g->spec->nedges, sizeof(*key->edges));
	if (!key->edges)
		return no_memory(g);
	memcpy(key->edges, g->spec->edges, g->spec->nedges * sizeof(*key->edges));
	return QUERN_OK;
}

static enum quern_status take_integers(struct grouping *g)
{
	struct qn_key *key = g->key;

	key->kind = g->spec->form == QN_FORM_PART ? QN_KEY_PARTS : QN_KEY_INTEGERS;
	key->integers = g->unique;
	g->unique = NULL;
	return key->kind == QN_KEY_PARTS ? qn_key_span(key, &g->source->values, g->place, g->err)
					 : QUERN_OK;
}

static enum quern_status take_reals(struct grouping *g)
{
	struct qn_key *key = g->key;

	key->kind = QN_KEY_REALS;
	key->reals = qn_calloc(key->ngroups, sizeof(*key->reals));
	if (!key->reals)
		return no_memory(g);
	for (uint32_t i = 0; i < key->ngroups; i++)
		key->reals[i] = real_of_rank(g->unique[i]);
	return QUERN_OK;
}

static enum quern_status take_texts(struct grouping *g)
{
	struct qn_key *key = g->key;

	key->kind = QN_KEY_TEXTS;
	key->text_nbytes = g->source->values.text_nbytes;
	key->texts = qn_calloc(key->ngroups, key->text_nbytes);
	if (!key->texts)
		return no_memory(g);
	for (uint32_t i = 0; i < key->ngroups; i++)
		memcpy(key->texts + i * key->text_nbytes, g->text[g->unique[i]].bytes,
		       key->text_nbytes);
	return QUERN_OK;
}

static enum quern_status take_groups(struct grouping *g)
{
	const struct qn_values *v = &g->source->values;

	g->key->ngroups = (uint32_t)g->nunique;
	if (g->spec->form == QN_FORM_BINS)
		return take_bins(g);
	if (v->integers || g->spec->form == QN_FORM_PART)
		return take_integers(g);
	return v->reals ? take_reals(g) : take_texts(g);
}

/* --- what is asked for --- */

static enum quern_status copy_names(struct grouping *g)
{
	struct qn_key *key = g->key;
	const struct qn_dataset *d = &g->source->like;

	key->name = qn_strdup(g->spec->name);
	key->text = qn_strdup(g->spec->text);
	key->path = qn_strdup(d->path);
	if (g->spec->form != QN_FORM_PART) {
		memcpy(key->units, d->units, sizeof(key->units));
		memcpy(key->calendar, d->calendar, sizeof(key->calendar));
	}
	return key->name && key->text && key->path ? QUERN_OK : no_memory(g);
}

/* The values must be times for parts of them, and numbers for bins. */
static enum quern_status check_values(struct grouping *g)
{
	const struct qn_dataset *d = &g->source->like;
	struct qn_key *key = g->key;
	const bool texts = g->source->values.texts != NULL;
	const char *no_epoch = "are not of the form 'hours since 1900-01-01 00:00:00'", *why;

	if (texts && g->spec->form != QN_FORM_VALUES)
		return WRONG(g, "the values of %s in %s are texts, not numbers", d->path, d->file);
	if (qn_epoch_is_meant(d->units))
		no_epoch = qn_epoch_parse(d->units, d->calendar, &key->epoch);
	if (g->spec->form != QN_FORM_PART) {
		key->is_time = !no_epoch && !texts && g->spec->form == QN_FORM_VALUES;
		return QUERN_OK;
	}
	if (no_epoch)
		return WRONG(g, "%s: the values of %s are no times: its units '%s' %s", d->file,
			     d->path, d->units, no_epoch);
	why = qn_time_part_init(&key->part, g->spec->part, &key->epoch, g->spec->window_ns);
	return why ? WRONG(g, "%s: %s, of which %s has the calendar %s, %s", d->file, g->spec->text,
			   d->path, qn_calendar_name(key->epoch.calendar), why)
		   : QUERN_OK;
}

enum quern_status qn_key_group(const struct qn_key_spec *spec, const char *by,
			       const struct qn_key_source *source, const struct qn_subject *subject,
			       struct qn_key *key, struct quern_message *err)
{
	struct grouping g = { .spec = spec, .by = by, .source = source, .key = key, .err = err };
	enum quern_status st = copy_names(&g);

	if (!st)
		st = check_values(&g);
	if (!st && source->values.texts)
		st = collect_texts(&g);
	if (!st)
		st = rank_all(&g, subject);
	if (!st)
		st = number_groups(&g);
	if (!st)
		st = take_groups(&g);
	if (!st && spec->form == QN_FORM_VALUES)
		st = qn_key_flags_take(key, &source->flags, err);
	free(g.rank);
	free(g.lacks);
	free(g.unique);
	free(g.text);
	free(g.place);
	return st;
}
