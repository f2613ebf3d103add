#include "plan/plan.h"

#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "base/mem.h"
#include "plan/seating.h"

#define AHEAD 16 /* pieces between asking for a line of memory and using it */

static const char *const whys[QN_NWHYS] = {
	[QN_WHY_NO_HOME] = "no_home",
	[QN_WHY_NO_RANK] = "home_has_no_rank",
	[QN_WHY_FULL] = "home_full",
};

const char *qn_why_name(enum qn_why why)
{
	return whys[why];
}

/* Does a rank run on a host of these homes? */
static bool has_rank(const struct qn_seating *s, const struct qn_lump_homes *f)
{
	for (uint32_t i = 0; i < f->n; i++)
		if (qn_seating_host(s, &f->home[i]) != QN_NO_SEAT)
			return true;
	return false;
}

static enum quern_status check_reach(const struct qn_seating *s, uint64_t *unreachable,
				     struct quern_message *err)
{
	for (uint64_t i = 0; s->work->homes && i < s->work->nlumps; i++) {
		const struct qn_lump *l = &s->work->lump[i];
		struct qn_lump_homes f = qn_seating_find(s, l->set);

		if (f.shared || has_rank(s, &f))
			continue;
		if (unreachable)
			*unreachable = l->first;
		return qn_error_set(err, QUERN_ERR_DATA,
				    "no rank runs on a host that holds item "
				    "%llu of the run, and no other host can read it: start ranks "
				    "on the hosts that hold the data",
				    (unsigned long long)l->first);
	}
	return QUERN_OK;
}

/* --- ranges --- */

/* Pieces of a rank that follow each other are one range. */
static bool begins_range(const struct qn_pieces *p, const uint64_t *begin, int rank, uint64_t k)
{
	const struct qn_piece *at = &p->piece[k];

	return k == begin[rank] || at[-1].first + at[-1].n != at->first;
}

static uint64_t count_ranges(struct qn_plan *plan, const struct qn_pieces *p, const uint64_t *begin)
{
	for (int r = 0; r < plan->nranks; r++) {
		plan->at[r + 1] = plan->at[r];
		for (uint64_t k = begin[r]; k < begin[r + 1]; k++)
			plan->at[r + 1] += begins_range(p, begin, r, k);
	}
	return plan->at[plan->nranks];
}

static enum quern_status write_ranges(struct qn_plan *plan, const struct qn_pieces *p,
				      const uint64_t *begin, struct quern_message *err)
{
	uint64_t n = count_ranges(plan, p, begin);
	struct qn_series *to;

	plan->range = qn_calloc(n, sizeof(*plan->range));
	if (!plan->range)
		return qn_error_nomem(err, n * sizeof(*plan->range), "the plan");
	to = plan->range - 1;
	for (int r = 0; r < plan->nranks; r++)
		for (uint64_t k = begin[r]; k < begin[r + 1]; k++) {
			if (begins_range(p, begin, r, k))
				*++to = (struct qn_series){ .first = p->piece[k].first };
			to->n += p->piece[k].n;
		}
	return QUERN_OK;
}

/* --- accounts --- */

struct accounts {
	const struct qn_seating *s;
	struct qn_plan *plan;
	uint32_t *seat_of_rank; /* owned */
	double *disk, *shared;	/* owned: bytes of each host */
};

static void account_bite(struct accounts *a, const struct qn_bite *b, int rank)
{
	const struct qn_seating *s = a->s;
	struct qn_lump_homes f = qn_seating_find(s, b->lump->set);
	uint32_t seat = a->seat_of_rank[rank], host = s->seat[seat].host;
	enum qn_tier tier = qn_seating_tier(s, &f, seat);
	struct qn_portion *p = &a->plan->rank[rank];
	uint64_t stored = qn_bite_of(b, b->lump->stored), decoded = qn_bite_of(b, b->lump->decoded);
	double seconds = qn_rates_seconds(s->rates, tier, (double)stored, (double)decoded, b->n);

	p->nitems += b->n;
	p->stored += stored;
	p->decoded += decoded;
	p->tier[tier] += stored;
	p->seconds += seconds;
	if (seconds / b->n > p->finish)
		p->finish = seconds / b->n;
	a->plan->homed += f.n ? stored : 0;
	if (tier == QN_DISK || tier == QN_DISK_NEAR)
		a->disk[host] += (double)stored;
	if (tier != QN_SHARED)
		return;
	a->shared[host] += (double)stored;
	a->plan->why[!f.n	       ? QN_WHY_NO_HOME
		     : has_rank(s, &f) ? QN_WHY_FULL
				       : QN_WHY_NO_RANK] += stored;
}

