# src/describe: sources of libquern.
LIB_SRCS += src/describe/describe.c
LIB_SRCS += src/describe/pieces.c
LIB_SRCS += src/describe/same.c
LIB_SRCS += src/describe/values.c
LIB_SRCS += src/describe/values_noted.c
