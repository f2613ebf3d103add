/*
 * fill.h - fill values: what the elements are that nobody has stored.
 */
#ifndef QN_DATA_FILL_H
#define QN_DATA_FILL_H

#include "data/dataset.h"

/*
 * The elements beyond the stored ones, as a dataset without chunks that has the extent of the dimensions:
 * what netCDF has there is a fill value, and it is missing, in types without a default one too. All that
 * out points to is borrowed.
 */
void qn_fill_beyond(const struct qn_dataset *d, struct qn_dataset *out);

/* What netCDF fills variables with that have no _FillValue (NC_FILL_SHORT and so on in netcdf.h), in the
   form of struct qn_cf. False: it has no such type. */
bool qn_fill_default(const struct qn_type *t, bool as_unsigned, uint64_t *bits);

/* A value as the file stores it, in the form of struct qn_cf, and back. Not for floats of 2 bytes. */
uint64_t qn_fill_unstore(const struct qn_type *t, const uint8_t *stored);
void qn_fill_store(const struct qn_type *t, uint64_t bits, uint8_t *stored);

#endif
