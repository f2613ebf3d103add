/*
 * column_simd.c - passes over the elements of many rows; column_parts.h explains them.
 *
 * The numbers of parts and of vectors are constants wherever they are used, so that all sums of a
 * strip of rows are in registers, and loops over them are written out (column_sums.h).
 */
#include "base/bitmap.h"
#include "columns/column_sums.h"

#define STEP   QN_COLUMN_STEP
#define MASK48 ((UINT64_C(1) << STEP) - 1)
#define PARTS  QN_COLUMN_PARTS
/* The most vectors of rows in a strip; the vectors and rows of a short one. */
#define VECTORS 4
#define SHORT	2
#define ROWS	(SHORT * QN_VD)

/* --- floating point --- */

/* A strip of vectors: sums of x, and of its square. */
struct strip {
	struct qn_column_vsums x[VECTORS], square[VECTORS];
	/* Bits are set in `rest` if something was left of an element (but for the sign of zero), and
	   in `range`, from the exponent up, if it was too large. */
	qn_vq rest, range;
	/* Without these: bits of the largest magnitude, and of the smallest less one. */
	qn_vu largest, smallest;
};

/* The error of a square of float64 is too small for the highest part. If the square is less than any
   double, x shows that. */
QN_INLINE void put_square(struct strip *a, struct qn_column_vsums *s,
			  const struct qn_column_sum *to, qn_vd x, int n)
{
	const qn_vd square = x * x;

	a->rest |= (qn_vq)qn_vsums_put(s, to, square, n, &a->range);
	a->rest |= (qn_vq)qn_vsums_put(s, to, qn_vd_fma(x, x, -square), n - 1, NULL);
	a->rest |= (qn_vq)x & (qn_vq)(square == qn_vd_set(0.0));
}

/* Squares of float32 are doubles. */
QN_INLINE void put_single(struct strip *a, const struct qn_column_pass *p, qn_vd x, int v, int n1,
			  int n2, bool known)
{
	qn_vd left;

	if (n1) {
		left = qn_vsums_put(&a->x[v], &p->sum[0], x, n1, known ? NULL : &a->range);
		if (!known)
			a->rest |= (qn_vq)left;
	}
	if (n2) {
		left = qn_vsums_put(&a->square[v], &p->sum[1], x * x, n2, known ? NULL : &a->range);
		if (!known)
			a->rest |= (qn_vq)left;
	}
}

QN_INLINE void put_double(struct strip *a, const struct qn_column_pass *p, qn_vd x, int v, int n1,
			  int n2)
{
	if (n1)
		a->rest |= (qn_vq)qn_vsums_put(&a->x[v], &p->sum[0], x, n1, &a->range);
	if (n2)
		put_square(a, &a->square[v], &p->sum[1], x, n2);
}

/* Which elements of a strip are added in a step, a bit each: those that are valid, of rows that are kept. */
QN_INLINE uint32_t find_valid(const struct qn_column_pass *p, size_t i, size_t nrows, uint32_t keep)
{
	return p->valid ? (uint32_t)qn_bitmap_word(p->valid, p->bit + i, nrows) & keep : keep;
}

/* What is added: of which type; whether some of it is left out; into how many parts; whether magnitudes tell if it fits;
   the rows of a strip that are added to, a bit each. */
struct way {
	bool single, some;
	int n1, n2;
	bool known;
	uint32_t keep;
};
#define ALL_ROWS UINT32_MAX

/* Adds the v-th vector of a step, whose first element is `i`. */
QN_INLINE void add(struct strip *a, const struct qn_column_pass *p, size_t i, uint32_t valid, int v,
		   struct way w)
{
	const char *at = p->values +
			 (i + (size_t)v * QN_VD) * (w.single ? sizeof(float) : sizeof(double));
	qn_vd x = w.single ? qn_vd_load_f32((const float *)(const void *)at) : qn_vd_load(at);

