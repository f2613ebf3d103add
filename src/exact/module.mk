# src/exact: sources of libquern. MULTI_ISA files are compiled once per instruction set (base/isa.h).
LIB_SRCS += src/exact/acc.c
LIB_SRCS += src/exact/density.c
LIB_SRCS += src/exact/fraction.c
LIB_SRCS += src/exact/power.c
LIB_SRCS += src/exact/power_float.c
LIB_SRCS += src/exact/power_int.c
LIB_SRCS += src/exact/scheme.c
LIB_SRCS += src/exact/stats.c
LIB_SRCS += src/exact/stats_quick.c
LIB_SRCS += src/exact/words.c
LIB_MULTI_ISA_SRCS += src/exact/lanes_f32.c
LIB_MULTI_ISA_SRCS += src/exact/lanes_f64.c
LIB_MULTI_ISA_SRCS += src/exact/lanes_int.c
LIB_MULTI_ISA_SRCS += src/exact/lanes_integers.c
LIB_MULTI_ISA_SRCS += src/exact/lanes_split.c
