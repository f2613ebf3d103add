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
#include "data/attributes.h"

#define QN_MAX_FILTERS	     32
#define QN_MAX_FILTER_PARAMS 20
#define QN_MAX_MEMBERS	     4096
#define QN_ADDR_NONE	     UINT64_MAX /* no storage allocated: the chunk is all fill value */

enum qn_layout { QN_COMPACT, QN_CONTIGUOUS, QN_CHUNKED, QN_VIRTUAL, QN_EXTERNAL };

/* How elements are stored. `size` bytes each. */
enum qn_class { QN_INT, QN_UINT, QN_FLOAT, QN_OTHER, QN_TEXT };

/* What comes after the end of a text that is shorter than its element. */
enum qn_padding { QN_PAD_ZEROS, QN_PAD_ANYTHING /* after a zero */, QN_PAD_SPACES };

/* Longer texts are not taken. Those of variable length are made so long by the library's reader. */
#define QN_MAX_TEXT_NBYTES	4096
#define QN_VARIABLE_TEXT_NBYTES 1024
/* Of which no more are read at once. */
#define QN_TEXT_BOX_NBYTES (16u << 20)

struct qn_type {
	enum qn_class class;
	uint32_t size; /* bytes of an element: in the file, or as the library gives it */
	bool big_endian;
	bool brain; /* a float of 2 bytes that is the upper half of a float32 (bfloat16) */
	enum qn_padding padding; /* of QN_TEXT */
	char name[24];		 /* as numpy writes it: "<f4", ">i2", "|S8"; or a word: "string" */
};

struct qn_filter_step {
	uint32_t id; /* registered filter number */
	uint32_t nparams;
	uint32_t params[QN_MAX_FILTER_PARAMS];
	char name[32];
};

/* Where a chunk is. Sorted by number; chunks that are not listed are unallocated. */
struct qn_chunk {
	uint64_t number;      /* in the chunk grid */
	uint64_t addr;	      /* byte offset in the file, user block included */
	uint32_t nbytes;      /* stored size; for raw data the bytes of the clipped virtual chunk */
	uint32_t filter_mask; /* bit i: step i of the pipeline was not applied */
};

/* Values of missing_value, and others of _FillValue; all of a byte. */
#define QN_CF_MOST_MISSING 255

/* CF attributes, in the type of the data (packed) unless said otherwise. */
struct qn_cf {
	bool has_fill, has_min, has_max, has_scale;
	uint32_t nmissing; /* number of missing_value entries */
	/* Packed values: as int64 for QN_INT, as the bits of uint64 for QN_UINT, as the bits of a
	   double for QN_FLOAT. has_scale: scale or offset is there; identity otherwise. */
	uint64_t fill, missing[QN_CF_MOST_MISSING], valid_min, valid_max;
	double scale, offset;
	bool single;	 /* scale and offset are float32, and so are the values */
	bool is_default; /* fill is the one of netCDF for variables without _FillValue */
	/* Signed by its type, and meant as unsigned: _Unsigned = "true", or bounds up to 255 on bytes.
	   The class is QN_UINT already. */
	bool as_unsigned;
};

/*
 * Where the elements are, when the file stores them in records: as a member of a compound datatype,
 * or as an array datatype. The dimensions of arrays are the last `ndim` ones of the dataset, and
 * no chunk is cut along them.
 *
 *	record k of a chunk:	| other members | x[0] | x[1] | x[2] | other members |
 *	byte of the chunk:	k * nbytes      + offset + i * stride[0]
 */
struct qn_record {
	uint32_t nbytes; /* of a record; 0: elements lie side by side, the rest is 0 too */
	uint32_t offset; /* bytes before the first element */
	int ndim;
	uint64_t stride[QUERN_MAX_DIMS]; /* bytes between neighbours along those dimensions */
};

/* What a compound datatype has: a line of `quern inspect`, and what --column may name. */
struct qn_column {
	char *name; /* owned; "a.b" is a member of a member */
	struct qn_type type;
	uint64_t offset; /* bytes from the beginning of the record */
	int ndim;	 /* dimensions of arrays, 0: one element a record */
	uint64_t shape[QUERN_MAX_DIMS];
};

/* In the place of a time of change: a writer has the file open for SWMR, and may have added to it since
   it was described. What was there then stays where it was. */
#define QN_GROWING INT64_MIN

