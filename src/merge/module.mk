# src/merge: sources of libquern.
LIB_SRCS += src/merge/add.c
LIB_SRCS += src/merge/agree.c
LIB_SRCS += src/merge/merge.c
LIB_SRCS += src/merge/unite.c
