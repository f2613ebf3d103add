# src/weighted: sources of libquern. MULTI_ISA files are compiled once per instruction set (base/isa.h).
LIB_SRCS += src/weighted/big.c
LIB_SRCS += src/weighted/cosine.c
LIB_SRCS += src/weighted/pairs.c
LIB_SRCS += src/weighted/stats.c
LIB_SRCS += src/weighted/sums.c
LIB_SRCS += src/weighted/sums_rows.c
LIB_MULTI_ISA_SRCS += src/weighted/products_simd.c
