/*
 * feed_impl.h - what the parts of the feed share. Included in this folder only.
 *
 *	feed.c    life of a feed; which way a chunk takes
 *	read.c    bytes of the file, to where they belong or to the ring
 *	decode.c  undoing the filters of a chunk
 *	tiles.c   elements to tiles
 *	panel.c   tiles of several chunks to one
 *	check.c   a chunk that is only read and decoded
 *
 * A chunk becomes a source: a place from which any run of its elements can be had.
 *
 *	in the file as it is    -> SOURCE_FILE      through a window
 *	filtered                -> SOURCE_MEMORY    decoded
 *	... shuffle undone last -> SOURCE_SHUFFLED  unshuffled a tile at a time
 *	read by the library     -> SOURCE_MEMORY
 */
#ifndef QN_FEED_FEED_IMPL_H
#define QN_FEED_FEED_IMPL_H

#include "base/file.h"
#include "feed/cf.h"
#include "feed/feed.h"
#include "select/select.h"
#include "feed/shuffle.h"
#include "feed/swap.h"
#include "select/walk.h"

/*
 * Bytes of the file are read to a ring, one piece behind the other: whole chunks that are to be
 * decoded, otherwise windows. A buffer that stays in the second-level cache is filled more slowly
 * than one that does not, by more than a kernel loses that has to fetch the bytes from the third
 * level. On Zen 4, GB/s:
 *
 *	pieces of          64 KiB  128 KiB  512 KiB  1 MiB
 *	to one place           13       14       17     22
 *	to a ring of 2 MiB     16       18       21     22
 */
#define QN_WINDOW_NBYTES (1u << 20)
#define QN_RING_NBYTES	 ((2u << 20) + 4096 - QN_PLACE_NBYTES) /* whole pages with the place */
/* Bytes that are read only to be skipped, rather than calling pread once more. */
#define QN_MAX_GAP_NBYTES (16u << 10)

enum qn_source_kind { SOURCE_FILE, SOURCE_MEMORY, SOURCE_SHUFFLED };

/*
 * A source has places, which are elements when these lie side by side, and bytes when they lie in
 * records. Values are then picked up in groups: the few neighbours of a short array in a record.
 */
struct qn_source {
	enum qn_source_kind kind;
	bool has_records;
	size_t place_nbytes;	 /* the size of an element, or 1 */
	const uint8_t *bytes;	 /* place `first`, or the planes; in the feed's own memory */
	uint64_t first, nplaces; /* of the chunk: what bytes has */
	uint64_t addr;		 /* SOURCE_FILE: of the chunk */
	qn_convert_fn *convert;	 /* to values; NULL: they are values */
	size_t group;		 /* elements that are picked up together */
	size_t group_nplaces;	 /* places that they take */
};

/* Memory that grows to what is needed; its contents do not survive that. */
struct qn_buffer {
	uint8_t *bytes;
	size_t nbytes;
};

/* The chunk at hand. */
struct qn_feed_job {
	const struct qn_chunk *chunk;
	const struct quern_box *box;	 /* what to deliver of it */
	struct quern_box part;		 /* the part of that which the source has: mostly all */
	uint64_t coord[QUERN_MAX_DIMS];	 /* in the grid */
	uint64_t origin[QUERN_MAX_DIMS]; /* its first element in the dataset */
	qn_sink *sink;
	void *ctx;
	uint64_t first; /* elements of the box delivered so far */
};

/* The item at hand, when it is delivered whole. */
struct qn_panel {
	struct qn_buffer values, valid;
	size_t value_nbytes;
	size_t nelems, nmissing;
	struct qn_walk walk; /* places in the panel of the chunk at hand */
	uint64_t left;	     /* of the walk's run */
	uint8_t *place;	     /* of the chunk at hand, if it is one run of the panel; else NULL */
};

struct qn_feed {
	const struct qn_dataset *d;
	struct qn_view view;
	bool whole;
	int fd; /* borrows */

	size_t elem_nbytes;   /* in the file */
	size_t value_nbytes;  /* before unpacking */
	size_t record_nbytes; /* of what the filters take for an element */
	bool has_records;     /* elements do not lie side by side */
	size_t tile_nelems;   /* the most of a tile: fewer of long texts */
	uint64_t chunk_nrecords;
	size_t chunk_nbytes; /* decoded */
	uint64_t grid[QUERN_MAX_DIMS];
	bool swapped;
	qn_convert_fn *convert; /* from elements of the file */
	qn_convert_fn *widen;	/* from elements in the order of the machine */
	qn_unshuffle_fn *unshuffle;
	struct qn_cf_plan cf;

