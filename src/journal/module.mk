# src/journal: sources of libquern.
LIB_SRCS += src/journal/journal.c
LIB_SRCS += src/journal/keeping.c
LIB_SRCS += src/journal/record.c
