/*
 * topo.h - the machine under a rank: cores, NUMA nodes, and pinning, by hwloc.
 *
 * The cores to use are decided from what the cgroup and the launcher's allocation permit, not from
 * mpirun's default binding, which would leave most of a workstation idle. Ranks of one host that
 * are permitted the same cores share them out in equal slices, NUMA node by NUMA node.
 */
#ifndef QN_CLUSTER_TOPO_H
#define QN_CLUSTER_TOPO_H

#include <sys/types.h>

#include "base/error.h"

#define QN_MAX_PUS 4096

struct qn_topo;

/* The cores of a rank, as the operating system numbers their first hardware thread. */
struct qn_cpus {
	uint64_t word[QN_MAX_PUS / 64];
};

/* Loads the topology of this machine. synthetic: an hwloc synthetic description ("numa:2 core:4
   pu:1") instead of it, or NULL. Not collective. */
enum quern_status qn_topo_new(const char *synthetic, struct qn_topo **out,
			      struct quern_message *err);
void qn_topo_free(struct qn_topo *t);

int qn_topo_nnodes(const struct qn_topo *t);
uint64_t qn_topo_memory(const struct qn_topo *t); /* bytes of the machine */

/* Hardware threads that this process may use: the launcher's, when mpirun has bound this process
   by its own default, and otherwise the process's own. */
void qn_topo_permitted(const struct qn_topo *t, struct qn_cpus *cpus);

/*
 * The slice of a rank: `all` holds the permitted sets of the nranks ranks of this host. Ranks with
 * the same set divide its cores (one hardware thread each) into contiguous runs in topology
 * order. A slice has at least one core: with more ranks than cores *oversubscribed is true and
 * cores are shared. Returns the number of cores in *slice. Pure.
 */
int qn_topo_slice(const struct qn_topo *t, const struct qn_cpus *all, int nranks, int rank,
		  struct qn_cpus *slice, bool *oversubscribed);

/* The NUMA node (logical index) that holds most of a set. */
int qn_topo_node_of(const struct qn_topo *t, const struct qn_cpus *cpus);

/* What a set has: NUMA nodes, counting those that share their cores once, cores, hardware threads. */
struct qn_extent {
	int nnodes, ncores, npus;
};
struct qn_extent qn_topo_extent(const struct qn_topo *t, const struct qn_cpus *cpus);

enum qn_bind { QN_BIND_NUMA, QN_BIND_CORE, QN_BIND_NONE };

/* Pins the calling thread, number `index` of a rank with this slice, to its core or to the part of
   the slice in one NUMA node, and its memory to that node. Failing is not an error: returns
   false. */
bool qn_topo_bind_thread(const struct qn_topo *t, const struct qn_cpus *slice, int index,
			 enum qn_bind bind);

/* The NUMA node (logical index) that the calling thread runs on; -1 when it cannot be known. */
int qn_topo_thread_node(const struct qn_topo *t);

/* The pages of an open file, to be looked at. False, and nothing to close: they cannot be known, for
   Linux says of a file that this user neither owns nor may write that all of it is resident. */
struct qn_pages {
	const struct qn_topo *topo; /* keeps */
	uint8_t *map;
	uint64_t nbytes;
	void *set;
};
bool qn_pages_open(const struct qn_topo *t, int fd, struct qn_pages *p);
void qn_pages_close(struct qn_pages *p);

/* Is a range of the file in memory, by a few sampled pages of it, at least by half? *node, when it is
   asked for: the NUMA node (logical index) of the first of them that is; else -1. About 1 us a page,
   and some 5 us for the node. */
bool qn_pages_look(const struct qn_pages *p, uint64_t offset, uint64_t nbytes, bool with_node,
		   int *node);

/* The NUMA node of the memory that holds a range of a file; -1 when none of the sampled pages is
   resident, or it cannot be known. */
int qn_topo_file_node(const struct qn_topo *t, int fd, uint64_t offset, uint64_t nbytes);

/* The block devices of this machine; NULL when nothing can be told of them. Takes as long as a
   topology with all devices: where there is one NUMA node it is not worth it. sys: where sysfs is
   (NULL: /sys). */
struct qn_disks;
struct qn_disks *qn_disks_new(const char *sys);
void qn_disks_free(struct qn_disks *d);

/* The NUMA node (logical index) that a device is at, by the st_dev of a file on it; -1: not known, or
   at several. d may be NULL. */
int qn_disks_node(struct qn_disks *d, dev_t device);

/* Samples a few pages of a block of this process's memory: adds to *npages those that are in memory,
   and to *nlocal those of them that are on a node. */
void qn_topo_count_pages(const struct qn_topo *t, const void *block, size_t nbytes, int node,
			 uint64_t *npages, uint64_t *nlocal);

/* Has a block of this process's memory on a node, that of the calling thread, which is bound: pages
   that are elsewhere are dropped, and are on the node when they are written to next; those at its ends
   are moved, with whatever else lies on them. The contents of the block are lost. Failing is not an
   error. */
void qn_topo_settle(const struct qn_topo *t, void *block, size_t nbytes, int node);

/* Describes the machine in a line: "2 packages, 2 NUMA nodes, 64 cores, 128 hardware threads". */
void qn_topo_describe(const struct qn_topo *t, char *out, size_t nbytes);

/* "0-3,8" from a set. */
void qn_cpus_format(const struct qn_cpus *cpus, char *out, size_t nbytes);

void qn_topo_version(char *out, size_t nbytes); /* of hwloc, "2.9.0" */

#endif
