/*
 * rates.h - what work costs: the figures that a plan and a simulation predict with.
 */
#ifndef QN_CLUSTER_RATES_H
#define QN_CLUSTER_RATES_H

#include <stdint.h>

/* From where a rank reads an item, nearest first. */
enum qn_tier {
	QN_MEMORY,	/* of its own NUMA node */
	QN_MEMORY_NEAR, /* of another node of its host */
	QN_DISK,	/* of its host: at its own node, or at none in particular */
	QN_DISK_NEAR,	/* of its host, at another node */
	QN_SHARED,	/* storage that every host reads over the network */
	QN_NTIERS
};

/* Seconds of one thread, and limits of what threads share. */
struct qn_rates {
	double read[QN_NTIERS]; /* seconds a stored byte */
	double compute;		/* seconds a decoded byte: to decode and absorb it */
	double item;		/* seconds an item, whatever its size */
	double disk;		/* bytes a second of the disks of one host; 0: no limit */
	double shared_host;	/* bytes a second that one host has from shared storage; 0: none */
	double shared;		/* bytes a second that shared storage has for all; 0: none */
};

/* Seconds of a thread to undo the filters of a pipeline, by their registered numbers, and to absorb,
   for each decoded byte. */
double qn_rates_compute(const uint32_t *filter, int nfilters);

/*
 * Measured on one Zen 4 core with shuffled deflate of float32 (see bench/): a page-cache read into
 * a buffer that stays in cache 12 GB/s, decoding and absorbing 0.7 GB/s of decoded bytes, 1 us to
 * set up an item. Another node's memory has two thirds of the bandwidth (the usual SLIT distance of
 * 15 to 10). Disk: an NVMe device, 1.5 GB/s for one reader and 3 GB/s in all. Shared storage: what
 * one Lustre or NFS client thread gets, 0.5 GB/s; 2.5 GB/s a host (25 Gb/s), 50 GB/s in all.
 */
#define QN_RATES_DEFAULT                                                               \
	{                                                                              \
		.read = { 1 / 12e9, 1 / 8e9, 1 / 1.5e9, 1 / 1.4e9, 1 / 0.5e9 },        \
		.compute = 1 / 0.7e9, .item = 1e-6, .disk = 3e9, .shared_host = 2.5e9, \
		.shared = 50e9                                                         \
	}

extern const struct qn_rates qn_rates_default;

/* "memory", "memory of another node", ...; and as a name in documents: "memory_near". */
const char *qn_tier_words(enum qn_tier tier);
const char *qn_tier_name(enum qn_tier tier);

#endif
