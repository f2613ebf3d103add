# src/results: sources of libquern.
LIB_SRCS += src/results/list.c
LIB_SRCS += src/results/values.c
