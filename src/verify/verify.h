/*
 * verify.h - reading and decoding all that files hold, by all threads of all ranks, and comparing it
 * with checksums and sums. There is no kernel: nothing is computed from the elements.
 */
#ifndef QN_VERIFY_VERIFY_H
#define QN_VERIFY_VERIFY_H

#include "data/missing.h"
#include "data/sums.h"
#include "cluster/team.h"

/* What is wrong, and where. */
struct qn_damage {
	char *text;    /* owned: names the file and what else is known */
	char *dataset; /* owned; NULL: of the file */
	bool has_chunk;
	int ndim;
	uint64_t coord[QUERN_MAX_DIMS]; /* in the chunk grid */
	uint64_t addr;			/* in the file; QN_ADDR_NONE: not known */
	uint32_t nbytes;		/* stored */
};

/* What could not be looked at, although nothing is known to be wrong with it. */
struct qn_unverified {
	char *text, *dataset;  /* owned; dataset NULL: of the file */
	enum qn_reason reason; /* QN_NO_REASON: it may not be read */
};

/* What was found of a dataset. */
struct qn_verified {
	char *path;	  /* owned */
	uint64_t nchunks; /* that have storage */
	uint64_t stored_nbytes, decoded_nbytes;
	uint64_t ndamaged;     /* chunks */
	uint64_t nchecksummed; /* chunks that hold a checksum of themselves: fletcher32 */
	uint64_t nsummed;      /* chunks that --sums has */
	uint64_t nunchecked;   /* chunks with neither: only decoded, if that */
	bool by_library;
	char note[224]; /* why it is not decoded, or not read; "" */
	/* Its sources, which are not looked at: those that are not there, or why that cannot be told. */
	struct qn_missing missing;
	char *sources_why; /* owned, or NULL */
};

struct qn_verified_file {
	char *name; /* owned */
	uint64_t nbytes;
	bool is_catalog; /* its elements are in shards, which are not looked at */
	bool is_growing; /* a writer was adding to it: looked at is what was there at an instant */
	size_t ndatasets, ndamages;
	struct qn_verified *dataset; /* owned */
	struct qn_damage *damage;    /* owned */
	size_t nunverified;
	struct qn_unverified *unverified; /* owned */
};

/* What a user asks for. Texts are borrowed, and NULL where nothing is said. */
struct qn_verify_settings {
	const char *dataset;	       /* the only one of each file */
	const char *sums, *write_sums; /* files: to compare with, to be written */
};

/* One verification as a rank sees it. What was found, and the sums, are rank 0's. */
struct qn_verify {
	struct qn_team team;
	struct qn_verify_settings settings;
	bool wants_sums;
	struct qn_sums expected, made;
	bool *given; /* owned: of the files of `expected`, those that are among the files */
	size_t nfiles;
	struct qn_verified_file *file; /* owned */
	qn_progress_fn *progress;      /* NULL: none; instead of a pass it is told the file */
	void *progress_ctx;
	uint64_t done_nbytes, total_nbytes; /* of files */
	double seconds;
};

/*
 * Verifies the files by v->team, which is formed and is qn_verify_fini's to free, as v->settings say; all else of *v
 * is zeroed but progress. Damage of a file is noted in *v, and no failure, nor is what cannot be looked
 * at: the others are gone on with. Collective; every rank returns the same status. The caller frees with
 * qn_verify_fini, whatever is returned.
 */
enum quern_status qn_verify(struct qn_verify *v, const char *const *files, size_t nfiles,
			    struct quern_message *err);
void qn_verify_fini(struct qn_verify *v);

/* Damages in all files. */
uint64_t qn_verify_ndamages(const struct qn_verify *v);
/* May sums of what was found be kept? Not of damage, nor of a part; of what a filter is missing for they
   are of the stored bytes as of everything. */
bool qn_verify_can_sum(const struct qn_verify *v);
/* "missing", "no_dataset", "no_filter", "ambiguous", "held", "failed" or "denied". */
const char *qn_unverified_word(const struct qn_unverified *u);
/* The status that all of it comes to: QUERN_ERR_DATA of damage; else, of what could not be looked at, the
   first of QUERN_ERR_DENIED, QUERN_ERR_RUN (what can change: a filter, a writer) and QUERN_ERR_USAGE (a
   name of nothing). */
