#include "run/key_axes.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

static bool is_cyclic(const struct qn_key *k)
{
	return k->kind == QN_KEY_PARTS && !qn_part_is_time(k->part.kind);
}

bool qn_key_is_stretch(const struct qn_key *k)
{
	return k->kind == QN_KEY_PARTS && qn_part_is_time(k->part.kind);
}

/* The axis at hand. */
struct making {
	const struct qn_key *k;
	const uint32_t *list; /* groups; NULL: all */
	struct qn_result_axis *a;
};

static uint64_t group_of(const struct making *m, uint64_t i)
{
	return m->list ? m->list[i] : i;
}

/* v: of all groups; NULL: their numbers. */
static bool set_integers(const struct making *m, const int64_t *v)
{
	struct qn_field *f = &m->a->coordinate;

	*f = (struct qn_field){ .type = QN_FIELD_INT, .array = true, .n = m->a->n };
	f->v.ints = qn_calloc(f->n, sizeof(*f->v.ints));
	for (uint64_t i = 0; f->v.ints && i < f->n; i++)
		f->v.ints[i] = v ? v[group_of(m, i)] : (int64_t)i;
	return f->v.ints != NULL;
}

static bool set_reals(const struct making *m, const double *v)
{
	struct qn_field *f = &m->a->coordinate;

	*f = (struct qn_field){ .type = QN_FIELD_REAL, .array = true, .n = m->a->n };
	f->v.reals = qn_calloc(f->n, sizeof(*f->v.reals));
	for (uint64_t i = 0; f->v.reals && i < f->n; i++)
		f->v.reals[i] = v[group_of(m, i)];
	return f->v.reals != NULL;
}

/* Pairs: from where, to where. */
static bool set_bounds(struct qn_result_axis *a)
{
	a->bounds = (struct qn_field){ .array = true, .n = a->n, .ncols = 2 };
	a->bounds.v.ints = qn_calloc(2 * a->n, sizeof(*a->bounds.v.ints));
	return a->bounds.v.ints && qn_asprintf(&a->bounds_name, "%s_bnds", a->name) >= 0;
}

/* Bins are at their centres, and begin at their lower edges. */
static bool describe_bins(const struct making *m)
{
	struct qn_result_axis *a = m->a;
	bool ok = set_reals(m, m->k->edges) && set_bounds(a);

	a->dtype = QUERN_F64;
	a->is_bins = true;
	a->bounds.type = QN_FIELD_REAL;
	for (uint64_t i = 0; ok && i < a->n; i++) {
		const double *edge = m->k->edges + group_of(m, i);

		a->bounds.v.reals[2 * i] = edge[0];
		a->bounds.v.reals[2 * i + 1] = edge[1];
		a->coordinate.v.reals[i] = edge[0] + (edge[1] - edge[0]) / 2;
	}
	return ok;
}

/* Where stretches of the time line begin and end. */
static bool bound_stretches(const struct making *m)
{
	struct qn_result_axis *a = m->a;
	bool ok = set_bounds(a);

	a->bounds.type = QN_FIELD_INT;
	for (uint64_t i = 0; ok && i < a->n; i++) {
		a->bounds.v.ints[2 * i] = m->k->starts[group_of(m, i)];
		a->bounds.v.ints[2 * i + 1] = m->k->ends[group_of(m, i)];
	}
	return ok;
}

/* Stretches of the time line are at their starts. */
static bool describe_stretches(const struct making *m)
{
	return set_integers(m, m->k->starts) && bound_stretches(m);
}

static bool describe_values(const struct making *m)
{
	if (m->k->reals) {
		m->a->dtype = QUERN_F64;
		return set_reals(m, m->k->reals);
	}
	return set_integers(m, m->k->integers);
}

static bool set_texts(const struct making *m)
{
	struct qn_result_axis *a = m->a;
	char *text = qn_malloc(QN_KEY_TEXT_NBYTES);
	bool ok = text != NULL;

	a->texts = qn_calloc(a->n, sizeof(*a->texts));
	for (uint64_t i = 0; ok && a->texts && i < a->n; i++) {
		qn_key_format(m->k, (uint32_t)group_of(m, i), text);
		ok = (a->texts[i] = qn_strdup(text)) != NULL;
	}
	free(text);
	return ok && a->texts;
}