static void finish_with(struct qn_plan *plan, double seconds, const char *limit)
{
	if (seconds > plan->finish) {
		plan->finish = seconds;
		plan->limit = limit;
	}
}

static void add_up(struct accounts *a)
{
	const struct qn_seating *s = a->s;
	const struct qn_rates *r = s->rates;
	struct qn_plan *plan = a->plan;
	double total = 0, most = 0, shared = 0;

	plan->limit = "threads";
	for (int k = 0; k < plan->nranks; k++) {
		struct qn_portion *p = &plan->rank[k];
		double level = p->seconds / s->cluster->place[k].nthreads;

		total += p->seconds;
		most = level > most ? level : most;
		finish_with(plan, p->finish, "the longest item");
		finish_with(plan, level, "threads");
		p->finish = level > p->finish ? level : p->finish;
		for (int t = 0; t < QN_NTIERS; t++)
			plan->tier[t] += p->tier[t];
	}
	for (uint32_t h = 0; h < s->nhosts; h++) {
		shared += a->shared[h];
		if (r->disk > 0)
			finish_with(plan, a->disk[h] / r->disk, "the disk of a host");
		if (r->shared_host > 0)
			finish_with(plan, a->shared[h] / r->shared_host,
				    "the link of a host to shared storage");
	}
	if (r->shared > 0)
		finish_with(plan, shared / r->shared, "shared storage");
	plan->imbalance = total > 0 ? most * s->nthreads / total : 1;
}

static enum quern_status account(const struct qn_seating *s, struct qn_plan *plan,
				 const struct qn_pieces *pieces, struct quern_message *err)
{
	size_t nranks = (size_t)plan->nranks;
	struct accounts a = { .s = s,
			      .plan = plan,
			      .seat_of_rank = qn_calloc(nranks, sizeof(*a.seat_of_rank)),
			      .disk = qn_calloc(s->nhosts, sizeof(*a.disk)),
			      .shared = qn_calloc(s->nhosts, sizeof(*a.shared)) };
	enum quern_status st = QUERN_OK;

	if (a.seat_of_rank && a.disk && a.shared) {
		for (uint32_t g = 0; g < s->nseats; g++)
			for (uint32_t k = 0; k < s->seat[g].nranks; k++)
				a.seat_of_rank[s->by_place[s->seat[g].first + k]] = g;
		for (uint64_t k = 0; k < pieces->n; k++) {
			struct qn_piece rest = pieces->piece[k];
			struct qn_bite b;

			__builtin_prefetch(
				&plan->rank[pieces->piece[qn_min_u64(k + AHEAD, pieces->n - 1)]
						    .at]);
			while (qn_piece_bite(s->work, &rest, &b))
				account_bite(&a, &b, (int)pieces->piece[k].at);
		}
		add_up(&a);
	} else {
		st = qn_error_nomem(err, nranks * sizeof(*a.seat_of_rank), "the plan");
	}
	free(a.seat_of_rank);
	free(a.disk);
	free(a.shared);
	return st;
}

/* --- the plan --- */

static enum quern_status assign(const struct qn_seating *s, struct qn_plan *plan,
				struct quern_message *err)
{
	struct qn_pieces pieces = { .piece = NULL };
	uint64_t *begin = NULL; /* of the pieces of each rank */
	enum quern_status st = qn_spread(s, &pieces, err);

