# src: the engine, a folder a layer (lowest first; see README.md), and what is installed of it.
include $(srcdir)/src/base/module.mk
include $(srcdir)/src/exact/module.mk
include $(srcdir)/src/columns/module.mk
include $(srcdir)/src/cluster/module.mk
include $(srcdir)/src/data/module.mk
include $(srcdir)/src/select/module.mk
include $(srcdir)/src/feed/module.mk
include $(srcdir)/src/fields/module.mk
include $(srcdir)/src/kernel/module.mk
include $(srcdir)/src/elements/module.mk
include $(srcdir)/src/weighted/module.mk
include $(srcdir)/src/program/module.mk
include $(srcdir)/src/plan/module.mk
include $(srcdir)/src/describe/module.mk
include $(srcdir)/src/resolve/module.mk
include $(srcdir)/src/find/module.mk
include $(srcdir)/src/keys/module.mk
include $(srcdir)/src/formula/module.mk
include $(srcdir)/src/grouping/module.mk
include $(srcdir)/src/rolling/module.mk
include $(srcdir)/src/locate/module.mk
include $(srcdir)/src/crew/module.mk
include $(srcdir)/src/run/module.mk
include $(srcdir)/src/schedule/module.mk
include $(srcdir)/src/lookup/module.mk
include $(srcdir)/src/results/module.mk
include $(srcdir)/src/csv/module.mk
include $(srcdir)/src/json/module.mk
include $(srcdir)/src/stage/module.mk
include $(srcdir)/src/verify/module.mk
include $(srcdir)/src/api/module.mk
include $(srcdir)/src/manual/module.mk
include $(srcdir)/src/cli/module.mk
include $(srcdir)/src/scaling/module.mk
include $(srcdir)/src/python/module.mk

PUBLIC_HEADERS = src/quern.h src/quern_kernel.h
