#include "blas.h"
#include "base/system.h"

#include <dlfcn.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <unistd.h>

#include <cblas.h>

/* For each thread that calls it, and for each that it starts. */
#define BLAS_NBYTES (UINT64_C(129) << 20)

/* Threads that OpenBLAS starts when it is loaded, and the one that loads it. */
static int64_t nown_threads(void)
{
	const char *n = getenv("OPENBLAS_NUM_THREADS");

	return n && atoi(n) > 0 ? atoi(n) : sysconf(_SC_NPROCESSORS_ONLN);
}

static enum quern_status check_room(int64_t nthreads, struct quern_message *message)
{
	const size_t nbytes = (size_t)(nthreads + nown_threads()) * BLAS_NBYTES;
	struct rlimit limit;
	void *room;

	if (getrlimit(RLIMIT_AS, &limit) || limit.rlim_cur == RLIM_INFINITY)
		return QUERN_OK;
	room = qn_sys_mmap(NULL, nbytes, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1,
			   0);
	if (room == MAP_FAILED)
		return quern_message_set(
			message, QUERN_ERR_RUN,
			"covariance: OpenBLAS takes 129 MiB of address space for each "
			"of %lld threads, and the limit of this process (ulimit -v) "
			"leaves less: raise it, or use fewer --threads",
			(long long)nthreads);
	qn_sys_munmap(room, nbytes);
	return QUERN_OK;
}

/* Functions cannot be converted from pointers to objects, but copied. */
static bool find(void *library, const char *name, void *function)
{
	void *p = dlsym(library, name);

	memcpy(function, &p, sizeof(p));
	return p != NULL;
}

enum quern_status qn_blas_load(int64_t nthreads, struct qn_blas *b, struct quern_message *message)
{
	enum quern_status status;
	void *library;

	/* What this file was compiled for is what is called. */
	_Static_assert(sizeof(CBLAS_ORDER) == sizeof(int) && sizeof(blasint) == sizeof(int),
		       "OpenBLAS with indexes of 32 bits");
	if (nthreads < 1)
		nthreads = sysconf(_SC_NPROCESSORS_ONLN);
	status = check_room(nthreads, message);
	if (status)
		return status;
	library = dlopen(QN_OPENBLAS, RTLD_NOW | RTLD_LOCAL | RTLD_NODELETE);
	if (!library)
		return quern_message_set(message, QUERN_ERR_RUN,
					 "covariance: OpenBLAS cannot be loaded: %s", dlerror());
	if (!find(library, "openblas_set_num_threads", &b->set_num_threads) ||
	    !find(library, "openblas_get_num_threads", &b->get_num_threads) ||
	    !find(library, "cblas_dsyrk", &b->dsyrk))
		return quern_message_set(message, QUERN_ERR_RUN,
					 "covariance: " QN_OPENBLAS " is no OpenBLAS: %s",
					 dlerror());
	return QUERN_OK;
}
