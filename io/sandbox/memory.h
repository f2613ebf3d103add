/*
 * memory.h - memory that a child has too: one that is forked here by itself, another by a descriptor.
 */
#ifndef QN_IO_SANDBOX_MEMORY_H
#define QN_IO_SANDBOX_MEMORY_H

#include <stddef.h>
#include <stdint.h>

/* Zeros, of which nothing is taken before it is used. fd: NULL, or *fd becomes its descriptor, owned by the caller.
   NULL, with errno: there is none, and *fd is -1. */
void *qn_memory_new(uint64_t nbytes, int *fd);
/* In another process. */
void *qn_memory_of(int fd, uint64_t nbytes);
/* NULL is left alone. */
void qn_memory_free(void *at, uint64_t nbytes);

#endif
