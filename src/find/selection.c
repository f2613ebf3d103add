#include "find/selection.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "find/coordinate.h"

static uint32_t rank_of(const struct qn_team *team)
{
	return (uint32_t)qn_comm_rank(team->comm);
}

/* Blocks of all ranks on rank 0: *all and sizes, owned by the caller. Takes mine. Collective. */
static enum quern_status gather(const struct qn_team *team, void *mine, size_t nbytes, void **all,
				uint64_t **sizes, struct quern_message *err)
{
	enum quern_status st = QUERN_OK;

	*all = NULL;
	*sizes = qn_calloc((size_t)qn_comm_size(team->comm), sizeof(**sizes));
	if (!*sizes)
		st = qn_error_nomem(err, 0, "sizes");
	st = qn_comm_agree(team->comm, st, err);
	if (!st)
		st = qn_comm_gather_blocks(team->comm, mine, nbytes, all, *sizes, err);
	free(mine);
	return st;
}

enum quern_status qn_pass_round(const struct qn_team *team, uint32_t from, void *mine,
				size_t nbytes, void **block, size_t *block_nbytes,
				struct quern_message *err)
{
	uint64_t *sizes = NULL;
	enum quern_status st = QUERN_OK;

	if (from) {
		st = gather(team, mine, rank_of(team) == from ? nbytes : 0, block, &sizes, err);
		*block_nbytes = !st && *block ? sizes[from] : 0;
		free(sizes);
	} else {
		*block = rank_of(team) == 0 ? mine : NULL;
		*block_nbytes = nbytes;
		if (!*block)
			free(mine);
	}
	return st ? st : qn_comm_bcast_block(team->comm, block, block_nbytes, err);
}

/* --- a coordinate in files of several hosts --- */

/* The values that this rank can read: of the files that it has described. */
static enum quern_status read_mine(const struct qn_team *team, const struct qn_subject *subject,
				   const struct qn_files *m, const struct qn_dataset *like,
				   void **out, size_t *nbytes, struct quern_message *err)
{
	const char **file = qn_calloc(subject->files.n, sizeof(*file));
	size_t n = 0;
	enum quern_status st;

	*out = NULL;
	*nbytes = 0;
	if (!file)
		return qn_error_nomem(err, subject->files.n * sizeof(*file), "the names of files");
	for (size_t i = 0; i < subject->files.n; i++)
		if (m->describer[i] == rank_of(team))
			file[n++] = subject->files.name[i];
	st = qn_coordinate_read(like, file, n, out, nbytes, err);
	free(file);
	return st;
}

/* Rank 0: the values of all files in their order, behind a qn_length; owned by the caller. */
static enum quern_status put_in_order(const struct qn_team *team, const struct qn_subject *subject,
				      const struct qn_files *m, const char *all,
				      const uint64_t *sizes, void **out, size_t *nbytes,
				      struct quern_message *err)
{
	size_t nranks = (size_t)qn_comm_size(team->comm), sum = 0;
	uint64_t *at = qn_calloc(nranks + 1, sizeof(*at)), *end = qn_calloc(nranks, sizeof(*end));
	struct qn_length whole = { 0, UINT64_MAX }, part;
	char *to = NULL;
	enum quern_status st = QUERN_ERR_RUN;

	for (size_t r = 0; at && end && r < nranks; r++) {
		at[r] = sum;
		end[r] = sum += sizes[r];
	}
	to = qn_malloc(sum + sizeof(whole));
	if (!at || !end || !to) {
		qn_error_nomem(err, sum, "a coordinate");
		goto out;
	}
	*nbytes = sizeof(whole);
	for (size_t i = 0; i < subject->files.n; i++) {
		uint32_t r = m->describer[i];

		if (end[r] - at[r] < sizeof(part))
			goto lacking;
		memcpy(&part, all + at[r], sizeof(part));
		at[r] += sizeof(part);
		if (part.n > (end[r] - at[r]) / sizeof(int64_t))
			goto lacking;
		memcpy(to + *nbytes, all + at[r], part.n * sizeof(int64_t));
		if (part.missing < part.n && whole.missing == UINT64_MAX)
			whole.missing = whole.n + part.missing;
		at[r] += part.n * sizeof(int64_t);
		*nbytes += part.n * sizeof(int64_t);
		whole.n += part.n;
	}
	if (whole.missing == UINT64_MAX)
		whole.missing = whole.n;
	memcpy(to, &whole, sizeof(whole));
	*out = to;
	to = NULL;
	st = QUERN_OK;
	goto out;
lacking:
	qn_error_set(err, QUERN_ERR_RUN, "values of a coordinate are lacking");
out:
	free(to);
	free(at);
	free(end);
	return st;
}

/* The values of a coordinate from all ranks, in *joined of all. Collective. */
static enum quern_status collect(const struct qn_team *team, const struct qn_subject *subject,
				 const struct qn_files *m, const struct qn_dataset *like,
				 struct qn_joined *joined, struct quern_message *err)
{
	void *mine, *all = NULL, *values = NULL;
	uint64_t *sizes = NULL;
	size_t nbytes = 0;
	enum quern_status st = read_mine(team, subject, m, like, &mine, &nbytes, err);

