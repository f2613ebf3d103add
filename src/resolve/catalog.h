/*
 * resolve_catalog.h - a staged dataset: its shards, as the tables of the catalog have them. They are
 * not looked at, because most are on the disks of other hosts.
 */
#ifndef QN_RESOLVE_CATALOG_H
#define QN_RESOLVE_CATALOG_H

#include "data/catalog.h"
#include "data/mosaic.h"

/* Adds a virtual dataset to a mosaic, as qn_resolve does. *is: false, and nothing is done, if it is
   none that was staged. Not collective. */
enum quern_status qn_resolve_catalog(const struct qn_dataset *d, const uint64_t *origin,
				     struct qn_mosaic *m, bool *is, struct quern_message *err);

/* The tables of a catalog, checked. *is false: the file is none. Freed by qn_catalog_fini if *is.
   Not collective. */
enum quern_status qn_catalog_load(const char *file, struct qn_catalog *c, bool *is,
				  struct quern_message *err);

#endif
