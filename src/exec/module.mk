# src/exec: sources of libquern. MULTI_ISA files are compiled once per instruction set (base/isa.h).
LIB_SRCS += src/exec/crew.c src/exec/job.c src/exec/passes.c src/exec/queue.c src/exec/resolve.c \
	src/exec/schedule.c src/exec/source.c
LIB_MULTI_ISA_SRCS +=
