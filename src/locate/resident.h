/*
 * resident.h - how much of a dataset is in the page cache of this host.
 */
#ifndef QN_LOCATE_RESIDENT_H
#define QN_LOCATE_RESIDENT_H

#include "data/dataset.h"

struct qn_resident {
	bool known;	 /* false: nothing is stored by address, or the system does not tell */
	bool sampled;	 /* an estimate, from some of the pages */
	uint64_t nbytes; /* stored bytes whose pages are resident */
	uint64_t ntotal; /* stored bytes */
};

/*
 * Looks at the pages of all listed chunks; of very many at QN_RESIDENT_SAMPLES of them, evenly
 * spread over the stored bytes, which takes some tens of milliseconds at most. fd: the file, open for
 * reading; the addresses need not be inside it. Not collective.
 */
#define QN_RESIDENT_SAMPLES 16384

void qn_resident_look(const struct qn_dataset *d, int fd, struct qn_resident *out);

#endif