	if (w.some)
		x = qn_vd_some(x, valid >> v * QN_VD);
	if (w.single)
		put_single(a, p, x, v, w.n1, w.n2, w.known);
	else
		put_double(a, p, x, v, w.n1, w.n2);
}

/* Looks at the magnitudes of the v-th vector of float32 of a step. */
QN_INLINE void look(struct strip *a, const struct qn_column_pass *p, size_t i, uint32_t valid,
		    int v, struct way w)
{
	qn_vu bits = qn_vu_load(p->values + (i + (size_t)v * QN_VF) * sizeof(float)) &
		     ~UINT32_C(0x80000000);

	if (w.some)
		bits = qn_vu_some(bits, valid >> v * QN_VF);

	a->largest = qn_vu_max(a->largest, bits);
	a->smallest = qn_vu_min(a->smallest, bits - 1);
}

QN_INLINE void take_both(struct strip *a, const struct qn_column_pass *p, size_t row, int v, int n1,
			 int n2)
{
	qn_vsums_take(&a->x[v], &p->sum[0], row + (size_t)v * QN_VD, n1);
	qn_vsums_take(&a->square[v], &p->sum[1], row + (size_t)v * QN_VD, n2);
}

QN_INLINE void give_both(const struct strip *a, const struct qn_column_pass *p, size_t row, int v,
			 bool single, int n1, int n2)
{
	qn_vsums_give(&a->x[v], &p->sum[0], row + (size_t)v * QN_VD, n1, p->nsteps, p->nsteps);
	qn_vsums_give(&a->square[v], &p->sum[1], row + (size_t)v * QN_VD, n2, p->nsteps,
		      (single ? 1 : 2) * p->nsteps);
}

/* CALL(v) for each vector of the strip. */
#define EACH_VECTOR(CALL)           \
	do {                        \
		CALL(0);            \
		CALL(1);            \
		if (nvectors > 2) { \
			CALL(2);    \
			CALL(3);    \
		}                   \
	} while (0)

/* Whether all of the strip fits. */
QN_INLINE bool fits(const struct strip *a, const struct qn_column_pass *p, bool known)
{
	if (known)
		return !qn_vq_any((qn_vq)(a->largest >= qn_vu_set(p->most)) |
				  (qn_vq)(a->smallest < qn_vu_set(p->least - 1)));
	return qn_vsums_fit(a->rest, a->range);
}

/* False, with nothing stored, if an element does not fit. With `known`, for float32, the magnitudes
   tell; otherwise what is left of the elements. */
QN_INLINE bool add_strip(const struct qn_column_pass *p, size_t row, int nvectors, struct way w)
{
	struct strip a;

	a.rest = a.range = (qn_vq){ 0 };
	a.largest = (qn_vu){ 0 };
	a.smallest = ~a.largest;
#define TAKE(v) take_both(&a, p, row, v, w.n1, w.n2)
#define ADD(v)	add(&a, p, i, valid, v, w)
#define GIVE(v) give_both(&a, p, row, v, w.single, w.n1, w.n2)
	EACH_VECTOR(TAKE);
	for (size_t s = 0; s < p->nsteps; s++) {
		const size_t i = s * p->stride + row;
		const uint32_t valid = w.some ? find_valid(p, i, (size_t)nvectors * QN_VD, w.keep)
					      : 0;

		EACH_VECTOR(ADD);
		if (w.known)
			look(&a, p, i, valid, 0, w);
		if (w.known && nvectors > 2)
			look(&a, p, i, valid, 1, w);
	}
	if (!fits(&a, p, w.known))
		return false;
	EACH_VECTOR(GIVE);
	return true;
}

typedef bool strip_fn(const struct qn_column_pass *p, size_t row);

