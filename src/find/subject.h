/*
 * subject.h - what is computed on: the files that a user names, joined as one dataset, the part of it
 * that is selected, and how its values are seen.
 */
#ifndef QN_FIND_SUBJECT_H
#define QN_FIND_SUBJECT_H

#include "base/names.h"
#include "cluster/room.h"
#include "cluster/team.h"
#include "data/mosaic.h"
#include "feed/feed.h"
#include "find/warnings.h"
#include "select/picks.h"

struct qn_meaning;
struct qn_axis_values;

/* What a user says of it, on all ranks. Texts are borrowed, and NULL where nothing is said. */
struct qn_subject_settings {
	const char *dataset, *column; /* a path; a member of a compound datatype */
	const char *along;	      /* the dimension along which files are joined */
	const char *stack;	      /* the name of the new one along which they are instead */
	const char *select;	      /* slices */
	const char *over;	      /* dimensions that are reduced; the others stay */
	bool grouped;		      /* by keys, whatever these are */
	bool raw;		      /* values as they are stored */
	bool is_beside; /* other data: nobody is told what the selection is in coordinates */
	struct qn_allowance memory; /* of a rank */
};

/* On all ranks, but for what is said to be of one. */
struct qn_subject {
	struct qn_subject_settings settings;
	struct qn_names files; /* in the order in which they are joined */
	uint32_t *describer;   /* owned: of each of them a rank whose host can open it (files.h) */
	size_t first;	       /* of them: those before it have a null dataspace */
	int along;	       /* this dimension */
	uint64_t *file_end;    /* rank 0: owned; where each file ends along it */
	struct qn_dataset dataset; /* the whole; its chunks are in the mosaic */
	struct qn_mosaic mosaic;   /* the chunks of its members are rank 0's */
	struct qn_view *views;	   /* owned: of each form, all of one type of value */
	struct quern_box selection;
	struct qn_picks picks;	    /* of the selection: which of its indexes are meant */
	bool selected;		    /* the rank that describes: the selection is made,
						   and the mosaic has the chunks of no other */
	size_t nmeanings;	    /* rank 0 */
	struct qn_meaning *meaning; /* rank 0: owned; of the slices of the selection */
	struct qn_axis_values
		*axes; /* rank 0: owned; of each dimension (axes.h); NULL: not wanted */
	size_t nothers;
	struct qn_axis_values *other; /* rank 0: owned; coordinates that are no dimensions */
	struct qn_names
		attributes; /* rank 0, with axes: texts of the dataset, name and text by turns */
	struct qn_blame blame[QN_NATTRIBUTES]; /* rank 0 */
	struct qn_names warnings;	       /* rank 0: sentences for the user */
};

/* Finds all of it. Its settings are given, the rest is zeroed. words: names of files and patterns; rank
   0's count. Every rank returns the same status. The caller frees with qn_subject_fini, whatever is
   returned. Collective. */
enum quern_status qn_subject_find(struct qn_subject *subject, const struct qn_team *team,
				  const struct qn_names *words, struct quern_message *err);
void qn_subject_fini(struct qn_subject *subject);

/* Gives up the parts: the library reads the dataset of the one file as a whole. Not collective. */
enum quern_status qn_subject_leave_to_library(struct qn_subject *subject,
					      struct quern_message *err);

/* Rank 0's description on all ranks, a mosaic without the chunks of its members. All ranks return the same
   status. Collective. */
enum quern_status qn_share_dataset(struct qn_comm *c, struct qn_dataset *d,
				   struct quern_message *err);
enum quern_status qn_share_mosaic(struct qn_comm *c, struct qn_mosaic *m,
				  struct quern_message *err);
/* The same with the chunks of its members, to ranks that have it without. */
enum quern_status qn_share_chunks(struct qn_comm *c, struct qn_mosaic *m,
				  struct quern_message *err);

#endif
