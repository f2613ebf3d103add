/*
 * spread.c - items to NUMA nodes: descent of the potential of plan.h.
 *
 * Items that follow each other and have the same homes move together, as units that are small
 * against what a seat gets. First each goes home, to the replica that is least loaded; then sweeps
 * over the units move what lowers the potential. At last the units of one set of homes are laid
 * anew in file order, as much to every seat as before, so that ranges are long.
 */
#include <float.h>
#include <stdlib.h>

#include "base/mem.h"
#include "plan/seating.h"

#define MOST_HOMES 32		/* of an item that are looked at */
#define UNITS_PER_SEAT 128	/* so a unit is below 1% of what a seat gets */
#define FEWEST_PER_SEAT 50	/* when there are very many seats */
#define MANY_UNITS (1u << 20)
#define MOST_SWEEPS 48
#define CLOSE 1.015		/* to the lower bound: good enough */
#define BUSY 0.8		/* of the fullest: what is less full need not push anything away */
#define STALLED 0.998		/* what a sweep must bring for another one */
#define IDLE_PRICE 1e-6		/* of a seat that has time: there only the cost of an item counts */
#define LARGE 0.1		/* of what a seat gets: a unit of that size is not split off by order */
#define HOME_SLACK 1.01		/* how much later a seat may be for an item that comes home */

struct unit {
	uint64_t first;
	uint32_t n, set;
	double stored, decoded;
};

/* How busy a seat is. */
struct gauge {
	double level;		/* seconds a thread */
	double share;		/* of a second, that a thread is of the seat: 1 / threads */
};

struct spread {
	const struct qn_seating *s;
	uint64_t nunits;
	struct unit *unit;	/* owned */
	uint32_t *at;		/* owned: the seat of each unit */
	uint8_t *moved;		/* owned: was it moved from where it went first? */
	struct gauge *gauge;	/* owned: of each seat */
	double *disk, *shared;	/* owned: bytes of each host */
	double shared_all;
	uint32_t *least;	/* owned: of each host, the seat with the lowest level */
	uint32_t nleaves;	/* a tree of hosts: each knot is the one below that is lowest */
	uint32_t *tree;		/* owned */
	bool any_shared;
	double bound;		/* no plan is faster */
	double reference;	/* level at which a price is 1 */
	double busy;		/* what is below this level keeps what it has */
	int sharpness;		/* the price is level^(2^sharpness - 1) */
};

/* --- units --- */

static double cheapest(const struct qn_seating *s, double stored, double decoded, double n)
{
	return qn_rates_seconds(s->rates, QN_MEMORY, stored, decoded, n);
}

static double seconds_of(const struct spread *p, const struct unit *u, enum qn_tier tier)
{
	return qn_rates_seconds(p->s->rates, tier, u->stored, u->decoded, u->n);
}

/* Cuts the items into units of at most `most` seconds, or one item; returns how many. out NULL:
   counts only. */
static uint64_t cut_units(const struct qn_seating *s, double most, struct unit *out)
{
	const struct qn_work *w = s->work;
	struct unit u = { .n = 0 };
	uint64_t n = 0;

	for (uint64_t i = 0; i < w->nitems; i++) {
		double stored = (double)w->stored[i], decoded = (double)w->decoded[i];
		uint32_t set = qn_seating_set(s, i);

		if (u.n && (set != u.set || u.n == UINT32_MAX ||
			    cheapest(s, u.stored + stored, u.decoded + decoded, u.n + 1.0) > most)) {
			if (out)
				out[n] = u;
			n++;
			u.n = 0;
		}
		if (!u.n)
			u = (struct unit){ .first = i, .set = set };
		u.n++;
		u.stored += stored;
		u.decoded += decoded;
	}
	if (u.n && out)
		out[n] = u;
	return n + (u.n > 0);
}

static double total_seconds(const struct qn_seating *s)
{
	double stored = 0, decoded = 0;

	for (uint64_t i = 0; i < s->work->nitems; i++) {
		stored += (double)s->work->stored[i];
		decoded += (double)s->work->decoded[i];
	}
	return cheapest(s, stored, decoded, (double)s->work->nitems);
}

