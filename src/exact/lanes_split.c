/*
 * lanes_split.c - the passes whose bins are a table: for higher powers, and for wide ranges of
 * magnitudes.
 *
 * A block of elements is split into parts, kept in the first-level cache; then each bin goes over
 * the parts that its terms are made of, with its lanes in registers, of which there are too few for
 * all bins at once.
 */
#include "exact/track.h"

/* Elements of a block: the parts of a block take 20 KiB at the most. */
#define BLOCK 256
/* Vectors of a bin, to hide the latency of its additions. */
#define NSETS 4
#define STEP  (NSETS * QN_VD)

_Static_assert(STEP <= QN_MAX_LANES, "lanes");
_Static_assert(BLOCK % STEP == 0 && BLOCK % QN_VF == 0, "steps");

typedef double part[BLOCK];

/* --- bins --- */

static void start_bins(const struct qn_cuts *cuts, struct qn_lanes *out)
{
	for (int b = 0; b < cuts->nbins; b++) {
		for (int i = 0; i < STEP; i++) {
			out->hi[b][i] = cuts->start[b];
			out->lo[b][i] = 0;
		}
	}
}

static void add_plain(const double *x, size_t n, double *lo)
{
	qn_vd l0 = qn_vd_load(lo), l1 = qn_vd_load(lo + QN_VD), l2 = qn_vd_load(lo + 2 * QN_VD),
	      l3 = qn_vd_load(lo + 3 * QN_VD);

	for (size_t i = 0; i < n; i += STEP) {
		l0 += qn_vd_load(x + i);
		l1 += qn_vd_load(x + i + QN_VD);
		l2 += qn_vd_load(x + i + 2 * QN_VD);
		l3 += qn_vd_load(x + i + 3 * QN_VD);
	}
	memcpy(lo, &l0, sizeof(l0));
	memcpy(lo + QN_VD, &l1, sizeof(l1));
	memcpy(lo + 2 * QN_VD, &l2, sizeof(l2));
	memcpy(lo + 3 * QN_VD, &l3, sizeof(l3));
}

QN_INLINE struct qn_float_cut load_cut(const double *hi, const double *lo, int set)
{
	return (struct qn_float_cut){ qn_vd_load(hi + set * QN_VD), qn_vd_load(lo + set * QN_VD) };
}

QN_INLINE void store_cut(struct qn_float_cut c, double *hi, double *lo, int set)
{
	memcpy(hi + set * QN_VD, &c.hi, sizeof(c.hi));
	memcpy(lo + set * QN_VD, &c.lo, sizeof(c.lo));
}

static void add_cut(const double *x, size_t n, double *hi, double *lo)
{
	struct qn_float_cut c0 = load_cut(hi, lo, 0), c1 = load_cut(hi, lo, 1),
			    c2 = load_cut(hi, lo, 2), c3 = load_cut(hi, lo, 3);

	for (size_t i = 0; i < n; i += STEP) {
		qn_cut_add(&c0, qn_vd_load(x + i));
		qn_cut_add(&c1, qn_vd_load(x + i + QN_VD));
		qn_cut_add(&c2, qn_vd_load(x + i + 2 * QN_VD));
		qn_cut_add(&c3, qn_vd_load(x + i + 3 * QN_VD));
	}
	store_cut(c0, hi, lo, 0);
	store_cut(c1, hi, lo, 1);
	store_cut(c2, hi, lo, 2);
	store_cut(c3, hi, lo, 3);
}

static void add_products(const double *x, const double *y, size_t n, double *hi, double *lo)
{
	struct qn_float_cut c0 = load_cut(hi, lo, 0), c1 = load_cut(hi, lo, 1),
			    c2 = load_cut(hi, lo, 2), c3 = load_cut(hi, lo, 3);

	for (size_t i = 0; i < n; i += STEP) {
		qn_cut_add_product(&c0, qn_vd_load(x + i), qn_vd_load(y + i));
		qn_cut_add_product(&c1, qn_vd_load(x + i + QN_VD), qn_vd_load(y + i + QN_VD));
		qn_cut_add_product(&c2, qn_vd_load(x + i + 2 * QN_VD),
				   qn_vd_load(y + i + 2 * QN_VD));
		qn_cut_add_product(&c3, qn_vd_load(x + i + 3 * QN_VD),
				   qn_vd_load(y + i + 3 * QN_VD));
	}
	store_cut(c0, hi, lo, 0);
	store_cut(c1, hi, lo, 1);
	store_cut(c2, hi, lo, 2);
	store_cut(c3, hi, lo, 3);
}

/* n: a multiple of STEP; what is past the elements is zero. */
static void add_bins(const part *parts, size_t n, const struct qn_cuts *cuts, struct qn_lanes *out)
{
	for (int b = 0; b < cuts->nbins; b++) {
		const struct qn_term *t = &cuts->term[b];

		if (t->kind == QN_BIN_PLAIN)
			add_plain(parts[t->x], n, out->lo[b]);
		else if (t->y == QN_NO_PART)
			add_cut(parts[t->x], n, out->hi[b], out->lo[b]);
		else
			add_products(parts[t->x], parts[t->y], n, out->hi[b], out->lo[b]);
	}
}

QN_INLINE void put(part *parts, int which, size_t i, qn_vd v)
{
	memcpy(&parts[which][i], &v, sizeof(v));
}

/* --- float32 --- */

