/*
 * find.c - which values are wanted, from which files, and what becomes of them. Rank 0 knows where files end; a
 * rank that can open a file reads what is wanted from it.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "find/axes_pack.h"
#include "fields/fields.h"
#include "lookup/lookup.h"
#include "lookup/wanted.h"
#include "run/emit.h"
#include "run/kept.h"

/* Up to so many values of a file are read one by one. */
#define FEW 64

/* Is one of the fields that are asked for of indexes? */
static bool is_wanted(const struct qn_run *run)
{
	const char *const *fields = run->kernel->fields(run->self);
	const struct qn_names *picked = &run->fields;

	for (size_t i = 0; i < picked->n; i++)
		if (qn_field_is_of_indexes(picked->name[i]))
			return true;
	for (; !picked->n && *fields; fields++)
		if (qn_field_is_of_indexes(*fields))
			return true;
	return false;
}

/* --- what is wanted --- */

/* What rank 0 has of a dimension: rising indexes, or, without them, all. */
struct dimension {
	uint64_t *at; /* owned */
	size_t n, room;
	bool is_of_all;
	struct qn_axis_values found;
};

static int compare(const void *pa, const void *pb)
{
	const uint64_t a = *(const uint64_t *)pa, b = *(const uint64_t *)pb;

	return (a > b) - (a < b);
}

static void sort(struct dimension *d)
{
	size_t n = 0;

	if (!d->n)
		return;
	qsort(d->at, d->n, sizeof(*d->at), compare);
	for (size_t i = 1; i < d->n; i++)
		if (d->at[i] != d->at[n])
			d->at[++n] = d->at[i];
	d->n = n + 1;
}

/* The indexes in the fields of a whole result, which are of all dimensions. */
static bool list_indexes(const struct quern_result *r, struct dimension *of, int ndim)
{
	bool ok = true;

	for (size_t i = 0; i < r->nfields; i++) {
		const struct qn_field *f = &r->field[i];

		if (!qn_field_is_of_indexes(f->name) || f->type != QN_FIELD_INT)
			continue;
		for (size_t k = 0; ok && k < qn_field_nvalues(f); k++) {
			struct dimension *d = &of[k % (size_t)ndim];

			ok = qn_grow(&d->at, &d->room, d->n + 1, sizeof(*d->at));
			if (ok)
				d->at[d->n++] = (uint64_t)f->v.ints[k];
		}
	}
	for (int d = 0; ok && d < ndim; d++)
		sort(&of[d]);
	return ok;
}

static bool is_joined(const struct qn_subject *s, int dim)
{
	return s->files.n > 1 && !s->dataset.stacked && dim == s->along;
}

/* Those of one file, where the dimension goes from `begin` to `end`. */
static void want_of_file(struct qn_wanted_list *l, const struct dimension *d, int dim, size_t file,
			 uint64_t begin, uint64_t end)
{
	struct qn_wanted w = { .dim = (uint64_t)dim, .file = file, .length = end - begin };
	uint64_t at[FEW + 1];
	size_t first = 0;

	while (first < d->n && d->at[first] < begin)
		first++;
	while (first + w.n < d->n && d->at[first + w.n] < end)
		w.n++;
	if (!d->is_of_all && !w.n)
		return;
	w.n = d->is_of_all || w.n > FEW ? 0 : w.n;
	for (size_t i = 0; i < w.n; i++)
		at[i] = d->at[first + i] - begin;
	w.at = at;
	qn_wanted_add(l, &w);
}

/* Rank 0. Of a stacked dimension no file has the numbers. */
static void want(const struct qn_subject *s, const struct dimension *of, struct qn_wanted_list *l)
{
	for (int dim = 0; dim < s->dataset.ndim; dim++) {
		const struct dimension *d = &of[dim];
		uint64_t begin = 0;

		if ((!d->n && !d->is_of_all) || (s->dataset.stacked && dim == 0))
			continue;
		if (!is_joined(s, dim)) {
			want_of_file(l, d, dim, s->first, 0, qn_dataset_length(&s->dataset, dim));
			continue;
		}
		for (size_t k = s->first; k < s->files.n; begin = s->file_end[k++])
			if (s->file_end[k] > begin)
				want_of_file(l, d, dim, k, begin, s->file_end[k]);
	}
}