enum quern_status qn_verify_status(const struct qn_verify *v);

/* --- inside --- */

/* What became of a chunk; as the ranks send it. */
struct qn_chunk_result {
	struct qn_chunk_sum sum; /* the number and what the index says too */
	uint32_t task;
	uint16_t damaged, summed;
};

struct qn_verify_totals {
	uint64_t stored_nbytes, decoded_nbytes, ndamages;
};

/* What the ranks found; on rank 0 of all of them. */
struct qn_findings {
	uint64_t nresults;
	/* owned; sorted by task and number; one a chunk if sums are wanted */
	struct qn_chunk_result *result;
	size_t text_nbytes;
	char *text; /* owned: of damages, each a struct qn_damage_record and a text */
	uint32_t ntasks;
	struct qn_verify_totals *totals; /* owned: of each task */
	double wasted;			 /* seconds lost to a library that failed */
};

/* In front of each text. Unaligned. */
struct qn_damage_record {
	uint64_t number, addr;
	uint32_t nbytes, text_nbytes;
	uint32_t reason, task; /* enum qn_reason: of what is no damage */
};

/* Seconds that may be lost in a file to a library that fails, each failure of which can take as long
   as a child process is given; after that no more is asked of the library. */
#define QN_VERIFY_PATIENCE 1.0

/*
 * A dataset while it is looked at. It is described once or twice, without chunks: as what is to be
 * decoded, natively or not, and, where the sums are not of what is read for that, as raw bytes.
 */
struct qn_verify_task {
	const struct qn_dataset *decoded; /* NULL: nothing can decode it */
	const struct qn_dataset *stored;  /* NULL: decoded tells the sums too */
	const struct qn_chunk *chunks;	  /* rank 0: what to look at, in file order */
	uint64_t nchunks, longest;	  /* longest: of them, as it is stored */
};

/* Datasets of one file that are looked at together. */
struct qn_verify_work {
	uint32_t ntasks;
	const struct qn_verify_task *task;
	bool wants_sums;
	int fd;
	double wasted; /* so far */
};

/* Looks at the chunks of datasets with the threads of all ranks. Collective; on rank 0 *all is filled,
   and freed by the caller, whatever is returned. */
enum quern_status qn_verify_chunks(const struct qn_team *team, const struct qn_verify_work *work,
				   struct qn_findings *all, struct quern_message *err);
/* Those of a task; borrows. The texts are still those of all. */
struct qn_findings qn_findings_of(const struct qn_findings *all, uint32_t task);
void qn_findings_fini(struct qn_findings *f);

/* Rank 0. Records damage of v->file[v->nfiles - 1]; QUERN_ERR_RUN when there is no memory. Without
   a chunk: number is QN_ADDR_NONE. d may be NULL. */
enum quern_status qn_verify_note(struct qn_verify *v, const struct qn_dataset *d, const char *path,
				 const struct qn_damage_record *at, struct quern_message *err,
				 const char *format, ...) __attribute__((format(printf, 6, 7)));

/* Rank 0. The sums that were kept of a file; NULL and an error when there are none. */
enum quern_status qn_verify_find_sums(const struct qn_verify *v, const char *file, size_t nfiles,
				      const struct qn_file_sums **out, struct quern_message *err);

/* Rank 0. Compares what a dataset is now with what was kept. */
enum quern_status qn_verify_compare(struct qn_verify *v, const struct qn_dataset *d,
				    const struct qn_file_sums *expected,
				    const struct qn_dataset_sums *now,
				    const struct qn_findings *found, struct qn_verified *out,
				    struct quern_message *err);

/* Rank 0, with all datasets known: those that are missing, the size of the file, its rest. */
enum quern_status qn_verify_compare_file(struct qn_verify *v, const struct qn_file_sums *expected,
					 const struct qn_file_sums *now, bool all_datasets,
					 struct quern_message *err);

#endif
