#include "partial/partial.h"

#include <stdlib.h>
#include <string.h>

void qn_partial_init(struct qn_partial *p)
{
	*p = (struct qn_partial){ .name = NULL };
	qn_extract_init(&p->extract);
}

void qn_partial_fini(struct qn_partial *p)
{
	free(p->name);
	qn_names_fini(&p->texts);
	qn_names_fini(&p->files);
	free(p->file);
	for (int d = 0; d < QUERN_MAX_DIMS; d++)
		free(p->piece[d]);
	qn_extract_fini(&p->extract);
	for (size_t i = 0; i < p->nrecords; i++)
		qn_states_fini(&p->record[i].states);
	free(p->record);
	qn_partial_init(p);
}

const char *qn_partial_text(const struct qn_partial *p, const char *name)
{
	return qn_names_text(&p->texts, name);
}
