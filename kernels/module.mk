# kernels: one file each, part of libquern. MULTI_ISA: see src/base/isa.h.
LIB_SRCS +=
LIB_MULTI_ISA_SRCS +=
