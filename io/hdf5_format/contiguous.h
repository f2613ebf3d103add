/*
 * contiguous.h - virtual chunks of datasets that are stored in one piece.
 *
 * Each is a run of bytes of about 4 MiB: one index in the outer dimensions, a range of indexes in
 * one, everything of the inner ones:
 *
 *	shape 12 x 1000 x 512 x 4 bytes -> chunk 1 x 1000 x 512
 *	shape 1000 x 4000 x 512 x 4 bytes -> chunk 1 x 2000 x 512
 */
#ifndef QN_IO_HDF5_FORMAT_CONTIGUOUS_H
#define QN_IO_HDF5_FORMAT_CONTIGUOUS_H

#include "data/dataset.h"

/* Sets d->chunk from shape and type; `whole`: one chunk (compact). */
void qn_h5_runs_shape(struct qn_dataset *d, bool whole);

/* Lists the runs of a dataset whose first byte is at the absolute offset addr. */
enum quern_status qn_h5_runs_list(struct qn_dataset *d, uint64_t addr, struct quern_message *err);

#endif
