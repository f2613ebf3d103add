# src/feed: sources of libquern. MULTI_ISA files are compiled once per instruction set (base/isa.h).
LIB_SRCS += src/feed/cf.c
LIB_SRCS += src/feed/check.c
LIB_SRCS += src/feed/decode.c
LIB_SRCS += src/feed/expected_sums.c
LIB_SRCS += src/feed/feed.c
LIB_SRCS += src/feed/numa_watch.c
LIB_SRCS += src/feed/panel.c
LIB_SRCS += src/feed/read.c
LIB_SRCS += src/feed/shuffle.c
LIB_SRCS += src/feed/swap.c
LIB_SRCS += src/feed/tiles.c
LIB_SRCS += src/feed/view.c
LIB_MULTI_ISA_SRCS += src/feed/cf_simd.c
LIB_MULTI_ISA_SRCS += src/feed/shuffle_simd.c
LIB_MULTI_ISA_SRCS += src/feed/swap_simd.c
