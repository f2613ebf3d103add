#include "plan/rates.h"

const struct qn_rates qn_rates_default = QN_RATES_DEFAULT;

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
