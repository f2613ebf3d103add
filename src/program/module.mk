# src/program: sources of libquern. MULTI_ISA files are compiled once per instruction set (base/isa.h).
LIB_SRCS += src/program/build.c
LIB_SRCS += src/program/dates.c
LIB_SRCS += src/program/division.c
LIB_SRCS += src/program/emit.c
LIB_SRCS += src/program/functions.c
LIB_SRCS += src/program/lex.c
LIB_SRCS += src/program/library.c
LIB_SRCS += src/program/loops.c
LIB_SRCS += src/program/parse.c
LIB_SRCS += src/program/program.c
LIB_SRCS += src/program/run.c
LIB_SRCS += src/program/times.c
LIB_MULTI_ISA_SRCS += src/program/compare_simd.c
LIB_MULTI_ISA_SRCS += src/program/integer_simd.c
LIB_MULTI_ISA_SRCS += src/program/real_simd.c
