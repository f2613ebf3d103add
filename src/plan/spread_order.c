/*
 * spread_order.c - long ranges: the units of one set of homes are laid anew in file order, as much to every
 * seat as before.
 */
#include <float.h>
#include <stdlib.h>

#include "base/mem.h"
#include "plan/spread.h"

#define LARGE 0.1 /* of what a seat gets: a unit of that size is not split off by order */

/* Units by set, in file order within each: owned; NULL without memory. The last key is that of
   units without homes. */
static uint64_t *sort_by_set(const struct qn_spread *p, uint32_t nsets, uint64_t *begin)
{
	uint64_t *order = qn_calloc(p->nunits, sizeof(*order));

	for (uint64_t i = 0; order && i < p->nunits; i++)
		begin[qn_min_u64(p->unit[i].set, nsets) + 1]++;
	for (uint64_t k = 0; order && k <= nsets; k++)
		begin[k + 1] += begin[k];
	for (uint64_t i = 0; order && i < p->nunits; i++)
		order[begin[qn_min_u64(p->unit[i].set, nsets)]++] = i;
	for (uint64_t k = nsets + 1; order && k > 0; k--)
		begin[k] = begin[k - 1];
	begin[0] = 0;
	return order;
}

static int by_number(const void *a, const void *b)
{
	uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;

	return x < y ? -1 : x > y;
}

/* How much of a set each seat has, but for large units. */
struct amounts {
	double *of; /* by seat; zero between uses */
	uint32_t *seat, n;
	double large; /* units of so many seconds stay where they are */
};

static double size_of(const struct qn_spread *p, const struct qn_unit *u)
{
	return qn_spread_size(p->s, u->stored, u->decoded, u->n);
}

/* Units that are all of one size may be laid in order even if they are large. */
static double large_size(const struct qn_spread *p, const uint64_t *unit, uint64_t n)
{
	double least = DBL_MAX, most = 0;

	for (uint64_t k = 0; k < n; k++) {
		double size = size_of(p, &p->unit[unit[k]]);

		least = size < least ? size : least;
		most = size > most ? size : most;
	}
	return most > 1.1 * least ? LARGE * p->bound * p->s->nthreads / p->s->nseats : 2 * most + 1;
}

static void collect(const struct qn_spread *p, const uint64_t *unit, uint64_t n, struct amounts *a)
{
	a->n = 0;
	a->large = large_size(p, unit, n);
	for (uint64_t k = 0; k < n; k++) {
		uint32_t seat = p->at[unit[k]];
		double size = size_of(p, &p->unit[unit[k]]);

		if (size >= a->large)
			continue;
		if (a->of[seat] == 0)
			a->seat[a->n++] = seat;
		a->of[seat] += size + DBL_MIN;
	}
	qsort(a->seat, a->n, sizeof(*a->seat), by_number);
}

/* How many of n items of so many seconds each fit into the room: an item does when the larger part of
   it does, and the first of them is known to. */
static uint64_t count_fitting(double room, double seconds, uint64_t n)
{
	double fit = room / seconds + 0.5;

	return fit < (double)n ? qn_max_u64((uint64_t)fit, 1) : n;
}

/* Lays what is in one lump, from seat *k on. */
static void lay_bite(const struct qn_spread *p, struct qn_bite b, struct amounts *a, uint32_t *k,
		     double *room, struct qn_pieces *seat_of)
{
	double seconds = qn_spread_size(p->s, qn_lump_stored(b.lump), qn_lump_decoded(b.lump), 1);

	while (b.n) {
		uint64_t n = b.n;

		while (*room < seconds / 2 && *k + 1 < a->n)
			*room += a->of[a->seat[++*k]];
		if (*k + 1 < a->n)
			n = count_fitting(*room, seconds, n);
		qn_pieces_add(seat_of, b.first, n, b.number, a->seat[*k]);
		*room -= (double)n * seconds;
		b.first += n;
		b.n -= (uint32_t)n;
	}
}

static struct qn_piece whole_unit(const struct qn_unit *u)
{
	return (struct qn_piece){ .first = u->first, .n = u->n, .lump = u->lump };
}

/* Lays the items of one set in file order: to each seat what it had. An item goes where the
   larger part of it falls. */
static void lay(const struct qn_spread *p, const uint64_t *unit, uint64_t n, struct amounts *a,
		struct qn_pieces *seat_of)
{
	double room;
	uint32_t k = 0;

	collect(p, unit, n, a);
	room = a->n ? a->of[a->seat[0]] : 0;
	for (uint64_t j = 0; j < n; j++) {
		const struct qn_unit *u = &p->unit[unit[j]];
		struct qn_piece rest = whole_unit(u);
		struct qn_bite b;

		if (size_of(p, u) >= a->large) {
			qn_pieces_add(seat_of, u->first, u->n, u->lump, p->at[unit[j]]);
			continue;
		}
		while (qn_piece_bite(p->s->work, &rest, &b))
			lay_bite(p, b, a, &k, &room, seat_of);
	}
	for (k = 0; k < a->n; k++)
		a->of[a->seat[k]] = 0;
}

static void keep_as_is(const struct qn_spread *p, struct qn_pieces *seat_of)
{
	for (uint64_t k = 0; k < p->nunits; k++)
		qn_pieces_add(seat_of, p->unit[k].first, p->unit[k].n, p->unit[k].lump, p->at[k]);
}

static enum quern_status lay_all(const struct qn_spread *p, struct qn_pieces *seat_of,
				 struct quern_message *err)
{
	uint32_t nsets = p->s->work->homes ? p->s->work->homes->nsets : 0;
	struct amounts a = { .of = qn_calloc(p->s->nseats, sizeof(*a.of)),
			     .seat = qn_calloc(p->s->nseats, sizeof(*a.seat)) };
	uint64_t *begin = qn_calloc((size_t)nsets + 2, sizeof(*begin)), *order = NULL;
	enum quern_status st = QUERN_OK;

	if (begin && a.of && a.seat)
		order = sort_by_set(p, nsets, begin);
	if (!order)
		st = qn_error_nomem(err, p->nunits * sizeof(*order), "the plan");
	for (uint64_t k = 0; !st && k <= nsets; k++)
		if (begin[k + 1] > begin[k])
			lay(p, order + begin[k], begin[k + 1] - begin[k], &a, seat_of);
	free(order);
	free(begin);
	free(a.of);
	free(a.seat);
	return st;
}

enum quern_status qn_spread_lay(const struct qn_spread *p, struct qn_pieces *seat_of,
				struct quern_message *err)
{
	/* With a few units a set there is nothing to lay in order. */
	if (!p->s->work->homes || p->nunits >= 4 * (uint64_t)p->s->work->homes->nsets)
		return lay_all(p, seat_of, err);
	keep_as_is(p, seat_of);
	return QUERN_OK;
}
