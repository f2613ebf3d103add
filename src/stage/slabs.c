#include "stage/slabs.h"

#include "base/mem.h"

/* In one piece: the order of the bytes is that of the elements. */
static bool is_piece(const struct qn_dataset *d)
{
	return d->layout != QN_CHUNKED;
}

/* The first dimension with more than one index. */
static int first_dim(const struct qn_dataset *d)
{
	int dim = 0;

	while (dim + 1 < qn_dataset_outer_ndim(d) && d->shape[dim] <= 1)
		dim++;
	return dim;
}

int qn_slabs_dim(const struct qn_dataset *d)
{
	int best = 0;

	if (is_piece(d))
		return first_dim(d);
	for (int i = 1; i < qn_dataset_outer_ndim(d); i++)
		if (qn_slabs_nplaces(d, i) > qn_slabs_nplaces(d, best))
			best = i;
	return best;
}

bool qn_slabs_can(const struct qn_dataset *d, int dim)
{
	return dim >= 0 && dim < qn_dataset_outer_ndim(d) && (!is_piece(d) || dim == first_dim(d));
}

uint64_t qn_slabs_place_nindexes(const struct qn_dataset *d, int dim)
{
	return is_piece(d) ? 1 : d->chunk[dim];
}

uint64_t qn_slabs_nplaces(const struct qn_dataset *d, int dim)
{
	return qn_ceil_div(d->shape[dim], qn_slabs_place_nindexes(d, dim));
}

void qn_slabs_cut(const uint64_t *weight, uint64_t n, uint64_t nslabs, uint64_t *bound)
{
	long double total = 0, sum = 0;
	uint64_t at = 0;

	for (uint64_t i = 0; i < n; i++)
		total += (long double)weight[i];
	bound[0] = 0;
	for (uint64_t k = 1; k < nslabs; k++) {
		const long double until = total * (long double)k / (long double)nslabs;

		/* At least one, and one is left for each slab to come. */
		do {
			sum += (long double)weight[at++];
		} while (at < n - (nslabs - k) && sum + (long double)weight[at] / 2 <= until);
		bound[k] = at;
	}
	bound[nslabs] = n;
}

/* The coordinate of a chunk along a dimension. */
static uint64_t coordinate(const uint64_t *grid, int ndim, int dim, uint64_t number)
{
	for (int i = ndim - 1; i > dim; i--)
		number /= grid[i];
	return number % grid[dim];
}

void qn_slabs_weigh(const struct qn_dataset *d, int dim, uint64_t *weight)
{
	const uint64_t n = qn_slabs_nplaces(d, dim);
	uint64_t grid[QUERN_MAX_DIMS];

	qn_dataset_grid(d, grid);
	for (uint64_t i = 0; i < n; i++)
		weight[i] = 1;
	for (uint64_t i = 0; !is_piece(d) && i < d->nchunks; i++)
		weight[coordinate(grid, d->ndim, dim, d->chunks[i].number)] += d->chunks[i].nbytes;
}

bool qn_slabs_number(const struct qn_dataset *d, int dim, uint64_t first, uint64_t n,
		     uint64_t number, uint64_t *in_slab)
{
	uint64_t grid[QUERN_MAX_DIMS], out = 0, place = 1;

	qn_dataset_grid(d, grid);
	for (int i = d->ndim - 1; i >= 0; i--) {
		uint64_t at = number % grid[i];

		number /= grid[i];
		if (i == dim && (at < first || at >= first + n))
			return false;
		out += (i == dim ? at - first : at) * place;
		place *= i == dim ? n : grid[i];
	}
	*in_slab = out;
	return true;
}
