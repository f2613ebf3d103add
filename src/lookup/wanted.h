/*
 * wanted.h - values of coordinates that are wanted from files, as rank 0 asks for them and others answer.
 */
#ifndef QN_LOOKUP_WANTED_H
#define QN_LOOKUP_WANTED_H

#include "find/axes.h"

/* Values of the coordinate of a dimension in a file. */
struct qn_wanted {
	uint64_t dim, file;
	uint64_t length;    /* that the coordinate must have */
	uint64_t n;	    /* values; 0: all */
	const uint64_t *at; /* borrows: their indexes in the file */
};

/* Requests, one after the other, as words. */
struct qn_wanted_list {
	uint64_t *word; /* owned */
	size_t n, room;
	bool nomem;
};

void qn_wanted_add(struct qn_wanted_list *l, const struct qn_wanted *w);
/* Takes the one at *word, which moves behind it. False: there are no more, or it is none. */
bool qn_wanted_next(const struct qn_wanted_list *l, size_t *word, struct qn_wanted *w);

/* Reads what is wanted. *v is without values where there are none; the caller frees it with qn_axis_values_fini,
   whatever is returned. Not collective. */
enum quern_status qn_wanted_read(const struct qn_subject *s, const struct qn_wanted *w,
				 struct qn_axis_values *v, struct quern_message *err);

#endif
