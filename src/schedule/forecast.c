#include "schedule/forecast.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "find/warnings.h"
#include "plan/synthetic.h"

#define MOST_ITEMS (UINT64_C(1) << 27) /* of an imagined dataset */
#define STEP	   10		       /* between two points of a scaling curve */

/* What is planned for: a cluster, and items on it. */
struct scene {
	struct qn_cluster cluster;
	struct qn_place *place; /* owned */
	uint32_t nhosts, nnodes;
	struct qn_work work;
	struct qn_lump *lump;  /* owned, when they are not those of the run */
	struct qn_homes homes; /* that are imagined */
};

static void scene_fini(struct scene *s)
{
	free(s->place);
	free(s->lump);
	qn_homes_fini(&s->homes);
}

/* The ranks that run now. */
static enum quern_status take_places(const struct qn_run *run, struct scene *s,
				     struct quern_message *err)
{
	size_t n = (size_t)qn_comm_size(run->team->comm);

	s->place = qn_calloc(n, sizeof(*s->place));
	if (!s->place)
		return qn_error_nomem(err, n * sizeof(*s->place), "the cluster");
	memcpy(s->place, run->team->places, n * sizeof(*s->place));
	s->cluster = (struct qn_cluster){ (int)n, s->place };
	s->nhosts = (uint32_t)qn_comm_nhosts(run->team->comm);
	for (size_t r = 0; r < n; r++)
		if (s->place[r].node >= s->nnodes)
			s->nnodes = s->place[r].node + 1;
	return QUERN_OK;
}

static enum quern_status imagine_places(const struct qn_synthetic *c, uint32_t nhosts,
					struct scene *s, struct quern_message *err)
{
	s->place = qn_synthetic_places(c, nhosts);
	if (!s->place)
		return qn_error_nomem(err, (size_t)nhosts * c->nnodes * sizeof(*s->place),
				      "the cluster");
	s->cluster = (struct qn_cluster){ (int)(nhosts * c->nnodes), s->place };
	s->nhosts = nhosts;
	s->nnodes = c->nnodes;
	return QUERN_OK;
}

/* More than can be imagined. */
static bool is_beyond(const struct qn_work *work, uint64_t times)
{
	uint64_t all;

	return !qn_mul(work->nitems, times, &all) || all > MOST_ITEMS;
}

/* Items that are not as they were found: repeated, or with imagined homes. */
static enum quern_status imagine_work(const struct qn_run *run, const struct qn_work *work,
				      uint64_t times, struct scene *s, struct quern_message *err)
{
	const char *how = run->settings.forecast.homes;
	uint32_t nreplicas = (uint32_t)run->settings.forecast.nreplicas;
	enum quern_status st;

	if (times > 1 && is_beyond(work, times))
		return qn_error_set(err, QUERN_ERR_USAGE,
				    "%llu items %llu times are more than can be "
				    "imagined (%llu): a smaller --times or fewer hosts",
				    (unsigned long long)work->nitems, (unsigned long long)times,
				    (unsigned long long)MOST_ITEMS);
	st = qn_synthetic_work(work, times, how ? how : "none", nreplicas, s->nhosts, s->nnodes,
			       qn_plan_most_lumps((uint64_t)s->cluster.nranks), &s->work, &s->homes,
			       err);
	s->lump = st ? NULL : s->work.lump;
	return st;
}

/* cluster NULL: the ranks that run now. */
static enum quern_status scene_init(const struct qn_run *run, const struct qn_work *work,
				    const struct qn_synthetic *c, uint32_t nhosts, uint64_t times,
				    struct scene *s, struct quern_message *err)
{
	enum quern_status st;

	*s = (struct scene){ .work = *work };
	st = c ? imagine_places(c, nhosts, s, err) : take_places(run, s, err);
	if (!st && (c || times > 1 || run->settings.forecast.homes))
		st = imagine_work(run, work, times, s, err);
	return st;
}

/* --- simulation --- */

/* "3:4.0" of an option: a host and a positive number. */
static enum quern_status parse_host(const char *text, const char *option, const char *what,
				    unsigned long *host, double *number, struct quern_message *err)
{
	char *end;

	*number = 0;
	*host = strtoul(text, &end, 10);
	if (end != text && *end == ':')
		*number = strtod(end + 1, &end);
	if (!*end && *number > 0 && isfinite(*number))
		return QUERN_OK;
	return qn_error_set(err, QUERN_ERR_USAGE, "--%s '%s': not HOST:%s, as in 3:4.0", option,
			    text, what);
}

/* How much slower each host is; *slow is owned, NULL when none is. */
static enum quern_status parse_slow(const char *text, uint32_t nhosts, double **slow,
				    struct qn_point *p, struct quern_message *err)
{
	unsigned long host;
	double factor;
	enum quern_status st;

