# src/supervise: runs with a journal that are started again until they are done.
LIB_SRCS += src/supervise/launch.c
LIB_SRCS += src/supervise/roster.c
LIB_SRCS += src/supervise/supervise.c
LIB_SRCS += src/supervise/verdict.c
LIB_SRCS += src/supervise/watch.c
