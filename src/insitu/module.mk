# src/insitu: sources of libquern.
LIB_SRCS += src/insitu/absorb.c
LIB_SRCS += src/insitu/alike.c
LIB_SRCS += src/insitu/apart.c
LIB_SRCS += src/insitu/blocks.c
LIB_SRCS += src/insitu/reduction.c
LIB_SRCS += src/insitu/tables.c