/* last: the last part that is wanted, QN_F32_D or QN_F32_D2. */
QN_INLINE void split32(const float *x, size_t n, const struct qn_cuts *cuts, int last, part *parts)
{
	const qn_vd s0 = qn_vd_set(cuts->split[0]), s1 = qn_vd_set(cuts->split[1]);

	for (size_t i = 0; i < n; i += QN_VD) {
		qn_vd y = qn_vd_load_f32(x + i), q = y * y, c = qn_split(q, s0), d = q - c;

		put(parts, QN_F32_X, i, y);
		put(parts, QN_F32_Q, i, q);
		put(parts, QN_F32_C, i, c);
		put(parts, QN_F32_D, i, d);
		if (last == QN_F32_D)
			continue;
		c = qn_split(d, s1);
		put(parts, QN_F32_D1, i, c);
		put(parts, QN_F32_D2, i, d - c);
	}
}

QN_INLINE void pass32(const float *x, size_t n, const struct qn_cuts *cuts, int last,
		      struct qn_lanes *out)
{
	struct qn_extremes32 e = qn_no_extremes32();
	part parts[QN_F32_NPARTS];
	float pad[BLOCK];
	size_t i = 0;

	start_bins(cuts, out);
	for (; i + BLOCK <= n; i += BLOCK) {
		for (size_t k = 0; k < BLOCK; k += QN_VF)
			qn_track32(&e, x + i + k);
		split32(x + i, BLOCK, cuts, last, parts);
		add_bins(parts, BLOCK, cuts, out);
	}
	if (i < n) {
		size_t rest = n - i, k = 0;

		for (; k + QN_VF <= rest; k += QN_VF)
			qn_track32(&e, x + i + k);
		if (k < rest)
			qn_track_tail32(&e, x + i + k, rest - k);
		memset(pad, 0, sizeof(pad));
		memcpy(pad, x + i, rest * sizeof(*pad));
		rest = (rest + STEP - 1) / STEP * STEP;
		split32(pad, rest, cuts, last, parts);
		add_bins(parts, rest, cuts, out);
	}
	qn_finish32(&e, out);
}

#define DEFINE32(NAME, LAST)                                                   \
	void QN_ISA(NAME)(const void *x, size_t n, const struct qn_cuts *cuts, \
			  struct qn_lanes *out)                                \
	{                                                                      \
		pass32(x, n, cuts, LAST, out);                                 \
	}

DEFINE32(qn_pass_f32_cd, QN_F32_D)
DEFINE32(qn_pass_f32_cd1d2, QN_F32_D2)

/* --- float64 --- */

/* last: QN_F64_T, QN_F64_C or QN_F64_CC. */
QN_INLINE void split64(const double *x, size_t n, const struct qn_cuts *cuts, int last, part *parts)
{
	const qn_vd s0 = qn_vd_set(cuts->split[0]), s1 = qn_vd_set(cuts->split[1]);

	for (size_t i = 0; i < n; i += QN_VD) {
		qn_vd y = qn_vd_load(x + i), a = qn_split(y, s0), t = y - a, b = qn_split(t, s1),
		      c = t - b;

		put(parts, QN_F64_A, i, a);
		put(parts, QN_F64_T, i, t);
		if (last == QN_F64_T)
			continue;
		put(parts, QN_F64_B, i, b);
		put(parts, QN_F64_C, i, c);
		if (last == QN_F64_C)
			continue;
		put(parts, QN_F64_AA, i, a * a);
		put(parts, QN_F64_AB, i, a * b);
		put(parts, QN_F64_BB, i, b * b);
		put(parts, QN_F64_AC, i, a * c);
		put(parts, QN_F64_BC, i, b * c);
		put(parts, QN_F64_CC, i, c * c);
	}
}

QN_INLINE void pass64(const double *x, size_t n, const struct qn_cuts *cuts, int last,
		      struct qn_lanes *out)
{
	struct qn_extremes64 e = qn_no_extremes64();
	part parts[QN_F64_NPARTS];
	double pad[BLOCK];
	size_t i = 0;

	start_bins(cuts, out);
	for (; i + BLOCK <= n; i += BLOCK) {
		for (size_t k = 0; k < BLOCK; k += QN_VD)
			qn_track64(&e, qn_vd_load(x + i + k));
		split64(x + i, BLOCK, cuts, last, parts);
		add_bins(parts, BLOCK, cuts, out);
	}
	if (i < n) {
		size_t rest = n - i, k = 0;

		for (; k + QN_VD <= rest; k += QN_VD)
			qn_track64(&e, qn_vd_load(x + i + k));
		if (k < rest)
			qn_track_tail64(&e, x + i + k, rest - k);
		memset(pad, 0, sizeof(pad));
		memcpy(pad, x + i, rest * sizeof(*pad));
		rest = (rest + STEP - 1) / STEP * STEP;
		split64(pad, rest, cuts, last, parts);
		add_bins(parts, rest, cuts, out);
	}
	qn_finish64(&e, x, n, out);
}

#define DEFINE64(NAME, LAST)                                                   \
	void QN_ISA(NAME)(const void *x, size_t n, const struct qn_cuts *cuts, \
			  struct qn_lanes *out)                                \
	{                                                                      \
		pass64(x, n, cuts, LAST, out);                                 \
	}

DEFINE64(qn_pass_f64_at, QN_F64_T)
DEFINE64(qn_pass_f64_abc, QN_F64_C)
DEFINE64(qn_pass_f64_products, QN_F64_CC)
