/*
 * tables.h - the cells of a reduction on a rank, while steps come: a table for all steps, or where the rows of the
 * result depend on the step one for each of them. What dimension 0 adds to the number of a row is known when all is
 * done:
 *
 *	row of a table of one step -> number of each term -> the step's own for terms of dimension 0 -> row of the result
 */
#ifndef QN_INSITU_TABLES_H
#define QN_INSITU_TABLES_H

#include "run/run.h"

struct qn_step_table {
	uint64_t step; /* the first that it is of */
	struct qn_cells cells;
};

struct qn_step_tables {
	struct qn_run *run; /* borrows: of one step, whose rows the tables have */
	bool by_step;	    /* rows depend on the step, */
	bool is_kept;	    /* which is in the result itself; else it has groups */
	size_t n;
	size_t enough;		     /* that there are until it pays to unite some */
	struct qn_step_table *table; /* owned */
};

/* Makes the rows of a run, which is open on one step, those of any: terms of dimension 0 have one index or group.
   QUERN_ERR_USAGE: it cannot be so. */
enum quern_status qn_step_tables_init(struct qn_step_tables *t, struct qn_run *run,
				      struct quern_message *err);
void qn_step_tables_fini(struct qn_step_tables *t);

/* The cells for a step, which is the last one or the next: borrowed until another one. QUERN_ERR_RUN: they have no
   memory. */
enum quern_status qn_step_tables_turn(struct qn_step_tables *t, uint64_t step,
				      struct qn_cells **cells, struct quern_message *err);

/* Are there so many that some may be of the same groups? */
bool qn_step_tables_are_many(const struct qn_step_tables *t);
/* Unites those of steps of the same groups, as a run over all steps has them, which is open. */
enum quern_status qn_step_tables_unite(struct qn_step_tables *t, const struct qn_run *all,
				       struct quern_message *err);

/* Adds all tables to the cells of a run over all steps. */
enum quern_status qn_step_tables_add(struct qn_step_tables *t, struct qn_run *all,
				     struct quern_message *err);

#endif
