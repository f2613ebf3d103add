# src/lookup: sources of libquern.
LIB_SRCS += src/lookup/beside.c
LIB_SRCS += src/lookup/find.c
LIB_SRCS += src/lookup/wanted.c
