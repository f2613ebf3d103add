/*
 * links.h - objects by their names, for files of which there are very many: the ways in which
 * almost all groups keep their links, symbol tables and link messages. Everything in the file is
 * hostile. False, here and below: the library must look; nothing is recorded.
 */
#ifndef QN_IO_HDF5_FORMAT_LINKS_H
#define QN_IO_HDF5_FORMAT_LINKS_H

#include "io/hdf5_format/raw.h"

/* A name that is looked for; length bytes of it, without '\0'. */
struct qn_h5_sought {
	const char *name;
	size_t length;
	uint64_t addr; /* of the object's header, absolute; left alone when it is not there */
};

/* Looks for n names at once in the group with its header at the absolute offset group. */
bool qn_h5_links_find(struct qn_h5_raw *r, uint64_t group, struct qn_h5_sought *sought, int n);

/* Takes a link: its name, length bytes of it, and the header that it leads to; QN_ADDR_NONE: it is no
   hard link. False: that is all that is wanted. */
typedef bool qn_h5_link_taker(void *ctx, const char *name, size_t length, uint64_t addr);

/* Shows the links of a group, as above; *all is false when `take` wanted no more. */
bool qn_h5_links_each(struct qn_h5_raw *r, uint64_t group, qn_h5_link_taker *take, void *ctx,
		      bool *all);

#endif
