/*
 * blosc2_lz.c - BloscLZ, one stream.
 *
 * A control byte begins each token; of the first its upper three bits do not count.
 *
 *	000LLLLL				L + 1 literal bytes follow
 *	LLLooooo (l ...) oooooooo		copy L + 2 bytes, or L + 2 + sum l when L is 7, from
 *						o + 1 bytes back; a byte l is there until one is not 255
 *	LLL11111 (l ...) 11111111 (d, 2 bytes)	the same from d + 8192 bytes back, d big-endian
 */
#include <string.h>

#include "io/filter/blosc2.h"

#define FAR_DISTANCE 8191u

struct streams {
	const uint8_t *in, *in_end;
	uint8_t *out, *out_start, *out_end;
};

static bool next_byte(struct streams *s, size_t *v)
{
	if (s->in == s->in_end)
		return false;
	*v = *s->in++;
	return true;
}

static bool read_match(struct streams *s, size_t control, size_t *n, size_t *distance)
{
	size_t v = 255, high, low;

	*n = (control >> 5) + 2;
	if (control >> 5 == 7)
		for (; v == 255; *n += v)
			if (!next_byte(s, &v))
				return false;
	if (!next_byte(s, &low))
		return false;
	*distance = (control & 31) << 8 | low;
	if (*distance == FAR_DISTANCE) {
		if (!next_byte(s, &high) || !next_byte(s, &low))
			return false;
		*distance += high << 8 | low;
	}
	*distance += 1;
	return true;
}

static bool copy_match(struct streams *s, size_t control)
{
	size_t n, distance;

	if (!read_match(s, control, &n, &distance) || distance > (size_t)(s->out - s->out_start) ||
	    n > (size_t)(s->out_end - s->out))
		return false;
	if (distance == 1) {
		memset(s->out, s->out[-1], n);
	} else if (distance >= n) {
		memcpy(s->out, s->out - distance, n);
	} else {
		/* The copy repeats what it has just written. */
		for (size_t i = 0; i < n; i++)
			s->out[i] = s->out[(ptrdiff_t)i - (ptrdiff_t)distance];
	}
	s->out += n;
	return true;
}

static bool copy_literals(struct streams *s, size_t n)
{
	if (n > (size_t)(s->in_end - s->in) || n > (size_t)(s->out_end - s->out))
		return false;
	memcpy(s->out, s->in, n);
	s->in += n;
	s->out += n;
	return true;
}

bool qn_blosc2_lz_decode(const uint8_t *in, size_t nin, uint8_t *out, size_t n)
{
	struct streams s = { in, in + nin, out, out, out + n };
	size_t control;

	if (!next_byte(&s, &control))
		return false;
	control &= 31;
	do {
		if (!(control < 32 ? copy_literals(&s, control + 1) : copy_match(&s, control)))
			return false;
	} while (next_byte(&s, &control));
	return s.out == s.out_end;
}