/* Fewer rows than a short strip has, filled up with zeros. */
static bool add_tail(const struct qn_column_pass *p, size_t row, size_t size, strip_fn *full)
{
	char values[QN_COLUMN_MOST_NSTEPS * ROWS * sizeof(double)];
	int64_t sums[2][PARTS][ROWS] = { 0 };
	struct qn_column_pass q = *p;
	const size_t n = p->n - row;

	q.values = values;
	q.stride = ROWS;
	for (size_t s = 0; s < p->nsteps; s++) {
		memcpy(values + s * ROWS * size, p->values + (s * p->stride + row) * size,
		       n * size);
		memset(values + (s * ROWS + n) * size, 0, (ROWS - n) * size);
	}
	for (int k = 0; k < 2; k++)
		for (int j = 0; j < p->sum[k].nparts; j++) {
			q.sum[k].part[j] = sums[k][j];
			memcpy(sums[k][j], p->sum[k].part[j] + row, n * sizeof(int64_t));
		}
	if (!full(&q, 0))
		return false;
	for (int k = 0; k < 2; k++)
		for (int j = 0; j < p->sum[k].nparts; j++)
			memcpy(p->sum[k].part[j] + row, sums[k][j], n * sizeof(int64_t));
	return true;
}

/* A pass over float32 tries magnitudes first while it has credit: each strip for which they tell earns
   one, each other strip costs half of the most. */
#define CREDIT 8

/* Vectors of a strip: fewer where there are more sums a row. */
#define NVECTORS(n1, n2) ((n1) + (n2) > 2 ? SHORT : VECTORS)

/* Adds strips of so many vectors from row *row on, as long as there are that many rows. False: that at *row does
   not fit. */
QN_INLINE bool add_strips(const struct qn_column_pass *p, size_t *row, int nvectors, struct way w,
			  int *credit)
{
	const size_t nrows = (size_t)nvectors * QN_VD;
	struct way known = w;

	known.known = true;
	for (; *row + nrows <= p->n; *row += nrows) {
		if (*credit > 0 && add_strip(p, *row, nvectors, known)) {
			*credit += *credit < CREDIT;
			continue;
		}
		*credit -= CREDIT / 2;
		if (!add_strip(p, *row, nvectors, w))
			return false;
	}
	return true;
}

/* Adds the rows from `row` on, fewer than a strip has, as a strip that ends with them: what was added of it before is
   left out. Returns where it stopped: it was nowhere if there are fewer rows, or if one does not fit. */
QN_INLINE size_t add_rest(const struct qn_column_pass *p, size_t row, int nvectors, struct way w)
{
	const size_t nrows = (size_t)nvectors * QN_VD;

	if (row == p->n || p->n < nrows)
		return row;
	w.some = true;
	w.keep = ALL_ROWS << (row + nrows - p->n);
	return add_strip(p, p->n - nrows, nvectors, w) ? p->n : row;
}

/* strip_TYPE_n1_n2 and pass_TYPE_n1_n2: with n1 parts of x and n2 of its square; some_TYPE_n1_n2: of elements some of
   which are not valid. They work on a copy of *p, which the sums that they store cannot change. */
