# src/schedule: sources of libquern.
LIB_SRCS += src/schedule/forecast.c
LIB_SRCS += src/schedule/scatter.c
LIB_SRCS += src/schedule/schedule.c
