/*
 * topo_impl.h - the inside of a topology. Included by topo.c, pages.c and disks.c only.
 *
 *	topo.c		cores, NUMA nodes, pinning, memory of this process
 *	pages.c		pages of files
 *	disks.c		block devices
 */
#ifndef QN_CLUSTER_TOPO_IMPL_H
#define QN_CLUSTER_TOPO_IMPL_H

#include <hwloc.h>

#include "cluster/topo.h"

struct qn_topo {
	hwloc_topology_t hw;
	bool synthetic;
	size_t page_nbytes;
};

/* The node (logical index) of a page that is mapped; -1 when it is not in memory. set: scratch. */
int qn_topo_page_node(const struct qn_topo *t, const void *page, hwloc_bitmap_t set);

#endif
