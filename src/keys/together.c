/*
 * together.c - files that are joined have their part of a coordinate each, and may count its times in units of
 * their own: all are brought to those of the first.
 */
#include "keys/together.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/mem.h"
#include "select/axis.h"

/* --- one kind of value --- */

static enum quern_status differs(const struct qn_dataset *like, const char *label,
				 const struct qn_value_piece *first, const struct qn_value_piece *p,
				 struct quern_message *err)
{
	return qn_error_set(
		err, QUERN_ERR_DATA,
		"%s: %s has the units '%s' (calendar '%s') in one of the files, which "
		"with the type that it has there cannot be brought to those of the first, "
		"'%s' (calendar '%s')",
		label, like->path, p->units, p->calendar, first->units, first->calendar);
}

/* Unsigned ones as the integers that they are. */
static enum quern_status check_unsigned(const struct qn_dataset *like, const char *label,
					struct qn_values *v, struct quern_message *err)
{
	for (uint64_t i = 0; v->is_unsigned && i < v->n; i++)
		if (v->integers[i] < 0 && !(v->missing && v->missing[i]))
			return qn_error_set(err, QUERN_ERR_DATA,
					    "%s: %s has the value %llu, and none above "
					    "9223372036854775807 can be taken",
					    label, like->path, (unsigned long long)v->integers[i]);
	v->is_unsigned = false;
	return QUERN_OK;
}

static enum quern_status to_reals(struct qn_value_piece *p, struct qn_values *v,
				  struct quern_message *err)
{
	double *reals = v->integers ? qn_malloc(v->n * sizeof(*reals) + 1) : NULL;

	if (!v->integers)
		return QUERN_OK;
	if (!reals)
		return qn_error_nomem(err, v->n * sizeof(*reals), "a key");
	for (uint64_t i = 0; i < v->n; i++)
		reals[i] = (double)v->integers[i];
	free(v->integers);
	v->integers = NULL;
	v->reals = reals;
	p->kind = QN_PIECE_REALS;
	return QUERN_OK;
}

/* Element i in other units. False: it is too far away, or of days that the other calendar does not have. */
static bool turn(const struct qn_epoch *from, const struct qn_epoch *to, const struct qn_values *v,
		 uint64_t i, int64_t *whole, double *part)
{
	struct qn_instant t;
	int64_t more_ns;
	bool is = v->integers ? qn_epoch_at_int(from, v->integers[i], &t)
			      : qn_epoch_at_real(from, v->reals[i], &t);

	if (!is || !qn_calendar_turn(from->calendar, to->calendar, &t.day) ||
	    !qn_epoch_number(to, &t, whole, &more_ns))
		return false;
	*part = (double)more_ns / (double)to->unit_ns;
	return true;
}

static bool is_none(const struct qn_values *v, uint64_t i)
{
	return (v->missing && v->missing[i]) || (v->reals && isnan(v->reals[i]));
}

/* Can all times of a file be turned, and are they then whole numbers? */
static bool look_at_times(const struct qn_epoch *from, const struct qn_epoch *to,
			  const struct qn_values *v, bool *whole)
{
	*whole = v->integers != NULL;
	for (uint64_t i = 0; i < v->n; i++) {
		int64_t n;
		double part;

		if (is_none(v, i))
			continue;
		if (!turn(from, to, v, i, &n, &part))
			return false;
		*whole &= part == 0;
	}
	return true;
}

/* Times of one file in the units of the first. Integers stay integers where they can. */
static enum quern_status turn_times(struct qn_value_piece *p, const struct qn_epoch *from,
				    const struct qn_epoch *to, struct qn_values *v, bool *turned,
				    struct quern_message *err)
{
	bool whole;
	double *reals;

	*turned = look_at_times(from, to, v, &whole);
	reals = *turned && !whole ? qn_calloc(v->n, sizeof(*reals)) : NULL;
	if (*turned && !whole && !reals)
		return qn_error_nomem(err, v->n * sizeof(*reals), "a key");
	for (uint64_t i = 0; *turned && i < v->n; i++) {
		int64_t n = 0;
		double part = 0;

		if (!is_none(v, i))
			turn(from, to, v, i, &n, &part);
		else if (!whole)
			part = (double)NAN;
		if (whole)
			v->integers[i] = n;
		else
			reals[i] = (double)n + part;
	}
	if (!reals)
		return QUERN_OK;
	free(v->integers);
	free(v->reals);
	v->integers = NULL;
	v->reals = reals;
	p->kind = QN_PIECE_REALS;
	return QUERN_OK;
}

static enum quern_status bring_to(const struct qn_dataset *like, const char *label,
				  const struct qn_value_piece *first, struct qn_value_piece *p,
				  struct qn_values *v, struct quern_message *err)
{
	const bool same =
		!strcmp(first->units, p->units) &&
		(!qn_epoch_is_meant(p->units) || !strcasecmp(first->calendar, p->calendar));
	struct qn_epoch from, to;
	bool turned = false;
	enum quern_status st = QUERN_OK;

