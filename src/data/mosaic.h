/*
 * mosaic.h - a dataset as it is computed with, put together from datasets as they are stored: files
 * joined along a dimension, a virtual dataset, raw data in external files. A dataset that lies in
 * one file is a mosaic of one part, so there is one way for all of them.
 *
 *	member	a dataset of one file, which is read. Members that differ in nothing but file, extent
 *		and chunks share a form, so that ten thousand of them take little memory.
 *	part	a box of a member, and the box of the whole at which it stands. Both have as many
 *		elements, in the same C order: without dimensions of one index they have the same
 *		counts. Parts do not overlap, and together they are the whole.
 *
 * What the whole has and no file has is a part of a member without chunks: its fill value.
 */
#ifndef QN_DATA_MOSAIC_H
#define QN_DATA_MOSAIC_H

#include "data/dataset.h"
#include "data/missing.h"

#define QN_NO_LEDGER UINT32_MAX

/* Where the sums of stored chunks are: the table of chunks of a catalog (catalog.h), as a file of
   this host. */
struct qn_ledger {
	char *file; /* owned */
	uint64_t file_nbytes;
	int64_t file_mtime_ns;
	uint64_t addr, nrows;
};

struct qn_member {
	uint32_t form;
	char *file, *path; /* owned */
	uint64_t file_nbytes;
	int64_t file_mtime_ns;
	uint64_t *shape; /* owned; of as many dimensions as the form has, and then what is beyond
				   in each (dataset.h) */
	uint32_t ledger; /* or QN_NO_LEDGER */
	uint64_t first_row, nrows; /* of it: by the numbers of chunks */
	uint32_t nhomes;	   /* hosts that are to have a copy; 0: nobody knows */
	uint64_t nchunks;
	struct qn_chunk *chunks; /* owned; rank 0 only */
};

struct qn_part {
	uint32_t member;
	struct quern_box from;	  /* of the member */
	struct quern_box to;	  /* of the whole */
	int axis[QUERN_MAX_DIMS]; /* dimension of `from` by that of `to`; -1: none, one index */
};

/*
 * Always: there is a form, a member and a ledger of each number that is used; boxes of parts are within
 * their members and have as many elements on both sides; words of parts follow each other without gaps;
 * chunks of a member are in the order of their numbers.
 */
struct qn_mosaic {
	int ndim; /* of the whole */
	uint32_t nforms;
	struct qn_dataset *form; /* owned; without file, path, chunks and names of dimensions */
	uint32_t nmembers;
	struct qn_member *member; /* owned */
	uint32_t nledgers;
	struct qn_ledger *ledger; /* owned */
	uint64_t nparts;
	uint64_t *row_at; /* owned: where the words of a part begin */
	uint64_t nwords;
	uint64_t *words; /* owned: member, dimensions of `from`, start, count, step of each
					   dimension of `to` and then of `from` */
	size_t room_forms, room_members, room_parts, room_words, room_ledgers;
	struct qn_missing missing; /* rank 0 only: mapped sources that are not there */
	uint64_t nbeyond;	   /* datasets that end earlier than their dimensions */
};

void qn_mosaic_fini(struct qn_mosaic *m);
bool qn_mosaic_is_valid(const struct qn_mosaic *m, const char **why);

/* A mosaic without parts, of a whole with ndim dimensions. */
void qn_mosaic_init(struct qn_mosaic *m, int ndim);

/* Adds a member and tells its number. d: checked (qn_dataset_check); its chunks are taken. */
enum quern_status qn_mosaic_add(struct qn_mosaic *m, struct qn_dataset *d, uint32_t *member,
				struct quern_message *err);

/* Adds a ledger and tells its number; what it names is copied. */
enum quern_status qn_mosaic_add_ledger(struct qn_mosaic *m, const struct qn_ledger *new,
				       uint32_t *ledger, struct quern_message *err);

/* Adds a dataset as a member and all of it as a part, with its first element at `origin` of the
   whole, which has as many dimensions. d: as above. */
enum quern_status qn_mosaic_place(struct qn_mosaic *m, struct qn_dataset *d, const uint64_t *origin,
				  struct quern_message *err);

/* Adds what is beyond the stored elements of a dataset (qn_fill_beyond), which has its first element at
   `origin` of the whole. d: checked; all of it stays. */
enum quern_status qn_mosaic_place_beyond(struct qn_mosaic *m, const struct qn_dataset *d,
					 const uint64_t *origin, struct quern_message *err);

/* Adds a part. False: the boxes do not go together, or from is not inside the member. That `to` is
   inside the whole, and that parts do not overlap, is for the caller to see to. */
enum quern_status qn_mosaic_put(struct qn_mosaic *m, uint32_t member, const struct quern_box *from,
				const struct quern_box *to, bool *fits, struct quern_message *err);

/* Adds the members and parts of another mosaic, in which its first element is at `origin` of the whole. The whole
   has nbefore dimensions before those of the other, of each of which it gets one index (0: the same dimensions);
   one of all dimensions is of one element. The chunks of the members are taken, the rest stays. */
enum quern_status qn_mosaic_unite(struct qn_mosaic *m, struct qn_mosaic *from,
				  const uint64_t *origin, int nbefore, struct quern_message *err);

void qn_mosaic_part(const struct qn_mosaic *m, uint64_t i, struct qn_part *out);

/* The description of a member. Everything in it is borrowed from the mosaic: no qn_dataset_fini. */
void qn_mosaic_member(const struct qn_mosaic *m, uint32_t member, struct qn_dataset *out);

/* Why a member must be read through the library; NULL: none must. */
const char *qn_mosaic_not_native(const struct qn_mosaic *m);

/* Flat form, for ranks of this program. Rank 0 has the chunks: it sends none, and gets those of what
   others have described. pack returns owned memory, or NULL when there is none. */
void *qn_mosaic_pack(const struct qn_mosaic *m, bool with_chunks, size_t *nbytes);
enum quern_status qn_mosaic_unpack(const void *data, size_t nbytes, struct qn_mosaic *m,
				   struct quern_message *err);

#endif
