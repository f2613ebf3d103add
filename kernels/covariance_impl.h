/*
 * covariance_impl.h - what the parts of covariance share. Included by covariance*.c only.
 *
 *	covariance.c         the kernel: its passes, their states, the result
 *	covariance_panel.c   from a tile to sums of products, by BLAS, and to the state
 *	covariance_simd.c    the loops besides dsyrk
 */
#ifndef QN_KERNELS_COVARIANCE_IMPL_H
#define QN_KERNELS_COVARIANCE_IMPL_H

#include "exact/acc.h"
#include "blas.h"
#include "kernel/convert_simd.h"
#include "covariance_simd.h"
#include "quern_kernel.h"

/* Rows of a sub-panel. Many, so that adding its K^2 / 2 sums to the state costs little beside the
   K^2 products a row that made them; few, as they bound the error. */
#define QN_COV_SUB_PANEL_NROWS 2048

enum qn_cov_pass { QN_COV_SAMPLE, QN_COV_RANGES, QN_COV_PRODUCTS };

/* What the state begins with: in all passes the first two, in that of products the third. */
enum { QN_COV_NSAMPLES, QN_COV_NMISSING, QN_COV_MISFITS };
#define QN_COV_RANGES_HEAD   2
#define QN_COV_PRODUCTS_HEAD 3

/* What the passes found, sent from rank 0. Arrays of K numbers follow it. */
struct qn_cov_found {
	int64_t pass;	    /* the current one */
	int64_t is_sampled; /* m and e are from a part of the samples */
	int64_t nsamples, nmissing;
	int64_t any_dropped; /* a feature has values that are not finite */
};

struct qn_covariance {
	enum quern_dtype dtype;
	bool drop_nan;
	int sample_dim;
	uint64_t nrows; /* selected samples */
	size_t k;	/* number of features */
	double unit;	/* of the sums of ranges: see choose_unit */
	struct qn_acc_form form;
	int point; /* of the fixed-point numbers of products */
	size_t piece_nrows, block_nrows;
	struct qn_cov_found *found; /* owned, with the arrays below behind it */
	size_t found_nbytes;
	double *mean;	       /* the m of a feature; if it is left out, what to report as mean */
	double *scale, *shift; /* z = x * scale - shift; 0 for features left out */
	int64_t *exponent;     /* e */
	void (*range)(const double *, size_t, size_t, double, const struct qn_cov_ranges *);
	void (*scale_rows)(double *, size_t, size_t, const double *, const double *, double *);
	bool (*all_finite)(const double *, size_t);
	void (*add)(const double *, size_t, int, int64_t *, int64_t *);
	qn_convert_fn *convert;
	struct qn_blas blas;
	int blas_nthreads; /* before open; 0: not changed */
};

/* Numbers in a lower triangle with its diagonal. */
static inline size_t qn_cov_triangle(size_t k)
{
	return k * (k + 1) / 2;
}

/* Words of the state of ranges before the keys, and of that of products for each of hi and lo. */
static inline size_t qn_cov_nwords_of_sums(const struct qn_covariance *c)
{
	return QN_COV_RANGES_HEAD + c->k * (size_t)c->form.nlimbs;
}

static inline size_t qn_cov_nwords_of_products(const struct qn_covariance *c)
{
	return qn_cov_triangle(c->k) + c->k;
}

/* Chooses code for this processor, and the sizes of pieces and blocks. is_transposed: the samples
   are the fastest dimension. */
void qn_cov_panel_init(struct qn_covariance *c, bool is_transposed);

/* Slots of the kernel. */
size_t qn_cov_scratch(const void *self);
void qn_cov_absorb(const void *self, int64_t *state, void *scratch, const struct quern_tile *tile);

#endif
