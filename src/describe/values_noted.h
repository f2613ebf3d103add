/*
 * values_noted.h - values that were read, as an extract has them (extract/extract.h).
 */
#ifndef QN_DESCRIBE_VALUES_NOTED_H
#define QN_DESCRIBE_VALUES_NOTED_H

#include "describe/values.h"

/* More are not noted. */
#define QN_MOST_NOTED (UINT64_C(1) << 24)

/* Of a call that notes: adds the values, of all of a dataset, or of element *at alone. */
enum quern_status qn_values_note(const struct qn_dataset *d, const struct qn_view *view,
				 const uint64_t *at, const struct qn_values *v,
				 struct quern_message *err);

/* From an extract that stands for the files, into the room that there is. QUERN_ERR_DATA: it does not have them. */
enum quern_status qn_values_tell(const struct qn_dataset *d, const struct qn_view *view,
				 const uint64_t *at, struct qn_values *v,
				 struct quern_message *err);

#endif
