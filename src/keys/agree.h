/*
 * agree.h - whether a dataset of another file lies where the data does: coordinates of the same dimensions.
 */
#ifndef QN_KEYS_AGREE_H
#define QN_KEYS_AGREE_H

#include "keys/source.h"

/*
 * Compares the coordinates of the dimensions of a source in another file, spec->file, with those of the subject
 * where it is selected. QUERN_ERR_DATA: they differ; the first difference is told. Times are compared as times.
 * *n: dimensions that have coordinates on both sides. Every rank returns the same status. Collective.
 */
enum quern_status qn_coordinates_agree(const struct qn_subject *subject, const struct qn_team *team,
				       const struct qn_key_spec *spec,
				       const struct qn_key_source *source, int *n,
				       struct quern_message *err);

#endif
