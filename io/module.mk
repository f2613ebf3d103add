# io: storage formats and filters, part of libquern.
include $(srcdir)/io/filter/module.mk
include $(srcdir)/io/hdf5_child/module.mk
include $(srcdir)/io/hdf5_format/module.mk
include $(srcdir)/io/hdf5_library/module.mk
include $(srcdir)/io/hdf5_write/module.mk
include $(srcdir)/io/reader/module.mk
include $(srcdir)/io/sandbox/module.mk
LIB_SRCS += io/formats.c