static bool prepare(struct spread *p)
{
	const struct qn_seating *s = p->s;
	uint64_t nunits = qn_max_u64(qn_min_u64((uint64_t)UNITS_PER_SEAT * s->nseats, MANY_UNITS),
				     (uint64_t)FEWEST_PER_SEAT * s->nseats);
	double most = total_seconds(s) / (double)nunits;

	p->nunits = cut_units(s, most, NULL);
	for (p->nleaves = 1; p->nleaves < s->nhosts; p->nleaves *= 2)
		;
	p->unit = qn_calloc(p->nunits, sizeof *p->unit);
	p->at = qn_calloc(p->nunits, sizeof *p->at);
	p->moved = qn_calloc(p->nunits, sizeof *p->moved);
	p->gauge = qn_calloc(s->nseats, sizeof *p->gauge);
	p->disk = qn_calloc(s->nhosts, sizeof *p->disk);
	p->shared = qn_calloc(s->nhosts, sizeof *p->shared);
	p->least = qn_calloc(s->nhosts, sizeof *p->least);
	p->tree = qn_calloc(2 * (size_t)p->nleaves, sizeof *p->tree);
	if (!p->unit || !p->at || !p->moved || !p->gauge || !p->disk || !p->shared || !p->least ||
	    !p->tree)
		return false;
	cut_units(s, most, p->unit);
	for (uint32_t g = 0; g < s->nseats; g++)
		p->gauge[g].share = 1 / s->seat[g].nthreads;
	for (uint64_t i = 0; i < p->nunits && !p->any_shared; i++)
		p->any_shared = qn_seating_find(s, p->unit[i].set).shared;
	return true;
}

static void release(struct spread *p)
{
	free(p->unit);
	free(p->at);
	free(p->moved);
	free(p->gauge);
	free(p->disk);
	free(p->shared);
	free(p->least);
	free(p->tree);
}

/* --- levels --- */

static double least_level(const struct spread *p, uint32_t host)
{
	return p->gauge[p->least[host]].level;
}

static uint32_t lower(const struct spread *p, uint32_t a, uint32_t b)
{
	if (a == QN_NO_SEAT || b == QN_NO_SEAT)
		return a == QN_NO_SEAT ? b : a;
	return least_level(p, b) < least_level(p, a) ? b : a;
}

static void start_tree(struct spread *p)
{
	for (uint32_t h = 0; h < p->nleaves; h++)
		p->tree[p->nleaves + h] = h < p->s->nhosts ? h : QN_NO_SEAT;
	for (uint32_t h = 0; h < p->s->nhosts; h++)
		p->least[h] = p->s->host_first[h];
	for (uint32_t k = p->nleaves - 1; k > 0; k--)
		p->tree[k] = lower(p, p->tree[2 * k], p->tree[2 * k + 1]);
}

/* The least loaded seat of a host, or its level, has changed. */
static void update_tree(struct spread *p, uint32_t host)
{
	for (uint32_t k = (p->nleaves + host) / 2; k > 0; k /= 2) {
		uint32_t before = p->tree[k];

		p->tree[k] = lower(p, p->tree[2 * k], p->tree[2 * k + 1]);
		if (p->tree[k] == before && before != host)
			return;
	}
}

static void find_least(struct spread *p, uint32_t host)
{
	uint32_t best = p->s->host_first[host];

	for (uint32_t g = best + 1; g < p->s->host_first[host + 1]; g++)
		if (p->gauge[g].level < p->gauge[best].level)
			best = g;
	p->least[host] = best;
}

