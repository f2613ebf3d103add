/*
 * bad_weight.h - a weight of --weights that is none, and where it was found.
 */
#ifndef QN_FORMULA_BAD_WEIGHT_H
#define QN_FORMULA_BAD_WEIGHT_H

#include "formula/formula.h"

struct qn_bad_weight {
	bool is_there;
	double weight;
	uint64_t index[QUERN_MAX_DIMS];
};

/* Is there one in what a formula made of a tile? Of several the first is kept. */
bool qn_bad_weight_note(struct qn_bad_weight *b, const struct quern_tile *tile,
			const struct qn_formula_tile *made);

/* QUERN_ERR_DATA, with what it is and where. */
enum quern_status qn_bad_weight_refuse(const struct qn_bad_weight *b, const struct qn_dataset *d,
				       struct quern_message *err);

#endif
