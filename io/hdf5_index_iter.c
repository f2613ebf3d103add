/*
 * hdf5_index_iter.c - the chunk index as H5Dchunk_iter gives it, where the library has that.
 */
#include <hdf5.h>

#include "hdf5_file.h"
#include "hdf5_index.h"

#ifdef QN_HAVE_H5DCHUNK_ITER
struct visit {
	struct qn_h5_walk *w;
	enum quern_status status;
};

static int visit_chunk(const hsize_t *first, unsigned mask, haddr_t addr, hsize_t nbytes, void *ctx)
{
	struct visit *v = ctx;
	struct qn_h5_walk *w = v->w;
	uint64_t coord[QUERN_MAX_DIMS], number;

	for (int i = 0; i < w->ndim; i++)
		coord[i] = first[i] / w->chunk[i];
	if (qn_h5_grid_number(w, coord, &number))
		v->status = qn_h5_add(w, number, addr, nbytes, mask);
	else
		v->status = qn_h5_damaged(w->r, addr, "a chunk is outside the dataset");
	return v->status == QUERN_OK ? H5_ITER_CONT : H5_ITER_ERROR;
}

enum quern_status qn_h5_walk_by_library(struct qn_h5_walk *w, int64_t dset)
{
	struct visit v = { w, QUERN_OK };

	if (H5Dchunk_iter((hid_t)dset, H5P_DEFAULT, visit_chunk, &v) < 0 && v.status == QUERN_OK)
		return qn_h5_fail(w->r->err, w->r->file, w->r->path, "its chunks cannot be listed");
	return v.status;
}
#endif
