# src/json: sources of libquern.
LIB_SRCS += src/json/json.c
LIB_SRCS += src/json/result.c