	*slow = NULL;
	if (!text)
		return QUERN_OK;
	st = parse_host(text, "slow", "FACTOR", &host, &factor, err);
	if (st)
		return st;
	if (host >= nhosts)
		return QUERN_OK; /* of a smaller point of the curve */
	*slow = qn_calloc(nhosts, sizeof(**slow));
	if (!*slow)
		return qn_error_nomem(err, nhosts * sizeof(**slow), "the cluster");
	for (uint32_t h = 0; h < nhosts; h++)
		(*slow)[h] = h == host ? factor : 1;
	p->slow_host = (int64_t)host;
	p->slowness = factor;
	return QUERN_OK;
}

/* The same run on all hosts but one. slow: of all hosts, or NULL; then of those that are left. */
static enum quern_status run_without(const struct qn_run *run, const struct scene *s, uint32_t host,
				     double *slow, struct qn_forecast *out,
				     struct quern_message *err)
{
	struct qn_place *place = qn_calloc((size_t)s->cluster.nranks, sizeof(*place));
	struct qn_cluster left = { .place = place };
	struct qn_plan plan = { .nranks = 0 };
	struct quern_message why = { .status = QUERN_OK };
	enum quern_status st;

	if (!place)
		return qn_error_nomem(err, (size_t)s->cluster.nranks * sizeof(*place),
				      "the cluster");
	for (int r = 0; r < s->cluster.nranks; r++)
		if (s->place[r].host != host)
			place[left.nranks++] = s->place[r];
	if (slow)
		memmove(slow + host, slow + host + 1, (s->nhosts - host - 1) * sizeof(*slow));
	st = qn_plan_make(&left, &s->work, &run->costs.rates, &plan, NULL, &why);
	if (st == QUERN_ERR_DATA)
		qn_error_set(err, st, "--fail: data on host %u has no other copy%s", host,
			     s->homes.nsets ? ", so that the others cannot go on: try --replicas 2"
					    : ": the others cannot go on");
	else if (st)
		qn_error_pass(err, st, &why);
	if (!st)
		st = qn_simulate(&left, &s->work, &plan, &run->costs, slow, out, err);
	qn_plan_fini(&plan);
	free(place);
	return st;
}

/* A host dies in the middle (option `fail`): the time is lost, and the others begin anew. */
static enum quern_status let_fail(const struct qn_run *run, const struct scene *s, double *slow,
				  struct qn_point *p, struct quern_message *err)
{
	const char *text = run->settings.forecast.fail;
	struct qn_forecast *f = &p->seconds;
	unsigned long host;
	double when;
	enum quern_status st;

	if (!text)
		return QUERN_OK;
	st = parse_host(text, "fail", "SECONDS", &host, &when, err);
	if (st || host >= s->nhosts || s->nhosts == 1 || when >= f->total)
		return st; /* of a smaller point of the curve, or too late */
	st = run_without(run, s, (uint32_t)host, slow, f, err);
	p->failed_host = (int64_t)host;
	f->lost = when;
	f->total += when;
	return st;
}

static enum quern_status simulate(struct qn_run *run, const struct scene *s,
				  const struct qn_plan *plan, bool weak, struct quern_message *err)
{
	struct qn_point *more = qn_realloc(run->points, ((size_t)run->npoints + 1) * sizeof(*more)),
			*p;
	double *slow = NULL;
	enum quern_status st;

	if (!more)
		return qn_error_nomem(err, sizeof(*more), "a simulation");
	run->points = more;
	p = &run->points[run->npoints];
	*p = (struct qn_point){ .weak = weak,
				.nhosts = s->nhosts,
				.nranks = plan->nranks,
				.nitems = plan->nitems,
				.planned = plan->finish,
				.slow_host = -1,
				.failed_host = -1,
				.slowness = 1 };
	for (int r = 0; r < plan->nranks; r++) {
		p->nthreads += s->place[r].nthreads;
		p->stored += plan->rank[r].stored;
	}
	st = parse_slow(run->settings.forecast.slow, s->nhosts, &slow, p, err);
	if (!st)
		st = qn_simulate(&s->cluster, &s->work, plan, &run->costs, slow, &p->seconds, err);
	if (!st)
		st = let_fail(run, s, slow, p, err);
	free(slow);
	run->npoints += !st;
	return st;
}

/* A point of a curve: a scene of its own, planned and simulated. */
static enum quern_status add_point(struct qn_run *run, const struct qn_work *work,
				   const struct qn_synthetic *c, uint32_t nhosts, uint64_t times,
				   bool weak, struct quern_message *err)
{
	struct scene s;
	struct qn_plan plan = { .nranks = 0 };
	enum quern_status st = scene_init(run, work, c, nhosts, times, &s, err);

	if (!st)
		st = qn_plan_make(&s.cluster, &s.work, &run->costs.rates, &plan, NULL, err);
	if (!st)
		st = simulate(run, &s, &plan, weak, err);
	qn_plan_fini(&plan);
	scene_fini(&s);
	return st;
}

/* 1, 10, 100, ... hosts and all of them: the same work, and as much for each host, as long as that
   can be imagined. */
