/*
 * kept.h - the rows of a run's result: which dimensions are kept, and whether the kernel can do it.
 */
#ifndef QN_RUN_KEPT_H
#define QN_RUN_KEPT_H

#include "run/run.h"

/* Sets run->reduced, rows and all, by the settings and the selection. QUERN_ERR_USAGE:
   dimensions that are none, a kernel that must see all at once, more cells than there is use for. */
enum quern_status qn_kept_find(struct qn_run *run, struct quern_message *err);

/* Warns, on rank 0, of keys that make a cell for each group and kept index of which all but one are empty. */
enum quern_status qn_kept_warn(struct qn_run *run, struct quern_message *err);

/* QUERN_ERR_USAGE: a result of so many cells is too large for what it is wanted for. */
enum quern_status qn_kept_check_number(const struct qn_run *run, uint64_t nrows,
				       struct quern_message *err);

/* Is there more to a result than one row of all? */
bool qn_kept_any(const struct qn_run *run);

/* Has the result the dimension? It is kept, or stays with --keepdims, unless groups tell its times. */
bool qn_kept_stays(const struct qn_run *run, int dim);

/* So many elements an item should have, for cells to stay in cache while several steps are added to them. */
uint64_t qn_kept_least_nelems(const struct qn_run *run);

/* The rows of the current pass, to which its elements are added. */
const struct qn_rows *qn_kept_rows(const struct qn_run *run);

/* Of a table of so many rows those that a sweep emits. */
uint64_t qn_kept_emitted(const struct qn_run *run, uint64_t nrows);

/* Bytes of a table of so many rows, in the pass that has the largest; at most UINT64_MAX / 8. */
uint64_t qn_kept_nbytes(const struct qn_run *run, uint64_t nrows);

/* Bytes of a table that elements are added to, where the result has so many rows: that of places, or of the rows. */
uint64_t qn_kept_added_nbytes(const struct qn_run *run, uint64_t nrows);

/* Whether elements of a box are of rows of the current pass, and whether the sweeps before had none of them. Of a
   pass over everything they are, and had not. */
bool qn_kept_meets(const struct qn_run *run, const struct quern_box *box, bool *is_first);

/* The most elements of a tile. */
uint64_t qn_kept_tile_nelems(const struct qn_run *run);

/* Have all elements that are of rows in this pass been picked by the selection? */
bool qn_kept_are_all_picked(const struct qn_run *run);

/* Do the threads of a rank share that table? Where it is small, each has its own. */
bool qn_kept_are_shared(const struct qn_run *run, uint64_t nrows);

/* Has elements added to places, if there are some and they do not take much. */
void qn_kept_use_places(struct qn_run *run);

/* Tables that are there at once, but for places: of all threads, and that of windows. */
uint64_t qn_kept_ntables(const struct qn_run *run, uint64_t nrows);

/* Bytes that the exact sums of that table may take beyond their estimate; 0: any number. */
uint64_t qn_kept_most_spilled(const struct qn_run *run, uint64_t nrows);

#endif
