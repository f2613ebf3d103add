# src/registry: sources of libquern.
LIB_SRCS += src/registry/cache.c
LIB_SRCS += src/registry/choice.c
LIB_SRCS += src/registry/compile.c
LIB_SRCS += src/registry/library.c
LIB_SRCS += src/registry/registry.c
LIB_SRCS += src/registry/run_command.c
LIB_SRCS += src/registry/shield.c
LIB_SRCS += src/registry/trust.c
