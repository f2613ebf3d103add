/*
 * filter.c - looks up the table of filters.
 */
#include "data/storage.h"

const struct qn_filter *qn_filter_find(uint32_t id)
{
	for (const struct qn_filter *f = qn_filters; f->id != 0; f++)
		if (f->id == id)
			return f;
	return NULL;
}
