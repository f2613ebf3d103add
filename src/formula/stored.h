/*
 * stored.h - operands that are not held in memory: what an item of work needs of them is read with it, chunk
 * by chunk, as the data itself is.
 *
 *	box of the item --by the names of dimensions--> box of the operand --> its chunks --> values in C order
 *
 * A chunk that is decoded for a part of it only is kept by the worker for its next items, while there is room.
 */
#ifndef QN_FORMULA_STORED_H
#define QN_FORMULA_STORED_H

#include "keys/source.h"

/* The same on all ranks, and for all workers. */
struct qn_stored {
	struct qn_subject subject;  /* the dataset, with the chunks of its members on all ranks */
	struct quern_box selection; /* of it: all that the run looks at */
	int dim[QUERN_MAX_DIMS];    /* of the run's subject, by dimension of the dataset */
	bool is_reused;		    /* several items need the same elements */
	uint64_t keeps_nbytes;	    /* of decoded chunks that a worker of this rank keeps at most */
	uint64_t nchunks;	    /* in all files */
	uint64_t longest;	    /* of them, as it is stored */
};

/*
 * Finds a dataset that a source describes, without its values. words: its files; NULL: those of the subject, of
 * which it is joined as the source says. The caller frees with qn_stored_fini, whatever is returned. Every rank
 * returns the same status. Collective.
 */
enum quern_status qn_stored_find(const struct qn_subject *subject, const struct qn_team *team,
				 const struct qn_key_source *source, const struct qn_names *words,
				 struct qn_stored *out, struct quern_message *err);
void qn_stored_fini(struct qn_stored *s);

/* Bytes that all workers share, and what a worker holds at most for items of so many elements. */
uint64_t qn_stored_nbytes(const struct qn_stored *s);
uint64_t qn_stored_reader_nbytes(const struct qn_stored *s, uint64_t item_nelems);

/* What a worker reads with. */
struct qn_stored_reader;

/* The values of a box of the run's subject: borrowed from the reader until it is asked again. */
struct qn_stored_values {
	const void *values;
	const uint64_t *valid; /* NULL: all are */
	uint64_t stride
		[QUERN_MAX_DIMS]; /* values, from index to index of each dimension of the box */
};

/* host: the name of this one, for messages. Keeps both. NULL: there is no memory. */
struct qn_stored_reader *qn_stored_reader_new(const struct qn_stored *s, const char *host);
/* QUERN_ERR_DATA: a chunk cannot be read or decoded, or the file has changed. */
enum quern_status qn_stored_read(struct qn_stored_reader *r, const struct quern_box *box,
				 struct qn_stored_values *out, struct quern_message *err);
/* Bytes that were read since it was made. */
uint64_t qn_stored_reader_read_nbytes(const struct qn_stored_reader *r);
/* QUERN_ERR_DATA: the file that is open has changed since it was described. */
enum quern_status qn_stored_reader_free(struct qn_stored_reader *r, struct quern_message *err);

#endif
