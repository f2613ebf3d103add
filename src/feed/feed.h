/*
 * feed.h - from stored bytes to tiles: reads chunks by address, undoes their filters, swaps bytes,
 * decodes CF attributes, clips to the selection, and hands tiles to a kernel while they are in
 * cache. One feed a worker thread; nothing in it is shared.
 */
#ifndef QN_FEED_FEED_H
#define QN_FEED_FEED_H

#include "data/storage.h"
#include "data/sum.h"

/* What the values become, decided once for a dataset and an option. */
struct qn_view {
	enum quern_dtype dtype;	 /* of the values in tiles */
	enum quern_dtype packed; /* of the values before a scale makes them QUERN_F64 */
	bool decode;		 /* CF attributes apply (not --raw, and there are some) */
};

/* The view of a dataset; QUERN_ERR_DATA when its type cannot be counted, naming the type;
   QUERN_ERR_USAGE when a member of it is to be chosen, naming them. */
enum quern_status qn_view_init(const struct qn_dataset *d, bool raw, struct qn_view *view,
			       struct quern_message *err);

/* Bytes of a value. */
size_t qn_view_size(enum quern_dtype t);
/* Is v a value of a type of integers? */
bool qn_dtype_holds(enum quern_dtype t, int64_t v);

/* A piece of work: a box of the dataset, and the chunks that cover it, by number. A chunk without
   storage has addr QN_ADDR_NONE. */
struct qn_item {
	/* What to deliver: selection clipped to these chunks. Of an item that is delivered whole chunks may be left out:
	   their elements are zero then. */
	struct quern_box box;
	size_t nchunks;		       /* one, unless the feed delivers whole items */
	const struct qn_chunk *chunks; /* borrows */
	/* Borrows: the dimensions over which elements come together. An item of one chunk that is decoded, of a feed that
	   delivers whole items, may be delivered as several boxes then, which stay in cache until they are dealt with: each
	   as a tile that is all of it. NULL: it is one tile. */
	const bool *reduced;
};

/* What the reading cost. */
struct qn_feed_stats {
	uint64_t nchunks;
	uint64_t stored_nbytes;	  /* read from storage */
	uint64_t decoded_nbytes;  /* elements delivered times their size in the file */
	uint64_t library_nchunks; /* through the format's library */
};

/*
 * Makes a feed on a dataset. `whole`: deliver an item as one tile (panels) instead of tiles of at
 * most QUERN_TILE_NELEMS elements. fd: the file, open for reading; -1 when the dataset is not native
 * (then the format's reader is opened). borrows d until the free.
 */
struct qn_feed;
enum quern_status qn_feed_new(const struct qn_dataset *d, const struct qn_view *view, bool whole,
			      int fd, struct qn_feed **out, struct quern_message *err);
void qn_feed_free(struct qn_feed *f);

/* Turns the feed of a native dataset to another one, which is in its place: *d differs from what it
   was in file, path, shape and chunks only. The feed keeps its memory, and forgets stats and what was
   expected. Errors are those of qn_feed_new; it can only be freed then. */
enum quern_status qn_feed_turn(struct qn_feed *f, int fd, struct quern_message *err);

typedef void qn_sink(void *ctx, const struct quern_tile *tile);

/* What is known of the stored bytes of a chunk: their sum; and the host that reads them, for
   messages. */
typedef enum quern_status qn_expected(void *ctx, const struct qn_chunk *chunk, struct qn_sum *sum,
				      const char **host, struct quern_message *err);

/* From now on stored bytes are summed and compared before anything is made of them, so of an item
   with a wrong sum nothing is delivered. Has no effect on what the format's library reads. */
void qn_feed_expect(struct qn_feed *f, qn_expected *expected, void *ctx);

/* Delivers the item to the sink. A short read, a filter that does not give exactly the chunk's
   size, a wrong checksum: QUERN_ERR_DATA, naming file, dataset, chunk coordinates and offset.
   Tiles delivered before the error stay delivered, so the state they went to is spoilt. */
enum quern_status qn_feed_item(struct qn_feed *f, const struct qn_item *item, qn_sink *sink,
			       void *ctx, struct quern_message *err);

/*
 * Reads and decodes a chunk that has storage, and delivers nothing; errors are those of
 * qn_feed_item. summer (NULL: none): left with the sum of the stored bytes or, where the format's
 * library reads, of the elements; *summed says whether there is one, which for a chunk that cannot
 * be decoded there may be. The view of such a feed does not matter: any type will do.
 */
enum quern_status qn_feed_check(struct qn_feed *f, const struct qn_chunk *chunk,
				struct qn_summer *summer, bool *summed, struct quern_message *err);

/* Bytes a feed will hold at most, for a plan's memory account. summed: qn_feed_expect will be
   called. most_stored: the longest chunk as it is stored, or 0: nobody knows; then it is what the
   feed allocates, and else what it touches of that. */
size_t qn_feed_nbytes(const struct qn_dataset *d, const struct qn_view *view, bool whole,
		      bool summed, uint64_t most_stored, uint64_t item_nelems);

/* Visits the memory that the feed works in. */
void qn_feed_each_buffer(const struct qn_feed *f,
			 void (*visit)(void *ctx, void *block, size_t nbytes), void *ctx);

const struct qn_feed_stats *qn_feed_stats(const struct qn_feed *f);

#endif
