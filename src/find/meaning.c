/*
 * meaning.c - what a selection means in coordinates. One rank, the reader, looks up the values
 * at the ends of each slice, since only that one needs the coordinates; rank 0, which writes
 * the result, gets them from it and checks what it got. Of joined files only rank 0 knows where
 * each ends, and tells.
 */
#include "find/meaning.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "select/select.h"
#include "find/warnings.h"

/* Where the first and the last index of the joined dimension are: the numbers of files, and the
   indexes in these. */
struct places {
	uint64_t file[2], at[2];
};

static uint64_t last_of(const struct quern_box *b, int dim)
{
	return b->start[dim] + (b->count[dim] - 1) * b->step[dim];
}

/* Rank 0 knows where files end. */
static struct places find_places(const struct qn_subject *subject)
{
	const struct quern_box *b = &subject->selection;
	struct places p = { .at = { b->start[subject->along], last_of(b, subject->along) } };

	for (int i = 0; i < 2; i++) {
		while (p.file[i] + 1 < subject->files.n && p.at[i] >= subject->file_end[p.file[i]])
			p.file[i]++;
		if (p.file[i])
			p.at[i] -= subject->file_end[p.file[i] - 1];
	}
	return p;
}

/* Collective. */
static enum quern_status share_places(const struct qn_team *team, const struct qn_subject *subject,
				      struct places *p, struct quern_message *err)
{
	size_t nbytes = sizeof(*p);
	void *block = qn_malloc(nbytes);
	enum quern_status st = block ? QUERN_OK : qn_error_nomem(err, nbytes, "a selection");

	st = qn_comm_agree(team->comm, st, err);
	if (!st && qn_comm_rank(team->comm) == 0) {
		*p = find_places(subject);
		memcpy(block, p, sizeof(*p));
	}
	if (!st)
		st = qn_comm_bcast_block(team->comm, &block, &nbytes, err);
	if (!st && nbytes == sizeof(*p))
		memcpy(p, block, sizeof(*p));
	free(block);
	return st;
}

static void explain_slice(const struct qn_subject *subject, const struct places *p, int dim,
			  struct qn_meaning *out)
{
	const struct quern_box *b = &subject->selection;
	bool joined = subject->files.n > 1 && dim == subject->along;
	const char *const file[2] = { subject->files.name[joined ? p->file[0] : 0],
				      subject->files.name[joined ? p->file[1] : 0] };
	const uint64_t at[2] = { joined ? p->at[0] : b->start[dim],
				 joined ? p->at[1] : last_of(b, dim) };

	out->dim = dim;
	out->start = b->start[dim];
	out->end = b->count[dim] ? last_of(b, dim) + 1 : b->start[dim];
	out->count = qn_picks_count(&subject->picks, b, dim);
	out->step = subject->picks.dim[dim].nstretches ? 0 : b->step[dim];
	out->has_ends = b->count[dim] > 0 &&
			qn_coordinate_ends(&subject->dataset, dim, file, at, &out->ends);
}

/* On m->reader: an array with room for all dimensions, of which *n are filled. */
static struct qn_meaning *explain_all(const struct qn_subject *subject, const struct places *p,
				      size_t *n)
{
	const char *text = subject->settings.select;
	struct qn_meaning *out = qn_calloc((size_t)subject->dataset.ndim, sizeof(*out));

	for (int d = 0; out && d < subject->dataset.ndim; d++)
		if (qn_select_slice(&subject->dataset, text, d, sizeof(out->slice), out[*n].slice))
			explain_slice(subject, p, d, &out[(*n)++]);
	return out;
}

static bool is_terminated(const char *text, size_t nbytes)
{
	return memchr(text, '\0', nbytes) != NULL;
}

/* What comes from another rank is checked. */
static bool is_valid(const struct qn_meaning *m)
{
	const struct qn_ends *e = &m->ends;

	return m->dim >= 0 && m->dim < QUERN_MAX_DIMS &&
	       is_terminated(m->slice, sizeof(m->slice)) &&
	       is_terminated(e->text[0], sizeof(e->text[0])) &&
	       is_terminated(e->text[1], sizeof(e->text[1])) &&
	       is_terminated(e->units, sizeof(e->units)) &&
	       is_terminated(e->file, sizeof(e->file)) && is_terminated(e->path, sizeof(e->path)) &&
	       qn_faults_are_valid(e->fault);
}

/* Takes what the reader has found. Rank 0. */
static enum quern_status take(struct qn_subject *subject, struct qn_meaning *all, size_t nbytes,
			      struct quern_message *err)
{
	enum quern_status st = QUERN_OK;

	subject->meaning = all;
	subject->nmeanings = nbytes / sizeof(*all);
	for (size_t i = 0; !st && i < subject->nmeanings; i++)
		st = is_valid(&all[i]) ? qn_warn_of_coordinate(subject, &all[i].ends, err)
				       : qn_error_set(err, QUERN_ERR_RUN,
						      "what a selection means is damaged");
	return st;
}

enum quern_status qn_explain(const struct qn_team *team, struct qn_subject *subject,
			     const struct qn_files *m, struct quern_message *err)
{
	const char *text = subject->settings.select;
	bool reads = (uint32_t)qn_comm_rank(team->comm) == m->reader;
	struct places p = { .file = { 0, 0 } };
	struct qn_meaning *mine = NULL;
	void *all = NULL;
	uint64_t *sizes, sum = 0;
	size_t n = 0;
	enum quern_status st = QUERN_OK;

	if (!text || !*text || subject->settings.is_beside)
		return QUERN_OK;
	if (subject->files.n > 1)
		st = share_places(team, subject, &p, err);
	if (st)
		return st;
	sizes = qn_calloc((size_t)qn_comm_size(team->comm), sizeof(*sizes));
	if (reads)
		mine = explain_all(subject, &p, &n);
	if (!sizes || (reads && !mine))
		st = qn_error_nomem(err, sizeof(*mine), "the meaning of a selection");
	st = qn_comm_agree(team->comm, st, err);
	if (!st)
		st = qn_comm_gather_blocks(team->comm, mine, n * sizeof(*mine), &all, sizes, err);
	for (int r = 0; !st && all && r < qn_comm_size(team->comm); r++)
		sum += sizes[r];
	if (!st && all)
		st = take(subject, all, sum, err);
	free(mine);
	free(sizes);
	return qn_comm_agree(team->comm, st, err);
}
