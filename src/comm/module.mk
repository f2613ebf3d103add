# src/comm: sources of libquern. MULTI_ISA files are compiled once per instruction set (base/isa.h).
LIB_SRCS += src/comm/comm.c
LIB_SRCS += src/comm/post.c
LIB_MULTI_ISA_SRCS +=