/* --- what comes --- */

static double real_of(bool is_real, int64_t bits)
{
	double x;

	if (!is_real)
		return (double)bits;
	memcpy(&x, &bits, sizeof(x));
	return x;
}

static int64_t bits_of(double x)
{
	int64_t bits;

	memcpy(&bits, &x, sizeof(bits));
	return bits;
}

static void make_real(struct qn_axis_values *v)
{
	for (uint64_t i = 0; !v->is_real && i < v->n; i++)
		v->values[i] = bits_of((double)v->values[i]);
	v->is_real = true;
	v->dtype = QUERN_F64;
}

/* Times in other units, or from another day. False: they are none, or of another calendar. */
static bool bring_to(const struct qn_axis_values *like, struct qn_axis_values *v)
{
	struct qn_epoch to, from;

	if (!strcmp(v->units, like->units) && !strcmp(v->calendar, like->calendar))
		return true;
	if (qn_epoch_parse(like->units, like->calendar, &to) ||
	    qn_epoch_parse(v->units, v->calendar, &from) || to.calendar != from.calendar)
		return false;
	for (uint64_t i = 0; i < v->n; i++) {
		struct qn_instant t;
		int64_t whole, more;
		double x = (double)NAN;

		if ((v->is_real ? qn_epoch_at_real(&from, real_of(true, v->values[i]), &t)
				: qn_epoch_at_int(&from, v->values[i], &t)) &&
		    qn_epoch_number(&to, &t, &whole, &more))
			x = (double)whole + (double)more / (double)to.unit_ns;
		v->values[i] = bits_of(x);
	}
	v->is_real = true;
	v->dtype = QUERN_F64;
	return true;
}

/* What one file has, behind what there is. False: no memory. *is: it goes together. */
static bool append(struct dimension *d, struct qn_axis_values *v, bool *is)
{
	struct qn_axis_values *to = &d->found;
	int64_t *more;

	*is = v->n && (!to->n || bring_to(to, v));
	if (!*is)
		return true;
	if (!to->n) {
		*to = *v;
		memset(v, 0, sizeof(*v));
		return true;
	}
	if (to->is_real != v->is_real) {
		make_real(to);
		make_real(v);
	} else if (to->dtype != v->dtype) {
		to->dtype = to->is_real ? QUERN_F64 : QUERN_I64;
	}
	more = qn_realloc(to->values, (size_t)(to->n + v->n) * sizeof(*more));
	if (!more)
		return false;
	to->values = more;
	memcpy(more + to->n, v->values, (size_t)v->n * sizeof(*more));
	to->n += v->n;
	return true;
}

/* Of all values of a file those that are wanted, which begin with number `first` of the indexes. */
static void thin_out(const struct dimension *d, uint64_t begin, size_t first,
		     struct qn_axis_values *v)
{
	uint64_t n = 0;

	while (first + n < d->n && d->at[first + n] - begin < v->n) {
		v->values[n] = v->values[d->at[first + n] - begin];
		n++;
	}
	v->n = n;
}

static bool take(const struct qn_subject *s, struct dimension *d, const struct qn_wanted *w,
		 struct qn_axis_values *v, bool *is)
{
	const int dim = (int)w->dim;
	const uint64_t begin = is_joined(s, dim) && w->file > s->first ? s->file_end[w->file - 1]
								       : 0;

	if (!d->is_of_all && !w->n && v->n)
		thin_out(d, begin, (size_t)d->found.n, v);
	return append(d, v, is);
}

/* The answers of all ranks: those of each are in the order of the requests. */
struct answers {
	const char **at; /* owned: of each rank, the next one */
	void *all;	 /* owned */
	const char *end;
};

static enum quern_status gather(const struct qn_team *team, const char *mine, size_t nbytes,
				struct answers *a, struct quern_message *err)
{
	const size_t nranks = (size_t)qn_comm_size(team->comm);
	uint64_t *sizes = qn_calloc(nranks, sizeof(*sizes)), sum = 0;
	enum quern_status st;

