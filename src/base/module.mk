# src/base: sources of libquern.
LIB_SRCS += src/base/calendar.c
LIB_SRCS += src/base/cond.c
LIB_SRCS += src/base/cpu.c
LIB_SRCS += src/base/error.c
LIB_SRCS += src/base/file.c
LIB_SRCS += src/base/fp.c
LIB_SRCS += src/base/least.c
LIB_SRCS += src/base/mem.c
LIB_SRCS += src/base/names.c
LIB_SRCS += src/base/options.c
LIB_SRCS += src/base/process.c
LIB_SRCS += src/base/publish.c
LIB_SRCS += src/base/real.c
LIB_SRCS += src/base/rights.c
LIB_SRCS += src/base/system.c
LIB_SRCS += src/base/text.c
