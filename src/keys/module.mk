# src/keys: sources of libquern.
LIB_SRCS += src/keys/agree.c
LIB_SRCS += src/keys/bins.c
LIB_SRCS += src/keys/ends.c
LIB_SRCS += src/keys/flags.c
LIB_SRCS += src/keys/group.c
LIB_SRCS += src/keys/keys.c
LIB_SRCS += src/keys/match.c
LIB_SRCS += src/keys/named.c
LIB_SRCS += src/keys/nearby.c
LIB_SRCS += src/keys/parse.c
LIB_SRCS += src/keys/source.c
LIB_SRCS += src/keys/spans.c
LIB_SRCS += src/keys/together.c
