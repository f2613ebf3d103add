/*
 * test_program_random.c - random expressions over random columns, beside an evaluator that takes
 * one element at a time and knows nothing of blocks, on all instruction sets.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "base/cpu.h"
#include "kernel/tile.h"
#include "program_world.h"
#include "random.h"

__extension__ typedef __int128 int128;

#define MOST_NODES 40
#define NCOLUMNS   9
#define BITS	   ((enum quern_dtype)(QUERN_TEXT + 1))
#define NTREES	   1500

static const struct {
	const char *name;
	enum quern_dtype dtype;
	bool has_missing;
} column_kinds[NCOLUMNS] = {
	{ "a", QUERN_I8, false },  { "b", QUERN_U8, true },  { "c", QUERN_I16, false },
	{ "d", QUERN_I32, true },  { "e", QUERN_I64, true }, { "f", QUERN_U64, false },
	{ "g", QUERN_F32, false }, { "h", QUERN_F64, true }, { "k", QUERN_F32, true },
};

/* --- what an element is: by its type, int64 and uint64 in i, reals in d, conditions in i --- */

struct value {
	enum quern_dtype type;
	bool missing;
	int128 i;
	double d;
};

enum kind { COLUMN, LITERAL, UNARY, BINARY, COMPARE, LOGIC, NOT, MISSING, ISNAN, ISFINITE, WHERE };

struct tree {
	enum kind kind;
	const char *op;
	int column;
	struct value literal;
	struct tree *arg[3];
};

static struct tree pool[MOST_NODES];
static int npool;
static uint64_t seed;
static bool nan_missing;
static struct quern_var columns[NCOLUMNS];

static bool is_real(enum quern_dtype t)
{
	return t == QUERN_F32 || t == QUERN_F64;
}

static bool is_missing_nan(const struct value *v)
{
	return nan_missing && is_real(v->type) && isnan(v->d);
}

static double rounded(enum quern_dtype t, double x)
{
	return t == QUERN_F32 ? (double)(float)x : x;
}

static struct value real_value(enum quern_dtype t, double x, bool missing)
{
	return (struct value){ .type = t, .d = rounded(t, x), .missing = missing };
}

/* Beyond the type it is missing. */
static struct value int_value(enum quern_dtype t, int128 x, bool missing)
{
	const int128 least = t == QUERN_U64 ? 0 : INT64_MIN;
	const int128 most = t == QUERN_U64 ? (int128)UINT64_MAX : INT64_MAX;

	return (struct value){ .type = t, .i = x, .missing = missing || x < least || x > most };
}

static bool is_narrow(enum quern_dtype t)
{
	return t == QUERN_I8 || t == QUERN_U8 || t == QUERN_I16 || t == QUERN_U16 || t == BITS;
}

static double as_double(const struct value *v)
{
	return is_real(v->type) ? v->d : (double)v->i;
}

static enum quern_dtype wide(enum quern_dtype t)
{
	return t == QUERN_U64 || is_real(t) ? t : QUERN_I64;
}

/* --- evaluation --- */

static struct value column_value(int c, size_t i)
{
	const struct quern_var *v = &columns[c];
	struct value out = { .type = v->dtype };

	out.missing = v->valid && !(v->valid[i / 64] >> i % 64 & 1);
	switch (v->dtype) {
	case QUERN_I8:
		out.i = ((const int8_t *)v->values)[i];
		break;
	case QUERN_U8:
		out.i = ((const uint8_t *)v->values)[i];
		break;
	case QUERN_I16:
		out.i = ((const int16_t *)v->values)[i];
		break;
	case QUERN_I32:
		out.i = ((const int32_t *)v->values)[i];
		break;
	case QUERN_I64:
		out.i = ((const int64_t *)v->values)[i];
		break;
	case QUERN_U64:
		out.i = ((const uint64_t *)v->values)[i];
		break;
	default:
		out.d = world_real(v, i);
	}
	return out;
}

