/*
 * storage.h - what the engine asks of io/: file formats and filters, reached through const tables.
 */
#ifndef QN_DATA_STORAGE_H
#define QN_DATA_STORAGE_H

#include "base/names.h"
#include "data/catalog.h"
#include "data/dataset.h"
#include "data/listing.h"
#include "data/sources.h"

/* What a result says of itself in a file: global attributes; "kernel", "source", "dataset" and "units",
   by which results are known, are among them. */
struct qn_global {
	const char *name;
	char *text;	/* owned */
	bool is_number; /* whose digits the text has */
};

/* Stands for the method in texts of cell_methods: it is in no name. */
#define QN_METHOD '\1'

#define QN_MOST_LABELS 32

struct qn_labels {
	size_t n;
	struct qn_global label[QN_MOST_LABELS];
	const char *units;	/* of the values; "" */
	const char *calendar;	/* where the units are a time; "" */
	const char *with;	/* the expression of their other values; NULL: none */
	const char *with_units; /* of these; "" */
	const char *weights;	/* the expression that elements are weighed by; NULL: none */
	enum quern_dtype dtype; /* of the values that the kernel saw */
	/* Of a result with axes: what variables are called after; what cells were made of, "lat: lon: ?", where ?
	   stands for the method, once for methods that go in steps, from the days of a month to the years, and
	   once for others; the texts of the dataset's attributes, name and text by turns. */
	const char *name;
	char *in_steps, *at_once; /* owned */
	const struct qn_names *attributes;
};

/* A file of results on its way (qn_format). */
struct qn_writing;

/* A result as it goes into a file. */
struct qn_output {
	const char *dataset; /* of one of several: what it is called; NULL: it is the only one */
	struct qn_labels labels;
	const struct quern_result *result; /* borrows */
};

/* Takes the checked description of a file, or the reason why there is none (why->status): d is NULL
   when the file can be read and does not have the dataset. It may take the chunks (and set d->chunks
   to NULL); all else is borrowed. False: no more are wanted. */
typedef bool qn_described(void *ctx, const char *file, struct qn_dataset *d,
			  const struct quern_message *why);

/* Stored bytes on their way into a shard: a chunk as it is stored, or a box of elements that are not
   filtered. */
struct qn_put {
	uint64_t start[QUERN_MAX_DIMS], count[QUERN_MAX_DIMS];
	uint32_t filter_mask;
	size_t nbytes;
	const void *bytes; /* borrowed until the next one is asked for */
};

/* The next one; *more is false after the last. */
typedef enum quern_status qn_next_put(void *ctx, struct qn_put *put, bool *more,
				      struct quern_message *err);

/* Limits of memory, time and writing hold everywhere. */
struct qn_sandbox {
	bool calls;   /* of the system: only those that reading takes (seccomp) */
	bool files;   /* only those that it was given, and those that these name (Landlock) */
	int landlock; /* its version; 0: none */
};

struct qn_format {
	const char *name;

	/* Does the file look like this format? Not finding the file or not being allowed to read
	   it is an error, with the reason. Not collective. */
	enum quern_status (*probe)(const char *file, bool *is, struct quern_message *err);

	/* Has a writer the file open in a way that leaves readers alone: does it only grow? Not collective. */
	bool (*is_growing)(const char *file);

	/* All datasets of the file, under one name each, and the links in it; other files are not
	   opened. What cannot be read is named in the list, and no error. The caller frees with
	   qn_listing_fini. Not collective. */
	enum quern_status (*list)(const char *file, struct qn_listing *out,
				  struct quern_message *err);

	/* The same, with what each dataset is for, where there are not too many. As all of them are
	   opened, it can fail where `list` does not. */
	enum quern_status (*list_closely)(const char *file, struct qn_listing *out,
					  struct quern_message *err);

	/* What a path leads to, in this file or in another. An error is that something on the way
	   cannot be read. The caller frees with qn_target_fini. Not collective. */
	enum quern_status (*locate)(const char *file, const char *path, struct qn_target *out,
				    struct quern_message *err);

