# src/cluster: sources of libquern.
LIB_SRCS += src/cluster/comm.c
LIB_SRCS += src/cluster/disks.c
LIB_SRCS += src/cluster/host.c
LIB_SRCS += src/cluster/mailbox.c
LIB_SRCS += src/cluster/pages.c
LIB_SRCS += src/cluster/rates.c
LIB_SRCS += src/cluster/room.c
LIB_SRCS += src/cluster/share.c
LIB_SRCS += src/cluster/site.c
LIB_SRCS += src/cluster/team.c
LIB_SRCS += src/cluster/topo.c
