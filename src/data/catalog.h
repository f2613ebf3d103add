/*
 * catalog.h - what `quern stage` has put where: the tables in a catalog.
 *
 * A catalog DIR/NAME is a copy of the staged file in which the large datasets are virtual ones, over
 * shards DIR/NAME.shards/d0.s0000.h5, ...; in its group /quern_catalog are tables, all of them of
 * unsigned integers of 8 bytes in little-endian order but hosts and names, which are bytes:
 *
 *	head	magic, version, hosts, datasets, shards, chunks, replicas, time of change of shards in ns,
 *		bytes and time of change of the file that was staged, sum of all tables (2)
 *	hosts	names of hosts, of 64 bytes
 *	names	the staged file and the datasets, each with its '\0'
 *	shards	dataset, dimension, start, count, bytes of the file, its sum (2), first chunk, chunks,
 *		number of homes, 16 homes (hosts), 32 extents of a chunk
 *	chunks	number in the shard, address, stored bytes, filter mask, sum (2)
 *	shell0	... of each dataset one that has no elements: type, filters, fill value
 *
 * Sums are XXH3-128, upper half first. The tables are hostile until qn_catalog_parse has checked them.
 */
#ifndef QN_DATA_CATALOG_H
#define QN_DATA_CATALOG_H

#include "base/rights.h"
#include "data/sum.h"

#define QN_CATALOG_GROUP "/quern_catalog"
#define QN_MOST_REPLICAS 16
#define QN_HOST_NBYTES	 64
#define QN_MOST_SHARDS	 (UINT64_C(1) << 20)

struct qn_entry {
	struct qn_chunk chunk;
	struct qn_sum sum;
};

struct qn_shard {
	uint32_t dataset;
	int dim;				 /* that the dataset is cut along */
	uint64_t start, count;			 /* the indexes of it */
	uint64_t nbytes;			 /* of the file */
	struct qn_sum sum;			 /* of the file */
	uint64_t first, nchunks;		 /* its entries */
	uint32_t nhomes, home[QN_MOST_REPLICAS]; /* hosts */
	uint64_t chunk[QUERN_MAX_DIMS];
};

/* Always, once it has shards: shards are by dataset and start, and of each dataset without gaps; where
   entries are there, they are shard by shard; homes are hosts. */
struct qn_catalog {
	char *file; /* owned: the catalog */
	uint64_t file_nbytes;
	int64_t file_mtime_ns;
	uint64_t at[5];		 /* addresses of the tables in the file, by enum qn_table */
	struct qn_rights rights; /* of all that is staged: those of the file */
	char *source;		 /* owned: the file that was staged, */
	uint64_t source_nbytes;	 /* and what it was */
	int64_t source_mtime_ns;
	uint32_t nreplicas;
	int64_t time_ns; /* shards say that they were changed then */
	uint32_t nhosts;
	char (*host)[QN_HOST_NBYTES]; /* owned; "": no host has this number */
	uint32_t ndatasets;
	char **path; /* owned, each */
	uint32_t nshards;
	struct qn_shard *shard; /* owned: by dataset, and there by start */
	uint64_t nentries;
	struct qn_entry *entry; /* owned: by shard, and there by number */
};

void qn_catalog_fini(struct qn_catalog *c);
bool qn_catalog_is_valid(const struct qn_catalog *c, const char **why);

/* The tables as they are in a file; owned by whoever made them. */
enum qn_table {
	QN_TABLE_HEAD,
	QN_TABLE_HOSTS,
	QN_TABLE_NAMES,
	QN_TABLE_SHARDS,
	QN_TABLE_CHUNKS,
	QN_NTABLES
};
extern const char *const qn_table_name[QN_NTABLES]; /* "head", ... */
/* Bytes of an element of a table and elements of a row. */
extern const uint32_t qn_table_size[QN_NTABLES], qn_table_width[QN_NTABLES];

struct qn_tables {
	void *data[QN_NTABLES];
	uint64_t nbytes[QN_NTABLES];
};

void qn_tables_fini(struct qn_tables *t);

enum quern_status qn_catalog_pack(const struct qn_catalog *c, struct qn_tables *out,
				  struct quern_message *err);

/* Fills all of *c but file, file_*, at, rights. QUERN_ERR_DATA names `file` and what is impossible.
   Freed by qn_catalog_fini on success. */
enum quern_status qn_catalog_parse(const char *file, const struct qn_tables *t,
				   struct qn_catalog *c, struct quern_message *err);

/* One block of everything, file too, for ranks of this program. */
void *qn_catalog_flatten(const struct qn_catalog *c, size_t *nbytes, struct quern_message *err);
enum quern_status qn_catalog_unflatten(const void *flat, size_t nbytes, struct qn_catalog *c,
				       struct quern_message *err);

/* "DIR/NAME.shards", and a shard in it; the second relative to DIR. Owned, NULL without memory. */
char *qn_catalog_folder(const char *catalog);
char *qn_catalog_shard_file(const char *catalog, uint32_t dataset, uint32_t number);
char *qn_catalog_shard_name(const char *catalog, uint32_t dataset, uint32_t number);
/* The number of a shard among those of its dataset. */
uint32_t qn_catalog_number(const struct qn_catalog *c, uint32_t shard);
/* The file of a shard. Owned, NULL without memory. */
char *qn_catalog_file_of(const struct qn_catalog *c, uint32_t shard);

/* A row of the table of chunks to an entry. */
#define QN_ENTRY_NBYTES 48
bool qn_entry_read(const void *row, struct qn_entry *out);

/* The number of a host of that name; it becomes one if there is room, otherwise UINT32_MAX. */
uint32_t qn_catalog_host(struct qn_catalog *c, const char *name);

#endif
