#include "cluster/share.h"

#include <stdlib.h>

#include "base/mem.h"

enum quern_status qn_share(struct qn_comm *c, enum quern_status st, void *packed, size_t nbytes,
			   qn_unpack *unpack, void *thing, const char *what,
			   struct quern_message *err)
{
	const bool leads = qn_comm_rank(c) == 0;

	if (!st && leads && !packed)
		st = qn_error_nomem(err, nbytes, what);
	st = qn_comm_agree(c, st, err);
	if (!st)
		st = qn_comm_bcast_block(c, &packed, &nbytes, err);
	if (!st && !leads)
		st = unpack(packed, nbytes, thing, err);
	free(packed);
	return qn_comm_agree(c, st, err);
}

static enum quern_status unpack_names(const void *packed, size_t nbytes, void *thing,
				      struct quern_message *err)
{
	return qn_names_unpack(thing, packed, nbytes, err);
}

enum quern_status qn_share_names(struct qn_comm *c, enum quern_status st, struct qn_names *l,
				 struct quern_message *err)
{
	size_t nbytes = 0;
	void *packed = !st && qn_comm_rank(c) == 0 ? qn_names_pack(l, &nbytes) : NULL;

	return qn_share(c, st, packed, nbytes, unpack_names, l, "the names of files", err);
}

static enum quern_status unpack_options(const void *packed, size_t nbytes, void *thing,
					struct quern_message *err)
{
	return qn_options_unpack(thing, packed, nbytes, err);
}

enum quern_status qn_share_options(struct qn_comm *c, enum quern_status st, struct quern_options *o,
				   struct quern_message *err)
{
	size_t nbytes = 0;
	void *packed = !st && qn_comm_rank(c) == 0 ? qn_options_pack(o, &nbytes) : NULL;

	return qn_share(c, st, packed, nbytes, unpack_options, o, "options", err);
}
