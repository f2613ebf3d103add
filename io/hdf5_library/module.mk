# io/hdf5_library: sources of libquern.
LIB_SRCS += io/hdf5_library/about.c
LIB_SRCS += io/hdf5_library/ask.c
LIB_SRCS += io/hdf5_library/attr.c
LIB_SRCS += io/hdf5_library/cf.c
LIB_SRCS += io/hdf5_library/describe.c
LIB_SRCS += io/hdf5_library/dims.c
LIB_SRCS += io/hdf5_library/extent.c
LIB_SRCS += io/hdf5_library/file.c
LIB_SRCS += io/hdf5_library/follow.c
LIB_SRCS += io/hdf5_library/list.c
LIB_SRCS += io/hdf5_library/member.c
LIB_SRCS += io/hdf5_library/open.c
LIB_SRCS += io/hdf5_library/read.c
LIB_SRCS += io/hdf5_library/sources.c
LIB_SRCS += io/hdf5_library/type.c
LIB_SRCS += io/hdf5_library/walk.c
