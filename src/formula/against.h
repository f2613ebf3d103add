/*
 * against.h - the coordinate along a dimension as the other value of each element, in the place of --with.
 */
#ifndef QN_FORMULA_AGAINST_H
#define QN_FORMULA_AGAINST_H

#include "find/subject.h"
#include "formula/operand.h"

struct qn_against {
	int dim;	  /* of the subject */
	char *coordinate; /* owned: as an expression, */
	const char *name; /* borrows: and its name; NULL: the dimension has none */
	char *index;	  /* owned: the index as an expression, where there is no such coordinate */
};

/* dimension: by name or number. QUERN_ERR_USAGE: there is none. The caller frees with qn_against_fini, whatever is
   returned. */
enum quern_status qn_against_find(const struct qn_subject *subject, const char *dimension,
				  struct qn_against *out, struct quern_message *err);
void qn_against_fini(struct qn_against *a);

/* Is an operand along the dimension, and no other? */
bool qn_against_is_along(const struct qn_against *a, const struct qn_subject *subject,
			 const struct qn_operand *o);

#endif
