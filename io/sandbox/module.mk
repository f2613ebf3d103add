# io/sandbox: sources of libquern.
LIB_SRCS += io/sandbox/calls.c
LIB_SRCS += io/sandbox/child.c
LIB_SRCS += io/sandbox/files.c
LIB_SRCS += io/sandbox/memory.c
LIB_SRCS += io/sandbox/serve.c
