/*
 * passes.c - the work phase: passes over the data, each merged by MPI collectives, until the kernel
 * needs no more.
 */
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

#include "base/cpu.h"
#include "base/file.h"
#include "base/mem.h"
#include "run/job.h"

static enum quern_status new_state(struct qn_job *j, struct quern_message *err)
{
	enum quern_status st = qn_state_layout(j->kernel, j->self, &j->layout, err);

	free(j->state);
	j->state = NULL;
	if (st)
		return st;
	j->state = qn_alloc_aligned(j->layout.nwords * sizeof(*j->state));
	if (!j->state)
		return qn_error_nomem(err, j->layout.nwords * sizeof(*j->state), "the state");
	qn_state_identity(&j->layout, j->state);
	return QUERN_OK;
}

static void normalize(struct qn_job *j)
{
	if (j->kernel->normalize)
		j->kernel->normalize(j->self, j->state);
}

/* Merges the states of all ranks on rank 0: a collective for each segment. */
static enum quern_status reduce(struct qn_job *j, struct quern_message *err)
{
	int64_t *words = j->state;
	enum quern_status st = QUERN_OK;

	normalize(j);
	for (int s = 0; !st && s < j->layout.nsegments; s++) {
		const struct quern_segment *seg = &j->layout.segment[s];

		st = seg->op == QUERN_LEAST
			     ? qn_comm_reduce_least(j->team.comm, words, seg->nwords, seg->width, err)
			     : qn_comm_reduce(j->team.comm, words, seg->nwords, seg->op, err);
		words += seg->nwords;
	}
	normalize(j);
	return st;
}

/* Rank 0 asks the kernel for another pass; all ranks get its new parameters. */
static enum quern_status advance(struct qn_job *j, bool *again, struct quern_message *err)
{
	uint8_t more = 0;
	enum quern_status st;
	void *shared;
	size_t nbytes;

	*again = false;
	if (!j->kernel->advance)
		return QUERN_OK;
	if (qn_comm_rank(j->team.comm) == 0)
		more = j->kernel->advance(j->self, j->state);
	st = qn_comm_bcast(j->team.comm, &more, sizeof(more), err);
	if (st || !more)
		return st;
	shared = j->kernel->shared(j->self, &nbytes);
	*again = true;
	return qn_comm_bcast(j->team.comm, shared, nbytes, err);
}

static enum quern_status one_pass(struct qn_job *j, struct quern_message *err)
{
	double start = qn_comm_wtime(), reduced;
	enum quern_status st = qn_comm_agree(j->team.comm, new_state(j, err), err);

	if (st)
		return st;
	qn_queues_reset(&j->queues);
	if (qn_balance_is_one(&j->balance)) {
		qn_leases_reset(&j->leases);
		qn_balance_begin(&j->balance);
	}
	qn_comm_host_barrier(j->team.comm);	/* nobody steals before all queues are full */
	st = qn_workers_run(j, j->npasses, err);
	st = qn_comm_agree(j->team.comm, st, err);
	if (!st)
		st = qn_failover(j, err);
	reduced = qn_comm_wtime();
	j->seconds[QN_WORK] += reduced - start;
	if (!st)
		st = reduce(j, err);
	j->seconds[QN_REDUCE] += qn_comm_wtime() - reduced;
	j->npasses++;
	return st;
}

void qn_skips_add(struct qn_skips *s, uint32_t member, const struct qn_chunk *chunk, uint64_t n)
{
	for (uint64_t i = 0; i < n && s->n < QN_NSKIPS; i++) {
		s->skip[s->n].member = member;
		s->skip[s->n++].number = chunk[i].number;
	}
}

void qn_skips_merge(struct qn_skips *into, const struct qn_skips *from)
{
	for (uint32_t i = 0; i < from->n && into->n < QN_NSKIPS; i++)
		into->skip[into->n++] = from->skip[i];
}

static enum quern_status gather_reports(struct qn_job *j, struct quern_message *err)
{
	size_t nranks = (size_t)qn_comm_size(j->team.comm);
	enum quern_status st = QUERN_OK;
	struct rusage usage;

	getrusage(RUSAGE_SELF, &usage);
	j->report.peak_rss_nbytes = (uint64_t)usage.ru_maxrss * 1024;
	j->report.crossed_nbytes = qn_comm_crossed(j->team.comm);
	if (qn_comm_rank(j->team.comm) == 0) {
		j->reports = qn_calloc(nranks, sizeof(*j->reports));
		if (!j->reports)
			st = qn_error_nomem(err, nranks * sizeof(*j->reports), "reports");
	}
	st = qn_comm_agree(j->team.comm, st, err);
	return st ? st : qn_comm_gather(j->team.comm, &j->report, sizeof(j->report), j->reports, err);
}

/* What is read ahead and not wanted is not counted; what came from shared storage is none of it. */
static void count_fetched(struct qn_report *r, uint64_t before)
{
	uint64_t fetched = qn_file_fetched() - before;

	r->disk_nbytes = qn_min_u64(fetched > r->remote_nbytes ? fetched - r->remote_nbytes : 0,
				    r->local_nbytes);
}

enum quern_status qn_job_work(struct qn_job *j, struct quern_message *err)
{
	const uint64_t fetched = qn_file_fetched();
	bool again = true;
	enum quern_status st = qn_leases_new(j->team.comm, &j->items, &j->leases, err);

	if (!st)
		st = qn_balance_init(&j->balance, j->team.comm, &j->access, &j->mosaic, &j->items,
				   j->dataset.type.size, &j->costs.rates, &j->queues, &j->leases, err);
	if (qn_comm_rank(j->team.comm) == 0)
		qn_failover_count_missing(j);
	qn_cpu_reset_fp();
	while (!st && again) {
		st = one_pass(j, err);
		if (!st)
			st = advance(j, &again, err);
	}
	count_fetched(&j->report, fetched);
	return st ? st : gather_reports(j, err);
}
