/*
 * rates.h - what work costs: the figures that a plan and a simulation predict with.
 */
#ifndef QN_PLAN_RATES_H
#define QN_PLAN_RATES_H

/* From where a rank reads an item, nearest first. */
enum qn_tier {
	QN_MEMORY,		/* of its own NUMA node */
	QN_MEMORY_NEAR,		/* of another node of its host */
	QN_DISK,		/* of its host: at its own node, or at none in particular */
	QN_DISK_NEAR,		/* of its host, at another node */
	QN_SHARED,		/* storage that every host reads over the network */
	QN_NTIERS
};

/* Seconds of one thread, and limits of what threads share. */
struct qn_rates {
	double read[QN_NTIERS];	/* seconds a stored byte */
	double compute;		/* seconds a decoded byte: to decode and absorb it */
	double item;		/* seconds an item, whatever its size */
	double disk;		/* bytes a second of the disks of one host; 0: no limit */
	double shared_host;	/* bytes a second that one host has from shared storage; 0: none */
	double shared;		/* bytes a second that shared storage has for all; 0: none */
};

extern const struct qn_rates qn_rates_default;

/* "memory", "memory of another node", ...; and as a name in documents: "memory_near". */
const char *qn_tier_words(enum qn_tier tier);
const char *qn_tier_name(enum qn_tier tier);

#endif
