/*
 * places.h - elements to places first, places to groups at the end.
 *
 * Labels on (lat, lon) have each step of data on (time, lat, lon) go to rows here and there. Where there are many
 * steps, it takes much less to add them to rows side by side, one for each place of (lat, lon), and to add those
 * to the groups of their labels when all is done:
 *
 *	elements --rows--> places --groups--> rows of the result
 *
 * Keys that do not depend on the innermost dimension stay what they are: of labels and months, each month has a row
 * for each place.
 */
#ifndef QN_KERNEL_PLACES_H
#define QN_KERNEL_PLACES_H

#include "kernel/cells.h"
#include "kernel/rows.h"

struct qn_places {
	bool are_there, are_used;
	struct qn_rows rows; /* of elements: a place each */
	/* Of places, which are its selection, in C order: rows of the result. */
	struct qn_rows groups;
};

/* The places of a result's rows, if there are many elements for each of them. Borrows what the rows borrow. */
void qn_places_find(const struct qn_rows *rows, struct qn_places *out);

/* Adds the cells of places, normalized, to those of the result, both of columns and of the same layout. False: no memory; or a table
   is over, then *into is. */
bool qn_places_regroup(const struct qn_places *p, const struct qn_cells *places,
		       struct qn_cells *into);

#endif
