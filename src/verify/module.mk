# src/verify: sources of libquern.
LIB_SRCS += src/verify/batch.c
LIB_SRCS += src/verify/notes.c
LIB_SRCS += src/verify/sums.c
LIB_SRCS += src/verify/verify.c
LIB_SRCS += src/verify/way.c
LIB_SRCS += src/verify/workers.c
