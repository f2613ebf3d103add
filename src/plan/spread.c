/*
 * spread.c - items to NUMA nodes: descent of the potential of plan.h.
 *
 * Items that follow each other and have the same homes move together, as units that are small
 * against what a seat gets. First each goes home, to the replica that is least loaded; then sweeps
 * over the units move what lowers the potential. At last the units of one set of homes are laid
 * anew in file order (spread_order.c), so that ranges are long.
 */
#include <stdlib.h>

#include "base/mem.h"
#include "plan/spread.h"

#define MOST_HOMES	32	   /* of an item that are looked at */
#define UNITS_PER_SEAT	128	   /* so a unit is below 1% of what a seat gets */
#define MANY_UNITS	(1u << 20) /* with more, fewer a seat: */
#define COARSE_PER_SEAT 8	   /* that is enough where everything can stay at home, */
#define FINE_PER_SEAT	24	   /* and otherwise so many */
#define MOST_SWEEPS	48
#define STOP_RATIO	1.015 /* stop sweeping within 1.5% of the lower bound */
#define BUSY		0.8   /* of the fullest: what is less full need not push anything away */
#define STALLED		0.998 /* what a sweep must bring for another one */
#define IDLE_PRICE	1e-6  /* of a seat that has time: there only the cost of an item counts */
#define HOME_SLACK	1.01  /* how much later a seat may be for an item that comes home */

/* --- units --- */

static double seconds_of(const struct qn_spread *p, const struct qn_unit *u, enum qn_tier tier)
{
	return qn_rates_seconds(p->s->rates, tier, u->stored, u->decoded, u->n);
}

/* Units as they are cut. */
struct cutter {
	const struct qn_seating *s;
	double most; /* seconds of a unit of more than one item */
	struct qn_unit *out;
	uint64_t n;
	struct qn_unit open; /* not yet among them, unless it is empty */
};

static void put_unit(struct cutter *c, const struct qn_unit *u)
{
	c->out[c->n++] = *u;
}

static void flush(struct cutter *c)
{
	if (c->open.n)
		put_unit(c, &c->open);
	c->open.n = 0;
}

/* A lump that is too large for one unit: several, of as many items. */
static void part_lump(struct cutter *c, const struct qn_lump *l, uint32_t number, double seconds)
{
	uint64_t nparts = seconds < c->most * l->n ? (uint64_t)(seconds / c->most) + 1 : l->n;

	flush(c);
	for (uint64_t k = 0; k < nparts; k++) {
		uint64_t from = l->n * k / nparts, n = l->n * (k + 1) / nparts - from;
		double part = (double)n / l->n;

		put_unit(c, &(struct qn_unit){ .first = l->first + from,
					       .n = (uint32_t)n,
					       .set = l->set,
					       .lump = number,
					       .stored = part * (double)l->stored,
					       .decoded = part * (double)l->decoded });
	}
}

static void add_lump(struct cutter *c, const struct qn_lump *l, uint32_t number)
{
	double stored = (double)l->stored, decoded = (double)l->decoded;
	double seconds = qn_spread_size(c->s, stored, decoded, l->n);
	struct qn_unit *u = &c->open;

	if (l->n > 1 && seconds > c->most) {
		part_lump(c, l, number, seconds);
		return;
	}
	if (u->n && (l->set != u->set || u->n > UINT32_MAX - l->n ||
		     qn_spread_size(c->s, u->stored, u->decoded, u->n) + seconds > c->most))
		flush(c);
	if (!u->n)
		*u = (struct qn_unit){ .first = l->first, .set = l->set, .lump = number };
	u->n += l->n;
	u->stored += stored;
	u->decoded += decoded;
}

/* Cuts the lumps into units of at most `most` seconds, or one item; returns how many. */
static uint64_t cut_units(const struct qn_seating *s, double most, struct qn_unit *out)
{
	struct cutter c = { .s = s, .most = most, .out = out };

	for (uint64_t i = 0; i < s->work->nlumps; i++)
		add_lump(&c, &s->work->lump[i], (uint32_t)i);
	flush(&c);
	return c.n;
}

static double total_seconds(const struct qn_seating *s)
{
	double stored = 0, decoded = 0;

	for (uint64_t i = 0; i < s->work->nlumps; i++) {
		stored += (double)s->work->lump[i].stored;
		decoded += (double)s->work->lump[i].decoded;
	}
	return qn_spread_size(s, stored, decoded, (double)s->work->nitems);
}

