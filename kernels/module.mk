# kernels: one file each, part of libquern. MULTI_ISA: see src/base/isa.h.
LIB_SRCS +=
LIB_SRCS += kernels/moments.c kernels/powers.c kernels/sum.c
LIB_MULTI_ISA_SRCS +=
