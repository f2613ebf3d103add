#include "lookup/wanted.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "describe/describe.h"
#include "describe/values.h"
#include "find/coordinate.h"

enum { DIM, FILE_NUMBER, LENGTH, N, AT };

void qn_wanted_add(struct qn_wanted_list *l, const struct qn_wanted *w)
{
	const size_t n = AT + (size_t)w->n;
	uint64_t *at;

	if (!qn_grow(&l->word, &l->room, l->n + n, sizeof(*l->word))) {
		l->nomem = true;
		return;
	}
	at = l->word + l->n;
	at[DIM] = w->dim;
	at[FILE_NUMBER] = w->file;
	at[LENGTH] = w->length;
	at[N] = w->n;
	if (w->n)
		memcpy(at + AT, w->at, (size_t)w->n * sizeof(*at));
	l->n += n;
}

bool qn_wanted_next(const struct qn_wanted_list *l, size_t *word, struct qn_wanted *w)
{
	const uint64_t *at = l->word + *word;

	if (l->n - *word < AT || at[N] > l->n - *word - AT)
		return false;
	*w = (struct qn_wanted){ at[DIM], at[FILE_NUMBER], at[LENGTH], at[N], at + AT };
	*word += AT + (size_t)at[N];
	return true;
}

/* --- reading --- */

static int64_t bits_of(double x)
{
	int64_t bits;

	memcpy(&bits, &x, sizeof(bits));
	return bits;
}

/* Values from number `at` on; what is missing is NaN. */
static void put(const struct qn_values *from, struct qn_axis_values *v, uint64_t at)
{
	for (uint64_t i = 0; i < from->n; i++) {
		const bool lacks = from->missing && from->missing[i];

		if (v->is_real && lacks)
			v->values[at + i] = bits_of((double)NAN);
		else if (v->is_real && from->is_unsigned)
			v->values[at + i] = bits_of((double)(uint64_t)from->integers[i]);
		else if (v->is_real)
			v->values[at + i] = bits_of(from->reals[i]);
		else
			v->values[at + i] = from->integers[i];
		v->has_missing |= lacks;
	}
}

/* One after the other, or all. */
static enum quern_status read_values(const struct qn_dataset *c, const struct qn_view *view,
				     const struct qn_wanted *w, struct qn_axis_values *v,
				     struct quern_message *err)
{
	const uint64_t n = w->n ? w->n : 1;
	enum quern_status st = QUERN_OK;

	for (uint64_t i = 0; !st && i < n; i++) {
		struct qn_values values = { .n = 0 };

		st = w->n ? qn_values_read_one(c, view, w->at[i], &values, err)
			  : qn_values_read(c, view, &values, err);
		if (!st)
			put(&values, v, i);
		qn_values_fini(&values);
	}
	return st;
}

/* Is it a coordinate of one dimension, of numbers, as long as that, with what is wanted? */
static bool is_usable(const struct qn_dataset *c, const struct qn_wanted *w)
{
	for (uint64_t i = 0; i < w->n; i++)
		if (w->at[i] >= w->length)
			return false;
	return !c->dim_only && !c->is_null && !c->scalar && c->ndim == 1 &&
	       c->type.class != QN_OTHER && c->type.class != QN_TEXT &&
	       qn_dataset_length(c, 0) == w->length && (w->n || w->length <= QN_MAX_COORDINATES);
}

static enum quern_status make_room(const struct qn_subject *s, const struct qn_dataset *c,
				   uint64_t n, struct qn_axis_values *v, struct quern_message *err)
{
	char why[320];

	if (!qn_room_has(&s->settings.memory, 1, 2 * n * sizeof(*v->values), sizeof(why), why))
		return qn_error_set(err, QUERN_ERR_DATA, "%s: the coordinate %s %s", c->file,
				    c->path, why);
	return qn_axis_make_room(v, n, c, err);
}

static enum quern_status read_usable(const struct qn_subject *s, const struct qn_dataset *c,
				     const struct qn_wanted *w, struct qn_axis_values *v,
				     struct quern_message *err)
{
	struct qn_view view;
	enum quern_status st = qn_view_init(c, false, &view, err);

	if (st)
		return st;
	v->dtype = view.dtype;
	v->is_real = view.dtype == QUERN_F32 || view.dtype == QUERN_F64 || view.dtype == QUERN_U64;
	st = make_room(s, c, w->n ? w->n : w->length, v, err);
	if (!st)
		st = read_values(c, &view, w, v, err);
	/* Of integers nothing says which are missing. */
	if (!st && v->has_missing && !v->is_real)
		qn_axis_values_fini(v);
	return st;
}

enum quern_status qn_wanted_read(const struct qn_subject *s, const struct qn_wanted *w,
				 struct qn_axis_values *v, struct quern_message *err)
{
	const bool is_joined = s->files.n > 1 && (int)w->dim == s->along;
	struct qn_dataset c = { .file = NULL };
	char *path = NULL;
	enum quern_status st = QUERN_OK;

	/* Of files that external links lead to nobody knows which they are. */
	if (!is_joined || !s->dataset.asked)
		st = qn_coordinate_of(&s->dataset, (int)w->dim, &path, err);
	if (!st && path)
		st = qn_source_describe(s->files.name[w->file], path, NULL, true, &c, err);
	if (!st && path && is_usable(&c, w))
		st = read_usable(s, &c, w, v, err);
	if (st)
		qn_axis_values_fini(v);
	qn_dataset_fini(&c);
	free(path);
	return st;
}
