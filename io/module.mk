# io: storage formats and filters, part of libquern. MULTI_ISA: see src/base/isa.h.
LIB_SRCS += io/filters.c io/filter_deflate.c io/filter_fletcher32.c io/filter_shuffle.c
LIB_MULTI_ISA_SRCS +=