	const struct qn_filter *filter[QN_MAX_FILTERS];
	void *filter_state[QN_MAX_FILTERS];
	const struct qn_format *format; /* NULL: native */
	void *reader;

	qn_expected *expected; /* NULL: sums are not known */
	void *expected_ctx;

	struct qn_buffer ring;
	size_t ring_at;		  /* where the next bytes of the file go */
	uint8_t *stored;	  /* in the ring: the chunk at hand, when it is read whole */
	size_t nstored;		  /* its bytes, of a filtered one; 0: it was not read */
	struct qn_buffer read;	  /* by the library */
	struct qn_buffer work[2]; /* decoded */
	struct qn_source source;
	struct qn_feed_job job;
	struct qn_panel panel;

	/* One tile: elements picked up, values, bitmap, unpacked values. */
	uint8_t *strip, *values;
	uint64_t *valid;
	double *unpacked;
	uint8_t *collected; /* values, or a place in the panel */
	size_t nvalues;	    /* waiting there */

	struct qn_feed_stats stats;
};

/* Makes room; QUERN_ERR_RUN when there is no memory. */
enum quern_status qn_buffer_reserve(struct qn_buffer *b, size_t nbytes, const char *what,
				    struct quern_message *err);

/* Records an error about the chunk at hand; returns status. */
enum quern_status qn_feed_error(const struct qn_feed *f, enum quern_status status,
				struct quern_message *err, const char *format, ...)
	__attribute__((format(printf, 4, 5)));

/* Is step i of the pipeline to be undone for the chunk at hand? */
bool qn_feed_is_filtered(const struct qn_feed *f, int i);
/* ... any step? */
bool qn_feed_is_any_filtered(const struct qn_feed *f);

/* Reads exactly nbytes at addr of the file, of the chunk at hand. */
enum quern_status qn_feed_read(struct qn_feed *f, uint64_t addr, size_t nbytes, void *out,
			       struct quern_message *err);

/* Has places of a SOURCE_FILE or SOURCE_MEMORY at hand, beginning with `at`: *bytes, and in *nplaces,
   which comes as the number wanted, how many, at least a group's. block_end: see qn_walk. */
enum quern_status qn_feed_reach(struct qn_feed *f, uint64_t at, uint64_t block_end,
				uint64_t *nplaces, const uint8_t **bytes,
				struct quern_message *err);

/* Reads nbytes at addr of the file, of the chunk at hand, to the ring: *bytes, aligned to 16
   bytes. The next call may overwrite them. */
enum quern_status qn_feed_fetch(struct qn_feed *f, uint64_t addr, size_t nbytes, uint8_t **bytes,
				struct quern_message *err);
/* What the ring takes when nbytes are the most that are read at once. */
size_t qn_feed_ring_nbytes(size_t most);

/* Reads the chunk at hand as it is stored, and compares it with what is expected. */
enum quern_status qn_feed_stored(struct qn_feed *f, size_t nbytes, struct quern_message *err);
/* Reads the chunk at hand, undoes its filters, and sets the source. */
enum quern_status qn_feed_decode(struct qn_feed *f, struct quern_message *err);
/* Upper limits of what decoding uses. */
size_t qn_feed_stored_limit(const struct qn_dataset *d, size_t chunk_nbytes);
size_t qn_feed_decode_nbytes(const struct qn_dataset *d, size_t chunk_nbytes, bool summed,
			     uint64_t most_stored);

/* Delivers the part of the job from the source, an array of the given shape whose first element is
   at the given origin in the dataset. */
enum quern_status qn_feed_tiles(struct qn_feed *f, const uint64_t *origin, const uint64_t *shape,
				struct quern_message *err);
/* The same when all elements are the fill value. */
void qn_feed_fill(struct qn_feed *f);

/* Makes the chunk the one at hand, of which the box is to be delivered. */
void qn_feed_begin(struct qn_feed *f, const struct quern_box *box, const struct qn_chunk *chunk,
		   qn_sink *sink, void *ctx);
/* Delivers the box, inside the chunk, in tiles. */
enum quern_status qn_feed_chunk(struct qn_feed *f, const struct quern_box *box,
				const struct qn_chunk *chunk, qn_sink *sink, void *ctx,
				struct quern_message *err);

/* Delivers the item as one tile. */
enum quern_status qn_feed_panel(struct qn_feed *f, const struct qn_item *item, qn_sink *sink,
				void *ctx, struct quern_message *err);

/* The place of a chunk: coordinates in the grid, and its first element. */
void qn_feed_locate(const struct qn_feed *f, const struct qn_chunk *chunk, uint64_t *coord,
		    uint64_t *origin);

#endif