static enum quern_status draw_curves(struct qn_run *run, const struct qn_work *work,
				     const struct qn_synthetic *c, struct quern_message *err)
{
	uint64_t times = run->settings.forecast.times;
	enum quern_status st = QUERN_OK;

	for (int weak = 0; weak < 2; weak++)
		for (uint64_t h = 1; !st; h = qn_min_u64(h * STEP, c->nhosts)) {
			if (weak && h > 1 && is_beyond(work, times * h))
				break;
			st = add_point(run, work, c, (uint32_t)h, weak ? times * h : times, weak,
				       err);
			if (h == c->nhosts)
				break;
		}
	return st;
}

/* --- the plan --- */

/* What was planned for goes with the plan. */
static void hand_over(struct qn_run *run, struct scene *s)
{
	run->planned = s->place;
	s->place = NULL;
	run->nplanned_hosts = (int)s->nhosts;
}

/* An option about one host, `what` of which follows its number. */
static enum quern_status check_host(const struct qn_run *run, const char *option, const char *text,
				    const char *what, uint32_t nhosts, struct quern_message *err)
{
	unsigned long host;
	double number;
	enum quern_status st;

	if (!text)
		return QUERN_OK;
	if (!run->settings.forecast.simulates)
		return qn_error_set(err, QUERN_ERR_USAGE,
				    "--%s %s: a plan knows of no slow or failing "
				    "host, only a simulation does: add --simulate",
				    option, text);
	st = parse_host(text, option, what, &host, &number, err);
	if (!st && nhosts == 1 && !strcmp(option, "fail"))
		return qn_error_set(err, QUERN_ERR_USAGE,
				    "--fail %s: there is one host only, and nobody goes on when it "
				    "fails: give more with --cluster 'host:4 core:16'",
				    text);
	if (st || host < nhosts)
		return st;
	return qn_error_set(err, QUERN_ERR_USAGE,
			    "--%s %s: there is no host %lu: they are numbered "
			    "from 0, and the last of %u is %u",
			    option, text, host, nhosts, nhosts - 1);
}

/* Copies are imagined with the homes that they are of, each on a host of its own. */
static enum quern_status check_replicas(const struct qn_run *run, uint32_t nhosts,
					struct quern_message *err)
{
	const char *how = run->settings.forecast.homes;
	long long n = (long long)run->settings.forecast.nreplicas;

	if (n <= 1)
		return QUERN_OK;
	if (!how || (strcmp(how, "spread") && strcmp(how, "memory")))
		return qn_error_set(err, QUERN_ERR_USAGE,
				    "--replicas %lld: copies are imagined only "
				    "with --homes spread or memory",
				    n);
	if ((uint64_t)n > nhosts)
		return qn_error_set(err, QUERN_ERR_USAGE,
				    "--replicas %lld: more copies than the %u "
				    "host%s to hold them",
				    n, nhosts, nhosts == 1 ? "" : "s");
	return QUERN_OK;
}

static enum quern_status check_options(const struct qn_run *run, uint32_t nhosts,
				       struct quern_message *err)
{
	enum quern_status st =
		check_host(run, "slow", run->settings.forecast.slow, "FACTOR", nhosts, err);

	if (!st)
		st = check_host(run, "fail", run->settings.forecast.fail, "SECONDS", nhosts, err);
	return st ? st : check_replicas(run, nhosts, err);
}

/* What was to go wrong, and did in no simulation: they were done before. */
static enum quern_status warn_of_late_failure(struct qn_run *run, struct quern_message *err)
{
	const char *text = run->settings.forecast.fail;

	for (int i = 0; i < run->npoints; i++)
		if (run->points[i].failed_host >= 0)
			return QUERN_OK;
	if (!text)
		return QUERN_OK;
	return qn_warnings_add(
		&run->warnings, err,
		"--fail %s: by then all simulated runs are done, so nothing fails in "
		"them",
		text);
}

enum quern_status qn_forecast_make(struct qn_run *run, const struct qn_work *work,
				   struct quern_message *err)
{
	const char *cluster = run->settings.forecast.cluster;
	uint64_t times = run->settings.forecast.times;
	struct qn_synthetic c = { .nthreads = NULL };
	struct scene s = { .place = NULL };
	enum quern_status st = cluster ? qn_synthetic_init(&c, cluster, err) : QUERN_OK;

	if (!st)
		st = check_options(
			run, cluster ? c.nhosts : (uint32_t)qn_comm_nhosts(run->team->comm), err);
	if (!st && cluster && run->settings.forecast.simulates)
		st = draw_curves(run, work, &c, err);
	if (!st)
		st = scene_init(run, work, cluster ? &c : NULL, c.nhosts, times ? times : 1, &s,
				err);
	if (!st)
		st = qn_plan_make(&s.cluster, &s.work, &run->costs.rates, &run->plan, NULL, err);
	if (!st && !cluster && run->settings.forecast.simulates)
		st = simulate(run, &s, &run->plan, false, err);
	if (!st)
		st = warn_of_late_failure(run, err);
	if (!st)
		hand_over(run, &s);
	scene_fini(&s);
	qn_synthetic_fini(&c);
	return st;
}
