/*
 * absorb.h - from tiles of data to cells: through the formula of a run and the keys that come with tiles.
 */
#ifndef QN_RUN_ABSORB_H
#define QN_RUN_ABSORB_H

#include "formula/bad_weight.h"
#include "grouping/grouper.h"
#include "run/run.h"

/* Of one thread, for a pass. */
struct qn_absorber {
	const struct qn_run *run; /* keeps, like the cells */
	struct qn_cells *cells;
	int64_t *state; /* borrows: of a single row; NULL: the rows of the cells */
	void *scratch;	/* owned, like the next two */
	struct qn_formula_worker *formula; /* NULL: there is none */
	struct qn_grouper *grouper;	   /* NULL: no keys come with tiles, or none in this pass */
	bool is_first;		 /* what is counted of the item at hand was not counted before */
	uint64_t nbeyond, nheld; /* elements, as of struct qn_report */
	struct qn_bad_weight bad;
};

/* The run and the cells are given, the rest is zeroed. False: no memory. Freed with qn_absorber_fini, whatever is
   returned. */
bool qn_absorber_init(struct qn_absorber *a);
void qn_absorber_fini(struct qn_absorber *a);

/* Has what is taken beside the data of a box, which is in the whole and is kept. QUERN_ERR_DATA: *operand, its number,
   cannot be read; else 0. */
enum quern_status qn_absorber_turn(struct qn_absorber *a, const struct quern_box *box,
				   uint32_t *operand, struct quern_message *err);

/* Adds a tile, whose box is in the whole. What is wrong with it is told by qn_absorber_check. */
void qn_absorber_take(struct qn_absorber *a, const struct quern_tile *tile);
enum quern_status qn_absorber_check(const struct qn_absorber *a, struct quern_message *err);

/* Reads no more beside the data. QUERN_ERR_DATA: a file has changed meanwhile. */
enum quern_status qn_absorber_leave(struct qn_absorber *a, struct quern_message *err);

#endif
