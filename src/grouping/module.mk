# src/grouping: sources of libquern.
LIB_SRCS += src/grouping/ahead.c
LIB_SRCS += src/grouping/computed.c
LIB_SRCS += src/grouping/grouper.c
LIB_SRCS += src/grouping/numbers.c
LIB_SRCS += src/grouping/settle.c
LIB_SRCS += src/grouping/values.c
