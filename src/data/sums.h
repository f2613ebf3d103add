/*
 * sums.h - a file of sums: what `quern verify --write-sums` keeps and `--sums` checks.
 *
 * A text of words between single spaces, the same bytes for the same data:
 *
 *	quern-sums 1
 *	file NBYTES whole|part NAME
 *	dataset PATH SUM TYPE SHAPE CHUNK stored|elements NCHUNKS
 *	COORD NBYTES MASK SUM
 *	...
 *	rest SUM
 *	end SUM
 *
 * A dataset line is followed by a line for each chunk that has storage, in C order of the chunk grid;
 * datasets are sorted by path. SUM: XXH3-128, 32 hexadecimal digits; of a dataset that of
 * qn_sum_dataset, of a chunk that of its stored bytes (`stored`) or, where only the format's library
 * can find these, of its elements (`elements`). COORD: in the chunk grid, "3,0,12"; SHAPE and CHUNK
 * are written like it. MASK: the filters that were not applied, hexadecimal. `rest` is the sum of the
 * file without its listed chunks, in order: headers, attributes, indexes, heaps; a `part`, made
 * with --dataset, has none. `end`: the sum of all that is before the line, so that a file of sums
 * that was cut or damaged is not believed. In NAME, PATH and TYPE control characters, space, % and
 * whatever is not ASCII are %XX.
 */
#ifndef QN_DATA_SUMS_H
#define QN_DATA_SUMS_H

#include "base/rights.h"
#include "data/sum.h"

struct qn_chunk_sum {
	uint64_t number; /* in the grid of the dataset here */
	uint32_t nbytes, filter_mask;
	struct qn_sum sum;
};

struct qn_dataset_sums {
	char *path;	   /* owned */
	struct qn_sum sum; /* of what the dataset is */
	char type[24];
	int ndim;
	uint64_t shape[QUERN_MAX_DIMS], chunk[QUERN_MAX_DIMS];
	bool elements;
	uint64_t nchunks;
	struct qn_chunk_sum *chunks; /* owned; sorted by number */
};

struct qn_file_sums {
	char *name; /* owned; as the user gave it */
	uint64_t nbytes;
	bool whole; /* all datasets, and rest */
	struct qn_sum rest;
	size_t n;
	struct qn_dataset_sums *dataset; /* owned; sorted by path */
};

struct qn_sums {
	size_t n;
	struct qn_file_sums *file; /* owned */
};

void qn_sums_fini(struct qn_sums *s);
void qn_dataset_sums_fini(struct qn_dataset_sums *d);

/* A new last entry, zeroed but for its name (copied); NULL when there is no memory. */
struct qn_file_sums *qn_sums_add(struct qn_sums *s, const char *name);
struct qn_dataset_sums *qn_file_sums_add(struct qn_file_sums *f, const char *path);
struct qn_dataset_sums *qn_file_sums_find(const struct qn_file_sums *f, const char *path);

/* Coordinates in the chunk grid of chunk `number`; the dataset has one. */
void qn_dataset_sums_coord(const struct qn_dataset_sums *d, uint64_t number, uint64_t *coord);

/* Before the work: an error when sums cannot be written to `file`, as qn_publish_check has it, or
   QUERN_ERR_USAGE because something is there: sums that new ones would take the place of, or another
   file. */
enum quern_status qn_sums_check_place(const char *file, struct quern_message *err);

/* Writes the sums, through symbolic links: the file is there whole or not at all. rights: of the files
   that they are of. */
enum quern_status qn_sums_write(const struct qn_sums *s, const char *file, struct qn_rights rights,
				struct quern_message *err);

/* QUERN_ERR_DATA, naming the line, when it is not a file of sums, or one that is damaged. The text is
   hostile. The caller frees with qn_sums_fini. */
enum quern_status qn_sums_read(const char *file, struct qn_sums *out, struct quern_message *err);
/* The same from memory; `file` is for messages. */
enum quern_status qn_sums_parse(const char *file, const char *text, size_t nbytes,
				struct qn_sums *out, struct quern_message *err);

#endif
