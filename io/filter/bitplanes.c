/*
 * bitplanes.c - undoing a bit shuffle: of each byte of the elements eight rows of bits to a plane
 * of bytes, and then the planes as any shuffle.
 *
 * Byte j of the eight rows are bits 0 ... 7 of elements 8 j ... 8 j + 7: gathering them is the
 * unshuffling of 8-byte elements, and a transposition of 8 x 8 bits does the rest. A block is small
 * enough for the first-level cache, so three passes cost little.
 */
#include "io/filter/bitplanes.h"

#include "base/isa.h"

QN_ISA_DECLARE(void, qn_transpose_bits, (uint8_t *, size_t));

static qn_transpose_bits_fn *const transpose_bits[] = QN_ISA_TABLE(qn_transpose_bits);

void qn_bitplanes_init(struct qn_bitplanes *p, size_t size)
{
	p->size = size;
	p->gather = qn_unshuffle_for(8);
	p->transpose = transpose_bits[qn_cpu_level()];
	p->unshuffle = qn_unshuffle_for(size);
}

void qn_bitplanes_undo(const struct qn_bitplanes *p, const uint8_t *in, size_t n, uint8_t *tmp,
		       uint8_t *out)
{
	const size_t row = n / 8;
	uint8_t *planes = p->size == 1 ? out : tmp;

	for (size_t b = 0; b < p->size; b++) {
		p->gather(in + b * n, (ptrdiff_t)row, row, planes + b * n);
		p->transpose(planes + b * n, row);
	}
	if (p->unshuffle)
		p->unshuffle(planes, (ptrdiff_t)n, n, out);
	else if (p->size > 1)
		qn_unshuffle(p->size, planes, (ptrdiff_t)n, n, out);
}