/* Adds a unit to a seat (sign 1), or takes it away (-1). */
static void charge(struct spread *p, const struct unit *u, uint32_t seat, enum qn_tier tier,
		   double sign)
{
	uint32_t host = p->s->host[seat], least = p->least[host];

	p->gauge[seat].level += sign * seconds_of(p, u, tier) * p->gauge[seat].share;
	if (tier == QN_DISK || tier == QN_DISK_NEAR)
		p->disk[host] += sign * u->stored;
	if (tier == QN_SHARED) {
		p->shared[host] += sign * u->stored;
		p->shared_all += sign * u->stored;
	}
	if (sign < 0 ? p->gauge[seat].level < p->gauge[least].level : seat == least)
		find_least(p, host);
	if (p->any_shared && (seat == least || p->least[host] != least))
		update_tree(p, host);
}

/* --- prices --- */

static double price(const struct spread *p, double level)
{
	double x = level / p->reference, y = 1;

	for (int i = 0; i < p->sharpness; i++) {
		y *= x;
		x *= x;
	}
	return y + IDLE_PRICE;
}

/* What a limited resource asks for so many bytes when it is as busy as that; as if it were
   `nthreads` threads. */
static double toll(const struct spread *p, double nbytes, double busy, double limit,
		   double nthreads)
{
	return limit > 0 ? nbytes / limit * nthreads * price(p, busy / limit) : 0;
}

/* The cost of a unit on a seat: it is there already, or would come on top. */
static double cost(const struct spread *p, const struct unit *u, uint32_t seat, enum qn_tier tier,
		   bool is_there)
{
	const struct qn_rates *r = p->s->rates;
	const struct gauge *at = &p->gauge[seat];
	uint32_t host = p->s->host[seat];
	double seconds = seconds_of(p, u, tier), more = is_there ? 0 : u->stored;
	double level = is_there ? at->level : at->level + seconds * at->share;
	double sum = seconds * price(p, level);

	if (tier == QN_DISK || tier == QN_DISK_NEAR)
		sum += toll(p, u->stored, p->disk[host] + more, r->disk,
			    p->s->host_threads[host]);
	if (tier == QN_SHARED)
		sum += toll(p, u->stored, p->shared[host] + more, r->shared_host,
			    p->s->host_threads[host]) +
		       toll(p, u->stored, p->shared_all + more, r->shared, p->s->nthreads);
	return sum;
}

/* --- choosing --- */

/* A home of a unit, where it is here. */
struct spot {
	uint32_t host, seat;		/* seat: QN_NO_SEAT when the home is of no node */
	enum qn_tier tier;
};

/* The candidates of a unit: for each home its seat and the least loaded of its host, and the least
   loaded of all when everybody can read it. */
struct choice {
	struct spot spot[MOST_HOMES];
	uint32_t n, step;
	bool shared;
};

static void find_spots(const struct spread *p, const struct unit *u, struct choice *c)
{
	struct qn_found f = qn_seating_find(p->s, u->set);

	c->n = c->step = 0;
	c->shared = f.shared;
	for (uint32_t i = 0; i < f.n && c->n < MOST_HOMES; i++) {
		const struct qn_home *h = &f.home[i];
		uint32_t host = qn_seating_host(p->s, h);

		if (host != QN_NO_SEAT)
			c->spot[c->n++] = (struct spot){
				host, h->node == QN_ANY_NODE ? QN_NO_SEAT
							     : qn_seating_at(p->s, host, h->node),
				h->tier == QN_HOME_MEMORY ? QN_MEMORY : QN_DISK };
	}
}

/* As qn_seating_tier. */
static enum qn_tier tier_at(const struct spread *p, const struct choice *c, uint32_t seat)
{
	const double *read = p->s->rates->read;
	enum qn_tier best = QN_NTIERS;
	uint32_t host = p->s->host[seat];

	for (uint32_t i = 0; i < c->n; i++) {
		const struct spot *at = &c->spot[i];
		enum qn_tier t = at->tier + (at->seat != QN_NO_SEAT && at->seat != seat);

		if (at->host == host && (best == QN_NTIERS || read[t] < read[best]))
			best = t;
	}
	if (c->shared && (best == QN_NTIERS || read[QN_SHARED] < read[best]))
		best = QN_SHARED;
	return best;
}