	if (!v->n)
		return QUERN_OK;
	if ((p->kind == QN_PIECE_TEXTS) != (first->kind == QN_PIECE_TEXTS))
		return differs(like, label, first, p, err);
	if (same || (!qn_epoch_is_meant(p->units) && qn_axis_same_units(first->units, p->units)))
		return QUERN_OK;
	if (qn_epoch_is_meant(p->units) && !qn_epoch_parse(p->units, p->calendar, &from) &&
	    qn_epoch_is_meant(first->units) && !qn_epoch_parse(first->units, first->calendar, &to))
		st = turn_times(p, &from, &to, v, &turned, err);
	return st || turned ? st : differs(like, label, first, p, err);
}

/* --- one array --- */

/* Where files meet: `before` arrays, of each a stretch of every file, of `inner` elements an index. */
struct seam {
	uint64_t before, inner, whole, at;
};

static void put_file(const struct seam *s, const struct qn_value_piece *p, struct qn_values *v,
		     struct qn_values *out)
{
	const uint64_t n = p->length * s->inner;

	for (uint64_t b = 0; n && b < s->before; b++) {
		const uint64_t from = b * n, to = (b * s->whole + s->at) * s->inner;

		for (uint64_t i = 0; out->texts && i < n; i++)
			memcpy(out->texts + (to + i) * out->text_nbytes,
			       v->texts + (from + i) * v->text_nbytes, v->text_nbytes);
		if (out->integers)
			memcpy(out->integers + to, v->integers + from, n * sizeof(*v->integers));
		if (out->reals)
			memcpy(out->reals + to, v->reals + from, n * sizeof(*v->reals));
		if (v->missing)
			memcpy(out->missing + to, v->missing + from, n);
	}
}

static enum quern_status make_room(const struct qn_value_piece *piece, size_t n, uint64_t nelems,
				   struct qn_values *out, struct quern_message *err)
{
	struct qn_value_piece all = piece[0];
	bool has_missing = false;

	for (size_t i = 0; i < n; i++) {
		has_missing |= piece[i].has_missing;
		if (piece[i].text_nbytes > all.text_nbytes)
			all.text_nbytes = piece[i].text_nbytes;
	}
	*out = (struct qn_values){ .n = nelems, .text_nbytes = all.text_nbytes };
	*qn_value_piece_values(&all, out) = qn_calloc(nelems, qn_value_piece_size(&all));
	if (has_missing)
		out->missing = qn_calloc(nelems, 1);
	if (!*qn_value_piece_values(&all, out) || (has_missing && !out->missing))
		return qn_error_nomem(err, nelems * qn_value_piece_size(&all), "a key");
	return QUERN_OK;
}

static enum quern_status concatenate(const struct qn_dataset *like, const char *label, int joined,
				     const uint64_t *length, const struct qn_value_piece *piece,
				     struct qn_values *v, size_t n, struct qn_values *out,
				     struct quern_message *err)
{
	struct seam s = { 1, 1, joined < 0 ? 1 : length[joined], 0 };
	uint64_t sum = 0;
	enum quern_status st;

	for (int k = 0; k < like->ndim; k++)
		if (k != joined)
			*(k < joined ? &s.before : &s.inner) *= length[k];
	for (size_t i = 0; i < n; i++)
		sum += piece[i].length;
	if (sum != s.whole)
		return qn_error_set(err, QUERN_ERR_DATA,
				    "%s: the files have %llu values of %s along the dimension that "
				    "they are joined along, and %llu of the dataset",
				    label, (unsigned long long)sum, like->path,
				    (unsigned long long)s.whole);
	st = make_room(piece, n, s.before * s.whole * s.inner, out, err);
	for (size_t i = 0; !st && i < n; s.at += piece[i++].length)
		put_file(&s, &piece[i], &v[i], out);
	return st;
}

enum quern_status qn_key_join(const struct qn_dataset *like, const char *label, int joined,
			      const uint64_t *length, struct qn_value_piece *piece,
			      struct qn_values *v, size_t n, struct qn_values *out,
			      struct quern_message *err)
{
	bool has_reals = false;
	enum quern_status st = QUERN_OK;

	for (size_t i = 0; !st && i < n; i++) {
		st = check_unsigned(like, label, &v[i], err);
		if (!st)
			st = bring_to(like, label, &piece[0], &piece[i], &v[i], err);
		has_reals |= v[i].reals != NULL;
	}
	for (size_t i = 0; !st && has_reals && i < n; i++)
		st = to_reals(&piece[i], &v[i], err);
	if (!st)
		st = concatenate(like, label, joined, length, piece, v, n, out, err);
	for (size_t i = 0; i < n; i++)
		qn_values_fini(&v[i]);
	return st;
}
