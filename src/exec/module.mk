# src/exec: sources of libquern. MULTI_ISA files are compiled once per instruction set (base/isa.h).
LIB_SRCS += src/exec/crew.c
LIB_SRCS += src/exec/job.c
LIB_SRCS += src/exec/passes.c
LIB_SRCS += src/exec/queue.c
LIB_SRCS += src/exec/resolve.c
LIB_SRCS += src/exec/schedule.c
LIB_SRCS += src/exec/source.c
LIB_SRCS += src/exec/coordinate.c
LIB_SRCS += src/exec/verify.c
LIB_SRCS += src/exec/verify_crew.c
LIB_SRCS += src/exec/verify_notes.c
LIB_SRCS += src/exec/verify_sums.c
LIB_SRCS += src/exec/verify_way.c
LIB_SRCS += src/exec/resolve_raw.c
LIB_SRCS += src/exec/resolve_sources.c
LIB_SRCS += src/exec/resolve_virtual.c
LIB_MULTI_ISA_SRCS +=
