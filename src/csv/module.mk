# src/csv: sources of libquern.
LIB_SRCS += src/csv/csv.c
