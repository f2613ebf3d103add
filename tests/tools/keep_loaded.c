/*
 * keep_loaded.c - linked into programs built with sanitizers: plugins that MPI and hwloc load stay
 * loaded, so that the leak checker can name what they leaked and tests/tools/lsan.supp can match it.
 */
#include <dlfcn.h>

int dlclose(void *handle)
{
	(void)handle;
	return 0;
}
