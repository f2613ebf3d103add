/*
 * test_program.c - expressions: values, types and what is missing, over small columns of every
 * type; precedence, logic with missing conditions, messages, what is asked of a program.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "kernel/tile.h"
#include "program_world.h"
#include "tests/testing/plan.h"

static struct qn_program *compile(const char *text, enum qn_program_want want, bool nan_missing)
{
	struct quern_message err = { .status = QUERN_OK };
	struct qn_program *p = NULL;

	if (qn_program_compile("--expr", text, &world_names, want, nan_missing, &p, &err))
		fail_msg("%s", err.text);
	return p;
}

/* "f8 1 - inf": the type and the elements of an expression's result; " !1" if a result was
   beyond 64 bits. */
static void evaluate(const char *text, bool nan_missing, char out[512])
{
	struct qn_program *p = compile(text, QN_WANT_ANY, nan_missing);
	void *scratch = qn_alloc_aligned(qn_program_scratch_nbytes(p));
	struct quern_var columns[WORLD_NCOLUMNS];
	struct qn_program_result r;
	size_t at;

	assert_non_null(scratch);
	world_columns(columns);
	qn_program_run(p, columns, WORLD_NELEMS, scratch, &r);
	assert_int_equal(r.var.dtype, qn_program_dtype(p));
	at = (size_t)snprintf(out, 512, "%s", qn_dtype_name(r.var.dtype));
	for (size_t i = 0; i < WORLD_NELEMS; i++) {
		char one[64];

		world_print(&r.var, i, one);
		at += (size_t)snprintf(out + at, 512 - at, " %s", one);
	}
	if (r.nbeyond)
		snprintf(out + at, 512 - at, " !%d", (int)r.nbeyond);
	free(scratch);
	qn_program_free(p);
}

struct value_row {
	const char *text, *result;
};

static void check_values(const struct value_row *rows, size_t n, bool nan_missing)
{
	for (size_t i = 0; i < n; i++) {
		char result[512];

		evaluate(rows[i].text, nan_missing, result);
		if (strcmp(result, rows[i].result) != 0)
			fail_msg("%s: %s instead of %s", rows[i].text, result, rows[i].result);
	}
}

#define CHECK_VALUES(rows, nan_missing) \
	check_values(rows, sizeof(rows) / sizeof((rows)[0]), nan_missing)

