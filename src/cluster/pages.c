/*
 * pages.c - which pages of a file are in memory, and of which NUMA node.
 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/system.h"
#include "cluster/topo_impl.h"

#define FILE_SAMPLES 4

/* Does mincore tell this process the truth about a file? To others it says that all is resident, so
   that looking at pages would load them. */
static bool may_know(int fd)
{
	char path[64];
	struct stat s;

	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	return !geteuid() || (!qn_sys_fstat(fd, &s) && s.st_uid == geteuid()) ||
	       !qn_sys_faccessat(AT_FDCWD, path, W_OK, AT_EACCESS);
}

bool qn_pages_open(const struct qn_topo *t, int fd, struct qn_pages *p)
{
	struct stat s;

	*p = (struct qn_pages){ .topo = t };
	if (t->synthetic || qn_sys_fstat(fd, &s) || s.st_size < 1 || !may_know(fd))
		return false;
	p->nbytes = (uint64_t)s.st_size;
	p->set = hwloc_bitmap_alloc();
	p->map = qn_sys_mmap(NULL, (size_t)p->nbytes, PROT_READ, MAP_SHARED, fd, 0);
	if (p->set && p->map != MAP_FAILED)
		return true;
	if (p->map == MAP_FAILED)
		p->map = NULL;
	qn_pages_close(p);
	return false;
}

void qn_pages_close(struct qn_pages *p)
{
	if (p->map)
		qn_sys_munmap(p->map, (size_t)p->nbytes);
	hwloc_bitmap_free(p->set);
	*p = (struct qn_pages){ .map = NULL };
}

/* One page; touched first because only then it is mapped, and has a node. */
static bool is_resident(const struct qn_pages *p, uint8_t *page, bool with_node, int *node)
{
	unsigned char resident = 0;

	if (mincore(page, p->topo->page_nbytes, &resident) || !(resident & 1))
		return false;
	if (with_node && *node < 0) {
		(void)*(volatile uint8_t *)page;
		*node = qn_topo_page_node(p->topo, page, p->set);
	}
	return true;
}

bool qn_pages_look(const struct qn_pages *p, uint64_t offset, uint64_t nbytes, bool with_node,
		   int *node)
{
	const uint64_t size = p->topo->page_nbytes;
	uint64_t end, from = offset / size, n, nsamples, most, nyes = 0, nno = 0;

	*node = -1;
	if (!nbytes || offset >= p->nbytes)
		return false;
	end = qn_min_u64(nbytes, p->nbytes - offset) + offset;
	n = qn_ceil_div(end, size) - from;
	nsamples = qn_min_u64(n, FILE_SAMPLES);
	most = nsamples / 2;
	/* Chunks are written by one process, mostly: a few pages tell. */
	for (uint64_t i = 0; i < nsamples && nyes < nsamples - most && nno <= most; i++)
		*(is_resident(p, p->map + (from + n * i / nsamples) * size, with_node, node)
			  ? &nyes
			  : &nno) += 1;
	return nno <= most;
}

int qn_topo_file_node(const struct qn_topo *t, int fd, uint64_t offset, uint64_t nbytes)
{
	struct qn_pages p;
	int node;

	if (!qn_pages_open(t, fd, &p))
		return -1;
	qn_pages_look(&p, offset, nbytes, true, &node);
	qn_pages_close(&p);
	return node;
}
