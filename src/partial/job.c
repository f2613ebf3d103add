#include "partial/job.h"

#include <stdlib.h>

#include "base/mem.h"

struct qn_partial_job {
	const char *name; /* keeps */
	struct qn_partial partial;
	struct qn_partial_writer writer;
};

enum quern_status qn_partial_job_new(struct qn_partial_job **out, struct qn_comm *c,
				     const char *name, bool skips, struct quern_message *err)
{
	enum quern_status st = QUERN_OK;

	*out = skips ? NULL : qn_calloc(1, sizeof(**out));
	if (skips)
		st = qn_error_set(
			err, QUERN_ERR_USAGE,
			"--partial: a part is of all that is selected: leave --on-bad-chunk "
			"skip out");
	else if (!*out)
		st = qn_error_nomem(err, sizeof(**out), "a part");
	if (*out) {
		(*out)->name = name;
		(*out)->writer = QN_PARTIAL_WRITER_NONE;
		qn_partial_init(&(*out)->partial);
	}
	return qn_comm_agree(c, st, err);
}

struct qn_extract *qn_partial_job_notes(struct qn_partial_job *job)
{
	return &job->partial.extract;
}

void qn_partial_job_free(struct qn_partial_job *job)
{
	if (!job)
		return;
	qn_partial_discard(&job->writer);
	qn_partial_fini(&job->partial);
	free(job);
}

/* What the ranks have noted, on rank 0. Collective. */
static enum quern_status gather(struct qn_extract *e, struct qn_comm *c, struct quern_message *err)
{
	const size_t nranks = (size_t)qn_comm_size(c);
	uint64_t *sizes = qn_calloc(nranks, sizeof(*sizes)), at = 0;
	size_t nbytes = 0;
	void *mine = qn_extract_pack(e, &nbytes), *all = NULL;
	enum quern_status st = mine && sizes ? QUERN_OK : qn_error_nomem(err, nbytes, "a part");

	st = qn_comm_agree(c, st, err);
	if (!st)
		st = qn_comm_gather_blocks(c, mine, qn_comm_rank(c) ? nbytes : 0, &all, sizes, err);
	for (size_t r = 0; !st && all && r < nranks; at += sizes[r++])
		st = qn_extract_unpack(e, (const char *)all + at, sizes[r], err);
	if (!st && all)
		qn_extract_settle(e);
	free(all);
	free(mine);
	free(sizes);
	return qn_comm_agree(c, st, err);
}

/* By files: what a merge may ask of them is asked. By parts: what is known of theirs. Collective. */
static enum quern_status note(struct qn_partial_job *job, const struct qn_run *run,
			      const struct qn_partial *parts, struct quern_message *err)
{
	struct qn_extract *e = &job->partial.extract;
	struct qn_comm *c = run->team->comm;
	enum quern_status st = QUERN_OK;

	if (!parts)
		st = qn_partial_complete(run->subject, c, err);
	else if (!qn_extract_add(e, &parts->extract, 0, NULL, NULL))
		st = qn_error_nomem(err, 0, "a part");
	qn_extract_settle(e);
	st = qn_comm_agree(c, st, err);
	return st || parts ? st : gather(e, c, err);
}

static enum quern_status make(struct qn_partial_job *job, const struct qn_run *run,
			      const struct qn_registry *kernels,
			      const struct quern_options *options, const struct qn_partial *parts,
			      struct quern_message *err)
{
	struct qn_sum *sums = qn_calloc(kernels->n + 1, sizeof(*sums));
	const struct qn_partial_terms terms = { .kernel = run->kernel->name,
						.kernel_sum = sums,
						.nsums = kernels->n,
						.options = options };
	enum quern_status st = sums ? QUERN_OK : qn_error_nomem(err, 0, "a part");

	for (size_t i = 0; sums && i < kernels->n; i++)
		sums[i] = kernels->user[i].sum;
	st = qn_comm_agree(run->team->comm, st, err);
	if (!st)
		st = qn_partial_make(&job->partial, run, &terms, parts ? parts->file : NULL, err);
	free(sums);
	return st ? st : note(job, run, parts, err);
}

enum quern_status qn_partial_job_begin(struct qn_partial_job *job, struct qn_run *run,
				       const struct qn_registry *kernels,
				       const struct quern_options *options,
				       const struct qn_partial *parts, struct quern_message *err)
{
	enum quern_status st = make(job, run, kernels, options, parts, err);

	if (!st && qn_comm_rank(run->team->comm) == 0)
		st = qn_partial_begin(&job->writer, job->name, &job->partial, err);
	run->rolling.n = 0; /* windows are of the result */
	run->states = (struct qn_state_taker){ qn_partial_take, &job->writer };
	return qn_comm_agree(run->team->comm, st, err);
}

enum quern_status qn_partial_job_end(struct qn_partial_job *job, struct qn_comm *c,
				     enum quern_status st, struct quern_message *err)
{
	if (!st && qn_comm_rank(c) == 0)
		st = qn_partial_commit(&job->writer, err);
	return qn_comm_agree(c, st, err);
}
