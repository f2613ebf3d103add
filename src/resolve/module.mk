# src/resolve: sources of libquern.
LIB_SRCS += src/resolve/catalog.c
LIB_SRCS += src/resolve/raw.c
LIB_SRCS += src/resolve/resolve.c
LIB_SRCS += src/resolve/sources.c
LIB_SRCS += src/resolve/virtual.c