#define DEFINE(NAME, type, single, n1, n2)                                                    \
	static bool strip_##NAME##_##n1##_##n2(const struct qn_column_pass *p, size_t row)    \
	{                                                                                     \
		return add_strip(p, row, SHORT,                                               \
				 (struct way){ single, false, n1, n2, false, ALL_ROWS });     \
	}                                                                                     \
                                                                                              \
	static size_t some_##NAME##_##n1##_##n2(const struct qn_column_pass *p, size_t row)   \
	{                                                                                     \
		const struct way w = { single, true, n1, n2, false, ALL_ROWS };               \
		const struct qn_column_pass q = *p;                                           \
		int credit = single ? CREDIT : 0;                                             \
                                                                                              \
		if (!add_strips(&q, &row, NVECTORS(n1, n2), w, &credit))                      \
			return row;                                                           \
		return add_rest(&q, row, NVECTORS(n1, n2), w);                                \
	}                                                                                     \
                                                                                              \
	static size_t pass_##NAME##_##n1##_##n2(const struct qn_column_pass *p, size_t row)   \
	{                                                                                     \
		const struct way w = { single, false, n1, n2, false, ALL_ROWS };              \
		const struct qn_column_pass q = *p;                                           \
		int credit = single ? CREDIT : 0;                                             \
                                                                                              \
		if (!add_strips(&q, &row, NVECTORS(n1, n2), w, &credit))                      \
			return row;                                                           \
		if (NVECTORS(n1, n2) > SHORT && !add_strips(&q, &row, SHORT, w, &credit))     \
			return row;                                                           \
		row = add_rest(&q, row, SHORT, w);                                            \
		if (row < q.n && !add_tail(p, row, sizeof(type), strip_##NAME##_##n1##_##n2)) \
			return row;                                                           \
		return q.n;                                                                   \
	}

#define DEFINE_SUMS(NAME, type, single)  \
	DEFINE(NAME, type, single, 0, 1) \
	DEFINE(NAME, type, single, 0, 2) \
	DEFINE(NAME, type, single, 0, 3) \
	DEFINE(NAME, type, single, 1, 0) \
	DEFINE(NAME, type, single, 1, 1) \
	DEFINE(NAME, type, single, 1, 2) \
	DEFINE(NAME, type, single, 1, 3) \
	DEFINE(NAME, type, single, 2, 0) \
	DEFINE(NAME, type, single, 2, 1) \
	DEFINE(NAME, type, single, 2, 2) \
	DEFINE(NAME, type, single, 2, 3) \
	DEFINE(NAME, type, single, 3, 0) \
	DEFINE(NAME, type, single, 3, 1) \
	DEFINE(NAME, type, single, 3, 2) \
	DEFINE(NAME, type, single, 3, 3)

DEFINE_SUMS(f32, float, true)
DEFINE_SUMS(f64, double, false)

#define PASSES(NAME)                                                        \
	{                                                                   \
		{ NULL, NAME##_0_1, NAME##_0_2, NAME##_0_3 },               \
			{ NAME##_1_0, NAME##_1_1, NAME##_1_2, NAME##_1_3 }, \
			{ NAME##_2_0, NAME##_2_1, NAME##_2_2, NAME##_2_3 }, \
			{ NAME##_3_0, NAME##_3_1, NAME##_3_2, NAME##_3_3 }, \
	}

typedef size_t pass_fn(const struct qn_column_pass *p, size_t row);

/* --- integers --- */

/* Rows whose elements are added by loops that compilers turn into vector code. */
#define CHUNK 64

/* sum_NAME, square_NAME: adds the elements of CHUNK rows of a step. pass_NAME: of all, to the sum of
   that power. */
#define DEFINE_INT(NAME, type, product_t)                                           \
	QN_INLINE void sum_##NAME(const type *x, int64_t(*part)[CHUNK])             \
	{                                                                           \
		for (int i = 0; i < CHUNK; i++)                                     \
			part[0][i] += (int64_t)x[i];                                \
	}                                                                           \
                                                                                    \
	QN_INLINE void square_##NAME(const type *x, int64_t(*part)[CHUNK])          \
	{                                                                           \
		for (int i = 0; i < CHUNK; i++) {                                   \
			uint64_t q = (uint64_t)((product_t)x[i] * (product_t)x[i]); \
                                                                                    \
			part[0][i] += (int64_t)(sizeof(type) < 4 ? q : q & MASK48); \
			part[1][i] += (int64_t)(sizeof(type) < 4 ? 0 : q >> STEP);  \
		}                                                                   \
	}                                                                           \
	DEFINE_INT_PASS(NAME, type)

#define DEFINE_INT64(NAME, type)                                                         \
	QN_INLINE void sum_##NAME(const type *x, int64_t(*part)[CHUNK])                  \
	{                                                                                \
		for (int i = 0; i < CHUNK; i++) {                                        \
			part[0][i] += (int64_t)((uint64_t)x[i] & MASK48);                \
			part[1][i] += (int64_t)(x[i] >> STEP);                           \
		}                                                                        \
	}                                                                                \
                                                                                         \
	QN_INLINE void square_##NAME(const type *x, int64_t(*part)[CHUNK])               \
	{                                                                                \
		for (int i = 0; i < CHUNK; i++) {                                        \
			qn_u128 q = (qn_u128)((qn_i128)x[i]) * (qn_u128)((qn_i128)x[i]); \
                                                                                         \
			part[0][i] += (int64_t)((uint64_t)q & MASK48);                   \
			part[1][i] += (int64_t)((uint64_t)(q >> STEP) & MASK48);         \
			part[2][i] += (int64_t)(q >> 2 * STEP);                          \
		}                                                                        \
	}                                                                                \
	DEFINE_INT_PASS(NAME, type)

#define DEFINE_INT_PASS(NAME, type)                                                         \
	static void pass_##NAME(const struct qn_column_pass *p, size_t row, int power)      \
	{                                                                                   \
		const struct qn_column_sum *to = &p->sum[power - 1];                        \
		int64_t part[PARTS][CHUNK] = { { 0 } };                                     \
		type x[CHUNK] = { 0 };                                                      \
                                                                                            \
		for (size_t n; row < p->n; row += n) {                                      \
			n = p->n - row < CHUNK ? p->n - row : CHUNK;                        \
			for (int j = 0; j < to->nparts; j++)                                \
				memcpy(part[j], to->part[j] + row, n * sizeof(int64_t));    \
			for (size_t s = 0; s < p->nsteps; s++) {                            \
				memcpy(x, p->values + (s * p->stride + row) * sizeof(type), \
				       n * sizeof(type));                                   \
				if (power == 1)                                             \
					sum_##NAME(x, part);                                \
				else                                                        \
					square_##NAME(x, part);                             \
			}                                                                   \
			for (int j = 0; j < to->nparts; j++)                                \
				memcpy(to->part[j] + row, part[j], n * sizeof(int64_t));    \
		}                                                                           \
	}

DEFINE_INT(i8, int8_t, int32_t)
DEFINE_INT(u8, uint8_t, uint32_t)
DEFINE_INT(i16, int16_t, int32_t)
DEFINE_INT(u16, uint16_t, uint32_t)
DEFINE_INT(i32, int32_t, int64_t)
DEFINE_INT(u32, uint32_t, uint64_t)
DEFINE_INT64(i64, int64_t)
DEFINE_INT64(u64, uint64_t)

/* --- dispatch --- */

typedef void int_fn(const struct qn_column_pass *p, size_t row, int power);

size_t QN_ISA(qn_column_pass)(const struct qn_column_pass *p, size_t first)
{
	static pass_fn *const floats[2][2][PARTS + 1][PARTS + 1] = {
		{ PASSES(pass_f32), PASSES(some_f32) },
		{ PASSES(pass_f64), PASSES(some_f64) },
	};
	static int_fn *const integers[QUERN_NDTYPES] = {
		[QUERN_I8] = pass_i8,	[QUERN_U8] = pass_u8,	[QUERN_I16] = pass_i16,
		[QUERN_U16] = pass_u16, [QUERN_I32] = pass_i32, [QUERN_U32] = pass_u32,
		[QUERN_I64] = pass_i64, [QUERN_U64] = pass_u64,
	};

	if (!integers[p->dtype])
		return floats[p->dtype == QUERN_F64][p->valid != NULL][p->sum[0].nparts]
			     [p->sum[1].nparts](p, first);
	if (p->valid)
		return first;
	for (int power = 1; power <= 2; power++)
		if (p->sum[power - 1].nparts > 0)
			integers[p->dtype](p, first, power);
	return p->n;
}
