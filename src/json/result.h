/*
 * result.h - results as JSON.
 */
#ifndef QN_JSON_RESULT_H
#define QN_JSON_RESULT_H

#include <jansson.h>

#include "kernel/result.h"

/* An object of the fields; before them dims, shape and coords, of one that has rows. NULL: no memory. */
json_t *qn_json_result(const struct quern_result *r);

#endif
