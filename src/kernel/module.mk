# src/kernel: sources of libquern. MULTI_ISA files are compiled once per instruction set (base/isa.h).
LIB_SRCS += src/kernel/cells.c
LIB_SRCS += src/kernel/cells_pack.c
LIB_SRCS += src/kernel/collect.c
LIB_SRCS += src/kernel/fields.c
LIB_SRCS += src/kernel/kernel.c
LIB_SRCS += src/kernel/list.c
LIB_SRCS += src/kernel/order.c
LIB_SRCS += src/kernel/pick.c
LIB_SRCS += src/kernel/result.c
LIB_SRCS += src/kernel/result_pack.c
LIB_SRCS += src/kernel/rows.c
LIB_SRCS += src/kernel/seen.c
LIB_SRCS += src/kernel/several.c
LIB_SRCS += src/kernel/there.c
LIB_SRCS += src/kernel/tile.c
LIB_MULTI_ISA_SRCS += src/kernel/convert_simd.c
LIB_MULTI_ISA_SRCS += src/kernel/tile_simd.c