/* The real type that two operands have in common; of them `a_literal` or `b_literal` takes that
   of the other. */
static enum quern_dtype common(const struct value *a, bool a_literal, const struct value *b,
			       bool b_literal)
{
	if (a_literal != b_literal) {
		const struct value *literal = a_literal ? a : b, *other = a_literal ? b : a;

		return is_real(other->type) ? other->type : literal->type;
	}
	return (a->type == QUERN_F32 || is_narrow(a->type)) &&
			       (b->type == QUERN_F32 || is_narrow(b->type))
		       ? QUERN_F32
		       : QUERN_F64;
}

static struct value real_op(const char *op, enum quern_dtype t, double x, double y, bool missing)
{
	const double r = fmod(x, y);
	double q;

	switch (*op) {
	case '+':
		return real_value(t, x + y, missing);
	case '-':
		return real_value(t, x - y, missing);
	case '*':
		return real_value(t, x * y, missing);
	case '/':
		if (op[1] == '\0')
			return real_value(t, x / y, missing || (x == 0 && y == 0));
		if (t == QUERN_F32)
			q = rounded(t, rounded(t, x - r) / y);
		else
			q = (x - r) / y;
		if (r != 0 && (y < 0) != (r < 0))
			q = rounded(t, q - 1);
		if (q == 0)
			q = copysign(0, rounded(t, x / y));
		else
			q = q - floor(q) > 0.5 ? rounded(t, floor(q) + 1) : floor(q);
		return real_value(t, q, missing || y == 0);
	case '%':
		q = r == 0 ? copysign(0, y) : (y < 0) != (r < 0) && !isnan(r) ? r + y : r;
		return real_value(t, q, missing || y == 0);
	case 'f':
		return real_value(t, r, missing || y == 0);
	case 'h':
		return real_value(t, hypot(x, y), missing);
	default:
		if (isnan(x) || isnan(y))
			return real_value(t, NAN, missing);
		return real_value(t, (op[1] == 'i' ? x < y : x > y) ? x : y, missing);
	}
}

static struct value int_op(const char *op, const struct value *a, const struct value *b)
{
	const bool is_unsigned = wide(a->type) == QUERN_U64 && wide(b->type) == QUERN_U64;
	const enum quern_dtype t = is_unsigned && *op != '-' ? QUERN_U64 : QUERN_I64;
	const bool by_zero = b->i == 0, missing = a->missing || b->missing;
	const int128 x = a->i, y = b->i;
	int128 product;

	switch (*op) {
	case '+':
		return int_value(t, x + y, missing);
	case '-':
		return int_value(t, x - y, missing);
	case '*':
		if (__builtin_mul_overflow(x, y, &product))
			return int_value(t, 0, true);
		return int_value(t, product, missing);
	case '/':
		return int_value(t, by_zero ? 0 : x / y - (x % y != 0 && (x < 0) != (y < 0)),
				 missing || by_zero);
	case '%':
		return int_value(t, by_zero ? 0 : (x % y + y) % y, missing || by_zero);
	case 'f':
		return int_value(t, by_zero ? 0 : x % y, missing || by_zero);
	default:
		return int_value(t, (op[1] == 'i' ? x < y : x > y) ? x : y, missing);
	}
}

static struct value evaluate(const struct tree *n, size_t i);

static struct value literal_as_partner(const struct tree *n, struct value v,
				       const struct value *other)
{
	if (n->kind == LITERAL && !is_real(v.type) && v.i >= 0 && other->type == QUERN_U64)
		v.type = QUERN_U64;
	return v;
}

static struct value binary_value(const struct tree *n, struct value a, struct value b)
{
	const bool la = n->arg[0]->kind == LITERAL, lb = n->arg[1]->kind == LITERAL;
	const bool missing = a.missing || b.missing;
	enum quern_dtype t;