/* The next candidate, or QN_NO_SEAT after the last. */
static uint32_t next_candidate(const struct spread *p, struct choice *c)
{
	while (c->step < 2 * c->n) {
		const struct spot *at = &c->spot[c->step / 2];

		if (c->step++ % 2)
			return p->least[at->host];
		if (at->seat != QN_NO_SEAT)
			return at->seat;
	}
	return c->step++ == 2 * c->n && c->shared ? p->least[p->tree[1]] : QN_NO_SEAT;
}

/* The seat that reads a unit at least cost for itself, and of such the one that has time first. */
static uint32_t nearest(const struct spread *p, const struct unit *u, enum qn_tier *tier)
{
	const double *read = p->s->rates->read;
	struct choice c;
	uint32_t seat, best = QN_NO_SEAT;

	*tier = QN_NTIERS;
	find_spots(p, u, &c);
	while ((seat = next_candidate(p, &c)) != QN_NO_SEAT) {
		enum qn_tier t = tier_at(p, &c, seat);

		if (best == QN_NO_SEAT || read[t] < read[*tier] ||
		    (read[t] == read[*tier] && p->gauge[seat].level < p->gauge[best].level)) {
			best = seat;
			*tier = t;
		}
	}
	return best;
}

/* Work that can be done by nothing else, over what there is of it: no plan is faster. */
struct bounds {
	double seconds, longest, disk, shared;
};

static void add_bounds(const struct spread *p, const struct unit *u, enum qn_tier tier,
		       struct bounds *b)
{
	double seconds = seconds_of(p, u, tier);

	b->seconds += seconds;
	if (u->n == 1 && seconds > b->longest)
		b->longest = seconds;
	if (tier == QN_SHARED)
		b->shared += u->stored;
	if (tier == QN_DISK && !qn_seating_find(p->s, u->set).shared)
		b->disk += u->stored;
}

static double bound_of(const struct spread *p, const struct bounds *b)
{
	const struct qn_rates *r = p->s->rates;
	double bound = b->seconds / p->s->nthreads;

	bound = b->longest > bound ? b->longest : bound;
	if (r->disk > 0 && b->disk / r->disk / p->s->nhosts > bound)
		bound = b->disk / r->disk / p->s->nhosts;
	if (r->shared_host > 0 && b->shared / r->shared_host / p->s->nhosts > bound)
		bound = b->shared / r->shared_host / p->s->nhosts;
	return r->shared > 0 && b->shared / r->shared > bound ? b->shared / r->shared : bound;
}

static void send_home(struct spread *p)
{
	struct bounds b = { 0 };

	for (uint64_t i = 0; i < p->nunits; i++) {
		const struct unit *u = &p->unit[i];
		enum qn_tier tier;

		p->at[i] = nearest(p, u, &tier);
		charge(p, u, p->at[i], tier, 1);
		add_bounds(p, u, tier, &b);
	}
	p->bound = bound_of(p, &b);
}

/* The level of the fullest seat or resource. */
static double highest(const struct spread *p)
{
	const struct qn_rates *r = p->s->rates;
	double most = r->shared > 0 ? p->shared_all / r->shared : 0;

	for (uint32_t g = 0; g < p->s->nseats; g++)
		most = p->gauge[g].level > most ? p->gauge[g].level : most;
	for (uint32_t h = 0; h < p->s->nhosts; h++) {
		double disk = r->disk > 0 ? p->disk[h] / r->disk : 0;
		double shared = r->shared_host > 0 ? p->shared[h] / r->shared_host : 0;

		most = disk > most ? disk : most;
		most = shared > most ? shared : most;
	}
	return most;
}

/* --- sweeps --- */

static void move(struct spread *p, uint64_t i, enum qn_tier from, uint32_t seat, enum qn_tier to)
{
	charge(p, &p->unit[i], p->at[i], from, -1);
	charge(p, &p->unit[i], seat, to, 1);
	p->at[i] = seat;
	p->moved[i] = 1;
}

