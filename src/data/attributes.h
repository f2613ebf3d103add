/*
 * attributes.h - the attributes that a description is made of, and what can be wrong with them.
 *
 * Whoever reads an attribute notes in the description what kept it from being taken as it stands
 * (qn_attribute_blame). What is noted is said once: by a run (find/warnings.h) and by `quern inspect`.
 */
#ifndef QN_DATA_ATTRIBUTES_H
#define QN_DATA_ATTRIBUTES_H

#include <stdbool.h>
#include <stdint.h>

/* The first of them say what stored values mean: --raw leaves them out. */
enum qn_attribute {
	QN_FILL_VALUE,
	QN_MISSING_VALUE,
	QN_VALID_RANGE,
	QN_VALID_MIN,
	QN_VALID_MAX,
	QN_SCALE_FACTOR,
	QN_ADD_OFFSET,
	QN_UNSIGNED,
	QN_NDECODING,
	QN_UNITS = QN_NDECODING,
	QN_CALENDAR,
	QN_STANDARD_NAME,
	QN_CLASS,
	QN_NAME,
	QN_DIMENSION_LIST,
	QN_DIMENSION_LABELS,
	QN_NATTRIBUTES
};

extern const char *const qn_attribute_names[QN_NATTRIBUTES];

/* What is wrong with an attribute, and so what is done with it. */
enum qn_fault {
	QN_SOUND, /* or not there */
	QN_FAULT_UNREADABLE,
	QN_FAULT_VALUELESS,
	QN_FAULT_WORDS,
	QN_FAULT_NO_NUMBER,
	QN_FAULT_NO_TEXT,
	QN_FAULT_CUT,
	QN_FAULT_LONG,
	QN_FAULT_CROWDED,
	QN_FAULT_SEVERAL,
	QN_FAULT_SEVERAL_FILLS,
	QN_FAULT_NOT_TWO,
	QN_FAULT_NAN,
	QN_FAULT_UNFIT,
	QN_FAULT_PARTLY_UNFIT,
	QN_FAULT_BEYOND,
	QN_FAULT_REVERSED,
	QN_FAULT_MASKS_ALL,
	QN_FAULT_BESIDE_RANGE,
	QN_FAULT_NO_SCALE,
	QN_FAULT_NO_OFFSET,
	QN_FAULT_NOT_BOOLEAN,
	QN_FAULT_NOT_SIGNED,
	QN_FAULT_NAMELESS,
	QN_FAULT_OF_RECORDS,
	QN_FAULT_OF_TEXT,
	QN_FAULT_NO_MEMORY, /* whoever describes the dataset fails */
	QN_NFAULTS
};

/* Of a description: a fault of each attribute. */
typedef uint8_t qn_faults[QN_NATTRIBUTES];

/* Notes a fault, unless one is noted already; QN_SOUND is none. */
void qn_attribute_blame(qn_faults faults, enum qn_attribute attribute, enum qn_fault fault);

bool qn_faults_are_valid(const qn_faults faults);

/* "is text where a number belongs: it is ignored"; NULL: it is sound. */
const char *qn_fault_text(const qn_faults faults, enum qn_attribute attribute);

#endif
