#include "data/reading.h"

static _Thread_local struct qn_reading current;

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
