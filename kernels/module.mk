# kernels: one file each, part of libquern. MULTI_ISA: see src/base/isa.h.
LIB_SRCS += kernels/blas.c
LIB_SRCS += kernels/count.c
LIB_SRCS += kernels/covariance.c
LIB_SRCS += kernels/covariance_panel.c
LIB_SRCS += kernels/histogram.c
LIB_SRCS += kernels/kernels.c
LIB_SRCS += kernels/minmax.c
LIB_SRCS += kernels/moments.c
LIB_SRCS += kernels/powers.c
LIB_SRCS += kernels/powers_rows.c
LIB_SRCS += kernels/sum.c
LIB_SRCS += kernels/topk.c
LIB_MULTI_ISA_SRCS += kernels/convert_simd.c
LIB_MULTI_ISA_SRCS += kernels/covariance_simd.c
LIB_MULTI_ISA_SRCS += kernels/histogram_simd.c
LIB_MULTI_ISA_SRCS += kernels/minmax_simd.c
LIB_MULTI_ISA_SRCS += kernels/powers_rows_simd.c
