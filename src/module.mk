# src: the engine, a folder a layer (lowest first), and what is installed of it.
include $(srcdir)/src/base/module.mk
include $(srcdir)/src/exact/module.mk
include $(srcdir)/src/topo/module.mk
include $(srcdir)/src/comm/module.mk
include $(srcdir)/src/data/module.mk
include $(srcdir)/src/kernel/module.mk
include $(srcdir)/src/plan/module.mk
include $(srcdir)/src/exec/module.mk
include $(srcdir)/src/api/module.mk
include $(srcdir)/src/cli/module.mk

PUBLIC_HEADERS = src/quern.h src/quern_kernel.h
