# src/data: sources of libquern.
LIB_SRCS += src/data/attributes.c
LIB_SRCS += src/data/catalog.c
LIB_SRCS += src/data/dataset.c
LIB_SRCS += src/data/external.c
LIB_SRCS += src/data/fill.c
LIB_SRCS += src/data/filter.c
LIB_SRCS += src/data/frame.c
LIB_SRCS += src/data/ground.c
LIB_SRCS += src/data/listing.c
LIB_SRCS += src/data/missing.c
LIB_SRCS += src/data/mosaic.c
LIB_SRCS += src/data/mosaic_unite.c
LIB_SRCS += src/data/reading.c
LIB_SRCS += src/data/sources.c
LIB_SRCS += src/data/sum.c
LIB_SRCS += src/data/sums.c
LIB_SRCS += src/data/sums_read.c
