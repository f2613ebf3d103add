#include "io/sandbox/memory.h"

#include <errno.h>
#include <stdbool.h>
#include <sys/mman.h>
#include <sys/resource.h>

#include "base/system.h"

static void *map(int fd, uint64_t nbytes, int flags)
{
	void *p = qn_sys_mmap(NULL, nbytes, PROT_READ | PROT_WRITE,
			      MAP_SHARED | MAP_NORESERVE | flags, fd, 0);

	return p == MAP_FAILED ? NULL : p;
}

/* A file that is larger than files may be is a signal. */
static bool may_be(uint64_t nbytes)
{
	struct rlimit r;

	if (getrlimit(RLIMIT_FSIZE, &r) != 0 || r.rlim_cur == RLIM_INFINITY || r.rlim_cur >= nbytes)
		return true;
	errno = EFBIG;
	return false;
}

void *qn_memory_new(uint64_t nbytes, int *fd)
{
	void *p = NULL;

	if (!fd)
		return map(-1, nbytes, MAP_ANONYMOUS);
	*fd = may_be(nbytes) ? memfd_create("quern", MFD_CLOEXEC) : -1;
	if (*fd < 0)
		return NULL;
	if (qn_sys_ftruncate(*fd, (off_t)nbytes) == 0)
		p = map(*fd, nbytes, 0);
	if (!p) {
		qn_sys_close(*fd);
		*fd = -1;
	}
	return p;
}

void *qn_memory_of(int fd, uint64_t nbytes)
{
	return map(fd, nbytes, 0);
}

void qn_memory_free(void *at, uint64_t nbytes)
{
	if (at)
		qn_sys_munmap(at, nbytes);
}
