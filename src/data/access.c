#include "data/access.h"

static _Thread_local struct qn_access current;

struct qn_access qn_access_of(const struct quern_options *o)
{
	return (struct qn_access){
		.metadata_seconds = (unsigned)quern_option_int(o, "metadata-timeout"),
		.chunk_seconds = (unsigned)quern_option_int(o, "chunk-timeout"),
		.allow_external = quern_option_flag(o, "allow-external"),
		.as_stored = quern_option_flag(o, "raw"),
	};
}

const struct qn_access *qn_access(void)
{
	return &current;
}

struct qn_access qn_access_set(struct qn_access a)
{
	struct qn_access before = current;

	current = a;
	return before;
}
