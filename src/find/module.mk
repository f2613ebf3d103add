# src/find: sources of libquern.
LIB_SRCS += src/find/axes.c
LIB_SRCS += src/find/axes_named.c
LIB_SRCS += src/find/axes_pack.c
LIB_SRCS += src/find/axes_reduced.c
LIB_SRCS += src/find/axes_take.c
LIB_SRCS += src/find/coordinate.c
LIB_SRCS += src/find/coordinate_joined.c
LIB_SRCS += src/find/coordinate_values.c
LIB_SRCS += src/find/files.c
LIB_SRCS += src/find/join.c
LIB_SRCS += src/find/meaning.c
LIB_SRCS += src/find/selection.c
LIB_SRCS += src/find/share.c
LIB_SRCS += src/find/stack.c
LIB_SRCS += src/find/subject.c
LIB_SRCS += src/find/warnings.c
