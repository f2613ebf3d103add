# src/stage: sources of libquern.
LIB_SRCS += src/stage/cut.c
LIB_SRCS += src/stage/directory.c
LIB_SRCS += src/stage/hosts.c
LIB_SRCS += src/stage/keep.c
LIB_SRCS += src/stage/lock.c
LIB_SRCS += src/stage/move.c
LIB_SRCS += src/stage/progress.c
LIB_SRCS += src/stage/repair.c
LIB_SRCS += src/stage/shard.c
LIB_SRCS += src/stage/slabs.c
LIB_SRCS += src/stage/stage.c
LIB_SRCS += src/stage/sums.c