	/* The description of a dataset, chunk index included when with_index. column: the member
	   of a compound datatype that its elements are to be, or NULL; one that is not there is
	   QUERN_ERR_USAGE. Where external links lead to another file, it is of that one, and has what
	   was asked for as out->asked. The caller frees it with qn_dataset_fini, and must
	   qn_dataset_check it. Not collective. */
	enum quern_status (*describe)(const char *file, const char *path, const char *column,
				      bool with_index, struct qn_dataset *out,
				      struct quern_message *err);

	/* The same, with the part of the chunk index that a box of the dataset meets: other chunks
	   count as if they were not stored, so nothing but that box may be read by it. Takes less
	   time where the box is small. Not collective. */
	enum quern_status (*describe_part)(const char *file, const char *path, const char *column,
					   const struct quern_box *part, struct qn_dataset *out,
					   struct quern_message *err);

	/* Where the elements of a virtual dataset, or of one in external files, are: d is its
	   description, checked. The list is checked against it. A source that is not there has
	   the name that it was given. The caller frees with qn_sources_fini. Not collective. */
	enum quern_status (*sources)(const struct qn_dataset *d, struct qn_sources *out,
				     struct quern_message *err);

	/* Describes, chunk index included, n datasets that are mostly like that one, and gives them
	   to `take` in their order: paths[i], absolute, in files[i]; paths NULL: like->path in all
	   of them. One that is virtual is like no other. nprocesses > 0: how many may work at it. like: described by this format. Not
	   collective. */
	void (*describe_like)(const struct qn_dataset *like, const char *const *files,
			      const char *const *paths, size_t n, int nprocesses,
			      qn_described *take, void *ctx);

	/* The attributes of a dataset of this file that are one text, name and text by turns, in the
	   order of their names; flag_values are one, integers with blanks between them; an attribute that
	   cannot be read is left out. Added to what is there;
	   the caller frees with qn_names_fini. Not collective. */
	enum quern_status (*texts)(const char *file, const char *path, struct qn_names *out,
				   struct quern_message *err);

	/* Through the library, for what cannot be read by address: opens the dataset (keeps d), reads the
	   elements of a box (step 1, whole along the dimensions of records) in C order, as stored
	   in memory of the file's type converted to the native type of `type` (class and size),
	   closes. Of text a box has no more than QN_TEXT_BOX_NBYTES; a string of variable length
	   that is longer than `type` is QUERN_ERR_DATA. Thread-safe by its own lock. */
	enum quern_status (*open)(const struct qn_dataset *d, void **reader,
				  struct quern_message *err);
	enum quern_status (*read)(void *reader, const struct quern_box *box, void *out,
				  struct quern_message *err);
	void (*close)(void *reader);

	/* A file of results, one after the other, in fd, which is open for reading and writing, empty, and
	   borrowed until `end`: a variable a field, scalars as such, arrays with a dimension each; dimensions that
	   are the same are one; readable as netCDF-4. file: for messages. *out is for `end` whatever is returned.
	   Not collective. */
	enum quern_status (*begin)(int fd, const char *file, struct qn_writing **out,
				   struct quern_message *err);
	/* The result of a dataset. One with axes has its fields from `put_rows`: those of the next rows, in their
	   order and each once, until `end_rows`; its labels and axes are borrowed until then, and the axes until
	   `end`, as later results may have the same. */
	enum quern_status (*put)(struct qn_writing *w, const struct qn_output *o,
				 struct quern_message *err);
	enum quern_status (*put_rows)(struct qn_writing *w, const struct quern_result *rows,
				      struct quern_message *err);
	enum quern_status (*end_rows)(struct qn_writing *w, struct quern_message *err);
	/* What all of them say of themselves, and the end of it, also after a failure. Frees w. NULL outputs: the file
	   is not wanted, and nothing fails. */
	enum quern_status (*end)(struct qn_writing *w, const struct qn_output *outputs, size_t n,
				 struct quern_message *err);

