# kernels: one file each, part of libquern. MULTI_ISA: see src/base/isa.h.
include $(srcdir)/kernels/spells/module.mk
LIB_SRCS += kernels/blas.c
LIB_SRCS += kernels/count.c
LIB_SRCS += kernels/cov.c
LIB_SRCS += kernels/covariance.c
LIB_SRCS += kernels/covariance_panel.c
LIB_SRCS += kernels/histogram.c
LIB_SRCS += kernels/kernels.c
LIB_SRCS += kernels/mean.c
LIB_SRCS += kernels/min.c
LIB_SRCS += kernels/minmax.c
LIB_SRCS += kernels/moments.c
LIB_SRCS += kernels/pairs.c
LIB_SRCS += kernels/powers.c
LIB_SRCS += kernels/powers_rows.c
LIB_SRCS += kernels/powers_weighted.c
LIB_SRCS += kernels/quantiles.c
LIB_SRCS += kernels/regress.c
LIB_SRCS += kernels/sum.c
LIB_SRCS += kernels/topk.c
LIB_MULTI_ISA_SRCS += kernels/covariance_simd.c
LIB_MULTI_ISA_SRCS += kernels/histogram_simd.c
LIB_MULTI_ISA_SRCS += kernels/minmax_simd.c