static const struct value_row integer_rows[] = {
	{ "i1", "i1 -128 -7 -1 0 7 127" },
	{ "i1 + i1", "i8 -256 -14 -2 0 14 254" },
	{ "u1 * u1", "i8 0 1 4 10000 40000 65025" },
	{ "u1 - 1", "i8 -1 0 1 99 199 254" },
	{ "u4 + u4", "i8 0 2 4 200 33554434 8589934590" },
	{ "i8 + 1", "i8 -9223372036854775807 -6 0 1 8 - !1" },
	{ "i8 - 1", "i8 - -8 -2 -1 6 9223372036854775806 !1" },
	{ "i8 * i8", "i8 - 49 1 0 49 - !2" },
	{ "i8 * 3", "i8 - -21 -3 0 21 - !2" },
	{ "-i8", "i8 - 7 1 0 -7 -9223372036854775807 !1" },
	{ "abs(i8)", "i8 - 7 1 0 7 9223372036854775807 !1" },
	{ "i8 // -1", "i8 - 7 1 0 -7 -9223372036854775807 !1" },
	{ "i8 % -1", "i8 0 0 0 0 0 0" },
	{ "i8 // 0", "i8 - - - - - -" },
	{ "i8 % 0", "i8 - - - - - -" },
	{ "i1 // 2", "i8 -64 -4 -1 0 3 63" },
	{ "i1 // -2", "i8 64 3 0 0 -4 -64" },
	{ "i1 % 3", "i8 1 2 2 0 1 1" },
	{ "i1 % -3", "i8 -2 -1 -1 0 -2 -2" },
	{ "fmod(i1, 3)", "i8 -2 -1 -1 0 1 1" },
	{ "-7 // 2", "i8 -4 -4 -4 -4 -4 -4" },
	{ "-7 % 3", "i8 2 2 2 2 2 2" },
	{ "u8 + 1", "u8 1 2 8 9223372036854775809 18446744073709551615 - !1" },
	{ "u8 * 2", "u8 0 2 14 - - - !3" },
	{ "u8 - 1", "i8 -1 0 6 9223372036854775807 - - !2" },
	{ "u8 - u8", "i8 0 0 0 0 0 0" },
	{ "u8 // 2", "u8 0 0 3 4611686018427387904 9223372036854775807 "
		     "9223372036854775807" },
	{ "u8 % 5", "u8 0 1 2 3 4 0" },
	{ "-u8", "i8 0 -1 -7 -9223372036854775808 - - !2" },
	{ "u8 + i8", "i8 -9223372036854775808 -6 6 - - - !3" },
	{ "i8 * u8", "i8 0 -7 -7 0 - - !2" },
	{ "i8 // u8", "i8 - -7 -1 0 0 0" },
	{ "u8 % i8", "i8 0 -6 0 - 0 1" },
	{ "min(i8, u8)", "i8 -9223372036854775808 -7 -1 0 7 9223372036854775807" },
	{ "max(i8, u8)", "i8 0 1 7 - - - !3" },
	{ "max(u8, 3)", "u8 3 3 7 9223372036854775808 18446744073709551614 "
			"18446744073709551615" },
	{ "18446744073709551615 - u8 * 0", "i8 - - - - - - !6" },
	{ "i1 ** 2", "i8 16384 49 1 0 49 16129" },
	{ "i4 ** 3", "i8 - -343 -1 0 - - !3" },
	{ "2 ** i1", "i8 - - - 1 128 - !4" },
	{ "(-1) ** i1", "i8 - - - 1 -1 -1 !3" },
	{ "i8 ** 0", "i8 1 1 1 1 1 1" },
	{ "u8 ** 1", "u8 0 1 7 9223372036854775808 18446744073709551614 "
		     "18446744073709551615" },
	{ "sign(i8)", "i8 -1 -1 -1 0 1 1" },
	{ "sign(u8)", "i8 0 1 1 1 1 1" },
	{ "round(i2) + floor(i2)", "i8 -65536 -14 -2 0 14 65534" },
	{ "clip(i2, 0, 5)", "i8 0 0 0 0 5 5" },
	{ "min(1, i1, 3)", "i8 -128 -7 -1 0 1 1" },
	{ "-9223372036854775808 + 0 * i1", "i8 -9223372036854775808 -9223372036854775808 "
					   "-9223372036854775808 -9223372036854775808 "
					   "-9223372036854775808 -9223372036854775808" },
	{ "index(row) * 2", "i8 0 2 4 200 400 510" },
	/* What is not chosen is not counted. */
	{ "where(i8 < 100 and i8 > -100, i8 * i8, 0)", "i8 0 49 1 0 49 0" },
};

static void test_integers(void **state)
{

	(void)state;
	CHECK_VALUES(integer_rows, true);
	CHECK_VALUES(integer_rows, false);
}

