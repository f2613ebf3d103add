# src/columns: sources of libquern. MULTI_ISA files are compiled once per instruction set (base/isa.h).
LIB_SRCS += src/columns/column.c
LIB_SRCS += src/columns/column_add.c
LIB_SRCS += src/columns/column_block.c
LIB_SRCS += src/columns/column_fold.c
LIB_SRCS += src/columns/column_pack.c
LIB_SRCS += src/columns/column_scatter.c
LIB_SRCS += src/columns/column_split.c
LIB_SRCS += src/columns/products.c
LIB_SRCS += src/columns/quotients.c
LIB_MULTI_ISA_SRCS += src/columns/column_blank.c
LIB_MULTI_ISA_SRCS += src/columns/column_simd.c
LIB_MULTI_ISA_SRCS += src/columns/products_simd.c
LIB_MULTI_ISA_SRCS += src/columns/quotients_simd.c
