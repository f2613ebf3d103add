# src/crew: sources of libquern.
LIB_SRCS += src/crew/balance.c
LIB_SRCS += src/crew/crew.c
LIB_SRCS += src/crew/lease.c
LIB_SRCS += src/crew/queue.c
LIB_SRCS += src/crew/refusals.c
LIB_SRCS += src/crew/weigher.c