static const struct value_row real_rows[] = {
	{ "f4", "f4 -inf -1.5 -0 0.100000001 2.5 -" },
	{ "f4 + f4", "f4 -inf -3 -0 0.200000003 5 -" },
	{ "f4 * f4 * f4", "f4 -inf -3.375 -0 0.00100000005 15.625 -" },
	{ "f4 + f8", "f8 -inf -3 0 0.20000000149011612 1e+300 -" },
	{ "f4 > 0.1", "u1 0 0 0 0 1 -" },
	{ "f8 > 0.1", "u1 0 0 0 0 1 -" },
	{ "f4 + 0.0 * f8 > 0.1", "u1 - 0 0 1 1 -" },
	{ "i2 * 0.1", "f8 -3276.8 -0.7000000000000001 -0.1 0 0.7000000000000001 "
		      "3276.7000000000003" },
	{ "i2 + f4", "f4 -inf -8.5 -1 0.100000001 9.5 -" },
	{ "u2 + f4", "f4 -inf -0.5 2 100.099998 202.5 -" },
	{ "i4 + f4", "f8 -inf -8.5 -1 0.10000000149011612 16777219.5 -" },
	{ "i2 + 1 + f4", "f8 -inf -7.5 0 1.1000000014901161 10.5 -" },
	{ "f4 * 16777217", "f4 -inf -25165824 -0 1677721.62 41943040 -" },
	{ "1 / 3 * f4", "f4 -inf -0.5 -0 0.0333333351 0.833333373 -" },
	{ "i1 / 2", "f8 -64 -3.5 -0.5 0 3.5 63.5" },
	{ "f4 / 0", "f4 -inf -inf - inf inf -" },
	{ "i8 / 0", "f8 -inf -inf -inf - inf inf" },
	{ "0.0 / 0.0", "f8 - - - - - -" },
	{ "1 / 0", "f8 inf inf inf inf inf inf" },
	{ "f8 - f8", "f8 - 0 0 0 0 -" },
	{ "f8 // 2", "f8 - -1 0 0 5e+299 -" },
	{ "f4 // 0.0", "f4 - - - - - -" },
	{ "f4 % 1", "f4 - 0.5 0 0.100000001 0.5 -" },
	{ "f8 % -1", "f8 - -0.5 -0 -0.9 -0 -" },
	{ "-7.5 // 2", "f8 -4 -4 -4 -4 -4 -4" },
	{ "-1.0 // inf", "f8 -1 -1 -1 -1 -1 -1" },
	{ "fmod(f8, 1)", "f8 - -0.5 0 0.1 0 -" },
	{ "f4 ** 2", "f4 inf 2.25 0 0.0100000007 6.25 -" },
	{ "f4 ** 0", "f4 1 1 1 1 1 -" },
	{ "2.0 ** i1", "f8 2.938735877055719e-39 0.0078125 0.5 1 128 1.7014118346046923e+38" },
	{ "sqrt(i2)", "f8 - - - 0 2.6457513110645907 181.01657382681842" },
	{ "sqrt(f4)", "f4 - - -0 0.316227764 1.58113885 -" },
	{ "abs(f4)", "f4 inf 1.5 0 0.100000001 2.5 -" },
	{ "-f4", "f4 inf 1.5 0 -0.100000001 -2.5 -" },
	{ "sign(f4)", "f4 -1 -1 0 1 1 -" },
	{ "floor(f4)", "f4 -inf -2 -0 0 2 -" },
	{ "ceil(f4)", "f4 -inf -1 -0 1 3 -" },
	{ "trunc(f4)", "f4 -inf -1 -0 0 2 -" },
	{ "round(f4)", "f4 -inf -2 -0 0 2 -" },
	{ "exp(f4)", "f4 0 0.223130167 1 1.10517097 12.1824942 -" },
	{ "log(f4)", "f4 - - -inf -2.30258512 0.91629076 -" },
	{ "hypot(f4, 3)", "f4 inf 3.3541019 3 3.00166631 3.9051249 -" },
	{ "atan2(f4, i1)", "f4 -1.57079637 -2.93049932 -3.14159274 1.57079637 0.343023926 -" },
	{ "radians(i2)", "f8 -571.9094892935019 -0.12217304763960307 -0.017453292519943295 0 "
			 "0.12217304763960307 571.892036000982" },
	{ "degrees(pi)", "f8 180 180 180 180 180 180" },
	{ "min(f4, 1)", "f4 -inf -1.5 -0 0.100000001 1 -" },
	{ "clip(f4, -1, 1)", "f4 -1 -1 -0 0.100000001 1 -" },
	{ "(i1 > 0) + f4", "f4 -inf -1.5 0 0.100000001 3.5 -" },
	{ "isnan(f4)", "u1 0 0 0 0 0 1" },
	{ "isfinite(f4)", "u1 0 1 1 1 1 0" },
	{ "isnan(i1)", "u1 0 0 0 0 0 0" },
	{ "missing(f4)", "u1 0 0 0 0 0 1" },
	{ "where(isnan(f4), 0, f4)", "f4 -inf -1.5 -0 0.100000001 2.5 0" },
	{ "where(true, f4, nan)", "f4 -inf -1.5 -0 0.100000001 2.5 -" },
	{ "u8 == 18446744073709551615", "u1 0 0 0 0 0 1" },
	{ "u8 > -1", "u1 1 1 1 1 1 1" },
	{ "i8 < u8", "u1 1 1 1 1 1 1" },
	{ "u8 <= i8", "u1 0 0 0 0 0 0" },
	{ "(i1 > 0) == (i1 > 5)", "u1 1 1 1 1 1 1" },
	{ "nan != nan", "u1 - - - - - -" },
};

static void test_reals(void **state)
{
	/* NaN is a value. */
	static const struct value_row kept[] = {
		{ "f4", "f4 -inf -1.5 -0 0.100000001 2.5 nan" },
		{ "f8 - f8", "f8 nan 0 0 0 0 nan" },
		{ "f8 / f8", "f8 nan 1 - 1 1 nan" },
		{ "f4 > 0.1", "u1 0 0 0 0 1 0" },
		{ "f4 != 0.1", "u1 1 1 1 0 1 1" },
		{ "f4 ** 0", "f4 1 1 1 1 1 1" },
		{ "hypot(f4, inf)", "f4 inf inf inf inf inf inf" },
		{ "min(f4, 1)", "f4 -inf -1.5 -0 0.100000001 1 nan" },
		{ "max(1, f4)", "f4 1 1 1 1 2.5 nan" },
		{ "sign(f4)", "f4 -1 -1 0 1 1 nan" },
		{ "missing(f4)", "u1 0 0 0 0 0 0" },
		{ "missing(m)", "u1 0 1 0 1 0 0" },
		{ "isnan(f4)", "u1 0 0 0 0 0 1" },
		{ "isnan(m)", "u1 0 - 0 - 0 0" },
		{ "nan != nan", "u1 1 1 1 1 1 1" },
		{ "0.0 / 0.0", "f8 - - - - - -" },
	};

	(void)state;
	CHECK_VALUES(real_rows, true);
	CHECK_VALUES(kept, false);
}

