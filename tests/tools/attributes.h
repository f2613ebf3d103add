/*
 * attributes.h - for tests: attributes as files have them, right and wrong, and what they come to.
 */
#ifndef QN_TESTS_ATTRIBUTES_H
#define QN_TESTS_ATTRIBUTES_H

#include <hdf5.h>
#include <math.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include "data/attributes.h"

#define NVALUES 8

/* Types: letter and bytes of numbers; "en" an enumeration, "bi" a bit field, "ti" a time, all of a
   byte; "st" a text; "co" a compound, "ar" an array, "re" a reference, "li" a list, "wi" an integer
   of 16 bytes; n 0: a null dataspace. */
struct attribute {
	const char *name, *type;
	int n;
	double v[9];
};

struct example {
	const char *path, *type;
	struct attribute attribute[3];
	const char *valid; /* indexes of the values that are not missing */
	enum qn_attribute blamed;
	enum qn_fault fault;
};

/* Values are 0 to 7; of bytes the last four are 100, 127, 200 and 255, as bits. */
/* clang-format off */
static const struct example examples[] = {
	/* several values */
	{ "/nine", "f4", { { "missing_value", "f4", 9, { 1, 9, 10, 11, 12, 13, 14, 3, 7 } },
			   { "_FillValue", "f4", 1, { 0 } } }, "2456", 0, 0 },
	{ "/fills", "f4", { { "_FillValue", "f4", 2, { 3, 4 } } }, "012567",
	  QN_FILL_VALUE, QN_FAULT_SEVERAL_FILLS },
	{ "/fill_twice", "f4", { { "_FillValue", "f4", 2, { 3, 3 } } }, "0124567", 0, 0 },
	{ "/scales", "i2", { { "scale_factor", "f8", 2, { 1, 2 } } }, "01234567",
	  QN_SCALE_FACTOR, QN_FAULT_SEVERAL },
	{ "/min_min", "i2", { { "valid_min", "i2", 2, { 1, 2 } } }, "01234567",
	  QN_VALID_MIN, QN_FAULT_SEVERAL },
	{ "/range1", "i2", { { "valid_range", "i2", 1, { 3 } } }, "01234567",
	  QN_VALID_RANGE, QN_FAULT_NOT_TWO },
	{ "/range3", "i2", { { "valid_range", "i2", 3, { 3, 4, 5 } } }, "01234567",
	  QN_VALID_RANGE, QN_FAULT_NOT_TWO },
	{ "/nothing", "i2", { { "_FillValue", "i2", 0, { 0 } } }, "01234567",
	  QN_FILL_VALUE, QN_FAULT_VALUELESS },
	/* other types of numbers */
	{ "/enum", "u1", { { "_FillValue", "en", 1, { 3 } } }, "0124567", 0, 0 },
	{ "/bits", "u1", { { "valid_range", "bi", 2, { 1, 3 } } }, "123", 0, 0 },
	{ "/time", "i1", { { "missing_value", "ti", 2, { 1, -1 } } }, "023456", 0, 0 },
	{ "/text", "i2", { { "_FillValue", "st", 1, { 3 } } }, "01234567",
	  QN_FILL_VALUE, QN_FAULT_WORDS },
	{ "/compound", "i2", { { "valid_range", "co", 1, { 0 } } }, "01234567",
	  QN_VALID_RANGE, QN_FAULT_NO_NUMBER },
	{ "/array", "i2", { { "valid_range", "ar", 1, { 0 } } }, "01234567",
	  QN_VALID_RANGE, QN_FAULT_NO_NUMBER },
	{ "/reference", "i2", { { "missing_value", "re", 1, { 0 } } }, "01234567",
	  QN_MISSING_VALUE, QN_FAULT_NO_NUMBER },
	{ "/list", "f4", { { "add_offset", "li", 1, { 0 } } }, "01234567",
	  QN_ADD_OFFSET, QN_FAULT_NO_NUMBER },
	{ "/wide", "i2", { { "valid_max", "wi", 1, { 0 } } }, "01234567",
	  QN_VALID_MAX, QN_FAULT_NO_NUMBER },
	/* values that do not fit */
	{ "/unfit", "i2", { { "_FillValue", "f8", 1, { 1e20 } } }, "01234567",
	  QN_FILL_VALUE, QN_FAULT_UNFIT },
	{ "/fraction", "i2", { { "_FillValue", "f8", 1, { 2.5 } } }, "01234567",
	  QN_FILL_VALUE, QN_FAULT_UNFIT },
	{ "/partly", "i2", { { "missing_value", "f8", 3, { 3, 2.5, 70000 } } }, "0124567",
	  QN_MISSING_VALUE, QN_FAULT_PARTLY_UNFIT },
	{ "/large", "f4", { { "_FillValue", "f8", 1, { 1e300 } } }, "01234567",
	  QN_FILL_VALUE, QN_FAULT_UNFIT },
	{ "/tiny", "f4", { { "_FillValue", "f8", 1, { 1e-300 } } }, "01234567",
	  QN_FILL_VALUE, QN_FAULT_UNFIT },
	{ "/half", "f2", { { "_FillValue", "f8", 1, { 3.0001 } } }, "0124567", 0, 0 },
	{ "/half_large", "f2", { { "_FillValue", "f8", 1, { 1e5 } } }, "01234567",
	  QN_FILL_VALUE, QN_FAULT_UNFIT },
	/* scales */
	{ "/scale0", "i2", { { "scale_factor", "f8", 1, { 0 } } }, "01234567",
	  QN_SCALE_FACTOR, QN_FAULT_NO_SCALE },
	{ "/scale_nan", "i2", { { "scale_factor", "f8", 1, { NAN } } }, "01234567",
	  QN_SCALE_FACTOR, QN_FAULT_NO_SCALE },
	{ "/offset_inf", "i2", { { "add_offset", "f8", 1, { INFINITY } } }, "01234567",
	  QN_ADD_OFFSET, QN_FAULT_NO_OFFSET },
	/* bounds */
	{ "/reversed", "i2", { { "valid_range", "i2", 2, { 6, 3 } } }, "",
	  QN_VALID_RANGE, QN_FAULT_REVERSED },
	{ "/min_above_max", "f4", { { "valid_min", "f4", 1, { 6 } },
				    { "valid_max", "f4", 1, { 3 } } }, "",
	  QN_VALID_MIN, QN_FAULT_MASKS_ALL },
	{ "/between", "i2", { { "valid_range", "f8", 2, { 3.2, 3.8 } } }, "",
	  QN_VALID_RANGE, QN_FAULT_MASKS_ALL },
	{ "/above", "i2", { { "valid_min", "i4", 1, { 60000 } } }, "",
	  QN_VALID_MIN, QN_FAULT_MASKS_ALL },
	{ "/beyond", "i2", { { "valid_max", "i4", 1, { 60000 } } }, "01234567",
	  QN_VALID_MAX, QN_FAULT_BEYOND },
	{ "/far", "i2", { { "valid_max", "f4", 1, { 1e30 } } }, "01234567", 0, 0 },
	{ "/nan", "f4", { { "valid_range", "f4", 2, { NAN, 3 } } }, "0123",
	  QN_VALID_RANGE, QN_FAULT_NAN },
	{ "/infinite", "i2", { { "valid_range", "f8", 2, { -INFINITY, 3 } } }, "0123", 0, 0 },
	{ "/range_and_min", "i2", { { "valid_range", "i2", 2, { 1, 4 } },
				    { "valid_min", "i2", 1, { 2 } } }, "1234",
	  QN_VALID_MIN, QN_FAULT_BESIDE_RANGE },
	{ "/range_and_same", "i2", { { "valid_range", "i2", 2, { 1, 4 } },
				     { "valid_min", "f4", 1, { 1 } } }, "1234", 0, 0 },
	{ "/all_missing", "i2", { { "valid_range", "i2", 2, { 2, 3 } },
				  { "missing_value", "i2", 2, { 2, 3 } } }, "",
	  QN_MISSING_VALUE, QN_FAULT_MASKS_ALL },
	/* unpacked bounds: of the type of the scale, or floats of integers */
	{ "/offset_i4", "i2", { { "add_offset", "i4", 1, { 32768 } },
				{ "valid_range", "i4", 2, { 32770, 32772 } } }, "234", 0, 0 },
	{ "/scale_f8", "i2", { { "scale_factor", "f8", 1, { 2 } },
			       { "valid_range", "i4", 2, { 2, 4 } } }, "234", 0, 0 },
	{ "/double_f4", "f4", { { "scale_factor", "f8", 1, { 2 } },
				{ "add_offset", "f8", 1, { 1 } },
				{ "valid_range", "f8", 2, { 5, 9 } } }, "234", 0, 0 },
	{ "/single_f4", "f4", { { "scale_factor", "f8", 1, { 2 } },
				{ "valid_range", "f4", 2, { 5, 6 } } }, "56", 0, 0 },
	{ "/falling", "i2", { { "scale_factor", "f8", 1, { -0.1 } },
			      { "valid_range", "f8", 2, { -0.5, -0.3 } } }, "345", 0, 0 },
	{ "/falling_f4", "f4", { { "scale_factor", "f8", 1, { -2 } },
				 { "valid_range", "f8", 2, { -10, -6 } } }, "345", 0, 0 },
	{ "/unpacked_far", "i2", { { "scale_factor", "f8", 1, { 0.1 } },
				   { "valid_min", "f8", 1, { 1e9 } } }, "",
	  QN_VALID_MIN, QN_FAULT_MASKS_ALL },
	/* bytes */
	{ "/bytes", "i1", { { "valid_range", "i2", 2, { 0, 200 } } }, "0123456", 0, 0 },
	{ "/bytes_min", "i1", { { "valid_min", "i2", 1, { 128 } } }, "67", 0, 0 },
	{ "/bytes_fill", "i1", { { "valid_max", "i2", 1, { 254 } },
				 { "_FillValue", "i1", 1, { -56 } } }, "012345", 0, 0 },
	{ "/bytes_signed", "i1", { { "valid_range", "i1", 2, { 0, 127 } } }, "012345", 0, 0 },
	{ "/bytes_below", "i1", { { "valid_range", "i2", 2, { -100, 200 } } }, "01234567",
	  QN_VALID_RANGE, QN_FAULT_BEYOND },
	/* texts */
	{ "/unsigned_text", "i2", { { "_Unsigned", "st", 1, { 0 } } }, "01234567",
	  QN_UNSIGNED, QN_FAULT_NOT_BOOLEAN },
	{ "/unsigned_number", "i2", { { "_Unsigned", "i1", 1, { 1 } } }, "01234567",
	  QN_UNSIGNED, QN_FAULT_NO_TEXT },
	{ "/units_number", "i2", { { "units", "f4", 1, { 1 } } }, "01234567",
	  QN_UNITS, QN_FAULT_NO_TEXT },
	{ "/units_empty", "i2", { { "units", "st", 0, { 0 } } }, "01234567", 0, 0 },
	{ "/calendars", "i2", { { "calendar", "st", 2, { 0 } } }, "01234567",
	  QN_CALENDAR, QN_FAULT_NO_TEXT },
	{ "/names", "i2", { { "DIMENSION_LIST", "st", 1, { 0 } } }, "01234567",
	  QN_DIMENSION_LIST, QN_FAULT_NAMELESS },
};
/* clang-format on */
#define NEXAMPLES (sizeof(examples) / sizeof(examples[0]))

