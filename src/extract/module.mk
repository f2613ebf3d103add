# src/extract: sources of libquern.
LIB_SRCS += src/extract/extract.c
LIB_SRCS += src/extract/format.c
