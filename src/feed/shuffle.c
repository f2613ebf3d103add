/*
 * shuffle.c - chooses how to undo a shuffle.
 */
#include "feed/shuffle.h"

#include "base/isa.h"

QN_ISA_DECLARE(void, qn_unshuffle2, (const uint8_t *, ptrdiff_t, size_t, uint8_t *));
QN_ISA_DECLARE(void, qn_unshuffle4, (const uint8_t *, ptrdiff_t, size_t, uint8_t *));
QN_ISA_DECLARE(void, qn_unshuffle8, (const uint8_t *, ptrdiff_t, size_t, uint8_t *));

static qn_unshuffle_fn *const unshuffle2[] = QN_ISA_TABLE(qn_unshuffle2);
static qn_unshuffle_fn *const unshuffle4[] = QN_ISA_TABLE(qn_unshuffle4);
static qn_unshuffle_fn *const unshuffle8[] = QN_ISA_TABLE(qn_unshuffle8);

qn_unshuffle_fn *qn_unshuffle_for(size_t size)
{
	switch (size) {
	case 2:
		return unshuffle2[qn_cpu_level()];
	case 4:
		return unshuffle4[qn_cpu_level()];
	case 8:
		return unshuffle8[qn_cpu_level()];
	default:
		return NULL;
	}
}

void qn_unshuffle(size_t size, const uint8_t *in, ptrdiff_t stride, size_t n, uint8_t *out)
{
	qn_unshuffle_fn *fast = qn_unshuffle_for(size);

	if (fast) {
		fast(in, stride, n, out);
		return;
	}
	for (size_t b = 0; b < size; b++, in += stride)
		for (size_t i = 0; i < n; i++)
			out[i * size + b] = in[i];
}
