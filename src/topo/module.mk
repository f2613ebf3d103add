# src/topo: sources of libquern. MULTI_ISA files are compiled once per instruction set (base/isa.h).
LIB_SRCS += src/topo/disks.c
LIB_SRCS += src/topo/pages.c
LIB_SRCS += src/topo/room.c
LIB_SRCS += src/topo/topo.c
LIB_MULTI_ISA_SRCS +=
