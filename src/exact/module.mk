# src/exact: sources of libquern. MULTI_ISA files are compiled once per instruction set (base/isa.h).
LIB_SRCS += src/exact/acc.c src/exact/power.c src/exact/power_float.c src/exact/power_int.c \
	src/exact/scheme.c src/exact/stats.c
LIB_MULTI_ISA_SRCS += src/exact/lanes_f32.c src/exact/lanes_f64.c src/exact/lanes_int.c \
	src/exact/lanes_split.c