/* Moves a unit where it costs less, if there is such a place. */
static bool settle(struct spread *p, uint64_t i)
{
	const struct unit *u = &p->unit[i];
	enum qn_tier from, to;
	uint32_t seat, best = p->at[i];
	struct choice c;
	double least;

	find_spots(p, u, &c);
	from = to = tier_at(p, &c, best);
	least = cost(p, u, best, from, true);
	while ((seat = next_candidate(p, &c)) != QN_NO_SEAT) {
		enum qn_tier t = tier_at(p, &c, seat);
		double asked = seat == p->at[i] ? least : cost(p, u, seat, t, false);

		if (asked < least) {
			least = asked;
			best = seat;
			to = t;
		}
	}
	if (best == p->at[i])
		return false;
	move(p, i, from, best, to);
	return true;
}

/* Is a unit where there is more than should be? */
static bool is_pressed(const struct spread *p, uint64_t i)
{
	const struct qn_rates *r = p->s->rates;
	uint32_t host = p->s->host[p->at[i]];

	return p->gauge[p->at[i]].level > p->busy ||
	       (r->disk > 0 && p->disk[host] > p->busy * r->disk) ||
	       (r->shared_host > 0 && p->shared[host] > p->busy * r->shared_host) ||
	       (r->shared > 0 && p->shared_all > p->busy * r->shared);
}

/* One sweep over the units, forth or back, so that what is pushed along a chain of hosts gets far.
   Returns how many moved. */
static uint64_t sweep(struct spread *p, bool back)
{
	uint64_t nmoved = 0;

	for (uint64_t k = 0; k < p->nunits; k++) {
		uint64_t i = back ? p->nunits - 1 - k : k;

		nmoved += is_pressed(p, i) && settle(p, i);
	}
	return nmoved;
}

static void descend(struct spread *p)
{
	static const int sharpness[] = { 4, 7 };
	int nsweeps = 0;

	p->reference = highest(p);
	for (size_t k = 0; k < sizeof sharpness / sizeof *sharpness; k++) {
		bool again = true;

		p->sharpness = sharpness[k];
		while (again && p->reference > p->bound * CLOSE && nsweeps < MOST_SWEEPS) {
			double before = p->reference;

			p->busy = p->bound * (1 + (CLOSE - 1) / 2);
			if (p->busy < before * BUSY)
				p->busy = before * BUSY;
			again = sweep(p, nsweeps++ % 2);
			p->reference = highest(p);
			again = again && p->reference < before * STALLED;
		}
	}
}

/* Would a seat and its disk be done by then with a unit more? */
static bool has_room(const struct spread *p, const struct unit *u, uint32_t seat, enum qn_tier tier,
		     double limit)
{
	const struct gauge *at = &p->gauge[seat];
	double disk = p->s->rates->disk;

	if ((tier == QN_DISK || tier == QN_DISK_NEAR) && disk > 0 &&
	    (p->disk[p->s->host[seat]] + u->stored) / disk > limit)
		return false;
	return at->level + seconds_of(p, u, tier) * at->share <= limit;
}

/* What was moved from home goes back as far as nobody is later for it than the latest is. */
static void return_home(struct spread *p)
{
	double limit = highest(p) * HOME_SLACK;

	for (uint64_t i = 0; i < p->nunits; i++) {
		const struct unit *u = &p->unit[i];
		struct qn_found f = qn_seating_find(p->s, u->set);
		enum qn_tier from, to;
		uint32_t home;

		if (!f.n || !p->moved[i])
			continue;
		from = qn_seating_tier(p->s, &f, p->at[i]);
		home = nearest(p, u, &to);
		if (p->s->rates->read[to] < p->s->rates->read[from] &&
		    has_room(p, u, home, to, limit))
			move(p, i, from, home, to);
	}
}

/* --- long ranges --- */

/* Units by set, in file order within each: owned; NULL without memory. The last key is that of
   units without homes. */
static uint64_t *sort_by_set(const struct spread *p, uint32_t nsets, uint64_t *begin)
{
	uint64_t *order = qn_calloc(p->nunits, sizeof *order);

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
	double *of;		/* by seat; zero between uses */
	uint32_t *seat, n;
	double large;		/* units of so many seconds stay where they are */
};

