# src/run: sources of libquern.
LIB_SRCS += src/run/absorb.c
LIB_SRCS += src/run/account.c
LIB_SRCS += src/run/axes.c
LIB_SRCS += src/run/emit.c
LIB_SRCS += src/run/failover.c
LIB_SRCS += src/run/kept.c
LIB_SRCS += src/run/key_axes.c
LIB_SRCS += src/run/names.c
LIB_SRCS += src/run/memory.c
LIB_SRCS += src/run/once.c
LIB_SRCS += src/run/owners.c
LIB_SRCS += src/run/pass_key.c
LIB_SRCS += src/run/passes.c
LIB_SRCS += src/run/rolled.c
LIB_SRCS += src/run/run.c
LIB_SRCS += src/run/shown.c
LIB_SRCS += src/run/workers.c