	a->at = qn_calloc(nranks, sizeof(*a->at));
	st = qn_comm_agree(team->comm,
			   sizes && a->at ? QUERN_OK : qn_error_nomem(err, 0, "coordinates"), err);
	if (!st)
		st = qn_comm_gather_blocks(team->comm, mine, nbytes, &a->all, sizes, err);
	for (size_t r = 0; !st && a->all && r < nranks; r++) {
		a->at[r] = (const char *)a->all + sum;
		sum += sizes[r];
	}
	a->end = a->all ? (const char *)a->all + sum : NULL;
	free(sizes);
	return st;
}

/* Rank 0. A dimension of which a part is not there has no coordinate. */
static enum quern_status take_all(struct qn_run *run, const struct qn_wanted_list *l,
				  struct answers *a, struct dimension *of,
				  struct quern_message *err)
{
	const struct qn_subject *s = run->subject;
	bool is_lost[QUERN_MAX_DIMS] = { false };
	enum quern_status st = QUERN_OK;
	struct qn_wanted w;

	for (size_t at = 0; !st && qn_wanted_next(l, &at, &w);) {
		struct qn_axis_values v = { .n = 0 };
		char *why = NULL;
		bool is = false;

		st = qn_axis_unpack(&a->at[s->describer[w.file]], a->end, &v, &why, err);
		if (!st && !take(s, &of[w.dim], &w, &v, &is))
			st = qn_error_nomem(err, 0, "a coordinate");
		if (!st && *why && !is_lost[w.dim])
			st = qn_warn_of_lost_axis(&run->warnings, &s->dataset, (int)w.dim, why,
						  err);
		is_lost[w.dim] |= !is;
		qn_axis_values_fini(&v);
		free(why);
	}
	for (int d = 0; d < s->dataset.ndim; d++)
		if (is_lost[d])
			qn_axis_values_fini(&of[d].found);
	return st;
}

/* The answers to the requests that are this rank's, one after the other. */
static enum quern_status answer(const struct qn_team *team, const struct qn_subject *s,
				const struct qn_wanted_list *l, char **mine, size_t *nbytes,
				struct quern_message *err)
{
	const uint32_t rank = (uint32_t)qn_comm_rank(team->comm);
	FILE *f = qn_open_memstream(mine, nbytes);
	enum quern_status st = QUERN_OK;
	struct qn_wanted w;
	bool nomem = !f;

	for (size_t at = 0; !st && !nomem && qn_wanted_next(l, &at, &w);) {
		struct quern_message why = { .status = QUERN_OK };
		struct qn_axis_values v = { .n = 0 };

		if (w.file >= s->files.n || s->describer[w.file] != rank)
			continue;
		if (qn_wanted_read(s, &w, &v, &why) == QUERN_ERR_RUN)
			st = qn_error_pass(err, why.status, &why);
		qn_axis_pack(f, &v, why.status ? why.text : "", &nomem);
		qn_axis_values_fini(&v);
	}
	if (f && fclose(f))
		nomem = true;
	return st ? st : nomem ? qn_error_nomem(err, 0, "coordinates") : QUERN_OK;
}

static enum quern_status ask(struct qn_run *run, struct qn_wanted_list *l, struct dimension *of,
			     struct quern_message *err)
{
	const struct qn_team *team = run->team;
	struct answers a = { .at = NULL };
	size_t nbytes = l->n * sizeof(*l->word), nmine = 0;
	char *mine = NULL;
	enum quern_status st = qn_comm_bcast_block(team->comm, &l->word, &nbytes, err);

	l->n = nbytes / sizeof(*l->word);
	if (!st)
		st = qn_comm_agree(team->comm, answer(team, run->subject, l, &mine, &nmine, err),
				   err);
	if (!st)
		st = gather(team, mine, nmine, &a, err);
	if (!st && a.all)
		st = take_all(run, l, &a, of, err);
	free(mine);
	free(a.at);
	free(a.all);
	return qn_comm_agree(team->comm, st, err);
}

/* --- the result --- */

static bool give_values(struct qn_result_axis *a, struct qn_axis_values *v)
{
	a->n = v->n;
	a->dtype = v->dtype;
	a->coordinate = (struct qn_field){ .type = v->is_real ? QN_FIELD_REAL : QN_FIELD_INT,
					   .array = true,
					   .n = (size_t)v->n,
					   .v.ints = v->values };
	a->units = *v->units ? qn_strdup(v->units) : NULL;
	a->calendar = *v->calendar ? qn_strdup(v->calendar) : NULL;
	v->values = NULL;
	return (!*v->units || a->units) && (!*v->calendar || a->calendar);
}

