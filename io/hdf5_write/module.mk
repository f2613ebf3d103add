# io/hdf5_write: sources of libquern.
LIB_SRCS += io/hdf5_write/axes.c
LIB_SRCS += io/hdf5_write/bins.c
LIB_SRCS += io/hdf5_write/catalog.c
LIB_SRCS += io/hdf5_write/cells.c
LIB_SRCS += io/hdf5_write/copy.c
LIB_SRCS += io/hdf5_write/describe.c
LIB_SRCS += io/hdf5_write/netcdf.c
LIB_SRCS += io/hdf5_write/shard.c
LIB_SRCS += io/hdf5_write/sink.c
LIB_SRCS += io/hdf5_write/variable.c
LIB_SRCS += io/hdf5_write/write.c