static const struct value_row missing_rows[] = {
	{ "m", "f8 1 - 3 - 5 6" },
	{ "m + 1", "f8 2 - 4 - 6 7" },
	{ "mi * mi", "i8 1 - 9 - 25 36" },
	{ "m > 2", "u1 0 - 1 - 1 1" },
	{ "!(m > 2)", "u1 1 - 0 - 0 0" },
	{ "missing(m)", "u1 0 1 0 1 0 0" },
	{ "missing(m > 2)", "u1 0 1 0 1 0 0" },
	{ "where(missing(m), -1, m)", "f8 1 -1 3 -1 5 6" },
	{ "where(m > 3, 1, 0)", "i8 0 - 0 - 1 1" },
	{ "where(i1 < 0, 0, m)", "f8 0 0 0 - 5 6" },
	{ "where(i1 < 0, m > 0, false)", "u1 1 - 1 0 0 0" },
	{ "isfinite(m)", "u1 1 - 1 - 1 1" },
	{ "`t-2m` + /obs/t.2 / 2", "f8 1.5 3 4.5 6 7.5 9" },
	{ "name", "S a bc a d a e" },
	{ "true", "u1 1 1 1 1 1 1" },
	{ "3", "i8 3 3 3 3 3 3" },
	{ "days >= '2001-02'", "u1 0 0 0 1 1 1" },
	{ "days > \"2001-01\"", "u1 0 0 0 1 1 1" },
	{ "days == '2001-01'", "u1 0 1 1 0 0 0" },
	{ "days != '2001'", "u1 1 0 0 0 0 1" },
	{ "days < '2001'", "u1 1 0 0 0 0 0" },
	{ "days <= '2001'", "u1 1 1 1 1 1 0" },
	{ "days == '2001-01-31T18:00'", "u1 0 0 1 0 0 0" },
	{ "'2000' == days", "u1 1 0 0 0 0 0" },
	{ "'2001-01-01' <= hours", "u1 0 1 1 1 1 1" },
	{ "'2001-12-31' < hours", "u1 0 0 0 0 0 1" },
	{ "hours <= '2001-01-01'", "u1 1 1 1 0 0 0" },
	{ "hours < '99999999'", "u1 1 1 1 1 1 1" },
	{ "month(days)", "i8 12 1 1 2 12 1" },
	{ "year(days) * 100 + day(days)", "i8 200031 200101 200131 200101 200131 200201" },
	{ "hour(hours) + dayofyear(hours)", "i8 384 1 24 2 388 1" },
	{ "season(days)", "i8 0 0 0 0 0 0" },
	{ "season(days) == 'DJF' && seasonyear(days) == 2001", "u1 1 1 1 1 0 0" },
	{ "'JJA' != season(hours)", "u1 1 1 1 1 1 1" },
	{ "week(days)", "i8 52 1 5 5 1 1" },
	{ "yearmonth(days) - yearmonth(hours)", "i8 0 0 0 1 0 0" },
	{ "date(hours) - 11323", "i8 -1 0 0 1 364 365" },
};

static void test_missing(void **state)
{

	(void)state;
	CHECK_VALUES(missing_rows, true);
	CHECK_VALUES(missing_rows, false);
}

/* All of true, false and missing, for what is between two of them. */
static void test_logic(void **state)
{
	static const char *const words[] = { "false", "true", "missing" };
	static const char *const texts[] = { "(i1 != i1)", "(i1 == i1)", "(0 * i1 / 0 > 1)" };
	static const struct {
		const char *op, *result[3][3];
	} table[] = {
		{ "&&", { { "0", "0", "0" }, { "0", "1", "-" }, { "0", "-", "-" } } },
		{ "or", { { "0", "1", "-" }, { "1", "1", "1" }, { "-", "1", "-" } } },
		{ "==", { { "1", "0", "-" }, { "0", "1", "-" }, { "-", "-", "-" } } },
	};

	(void)state;
	for (size_t t = 0; t < sizeof(table) / sizeof(*table); t++)
		for (int a = 0; a < 3; a++)
			for (int b = 0; b < 3; b++) {
				char text[128], result[512], want[64];

				snprintf(text, sizeof(text), "%s %s %s", texts[a], table[t].op,
					 texts[b]);
				snprintf(want, sizeof(want), "u1 %s ", table[t].result[a][b]);
				evaluate(text, true, result);
				if (strncmp(result, want, strlen(want)) != 0)
					fail_msg("%s %s %s: %s", words[a], table[t].op, words[b],
						 result);
			}
}