	if (!st)
		st = qn_divide(s, &pieces, err);
	if (!st && pieces.failed)
		st = qn_error_nomem(err, pieces.room * sizeof(*pieces.piece), "the plan");
	if (!st)
		st = qn_improve(s, &pieces, err);
	/* While what a lump refers to is still in order. */
	if (!st)
		st = account(s, plan, &pieces, err);
	if (!st)
		st = qn_pieces_sort(&pieces, (uint32_t)plan->nranks, &begin, err);
	if (!st)
		st = write_ranges(plan, &pieces, begin, err);
	qn_pieces_fini(&pieces);
	free(begin);
	return st;
}

enum quern_status qn_plan_make(const struct qn_cluster *cluster, const struct qn_work *work,
			       const struct qn_rates *rates, struct qn_plan *plan,
			       uint64_t *unreachable, struct quern_message *err)
{
	size_t nranks = (size_t)cluster->nranks;
	struct qn_seating s;
	enum quern_status st = qn_seating_init(&s, cluster, work, rates, err);

	*plan = (struct qn_plan){ .nranks = cluster->nranks, .nitems = work->nitems };
	if (st)
		return st;
	plan->at = qn_calloc(nranks + 1, sizeof(*plan->at));
	plan->rank = qn_calloc(nranks, sizeof(*plan->rank));
	if (!plan->at || !plan->rank)
		st = qn_error_nomem(err, nranks * sizeof(*plan->rank), "the plan");
	if (!st)
		st = check_reach(&s, unreachable, err);
	if (!st)
		st = assign(&s, plan, err);
	qn_seating_fini(&s);
	if (st)
		qn_plan_fini(plan);
	else
		QN_ASSERT_VALID(plan, plan);
	return st;
}

/* 0 + 1 + ... + n - 1, modulo 2^64. */
static uint64_t sum_below(uint64_t n)
{
	return n % 2 ? (n - 1) / 2 * n : n / 2 * (n - 1);
}

static bool is_valid_portion(const struct qn_plan *plan, int r, uint64_t *sum, const char **why)
{
	uint64_t nitems = 0, end = 0;

	for (uint64_t i = plan->at[r]; i < plan->at[r + 1]; i++) {
		const struct qn_series *s = &plan->range[i];

		QN_HOLDS(s->n && s->first >= end, "ranges of a rank ascend without meeting");
		QN_HOLDS(s->n <= plan->nitems && s->first <= plan->nitems - s->n,
			 "ranges are of items");
		end = s->first + s->n;
		nitems += s->n;
		*sum += s->n * s->first + sum_below(s->n);
	}
	QN_HOLDS(plan->rank[r].nitems == nitems, "a portion counts the items of its ranges");
	return true;
}

/* That each item is given once, the sum of their numbers tells: a list of them would be large. */
bool qn_plan_is_valid(const struct qn_plan *plan, const char **why)
{
	uint64_t nitems = 0, sum = 0;

	QN_HOLDS(plan->nranks > 0 && plan->at && plan->rank && !plan->at[0], "a plan has ranks");
	for (int r = 0; r < plan->nranks; r++)
		QN_HOLDS(plan->at[r] <= plan->at[r + 1], "the ranges of ranks follow each other");
	for (int r = 0; r < plan->nranks; r++) {
		if (!is_valid_portion(plan, r, &sum, why))
			return false;
		nitems += plan->rank[r].nitems;
	}
	QN_HOLDS(nitems == plan->nitems, "all items are given to ranks");
	QN_HOLDS(sum == sum_below(plan->nitems), "each item is given once");
	return true;
}

void qn_plan_fini(struct qn_plan *plan)
{
	free(plan->at);
	free(plan->range);
	free(plan->rank);
	memset(plan, 0, sizeof(*plan));
}

void qn_homes_fini(struct qn_homes *homes)
{
	free(homes->first);
	free(homes->home);
	free(homes->shared);
	memset(homes, 0, sizeof(*homes));
}