	if (!is_real(a.type) && !is_real(b.type)) {
		a = literal_as_partner(n->arg[0], a, &b);
		b = literal_as_partner(n->arg[1], b, &a);
		if ((strcmp(n->op, "/") != 0 && *n->op != 'h'))
			return int_op(n->op, &a, &b);
		return real_op(n->op, QUERN_F64, as_double(&a), as_double(&b), missing);
	}
	t = common(&a, la, &b, lb);
	if (*n->op == 'h' && (is_missing_nan(&a) || is_missing_nan(&b)))
		return real_value(t, 0, true);
	return real_op(n->op, t, rounded(t, as_double(&a)), rounded(t, as_double(&b)), missing);
}

static struct value compare_value(const struct tree *n, struct value a, struct value b)
{
	const bool la = n->arg[0]->kind == LITERAL, lb = n->arg[1]->kind == LITERAL;
	struct value out = { .type = BITS, .missing = a.missing || b.missing };
	int order; /* -1, 0, 1; 2: none */

	if (!is_real(a.type) && !is_real(b.type)) {
		order = a.i < b.i ? -1 : a.i > b.i;
	} else {
		const enum quern_dtype t = common(&a, la, &b, lb);
		const double x = rounded(t, as_double(&a)), y = rounded(t, as_double(&b));

		order = isnan(x) || isnan(y) ? 2 : x < y ? -1 : x > y;
		out.missing |= order == 2 && nan_missing;
	}
	out.i = !strcmp(n->op, "<")    ? order == -1
		: !strcmp(n->op, "<=") ? order == -1 || order == 0
		: !strcmp(n->op, ">")  ? order == 1
		: !strcmp(n->op, ">=") ? order == 1 || order == 0
		: !strcmp(n->op, "==") ? order == 0
				       : order != 0;
	return out;
}

static struct value unary_value(const char *op, struct value a)
{
	const enum quern_dtype t = wide(a.type);

	if (!strcmp(op, "sqrt") || !strcmp(op, "exp")) {
		const double x = as_double(&a);

		return real_value(is_real(t) ? t : QUERN_F64, *op == 's' ? sqrt(x) : exp(x),
				  a.missing);
	}
	if (is_real(t))
		return real_value(t,
				  *op == '-'   ? -a.d
				  : *op == 'a' ? fabs(a.d)
				  : *op == 'f' ? floor(a.d)
				  : isnan(a.d) ? a.d
					       : (a.d > 0) - (a.d < 0),
				  a.missing);
	if (*op == '-')
		return int_value(QUERN_I64, -a.i, a.missing);
	if (*op == 'a')
		return int_value(t, a.i < 0 ? -a.i : a.i, a.missing);
	if (*op == 'f')
		return int_value(t, a.i, a.missing);
	return int_value(QUERN_I64, (a.i > 0) - (a.i < 0), a.missing);
}

static struct value logic_value(const char *op, struct value a, struct value b)
{
	const int decisive = *op == '|';
	struct value out = { .type = BITS };

	if ((!a.missing && a.i == decisive) || (!b.missing && b.i == decisive))
		out.i = decisive;
	else if (a.missing || b.missing)
		out.missing = true;
	else
		out.i = !decisive;
	return out;
}

static struct value where_value(const struct tree *n, struct value c, struct value a,
				struct value b)
{
	const bool la = n->arg[1]->kind == LITERAL, lb = n->arg[2]->kind == LITERAL;
	struct value chosen = c.i ? a : b;
	enum quern_dtype t;

	if (a.type == BITS && b.type == BITS)
		t = BITS;
	else if (is_real(a.type) || is_real(b.type))
		t = common(&a, la, &b, lb);
	else {
		a = literal_as_partner(n->arg[1], a, &b);
		b = literal_as_partner(n->arg[2], b, &a);
		t = wide(a.type) == QUERN_U64 && wide(b.type) == QUERN_U64 ? QUERN_U64 : QUERN_I64;
	}
	if (is_real(t))
		return real_value(t, as_double(&chosen), c.missing || chosen.missing);
	if (t == BITS)
		return (struct value){ .type = BITS,
				       .i = chosen.i,
				       .missing = c.missing || chosen.missing };
	return int_value(t, chosen.i, c.missing || chosen.missing);
}

