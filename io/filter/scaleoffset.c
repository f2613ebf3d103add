/*
 * scaleoffset.c - filter 6: what each element is above the least of the chunk, in as few bits
 * as that takes. Floats were multiplied by a power of ten and rounded before.
 *
 *	| bits a value, 4 bytes | 8 | least element, 8 bytes | 8 zeros | values, high bits first |
 *
 * A value of all ones is the fill value, if the dataset has one. With all bits of the type, values
 * are the elements as they were, in the byte order of the machine that wrote them, which is taken to
 * be little-endian. The rest of the header is little-endian too.
 */
#include "io/filter/filters.h"

#include <math.h>
#include <string.h>

#include "base/mem.h"
#include "io/filter/bits.h"

#define HEADER_NBYTES 21

enum {
	PARAM_METHOD,
	PARAM_FACTOR, /* the power of ten; for integers the bits a value, 0 for as many as needed */
	PARAM_NELEMS,
	PARAM_CLASS,
	PARAM_SIZE,
	PARAM_SIGN,
	PARAM_ORDER,
	PARAM_HAS_FILL,
	PARAM_FILL, /* and the next, when an element has more than 4 bytes */
	NPARAMS = 20,
};
enum { METHOD_DECIMAL = 0, METHOD_INTEGER = 2 };
enum { CLASS_INTEGER, CLASS_FLOAT };

struct packed {
	uint64_t n;		  /* elements */
	unsigned size, nbits;	  /* bytes of an element, bits of a value */
	uint64_t least;		  /* its bits */
	uint64_t fill, fill_mark; /* fill stands where a value is fill_mark */
	bool has_fill, big_endian;
};

bool qn_scaleoffset_applicable(const struct qn_filter_step *step)
{
	const uint32_t *p = step->params, size = p[PARAM_SIZE];

	if (step->nparams < NPARAMS)
		return false;
	if (p[PARAM_CLASS] == CLASS_INTEGER)
		return p[PARAM_METHOD] == METHOD_INTEGER &&
		       (size == 1 || size == 2 || size == 4 || size == 8);
	return p[PARAM_CLASS] == CLASS_FLOAT && p[PARAM_METHOD] == METHOD_DECIMAL &&
	       (size == 4 || size == 8);
}

/* Integers with as many bits as the type has were left alone. */
static bool is_unchanged(const struct qn_filter_step *step)
{
	return step->params[PARAM_CLASS] == CLASS_INTEGER &&
	       step->params[PARAM_FACTOR] == 8 * step->params[PARAM_SIZE];
}

static bool read_header(const struct qn_filter_step *step, const uint8_t *in, size_t nin,
			struct packed *p)
{
	uint64_t nbits;

	if (nin < HEADER_NBYTES)
		return false;
	*p = (struct packed){
		.n = step->params[PARAM_NELEMS],
		.size = step->params[PARAM_SIZE],
		.nbits = qn_load_le32(in),
		.least = qn_load_le64(in + 5),
		.fill = step->params[PARAM_FILL] | (uint64_t)step->params[PARAM_FILL + 1] << 32,
		.has_fill = step->params[PARAM_HAS_FILL] == 1,
		.big_endian = step->params[PARAM_ORDER] == 1,
	};
	/* Fewer bytes are taken where the writer's integers were shorter. */
	if (in[4] < 8)
		p->least &= (UINT64_C(1) << 8 * in[4]) - 1;
	/* More bits than the type has cannot be. The HDF5 library up to 1.14.3 takes every element
	   for the least then, and files are read as it reads them. */
	if (p->nbits > 8 * p->size) {
		p->nbits = 0;
		p->has_fill = false;
	}
	if (!qn_mul(p->n, p->nbits, &nbits))
		return false;
	if (p->nbits < 64)
		p->fill_mark = (UINT64_C(1) << p->nbits) - 1;
	return nbits <= 8 * (uint64_t)(nin - HEADER_NBYTES);
}

/* --- From values to elements; out is aligned by nothing --- */

