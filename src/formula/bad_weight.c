#include "formula/bad_weight.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

bool qn_bad_weight_note(struct qn_bad_weight *b, const struct quern_tile *tile,
			const struct qn_formula_tile *made)
{
	const struct quern_box *box = tile->box;
	uint64_t at = tile->first + made->bad;

	if (!made->has_bad || b->is_there)
		return made->has_bad;
	b->is_there = true;
	b->weight = made->bad_weight;
	for (int d = box->ndim - 1; d >= 0; d--) {
		b->index[d] = box->start[d] + at % box->count[d] * box->step[d];
		at /= box->count[d];
	}
	return true;
}

enum quern_status qn_bad_weight_refuse(const struct qn_bad_weight *b, const struct qn_dataset *d,
				       struct quern_message *err)
{
	char where[512] = "", number[16];

	for (int k = 0; k < d->ndim && strlen(where) < sizeof(where) - 1; k++) {
		const size_t n = strlen(where);

		snprintf(number, sizeof(number), "dim_%d", k);
		snprintf(where + n, sizeof(where) - n, "%s%s=%" PRIu64, k ? ", " : "",
			 d->dim_name[k] ? d->dim_name[k] : number, b->index[k]);
	}
	return qn_error_set(
		err, QUERN_ERR_DATA,
		"--weights: the weight of element (%s) of %s is %.17g: weights are finite "
		"numbers of 0 or more; leave such elements out with --where",
		where, d->path, isnan(b->weight) ? fabs(b->weight) : b->weight);
}
