#include "plan/plan.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "plan/seating.h"

#define AHEAD 16	/* items between asking for a line of memory and using it */

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
static bool has_rank(const struct qn_seating *s, const struct qn_found *f)
{
	for (uint32_t i = 0; i < f->n; i++)
		if (qn_seating_host(s, &f->home[i]) != QN_NO_SEAT)
			return true;
	return false;
}

static enum quern_status check_reach(const struct qn_seating *s, uint64_t *unreachable,
				     struct quern_message *err)
{
	for (uint64_t i = 0; s->work->set && i < s->work->nitems; i++) {
		struct qn_found f = qn_seating_find(s, s->work->set[i]);

		if (f.shared || has_rank(s, &f))
			continue;
		if (unreachable)
			*unreachable = i;
		return qn_error_set(err, QUERN_ERR_DATA, "no rank runs on a host that holds item "
				    "%llu of the run, and no other host can read it: start ranks "
				    "on the hosts that hold the data",
				    (unsigned long long)i);
	}
	return QUERN_OK;
}

/* --- ranges --- */

/* A rank's range ends where the next item is another's. Counts them into at[rank + 1]. */
static uint64_t count_ranges(struct qn_plan *plan, const uint32_t *rank_of)
{
	for (uint64_t i = 0; i < plan->nitems; i++)
		if (!i || rank_of[i] != rank_of[i - 1])
			plan->at[rank_of[i] + 1]++;
	for (int r = 0; r < plan->nranks; r++)
		plan->at[r + 1] += plan->at[r];
	return plan->at[plan->nranks];
}

static void write_ranges(struct qn_plan *plan, const uint32_t *rank_of)
{
	uint64_t first = 0;

	for (uint64_t i = 1; i <= plan->nitems; i++)
		if (i == plan->nitems || rank_of[i] != rank_of[first]) {
			plan->range[plan->at[rank_of[first]]++] = (struct qn_series){ first,
										     i - first };
			first = i;
		}
	for (int r = plan->nranks; r > 0; r--)
		plan->at[r] = plan->at[r - 1];
	plan->at[0] = 0;
}

/* --- accounts --- */

struct accounts {
	const struct qn_seating *s;
	struct qn_plan *plan;
	uint32_t *seat_of_rank;		/* owned */
	double *disk, *shared;		/* owned: bytes of each host */
};

static void account_item(struct accounts *a, uint64_t i, uint32_t rank)
{
	const struct qn_seating *s = a->s;
	struct qn_found f = qn_seating_find(s, qn_seating_set(s, i));
	uint32_t seat = a->seat_of_rank[rank], host = s->seat[seat].host;
	enum qn_tier tier = qn_seating_tier(s, &f, seat);
	struct qn_portion *p = &a->plan->rank[rank];
	uint64_t stored = s->work->stored[i], decoded = s->work->decoded[i];
	double seconds = qn_rates_seconds(s->rates, tier, (double)stored, (double)decoded, 1);

	p->nitems++;
	p->stored += stored;
	p->decoded += decoded;
	p->tier[tier] += stored;
	p->seconds += seconds;
	if (seconds > p->finish)
		p->finish = seconds;
	a->plan->homed += f.n ? stored : 0;
	if (tier == QN_DISK || tier == QN_DISK_NEAR)
		a->disk[host] += (double)stored;
	if (tier != QN_SHARED)
		return;
	a->shared[host] += (double)stored;
	a->plan->why[!f.n ? QN_WHY_NO_HOME : has_rank(s, &f) ? QN_WHY_FULL : QN_WHY_NO_RANK] +=
		stored;
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
				 const uint32_t *rank_of, struct quern_message *err)
{
	size_t nranks = (size_t)plan->nranks;
	struct accounts a = { .s = s, .plan = plan,
			      .seat_of_rank = qn_calloc(nranks, sizeof *a.seat_of_rank),
			      .disk = qn_calloc(s->nhosts, sizeof *a.disk),
			      .shared = qn_calloc(s->nhosts, sizeof *a.shared) };
	enum quern_status st = QUERN_OK;

	if (a.seat_of_rank && a.disk && a.shared) {
		for (uint32_t g = 0; g < s->nseats; g++)
			for (uint32_t k = 0; k < s->seat[g].nranks; k++)
				a.seat_of_rank[s->by_place[s->seat[g].first + k]] = g;
		for (uint64_t i = 0; i < plan->nitems; i++) {
			__builtin_prefetch(&plan->rank[rank_of[qn_min_u64(i + AHEAD,
									  plan->nitems - 1)]]);
			account_item(&a, i, rank_of[i]);
		}
		add_up(&a);
	} else {
		st = qn_error_nomem(err, nranks * sizeof *a.seat_of_rank, "the plan");
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
	uint64_t n = plan->nitems;
	uint32_t *seat_of = qn_calloc(n, sizeof *seat_of), *rank_of = qn_calloc(n, sizeof *rank_of);
	enum quern_status st = QUERN_OK;

	if (!seat_of || !rank_of)
		st = qn_error_nomem(err, 2 * n * sizeof *rank_of, "the plan");
	if (!st)
		st = qn_spread(s, seat_of, err);
	if (!st)
		st = qn_divide(s, seat_of, rank_of, err);
	free(seat_of);
	if (!st)
		st = qn_improve(s, rank_of, err);
	if (!st)
		st = account(s, plan, rank_of, err);
	if (!st) {
		plan->range = qn_calloc(count_ranges(plan, rank_of), sizeof *plan->range);
		if (!plan->range)
			st = qn_error_nomem(err, plan->at[plan->nranks] * sizeof *plan->range,
					    "the plan");
		else
			write_ranges(plan, rank_of);
	}
	free(rank_of);
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
	plan->at = qn_calloc(nranks + 1, sizeof *plan->at);
	plan->rank = qn_calloc(nranks, sizeof *plan->rank);
	if (!plan->at || !plan->rank)
		st = qn_error_nomem(err, nranks * sizeof *plan->rank, "the plan");
	if (!st)
		st = check_reach(&s, unreachable, err);
	if (!st)
		st = assign(&s, plan, err);
	qn_seating_fini(&s);
	if (st)
		qn_plan_fini(plan);
	return st;
}

void qn_plan_fini(struct qn_plan *plan)
{
	free(plan->at);
	free(plan->range);
	free(plan->rank);
	memset(plan, 0, sizeof *plan);
}

void qn_homes_fini(struct qn_homes *homes)
{
	free(homes->first);
	free(homes->home);
	free(homes->shared);
	memset(homes, 0, sizeof *homes);
}
