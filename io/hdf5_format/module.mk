# io/hdf5_format: sources of libquern.
LIB_SRCS += io/hdf5_format/alike.c
LIB_SRCS += io/hdf5_format/contiguous.c
LIB_SRCS += io/hdf5_format/header.c
LIB_SRCS += io/hdf5_format/index.c
LIB_SRCS += io/hdf5_format/index_btree1.c
LIB_SRCS += io/hdf5_format/index_btree2.c
LIB_SRCS += io/hdf5_format/index_extensible.c
LIB_SRCS += io/hdf5_format/index_fixed.c
LIB_SRCS += io/hdf5_format/known.c
LIB_SRCS += io/hdf5_format/layout.c
LIB_SRCS += io/hdf5_format/links.c
LIB_SRCS += io/hdf5_format/lookup3.c
LIB_SRCS += io/hdf5_format/met.c
LIB_SRCS += io/hdf5_format/names.c
LIB_SRCS += io/hdf5_format/raw.c
LIB_SRCS += io/hdf5_format/space.c