	/* Is the file one that `end` made? False when that cannot be told. Not collective. */
	bool (*is_result)(const char *file);

	/* A new file, in memory, which has the dataset `path` of `file` and nothing else: with its
	   type, chunks, filters and fill value, the given extents, and no elements. The same bytes
	   wherever it is made. Owned by the caller. Not collective. */
	enum quern_status (*shell)(const char *file, const char *path, const uint64_t *shape,
				   int ndim, void **image, size_t *nbytes,
				   struct quern_message *err);

	/* Stores what `next` gives in a file that has begun as a shell and is open for reading and
	   writing; file: for messages. Not collective. */
	enum quern_status (*fill)(int fd, const char *file, const char *path, qn_next_put *next,
				  void *ctx, struct quern_message *err);

	/* A catalog of c->source, in memory, with tables of c; see catalog.h. Owned by the caller.
	   Not collective. */
	enum quern_status (*catalog)(const struct qn_catalog *c, void **image, size_t *nbytes,
				     struct quern_message *err);

	/* The name and version of the library behind the format. */
	void (*version)(char *out, size_t nbytes);

	/* What confines the processes in which the library reads, found out in one. Not collective. */
	enum quern_status (*sandbox)(struct qn_sandbox *out, struct quern_message *err);
};

/*
 * A filter of the pipeline, decoding one whole chunk: `in` (nin bytes) to `out`, which has room for
 * out_nbytes; on success *out_n is what was produced. elem_size is the size of an element in the
 * file. `state` is what state_new returned, one a worker, or NULL. Must survive any input. What cannot
 * be decoded is damaged, unless errno, 0 before, is ENOMEM then, as malloc leaves it.
 */
struct qn_filter {
	uint32_t id;
	const char *name;
	const char *library; /* "libdeflate 1.14", or "built in" */
	/* (opt) Can a step with these parameters be decoded? If not, it is left to the format's
	   library. */
	bool (*applicable)(const struct qn_filter_step *step);
	void *(*state_new)(void); /* (opt) */
	void (*state_free)(void *state);
	bool (*decode)(void *state, const struct qn_filter_step *step, size_t elem_size,
		       const uint8_t *in, size_t nin, uint8_t *out, size_t out_nbytes,
		       size_t *out_n);
	/* (opt) The other way, with little effort. Returns the bytes that it gives; 0: they have no room, or there is no
	   memory. */
	size_t (*encode)(const uint8_t *in, size_t nin, uint8_t *out, size_t out_nbytes);
};

/* Ends with a NULL format; ends with a filter of id 0. Defined in io/. */
extern const struct qn_format *const qn_formats[];
extern const struct qn_filter qn_filters[];

/* The row of a filter number, or NULL. */
const struct qn_filter *qn_filter_find(uint32_t id);

/* Can this step be decoded without the format's library? */
bool qn_filter_is_native(const struct qn_filter_step *step);

/* What is known of a filter number, whether or not it can be decoded. */
struct qn_filter_name {
	uint32_t id;
	const char *name;    /* as registered */
	const char *package; /* Debian's, with which quern decodes it; NULL: not by quern */
	const char *plugin;  /* what has a plugin for the HDF5 library; NULL: part of it */
};

/* Ends with id 0. Defined in io/. */
extern const struct qn_filter_name qn_filter_names[];

/* The row of a filter number, or NULL. */
const struct qn_filter_name *qn_filter_name_find(uint32_t id);

/* What to install for a filter that cannot be decoded: "filter 32013 (zfp): install ...". name: as
   the file has it, or "". */
void qn_filter_advice(uint32_t id, const char *name, size_t nbytes, char *out);

#define QN_FILTER_DEFLATE    1u
#define QN_FILTER_SHUFFLE    2u
#define QN_FILTER_FLETCHER32 3u

#endif