static inline double example_value(const struct example *e, int i)
{
	static const double bytes[] = { 100, 127, 200, 255 };

	if (e->type[1] != '1' || i < NVALUES / 2)
		return i;
	return bytes[i - NVALUES / 2] - (e->type[0] == 'i' && i > 5 ? 256 : 0);
}

/* IEEE binary16. */
static inline hid_t half_type(void)
{
	hid_t t = H5Tcopy(H5T_IEEE_F32LE);

	H5Tset_fields(t, 15, 10, 5, 0, 10);
	H5Tset_size(t, 2);
	H5Tset_ebias(t, 15);
	return t;
}

static inline hid_t compound_type(void)
{
	hid_t t = H5Tcreate(H5T_COMPOUND, 2);

	H5Tinsert(t, "a", 0, H5T_STD_I16LE);
	return t;
}

static inline hid_t enum_type(void)
{
	hid_t t = H5Tenum_create(H5T_STD_U8LE);
	const uint8_t three = 3;

	H5Tenum_insert(t, "none", &three);
	return t;
}

static inline hid_t wide_type(void)
{
	hid_t t = H5Tcopy(H5T_STD_I64LE);

	H5Tset_size(t, 16);
	H5Tset_precision(t, 128);
	return t;
}

/* The type of a code; to be closed. */
static inline hid_t type_of(const char *code)
{
	const hsize_t two = 2;
	const struct {
		const char *code;
		hid_t type;
	} plain[] = {
		{ "i1", H5T_STD_I8LE },	 { "u1", H5T_STD_U8LE },   { "i2", H5T_STD_I16BE },
		{ "i4", H5T_STD_I32LE }, { "f4", H5T_IEEE_F32LE }, { "f8", H5T_IEEE_F64BE },
		{ "st", H5T_C_S1 },	 { "bi", H5T_STD_B8LE },   { "re", H5T_STD_REF_OBJ },
	};

	for (size_t i = 0; i < sizeof(plain) / sizeof(plain[0]); i++)
		if (!strcmp(code, plain[i].code))
			return H5Tcopy(plain[i].type);
	switch (code[0]) {
	case 'f':
		return half_type();
	case 'c':
		return compound_type();
	case 'e':
		return enum_type();
	case 'w':
		return wide_type();
	case 'a':
		return H5Tarray_create2(H5T_STD_I16LE, 1, &two);
	case 'l':
		return H5Tvlen_create(H5T_STD_I16LE);
	default: { /* a time of one byte, which is not made from a larger one */
		hid_t t = H5Tcopy(H5T_UNIX_D32LE);

		H5Tset_precision(t, 8);
		H5Tset_size(t, 1);
		return t;
	}
	}
}

