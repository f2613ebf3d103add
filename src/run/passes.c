/*
 * passes.c - the work phase: passes over the data, each merged by MPI collectives, until the kernel
 * needs no more.
 */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

#include "base/check.h"
#include "base/cpu.h"
#include "base/file.h"
#include "base/log.h"
#include "base/mem.h"
#include "run/failover.h"
#include "run/run.h"

static enum quern_status new_state(struct qn_run *run, struct quern_message *err)
{
	enum quern_status st = qn_state_layout(run->kernel, run->self, &run->layout, err);

	free(run->state);
	run->state = NULL;
	if (st)
		return st;
	run->state = qn_alloc_aligned(run->layout.nwords * sizeof(*run->state));
	if (!run->state)
		return qn_error_nomem(err, run->layout.nwords * sizeof(*run->state), "the state");
	qn_state_identity(&run->layout, run->state);
	return QUERN_OK;
}

static void normalize(struct qn_run *run)
{
	if (run->kernel->normalize)
		run->kernel->normalize(run->self, run->state);
	QN_ASSERT_VALID(state, run->kernel, run->self, &run->layout, run->state);
}

/* Merges the states of all ranks on rank 0: a collective for each segment. */
static enum quern_status reduce(struct qn_run *run, struct quern_message *err)
{
	int64_t *words = run->state;
	enum quern_status st = QUERN_OK;

	normalize(run);
	for (int s = 0; !st && s < run->layout.nsegments; s++) {
		const struct quern_segment *seg = &run->layout.segment[s];

		st = seg->op == QUERN_LEAST
			     ? qn_comm_reduce_least(run->team->comm, words, seg->nwords, seg->width,
						    err)
			     : qn_comm_reduce(run->team->comm, words, seg->nwords, seg->op, err);
		words += seg->nwords;
	}
	normalize(run);
	return st;
}

/* Rank 0 asks the kernel for another pass; all ranks get its new parameters. */
static enum quern_status advance(struct qn_run *run, bool *again, struct quern_message *err)
{
	uint8_t more = 0;
	enum quern_status st;
	void *shared;
	size_t nbytes;

	*again = false;
	if (!run->kernel->advance)
		return QUERN_OK;
	if (qn_comm_rank(run->team->comm) == 0)
		more = run->kernel->advance(run->self, run->state);
	st = qn_comm_bcast(run->team->comm, &more, sizeof(more), err);
	if (st || !more)
		return st;
	shared = run->kernel->shared(run->self, &nbytes);
	*again = true;
	return qn_comm_bcast(run->team->comm, shared, nbytes, err);
}

static enum quern_status one_pass(struct qn_run *run, struct quern_message *err)
{
	double start = qn_comm_wtime(), reduced;
	enum quern_status st = qn_comm_agree(run->team->comm, new_state(run, err), err);

	if (st)
		return st;
	qn_queues_reset(&run->queues);
	QN_ASSERT_VALID(queue, &run->queues.queue[run->queues.mine]);
	if (qn_balance_is_one(&run->balance)) {
		qn_leases_reset(&run->leases);
		qn_balance_begin(&run->balance);
	}
	qn_comm_host_barrier(run->team->comm); /* nobody steals before all queues are full */
	st = qn_workers_run(run, run->npasses, err);
	st = qn_comm_agree(run->team->comm, st, err);
	if (!st)
		st = qn_failover(run, err);
	reduced = qn_comm_wtime();
	run->seconds[QN_WORK] += reduced - start;
	if (!st)
		st = reduce(run, err);
	run->seconds[QN_REDUCE] += qn_comm_wtime() - reduced;
	qn_log(qn_comm_rank(run->team->comm) ? QN_LOG_DEBUG : QN_LOG_INFO,
	       "pass %d: status %d, %.6f s of work, then %.6f s to reduce; here %" PRIu64
	       " chunks, %" PRIu64 " stolen, %" PRIu64 " leased, %" PRIu64 " skipped",
	       run->npasses, (int)st, reduced - start, qn_comm_wtime() - reduced,
	       run->report.nchunks, run->report.nstolen, run->report.nleased, run->report.nskipped);
	run->npasses++;
	return st;
}

static enum quern_status gather_reports(struct qn_run *run, struct quern_message *err)
{
	size_t nranks = (size_t)qn_comm_size(run->team->comm);
	enum quern_status st = QUERN_OK;
	struct rusage usage;

	getrusage(RUSAGE_SELF, &usage);
	run->report.peak_rss_nbytes = (uint64_t)usage.ru_maxrss * 1024;
	run->report.crossed_nbytes = qn_comm_crossed(run->team->comm);
	if (qn_comm_rank(run->team->comm) == 0) {
		run->reports = qn_calloc(nranks, sizeof(*run->reports));
		if (!run->reports)
			st = qn_error_nomem(err, nranks * sizeof(*run->reports), "reports");
	}
	st = qn_comm_agree(run->team->comm, st, err);
	return st ? st
		  : qn_comm_gather(run->team->comm, &run->report, sizeof(run->report), run->reports,
				   err);
}

/* What is read ahead and not wanted is not counted; what came from shared storage is none of it. */
static void count_fetched(struct qn_report *r, uint64_t before)
{
	uint64_t fetched = qn_file_fetched() - before;

	r->disk_nbytes = qn_min_u64(fetched > r->remote_nbytes ? fetched - r->remote_nbytes : 0,
				    r->local_nbytes);
}

/* Of one host nothing is leased. */
static enum quern_status prepare_leases(struct qn_run *run, struct quern_message *err)
{
	struct qn_comm *c = run->team->comm;
	enum quern_status st;

	if (qn_comm_nhosts(c) == 1)
		return QUERN_OK;
	st = qn_comm_agree(c,
			   qn_item_weigher_init(&run->weigher, &run->subject->mosaic, &run->items,
						run->subject->dataset.type.size, err),
			   err);
	if (!st)
		st = qn_leases_new(c, &run->weigher.weigher, &run->leases, err);
	return st ? st
		  : qn_balance_init(&run->balance, c, &run->where->access, &run->weigher.weigher,
				    &run->costs.rates, &run->queues, &run->leases, err);
}

enum quern_status qn_run_work(struct qn_run *run, struct quern_message *err)
{
	const uint64_t fetched = qn_file_fetched();
	bool again = true;
	enum quern_status st = prepare_leases(run, err);

	if (qn_comm_rank(run->team->comm) == 0)
		qn_failover_count_missing(run);
	qn_cpu_reset_fp();
	while (!st && again) {
		st = one_pass(run, err);
		if (!st)
			st = advance(run, &again, err);
	}
	count_fetched(&run->report, fetched);
	return st ? st : gather_reports(run, err);
}
