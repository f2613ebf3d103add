/*
 * cf.c - from attributes to a plan, in the type of the packed values.
 */
#include "feed/cf.h"

#include <math.h>
#include <string.h>

#include "base/isa.h"
#include "feed/feed.h"

#define DECLARE(type)                                                                  \
	QN_ISA_DECLARE(size_t, qn_cf_mark_##type,                                      \
		       (const void *, size_t, const struct qn_cf_test *, uint64_t *)); \
	QN_ISA_DECLARE(void, qn_cf_scale_##type, (const void *, size_t, double, double, double *))

#define DECLARE_SINGLE(type) \
	QN_ISA_DECLARE(void, qn_cf_single_##type, (const void *, size_t, double, double, double *))

DECLARE_SINGLE(i8);
DECLARE_SINGLE(u8);
DECLARE_SINGLE(i16);
DECLARE_SINGLE(u16);
DECLARE_SINGLE(f32);

DECLARE(i8);
DECLARE(u8);
DECLARE(i16);
DECLARE(u16);
DECLARE(i32);
DECLARE(u32);
DECLARE(i64);
DECLARE(u64);
DECLARE(f32);
DECLARE(f64);

static qn_cf_mark_fn *const mark[QUERN_NDTYPES][QN_CPU_AVX512 + 1] = {
	[QUERN_I8] = QN_ISA_TABLE(qn_cf_mark_i8),   [QUERN_U8] = QN_ISA_TABLE(qn_cf_mark_u8),
	[QUERN_I16] = QN_ISA_TABLE(qn_cf_mark_i16), [QUERN_U16] = QN_ISA_TABLE(qn_cf_mark_u16),
	[QUERN_I32] = QN_ISA_TABLE(qn_cf_mark_i32), [QUERN_U32] = QN_ISA_TABLE(qn_cf_mark_u32),
	[QUERN_I64] = QN_ISA_TABLE(qn_cf_mark_i64), [QUERN_U64] = QN_ISA_TABLE(qn_cf_mark_u64),
	[QUERN_F32] = QN_ISA_TABLE(qn_cf_mark_f32), [QUERN_F64] = QN_ISA_TABLE(qn_cf_mark_f64),
};

static qn_cf_scale_fn *const scale[QUERN_NDTYPES][QN_CPU_AVX512 + 1] = {
	[QUERN_I8] = QN_ISA_TABLE(qn_cf_scale_i8),   [QUERN_U8] = QN_ISA_TABLE(qn_cf_scale_u8),
	[QUERN_I16] = QN_ISA_TABLE(qn_cf_scale_i16), [QUERN_U16] = QN_ISA_TABLE(qn_cf_scale_u16),
	[QUERN_I32] = QN_ISA_TABLE(qn_cf_scale_i32), [QUERN_U32] = QN_ISA_TABLE(qn_cf_scale_u32),
	[QUERN_I64] = QN_ISA_TABLE(qn_cf_scale_i64), [QUERN_U64] = QN_ISA_TABLE(qn_cf_scale_u64),
	[QUERN_F32] = QN_ISA_TABLE(qn_cf_scale_f32), [QUERN_F64] = QN_ISA_TABLE(qn_cf_scale_f64),
};

/* Of types all of whose values a float32 has. CF has the unpacked values in the type of the attributes;
   where that would lose digits, all who read such files compute in double. */
static qn_cf_scale_fn *const scale_single[QUERN_NDTYPES][QN_CPU_AVX512 + 1] = {
	[QUERN_I8] = QN_ISA_TABLE(qn_cf_single_i8),   [QUERN_U8] = QN_ISA_TABLE(qn_cf_single_u8),
	[QUERN_I16] = QN_ISA_TABLE(qn_cf_single_i16), [QUERN_U16] = QN_ISA_TABLE(qn_cf_single_u16),
	[QUERN_F32] = QN_ISA_TABLE(qn_cf_single_f32),
};

/* How a value of an attribute compares with the values that the packed type can have. */
enum fit { BELOW, INSIDE, ABOVE, NOWHERE };

/* The low `size` bytes of v as a number of that size. */
static void store(uint64_t v, size_t size, uint64_t *out)
{
	const uint32_t v32 = (uint32_t)v;
	const uint16_t v16 = (uint16_t)v;
	const uint8_t v8 = (uint8_t)v;

	if (size == 8)
		*out = v;
	else if (size == 4)
		memcpy(out, &v32, sizeof(v32));
	else if (size == 2)
		memcpy(out, &v16, sizeof(v16));
	else
		memcpy(out, &v8, sizeof(v8));
}

static enum fit put_signed(int64_t v, size_t size, uint64_t *out)
{
	const int64_t max = INT64_MAX >> (64 - 8 * size);

	store((uint64_t)v, size, out);
	return v < -max - 1 ? BELOW : v > max ? ABOVE : INSIDE;
}

static enum fit put_unsigned(uint64_t v, size_t size, uint64_t *out)
{
	store(v, size, out);
	return v > UINT64_MAX >> (64 - 8 * size) ? ABOVE : INSIDE;
}

static enum fit put_float(uint64_t bits, size_t size, uint64_t *out)
{
	double v;
	float narrow;

	memcpy(&v, &bits, sizeof(v));
	narrow = (float)v;
	if (size == sizeof(narrow))
		memcpy(out, &narrow, sizeof(narrow));
	else
		memcpy(out, &v, sizeof(v));
	return isnan(v) ? NOWHERE : INSIDE;
}

/* *out = an attribute's value in the packed type, if the answer is INSIDE. */
static enum fit put(uint64_t v, enum quern_dtype packed, uint64_t *out)
{
	const size_t size = qn_view_size(packed);

	switch (packed) {
	case QUERN_I8:
	case QUERN_I16:
	case QUERN_I32:
	case QUERN_I64:
		return put_signed((int64_t)v, size, out);
	case QUERN_F32:
	case QUERN_F64:
		return put_float(v, size, out);
	default:
		return put_unsigned(v, size, out);
	}
}

static void add_equal(struct qn_cf_test *t, uint64_t v, enum quern_dtype packed)
{
	if (put(v, packed, &t->equal[t->nequal]) == INSIDE)
		t->nequal++;
}

/* A limit that no value of the type can pass is none; one that every value passes is impossible. */
static void set_limits(struct qn_cf_test *t, const struct qn_cf *cf, enum quern_dtype packed,
		       bool *impossible)
{
	enum fit min = cf->has_min ? put(cf->valid_min, packed, &t->min) : NOWHERE;
	enum fit max = cf->has_max ? put(cf->valid_max, packed, &t->max) : NOWHERE;

	t->has_min = min == INSIDE;
	t->has_max = max == INSIDE;
	*impossible = min == ABOVE || max == BELOW;
}

static size_t mark_all(const void *values, size_t n, const struct qn_cf_test *test, uint64_t *valid)
{
	(void)values;
	(void)test;
	memset(valid, 0, (n + 63) / 64 * sizeof(*valid));
	return n;
}

void qn_cf_plan_init(struct qn_cf_plan *p, const struct qn_cf *cf, enum quern_dtype packed)
{
	const enum qn_cpu cpu = qn_cpu_level();
	bool impossible;

	memset(p, 0, sizeof(*p));
	p->scale = cf->scale;
	p->offset = cf->offset;
	if (cf->has_fill)
		add_equal(&p->test, cf->fill, packed);
	for (uint32_t i = 0; i < cf->nmissing && i < QN_CF_MAX_EQUAL - 1; i++)
		add_equal(&p->test, cf->missing[i], packed);
	set_limits(&p->test, cf, packed, &impossible);
	if (impossible)
		p->mark = mark_all;
	else if (p->test.nequal || p->test.has_min || p->test.has_max)
		p->mark = mark[packed][cpu];
	if (cf->has_scale)
		p->unpack = cf->single && scale_single[packed][cpu] ? scale_single[packed][cpu]
								    : scale[packed][cpu];
}

void qn_cf_apply(const struct qn_cf_plan *p, size_t n, uint64_t *valid, double *out,
		 struct quern_var *var)
{
	var->valid = NULL;
	var->nmissing = p->mark ? p->mark(var->values, n, &p->test, valid) : 0;
	if (var->nmissing)
		var->valid = valid;
	if (p->unpack) {
		p->unpack(var->values, n, p->scale, p->offset, out);
		var->values = out;
		var->dtype = QUERN_F64;
	}
}