static struct value evaluate(const struct tree *n, size_t i)
{
	struct value a = { .type = BITS }, b = a, c = a;

	if (n->kind == COLUMN)
		return column_value(n->column, i);
	if (n->kind == LITERAL)
		return n->literal;
	a = evaluate(n->arg[0], i);
	b = n->arg[1] ? evaluate(n->arg[1], i) : b;
	c = n->arg[2] ? evaluate(n->arg[2], i) : c;
	switch (n->kind) {
	case UNARY:
		return unary_value(n->op, a);
	case BINARY:
		return binary_value(n, a, b);
	case COMPARE:
		return compare_value(n, a, b);
	case LOGIC:
		return logic_value(n->op, a, b);
	case NOT:
		a.i = !a.i;
		return a;
	case MISSING:
		return (struct value){ .type = BITS, .i = a.missing || is_missing_nan(&a) };
	case ISNAN:
		return (struct value){ .type = BITS,
				       .i = is_real(a.type) && isnan(a.d),
				       .missing = a.missing };
	case ISFINITE:
		return (struct value){ .type = BITS,
				       .i = !is_real(a.type) || isfinite(a.d),
				       .missing = a.missing };
	default:
		return where_value(n, a, b, c);
	}
}

/* --- random trees --- */

static struct tree *number(int depth, bool may_be_literal);

static struct tree *new_tree(enum kind kind, const char *op)
{
	struct tree *n = &pool[npool++];

	*n = (struct tree){ .kind = kind, .op = op };
	return n;
}

/* Numbers that all of the types hold. */
static struct tree *literal(void)
{
	static const double reals[] = { 0.1, 0.5, 2.5, 1e10, 300, 0 };
	struct tree *n = new_tree(LITERAL, "");

	if (random_below(&seed, 2))
		n->literal =
			(struct value){ .type = QUERN_F64, .d = reals[random_below(&seed, 6)] };
	else
		n->literal =
			(struct value){ .type = QUERN_I64, .i = (int128)random_below(&seed, 9) };
	return n;
}

static struct tree *condition(int depth)
{
	static const char *const compares[] = { "<", "<=", ">", ">=", "==", "!=" };
	static const char *const logics[] = { "&&", "||" };
	const uint64_t what = random_below(&seed, depth > 0 ? 9 : 3);
	struct tree *n;

	if (what < 3 || npool > MOST_NODES - 12) {
		n = new_tree(COMPARE, compares[random_below(&seed, 6)]);
		n->arg[0] = number(depth - 1, false);
		n->arg[1] = number(depth - 1, true);
	} else if (what < 6) {
		n = new_tree(LOGIC, logics[random_below(&seed, 2)]);
		n->arg[0] = condition(depth - 1);
		n->arg[1] = condition(depth - 1);
	} else if (what < 7) {
		n = new_tree(NOT, "!");
		n->arg[0] = condition(depth - 1);
	} else {
		static const struct {
			enum kind kind;
			const char *op;
		} tests[] = { { MISSING, "missing" },
			      { ISNAN, "isnan" },
			      { ISFINITE, "isfinite" } };
		const uint64_t k = random_below(&seed, 3);

		n = new_tree(tests[k].kind, tests[k].op);
		n->arg[0] = number(depth - 1, false);
	}
	return n;
}

static struct tree *number(int depth, bool may_be_literal)
{
	static const char *const binaries[] = { "+", "-",   "*",   "/",	   "//",
						"%", "min", "max", "fmod", "hypot" };
	static const char *const unaries[] = { "-", "abs", "floor", "sign", "sqrt", "exp" };
	const uint64_t what = random_below(&seed, 10);
	struct tree *n;

