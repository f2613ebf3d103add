#include "keys/match.h"

#include <string.h>

#include "base/text.h"

/* Dimensions of the subject that no file has. */
static int nstacked(const struct qn_dataset *d)
{
	return d->stacked ? 1 : 0;
}

/* Neither of them has names of dimensions, and they have the same extents: these are the same dimensions, those of
   `subject` behind one that the files are stacked along. */
static bool is_congruent(const struct qn_dataset *a, const struct qn_dataset *subject)
{
	const int first = nstacked(subject);

	if (a->ndim != subject->ndim - first)
		return false;
	for (int k = 0; k < a->ndim; k++)
		if (a->dim_name[k] ||
		    qn_dataset_length(a, k) != qn_dataset_length(subject, first + k))
			return false;
	return true;
}

int qn_key_dimension(const struct qn_dataset *d, const struct qn_dataset *like, int k)
{
	const char *name = like->dim_name[k];
	int found = -1;

	if (like->ndim == 1 && !name)
		name = qn_text_last(like->path);
	if (!name)
		return is_congruent(like, d) ? nstacked(d) + k : -1;
	for (int j = 0; j < d->ndim; j++)
		if (!strcmp((d->dim_name[j] ? d->dim_name[j] : ""), name)) {
			if (found >= 0)
				return -1;
			found = j;
		}
	return found < 0 && is_congruent(like, d) ? nstacked(d) + k : found;
}
