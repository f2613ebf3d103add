# io/hdf5_child: sources of libquern.
LIB_SRCS += io/hdf5_child/batch.c
LIB_SRCS += io/hdf5_child/child.c
LIB_SRCS += io/hdf5_child/errand.c
LIB_SRCS += io/hdf5_child/format.c
LIB_SRCS += io/hdf5_child/grants.c
LIB_SRCS += io/hdf5_child/read.c
LIB_SRCS += io/hdf5_child/serve.c
LIB_SRCS += io/hdf5_child/stage.c
