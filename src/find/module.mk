# src/find: sources of libquern.
LIB_SRCS += src/find/axes.c
LIB_SRCS += src/find/axes_pack.c
LIB_SRCS += src/find/coordinate.c
LIB_SRCS += src/find/files.c
LIB_SRCS += src/find/join.c
LIB_SRCS += src/find/meaning.c
LIB_SRCS += src/find/resolve.c
LIB_SRCS += src/find/resolve_catalog.c
LIB_SRCS += src/find/resolve_raw.c
LIB_SRCS += src/find/resolve_sources.c
LIB_SRCS += src/find/resolve_virtual.c
LIB_SRCS += src/find/selection.c
LIB_SRCS += src/find/share.c
LIB_SRCS += src/find/stack.c
LIB_SRCS += src/find/subject.c
LIB_SRCS += src/find/warnings.c