static inline void put(const struct packed *p, uint64_t i, uint64_t element, uint8_t *out)
{
	const unsigned size = p->size;

	out += i * size;
	for (unsigned b = 0; b < size; b++)
		out[p->big_endian ? size - 1 - b : b] = (uint8_t)(element >> 8 * b);
}

static inline uint64_t next_value(const struct packed *p, struct qn_bits *b)
{
	return p->nbits > 0 ? qn_bits_take(b, p->nbits) : 0;
}

static inline bool is_fill(const struct packed *p, uint64_t value)
{
	return p->has_fill && value == p->fill_mark;
}

/* Signed or not, the sum modulo the width of the type is the element. */
static void decode_integers(const struct packed *p, struct qn_bits *b, uint8_t *out)
{
	for (uint64_t i = 0; i < p->n; i++) {
		const uint64_t v = next_value(p, b);

		put(p, i, is_fill(p, v) ? p->fill : v + p->least, out);
	}
}

/* In the arithmetic of the type, as the library computes it. */
static void decode_floats(const struct packed *p, int exponent, struct qn_bits *b, uint8_t *out)
{
	const float power = powf(10.0f, (float)exponent);
	const uint32_t least_bits = (uint32_t)p->least;
	float least;

	memcpy(&least, &least_bits, sizeof(least));
	for (uint64_t i = 0; i < p->n; i++) {
		const uint64_t v = next_value(p, b);
		const float element = (float)(int32_t)v / power + least;
		uint32_t bits;

		memcpy(&bits, &element, sizeof(bits));
		put(p, i, is_fill(p, v) ? p->fill : bits, out);
	}
}

static void decode_doubles(const struct packed *p, int exponent, struct qn_bits *b, uint8_t *out)
{
	const double power = pow(10.0, exponent);
	double least;

	memcpy(&least, &p->least, sizeof(least));
	for (uint64_t i = 0; i < p->n; i++) {
		const uint64_t v = next_value(p, b);
		const double element = (double)(int64_t)v / power + least;
		uint64_t bits;

		memcpy(&bits, &element, sizeof(bits));
		put(p, i, is_fill(p, v) ? p->fill : bits, out);
	}
}

static void decode_unpacked(const struct packed *p, const uint8_t *in, uint8_t *out)
{
	for (uint64_t i = 0; i < p->n; i++, in += p->size) {
		uint64_t v = 0;

		memcpy(&v, in, p->size);
		put(p, i, v, out);
	}
}

static void decode_packed(const struct qn_filter_step *step, const struct packed *p,
			  const uint8_t *in, size_t nin, uint8_t *out)
{
	const int factor = (int)step->params[PARAM_FACTOR];
	struct qn_bits b = { in + HEADER_NBYTES, nin - HEADER_NBYTES, 0 };

	if (p->nbits == 8 * p->size)
		decode_unpacked(p, b.bytes, out);
	else if (step->params[PARAM_CLASS] == CLASS_INTEGER)
		decode_integers(p, &b, out);
	else if (p->size == 4)
		decode_floats(p, factor, &b, out);
	else
		decode_doubles(p, factor, &b, out);
}

bool qn_scaleoffset_decode(void *state, const struct qn_filter_step *step, size_t elem_size,
			   const uint8_t *in, size_t nin, uint8_t *out, size_t out_nbytes,
			   size_t *out_n)
{
	struct packed p;
	uint64_t nbytes;

	(void)state;
	(void)elem_size;
	if (!qn_scaleoffset_applicable(step))
		return false;
	if (is_unchanged(step)) {
		if (nin > out_nbytes)
			return false;
		memcpy(out, in, nin);
		*out_n = nin;
		return true;
	}
	if (!read_header(step, in, nin, &p) || !qn_mul(p.n, p.size, &nbytes) || nbytes > out_nbytes)
		return false;
	decode_packed(step, &p, in, nin, out);
	*out_n = (size_t)nbytes;
	return true;
}
