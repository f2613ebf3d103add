# kernels: one file each, part of libquern. MULTI_ISA: see src/base/isa.h.
LIB_SRCS += kernels/count.c kernels/covariance.c kernels/histogram.c kernels/kernels.c kernels/minmax.c
LIB_SRCS += kernels/moments.c kernels/powers.c kernels/sum.c
LIB_MULTI_ISA_SRCS += kernels/convert_simd.c kernels/covariance_simd.c kernels/histogram_simd.c \
	kernels/minmax_simd.c
