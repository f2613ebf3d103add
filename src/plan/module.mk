# src/plan: sources of libquern. MULTI_ISA files are compiled once per instruction set (base/isa.h).
LIB_SRCS += src/plan/cut.c src/plan/items.c src/plan/plan.c
LIB_MULTI_ISA_SRCS +=
