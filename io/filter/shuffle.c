/*
 * shuffle.c - filter 2: the first bytes of all elements, then the second bytes, and so on.
 *
 * The feed undoes a shuffle tile by tile where it can; this is the rest: a shuffle in the middle
 * of a pipeline, or with an element size that is not that of the dataset.
 */
#include "io/filter/filters.h"

#include <string.h>

#include "feed/shuffle.h"

bool qn_shuffle_decode(void *state, const struct qn_filter_step *step, size_t elem_size,
		       const uint8_t *in, size_t nin, uint8_t *out, size_t out_nbytes,
		       size_t *out_n)
{
	size_t size, n;

	(void)state;
	(void)elem_size;
	if (step->nparams < 1 || step->params[0] == 0 || nin > out_nbytes)
		return false;
	size = step->params[0];
	n = nin / size;
	if (n > 0)
		qn_unshuffle(size, in, (ptrdiff_t)n, n, out);
	/* Bytes that do not make a whole element are stored last, as they were. */
	memcpy(out + n * size, in + n * size, nin - n * size);
	*out_n = nin;
	return true;
}
