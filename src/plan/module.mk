# src/plan: sources of libquern. MULTI_ISA files are compiled once per instruction set (base/isa.h).
LIB_SRCS += src/plan/cut.c
LIB_SRCS += src/plan/divide.c
LIB_SRCS += src/plan/improve.c
LIB_SRCS += src/plan/items.c
LIB_SRCS += src/plan/lay.c
LIB_SRCS += src/plan/lumps.c
LIB_SRCS += src/plan/pieces.c
LIB_SRCS += src/plan/plan.c
LIB_SRCS += src/plan/rates.c
LIB_SRCS += src/plan/seating.c
LIB_SRCS += src/plan/simulate.c
LIB_SRCS += src/plan/simulate_lease.c
LIB_SRCS += src/plan/spread.c
LIB_MULTI_ISA_SRCS +=
