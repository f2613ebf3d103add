# src/base: sources of libquern. MULTI_ISA files are compiled once per instruction set (base/isa.h).
LIB_SRCS += src/base/cpu.c src/base/error.c src/base/mem.c src/base/options.c
LIB_MULTI_ISA_SRCS +=
