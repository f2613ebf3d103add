/*
 * nbit.c - filter 5: only the significant bits of each element, without gaps between them.
 *
 * Parameters: their number, whether the bytes were left as they are, the number of elements, and a
 * description of an element, which is one of
 *
 *	ATOMIC    size, byte order, precision, bit offset
 *	ARRAY     size, description of its elements
 *	COMPOUND  size, number of members, and of each its offset and description
 *	OPAQUE    size; all its bits are stored
 *
 * Bits that are not stored are zero.
 */
#include "io/filter/filters.h"

#include <string.h>

#include "base/mem.h"
#include "io/filter/bits.h"

enum { PARAM_UNCHANGED = 1, PARAM_NELEMS, PARAM_TYPE };
enum { ATOMIC = 1, ARRAY, COMPOUND, OPAQUE };

/* A piece of the description, as it was checked. */
struct type {
	uint32_t class, size;
	uint32_t next;	/* parameter behind it */
	uint64_t nbits; /* that are stored of it */
};

struct atomic {
	uint32_t size, precision, offset;
	bool big_endian;
};

static bool read_type(const struct qn_filter_step *step, uint32_t at, struct type *t);

static bool read_atomic(const struct qn_filter_step *step, uint32_t at, struct type *t)
{
	const uint32_t *p = step->params + at;

	if (step->nparams - at < 5)
		return false;
	t->next = at + 5;
	t->nbits = p[3];
	return p[2] <= 1 && p[3] > 0 && (uint64_t)p[3] + p[4] <= 8 * (uint64_t)t->size;
}

static bool read_array(const struct qn_filter_step *step, uint32_t at, struct type *t)
{
	struct type base;

	if (!read_type(step, at + 2, &base) || t->size % base.size != 0)
		return false;
	t->next = base.next;
	t->nbits = t->size / base.size * base.nbits;
	return true;
}

static bool read_compound(const struct qn_filter_step *step, uint32_t at, struct type *t)
{
	const uint32_t *p = step->params;
	struct type member;

	if (step->nparams - at < 3)
		return false;
	t->next = at + 3;
	t->nbits = 0;
	for (uint32_t i = 0; i < p[at + 2]; i++) {
		if (t->next >= step->nparams || !read_type(step, t->next + 1, &member) ||
		    (uint64_t)p[t->next] + member.size > t->size)
			return false;
		t->next = member.next;
		t->nbits += member.nbits;
	}
	return true;
}

/* Checks the description that begins at a parameter. A member or base begins further on, so the
   recursion ends; sizes are 32 bits, so the bits of at most 20 members cannot overflow. */
static bool read_type(const struct qn_filter_step *step, uint32_t at, struct type *t)
{
	if (at >= step->nparams || step->nparams - at < 2 || step->params[at + 1] == 0)
		return false;
	t->class = step->params[at];
	t->size = step->params[at + 1];
	switch (t->class) {
	case ATOMIC:
		return read_atomic(step, at, t);
	case ARRAY:
		return read_array(step, at, t);
	case COMPOUND:
		return read_compound(step, at, t);
	case OPAQUE:
		t->next = at + 2;
		t->nbits = 8 * (uint64_t)t->size;
		return true;
	default:
		return false;
	}
}

static void decode_small(const struct atomic *a, struct qn_bits *b, uint8_t *out)
{
	const uint64_t v = qn_bits_take(b, a->precision) << a->offset;

	for (uint32_t i = 0; i < a->size; i++)
		out[a->big_endian ? a->size - 1 - i : i] = (uint8_t)(v >> 8 * i);
}

/* Elements wider than 64 bits, byte by byte from the highest; out is zero before. */
static void decode_large(const struct atomic *a, struct qn_bits *b, uint8_t *out)
{
	for (uint64_t top = (uint64_t)a->offset + a->precision; top > a->offset;) {
		const uint64_t byte = (top - 1) / 8, bottom = byte * 8;
		const uint64_t low = qn_max_u64(bottom, a->offset);
		const uint64_t v = qn_bits_take(b, (unsigned)(top - low)) << (low - bottom);

		out[a->big_endian ? a->size - 1 - byte : byte] |= (uint8_t)v;
		top = low;
	}
}

static void decode_atomics(const struct qn_filter_step *step, uint32_t at, struct qn_bits *b,
			   size_t n, uint8_t *out)
{
	const uint32_t *p = step->params + at;
	const struct atomic a = { p[1], p[3], p[4], p[2] == 1 };

	for (size_t i = 0; i < n; i++, out += a.size) {
		if (a.size <= 8)
			decode_small(&a, b, out);
		else
			decode_large(&a, b, out);
	}
}

/* n elements one behind another, of a description that was checked; out is zero before. */
static void decode_type(const struct qn_filter_step *step, uint32_t at, struct qn_bits *b, size_t n,
			uint8_t *out)
{
	const uint32_t *p = step->params + at, class = p[0], size = p[1];

	if (class == ATOMIC) {
		decode_atomics(step, at, b, n, out);
	} else if (class == OPAQUE) {
		for (size_t i = 0; i < n * size; i++)
			out[i] = (uint8_t)qn_bits_take(b, 8);
	} else if (class == ARRAY) {
		decode_type(step, at + 2, b, n * (size / p[3]), out);
	} else {
		for (size_t i = 0; i < n; i++, out += size) {
			struct type member = { .next = at + 3 };

			for (uint32_t m = 0; m < p[2]; m++) {
				const uint32_t place = member.next;

				read_type(step, place + 1, &member);
				decode_type(step, place + 1, b, 1, out + step->params[place]);
			}
		}
	}
}

bool qn_nbit_applicable(const struct qn_filter_step *step)
{
	struct type t;

	return step->nparams > PARAM_UNCHANGED &&
	       (step->params[PARAM_UNCHANGED] != 0 || read_type(step, PARAM_TYPE, &t));
}

bool qn_nbit_decode(void *state, const struct qn_filter_step *step, size_t elem_size,
		    const uint8_t *in, size_t nin, uint8_t *out, size_t out_nbytes, size_t *out_n)
{
	struct qn_bits b = { in, nin, 0 };
	struct type t;
	uint64_t n, nbytes, nbits;

	(void)state;
	(void)elem_size;
	if (!qn_nbit_applicable(step))
		return false;
	if (step->params[PARAM_UNCHANGED] != 0) {
		if (nin > out_nbytes)
			return false;
		memcpy(out, in, nin);
		*out_n = nin;
		return true;
	}
	read_type(step, PARAM_TYPE, &t);
	n = step->params[PARAM_NELEMS];
	if (!qn_mul(n, t.size, &nbytes) || nbytes > out_nbytes || !qn_mul(n, t.nbits, &nbits) ||
	    nbits > 8 * (uint64_t)nin)
		return false;
	memset(out, 0, (size_t)nbytes);
	decode_type(step, PARAM_TYPE, &b, (size_t)n, out);
	*out_n = (size_t)nbytes;
	return true;
}
