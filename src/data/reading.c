#include "data/reading.h"

static _Thread_local struct qn_reading current;

struct qn_reading qn_reading_of(const struct quern_options *o)
{
	return (struct qn_reading){
		.metadata_seconds = (unsigned)quern_option_int(o, "metadata-timeout"),
		.chunk_seconds = (unsigned)quern_option_int(o, "chunk-timeout"),
		.allow_external = quern_option_flag(o, "allow-external"),
		.as_stored = quern_option_flag(o, "raw"),
	};
}

const struct qn_reading *qn_reading(void)
{
	return &current;
}

struct qn_reading qn_reading_set(struct qn_reading a)
{
	struct qn_reading before = current;

	current = a;
	return before;
}
