# src/api: sources of libquern. MULTI_ISA files are compiled once per instruction set (base/isa.h).
LIB_SRCS += src/api/catalogue.c src/api/document.c src/api/json.c src/api/result.c \
	src/api/run.c src/api/write.c
LIB_MULTI_ISA_SRCS +=
