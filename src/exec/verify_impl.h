/*
 * verify_impl.h - what the parts of a verification share. Included by verify*.c only.
 */
#ifndef QN_EXEC_VERIFY_IMPL_H
#define QN_EXEC_VERIFY_IMPL_H

#include <sys/stat.h>

#include "exec/verify.h"

/* How a dataset is looked at; rank 0. */
struct qn_way {
	bool listed;	/* its chunks have addresses */
	bool natively, by_library;
	uint64_t nchunks, noverlaps;
	struct qn_chunk *chunks;	/* owned; in file order */
};

struct qn_range {
	uint64_t addr, nbytes;
};

/* A file while it is looked at. What is not said to be of all ranks is rank 0's. */
struct qn_pending {
	int fd;			/* all ranks */
	uint64_t n;		/* datasets; all ranks */
	const struct qn_format *format;
	struct qn_listing listing;
	const char *only;	/* the one dataset that is asked for, or NULL; borrows */
	struct stat before;
	bool unlisted, undescribed; /* datasets are missing here */
	double wasted;
	struct qn_file_sums *now;	/* in v->made; NULL: no sums are wanted */
	const struct qn_file_sums *expected;
	struct qn_range *range;	/* owned: what is in listed chunks */
	size_t nranges, room;
};

/* Numbers with something between them, as many as there is room for. */
void qn_print_extents(int n, const uint64_t *v, const char *between, char *out, size_t nbytes);

void qn_pending_fini(struct qn_pending *p);
/* The chunks of a dataset are no rest. */
enum quern_status qn_pending_add_ranges(struct qn_pending *p, const struct qn_dataset *d,
					struct quern_message *err);
/* p->now->rest, by reading it. */
enum quern_status qn_pending_sum_rest(struct qn_pending *p, const char *file,
				      struct quern_message *err);

#endif
