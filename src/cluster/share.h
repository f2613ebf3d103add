/*
 * share.h - what rank 0 has, on all ranks, by way of its packed form.
 */
#ifndef QN_CLUSTER_SHARE_H
#define QN_CLUSTER_SHARE_H

#include "base/names.h"
#include "base/options.h"
#include "cluster/comm.h"

/* Makes a thing of its packed form. */
typedef enum quern_status qn_unpack(const void *packed, size_t nbytes, void *thing,
				    struct quern_message *err);

/*
 * st: of this rank so far; only where all are QUERN_OK is anything sent. packed: of rank 0, taken; NULL: there
 * was no memory. The other ranks have `thing` made of it. what: for messages. All ranks return the same status.
 * Collective.
 */
enum quern_status qn_share(struct qn_comm *c, enum quern_status st, void *packed, size_t nbytes,
			   qn_unpack *unpack, void *thing, const char *what,
			   struct quern_message *err);

/* Names are added to those that there are. Collective. */
enum quern_status qn_share_names(struct qn_comm *c, enum quern_status st, struct qn_names *l,
				 struct quern_message *err);
enum quern_status qn_share_options(struct qn_comm *c, enum quern_status st, struct quern_options *o,
				   struct quern_message *err);

#endif
