/*
 * met.h - the objects of a file that a walk has met, by their addresses. An object may have many
 * names, and a group may be below itself: who walks asks here first, and goes through each once.
 */
#ifndef QN_IO_HDF5_FORMAT_MET_H
#define QN_IO_HDF5_FORMAT_MET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define QN_H5_NOT_MET SIZE_MAX

/* Zeros are an empty one. */
struct qn_h5_met {
	uint64_t *addr; /* owned: in the order in which they were met */
	size_t n, room;
	size_t *slot;	/* owned: which of them, open addressing; or QN_H5_NOT_MET */
	unsigned nbits; /* there are 2^nbits slots; 0: none */
};

/* Which one the object at an address is; *is_new: it was not met before. QN_H5_NOT_MET: no memory. */
size_t qn_h5_met_add(struct qn_h5_met *met, uint64_t addr, bool *is_new);

/* The same without adding it; QN_H5_NOT_MET: it was not. */
size_t qn_h5_met_find(const struct qn_h5_met *met, uint64_t addr);

/* Leaves an empty one. */
void qn_h5_met_fini(struct qn_h5_met *met);

#endif
