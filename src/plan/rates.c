#include "plan/rates.h"

/*
 * Measured on one Zen 4 core with shuffled deflate of float32 (see bench/): a page-cache read into
 * a buffer that stays in cache 12 GB/s, decoding and absorbing 0.7 GB/s of decoded bytes, 1 us to
 * set up an item. Another node's memory has two thirds of the bandwidth (the usual SLIT distance of
 * 15 to 10). Disk: an NVMe device, 1.5 GB/s for one reader and 3 GB/s in all. Shared storage: what
 * one Lustre or NFS client thread gets, 0.5 GB/s; 2.5 GB/s a host (25 Gb/s), 50 GB/s in all.
 */
const struct qn_rates qn_rates_default = {
	.read = { 1 / 12e9, 1 / 8e9, 1 / 1.5e9, 1 / 1.4e9, 1 / 0.5e9 },
	.compute = 1 / 0.7e9,
	.item = 1e-6,
	.disk = 3e9,
	.shared_host = 2.5e9,
	.shared = 50e9,
};

static const struct {
	const char *name, *words;
} tiers[QN_NTIERS] = {
	[QN_MEMORY] = { "memory", "memory" },
	[QN_MEMORY_NEAR] = { "memory_near", "memory of another node" },
	[QN_DISK] = { "disk", "local disk" },
	[QN_DISK_NEAR] = { "disk_near", "local disk at another node" },
	[QN_SHARED] = { "shared", "shared storage" },
};

const char *qn_tier_words(enum qn_tier tier)
{
	return tiers[tier].words;
}

const char *qn_tier_name(enum qn_tier tier)
{
	return tiers[tier].name;
}
