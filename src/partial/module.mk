# src/partial: sources of libquern.
LIB_SRCS += src/partial/complete.c
LIB_SRCS += src/partial/covers.c
LIB_SRCS += src/partial/job.c
LIB_SRCS += src/partial/make.c
LIB_SRCS += src/partial/partial.c
LIB_SRCS += src/partial/read.c
