/*
 * filters.c - the table of filters. A new one is a file beside this, and a row here.
 */
#include "filters.h"

#include <libdeflate.h>

const struct qn_filter qn_filters[] = {
	{
		.id = QN_FILTER_DEFLATE,
		.name = "deflate",
		.library = "libdeflate " LIBDEFLATE_VERSION_STRING,
		.state_new = qn_deflate_state_new,
		.state_free = qn_deflate_state_free,
		.decode = qn_deflate_decode,
	},
	{
		.id = QN_FILTER_SHUFFLE,
		.name = "shuffle",
		.library = "built in",
		.decode = qn_shuffle_decode,
	},
	{
		.id = QN_FILTER_FLETCHER32,
		.name = "fletcher32",
		.library = "built in",
		.decode = qn_fletcher32_decode,
	},
	{ .id = 0 },
};
