/*
 * share.c - the description of a subject, from rank 0 to all ranks.
 */
#include <stdlib.h>

#include "base/mem.h"
#include "find/subject.h"

/* Rank 0's flat form of something, on all ranks: owned. NULL there: no memory. Collective. */
static enum quern_status share_flat(const struct qn_team *team, void *flat, size_t nbytes,
				    void **out, size_t *out_nbytes, struct quern_message *err)
{
	enum quern_status st = QUERN_OK;

	*out = flat;
	*out_nbytes = nbytes;
	if (qn_comm_rank(team->comm) == 0 && !flat)
		st = qn_error_nomem(err, sizeof(struct qn_dataset), "the description");
	st = qn_comm_agree(team->comm, st, err);
	return st ? st : qn_comm_bcast_block(team->comm, out, out_nbytes, err);
}

enum quern_status qn_subject_share_dataset(const struct qn_team *team, struct qn_subject *subject,
					   struct quern_message *err)
{
	size_t nbytes = 0;
	void *flat = NULL;
	enum quern_status st;

	if (qn_comm_rank(team->comm) == 0)
		flat = qn_dataset_pack(&subject->dataset, &nbytes);
	st = share_flat(team, flat, nbytes, &flat, &nbytes, err);
	if (!st && qn_comm_rank(team->comm) != 0)
		st = qn_dataset_unpack(flat, nbytes, &subject->dataset, err);
	free(flat);
	return st;
}

enum quern_status qn_subject_share_mosaic(const struct qn_team *team, struct qn_subject *subject,
					  struct quern_message *err)
{
	size_t nbytes = 0;
	void *flat = NULL;
	enum quern_status st;

	if (qn_comm_rank(team->comm) == 0)
		flat = qn_mosaic_pack(&subject->mosaic, false, &nbytes);
	st = share_flat(team, flat, nbytes, &flat, &nbytes, err);
	if (!st && qn_comm_rank(team->comm) != 0)
		st = qn_mosaic_unpack(flat, nbytes, &subject->mosaic, err);
	free(flat);
	return st;
}
