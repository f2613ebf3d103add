/*
 * verify_impl.h - what the parts of a verification share. Included in this folder only.
 */
#ifndef QN_VERIFY_VERIFY_IMPL_H
#define QN_VERIFY_VERIFY_IMPL_H

#include <stdlib.h>
#include <sys/stat.h>

#include "base/mem.h"
#include "data/listing.h"
#include "verify/verify.h"

/* How a dataset is looked at; rank 0. */
struct qn_way {
	bool listed; /* its chunks have addresses */
	bool natively, by_library;
	uint64_t nchunks, noverlaps;
	struct qn_chunk *chunks; /* owned; in file order */
};

struct qn_range {
	uint64_t addr, nbytes;
};

/* A file while it is looked at. What is not said to be of all ranks is rank 0's. */
struct qn_pending {
	int fd;	    /* all ranks */
	uint64_t n; /* datasets; all ranks */
	const struct qn_format *format;
	struct qn_listing listing;
	const char *only; /* the one dataset that is asked for, or NULL; borrows */
	struct stat before;
	bool unlisted, undescribed; /* datasets are missing here */
	double wasted;
	struct qn_file_sums *now; /* in v->made; NULL: no sums are wanted */
	const struct qn_file_sums *expected;
	struct qn_range *range; /* owned: what is in listed chunks */
	size_t nranges, room;
};

/* Rank 0: the file at hand. */
static inline struct qn_verified_file *qn_verify_this_file(const struct qn_verify *v)
{
	return &v->file[v->nfiles - 1];
}

/* Where something was found; its chunk only if d and a number are there. */
void qn_verify_locate(struct qn_damage *damage, const struct qn_dataset *d,
		      const struct qn_damage_record *at);
/* An error about the file (path NULL) or a dataset becomes damage of it, or what cannot be looked at; one
   of another kind is a failure of the run. */
enum quern_status qn_verify_note_error(struct qn_verify *v, const char *path, enum quern_status st,
				       const struct quern_message *why, struct quern_message *err);
enum quern_status qn_verify_note_findings(struct qn_verify *v, const struct qn_dataset *d,
					  const struct qn_findings *found, uint32_t task,
					  struct quern_message *err);

/* What was noted, apart from the file. */
struct qn_notes {
	size_t ndamages, nunverified;
	struct qn_damage *damage;	  /* owned */
	struct qn_unverified *unverified; /* owned */
};

void qn_notes_fini(struct qn_notes *n);
/* The notes of the file at hand, which then has those instead; both change their owner. */
struct qn_notes qn_verify_swap_notes(struct qn_verify *v, struct qn_notes with);
/* Adds notes to those of the file, as if they were noted now. The caller frees what is left of them. */
enum quern_status qn_verify_add_notes(struct qn_verify *v, struct qn_notes *more,
				      struct quern_message *err);

/* Is this about what cannot be looked at? */
bool qn_verify_is_unverified(enum quern_status st, enum qn_reason reason);
/* Notes it, once for each text. */
enum quern_status qn_verify_note_unverified(struct qn_verify *v, const char *path,
					    enum qn_reason reason, const char *text,
					    struct quern_message *err);

/* Rank 0: the way for a dataset, whose w->chunks the caller frees whatever is returned; chunks that
   cannot be right are noted as damaged and left out. */
enum quern_status qn_way_choose(struct qn_verify *v, const struct qn_dataset *d, struct qn_way *w,
				struct qn_verified *out, struct quern_message *err);
/* How many chunks there are, with a checksum and without. */
void qn_way_count_checksums(const struct qn_dataset *d, const struct qn_way *w,
			    struct qn_verified *out);

/* Numbers with something between them, as many as there is room for. */
void qn_print_extents(int n, const uint64_t *v, const char *between, char *out, size_t nbytes);

/* Looks at datasets of the file from number *next on, several together where they are small, and moves
   *next behind them. Collective. */
enum quern_status qn_verify_datasets(struct qn_verify *v, struct qn_pending *p, uint64_t *next,
				     struct quern_message *err);

void qn_pending_fini(struct qn_pending *p);
/* The chunks of a dataset are no rest. */
enum quern_status qn_pending_add_ranges(struct qn_pending *p, const struct qn_dataset *d,
					struct quern_message *err);
/* p->now->rest, by reading it. */
enum quern_status qn_pending_sum_rest(struct qn_pending *p, const char *file,
				      struct quern_message *err);

#endif