/* Numbers are converted by the library, or are bytes that it takes as they are. */
static inline bool put_attribute(hid_t dset, const struct attribute *a)
{
	hsize_t n = (hsize_t)a->n;
	hid_t type = type_of(a->type), attr;
	hid_t space = n ? H5Screate_simple(1, &n, NULL) : H5Screate(H5S_NULL);
	int8_t bytes[9] = { 0 };
	bool number = strchr("iuf", a->type[0]) && strchr("1248", a->type[1]), ok;

	for (int i = 0; i < a->n; i++)
		bytes[i] = (int8_t)a->v[i];
	attr = H5Acreate2(dset, a->name, type, space, H5P_DEFAULT, H5P_DEFAULT);
	ok = attr >= 0;
	if (ok && number && n)
		ok = H5Awrite(attr, H5T_NATIVE_DOUBLE, a->v) >= 0;
	else if (ok && n && H5Tget_size(type) == 1)
		ok = H5Awrite(attr, type, bytes) >= 0;
	H5Aclose(attr);
	H5Sclose(space);
	H5Tclose(type);
	return ok;
}

static inline bool put_example(hid_t file, const struct example *e)
{
	const hsize_t n = NVALUES;
	hid_t type = type_of(e->type), space = H5Screate_simple(1, &n, NULL), dset;
	double v[NVALUES];
	bool ok;

	for (int i = 0; i < NVALUES; i++)
		v[i] = example_value(e, i);
	dset = H5Dcreate2(file, e->path, type, space, H5P_DEFAULT, H5P_DEFAULT, H5P_DEFAULT);
	ok = dset >= 0 && H5Dwrite(dset, H5T_NATIVE_DOUBLE, H5S_ALL, H5S_ALL, H5P_DEFAULT, v) >= 0;
	for (int i = 0; ok && i < 3 && e->attribute[i].name; i++)
		ok = put_attribute(dset, &e->attribute[i]);
	H5Dclose(dset);
	H5Sclose(space);
	H5Tclose(type);
	return ok;
}

#endif
