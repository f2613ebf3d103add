/*
 * swap.c - chooses a conversion, and picks elements out of strided rows.
 */
#include "feed/swap.h"

#include <string.h>

#include "base/isa.h"

QN_ISA_DECLARE(void, qn_swap2, (const void *, size_t, void *));
QN_ISA_DECLARE(void, qn_swap4, (const void *, size_t, void *));
QN_ISA_DECLARE(void, qn_swap8, (const void *, size_t, void *));
QN_ISA_DECLARE(void, qn_widen_half, (const void *, size_t, void *));
QN_ISA_DECLARE(void, qn_widen_swapped_half, (const void *, size_t, void *));
QN_ISA_DECLARE(void, qn_widen_brain, (const void *, size_t, void *));
QN_ISA_DECLARE(void, qn_widen_swapped_brain, (const void *, size_t, void *));

static qn_convert_fn *const swap2[] = QN_ISA_TABLE(qn_swap2);
static qn_convert_fn *const swap4[] = QN_ISA_TABLE(qn_swap4);
static qn_convert_fn *const swap8[] = QN_ISA_TABLE(qn_swap8);
static qn_convert_fn *const widen_half[] = QN_ISA_TABLE(qn_widen_half);
static qn_convert_fn *const widen_swapped_half[] = QN_ISA_TABLE(qn_widen_swapped_half);
static qn_convert_fn *const widen_brain[] = QN_ISA_TABLE(qn_widen_brain);
static qn_convert_fn *const widen_swapped_brain[] = QN_ISA_TABLE(qn_widen_swapped_brain);

qn_convert_fn *qn_convert_for(const struct qn_type *type, bool swapped)
{
	enum qn_cpu cpu = qn_cpu_level();

	if (type->class == QN_FLOAT && type->size == 2 && type->brain)
		return swapped ? widen_swapped_brain[cpu] : widen_brain[cpu];
	if (type->class == QN_FLOAT && type->size == 2)
		return swapped ? widen_swapped_half[cpu] : widen_half[cpu];
	if (!swapped)
		return NULL;
	switch (type->size) {
	case 2:
		return swap2[cpu];
	case 4:
		return swap4[cpu];
	case 8:
		return swap8[cpu];
	default:
		return NULL;
	}
}

bool qn_type_is_swapped(const struct qn_type *type)
{
	const bool machine_is_big = __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__;

	return type->class != QN_TEXT && type->size > 1 && type->big_endian != machine_is_big;
}

/* memcpy of a constant size is a load and a store, whatever the alignment. */
static inline void gather(const uint8_t *in, size_t stride, size_t n, size_t size, uint8_t *out)
{
	for (size_t i = 0; i < n; i++)
		memcpy(out + i * size, in + i * stride, size);
}

void qn_gather(const void *in, size_t stride, size_t n, size_t size, void *out)
{
	switch (size) {
	case 1:
		gather(in, stride, n, 1, out);
		break;
	case 2:
		gather(in, stride, n, 2, out);
		break;
	case 4:
		gather(in, stride, n, 4, out);
		break;
	case 8:
		gather(in, stride, n, 8, out);
		break;
	case 12: /* three float32, three float64: points */
		gather(in, stride, n, 12, out);
		break;
	case 16:
		gather(in, stride, n, 16, out);
		break;
	case 24:
		gather(in, stride, n, 24, out);
		break;
	default:
		gather(in, stride, n, size, out);
		break;
	}
}