static bool prepare(struct qn_spread *p, uint32_t units_per_seat)
{
	const struct qn_seating *s = p->s;
	uint64_t nunits = (uint64_t)units_per_seat * s->nseats;
	double most = total_seconds(s) / (double)nunits;

	/* A lump makes a unit, and one more for each `most` seconds that it has. */
	nunits += s->work->nlumps + 1;
	for (p->nleaves = 1; p->nleaves < s->nhosts; p->nleaves *= 2)
		;
	p->unit = qn_calloc(nunits, sizeof(*p->unit));
	if (!p->unit)
		return false;
	p->nunits = cut_units(s, most, p->unit);
	p->at = qn_calloc(p->nunits, sizeof(*p->at));
	p->moved = qn_calloc(p->nunits, sizeof(*p->moved));
	p->gauge = qn_calloc(s->nseats, sizeof(*p->gauge));
	p->disk = qn_calloc(s->nhosts, sizeof(*p->disk));
	p->shared = qn_calloc(s->nhosts, sizeof(*p->shared));
	p->least = qn_calloc(s->nhosts, sizeof(*p->least));
	p->tree = qn_calloc(2 * (size_t)p->nleaves, sizeof(*p->tree));
	p->own = qn_calloc(s->nhosts, sizeof(*p->own));
	if (!p->own || !p->at || !p->moved || !p->gauge || !p->disk || !p->shared || !p->least ||
	    !p->tree)
		return false;
	for (uint32_t g = 0; g < s->nseats; g++)
		p->gauge[g].share = 1 / s->seat[g].nthreads;
	for (uint64_t i = 0; i < p->nunits && !p->any_shared; i++)
		p->any_shared = qn_seating_find(s, p->unit[i].set).shared;
	return true;
}

static void release(struct qn_spread *p)
{
	free(p->unit);
	free(p->at);
	free(p->moved);
	free(p->gauge);
	free(p->disk);
	free(p->shared);
	free(p->least);
	free(p->tree);
	free(p->own);
}

/* --- levels --- */

static double least_level(const struct qn_spread *p, uint32_t host)
{
	return p->gauge[p->least[host]].level;
}

static uint32_t lower(const struct qn_spread *p, uint32_t a, uint32_t b)
{
	if (a == QN_NO_SEAT || b == QN_NO_SEAT)
		return a == QN_NO_SEAT ? b : a;
	return least_level(p, b) < least_level(p, a) ? b : a;
}

static void start_tree(struct qn_spread *p)
{
	for (uint32_t h = 0; h < p->nleaves; h++)
		p->tree[p->nleaves + h] = h < p->s->nhosts ? h : QN_NO_SEAT;
	for (uint32_t h = 0; h < p->s->nhosts; h++)
		p->least[h] = p->s->host_first[h];
	for (uint32_t k = p->nleaves - 1; k > 0; k--)
		p->tree[k] = lower(p, p->tree[2 * k], p->tree[2 * k + 1]);
}

/* The least loaded seat of a host, or its level, has changed. */
static void update_tree(struct qn_spread *p, uint32_t host)
{
	for (uint32_t k = (p->nleaves + host) / 2; k > 0; k /= 2) {
		uint32_t before = p->tree[k];

		p->tree[k] = lower(p, p->tree[2 * k], p->tree[2 * k + 1]);
		if (p->tree[k] == before && before != host)
			return;
	}
}

static void find_least(struct qn_spread *p, uint32_t host)
{
	uint32_t best = p->s->host_first[host];

	for (uint32_t g = best + 1; g < p->s->host_first[host + 1]; g++)
		if (p->gauge[g].level < p->gauge[best].level)
			best = g;
	p->least[host] = best;
}

