/*
 * storage.c - what formats hand back.
 */
#include "data/storage.h"

#include <stdlib.h>

void qn_listing_fini(struct qn_listing *l)
{
	for (size_t i = 0; i < l->n; i++)
		free(l->path[i]);
	free(l->path);
	l->path = NULL;
	l->n = 0;
}
