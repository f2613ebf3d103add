#include "cluster/rates.h"

#include <stddef.h>

const struct qn_rates qn_rates_default = QN_RATES_DEFAULT;

/* Bytes a second that one core decodes, as bench/codecs measures them on float32 of a smooth field,
   on a Zen 3; of nbit, scaleoffset, lzf and bzip2 what their tests show. */
static const struct {
	uint32_t id;
	double nbytes;
} speeds[] = {
	{ 1, 0.75e9 },	  /* deflate */
	{ 2, 12e9 },	  /* shuffle */
	{ 3, 5e9 },	  /* fletcher32 */
	{ 4, 0.23e9 },	  /* szip */
	{ 5, 0.5e9 },	  /* nbit */
	{ 6, 0.5e9 },	  /* scaleoffset */
	{ 307, 0.03e9 },  /* bzip2 */
	{ 32000, 0.5e9 }, /* lzf */
	{ 32001, 5.9e9 }, /* blosc */
	{ 32004, 7e9 },	  /* lz4 */
	{ 32008, 6e9 },	  /* bitshuffle */
	{ 32015, 1.5e9 }, /* zstd */
	{ 32026, 5e9 },	  /* blosc2 */
};
#define OTHER_SPEED  0.3e9 /* through the library of the format */
#define ABSORB_SPEED 20e9  /* in cache: sums at 40 GB/s, moments at 17 */

double qn_rates_compute(const uint32_t *filter, int nfilters)
{
	double seconds = 1 / ABSORB_SPEED;

	for (int i = 0; i < nfilters; i++) {
		double speed = OTHER_SPEED;

		for (size_t k = 0; k < sizeof(speeds) / sizeof(*speeds); k++)
			if (speeds[k].id == filter[i])
				speed = speeds[k].nbytes;
		seconds += 1 / speed;
	}
	return seconds;
}

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
