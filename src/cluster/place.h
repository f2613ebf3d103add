/*
 * place.h - where a rank runs.
 */
#ifndef QN_CLUSTER_PLACE_H
#define QN_CLUSTER_PLACE_H

#include <stdint.h>

struct qn_place {
	uint32_t host;	   /* a number below some small multiple of the number of hosts */
	uint32_t node;	   /* NUMA node of the host, by its order in the topology */
	uint32_t nthreads; /* > 0 */
};

#endif
