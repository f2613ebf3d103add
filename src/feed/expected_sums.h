/*
 * expected_sums.h - the sums of the stored chunks of a member, as this host's copy of the catalog has them:
 * a worker looks each of them up, so that none is sent or kept.
 */
#ifndef QN_FEED_EXPECTED_SUMS_H
#define QN_FEED_EXPECTED_SUMS_H

#include "base/file.h"
#include "feed/feed.h"
#include "data/mosaic.h"

/* In the hands of one thread; begins as QN_EXPECTED_SUMS_NONE. */
struct qn_expected_sums {
	int fd;			    /* -1: none is open */
	uint32_t ledger;	    /* of the mosaic: the one that is open */
	const struct qn_ledger *of; /* borrows */
	uint64_t first, n;	    /* rows of the member */
	const char *host;	    /* keeps */
};

#define QN_EXPECTED_SUMS_NONE ((struct qn_expected_sums){ .fd = -1 })

/* Has the sums of a member at hand for the feed, if it has any. QUERN_ERR_DATA: this host does not
   have the catalog, or another one. host: for messages. Not collective. */
enum quern_status qn_expected_sums_turn(struct qn_expected_sums *r, const struct qn_mosaic *m,
					uint32_t member, const char *host, struct qn_feed *feed,
					struct quern_message *err);
void qn_expected_sums_close(struct qn_expected_sums *r);

#endif
