/*
 * ground.c - CF Conventions 1.11: 4.1 and 4.2 for latitudes and longitudes, 5.6 for those of projections, chapter 4
 * for the attribute `axis`.
 */
#include "data/ground.h"

#include <string.h>

static bool is_one_of(const char *word, const char *const *words)
{
	for (; word && *words; words++)
		if (!strcmp(word, *words))
			return true;
	return false;
}

bool qn_units_are_north(const char *units)
{
	static const char *const all[] = { "degrees_north", "degree_north", "degrees_N", "degree_N",
					   "degreesN",	    "degreeN",	    NULL };

	return is_one_of(units, all);
}

bool qn_units_are_east(const char *units)
{
	static const char *const all[] = { "degrees_east", "degree_east", "degrees_E", "degree_E",
					   "degreesE",	   "degreeE",	  NULL };

	return is_one_of(units, all);
}

bool qn_is_place(const struct qn_names *attributes, const char *units)
{
	static const char *const names[] = { "latitude",
					     "longitude",
					     "grid_latitude",
					     "grid_longitude",
					     "projection_x_coordinate",
					     "projection_y_coordinate",
					     NULL };
	static const char *const axes[] = { "X", "Y", NULL };

	return qn_units_are_north(units) || qn_units_are_east(units) ||
	       is_one_of(qn_names_text(attributes, "standard_name"), names) ||
	       is_one_of(qn_names_text(attributes, "axis"), axes);
}
