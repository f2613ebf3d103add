/*
 * dataset.h - a flat description of one dataset: everything a rank needs to read its chunks
 * without touching HDF5 metadata. Rank 0 fills it and broadcasts it.
 *
 * The chunk grid covers the dataset in C order: chunk number n has grid coordinates c with
 * n = ravel(c, grid), grid[d] = ceil(shape[d] / chunk[d]). A contiguous dataset is described by
 * virtual chunks, each one run of bytes of the file; a compact one by a single virtual chunk.
 */
#ifndef QN_DATA_DATASET_H
#define QN_DATA_DATASET_H

#include "base/error.h"

#define QN_MAX_FILTERS 32
#define QN_MAX_FILTER_PARAMS 20
#define QN_ADDR_NONE UINT64_MAX	/* no storage allocated: the chunk is all fill value */

enum qn_layout { QN_COMPACT, QN_CONTIGUOUS, QN_CHUNKED, QN_VIRTUAL, QN_EXTERNAL };

/* How elements are stored. `size` bytes each. */
enum qn_class { QN_INT, QN_UINT, QN_FLOAT, QN_OTHER };

struct qn_type {
	enum qn_class class;
	uint32_t size;		/* bytes of an element in the file */
	bool big_endian;
	char name[24];		/* as numpy writes it: "<f4", ">i2", "|u1"; or a word: "string" */
};

struct qn_filter_step {
	uint32_t id;		/* registered filter number */
	uint32_t nparams;
	uint32_t params[QN_MAX_FILTER_PARAMS];
	char name[32];
};

/* Where a chunk is. Sorted by number; chunks that are not listed are unallocated. */
struct qn_chunk {
	uint64_t number;	/* in the chunk grid */
	uint64_t addr;		/* byte offset in the file, user block included */
	uint32_t nbytes;	/* stored size; for raw data the bytes of the clipped virtual chunk */
	uint32_t filter_mask;	/* bit i: step i of the pipeline was not applied */
};

/* CF attributes, in the type of the data (packed) unless said otherwise. */
struct qn_cf {
	bool has_fill, has_min, has_max, has_scale;
	uint32_t nmissing;	/* number of missing_value entries */
	/* Packed values: as int64 for QN_INT, as the bits of uint64 for QN_UINT, as the bits of a
	   double for QN_FLOAT. has_scale: scale or offset is there; identity otherwise. */
	uint64_t fill, missing[8], valid_min, valid_max;
	double scale, offset;
	bool as_unsigned;	/* _Unsigned = "true" on a signed type: class is QN_UINT already */
};

struct qn_dataset {
	char *file;		/* path as the user gave it */
	char *path;		/* dataset in the file, absolute */
	struct qn_type type;
	int ndim;		/* a scalar is described as shape [1] with scalar = true */
	bool scalar;
	uint64_t shape[QUERN_MAX_DIMS];
	uint64_t chunk[QUERN_MAX_DIMS];
	enum qn_layout layout;
	char index[24];		/* "v1 B-tree", "fixed array", ...; "" if not chunked */
	int nfilters;
	struct qn_filter_step filter[QN_MAX_FILTERS];	/* in the order of writing */
	uint8_t fill_value[16];	/* of unallocated chunks, as stored in the file */
	struct qn_cf cf;
	char units[64];		/* "" when there is none */
	char calendar[24];	/* of units that are times; "" when there is none */
	bool dim_only;		/* a netCDF dimension without a variable: its elements mean nothing */
	char *dim_name[QUERN_MAX_DIMS];		/* owned; NULL where not known */
	char *dim_scale[QUERN_MAX_DIMS];	/* owned: path of its scale; NULL where there is none */
	/* Chunks can be read by address. Otherwise every chunk of the grid goes through the library,
	   and the list below may be empty whatever is stored. */
	bool native;
	char why_not_native[96];
	uint64_t file_nbytes;
	int64_t file_mtime_ns;
	uint64_t user_block;	/* bytes before the HDF5 superblock; included in every addr */
	uint64_t nchunks;	/* entries of chunks */
	struct qn_chunk *chunks;	/* owned */
};

/* Frees what the description owns, and zeroes it. */
void qn_dataset_fini(struct qn_dataset *d);

/* Forgets what the description points to, of which another one is the owner. */
void qn_dataset_disown(struct qn_dataset *d);

/* grid[d] = ceil(shape[d] / chunk[d]); returns the number of chunks in the grid. The description
   must be valid. A dataset without elements has no chunks. */
uint64_t qn_dataset_grid(const struct qn_dataset *d, uint64_t grid[QUERN_MAX_DIMS]);

/* Elements in the dataset, and in a full chunk. */
uint64_t qn_dataset_nelems(const struct qn_dataset *d);
uint64_t qn_dataset_chunk_nelems(const struct qn_dataset *d);

/* The description is hostile until this says QUERN_OK: dimensions, products, chunk numbers sorted
   and unique, addresses and sizes inside the file, raw chunk sizes against the type. */
enum quern_status qn_dataset_check(const struct qn_dataset *d, struct quern_message *err);

/* Flat form of everything but the chunks, for a broadcast. pack returns owned memory, or NULL when
   there is none. unpack checks what it gets and gives a description without chunks. */
void *qn_dataset_pack(const struct qn_dataset *d, size_t *nbytes);
enum quern_status qn_dataset_unpack(const void *data, size_t nbytes, struct qn_dataset *d,
				    struct quern_message *err);

#endif
