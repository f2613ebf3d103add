# src/select: sources of libquern.
LIB_SRCS += src/select/axis.c
LIB_SRCS += src/select/cover.c
LIB_SRCS += src/select/epoch.c
LIB_SRCS += src/select/over.c
LIB_SRCS += src/select/parts.c
LIB_SRCS += src/select/picks.c
LIB_SRCS += src/select/progression.c
LIB_SRCS += src/select/select.c
LIB_SRCS += src/select/span.c
LIB_SRCS += src/select/walk.c
