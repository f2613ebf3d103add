# src/proof: sources of libquern.
LIB_SRCS += src/proof/calls.c
LIB_SRCS += src/proof/globals.c
LIB_SRCS += src/proof/guard.c
LIB_SRCS += src/proof/tiling.c
LIB_SRCS += src/proof/proof.c
LIB_SRCS += src/proof/sample.c
