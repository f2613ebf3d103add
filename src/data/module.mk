# src/data: sources of libquern. MULTI_ISA files are compiled once per instruction set (base/isa.h).
LIB_SRCS += src/data/select.c src/data/dataset.c src/data/mosaic.c src/data/storage.c
LIB_SRCS += src/data/cf.c src/data/feed.c src/data/feed_decode.c src/data/feed_panel.c \
	src/data/feed_read.c src/data/feed_tiles.c src/data/filter.c src/data/shuffle.c \
	src/data/swap.c src/data/view.c src/data/walk.c
LIB_MULTI_ISA_SRCS += src/data/cf_simd.c src/data/shuffle_simd.c src/data/swap_simd.c
