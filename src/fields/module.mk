# src/fields: sources of libquern.
LIB_SRCS += src/fields/fields.c