/* Pairs that mean the same, and give the same text or not. */
static void test_precedence(void **state)
{
	static const struct {
		const char *text, *same;
	} pairs[] = {
		{ "1 + 2 * 3", "1 + (2 * 3)" },
		{ "8 - 2 - 1", "(8 - 2) - 1" },
		{ "16 / 4 / 2", "(16 / 4) / 2" },
		{ "17 // 4 * 2", "(17 // 4) * 2" },
		{ "17 % 5 * 2", "(17 % 5) * 2" },
		{ "-2 ** 2", "-(2 ** 2)" },
		{ "2 ** 3 ** 2", "2 ** (3 ** 2)" },
		{ "2.0 ** -1", "2.0 ** (-1)" },
		{ "- -i1", "i1 + 0" },
		{ "+i1 * -1", "(+i1) * (-1)" },
		{ "-7 // 2", "(-7) // 2" },
		{ "i1 + 1 > 2", "(i1 + 1) > 2" },
		{ "i1 > 0 || i1 < -5 && i1 > -9", "(i1 > 0) || ((i1 < -5) && (i1 > -9))" },
		{ "not i1 > 2", "!(i1 > 2)" },
		{ "not i1 > 2 and i1 > -5", "(!(i1 > 2)) && (i1 > -5)" },
		{ "not not i1 > 2", "i1 > 2" },
		{ "!(i1 > 2) || i1 > 100", "(!(i1 > 2)) || (i1 > 100)" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(pairs) / sizeof(*pairs); i++) {
		char a[512], b[512];

		evaluate(pairs[i].text, true, a);
		evaluate(pairs[i].same, true, b);
		if (strcmp(a, b) != 0)
			fail_msg("%s: %s, and %s: %s", pairs[i].text, a, pairs[i].same, b);
	}
}

static void test_canonical(void **state)
{
	static const struct {
		const char *text, *canonical;
	} rows[] = {
		{ "i1+ 2*( u1-3 )", "i1 + 2 * (u1 - 3)" },
		{ " not  (i1>2)and u1<3 or i1==-1", "not (i1 > 2) && u1 < 3 || i1 == -1" },
		{ "!(i1>2)", "!(i1 > 2)" },
		{ "where(i1>2,-u1 ,2**-1.0)", "where(i1 > 2, -u1, 2**-1.0)" },
		{ "days<\"2001-02\"", "days < '2001-02'" },
		{ "`t-2m`/2-/obs/t.2", "`t-2m` / 2 - /obs/t.2" },
		{ "f4*1.50e+3", "f4 * 1.50e+3" },
		{ "index( row )", "index(row)" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		struct qn_program *p = compile(rows[i].text, QN_WANT_ANY, true), *again;

		assert_string_equal(qn_program_text(p), rows[i].canonical);
		again = compile(qn_program_text(p), QN_WANT_ANY, true);
		assert_string_equal(qn_program_text(again), rows[i].canonical);
		qn_program_free(again);
		qn_program_free(p);
	}
}

static void check_error(const char *text, enum qn_program_want want, const char *message)
{
	struct quern_message err = { .status = QUERN_OK };
	struct qn_program *p = NULL;

	if (!qn_program_compile("--where", text, &world_names, want, true, &p, &err))
		fail_msg("%s is taken", text);
	assert_null(p);
	if (strcmp(err.text, message) != 0)
		fail_msg("%s:\n%s\ninstead of\n%s", text, err.text, message);
}

static const struct {
	const char *text, *message, *place;
} error_rows[] = {
	{ "i1 > > 3", "a value is expected before '>'", "     ^" },
	{ "i1 +", "a value is missing at the end", "    ^" },
	{ "", "the expression is empty", "^" },
	{ "(i1", "')' is missing at the end", "   ^" },
	{ "i1)", "an operator or the end is expected before ')'", "  ^" },
	{ "3 4", "an operator or the end is expected before '4'", "  ^" },
	{ "min(i1; 2)", "';' has no meaning here", "      ^" },
	{ "i1 + dais", "nothing is named 'dais'; did you mean 'days'?", "     ^" },
	{ "index(days)", "no dimension is named 'days'; did you mean 'days'?", "      ^" },
	{ "sqr(i1)", "there is no function sqr; did you mean sqrt?", "^" },
	{ "min + 1", "min is a function: min(...)", "^" },
	{ "sin()", "sin takes 1 value, and has 0: sin(x)", "^" },
	{ "i1 + min(2)", "min takes at least 2 values, and has 1: min(x, y, ...)", "     ^" },
	{ "i1 & 3", "'&' is written && here", "   ^" },
	{ "i1 | 3", "'|' is written || here", "   ^" },
	{ "i1 = 3", "'=' is written == here", "   ^" },
	{ "i1 ^ 3", "'^' is written ** here", "   ^" },
	{ "i1 > 3 ? 1 : 0", "'?' is written where(c, x, y) here", "       ^" },
	{ "0 < i1 < 5", "comparisons do not chain: a < b < c is written a < b && b < c",
	  "       ^" },
	{ "i1 > 2 == true", "comparisons do not chain: a < b < c is written a < b && b < c",
	  "       ^" },
	{ "f4 > 1e300", "1e+300 is too large for float32, which it meets here", "     ^" },
	{ "1e400", "this number is too large for float64", "^" },
	{ "18446744073709551616",
	  "this number is beyond 64 bits; with an exponent (1e20) it is "
	  "one of float64",
	  "^" },
	{ "2 ** -1",
	  "the result is no integer of 64 bits; with a decimal point (2.0) it is "
	  "computed in float64",
	  "  ^" },
	{ "9223372036854775807 + 1",
	  "the result is no integer of 64 bits; with a decimal "
	  "point (2.0) it is computed in float64",
	  "                    ^" },
	{ "2t",
	  "a number ends before 't'; a name that begins with a digit, or has a "
	  "character like -, stands in backquotes (`)",
	  " ^" },
	{ "i1 && true",
	  "a condition is wanted and this is a number, int8; compare it, as in "
	  "x != 0",
	  "^" },
	{ "!f4",
	  "a condition is wanted and this is a number, float32; compare it, as in "
	  "x != 0",
	  " ^" },
	{ "where(i1, 1, 2)",
	  "a condition is wanted and this is a number, int8; compare it, "
	  "as in x != 0",
	  "      ^" },
	{ "i1 + not true",
	  "a value, or brackets around what comes here, is expected before "
	  "'not'",
	  "     ^" },
	{ "name == 'a'",
	  "a text in quotes is a date, and this has no units of time ('days "
	  "since ...')",
	  "^" },
	{ "i1 + 'a'",
	  "a text in quotes is a date, to be compared with a time; names with "
	  "other characters stand in backquotes (`)",
	  "     ^" },
	{ "name + 1", "this is a dataset of texts, which are not computed with", "^" },
	{ "i1 + 'a", "these quotes do not end", "     ^" },
	{ "i1 >= 1979-01-15",
	  "1979-01-15 is a difference of numbers: a date stands in quotes, '1979-01-15', and a "
	  "difference has blanks around its -",
	  "      ^" },
	{ "i1 == 2001-12",
	  "2001-12 is a difference of numbers: a date stands in quotes, '2001-12', and a "
	  "difference has blanks around its -",
	  "      ^" },
	{ "days > 'monday'",
	  "no date; write it as '2001', '2001-12', '2001-12-31' or "
	  "'2001-12-31T06:00'",
	  "        ^" },
	{ "days > '2001-02-29'", "the calendar standard has no date 2001-02-29", "        ^" },
	{ "season(days) > 'DJF'",
	  "a season is == or != 'DJF', 'MAM', 'JJA' or 'SON', or a number from 0",
	  "                ^" },
	{ "month(i1)", "a time is wanted, and this has no units of time ('days since ...')",
	  "      ^" },
	{ "month(days + 1)", "a time is wanted, and this has no units of time ('days since ...')",
	  "      ^" },
	{ "i1 + \001", "'\\x01' has no meaning here", "     ^" },
	{ "Gr\303\266\303\237e + 1", "nothing is named 'Gr\303\266\303\237e'", "^" },
	{ "1 + \303\266 + $", "nothing is named '\303\266'", "    ^" },
};

static void test_errors(void **state)
{
	char message[QN_ERROR_NBYTES], plain[64];

	(void)state;
	for (size_t i = 0; i < sizeof(error_rows) / sizeof(*error_rows); i++) {
		snprintf(plain, sizeof(plain), "%s",
			 strchr(error_rows[i].text, 1) ? "i1 + \\x01" : error_rows[i].text);
		snprintf(message, sizeof(message), "--where: %s\n  %s\n  %s", error_rows[i].message,
			 plain, error_rows[i].place);
		check_error(error_rows[i].text, QN_WANT_ANY, message);
	}
	check_error(
		" i1 + 1", QN_WANT_CONDITION,
		"--where: a condition is wanted and this is a number, int64; compare it, as in x "
		"!= 0\n   i1 + 1\n   ^");
	check_error(
		"name", QN_WANT_NUMBER,
		"--where: this is a dataset of texts, which are not computed with\n  name\n  ^");
	check_error("i1 + wide", QN_WANT_ANY,
		    "--where: 'wide' has other extents\n  i1 + wide\n       ^");
	/* What is around the place. */
	check_error(
		"i1 + i1 + i1 + i1 + i1 + i1 + i1 + i1 + i1 + i1 + i1 + x + i1 + i1 + i1 + i1 + "
		"i1 + i1 + i1 + i1 + i1 + i1",
		QN_WANT_ANY,
		"--where: nothing is named 'x'; did you mean 'm'?\n"
		"  ...i1 + i1 + i1 + i1 + i1 + i1 + i1 + i1 + x + i1 + i1 + i1 + i1 + i1 + i1 ...\n"
		"                                             ^");
}

/* Texts that would be too much for the stack or the memory are refused. */
static void test_limits(void **state)
{
	struct quern_message err = { .status = QUERN_OK };
	struct qn_program *p = NULL;
	char *text = malloc(QN_PROGRAM_MOST_NBYTES + 100);
	size_t n = 0;

	(void)state;
	assert_non_null(text);
	memset(text, '(', 10000);
	text[10000] = '\0';
	assert_int_equal(
		qn_program_compile("--expr", text, &world_names, QN_WANT_ANY, true, &p, &err),
		QUERN_ERR_USAGE);
	assert_non_null(strstr(err.text, "too deep"));
	memset(text, '-', 10000);
	err.status = QUERN_OK;
	assert_int_equal(
		qn_program_compile("--expr", text, &world_names, QN_WANT_ANY, true, &p, &err),
		QUERN_ERR_USAGE);
	memset(text, ' ', QN_PROGRAM_MOST_NBYTES + 1);
	text[QN_PROGRAM_MOST_NBYTES + 1] = '\0';
	err.status = QUERN_OK;
	assert_int_equal(
		qn_program_compile("--expr", text, &world_names, QN_WANT_ANY, true, &p, &err),
		QUERN_ERR_USAGE);
	assert_non_null(strstr(err.text, "too long"));
	/* A long one takes few registers. */
	for (int i = 0; i < 1000; i++)
		n += (size_t)sprintf(text + n, "%si1 * %d", i ? " + " : "", i);
	p = compile(text, QN_WANT_ANY, true);
	assert_true(qn_program_scratch_nbytes(p) < 128 << 10);
	qn_program_free(p);
	for (n = 0; n < 90;)
		n += (size_t)sprintf(text + n, "(i%s*2+", n % 2 ? "1" : "2");
	for (int i = 0; i < 2; i++)
		n += (size_t)sprintf(text + n, "1");
	for (char *at = text; (at = strchr(at, '(')); at++)
		n += (size_t)sprintf(text + n, ")");
	p = compile(text, QN_WANT_ANY, true);
	assert_true(qn_program_scratch_nbytes(p) < 128 << 10);
	qn_program_free(p);
	free(text);
}

static void test_conjuncts(void **state)
{
	struct qn_program *p =
		compile("(days > '2001-01' && i1 > 2) and (m > 1 || f4 < u1) && i1 > 2",
			QN_WANT_CONDITION, true);
	struct quern_message err = { .status = QUERN_OK };
	struct qn_program *one = NULL;
	struct quern_var columns[WORLD_NCOLUMNS];
	struct qn_program_result r;
	void *scratch;

	(void)state;
	assert_int_equal(qn_program_nconjuncts(p), 3);
	assert_true(qn_program_is_condition(p));
	for (int i = 0; i < WORLD_NCOLUMNS; i++) {
		const char *name = world[i].name;
		const bool is_time = !strcmp(name, "days"), is_i1 = !strcmp(name, "i1");
		const bool is_other = !strcmp(name, "m") || !strcmp(name, "f4") ||
				      !strcmp(name, "u1");

		assert_int_equal(qn_program_uses(p, i), is_time || is_i1 || is_other);
		assert_int_equal(qn_program_conjunct_uses(p, 0, i), is_time);
		assert_int_equal(qn_program_conjunct_uses(p, 1, i), is_i1);
		assert_int_equal(qn_program_conjunct_uses(p, 2, i), is_other);
	}
	assert_int_equal(qn_program_conjunct(p, 1, &one, &err), QUERN_OK);
	scratch = qn_alloc_aligned(qn_program_scratch_nbytes(one));
	world_columns(columns);
	qn_program_run(one, columns, WORLD_NELEMS, scratch, &r);
	assert_null(r.var.values);
	assert_int_equal(r.nholds, 2);
	assert_true(r.holds[0] == 0x30);
	free(scratch);
	qn_program_free(one);
	qn_program_free(p);
	p = compile("i1", QN_WANT_NUMBER, true);
	assert_int_equal(qn_program_nconjuncts(p), 1);
	qn_program_free(p);
	qn_program_free(NULL);
}

/* Whichever allocation fails, that is what is said, and nothing is left. */
static void test_memory(void **state)
{
	static const char text[] = "month(days) == 1 && m ** 2 > 0 && `t-2m` < min(i1, 3, f4)";
	long n = 0;

	(void)state;
	for (bool done = false; !done;) {
		struct quern_message err = { .status = QUERN_OK };
		struct qn_program *p = NULL, *one = NULL;
		enum quern_status st;

		test_fail_at(TEST_MEMORY, ++n);
		st = qn_program_compile("--where", text, &world_names, QN_WANT_ANY, true, &p, &err);
		st = st ? st : qn_program_conjunct(p, 1, &one, &err);
		done = test_count() < n;
		test_fail_at(TEST_MEMORY, 0);
		if (st != (done ? QUERN_OK : QUERN_ERR_RUN) || err.status != st)
			fail_msg("allocation %ld: status %d, %s", n, (int)st, err.text);
		qn_program_free(one);
		qn_program_free(p);
	}
	assert_true(n > 20);
}

/* Tiles of any size, columns anywhere, and bits past the end. */
static void test_tiles(void **state)
{
	static const size_t sizes[] = { 1, 63, 64, 65, 1023, 1024, 1025, 2048, 4000, 4096 };
	struct qn_program *p = compile("i4 * 2 > u1 && m > 3", QN_WANT_CONDITION, true);
	unsigned char *bytes = malloc(4 * 4096 + 1);
	uint8_t *u1 = malloc(4096);
	double *m = malloc(4096 * sizeof(*m));
	uint64_t valid[64];
	void *scratch = qn_alloc_aligned(qn_program_scratch_nbytes(p));

	(void)state;
	assert_true(bytes && u1 && m && scratch);
	for (int i = 0; i < 4096; i++) {
		const int32_t v = i % 200;

		memcpy(bytes + 1 + 4 * i, &v, sizeof(v));
		u1[i] = (uint8_t)(i % 256);
		m[i] = i % 7;
	}
	for (size_t k = 0; k < sizeof(sizes) / sizeof(*sizes); k++) {
		const size_t n = sizes[k];
		struct quern_var columns[WORLD_NCOLUMNS];
		struct qn_program_result r;
		size_t holds = 0, missing = 0;

		world_columns(columns);
		memset(valid, 0, sizeof(valid));
		for (size_t i = 0; i < n; i++)
			valid[i / 64] |= (uint64_t)(i % 5 != 0) << i % 64;
		columns[1].values = u1;
		columns[4].values = bytes + 1;
		columns[10] = (struct quern_var){ QUERN_F64, m, valid, (n + 4) / 5, 0 };
		memset(scratch, 0xa5, qn_program_scratch_nbytes(p));
		qn_program_run(p, columns, n, scratch, &r);
		for (size_t i = 0; i < n; i++) {
			const bool a = i % 200 * 2 > i % 256, b = i % 7 > 3, there = i % 5 != 0;

			assert_int_equal(r.holds[i / 64] >> i % 64 & 1, a && b && there);
			holds += a && b && there;
			missing += a && !there;
		}
		assert_int_equal(r.nholds, holds);
		assert_int_equal(r.var.nmissing, missing);
		assert_true(n % 64 == 0 || r.holds[n / 64] >> n % 64 == 0);
	}
	free(scratch);
	free(bytes);
	free(u1);
	free(m);
	qn_program_free(p);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_integers),   cmocka_unit_test(test_reals),
		cmocka_unit_test(test_missing),	   cmocka_unit_test(test_logic),
		cmocka_unit_test(test_precedence), cmocka_unit_test(test_canonical),
		cmocka_unit_test(test_errors),	   cmocka_unit_test(test_limits),
		cmocka_unit_test(test_conjuncts),  cmocka_unit_test(test_tiles),
		cmocka_unit_test(test_memory),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
