# src/data: sources of libquern. MULTI_ISA files are compiled once per instruction set (base/isa.h).
LIB_SRCS += src/data/select.c src/data/dataset.c
LIB_MULTI_ISA_SRCS +=
