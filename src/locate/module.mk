# src/locate: sources of libquern.
LIB_SRCS += src/locate/access.c
LIB_SRCS += src/locate/homes.c
LIB_SRCS += src/locate/homes_report.c
LIB_SRCS += src/locate/identity.c
LIB_SRCS += src/locate/probe.c
LIB_SRCS += src/locate/resident.c