	if (depth <= 0 || what < 2 || npool > MOST_NODES - 12) {
		if (may_be_literal && random_below(&seed, 3) == 0)
			return literal();
		n = new_tree(COLUMN, "");
		n->column = (int)random_below(&seed, NCOLUMNS);
	} else if (what < 7) {
		const bool swap = random_below(&seed, 4) == 0;

		n = new_tree(BINARY, binaries[random_below(&seed, 10)]);
		n->arg[swap] = number(depth - 1, false);
		n->arg[!swap] = number(depth - 1, true);
	} else if (what < 9) {
		n = new_tree(UNARY, unaries[random_below(&seed, 6)]);
		n->arg[0] = number(depth - 1, false);
	} else {
		n = new_tree(WHERE, "where");
		n->arg[0] = condition(depth - 1);
		n->arg[1] = number(depth - 1, false);
		n->arg[2] = number(depth - 1, true);
	}
	return n;
}

static void print(FILE *f, const struct tree *n)
{
	const bool is_call = n->op[0] >= 'a' && n->op[0] <= 'z';

	if (n->kind == COLUMN) {
		fputs(column_kinds[n->column].name, f);
	} else if (n->kind == LITERAL && is_real(n->literal.type)) {
		fprintf(f, "%#.17g", n->literal.d);
	} else if (n->kind == LITERAL) {
		fprintf(f, "%d", (int)n->literal.i);
	} else if (is_call || !n->arg[1]) {
		fprintf(f, "%s(", n->op);
		for (int i = 0; i < 3 && n->arg[i]; i++) {
			fputs(i ? ", " : "", f);
			print(f, n->arg[i]);
		}
		fputc(')', f);
	} else {
		fputc('(', f);
		print(f, n->arg[0]);
		fprintf(f, " %s ", n->op);
		print(f, n->arg[1]);
		fputc(')', f);
	}
}

/* --- columns --- */

static const int64_t edges[] = {
	0,   1,	    -1,	       2,	  7,	     -7,	127,	       -128,
	255, 32767, INT32_MAX, INT32_MIN, INT64_MAX, INT64_MIN, INT64_MAX - 1, INT64_C(1) << 53
};
static const double real_edges[] = { 0,	       -0.0,   1,    -1.5,     0.1,	  1e-40,
				     1e300,    -1e300, 3e38, INFINITY, -INFINITY, NAN,
				     16777217, 5e-324, 2.5,  -7 };

static void fill(struct quern_var *v, void *values, uint64_t *valid, size_t n, bool has_missing)
{
	const size_t size = qn_dtype_size(v->dtype);

	v->values = values;
	for (size_t i = 0; i < n; i++) {
		const bool is_edge = random_below(&seed, 3) == 0;
		const int64_t x = is_edge ? edges[random_below(&seed, 16)]
					  : (int64_t)random_below(&seed, 2001) - 1000;
		const double d = is_edge ? real_edges[random_below(&seed, 16)] : (double)x / 8;
		const float f = (float)d;

		memcpy((char *)values + i * size,
		       v->dtype == QUERN_F32   ? (const void *)&f
		       : v->dtype == QUERN_F64 ? (const void *)&d
					       : (const void *)&x,
		       size);
	}
	memset(valid, 0, QUERN_TILE_NELEMS / 8);
	v->valid = has_missing ? valid : NULL;
	v->nmissing = 0;
	for (size_t i = 0; has_missing && i < n; i++)
		if (random_below(&seed, 6))
			valid[i / 64] |= UINT64_C(1) << i % 64;
		else
			v->nmissing++;
}

static enum quern_status resolve(void *ctx, enum qn_program_kind kind, const char *name,
				 struct qn_program_operand *out, struct quern_message *err)
{
	(void)ctx;
	(void)kind;
	(void)err;
	for (int i = 0; i < NCOLUMNS; i++)
		if (!strcmp(column_kinds[i].name, name))
			*out = (struct qn_program_operand){ i, column_kinds[i].dtype, NULL, NULL };
	return QUERN_OK;
}