static bool set_labels(const struct qn_key *k, struct qn_result_axis *a)
{
	bool ok = true;

	if (k->units[0] && !is_cyclic(k))
		ok = (a->units = qn_strdup(k->units)) != NULL;
	if (ok && k->calendar[0] && !is_cyclic(k))
		ok = (a->calendar = qn_strdup(k->calendar)) != NULL;
	return ok && !qn_names_add(&a->attributes, "long_name", NULL) &&
	       !qn_names_add(&a->attributes, k->text, NULL);
}

/* --- the times of groups --- */

/* The only key that goes by the times of a dimension. */
static bool is_alone(const struct qn_run *run, const struct qn_key *k)
{
	for (int i = 0; i < run->keys.n; i++)
		for (int d = 0; d < run->keys.key[i].ndim; d++)
			if (&run->keys.key[i] != k && run->keys.key[i].dim[d] == k->dim[0])
				return false;
	return true;
}

bool qn_key_has_times(const struct qn_run *run, const struct qn_key *k)
{
	return is_cyclic(k) && k->middles && k->ndim == 1 && k->ngroups &&
	       run->reduced[k->dim[0]] && is_alone(run, k);
}

/* Other programs know by this that it is a time, whatever it is called. */
static bool call_it_time(struct qn_result_axis *a, bool is_axis)
{
	return !qn_names_add(&a->attributes, "standard_name", NULL) &&
	       !qn_names_add(&a->attributes, "time", NULL) &&
	       (!is_axis || (!qn_names_add(&a->attributes, "axis", NULL) &&
			     !qn_names_add(&a->attributes, "T", NULL)));
}

bool qn_key_times(const struct qn_key *k, uint64_t n, const uint32_t *list, int axis, bool leads,
		  struct qn_result_axis *a)
{
	const struct making m = { k, list, a };
	const char *slash = strrchr(k->path, '/');

	a->n = n;
	a->dim = -1;
	a->ndims = 1;
	a->on[0] = axis;
	a->dtype = QUERN_F64;
	a->leads = leads;
	a->is_climatology = *qn_part_cycle(k->part.kind) != '\0';
	a->name = qn_strdup(slash ? slash + 1 : k->path);
	return a->name && bound_stretches(&m) && set_reals(&m, k->middles) &&
	       (a->units = qn_strdup(k->units)) && (a->calendar = qn_strdup(k->calendar)) &&
	       call_it_time(a, leads);
}

bool qn_key_axis(const struct qn_key *k, uint64_t n, const uint32_t *list, struct qn_result_axis *a)
{
	const struct making m = { k, list, a };
	bool ok;

	a->n = n;
	a->dim = -1;
	a->dtype = QUERN_I64;
	a->name = qn_strdup(k->name);
	if (!a->name)
		return false;
	if (k->kind == QN_KEY_BINS)
		ok = describe_bins(&m);
	else
		ok = k->starts && !is_cyclic(k) ? describe_stretches(&m) : describe_values(&m);
	return ok && set_labels(k, a) && (!qn_key_is_stretch(k) || call_it_time(a, false)) &&
	       (!qn_key_is_text(k) || set_texts(&m));
}

/* Words are told as they are: numbers would stand for one of them more than once. */
static void drop_numbers(struct qn_result_axis *a)
{
	if (!a->texts || a->units)
		return;
	free(a->coordinate.v.ints);
	a->coordinate = (struct qn_field){ .type = QN_FIELD_NULL };
}

bool qn_pairs_axis(const struct qn_keys *keys, uint64_t n, uint32_t *const *list,
		   struct qn_result_axis *a)
{
	bool ok;

	a->n = n;
	a->dim = -1;
	a->name = qn_strdup(QN_PAIRS_NAME);
	a->key = qn_calloc((size_t)keys->n, sizeof(*a->key));
	ok = a->name && a->key;
	for (; ok && a->nkeys < (size_t)keys->n; a->nkeys++) {
		struct qn_result_axis *key = &a->key[a->nkeys];

		ok = qn_key_axis(&keys->key[a->nkeys], n, list[a->nkeys], key);
		drop_numbers(key);
	}
	return ok;
}
