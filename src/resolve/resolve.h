/*
 * resolve.h - from a description to what is read: a dataset that lies in its file is one part of a
 * mosaic, a virtual one or one in external files is as many as it has pieces.
 */
#ifndef QN_RESOLVE_RESOLVE_H
#define QN_RESOLVE_RESOLVE_H

#include "data/mosaic.h"

/* Adds a dataset to a mosaic, with its first element at `origin` of the whole, which has as many
   dimensions: with the extent of its dimensions, also where it stores less. d: checked (qn_dataset_check), with its index; its chunks are taken, the rest stays.
   nprocesses > 0: how many may describe sources. Not collective. */
enum quern_status qn_resolve(struct qn_dataset *d, const uint64_t *origin, int nprocesses,
			     struct qn_mosaic *m, struct quern_message *err);

/* What is missing of the sources of a virtual dataset, or of raw files, as a run would find it: nothing of
   what lies in its file. d: checked. The caller frees with qn_missing_fini, whatever is returned. Not
   collective. */
enum quern_status qn_resolve_missing(const struct qn_dataset *d, int nprocesses,
				     struct qn_missing *out, struct quern_message *err);

#endif
