#include "data/fill.h"

#include <string.h>

static uint64_t bits_of(double x)
{
	uint64_t bits;

	memcpy(&bits, &x, sizeof(bits));
	return bits;
}

bool qn_fill_default(const struct qn_type *t, bool as_unsigned, uint64_t *bits)
{
	static const uint64_t most[] = {
		[1] = UINT8_MAX, [2] = UINT16_MAX, [4] = UINT32_MAX, [8] = UINT64_MAX - 1
	};
	static const int64_t least[] = {
		[1] = INT8_MIN + 1, [2] = INT16_MIN + 1, [4] = INT32_MIN + 1, [8] = INT64_MIN + 2
	};
	const uint32_t size = t->size;

	if ((size != 1 && size != 2 && size != 4 && size != 8) ||
	    (t->class == QN_FLOAT ? size < 4 : t->class != QN_INT && t->class != QN_UINT))
		return false;
	if (t->class == QN_FLOAT)
		*bits = bits_of(0x1.ep+122);
	else if (as_unsigned) /* the bytes are those of the signed type that it has in the file */
		*bits = (uint64_t)least[size] & UINT64_MAX >> (64 - 8 * size);
	else
		*bits = t->class == QN_UINT ? most[size] : (uint64_t)least[size];
	return true;
}

uint64_t qn_fill_unstore(const struct qn_type *t, const uint8_t *stored)
{
	const uint32_t size = t->size;
	uint64_t bits = 0;
	float x;

	for (uint32_t i = 0; i < size; i++)
		bits |= (uint64_t)stored[t->big_endian ? size - 1 - i : i] << 8 * i;
	if (t->class == QN_FLOAT && size == sizeof(x)) {
		uint32_t low = (uint32_t)bits;

		memcpy(&x, &low, sizeof(x));
		return bits_of((double)x);
	}
	if (t->class == QN_INT && bits >> (8 * size - 1) && size < 8)
		bits |= UINT64_MAX << 8 * size;
	return bits;
}

void qn_fill_store(const struct qn_type *t, uint64_t bits, uint8_t *stored)
{
	const uint32_t size = t->size;

	if (t->class == QN_FLOAT && size == sizeof(float)) {
		double x;
		float narrow;
		uint32_t low;

		memcpy(&x, &bits, sizeof(x));
		narrow = (float)x;
		memcpy(&low, &narrow, sizeof(low));
		bits = low;
	}
	for (uint32_t i = 0; i < size; i++)
		stored[t->big_endian ? size - 1 - i : i] = (uint8_t)(bits >> 8 * i);
}

void qn_fill_beyond(const struct qn_dataset *d, struct qn_dataset *out)
{
	qn_dataset_visible(d, out);
	out->layout = QN_CONTIGUOUS;
	out->index[0] = '\0';
	out->nfilters = 0;
	memset(out->filter, 0, sizeof(out->filter));
	out->native = true;
	out->why_not_native[0] = '\0';
	if (d->type.class != QN_INT && d->type.class != QN_UINT && d->type.class != QN_FLOAT)
		return;
	out->cf.has_fill = true;
	out->cf.fill = d->cf.has_fill ? d->cf.fill : 0;
	memset(out->fill_value, 0, sizeof(out->fill_value));
	qn_fill_store(&d->type, out->cf.fill, out->fill_value);
}
