# src/rolling: sources of libquern.
LIB_SRCS += src/rolling/find.c
LIB_SRCS += src/rolling/parse.c
LIB_SRCS += src/rolling/sweeps.c
LIB_SRCS += src/rolling/windows.c
