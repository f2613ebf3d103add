/*
 * ground.h - places on the ground, by the words of the attributes of coordinates.
 */
#ifndef QN_DATA_GROUND_H
#define QN_DATA_GROUND_H

#include <stdbool.h>

#include "base/names.h"

/* Units of a latitude or a longitude, as CF lists them? Plain degrees are for what has the standard_name. */
bool qn_units_are_north(const char *units);
bool qn_units_are_east(const char *units);

/* Is it a latitude, a longitude, or one of the two of a projection? attributes: name and text by turns, units beside
   them ("": none). */
bool qn_is_place(const struct qn_names *attributes, const char *units);

#endif