static double size_of(const struct spread *p, const struct unit *u)
{
	return cheapest(p->s, u->stored, u->decoded, u->n);
}

/* Units that are all of one size may be laid in order even if they are large. */
static double large_size(const struct spread *p, const uint64_t *unit, uint64_t n)
{
	double least = DBL_MAX, most = 0;

	for (uint64_t k = 0; k < n; k++) {
		double size = size_of(p, &p->unit[unit[k]]);

		least = size < least ? size : least;
		most = size > most ? size : most;
	}
	return most > 1.1 * least ? LARGE * p->bound * p->s->nthreads / p->s->nseats : 2 * most + 1;
}

static void collect(const struct spread *p, const uint64_t *unit, uint64_t n, struct amounts *a)
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
	qsort(a->seat, a->n, sizeof *a->seat, by_number);
}

/* Lays the items of one set in file order: to each seat what it had. An item goes where the
   larger part of it falls. */
static void lay(const struct spread *p, const uint64_t *unit, uint64_t n, struct amounts *a,
		uint32_t *seat_of)
{
	const struct qn_work *w = p->s->work;
	double room;
	uint32_t k = 0;

	collect(p, unit, n, a);
	room = a->n ? a->of[a->seat[0]] : 0;
	for (uint64_t j = 0; j < n; j++) {
		const struct unit *u = &p->unit[unit[j]];
		bool stays = size_of(p, u) >= a->large;

		for (uint64_t i = u->first; i < u->first + u->n; i++) {
			double seconds = cheapest(p->s, (double)w->stored[i], (double)w->decoded[i], 1);

			while (!stays && room < seconds / 2 && k + 1 < a->n)
				room += a->of[a->seat[++k]];
			seat_of[i] = stays ? p->at[unit[j]] : a->seat[k];
			room -= stays ? 0 : seconds;
		}
	}
	for (k = 0; k < a->n; k++)
		a->of[a->seat[k]] = 0;
}

static void keep_as_is(const struct spread *p, uint32_t *seat_of)
{
	for (uint64_t k = 0; k < p->nunits; k++)
		for (uint64_t i = 0; i < p->unit[k].n; i++)
			seat_of[p->unit[k].first + i] = p->at[k];
}

static enum quern_status lay_all(const struct spread *p, uint32_t *seat_of,
				 struct quern_message *err)
{
	uint32_t nsets = p->s->work->set ? p->s->work->homes->nsets : 0;
	struct amounts a = { .of = qn_calloc(p->s->nseats, sizeof *a.of),
			     .seat = qn_calloc(p->s->nseats, sizeof *a.seat) };
	uint64_t *begin = qn_calloc((size_t)nsets + 2, sizeof *begin), *order = NULL;
	enum quern_status st = QUERN_OK;

	if (begin && a.of && a.seat)
		order = sort_by_set(p, nsets, begin);
	if (!order)
		st = qn_error_nomem(err, p->nunits * sizeof *order, "the plan");
	for (uint64_t k = 0; !st && k <= nsets; k++)
		if (begin[k + 1] > begin[k])
			lay(p, order + begin[k], begin[k + 1] - begin[k], &a, seat_of);
	free(order);
	free(begin);
	free(a.of);
	free(a.seat);
	return st;
}

enum quern_status qn_spread(const struct qn_seating *s, uint32_t *seat_of,
			    struct quern_message *err)
{
	struct spread p = { .s = s };
	enum quern_status st = QUERN_OK;

	if (!prepare(&p)) {
		release(&p);
		return qn_error_nomem(err, p.nunits * sizeof *p.unit, "the plan");
	}
	start_tree(&p);
	send_home(&p);
	descend(&p);
	return_home(&p);
	/* With a few units a set there is nothing to lay in order. */
	if (s->work->set && p.nunits < 4 * (uint64_t)s->work->homes->nsets)
		keep_as_is(&p, seat_of);
	else
		st = lay_all(&p, seat_of, err);
	release(&p);
	return st;
}
