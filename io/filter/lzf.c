/*
 * lzf.c - filter 32000: LZF, one stream.
 *
 * A control byte c begins each token:
 *
 *	000LLLLL                     L + 1 literal bytes follow
 *	LLLooooo oooooooo            L = 1 ... 6: copy L + 2 bytes from o + 1 bytes back
 *	111ooooo LLLLLLLL oooooooo   copy L + 9 bytes from o + 1 bytes back
 */
#include "io/filter/filters.h"

#include <string.h>

struct streams {
	const uint8_t *in, *in_end;
	uint8_t *out, *out_start, *out_end;
};

static bool copy_literals(struct streams *s, size_t n)
{
	if (n > (size_t)(s->in_end - s->in) || n > (size_t)(s->out_end - s->out))
		return false;
	memcpy(s->out, s->in, n);
	s->in += n;
	s->out += n;
	return true;
}

static bool copy_match(struct streams *s, uint8_t control)
{
	size_t n = control >> 5, distance = (size_t)(control & 31) << 8;

	if (n == 7) {
		if (s->in == s->in_end)
			return false;
		n += *s->in++;
	}
	n += 2;
	if (s->in == s->in_end)
		return false;
	distance += (size_t)*s->in++ + 1;
	if (distance > (size_t)(s->out - s->out_start) || n > (size_t)(s->out_end - s->out))
		return false;
	if (distance >= n) {
		memcpy(s->out, s->out - distance, n);
		s->out += n;
		return true;
	}
	/* The copy repeats what it has just written. */
	for (; n > 0; n--, s->out++)
		*s->out = s->out[-(ptrdiff_t)distance];
	return true;
}

bool qn_lzf_decode(void *state, const struct qn_filter_step *step, size_t elem_size,
		   const uint8_t *in, size_t nin, uint8_t *out, size_t out_nbytes, size_t *out_n)
{
	struct streams s = { in, in + nin, out, out, out + out_nbytes };

	(void)state;
	(void)step;
	(void)elem_size;
	while (s.in < s.in_end) {
		const uint8_t control = *s.in++;

		if (!(control < 32 ? copy_literals(&s, control + 1u) : copy_match(&s, control)))
			return false;
	}
	*out_n = (size_t)(s.out - out);
	return true;
}