/* The numbers of files that are on top of each other. */
static bool number_files(const struct dimension *d, uint64_t length, struct qn_axis_values *v)
{
	v->n = d->is_of_all ? length : d->n;
	v->dtype = QUERN_I64;
	v->values = qn_calloc(v->n + 1, sizeof(*v->values));
	v->units = qn_strdup("");
	v->calendar = qn_strdup("");
	for (uint64_t i = 0; v->values && i < v->n; i++)
		v->values[i] = (int64_t)(d->is_of_all ? i : d->at[i]);
	return v->values && v->units && v->calendar;
}

static bool give(const struct qn_run *run, bool has_few, struct dimension *of,
		 struct quern_result *r)
{
	const struct qn_subject *s = run->subject;
	bool ok = true;

	r->along = qn_calloc((size_t)s->dataset.ndim, sizeof(*r->along));
	for (int dim = 0; r->along && ok && dim < s->dataset.ndim; dim++) {
		struct qn_result_axis *a = &r->along[r->nalong];
		struct dimension *d = &of[dim];

		if (!has_few && !qn_run_is_indexed(run, dim))
			continue;
		r->nalong++;
		a->dim = dim;
		a->name = qn_dataset_dimension_name(&s->dataset, dim);
		ok = a->name != NULL;
		if (ok && s->dataset.stacked && dim == 0)
			ok = number_files(d, s->dataset.shape[0], &d->found);
		if (ok && d->found.n)
			ok = give_values(a, &d->found);
		if (ok && d->found.n && !d->is_of_all) {
			a->at = d->at;
			d->at = NULL;
		}
	}
	return r->along && ok;
}

/* has_few: for the indexes in the fields of the result, of all dimensions. */
static enum quern_status find(struct qn_run *run, bool has_few, struct quern_result *result,
			      struct quern_message *err)
{
	const struct qn_team *team = run->team;
	const struct qn_subject *subject = run->subject;
	const int ndim = subject->dataset.ndim;
	const bool leads = qn_comm_rank(team->comm) == 0;
	struct dimension of[QUERN_MAX_DIMS] = { { .at = NULL } };
	struct qn_wanted_list l = { .word = NULL };
	bool ok = true;
	enum quern_status st;

	for (int d = 0; leads && !has_few && d < ndim; d++)
		of[d].is_of_all = qn_run_is_indexed(run, d);
	if (leads && has_few)
		ok = list_indexes(result, of, ndim);
	if (leads && ok)
		want(subject, of, &l);
	if (leads && qn_grow(&l.word, &l.room, l.n + 1, sizeof(*l.word)))
		l.word[l.n++] = 0; /* nothing at all cannot be sent */
	else
		ok = ok && !leads;
	st = ok && !l.nomem ? QUERN_OK : qn_error_nomem(err, 0, "coordinates");
	st = qn_comm_agree(team->comm, st, err);
	if (!st)
		st = ask(run, &l, of, err);
	if (!st && leads && !give(run, has_few, of, result))
		st = qn_error_nomem(err, 0, "coordinates");
	for (int d = 0; d < ndim; d++) {
		qn_axis_values_fini(&of[d].found);
		free(of[d].at);
	}
	free(l.word);
	return qn_comm_agree(team->comm, st, err);
}

enum quern_status qn_lookup_before(struct qn_run *run, struct quern_result *result,
				   struct quern_message *err)
{
	return qn_kept_any(run) && is_wanted(run) ? find(run, false, result, err) : QUERN_OK;
}

enum quern_status qn_lookup_after(struct qn_run *run, struct quern_result *result,
				  struct quern_message *err)
{
	enum quern_status st = QUERN_OK;

	if (!is_wanted(run))
		return QUERN_OK;
	if (!qn_kept_any(run))
		st = find(run, true, result, err);
	if (!st && qn_comm_rank(run->team->comm) == 0 && !run->settings.streams &&
	    !(qn_lookup_put_beside(result, result) && qn_lookup_put_dates(result)))
		st = qn_error_nomem(err, 0, "coordinates");
	return qn_comm_agree(run->team->comm, st, err);
}
