/*
 * index.h - the chunk index of a dataset: where every allocated chunk is.
 *
 * A walk goes through one index structure of the file and adds what it finds to a list. Each kind
 * of index is one file, hdf5_index_KIND.c, with one function of type qn_h5_walker.
 *
 * Why not the library: H5Dget_chunk_info takes time quadratic in the number of chunks, and
 * H5Dchunk_iter, which would be fast, is missing in old releases and gives wrong coordinates in all
 * of them for an extensible array whose unlimited dimension is not the first (it counts as if it
 * were). Releases also differ in whether their addresses include the user block.
 */
#ifndef QN_IO_HDF5_FORMAT_INDEX_H
#define QN_IO_HDF5_FORMAT_INDEX_H

#include "data/dataset.h"
#include "io/hdf5_format/layout.h"

/*
 * Array indexes number the chunks of the largest extent that the dataset may grow to; the one
 * dimension without a limit comes first (slowest), the others follow in order. number =
 * ((c[dim[0]] * extent[1] + c[dim[1]]) * extent[2] + ...), c: coordinates in the grid.
 */
struct qn_h5_order {
	int dim[QUERN_MAX_DIMS];
	uint64_t extent[QUERN_MAX_DIMS]; /* extent[0] is not used */
};

struct qn_h5_walk {
	struct qn_h5_raw *r;
	struct qn_h5_layout layout;
	int ndim;
	uint64_t shape[QUERN_MAX_DIMS];
	uint64_t chunk[QUERN_MAX_DIMS];
	uint64_t grid[QUERN_MAX_DIMS];
	uint64_t ngrid;			   /* chunks in the grid */
	uint64_t max_grid[QUERN_MAX_DIMS]; /* at the largest extent; 0: no limit */
	int nunlimited;			   /* dimensions without a limit */
	bool is_filtered;		   /* sizes and masks are recorded */
	uint32_t all_filters;		   /* mask: no filter was applied */
	uint32_t chunk_nbytes;		   /* of a chunk without filters */
	struct qn_h5_order order;	   /* of array indexes */
	bool is_part; /* only chunks with low[d] <= coordinate <= high[d] are listed */
	uint64_t low[QUERN_MAX_DIMS], high[QUERN_MAX_DIMS];

	/* The list. */
	struct qn_chunk *chunks; /* owned */
	size_t n, room;
	bool is_sorted; /* so far, by number, without duplicates */
};

typedef enum quern_status qn_h5_walker(struct qn_h5_walk *w);

/*
 * Lists the chunks of d, which is described but for `index` and the chunks; both are filled on
 * success, sorted, without duplicates. max_shape: as H5Sget_simple_extent_dims gives it. raw_edges:
 * the chunks that the edge cuts are stored without filters. part: of d, but for dimensions of records;
 * the chunks that it does not meet are left out, and what the index says of them is not read, as far
 * as it can be skipped. NULL: all of it.
 */
enum quern_status qn_h5_index_read(struct qn_h5_raw *r, const struct qn_h5_layout *layout,
				   const uint64_t *max_shape, bool raw_edges,
				   const struct quern_box *part, struct qn_dataset *d);

/* May there be chunks of the part between these two, grid coordinates in the order of an index? dim:
   the dimensions, slowest first; NULL: in C order. */
bool qn_h5_is_wanted(const struct qn_h5_walk *w, const int *dim, const uint64_t *from,
		     const uint64_t *to);

/* The same of n > 0 elements of an array index. */
bool qn_h5_are_wanted(const struct qn_h5_walk *w, uint64_t first, uint64_t n);

qn_h5_walker qn_h5_walk_btree1;
qn_h5_walker qn_h5_walk_single;
qn_h5_walker qn_h5_walk_implicit;
qn_h5_walker qn_h5_walk_fixed_array;
qn_h5_walker qn_h5_walk_extensible_array;
qn_h5_walker qn_h5_walk_btree2;

/* Adds a chunk by its number in the grid, if it is of the part. addr: absolute. */
enum quern_status qn_h5_add(struct qn_h5_walk *w, uint64_t number, uint64_t addr, uint64_t nbytes,
			    uint32_t mask);

/* Sets *number from grid coordinates; false when they are outside the grid. */
static inline bool qn_h5_grid_number(const struct qn_h5_walk *w, const uint64_t *coord,
				     uint64_t *number)
{
	uint64_t n = 0;

	for (int i = 0; i < w->ndim; i++) {
		if (coord[i] >= w->grid[i])
			return false;
		n = n * w->grid[i] + coord[i];
	}
	*number = n;
	return true;
}

/* Bytes of an element of an array index, and whether they fit this dataset. An element is an
   address; of a filtered dataset, address, size (what is left over), filter mask (4). */
bool qn_h5_element_is_valid(const struct qn_h5_walk *w, unsigned elem_nbytes);

/* Adds the n elements of an array index at p, of which the first has number `first`. */
enum quern_status qn_h5_add_elements(struct qn_h5_walk *w, uint64_t first, uint64_t n,
				     unsigned elem_nbytes, const uint8_t *p);

#endif
