/*
 * blas.h - OpenBLAS, loaded by the kernel that needs it.
 *
 * A program that is linked with OpenBLAS has it start a thread for each core before main, and take 128 MiB of
 * address space for the program and for each of them; where there is none it tries again for ever. Runs
 * that use none of it must neither pay for that nor wait.
 */
#ifndef QN_KERNELS_BLAS_H
#define QN_KERNELS_BLAS_H

#include "quern_kernel.h"

struct qn_blas {
	void (*set_num_threads)(int n);
	int (*get_num_threads)(void);
	/* cblas_dsyrk of cblas.h: order, triangle and transposition are its constants. */
	void (*dsyrk)(int order, int uplo, int trans, int n, int k, double alpha, const double *a,
		      int lda, double beta, double *c, int ldc);
};

/* nthreads: that will call it. QUERN_ERR_RUN: it is not there, or the limit of the address space leaves it no
   room. It stays loaded. */
enum quern_status qn_blas_load(int64_t nthreads, struct qn_blas *b, struct quern_message *message);

#endif
