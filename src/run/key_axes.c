#include "run/key_axes.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

static bool set_integers(struct qn_field *f, uint64_t n, const int64_t *v)
{
	*f = (struct qn_field){ .type = QN_FIELD_INT, .array = true, .n = n };
	f->v.ints = qn_calloc(n, sizeof(*f->v.ints));
	for (uint64_t i = 0; f->v.ints && i < n; i++)
		f->v.ints[i] = v ? v[i] : (int64_t)i;
	return f->v.ints != NULL;
}

static bool set_reals(struct qn_field *f, uint64_t n, const double *v)
{
	*f = (struct qn_field){ .type = QN_FIELD_REAL, .array = true, .n = n };
	f->v.reals = qn_calloc(n, sizeof(*f->v.reals));
	if (f->v.reals && n)
		memcpy(f->v.reals, v, n * sizeof(*v));
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
static bool describe_bins(const struct qn_key *k, struct qn_result_axis *a)
{
	bool ok = set_reals(&a->coordinate, a->n, k->edges) && set_bounds(a);

	a->dtype = QUERN_F64;
	a->is_bins = true;
	a->bounds.type = QN_FIELD_REAL;
	for (uint64_t i = 0; ok && i < a->n; i++) {
		a->bounds.v.reals[2 * i] = k->edges[i];
		a->bounds.v.reals[2 * i + 1] = k->edges[i + 1];
		a->coordinate.v.reals[i] = k->edges[i] + (k->edges[i + 1] - k->edges[i]) / 2;
	}
	return ok;
}

/* Stretches of the time line are at their starts. */
static bool describe_stretches(const struct qn_key *k, struct qn_result_axis *a)
{
	bool ok = set_integers(&a->coordinate, a->n, k->starts) && set_bounds(a);

	a->bounds.type = QN_FIELD_INT;
	for (uint64_t i = 0; ok && i < a->n; i++) {
		a->bounds.v.ints[2 * i] = k->starts[i];
		a->bounds.v.ints[2 * i + 1] = k->ends[i];
	}
	return ok;
}

static bool describe_values(const struct qn_key *k, struct qn_result_axis *a)
{
	if (k->reals) {
		a->dtype = QUERN_F64;
		return set_reals(&a->coordinate, a->n, k->reals);
	}
	return set_integers(&a->coordinate, a->n, k->integers);
}

static bool set_texts(const struct qn_key *k, struct qn_result_axis *a)
{
	char *text = qn_malloc(QN_KEY_TEXT_NBYTES);
	bool ok = text != NULL;

	a->texts = qn_calloc(a->n, sizeof(*a->texts));
	for (uint32_t i = 0; ok && a->texts && i < k->ngroups; i++) {
		qn_key_format(k, i, text);
		ok = (a->texts[i] = qn_strdup(text)) != NULL;
	}
	free(text);
	return ok && a->texts;
}

static bool set_labels(const struct qn_key *k, struct qn_result_axis *a)
{
	bool ok = true;

	if (k->units[0])
		ok = (a->units = qn_strdup(k->units)) != NULL;
	if (ok && k->calendar[0])
		ok = (a->calendar = qn_strdup(k->calendar)) != NULL;
	return ok && !qn_names_add(&a->attributes, "long_name", NULL) &&
	       !qn_names_add(&a->attributes, k->text, NULL);
}

bool qn_key_axis(const struct qn_key *k, struct qn_result_axis *a)
{
	bool ok;

	a->n = k->ngroups;
	a->dim = -1;
	a->dtype = QUERN_I64;
	a->name = qn_strdup(k->name);
	if (!a->name)
		return false;
	if (k->kind == QN_KEY_BINS)
		ok = describe_bins(k, a);
	else
		ok = k->starts ? describe_stretches(k, a) : describe_values(k, a);
	return ok && set_labels(k, a) && (!qn_key_is_text(k) || set_texts(k, a));
}
