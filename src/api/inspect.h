/*
 * inspect.h - what the layout of a dataset means for reading it: a part of `quern inspect`.
 */
#ifndef QN_API_INSPECT_H
#define QN_API_INSPECT_H

#include <jansson.h>

#include "data/dataset.h"

/*
 * Adds to the row of a dataset: ratio, chunk_bytes, bytes_resident, resident_sampled, selection,
 * sources_missing, missing_sources, warnings. fd: the file, or -1. select: NULL for none; QUERN_ERR_USAGE or
 * _DATA when it is wrong. *row: NULL without memory (json.h).
 */
enum quern_status qn_inspect_layout(json_t **row, const struct qn_dataset *d, int fd,
				    const char *select, struct quern_message *err);

#endif
