/*
 * share.c - the description of a subject, from rank 0 to all ranks.
 */
#include "cluster/share.h"
#include "find/subject.h"

static enum quern_status unpack_dataset(const void *packed, size_t nbytes, void *thing,
					struct quern_message *err)
{
	return qn_dataset_unpack(packed, nbytes, thing, err);
}

enum quern_status qn_share_dataset(struct qn_comm *c, struct qn_dataset *d,
				   struct quern_message *err)
{
	size_t nbytes = 0;
	void *packed = qn_comm_rank(c) == 0 ? qn_dataset_pack(d, &nbytes) : NULL;

	return qn_share(c, QUERN_OK, packed, nbytes, unpack_dataset, d, "a description", err);
}

static enum quern_status unpack_mosaic(const void *packed, size_t nbytes, void *thing,
				       struct quern_message *err)
{
	return qn_mosaic_unpack(packed, nbytes, thing, err);
}

enum quern_status qn_share_mosaic(struct qn_comm *c, struct qn_mosaic *m, struct quern_message *err)
{
	size_t nbytes = 0;
	void *packed = qn_comm_rank(c) == 0 ? qn_mosaic_pack(m, false, &nbytes) : NULL;

	return qn_share(c, QUERN_OK, packed, nbytes, unpack_mosaic, m, "the description", err);
}

enum quern_status qn_share_chunks(struct qn_comm *c, struct qn_mosaic *m, struct quern_message *err)
{
	const bool leads = qn_comm_rank(c) == 0;
	size_t nbytes = 0;
	void *packed = NULL;

	if (qn_comm_size(c) == 1)
		return QUERN_OK;
	if (leads)
		packed = qn_mosaic_pack(m, true, &nbytes);
	else
		qn_mosaic_fini(m);
	return qn_share(c, QUERN_OK, packed, nbytes, unpack_mosaic, m, "the chunks", err);
}
