/*
 * program_world.h - columns of every type for tests of expressions, by name; and what expressions
 * give of them as text.
 */
#ifndef QN_TESTS_PROGRAM_WORLD_H
#define QN_TESTS_PROGRAM_WORLD_H

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/real.h"
#include "program/program.h"

#define WORLD_NELEMS 6

static const int8_t world_i1[] = { -128, -7, -1, 0, 7, 127 };
static const uint8_t world_u1[] = { 0, 1, 2, 100, 200, 255 };
static const int16_t world_i2[] = { -32768, -7, -1, 0, 7, 32767 };
static const uint16_t world_u2[] = { 0, 1, 2, 100, 200, 65535 };
static const int32_t world_i4[] = { INT32_MIN, -7, -1, 0, 16777217, INT32_MAX };
static const uint32_t world_u4[] = { 0, 1, 2, 100, 16777217, UINT32_MAX };
static const int64_t world_i8[] = { INT64_MIN, -7, -1, 0, 7, INT64_MAX };
static const uint64_t world_u8[] = { 0, 1, 7, UINT64_C(1) << 63, UINT64_MAX - 1, UINT64_MAX };
static const float world_f4[] = { -INFINITY, -1.5f, -0.0f, 0.1f, 2.5f, NAN };
static const double world_f8[] = { -INFINITY, -1.5, 0.0, 0.1, 1e300, NAN };
static const double world_m[] = { 1, 2, 3, 4, 5, 6 };	/* the second and the fourth are missing */
static const int32_t world_mi[] = { 1, 0, 3, 0, 5, 6 }; /* as well */
static const double world_days[] = { -0.25, 0, 30.75, 31, 364.999, 365 };
static const int32_t world_hours[] = { -6, 0, 23, 24, 8759, 8760 };
static const char world_name[][3] = { "a", "bc", "a", "d", "a", "e" };
static const uint64_t world_valid[] = { 0x35 };

static const struct {
	const char *name, *units;
	enum quern_dtype dtype;
	const void *values;
	const uint64_t *valid;
} world[] = {
	{ "i1", NULL, QUERN_I8, world_i1, NULL },
	{ "u1", NULL, QUERN_U8, world_u1, NULL },
	{ "i2", NULL, QUERN_I16, world_i2, NULL },
	{ "u2", NULL, QUERN_U16, world_u2, NULL },
	{ "i4", NULL, QUERN_I32, world_i4, NULL },
	{ "u4", NULL, QUERN_U32, world_u4, NULL },
	{ "i8", NULL, QUERN_I64, world_i8, NULL },
	{ "u8", NULL, QUERN_U64, world_u8, NULL },
	{ "f4", "K", QUERN_F32, world_f4, NULL },
	{ "f8", "", QUERN_F64, world_f8, NULL },
	{ "m", NULL, QUERN_F64, world_m, world_valid },
	{ "mi", NULL, QUERN_I32, world_mi, world_valid },
	{ "days", "days since 2001-01-01", QUERN_F64, world_days, NULL },
	{ "hours", "hours since 2001-01-01", QUERN_I32, world_hours, NULL },
	{ "years", "years since 2001-01-01", QUERN_F64, world_days, NULL },
	{ "name", NULL, QUERN_TEXT, world_name, NULL },
	{ "t-2m", NULL, QUERN_F64, world_m, NULL },
	{ "/obs/t.2", NULL, QUERN_F64, world_m, NULL },
};

#define WORLD_NCOLUMNS (int)(sizeof(world) / sizeof(*world))

static inline enum quern_status world_resolve(void *ctx, enum qn_program_kind kind,
					      const char *name, struct qn_program_operand *out,
					      struct quern_message *err)
{
	(void)ctx;
	if (!strcmp(name, "wide"))
		return qn_error_set(err, QUERN_ERR_DATA, "'wide' has other extents");
	if (kind == QN_NAME_INDEX)
		name = strcmp(name, "row") == 0 ? "u1" : "";
	for (int i = 0; i < WORLD_NCOLUMNS; i++)
		if (!strcmp(world[i].name, name))
			*out = (struct qn_program_operand){ i, world[i].dtype, world[i].units,
							    NULL };
	return QUERN_OK;
}

static inline const char *world_nth(const void *ctx, int i)
{
	(void)ctx;
	return i < WORLD_NCOLUMNS ? world[i].name : NULL;
}

static const struct qn_program_names world_names = { .resolve = world_resolve, .nth = world_nth };

static inline void world_columns(struct quern_var *columns)
{
	for (int i = 0; i < WORLD_NCOLUMNS; i++)
		columns[i] = (struct quern_var){ .dtype = world[i].dtype,
						 .values = world[i].values,
						 .valid = world[i].valid,
						 .nmissing = world[i].valid ? 2 : 0,
						 .text_nbytes = sizeof(world_name[0]) };
}

static inline double world_real(const struct quern_var *v, size_t i)
{
	return v->dtype == QUERN_F32 ? (double)((const float *)v->values)[i]
				     : ((const double *)v->values)[i];
}

/* Element i of a column as text; "-" if it is missing. */
static inline void world_print(const struct quern_var *v, size_t i, char out[64])
{
	const char *values = v->values;
	int64_t integer = 0;

	if (v->valid && !(v->valid[i / 64] >> i % 64 & 1))
		snprintf(out, 64, "-");
	else if (v->dtype >= QUERN_F32 && v->dtype <= QUERN_F64 && isnan(world_real(v, i)))
		snprintf(out, 64, "nan");
	else if (v->dtype == QUERN_F32)
		snprintf(out, 64, "%.9g", (double)((const float *)v->values)[i]);
	else if (v->dtype == QUERN_F64)
		qn_real_print(((const double *)v->values)[i], out);
	else if (v->dtype == QUERN_U64)
		snprintf(out, 64, "%" PRIu64, ((const uint64_t *)v->values)[i]);
	else if (v->dtype == QUERN_TEXT)
		snprintf(out, 64, "%s", values + i * v->text_nbytes);
	else {
		integer = v->dtype == QUERN_I64	  ? ((const int64_t *)v->values)[i]
			  : v->dtype == QUERN_I32 ? ((const int32_t *)v->values)[i]
			  : v->dtype == QUERN_I16 ? ((const int16_t *)v->values)[i]
			  : v->dtype == QUERN_I8  ? (int8_t)values[i]
						  : (uint8_t)values[i];
		snprintf(out, 64, "%" PRId64, integer);
	}
}

#endif
