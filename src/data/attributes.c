#include "data/attributes.h"

#include <stddef.h>

const char *const qn_attribute_names[QN_NATTRIBUTES] = {
	[QN_FILL_VALUE] = "_FillValue",
	[QN_MISSING_VALUE] = "missing_value",
	[QN_VALID_RANGE] = "valid_range",
	[QN_VALID_MIN] = "valid_min",
	[QN_VALID_MAX] = "valid_max",
	[QN_SCALE_FACTOR] = "scale_factor",
	[QN_ADD_OFFSET] = "add_offset",
	[QN_UNSIGNED] = "_Unsigned",
	[QN_UNITS] = "units",
	[QN_CALENDAR] = "calendar",
	[QN_STANDARD_NAME] = "standard_name",
	[QN_CLASS] = "CLASS",
	[QN_NAME] = "NAME",
	[QN_DIMENSION_LIST] = "DIMENSION_LIST",
	[QN_DIMENSION_LABELS] = "DIMENSION_LABELS",
};

static const char *const texts[QN_NFAULTS] = {
	[QN_FAULT_UNREADABLE] = "cannot be read: it is ignored",
	[QN_FAULT_NO_MEMORY] = "cannot be read for want of memory",
	[QN_FAULT_VALUELESS] = "has no value: it is ignored",
	[QN_FAULT_WORDS] = "is text where a number belongs: it is ignored",
	[QN_FAULT_NO_NUMBER] =
		"is of a type of which no number can be made (compound, reference, list, "
		"array, more than 64 bits): it is ignored",
	[QN_FAULT_NO_TEXT] = "is not one text: it is ignored",
	[QN_FAULT_CUT] = "is too long: what is beyond its first bytes is left out",
	[QN_FAULT_LONG] = "has more than 4096 values: it is ignored",
	[QN_FAULT_CROWDED] =
		"has more than 255 different values: the first 255 count as missing, the "
		"others do not",
	[QN_FAULT_SEVERAL] = "has several values where one belongs, and they differ: it is ignored",
	[QN_FAULT_SEVERAL_FILLS] =
		"has several values where one belongs: all of them count as missing",
	[QN_FAULT_NOT_TWO] = "has not two values, the least and the largest: it is ignored",
	[QN_FAULT_NAN] = "is NaN, which bounds nothing: it is ignored",
	[QN_FAULT_UNFIT] = "has a value that the type of the data cannot hold: it is ignored",
	[QN_FAULT_PARTLY_UNFIT] =
		"has values that the type of the data cannot hold: they are ignored, "
		"and the others count",
	[QN_FAULT_BEYOND] =
		"is beyond what the type of the data can hold, and bounds nothing (if unsigned "
		"numbers are meant, _Unsigned = \"true\" says so)",
	[QN_FAULT_REVERSED] =
		"has its larger value first: nothing is within, and every value counts as "
		"missing",
	[QN_FAULT_MASKS_ALL] =
		"excludes every value that the data can have: all of them count as missing",
	[QN_FAULT_BESIDE_RANGE] =
		"says something else than valid_range, which counts: it is ignored",
	[QN_FAULT_NO_SCALE] =
		"is zero or not finite: it is ignored, and values are not scaled by it",
	[QN_FAULT_NO_OFFSET] = "is not finite: it is ignored",
	[QN_FAULT_NOT_BOOLEAN] = "is neither \"true\" nor \"false\": it is ignored",
	[QN_FAULT_NOT_SIGNED] = "contradicts the type of the data, which counts: it is ignored",
	[QN_FAULT_NAMELESS] =
		"is no list of dimension scales or names for each dimension: those without "
		"have a number only",
	[QN_FAULT_OF_RECORDS] =
		"is one of records, and says nothing about their members: it is not applied",
	[QN_FAULT_OF_TEXT] = "is not applied to text",
};

void qn_attribute_blame(qn_faults faults, enum qn_attribute attribute, enum qn_fault fault)
{
	if (faults[attribute] == QN_SOUND)
		faults[attribute] = (uint8_t)fault;
}

bool qn_faults_are_valid(const qn_faults faults)
{
	for (int i = 0; i < QN_NATTRIBUTES; i++)
		if (faults[i] >= QN_NFAULTS)
			return false;
	return true;
}

const char *qn_fault_text(const qn_faults faults, enum qn_attribute attribute)
{
	return faults[attribute] < QN_NFAULTS ? texts[faults[attribute]] : NULL;
}