/* Adds a unit to a seat (sign 1), or takes it away (-1). */
static void charge(struct qn_spread *p, const struct qn_unit *u, uint32_t seat, enum qn_tier tier,
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

static double price(const struct qn_spread *p, double level)
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
static double toll(const struct qn_spread *p, double nbytes, double busy, double limit,
		   double nthreads)
{
	return limit > 0 ? nbytes / limit * nthreads * price(p, busy / limit) : 0;
}

/* The cost of a unit on a seat: it is there already, or would come on top. */
static double cost(const struct qn_spread *p, const struct qn_unit *u, uint32_t seat,
		   enum qn_tier tier, bool is_there)
{
	const struct qn_rates *r = p->s->rates;
	const struct qn_gauge *at = &p->gauge[seat];
	uint32_t host = p->s->host[seat];
	double seconds = seconds_of(p, u, tier), more = is_there ? 0 : u->stored;
	double level = is_there ? at->level : at->level + seconds * at->share;
	double sum = seconds * price(p, level);

	if (tier == QN_DISK || tier == QN_DISK_NEAR)
		sum += toll(p, u->stored, p->disk[host] + more, r->disk, p->s->host_threads[host]);
	if (tier == QN_SHARED)
		sum += toll(p, u->stored, p->shared[host] + more, r->shared_host,
			    p->s->host_threads[host]) +
		       toll(p, u->stored, p->shared_all + more, r->shared, p->s->nthreads);
	return sum;
}

/* --- choosing --- */

/* A home of a unit, where it is here. */
struct spot {
	uint32_t host, seat; /* seat: QN_NO_SEAT when the home is of no node */
	enum qn_tier tier;
};

/* The candidates of a unit: for each home its seat and the least loaded of its host, and the least
   loaded of all when everybody can read it. */
struct choice {
	struct spot spot[MOST_HOMES];
	uint32_t n, step;
	bool shared, is_set;
	uint32_t set; /* what it is of: mostly that of the unit before too */
};

static const enum qn_tier home_tiers[] = {
	[QN_HOME_MEMORY] = QN_MEMORY, [QN_HOME_DISK] = QN_DISK, [QN_HOME_SHARED] = QN_SHARED
};

static void find_spots(const struct qn_spread *p, const struct qn_unit *u, struct choice *c)
{
	struct qn_lump_homes f;

	c->step = 0;
	if (c->is_set && c->set == u->set)
		return;
	f = qn_seating_find(p->s, u->set);
	c->is_set = true;
	c->set = u->set;
	c->n = 0;
	c->shared = f.shared;
	for (uint32_t i = 0; i < f.n && c->n < MOST_HOMES; i++) {
		const struct qn_home *h = &f.home[i];
		uint32_t host = qn_seating_host(p->s, h);

		if (host != QN_NO_SEAT)
			c->spot[c->n++] =
				(struct spot){ host,
					       h->node == QN_ANY_NODE || h->tier == QN_HOME_SHARED
						       ? QN_NO_SEAT
						       : qn_seating_at(p->s, host, h->node),
					       home_tiers[h->tier] };
	}
}

/* As qn_seating_tier. */
static enum qn_tier tier_at(const struct qn_spread *p, const struct choice *c, uint32_t seat)
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
static uint32_t next_candidate(const struct qn_spread *p, struct choice *c)
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
static uint32_t nearest(const struct qn_spread *p, const struct qn_unit *u, struct choice *c,
			enum qn_tier *tier)
{
	const double *read = p->s->rates->read;
	uint32_t seat, best = QN_NO_SEAT;

	*tier = QN_NTIERS;
	find_spots(p, u, c);
	while ((seat = next_candidate(p, c)) != QN_NO_SEAT) {
		enum qn_tier t = tier_at(p, c, seat);

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

/* Has it one home, and nobody else can read it? */
static bool is_bound_to_host(const struct choice *c)
{
	for (uint32_t i = 1; i < c->n; i++)
		if (c->spot[i].host != c->spot[0].host)
			return false;
	return c->n > 0 && c->n < MOST_HOMES && !c->shared;
}

static void add_bounds(struct qn_spread *p, const struct qn_unit *u, const struct choice *c,
		       enum qn_tier tier, struct bounds *b)
{
	double seconds = seconds_of(p, u, tier);

	if (is_bound_to_host(c)) {
		struct qn_own *own = &p->own[c->spot[0].host];

		own->seconds += seconds;
		own->disk += tier == QN_DISK || tier == QN_DISK_NEAR ? u->stored : 0;
	}

	b->seconds += seconds;
	if (u->n == 1 && seconds > b->longest)
		b->longest = seconds;
	if (tier == QN_SHARED)
		b->shared += u->stored;
	if (tier == QN_DISK && !qn_seating_find(p->s, u->set).shared)
		b->disk += u->stored;
}

static double bound_of(const struct qn_spread *p, const struct bounds *b)
{
	const struct qn_rates *r = p->s->rates;
	double bound = b->seconds / p->s->nthreads;

	for (uint32_t h = 0; h < p->s->nhosts; h++) {
		double busy = p->own[h].seconds / p->s->host_threads[h];

		bound = busy > bound ? busy : bound;
		if (r->disk > 0 && p->own[h].disk / r->disk > bound)
			bound = p->own[h].disk / r->disk;
	}
	bound = b->longest > bound ? b->longest : bound;
	if (r->disk > 0 && b->disk / r->disk / p->s->nhosts > bound)
		bound = b->disk / r->disk / p->s->nhosts;
	if (r->shared_host > 0 && b->shared / r->shared_host / p->s->nhosts > bound)
		bound = b->shared / r->shared_host / p->s->nhosts;
	return r->shared > 0 && b->shared / r->shared > bound ? b->shared / r->shared : bound;
}

static void send_home(struct qn_spread *p)
{
	struct bounds b = { 0 };
	struct choice c = { .is_set = false };

	for (uint64_t i = 0; i < p->nunits; i++) {
		const struct qn_unit *u = &p->unit[i];
		enum qn_tier tier;

		p->at[i] = nearest(p, u, &c, &tier);
		charge(p, u, p->at[i], tier, 1);
		add_bounds(p, u, &c, tier, &b);
	}
	p->bound = bound_of(p, &b);
}

/* The level of the fullest seat or resource. */
static double highest(const struct qn_spread *p)
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

static void move(struct qn_spread *p, uint64_t i, enum qn_tier from, uint32_t seat, enum qn_tier to)
{
	charge(p, &p->unit[i], p->at[i], from, -1);
	charge(p, &p->unit[i], seat, to, 1);
	p->at[i] = seat;
	p->moved[i] = 1;
}

/* Moves a unit where it costs less, if there is such a place. */
static bool settle(struct qn_spread *p, uint64_t i, struct choice *c)
{
	const struct qn_unit *u = &p->unit[i];
	enum qn_tier from, to;
	uint32_t seat, best = p->at[i];
	double least;

	find_spots(p, u, c);
	from = to = tier_at(p, c, best);
	least = cost(p, u, best, from, true);
	while ((seat = next_candidate(p, c)) != QN_NO_SEAT) {
		enum qn_tier t = tier_at(p, c, seat);
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
static bool is_pressed(const struct qn_spread *p, uint64_t i)
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
static uint64_t sweep(struct qn_spread *p, bool back)
{
	uint64_t nmoved = 0;
	struct choice c = { .is_set = false };

	for (uint64_t k = 0; k < p->nunits; k++) {
		uint64_t i = back ? p->nunits - 1 - k : k;

		nmoved += is_pressed(p, i) && settle(p, i, &c);
	}
	return nmoved;
}

static bool is_close(const struct qn_spread *p)
{
	return p->reference <= p->bound * STOP_RATIO;
}

static void descend(struct qn_spread *p)
{
	static const int sharpness[] = { 4, 7 };
	int nsweeps = 0;

	p->reference = highest(p);
	for (size_t k = 0; k < sizeof(sharpness) / sizeof(*sharpness); k++) {
		bool again = true;

		p->sharpness = sharpness[k];
		while (again && !is_close(p) && nsweeps < MOST_SWEEPS) {
			double before = p->reference;

			p->busy = p->bound * (1 + (STOP_RATIO - 1) / 2);
			if (p->busy < before * BUSY)
				p->busy = before * BUSY;
			again = sweep(p, nsweeps++ % 2);
			p->reference = highest(p);
			again = again && p->reference < before * STALLED;
		}
	}
}

/* Would a seat and its disk be done by then with a unit more? */
static bool has_room(const struct qn_spread *p, const struct qn_unit *u, uint32_t seat,
		     enum qn_tier tier, double limit)
{
	const struct qn_gauge *at = &p->gauge[seat];
	double disk = p->s->rates->disk;

	if ((tier == QN_DISK || tier == QN_DISK_NEAR) && disk > 0 &&
	    (p->disk[p->s->host[seat]] + u->stored) / disk > limit)
		return false;
	return at->level + seconds_of(p, u, tier) * at->share <= limit;
}

/* What was moved from home goes back as far as nobody is later for it than the latest is. */
static void return_home(struct qn_spread *p)
{
	double limit = highest(p) * HOME_SLACK;
	struct choice c = { .is_set = false };

	for (uint64_t i = 0; i < p->nunits; i++) {
		const struct qn_unit *u = &p->unit[i];
		struct qn_lump_homes f = qn_seating_find(p->s, u->set);
		enum qn_tier from, to;
		uint32_t home;

		if (!f.n || !p->moved[i])
			continue;
		from = qn_seating_tier(p->s, &f, p->at[i]);
		home = nearest(p, u, &c, &to);
		if (p->s->rates->read[to] < p->s->rates->read[from] &&
		    has_room(p, u, home, to, limit))
			move(p, i, from, home, to);
	}
}

/* With as many units as that a seat. False without memory. */
static bool spread(struct qn_spread *p, uint32_t units_per_seat)
{
	const struct qn_seating *s = p->s;

	release(p);
	*p = (struct qn_spread){ .s = s };
	if (!prepare(p, units_per_seat))
		return false;
	start_tree(p);
	send_home(p);
	descend(p);
	return true;
}

enum quern_status qn_spread(const struct qn_seating *s, struct qn_pieces *seat_of,
			    struct quern_message *err)
{
	struct qn_spread p = { .s = s };
	enum quern_status st = QUERN_OK;
	bool fine;

	if (s->nseats <= MANY_UNITS / UNITS_PER_SEAT)
		fine = spread(&p, UNITS_PER_SEAT);
	else
		fine = spread(&p, COARSE_PER_SEAT) && (is_close(&p) || spread(&p, FINE_PER_SEAT));
	if (fine) {
		return_home(&p);
		st = qn_spread_lay(&p, seat_of, err);
	} else {
		st = qn_error_nomem(err, s->work->nlumps * sizeof(*p.unit), "the plan");
	}
	release(&p);
	return st;
}