/* Always, once it was checked: what qn_dataset_check says. */
struct qn_dataset {
	char *file;	  /* path as the user gave it */
	char *path;	  /* dataset in the file, absolute */
	char *asked;	  /* owned: path in another file, from where external links lead here; NULL:
				   it was asked for as `path` */
	char column[256]; /* member of a compound datatype that the elements are; or "" */
	struct qn_type type;
	struct qn_record record;
	int ndim; /* a scalar is described as shape [1] with scalar = true */
	bool scalar;
	/* Dimension 0 is that of files on top of each other, of which each has one index: no file has it. */
	bool stacked;
	bool is_null; /* a null dataspace: no elements, of any rank; described as shape [0] */
	uint64_t shape[QUERN_MAX_DIMS]; /* of what the file stores */
	/* Elements that a netCDF dimension has after the last stored one, because another variable is
	   longer on it: qn_fill_beyond says what they are. */
	uint64_t beyond[QUERN_MAX_DIMS];
	bool left_out_beyond; /* there are such, and by qn_reading()->as_stored they do not count */
	uint64_t chunk[QUERN_MAX_DIMS];
	enum qn_layout layout;
	char index[24]; /* "v1 B-tree", "fixed array", ...; "" if not chunked */
	int nfilters;
	struct qn_filter_step filter[QN_MAX_FILTERS]; /* in the order of writing */
	uint8_t fill_value[16]; /* of elements in unallocated chunks, as stored in the file */
	struct qn_cf cf;
	char units[64];	   /* "" when there is none */
	char calendar[24]; /* of units that are times; "" when there is none */
	bool is_longitude; /* in degrees, by its standard_name or units */
	qn_faults fault;   /* of its attributes */
	bool dim_only;	   /* a netCDF dimension without a variable: its elements mean nothing */
	char *dim_name[QUERN_MAX_DIMS];	 /* owned; NULL where not known */
	char *dim_scale[QUERN_MAX_DIMS]; /* owned: path of its scale; NULL where there is none */
	uint32_t nmembers; /* of a compound datatype of which none is chosen; the first of them */
	struct qn_column *members; /* owned */
	/* Chunks can be read by address. Otherwise every chunk of the grid goes through the library,
	   and the list below may be empty whatever is stored. */
	bool native;
	char why_not_native[96];
	uint64_t file_nbytes;
	int64_t file_mtime_ns;	 /* or QN_GROWING */
	uint64_t user_block;	 /* bytes before the HDF5 superblock; included in every addr */
	uint64_t nchunks;	 /* entries of chunks */
	struct qn_chunk *chunks; /* owned */
};

/* Frees what the description owns, and zeroes it. */
void qn_dataset_fini(struct qn_dataset *d);

/* What the attributes say of values: CF, units, faults. Names of dimensions, and that unsigned numbers
   are meant (type.class), are not among it. */
void qn_dataset_copy_attributes(const struct qn_dataset *from, struct qn_dataset *to);

/* Forgets what the description points to, of which another one is the owner. */
void qn_dataset_disown(struct qn_dataset *d);

/* grid[d] = ceil(shape[d] / chunk[d]); returns the number of chunks in the grid. The description
   must be valid. A dataset without elements has no chunks. */
uint64_t qn_dataset_grid(const struct qn_dataset *d, uint64_t grid[QUERN_MAX_DIMS]);

/* Elements in the dataset, and in a full chunk. */
uint64_t qn_dataset_nelems(const struct qn_dataset *d);
uint64_t qn_dataset_chunk_nelems(const struct qn_dataset *d);

/* Bytes of what the file calls an element: a record, where there are records. */
uint32_t qn_dataset_record_nbytes(const struct qn_dataset *d);
/* The path by which it was asked for. */
const char *qn_dataset_name(const struct qn_dataset *d);
/* The member that the elements are, or NULL. */
const char *qn_dataset_column(const struct qn_dataset *d);
/* Dimensions that the file knows of: those of records come after them. */
int qn_dataset_outer_ndim(const struct qn_dataset *d);
/* Elements of a dimension: stored ones and those beyond. */
uint64_t qn_dataset_length(const struct qn_dataset *d, int dim);
/* Is a dimension longer than what is stored? */
bool qn_dataset_ends_early(const struct qn_dataset *d);
/* The dataset with the extent of its dimensions as its shape: for selections. All that it points to is
   borrowed; it has no chunks. */
void qn_dataset_visible(const struct qn_dataset *d, struct qn_dataset *out);
/* Bytes of the dataset and of a full chunk, with all members, as they are without filters. */
uint64_t qn_dataset_nbytes(const struct qn_dataset *d);
uint64_t qn_dataset_chunk_nbytes(const struct qn_dataset *d);
/* Do the elements of a chunk lie side by side in C order? */
bool qn_dataset_is_dense(const struct qn_dataset *d);

/* "a, b, c.d and 7 more (see quern inspect)": the members, as many as fit. */
#define QN_MEMBER_NAMES_NBYTES 400
void qn_dataset_member_names(const struct qn_dataset *d, char out[QN_MEMBER_NAMES_NBYTES]);

/* The description is hostile until this says QUERN_OK: dimensions, products, chunk numbers sorted
   and unique, addresses and sizes inside the file, raw chunk sizes against the type. */
enum quern_status qn_dataset_check(const struct qn_dataset *d, struct quern_message *err);

/* The same as an invariant. */
bool qn_dataset_is_valid(const struct qn_dataset *d, const char **why);

/* Flat form of everything but the chunks, for a broadcast. pack returns owned memory, or NULL when
   there is none. unpack checks what it gets and gives a description without chunks. */
void *qn_dataset_pack(const struct qn_dataset *d, size_t *nbytes);
enum quern_status qn_dataset_unpack(const void *data, size_t nbytes, struct qn_dataset *d,
				    struct quern_message *err);

/* What a dimension is called: one without a name by its number, dim_0. Owned; NULL: no memory. */
char *qn_dataset_dimension_name(const struct qn_dataset *d, int dim);

#endif
