/*
 * contiguous.c - virtual chunks of datasets that are stored in one piece.
 */
#include "io/hdf5_format/contiguous.h"

#include <inttypes.h>

#include "base/mem.h"

#define RUN_NBYTES (UINT64_C(4) << 20)
/* Of a dataset so large that there would be more runs than this, the runs are longer. */
#define MAX_RUNS       (UINT64_C(4) << 20)
#define MAX_RUN_NBYTES (UINT64_C(1) << 30)

static uint64_t run_nelems(const struct qn_dataset *d)
{
	uint64_t nbytes = RUN_NBYTES, total = 0;

	if (qn_product(d->shape, d->ndim, &total))
		total = total > UINT64_MAX / d->type.size ? UINT64_MAX : total * d->type.size;
	while (total / nbytes > MAX_RUNS && nbytes < MAX_RUN_NBYTES)
		nbytes *= 2;
	return qn_max_u64(1, nbytes / d->type.size);
}

/* The least number of equal parts of n of which none is larger than `most`; the size of one. */
static uint64_t even_part(uint64_t n, uint64_t most)
{
	return n == 0 ? 1 : qn_ceil_div(n, qn_ceil_div(n, qn_max_u64(1, most)));
}

void qn_h5_runs_shape(struct qn_dataset *d, bool whole)
{
	uint64_t room = whole ? UINT64_MAX : run_nelems(d);

	for (int i = d->ndim - 1; i >= 0; i--) {
		d->chunk[i] = even_part(d->shape[i], room);
		/* Once a dimension is cut, those outside of it have one index a run. */
		room = d->chunk[i] < d->shape[i] ? 1 : room / d->chunk[i];
	}
}

enum quern_status qn_h5_runs_list(struct qn_dataset *d, uint64_t addr, struct quern_message *err)
{
	uint64_t grid[QUERN_MAX_DIMS], n = qn_dataset_grid(d, grid), nbytes;
	uint64_t nelems = qn_dataset_nelems(d), size = d->type.size;
	uint64_t full = qn_dataset_chunk_nelems(d) * size;
	struct qn_chunk *c;

	if (!qn_mul(nelems, size, &nbytes) || addr > d->file_nbytes ||
	    nbytes > d->file_nbytes - addr || full > UINT32_MAX)
		return qn_error_set(err, QUERN_ERR_DATA,
				    "%s: dataset %s: its %" PRIu64 " elements at offset %" PRIu64
				    " end beyond the end of the file; copy the file again",
				    d->file, d->path, nelems, addr);
	c = qn_calloc(n, sizeof(*c));
	if (!c)
		return qn_error_nomem(err, n * sizeof(*c), "the runs of a dataset");
	for (uint64_t i = 0; i < n; i++) {
		/* Runs in the order of their numbers lie side by side; only the last along the
		   cut dimension is shorter. */
		uint64_t length = full, inner = i;

		for (int k = d->ndim - 1; k >= 0; k--) {
			uint64_t at = inner % grid[k];

			inner /= grid[k];
			if (at == grid[k] - 1 && d->shape[k] % d->chunk[k] != 0)
				length = full / d->chunk[k] * (d->shape[k] % d->chunk[k]);
		}
		c[i] = (struct qn_chunk){ .number = i, .addr = addr, .nbytes = (uint32_t)length };
		addr += length;
	}
	d->chunks = c;
	d->nchunks = n;
	return QUERN_OK;
}