	st = qn_comm_agree(team->comm, st, err);
	if (st)
		free(mine);
	else
		st = gather(team, mine, nbytes, &all, &sizes, err);
	nbytes = 0;
	if (!st && qn_comm_rank(team->comm) == 0)
		st = put_in_order(team, subject, m, all, sizes, &values, &nbytes, err);
	st = qn_comm_agree(team->comm, st, err);
	if (!st)
		st = qn_comm_bcast_block(team->comm, &values, &nbytes, err);
	if (!st) {
		const struct qn_length *whole = values;

		joined->n = whole->n;
		joined->missing = whole->missing;
		nbytes -= sizeof(*whole);
		memmove(values, whole + 1, nbytes);
		joined->values = values;
		values = NULL;
	}
	free(values);
	free(all);
	free(sizes);
	return st;
}

/* --- what the reader lacks --- */

/* The coordinate that the reader lacks values of, on all ranks: like->path is NULL when it lacks none.
   Collective. */
static enum quern_status share_wanted(const struct qn_team *team, const struct qn_files *m,
				      const struct qn_joined *joined, struct qn_dataset *like,
				      struct quern_message *err)
{
	void *flat = NULL, *round;
	size_t nbytes = 0;
	enum quern_status st = QUERN_OK;

	if (joined->wanted.path) {
		flat = qn_dataset_pack(&joined->wanted, &nbytes);
		if (!flat)
			st = qn_error_nomem(err, sizeof(*like), "a coordinate");
	}
	st = qn_comm_agree(team->comm, st, err);
	if (st) {
		free(flat);
		return st;
	}
	st = qn_pass_round(team, m->reader, flat, nbytes, &round, &nbytes, err);
	if (!st && nbytes)
		st = qn_dataset_unpack(round, nbytes, like, err);
	free(round);
	return qn_comm_agree(team->comm, st, err);
}

enum quern_status qn_joined_fill(const struct qn_team *team, const struct qn_subject *subject,
				 const struct qn_files *m, struct qn_joined *joined,
				 struct quern_message *err)
{
	struct qn_dataset like = { .path = NULL };
	enum quern_status st = QUERN_OK;

	if (!m->reads_all)
		st = share_wanted(team, m, joined, &like, err);
	if (!st && like.path)
		st = collect(team, subject, m, &like, joined, err);
	qn_dataset_fini(&like);
	return st;
}

/* --- the selection --- */

/* One that came from another rank is checked as one from a user would be. */
static bool is_inside(const struct quern_box *b, const struct qn_dataset *d)
{
	if (b->ndim != d->ndim)
		return false;
	for (int i = 0; i < b->ndim; i++) {
		uint64_t length = d->shape[i];

		if (b->step[i] < 1 || b->start[i] > length ||
		    (b->count[i] && (b->start[i] >= length ||
				     (b->count[i] - 1) > (length - 1 - b->start[i]) / b->step[i])))
			return false;
	}
	return true;
}

/* The selection that the reader has made. */
static enum quern_status take_selection(struct qn_subject *subject, uint32_t reader,
					const void *block, size_t nbytes, struct quern_message *err)
{
	struct qn_picks *picks = &subject->picks;
	const char *why = NULL;
	enum quern_status st = qn_picks_unpack(picks, block, nbytes, &subject->selection, err);

	for (int d = 0; !st && !why && d < subject->selection.ndim; d++)
		if (picks->dim[d].npieces)
			why = qn_picks_unite(picks, d, &subject->selection);
	if (!st && (why || !is_inside(&subject->selection, &subject->dataset)))
		st = qn_error_set(err, QUERN_ERR_RUN,
				  "rank %u has made an impossible selection%s%s", reader,
				  why ? ": " : "", why ? why : "");
	return st;
}

/* Rank 0 has what is said of it. */
static enum quern_status share_selection(const struct qn_team *team, struct qn_subject *subject,
					 const struct qn_files *m, struct quern_message *err)
{
	size_t nbytes = 0;
	void *mine = qn_picks_pack(&subject->picks, &subject->selection, &nbytes), *round = NULL;
	enum quern_status st = mine ? QUERN_OK : qn_error_nomem(err, nbytes, "a selection");

	st = qn_comm_agree(team->comm, st, err);
	if (st) {
		free(mine);
		return st;
	}
	st = qn_pass_round(team, m->reader, mine, nbytes, &round, &nbytes, err);
	if (!st)
		st = take_selection(subject, m->reader, round, nbytes, err);
	free(round);
	for (size_t i = 0; !st && rank_of(team) == 0 && i < subject->picks.said.n; i++)
		st = qn_names_add(&subject->warnings, subject->picks.said.name[i], err);
	return qn_comm_agree(team->comm, st, err);
}

static enum quern_status choose(const struct qn_team *team, struct qn_subject *subject,
				const struct qn_files *m, struct qn_joined *joined,
				struct quern_message *err)
{
	const char *text = subject->settings.select;
	enum quern_status st = QUERN_OK;

	if (rank_of(team) == m->reader && !subject->selected)
		st = qn_coordinate_select(&subject->dataset, joined, text, &subject->selection,
					  &subject->picks, err);
	if (joined->wanted.path && !joined->values)
		st = QUERN_OK;
	return qn_comm_agree(team->comm, st, err);
}

enum quern_status qn_selection_make(const struct qn_team *team, struct qn_subject *subject,
				    const struct qn_files *m, struct quern_message *err)
{
	struct qn_joined joined = { .files = &subject->files,
				    .along = subject->along,
				    .complete = m->reads_all };
	enum quern_status st = choose(team, subject, m, &joined, err);

	if (!st)
		st = qn_joined_fill(team, subject, m, &joined, err);
	if (!st && joined.values)
		st = choose(team, subject, m, &joined, err);
	if (!st)
		st = share_selection(team, subject, m, err);
	qn_joined_fini(&joined);
	return st;
}
