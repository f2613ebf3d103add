# src/elements: sources of libquern. MULTI_ISA files are compiled once per instruction set (base/isa.h).
LIB_SRCS += src/elements/part.c
LIB_MULTI_ISA_SRCS += src/elements/part_simd.c