static const char *nth(const void *ctx, int i)
{
	(void)ctx;
	return i < NCOLUMNS ? column_kinds[i].name : NULL;
}

/* --- the comparison --- */

static bool equal(const struct value *v, const struct quern_var *got, size_t i)
{
	const bool missing = got->valid && !(got->valid[i / 64] >> i % 64 & 1);
	const void *values = got->values;

	if (missing != (v->missing || is_missing_nan(v)))
		return false;
	if (missing)
		return true;
	if (is_real(v->type)) {
		const double x = world_real(got, i);

		return (isnan(x) && isnan(v->d)) || !memcmp(&x, &v->d, sizeof(x));
	}
	if (v->type == BITS)
		return ((const uint8_t *)values)[i] == v->i;
	return v->type == QUERN_U64 ? ((const uint64_t *)values)[i] == (uint64_t)v->i
				    : ((const int64_t *)values)[i] == (int64_t)v->i;
}

static void check(const struct tree *root, const char *text, size_t n, const char *level)
{
	static const struct qn_program_names names = { .resolve = resolve, .nth = nth };
	struct quern_message err = { .status = QUERN_OK };
	struct qn_program *p = NULL;
	struct qn_program_result r;
	void *scratch;

	if (qn_program_compile("--expr", text, &names, QN_WANT_ANY, nan_missing, &p, &err))
		fail_msg("%s", err.text);
	scratch = qn_alloc_aligned(qn_program_scratch_nbytes(p));
	assert_non_null(scratch);
	memset(scratch, 0xa5, qn_program_scratch_nbytes(p));
	qn_program_run(p, columns, n, scratch, &r);
	for (size_t i = 0; i < n; i++) {
		const struct value v = evaluate(root, i);
		char got[64];

		if (root->kind == COLUMN)
			break;
		if (r.var.dtype == (v.type == BITS ? QUERN_U8 : v.type) && equal(&v, &r.var, i))
			continue;
		world_print(&r.var, i, got);
		fail_msg("%s on %s, element %zu of %zu, nan %s: %s %s instead of %s %s%.17g %lld",
			 text, level, i, n, nan_missing ? "missing" : "kept",
			 qn_dtype_name(r.var.dtype), got,
			 v.type == BITS ? "a condition" : qn_dtype_name(v.type),
			 v.missing ? "- " : "", v.d, (long long)v.i);
	}
	free(scratch);
	qn_program_free(p);
}

static void test_random(void **state)
{
	static const char *const levels[] = { "avx512", "avx2", "baseline" };
	static uint64_t values[NCOLUMNS][QUERN_TILE_NELEMS],
		valid[NCOLUMNS][QUERN_TILE_NELEMS / 64];

	(void)state;
	seed = random_seed(2024);
	for (int k = 0; k < NTREES; k++) {
		const size_t n = k % 50 ? 1 + (size_t)random_below(&seed, 150)
					: QUERN_TILE_NELEMS - (size_t)k;
		char *text = NULL;
		size_t nbytes = 0;
		struct tree *root;
		FILE *f = open_memstream(&text, &nbytes);

		assert_non_null(f);
		nan_missing = random_below(&seed, 2);
		for (int c = 0; c < NCOLUMNS; c++) {
			columns[c] = (struct quern_var){ .dtype = column_kinds[c].dtype };
			fill(&columns[c], values[c], valid[c], n, column_kinds[c].has_missing);
		}
		npool = 0;
		root = k % 3 ? number(4, false) : condition(4);
		print(f, root);
		fclose(f);
		for (int l = 0; l < 3; l++) {
			qn_cpu_choose(levels[l]);
			check(root, text, n, levels[l]);
		}
		free(text);
	}
	qn_cpu_choose(NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_random) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
