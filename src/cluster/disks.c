/*
 * disks.c - the NUMA nodes of block devices: hwloc's I/O objects, found by the numbers of devices
 * through sysfs.
 */
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/system.h"
#include "cluster/topo_impl.h"

#define MOST_STACKED 8 /* devices on devices: RAID, volumes, encryption */
#define PATH_NBYTES  512

struct qn_disks {
	hwloc_topology_t hw; /* NULL: nothing can be told */
	char sys[PATH_NBYTES];
	dev_t last; /* asked for, */
	int node;   /* and the answer */
	bool asked;
};

struct qn_disks *qn_disks_new(const char *sys)
{
	struct qn_disks *d = qn_calloc(1, sizeof(*d));

	if (!d || hwloc_topology_init(&d->hw)) {
		free(d);
		return NULL;
	}
	snprintf(d->sys, sizeof(d->sys), "%s", sys ? sys : "/sys");
	hwloc_topology_set_all_types_filter(d->hw, HWLOC_TYPE_FILTER_KEEP_STRUCTURE);
	hwloc_topology_set_io_types_filter(d->hw, HWLOC_TYPE_FILTER_KEEP_IMPORTANT);
	if (hwloc_topology_load(d->hw)) {
		qn_disks_free(d);
		return NULL;
	}
	return d;
}

void qn_disks_free(struct qn_disks *d)
{
	if (d)
		hwloc_topology_destroy(d->hw);
	free(d);
}

/* The node of the device that hwloc knows by a name: -1 when it does not, or when it is as near to
   several. */
static int node_of_name(const struct qn_disks *d, const char *name)
{
	hwloc_obj_t o = NULL, at, node;

	while ((o = hwloc_get_next_osdev(d->hw, o)))
		if (o->attr->osdev.type == HWLOC_OBJ_OSDEV_BLOCK && o->name &&
		    !strcmp(o->name, name))
			break;
	at = o ? hwloc_get_non_io_ancestor_obj(d->hw, o) : NULL;
	if (!at || !at->nodeset || hwloc_bitmap_weight(at->nodeset) != 1)
		return -1;
	node = hwloc_get_numanode_obj_by_os_index(d->hw, (unsigned)hwloc_bitmap_first(at->nodeset));
	return node ? (int)node->logical_index : -1;
}

static int node_of_path(const struct qn_disks *d, const char *path, int depth);

/* What a device lies on: the node of all of them, or -1. */
static int node_of_slaves(const struct qn_disks *d, const char *device, int depth)
{
	char path[PATH_NBYTES];
	struct dirent *e;
	int common = -1;
	DIR *dir;

	if ((size_t)snprintf(path, sizeof(path), "%s/slaves", device) >= sizeof(path))
		return -1;
	dir = qn_sys_opendir(path);
	while (dir && (e = qn_sys_readdir(dir))) {
		int node;

		if (e->d_name[0] == '.' || (size_t)snprintf(path, sizeof(path), "%s/slaves/%s",
							    device, e->d_name) >= sizeof(path))
			continue;
		node = node_of_path(d, path, depth + 1);
		if (node < 0 || (common >= 0 && node != common)) {
			common = -1;
			break;
		}
		common = node;
	}
	if (dir)
		qn_sys_closedir(dir);
	return common;
}

/* path: of a device in sysfs, .../block/sda or, of a partition, .../block/sda/sda1. */
static int node_of_path(const struct qn_disks *d, const char *path, int depth)
{
	char *real = depth < MOST_STACKED ? qn_sys_realpath(path, NULL) : NULL, *name, *end;
	int node = -1;

	name = real ? strstr(real, "/block/") : NULL;
	if (name) {
		name += strlen("/block/");
		end = name + strcspn(name, "/");
		*end = '\0';
		node = node_of_name(d, name);
		if (node < 0)
			node = node_of_slaves(d, real, depth);
	}
	free(real);
	return node;
}

int qn_disks_node(struct qn_disks *d, dev_t device)
{
	char path[PATH_NBYTES + 64];

	if (!d)
		return -1;
	if (!d->asked || d->last != device) {
		snprintf(path, sizeof(path), "%s/dev/block/%u:%u", d->sys, major(device),
			 minor(device));
		d->node = node_of_path(d, path, 0);
		d->last = device;
		d->asked = true;
	}
	return d->node;
}
